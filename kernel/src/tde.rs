//! The TDE: executes one task by its template, sees only the declared inputs of its job, reports to its PDO, ends.
//!
//! | action | does | gives |
//! | --- | --- | --- |
//! | choose executor | takes what the task declares, else asks the model or a rule, and says why | `executor`, `policy` |
//! | assemble context | checks declarations and puts together what the executor sees | – |
//! | draw samples | draws the next batch | `drawn` |
//! | update posterior | counts it, asks stop rule and budget | `enough`, `undecided` |
//! | compute, run tool, ask a person, pass through | the other ways to do it | – |
//! | check output | refuses what cannot be a result | `outcome` |
//! | record, report | what happened, and the result | – |
//!
//! The result of a task: with outcomes, a variable named after the element id (characters other than letters and
//! digits become `_`) with `outcome`, `winner`, `undecided`, `samples`, `reason` and `shares`, and the same ones as
//! variables of their own (`shares` as label → share); without, what it computed or its tool gave. Output mappings
//! see all of them; without output mappings all of them are handed up.

mod attempted;
mod choose;
mod compute;
mod grouping;
mod http;
mod model;
mod process;
mod record;
mod route;
mod sampling;
mod scope;
mod stochastic;
mod tool;

use std::sync::Arc;

use async_trait::async_trait;
use bpmn::program::Variables;
use engine::port::{BpmnError, Job, JobFailure, Record};
use scoring::Verdict;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::census::Worker;
use crate::interpret::{Perform, interpret};
use crate::{Action, Error, Parts};
use sampling::Sampling;

/// Longest pause before a failed task is tried again, milliseconds.
const LONGEST_BACKOFF_MS: i64 = 60_000;

/// What a TDE hands to its PDO.
#[derive(Clone, Debug)]
pub(crate) enum Report {
    /// It is done.
    Complete {
        /// Result.
        variables: Variables,
        /// What happened.
        record: Record,
    },
    /// It failed.
    Fail {
        /// Why.
        failure: JobFailure,
        /// What happened.
        record: Record,
    },
    /// It ended with an error that the process may catch.
    Throw {
        /// The error.
        error: BpmnError,
        /// What happened.
        record: Record,
    },
    /// The instance ended before it did.
    Cancelled,
}

/// A finished TDE.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) job: i64,
    pub(crate) attempt: u32,
    pub(crate) element: String,
    pub(crate) report: Report,
}

impl Finished {
    /// What is reported for a TDE that broke down without a report of its own.
    pub(crate) fn broken(job: &Job, why: &str) -> Self {
        let failure = JobFailure {
            code: "KERNEL-0014".to_owned(),
            message: format!("the executor of task {} broke down: {why}", job.element),
            retries_left: job.retries.saturating_sub(1),
            backoff_ms: 1_000,
        };
        let report = Report::Fail { failure, record: Record::default() };
        Self { job: job.key, attempt: job.attempt, element: job.element.clone(), report }
    }
}

/// Executes one job to its end.
pub(crate) async fn run(job: Job, parts: Arc<Parts>, cancel: CancellationToken) -> Finished {
    let _ticket = parts.census.enter(Worker::Tde);
    let (key, attempt, element) = (job.key, job.attempt, job.element.clone());
    let slots = Arc::clone(&parts.slots);
    let slot = tokio::select! {
        slot = slots.acquire_owned() => slot.ok(),
        () = cancel.cancelled() => None,
    };
    let report =
        if slot.is_some() { Tde::new(job, parts, cancel).execute().await } else { Report::Cancelled };
    Finished { job: key, attempt, element, report }
}

/// How a task is executed, once that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Executor {
    Stochastic,
    Model,
    Feel,
    File,
    Tool,
    Http,
    Process,
    Person,
    /// A person has decided before; the result is theirs.
    Decided,
    /// Nothing is declared to be done.
    PassThrough,
    /// A dry run: the result was given, or there is none.
    Given,
}

