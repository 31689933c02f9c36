//! Giving a system its processes by hand: which BPMN process realises what.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use ontology::model::{self, Node};

use super::knowledge::{RemoveNodeInput, by_hand, overwrite, remove, said};
use super::target::{Target, filled};
use crate::State;
use crate::error::Result;
use crate::nodes::{ChangeSet, Process};

/// A process to add to a system.
#[derive(InputObject)]
pub(crate) struct CreateProcessInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its name.
    name: String,
    /// Id of the BPMN process, deployed or not yet; the id of the node without one.
    process_id: Option<String>,
    /// Id of the component that owns it.
    component: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to change of a process of a system: a field that is not given stays, null empties it. It is bound anew to the
/// newest version that is deployed.
#[derive(InputObject)]
pub(crate) struct UpdateProcessInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// Its name.
    name: Option<String>,
    /// Id of the BPMN process.
    process_id: Option<String>,
    /// Id of the component that owns it.
    component: MaybeUndefined<String>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

#[derive(Default)]
pub(crate) struct Processes;

#[Object(name = "ProcessMutation")]
impl Processes {
    /// Adds a process to a system. Its BPMN is deployed by `deployProcess`, before or after.
    async fn create_process(&self, ctx: &Context<'_>, input: CreateProcessInput) -> Result<Process> {
        filled("name", &input.name)?;
        let id = input.id.trim().to_owned();
        let process_id = input.process_id.unwrap_or_else(|| id.clone());
        filled("processId", &process_id)?;
        let message = format!("process {id} added");
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let process = model::Process {
            id,
            name: input.name,
            component: input.component,
            definition: newest(ctx, &process_id).await?,
            process_id,
            origin: by_hand(),
        };
        target.if_head(input.if_match).add(Node::Process(process)).await
    }

    /// Changes a process of a system; links at it become suspect.
    async fn update_process(&self, ctx: &Context<'_>, input: UpdateProcessInput) -> Result<Process> {
        for (argument, text) in [("name", &input.name), ("processId", &input.process_id)] {
            if let Some(text) = text {
                filled(argument, text)?;
            }
        }
        let deployed = ctx.data::<State>()?.engine.definitions().await?;
        let message = said(input.message, format!("process {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Process(process) = node else { return Ok(()) };
            process.name = input.name.clone().unwrap_or_else(|| process.name.clone());
            process.process_id = input.process_id.clone().unwrap_or_else(|| process.process_id.clone());
            overwrite(&mut process.component, &input.component);
            let newest = deployed.iter().rev().find(|found| found.process_id == process.process_id);
            process.definition = newest.map(|found| found.key);
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }

    /// Removes a process from a system and the links at it; what is deployed stays.
    async fn remove_process(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "process").await
    }
}

/// Key of the newest deployed version of a process.
async fn newest(ctx: &Context<'_>, process_id: &str) -> Result<Option<i64>> {
    let deployed = ctx.data::<State>()?.engine.definitions().await?;
    Ok(deployed.iter().rev().find(|found| found.process_id == process_id).map(|found| found.key))
}
