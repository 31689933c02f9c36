//! Incidents: read with their codes, resolved by giving the task or job another try.

use std::sync::Arc;

use engine::Error as EngineError;
use engine::limits::DEFAULT_RETRIES;
use engine::port::{Incident, Notice};

use crate::core::Core;
use crate::instances;
use crate::keys::key_of;
use crate::remote::RemoteIncident;

/// Incidents listed.
const INCIDENT_LIMIT: usize = 10_000;
/// Code of incidents that Camunda raised itself.
const CAMUNDAS: &str = "CAMUNDA-0005";

/// Open incidents, of one instance or all.
pub(crate) async fn list(core: &Arc<Core>, instance: Option<i64>) -> Result<Vec<Incident>, EngineError> {
    Ok(raw(core, instance).await?.iter().map(|raw| view(core, raw)).collect())
}

async fn raw(core: &Arc<Core>, instance: Option<i64>) -> Result<Vec<RemoteIncident>, EngineError> {
    let id = match instance {
        Some(instance) => Some(instances::id_of(core, instance).await?),
        None => None,
    };
    Ok(core.remote.incidents(id.as_deref(), INCIDENT_LIMIT).await?)
}

fn view(core: &Core, raw: &RemoteIncident) -> Incident {
    let (code, message) = match raw.message.split_once(": ") {
        Some((code, rest)) if is_code(code) => (code, rest),
        _ => (CAMUNDAS, raw.message.as_str()),
    };
    let element = &raw.element;
    Incident {
        key: core.keys.see(&raw.id),
        instance: core.keys.see(&raw.instance),
        element: element.split('#').next().unwrap_or(element).to_owned(),
        code: code.to_owned(),
        message: if message.is_empty() { raw.kind.clone() } else { message.to_owned() },
        raised_ms: raw.raised_ms,
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
    let Some(found) = all.iter().find(|one| key_of(&one.id) == key) else {
        return Err(EngineError::NotFound { what: "incident", id: key.to_string() });
    };
    core.remote.resolve(found, DEFAULT_RETRIES).await?;
    core.notify(Notice::Changed { instance: core.keys.see(&found.instance) });
    Ok(())
}
