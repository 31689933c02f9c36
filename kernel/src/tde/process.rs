//! `by="process"`: the task is executed by an instance of another process. Its inputs are that process's variables,
//! and what they are in the end is its result.

use std::time::Duration;

use bpmn::program::Variables;
use engine::Error as EngineError;
use engine::port::{StartInstance, Status};

use super::Tde;
use crate::Error;

/// Processes that execute tasks of processes that execute tasks …
const MAX_DEPTH: u32 = 16;
/// How the business key of an executing instance begins; its depth follows, then the caller's own key.
const EXECUTOR: &str = "executor";

impl Tde {
    pub(super) async fn run_process(&mut self) -> Result<Variables, Error> {
        let element = self.job.element.clone();
        let name = self.job.spec.reference.clone().unwrap_or_default();
        let (depth, own_key) = depth(self.job.business_key.as_deref());
        if depth >= MAX_DEPTH {
            let problem =
                format!("{name:?} would be the executor of an executor {MAX_DEPTH} deep; is it its own?");
            return Err(self.declaration(problem));
        }
        let request = StartInstance {
            process_id: Some(name.clone()),
            variables: self.job.variables.clone(),
            business_key: Some(format!("{EXECUTOR}/{}/{own_key}", depth + 1)),
            seed: self.job.seed,
            actor: Some("tde".to_owned()),
            dry_run: self.job.dry_run,
            // A second attempt finds the instance that the first one started.
            idempotency_key: Some(format!("executor/{}", self.job.key)),
            ..StartInstance::default()
        };
        let mut notices = self.parts.engine.notices();
        let child = match self.parts.engine.start(request).await {
            Ok(child) => child,
            Err(EngineError::NotFound { .. }) => {
                return Err(self.declaration(format!("no process {name:?} is deployed")));
            }
            Err(error) => return Err(error.into()),
        };
        self.notes.push(format!("executed by instance {child} of process {name}"));
        let poll = Duration::from_millis(self.parts.limits.poll_ms);
        let ended = loop {
            let found = self.parts.engine.instance(child).await?;
            if found.status != Status::Active {
                break found;
            }
            tokio::select! {
                // A missed notice only means to look again.
                _ = notices.recv() => {}
                () = tokio::time::sleep(poll) => {}
                () = self.cancel.cancelled() => {
                    let reason = format!("task {element} of instance {} was cancelled", self.job.instance);
                    if let Err(error) = self.parts.engine.cancel(child, &reason).await {
                        tracing::warn!(child, %error, "an executing instance could not be cancelled");
                    }
                    return Err(Error::Cancelled { element });
                }
            }
        };
        if ended.status != Status::Completed {
            let status = format!("{:?}", ended.status).to_lowercase();
            return Err(Error::Tool {
                code: "process.failed",
                element,
                tool: name,
                problem: format!("instance {child} ended {status}"),
            });
        }
        self.outputs = ended.variables;
        Ok(Variables::new())
    }
}

/// How deep an instance is in a chain of executors, and the business key of whoever began it.
fn depth(business_key: Option<&str>) -> (u32, &str) {
    let Some(key) = business_key else { return (0, "") };
    let chain = key.strip_prefix(EXECUTOR).and_then(|rest| rest.strip_prefix('/')?.split_once('/'));
    match chain.and_then(|(depth, own)| Some((depth.parse().ok()?, own))) {
        Some(found) => found,
        None => (0, key),
    }
}
