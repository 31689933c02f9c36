//! Whether a policy accepts a proposal: pure, and it says why not.

use super::Policy;
use crate::proposals::{Proposal, ProposalState};
use crate::watch::ACTOR;

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The policy that accepts it, with why, in a line.
    pub accepted: Option<(Policy, String)>,
    /// Why the others do not, a line each.
    pub refusals: Vec<String>,
}

/// Judges an open proposal by all policies in force, in their order; the first that allows it accepts it. `history`
/// are the other proposals, decided or not.
#[must_use]
pub fn judge(policies: &[Policy], proposal: &Proposal, history: &[Proposal], now_ms: i64) -> Judged {
    let mut judged = Judged { accepted: None, refusals: Vec::new() };
    for policy in policies.iter().filter(|policy| policy.enabled) {
        match allows(policy, proposal, history, now_ms) {
            Ok(why) => {
                judged.accepted = Some((policy.clone(), why));
                break;
            }
            Err(why) => judged.refusals.push(format!("policy '{}' does not accept it: {why}", policy.name)),
        }
    }
    judged
}

fn allows(policy: &Policy, proposal: &Proposal, history: &[Proposal], now_ms: i64) -> Result<String, String> {
    let rules = &policy.rules;
    let (Some(kind), Some(change)) = (proposal.kind, proposal.change) else {
        return Err("it is not of a finding".to_owned());
    };
    if proposal.actor != ACTOR || proposal.state != ProposalState::Open {
        return Err("it is not an open one of DAS".to_owned());
    }
    if !rules.kinds.is_empty() && !rules.kinds.contains(&kind) {
        return Err(format!("findings of kind {} are not named", kind.as_str()));
    }
    if !rules.changes.contains(&change) {
        return Err(format!("changes of the sort {} are not named", change.as_str()));
    }
    let refused = history.iter().filter(|other| other.finding == proposal.finding).any(by_person_refused);
    if refused {
        return Err("a person refused or took back one for the same finding".to_owned());
    }
    let Some(comparison) = &proposal.comparison else {
        return Err("the sandbox could not try it".to_owned());
    };
    let Some((worse, pairs)) = comparison.worse_pairs().filter(|(_, pairs)| *pairs > 0) else {
        return Err("the sandbox had nothing to compare it with".to_owned());
    };
    let bound = comparison.worse_at_most();
    if bound > rules.worse_at_most {
        return Err(format!(
            "{worse} of {pairs} paired runs became worse, at most {:.1} % (95 %) may be worse, allowed are {:.1} %",
            bound * 100.0,
            rules.worse_at_most * 100.0
        ));
    }
    let actor = policy.actor();
    let today = history
        .iter()
        .filter(|other| other.decided_by.as_deref() == Some(actor.as_str()))
        .filter(|other| other.decided_ms.is_some_and(|at| now_ms.saturating_sub(at) < DAY_MS))
        .count();
    if today >= usize::try_from(rules.per_day).unwrap_or(usize::MAX) {
        return Err(format!("it has accepted {today} within a day"));
    }
    Ok(format!(
        "accepted by policy '{}', version {}: {worse} of {pairs} paired runs became worse, at most {:.1} % (95 %)",
        policy.name,
        policy.version,
        bound * 100.0
    ))
}

/// Whether a person said no to it, before or after; what DAS withdrew itself does not count.
fn by_person_refused(proposal: &Proposal) -> bool {
    match proposal.state {
        ProposalState::TakenBack => true,
        ProposalState::Rejected => proposal.decided_by.as_deref() != Some(ACTOR),
        ProposalState::Open | ProposalState::Accepted => false,
    }
}
