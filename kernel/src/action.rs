//! The actions that a PDO or TDE template may name in its service tasks, by job type.

/// An action of the kernel. A template names it by `zeebe:taskDefinition type="procos:…"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// PDO: asks the engine for the state of the instance and leases its ready jobs.
    AskEngine,
    /// PDO: spawns a TDE for each leased job.
    SpawnExecutors,
    /// PDO: hands finished results to the engine.
    ApplyResults,
    /// PDO: waits until a TDE ends or the engine has something.
    Wait,
    /// TDE: decides how the task is executed.
    ChooseExecutor,
    /// TDE: puts together what the executor may see.
    AssembleContext,
    /// TDE: draws the next samples, from declared distributions or a language model.
    DrawSamples,
    /// TDE: counts the samples and asks the stop rule.
    UpdatePosterior,
    /// TDE: evaluates the task's expressions.
    Compute,
    /// TDE: runs a tool, a file operation or an HTTP request.
    RunTool,
    /// TDE: leaves the task to a person.
    AskPerson,
    /// TDE: lets the token through because nothing is declared to be done.
    PassThrough,
    /// TDE: checks the result.
    CheckOutput,
    /// TDE: writes down what happened.
    Record,
    /// TDE: hands the result to its PDO.
    Report,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 15] = [
        Self::AskEngine,
        Self::SpawnExecutors,
        Self::ApplyResults,
        Self::Wait,
        Self::ChooseExecutor,
        Self::AssembleContext,
        Self::DrawSamples,
        Self::UpdatePosterior,
        Self::Compute,
        Self::RunTool,
        Self::AskPerson,
        Self::PassThrough,
        Self::CheckOutput,
        Self::Record,
        Self::Report,
    ];

    /// The job type that names it.
    #[must_use]
    pub fn job_type(self) -> &'static str {
        match self {
            Self::AskEngine => "procos:ask engine",
            Self::SpawnExecutors => "procos:spawn executors",
            Self::ApplyResults => "procos:apply results",
            Self::Wait => "procos:wait",
            Self::ChooseExecutor => "procos:choose executor",
            Self::AssembleContext => "procos:assemble context",
            Self::DrawSamples => "procos:draw samples",
            Self::UpdatePosterior => "procos:update posterior",
            Self::Compute => "procos:compute",
            Self::RunTool => "procos:run tool",
            Self::AskPerson => "procos:ask a person",
            Self::PassThrough => "procos:pass through",
            Self::CheckOutput => "procos:check output",
            Self::Record => "procos:record",
            Self::Report => "procos:report",
        }
    }

    /// The action that a job type names.
    #[must_use]
    pub fn parse(job_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.job_type() == job_type)
    }

    /// Whether it belongs to a PDO (the others belong to a TDE).
    #[must_use]
    pub fn is_of_pdo(self) -> bool {
        matches!(self, Self::AskEngine | Self::SpawnExecutors | Self::ApplyResults | Self::Wait)
    }
}
