//! One question: candidates are asked beside each other, each is told what is wrong until nothing is, and of those that
//! cover most the one that most others agree with is taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use llm::{ChatRequest, Content, Message, Usage};

use super::prompt::Question;
use super::{Judged, LeftOut, judge};
use crate::Error;
use crate::bootstrap::Prepared;
use crate::bootstrap::suggestion::{self, Suggestion};

/// Rounds of asking and correcting.
pub const MAX_ROUNDS: u32 = 5;
/// Most candidates of which one is taken.
pub const MAX_CANDIDATES: u32 = 5;
/// Temperature of all candidates but the first.
const EXPLORING: f64 = 0.8;
/// Distance of the seeds of two candidates, more than a candidate uses.
const SEED_STEP: u64 = 1_000;
/// Most refusals that are told in one round.
const MAX_TOLD: usize = 40;
/// Longest answer that is shown to the model again, in bytes.
const MAX_SHOWN_BYTES: usize = 64 * 1024;

/// What asking took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effort {
    pub(super) rounds: u32,
    pub(super) usage: Usage,
    pub(super) cost: f64,
}

/// What came of a question.
#[derive(Default)]
pub(super) struct Found {
    pub(super) accepted: Vec<Suggestion>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) effort: Effort,
    /// Why there was no answer at all.
    pub(super) failed: Option<String>,
    /// Requirements that are allocated with it.
    allocated: usize,
}

/// Asks for candidates and takes the best.
pub(super) async fn best(
    prepared: &Arc<Prepared>,
    base: &[Suggestion],
    question: &Question,
    asker: (&dyn llm::Model, &str),
    candidates: u32,
) -> Result<Found, Error> {
    let wanted = candidates.clamp(1, MAX_CANDIDATES);
    let asked = (0..wanted).map(|number| candidate(number, prepared, base, question, asker));
    let mut found: Vec<Found> = Vec::new();
    let mut effort = Effort::default();
    for answer in join_all(asked).await {
        let answer = answer?;
        effort.rounds += answer.effort.rounds;
        effort.usage += answer.effort.usage;
        effort.cost += answer.effort.cost;
        found.push(answer);
    }
    let claims: Vec<BTreeSet<String>> = found
        .iter()
        .map(|one| one.accepted.iter().map(|suggestion| suggestion.item.claim()).collect())
        .collect();
    let rank = |place: &usize| {
        let one = found.get(*place);
        let answered = one.is_some_and(|one| one.failed.is_none());
        (answered, one.map_or(0, |one| one.allocated), agreement(&claims, *place))
    };
    // The first of equals: the model's best guess.
    let best = (0..found.len()).rev().max_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
    });
    let best = best.filter(|place| *place < found.len()).map(|place| found.swap_remove(place));
    Ok(Found { effort, ..best.unwrap_or_default() })
}

/// How much of what a candidate says others say too, 0..=1: the mean of the shares of common claims.
fn agreement(claims: &[BTreeSet<String>], place: usize) -> f64 {
    let Some(own) = claims.get(place) else { return 0.0 };
    let others = claims.iter().enumerate().filter(|(other, _)| *other != place);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand claims at most")]
    let alike: Vec<f64> = others
        .map(|(_, other)| own.intersection(other).count() as f64 / own.union(other).count().max(1) as f64)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "at most five candidates")]
    let mean = alike.iter().sum::<f64>() / alike.len().max(1) as f64;
    mean
}

