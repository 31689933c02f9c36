//! The HTTP stack under async-openai: queue → breaker → total time → retries → pace → one attempt with its limits.
//!
//! A streamed answer is heard part by part and put together here. Every answer is read here, whole and within limits, so async-openai only ever sees a successful one: its own
//! retry, error parsing and unlimited reading are never reached.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use parking_lot::Mutex;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::breaker::Breaker;
use crate::config::RETRIES_LIMIT;
use crate::pace::Pace;
use crate::refusal::{is_out_of_quota, message_of};
use crate::signature::Signer;
use crate::stream::{Part, Stream};
use crate::wait::{Backoff, asked};
use crate::{Config, Error, Listener, Secret};

/// Most calls that may wait for their turn.
pub(crate) const QUEUE_LIMIT: u32 = 20_000;

tokio::task_local! {
    /// The call that this task makes.
    pub(crate) static CALL: Arc<UnderWay>;
}

/// A call under way, as the stack sees it.
#[derive(Default)]
pub(crate) struct UnderWay {
    /// HTTP requests made.
    pub(crate) requests: AtomicU32,
    /// Who hears streamed text.
    pub(crate) listener: Mutex<Option<Listener>>,
    /// Whether anything was heard: then a second attempt would say it again.
    pub(crate) heard: AtomicBool,
    /// Fewer retries than configured.
    pub(crate) retries: Option<u32>,
}

impl UnderWay {
    fn tell(&self, text: &str) {
        // The lock is not held while the listener runs.
        let listener = self.listener.lock().clone();
        if let Some(listener) = listener {
            self.heard.store(true, Ordering::Relaxed);
            listener(text);
        }
    }
}

/// The stack; clones share everything.
#[derive(Clone)]
pub(crate) struct Stack(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    url: String,
    key: Secret,
    signer: Option<Signer>,
    attempt: Duration,
    first_byte: Duration,
    idle: Duration,
    total: Duration,
    retries: u32,
    limit: usize,
    permits: Semaphore,
    waiting: AtomicU32,
    breaker: Breaker,
    backoff: Backoff,
    pace: Pace,
}

/// How one attempt failed.
enum Failed {
    /// Another attempt makes no sense.
    ForGood(Error),
    /// Another attempt may work, after what the server asks to wait.
    ForNow(Error, Option<Duration>),
}

impl Stack {
    pub(crate) fn new(config: &Config, http: reqwest::Client, url: &str, signer: Option<Signer>) -> Self {
        Self(Arc::new(Shared {
            http,
            url: url.to_owned(),
            key: config.api_key.clone(),
            signer,
            attempt: Duration::from_millis(config.attempt_timeout_ms.max(1)),
            first_byte: Duration::from_millis(config.first_byte_timeout_ms.max(1)),
            idle: Duration::from_millis(config.idle_timeout_ms.max(1)),
            total: Duration::from_millis(config.total_timeout_ms.max(1)),
            retries: config.retries.min(RETRIES_LIMIT),
            limit: config.answer_limit_bytes,
            permits: Semaphore::new(config.concurrency.clamp(1, 256)),
            waiting: AtomicU32::new(0),
            breaker: Breaker::new(config.breaker_failures, Duration::from_millis(config.breaker_pause_ms)),
            backoff: Backoff::new(config.retry_base_ms, config.retry_cap_ms, config.jitter_seed),
            pace: Pace::new(config, url),
        }))
    }

    /// How fast the endpoint may be asked.
    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }
}

impl From<Error> for OpenAIError {
    fn from(error: Error) -> Self {
        Self::Boxed(Box::new(error))
    }
}

impl tower::Service<HttpRequestFactory> for Stack {
    type Response = reqwest::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<reqwest::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.call(&factory).await })
    }
}

