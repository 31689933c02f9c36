//! An OpenAI-compatible server on loopback that answers from a script, well or badly.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use futures::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request the server got.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its number, counted from 0.
    pub number: usize,
    /// HTTP method.
    pub method: String,
    /// Path after the base URL, e.g. `/chat/completions`.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body; null where it is not JSON.
    pub json: Value,
    /// The body as it came.
    pub body: Bytes,
}

/// What the server answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A chat answer with this text.
    Text(String),
    /// A chat answer with these texts as its choices.
    Texts(Vec<String>),
    /// Status 200 with this JSON.
    Json(Value),
    /// Any status, headers and body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// No answer, ever.
    Hang,
    /// The start of an answer, then a byte per so many milliseconds, without end.
    Drip(u64),
    /// The start of an answer, then nothing more.
    Stall,
    /// The start of an answer, then the connection is cut.
    Reset,
    /// Status 200 and so many bytes of a JSON text.
    Huge(usize),
    /// A stream of these events, and how it goes on after them.
    Events(Vec<Value>, After),
}

/// How a stream goes on after its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It ends as the protocol says.
    Done,
    /// The connection is closed.
    Close,
    /// Nothing more comes.
    Silence,
    /// The last event comes again and again.
    Again,
}

impl Reply {
    /// A chat answer with any message and finish reason.
    #[must_use]
    pub fn choice(message: &Value, finish_reason: &str) -> Self {
        Self::Json(chat(vec![json!({"index": 0, "message": message, "finish_reason": finish_reason})]))
    }

    /// The events of a streamed chat answer with these pieces of text, with its usage as the last one.
    #[must_use]
    pub fn pieces(pieces: &[&str], finish_reason: &str) -> Vec<Value> {
        let event = |delta: Value, finish: Value| {
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted-1",
                   "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        };
        let mut events = vec![event(json!({"role": "assistant", "content": ""}), Value::Null)];
        events.extend(pieces.iter().map(|piece| event(json!({"content": piece}), Value::Null)));
        events.push(event(json!({}), json!(finish_reason)));
        events.push(json!({"choices": [], "model": "scripted-1",
                           "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}));
        events
    }

    /// A list of models that belong to `owner`.
    #[must_use]
    pub fn models(ids: &[&str], owner: &str) -> Self {
        let data: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": owner}))
            .collect();
        Self::Json(json!({"object": "list", "data": data}))
    }

    /// An embedding answer.
    #[must_use]
    pub fn vectors(vectors: &[Vec<f32>]) -> Self {
        let data: Vec<Value> = vectors
            .iter()
            .enumerate()
            .map(|(index, embedding)| json!({"object": "embedding", "index": index, "embedding": embedding}))
            .collect();
        Self::Json(json!({"object": "list", "data": data, "model": "scripted-embedding",
                          "usage": {"prompt_tokens": vectors.len(), "total_tokens": vectors.len()}}))
    }
}

fn chat(choices: Vec<Value>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "scripted-1",
        "system_fingerprint": "fp_1", "choices": choices,
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                  "prompt_tokens_details": {"cached_tokens": 40}},
    })
}

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    received: Mutex<Vec<Received>>,
}

/// A server on loopback; it ends when it is dropped.
pub struct ScriptedServer {
    base_url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedServer {
    /// Starts a server that answers each request with what `script` says about it.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { script: Box::new(script), received: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let app = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { base_url, shared, task })
    }

    /// Starts a server that gives these answers in order; the last one again and again.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn replying(replies: Vec<Reply>) -> std::io::Result<Self> {
        Self::start(move |received| {
            let at = received.number.min(replies.len().saturating_sub(1));
            replies.get(at).cloned().unwrap_or(Reply::Hang)
        })
        .await
    }

    /// Its base URL, ending in `/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Every request so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().clone()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let received = {
        let mut list = shared.received.lock();
        let received = Received {
            number: list.len(),
            method: method.to_string(),
            path: uri.path().trim_start_matches("/v1").to_owned(),
            authorization: headers.get("authorization").and_then(|v| v.to_str().ok()).map(str::to_owned),
            headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
            body,
        };
        list.push(received.clone());
        received
    };
    send((shared.script)(&received)).await
}

async fn send(reply: Reply) -> Response<Body> {
    let start = || Ok::<_, std::io::Error>(Bytes::from_static(b"{\"choices\": [ "));
    match reply {
        Reply::Text(text) => json_response(&texts(vec![text])),
        Reply::Texts(list) => json_response(&texts(list)),
        Reply::Json(value) => json_response(&value),
        Reply::Status(status, headers, body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            for (name, value) in headers {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Reply::Hang => std::future::pending().await,
        Reply::Stall => {
            let parts = stream::unfold(0, move |sent| async move {
                if sent > 0 {
                    std::future::pending::<()>().await;
                }
                Some((start(), sent + 1))
            });
            Response::new(Body::from_stream(parts))
        }
        Reply::Drip(every_ms) => {
            let parts = stream::unfold(0, move |sent| async move {
                if sent == 0 {
                    return Some((start(), 1));
                }
                tokio::time::sleep(Duration::from_millis(every_ms)).await;
                Some((Ok(Bytes::from_static(b" ")), sent))
            });
            Response::new(Body::from_stream(parts))
        }
        Reply::Reset => {
            let cut = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            Response::new(Body::from_stream(stream::iter([start(), cut()])))
        }
        Reply::Events(events, after) => stream_events(events, after),
        Reply::Huge(bytes) => {
            const PART: usize = 64 * 1024;
            let part = Bytes::from(vec![b' '; PART]);
            let parts = (0..bytes.div_ceil(PART)).map(move |_| Ok::<_, std::io::Error>(part.clone()));
            Response::new(Body::from_stream(stream::iter(parts)))
        }
    }
}

fn stream_events(events: Vec<Value>, after: After) -> Response<Body> {
    let line = |event: &Value| Ok::<_, std::io::Error>(Bytes::from(format!("data: {event}\n\n")));
    let parts = stream::unfold(0, move |sent| {
        let next = match (events.get(sent), after) {
            (Some(event), _) => Some(line(event)),
            (None, After::Done) if sent == events.len() => Some(Ok(Bytes::from_static(b"data: [DONE]\n\n"))),
            (None, After::Again) => events.last().map(line),
            _ => None,
        };
        async move {
            match next {
                Some(part) => Some((part, sent + 1)),
                None if after == After::Silence => std::future::pending().await,
                None => None,
            }
        }
    });
    let mut response = Response::new(Body::from_stream(parts));
    let kind = axum::http::HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert("content-type", kind);
    response
}

fn texts(list: Vec<String>) -> Value {
    let choice = |(index, text): (usize, String)| json!({"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    chat(list.into_iter().enumerate().map(choice).collect())
}

fn json_response(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}
