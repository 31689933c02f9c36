//! Elements of an instance, and the variables that it holds.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bpmn::program::Variables;
use engine::port::{Instance, Job};
use serde::Deserialize;
use serde_json::{Value, json};

use super::history::{Element, Names};
use super::search::{ITEMS_MAX, Search};
use super::{Cluster, ELEMENT_BIT, LOCAL_BITS, Problem, TENANT, date, element_key, key};

const FIELDS: [&str; 13] = [
    "elementInstanceKey",
    "elementId",
    "elementName",
    "type",
    "state",
    "startDate",
    "endDate",
    "hasIncident",
    "processInstanceKey",
    "processDefinitionId",
    "processDefinitionKey",
    "incidentKey",
    "tenantId",
];
const VARIABLE_FIELDS: [&str; 7] =
    ["variableKey", "name", "value", "isTruncated", "scopeKey", "processInstanceKey", "tenantId"];
/// Instances whose variables one search may ask for.
const INSTANCES_MAX: usize = 1_000;

/// Elements that match, in the order in which they began: of one instance, or of those in which something ended
/// lately.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let mut search: Search = cluster.json(request).await?;
    let scope = search.take("elementInstanceScopeKey");
    let scope = scope.as_ref().and_then(Value::as_str).map(key).transpose()?;
    let (instances, cut) = match (search.wanted("processInstanceKey"), search.wanted("elementInstanceKey")) {
        (Some(asked), _) => (vec![key(asked)?], false),
        (None, Some(asked)) => (vec![inside(key(asked)?).0], false),
        (None, None) => match scope {
            Some(scope) => (vec![inside(scope).0], false),
            None => cluster.moved().await?,
        },
    };
    let mut found = Vec::new();
    for instance in instances {
        if found.len() >= ITEMS_MAX {
            break;
        }
        match cluster.engine.instance(instance).await {
            Ok(instance) => found.extend(elements(&cluster, &instance, scope).await?),
            Err(engine::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    search.answer(&FIELDS, found, cut)
}

/// One element.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let wanted = key(&asked)?;
    let missing = || Problem::missing(format!("there is no element instance {wanted}"));
    let instance = cluster.engine.instance(inside(wanted).0).await?;
    let all = elements(&cluster, &instance, None).await?;
    let found = all.into_iter().find(|element| element["elementInstanceKey"] == json!(wanted.to_string()));
    found.map(Json).ok_or_else(missing)
}

async fn elements(cluster: &Cluster, instance: &Instance, scope: Option<i64>) -> Result<Vec<Value>, Problem> {
    let mut history = cluster.history(instance.key).await?;
    let names = cluster.names(instance.definition).await?;
    let state = cluster.engine.state(instance.key).await?;
    for current in &state.current {
        // After a migration it may have another id.
        if let Some(element) = history.elements.get_mut(&current.element) {
            element.node.clone_from(&current.node);
        }
    }
    let stuck: Vec<u32> =
        state.current.iter().filter(|one| one.state == "incident").map(|one| one.element).collect();
    let around = |element: &Element| match element.scope {
        Some(scope) => element_key(instance.key, scope),
        None => instance.key,
    };
    let inner =
        history.elements.values().filter(|element| scope.is_none_or(|scope| scope == around(element)));
    let inner = inner.map(|element| shown(instance, element, &names, stuck.contains(&element.number)));
    // The process is an element as well, the first of all.
    let process = scope.is_none().then(|| {
        let element = Element {
            node: instance.process_id.clone(),
            started_ms: instance.started_ms,
            ended_ms: instance.ended_ms,
            terminated: instance.status != engine::port::Status::Completed,
            ..Element::default()
        };
        let mut shown = shown(instance, &element, &names, instance.incidents > 0);
        shown["elementInstanceKey"] = json!(instance.key.to_string());
        shown["type"] = json!("PROCESS");
        shown
    });
    Ok(process.into_iter().chain(inner).collect())
}

/// Flows that an instance took, each once.
pub(super) async fn flows(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let instance = cluster.engine.instance(key(&asked)?).await?;
    let own = instance.key.to_string();
    let history = cluster.history(instance.key).await?;
    let taken = history.flows.iter().map(|flow| {
        json!({
            "sequenceFlowId": format!("{own}_{flow}"), "elementId": flow, "processInstanceKey": own,
            "rootProcessInstanceKey": null, "processDefinitionKey": instance.definition.to_string(),
            "processDefinitionId": instance.process_id, "tenantId": TENANT,
        })
    });
    Ok(Json(json!({"items": taken.collect::<Vec<Value>>()})))
}

/// Variables of the process scopes of instances.
pub(super) async fn find_variables(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let wanted = search.wanted_list("processInstanceKey");
    let wanted = if wanted.is_empty() { search.wanted_list("scopeKey") } else { wanted };
    if wanted.is_empty() || wanted.len() > INSTANCES_MAX {
        let detail =
            format!("filter by processInstanceKey, at most {INSTANCES_MAX}: these are looked up by instance");
        return Err(Problem::invalid(detail));
    }
    let mut found = Vec::new();
    for asked in wanted {
        match cluster.engine.instance(key(asked)?).await {
            Ok(instance) => found.extend(variables(&instance)),
            Err(engine::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    search.answer(&VARIABLE_FIELDS, found, false)
}

/// One variable of a process scope.
pub(super) async fn variable(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let wanted = key(&asked)?;
    let missing = || Problem::missing(format!("there is no variable {wanted}"));
    let instance = cluster.engine.instance(wanted >> LOCAL_BITS).await?;
    let mut found = variables(&instance).find(|one| one["variableKey"] == json!(wanted.to_string()));
    if let Some(whole) = found.as_mut().and_then(Value::as_object_mut) {
        whole.remove("isTruncated");
    }
    found.map(Json).ok_or_else(missing)
}

fn variables(instance: &Instance) -> impl Iterator<Item = Value> {
    let own = instance.key.to_string();
    instance.variables.iter().enumerate().map(move |(place, (name, value))| {
        let local = i64::try_from(place).unwrap_or(0);
        json!({
            "name": name, "value": value.to_string(), "isTruncated": false, "tenantId": TENANT,
            "variableKey": ((instance.key << LOCAL_BITS) | local).to_string(), "scopeKey": own,
            "processInstanceKey": own, "rootProcessInstanceKey": null,
        })
    })
}

fn shown(instance: &Instance, element: &Element, names: &Names, stuck: bool) -> Value {
    let named = names.get(&element.node);
    let state = match (element.ended_ms, element.terminated) {
        (None, _) => "ACTIVE",
        (Some(_), true) => "TERMINATED",
        (Some(_), false) => "COMPLETED",
    };
    let kind = match named.and_then(|(_, kind)| *kind) {
        _ if element.body => "MULTI_INSTANCE_BODY".to_owned(),
        Some(kind) => kind.to_owned(),
        None => kind(&element.kind),
    };
    json!({
        "elementInstanceKey": element_key(instance.key, element.number).to_string(),
        "elementId": element.node, "elementName": named.map_or(element.node.as_str(), |(name, _)| name),
        "type": kind, "state": state, "startDate": date(element.started_ms),
        "endDate": element.ended_ms.map(date), "hasIncident": stuck, "incidentKey": null, "tenantId": TENANT,
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

/// The instance of an element key, and the element's number; of an instance's own key the instance alone.
pub(super) fn inside(wanted: i64) -> (i64, Option<u32>) {
    match wanted & ELEMENT_BIT {
        0 => (wanted, None),
        _ => {
            let inside = wanted & !ELEMENT_BIT;
            (inside >> LOCAL_BITS, u32::try_from(inside & ((1 << LOCAL_BITS) - 1)).ok())
        }
    }
}

impl Cluster {
    /// Key of the element instance that a job belongs to.
    pub(super) async fn element_of(&self, job: &Job) -> i64 {
        let number = match job.element_instance {
            Some(number) => Some(number),
            None => self.current_element(job).await,
        };
        number.map_or(job.instance, |number| element_key(job.instance, number))
    }

    /// The same by the state of the instance, where the engine does not have it at hand.
    async fn current_element(&self, job: &Job) -> Option<u32> {
        let state = self.engine.state(job.instance).await.unwrap_or_default();
        let mut current = state.current.iter().filter(|current| current.node == job.element);
        match (current.next(), current.next()) {
            (Some(only), None) => Some(only.element),
            // Several at once, or it ended a moment ago: the trail says which is whose.
            _ => self.history(job.instance).await.unwrap_or_default().element_of_job(job.key),
        }
    }
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
    let (instance, scope) = inside(key(&asked)?);
    if scope.is_some() && !set.local {
        let hint = "set local to true, or name the instance's key";
        return Err(Problem::invalid(format!("variables of an element go into its own scope: {hint}")));
    }
    cluster.engine.set_variables(instance, scope, set.variables).await?;
    Ok(StatusCode::NO_CONTENT)
}
