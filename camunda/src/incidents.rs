//! Incidents: read with their codes, resolved by giving the task or job another try.

use std::sync::Arc;

use engine::Error as EngineError;
use engine::limits::DEFAULT_RETRIES;
use engine::port::{Incident, Notice};
use serde_json::{Value, json};

use crate::camunda7::Core;
use crate::instances;
use crate::keys::key_of;
use crate::rest::{encode, text, time_ms};

/// Incidents listed.
const INCIDENT_LIMIT: usize = 10_000;
/// Code of incidents that Camunda raised itself.
const CAMUNDAS: &str = "CAMUNDA-0005";

/// Open incidents, of one instance or all.
pub(crate) async fn list(core: &Arc<Core>, instance: Option<i64>) -> Result<Vec<Incident>, EngineError> {
    Ok(raw(core, instance).await?.iter().map(|raw| view(core, raw)).collect())
}

async fn raw(core: &Arc<Core>, instance: Option<i64>) -> Result<Vec<Value>, EngineError> {
    let mut path = format!("/incident?sortBy=incidentTimestamp&sortOrder=asc&maxResults={INCIDENT_LIMIT}");
    if let Some(instance) = instance {
        let id = instances::id_of(core, instance).await?;
        path.push_str(&format!("&processInstanceId={}", encode(&id)));
    }
    Ok(core.rest.list(&path).await?)
}

fn view(core: &Core, raw: &Value) -> Incident {
    let message = text(raw, "incidentMessage");
    let (code, message) = match message.split_once(": ") {
        Some((code, rest)) if is_code(code) => (code, rest),
        _ => (CAMUNDAS, message),
    };
    let element = text(raw, "activityId");
    Incident {
        key: core.keys.see(text(raw, "id")),
        instance: core.keys.see(text(raw, "processInstanceId")),
        element: element.split('#').next().unwrap_or(element).to_owned(),
        code: code.to_owned(),
        message: if message.is_empty() { text(raw, "incidentType").to_owned() } else { message.to_owned() },
        raised_ms: time_ms(raw, "incidentTimestamp").unwrap_or_default(),
    }
}

/// `AREA-0007`.
fn is_code(text: &str) -> bool {
    text.len() <= 40
        && text.contains('-')
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
}

/// Tries again what raised the incident.
pub(crate) async fn resolve(core: &Arc<Core>, key: i64) -> Result<(), EngineError> {
    let all = raw(core, None).await?;
    let Some(found) = all.iter().find(|one| key_of(text(one, "id")) == key) else {
        return Err(EngineError::NotFound { what: "incident", id: key.to_string() });
    };
    let configuration = encode(text(found, "configuration"));
    match text(found, "incidentType") {
        "failedExternalTask" => {
            let body = json!({"retries": DEFAULT_RETRIES});
            core.rest.put(&format!("/external-task/{configuration}/retries"), &body).await?;
        }
        "failedJob" => {
            core.rest
                .put(&format!("/job/{configuration}/retries"), &json!({"retries": DEFAULT_RETRIES}))
                .await?;
        }
        _ => {
            core.rest.delete(&format!("/incident/{}", encode(text(found, "id")))).await?;
        }
    }
    core.notify(Notice::Changed { instance: core.keys.see(text(found, "processInstanceId")) });
    Ok(())
}
