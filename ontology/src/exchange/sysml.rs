//! A system as SysML v2 in its textual notation (OMG formal/25-09-03, clause 8.2.2).
//!
//! Each kind has a package of its own, elements are named by their ids, and what a person reads of them is their
//! documentation. Elements of the notation that stand for a kind: `requirement`, nested `part`s, `action` for functions
//! and processes, `connection` for interfaces, `constraint`. Links become `allocate`, `satisfy`, `perform`,
//! `verification` and, where the notation has no word of its own, `dependency` with the kind as its documentation.

mod elements;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::index::SystemIndex;
use crate::model::{Constraint, Node, TraceLink};

pub use elements::{Elements, elements};

/// Words of the notation that cannot stand as names by themselves (clause 8.2.2.1.2).
const RESERVED: &[&str] = &[
    "about",
    "abstract",
    "accept",
    "action",
    "actor",
    "after",
    "alias",
    "all",
    "allocate",
    "allocation",
    "analysis",
    "and",
    "as",
    "assert",
    "assign",
    "assoc",
    "assume",
    "at",
    "attribute",
    "bind",
    "binding",
    "bool",
    "by",
    "calc",
    "case",
    "chains",
    "class",
    "classifier",
    "comment",
    "composite",
    "concern",
    "conjugate",
    "conjugates",
    "conjugation",
    "connect",
    "connection",
    "connector",
    "const",
    "constant",
    "constraint",
    "crosses",
    "datatype",
    "decide",
    "def",
    "default",
    "defined",
    "dependency",
    "derived",
    "differences",
    "disjoining",
    "disjoint",
    "do",
    "doc",
    "else",
    "end",
    "entry",
    "enum",
    "event",
    "exhibit",
    "exit",
    "expose",
    "expr",
    "false",
    "feature",
    "featured",
    "featuring",
    "filter",
    "first",
    "flow",
    "for",
    "fork",
    "frame",
    "from",
    "function",
    "hastype",
    "if",
    "implies",
    "import",
    "in",
    "include",
    "individual",
    "inout",
    "interaction",
    "interface",
    "intersects",
    "inv",
    "inverse",
    "inverting",
    "istype",
    "item",
    "join",
    "language",
    "library",
    "locale",
    "loop",
    "member",
    "merge",
    "message",
    "meta",
    "metaclass",
    "metadata",
    "multiplicity",
    "namespace",
    "new",
    "nonunique",
    "not",
    "null",
    "objective",
    "occurrence",
    "of",
    "or",
    "ordered",
    "out",
    "package",
    "parallel",
    "part",
    "perform",
    "port",
    "portion",
    "predicate",
    "private",
    "protected",
    "public",
    "readonly",
    "redefines",
    "redefinition",
    "ref",
    "references",
    "render",
    "rendering",
    "rep",
    "require",
    "requirement",
    "return",
    "satisfy",
    "send",
    "snapshot",
    "specialization",
    "specializes",
    "stakeholder",
    "standard",
    "state",
    "step",
    "struct",
    "subclassifier",
    "subject",
    "subset",
    "subsets",
    "subtype",
    "succession",
    "terminate",
    "then",
    "timeslice",
    "to",
    "transition",
    "true",
    "type",
    "typed",
    "typing",
    "unions",
    "until",
    "use",
    "var",
    "variant",
    "variation",
    "verification",
    "verify",
    "via",
    "view",
    "viewpoint",
    "when",
    "while",
    "xor",
];

/// A text in the notation, and what it could not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The text.
    pub text: String,
    /// What was left out or is said in words only.
    pub remarks: Vec<String>,
}

/// A name as the notation writes it: as it is where it can be, else in quotes.
#[must_use]
pub fn name(id: &str) -> String {
    let mut chars = id.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_basic = starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_basic && RESERVED.binary_search(&id).is_err() {
        return id.to_owned();
    }
    let mut out = String::with_capacity(id.len() + 2);
    out.push('\'');
    for c in id.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Writes a system, in natural order of ids.
#[must_use]
pub fn write(system: &SystemIndex) -> Written {
    let mut writer = Writer { system, out: String::new(), indent: 0, counts: BTreeMap::new() };
    writer.open(&format!("package {}", name(&system.name)));
    writer.requirements();
    writer.structure();
    writer.actions("Functions", "function");
    writer.actions("Processes", "process");
    writer.interfaces();
    writer.constraints();
    writer.links();
    writer.close();
    let remarks = writer.counts.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    Written { text: writer.out, remarks }
}

struct Writer<'a> {
    system: &'a SystemIndex,
    out: String,
    indent: usize,
    counts: BTreeMap<&'static str, usize>,
}

