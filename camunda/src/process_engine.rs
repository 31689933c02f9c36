//! The port `ProcessEngine`, call by call.

use std::sync::Arc;

use async_trait::async_trait;
use bpmn::program::Variables;
use engine::port::{
    ActivateJobs, Assignment, BpmnError, Definition, DeployFile, Escalation, Incident, Inspector, Instance,
    InstanceFilter, InstanceState, Job, JobFailure, JobFilter, Message, Migration, Modification, Notice,
    Record, StartInstance,
};
use engine::{Error, ProcessEngine, limits};
use tokio::sync::broadcast;

use crate::{
    Camunda, answer, catalogue, fetch, incidents, instances, lease, messages, operations, state, user_tasks,
};

#[async_trait]
impl ProcessEngine for Camunda {
    fn name(&self) -> &'static str {
        self.core.name()
    }

    fn inspected_by(&self, inspector: Arc<dyn Inspector>) {
        // Whoever came first stays.
        let _second = self.core.inspector.set(inspector);
    }

    async fn deploy(&self, files: Vec<DeployFile>) -> Result<Vec<Definition>, Error> {
        catalogue::deploy(&self.core, files).await
    }

    async fn definitions(&self) -> Result<Vec<Definition>, Error> {
        catalogue::definitions(&self.core).await
    }

    async fn definition(&self, key: i64) -> Result<Definition, Error> {
        let id = catalogue::id_of(&self.core, key).await?;
        Ok(catalogue::deployed(&self.core, &id).await?.definition.clone())
    }

    async fn definition_xml(&self, key: i64) -> Result<String, Error> {
        let id = catalogue::id_of(&self.core, key).await?;
        Ok(catalogue::deployed(&self.core, &id).await?.xml.clone())
    }

    async fn start(&self, request: StartInstance) -> Result<i64, Error> {
        instances::start(&self.core, request).await
    }

    async fn instance(&self, key: i64) -> Result<Instance, Error> {
        instances::instance(&self.core, key).await
    }

    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error> {
        instances::instances(&self.core, filter).await
    }

    async fn state(&self, key: i64) -> Result<InstanceState, Error> {
        state::state(&self.core, key).await
    }

    async fn cancel(&self, key: i64, reason: &str) -> Result<(), Error> {
        instances::cancel(&self.core, key, reason).await
    }

    async fn set_variables(&self, key: i64, scope: Option<u32>, variables: Variables) -> Result<(), Error> {
        instances::set_variables(&self.core, key, scope, variables).await
    }

    async fn activate_jobs(&self, request: ActivateJobs) -> Result<Vec<Job>, Error> {
        fetch::activate(&self.core, request).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, Error> {
        fetch::list(&self.core, filter).await
    }

    async fn complete_job(
        &self,
        key: i64,
        attempt: u32,
        variables: Variables,
        record: Record,
    ) -> Result<(), Error> {
        answer::complete(&self.core, key, attempt, variables, record).await
    }

    async fn fail_job(
        &self,
        key: i64,
        attempt: u32,
        failure: JobFailure,
        record: Record,
    ) -> Result<(), Error> {
        limits::check_text("the failure's message", &failure.message)?;
        let JobFailure { code, message, retries_left, backoff_ms } = failure;
        let answer = answer::failure(&code, &message, retries_left, backoff_ms);
        answer::give(&self.core, key, attempt, answer, record).await
    }

    async fn throw_error(
        &self,
        key: i64,
        attempt: u32,
        error: BpmnError,
        record: Record,
    ) -> Result<(), Error> {
        limits::check_text("the error's message", &error.message)?;
        answer::throw(&self.core, key, attempt, error, record).await
    }

    async fn extend_lease(&self, key: i64, attempt: u32, lease_ms: i64) -> Result<(), Error> {
        lease::extend(&self.core, key, attempt, lease_ms).await
    }

    async fn complete_user_task(&self, key: i64, actor: &str, variables: Variables) -> Result<(), Error> {
        user_tasks::complete(&self.core, key, actor, variables).await
    }

    async fn escalate(
        &self,
        key: i64,
        attempt: Option<u32>,
        escalation: Escalation,
        actor: &str,
    ) -> Result<(), Error> {
        operations::escalate(&self.core, key, attempt, escalation, actor).await
    }

    async fn assign(&self, key: i64, assignment: Assignment, actor: &str) -> Result<(), Error> {
        operations::assign(&self.core, key, assignment, actor).await
    }

    async fn modify(&self, key: i64, modification: Modification, actor: &str) -> Result<(), Error> {
        operations::modify(&self.core, key, modification, actor).await
    }

    async fn suspend(&self, key: i64, actor: &str) -> Result<(), Error> {
        operations::suspend(&self.core, key, true, actor).await
    }

    async fn resume(&self, key: i64, actor: &str) -> Result<(), Error> {
        operations::suspend(&self.core, key, false, actor).await
    }

    async fn migrate(&self, key: i64, migration: Migration, actor: &str) -> Result<(), Error> {
        operations::migrate(&self.core, key, migration, actor).await
    }

    async fn publish_message(&self, message: Message) -> Result<(), Error> {
        messages::publish(&self.core, message).await
    }

    async fn broadcast_signal(&self, name: &str, variables: Variables) -> Result<(), Error> {
        messages::broadcast(&self.core, name, variables).await
    }

    async fn incidents(&self, instance: Option<i64>) -> Result<Vec<Incident>, Error> {
        incidents::list(&self.core, instance).await
    }

    async fn resolve_incident(&self, key: i64) -> Result<(), Error> {
        incidents::resolve(&self.core, key).await
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.core.notices.subscribe()
    }

    async fn open_instances(&self, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        let open = self.core.open.lock();
        Ok(open.range(after.saturating_add(1)..).take(limit).map(|(key, _)| *key).collect())
    }
}
