//! The client: one OpenAI-compatible endpoint behind the port [`Model`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use async_openai::Client;
use async_openai::error::OpenAIError;
use async_openai::types::audio::{AudioInput, CreateTranscriptionRequest};
use async_trait::async_trait;
use futures::future::join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::config::{AUDIO_LIMIT_BYTES, PROMPT_LIMIT_BYTES, REPAIRS_LIMIT, SAMPLES_LIMIT};
use crate::endpoint::Endpoint;
use crate::signature::Signer;
use crate::stack::{CALL, Stack, UnderWay, millis};
use crate::structured::{Form, repair_order};
use crate::wire::{self, Draw, WireRequest};
use crate::{
    Amount, Audio, Capabilities, ChatAnswer, ChatRequest, Config, Content, Embeddings, Error, Listener,
    Message, Model, Probe, Sample, Structured, TokenLimit, Transcript, Usage,
};

/// Texts that go into one embedding request.
const EMBED_BATCH: usize = 128;

/// Forms in which a request is tried before it is given up.
const ROUNDS: usize = 8;

/// A model behind an OpenAI-compatible endpoint.
pub struct ModelClient {
    pub(crate) client: Client<Endpoint>,
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) capabilities: Mutex<Capabilities>,
    pub(crate) probed: OnceCell<Probe>,
    stack: Stack,
}

/// What one HTTP request asks besides the conversation.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) seed: Option<u64>,
    /// Answers in one; 0 and 1 are the same.
    pub(crate) n: u32,
    pub(crate) stream: bool,
}

impl ModelClient {
    /// A client for the endpoint of `config`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] where address, key or proxy cannot work, or where requests are to be signed, which
    /// takes a clock; [`Error::Missing`] without a model.
    pub fn new(config: Config) -> Result<Self, Error> {
        if config.aws.is_some() {
            return Err(Error::Configuration("signed requests need a clock".to_owned()));
        }
        Self::with_clock(config, || SystemTime::UNIX_EPOCH)
    }

