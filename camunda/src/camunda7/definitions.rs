//! Definitions of Camunda 7: deployed with the original beside the rewritten model, and read back.

use bpmn::model::Definitions;
use bpmn::program::Program;
use engine::port::DeployFile;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{Seven, rewrite};
use crate::Error;
use crate::remote::{RemoteDefinition, Resource};
use crate::rest::{encode, optional, text, time_ms};

/// Definitions of one deployment.
const DEFINITION_LIMIT: usize = 10_000;
/// Ending of the name under which the original stands beside the rewritten model.
const ORIGINAL: &str = ".procos-original";

/// Camunda reads only files whose names end so.
fn resource_name(name: &str) -> String {
    if name.ends_with(".bpmn") || name.ends_with(".bpmn20.xml") {
        name.to_owned()
    } else {
        format!("{name}.bpmn")
    }
}

/// The rewritten model, and the original beside it.
pub(super) fn prepare(
    file: &DeployFile,
    definitions: &Definitions,
    programs: &[Program],
) -> Result<Vec<Resource>, Vec<String>> {
    let rewritten = bpmn::xml::write(&rewrite::rewrite(&file.name, definitions, programs)?);
    let name = resource_name(&file.name);
    Ok(vec![
        Resource { name: format!("{name}{ORIGINAL}"), content: file.content.clone(), is_main: false },
        Resource { name, content: rewritten.into_bytes(), is_main: true },
    ])
}

impl Seven {
    pub(super) async fn deploy_files(&self, resources: Vec<Resource>) -> Result<Vec<String>, Error> {
        let mut names: Vec<&str> =
            resources.iter().filter(|one| one.is_main).map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        let mut form = Form::new()
            .text("deployment-name", names.join(", "))
            .text("deployment-source", "procos")
            .text("enable-duplicate-filtering", "true")
            .text("deploy-changed-only", "false");
        for (place, resource) in resources.into_iter().enumerate() {
            form = form
                .part(format!("resource-{place}"), Part::bytes(resource.content).file_name(resource.name));
        }
        let answer = self.rest.form("/deployment/create", form).await?;
        let deployment = encode(text(&answer, "id"));
        let path = format!("/process-definition?deploymentId={deployment}&maxResults={DEFINITION_LIMIT}");
        Ok(self.rest.list(&path).await?.iter().map(|one| text(one, "id").to_owned()).collect())
    }

    pub(super) async fn read_definition(&self, id: &str) -> Result<RemoteDefinition, Error> {
        let described = self.rest.get(&format!("/process-definition/{}", encode(id))).await?;
        let deployment = encode(text(&described, "deploymentId"));
        let deployed_at = self.rest.get(&format!("/deployment/{deployment}")).await?;
        let resource = text(&described, "resource").to_owned();
        let content = match self.original(&deployment, &resource).await? {
            Some(content) => content,
            None => {
                let answer = self.rest.get(&format!("/process-definition/{}/xml", encode(id))).await?;
                text(&answer, "bpmn20Xml").as_bytes().to_vec()
            }
        };
        let version = described.get("version").and_then(Value::as_i64);
        Ok(RemoteDefinition {
            process_id: text(&described, "key").to_owned(),
            name: optional(&described, "name"),
            version: version.and_then(|version| i32::try_from(version).ok()).unwrap_or(1),
            resource,
            deployed_ms: time_ms(&deployed_at, "deploymentTime"),
            content,
        })
    }

    async fn original(&self, deployment: &str, resource: &str) -> Result<Option<Vec<u8>>, Error> {
        let wanted = format!("{resource}{ORIGINAL}");
        let resources = self.rest.list(&format!("/deployment/{deployment}/resources")).await?;
        let Some(found) = resources.iter().find(|one| text(one, "name") == wanted) else { return Ok(None) };
        let path = format!("/deployment/{deployment}/resources/{}/data", encode(text(found, "id")));
        Ok(Some(self.rest.bytes(&path).await?))
    }
}
