//! Requirements from other tools and back: what was understood, what is kept beside it, and what had to stay out.

pub mod reqif;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::SystemIndex;
use crate::model::{ChangeSet, Node, Origin, Requirement, TraceLink};

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
    /// What could not be taken over.
    pub remarks: Vec<Remark>,
}

/// What taking in a file did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Requirements in the file.
    pub requirements: usize,
    /// Links that came from it.
    pub links: usize,
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
        understand: impl Fn(&mut Requirement),
    ) -> (ChangeSet, ImportReport) {
        let mut report = ImportReport { requirements: self.requirements.len(), ..ImportReport::default() };
        let mut change = ChangeSet::default();
        for read in self.requirements {
            let kept = known.and_then(|system| system.node(&read.id)).map(AsRef::as_ref);
            let requirement = match kept {
                Some(Node::Requirement(kept)) => again(kept, read, &understand),
                _ => {
                    report.added += usize::from(kept.is_none());
                    let mut fresh = read;
                    understand(&mut fresh);
                    fresh.unallocated_reason = Some("imported and not linked to a component yet".to_owned());
                    fresh
                }
            };
            change.put.push(Node::Requirement(requirement));
        }
        let mut links: Vec<Node> = self.relations.into_iter().map(link).collect();
        links.sort_by(|one, two| one.id().cmp(two.id()));
        links.dedup_by(|one, two| one.id() == two.id());
        report.links = links.len();
        change.put.extend(links);
        if let Some(system) = known {
            let put: std::collections::BTreeSet<&str> = change.put.iter().map(Node::id).collect();
            report.absent = system.of_kind("requirement").filter(|node| !put.contains(node.id())).count();
        }
        report.remarks = self.remarks;
        report.remarks.truncate(MAX_REMARKS);
        (change, report)
    }
}

/// A requirement that is there already, as the file says it now.
fn again(kept: &Requirement, read: Requirement, understand: &impl Fn(&mut Requirement)) -> Requirement {
    let is_reworded = kept.text != read.text;
    let mut now = Requirement {
        text: read.text,
        group: read.group.or_else(|| kept.group.clone()),
        parent: read.parent.or_else(|| kept.parent.clone()),
        kind: read.kind.or_else(|| kept.kind.clone()),
        line: read.line,
        attributes: read.attributes,
        ..kept.clone()
    };
    if is_reworded {
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
