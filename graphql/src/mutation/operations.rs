//! What a person does to running instances and tasks: suspend, resume, modify, migrate, assign, escalate.

use async_graphql::{Context, InputObject, Object};
use engine::port::{Assignment, Escalation, Migration, Modification};

use super::{actor, bounded, variables};
use crate::error::Result;
use crate::runs::ProcessInstance;
use crate::scalar::{Json, Key};
use crate::{Error, State};

/// Elements that one call names.
const ELEMENTS_LIMIT: usize = 1_000;

/// How tokens are moved.
#[derive(InputObject)]
pub(crate) struct ModifyInstanceInput {
    /// The instance.
    key: Key,
    /// Ids of BPMN elements that shall get a token.
    #[graphql(default)]
    activate: Vec<String>,
    /// Numbers of element instances that shall end, as `current { number }` gives them.
    #[graphql(default)]
    terminate: Vec<u32>,
}

/// Where an instance is migrated to.
#[derive(InputObject)]
pub(crate) struct MigrateInstanceInput {
    /// The instance.
    key: Key,
    /// Another version of its process.
    definition_key: Key,
    /// Elements that have another id there.
    #[graphql(default)]
    elements: Vec<ElementMappingInput>,
}

/// An element that has another id in the new version.
#[derive(InputObject)]
pub(crate) struct ElementMappingInput {
    /// Its id in the version that the instance runs.
    from: String,
    /// Its id in the new version.
    to: String,
}

/// Who a user task shall belong to.
#[derive(InputObject)]
pub(crate) struct AssignUserTaskInput {
    /// The task.
    key: Key,
    /// The person; nobody where it is not given.
    assignee: Option<String>,
    /// Also when it belongs to somebody else; a claim leaves this out.
    #[graphql(default)]
    take_over: bool,
}

/// An escalation that a person throws from a user task.
#[derive(InputObject)]
pub(crate) struct EscalateUserTaskInput {
    /// The task.
    key: Key,
    /// Escalation code that the process catches.
    code: String,
    /// Variables for the catching scope, as an object.
    variables: Option<Json>,
}

#[derive(Default)]
pub(crate) struct Operations;

async fn instance(state: &State, key: i64) -> Result<ProcessInstance> {
    Ok(ProcessInstance(state.engine.instance(key).await?))
}

fn few(argument: &'static str, count: usize) -> Result<()> {
    if count > ELEMENTS_LIMIT {
        let problem = format!("it names {count} elements; at most {ELEMENTS_LIMIT} are taken");
        return Err(Error::Argument { argument, problem }.into());
    }
    Ok(())
}

#[Object(name = "OperationsMutation")]
impl Operations {
    /// Suspends an instance: nothing begins until it is resumed. What is being worked on may still be answered.
    async fn suspend_instance(&self, ctx: &Context<'_>, key: Key) -> Result<ProcessInstance> {
        let state = ctx.data::<State>()?;
        state.engine.suspend(key.0, &actor(ctx)).await?;
        instance(state, key.0).await
    }

    /// Lets a suspended instance go on; timers that became due meanwhile fire now.
    async fn resume_instance(&self, ctx: &Context<'_>, key: Key) -> Result<ProcessInstance> {
        let state = ctx.data::<State>()?;
        state.engine.resume(key.0, &actor(ctx)).await?;
        instance(state, key.0).await
    }

    /// Moves tokens of an instance.
    async fn modify_instance(
        &self,
        ctx: &Context<'_>,
        input: ModifyInstanceInput,
    ) -> Result<ProcessInstance> {
        let state = ctx.data::<State>()?;
        few("input", input.activate.len().max(input.terminate.len()))?;
        let modification = Modification { terminate: input.terminate, activate: input.activate };
        state.engine.modify(input.key.0, modification, &actor(ctx)).await?;
        instance(state, input.key.0).await
    }

    /// Lets an instance go on by another version of its process; refused where something active has no counterpart.
    async fn migrate_instance(
        &self,
        ctx: &Context<'_>,
        input: MigrateInstanceInput,
    ) -> Result<ProcessInstance> {
        let state = ctx.data::<State>()?;
        few("elements", input.elements.len())?;
        let elements = input.elements.into_iter().map(|pair| (pair.from, pair.to)).collect();
        let migration = Migration { definition: input.definition_key.0, elements };
        state.engine.migrate(input.key.0, migration, &actor(ctx)).await?;
        instance(state, input.key.0).await
    }

    /// Says who a user task belongs to.
    async fn assign_user_task(&self, ctx: &Context<'_>, input: AssignUserTaskInput) -> Result<bool> {
        bounded("assignee", input.assignee.as_deref().unwrap_or_default(), 1_024)?;
        let assignment = Assignment { assignee: input.assignee, take_over: input.take_over };
        ctx.data::<State>()?.engine.assign(input.key.0, assignment, &actor(ctx)).await?;
        Ok(true)
    }

    /// Throws an escalation from a user task.
    async fn escalate_user_task(&self, ctx: &Context<'_>, input: EscalateUserTaskInput) -> Result<bool> {
        bounded("code", &input.code, 1_024)?;
        let escalation = Escalation { code: input.code, variables: variables("variables", input.variables)? };
        ctx.data::<State>()?.engine.escalate(input.key.0, None, escalation, &actor(ctx)).await?;
        Ok(true)
    }
}
