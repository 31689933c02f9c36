//! What an engineered system consists of: the node types of the graph Requirements → Components → Processes →
//! Functions, with constraints, interfaces and trace links.
//!
//! Plain data: das derives it, change sets keep it, the index turns it into triples, the API shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Namespace of our own terms.
pub const NAMESPACE: &str = "https://w3id.org/procos/ontology#";
/// Namespace under which nodes of systems get their IRIs: `…/id/{system}/{kind}/{id}`.
pub const IDENTIFIERS: &str = "https://w3id.org/procos/id/";

/// A node or link of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Node {
    /// What is asked for.
    Requirement(Requirement),
    /// A part of the system.
    Component(Component),
    /// Something a component does.
    Function(Function),
    /// A process that realises functions.
    Process(Process),
    /// What flows between two components.
    Interface(Interface),
    /// A bound or budget.
    Constraint(Constraint),
    /// A typed link between two nodes.
    Link(TraceLink),
}

impl Node {
    /// Its id, unique in its system.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Requirement(node) => &node.id,
            Self::Component(node) => &node.id,
            Self::Function(node) => &node.id,
            Self::Process(node) => &node.id,
            Self::Interface(node) => &node.id,
            Self::Constraint(node) => &node.id,
            Self::Link(node) => &node.id,
        }
    }

    /// What a person knows it by: the text of a requirement, the rationale of a link, else its name.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Requirement(node) => &node.text,
            Self::Component(node) => &node.name,
            Self::Function(node) => &node.name,
            Self::Process(node) => &node.name,
            Self::Interface(node) => &node.name,
            Self::Constraint(node) => &node.name,
            Self::Link(node) => node.rationale.as_deref().unwrap_or_default(),
        }
    }

    /// The word for its kind, as in IRIs: `requirement`, `component`, …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Requirement(_) => "requirement",
            Self::Component(_) => "component",
            Self::Function(_) => "function",
            Self::Process(_) => "process",
            Self::Interface(_) => "interface",
            Self::Constraint(_) => "constraint",
            Self::Link(_) => "link",
        }
    }
}

/// Why a derived thing exists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Rule or template that made it, e.g. `reference:fixed-wing/wing`, `rule:subject-of-requirement`.
    pub rule: String,
    /// Source ids (requirements) it was derived from.
    pub sources: Vec<String>,
    /// Part of the source text: byte range of the first source's text.
    pub span: Option<(usize, usize)>,
    /// Confidence in 0..=1.
    pub confidence: f64,
    /// True where nobody said it and a template assumed it.
    pub assumed: bool,
}

/// A requirement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// The source's id (`R-12`), or one given in order where the source has none.
    pub id: String,
    /// The text as written.
    pub text: String,
    /// Heading it stands under.
    pub group: Option<String>,
    /// Parent requirement.
    pub parent: Option<String>,
    /// `functional`, `performance`, `constraint`, `interface`, `safety`, … as the source or the parser says.
    pub kind: Option<String>,
    /// EARS pattern: `ubiquitous`, `state`, `event`, `option`, `unwanted`, `complex`, `unparsed`.
    pub pattern: String,
    /// Who shall do it.
    pub subject: Option<String>,
    /// Condition (while, when, where, if) in words.
    pub condition: Option<String>,
    /// What shall be done.
    pub response: Option<String>,
    /// Quantities in it.
    pub quantities: Vec<Quantity>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// How it will be shown to hold: `test`, `analysis`, `inspection`, `demonstration`.
    pub verification: Option<String>,
    /// Acceptance criterion in words.
    pub criterion: Option<String>,
    /// Why it is not allocated, where it is not.
    pub unallocated_reason: Option<String>,
    /// Line in the source, from 1.
    pub line: Option<u32>,
    /// What the tool it came from says of it beyond that, by name; markup as it was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A quantity in a requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// What is bounded, e.g. `take-off mass`.
    pub property: Option<String>,
    /// `<`, `<=`, `=`, `>=`, `>`, `between`.
    pub comparator: String,
    /// Value as written.
    pub value: f64,
    /// Upper value for `between`.
    pub upper: Option<f64>,
    /// Unit as written.
    pub unit: String,
    /// QUDT unit IRI, where the unit is known.
    pub unit_iri: Option<String>,
    /// Value in SI base or coherent derived units, where the unit is known.
    pub si_value: Option<f64>,
    /// Upper value in SI.
    pub si_upper: Option<f64>,
    /// SI unit symbol, e.g. `kg`, `m/s`.
    pub si_unit: Option<String>,
    /// Byte range in the requirement's text.
    pub span: (usize, usize),
}

