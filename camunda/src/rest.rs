//! Camunda's REST API as calls: JSON in, JSON out, with a time limit, a size limit and errors told apart.

use std::time::Duration;

use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::Error;
use crate::credential::Credential;

/// How long an ordinary call may take.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to connect.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Bytes of one answer.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;
/// Characters of Camunda's reason that are passed on.
const REASON_LIMIT: usize = 2_000;

/// What is said of an address at which nothing speaks as Camunda does.
pub(crate) const NOT_CAMUNDA: &str = "no Camunda there";

/// A client of one engine.
#[derive(Clone)]
pub(crate) struct Rest {
    client: Client,
    base: String,
    shown: String,
    credential: Credential,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("url", &self.shown).finish_non_exhaustive()
    }
}

impl Rest {
    /// A client of the API at `url`, e.g. `http://127.0.0.1:8080/engine-rest`, which sends a token with every call
    /// where `credential` has one.
    pub(crate) fn new(url: &str, credential: Credential) -> Result<Self, Error> {
        let base = url.trim().trim_end_matches('/').to_owned();
        let shown = without_password(&base);
        let no_address = |detail: &dyn std::fmt::Display| Error::Address {
            url: shown.clone(),
            detail: detail.to_string(),
        };
        let parsed = reqwest::Url::parse(&base).map_err(|error| no_address(&error))?;
        if !parsed.scheme().starts_with("http") {
            return Err(no_address(&"it does not begin with http:// or https://"));
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .no_proxy()
            .build()
            .map_err(|error| no_address(&error))?;
        Ok(Self { client, shown: shown.clone(), base, credential })
    }

    /// Its address without a password.
    pub(crate) fn url(&self) -> &str {
        &self.shown
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call(Method::GET, path, None, CALL_LIMIT).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::POST, path, Some(body), CALL_LIMIT).await
    }

    /// As [`Rest::post`], for a call that the server answers later.
    pub(crate) async fn post_waiting(
        &self,
        path: &str,
        body: &Value,
        wait: Duration,
    ) -> Result<Value, Error> {
        self.call(Method::POST, path, Some(body), CALL_LIMIT + wait).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::PUT, path, Some(body), CALL_LIMIT).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::PATCH, path, Some(body), CALL_LIMIT).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Error> {
        self.call(Method::DELETE, path, None, CALL_LIMIT).await
    }

    /// A list, whatever its length up to what the path asks for.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, Error> {
        match self.get(path).await? {
            Value::Array(items) => Ok(items),
            _ => Err(Error::Strange { path: path.to_owned(), detail: "it is not a list".to_owned() }),
        }
    }

    /// Bytes of a resource.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        let request = self.client.get(format!("{}{path}", self.base)).timeout(CALL_LIMIT);
        self.send(path, request).await
    }

    /// Sends a form.
    pub(crate) async fn form(&self, path: &str, form: Form) -> Result<Value, Error> {
        let request = self.client.post(format!("{}{path}", self.base)).multipart(form).timeout(CALL_LIMIT);
        json(path, &self.send(path, request).await?)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Value, Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).timeout(limit);
        if let Some(body) = body {
            request = request.json(body);
        }
        let bytes = self.send(path, request).await?;
        if bytes.is_empty() { Ok(Value::Null) } else { json(path, &bytes) }
    }

    /// Sends a request; once more with a fresh token where Camunda refuses the one that it had been given.
    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let Some(token) = self.credential.token().await? else { return self.send_once(path, request).await };
        // A form is a stream and cannot be sent twice.
        let again = request.try_clone();
        match self.send_once(path, request.bearer_auth(&token)).await {
            Err(Error::Refused { status: 401, path: place, detail }) => {
                let fresh = self.credential.refused(&token).await;
                match again.filter(|_| fresh) {
                    Some(request) => {
                        let token = self.credential.token().await?.unwrap_or_default();
                        self.send_once(path, request.bearer_auth(token)).await
                    }
                    None => Err(Error::Refused { status: 401, path: place, detail }),
                }
            }
            other => other,
        }
    }

    async fn send_once(&self, path: &str, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable {
            url: self.shown.clone(),
            detail: source_of(&error.without_url()),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = body_within(&mut response, ANSWER_LIMIT).await.map_err(unreachable)?;
        let bytes = bytes.ok_or_else(|| {
            let detail = format!("it has more than {ANSWER_LIMIT} bytes");
            Error::Strange { path: shown_path(path), detail }
        })?;
        if status.is_success() {
            return Ok(bytes);
        }
        Err(refusal(path, status, &bytes))
    }
}

