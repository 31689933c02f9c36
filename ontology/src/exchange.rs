//! Requirements from other tools and back: what was understood, what is kept beside it, and what had to stay out.

mod archive;
mod document;
mod markdown;
mod oslc;
pub mod rdf;
pub mod reqif;
pub mod sysml;
pub mod table;
pub mod workbook;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::index::edges_of;
use crate::model::{ChangeSet, Node, Origin, Process, Requirement, TraceLink};
use crate::{Error, GraphFormat, SystemIndex};

pub use archive::read_reqifz;
pub use document::{Document, Form};

/// The endings of names that [`read`] knows.
pub const ENDINGS: &[&str] = &["reqif", "reqifz", "csv", "xlsx", "ttl", "trig", "nt", "nq", "jsonld"];

/// Reads a file by the ending of its name ([`ENDINGS`]). Texts are UTF-8, or UTF-16 with a byte order mark.
///
/// # Errors
/// [`Error::Invalid`] for another ending; [`Error::Malformed`], [`Error::Limit`].
pub fn read(name: &str, bytes: &[u8]) -> Result<Imported, Error> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "reqif" => reqif::read(&decode("ReqIF", bytes)?),
        "reqifz" => read_reqifz(bytes),
        "csv" => table::read(&decode("CSV", bytes)?),
        "xlsx" => workbook::read(bytes),
        "ttl" => rdf::read(GraphFormat::Turtle, bytes),
        "trig" => rdf::read(GraphFormat::TriG, bytes),
        "nt" => rdf::read(GraphFormat::NTriples, bytes),
        "nq" => rdf::read(GraphFormat::NQuads, bytes),
        "jsonld" => rdf::read(GraphFormat::JsonLd, bytes),
        _ => Err(Error::Invalid(format!("{name} does not end in .{}", ENDINGS.join(", .")))),
    }
}

fn decode(format: &'static str, bytes: &[u8]) -> Result<String, Error> {
    let malformed = |reason: &str| Error::Malformed { format, line: 1, reason: reason.to_owned() };
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| match pair {
            [one, two] => unit([*one, *two]),
            _ => 0,
        });
        char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| malformed("it is broken UTF-16"))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
            std::str::from_utf8(rest).map(str::to_owned).map_err(|error| {
                let lines = rest.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
                let line = u32::try_from(lines + 1).unwrap_or(u32::MAX);
                Error::Malformed { format, line, reason: "it is not UTF-8".to_owned() }
            })
        }
    }
}

/// Remarks that one report lists.
const MAX_REMARKS: usize = 1_000;

/// Something an import could not take over as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// In words.
    pub what: String,
    /// Line of the file, from 1.
    pub line: Option<u32>,
}

/// A relation between two requirements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// Its id in the file; may be empty.
    pub id: String,
    /// Id of the requirement it starts at.
    pub source: String,
    /// Id of the requirement it ends at.
    pub target: String,
    /// Name of its type.
    pub name: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// Its title.
    pub title: Option<String>,
    /// Requirements in the file's order.
    pub requirements: Vec<Requirement>,
    /// Relations between them.
    pub relations: Vec<Relation>,
    /// Nodes of other kinds, and links.
    pub nodes: Vec<Node>,
    /// What could not be taken over.
    pub remarks: Vec<Remark>,
    /// Whether it may be a part of something larger: a parent that is nowhere is then left out with a remark, and
    /// otherwise keeps the whole file out.
    pub is_part: bool,
}

/// What taking in a file did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Requirements in the file.
    pub requirements: usize,
    /// Links that came from it.
    pub links: usize,
    /// Components, functions, processes, interfaces and constraints in the file.
    #[serde(default)]
    pub others: usize,
    /// Requirements that were not there before.
    pub added: usize,
    /// Requirements of the system that the file does not hold; they stay.
    pub absent: usize,
    /// What could not be taken over.
    pub remarks: Vec<Remark>,
}

impl Imported {
    fn remark(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.remarks.push(Remark { what: format!("{count} {what}"), line: None });
        }
    }

    /// The change that brings a system to what the file says. Nodes keep their ids, and with them their links; what
    /// the file does not speak of (verification, allocation, what people added) stays. `understand` reads the text
    /// of a requirement that is new or says something else.
    #[must_use]
    pub fn change(
        self,
        known: Option<&SystemIndex>,
        understand: &dyn Fn(&mut Requirement),
    ) -> (ChangeSet, ImportReport) {
        let mut report = ImportReport { requirements: self.requirements.len(), ..ImportReport::default() };
        let mut remarks = self.remarks;
        let mut nodes = self.nodes;
        nodes.extend(self.relations.into_iter().map(link));
        let allocated: BTreeSet<&str> = nodes
            .iter()
            .filter_map(|node| match node {
                Node::Link(link) if link.kind == "allocated_to" => Some(link.source.as_str()),
                _ => None,
            })
            .collect();
        let mut change = ChangeSet::default();
        for read in self.requirements {
            let kept = known.and_then(|system| system.node(&read.id)).map(AsRef::as_ref);
            let requirement = match kept {
                Some(Node::Requirement(kept)) => again(kept, read, understand),
                _ => {
                    report.added += usize::from(kept.is_none());
                    let mut fresh = read;
                    if fresh.pattern.is_empty() {
                        understand(&mut fresh);
                    }
                    if !allocated.contains(fresh.id.as_str()) {
                        let reason = || "imported and not linked to a component yet".to_owned();
                        fresh.unallocated_reason.get_or_insert_with(reason);
                    }
                    fresh
                }
            };
            change.put.push(Node::Requirement(requirement));
        }
        if self.is_part {
            remarks.extend(without_missing_parents(&mut change.put, known));
        }
        let mut undeployed = 0;
        for node in &mut nodes {
            if let Node::Process(process) = node {
                undeployed += usize::from(!keep_definition(process, known));
            }
        }
        if undeployed > 0 {
            let what = format!("{undeployed} processes are named, but not deployed here");
            remarks.push(Remark { what, line: None });
        }
        nodes.sort_by(|one, two| one.id().cmp(two.id()));
        nodes.dedup_by(|one, two| one.id() == two.id());
        let (nodes, astray) = with_both_ends(nodes, &change.put, known);
        remarks.extend(astray);
        report.links = nodes.iter().filter(|node| matches!(node, Node::Link(_))).count();
        report.others = nodes.len() - report.links;
        change.put.extend(nodes);
        if let Some(system) = known {
            let put: BTreeSet<&str> = change.put.iter().map(Node::id).collect();
            report.absent = system.of_kind("requirement").filter(|node| !put.contains(node.id())).count();
        }
        remarks.truncate(MAX_REMARKS);
        report.remarks = remarks;
        (change, report)
    }
}

