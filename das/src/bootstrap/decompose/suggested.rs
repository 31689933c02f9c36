//! Holds what a model suggests against the requirements and the parts that the rules made, and takes what fits.
//!
//! The same code checks and applies, so that what was accepted once is accepted again from the same text. A suggestion
//! that is refused leaves no trace. Order: readings before the rules decompose; then parts, allocations, functions and
//! interfaces; budgets when bounds are known.

mod hearing;
mod readings;

use std::collections::{BTreeMap, BTreeSet};

use ontology::model::Origin;

pub(super) use hearing::apply;
pub(super) use readings::read;

use super::{Work, constraints};
use crate::bootstrap::ears::canonical_property;
use crate::bootstrap::suggestion::{self, Refusal};

/// A model that is less sure than this says nothing.
pub(crate) const LEAST_CONFIDENCE: f64 = 0.5;

/// What was taken from a model and waits until links and bounds are there.
#[derive(Default)]
pub(super) struct Heard {
    /// What was refused.
    pub(super) refusals: Vec<Refusal>,
    /// Functions beside those that the rules found: (requirement, function, its origin).
    pub(super) satisfied: Vec<(usize, usize, Origin)>,
    /// Ids of functions that moved to another name with their requirement.
    pub(super) gone: BTreeSet<String>,
    /// Shares of budgets, by component id and property.
    wanted: BTreeMap<(String, String), Wanted>,
}

impl Heard {
    /// Nothing but what was refused already.
    pub(super) fn refusing(refusals: Vec<Refusal>) -> Self {
        Self { refusals, ..Self::default() }
    }
}

/// The shares of one budget.
struct Wanted {
    at: usize,
    by: String,
    si_unit: String,
    /// Component id → SI value.
    shares: BTreeMap<String, f64>,
    /// True once a budget was shared out so.
    held: bool,
}

/// Shares of a budget that hold.
pub(super) struct Given {
    /// Who gave them.
    pub(super) by: String,
    /// Component id → SI value.
    pub(super) shares: BTreeMap<String, f64>,
}

/// The shares that a model gave of a budget, where they hold: direct parts only, none that a requirement bounds
/// otherwise, and the sum within the bound.
pub(super) fn shares(
    work: &mut Work<'_>,
    budget: (&str, &str),
    value: f64,
    unit: &str,
    parts: &[String],
    declared: &BTreeMap<String, f64>,
) -> Option<Given> {
    let key = (budget.0.to_owned(), budget.1.to_owned());
    let wanted = work.heard.wanted.get_mut(&key)?;
    match problem_of(wanted, value, unit, parts, declared) {
        None => {
            wanted.held = true;
            Some(Given { by: wanted.by.clone(), shares: wanted.shares.clone() })
        }
        // A part may have several bounds; the shares of one need not fit the others.
        Some(_) if wanted.held => None,
        Some(why) => {
            let at = wanted.at;
            work.heard.wanted.remove(&key);
            work.heard.refusals.push(Refusal { at, why });
            None
        }
    }
}

fn problem_of(
    wanted: &Wanted,
    value: f64,
    unit: &str,
    parts: &[String],
    declared: &BTreeMap<String, f64>,
) -> Option<String> {
    if wanted.si_unit != unit {
        return Some(format!("the bound is in {unit}, the shares are in {}", wanted.si_unit));
    }
    if let Some(part) = wanted.shares.keys().find(|part| !parts.contains(part)) {
        return Some(format!("{part} is no direct part: its direct parts are {}", parts.join(", ")));
    }
    if let Some(part) = wanted.shares.keys().find(|part| declared.contains_key(*part)) {
        return Some(format!("a requirement bounds {part} already: leave its share out"));
    }
    let (own, given): (f64, f64) = (declared.values().sum(), wanted.shares.values().sum());
    if own + given > value * (1.0 + 1e-9) {
        return Some(format!(
            "the shares do not sum: {} of requirements and {} suggested are more than {} {unit}",
            constraints::short(own),
            constraints::short(given),
            constraints::short(value)
        ));
    }
    let open =
        parts.iter().filter(|part| !declared.contains_key(*part) && !wanted.shares.contains_key(*part));
    let open: Vec<&String> = open.collect();
    if !open.is_empty() && own + given >= constraints::without_margin(value) {
        let open = open.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Some(format!("nothing is left for {open}: give each direct part a share"));
    }
    None
}

/// Budgets that nothing bounds are refused at the end.
pub(super) fn refuse_unbounded(work: &mut Work<'_>) {
    let open = std::mem::take(&mut work.heard.wanted).into_iter().filter(|(_, wanted)| !wanted.held);
    for ((part, property), wanted) in open {
        let why = format!(
            "no requirement bounds the {property} of {part} from above, or it has fewer than two parts: there is nothing \
             to share out"
        );
        work.heard.refusals.push(Refusal { at: wanted.at, why });
    }
}

/// The property of a budget as bounds are compared.
fn property_of(budget: &suggestion::Budget) -> String {
    canonical_property(&budget.property).0
}
