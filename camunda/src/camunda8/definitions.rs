//! Definitions of Camunda 8: deployed with the original inside the rewritten model, and read back.

use std::collections::HashMap;

use bpmn::model::Definitions;
use bpmn::program::Program;
use engine::port::DeployFile;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{Eight, read, rewrite};
use crate::Error;
use crate::remote::{RemoteDefinition, Resource};
use crate::rest::{encode, optional, text};

/// Definitions that are remembered until searches show them.
const RECENT_LIMIT: usize = 1_000;

/// The rewritten model.
pub(super) fn prepare(
    file: &DeployFile,
    definitions: &Definitions,
    programs: &[Program],
) -> Result<Vec<Resource>, Vec<String>> {
    let rewritten = rewrite::rewrite(file, definitions, programs)?;
    let content = bpmn::xml::write(&rewritten).into_bytes();
    let name = if file.name.ends_with(".bpmn") { file.name.clone() } else { format!("{}.bpmn", file.name) };
    Ok(vec![Resource { name, content, is_main: true }])
}

impl Eight {
    pub(super) async fn deploy_files(&self, resources: Vec<Resource>) -> Result<Vec<String>, Error> {
        let path = "/deployments";
        let mut form = Form::new();
        let mut contents = HashMap::new();
        for resource in resources {
            contents.insert(resource.name.clone(), resource.content.clone());
            form = form.part("resources", Part::bytes(resource.content).file_name(resource.name));
        }
        let answer = self.rest.form(path, form).await?;
        let deployments = answer.get("deployments").and_then(Value::as_array).ok_or_else(|| {
            Error::Strange { path: path.to_owned(), detail: "it names no deployments".to_owned() }
        })?;
        let mut ids = Vec::new();
        let mut recent = self.recent.lock();
        if recent.len() >= RECENT_LIMIT {
            recent.clear();
        }
        for found in deployments.iter().filter_map(|one| one.get("processDefinition")) {
            if found.is_null() {
                continue;
            }
            let id = read::key(found, "processDefinitionKey");
            let resource = text(found, "resourceName");
            if let Some(content) = contents.get(resource) {
                let definition = definition(
                    text(found, "processDefinitionId"),
                    found.get("processDefinitionVersion"),
                    resource,
                    content,
                );
                recent.insert(id.clone(), definition);
            }
            ids.push(id);
        }
        Ok(ids)
    }

    pub(super) async fn read_definition(&self, id: &str) -> Result<RemoteDefinition, Error> {
        if let Some(known) = self.recent.lock().get(id) {
            return Ok(known.clone());
        }
        let found = self.rest.get(&format!("/process-definitions/{}", encode(id))).await?;
        let xml = self.rest.bytes(&format!("/process-definitions/{}/xml", encode(id))).await?;
        let mut read = definition(
            text(&found, "processDefinitionId"),
            found.get("version"),
            text(&found, "resourceName"),
            &xml,
        );
        read.name = optional(&found, "name").filter(|name| !name.is_empty()).or(read.name);
        Ok(read)
    }

    pub(super) async fn newest(&self, process: &str, version: Option<i32>) -> Result<Option<String>, Error> {
        let mut filter = json!({"processDefinitionId": process});
        if let Some(version) = version {
            filter["version"] = json!(version);
        }
        let path = "/process-definitions/search";
        let found = self.search(path, filter, "version", "DESC", 0, 1).await?;
        let found = found.first().map(|one| {
            let version = one.get("version").and_then(Value::as_i64).unwrap_or(0);
            (version, read::key(one, "processDefinitionKey"))
        });
        // What was deployed a moment ago is newer than what searches show.
        let recent = self.recent.lock();
        let own = recent.iter().filter(|(_, one)| {
            one.process_id == process && version.is_none_or(|version| version == one.version)
        });
        let own = own.map(|(id, one)| (i64::from(one.version), id.clone()));
        Ok(own.chain(found).max().map(|(_, id)| id))
    }
}

/// A definition from its file: the original that stands inside, where ProcOS deployed it.
fn definition(process: &str, version: Option<&Value>, resource: &str, content: &[u8]) -> RemoteDefinition {
    let version = version.and_then(Value::as_i64).and_then(|version| i32::try_from(version).ok());
    let model = bpmn::xml::read(content).ok();
    let name = model.as_ref().and_then(|model| model.process(process)?.element.name.clone());
    let original = model.as_ref().and_then(rewrite::original);
    RemoteDefinition {
        process_id: process.to_owned(),
        name,
        version: version.unwrap_or(1),
        resource: resource.to_owned(),
        deployed_ms: None,
        content: original.unwrap_or_else(|| content.to_vec()),
    }
}
