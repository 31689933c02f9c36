//! What is done to running instances: tokens moved, versions changed, standing still.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use engine::port::{Migration, Modification};
use serde::Deserialize;
use serde_json::Value;

use super::elements::inside;
use super::{Cluster, Problem, key};

/// Who is named as having done it: clients are not told apart.
const ACTOR: &str = "local";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ModificationBody {
    activate_instructions: Vec<Activate>,
    terminate_instructions: Vec<Terminate>,
    move_instructions: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activate {
    element_id: String,
    #[serde(default)]
    variable_instructions: Vec<Value>,
    #[serde(default)]
    ancestor_element_instance_key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terminate {
    element_instance_key: Option<String>,
    element_id: Option<String>,
}

/// Moves tokens of an instance.
pub(super) async fn modify(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body: ModificationBody = cluster.json(request).await?;
    let instance = key(&asked)?;
    let has_more = |one: &Activate| {
        !one.variable_instructions.is_empty()
            || one.ancestor_element_instance_key.as_ref().is_some_and(|key| !key.is_empty() && key != "-1")
    };
    if !body.move_instructions.is_empty() || body.activate_instructions.iter().any(has_more) {
        return Err(Problem::invalid(
            "moveInstructions, variableInstructions and ancestorElementInstanceKey are not supported: activate one \
             element, terminate another, and set variables by themselves",
        ));
    }
    let current = cluster.engine.state(instance).await?.current;
    let mut terminate = Vec::new();
    for one in &body.terminate_instructions {
        match (&one.element_instance_key, &one.element_id) {
            (Some(asked), None) => {
                let wanted = key(asked)?;
                let (of, number) = inside(wanted);
                let number = number.filter(|_| of == instance).ok_or_else(|| {
                    Problem::invalid(format!("there is no element instance {wanted} in instance {instance}"))
                })?;
                terminate.push(number);
            }
            (None, Some(id)) => {
                terminate.extend(current.iter().filter(|one| one.node == *id).map(|one| one.element));
            }
            _ => {
                return Err(Problem::invalid(
                    "name what is terminated by elementInstanceKey or by elementId",
                ));
            }
        }
    }
    let activate = body.activate_instructions.into_iter().map(|one| one.element_id).collect();
    cluster.engine.modify(instance, Modification { terminate, activate }, ACTOR).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MigrationBody {
    target_process_definition_key: String,
    #[serde(default)]
    mapping_instructions: Vec<Mapped>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapped {
    source_element_id: String,
    target_element_id: String,
}

/// Lets an instance go on by another version of its process.
pub(super) async fn migrate(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body: MigrationBody = cluster.json(request).await?;
    let instance = key(&asked)?;
    // Every element that holds a token must be said to go somewhere.
    for one in cluster.engine.state(instance).await?.current {
        if !body.mapping_instructions.iter().any(|mapped| mapped.source_element_id == one.node) {
            let detail = format!("there is no mapping instruction for the active element {:?}", one.node);
            return Err(Problem::new(StatusCode::CONFLICT, "INVALID_STATE", detail));
        }
    }
    let mapped = body.mapping_instructions.into_iter();
    let renamed = mapped.filter(|one| one.source_element_id != one.target_element_id);
    let elements: BTreeMap<String, String> =
        renamed.map(|one| (one.source_element_id, one.target_element_id)).collect();
    let migration = Migration { definition: key(&body.target_process_definition_key)?, elements };
    cluster.engine.migrate(instance, migration, ACTOR).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an instance stand still.
pub(super) async fn suspend(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<StatusCode, Problem> {
    cluster.engine.suspend(key(&asked)?, ACTOR).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets it go on.
pub(super) async fn resume(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<StatusCode, Problem> {
    cluster.engine.resume(key(&asked)?, ACTOR).await?;
    Ok(StatusCode::NO_CONTENT)
}
