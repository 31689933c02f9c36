//! A graph in: Turtle, TriG, N-Triples, N-Quads or JSON-LD, in our own terms or in those of OSLC RM.
//!
//! | in the graph | becomes |
//! | --- | --- |
//! | `procos:Requirement`, `oslc_rm:Requirement` | a requirement |
//! | `procos:Component`, `procos:Function`, … | the node it names |
//! | `oslc_am:Resource` of the type `component` | a component |
//! | `oslc_rm:RequirementCollection` | the group of what it uses |
//! | `procos:TraceLink`, or a plain triple like `procos:allocatedTo` or `oslc_rm:elaborates` | a link |
//! | any other property of a requirement | an attribute with its IRI as name |
//! | everything else | a remark that counts it |
//!
//! An attribute holds the value itself where that is a plain literal, otherwise one term of N-Triples on each line, so
//! that an export writes the same property again.

mod graph;
mod nodes;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Imported, Remark};
use crate::iri::{self, Named};
use crate::model::{IDENTIFIERS, Node, Origin, Requirement, TraceLink};
use crate::vocabulary::{self as term, foreign};
use crate::{Error, GraphFormat};

use graph::{Facts, Graph};
use terms::{
    AM_RESOURCE, CREATED_BY_US, LINKS, Link, PART_KINDS, RM_COLLECTION, RM_REQUIREMENT, RM_USES, TITLE,
};

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most triples.
pub const MAX_TRIPLES: usize = 4_000_000;

/// Reads a graph.
///
/// # Errors
/// [`Error::Malformed`] with the line for what is not in that form; [`Error::Invalid`] for more than one system, or two
/// nodes with one id; [`Error::Limit`].
pub fn read(format: GraphFormat, bytes: &[u8]) -> Result<Imported, Error> {
    let graph = Graph::read(format, bytes)?;
    Reading::over(&graph)?.run()
}

/// A node of the graph that becomes one of ours.
struct Known<'g> {
    kind: &'static str,
    id: String,
    iri: &'g str,
}

struct Reading<'g> {
    graph: &'g Graph,
    /// In the file's order.
    known: Vec<Known<'g>>,
    /// Place in `known` by IRI.
    places: HashMap<&'g str, usize>,
    /// Group by the IRI of what stands in it.
    groups: HashMap<&'g str, String>,
    found: Imported,
    /// What stayed out, and how often.
    left_out: BTreeMap<String, usize>,
}

impl<'g> Reading<'g> {
    fn over(graph: &'g Graph) -> Result<Self, Error> {
        let mut reading = Self {
            graph,
            known: Vec::new(),
            places: HashMap::new(),
            groups: HashMap::new(),
            found: Imported { is_part: true, ..Imported::default() },
            left_out: BTreeMap::new(),
        };
        reading.find_system()?;
        reading.find_nodes()?;
        reading.find_groups();
        Ok(reading)
    }

    /// A file holds one system, or does not say.
    fn find_system(&mut self) -> Result<(), Error> {
        let mut systems: BTreeSet<&str> = BTreeSet::new();
        for iri in self.graph.subjects() {
            systems.extend(self.graph.facts(iri).nodes(term::OF_SYSTEM));
        }
        let name = |iri: &&str| match iri::parse(iri) {
            Some(Named::System(name)) => name,
            _ => (*iri).to_owned(),
        };
        if systems.len() > 1 {
            let names: Vec<String> = systems.iter().take(5).map(name).collect();
            return Err(Error::Invalid(format!(
                "the file holds {} systems ({}): give each a file of its own",
                systems.len(),
                names.join(", ")
            )));
        }
        self.found.title = systems.first().map(name);
        Ok(())
    }

