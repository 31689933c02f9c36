//! Knowledge capture: what people decided about proposals, and how they corrected what was generated, goes into
//! memory, so that it is recalled as an example the next time something like it is asked for.

use std::collections::BTreeMap;

use bpmn::model::Definitions;
use engine::port::Definition;
use memory::{Entry, Kind, Memory};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::WatchDeps;
use super::summary::Summary;
use crate::error::Error;
use crate::proposals::{Proposal, ProposalState};

/// Corrections compared at one look.
const COMPARED_LIMIT: usize = 50;
/// Largest BPMN that is remembered with an entry, bytes.
const XML_LIMIT: usize = 512 * 1024;
/// Longest request that is searched by, bytes.
const REQUEST_LIMIT: usize = 64 * 1024;

/// How a person changed what was generated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Correction {
    /// Labels that were changed: from, to.
    pub renamed: Vec<(String, String)>,
    /// Labels of steps that were added.
    pub added: Vec<String>,
    /// Labels of steps that were removed.
    pub removed: Vec<String>,
    /// Labels of all steps afterwards.
    pub steps: Vec<String>,
}

impl Correction {
    /// Compares two models by the ids of their activities; `None` where no step changed.
    #[must_use]
    pub fn between(before: &Definitions, after: &Definitions) -> Option<Self> {
        let (old, new) = (activities(before), activities(after));
        let kept: BTreeMap<&str, &str> =
            new.iter().map(|(id, label)| (id.as_str(), label.as_str())).collect();
        let former: BTreeMap<&str, &str> =
            old.iter().map(|(id, label)| (id.as_str(), label.as_str())).collect();
        let mut found = Self::default();
        for (id, label) in &old {
            match kept.get(id.as_str()) {
                Some(now) if now != label => found.renamed.push((label.clone(), (*now).to_owned())),
                Some(_) => {}
                None => found.removed.push(label.clone()),
            }
        }
        found
            .added
            .extend(new.iter().filter(|(id, _)| !former.contains_key(id.as_str())).map(|(_, l)| l.clone()));
        let same = found == Self::default();
        found.steps.extend(new.into_iter().map(|(_, label)| label));
        (!same).then_some(found)
    }

    /// In a line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts: Vec<String> =
            self.renamed.iter().map(|(from, to)| format!("'{from}' became '{to}'")).collect();
        for (what, labels) in [("added", &self.added), ("removed", &self.removed)] {
            if !labels.is_empty() {
                parts.push(format!("{what}: '{}'", labels.join("', '")));
            }
        }
        parts.join("; ")
    }
}

fn activities(definitions: &Definitions) -> Vec<(String, String)> {
    let nodes = definitions.processes.iter().flat_map(|process| &process.nodes);
    nodes
        .filter(|node| node.is_activity())
        .map(|node| {
            let name = node.element.name.clone().unwrap_or_else(|| node.element.id.clone());
            (node.element.id.clone(), name)
        })
        .collect()
}

/// Remembers decisions and corrections that are not remembered yet. What is stored twice is stored once: ids are those
/// of proposals and definitions.
pub(super) async fn capture(
    deps: &WatchDeps,
    memory: &dyn Memory,
    summary: &mut Summary,
) -> Result<(), Error> {
    let accepted = deps.proposals.list(Some(ProposalState::Accepted)).await?;
    let rejected = deps.proposals.list(Some(ProposalState::Rejected)).await?;
    let mut decided: Vec<&Proposal> = accepted
        .iter()
        .chain(&rejected)
        .filter(|one| one.decided_ms >= Some(summary.remembered_ms))
        .collect();
    decided.sort_by_key(|proposal| proposal.decided_ms);
    let mut entries: Vec<Entry> = decided.iter().map(|proposal| decision(proposal)).collect();
    let last_ms = decided.last().and_then(|proposal| proposal.decided_ms);

    let mut deployed: Vec<Definition> = deps.engine.definitions().await?;
    deployed.retain(|definition| definition.key > summary.compared);
    deployed.sort_by_key(|definition| definition.key);
    deployed.truncate(COMPARED_LIMIT);
    for definition in &deployed {
        entries.extend(correction(deps, &accepted, definition).await?);
    }
    if !entries.is_empty()
        && let Err(error) = memory.store(entries).await
    {
        // Memory that is down only makes answers worse; what it missed is offered again at the next decision.
        tracing::warn!(%error, "decisions could not be remembered yet");
        return Ok(());
    }
    summary.remembered_ms = last_ms.unwrap_or(summary.remembered_ms);
    summary.compared = deployed.last().map_or(summary.compared, |definition| definition.key);
    Ok(())
}

/// What was asked, drafted and decided; under the id by which the API remembers a decision at once.
fn decision(proposal: &Proposal) -> Entry {
    let title = format!("{}: {}", proposal.state.as_str(), proposal.title);
    let reason = proposal.reason.as_deref().unwrap_or_default();
    let text = format!("{}\n{} {reason}", cut(&proposal.request), proposal.title);
    let at_ms = proposal.decided_ms.unwrap_or(proposal.created_ms);
    let mut entry = Entry::new(&format!("proposal/{}", proposal.id), Kind::Outcome, &title, &text, at_ms);
    entry.source = super::ACTOR.to_owned();
    entry.payload = json!({
        "proposal": proposal.id, "process_id": proposal.process_id, "decision": proposal.state.as_str(),
        "reason": proposal.reason, "definition": proposal.definition, "source": proposal.source,
        "xml": (proposal.xml.len() <= XML_LIMIT).then_some(&proposal.xml),
    });
    entry
}

/// How a version differs from the accepted draft before it, where a person wrote it.
async fn correction(
    deps: &WatchDeps,
    accepted: &[Proposal],
    definition: &Definition,
) -> Result<Option<Entry>, Error> {
    if accepted.iter().any(|proposal| proposal.definition == Some(definition.key)) {
        return Ok(None);
    }
    let drafts = accepted.iter().filter(|proposal| proposal.process_id == definition.process_id);
    let Some(draft) =
        drafts.filter(|one| one.definition < Some(definition.key)).max_by_key(|one| one.definition)
    else {
        return Ok(None);
    };
    let xml = deps.engine.definition_xml(definition.key).await?;
    let (Ok(before), Ok(after)) = (bpmn::xml::read(draft.xml.as_bytes()), bpmn::xml::read(xml.as_bytes()))
    else {
        return Ok(None);
    };
    let Some(found) = Correction::between(&before, &after) else { return Ok(None) };
    let id = format!("correction:{}:{}", definition.process_id, definition.version);
    let title = format!("{}: corrected by a person", definition.name);
    let text = format!("{}\n{}", cut(&draft.request), found.line());
    let mut entry = Entry::new(&id, Kind::Build, &title, &text, definition.deployed_ms);
    entry.source = super::ACTOR.to_owned();
    entry.payload = json!({
        "request": cut(&draft.request), "correction": found, "process_id": definition.process_id,
        "definition": definition.key, "xml": (xml.len() <= XML_LIMIT).then_some(xml),
    });
    Ok(Some(entry))
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(REQUEST_LIMIT)).unwrap_or(text)
}
