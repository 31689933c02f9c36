//! What a check by shapes found.

use async_graphql::{Enum, SimpleObject};
use ontology::shacl;

/// How bad a result of a check by shapes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "shacl::Severity")]
pub(crate) enum ShapeSeverity {
    /// Worth knowing.
    Info,
    /// Should be mended.
    Warning,
    /// Must not be.
    Violation,
}

/// A node that does not fit a shape.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ShapeResult {
    /// How bad it is.
    severity: ShapeSeverity,
    /// IRI of the node.
    focus: String,
    /// Its id in the system, where it is a node of one.
    node: Option<String>,
    /// The property in question: an IRI, or a path as SPARQL writes it.
    path: Option<String>,
    /// The value that does not fit, where it is one.
    value: Option<String>,
    /// The constraint component of SHACL, e.g. `MinCountConstraintComponent`.
    component: String,
    /// The shape: its IRI, or `_:` and a label.
    shape: String,
    /// What is wrong, in a sentence.
    message: String,
}

/// What a check of a system by shapes found.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ShapeReport {
    /// True where there is no result at all.
    conforms: bool,
    /// True where there were more results than are given (10,000).
    is_cut: bool,
    /// The results, the worst first.
    results: Vec<ShapeResult>,
    /// The report of SHACL (`sh:ValidationReport`), in Turtle.
    turtle: String,
}

impl ShapeReport {
    pub(crate) fn new(report: shacl::Report) -> Result<Self, ontology::Error> {
        let turtle = report.turtle()?;
        let results = report.results.into_iter().map(|result| ShapeResult {
            severity: result.severity.into(),
            focus: result.focus,
            node: result.node,
            path: result.path,
            value: result.value,
            component: result.component,
            shape: result.shape,
            message: result.message,
        });
        Ok(Self { conforms: report.conforms, is_cut: report.is_cut, results: results.collect(), turtle })
    }
}
