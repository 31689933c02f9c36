//! Deploying files, sent as a multipart form.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request, State};
use engine::port::DeployFile;
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
    let definitions = cluster.engine.deploy(files).await?;
    // A deployment is not kept apart from its definitions: the first one's key names it.
    let deployment = definitions.first().map_or(0, |definition| definition.key).to_string();
    let deployed = |definition: &engine::port::Definition| {
        let process = json!({
            "processDefinitionId": definition.process_id, "processDefinitionVersion": definition.version,
            "processDefinitionKey": definition.key.to_string(), "resourceName": definition.resource,
            "tenantId": TENANT,
        });
        json!({
            "processDefinition": process, "decisionDefinition": null, "decisionRequirements": null,
            "form": null, "resource": null,
        })
    };
    let deployments: Vec<Value> = definitions.iter().map(deployed).collect();
    Ok(Json(json!({"deploymentKey": deployment, "tenantId": TENANT, "deployments": deployments})))
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