    fn find_nodes(&mut self) -> Result<(), Error> {
        let mut ids: HashMap<String, &str> = HashMap::new();
        for iri in self.graph.subjects() {
            let mut facts = self.graph.facts(iri);
            let types = facts.nodes(foreign::TYPE);
            let Some(kind) = kind_of(&types, &mut facts) else {
                self.stays_out(iri, &types);
                continue;
            };
            let Some(id) = id_of(iri, &mut facts) else {
                *self
                    .left_out
                    .entry(format!("{kind} nodes without an identifier stayed out"))
                    .or_default() += 1;
                continue;
            };
            if let Some(other) = ids.insert(id.clone(), iri) {
                return Err(Error::Invalid(format!("the file holds {id} twice: {other} and {iri}")));
            }
            self.places.insert(iri, self.known.len());
            self.known.push(Known { kind, id, iri });
        }
        Ok(())
    }

    /// Counts what becomes no node and belongs to none.
    fn stays_out(&mut self, iri: &str, types: &[&str]) {
        let is_part = types.iter().any(|each| PART_KINDS.contains(each) || *each == RM_COLLECTION);
        // Attributes and parts of budgets have no type: their IRIs lie below that of a node.
        let is_below = types.is_empty() && iri.starts_with(IDENTIFIERS) && iri::parse(iri).is_none();
        if is_part || is_below {
            return;
        }
        let what = match types.first() {
            Some(kind) => format!("resources of the type {kind} stayed out"),
            None => "resources without a type stayed out".to_owned(),
        };
        *self.left_out.entry(what).or_default() += 1;
    }

    fn find_groups(&mut self) {
        for iri in self.graph.subjects() {
            let mut facts = self.graph.facts(iri);
            if !facts.nodes(foreign::TYPE).contains(&RM_COLLECTION) {
                continue;
            }
            let used = facts.nodes(RM_USES);
            let Some(name) = facts.text(TITLE) else { continue };
            // What uses collections is the specification as a whole.
            let is_whole = matches!(iri::parse(iri), Some(Named::System(_)))
                || used.iter().any(|member| self.is_collection(member));
            if is_whole {
                self.found.title.get_or_insert(name);
                continue;
            }
            for member in used {
                self.groups.entry(member).or_insert_with(|| name.clone());
            }
        }
    }

    fn is_collection(&self, iri: &str) -> bool {
        self.graph.facts(iri).nodes(foreign::TYPE).contains(&RM_COLLECTION)
    }

    fn run(mut self) -> Result<Imported, Error> {
        let known = std::mem::take(&mut self.known);
        let places = std::mem::take(&mut self.places);
        let ends = Ends::over(self.graph, &known, &places);
        let mut links = Links::default();
        for node in &known {
            let mut facts = self.graph.facts(node.iri);
            let read = nodes::read(self.graph, node, &mut facts, &ends);
            let Some(read) = read else {
                let what =
                    format!("{} nodes that lack what they need (a component, an end) stayed out", node.kind);
                *self.left_out.entry(what).or_default() += 1;
                continue;
            };
            match read {
                Node::Requirement(mut requirement) => {
                    if requirement.group.is_none() {
                        requirement.group = self.groups.get(node.iri).cloned();
                    }
                    links.plain(node, &mut facts, &ends);
                    self.rest(&mut requirement, &facts);
                    self.found.requirements.push(requirement);
                }
                Node::Link(link) => links.named(link),
                other => {
                    links.plain(node, &mut facts, &ends);
                    self.ignored(node.kind, &facts);
                    self.found.nodes.push(other);
                }
            }
        }
        links.finish(&mut self.found);
        let remarks = self.left_out.into_iter();
        let remarks = remarks.map(|(what, count)| Remark { what: format!("{count} {what}"), line: None });
        self.found.remarks.extend(remarks);
        Ok(self.found)
    }

