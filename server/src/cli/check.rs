//! `procos check`: can a file be executed, is it sound, does it run elsewhere; do the rules of a decision table fit together.

use std::path::PathBuf;
use std::process::ExitCode;

use bpmn::check::{Finding, Severity, Target};
use clap::{Args, ValueEnum};

use super::{Output, read_file};
use crate::failure::Failure;

/// Check a BPMN file: can it be executed, is it sound, where else does it run; or a DMN file: do its rules overlap, leave
/// gaps, or never count.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The BPMN or DMN file.
    file: PathBuf,
    /// Where it should run.
    #[arg(long, value_enum, default_value_t = Engine::Embedded)]
    target: Engine,
}

/// An engine to check for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Engine {
    /// The embedded engine.
    Embedded,
    /// Camunda 7, Operaton, CIB seven.
    Camunda7,
    /// Camunda 8.
    Camunda8,
}

impl Check {
    /// Exit code 0 without errors, 1 with, 2 where the file cannot be read as BPMN.
    pub(crate) fn execute(&self, output: Output) -> Result<ExitCode, Failure> {
        let content = read_file(&self.file)?;
        let is_decision = bpmn::dmn::is_dmn(&content);
        let findings = if is_decision { decisions(&content)? } else { self.process(&content)? };
        if output.is_json() {
            output.value(&serde_json::json!({"file": self.file, "findings": findings}));
        } else {
            for finding in &findings {
                output.line(&format!("{:?}: {finding}", finding.severity));
            }
            if findings.is_empty() {
                output.line(match is_decision {
                    true => {
                        "nothing to complain about: every input that the rules speak of is decided, and once"
                    }
                    false => "nothing to complain about: it can be executed, and every path reaches an end",
                });
            }
        }
        let bad = findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok(ExitCode::from(u8::from(bad)))
    }

    fn process(&self, content: &[u8]) -> Result<Vec<Finding>, Failure> {
        let definitions = bpmn::xml::read(content)
            .map_err(|error| Failure::wrong_call(error.code(), &error, error.hint()))?;
        let target = match self.target {
            Engine::Embedded => Target::Embedded,
            Engine::Camunda7 => Target::Camunda7,
            Engine::Camunda8 => Target::Camunda8,
        };
        Ok(bpmn::check::check(&definitions, target))
    }
}

fn decisions(content: &[u8]) -> Result<Vec<Finding>, Failure> {
    let model = bpmn::dmn::read(content).map_err(|problems| {
        let first = problems.0.first();
        let (code, hint) = first.map_or(("DMN-0001", ""), |error| (error.code(), error.hint()));
        Failure::wrong_call(code, &problems, hint)
    })?;
    Ok(bpmn::dmn::check(&model))
}
