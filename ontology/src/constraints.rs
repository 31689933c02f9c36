//! Constraints as numbers: what a budget adds up to, what a bound leaves, and what would break if a value changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Error;
use crate::index::{SystemIndex, natural_key};
use crate::model::{Constraint, Node};
use crate::trace::{impact, trace};

/// Values closer than this share of the bound count as equal: they come from decimal text and unit conversion.
const TOLERANCE: f64 = 1e-9;
/// Most assumptions of one question.
pub const MAX_ASSUMPTIONS: usize = 1_000;

/// How a constraint stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Id of the constraint.
    pub constraint: String,
    /// What is held against the bound, in SI units: the sum of a budget's parts, or what a budget allots to the
    /// bounded component; `None` where nothing says it.
    pub value: Option<f64>,
    /// How far the value may still go, in SI units; negative where it went too far.
    pub margin: Option<f64>,
    /// Whether it holds; `None` where nothing says it.
    pub holds: Option<bool>,
    /// Constraints of the same property of the same subject that no value can satisfy together with this one.
    pub contradicts: Vec<String>,
}

impl Standing {
    /// Whether it is certainly violated.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.holds == Some(false) || !self.contradicts.is_empty()
    }
}

/// A value that is assumed instead of the one that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumption {
    /// The constraint.
    pub constraint: String,
    /// The component whose part of the budget it is; the bound itself without one.
    pub component: Option<String>,
    /// The value in SI units.
    pub si_value: f64,
}

/// What would be if values changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// Constraints that hold now, or of which nothing is known, and would be violated: how they would stand.
    pub breaks: Vec<Standing>,
    /// Constraints that are violated now and would not be.
    pub mends: Vec<Standing>,
    /// Ids of all nodes that such a change reaches, in natural order.
    pub reaches: Vec<String>,
}

/// How all constraints of a system stand, by id. Computed once for each state of a system.
#[must_use]
pub fn standings(system: &SystemIndex) -> &BTreeMap<String, Standing> {
    system.kept_standings().get_or_init(|| {
        let all = system.of_kind("constraint").filter_map(|node| match node.as_ref() {
            Node::Constraint(constraint) => Some(constraint.clone()),
            _ => None,
        });
        Arc::new(evaluate(&all.collect::<Vec<_>>()))
    })
}

/// Asks what would be if values changed; nothing is written.
///
/// # Errors
/// [`Error::NotFound`] for a constraint that is not there, [`Error::Invalid`] for a value that is no finite number
/// or a component without a part, [`Error::Limit`].
pub fn what_if(system: &SystemIndex, assumptions: &[Assumption]) -> Result<WhatIf, Error> {
    if assumptions.len() > MAX_ASSUMPTIONS {
        let detail = format!("{} assumptions", assumptions.len());
        return Err(Error::Limit { limit: "MAX_ASSUMPTIONS", detail });
    }
    let mut constraints: BTreeMap<&str, Constraint> = BTreeMap::new();
    for node in system.of_kind("constraint") {
        if let Node::Constraint(constraint) = node.as_ref() {
            constraints.insert(node.id(), constraint.clone());
        }
    }
    let before = standings(system);
    let mut touched: BTreeSet<String> = BTreeSet::new();
    for assumption in assumptions {
        let id = assumption.constraint.as_str();
        if !assumption.si_value.is_finite() {
            return Err(Error::Invalid(format!("the value assumed for {id} is no finite number")));
        }
        let constraint = constraints
            .get_mut(id)
            .ok_or_else(|| Error::NotFound { what: "constraint", id: id.to_owned() })?;
        touched.insert(id.to_owned());
        match &assumption.component {
            None => constraint.si_value = assumption.si_value,
            Some(component) => {
                let part = constraint.parts.iter_mut().find(|(part, _, _)| part == component);
                let Some((_, value, _)) = part else {
                    return Err(Error::Invalid(format!("{component} has no part in constraint {id}")));
                };
                *value = assumption.si_value;
                touched.insert(component.clone());
            }
        }
    }
    let after = evaluate(&constraints.into_values().collect::<Vec<_>>());
    let broken =
        |standings: &BTreeMap<String, Standing>, id: &str| standings.get(id).is_some_and(Standing::is_broken);
    let differing = |was: bool| {
        let changed = after.values().filter(move |now| now.is_broken() != was);
        changed.filter(|now| broken(before, &now.constraint) == was).cloned().collect::<Vec<_>>()
    };
    let out = WhatIf { breaks: differing(false), mends: differing(true), reaches: Vec::new() };
    touched.extend(out.breaks.iter().map(|standing| standing.constraint.clone()));
    Ok(WhatIf { reaches: reached(system, &touched), ..out })
}

