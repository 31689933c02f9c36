//! Trade studies: systems side by side by coverage, quality of their requirements, budgets, measured and simulated
//! performance.

mod simulated;

use std::collections::BTreeMap;

use ontology::SystemIndex;
use ontology::coverage::coverage;
use ontology::model::Node;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::bootstrap::{Deps, ScoreLine};

pub use simulated::History;

/// Most systems in one study.
pub const MAX_SYSTEMS: usize = 8;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// It only describes.
    Neither,
}

/// One system's value of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The value, or its estimate.
    pub value: f64,
    /// 95 % interval, where it is an estimate.
    pub interval: Option<(f64, f64)>,
}

/// A criterion over all systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What is compared.
    pub name: String,
    /// Unit, where it has one.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// A value for each system, in their order; `None` where a system says nothing about it.
    pub values: Vec<Option<Value>>,
    /// Places of the systems that are best; empty where it only describes, where intervals overlap or all are alike.
    pub best: Vec<usize>,
}

/// A trade study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Names of the systems.
    pub systems: Vec<String>,
    /// The criteria.
    pub criteria: Vec<Criterion>,
}

/// Puts systems side by side.
///
/// # Errors
/// [`Error::Ontology`] where a system does not exist or there are too few or too many, those of the score source.
pub async fn study(systems: &[String], deps: &Deps) -> Result<Study, Error> {
    if systems.len() < 2 || systems.len() > MAX_SYSTEMS {
        let detail = format!("a trade study compares 2 to {MAX_SYSTEMS} systems, not {}", systems.len());
        return Err(ontology::Error::Limit { limit: "MAX_SYSTEMS", detail }.into());
    }
    let mut criteria: BTreeMap<(u8, String), Criterion> = BTreeMap::new();
    for (place, name) in systems.iter().enumerate() {
        let system = deps.ontology.snapshot(name)?;
        let mut facts = of_requirements(&system);
        facts.extend(of_bounds(&system));
        let processes = deps.ontology.processes(name)?;
        if let Some(scores) = &deps.scores {
            let ids: Vec<String> = processes.iter().map(|process| process.process_id.clone()).collect();
            facts.extend(of_runs(&ids, scores.scores(&ids).await?));
        }
        facts.extend(simulated::of_simulation(processes, deps).await?);
        for fact in facts {
            let entry = criteria.entry((fact.group, fact.name.clone())).or_insert_with(|| Criterion {
                name: fact.name,
                unit: fact.unit,
                better: fact.better,
                values: vec![None; systems.len()],
                best: Vec::new(),
            });
            if let Some(value) = entry.values.get_mut(place) {
                *value = Some(fact.value);
            }
        }
    }
    let mut criteria: Vec<Criterion> = criteria.into_values().collect();
    for criterion in &mut criteria {
        criterion.best = best(criterion);
    }
    Ok(Study { systems: systems.to_vec(), criteria })
}

struct Fact {
    group: u8,
    name: String,
    unit: String,
    better: Better,
    value: Value,
}

fn fact(group: u8, name: &str, unit: &str, better: Better, value: f64) -> Fact {
    let value = Value { value, interval: None };
    Fact { group, name: name.to_owned(), unit: unit.to_owned(), better, value }
}

