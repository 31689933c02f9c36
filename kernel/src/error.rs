//! What can go wrong in the kernel.

/// An error of the kernel: most of them end as the incident of a task, with this code and hint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template is not BPMN that can be executed, or names actions that do not exist.
    #[error("template {template} was refused: {problem}")]
    Template {
        /// Which template.
        template: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A template did more actions than allowed in one run.
    #[error("template {template} did {limit} actions without an end")]
    Runaway {
        /// Which template.
        template: String,
        /// Actions allowed.
        limit: u32,
    },
    /// The task is declared wrongly.
    #[error("task {element}: {problem}")]
    Declaration {
        /// Element id.
        element: String,
        /// What is wrong.
        problem: String,
    },
    /// An expression of the task failed.
    #[error("task {element}: {what}: {source}")]
    Expression {
        /// Element id.
        element: String,
        /// Which expression.
        what: String,
        /// Why.
        source: bpmn::expression::ExpressionError,
    },
    /// A distribution, stop rule or tally of the task makes no sense.
    #[error("task {element}: {source}")]
    Scoring {
        /// Element id.
        element: String,
        /// Why.
        source: scoring::Error,
    },
    /// The task needs a part that is not configured.
    #[error("task {element} needs {part}, which is not configured")]
    Missing {
        /// Element id.
        element: String,
        /// What is missing.
        part: &'static str,
    },
    /// This kind of execution is not available.
    #[error("task {element}: {what} cannot be executed: {reason}")]
    Unavailable {
        /// Element id.
        element: String,
        /// What was asked for.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The language model gave no sample.
    #[error("task {element}: the language model gave no answer: {problem}")]
    Model {
        /// Element id.
        element: String,
        /// Why.
        problem: String,
    },
    /// A budget for language models has nothing left for a first sample.
    #[error("task {element}: {problem}")]
    Budget {
        /// Element id.
        element: String,
        /// Which budget, what was spent, and the limit.
        problem: String,
    },
    /// A file operation failed.
    #[error("file {path}: {problem}")]
    File {
        /// Stable BPMN error code, e.g. `file.not_found`.
        code: &'static str,
        /// The path as the task gave it.
        path: String,
        /// What happened.
        problem: String,
    },
    /// The isolation that a tool needs is not there.
    #[error("ISOLATION_UNAVAILABLE: task {element} needs isolation {level}; {problem}")]
    Isolation {
        /// Element id.
        element: String,
        /// What is needed.
        level: crate::Level,
        /// Why it is not there, and what is.
        problem: String,
    },
    /// A tool ran and failed.
    #[error("task {element}: tool {tool}: {problem}")]
    Tool {
        /// Stable BPMN error code, e.g. `tool.timeout`.
        code: &'static str,
        /// Element id.
        element: String,
        /// Which tool.
        tool: String,
        /// What happened.
        problem: String,
    },
    /// No outcome is certain enough and the task wants that to stop it.
    #[error("task {element} is undecided after {samples} samples: {detail}")]
    Undecided {
        /// Element id.
        element: String,
        /// Samples taken.
        samples: u64,
        /// Leader and shares.
        detail: String,
    },
    /// A person has to do or decide this.
    #[error("task {element} waits for a person: {why}")]
    Person {
        /// Element id.
        element: String,
        /// Why.
        why: String,
    },
    /// The task produced something that cannot be a result.
    #[error("task {element}: {problem}")]
    Output {
        /// Element id.
        element: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The task was cancelled with its instance.
    #[error("task {element} was cancelled")]
    Cancelled {
        /// Element id.
        element: String,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The trail or outbox failed.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// A step of a template was refused by the token rules.
    #[error("template {template}: {problem}")]
    Step {
        /// Which template.
        template: String,
        /// Why.
        problem: String,
    },
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Template { .. } => "KERNEL-0001",
            Self::Runaway { .. } => "KERNEL-0002",
            Self::Declaration { .. } => "KERNEL-0003",
            Self::Expression { .. } => "KERNEL-0004",
            Self::Scoring { source, .. } => source.code(),
            Self::Missing { .. } => "KERNEL-0005",
            Self::Unavailable { .. } => "KERNEL-0006",
            Self::Model { .. } => "KERNEL-0007",
            Self::File { .. } => "KERNEL-0008",
            Self::Undecided { .. } => "KERNEL-0009",
            Self::Person { .. } => "KERNEL-0010",
            Self::Output { .. } => "KERNEL-0011",
            Self::Cancelled { .. } => "KERNEL-0012",
            Self::Step { .. } => "KERNEL-0013",
            Self::Isolation { .. } => "KERNEL-0015",
            Self::Tool { .. } => "KERNEL-0016",
            Self::Budget { .. } => "KERNEL-0017",
            Self::Engine(error) => error.code(),
            Self::Trail(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Template { .. } | Self::Step { .. } => {
                "correct the template; the last good one stays in use until then"
            }
            Self::Runaway { .. } => "look for a loop in the template that has no way out",
            Self::Declaration { .. } => "correct the procos:task element of the task and deploy again",
            Self::Expression { .. } => {
                "correct the expression, or the variable it reads, then resolve the incident"
            }
            Self::Scoring { source, .. } => source.hint(),
            Self::Missing { .. } => "configure it (procos doctor shows how), then resolve the incident",
            Self::Unavailable { .. } => "declare another way with procos:task by=…",
            Self::Model { .. } => "check the endpoint (procos doctor), then resolve the incident",
            Self::Budget { .. } => {
                "raise the budget (section [budget] of the configuration, or the task's own), then resolve the incident"
            }
            Self::File { .. } => "check the path; it is relative to the workspace and cannot leave it",
            Self::Undecided { .. } => "give it a larger budget, or set undecided to leader, person or all",
            Self::Person { .. } => "decide, set the variable outcome, then resolve the incident",
            Self::Output { .. } => "make the result smaller or give it one of the declared outcomes",
            Self::Cancelled { .. } => "nothing: the instance ended",
            Self::Isolation { .. } => {
                "give the task a rung that is there, or make the kernel offer this one (procos doctor says what is missing)"
            }
            Self::Tool { .. } => "correct script or inputs, or catch the error with a boundary event",
            Self::Engine(_) | Self::Trail(_) => "see the error page of the engine or trail",
        }
    }

    /// Whether trying again may help: only where something outside the task failed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Model { .. } | Self::Engine(_) | Self::Trail(_))
    }
}
