//! Bounds from quantities, and budgets that sum along the component tree.

use std::collections::BTreeMap;

use ontology::model::{Constraint, Origin, Quantity};

use super::{Work, bounds, suggested};
use crate::bootstrap::ears::canonical_property;

/// Properties that parts share: what the whole has is the sum of what they have.
const ADDITIVE: &[&str] = &[
    "mass",
    "cost",
    "power",
    "power consumption",
    "consumption",
    "latency",
    "response time",
    "purchase cost",
];
/// Share of a budget that nobody gets: the margin.
const MARGIN: f64 = 0.05;
/// How deep a budget is shared out.
const MAX_BUDGET_DEPTH: usize = 4;

/// Whether what the whole has of a property is the sum of what its parts have.
pub(super) fn is_additive(property: &str) -> bool {
    ADDITIVE.contains(&property)
}

/// What of a budget is given out.
pub(super) fn without_margin(value: f64) -> f64 {
    value * (1.0 - MARGIN)
}

pub(super) fn derive(work: &mut Work<'_>) {
    let owner: BTreeMap<String, String> = work
        .out
        .links
        .iter()
        .rev()
        .filter(|link| link.kind == "allocated_to")
        .map(|link| (link.source.clone(), link.target.clone()))
        .collect();
    let root = work.out.components.first().map(|c| c.id.clone()).unwrap_or_default();
    let mut made: Vec<(Constraint, String)> = Vec::new();
    for requirement in &work.out.requirements {
        let subject = owner.get(&requirement.id).unwrap_or(&root).clone();
        for (n, quantity) in bounds(requirement).enumerate() {
            for (comparator, value) in sides(quantity) {
                let (Some(property), Some(si_unit)) = (quantity.property.clone(), quantity.si_unit.clone())
                else {
                    continue;
                };
                let mut id = format!("K-{}", requirement.id);
                if n > 0 {
                    id.push_str(&format!("-{}", n + 1));
                }
                if quantity.comparator == "between" {
                    id.push_str(if comparator == ">=" { "-low" } else { "-high" });
                }
                let constraint = Constraint {
                    id: work.ids.give_exact(&id),
                    name: format!("{property} {comparator} {} {}", short(value), si_unit),
                    kind: "bound".to_owned(),
                    subject: subject.clone(),
                    property,
                    comparator: comparator.to_owned(),
                    si_value: value,
                    si_unit,
                    parts: Vec::new(),
                    origin: Origin {
                        rule: "rule:quantity-of-requirement".to_owned(),
                        sources: vec![requirement.id.clone()],
                        span: Some(quantity.span),
                        confidence: 0.85,
                        assumed: false,
                    },
                };
                made.push((constraint, requirement.id.clone()));
            }
        }
    }
    for (constraint, requirement) in made {
        let origin = Origin { rule: constraint.origin.rule.clone(), confidence: 0.85, ..Origin::default() };
        work.link_of("constrained_by", &requirement, &constraint.id, "", origin);
        work.out.constraints.push(constraint);
    }
    budgets(work);
}

fn sides(quantity: &Quantity) -> Vec<(&'static str, f64)> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    match (quantity.comparator.as_str(), finite(quantity.si_value), finite(quantity.si_upper)) {
        ("between", Some(low), Some(high)) => vec![(">=", low), ("<=", high)],
        ("<=", Some(value), _) => vec![("<=", value)],
        ("<", Some(value), _) => vec![("<", value)],
        (">=", Some(value), _) => vec![(">=", value)],
        (">", Some(value), _) => vec![(">", value)],
        ("=", Some(value), _) => vec![("=", value)],
        _ => Vec::new(),
    }
}

/// Six significant digits, without trailing zeros.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let digits = 5 - value.abs().log10().floor() as i32;
    if (0..=15).contains(&digits) {
        let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else if digits < 0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:.5e}")
    }
}

/// What bounds a property of a component from above: a requirement, or what it gets of the budget above it.
struct Limit {
    value: f64,
    unit: String,
    sources: Vec<String>,
    /// How many budgets are above it; 0 for a requirement's own bound.
    depth: usize,
    /// Which of two it is, where both a requirement and a budget above bound it.
    reason: Option<String>,
}

impl Limit {
    /// The tighter of this, which came first, and another. Limits in other units cannot be compared: the first holds.
    fn or_tighter(self, other: Self) -> Self {
        let said = |limit: &Self| if limit.depth == 0 { "its own bound" } else { "its share from above" };
        let is_tighter = other.unit == self.unit && other.value < self.value;
        let (mut holds, wider) = if is_tighter { (other, self) } else { (self, other) };
        if holds.depth.min(1) != wider.depth.min(1) {
            let (which, other) = (said(&holds), said(&wider));
            holds.reason = Some(format!("{which}; {other} is {} {}", short(wider.value), wider.unit));
        }
        for source in wider.sources {
            if !holds.sources.contains(&source) {
                holds.sources.push(source);
            }
        }
        holds
    }
}