    /// What is said of a requirement and has no field becomes an attribute.
    fn rest(&mut self, requirement: &mut Requirement, facts: &Facts<'_>) {
        let mut nameless = 0;
        for (predicate, values) in facts.rest() {
            // Sorted: their order in a graph means nothing.
            let terms: BTreeSet<String> = values.iter().filter_map(|value| value.term()).collect();
            nameless += values.len() - terms.len();
            let told = match values.as_slice() {
                [only] => only.plain().map(str::to_owned),
                _ => None,
            };
            if !terms.is_empty() {
                requirement
                    .attributes
                    .insert(predicate.to_owned(), told.unwrap_or_else(|| Vec::from_iter(terms).join("\n")));
            }
        }
        if nameless > 0 {
            let what = "values of requirements are nodes without a name and stayed out".to_owned();
            *self.left_out.entry(what).or_default() += nameless;
        }
    }

    fn ignored(&mut self, kind: &str, facts: &Facts<'_>) {
        for (predicate, values) in facts.rest() {
            if !CREATED_BY_US.contains(&predicate) {
                let what = format!("values of {predicate} at {kind} nodes stayed out");
                *self.left_out.entry(what).or_default() += values.len();
            }
        }
    }
}

/// The kind of node that a resource of these types becomes.
fn kind_of(types: &[&str], facts: &mut Facts<'_>) -> Option<&'static str> {
    let own = types.iter().find_map(|each| {
        Some(match *each {
            term::REQUIREMENT | RM_REQUIREMENT => "requirement",
            term::COMPONENT => "component",
            term::FUNCTION => "function",
            term::PROCESS => "process",
            term::INTERFACE => "interface",
            term::CONSTRAINT => "constraint",
            term::TRACE_LINK => "link",
            _ => return None,
        })
    });
    let is_component =
        types.contains(&AM_RESOURCE) && facts.text(terms::DC_TYPE).is_some_and(|kind| kind == "component");
    own.or_else(|| is_component.then_some("component"))
}

/// The identifier that is given, or the end of its IRI.
fn id_of(iri: &str, facts: &mut Facts<'_>) -> Option<String> {
    let said = facts.text(foreign::IDENTIFIER).or_else(|| facts.text(terms::SHORT_TITLE));
    if let Some(said) = said.map(|said| said.trim().to_owned()).filter(|said| !said.is_empty()) {
        return Some(said);
    }
    if iri.starts_with("_:") {
        return None;
    }
    if let Some(Named::Node { id, .. }) = iri::parse(iri) {
        return Some(id);
    }
    let end = iri.rsplit(['/', '#']).find(|part| !part.is_empty())?;
    Some(end.to_owned())
}

/// Finds the node at the end of a property.
struct Ends<'a, 'g> {
    known: &'a [Known<'g>],
    places: &'a HashMap<&'g str, usize>,
    /// The components that perform a function, or execute a process: by property and IRI.
    owners: HashMap<(&'static str, &'g str), Vec<&'g str>>,
    /// Both ends of link nodes that say who performs what.
    performing: BTreeSet<(&'g str, &'g str)>,
}