#[expect(clippy::cast_precision_loss, reason = "counts of nodes are far below 2^52")]
fn of_requirements(system: &SystemIndex) -> Vec<Fact> {
    let covered = coverage(system);
    let share = |part: usize| part as f64 * 100.0 / covered.requirements.max(1) as f64;
    let mut findings = 0_usize;
    for node in system.of_kind("requirement") {
        if let Node::Requirement(requirement) = node.as_ref() {
            findings += requirement.findings.len();
        }
    }
    let mut conflicts = 0_usize;
    for node in system.of_kind("link") {
        if matches!(node.as_ref(), Node::Link(link) if link.kind == "conflicts_with") {
            conflicts += 1;
        }
    }
    let mut assumed = 0_usize;
    for node in system.of_kind("component") {
        if matches!(node.as_ref(), Node::Component(component) if component.origin.assumed) {
            assumed += 1;
        }
    }
    vec![
        fact(0, "requirements", "", Better::Neither, covered.requirements as f64),
        fact(1, "allocated", "%", Better::Higher, share(covered.allocated)),
        fact(1, "with a way to show them", "%", Better::Higher, share(covered.verified)),
        fact(2, "contradictions", "", Better::Lower, conflicts as f64),
        fact(2, "findings", "", Better::Lower, findings as f64),
        fact(3, "components", "", Better::Neither, system.count("component") as f64),
        fact(3, "assumed components", "", Better::Lower, assumed as f64),
        fact(3, "interfaces", "", Better::Neither, system.count("interface") as f64),
    ]
}

/// Bounds and budgets on the root: mass, cost, power, …; a smaller upper bound and a larger lower bound are better.
fn of_bounds(system: &SystemIndex) -> Vec<Fact> {
    let root = system.of_kind("component").find_map(|node| match node.as_ref() {
        Node::Component(component) if component.parent.is_none() => Some(component.id.clone()),
        _ => None,
    });
    let mut found: BTreeMap<String, Fact> = BTreeMap::new();
    for node in system.of_kind("constraint") {
        let Node::Constraint(constraint) = node.as_ref() else { continue };
        if Some(&constraint.subject) != root.as_ref() {
            continue;
        }
        let (better, side) = match constraint.comparator.as_str() {
            "<" | "<=" => (Better::Lower, "at most"),
            ">" | ">=" => (Better::Higher, "at least"),
            _ => (Better::Neither, "equal to"),
        };
        let name = format!("{} {side}", constraint.property);
        let new = fact(4, &name, &constraint.si_unit, better, constraint.si_value);
        let tighter = found.get(&name).is_none_or(|known| match better {
            Better::Lower => new.value.value < known.value.value,
            Better::Higher => new.value.value > known.value.value,
            Better::Neither => false,
        });
        if tighter {
            found.insert(name, new);
        }
    }
    found.into_values().collect()
}

/// How the processes did: all runs of a system together.
fn of_runs(ids: &[String], scores: Vec<ScoreLine>) -> Vec<Fact> {
    let own = scores.iter().filter(|score| ids.contains(&score.subject));
    let (attempts, successes) = own.fold((0, 0), |(attempts, successes), score| {
        (attempts + score.attempts, successes + score.successes)
    });
    if attempts == 0 {
        return Vec::new();
    }
    let score = scoring::Score::new(attempts, successes);
    let mut share = fact(5, "runs that succeeded", "%", Better::Higher, score.average * 100.0);
    share.value.interval = Some((score.low * 100.0, score.high * 100.0));
    vec![share]
}

/// Who is best; nobody where it is not sure.
fn best(criterion: &Criterion) -> Vec<usize> {
    let mut known: Vec<(usize, Value)> =
        criterion.values.iter().enumerate().filter_map(|(place, value)| Some((place, (*value)?))).collect();
    if known.len() < 2 || criterion.better == Better::Neither {
        return Vec::new();
    }
    let sign = if criterion.better == Better::Higher { 1.0 } else { -1.0 };
    known.sort_by(|a, b| (sign * b.1.value).total_cmp(&(sign * a.1.value)));
    let Some(&(_, top)) = known.first() else { return Vec::new() };
    let ahead = |other: &Value| match (top.interval, other.interval) {
        (Some(mine), Some(theirs)) if sign > 0.0 => mine.0 > theirs.1,
        (Some(mine), Some(theirs)) => mine.1 < theirs.0,
        _ => (top.value - other.value).abs() > f64::EPSILON * top.value.abs().max(1.0),
    };
    let (leaders, rest): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, value)| !ahead(value));
    if rest.is_empty() { Vec::new() } else { leaders.into_iter().map(|(place, _)| place).collect() }
}
