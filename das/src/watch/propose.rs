//! From a finding to a proposal: the remedy is drafted, tried in the sandbox beside what there is, and stored with
//! what was seen. A draft that does worse is dropped, and that is said.

use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::WatchDeps;
use super::finding::Finding;
use super::remedy::Remedy;
use super::sight::{Sight, Watched};
use crate::error::Error;
use crate::proposals::{Proposal, ProposalState};
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
    let seen = match tried {
        Ok(comparison) if comparison.is_worse() => {
            let mut lines = vec!["a draft was tried and dropped: it failed more often".to_owned()];
            lines.extend(comparison.evidence());
            return Ok(Drafted::Dropped(lines));
        }
        Ok(comparison) => comparison.evidence(),
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
        ..Proposal::default()
    };
    let event = NewEvent {
        actor: super::ACTOR.to_owned(),
        definition: finding.definition,
        subject: Some(process_id.clone()),
        data: serde_json::json!({"id": id, "title": finding.title, "finding": finding.id()}),
        ..NewEvent::new("proposal.made", now_ms)
    };
    deps.proposals.put(&proposal, event).await?;
    Ok(Drafted::Stored(id, seen))
}

async fn draft(deps: &WatchDeps, remedy: &Remedy, watched: &Watched) -> Result<String, Error> {
    match remedy {
        Remedy::Restore { definition, .. } => Ok(deps.engine.definition_xml(*definition).await?),
        Remedy::Edit { .. } | Remedy::Instruct(_) => remedy.apply(&watched.profile.definitions),
    }
}

/// The same finding is tried with the same seeds.
fn seed(finding: &Finding) -> u64 {
    u64::from_str_radix(&digest(&finding.id())[..16], 16).unwrap_or_default()
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
