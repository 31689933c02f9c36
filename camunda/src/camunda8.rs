//! Camunda 8 (8.8 and later) by its Orchestration Cluster REST API: calls, and records read from their answers.
//!
//! | what differs from Camunda 7 | what follows |
//! | --- | --- |
//! | searches show a little later what has happened | what is known to have happened is waited for, for a bounded time |
//! | a lock is a time-out, and belongs to no worker by name | it is extended while the job is held; an answer that comes when nobody has the job is told again when it has been fetched again |
//! | one call for jobs takes one job type | each type of ProcOS has its own |
//! | it evaluates FEEL and keeps messages | mappings, scripts and messages are its own |
//! | it has no place for seeds (and, before 8.10, business keys) | they stand in a variable that nobody else sees |

mod calls;
mod definitions;
mod read;
mod rewrite;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::Error;
use crate::credential::Credential;
use crate::remote::RemoteDefinition;
use crate::rest::{Rest, optional};

/// Job types: the kernel's tasks, and messages that a process throws; each call fetches one.
const TOPICS: &[&[&str]] = &[&[crate::topic::TASK], &[crate::topic::MESSAGE]];
/// Items asked for at once.
const PAGE: usize = 1_000;

/// A Camunda 8.
#[derive(Clone, Debug)]
pub(crate) struct Eight {
    rest: Rest,
    lag_ms: u64,
    /// What was deployed through here, which searches may not show yet; by id.
    recent: Arc<Mutex<HashMap<String, RemoteDefinition>>>,
}

impl Eight {
    /// The cluster at `url`, e.g. `http://127.0.0.1:8080`, with or without `/v2`.
    pub(crate) fn new(url: &str, credential: Credential, lag_ms: u64) -> Result<Self, Error> {
        let base = url.trim().trim_end_matches('/');
        let base = format!("{}/v2", base.strip_suffix("/v2").unwrap_or(base));
        Ok(Self { rest: Rest::new(&base, credential)?, lag_ms, recent: Arc::default() })
    }

    /// The version of its gateway.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        let path = "/topology";
        let answer = self.rest.get(path).await?;
        let strange = || Error::Strange { path: path.to_owned(), detail: "it names no version".to_owned() };
        optional(&answer, "gatewayVersion").ok_or_else(strange)
    }

    /// Items that match, at most `limit`, from place `first` on.
    async fn search(
        &self,
        path: &str,
        filter: Value,
        sort: &str,
        order: &str,
        first: usize,
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let strange = |detail: &str| Error::Strange { path: path.to_owned(), detail: detail.to_owned() };
        let mut items = Vec::new();
        let mut page = json!({"from": first, "limit": limit.min(PAGE)});
        // Bounded: every round but the last brings items.
        loop {
            let sort = json!([{"field": sort, "order": order}]);
            let body = json!({"filter": filter, "sort": sort, "page": page});
            let answer = self.rest.post(path, &body).await?;
            let found =
                answer.get("items").and_then(Value::as_array).ok_or_else(|| strange("it has no items"))?;
            let is_last = found.len() < PAGE || items.len() + found.len() >= limit;
            items.extend(found.iter().cloned());
            let next = answer.pointer("/page/endCursor").and_then(Value::as_str);
            match next {
                Some(next) if !is_last => {
                    page = json!({"after": next, "limit": PAGE.min(limit - items.len())});
                }
                _ => return Ok(items),
            }
        }
    }

    /// How many items match.
    async fn count(&self, path: &str, filter: Value) -> Result<u64, Error> {
        let answer = self.rest.post(path, &json!({"filter": filter, "page": {"limit": 1}})).await?;
        Ok(answer.pointer("/page/totalItems").and_then(Value::as_u64).unwrap_or(0))
    }
}
