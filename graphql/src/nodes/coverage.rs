//! The coverage of a system, computed when it is asked for.

use std::sync::Arc;

use async_graphql::SimpleObject;
use ontology::model::Node;
use ontology::{SystemIndex, coverage};

use super::{Component, Function, Process, of_ids};
use crate::scalar::Timestamp;

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
    /// Processes that realise no function and verify no requirement.
    orphan_processes: Vec<Process>,
    /// Components without parts that perform no function.
    idle_components: Vec<Component>,
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
            orphan_processes: of_ids(system, found.orphan_processes.iter().map(String::as_str)),
            idle_components: of_ids(system, found.idle_leaves.iter().map(String::as_str)),
            verification_ratio,
            conflicts: conflicts.collect(),
        }
    }
}

/// How far the requirements of a system were after a change set.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct CoveragePoint {
    /// Number of the change set.
    version: i64,
    /// When it was made.
    at: Timestamp,
    /// All requirements.
    requirements: usize,
    /// Those that were allocated to a component.
    allocated: usize,
    /// Those that a function satisfied.
    satisfied: usize,
    /// Those with a verification method and a criterion.
    verifiable: usize,
}

impl From<ontology::CoveragePoint> for CoveragePoint {
    fn from(point: ontology::CoveragePoint) -> Self {
        Self {
            version: point.version,
            at: Timestamp(point.at_ms),
            requirements: point.requirements,
            allocated: point.allocated,
            satisfied: point.satisfied,
            verifiable: point.verifiable,
        }
    }
}
