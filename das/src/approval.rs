//! Approval of a prompt as a process: the evidence goes in, people judge it one after the other, and the process says
//! when there are enough.
//!
//! The process is [`PROCESS_ID`]; who deploys another version of it changes how prompts are approved. It starts with
//! `prompt`, `version`, `author`, `required` (how many people), `author_may`, `approved_by` (a list) and `evidence`;
//! each judgement completes its open user task with `approver` and `reason`. Its completion is the approval.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use bpmn::program::{JobKind, Variables};
use context::{Approval, ApprovalRequest, Decision};
use engine::ProcessEngine;
use engine::port::{DeployFile, Instance, JobFilter, StartInstance, Status};
use serde_json::{Value, json};

/// Id of the process.
pub const PROCESS_ID: &str = "approve_prompt";

/// The process as it is deployed where there is none.
pub const PROCESS_BPMN: &str = include_str!("../processes/approve-prompt.bpmn");

/// Approves prompts by a process.
#[derive(Clone)]
pub struct ProcessApproval {
    engine: Arc<dyn ProcessEngine>,
    people: usize,
    author_may: bool,
}

impl ProcessApproval {
    /// One person is enough, the author included: for someone who works alone.
    #[must_use]
    pub fn alone(engine: Arc<dyn ProcessEngine>) -> Self {
        Self { engine, people: 1, author_may: true }
    }

    /// So many people other than the author, at least one.
    #[must_use]
    pub fn by_others(engine: Arc<dyn ProcessEngine>, people: usize) -> Self {
        Self { engine, people: people.max(1), author_may: false }
    }

    /// The instance that decides about this version: the open one, else a new one.
    async fn instance(&self, request: &ApprovalRequest) -> Result<Instance, engine::Error> {
        let known = self.engine.definitions().await?;
        if !known.iter().any(|definition| definition.process_id == PROCESS_ID) {
            let name = "approve-prompt.bpmn".to_owned();
            self.engine.deploy(vec![DeployFile { name, content: PROCESS_BPMN.as_bytes().to_vec() }]).await?;
        }
        let version = &request.version;
        // With every approval that counted another instance may follow, should one be asked for after the end.
        let key = format!("prompt/{}/{}", request.organisation, version.prompt.name);
        let key = format!("{key}@{}", version.hash);
        let start = StartInstance {
            process_id: Some(PROCESS_ID.to_owned()),
            variables: self.variables(request),
            business_key: Some(key.clone()),
            actor: Some(request.approver.clone()),
            idempotency_key: Some(key),
            ..StartInstance::default()
        };
        let instance = self.engine.start(start).await?;
        self.engine.instance(instance).await
    }

    fn variables(&self, request: &ApprovalRequest) -> Variables {
        let (version, report) = (&request.version, &request.report);
        let variables = json!({
            "prompt": version.prompt.name, "version": version.hash, "author": version.author, "note": version.note,
            "required": self.people, "author_may": self.author_may, "approved_by": request.approved_by,
            "evidence": {
                "report": report.id, "model": report.model, "verdict": report.verdict, "trials": report.trials,
                "passed": report.passed, "rate": report.rate, "low": report.low, "high": report.high,
                "cost": report.cost, "comparison": request.comparison,
            },
        });
        match variables {
            Value::Object(variables) => variables,
            _ => Variables::new(),
        }
    }

    async fn judge(&self, request: &ApprovalRequest) -> Result<Decision, engine::Error> {
        let before = self.instance(request).await?;
        if before.status == Status::Completed {
            // It was decided already; the label may have been moved away and is asked for again.
            return Ok(Decision::Approved);
        }
        let filter =
            JobFilter { instance: Some(before.key), kind: Some(JobKind::User), ..JobFilter::default() };
        let Some(job) = self.engine.jobs(&filter).await?.into_iter().next() else {
            let reason = format!("process instance {} waits for nobody; see what it is doing", before.key);
            return Ok(Decision::Refused { reason });
        };
        let said = [
            ("approver".to_owned(), json!(request.approver)),
            ("reason".to_owned(), json!(request.reason)),
            ("report".to_owned(), json!(request.report.id)),
        ];
        self.engine.complete_user_task(job.key, &request.approver, said.into_iter().collect()).await?;
        let after = self.engine.instance(before.key).await?;
        Ok(decision(request, &before, &after))
    }
}

/// What the process made of it: its end approves, another name on its list counts, anything else does not.
fn decision(request: &ApprovalRequest, before: &Instance, after: &Instance) -> Decision {
    let count = |instance: &Instance| {
        instance.variables.get("approved_by").and_then(Value::as_array).map_or(0, Vec::len)
    };
    let number =
        |instance: &Instance| instance.variables.get("required").and_then(Value::as_u64).unwrap_or(1);
    match after.status {
        Status::Completed => Decision::Approved,
        Status::Failed | Status::Terminated => {
            Decision::Refused { reason: format!("process instance {} ended without approving", after.key) }
        }
        Status::Active | Status::Suspended if count(after) > count(before) => {
            let missing = number(after).saturating_sub(count(after) as u64);
            Decision::Waiting { missing: usize::try_from(missing).unwrap_or(usize::MAX).max(1) }
        }
        Status::Active | Status::Suspended => {
            let who = &request.approver;
            let reason = if request.approved_by.contains(who) {
                format!("{who} has approved this version already")
            } else {
                format!("{who} wrote this version; somebody else must approve it")
            };
            Decision::Refused { reason }
        }
    }
}

#[async_trait]
impl Approval for ProcessApproval {
    async fn decide(&self, request: &ApprovalRequest) -> Result<Decision, context::Error> {
        self.judge(request).await.map_err(|error| context::Error::Approval(error.to_string()))
    }
}