impl<'a> Writer<'a> {
    fn line(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = self.indent * 4);
    }

    fn open(&mut self, head: &str) {
        self.line(&format!("{head} {{"));
        self.indent += 1;
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }

    fn remark(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Documentation: a comment, which cannot hold its own end.
    fn doc(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if text.contains("*/") {
            self.remark("texts hold the end of a comment, which is written with a blank in it");
        }
        let text = text.replace("*/", "* /");
        self.line(&format!("doc /* {text} */"));
    }

    fn nodes(&self, kind: &str) -> impl Iterator<Item = &'a Node> + use<'a> {
        let nodes: Vec<&'a Node> = self.system.of_kind(kind).map(AsRef::as_ref).collect();
        nodes.into_iter()
    }

    fn requirements(&mut self) {
        self.open("package Requirements");
        for node in self.nodes("requirement") {
            let Node::Requirement(requirement) = node else { continue };
            self.open(&format!("requirement {}", name(&requirement.id)));
            self.doc(&requirement.text);
            let said = [
                ("group", &requirement.group),
                ("kind", &requirement.kind),
                ("verification", &requirement.verification),
                ("criterion", &requirement.criterion),
            ];
            for (field, value) in said {
                if let Some(value) = value {
                    self.line(&format!(
                        "attribute {} = {};",
                        name(&format!("procos {field}")),
                        string(value)
                    ));
                }
            }
            if !requirement.attributes.is_empty() {
                self.remark("requirements have attributes of other tools, which stay out");
            }
            self.close();
        }
        self.close();
    }

    fn structure(&mut self) {
        let properties = properties(self.system);
        self.open("package Structure");
        for node in self.nodes("component") {
            if matches!(node, Node::Component(component) if component.parent.is_none()) {
                self.part(node.id(), &properties);
            }
        }
        self.close();
    }

    fn part(&mut self, id: &str, properties: &BTreeMap<&str, Vec<&str>>) {
        let system = self.system;
        let Some(Node::Component(component)) = system.node(id).map(AsRef::as_ref) else { return };
        self.open(&format!("part {}", name(id)));
        let about = component.description.as_deref().unwrap_or_default();
        self.doc(&format!("{} {about}", component.name));
        for property in properties.get(id).into_iter().flatten() {
            self.line(&format!("attribute {};", attribute(property)));
        }
        for (kind, package) in [("performs", "Functions"), ("executes", "Processes")] {
            let ends = system.outgoing(id).filter(|edge| edge.kind == kind).map(|edge| edge.other.as_str());
            for end in ends.collect::<BTreeSet<_>>() {
                self.line(&format!("perform {package}::{};", name(end)));
            }
        }
        let parts = system.incoming(id).filter(|edge| edge.kind == "part_of");
        parts.for_each(|edge| self.part(&edge.other, properties));
        self.close();
    }

    /// The chain of parts that leads to a component, from the outermost on.
    fn path(&self, component: &str) -> String {
        let names: Vec<String> = chain(self.system, component).into_iter().map(name).collect();
        format!("Structure::{}", names.join("."))
    }

    fn actions(&mut self, package: &str, kind: &str) {
        self.open(&format!("package {package}"));
        for node in self.nodes(kind) {
            self.open(&format!("action {}", name(node.id())));
            match node {
                Node::Function(function) => self.doc(&function.name),
                Node::Process(process) => {
                    self.doc(&format!("{} (BPMN process {})", process.name, process.process_id))
                }
                _ => {}
            }
            self.close();
        }
        self.close();
    }

    fn interfaces(&mut self) {
        self.open("package Interfaces");
        for node in self.nodes("interface") {
            let Node::Interface(interface) = node else { continue };
            let (source, target) = (self.path(&interface.source), self.path(&interface.target));
            self.open(&format!("connection {} connect {source} to {target}", name(&interface.id)));
            let way = if interface.direction == "both" { "both ways" } else { "from source to target" };
            let unit = interface.unit.as_deref().map_or_else(String::new, |unit| format!(" in {unit}"));
            self.doc(&format!("{}: {}{unit}, {way}", interface.name, interface.item));
            self.remark("interfaces say in words what flows");
            self.close();
        }
        self.close();
    }

    fn constraints(&mut self) {
        self.open("package Constraints");
        for node in self.nodes("constraint") {
            let Node::Constraint(constraint) = node else { continue };
            self.open(&format!("constraint {}", name(&constraint.id)));
            let Constraint { name, property, comparator, si_value, si_unit, .. } = constraint;
            self.doc(&format!("{name}: {property} {comparator} {si_value} {si_unit}"));
            match self.bounded(constraint) {
                Some(left) => {
                    let comparator = if comparator == "=" { "==" } else { comparator.as_str() };
                    self.line(&format!("{left} {comparator} {}", number(*si_value)));
                    self.remark("constraints are numbers in SI units, which are said in words");
                }
                None => self.remark("constraints of functions are said in words only"),
            }
            self.close();
        }
        self.close();
    }

    /// What is bounded: a property of a component, or the sum over the parts of a budget.
    fn bounded(&self, constraint: &Constraint) -> Option<String> {
        let of = |id: &str| format!("{}.{}", self.path(id), attribute(&constraint.property));
        let ids = bounded_components(self.system, constraint)?;
        Some(ids.into_iter().map(of).collect::<Vec<_>>().join(" + "))
    }

    /// A node as others refer to it.
    fn reference(&self, id: &str) -> Option<String> {
        let name = name(id);
        Some(match self.system.node(id)?.kind() {
            "requirement" => format!("Requirements::{name}"),
            "component" => self.path(id),
            "function" => format!("Functions::{name}"),
            "process" => format!("Processes::{name}"),
            "interface" => format!("Interfaces::{name}"),
            "constraint" => format!("Constraints::{name}"),
            _ => return None,
        })
    }

    fn links(&mut self) {
        self.open("package Traces");
        for node in self.nodes("requirement") {
            let Node::Requirement(requirement) = node else { continue };
            if let Some(parent) = requirement.parent.as_deref().and_then(|parent| self.reference(parent)) {
                let head = format!("dependency from Requirements::{} to {parent}", name(&requirement.id));
                self.described(&head, "refines");
            }
        }
        for node in self.nodes("function") {
            let Node::Function(function) = node else { continue };
            if let Some(process) = function.process.as_deref().and_then(|process| self.reference(process)) {
                self.line(&format!("allocate Functions::{} to {process};", name(&function.id)));
            }
        }
        for node in self.nodes("link") {
            let Node::Link(link) = node else { continue };
            let (Some(source), Some(target)) = (self.reference(&link.source), self.reference(&link.target))
            else {
                self.remark("links have an end that stays out, and stay out with it");
                continue;
            };
            self.link(link, &source, &target);
        }
        self.close();
    }

    fn link(&mut self, link: &TraceLink, source: &str, target: &str) {
        let why = link.rationale.as_deref().unwrap_or_default();
        match link.kind.as_str() {
            "allocated_to" | "realised_by" => self.described(&format!("allocate {source} to {target}"), why),
            "satisfied_by" => self.described(&format!("satisfy {source} by {target}"), why),
            // The part says it already.
            "performs" => {}
            "verified_by" => {
                self.open(&format!("verification {}", name(&link.id)));
                self.doc(why);
                self.open("objective");
                self.line(&format!("verify {source};"));
                self.close();
                self.line(&format!("perform {target};"));
                self.close();
            }
            kind => {
                self.remark("links are dependencies whose kind is said in words");
                let said = format!("{kind} {why}");
                self.described(&format!("dependency from {source} to {target}"), &said);
            }
        }
    }

    fn described(&mut self, head: &str, words: &str) {
        if words.trim().is_empty() {
            self.line(&format!("{head};"));
        } else {
            self.open(head);
            self.doc(words);
            self.close();
        }
    }
}