    /// As [`ModelClient::new`], with the clock by which requests are signed where keys for that are configured.
    ///
    /// # Errors
    /// As [`ModelClient::new`]; also where the keys, or the region in which they hold, are missing.
    pub fn with_clock(config: Config, now: fn() -> SystemTime) -> Result<Self, Error> {
        if config.model.trim().is_empty() {
            return Err(Error::Missing("chat"));
        }
        let endpoint = Endpoint::new(&config)?;
        let signer = Signer::of(&config, now)?;
        let wrong = |e: reqwest::Error| Error::Configuration(e.to_string());
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms.max(1)))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("procos/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(wrong)?);
        }
        let http = builder.build().map_err(wrong)?;
        let url = endpoint.base().to_owned();
        let stack = Stack::new(&config, http.clone(), &url, signer);
        let client = Client::build(http, endpoint).with_http_service(stack.clone());
        let capabilities = Mutex::new(config.capabilities.over(Capabilities::default()));
        Ok(Self { client, url, capabilities, config, probed: OnceCell::new(), stack })
    }

    /// Draws from one request, adapting to what the endpoint turns out not to accept.
    pub(crate) async fn draw(
        &self,
        call: &Call<'_>,
        messages: &[Message],
        asked: Asked,
    ) -> Result<Draw, Error> {
        let single = ChatRequest { samples: asked.n.max(1), ..call.request.clone() };
        let estimate = single.estimated_input() + single.longest_output();
        self.stack.pace().tokens(estimate).await?;
        // Each round gives up one thing, so there are few.
        for _ in 0..ROUNDS {
            let can = *self.capabilities.lock();
            let wire = self.request(call, messages, asked, can);
            let sent = self.client.chat().create_byot::<_, Value>(wire).await.map_err(|e| self.error(e));
            match sent {
                Ok(value) => {
                    let draw = wire::read(&value).map_err(|message| self.malformed(message))?;
                    self.stack.pace().settle(estimate, draw.usage.input_tokens + draw.usage.output_tokens);
                    return Ok(draw);
                }
                Err(Error::Refused { url, status, message }) => {
                    let less = step_down(can, call, asked, status, &message);
                    let less =
                        less.map(|less| self.config.capabilities.over(less)).filter(|less| *less != can);
                    let Some(less) = less else { return Err(Error::Refused { url, status, message }) };
                    tracing::info!(%url, %message, ?less, "the endpoint can do less than assumed");
                    *self.capabilities.lock() = less;
                }
                Err(other) => return Err(other),
            }
        }
        Err(self.malformed("it refuses every form of request".to_owned()))
    }

    fn request<'a>(
        &'a self,
        call: &'a Call<'_>,
        messages: &[Message],
        asked: Asked,
        can: Capabilities,
    ) -> WireRequest<'a> {
        let form = call.form.as_ref();
        let limit = |field| call.request.max_tokens.filter(|_| can.token_limit == field);
        let stream = asked.stream && can.stream;
        WireRequest {
            model: call.request.model.as_deref().unwrap_or(&self.config.model),
            messages: form.map_or_else(|| messages.to_vec(), |form| form.instruct(messages, can.structured)),
            stream,
            stream_options: (stream && can.stream_usage).then(|| json!({"include_usage": true})),
            temperature: call.request.temperature.filter(|_| can.temperature),
            seed: asked.seed.filter(|_| can.seed),
            max_tokens: limit(TokenLimit::MaxTokens),
            max_completion_tokens: limit(TokenLimit::MaxCompletionTokens),
            n: (asked.n > 1).then_some(asked.n),
            response_format: form.and_then(|form| form.response_format(can.structured)),
        }
    }

    /// One sample with its repairs; `first` is an answer that is there already.
    async fn sample(
        &self,
        call: &Call<'_>,
        seed: Option<u64>,
        first: Option<Content>,
    ) -> Result<Sample, Error> {
        let mut messages = call.request.messages.clone();
        let mut content = match first {
            Some(content) => content,
            None => self.single(call, &messages, seed).await?,
        };
        // Only the first draft is heard.
        let _ = CALL.try_with(|under_way| under_way.listener.lock().take());
        let mut repairs = 0;
        loop {
            content = call.judge(content);
            let (Content::Invalid { text, findings }, true) = (&content, repairs < call.repairs) else {
                return Ok(Sample { content, seed, repairs });
            };
            repairs += 1;
            messages.push(Message::assistant(text.clone()));
            messages.push(Message::user(repair_order(findings)));
            match self.single(call, &messages, seed).await {
                Ok(repaired) => content = repaired,
                // The sample is there; that its repair failed does not undo it.
                Err(error) => {
                    tracing::debug!(%error, "an answer could not be repaired");
                    return Ok(Sample { content, seed, repairs });
                }
            }
        }
    }

    async fn single(
        &self,
        call: &Call<'_>,
        messages: &[Message],
        seed: Option<u64>,
    ) -> Result<Content, Error> {
        let heard = CALL.try_with(|under_way| under_way.listener.lock().is_some()).unwrap_or(false);
        let stream = heard || self.config.stream;
        let draw = self.draw(call, messages, Asked { seed, n: 1, stream }).await?;
        let content = draw.contents.first().cloned();
        call.count(draw);
        content.ok_or_else(|| self.malformed("it has no choice".to_owned()))
    }

    async fn several(&self, call: &Call<'_>) -> Result<Vec<Result<Sample, Error>>, Error> {
        let request = call.request;
        let seed_of = |k: u32| request.seed.map(|seed| seed.wrapping_add(u64::from(k)));
        let mut first = Vec::new();
        if request.samples > 1 && self.capabilities.lock().several {
            let asked = Asked { seed: request.seed, n: request.samples, stream: false };
            let draw = self.draw(call, &request.messages, asked).await?;
            first.clone_from(&draw.contents);
            first.truncate(request.samples as usize);
            call.count(draw);
            if first.len() < request.samples as usize {
                // Some servers ignore `n` instead of refusing it; the rest is drawn one by one.
                let mut can = self.capabilities.lock();
                *can = self.config.capabilities.over(Capabilities { several: false, ..*can });
            }
        }
        let mut given = first.into_iter();
        let samples = (0..request.samples).map(|k| self.sample(call, seed_of(k), given.next()));
        Ok(join_all(samples).await)
    }

    pub(crate) fn malformed(&self, message: String) -> Error {
        Error::Malformed { url: self.url.clone(), message }
    }

    pub(crate) fn error(&self, error: OpenAIError) -> Error {
        match error {
            OpenAIError::Boxed(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => self.malformed(other.to_string()),
            },
            OpenAIError::InvalidArgument(reason) => Error::Request(reason),
            other => self.malformed(other.to_string()),
        }
    }
}