/// The tightest upper bound on an additive property of a component with parts becomes a budget, and so on downwards:
/// one budget for each component and property.
fn budgets(work: &mut Work<'_>) {
    let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut parents: BTreeMap<&str, &str> = BTreeMap::new();
    for component in &work.out.components {
        if let Some(parent) = &component.parent {
            children.entry(parent.clone()).or_default().push(component.id.clone());
            parents.insert(&component.id, parent);
        }
    }
    let level = |of: &str| {
        let above = std::iter::successors(parents.get(of), |parent| parents.get(**parent));
        above.take(parents.len()).count()
    };
    // What stands higher comes first, so that what a part gets from above is known when its own budget is made.
    let mut open: BTreeMap<(usize, String, String), Limit> = BTreeMap::new();
    for constraint in &work.out.constraints {
        let (property, qualifier) = canonical_property(&constraint.property);
        let upper = matches!(constraint.comparator.as_str(), "<=" | "<") && constraint.si_value > 0.0;
        let shared = is_additive(&property) && qualifier != Some("minimum");
        if upper && shared {
            let limit = Limit {
                value: constraint.si_value,
                unit: constraint.si_unit.clone(),
                sources: constraint.origin.sources.clone(),
                depth: 0,
                reason: None,
            };
            add(&mut open, (level(&constraint.subject), constraint.subject.clone(), property), limit);
        }
    }
    while let Some(((level, subject, property), limit)) = open.pop_first() {
        let Some(parts) =
            children.get(&subject).filter(|parts| parts.len() > 1 && limit.depth < MAX_BUDGET_DEPTH)
        else {
            continue;
        };
        let (value, unit) = (limit.value, limit.unit.clone());
        let declared = declared(work, parts, &property, &unit);
        let given = suggested::shares(work, (&subject, &property), value, &unit, parts, &declared);
        let split = share_out(work, parts, &property, value, (&declared, given.as_ref()));
        for (part, share, _) in
            split.iter().filter(|(part, share, _)| children.contains_key(part) && *share > 0.0)
        {
            let limit = Limit {
                // No part may have more than the whole, whatever a requirement grants it.
                value: share.min(value),
                unit: unit.clone(),
                sources: limit.sources.clone(),
                depth: limit.depth + 1,
                reason: None,
            };
            add(&mut open, (level + 1, part.clone(), property.clone()), limit);
        }
        let by = given.map_or_else(|| "rule:budget-shared-by-parts".to_owned(), |given| given.by);
        write_budget(work, (subject, property), limit, split, by);
    }
}

fn add(open: &mut BTreeMap<(usize, String, String), Limit>, place: (usize, String, String), limit: Limit) {
    let limit = match open.remove(&place) {
        Some(known) => known.or_tighter(limit),
        None => limit,
    };
    open.insert(place, limit);
}

fn write_budget(
    work: &mut Work<'_>,
    (subject, property): (String, String),
    limit: Limit,
    parts: Vec<(String, f64, bool)>,
    by: String,
) {
    let Limit { value, unit, sources, depth, reason } = limit;
    let of = work.out.components.iter().find(|c| c.id == subject).map(|c| c.name.clone()).unwrap_or_default();
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    work.out.constraints.push(Constraint {
        id: work.ids.give("K-budget-", &format!("{of} {property}")),
        name: format!("{property} budget of {of}: {} {unit}{reason}", short(value)),
        kind: "budget".to_owned(),
        subject,
        property,
        comparator: "<=".to_owned(),
        si_value: value,
        si_unit: unit,
        parts,
        origin: Origin {
            rule: by,
            sources,
            span: None,
            confidence: if depth == 0 { 0.7 } else { 0.4 },
            assumed: depth > 0,
        },
    });
}

/// Bounds that requirements put on the same property of the parts themselves: the tightest of each.
fn declared(work: &Work<'_>, parts: &[String], property: &str, unit: &str) -> BTreeMap<String, f64> {
    let own = |part: &String| {
        work.out
            .constraints
            .iter()
            .filter(|c| {
                c.kind == "bound"
                    && c.subject == *part
                    && c.si_unit == unit
                    && matches!(c.comparator.as_str(), "<=" | "<")
            })
            .filter(|c| canonical_property(&c.property).0 == property)
            .map(|c| c.si_value)
            .min_by(f64::total_cmp)
            .map(|value| (part.clone(), value))
    };
    parts.iter().filter_map(own).collect()
}

/// What each part gets: its own declared bound where it has one, what a model gave it, otherwise its usual share of
/// the rest.
fn share_out(
    work: &Work<'_>,
    parts: &[String],
    property: &str,
    value: f64,
    (declared, given): (&BTreeMap<String, f64>, Option<&suggested::Given>),
) -> Vec<(String, f64, bool)> {
    let fixed = |part: &String| {
        let own = declared.get(part).map(|own| (*own, false));
        own.or_else(|| given?.shares.get(part).map(|share| (*share, true)))
    };
    let key = match property {
        "purchase cost" => "cost",
        "power consumption" | "consumption" => "power",
        "response time" => "latency",
        other => other,
    };
    let usual = |part: &String| work.out.shares.get(part).and_then(|shares| shares.get(key)).copied();
    let known: f64 = parts.iter().filter_map(fixed).map(|(value, _)| value).sum();
    let open: Vec<&String> = parts.iter().filter(|part| fixed(part).is_none()).collect();
    let any_usual = open.iter().any(|part| usual(part).is_some());
    let weight = |part: &String| if any_usual { usual(part).unwrap_or(0.0) } else { 1.0 };
    let total: f64 = open.iter().map(|part| weight(part)).sum();
    let rest = (without_margin(value) - known).max(0.0);
    // Six decimals are more than an assumption deserves, and keep the text of a sum short.
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    parts
        .iter()
        .filter_map(|part| match fixed(part) {
            Some((own, assumed)) => Some((part.clone(), own, assumed)),
            None if total > 0.0 && weight(part) > 0.0 => {
                Some((part.clone(), rounded(rest * weight(part) / total), true))
            }
            None => None,
        })
        .collect()
}
