//! The API of Docker and Podman (the subset that both speak), over a Unix socket.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// What a question that is answered at once may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Largest answer that is read, bytes.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Bytes in front of each piece of output: stream, three of nothing, length.
const HEADER: usize = 8;
/// Characters of an engine's own words.
const TOLD: usize = 300;

/// An engine behind a socket.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    client: Client,
    socket: String,
}

/// Output of a container up to a limit for each of its two streams.
#[derive(Debug)]
pub(super) struct Output {
    limit: usize,
    state: Mutex<Streams>,
}

#[derive(Debug, Default)]
struct Streams {
    /// Bytes whose piece is not whole yet.
    rest: Vec<u8>,
    out: Vec<u8>,
    error: Vec<u8>,
    is_full: bool,
}

impl Output {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), state: Mutex::default() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.lock().is_full
    }

    pub(super) fn texts(&self) -> (String, String) {
        let state = self.state.lock();
        (String::from_utf8_lossy(&state.out).into_owned(), String::from_utf8_lossy(&state.error).into_owned())
    }

    fn clear(&self) {
        *self.state.lock() = Streams::default();
    }

    /// Takes more of the multiplexed stream; false once a limit is reached.
    fn take(&self, bytes: &[u8]) -> bool {
        let mut state = self.state.lock();
        state.rest.extend_from_slice(bytes);
        loop {
            let Some((header, body)) = state.rest.split_at_checked(HEADER) else { return true };
            let [stream, _, _, _, a, b, c, d] = *header else { return true };
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let whole = body.len() >= length;
            let piece: Vec<u8> = body.iter().take(length).copied().collect();
            if !whole && piece.len() <= self.limit {
                return true;
            }
            let used = (HEADER + length).min(state.rest.len());
            state.rest.drain(..used);
            let into = if stream == 2 { &mut state.error } else { &mut state.out };
            into.extend_from_slice(&piece);
            if into.len() > self.limit {
                into.truncate(self.limit);
                state.is_full = true;
                return false;
            }
        }
    }
}

