//! What a check of BPMN found.

use async_graphql::{Enum, SimpleObject};
use bpmn::check::{Severity, Target, check};

/// An engine to check for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum EngineTarget {
    /// The embedded engine.
    Embedded,
    /// Camunda 7, Operaton, CIB seven.
    #[graphql(name = "CAMUNDA7")]
    Camunda7,
    /// Camunda 8.
    #[graphql(name = "CAMUNDA8")]
    Camunda8,
}

/// Something a check found.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Finding {
    /// Stable code.
    code: String,
    /// `error`: it will not run; `warning`: it may not do what is meant; `hint`: it could be easier to read.
    severity: String,
    /// Id of the element.
    element_id: Option<String>,
    /// Line in the file.
    line: Option<u32>,
    /// What it is.
    message: String,
    /// The way out.
    hint: Option<String>,
}

impl Finding {
    /// Everything about this BPMN, the worst first.
    pub(crate) fn all(xml: &str, target: EngineTarget) -> Vec<Self> {
        let definitions = bpmn::xml::read(xml.as_bytes());
        let target = match target {
            EngineTarget::Embedded => Target::Embedded,
            EngineTarget::Camunda7 => Target::Camunda7,
            EngineTarget::Camunda8 => Target::Camunda8,
        };
        let shown = |found: bpmn::check::Finding| Self {
            code: found.code.to_owned(),
            severity: match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Hint => "hint",
            }
            .to_owned(),
            element_id: found.element,
            line: (found.line > 0).then_some(found.line),
            message: found.message,
            hint: (!found.hint.is_empty()).then(|| found.hint.to_owned()),
        };
        // What cannot be read at all is a finding too: whoever asks for a check wants the place and the way out.
        let findings = match definitions {
            Ok(definitions) => check(&definitions, target),
            Err(error) => vec![bpmn::check::Finding::of_error(&error)],
        };
        findings.into_iter().map(shown).collect()
    }
}