/// The body of an answer; none where it has more bytes than `limit`.
pub(crate) async fn body_within(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn json(path: &str, bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Strange { path: shown_path(path), detail: error.to_string() })
}

fn refusal(path: &str, status: StatusCode, bytes: &[u8]) -> Error {
    let said: Option<Value> = serde_json::from_slice(bytes).ok();
    let detail = said.as_ref().and_then(|said| {
        // Camunda 8 gives problem details (RFC 9457).
        let message = said.get("message").or_else(|| said.get("detail")).and_then(Value::as_str)?;
        let kind = said.get("type").and_then(Value::as_str).unwrap_or("");
        // The kind says nothing that the message does not, except for collisions.
        Some(if kind == "OptimisticLockingException" {
            format!("{kind}: {message}")
        } else {
            message.to_owned()
        })
    });
    let path = shown_path(path);
    let is_camunda = detail.is_some();
    let detail: String =
        detail.unwrap_or_else(|| "no reason".to_owned()).chars().take(REASON_LIMIT).collect();
    match status {
        // A 404 that is not Camunda's own comes from something in between, e.g. while it starts.
        StatusCode::NOT_FOUND if is_camunda => Error::Missing { path, detail },
        StatusCode::NOT_FOUND => Error::Refused { path, status: 503, detail: NOT_CAMUNDA.to_owned() },
        status => Error::Refused { path, status: status.as_u16(), detail },
    }
}

fn shown_path(path: &str) -> String {
    path.split('?').next().unwrap_or(path).to_owned()
}

pub(crate) fn source_of(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    // A chain of causes is a few links long.
    for _ in 0..5 {
        let Some(inner) = source else { break };
        text = inner.to_string();
        source = inner.source();
    }
    text
}

pub(crate) fn without_password(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) => {
            // Only addresses that cannot have a user refuse this, and those have none.
            let _ = parsed.set_password(None);
            let _ = parsed.set_username("");
            parsed.to_string()
        }
        Err(_) => url.to_owned(),
    }
}

/// A text as part of a path or query.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A text member of an answer.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// A text member that may be missing.
pub(crate) fn optional(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A time (`2026-11-23T19:09:48.367+0000`, `2026-11-23T19:09:48.367Z`) in milliseconds since the Unix epoch.
pub(crate) fn time_ms(value: &Value, name: &str) -> Option<i64> {
    let written = value.get(name).and_then(Value::as_str)?;
    if let Ok(at) = written.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", written).ok()?;
    Some(parsed.to_timestamp().ok()?.as_millisecond())
}

/// A time as Camunda reads it in a query, encoded.
pub(crate) fn query_time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    encode(&at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_with_their_offset_and_written_back() {
        let answer = json!({"t": "2026-11-23T21:09:48.367+0200"});
        let at = time_ms(&answer, "t").unwrap();
        assert_eq!(query_time(at), encode("2026-11-23T19:09:48.367+0000"));
    }

    #[test]
    fn a_password_in_the_address_is_never_shown() {
        let token = Credential::Token("token".to_owned());
        let rest = Rest::new("http://demo:secret@127.0.0.1:1/engine-rest/", token).unwrap();
        assert!(
            !format!("{rest:?}").contains("secret") && !format!("{rest:?}").contains("token"),
            "{rest:?}"
        );
    }

    #[test]
    fn a_404_without_camundas_reason_counts_as_down() {
        assert!(refusal("/x", StatusCode::NOT_FOUND, b"<html>").may_pass());
        assert!(!refusal("/x", StatusCode::NOT_FOUND, br#"{"type":"a","message":"gone"}"#).may_pass());
        assert!(
            !refusal("/x", StatusCode::NOT_FOUND, br#"{"type":"about:blank","detail":"gone"}"#).may_pass()
        );
    }
}
