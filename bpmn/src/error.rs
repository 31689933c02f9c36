//! What can be wrong with a file or a model, each with its code, place and way out.

use std::fmt;

/// Where in a file something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Id of the element, if it has one.
    pub element: Option<String>,
    /// Line in the file, 0 where unknown.
    pub line: u32,
}

impl Place {
    /// A place in a file.
    #[must_use]
    pub fn at(element: &str, line: u32) -> Self {
        Self { element: (!element.is_empty()).then(|| element.to_owned()), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.element, self.line) {
            (Some(element), 0) => write!(f, " (element {element})"),
            (Some(element), line) => write!(f, " (element {element}, line {line})"),
            (None, 0) => Ok(()),
            (None, line) => write!(f, " (line {line})"),
        }
    }
}

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A limit is exceeded.
    #[error("more than {limit} {what}{place}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// Where.
        place: Place,
    },
    /// Not well-formed XML.
    #[error("not well-formed XML: {reason}{place}")]
    Malformed {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// XML, but not BPMN 2.0.
    #[error("not a BPMN 2.0 file: {reason}{place}")]
    NotBpmn {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// XML, but not DMN.
    #[error("not a DMN file: {reason}{place}")]
    NotDmn {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// Decisions that need each other in a circle.
    #[error("the decisions need each other in a circle: {path}{place}")]
    Cycle {
        /// Ids of the decisions along the circle.
        path: String,
        /// Where one of them is.
        place: Place,
    },
    /// XML, but not an event log.
    #[error("not an XES event log: {reason}{place}")]
    NotXes {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// A document type declaration.
    #[error("document type declarations are refused{place}")]
    DocumentType {
        /// Where.
        place: Place,
    },
    /// Bytes that are not text in a known encoding.
    #[error("the text encoding cannot be read: {reason}")]
    Encoding {
        /// Why.
        reason: String,
    },
    /// Two elements with the same id.
    #[error("the id {id} is used twice, first at line {first}{place}")]
    DuplicateId {
        /// The id.
        id: String,
        /// Line of the first one.
        first: u32,
        /// Where the second one is.
        place: Place,
    },
    /// A reference to nothing.
    #[error("{attribute} refers to {target}, which does not exist{place}")]
    Dangling {
        /// Attribute or element that refers.
        attribute: &'static str,
        /// What it refers to.
        target: String,
        /// Where.
        place: Place,
    },
    /// A mandatory part is missing.
    #[error("{local_name} has no {what}{place}")]
    Missing {
        /// BPMN name of the element.
        local_name: String,
        /// What is missing.
        what: &'static str,
        /// Where.
        place: Place,
    },
    /// A value that cannot be read.
    #[error("{attribute} is {value:?}, expected {expected}{place}")]
    Value {
        /// Attribute or element.
        attribute: String,
        /// What is there.
        value: String,
        /// What should be there.
        expected: &'static str,
        /// Where.
        place: Place,
    },
    /// Nothing to execute.
    #[error("nothing to execute: {reason}")]
    NothingExecutable {
        /// Why.
        reason: String,
    },
    /// Something the engine does not execute.
    #[error("{what} is not executed{place}")]
    NotExecuted {
        /// What.
        what: String,
        /// The way out.
        hint: &'static str,
        /// Where.
        place: Place,
    },
    /// An expression that cannot be parsed.
    #[error("{attribute}: {reason}{place}")]
    Expression {
        /// Where the expression stands.
        attribute: String,
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// A sequence flow where none may be.
    #[error("{reason}{place}")]
    Flow {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// A scope that cannot start.
    #[error("{reason}{place}")]
    Start {
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
}

impl Error {
    /// Stable code; its page is `docs/errors/<code>.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "BPMN-0001",
            Self::Malformed { .. } => "BPMN-0002",
            Self::NotBpmn { .. } => "BPMN-0003",
            Self::DocumentType { .. } => "BPMN-0004",
            Self::Encoding { .. } => "BPMN-0005",
            Self::DuplicateId { .. } => "BPMN-0006",
            Self::Dangling { .. } => "BPMN-0007",
            Self::Missing { .. } => "BPMN-0008",
            Self::Value { .. } => "BPMN-0009",
            Self::NothingExecutable { .. } => "BPMN-0010",
            Self::NotExecuted { .. } => "BPMN-0011",
            Self::Expression { .. } => "BPMN-0012",
            Self::Flow { .. } => "BPMN-0013",
            Self::Start { .. } => "BPMN-0014",
            Self::NotXes { .. } => "BPMN-0015",
            Self::NotDmn { .. } => "DMN-0001",
            Self::Cycle { .. } => "DMN-0002",
        }
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Limit { .. } => {
                "split the model into several files or processes, joined by call activities"
            }
            Self::Malformed { .. } => {
                "the file may be cut off or edited by hand: export it again from the tool that made it"
            }
            Self::NotBpmn { .. } => {
                "export as BPMN 2.0 XML: its root is `definitions` in the namespace http://www.omg.org/spec/BPMN/20100524/MODEL"
            }
            Self::NotXes { .. } => {
                "export the log as XES (its root is `log`, with `trace` and `event` in it), unpacked, or as CSV"
            }
            Self::NotDmn { .. } => {
                "export as DMN 1.2 to 1.5 XML: its root is `definitions` in a namespace of https://www.omg.org/spec/DMN"
            }
            Self::Cycle { .. } => "remove one of the requirements",
            Self::DocumentType { .. } => "remove the <!DOCTYPE …> line; neither BPMN nor DMN needs one",
            Self::Encoding { .. } => "save the file as UTF-8",
            Self::DuplicateId { .. } => "give every element an id of its own",
            Self::Dangling { .. } => "remove the reference, or add the element it names",
            Self::Missing { .. } => "add it in the editor's properties of this element",
            Self::Value { .. } => "correct the value",
            Self::NothingExecutable { .. } => "set isExecutable=\"true\" on the process to run",
            Self::NotExecuted { hint, .. } => hint,
            Self::Expression { .. } => "FEEL begins with `=`, JUEL stands in `${…}`; correct the expression",
            Self::Flow { .. } => {
                "a sequence flow joins two nodes of the same process or sub-process; use message flows between pools"
            }
            Self::Start { .. } => "add one start event that fits",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Limit { place, .. }
            | Self::Malformed { place, .. }
            | Self::NotBpmn { place, .. }
            | Self::NotXes { place, .. }
            | Self::NotDmn { place, .. }
            | Self::Cycle { place, .. }
            | Self::DocumentType { place }
            | Self::DuplicateId { place, .. }
            | Self::Dangling { place, .. }
            | Self::Missing { place, .. }
            | Self::Value { place, .. }
            | Self::NotExecuted { place, .. }
            | Self::Expression { place, .. }
            | Self::Flow { place, .. }
            | Self::Start { place, .. } => place.clone(),
            Self::Encoding { .. } | Self::NothingExecutable { .. } => Place::default(),
        }
    }
}

/// Why a model cannot be executed: never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Problems(pub Vec<Error>);

impl Problems {
    /// Code of the first problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.first().map_or("BPMN-0010", Error::code)
    }

    /// Way out of the first problem.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.first().map_or("", Error::hint)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{} {problem}", problem.code())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Error> for Problems {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}
