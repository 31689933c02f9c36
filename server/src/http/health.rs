//! `/livez`: the process answers. `/readyz`: each part does.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;

/// How long one check may take.
const CHECK_TIME: Duration = Duration::from_secs(2);

/// Alive as long as this can be answered.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// 200 where all parts that are needed answer, else 503; either way with each check.
pub(super) async fn ready(State(shared): State<Shared>) -> Response {
    let ports = &shared.ports;
    let graph = || async {
        let ontology = std::sync::Arc::clone(&ports.ontology);
        tokio::task::spawn_blocking(move || ontology.systems().len()).await
    };
    let (engine, trail, ontology, memory) = tokio::join!(
        check("engine", true, ports.engine.open_instances(0, 1)),
        check("trail", true, ports.trail.head()),
        check("ontology", true, graph()),
        // Memory that is down makes DAS forgetful, nothing more.
        check("memory", false, ports.memory.count(None)),
    );
    let running = !shared.stop.is_cancelled();
    let server = Check { name: "server", ok: running, needed: true, detail: None };
    let checks = [server, engine, trail, ontology, memory];
    let is_ready = checks.iter().all(|check| check.ok || !check.needed);
    let (status, word) = match (is_ready, running) {
        (true, _) => (StatusCode::OK, "ready"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    let checks: Vec<Value> = checks.iter().map(Check::json).collect();
    (status, Json(json!({"status": word, "checks": checks}))).into_response()
}

struct Check {
    name: &'static str,
    ok: bool,
    /// Whether the server is of no use without it.
    needed: bool,
    detail: Option<String>,
}

impl Check {
    fn json(&self) -> Value {
        json!({"name": self.name, "ok": self.ok, "needed": self.needed, "detail": self.detail})
    }
}

async fn check<T, E: std::fmt::Display>(
    name: &'static str,
    needed: bool,
    asked: impl Future<Output = Result<T, E>>,
) -> Check {
    let detail = match tokio::time::timeout(CHECK_TIME, asked).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(super::refusal::shortened(&error.to_string())),
        Err(_) => Some(format!("no answer within {} s", CHECK_TIME.as_secs())),
    };
    Check { name, ok: detail.is_none(), needed, detail }
}
