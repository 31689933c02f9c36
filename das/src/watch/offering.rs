//! Makes offers of findings, and withdraws what is no longer true or was left lying.

use std::collections::BTreeMap;

use super::WatchDeps;
use super::finding::Finding;
use super::offer::{Offer, OfferState, Offers};
use super::priority::{RETURNS_AT, choose};
use super::propose::{Drafted, propose};
use super::sight::Sight;
use crate::error::Error;
use crate::policies::judge;
use crate::proposals::ProposalState;

/// An offer that nobody decides on for so long is ignored, milliseconds: fourteen days.
pub(super) const IGNORED_AFTER_MS: i64 = 14 * 86_400_000;
/// Drafts tried in one look; the others are offered in the next.
const DRAFTS_LIMIT: usize = 2;

/// Brings the offers up to date and makes new ones; returns the ids of the new ones.
pub(super) async fn offer(
    deps: &WatchDeps,
    sight: &Sight,
    findings: &[Finding],
) -> Result<Vec<String>, Error> {
    let mut offers: BTreeMap<String, Offer> =
        deps.offers.list().await?.into_iter().map(|offer| (offer.id.clone(), offer)).collect();
    for offer in offers.values_mut().filter(|offer| offer.state == OfferState::Open) {
        follow(deps, sight, findings, offer).await?;
    }
    let mut made = Vec::new();
    let mut drafts = 0;
    for finding in choose(findings, &offers) {
        let mut offer = Offer::of(finding, offers.get(&finding.id()), sight.now_ms);
        if finding.remedy.is_some() {
            if drafts == DRAFTS_LIMIT {
                continue;
            }
            drafts += 1;
        }
        match propose(deps, sight, finding).await? {
            Drafted::Stored(id, seen) => {
                offer.proposal = Some(id);
                offer.evidence.extend(seen);
            }
            Drafted::Dropped(why) => offer.evidence.extend(why),
        }
        deps.offers.put(&offer, offer.event("suggestion.made", super::ACTOR, sight.now_ms)).await?;
        if let Some(id) = offer.proposal.clone() {
            by_policy(deps, &id, &mut offer).await?;
        }
        made.push(offer.id);
    }
    Ok(made)
}

/// Accepts a fresh proposal where a policy that a person wrote allows it; why not is told with it.
async fn by_policy(deps: &WatchDeps, id: &str, offer: &mut Offer) -> Result<(), Error> {
    let (Some(policies), Some(deciding)) = (&deps.policies, &deps.deciding) else { return Ok(()) };
    let policies = policies.list().await?;
    if policies.iter().all(|policy| !policy.enabled) {
        return Ok(());
    }
    let Some(proposal) = deps.proposals.get(id).await? else { return Ok(()) };
    let mut history = deps.proposals.list(None).await?;
    history.retain(|other| other.id != id);
    let now_ms = deps.clock.now_ms();
    let judged = judge(&policies, &proposal, &history, now_ms);
    let Some((policy, why)) = judged.accepted else {
        offer.evidence.extend(judged.refusals);
        return deps.offers.put(offer, offer.event("suggestion.judged", super::ACTOR, now_ms)).await;
    };
    let decided = deciding.decide(id, true, Some(&why), &policy.actor()).await;
    if let Err(error) = decided {
        // What cannot be brought about waits for a person.
        offer
            .evidence
            .push(format!("policy '{}' accepted it, but it could not be done: {error}", policy.name));
        return deps.offers.put(offer, offer.event("suggestion.judged", super::ACTOR, now_ms)).await;
    }
    offer.decide(OfferState::Accepted, Some(&why), now_ms);
    close(deps, offer, &policy.actor()).await
}