/// What hangs on constraints and components: their subjects, what a change of those may affect, the requirements
/// and processes on their lines, and what they were derived from.
fn reached(system: &SystemIndex, touched: &BTreeSet<String>) -> Vec<String> {
    let mut starts = touched.clone();
    let mut found = BTreeSet::new();
    for id in touched {
        if let Some(Node::Constraint(constraint)) = system.node(id).map(AsRef::as_ref) {
            starts.insert(constraint.subject.clone());
            found.extend(constraint.origin.sources.iter().cloned());
        }
    }
    for id in &starts {
        found.extend(impact(system, id).unwrap_or_default());
        let line = trace(system, id).unwrap_or_default();
        found.extend([line.requirements, line.components, line.functions, line.processes].concat());
    }
    found.extend(starts);
    let mut list: Vec<String> = found.into_iter().filter(|id| system.node(id).is_some()).collect();
    list.sort_by_cached_key(|id| natural_key(id));
    list
}

fn evaluate(constraints: &[Constraint]) -> BTreeMap<String, Standing> {
    let mut allotted: BTreeMap<(&str, &str, &str), f64> = BTreeMap::new();
    let mut same: BTreeMap<(&str, &str, &str), Vec<&Constraint>> = BTreeMap::new();
    for constraint in constraints {
        for (component, value, _) in &constraint.parts {
            allotted.insert((component, &constraint.property, &constraint.si_unit), *value);
        }
        same.entry(key(constraint)).or_default().push(constraint);
    }
    let standing = |constraint: &Constraint| {
        let value = if constraint.parts.is_empty() {
            allotted.get(&key(constraint)).copied()
        } else {
            Some(constraint.parts.iter().map(|(_, value, _)| value).sum())
        };
        let margin = value.and_then(|value| margin(constraint, value));
        let slack = TOLERANCE * constraint.si_value.abs();
        let strict = matches!(constraint.comparator.as_str(), "<" | ">");
        let holds = margin.map(|margin| if strict { margin > slack } else { margin >= -slack });
        let others = same.get(&key(constraint)).into_iter().flatten();
        let against = others.filter(|other| excludes(constraint, other) || excludes(other, constraint));
        let contradicts = against.map(|other| other.id.clone()).collect();
        Standing { constraint: constraint.id.clone(), value, margin, holds, contradicts }
    };
    constraints.iter().map(|constraint| (constraint.id.clone(), standing(constraint))).collect()
}

fn key(constraint: &Constraint) -> (&str, &str, &str) {
    (&constraint.subject, &constraint.property, &constraint.si_unit)
}

fn margin(constraint: &Constraint, value: f64) -> Option<f64> {
    match constraint.comparator.as_str() {
        "<=" | "<" => Some(constraint.si_value - value),
        ">=" | ">" => Some(value - constraint.si_value),
        "=" => Some(-(value - constraint.si_value).abs()),
        _ => None,
    }
}

/// Whether an upper bound lies below a lower one of the same thing.
fn excludes(upper: &Constraint, lower: &Constraint) -> bool {
    let is_upper = matches!(upper.comparator.as_str(), "<=" | "<" | "=");
    let is_lower = matches!(lower.comparator.as_str(), ">=" | ">" | "=");
    let slack = TOLERANCE * upper.si_value.abs().max(lower.si_value.abs());
    upper.id != lower.id && is_upper && is_lower && upper.si_value < lower.si_value - slack
}
