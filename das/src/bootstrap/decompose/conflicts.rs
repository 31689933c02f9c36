//! Contradictions: two requirements that bound the same property of the same thing to ranges without a common value.

use std::collections::BTreeMap;

use ontology::model::{Origin, Quantity};

use super::{Conflict, Work, bounds};
use crate::bootstrap::ears::canonical_property;
use crate::bootstrap::name::phrase;

/// Most contradictions listed.
pub(crate) const MAX_CONFLICTS: usize = 1_000;
/// Ranges that miss each other by less than this part are taken to touch: conversion rounds.
const TOLERANCE: f64 = 1e-9;

struct Bound {
    requirement: String,
    condition: Option<String>,
    qualifier: Option<&'static str>,
    low: f64,
    high: f64,
    says: String,
}

pub(super) fn derive(work: &mut Work<'_>) {
    let root = work.out.components.first().map(|c| phrase(&c.name)).unwrap_or_default();
    let on_root: Vec<String> = {
        let id = work.out.components.first().map(|c| c.id.clone()).unwrap_or_default();
        work.out
            .links
            .iter()
            .filter(|l| l.kind == "allocated_to" && l.target == id)
            .map(|l| l.source.clone())
            .collect()
    };
    let on_root: std::collections::BTreeSet<String> = on_root.into_iter().collect();
    let whole: std::collections::BTreeSet<String> = work
        .out
        .requirements
        .iter()
        .filter(|r| on_root.contains(&r.id))
        .filter_map(|r| r.subject.as_deref().map(phrase))
        .collect();
    let mut groups: BTreeMap<(String, String, String), Vec<Bound>> = BTreeMap::new();
    for (requirement, parsed) in work.out.requirements.iter().zip(work.parsed) {
        let own = requirement.subject.as_deref().map(phrase).unwrap_or_default();
        let own_property = parsed.property.as_deref().map(phrase) == Some(own.clone());
        let general = own.is_empty()
            || own_property
            || own == root
            || whole.contains(&own)
            || super::subjects::is_general(&own);
        let subject = if general { String::new() } else { own };
        for quantity in bounds(requirement) {
            let (Some(property), Some(unit), Some((low, high))) =
                (&quantity.property, &quantity.si_unit, range(quantity))
            else {
                continue;
            };
            let (property, qualifier) = canonical_property(property);
            groups.entry((subject.clone(), property, unit.clone())).or_default().push(Bound {
                requirement: requirement.id.clone(),
                condition: requirement.condition.as_deref().map(str::to_lowercase),
                qualifier,
                low,
                high,
                says: says(quantity),
            });
        }
    }
    let mut found: Vec<Conflict> = Vec::new();
    for ((_, property, _), bounds) in &groups {
        contradictions(property, bounds, &mut found);
    }
    found.truncate(MAX_CONFLICTS);
    for conflict in &found {
        if let [one, other] = conflict.requirements.as_slice() {
            let origin = Origin {
                rule: "rule:ranges-without-common-value".to_owned(),
                sources: conflict.requirements.clone(),
                span: None,
                confidence: 0.8,
                assumed: false,
            };
            work.link_of("conflicts_with", one, other, &conflict.why, origin);
        }
    }
    work.out.conflicts = found;
}

fn range(quantity: &Quantity) -> Option<(f64, f64)> {
    let value = quantity.si_value.filter(|value| value.is_finite())?;
    Some(match quantity.comparator.as_str() {
        "<" | "<=" => (f64::NEG_INFINITY, value),
        ">" | ">=" => (value, f64::INFINITY),
        "between" => (value, quantity.si_upper?),
        _ => (value, value),
    })
}

fn says(quantity: &Quantity) -> String {
    let unit = if quantity.unit.is_empty() { String::new() } else { format!(" {}", quantity.unit) };
    match quantity.upper {
        Some(upper) => format!("{} to {upper}{unit}", quantity.value),
        None => format!("{} {}{unit}", quantity.comparator, quantity.value),
    }
}

/// Two bounds speak of the same case: under the same condition, or one of them under any.
fn same_case(a: &Bound, b: &Bound) -> bool {
    a.condition.is_none() || b.condition.is_none() || a.condition == b.condition
}

/// A maximum may lie above any minimum.
fn apart(lower: &Bound, upper: &Bound) -> bool {
    lower.qualifier == Some("maximum") && upper.qualifier == Some("minimum")
}

fn contradictions(property: &str, bounds: &[Bound], found: &mut Vec<Conflict>) {
    // Each bound is held against the strictest of the other side, so that the work stays n log n for large groups.
    const ALL_PAIRS: usize = 64;
    let clash = |lower: &Bound, upper: &Bound| {
        lower.low > upper.high + TOLERANCE * lower.low.abs().max(upper.high.abs())
            && lower.requirement != upper.requirement
            && same_case(lower, upper)
            && !apart(lower, upper)
    };
    let mut pairs: std::collections::BTreeSet<(usize, usize)> = std::collections::BTreeSet::new();
    let strict: Vec<usize> = if bounds.len() <= ALL_PAIRS {
        (0..bounds.len()).collect()
    } else {
        let mut by_high: Vec<usize> = (0..bounds.len()).collect();
        by_high.sort_by(|a, b| high(bounds, *a).total_cmp(&high(bounds, *b)).then(a.cmp(b)));
        by_high.truncate(4);
        by_high
    };
    for (i, lower) in bounds.iter().enumerate() {
        for &j in &strict {
            if let Some(upper) = bounds.get(j)
                && clash(lower, upper)
            {
                pairs.insert((i.min(j), i.max(j)));
            }
        }
    }
    for (i, j) in pairs {
        let (Some(a), Some(b)) = (bounds.get(i), bounds.get(j)) else { continue };
        if found
            .iter()
            .rev()
            .take(ALL_PAIRS)
            .any(|c| c.requirements == [a.requirement.clone(), b.requirement.clone()])
        {
            continue;
        }
        found.push(Conflict {
            requirements: vec![a.requirement.clone(), b.requirement.clone()],
            why: format!(
                "{property}: {} asks for {}, {} asks for {}; no value does both",
                a.requirement, a.says, b.requirement, b.says
            ),
        });
    }
}

fn high(bounds: &[Bound], at: usize) -> f64 {
    bounds.get(at).map_or(f64::INFINITY, |bound| bound.high)
}