/// One open offer: was it decided, is it still true, has it waited too long?
async fn follow(
    deps: &WatchDeps,
    sight: &Sight,
    findings: &[Finding],
    offer: &mut Offer,
) -> Result<(), Error> {
    let now_ms = sight.now_ms;
    let proposal = match &offer.proposal {
        Some(id) => deps.proposals.get(id).await?,
        None => None,
    };
    if let Some(proposal) = proposal.as_ref().filter(|proposal| proposal.state != ProposalState::Open) {
        let accepted = proposal.state == ProposalState::Accepted;
        // What was taken back counts as refused.
        let state = if accepted { OfferState::Accepted } else { OfferState::Rejected };
        offer.decide(state, proposal.reason.as_deref(), proposal.decided_ms.unwrap_or(now_ms));
        let by = proposal.decided_by.as_deref().unwrap_or(&proposal.actor);
        return close(deps, offer, by).await;
    }
    let Some(finding) = findings.iter().find(|finding| finding.id() == offer.id) else {
        offer.decide(OfferState::Settled, Some("it is no longer true"), now_ms);
        withdraw(deps, proposal, "withdrawn by das: what it was for is no longer true", now_ms).await?;
        return close(deps, offer, super::ACTOR).await;
    };
    if now_ms.saturating_sub(offer.made_ms) >= IGNORED_AFTER_MS {
        offer.decide(OfferState::Ignored, Some("nobody decided"), now_ms);
        withdraw(deps, proposal, "withdrawn by das: nobody decided", now_ms).await?;
        return close(deps, offer, super::ACTOR).await;
    }
    if finding.weight >= RETURNS_AT * offer.weight.max(1) {
        offer.evidence.clone_from(&finding.evidence);
        offer.evidence.extend(proposal.map(|_| "the proposal shows what the sandbox saw".to_owned()));
        offer.weight = finding.weight;
        return deps.offers.put(offer, offer.event("suggestion.renewed", super::ACTOR, now_ms)).await;
    }
    Ok(())
}

/// A proposal that nobody should take any more.
async fn withdraw(
    deps: &WatchDeps,
    proposal: Option<crate::proposals::Proposal>,
    why: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let Some(mut proposal) = proposal.filter(|proposal| proposal.state == ProposalState::Open) else {
        return Ok(());
    };
    proposal.state = ProposalState::Rejected;
    proposal.decided_ms = Some(now_ms);
    proposal.decided_by = Some(super::ACTOR.to_owned());
    proposal.reason = Some(why.to_owned());
    let event = trail::NewEvent {
        actor: super::ACTOR.to_owned(),
        subject: Some(proposal.process_id.clone()),
        data: serde_json::json!({"id": proposal.id, "reason": why}),
        ..trail::NewEvent::new("proposal.withdrawn", now_ms)
    };
    deps.proposals.put(&proposal, event).await
}

async fn close(deps: &WatchDeps, offer: &Offer, actor: &str) -> Result<(), Error> {
    let kind = format!("suggestion.{}", offer.state.as_str());
    deps.offers.put(offer, offer.event(&kind, actor, offer.decided_ms.unwrap_or_default())).await
}

/// Decides on an open offer that has no proposal (one with a proposal is decided with it).
///
/// # Errors
/// `DAS-0022` where there is no such open offer or it has a proposal; [`Error::Stopped`] where the store fails.
pub async fn decide(
    offers: &dyn Offers,
    id: &str,
    accept: bool,
    reason: Option<&str>,
    actor: &str,
    now_ms: i64,
) -> Result<Offer, Error> {
    let refuse = |why: &str| Error::Offer { id: id.to_owned(), why: why.to_owned() };
    let mut offer = offers.get(id).await?.ok_or_else(|| refuse("there is none with this id"))?;
    if offer.state != OfferState::Open {
        return Err(refuse(&format!("it is {}", offer.state.as_str())));
    }
    if let Some(proposal) = &offer.proposal {
        return Err(refuse(&format!("decide its proposal '{proposal}' instead")));
    }
    offer.decide(if accept { OfferState::Accepted } else { OfferState::Rejected }, reason, now_ms);
    let kind = format!("suggestion.{}", offer.state.as_str());
    offers.put(&offer, offer.event(&kind, actor, now_ms)).await?;
    Ok(offer)
}
