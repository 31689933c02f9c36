//! "If it takes longer than 2 days, escalate to the manager": a deadline at a step, and what is done when it passes.

use super::duration::duration;

/// What a text says about a step that takes too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// Label of the step.
    pub step: String,
    /// The time, as it was said.
    pub time: String,
    /// The same as an ISO 8601 duration.
    pub duration: String,
    /// Label of what is done then.
    pub then: String,
}

/// A sentence that says so, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said<'a> {
    /// What takes too long; `None` for a pronoun: the step before.
    pub(super) what: Option<&'a str>,
    pub(super) time: &'a str,
    pub(super) duration: String,
    /// What is done then, and where it begins, in bytes of the sentence.
    pub(super) then: &'a str,
    pub(super) begins: usize,
}

/// Takes a sentence apart; `None` where it says something else.
pub(super) fn said(sentence: &str) -> Option<Said<'_>> {
    const OPENERS: [&str; 4] = ["if ", "when ", "should ", "in case "];
    const TAKES: [&str; 6] = [
        " takes longer than ",
        " takes more than ",
        " take longer than ",
        " take more than ",
        " is not finished within ",
        " is not done within ",
    ];
    const PRONOUNS: [&str; 6] = ["it", "this", "that", "this step", "that step", "this task"];
    // Only ASCII is compared without case, so that places hold in the sentence itself.
    let lower = sentence.to_ascii_lowercase();
    let opener = OPENERS.iter().find(|opener| lower.starts_with(**opener))?.len();
    let (at, takes) = TAKES.iter().find_map(|takes| Some((lower.find(takes)?, takes)))?;
    let what = sentence.get(opener..at)?.trim();
    let rest = at + takes.len();
    let comma = rest + sentence.get(rest..)?.find(',')?;
    let time = sentence.get(rest..comma)?.trim();
    let duration = duration(time.to_lowercase().split(' '))?;
    let then = sentence.get(comma + 1..)?;
    let skipped = then.len() - then.trim_start().len();
    let (mut begins, mut then) = (comma + 1 + skipped, then.trim_start());
    if then.to_ascii_lowercase().starts_with("then ") {
        begins += 5;
        then = then.get(5..)?;
    }
    let pronoun = PRONOUNS.contains(&what.to_lowercase().as_str());
    // A condition on something else that is said in the same breath is more than this.
    let plain = !what.contains(',') && what.split(' ').count() <= 6 && !then.is_empty();
    plain.then_some(Said { what: (!pronoun).then_some(what), time, duration, then, begins })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_taken_apart() {
        let found =
            said("If the review takes longer than two days, then the clerk informs the manager.").unwrap();
        assert_eq!(
            (found.what, found.time, found.duration.as_str()),
            (Some("the review"), "two days", "P2D")
        );
        assert_eq!(found.then, "the clerk informs the manager.");
        assert_eq!(said("If it takes more than 4 hours, escalate it.").unwrap().what, None);
        for other in [
            "If the order takes long, wait.",
            "If it takes longer than planned, wait.",
            "The review takes longer than 2 days, always.",
            "If it takes longer than 2 days",
        ] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
