//! A user task that waits for a person.

use async_graphql::{ComplexObject, Context, SimpleObject};
use engine::port::Job;
use serde_json::Value;

use super::{ProcessInput, at_task};
use crate::State;
use crate::error::Result;
use crate::scalar::{Json, Key, Timestamp};

/// A user task.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct UserTask {
    #[graphql(skip)]
    definition: i64,
    #[graphql(skip)]
    outcomes: Vec<String>,
    /// Its key.
    key: Key,
    /// The instance it belongs to.
    instance: Key,
    /// Id of the BPMN process.
    process_id: String,
    /// Id of the BPMN element.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// What is to be done, as the process says it.
    documentation: Option<String>,
    /// Who shall do it.
    assignee: Option<String>,
    /// What it is given.
    variables: Json,
    /// When it was created.
    created_at: Timestamp,
}

impl From<Job> for UserTask {
    fn from(job: Job) -> Self {
        let outcomes = job.spec.outcomes.into_iter().map(|outcome| outcome.label);
        Self {
            definition: job.definition,
            outcomes: outcomes.collect(),
            key: Key(job.key),
            instance: Key(job.instance),
            process_id: job.process_id,
            element_id: job.element,
            name: job.element_name,
            documentation: job.spec.documentation,
            assignee: job.assignee,
            variables: Json(Value::Object(job.variables)),
            created_at: Timestamp(job.created_ms),
        }
    }
}

#[ComplexObject]
impl UserTask {
    /// What a person can answer: variables that are read after it and made by nobody else for certain.
    async fn fields(&self, ctx: &Context<'_>) -> Result<Vec<ProcessInput>> {
        let xml = ctx.data::<State>()?.engine.definition_xml(self.definition).await?;
        Ok(at_task(&xml, &self.process_id, &self.element_id))
    }

    /// Labels of the outcomes it declares; the variable `outcome` takes one of them.
    async fn outcomes(&self) -> &[String] {
        &self.outcomes
    }
}
