//! Writes a derived system as one change set: what is new or different is put, what is gone is removed, and what
//! people changed by hand stays.

use std::collections::{BTreeMap, BTreeSet};

use ontology::SystemIndex;
use ontology::model::{ChangeSet, Node};

use super::{Deps, Draft};
use crate::Error;

pub(super) async fn store(
    draft: &Draft,
    known: Option<&SystemIndex>,
    hash: String,
    actor: &str,
    deps: &Deps,
) -> Result<i64, Error> {
    let (put, remove, _) = difference(draft, known, deps).await?;
    let expected = known.map_or(0, |system| system.head);
    let change = ChangeSet {
        system: draft.system.clone(),
        author: actor.to_owned(),
        message: format!("bootstrap of {} requirements", draft.model.requirements.len()),
        at_ms: deps.clock.now_ms(),
        source_hash: Some(hash),
        put,
        remove,
        ..ChangeSet::default()
    };
    Ok(deps.ontology.commit(change, expected).await?)
}

/// Whether the graph would take a draft, with what people changed in it by hand.
///
/// # Errors
/// [`Error::Ontology`] where it would not.
pub(super) async fn check(draft: &Draft, known: Option<&SystemIndex>, deps: &Deps) -> Result<(), Error> {
    let (put, remove, _) = difference(draft, known, deps).await?;
    let change = ChangeSet { system: draft.system.clone(), put, remove, ..ChangeSet::default() };
    Ok(ontology::validate::check(&change, known)?)
}

/// What is put and removed, and the ids that people wrote and that stay as they are.
pub(super) async fn difference(
    draft: &Draft,
    known: Option<&SystemIndex>,
    deps: &Deps,
) -> Result<(Vec<Node>, Vec<String>, BTreeSet<String>), Error> {
    let mut put = draft.model.nodes();
    put.extend(draft.written.nodes());
    let Some(system) = known else { return Ok((put, Vec::new(), BTreeSet::new())) };
    let by_hand = by_hand(&draft.system, deps).await?;
    let fresh: BTreeSet<&str> = put.iter().map(Node::id).collect();
    let gone = |id: &&str| !fresh.contains(id) && !by_hand.contains(*id);
    let mut remove: Vec<String> =
        system.nodes().map(|node| node.id()).filter(gone).map(str::to_owned).collect();
    put.retain(|node| !by_hand.contains(node.id()));
    remove.extend(dangling(system, &by_hand, &remove));
    Ok((put, remove, by_hand))
}

/// Ids whose newest version people wrote, not a bootstrap.
async fn by_hand(system: &str, deps: &Deps) -> Result<BTreeSet<String>, Error> {
    let mut last: BTreeMap<String, bool> = BTreeMap::new();
    for change in deps.ontology.history(system, 0).await? {
        let hand = change.source_hash.is_none();
        for node in &change.put {
            last.insert(node.id().to_owned(), hand);
        }
        for id in &change.remove {
            last.remove(id);
        }
    }
    Ok(last.into_iter().filter(|(_, hand)| *hand).map(|(id, _)| id).collect())
}

/// Links that people wrote to nodes that go.
fn dangling(system: &SystemIndex, by_hand: &BTreeSet<String>, remove: &[String]) -> Vec<String> {
    let gone: BTreeSet<&str> = remove.iter().map(String::as_str).collect();
    by_hand
        .iter()
        .filter(|id| {
            let node = system.node(id);
            node.is_some_and(|node| {
                matches!(node.as_ref(), Node::Link(link) if gone.contains(link.source.as_str()) || gone.contains(link.target.as_str()))
            })
        })
        .cloned()
        .collect()
}