impl Engine {
    /// The engine behind `socket`.
    ///
    /// # Errors
    /// Where no client can be made.
    pub(super) fn at(socket: &Path) -> Result<Self, String> {
        let client = Client::builder().unix_socket(socket).no_proxy().build();
        let client = client.map_err(|error| format!("no client for the container engine: {error}"))?;
        Ok(Self { client, socket: socket.display().to_string() })
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, String> {
        let mut request = self.client.request(method, format!("http://engine{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), cause_of);
            format!(
                "no container engine answers at {}: {cause}; start one, or correct containers.socket",
                self.socket
            )
        })
    }

    /// Asks what is answered at once; gives status and body.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), String> {
        let asked = async {
            let mut response = self.send(method, path, body).await?;
            let status = response.status();
            let mut text = Vec::new();
            while let Some(part) = response.chunk().await.map_err(|error| error.to_string())? {
                text.extend_from_slice(&part);
                if text.len() > ANSWER_BYTES {
                    return Err("the container engine answers without end".to_owned());
                }
            }
            let body = serde_json::from_slice(&text);
            Ok((status, body.unwrap_or_else(|_| json!(String::from_utf8_lossy(&text)))))
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("the container engine at {} did not answer in {PATIENCE:?}", self.socket)),
        }
    }

    pub(super) async fn ping(&self) -> Result<(), String> {
        match self.ask(Method::GET, "/_ping", None).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, body) => Err(refusal("the container engine is not well", status, &body)),
        }
    }

    pub(super) async fn has_image(&self, image: &str) -> Result<bool, String> {
        match self.ask(Method::GET, &format!("/images/{image}/json"), None).await? {
            (status, _) if status.is_success() => Ok(true),
            (StatusCode::NOT_FOUND, _) => Ok(false),
            (status, body) => Err(refusal("an image could not be looked for", status, &body)),
        }
    }

    /// Makes a container; gives its id and the engine's warnings.
    pub(super) async fn create(&self, order: &Value) -> Result<(String, Vec<String>), String> {
        let (status, body) = self.ask(Method::POST, "/containers/create", Some(order)).await?;
        if status == StatusCode::NOT_FOUND {
            let image = order["Image"].as_str().unwrap_or_default();
            return Err(format!(
                "the image {image} is not there, and none is pulled by itself: pull it with the engine's own command"
            ));
        }
        let id = body["Id"].as_str().filter(|_| status.is_success());
        let id = id.ok_or_else(|| refusal("no container was made", status, &body))?.to_owned();
        let warnings = body["Warnings"].as_array().into_iter().flatten();
        Ok((id, warnings.filter_map(|warning| warning.as_str().map(str::to_owned)).collect()))
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Value, String> {
        match self.ask(Method::GET, &format!("/containers/{id}/json"), None).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, body) => Err(refusal("a container could not be looked at", status, &body)),
        }
    }

    pub(super) async fn start(&self, id: &str) -> Result<(), String> {
        match self.ask(Method::POST, &format!("/containers/{id}/start"), None).await? {
            (status, _) if status.is_success() || status == StatusCode::NOT_MODIFIED => Ok(()),
            (status, body) => Err(refusal("a container did not start", status, &body)),
        }
    }

    /// Waits until a container has ended; gives its exit code. The caller sets the deadline.
    pub(super) async fn wait(&self, id: &str) -> Result<i64, String> {
        let response = self.send(Method::POST, &format!("/containers/{id}/wait"), None).await?;
        let status = response.status();
        let body: Value =
            response.json().await.map_err(|error| format!("the container engine broke off: {error}"))?;
        let code = body["StatusCode"].as_i64().filter(|_| status.is_success());
        code.ok_or_else(|| refusal("a container could not be waited for", status, &body))
    }

    /// Listens to a container until it ends or a limit is reached.
    pub(super) async fn logs(&self, id: &str, output: &Output) -> Result<(), String> {
        self.listen(&format!("/containers/{id}/logs?follow=true&stdout=true&stderr=true"), output).await
    }

    /// Reads again all that an ended container wrote.
    pub(super) async fn all_logs(&self, id: &str, output: &Output) -> Result<(), String> {
        output.clear();
        self.listen(&format!("/containers/{id}/logs?follow=false&stdout=true&stderr=true"), output).await
    }

    async fn listen(&self, path: &str, output: &Output) -> Result<(), String> {
        let mut response = self.send(Method::GET, path, None).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        while let Some(part) = response.chunk().await.map_err(|error| error.to_string())? {
            if !output.take(&part) {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn kill(&self, id: &str) {
        // It may have ended meanwhile; it is removed by force in any case.
        if let Err(problem) = self.ask(Method::POST, &format!("/containers/{id}/kill"), None).await {
            tracing::warn!(id, %problem, "a container could not be killed");
        }
    }

    pub(super) async fn remove(&self, id: &str) {
        match self.ask(Method::DELETE, &format!("/containers/{id}?force=true&v=true"), None).await {
            Ok((status, _)) if status.is_success() || status == StatusCode::NOT_FOUND => {}
            Ok((status, body)) => tracing::warn!(id, "{}", refusal("a container is left", status, &body)),
            Err(problem) => tracing::warn!(id, %problem, "a container is left"),
        }
    }

    /// Ids of the containers with this label, running or not.
    pub(super) async fn labelled(&self, label: &str, value: &str) -> Result<Vec<String>, String> {
        let filters = json!({"label": [format!("{label}={value}")]}).to_string();
        let filters: String = filters.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/containers/json?all=true&filters={filters}");
        let (status, body) = self.ask(Method::GET, &path, None).await?;
        let list = body.as_array().filter(|_| status.is_success());
        let list = list.ok_or_else(|| refusal("containers could not be listed", status, &body))?;
        Ok(list.iter().filter_map(|one| one["Id"].as_str().map(str::to_owned)).collect())
    }
}

fn cause_of(mut error: &dyn std::error::Error) -> String {
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

fn refusal(what: &str, status: StatusCode, body: &Value) -> String {
    let said = body["message"].as_str().or(body["cause"].as_str()).or(body.as_str()).unwrap_or_default();
    let said: String = said.trim().chars().take(TOLD).collect();
    format!("{what}: status {}{}{said}", status.as_u16(), if said.is_empty() { "" } else { ": " })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(stream: u8, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, text.as_bytes()].concat()
    }

    #[test]
    fn both_streams_are_told_apart_however_they_are_cut() {
        let wire = [piece(1, "hello "), piece(2, "oh"), piece(1, "world")].concat();
        for size in [1, 3, 9, wire.len()] {
            let output = Output::new(100);
            assert!(wire.chunks(size).all(|part| output.take(part)));
            assert_eq!(output.texts(), ("hello world".to_owned(), "oh".to_owned()));
        }
    }

    #[test]
    fn a_flood_ends_at_the_limit_even_in_one_endless_piece() {
        let output = Output::new(10);
        assert!(!output.take(&piece(1, "12345678901")));
        assert!(output.is_full());
        assert_eq!(output.texts().0, "1234567890");
        let endless = Output::new(10);
        let mut wire = vec![1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        wire.extend_from_slice(&[b'x'; 11]);
        assert!(!endless.take(&wire) && endless.is_full());
    }
}
