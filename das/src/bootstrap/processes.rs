//! Writes the processes that realise a system's functions: one for each part below the root, with the steps people
//! do, and checks that compute.
//!
//! Each check takes a value from a process variable, or an assumed one where nobody gave it, and holds it against a
//! bound. The first check of each process draws the value around it, so that its score says how sure the bound is.
//! Beside them stand the processes that a model suggested and that are sound: how parts work, not how they are shown.

mod suggested;

use std::collections::{BTreeMap, BTreeSet};

use bpmn::program::{DrawSpec, ExecutedBy, OutcomeSpec, StopSpec, TaskSpec};
use engine::port::DeployFile;
use ontology::model::{Constraint, Function, Node as GraphNode, Origin, Process, TraceLink};

use super::decompose::{Decomposition, short};
use super::name::{Ids, capital, slug};
use super::suggestion::{Refusal, Suggestion};
use crate::Error;
use crate::tree::{Activity, Branch, Node, TaskKind, Tree, compile};

/// Most processes of one system; more parts than this share processes.
pub(crate) const MAX_PROCESSES: usize = 60;
/// Most steps for people, and most checks, in one process; more functions or bounds share a step.
const MAX_STEPS: usize = 20;
/// More steps than this stand one after the other instead of side by side.
const MAX_PARALLEL: usize = 4;
/// An assumed value keeps this share of its bound as margin.
const ASSUMED_MARGIN: f64 = 0.1;
/// Standard deviation of a drawn value as a share of the value.
const ASSUMED_SPREAD: f64 = 0.05;
/// An exact value may be missed by this share.
const EXACT_SHARE: f64 = 0.01;
/// Most names listed in a documentation.
const MAX_LISTED: usize = 12;

/// The processes of a system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// Files to deploy.
    pub files: Vec<DeployFile>,
    /// Process nodes, in the order of the files.
    pub processes: Vec<Process>,
    /// Which requirements each process verifies.
    pub links: Vec<TraceLink>,
}

/// A part of the system that gets a process.
struct Group {
    component: String,
    name: String,
    members: BTreeSet<String>,
}

/// Writes the processes and notes in the functions where they are realised.
///
/// # Errors
/// [`Error::Tree`] where a tree breaks a rule, which would be a mistake in here.
pub fn write(system: &str, model: &mut Decomposition) -> Result<Written, Error> {
    Ok(write_with(system, model, &[])?.0)
}

/// The same, with the processes that a model suggests where they pass the checks; and which do not, and why.
///
/// # Errors
/// As [`write`]: never for a suggestion.
pub fn write_with(
    system: &str,
    model: &mut Decomposition,
    suggestions: &[Suggestion],
) -> Result<(Written, Vec<Refusal>), Error> {
    let mut written = Written::default();
    let names: BTreeMap<String, String> =
        model.components.iter().map(|c| (c.id.clone(), c.name.clone())).collect();
    let mut ids = Ids::default();
    let mut taken: Ids = Ids::default();
    for node in model.nodes() {
        taken.take(node.id());
    }
    for group in groups(model) {
        let functions: Vec<usize> = (0..model.functions.len())
            .filter(|&i| model.functions.get(i).is_some_and(|f| group.members.contains(&f.component)))
            .collect();
        if functions.is_empty() {
            continue;
        }
        let process_id = ids.give("p-", &format!("{system} {}", group.name)).replace('-', "_");
        let node_id = taken.give("P-", &group.name);
        let name = format!("Show that {} does its job", group.name);
        let constraints: Vec<Constraint> =
            model.constraints.iter().filter(|c| group.members.contains(&c.subject)).cloned().collect();
        let mut sources: BTreeSet<String> = BTreeSet::new();
        let (tree, places) = tree_of(&group, model, &names, &functions, &constraints);
        for (i, element) in places {
            if let Some(function) = model.functions.get_mut(i) {
                function.process = Some(node_id.clone());
                function.elements = vec![element];
                sources.extend(function.origin.sources.iter().cloned());
            }
        }
        for source in constraints.iter().flat_map(|c| &c.origin.sources).collect::<BTreeSet<_>>() {
            sources.insert(source.clone());
            written.links.push(TraceLink {
                id: taken.give_exact(&format!("L-verified-{source}-{node_id}")),
                kind: "verified_by".to_owned(),
                source: source.clone(),
                target: node_id.clone(),
                rationale: Some("a check of this process holds a value against its bound".to_owned()),
                origin: Origin {
                    rule: "rule:bound-checked-by-process".to_owned(),
                    confidence: 0.8,
                    ..Origin::default()
                },
            });
        }
        let definitions = compile(&tree, &process_id, &name)?;
        let xml = bpmn::xml::write(&definitions);
        written.files.push(DeployFile { name: format!("{process_id}.bpmn"), content: xml.into_bytes() });
        written.processes.push(Process {
            id: node_id,
            name,
            component: Some(group.component.clone()),
            process_id,
            definition: None,
            origin: Origin {
                rule: "rule:process-for-each-part".to_owned(),
                sources: sources.into_iter().take(100).collect(),
                span: None,
                confidence: 0.6,
                assumed: true,
            },
        });
    }
    let refusals = suggested::add(system, model, suggestions, (&mut ids, &mut taken), &mut written);
    Ok((written, refusals))
}