/// Takes a waiting call off the count also when its future is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    async fn call(&self, factory: &HttpRequestFactory) -> Result<reqwest::Response, Error> {
        let permit = {
            let before = self.waiting.fetch_add(1, Ordering::Relaxed);
            let _waiting = Waiting(&self.waiting);
            if before >= QUEUE_LIMIT {
                return Err(Error::Request(format!("{QUEUE_LIMIT} calls wait for {} already", self.url)));
            }
            self.permits.acquire().await
        };
        // The semaphore is never closed.
        let _permit = permit.map_err(|_| Error::Request("the client is stopping".to_owned()))?;
        if let Err(resting) = self.breaker.enter(Instant::now()) {
            return Err(Error::Resting {
                url: self.url.clone(),
                failures: resting.failures,
                pause_ms: millis(resting.left),
            });
        }
        let outcome = self.attempts(factory).await;
        // Our own limit says nothing about the endpoint.
        let failed = outcome
            .as_ref()
            .is_err_and(|error| error.is_transient() && !matches!(error, Error::Paced { .. }));
        self.breaker.report(failed, Instant::now());
        outcome
    }

    async fn attempts(&self, factory: &HttpRequestFactory) -> Result<reqwest::Response, Error> {
        let deadline = Instant::now() + self.total;
        let retries = CALL.try_with(|call| call.retries).ok().flatten().unwrap_or(self.retries);
        let mut retry = 0;
        loop {
            let error = match timeout_at(deadline, self.attempt(factory)).await {
                Err(_) => return Err(self.too_slow(self.total)),
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(Failed::ForGood(error))) => return Err(error),
                Ok(Err(Failed::ForNow(error, asked))) => {
                    let wait = asked.unwrap_or_else(|| self.backoff.draw(retry));
                    let heard = CALL.try_with(|call| call.heard.load(Ordering::Relaxed)).unwrap_or(false);
                    if heard || retry >= retries || Instant::now() + wait >= deadline {
                        return Err(self.final_error(error, retry + 1, asked));
                    }
                    sleep(wait).await;
                    error
                }
            };
            retry += 1;
            tracing::debug!(url = %self.url, retry, %error, "asking the model again");
        }
    }

    /// The error of the last attempt; what only says "unavailable" learns how often it was tried.
    fn final_error(&self, error: Error, attempts: u32, asked: Option<Duration>) -> Error {
        match error {
            Error::Unavailable { url, message, .. } => {
                let wish = asked.map(|wait| format!("; it asks to wait {} ms", millis(wait)));
                Error::Unavailable { url, attempts, message: message + &wish.unwrap_or_default() }
            }
            other => other,
        }
    }

    async fn attempt(&self, factory: &HttpRequestFactory) -> Result<reqwest::Response, Failed> {
        self.pace.request().await.map_err(Failed::ForGood)?;
        let _ = CALL.try_with(|call| call.requests.fetch_add(1, Ordering::Relaxed));
        let unusable = |e: OpenAIError| Failed::ForGood(Error::Request(e.to_string()));
        let mut request = factory.build().await.map_err(unusable)?;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).map_err(Failed::ForGood)?;
        }
        match timeout(self.attempt, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failed::ForNow(self.too_slow(self.attempt), None)),
        }
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<reqwest::Response, Failed> {
        let first = Instant::now() + self.first_byte;
        let response = match timeout_at(first, self.http.execute(request)).await {
            Err(_) => return Err(Failed::ForNow(self.too_slow(self.first_byte), None)),
            Ok(sent) => sent.map_err(|e| self.broken(&e))?,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if status.is_success() && kind.starts_with("text/event-stream") {
            return self.hear(status, response, first).await;
        }
        let body = self.read(response).await?;
        if status.is_success() {
            return self.accept(status, body);
        }
        Err(self.refuse(status, &headers, &body))
    }

    /// Reads a body with a limit on its size and on the silence between two parts of it.
    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Failed> {
        let too_large = || Failed::ForGood(Error::TooLarge { url: self.url.clone(), limit: self.limit });
        let announced =
            response.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.limit) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match timeout(self.idle, response.chunk()).await {
                Err(_) => return Err(Failed::ForNow(self.too_slow(self.idle), None)),
                Ok(Err(e)) => return Err(self.broken(&e)),
                Ok(Ok(None)) => return Ok(body),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            }
        }
    }

    /// Hears a stream to its end, or to the limit, and puts it together.
    async fn hear(
        &self,
        status: StatusCode,
        mut response: reqwest::Response,
        first: Instant,
    ) -> Result<reqwest::Response, Failed> {
        let malformed =
            |message: String| Failed::ForNow(Error::Malformed { url: self.url.clone(), message }, None);
        let mut stream = Stream::default();
        // Many servers send headers at once and the first part when the model has begun.
        let mut deadline = first;
        while !stream.is_done() {
            let chunk = match timeout_at(deadline, response.chunk()).await {
                Err(_) => return Err(Failed::ForNow(self.too_slow(self.idle), None)),
                Ok(Err(e)) if !stream.is_whole() => return Err(self.broken(&e)),
                Ok(Err(_) | Ok(None)) => break,
                Ok(Ok(Some(chunk))) => chunk,
            };
            deadline = Instant::now() + self.idle;
            for part in stream.take(&chunk).map_err(malformed)? {
                match part {
                    Part::Text(text) => {
                        let _ = CALL.try_with(|call| call.tell(&text));
                    }
                    Part::Error(body) => {
                        let message = message_of(body.as_bytes(), &self.key);
                        let url = self.url.clone();
                        return Err(Failed::ForNow(Error::Unavailable { url, attempts: 1, message }, None));
                    }
                }
            }
            if stream.len() > self.limit {
                stream.cut();
                break;
            }
        }
        if !stream.is_whole() {
            return Err(malformed("the stream broke off".to_owned()));
        }
        self.accept(status, stream.answer().to_string().into_bytes())
    }

    fn accept(&self, status: StatusCode, body: Vec<u8>) -> Result<reqwest::Response, Failed> {
        let malformed =
            |message: String| Failed::ForNow(Error::Malformed { url: self.url.clone(), message }, None);
        if let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
            return Err(malformed(format!("{e}: {}", message_of(&body, &self.key))));
        }
        let rebuilt = http::Response::builder().status(status).body(body);
        rebuilt.map(Into::into).map_err(|e| malformed(e.to_string()))
    }

    fn refuse(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failed {
        let (url, message) = (self.url.clone(), message_of(body, &self.key));
        let retriable = matches!(status.as_u16(), 408 | 409 | 429)
            || (status.is_server_error() && !matches!(status.as_u16(), 501 | 505));
        if !retriable || is_out_of_quota(body) {
            return Failed::ForGood(Error::Refused { url, status: status.as_u16(), message });
        }
        let message = format!("status {}: {message}", status.as_u16());
        Failed::ForNow(Error::Unavailable { url, attempts: 1, message }, asked(headers))
    }

    fn broken(&self, error: &reqwest::Error) -> Failed {
        if error.is_builder() {
            return Failed::ForGood(Error::Configuration(chain(error)));
        }
        let message = chain(error);
        Failed::ForNow(Error::Unavailable { url: self.url.clone(), attempts: 1, message }, None)
    }

    fn too_slow(&self, limit: Duration) -> Error {
        Error::Timeout { url: self.url.clone(), limit_ms: millis(limit) }
    }
}

/// An error with its causes: reqwest hides the interesting one behind "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    // Chains are short; the bound is for one that refers to itself.
    for _ in 0..8 {
        let Some(inner) = cause else { break };
        let line = inner.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = inner.source();
    }
    text
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
