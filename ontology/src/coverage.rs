//! Coverage, computed from the graph: what is allocated, verified, realised, and what hangs in the air.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalogue::Column;
use crate::fields::Field;
use crate::index::SystemIndex;
use crate::model::Node;

/// A requirement that no component answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unallocated {
    /// Its id.
    pub id: String,
    /// Why; empty where nobody said.
    pub reason: String,
}

/// How complete a system is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many requirements there are.
    pub requirements: usize,
    /// How many are allocated to a component.
    pub allocated: usize,
    /// Those that are not.
    pub unallocated: Vec<Unallocated>,
    /// Share of requirements that are allocated or say why not, 0..=1; 1 where there are none.
    pub ratio: f64,
    /// How many have a verification method and a criterion.
    pub verified: usize,
    /// Those that have not.
    pub unverified: Vec<String>,
    /// Components that no requirement asks for: none is allocated to them, their parts or their functions, and no
    /// interface joins them to a component that one asks for.
    pub orphan_components: Vec<String>,
    /// Functions that no process realises, or whose component is an orphan.
    pub orphan_functions: Vec<String>,
    /// Components without parts that perform no function.
    pub idle_leaves: Vec<String>,
    /// Processes that realise no function and verify no requirement.
    pub orphan_processes: Vec<String>,
}

/// How far the requirements of a system were after a change set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// Number of the change set.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// How many requirements there were.
    pub requirements: usize,
    /// How many were allocated to a component.
    pub allocated: usize,
    /// How many were satisfied by a function.
    pub satisfied: usize,
    /// How many had a verification method and a criterion.
    pub verifiable: usize,
}

impl CoveragePoint {
    /// That of a state; the catalogue knows it.
    pub(crate) fn of(system: &SystemIndex) -> Self {
        let catalogue = &system.reading().catalogue;
        let with = |field| catalogue.flagged(Column::new("requirement", field), true);
        Self {
            version: system.head,
            at_ms: system.changed_ms,
            requirements: system.count("requirement"),
            allocated: with(Field::IsAllocated),
            satisfied: with(Field::IsSatisfied),
            verifiable: with(Field::IsVerifiable),
        }
    }
}

/// Computes the coverage of a system. Of requirements only those that lack something are looked at: the catalogue
/// knows them; of the rest all are.
#[must_use]
pub fn coverage(system: &SystemIndex) -> Coverage {
    let catalogue = &system.reading().catalogue;
    let allocated = Column::new("requirement", Field::IsAllocated);
    let verifiable = Column::new("requirement", Field::IsVerifiable);
    let missing = |node: &std::sync::Arc<Node>| match node.as_ref() {
        Node::Requirement(requirement) => Some(Unallocated {
            id: requirement.id.clone(),
            reason: requirement.unallocated_reason.clone().unwrap_or_default(),
        }),
        _ => None,
    };
    let mut out = Coverage {
        requirements: system.count("requirement"),
        allocated: catalogue.flagged(allocated, true),
        unallocated: catalogue.with_flag(allocated, false).filter_map(missing).collect(),
        verified: catalogue.flagged(verifiable, true),
        unverified: catalogue.with_flag(verifiable, false).map(|node| node.id().to_owned()).collect(),
        ..Coverage::default()
    };
    let explained = out.unallocated.iter().filter(|missing| !missing.reason.is_empty()).count();
    out.ratio = if out.requirements == 0 {
        1.0
    } else {
        (out.allocated + explained) as f64 / out.requirements as f64
    };
    let wanted = wanted_components(system);
    for node in system.of_kind("component") {
        let id = node.id();
        if !wanted.contains(id) {
            out.orphan_components.push(id.to_owned());
        }
        let parts = system.incoming(id).any(|edge| edge.kind == "part_of");
        if !parts && !system.outgoing(id).any(|edge| edge.kind == "performs") {
            out.idle_leaves.push(id.to_owned());
        }
    }
    for node in system.of_kind("function") {
        let Node::Function(function) = node.as_ref() else { continue };
        let realised = system.outgoing(&function.id).any(|edge| edge.kind == "realised_by");
        if !realised || !wanted.contains(function.component.as_str()) {
            out.orphan_functions.push(function.id.clone());
        }
    }
    for node in system.of_kind("process") {
        if !system.incoming(node.id()).any(|e| e.kind == "realised_by" || e.kind == "verified_by") {
            out.orphan_processes.push(node.id().to_owned());
        }
    }
    out
}

/// Components that requirements ask for, directly, through parts and functions, or through one interface.
fn wanted_components(system: &SystemIndex) -> BTreeSet<&str> {
    let mut direct: BTreeSet<&str> = BTreeSet::new();
    for node in system.of_kind("component") {
        let id = node.id();
        let allocated = system.incoming(id).any(|edge| edge.kind == "allocated_to");
        let satisfies = || {
            system
                .outgoing(id)
                .filter(|edge| edge.kind == "performs")
                .any(|edge| system.incoming(&edge.other).any(|other| other.kind == "satisfied_by"))
        };
        if allocated || satisfies() {
            direct.insert(id);
        }
    }
    let mut wanted = direct.clone();
    for node in system.of_kind("interface") {
        let Node::Interface(interface) = node.as_ref() else { continue };
        for (one, other) in [(&interface.source, &interface.target), (&interface.target, &interface.source)] {
            if direct.contains(one.as_str()) {
                wanted.insert(other);
            }
        }
    }
    for id in wanted.clone() {
        let mut at = id;
        let mut depth = 0;
        while let Some(edge) = system.outgoing(at).find(|edge| edge.kind == "part_of") {
            depth += 1;
            if depth > crate::validate::MAX_COMPONENT_DEPTH || !wanted.insert(edge.other.as_str()) {
                break;
            }
            at = &edge.other;
        }
    }
    wanted
}
