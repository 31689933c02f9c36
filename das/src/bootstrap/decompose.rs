//! From parsed requirements to components, functions, interfaces, constraints and links: by a reference
//! architecture where one matches, otherwise from the requirements' own subjects, verbs and headings.

mod conflicts;
mod constraints;
mod reference;
mod subjects;
mod suggested;
mod verification;

use std::collections::BTreeMap;

pub(crate) use constraints::short;
use ontology::architecture::Architecture;
use ontology::model::{
    Component, Constraint, Function, Interface, Node, Origin, Quantity, Requirement, TraceLink,
};
use serde::{Deserialize, Serialize};

use super::ears::{self, Parsed};
use super::name::Ids;
use super::read::{Source, SourceItem};
use super::suggestion::{BY_MODEL, Refusal, Suggestion};

/// Two requirements that cannot both hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Their ids.
    pub requirements: Vec<String>,
    /// Why not.
    pub why: String,
}

/// What was derived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decomposition {
    /// Name of the reference architecture that matched.
    pub architecture: Option<String>,
    /// Requirements, as they were read and taken apart.
    pub requirements: Vec<Requirement>,
    /// Components; the first is the root.
    pub components: Vec<Component>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Constraints.
    pub constraints: Vec<Constraint>,
    /// Links.
    pub links: Vec<TraceLink>,
    /// Contradictions.
    pub conflicts: Vec<Conflict>,
    /// Usual steps by which a function is shown, by function id.
    pub steps: BTreeMap<String, Vec<String>>,
    /// Usual shares of the parent's budget by component id and property.
    pub shares: BTreeMap<String, BTreeMap<String, f64>>,
    /// How functions are usually shown, by function id.
    pub verification: BTreeMap<String, String>,
}

/// Why a requirement belongs to a component and a function.
#[derive(Clone, Debug, PartialEq)]
struct Allocation {
    requirement: usize,
    component: usize,
    function: Option<usize>,
    why: String,
    rule: String,
    confidence: f64,
    span: Option<(usize, usize)>,
}

/// What is being built.
struct Work<'a> {
    parsed: &'a [Parsed],
    out: Decomposition,
    ids: Ids,
    allocations: Vec<Allocation>,
    /// Components made from subjects.
    by_subject: BTreeMap<String, usize>,
    /// Functions made from responses, by component and name.
    by_response: BTreeMap<(usize, String), usize>,
    /// What a model suggested and was taken.
    heard: suggested::Heard,
}

/// Derives a system from its requirements; the same source gives the same result.
#[must_use]
pub fn decompose(name: &str, source: &Source, architectures: &[Architecture]) -> Decomposition {
    decompose_with(name, source, architectures, &[]).0
}

/// The same, with what a model suggests where it passes the checks; and what does not, and why.
#[must_use]
pub fn decompose_with(
    name: &str,
    source: &Source,
    architectures: &[Architecture],
    suggestions: &[Suggestion],
) -> (Decomposition, Vec<Refusal>) {
    let mut parsed: Vec<Parsed> = source.items.iter().map(|item| ears::parse(&item.text)).collect();
    let mut ids = Ids::default();
    for item in &source.items {
        ids.take(&item.id);
    }
    let mut requirements: Vec<Requirement> =
        source.items.iter().zip(&parsed).map(|(item, parsed)| requirement(item, parsed)).collect();
    let refusals = suggested::read(name, source, &mut parsed, &mut requirements, suggestions);
    let mut work = Work {
        parsed: &parsed,
        out: Decomposition { requirements, ..Decomposition::default() },
        ids,
        allocations: Vec::new(),
        by_subject: BTreeMap::new(),
        by_response: BTreeMap::new(),
        heard: suggested::Heard::refusing(refusals),
    };
    match reference::best(architectures, &work.out.requirements) {
        Some(architecture) => reference::derive(&mut work, architecture, name),
        None => subjects::derive(&mut work, name),
    }
    suggested::apply(&mut work, suggestions);
    work.link();
    constraints::derive(&mut work);
    suggested::refuse_unbounded(&mut work);
    conflicts::derive(&mut work);
    verification::derive(&mut work);
    (work.out, work.heard.refusals)
}

fn requirement(item: &SourceItem, parsed: &Parsed) -> Requirement {
    Requirement {
        id: item.id.clone(),
        text: item.text.clone(),
        group: item.group.clone(),
        parent: item.parent.clone(),
        kind: item.kind.clone().or_else(|| Some(kind_of(parsed).to_owned())),
        pattern: parsed.pattern.to_owned(),
        subject: parsed.subject.clone(),
        condition: parsed.condition.clone(),
        response: parsed.response.clone(),
        quantities: parsed.quantities.clone(),
        findings: parsed.findings.clone(),
        line: Some(item.line),
        ..Requirement::default()
    }
}