impl Written {
    /// Process nodes and links, for a change set.
    #[must_use]
    pub fn nodes(&self) -> Vec<GraphNode> {
        let processes = self.processes.iter().cloned().map(GraphNode::Process);
        processes.chain(self.links.iter().cloned().map(GraphNode::Link)).collect()
    }
}

/// The root by itself and each of its parts with everything below.
fn groups(model: &Decomposition) -> Vec<Group> {
    let Some(root) = model.components.first() else { return Vec::new() };
    let mut top: BTreeMap<&str, &str> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    // Parents stand before their parts.
    for component in &model.components {
        let above = match component.parent.as_deref() {
            None => continue,
            Some(parent) if parent == root.id => component.id.as_str(),
            Some(parent) => top.get(parent).copied().unwrap_or(component.id.as_str()),
        };
        if above == component.id {
            order.push(above);
        }
        top.insert(&component.id, above);
    }
    let name_of =
        |id: &str| model.components.iter().find(|c| c.id == id).map(|c| c.name.clone()).unwrap_or_default();
    let mut groups = vec![Group {
        component: root.id.clone(),
        name: root.name.clone(),
        members: BTreeSet::from([root.id.clone()]),
    }];
    let each = order.len().div_ceil(MAX_PROCESSES).max(1);
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for chunk in order.chunks(each) {
        let Some(first) = chunk.first() else { continue };
        let more = if chunk.len() > 1 { format!(" and {} more", chunk.len() - 1) } else { String::new() };
        for part in chunk {
            place.insert(part, groups.len());
        }
        groups.push(Group {
            component: (*first).to_owned(),
            name: format!("{}{more}", name_of(first)),
            members: BTreeSet::new(),
        });
    }
    for (component, above) in &top {
        if let Some(group) = place.get(above).and_then(|&at| groups.get_mut(at)) {
            group.members.insert((*component).to_owned());
        }
    }
    groups
}

type Places = Vec<(usize, String)>;
/// Names of components by id.
type Names = BTreeMap<String, String>;

