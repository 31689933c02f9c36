//! The coverage of a system, computed when it is asked for.

use std::sync::Arc;

use async_graphql::SimpleObject;
use ontology::model::Node;
use ontology::{SystemIndex, coverage};

use super::{Component, Function, of_ids};

/// A requirement that no component answers for.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Unallocated {
    /// Its id.
    id: String,
    /// Why not.
    reason: String,
}

/// Requirements that contradict each other.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Conflict {
    /// Their ids.
    requirements: Vec<String>,
    /// In words.
    why: String,
}

/// Computed coverage.
#[derive(Clone, SimpleObject)]
pub(crate) struct Coverage {
    /// All requirements.
    requirements: usize,
    /// Those that are allocated to a component.
    allocated: usize,
    /// Allocated requirements divided by all, in 0..=1; 1 for a system without requirements.
    ratio: f64,
    /// Requirements that are not allocated, with the reason.
    unallocated: Vec<Unallocated>,
    /// Components that no requirement asks for.
    orphan_components: Vec<Component>,
    /// Functions that no process realises, or whose component is an orphan.
    orphan_functions: Vec<Function>,
    /// Requirements with a verification method and a criterion divided by all, in 0..=1.
    verification_ratio: f64,
    /// Contradictions between requirements.
    conflicts: Vec<Conflict>,
}

impl Coverage {
    /// The coverage of this snapshot.
    pub(crate) fn of(system: &Arc<SystemIndex>) -> Self {
        let found = coverage::coverage(system);
        let conflicts = system.of_kind("link").filter_map(|node| match node.as_ref() {
            Node::Link(link) if link.kind == "conflicts_with" => Some(Conflict {
                requirements: vec![link.source.clone(), link.target.clone()],
                why: link.rationale.clone().unwrap_or_default(),
            }),
            _ => None,
        });
        let share = |part: usize| {
            if found.requirements == 0 { 1.0 } else { part as f64 / found.requirements as f64 }
        };
        let (ratio, verification_ratio) = (share(found.allocated), share(found.verified));
        Self {
            requirements: found.requirements,
            allocated: found.allocated,
            ratio,
            unallocated: found
                .unallocated
                .into_iter()
                .map(|missing| Unallocated { id: missing.id, reason: missing.reason })
                .collect(),
            orphan_components: of_ids(system, found.orphan_components.iter().map(String::as_str)),
            orphan_functions: of_ids(system, found.orphan_functions.iter().map(String::as_str)),
            verification_ratio,
            conflicts: conflicts.collect(),
        }
    }
}