impl<'a, 'g> Ends<'a, 'g> {
    fn over(graph: &'g Graph, known: &'a [Known<'g>], places: &'a HashMap<&'g str, usize>) -> Self {
        let mut owners: HashMap<(&'static str, &'g str), Vec<&'g str>> = HashMap::new();
        let mut performing = BTreeSet::new();
        for node in known {
            let mut facts = graph.facts(node.iri);
            match node.kind {
                "component" => {
                    for property in [term::PERFORMS, term::EXECUTES] {
                        for owned in facts.nodes(property) {
                            owners.entry((property, owned)).or_default().push(node.iri);
                        }
                    }
                }
                "link" if facts.text(term::LINK_KIND).as_deref() == Some("performs") => {
                    let (from, to) = (facts.nodes(term::LINK_SOURCE), facts.nodes(term::LINK_TARGET));
                    performing.extend(from.into_iter().zip(to));
                }
                _ => {}
            }
        }
        Self { known, places, owners, performing }
    }

    /// The component that a function or process belongs to: one for which no link node stands, where there are several.
    fn owner(&self, owned: &str, property: &'static str) -> Option<String> {
        let owners = self.owners.get(&(property, owned))?;
        let own = owners.iter().find(|owner| !self.performing.contains(&(**owner, owned)));
        self.id(own.or(owners.first())?, "component")
    }

    /// Kind and id of what an IRI stands for: in the file, or by its form in the system that the file is taken into.
    fn find(&self, iri: &str) -> Option<(String, String)> {
        if let Some(known) = self.places.get(iri).and_then(|place| self.known.get(*place)) {
            return Some((known.kind.to_owned(), known.id.clone()));
        }
        match iri::parse(iri)? {
            Named::Node { kind, id, .. } => Some((kind, id)),
            Named::System(_) => None,
        }
    }

    fn id(&self, iri: &str, kind: &str) -> Option<String> {
        self.find(iri).filter(|(found, _)| found == kind).map(|(_, id)| id)
    }
}

/// Links as they are found; a plain triple beside a link node says the same once more.
#[derive(Default)]
struct Links {
    named: Vec<TraceLink>,
    /// (kind, source, target) of plain triples, with the words for the rationale.
    plain: BTreeMap<(String, String, String), Option<&'static str>>,
}

impl Links {
    fn named(&mut self, link: TraceLink) {
        self.named.push(link);
    }

    /// The links that properties of a node stand for. One whose end is no node of a system stays what it was.
    fn plain(&mut self, node: &Known<'_>, facts: &mut Facts<'_>, ends: &Ends<'_, '_>) {
        for Link { predicate, kind, source, target, inverse, rationale } in LINKS {
            let fits = |other: &str| {
                let (from, to) = if *inverse { (other, node.kind) } else { (node.kind, other) };
                source.contains(&from) && *target == to
            };
            for iri in facts.nodes_where(predicate, |iri| ends.find(iri).is_some_and(|(kind, _)| fits(&kind)))
            {
                let Some((_, other)) = ends.find(iri) else { continue };
                let (from, to) = if *inverse { (other, node.id.clone()) } else { (node.id.clone(), other) };
                self.plain.entry(((*kind).to_owned(), from, to)).or_insert(*rationale);
            }
        }
    }

    /// A function's component, a process's component and a parent are fields; their triples are no links of their own.
    fn finish(self, found: &mut Imported) {
        let said: BTreeSet<(&str, &str, &str)> = self
            .named
            .iter()
            .map(|link| (link.kind.as_str(), link.source.as_str(), link.target.as_str()))
            .collect();
        let mut fields: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
        for node in &found.nodes {
            if let Node::Function(function) = node {
                fields.insert(("performs", &function.component, &function.id));
                if let Some(process) = &function.process {
                    fields.insert(("realised_by", &function.id, process));
                }
            }
            if let Node::Constraint(constraint) = node {
                fields.insert(("constrained_by", &constraint.subject, &constraint.id));
            }
        }
        for requirement in &found.requirements {
            if let Some(parent) = &requirement.parent {
                fields.insert(("refines", &requirement.id, parent));
            }
        }
        let fresh = self.plain.iter().filter(|((kind, source, target), _)| {
            let key = (kind.as_str(), source.as_str(), target.as_str());
            !said.contains(&key) && !fields.contains(&key)
        });
        let fresh: Vec<Node> = fresh
            .map(|((kind, source, target), rationale)| {
                Node::Link(TraceLink {
                    id: format!("{kind}:{source}:{target}"),
                    kind: kind.clone(),
                    source: source.clone(),
                    target: target.clone(),
                    rationale: rationale.map(str::to_owned),
                    origin: Origin { rule: "import".to_owned(), confidence: 1.0, ..Origin::default() },
                })
            })
            .collect();
        found.nodes.extend(self.named.into_iter().map(Node::Link));
        found.nodes.extend(fresh);
    }
}
