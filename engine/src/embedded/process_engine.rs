//! The port's calls, each handed to the part that does it.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use bpmn::exec::Input;
use bpmn::program::Variables;
use tokio::sync::broadcast;

use super::command::{self, Command};
use super::live::split_key;
use super::{Embedded, deploy, jobs, messages, migration, operations, start};
use crate::port::{
    ActivateJobs, Assignment, BpmnError, DecisionRequirements, Definition, DeployFile, Deployment,
    Escalation, Held, Incident, Inspector, Instance, InstanceFilter, InstanceState, Job, JobFailure,
    JobFilter, Message, Migration, Modification, Notice, Record, StartInstance,
};
use crate::{Error, ProcessEngine, limits};

#[async_trait]
impl ProcessEngine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn inspected_by(&self, inspector: Arc<dyn Inspector>) {
        // Whoever came first stays.
        let _second = self.core.inspector.set(inspector);
    }

    async fn deploy(&self, files: Vec<DeployFile>) -> Result<Vec<Definition>, Error> {
        Ok(deploy::deploy(&self.core, files).await?.definitions)
    }

    async fn deploy_all(&self, files: Vec<DeployFile>) -> Result<Deployment, Error> {
        deploy::deploy(&self.core, files).await
    }

    async fn decisions(&self) -> Result<Vec<DecisionRequirements>, Error> {
        Ok(self.core.decisions.read().list())
    }

    async fn decision_xml(&self, key: i64) -> Result<String, Error> {
        self.core.decisions.read().xml(key)
    }

    async fn definitions(&self) -> Result<Vec<Definition>, Error> {
        Ok(self.core.catalogue.read().list())
    }

    async fn definition(&self, key: i64) -> Result<Definition, Error> {
        Ok(self.core.catalogue.read().get(key)?.definition.clone())
    }

    async fn definition_xml(&self, key: i64) -> Result<String, Error> {
        Ok(self.core.catalogue.read().get(key)?.xml.to_string())
    }

    async fn start(&self, request: StartInstance) -> Result<i64, Error> {
        start::start(&self.core, request).await
    }

    async fn instance(&self, key: i64) -> Result<Instance, Error> {
        command::look(&self.core, key, |live| live.view()).await
    }

    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error> {
        self.core.store.instances(filter).await
    }

    async fn state(&self, key: i64) -> Result<InstanceState, Error> {
        command::look(&self.core, key, |live| live.state()).await
    }

    async fn token_state(&self, key: i64) -> Result<Option<bpmn::exec::State>, Error> {
        command::look(&self.core, key, |live| Some(live.token_state().clone())).await
    }

    async fn cancel(&self, key: i64, reason: &str) -> Result<(), Error> {
        self.core.check_running()?;
        limits::check_text("the reason", reason)?;
        command::run(&self.core, key, Command::new(Input::Cancel { reason: reason.to_owned() })).await
    }

    async fn set_variables(&self, key: i64, scope: Option<u32>, variables: Variables) -> Result<(), Error> {
        self.core.check_running()?;
        limits::check_variables(&variables)?;
        command::run(&self.core, key, Command::new(Input::SetVariables { scope, variables })).await
    }

    async fn activate_jobs(&self, request: ActivateJobs) -> Result<Vec<Job>, Error> {
        jobs::activate(&self.core, request).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, Error> {
        jobs::list(&self.core, filter).await
    }

    async fn held_by(&self, key: i64) -> Result<Option<Held>, Error> {
        Ok(self.core.index.lock().jobs.held_by(key))
    }

    async fn complete_job(
        &self,
        key: i64,
        attempt: u32,
        variables: Variables,
        record: Record,
    ) -> Result<(), Error> {
        jobs::complete(&self.core, key, attempt, variables, record).await
    }

    async fn fail_job(
        &self,
        key: i64,
        attempt: u32,
        failure: JobFailure,
        record: Record,
    ) -> Result<(), Error> {
        jobs::fail(&self.core, key, attempt, failure, record).await
    }

    async fn throw_error(
        &self,
        key: i64,
        attempt: u32,
        error: BpmnError,
        record: Record,
    ) -> Result<(), Error> {
        jobs::throw(&self.core, key, attempt, error, record).await
    }

    async fn extend_lease(&self, key: i64, attempt: u32, lease_ms: i64) -> Result<(), Error> {
        jobs::extend(&self.core, key, attempt, lease_ms).await
    }

    async fn complete_user_task(&self, key: i64, actor: &str, variables: Variables) -> Result<(), Error> {
        jobs::complete_user_task(&self.core, key, actor, variables).await
    }

    async fn escalate(
        &self,
        key: i64,
        attempt: Option<u32>,
        escalation: Escalation,
        actor: &str,
    ) -> Result<(), Error> {
        jobs::escalate(&self.core, key, attempt, escalation, actor).await
    }

    async fn assign(&self, key: i64, assignment: Assignment, actor: &str) -> Result<(), Error> {
        operations::assign(&self.core, key, assignment, actor).await
    }

    async fn modify(&self, key: i64, modification: Modification, actor: &str) -> Result<(), Error> {
        operations::modify(&self.core, key, modification, actor).await
    }

    async fn suspend(&self, key: i64, actor: &str) -> Result<(), Error> {
        operations::suspend(&self.core, key, actor).await
    }

    async fn resume(&self, key: i64, actor: &str) -> Result<(), Error> {
        operations::resume(&self.core, key, actor).await
    }

    async fn migrate(&self, key: i64, migration: Migration, actor: &str) -> Result<(), Error> {
        migration::migrate(&self.core, key, migration, actor).await
    }

    async fn publish_message(&self, message: Message) -> Result<(), Error> {
        messages::publish(&self.core, message).await
    }

    async fn broadcast_signal(&self, name: &str, variables: Variables) -> Result<(), Error> {
        self.core.check_running()?;
        limits::check_text("the signal name", name)?;
        limits::check_variables(&variables)?;
        messages::broadcast(&self.core, name, &variables).await
    }

    async fn incidents(&self, instance: Option<i64>) -> Result<Vec<Incident>, Error> {
        let index = self.core.index.lock();
        let all = index.incidents.values();
        Ok(all.filter(|one| instance.is_none_or(|key| key == one.instance)).cloned().collect())
    }

    async fn resolve_incident(&self, key: i64) -> Result<(), Error> {
        self.core.check_running()?;
        let (instance, incident) = split_key(key);
        command::run(&self.core, instance, Command::new(Input::ResolveIncident { incident })).await
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.core.notices.subscribe()
    }

    async fn open_instances(&self, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        let index = self.core.index.lock();
        // A key that was given out but is not committed yet would be missed by who asks after a later one.
        let end = index.starting.first().map_or(Bound::Unbounded, |first| Bound::Excluded(*first));
        if let Bound::Excluded(end) = end
            && end <= after + 1
        {
            return Ok(Vec::new());
        }
        let open = index.open.range((Bound::Excluded(after), end));
        Ok(open.map(|(key, _)| *key).take(limit).collect())
    }

    async fn instances_with_work(&self, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        Ok(self.core.index.lock().jobs.instances_with_work(after, limit))
    }

    fn has_work(&self, instance: i64) -> bool {
        self.core.index.lock().jobs.instances_with_work(instance - 1, 1) == [instance]
    }
}