/// One candidate. What passes the checks is kept from round to round; only the rest is asked for again, until nothing is
/// wrong or the model says the same again.
async fn candidate(
    number: u32,
    prepared: &Arc<Prepared>,
    base: &[Suggestion],
    question: &Question,
    (model, by): (&dyn llm::Model, &str),
) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut request = ChatRequest { seed: Some(u64::from(number) * SEED_STEP), ..question.request.clone() };
    request.temperature = request.temperature.or(Some(0.0));
    if number > 0 {
        request.temperature = request.temperature.map(|temperature| temperature.max(EXPLORING));
    }
    for round in 1..=MAX_ROUNDS {
        found.effort.rounds = round;
        let answer = match model.chat(request.clone()).await {
            Ok(answer) => answer,
            Err(error) if round == 1 => {
                found.failed = Some(error.to_string());
                return Ok(found);
            }
            Err(error) => {
                let what = format!("round {round} of a question");
                found.left_out.push(LeftOut::new(what, error.to_string()));
                return Ok(found);
            }
        };
        found.effort.usage += answer.usage;
        found.effort.cost += answer.cost;
        let said = answer.samples.into_iter().next().map_or(Content::Empty, |sample| sample.content);
        let wrong = match read(&said, by) {
            Ok(items) => hear(prepared, base, question, items, &mut found).await?,
            Err(why) => vec![LeftOut::new("the answer", why)],
        };
        let told = feedback(&wrong);
        // Who says the same again after being told says it a third time.
        let insists = wrong == found.left_out;
        found.left_out = wrong;
        if found.left_out.is_empty() || insists {
            return Ok(found);
        }
        let shown: String = said.text().chars().take(MAX_SHOWN_BYTES).collect();
        request.messages.push(Message::assistant(shown));
        request.messages.push(Message::user(told));
    }
    Ok(found)
}

/// Takes what fits of an answer; gives what does not, and why.
async fn hear(
    prepared: &Arc<Prepared>,
    base: &[Suggestion],
    question: &Question,
    items: Vec<Suggestion>,
    found: &mut Found,
) -> Result<Vec<LeftOut>, Error> {
    let mut wrong = Vec::new();
    let known: BTreeSet<String> = found.accepted.iter().map(|suggestion| suggestion.item.claim()).collect();
    let fresh: Vec<Suggestion> = items
        .into_iter()
        .filter(|suggestion| !known.contains(&suggestion.item.claim()))
        .filter(|suggestion| match unasked(suggestion, question) {
            Some(id) => {
                let why = format!("there is no requirement '{}' in the question", suggestion::words(id));
                wrong.push(LeftOut::of(suggestion, why));
                false
            }
            None => true,
        })
        .collect();
    let first = base.len() + found.accepted.len();
    let all: Vec<Suggestion> = base.iter().chain(&found.accepted).chain(&fresh).cloned().collect();
    let judged = match judge(prepared, all).await {
        Ok(judged) => judged,
        // A check that only the whole system fails: none of it is taken.
        Err(error) => {
            let why = format!("the system would break by it: {error}");
            return Ok(fresh.into_iter().map(|one| LeftOut::of(&one, why.clone())).collect());
        }
    };
    let Judged { refusals, allocated, .. } = judged;
    found.allocated = allocated;
    let refused: BTreeSet<usize> = refusals.iter().map(|refusal| refusal.at).collect();
    for refusal in refusals.into_iter().filter(|refusal| refusal.why != suggestion::ALREADY) {
        let said = refusal.at.checked_sub(first).and_then(|place| fresh.get(place));
        wrong.extend(said.map(|said| LeftOut::of(said, refusal.why.clone())));
    }
    let taken = fresh.into_iter().enumerate().filter(|(place, _)| !refused.contains(&(first + place)));
    found.accepted.extend(taken.map(|(_, suggestion)| suggestion));
    Ok(wrong)
}

/// The first requirement that a suggestion speaks of without having been asked about it.
fn unasked<'a>(suggestion: &'a Suggestion, question: &Question) -> Option<&'a str> {
    let ids = suggestion.item.requirements();
    ids.into_iter().find(|id| !question.ids.iter().any(|asked| asked == id.trim()))
}

fn read(said: &Content, by: &str) -> Result<Vec<Suggestion>, String> {
    let value = match said {
        Content::Json { value } => value.clone(),
        Content::Invalid { findings, .. } => return Err(findings.join("; ")),
        Content::Text { text } => {
            serde_json::from_str(text).map_err(|error| format!("the answer is not JSON: {error}"))?
        }
        other => return Err(format!("the answer ended as '{}'", other.ending())),
    };
    suggestion::read(value, by)
}

fn feedback(wrong: &[LeftOut]) -> String {
    let lines: Vec<String> = wrong
        .iter()
        .take(MAX_TOLD)
        .map(|one| format!("- {}: {}", suggestion::words(&one.what), one.why))
        .collect();
    let more = wrong.len().saturating_sub(MAX_TOLD);
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    format!(
        "The checks refused this:\n{}{more}\nEverything else is taken. Answer in the same form with what you correct of it, \
         and what it needs; leave out what cannot be corrected, and what was taken.",
        lines.join("\n")
    )
}
