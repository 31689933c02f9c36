//! One run without side effects, of BPMN that need not be deployed: which way it went, and what each task saw and gave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Enum, InputObject, SimpleObject};
use bpmn::program::Variables;
use engine::clock::Clock;
use engine::port::DeployFile;
use kernel::{DryRunOptions, DryRunState, TraceEntry};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Incident, TaskRun};
use crate::Error;
use crate::scalar::Json;

/// How long a dry run may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Dry runs at once, in the whole program.
static SLOTS: Semaphore = Semaphore::const_new(4);
/// Steps and tasks of the answer; the first ones are kept.
const STEPS_LIMIT: usize = 5_000;
const TASKS_LIMIT: usize = 1_000;

/// What to try.
#[derive(InputObject)]
pub(crate) struct DryRunProcessInput {
    /// BPMN of the process, as it is now.
    pub(crate) xml: String,
    /// Id of the BPMN process; the first of the file without one.
    pub(crate) process_id: Option<String>,
    /// Variables of the process, as an object.
    pub(crate) variables: Option<Json>,
    /// Results of tasks that are not executed, by element id: an object of objects.
    pub(crate) results: Option<Json>,
    /// Seed of its draws, a whole number as text; a fresh one where it is not given.
    pub(crate) seed: Option<String>,
}

/// How a dry run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum DryRunEnding {
    /// It reached an end.
    Completed,
    /// It was cancelled.
    Terminated,
    /// It is stuck, or an error was not caught.
    Failed,
    /// It waits for something that was not given.
    Waiting,
}

/// A step of a dry run.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct DryRunStep {
    /// Id of the element or flow.
    element_id: String,
    /// Its BPMN local name.
    kind: String,
    /// `activated`, `completed`, `terminated`, `taken` or `incident`.
    event: String,
}

/// Result of a dry run.
#[derive(SimpleObject)]
pub(crate) struct DryRun {
    /// How it ended.
    state: DryRunEnding,
    /// The seed: the same seed gives the same run.
    seed: String,
    /// Variables of the process at the end.
    variables: Json,
    /// What happened, in order; at most 5,000 steps.
    steps: Vec<DryRunStep>,
    /// How its tasks were executed; at most 1,000.
    task_runs: Vec<TaskRun>,
    /// What it is stuck at.
    incidents: Vec<Incident>,
}

/// A dry run that is ready to go.
pub(crate) struct Trial {
    pub(crate) xml: String,
    pub(crate) process_id: Option<String>,
    pub(crate) variables: Variables,
    pub(crate) results: BTreeMap<String, Variables>,
    pub(crate) seed: u64,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Trial {
    /// Results by element id.
    ///
    /// # Errors
    /// [`Error::Argument`] where they are not an object of objects.
    pub(crate) fn results(given: Variables) -> Result<BTreeMap<String, Variables>, Error> {
        let each = given.into_iter().map(|(element, result)| match result {
            Value::Object(result) => Ok((element, result)),
            _ => Err(Error::Argument {
                argument: "results",
                problem: format!("the result of {element} is not a JSON object"),
            }),
        });
        each.collect()
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`Error::Limit`] where too many run or it takes too long; [`Error::Kernel`] where it cannot be run at all.
    pub(crate) async fn run(self) -> Result<DryRun, Error> {
        let _slot = SLOTS.try_acquire().map_err(|_| Error::Limit {
            limit: "SLOTS",
            detail: "four dry runs are going on; try again shortly".to_owned(),
        })?;
        let file = DeployFile { name: "dry-run.bpmn".to_owned(), content: self.xml.into_bytes() };
        let options = DryRunOptions {
            process_id: self.process_id,
            variables: self.variables,
            results: self.results,
            seed: self.seed,
            now_ms: self.clock.now_ms(),
            ..DryRunOptions::default()
        };
        let run = tokio::time::timeout(TIME_LIMIT, kernel::dry_run(vec![file], options)).await;
        let run = run.map_err(|_| Error::Limit {
            limit: "TIME_LIMIT",
            detail: format!("the dry run did not end within {} s", TIME_LIMIT.as_secs()),
        })??;
        Ok(DryRun {
            state: match run.state {
                DryRunState::Completed => DryRunEnding::Completed,
                DryRunState::Terminated => DryRunEnding::Terminated,
                DryRunState::Failed => DryRunEnding::Failed,
                DryRunState::Waiting => DryRunEnding::Waiting,
            },
            seed: self.seed.to_string(),
            variables: Json(Value::Object(run.variables)),
            steps: run.trace.into_iter().take(STEPS_LIMIT).map(DryRunStep::from).collect(),
            task_runs: run.task_runs.into_iter().take(TASKS_LIMIT).map(TaskRun).collect(),
            incidents: run.incidents.into_iter().map(Incident::from).collect(),
        })
    }
}

impl From<TraceEntry> for DryRunStep {
    fn from(entry: TraceEntry) -> Self {
        Self { element_id: entry.element, kind: entry.kind, event: entry.event }
    }
}