fn tree_of(
    group: &Group,
    model: &Decomposition,
    names: &Names,
    functions: &[usize],
    constraints: &[Constraint],
) -> (Tree, Places) {
    let mut places = Places::new();
    let mut ids = Ids::default();
    let work = steps(model, names, functions, &mut ids, &mut places);
    let mut checks: Vec<Activity> = if constraints.is_empty() {
        vec![readiness(group, functions.len(), &mut ids)]
    } else {
        let size = constraints.len().div_ceil(MAX_STEPS).max(1);
        let shared = Checks { names, assumed: assumptions(constraints, names) };
        constraints
            .chunks(size)
            .enumerate()
            .map(|(i, chunk)| check(chunk, &shared, i == 0, &mut ids))
            .collect()
    };
    let mut verdicts = Vec::new();
    for activity in &mut checks {
        let verdict = format!("{}_holds", activity.id);
        *activity = activity.clone().output(verdict.clone(), "outcome = \"holds\"");
        verdicts.push(verdict);
    }
    let all: Vec<String> = verdicts.iter().map(|verdict| format!("{verdict} = true")).collect();
    let resolve = Activity::new("Look at what is violated or unknown")
        .id("resolve_violations")
        .kind(TaskKind::Manual)
        .documentation(
            "Done by people: passes through and is never scored. Assumed by the template of every process.",
        )
        .assumed(0.5);
    let tree = Tree::new(Node::sequence(vec![
        arranged(work),
        arranged(checks.into_iter().map(Node::from).collect()),
        Node::choice(
            "Do all bounds hold?",
            vec![
                Branch::when("yes", all.join(" and "), Node::empty()),
                Branch::otherwise("no, or not known", resolve),
            ],
        ),
    ]))
    .documentation(format!(
        "Shows that {} does what is asked of it. Steps that people do pass through and are not scored; checks compute. \
         Values that nobody gave are assumed: start the process with a variable to give one.",
        group.name
    ));
    (tree, places)
}

fn arranged(nodes: Vec<Node>) -> Node {
    if nodes.len() > 1 && nodes.len() <= MAX_PARALLEL { Node::parallel(nodes) } else { Node::sequence(nodes) }
}

/// What people do for each function; with many functions several share a step.
fn steps(
    model: &Decomposition,
    names: &Names,
    functions: &[usize],
    ids: &mut Ids,
    places: &mut Places,
) -> Vec<Node> {
    let size = functions.len().div_ceil(MAX_STEPS).max(1);
    let mut nodes = Vec::new();
    for chunk in functions.chunks(size) {
        let found: Vec<&Function> = chunk.iter().filter_map(|&i| model.functions.get(i)).collect();
        let Some(first) = found.first() else { continue };
        let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
        let id = element(ids, &format!("show {}", first.name));
        let mut text = String::from("Done by people: passes through and is never scored. ");
        for function in found.iter().take(MAX_LISTED) {
            let steps = model.steps.get(&function.id).map(|steps| steps.join("; ")).unwrap_or_default();
            let owner = name_of(names, &function.component);
            text.push_str(&format!("{owner}: {}.", function.name));
            if !steps.is_empty() {
                text.push_str(&format!(" Usual steps (assumed): {steps}."));
            }
            text.push(' ');
        }
        places.extend(chunk.iter().map(|&i| (i, id.clone())));
        let label = format!("Show how to {}{more}", first.name);
        nodes.push(Node::from(
            Activity::new(label.chars().take(120).collect::<String>())
                .id(id)
                .kind(TaskKind::Manual)
                .documentation(text.trim().to_owned())
                .assumed(first.origin.confidence.min(0.7)),
        ));
    }
    nodes
}

fn name_of<'a>(names: &'a Names, component: &str) -> &'a str {
    names.get(component).map_or("", String::as_str)
}

/// An element id: begins with a letter, only letters, digits and underscores.
fn element(ids: &mut Ids, words: &str) -> String {
    ids.give("t_", words).replace('-', "_")
}

/// What the checks of a process share.
struct Checks<'a> {
    names: &'a Names,
    assumed: BTreeMap<String, f64>,
}