/// Keys of definitions belong to the engine that the file comes from: the one that is known here stays, others go.
/// Whether there is one.
fn keep_definition(process: &mut Process, known: Option<&SystemIndex>) -> bool {
    let kept = known.and_then(|system| system.node(&process.id)).and_then(|node| match node.as_ref() {
        Node::Process(kept) if kept.process_id == process.process_id => kept.definition,
        _ => None,
    });
    process.definition = kept;
    kept.is_some()
}

/// Takes a requirement's parent away where that is neither in the file nor in the system, and says so.
fn without_missing_parents(put: &mut [Node], known: Option<&SystemIndex>) -> Vec<Remark> {
    let there: BTreeSet<String> = put.iter().map(|node| node.id().to_owned()).collect();
    let is_there = |id: &str| {
        let known = known.and_then(|system| system.node(id));
        there.contains(id) || matches!(known.map(AsRef::as_ref), Some(Node::Requirement(_)))
    };
    let mut remarks = Vec::new();
    for node in put {
        let Node::Requirement(requirement) = node else { continue };
        if let Some(parent) = requirement.parent.take_if(|parent| !is_there(parent)) {
            let what = format!(
                "{} has the parent {parent}, which is no requirement of file or system: it stands without one",
                requirement.id
            );
            remarks.push(Remark { what, line: None });
        }
    }
    remarks
}

/// Leaves out what refers to a node that is neither in the file nor in the system, and says so.
fn with_both_ends(
    mut nodes: Vec<Node>,
    put: &[Node],
    known: Option<&SystemIndex>,
) -> (Vec<Node>, Vec<Remark>) {
    let mut remarks = Vec::new();
    loop {
        let there: BTreeSet<&str> = put.iter().chain(&nodes).map(Node::id).collect();
        let is_there = |id: &str| there.contains(id) || known.is_some_and(|system| system.node(id).is_some());
        let astray: Vec<(String, String)> = nodes
            .iter()
            .filter_map(|node| {
                let ends = edges_of(node).into_iter().flat_map(|(source, _, target, _)| [source, target]);
                let missing = ends.into_iter().find(|end| !is_there(end))?;
                Some((node.id().to_owned(), missing.to_owned()))
            })
            .collect();
        if astray.is_empty() {
            return (nodes, remarks);
        }
        let gone: BTreeSet<&str> = astray.iter().map(|(id, _)| id.as_str()).collect();
        nodes.retain(|node| !gone.contains(node.id()));
        remarks.extend(astray.into_iter().map(|(id, missing)| Remark {
            what: format!("{id} leads to {missing}, which is in neither file nor system, and stayed out"),
            line: None,
        }));
    }
}

/// A requirement that is there already, as the file says it now.
fn again(kept: &Requirement, read: Requirement, understand: &dyn Fn(&mut Requirement)) -> Requirement {
    let is_read = !read.pattern.is_empty();
    let is_reworded = kept.text != read.text;
    let understood = if is_read { &read } else { kept };
    let mut now = Requirement {
        id: kept.id.clone(),
        pattern: understood.pattern.clone(),
        subject: understood.subject.clone(),
        condition: understood.condition.clone(),
        response: understood.response.clone(),
        quantities: understood.quantities.clone(),
        findings: understood.findings.clone(),
        group: read.group.clone().or_else(|| kept.group.clone()),
        parent: read.parent.clone().or_else(|| kept.parent.clone()),
        kind: read.kind.clone().or_else(|| kept.kind.clone()),
        verification: read.verification.clone().or_else(|| kept.verification.clone()),
        criterion: read.criterion.clone().or_else(|| kept.criterion.clone()),
        unallocated_reason: read.unallocated_reason.clone().or_else(|| kept.unallocated_reason.clone()),
        text: read.text.clone(),
        line: read.line,
        attributes: read.attributes.clone(),
    };
    if is_reworded && !is_read {
        understand(&mut now);
    }
    now
}

fn link(relation: Relation) -> Node {
    let name = relation.name.unwrap_or_default();
    let lower = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let kind = if says(&["conflict", "contradict"]) {
        "conflicts_with"
    } else if says(&["refine", "derive", "parent", "child", "decompos"]) {
        "refines"
    } else {
        "relates_to"
    };
    let id = if relation.id.is_empty() {
        format!("{kind}:{}:{}", relation.source, relation.target)
    } else {
        relation.id
    };
    Node::Link(TraceLink {
        id,
        kind: kind.to_owned(),
        source: relation.source,
        target: relation.target,
        rationale: (!name.is_empty()).then_some(name),
        origin: Origin { rule: "import".to_owned(), confidence: 1.0, ..Origin::default() },
    })
}

#[cfg(test)]
mod tests;
