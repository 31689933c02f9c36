//! A shape as it is checked: compiled from a shapes graph, nothing left to look up.

use std::collections::BTreeSet;

use oxigraph::model::{Literal, NamedNode, Term};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// Place of a shape among the compiled ones.
pub(super) type ShapeRef = usize;

/// How bad a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be mended.
    Warning,
    /// Must not be.
    Violation,
}

impl Severity {
    pub(super) fn term(self) -> &'static str {
        match self {
            Self::Info => "http://www.w3.org/ns/shacl#Info",
            Self::Warning => "http://www.w3.org/ns/shacl#Warning",
            Self::Violation => "http://www.w3.org/ns/shacl#Violation",
        }
    }
}

/// Which nodes a shape is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Node(Term),
    /// Instances of the class and of its subclasses.
    Class(NamedNode),
    SubjectsOf(NamedNode),
    ObjectsOf(NamedNode),
}

/// A way from a node to its values (SHACL § 2.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Predicate(NamedNode),
    Inverse(Box<Path>),
    Sequence(Vec<Path>),
    Alternative(Vec<Path>),
    /// `least` is 0 or 1; repeated any number of times where `many`.
    Repeated {
        path: Box<Path>,
        least: u8,
        many: bool,
    },
}

impl Path {
    /// The predicates it goes along.
    pub(super) fn predicates(&self) -> Vec<&NamedNode> {
        match self {
            Self::Predicate(predicate) => vec![predicate],
            Self::Inverse(path) | Self::Repeated { path, .. } => path.predicates(),
            Self::Sequence(parts) | Self::Alternative(parts) => {
                parts.iter().flat_map(Self::predicates).collect()
            }
        }
    }

    /// How many steps it goes at most; `None`: any number.
    pub(super) fn reach(&self) -> Option<usize> {
        match self {
            Self::Predicate(_) => Some(1),
            Self::Inverse(path) => path.reach(),
            Self::Sequence(parts) => parts.iter().map(Self::reach).sum(),
            Self::Alternative(ways) => {
                ways.iter().map(Self::reach).try_fold(0, |most, reach| Some(most.max(reach?)))
            }
            Self::Repeated { many: true, .. } => None,
            Self::Repeated { path, .. } => path.reach(),
        }
    }
}

/// What kind of term is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeKind {
    pub(super) iri: bool,
    pub(super) blank: bool,
    pub(super) literal: bool,
}

/// On which side of a bound a value must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// One constraint of a shape (SHACL § 4).
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    Class(NamedNode),
    Datatype(NamedNode),
    NodeKind(NodeKind),
    MinCount(u64),
    MaxCount(u64),
    Bound(Side, Literal),
    MinLength(u64),
    MaxLength(u64),
    Pattern(Regex),
    LanguageIn(Vec<String>),
    UniqueLang,
    Equals(NamedNode),
    Disjoint(NamedNode),
    /// Less than every value of the other property; or equal to it.
    LessThan(NamedNode, bool),
    Not(ShapeRef),
    And(Vec<ShapeRef>),
    Or(Vec<ShapeRef>),
    Xone(Vec<ShapeRef>),
    Node(ShapeRef),
    Property(ShapeRef),
    Qualified {
        shape: ShapeRef,
        least: u64,
        most: Option<u64>,
        /// Shapes of siblings that a counted value must not fit.
        apart_from: Vec<ShapeRef>,
    },
    Closed(BTreeSet<NamedNode>),
    HasValue(Term),
    In(Vec<Term>),
}

impl Constraint {
    /// The component as the standard names it, without its namespace.
    pub(super) fn component(&self) -> &'static str {
        match self {
            Self::Class(_) => "ClassConstraintComponent",
            Self::Datatype(_) => "DatatypeConstraintComponent",
            Self::NodeKind(_) => "NodeKindConstraintComponent",
            Self::MinCount(_) => "MinCountConstraintComponent",
            Self::MaxCount(_) => "MaxCountConstraintComponent",
            Self::Bound(Side::Below, _) => "MaxExclusiveConstraintComponent",
            Self::Bound(Side::AtMost, _) => "MaxInclusiveConstraintComponent",
            Self::Bound(Side::Above, _) => "MinExclusiveConstraintComponent",
            Self::Bound(Side::AtLeast, _) => "MinInclusiveConstraintComponent",
            Self::MinLength(_) => "MinLengthConstraintComponent",
            Self::MaxLength(_) => "MaxLengthConstraintComponent",
            Self::Pattern(_) => "PatternConstraintComponent",
            Self::LanguageIn(_) => "LanguageInConstraintComponent",
            Self::UniqueLang => "UniqueLangConstraintComponent",
            Self::Equals(_) => "EqualsConstraintComponent",
            Self::Disjoint(_) => "DisjointConstraintComponent",
            Self::LessThan(_, false) => "LessThanConstraintComponent",
            Self::LessThan(_, true) => "LessThanOrEqualsConstraintComponent",
            Self::Not(_) => "NotConstraintComponent",
            Self::And(_) => "AndConstraintComponent",
            Self::Or(_) => "OrConstraintComponent",
            Self::Xone(_) => "XoneConstraintComponent",
            Self::Node(_) => "NodeConstraintComponent",
            Self::Property(_) => "PropertyShapeComponent",
            Self::Qualified { .. } => "QualifiedMinCountConstraintComponent",
            Self::Closed(_) => "ClosedConstraintComponent",
            Self::HasValue(_) => "HasValueConstraintComponent",
            Self::In(_) => "InConstraintComponent",
        }
    }

    /// Shapes that this one asks of others.
    pub(super) fn shapes(&self) -> Vec<ShapeRef> {
        match self {
            Self::Not(shape) | Self::Node(shape) | Self::Property(shape) => vec![*shape],
            Self::And(shapes) | Self::Or(shapes) | Self::Xone(shapes) => shapes.clone(),
            Self::Qualified { shape, apart_from, .. } => {
                let mut shapes = apart_from.clone();
                shapes.push(*shape);
                shapes
            }
            _ => Vec::new(),
        }
    }
}

/// A node shape, or a property shape where it has a path.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Its IRI, or `_:` and a label.
    pub(super) name: Term,
    pub(super) targets: Vec<Target>,
    pub(super) path: Option<Path>,
    /// The path as it stands in the shapes graph.
    pub(super) path_term: Option<Term>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) severity: Severity,
    pub(super) message: Option<String>,
    pub(super) deactivated: bool,
}