/// Holds one or more bounds against values.
fn check(constraints: &[Constraint], checks: &Checks<'_>, draws: bool, ids: &mut Ids) -> Activity {
    let first = constraints.first();
    let name = first.map(|c| c.name.as_str()).unwrap_or_default();
    let more =
        if constraints.len() > 1 { format!(" (and {} more)", constraints.len() - 1) } else { String::new() };
    // The bound may change while the check stays the same one: its score goes on under this id.
    let id = element(ids, &format!("check {}", first.map(|c| c.property.as_str()).unwrap_or_default()));
    let mut spec = TaskSpec { by: ExecutedBy::Feel, class: Some("pure".to_owned()), ..TaskSpec::default() };
    let mut activity = Activity::new(format!("Check {name}{more}").chars().take(120).collect::<String>())
        .id(id)
        .assumed(0.5);
    let mut text = String::from("Computed. ");
    for (i, constraint) in constraints.iter().enumerate() {
        let n = i + 1;
        let (inputs, said) = if constraint.kind == "budget" && !constraint.parts.is_empty() {
            budget_value(constraint, n)
        } else {
            bound_value(constraint, checks, n)
        };
        for (target, source) in inputs {
            activity = activity.input(target, source);
        }
        if i < MAX_LISTED {
            text.push_str(&said);
            text.push(' ');
        }
        let value = if draws && i == 0 { "drawn".to_owned() } else { format!("value_{n}") };
        spec.computes.push((format!("margin_{n}"), margin(constraint, &value)));
    }
    if draws && let Some(constraint) = first {
        spec.by = ExecutedBy::Stochastic;
        spec.undecided = Some("leader".to_owned());
        spec.draws.push(draw(constraint));
        spec.stop = Some(StopSpec {
            rule: Some("winner".to_owned()),
            delta: Some(0.05),
            samples: Some(2_000),
            ..StopSpec::default()
        });
        text.push_str(
            "The value is drawn around it (assumed spread 5 %), so that the verdict says how sure it is.",
        );
    }
    let margins: Vec<String> = (1..=constraints.len()).map(|n| format!("margin_{n}")).collect();
    spec.computes.push(("margin".to_owned(), least(&margins)));
    spec.outcomes = outcomes("margin >= 0");
    activity.spec(spec).documentation(text.trim().to_owned())
}

fn outcomes(when: &str) -> Vec<OutcomeSpec> {
    vec![
        OutcomeSpec { label: "holds".to_owned(), success: true, when: Some(format!("={when}")) },
        OutcomeSpec { label: "violated".to_owned(), success: false, when: None },
    ]
}

fn least(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        many => format!("min([{}])", many.join(", ")),
    }
}

/// FEEL for how much a value keeps from its bound, in the unit of the bound; negative where it is violated.
fn margin(constraint: &Constraint, value: &str) -> String {
    let limit = number(constraint.si_value);
    match constraint.comparator.as_str() {
        ">=" | ">" => format!("{value} - {limit}"),
        "=" => {
            let room = number((constraint.si_value * EXACT_SHARE).abs().max(f64::MIN_POSITIVE.max(1e-9)));
            format!("{room} - abs({value} - {limit})")
        }
        _ => format!("{limit} - {value}"),
    }
}

/// A number as FEEL reads it, without exponent.
fn number(value: f64) -> String {
    let mut text = format!("{value}");
    if text.contains(['e', 'E']) {
        text = format!("{value:.12}");
    }
    if value < 0.0 { format!("({text})") } else { text }
}

/// The variable that gives the value of a bound.
fn variable_of(constraint: &Constraint, names: &Names) -> String {
    let owner = name_of(names, &constraint.subject);
    format!("v_{}", variable(&format!("{owner} {}", constraint.property)))
}

/// One assumed value for each variable: what bounds it from below and from above is met halfway, so that
/// contradictory bounds show as violated.
fn assumptions(constraints: &[Constraint], names: &Names) -> BTreeMap<String, f64> {
    let mut ranges: BTreeMap<String, (f64, f64, f64)> = BTreeMap::new();
    for constraint in constraints.iter().filter(|c| c.kind == "bound") {
        let alone = assumed_value(constraint);
        let range =
            ranges.entry(variable_of(constraint, names)).or_insert((f64::NEG_INFINITY, f64::INFINITY, alone));
        let upper = matches!(constraint.comparator.as_str(), "<=" | "<" | "=");
        let lower = matches!(constraint.comparator.as_str(), ">=" | ">" | "=");
        if lower {
            range.0 = range.0.max(constraint.si_value);
        }
        if upper {
            range.1 = range.1.min(constraint.si_value);
        }
        // The strictest bound of one side decides alone.
        if range.0.is_infinite() && range.1 >= constraint.si_value
            || range.1.is_infinite() && range.0 <= constraint.si_value
        {
            range.2 = alone;
        }
    }
    ranges
        .into_iter()
        .map(|(name, (low, high, alone))| {
            let value = if low.is_finite() && high.is_finite() { f64::midpoint(low, high) } else { alone };
            (name, value)
        })
        .collect()
}

