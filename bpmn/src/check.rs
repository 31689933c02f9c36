//! Looks a model over before it runs: can it be executed, is it sound, does it run on another engine, is it easy to
//! read.

mod finding;
mod net;
mod portability;
mod soundness;
mod style;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Severity};
pub use portability::{Target, portability};
pub use soundness::{MAX_STATES, soundness};
pub use style::style;

use crate::compile::compile;
use crate::error::Error;
use crate::model::{Definitions, Process};

/// All findings about a file: what is not executed, unsound, not portable to the target, or hard to read; the worst
/// first.
#[must_use]
pub fn check(definitions: &Definitions, target: Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    let executable = |process: &&Process| process.is_executable != Some(false) && !process.nodes.is_empty();
    let processes: Vec<&Process> = definitions.processes.iter().filter(executable).collect();
    if processes.is_empty() {
        let reason = "no process is marked as executable".to_owned();
        findings.push(Finding::of_error(&Error::NothingExecutable { reason }));
    }
    for process in processes {
        match compile(definitions, Some(&process.element.id)) {
            Ok(programs) => findings.extend(programs.iter().flat_map(soundness)),
            Err(problems) => findings.extend(problems.0.iter().map(Finding::of_error)),
        }
    }
    findings.extend(portability(definitions, target));
    findings.extend(style(definitions));
    findings.sort_by(|a, b| a.severity.cmp(&b.severity).then(a.line.cmp(&b.line)));
    findings
}
