//! Deploying files, sent as a multipart form.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request, State};
use engine::port::{DecisionDefinition, DecisionRequirements, Definition, DeployFile};
use serde_json::{Value, json};

use super::{Cluster, Problem, TENANT, check_tenant};

/// Most files in one deployment.
const FILES_MAX: usize = 64;

/// Deploys all files, or none.
pub(super) async fn deploy(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let files = read(&cluster, request).await?;
    if files.is_empty() {
        return Err(Problem::invalid("there is no file: send each as a part named resources"));
    }
    let deployed = cluster.engine.deploy_all(files).await?;
    // A deployment is not kept apart from what it holds: the first key names it.
    let keys = deployed.definitions.iter().map(|definition| definition.key);
    let key = keys.chain(deployed.decisions.iter().map(|file| file.key)).next().unwrap_or(0).to_string();
    let mut deployments: Vec<Value> = deployed.definitions.iter().map(process).collect();
    deployments.extend(deployed.decisions.iter().flat_map(decisions));
    Ok(Json(json!({"deploymentKey": key, "tenantId": TENANT, "deployments": deployments})))
}

/// One entry of the answer; the kinds that it is not are null.
fn entry(kind: &str, value: Value) -> Value {
    let mut entry = json!({
        "processDefinition": null, "decisionDefinition": null, "decisionRequirements": null, "form": null,
        "resource": null,
    });
    entry[kind] = value;
    entry
}

fn process(definition: &Definition) -> Value {
    let process = json!({
        "processDefinitionId": definition.process_id, "processDefinitionVersion": definition.version,
        "processDefinitionKey": definition.key.to_string(), "resourceName": definition.resource,
        "tenantId": TENANT,
    });
    entry("processDefinition", process)
}

/// A DMN file: its requirements, and each of its decisions.
fn decisions(file: &DecisionRequirements) -> Vec<Value> {
    let requirements = json!({
        "decisionRequirementsId": file.id, "decisionRequirementsName": file.name, "version": file.version,
        "decisionRequirementsKey": file.key.to_string(), "resourceName": file.resource, "tenantId": TENANT,
    });
    let decision = |decision: &DecisionDefinition| {
        let decision = json!({
            "decisionDefinitionId": decision.decision_id, "name": decision.name, "version": decision.version,
            "decisionDefinitionKey": decision.key.to_string(), "decisionRequirementsId": file.id,
            "decisionRequirementsKey": file.key.to_string(), "tenantId": TENANT,
        });
        entry("decisionDefinition", decision)
    };
    let decisions = file.decisions.iter().map(decision);
    decisions.chain([entry("decisionRequirements", requirements)]).collect()
}

async fn read(cluster: &Cluster, request: Request) -> Result<Vec<DeployFile>, Problem> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let bytes = cluster.bytes(request, cluster.limits.body_bytes).await?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let wrong = |error: &dyn std::fmt::Display| {
        Problem::invalid(format!("the body is not a multipart form with files: {error}"))
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| wrong(&error.body_text()))?;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| wrong(&error.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let content = field.bytes().await.map_err(|error| wrong(&error.body_text()))?;
        match (name.as_str(), file) {
            ("tenantId", _) => check_tenant(std::str::from_utf8(&content).ok().map(str::trim))?,
            ("resources", Some(file)) if files.len() < FILES_MAX => {
                files.push(DeployFile { name: file, content: content.to_vec() });
            }
            ("resources", Some(_)) => {
                return Err(Problem::invalid(format!("more than {FILES_MAX} files at once")));
            }
            ("resources", None) => return Err(Problem::invalid("a part named resources has no file name")),
            (other, _) => return Err(Problem::invalid(format!("a part named {other:?} is not expected"))),
        }
    }
    Ok(files)
}