/// The attribute of a part that a constraint bounds: apart from names of parts within it.
fn attribute(property: &str) -> String {
    name(&property_name(property))
}

fn property_name(property: &str) -> String {
    format!("property {property}")
}

/// What is bounded of which component.
fn properties(system: &SystemIndex) -> BTreeMap<&str, Vec<&str>> {
    let mut properties: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in system.of_kind("constraint") {
        let Node::Constraint(constraint) = node.as_ref() else { continue };
        let parts = constraint.parts.iter().map(|(part, _, _)| part.as_str());
        for component in parts.chain([constraint.subject.as_str()]) {
            let known = properties.entry(component).or_default();
            if !known.contains(&constraint.property.as_str()) {
                known.push(&constraint.property);
            }
        }
    }
    properties
}

/// The components that lead to one, from the outermost on.
fn chain<'a>(system: &'a SystemIndex, component: &'a str) -> Vec<&'a str> {
    let mut chain = vec![component];
    let mut at = component;
    while let Some(Node::Component(found)) = system.node(at).map(AsRef::as_ref)
        && let Some(parent) = found.parent.as_deref()
    {
        chain.push(parent);
        at = parent;
        if chain.len() > crate::validate::MAX_COMPONENT_DEPTH {
            break;
        }
    }
    chain.reverse();
    chain
}

/// The components whose sum a constraint bounds; `None` where it bounds something else.
fn bounded_components<'a>(system: &SystemIndex, constraint: &'a Constraint) -> Option<Vec<&'a str>> {
    let is_component = |id: &str| system.node(id).is_some_and(|node| node.kind() == "component");
    let parts: Vec<&str> = constraint.parts.iter().map(|(part, _, _)| part.as_str()).collect();
    let ids = if parts.is_empty() { vec![constraint.subject.as_str()] } else { parts };
    let fits = ids.iter().all(|id| is_component(id)) && constraint.si_value.is_finite();
    fits.then_some(ids)
}

/// A text in double quotes.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A number as a literal: digits with a point, or with an exponent.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-4..1e15).contains(&magnitude);
    if plain { format!("{value:?}") } else { format!("{value:E}") }
}

#[cfg(test)]
mod tests;