/// A chat call under way.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a ChatRequest,
    pub(crate) form: Option<Form>,
    repairs: u32,
    totals: Mutex<Totals>,
}

#[derive(Default)]
struct Totals {
    usage: Usage,
    model: Option<String>,
    fingerprint: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(request: &'a ChatRequest) -> Result<Self, Error> {
        let form = request.schema.as_ref().map(Form::new).transpose()?;
        let repairs = request.repairs.min(REPAIRS_LIMIT);
        Ok(Self { request, form, repairs, totals: Mutex::default() })
    }

    fn count(&self, draw: Draw) {
        let mut totals = self.totals.lock();
        totals.usage += draw.usage;
        totals.model = draw.model.or_else(|| totals.model.take());
        totals.fingerprint = draw.fingerprint.or_else(|| totals.fingerprint.take());
    }

    /// Checks a text against the form, where one is asked for.
    pub(crate) fn judge(&self, content: Content) -> Content {
        match (content, &self.form) {
            (Content::Text { text }, Some(form)) => match form.check(&text) {
                Ok(value) => Content::Json { value },
                Err(findings) => Content::Invalid { text, findings },
            },
            (content, _) => content,
        }
    }
}

/// What the endpoint can do after it refused something, if that explains the refusal.
fn step_down(
    can: Capabilities,
    call: &Call<'_>,
    asked: Asked,
    status: u16,
    message: &str,
) -> Option<Capabilities> {
    if !matches!(status, 400 | 404 | 422 | 501) {
        return None;
    }
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if call.request.max_tokens.is_some()
        && can.token_limit == TokenLimit::MaxTokens
        && says(&["max_completion_tokens"])
    {
        return Some(Capabilities { token_limit: TokenLimit::MaxCompletionTokens, ..can });
    }
    if can.temperature && call.request.temperature.is_some() && says(&["temperature"]) {
        return Some(Capabilities { temperature: false, ..can });
    }
    if asked.stream && can.stream {
        if can.stream_usage && says(&["stream_options", "include_usage"]) {
            return Some(Capabilities { stream_usage: false, ..can });
        }
        if says(&["stream"]) {
            return Some(Capabilities { stream: false, ..can });
        }
    }
    if call.form.is_some() && says(&["response_format", "json_schema", "json_object", "schema", "grammar"]) {
        let structured = match can.structured {
            Structured::JsonSchema => Structured::JsonObject,
            Structured::JsonObject => Structured::Prompt,
            Structured::Prompt => return None,
        };
        return Some(Capabilities { structured, ..can });
    }
    if can.seed && asked.seed.is_some() && says(&["seed"]) {
        return Some(Capabilities { seed: false, ..can });
    }
    None
}

fn check(request: &ChatRequest) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::Request(reason));
    if request.messages.is_empty() {
        return refuse("it has no message".to_owned());
    }
    let bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
    if bytes > PROMPT_LIMIT_BYTES {
        return refuse(format!("its messages have {bytes} bytes; the limit is {PROMPT_LIMIT_BYTES}"));
    }
    if request.samples == 0 || request.samples > SAMPLES_LIMIT {
        return refuse(format!("it asks for {} samples; 1 to {SAMPLES_LIMIT} are possible", request.samples));
    }
    if request.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
        return refuse("its temperature is not between 0 and 2".to_owned());
    }
    Ok(())
}

impl ModelClient {
    async fn ask(&self, request: ChatRequest, under_way: Arc<UnderWay>) -> Result<ChatAnswer, Error> {
        check(&request)?;
        let call = Call::new(&request)?;
        let started = Instant::now();
        let results = CALL.scope(Arc::clone(&under_way), self.several(&call)).await?;
        let mut samples = Vec::with_capacity(results.len());
        let mut failures = Vec::new();
        let mut last = None;
        for result in results {
            match result {
                Ok(sample) => samples.push(sample),
                Err(error) => {
                    failures.push(error.to_string());
                    last = Some(error);
                }
            }
        }
        if let (true, Some(error)) = (samples.is_empty(), last) {
            return Err(error);
        }
        let can = *self.capabilities.lock();
        let mut warnings = Vec::new();
        if request.samples > 1 && request.temperature == Some(0.0) {
            warnings.push("samples at temperature 0 are not independent draws".to_owned());
        }
        if request.seed.is_some() && !can.seed {
            warnings.push("the endpoint takes no seed: these draws cannot be repeated".to_owned());
        }
        if request.temperature.is_some() && !can.temperature {
            warnings.push("the endpoint takes no temperature: these draws spread as it likes".to_owned());
        }
        let totals = call.totals.into_inner();
        Ok(ChatAnswer {
            samples,
            failures,
            model: totals.model.unwrap_or_else(|| self.config.model.clone()),
            fingerprint: totals.fingerprint,
            usage: totals.usage,
            cost: self.config.prices.cost(&totals.usage),
            requests: under_way.requests.load(Ordering::Relaxed),
            elapsed_ms: millis(started.elapsed()),
            warnings,
        })
    }
}

