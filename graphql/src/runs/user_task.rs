//! A user task that waits for a person.

use async_graphql::SimpleObject;
use engine::port::Job;
use serde_json::Value;

use crate::scalar::{Json, Key, Timestamp};

/// A user task.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct UserTask {
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
        Self {
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
