//! Links to be looked at after a change, and what an assumed value would break.

use std::sync::Arc;

use async_graphql::{Enum, InputObject, SimpleObject};
use ontology::constraints::{self, Assumption};
use ontology::{SystemIndex, model, suspicion};

use super::{Constraint, FromNode, Node, TraceLink};
use crate::runs::ProcessInstance;
use crate::scalar::Timestamp;

/// Which way a change travels along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "suspicion::Direction")]
pub(crate) enum ChangeDirection {
    /// From what is asked for to what answers it: requirement, component, function, process.
    Down,
    /// The other way.
    Up,
}

/// Why a link is to be looked at.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Suspicion {
    /// Id of the node whose change made it so.
    cause: String,
    /// The change set of that change.
    since: i64,
    /// Who made that change.
    author: Option<String>,
    /// When it was made.
    changed_at: Option<Timestamp>,
    /// Which way it travels along the link.
    direction: ChangeDirection,
    /// 0 where the changed node is an end of the link; else how many nodes lie between.
    distance: usize,
}

impl Suspicion {
    pub(crate) fn new(system: &SystemIndex, found: &suspicion::Suspect) -> Self {
        let point = system.point(found.since);
        Self {
            cause: found.cause.clone(),
            since: found.since,
            author: point.map(|point| point.author.to_string()),
            changed_at: point.map(|point| Timestamp(point.at_ms)),
            direction: found.direction.into(),
            distance: found.distance,
        }
    }
}

/// A link to be looked at.
#[derive(Clone, SimpleObject)]
pub(crate) struct SuspectLink {
    /// The link.
    link: TraceLink,
    /// Why.
    suspicion: Suspicion,
}

impl SuspectLink {
    pub(crate) fn new(system: &Arc<SystemIndex>, found: &suspicion::Suspect) -> Option<Self> {
        let link = system.node(&found.link).and_then(|node| TraceLink::from_node(system, node))?;
        Some(Self { link, suspicion: Suspicion::new(system, found) })
    }
}

/// That a link was looked into.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LinkReview {
    /// The change set it came with.
    version: i64,
    /// Who looked.
    author: Option<String>,
    /// When.
    reviewed_at: Option<Timestamp>,
    /// What was found, in words.
    note: Option<String>,
}

impl LinkReview {
    pub(crate) fn of(system: &SystemIndex, link: &str) -> Option<Self> {
        let (version, review) = system.review(link)?;
        let point = system.point(version);
        Some(Self {
            version,
            author: point.map(|point| point.author.to_string()),
            reviewed_at: point.map(|point| Timestamp(point.at_ms)),
            note: review.note.clone(),
        })
    }
}

/// A value that is assumed instead of the one that is there.
#[derive(InputObject)]
pub(crate) struct AssumptionInput {
    /// Id of the constraint.
    constraint: String,
    /// The component whose part of the budget it is; the bound itself without one.
    component: Option<String>,
    /// The value in SI units.
    si_value: f64,
}

impl From<AssumptionInput> for Assumption {
    fn from(given: AssumptionInput) -> Self {
        Self { constraint: given.constraint, component: given.component, si_value: given.si_value }
    }
}

/// How a constraint stands.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Standing {
    /// What is held against the bound, in SI units: the sum of a budget's parts, or what a budget allots to the
    /// bounded component; null where nothing says it.
    value: Option<f64>,
    /// How far the value may still go, in SI units; negative where it went too far.
    margin: Option<f64>,
    /// Whether it holds; null where nothing says it.
    holds: Option<bool>,
    /// Constraints of the same property of the same subject that no value can satisfy together with this one.
    contradicts: Vec<String>,
}

impl From<constraints::Standing> for Standing {
    fn from(standing: constraints::Standing) -> Self {
        Self {
            value: standing.value,
            margin: standing.margin,
            holds: standing.holds,
            contradicts: standing.contradicts,
        }
    }
}