/// The value assumed for a bound, a tenth on its good side.
fn assumed_value(constraint: &Constraint) -> f64 {
    let limit = constraint.si_value;
    // Temperatures in kelvin are far from zero: a tenth of them would be no value near the bound.
    let step = if constraint.si_unit == "K" { 10.0 } else { limit.abs() * ASSUMED_MARGIN };
    match constraint.comparator.as_str() {
        ">=" | ">" => limit + step,
        "=" => limit,
        _ => limit - step,
    }
}

fn variable(words: &str) -> String {
    slug(words).replace('-', "_")
}

/// Inputs (variable, FEEL) and what the documentation says.
fn bound_value(constraint: &Constraint, checks: &Checks<'_>, n: usize) -> (Vec<(String, String)>, String) {
    let given = variable_of(constraint, checks.names);
    let assumed = checks.assumed.get(&given).copied().unwrap_or_else(|| assumed_value(constraint));
    let source = format!("if {given} = null then {} else {given}", number(assumed));
    let said = format!(
        "{}: {} {} {} {}; value from the variable {given}, else assumed as {}.",
        constraint.origin.sources.join(", "),
        constraint.property,
        constraint.comparator,
        short(constraint.si_value),
        constraint.si_unit,
        short(assumed)
    );
    (vec![(format!("value_{n}"), source)], said)
}

/// The value of a budget is the sum of what its parts take.
fn budget_value(constraint: &Constraint, n: usize) -> (Vec<(String, String)>, String) {
    let property = variable(&constraint.property);
    let terms: Vec<String> = constraint
        .parts
        .iter()
        .map(|(part, value, _)| {
            let given = format!("v_{}_{property}", variable(part.trim_start_matches("C-")));
            format!("(if {given} = null then {} else {given})", number(*value))
        })
        .collect();
    let said = format!(
        "{}: the sum over {} parts; shares nobody gave are assumed.",
        constraint.name,
        constraint.parts.len()
    );
    (vec![(format!("value_{n}"), terms.join(" + "))], said)
}

fn draw(constraint: &Constraint) -> DrawSpec {
    let spread =
        if constraint.si_unit == "K" { 5.0 } else { (constraint.si_value.abs() * ASSUMED_SPREAD).max(1e-9) };
    DrawSpec {
        variable: "drawn".to_owned(),
        distribution: "normal".to_owned(),
        parameters: BTreeMap::from([
            ("mean".to_owned(), "=value_1".to_owned()),
            (
                "sd".to_owned(),
                number(if constraint.comparator == "=" { spread * EXACT_SHARE } else { spread }),
            ),
        ]),
    }
}

/// A part without any bound: is there evidence for each of its functions?
fn readiness(group: &Group, functions: usize, ids: &mut Ids) -> Activity {
    let given = format!("v_{}_evidence", variable(&group.name));
    let spec = TaskSpec {
        by: ExecutedBy::Feel,
        class: Some("pure".to_owned()),
        computes: vec![("margin".to_owned(), format!("evidence - {functions}"))],
        outcomes: outcomes("margin >= 0"),
        ..TaskSpec::default()
    };
    Activity::new(format!("Check that there is evidence for {}", capital(&group.name)).chars().take(120).collect::<String>())
        .id(element(ids, &format!("check evidence {}", group.name)))
        .input("evidence", format!("if {given} = null then {functions} else {given}"))
        .spec(spec)
        .documentation(format!(
            "Computed. No bound is stated for this part. Counts the functions with evidence: the variable {given}, else \
             all {functions} are assumed to have it."
        ))
        .assumed(0.3)
}

#[cfg(test)]
mod tests;