/// What is wrong with a requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `vague`, `double`, `unparsed`, `unit`, `duplicate`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// A component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Parent component; `None` for the root.
    pub parent: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Why it exists.
    pub origin: Origin,
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its id.
    pub id: String,
    /// Verb phrase, e.g. `provide lift`.
    pub name: String,
    /// Component that performs it.
    pub component: String,
    /// Process that realises it.
    pub process: Option<String>,
    /// BPMN element ids in that process.
    pub elements: Vec<String>,
    /// Why it exists.
    pub origin: Origin,
}

/// A process of the system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Component that owns it.
    pub component: Option<String>,
    /// Id of the BPMN process.
    pub process_id: String,
    /// Key of the deployed definition.
    pub definition: Option<i64>,
    /// Why it exists.
    pub origin: Origin,
}

/// What flows between two components.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Component at one end.
    pub source: String,
    /// Component at the other.
    pub target: String,
    /// What flows: `force`, `electrical power`, `data: airspeed`, …
    pub item: String,
    /// `out` (source to target) or `both`.
    pub direction: String,
    /// Unit of what flows.
    pub unit: Option<String>,
    /// Why it exists.
    pub origin: Origin,
}

/// A bound or a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `bound` or `budget` (sums along the component tree).
    pub kind: String,
    /// Component or function it bounds.
    pub subject: String,
    /// What is bounded, e.g. `mass`.
    pub property: String,
    /// `<=`, `>=`, `=`, `<`, `>`.
    pub comparator: String,
    /// Bound in SI units.
    pub si_value: f64,
    /// SI unit symbol.
    pub si_unit: String,
    /// For a budget: what each component takes of it: (component, SI value, assumed).
    pub parts: Vec<(String, f64, bool)>,
    /// Why it exists.
    pub origin: Origin,
}

/// A typed link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceLink {
    /// Its id.
    pub id: String,
    /// `allocated_to` (requirement → component), `satisfied_by` (requirement → function), `refines`
    /// (requirement → requirement), `performs` (component → function), `realised_by` (function → process),
    /// `verified_by` (requirement → process), `conflicts_with` (requirement → requirement), `constrained_by`,
    /// `relates_to` (requirement → requirement: a relation of another tool, whose name is the rationale).
    pub kind: String,
    /// Id of the node it starts at.
    pub source: String,
    /// Id of the node it ends at.
    pub target: String,
    /// Why, in words.
    pub rationale: Option<String>,
    /// Why it exists.
    pub origin: Origin,
}

/// A change to a system: nodes put (inserted or replaced by id) and ids removed, in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Number; 0 until it is committed. Numbers of a system grow.
    pub number: i64,
    /// Name of the system.
    pub system: String,
    /// Who made it.
    pub author: String,
    /// Why, in words.
    pub message: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Hash of the source (requirements text) it came from, so that the same source twice changes nothing.
    pub source_hash: Option<String>,
    /// Nodes to insert or replace.
    pub put: Vec<Node>,
    /// Ids of nodes to remove.
    pub remove: Vec<String>,
    /// Links whose suspicion a person looked into and cleared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review: Vec<Review>,
    /// A name given to the state before this change set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Where the line of this system begins, in the first change set of a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// SHACL shapes the system is held to from here on, in Turtle; an empty text: none but our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shapes: Option<String>,
    /// Id by which the caller knows this change: the same id twice is one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<String>,
}

/// That somebody looked at a link after one of its ends had changed, and found that it still holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Id of the link.
    pub link: String,
    /// What was found, in words.
    pub note: Option<String>,
}

/// A named state of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Its name, unique in its system.
    pub name: String,
    /// Number of the newest change set it holds.
    pub version: i64,
    /// SHA-256 over its nodes, in hex: see [`crate::history::content_hash`].
    pub hash: String,
}

/// Where a branch leaves its system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The system it branches off.
    pub system: String,
    /// Name of the branch.
    pub branch: String,
    /// Newest change set of that system it begins with, or that was merged since.
    pub version: i64,
}