#[async_trait]
impl Model for ModelClient {
    fn name(&self) -> &str {
        &self.config.model
    }

    fn capabilities(&self) -> Capabilities {
        *self.capabilities.lock()
    }

    fn estimate(&self, request: &ChatRequest) -> Amount {
        let usage = Usage {
            input_tokens: request.estimated_input(),
            cached_tokens: 0,
            output_tokens: request.longest_output(),
        };
        Amount { tokens: usage.input_tokens + usage.output_tokens, cost: self.config.prices.cost(&usage) }
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, Error> {
        self.ask(request, Arc::default()).await
    }

    async fn chat_heard(&self, request: ChatRequest, listener: Listener) -> Result<ChatAnswer, Error> {
        let single = request.samples == 1;
        let ear = single.then(|| Arc::clone(&listener));
        let under_way = Arc::new(UnderWay { listener: Mutex::new(ear), ..UnderWay::default() });
        let answer = self.ask(request, Arc::clone(&under_way)).await?;
        let heard = under_way.heard.load(Ordering::Relaxed);
        // An endpoint that does not stream gives its answer whole.
        if let (true, false, Some(sample)) = (single, heard, answer.samples.first()) {
            listener(&sample.content.text());
        }
        Ok(answer)
    }

    async fn probe(&self) -> Vec<Probe> {
        vec![self.probed.get_or_init(|| self.find_out()).await.clone()]
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings, Error> {
        let model = self.config.embedding_model.clone().ok_or(Error::Missing("embeddings"))?;
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
        let mut usage = Usage::default();
        for batch in texts.chunks(EMBED_BATCH) {
            let bytes: usize = batch.iter().map(String::len).sum();
            if bytes > PROMPT_LIMIT_BYTES {
                return Err(Error::Request(format!(
                    "{bytes} bytes to embed; the limit is {PROMPT_LIMIT_BYTES}"
                )));
            }
            let wire = wire::EmbedRequest { model: &model, input: batch, encoding_format: "float" };
            let sent = self.client.embeddings().create_byot::<_, Value>(wire).await;
            let value = sent.map_err(|e| self.error(e))?;
            let (found, used) =
                wire::read_vectors(&value, batch.len()).map_err(|message| self.malformed(message))?;
            usage += used;
            vectors.extend(found);
        }
        let length = vectors.first().map_or(0, Vec::len);
        if vectors.iter().any(|vector| vector.len() != length) {
            return Err(self.malformed("its vectors differ in length".to_owned()));
        }
        Ok(Embeddings { vectors, model, usage, cost: self.config.prices.cost(&usage) })
    }

    async fn transcribe(&self, audio: Audio) -> Result<Transcript, Error> {
        let model = self.config.transcription_model.clone().ok_or(Error::Missing("speech"))?;
        if audio.bytes.is_empty() || audio.bytes.len() > AUDIO_LIMIT_BYTES {
            let reason =
                format!("a recording must have 1 to {AUDIO_LIMIT_BYTES} bytes, not {}", audio.bytes.len());
            return Err(Error::Request(reason));
        }
        let request = CreateTranscriptionRequest {
            file: AudioInput::from_bytes(audio.file_name, audio.bytes),
            model: model.clone(),
            language: audio.language,
            ..CreateTranscriptionRequest::default()
        };
        let sent = self.client.audio().transcription().create_byot::<_, Value>(request).await;
        let value = sent.map_err(|e| self.error(e))?;
        let text = value.get("text").and_then(Value::as_str);
        let text = text.ok_or_else(|| self.malformed("it has no text".to_owned()))?.trim().to_owned();
        Ok(Transcript { text, model })
    }
}