/// A constraint with how it would stand.
#[derive(Clone, SimpleObject)]
pub(crate) struct ConstraintStanding {
    /// The constraint as it is.
    constraint: Constraint,
    /// How it would stand.
    standing: Standing,
}

/// What would be if values changed.
#[derive(Clone, SimpleObject)]
pub(crate) struct WhatIf {
    /// Constraints that would be violated and are not.
    breaks: Vec<ConstraintStanding>,
    /// Constraints that are violated and would not be.
    mends: Vec<ConstraintStanding>,
    /// Everything that such a change reaches, in natural order of ids, at most 2,000 nodes.
    reaches: Vec<Node>,
    /// How many nodes it reaches.
    reach_count: usize,
    /// Instances of reached processes that run now, newest first, at most 100.
    running: Vec<ProcessInstance>,
}

/// Reached nodes that one answer names.
const REACHED_LIMIT: usize = 2_000;

impl WhatIf {
    pub(crate) fn new(
        system: &Arc<SystemIndex>,
        found: constraints::WhatIf,
        running: Vec<ProcessInstance>,
    ) -> Self {
        let shown = |list: Vec<constraints::Standing>| {
            let with = |standing: constraints::Standing| {
                let node = system.node(&standing.constraint)?;
                let constraint = Constraint::from_node(system, node)?;
                Some(ConstraintStanding { constraint, standing: standing.into() })
            };
            list.into_iter().filter_map(with).collect()
        };
        let nodes = found.reaches.iter().filter_map(|id| system.node(id));
        let reaches: Vec<Node> = nodes.filter_map(|node| Node::from_node(system, node)).collect();
        Self {
            breaks: shown(found.breaks),
            mends: shown(found.mends),
            reach_count: reaches.len(),
            reaches: reaches.into_iter().take(REACHED_LIMIT).collect(),
            running,
        }
    }
}

/// What a change of a node reaches.
#[derive(Clone, SimpleObject)]
pub(crate) struct ImpactReport {
    /// Everything that the change reaches, in natural order of ids, at most 2,000 nodes.
    reaches: Vec<Node>,
    /// How many nodes it reaches.
    reach_count: usize,
    /// Constraints among them that are violated now or hold by a margin: what to look at first, the smallest margin
    /// first.
    constraints: Vec<ConstraintStanding>,
    /// Instances of reached processes that run now, newest first, at most 100.
    running: Vec<ProcessInstance>,
}

impl ImpactReport {
    pub(crate) fn new(system: &Arc<SystemIndex>, ids: &[String], running: Vec<ProcessInstance>) -> Self {
        let nodes = || ids.iter().filter_map(|id| system.node(id));
        let standings = constraints::standings(system);
        let mut held: Vec<&constraints::Standing> =
            nodes().filter_map(|node| standings.get(node.id())).collect();
        held.retain(|standing| standing.holds.is_some() || standing.is_broken());
        let margin = |standing: &constraints::Standing| standing.margin.unwrap_or(f64::NEG_INFINITY);
        held.sort_by(|one, other| margin(one).total_cmp(&margin(other)));
        let shown = |standing: &constraints::Standing| {
            let constraint = Constraint::from_node(system, system.node(&standing.constraint)?)?;
            Some(ConstraintStanding { constraint, standing: standing.clone().into() })
        };
        let reaches: Vec<Node> = nodes().filter_map(|node| Node::from_node(system, node)).collect();
        Self {
            reach_count: reaches.len(),
            reaches: reaches.into_iter().take(REACHED_LIMIT).collect(),
            constraints: held.into_iter().filter_map(shown).take(REACHED_LIMIT).collect(),
            running,
        }
    }
}

/// BPMN process ids of the processes among these nodes.
pub(crate) fn process_ids(system: &SystemIndex, ids: &[String]) -> Vec<String> {
    let nodes = ids.iter().filter_map(|id| system.node(id));
    let processes = nodes.filter_map(|node| match node.as_ref() {
        model::Node::Process(process) => Some(process.process_id.clone()),
        _ => None,
    });
    processes.collect()
}