fn kind_of(parsed: &Parsed) -> &'static str {
    let response = parsed.response.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| response.contains(word));
    if says(&["comply", "conform", "certif", "accordance", "standard", "made of", "be marked"]) {
        "constraint"
    } else if parsed.pattern == "unwanted" || says(&["alarm", "warn", "emergency", "safe state"]) {
        "safety"
    } else if says(&["interface", "connect to", "communicate with", "exchange"]) {
        "interface"
    } else if parsed.quantities.is_empty() {
        "functional"
    } else {
        "performance"
    }
}

impl Decomposition {
    /// All nodes, without processes.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.requirements.iter().cloned().map(Node::Requirement).collect();
        nodes.extend(self.components.iter().cloned().map(Node::Component));
        nodes.extend(self.functions.iter().cloned().map(Node::Function));
        nodes.extend(self.interfaces.iter().cloned().map(Node::Interface));
        nodes.extend(self.constraints.iter().cloned().map(Node::Constraint));
        nodes.extend(self.links.iter().cloned().map(Node::Link));
        nodes
    }
}

impl Work<'_> {
    fn component(
        &mut self,
        words: &str,
        parent: Option<usize>,
        description: Option<&str>,
        origin: Origin,
    ) -> usize {
        let id = self.ids.give("C-", words);
        let parent = parent.and_then(|at| self.out.components.get(at)).map(|component| component.id.clone());
        let description = description.map(str::to_owned);
        self.out.components.push(Component {
            id,
            name: super::name::capital(words),
            parent,
            description,
            origin,
        });
        self.out.components.len() - 1
    }

    fn function(&mut self, component: usize, words: &str, origin: Origin) -> usize {
        let id = self.ids.give("F-", words);
        let component = self.out.components.get(component).map(|c| c.id.clone()).unwrap_or_default();
        self.out.functions.push(Function {
            id,
            name: words.to_owned(),
            component,
            process: None,
            elements: Vec::new(),
            origin,
        });
        self.out.functions.len() - 1
    }

    fn link_of(&mut self, kind: &str, source: &str, target: &str, why: &str, origin: Origin) {
        let short = match kind {
            "allocated_to" => "allocated",
            "satisfied_by" => "satisfied",
            "constrained_by" => "constrained",
            "conflicts_with" => "conflicts",
            other => other,
        };
        // The ends make the id: it stays the same however the source is reordered.
        let id = format!("L-{short}-{source}-{target}");
        if self.out.links.last().is_some_and(|link| link.id == id) {
            return;
        }
        self.ids.take(&id);
        self.out.links.push(TraceLink {
            id,
            kind: kind.to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            rationale: (!why.is_empty()).then(|| why.to_owned()),
            origin,
        });
    }

    /// Turns allocations into links.
    fn link(&mut self) {
        for allocation in std::mem::take(&mut self.allocations) {
            let Some(requirement) = self.out.requirements.get(allocation.requirement).map(|r| r.id.clone())
            else {
                continue;
            };
            let Some(component) = self.out.components.get(allocation.component).map(|c| c.id.clone()) else {
                continue;
            };
            let origin = Origin {
                rule: allocation.rule.clone(),
                sources: vec![requirement.clone()],
                span: allocation.span,
                confidence: allocation.confidence,
                // A model's word is nobody's: it stays an assumption until a person takes it over.
                assumed: allocation.rule.starts_with(BY_MODEL),
            };
            self.link_of("allocated_to", &requirement, &component, &allocation.why, origin.clone());
            if let Some(function) =
                allocation.function.and_then(|f| self.out.functions.get(f)).map(|f| f.id.clone())
            {
                self.link_of("satisfied_by", &requirement, &function, "", origin);
            }
        }
        for (requirement, function, origin) in std::mem::take(&mut self.heard.satisfied) {
            let ends = (self.out.requirements.get(requirement), self.out.functions.get(function));
            if let (Some(requirement), Some(function)) = ends {
                let (requirement, function) = (requirement.id.clone(), function.id.clone());
                self.link_of("satisfied_by", &requirement, &function, "", origin);
            }
        }
        let gone = std::mem::take(&mut self.heard.gone);
        self.out.functions.retain(|function| !gone.contains(&function.id));
    }
}

/// Bytes of a requirement's text that state what shall hold: a value in a condition is a trigger and bounds nothing.
fn response_range(requirement: &Requirement) -> (usize, usize) {
    let whole = (0, requirement.text.len());
    let Some(response) = &requirement.response else { return whole };
    requirement.text.find(response.as_str()).map_or(whole, |at| (at, at + response.len()))
}

/// The quantities of a requirement that state what shall hold.
fn bounds(requirement: &Requirement) -> impl Iterator<Item = &Quantity> {
    let (from, to) = response_range(requirement);
    requirement.quantities.iter().filter(move |quantity| {
        quantity.property.is_some() && quantity.span.0 >= from && quantity.span.0 < to
    })
}

#[cfg(test)]
mod tests;