impl Executor {
    fn name(self) -> &'static str {
        match self {
            Self::Stochastic => "stochastic",
            Self::Model => "model",
            Self::Feel => "feel",
            Self::File => "file",
            Self::Tool => "tool",
            Self::Person | Self::Decided => "person",
            Self::PassThrough => "pass_through",
            Self::Given => "given",
            Self::Http => "http",
            Self::Process => "process",
        }
    }
}

/// The variable that takes the whole result of a task.
pub(crate) fn result_name(element: &str) -> String {
    element.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// The variable by which a person decides what a task could not.
pub(crate) fn decision_name(element: &str) -> String {
    format!("{}_decision", result_name(element))
}

struct Tde {
    job: Job,
    parts: Arc<Parts>,
    cancel: CancellationToken,
    started_ms: i64,
    executor: Executor,
    notes: Vec<String>,
    sampling: Option<Sampling>,
    verdict: Option<Verdict>,
    outcome: Option<String>,
    outputs: Variables,
    /// Prompt, tools and models used: (kind, name, whether it worked).
    used: Vec<(&'static str, String, bool)>,
    /// The version of a prompt that an experiment assigned, for the trail.
    assigned: Option<serde_json::Value>,
    record: Record,
    report: Option<Report>,
}

impl Tde {
    fn new(job: Job, parts: Arc<Parts>, cancel: CancellationToken) -> Self {
        Self {
            started_ms: parts.clock.now_ms(),
            job,
            parts,
            cancel,
            executor: Executor::PassThrough,
            notes: Vec::new(),
            sampling: None,
            verdict: None,
            outcome: None,
            outputs: Variables::new(),
            used: Vec::new(),
            assigned: None,
            record: Record::default(),
            report: None,
        }
    }

    async fn execute(mut self) -> Report {
        let ended = match self.parts.templates.tde(self.job.spec.executor.as_deref()) {
            Ok(template) => interpret(&template, self.started_ms, &mut self).await,
            Err(error) => Err(error),
        };
        match (ended, self.report.take()) {
            (Ok(()), Some(report)) => report,
            (Ok(()), None) => {
                let problem = "it ended without a report".to_owned();
                self.failed(&Error::Step { template: "tde".to_owned(), problem })
            }
            (Err(error), _) => self.failed(&error),
        }
    }

    /// What an error becomes: a BPMN error for the process to catch, a retry where that may help, else an incident.
    fn failed(&mut self, error: &Error) -> Report {
        match error {
            Error::Cancelled { .. } => Report::Cancelled,
            Error::File { code, .. } | Error::Tool { code, .. } => {
                self.write_record("error", Some(error));
                let error = BpmnError {
                    code: (*code).to_owned(),
                    message: error.to_string(),
                    variables: Variables::new(),
                };
                Report::Throw { error, record: std::mem::take(&mut self.record) }
            }
            _ => {
                self.write_record("failed", Some(error));
                let retries_left = if error.may_pass() { self.job.retries.saturating_sub(1) } else { 0 };
                let doubled = 1_000_i64.saturating_mul(1 << self.job.attempt.saturating_sub(1).min(6));
                let failure = JobFailure {
                    code: error.code().to_owned(),
                    message: format!("{error}; {}", error.hint()),
                    retries_left,
                    backoff_ms: if retries_left > 0 { doubled.min(LONGEST_BACKOFF_MS) } else { 0 },
                };
                Report::Fail { failure, record: std::mem::take(&mut self.record) }
            }
        }
    }

    fn declaration(&self, problem: String) -> Error {
        Error::Declaration { element: self.job.element.clone(), problem }
    }

    fn check_output(&mut self) -> Result<Variables, Error> {
        if let (Some(verdict), Some("incident")) = (&self.verdict, self.job.spec.undecided.as_deref())
            && verdict.undecided
        {
            let shares: Vec<String> =
                verdict.shares.iter().map(|share| format!("{} {:.2}", share.label, share.share)).collect();
            return Err(Error::Undecided {
                element: self.job.element.clone(),
                samples: verdict.samples,
                detail: shares.join(", "),
            });
        }
        engine::limits::check_variables(&self.outputs).map_err(|error| Error::Output {
            element: self.job.element.clone(),
            problem: error.to_string(),
        })?;
        if let Some(outcome) = self.outcome.clone() {
            self.add_outcome(&outcome);
        }
        Ok([("outcome".to_owned(), json!(self.outcome))].into_iter().collect())
    }

    /// Adds the outcome, and what the verdict says, to the outputs.
    fn add_outcome(&mut self, outcome: &str) {
        let mut result = Variables::new();
        result.insert("outcome".to_owned(), json!(outcome));
        if let Some(verdict) = &self.verdict {
            result.insert("winner".to_owned(), json!(verdict.winner));
            result.insert("undecided".to_owned(), json!(verdict.undecided));
            result.insert("samples".to_owned(), json!(verdict.samples));
            let shares: Variables =
                verdict.shares.iter().map(|share| (share.label.clone(), json!(share.share))).collect();
            result.insert("shares".to_owned(), Value::Object(shares));
            if self.job.spec.undecided.as_deref() == Some("all") {
                let least = self.job.spec.attributes.get("weight").and_then(|text| text.trim().parse().ok());
                let least = least.unwrap_or(sampling::TAKEN_SHARE);
                result.insert("outcomes".to_owned(), json!(sampling::taken(verdict, least)));
            }
        }
        self.outputs.extend(result.clone());
        if let Some(verdict) = &self.verdict {
            result.insert("reason".to_owned(), json!(verdict.reason));
            let shares: Variables = verdict
                .shares
                .iter()
                .map(|share| {
                    let value = json!({
                        "share": share.share, "low": share.low, "high": share.high, "count": share.count,
                    });
                    (share.label.clone(), value)
                })
                .collect();
            result.insert("shares".to_owned(), Value::Object(shares));
        }
        if let Some(values) = self.sampling.as_ref().map(Sampling::values).filter(|values| !values.is_empty())
        {
            result.insert("values".to_owned(), Value::Object(values));
        }
        self.outputs.insert(result_name(&self.job.element), Value::Object(result));
    }

    /// Whether the outcome counts as a success in scores.
    fn succeeded(&self) -> bool {
        let declared = self
            .outcome
            .as_ref()
            .and_then(|outcome| self.job.spec.outcomes.iter().find(|declared| declared.label == *outcome));
        declared.is_none_or(|declared| declared.success)
    }
}

#[async_trait]
impl Perform for Tde {
    async fn perform(&mut self, action: Action) -> Result<Variables, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { element: self.job.element.clone() });
        }
        match action {
            Action::ChooseExecutor => Ok(self.choose_executor().await),
            Action::AssembleContext => self.assemble_context().await,
            Action::DrawSamples => self.draw_samples().await,
            Action::UpdatePosterior => self.update_posterior(),
            Action::Compute => self.compute(),
            Action::RunTool => self.run_tool().await,
            Action::AskPerson => Err(self.ask_person()),
            Action::PassThrough => Ok(self.pass_through()),
            Action::CheckOutput => self.check_output(),
            Action::Record => {
                self.write_record("completed", None);
                Ok(Variables::new())
            }
            Action::Report => {
                self.report = Some(Report::Complete {
                    variables: std::mem::take(&mut self.outputs),
                    record: std::mem::take(&mut self.record),
                });
                Ok(Variables::new())
            }
            Action::AskEngine | Action::SpawnExecutors | Action::ApplyResults | Action::Wait => {
                let problem = format!("{:?} is an action of a PDO", action.job_type());
                Err(Error::Step { template: "tde".to_owned(), problem })
            }
        }
    }
}
