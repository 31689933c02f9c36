//! From a finding to a proposal: the remedy is drafted, tried in the sandbox beside what there is, and stored with
//! what was seen. A draft that does worse is dropped, and that is said.

use context::Stamp;
use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::finding::Finding;
use super::remedy::Remedy;
use super::sight::{Sight, Watched};
use super::{WatchDeps, rewrite};
use crate::error::Error;
use crate::policies::ChangeKind;
use crate::proposals::{PromptChange, Proposal, ProposalState};
use crate::sandbox::{self, Recorded};

/// What came of a remedy.
pub(super) enum Drafted {
    /// A proposal was stored under this id; the lines are what the sandbox saw.
    Stored(String, Vec<String>),
    /// There is none, and why, if there is anything to say.
    Dropped(Vec<String>),
}

/// Drafts, tries and stores what a finding asks for.
pub(super) async fn propose(deps: &WatchDeps, sight: &Sight, finding: &Finding) -> Result<Drafted, Error> {
    if let Some(Remedy::Prompt(change)) = &finding.remedy {
        return propose_prompt(deps, finding, change).await;
    }
    let watched = finding.definition.and_then(|key| sight.process(key));
    let (Some(remedy), Some(watched)) = (&finding.remedy, watched) else {
        return Ok(Drafted::Dropped(Vec::new()));
    };
    let draft = match draft(deps, remedy, watched).await {
        Ok(draft) => draft,
        Err(error) => return Ok(Drafted::Dropped(vec![format!("no draft could be made: {error}")])),
    };
    let process_id = &watched.definition.process_id;
    let recorded =
        Recorded::read(deps.engine.as_ref(), deps.store.as_ref(), deps.trail.as_ref(), process_id).await?;
    let now_ms = deps.clock.now_ms();
    let tried = sandbox::compare(Some(&watched.profile.xml), &draft, &recorded, seed(finding), now_ms).await;
    let (seen, comparison) = match tried {
        Ok(comparison) if comparison.is_worse() => {
            let mut lines = vec!["a draft was tried and dropped: it failed more often".to_owned()];
            lines.extend(comparison.evidence());
            return Ok(Drafted::Dropped(lines));
        }
        Ok(comparison) => (comparison.evidence(), comparison),
        Err(error) => return Ok(Drafted::Dropped(vec![format!("a draft was tried and dropped: {error}")])),
    };
    let id = format!("das-{}-{}", &digest(&finding.id())[..12], finding.weight);
    let mut notes = vec![remedy.line()];
    notes.extend(finding.evidence.iter().cloned());
    notes.extend(seen.iter().cloned());
    let proposal = Proposal {
        id: id.clone(),
        title: finding.title.clone(),
        source: "deterministic".to_owned(),
        xml: draft,
        base_xml: Some(watched.profile.xml.clone()),
        process_id: process_id.clone(),
        request: finding.title.clone(),
        notes,
        state: ProposalState::Open,
        actor: super::ACTOR.to_owned(),
        created_ms: now_ms,
        finding: Some(finding.id()),
        kind: Some(finding.kind),
        change: Some(ChangeKind::of(remedy)),
        comparison: Some(comparison),
        ..Proposal::default()
    };
    deps.proposals.put(&proposal, made(finding, &id, process_id, now_ms)).await?;
    Ok(Drafted::Stored(id, seen))
}

/// What the rules drafted is not tried: the sandbox replays answers, and they are of the version as it is. What a model
/// wrote is tried by the context manager, and goes before it where it is surely better.
async fn propose_prompt(
    deps: &WatchDeps,
    finding: &Finding,
    change: &PromptChange,
) -> Result<Drafted, Error> {
    let now_ms = deps.clock.now_ms();
    let (mut seen, mut found) = (Vec::new(), finding.evidence.clone());
    let (mut change, mut source) = (change.clone(), "deterministic".to_owned());
    if let (Some(contexts), Some(model)) = (&deps.contexts, &deps.model) {
        let stamp = Stamp::new(super::ACTOR, now_ms);
        match rewrite::rewrite(contexts, model.as_ref(), &change, &stamp).await {
            Ok(None) => {}
            Ok(Some(tried)) => {
                seen = tried.evidence;
                if let Some(better) = tried.change {
                    (change, source) = (better, tried.by);
                    found.retain(|line| !super::finding::is_of_draft(line));
                }
            }
            Err(error) => seen.push(format!("a text by the model could not be tried: {error}")),
        }
    }
    let id = format!("das-{}-{}", &digest(&finding.id())[..12], finding.weight);
    let proposal = Proposal {
        id: id.clone(),
        title: finding.title.clone(),
        source,
        request: finding.title.clone(),
        notes: found.iter().chain(&seen).cloned().collect(),
        state: ProposalState::Open,
        actor: super::ACTOR.to_owned(),
        created_ms: now_ms,
        finding: Some(finding.id()),
        kind: Some(finding.kind),
        change: Some(ChangeKind::Prompt),
        prompt: Some(change.clone()),
        ..Proposal::default()
    };
    let subject = format!("prompt:{}", change.name);
    deps.proposals.put(&proposal, made(finding, &id, &subject, now_ms)).await?;
    Ok(Drafted::Stored(id, seen))
}

fn made(finding: &Finding, id: &str, subject: &str, now_ms: i64) -> NewEvent {
    NewEvent {
        actor: super::ACTOR.to_owned(),
        definition: finding.definition,
        subject: Some(subject.to_owned()),
        data: serde_json::json!({"id": id, "title": finding.title, "finding": finding.id()}),
        ..NewEvent::new("proposal.made", now_ms)
    }
}

async fn draft(deps: &WatchDeps, remedy: &Remedy, watched: &Watched) -> Result<String, Error> {
    match remedy {
        Remedy::Restore { definition, .. } => Ok(deps.engine.definition_xml(*definition).await?),
        Remedy::Edit { .. } | Remedy::Instruct(_) | Remedy::Prompt(_) => {
            remedy.apply(&watched.profile.definitions)
        }
    }
}

/// The same finding is tried with the same seeds.
fn seed(finding: &Finding) -> u64 {
    u64::from_str_radix(&digest(&finding.id())[..16], 16).unwrap_or_default()
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
