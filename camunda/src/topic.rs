//! The job types under which a Camunda hands out what ProcOS does.

use bpmn::program::{ExecutedBy, TaskSpec};

/// The kernel's tasks.
pub(crate) const TASK: &str = "procos";
/// FEEL scripts, where Camunda does not evaluate them.
pub(crate) const SCRIPT: &str = "procos.script";
/// Messages that a process throws.
pub(crate) const MESSAGE: &str = "procos.message";

/// Whether it is one of ProcOS's own.
pub(crate) fn is_own(topic: &str) -> bool {
    [TASK, SCRIPT, MESSAGE].contains(&topic)
}

/// The outside job type of a task: none where the kernel executes it.
pub(crate) fn outside_type(spec: &TaskSpec) -> Option<&str> {
    let declared = spec.job_type.as_deref().filter(|_| spec.by == ExecutedBy::Undeclared)?;
    (declared != TASK).then_some(declared)
}
