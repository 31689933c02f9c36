//! Elements of an instance, and the variables that it holds.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bpmn::program::Variables;
use engine::port::{ElementState, Instance};
use serde::Deserialize;
use serde_json::{Value, json};

use super::search::Search;
use super::{Cluster, ELEMENT_BIT, LOCAL_BITS, Problem, TENANT, date, element_key, key};

const FIELDS: [&str; 10] = [
    "elementInstanceKey",
    "elementId",
    "elementName",
    "type",
    "state",
    "startDate",
    "endDate",
    "hasIncident",
    "processInstanceKey",
    "tenantId",
];
const VARIABLE_FIELDS: [&str; 5] = ["name", "value", "scopeKey", "processInstanceKey", "tenantId"];

/// Elements of one instance: those that ended, then those that hold a token.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let instance = instance_of(&cluster, &search).await?;
    let state = cluster.engine.state(instance.key).await?;
    let elements = state.previous.iter().chain(&state.current);
    let found = elements.map(|element| shown(&instance, element)).collect();
    search.answer(&FIELDS, found, false)
}

/// Variables of the process scope of one instance.
pub(super) async fn find_variables(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let instance = instance_of(&cluster, &search).await?;
    let own = instance.key.to_string();
    let shown = |(place, (name, value)): (usize, (&String, &Value))| {
        let local = i64::try_from(place).unwrap_or(0);
        json!({
            "name": name, "value": value.to_string(), "isTruncated": false, "tenantId": TENANT,
            "variableKey": ((instance.key << LOCAL_BITS) | local).to_string(), "scopeKey": own,
            "processInstanceKey": own, "rootProcessInstanceKey": null,
        })
    };
    search.answer(&VARIABLE_FIELDS, instance.variables.iter().enumerate().map(shown).collect(), false)
}

async fn instance_of(cluster: &Cluster, search: &Search) -> Result<Instance, Problem> {
    let Some(asked) = search.wanted("processInstanceKey") else {
        return Err(Problem::invalid("filter by one processInstanceKey: these are looked up by instance"));
    };
    Ok(cluster.engine.instance(key(asked)?).await?)
}

fn shown(instance: &Instance, element: &ElementState) -> Value {
    let state = match element.state.as_str() {
        "completed" => "COMPLETED",
        "terminated" => "TERMINATED",
        _ => "ACTIVE",
    };
    json!({
        "elementInstanceKey": element_key(instance.key, element.element).to_string(),
        "elementId": element.node, "elementName": element.name, "type": kind(&element.kind), "state": state,
        "startDate": date(element.started_ms), "endDate": element.ended_ms.map(date),
        "hasIncident": element.state == "incident", "incidentKey": null, "tenantId": TENANT,
        "processDefinitionId": instance.process_id, "processDefinitionKey": instance.definition.to_string(),
        "processInstanceKey": instance.key.to_string(), "rootProcessInstanceKey": null,
    })
}

/// `userTask` as the API writes it: `USER_TASK`.
fn kind(local_name: &str) -> String {
    let mut written = String::with_capacity(local_name.len() + 4);
    for character in local_name.chars() {
        if character.is_ascii_uppercase() {
            written.push('_');
        }
        written.push(character.to_ascii_uppercase());
    }
    written
}

#[derive(Debug, Deserialize)]
pub(super) struct SetVariables {
    variables: Variables,
    #[serde(default)]
    local: bool,
}

/// Sets variables of an instance, or of an element instance.
pub(super) async fn set_variables(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let set: SetVariables = cluster.json(request).await?;
    let wanted = key(&asked)?;
    let (instance, scope) = match wanted & ELEMENT_BIT {
        0 => (wanted, None),
        _ => {
            let inside = wanted & !ELEMENT_BIT;
            (inside >> LOCAL_BITS, u32::try_from(inside & ((1 << LOCAL_BITS) - 1)).ok())
        }
    };
    if scope.is_some() && !set.local {
        let hint = "set local to true, or name the instance's key";
        return Err(Problem::invalid(format!("variables of an element go into its own scope: {hint}")));
    }
    cluster.engine.set_variables(instance, scope, set.variables).await?;
    Ok(StatusCode::NO_CONTENT)
}
