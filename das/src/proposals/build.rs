//! A proposal to build a system from a source, or to build it anew after a change: with its diff, by node and by
//! process.

use serde::{Deserialize, Serialize};
use serde_json::json;
use trail::NewEvent;

use super::{Proposal, Proposals};
use crate::bootstrap::preview::{Effect, Preview, preview};
use crate::bootstrap::{Deps, ModelUse, Request};
use crate::error::Error;

/// Longest source that a proposal holds, bytes.
pub const BUILD_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// What would be built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Name of the file: its ending says the format.
    pub file: String,
    /// The requirements.
    pub content: String,
    /// Whether a language model has a say in it. What it said is remembered: it is not asked again.
    #[serde(default)]
    pub model: ModelUse,
    /// What changes by it, as it was when the proposal was made.
    pub preview: Preview,
    /// The change set it became.
    #[serde(default)]
    pub change_set: Option<i64>,
    /// The change set before, 0 where the system was not there.
    #[serde(default)]
    pub change_set_before: i64,
    /// Hash of the source that the system came from before.
    #[serde(default)]
    pub source_before: Option<String>,
    /// Definitions that were in force before.
    #[serde(default)]
    pub replaced: Vec<Replaced>,
}

/// A definition that was in force before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Id of its process.
    pub process: String,
    /// Its key.
    pub definition: i64,
}

/// Stores a proposal to build `system` from a source; nothing is built before it is accepted.
///
/// # Errors
/// Those of [`preview`]; [`Error::Proposal`] where nothing would change or the source is longer than
/// [`BUILD_LIMIT_BYTES`].
pub async fn propose_build(
    id: String,
    request: Request,
    deps: &Deps,
    proposals: &dyn Proposals,
) -> Result<Proposal, Error> {
    let refuse = |why: String| Error::Proposal { id: id.clone(), why };
    let (file, actor, model) = (request.file.clone(), request.actor.clone(), request.model);
    if request.content.len() > BUILD_LIMIT_BYTES {
        let why = format!(
            "its source has {} bytes, BUILD_LIMIT_BYTES is {BUILD_LIMIT_BYTES}",
            request.content.len()
        );
        return Err(refuse(why));
    }
    let content = String::from_utf8(request.content.clone()).map_err(|error| refuse(error.to_string()))?;
    let preview = preview(request, deps).await?;
    if !preview.first && preview.nodes.is_empty() && preview.processes.is_empty() && preview.links == 0 {
        return Err(refuse(format!("the source changes nothing in '{}'", preview.system)));
    }
    let now_ms = deps.clock.now_ms();
    let count = |effect: Effect| preview.nodes.iter().filter(|node| node.effect == effect).count();
    let summary = format!(
        "{} nodes added, {} changed, {} removed, {} kept as people wrote them; {} links; {} processes; {} nodes untouched",
        count(Effect::Added),
        count(Effect::Changed),
        count(Effect::Removed),
        count(Effect::Kept),
        preview.links,
        preview.processes.len(),
        preview.untouched
    );
    let title = if preview.first {
        format!("Build '{}' from {file}", preview.system)
    } else {
        format!("Bring '{}' up to {file}", preview.system)
    };
    let proposal = Proposal {
        id: id.clone(),
        title: title.clone(),
        source: "deterministic".to_owned(),
        request: title,
        notes: vec![summary],
        actor: actor.clone(),
        created_ms: now_ms,
        build: Some(Build {
            file,
            content,
            model,
            preview,
            change_set: None,
            change_set_before: 0,
            source_before: None,
            replaced: Vec::new(),
        }),
        ..Proposal::default()
    };
    let event = NewEvent {
        actor,
        subject: Some(format!("proposal:{id}")),
        data: json!({"title": proposal.title, "note": proposal.notes.first()}),
        ..NewEvent::new("proposal.made", now_ms)
    };
    proposals.put(&proposal, event).await?;
    Ok(proposal)
}
