//! Jobs: long work started by a mutation, with numbered steps that a subscription can take up at any position.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_graphql::ID;
use futures::stream;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::Error;
use crate::quality::{Job, JobError, JobState, Progress};
use crate::scalar::Json;

/// Jobs that run at once.
pub(crate) const RUNNING_LIMIT: usize = 4;
/// Jobs that are remembered; the oldest that are over go first.
const JOBS_LIMIT: usize = 200;
/// Steps that are kept of a job; further ones replace the newest.
const STEPS_LIMIT: usize = 10_000;

/// All jobs of a server; cheap to clone.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    next: u64,
    jobs: BTreeMap<u64, (String, Arc<Entry>)>,
}

/// One job.
pub(crate) struct Entry {
    id: String,
    work: Mutex<Work>,
    changed: watch::Sender<u64>,
    /// Ends the work.
    abort: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct Work {
    state: JobState,
    steps: Vec<Progress>,
    result: Option<Value>,
    error: Option<JobError>,
}

impl Jobs {
    /// Starts `work` as a job with this id.
    ///
    /// # Errors
    /// [`Error::Limit`] where [`RUNNING_LIMIT`] jobs are running.
    pub(crate) fn start<F, R>(&self, id: String, work: F) -> Result<Job, Error>
    where
        F: FnOnce(Arc<Entry>) -> R,
        R: Future<Output = Result<Value, Error>> + Send + 'static,
    {
        let entry = self.admit(&id)?;
        // A task of its own, so that a panic in it is a failed job and not one that runs for ever.
        let task = tokio::spawn(work(Arc::clone(&entry)));
        *entry.abort.lock() = Some(task.abort_handle());
        let watched = Arc::clone(&entry);
        tokio::spawn(async move {
            let ended = task.await.unwrap_or_else(|error| {
                if error.is_cancelled() {
                    return Err(Error::Conflict("the job was cancelled".to_owned()));
                }
                tracing::error!(%error, "a job broke off");
                Err(Error::Broken("the job"))
            });
            watched.end(ended);
        });
        Ok(entry.shown())
    }

    /// A job as plain JSON: id, state, its newest step, and its result or what went wrong. `None` where no job with
    /// this id is remembered.
    #[must_use]
    pub fn told(&self, id: &str) -> Option<Value> {
        Some(self.get(id)?.told())
    }

    /// The steps of a job after a position as plain JSON, each with its position, as they happen; the last stands for
    /// the job as a whole, as [`Jobs::told`] says it. Nothing is missed after a reconnect.
    pub fn steps(&self, id: &str, after: i64) -> Option<impl Stream<Item = (i64, bool, Value)> + use<>> {
        let entry = self.get(id)?;
        let whole = Arc::clone(&entry);
        Some(entry.follow(after).map(move |step| {
            let said = if step.finished { whole.told() } else { plain(&step) };
            (step.position, step.finished, said)
        }))
    }

    fn admit(&self, id: &str) -> Result<Arc<Entry>, Error> {
        let mut table = self.0.lock();
        let running = table.jobs.values().filter(|(_, entry)| entry.is_running()).count();
        if running >= RUNNING_LIMIT {
            let detail = format!("{running} jobs are running; wait for one to end");
            return Err(Error::Limit { limit: "RUNNING_LIMIT", detail });
        }
        while table.jobs.len() >= JOBS_LIMIT {
            let over =
                table.jobs.iter().find(|(_, (_, entry))| !entry.is_running()).map(|(number, _)| *number);
            let Some(number) = over else { break };
            table.jobs.remove(&number);
        }
        let entry = Arc::new(Entry {
            id: id.to_owned(),
            work: Mutex::default(),
            changed: watch::Sender::new(0),
            abort: Mutex::default(),
        });
        table.next += 1;
        let number = table.next;
        table.jobs.insert(number, (id.to_owned(), Arc::clone(&entry)));
        Ok(entry)
    }

    /// The job with this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Entry>> {
        let table = self.0.lock();
        table.jobs.values().find(|(known, _)| known == id).map(|(_, entry)| Arc::clone(entry))
    }
}

impl Entry {
    pub(crate) fn is_running(&self) -> bool {
        self.work.lock().state == JobState::Running
    }

    /// Ends the work at the next place where it waits; what it stored by then stays. Nothing where it has ended.
    pub(crate) fn cancel(&self) {
        if let Some(abort) = self.abort.lock().as_ref() {
            abort.abort();
        }
    }

    /// Tells of a step.
    pub(crate) fn step(&self, stage: &str, done: usize, total: usize) {
        let mut work = self.work.lock();
        if work.state == JobState::Running {
            work.push(stage, done, total, false);
        }
        drop(work);
        self.changed.send_modify(|version| *version += 1);
    }

    fn end(&self, ended: Result<Value, Error>) {
        let mut work = self.work.lock();
        match ended {
            Ok(result) => {
                work.state = JobState::Done;
                work.result = Some(result);
                work.push("done", 1, 1, true);
            }
            Err(error) => {
                work.state = JobState::Failed;
                work.error = Some(JobError {
                    code: error.code().to_owned(),
                    message: error.public_message(),
                    hint: error.hint().map(str::to_owned),
                    line: error.line(),
                });
                work.push("failed", 0, 1, true);
            }
        }
        drop(work);
        self.changed.send_modify(|version| *version += 1);
    }

    /// The job as it is shown.
    pub(crate) fn shown(&self) -> Job {
        let work = self.work.lock();
        Job {
            id: ID(self.id.clone()),
            state: work.state,
            progress: work.steps.clone(),
            result: work.result.clone().map(Json),
            error: work.error.clone(),
        }
    }

    fn told(&self) -> Value {
        let work = self.work.lock();
        let state = match work.state {
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
        };
        let error = work.error.as_ref().map(|error| {
            json!({"code": error.code, "message": error.message, "hint": error.hint, "line": error.line})
        });
        let progress = work.steps.last().map(plain);
        json!({"id": self.id, "state": state, "progress": progress, "result": work.result, "error": error})
    }

    /// Steps after this position.
    fn after(&self, position: i64) -> Vec<Progress> {
        let work = self.work.lock();
        work.steps.iter().filter(|step| step.position > position).cloned().collect()
    }

    /// Its steps from a position on, until the last.
    pub(crate) fn follow(self: Arc<Self>, after: i64) -> impl Stream<Item = Progress> {
        let changed = self.changed.subscribe();
        let waiting = std::collections::VecDeque::<Progress>::new();
        stream::unfold((self, changed, after, waiting, false), |state| async move {
            let (entry, mut changed, mut after, mut waiting, over) = state;
            if over {
                return None;
            }
            loop {
                if let Some(step) = waiting.pop_front() {
                    let over = step.finished;
                    return Some((step, (entry, changed, after, waiting, over)));
                }
                // Marked as seen before reading, so that a step told in between wakes the next turn.
                changed.borrow_and_update();
                waiting.extend(entry.after(after));
                match waiting.back() {
                    Some(step) => after = step.position,
                    None if !entry.is_running() => return None,
                    None => changed.changed().await.ok()?,
                }
            }
        })
    }
}

fn plain(step: &Progress) -> Value {
    json!({"position": step.position, "stage": step.stage, "done": step.done, "total": step.total})
}

impl Work {
    fn push(&mut self, stage: &str, done: usize, total: usize, finished: bool) {
        let position = self.steps.last().map_or(1, |step| step.position + 1);
        if self.steps.len() >= STEPS_LIMIT {
            self.steps.pop();
        }
        self.steps.push(Progress { position, stage: stage.to_owned(), done, total, finished });
    }
}
