//! The port: what any language model is asked, whatever serves it.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Amount, ChatAnswer, Embeddings, Error, Probe, Transcript};

/// Bytes of text that are taken for a token where nobody has counted.
const BYTES_PER_TOKEN: u64 = 4;

/// Hears the text of an answer part by part.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// A language model, remote or scripted.
#[async_trait]
pub trait Model: Send + Sync {
    /// Name of the chat model, as scores and trail show it.
    fn name(&self) -> &str;

    /// What it can do, as far as known by now.
    fn capabilities(&self) -> Capabilities;

    /// Draws `request.samples` answers.
    ///
    /// An answer that is refused, cut off, empty or does not fit the schema is a sample like any other: the caller
    /// counts it, it is never silently redrawn.
    ///
    /// # Errors
    /// Only where no sample at all could be had.
    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, Error>;

    /// As [`Model::chat`]; `listener` hears the first draft of a single sample while it is written. A model that
    /// cannot stream tells it whole at the end; of several samples nothing is heard. Dropping the future ends the call.
    ///
    /// # Errors
    /// As [`Model::chat`].
    async fn chat_heard(&self, request: ChatRequest, listener: Listener) -> Result<ChatAnswer, Error> {
        let single = request.samples == 1;
        let answer = self.chat(request).await?;
        if let (true, Some(sample)) = (single, answer.samples.first()) {
            listener(&sample.content.text());
        }
        Ok(answer)
    }

    /// What a call will cost at least, before it is made: what goes out, and the longest answer where one is set.
    fn estimate(&self, request: &ChatRequest) -> Amount {
        Amount { tokens: request.estimated_input() + request.longest_output(), cost: 0.0 }
    }

    /// Finds out by a few small calls what its endpoints can do, once; later calls give what was found then.
    async fn probe(&self) -> Vec<Probe> {
        Vec::new()
    }

    /// Vectors of `texts`, in order.
    ///
    /// # Errors
    /// Where the endpoint fails or has no embedding model.
    async fn embed(&self, texts: &[String]) -> Result<Embeddings, Error>;

    /// As [`Model::embed`], on somebody's behalf.
    ///
    /// # Errors
    /// As [`Model::embed`], and where a budget has not that much left.
    async fn embed_for(&self, texts: &[String], _caller: &Caller) -> Result<Embeddings, Error> {
        self.embed(texts).await
    }

    /// The text spoken in a recording.
    ///
    /// # Errors
    /// Where the endpoint fails or has no model for speech.
    async fn transcribe(&self, audio: Audio) -> Result<Transcript, Error>;
}

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The instruction above all.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the system.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A message of the one who asks.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A message of the model.
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// The form an answer must have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerSchema {
    /// A short name of letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema; answers are checked against it here, whatever the endpoint promises.
    pub schema: Value,
}

/// What to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The form of the answer; none for free text.
    pub schema: Option<AnswerSchema>,
    /// Spread of the draws, 0 to 2; the endpoint's default where none is given.
    pub temperature: Option<f64>,
    /// Seed of the first sample; the k-th gets seed + k, so that samples differ and can be asked for again.
    pub seed: Option<u64>,
    /// Most tokens of an answer.
    pub max_tokens: Option<u32>,
    /// How many answers to draw, 1 to [`crate::SAMPLES_LIMIT`].
    pub samples: u32,
    /// Rounds of repair per sample, 0 to [`crate::REPAIRS_LIMIT`].
    pub repairs: u32,
    /// The name of a configured model; otherwise another model of the default endpoint than its own.
    pub model: Option<String>,
    /// On whose behalf, for budgets and the trail; never sent.
    #[serde(skip)]
    pub caller: Caller,
}

/// On whose behalf a model is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The process instance.
    pub instance: Option<i64>,
    /// The process definition.
    pub definition: Option<i64>,
    /// The element in it.
    pub element: Option<String>,
    /// What for, in a word or two, e.g. `decision gateway`.
    pub purpose: Option<String>,
}

impl ChatRequest {
    /// One free-text answer to `messages`.
    #[must_use]
    pub fn new(messages: Vec<Message>) -> Self {
        Self {
            messages,
            schema: None,
            temperature: None,
            seed: None,
            max_tokens: None,
            samples: 1,
            repairs: crate::REPAIRS_LIMIT,
            model: None,
            caller: Caller::default(),
        }
    }

    /// Tokens that all its samples send, estimated by their length.
    #[must_use]
    pub fn estimated_input(&self) -> u64 {
        let bytes: usize = self.messages.iter().map(|message| message.content.len()).sum();
        let schema = self.schema.as_ref().map_or(0, |schema| schema.schema.to_string().len());
        let tokens = (bytes + schema) as u64 / BYTES_PER_TOKEN + 1;
        tokens.saturating_mul(u64::from(self.samples))
    }

    /// Tokens that all its answers may have together, where their length is limited; otherwise nothing is known: 0.
    #[must_use]
    pub fn longest_output(&self) -> u64 {
        u64::from(self.max_tokens.unwrap_or(0)).saturating_mul(u64::from(self.samples))
    }

    /// The same, answered in the form of `schema`.
    #[must_use]
    pub fn with_schema(mut self, name: &str, schema: Value) -> Self {
        self.schema = Some(AnswerSchema { name: name.to_owned(), schema });
        self
    }
}

/// A recording to be transcribed.
#[derive(Clone, Debug)]
pub struct Audio {
    /// A file name whose ending tells the format, e.g. `voice.webm`.
    pub file_name: String,
    /// The recording, at most [`crate::AUDIO_LIMIT_BYTES`].
    pub bytes: bytes::Bytes,
    /// Language spoken, as an ISO 639-1 code, where known.
    pub language: Option<String>,
}

/// What an endpoint can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// How the form of an answer is asked for.
    pub structured: Structured,
    /// Whether one request may ask for several answers.
    pub several: bool,
    /// Whether a seed is accepted.
    pub seed: bool,
    /// Whether a temperature is accepted.
    pub temperature: bool,
    /// Whether an answer may come as a stream.
    pub stream: bool,
    /// Whether a stream may be asked to end with its token counts.
    pub stream_usage: bool,
    /// Which field limits the length of an answer.
    pub token_limit: TokenLimit,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            structured: Structured::JsonSchema,
            several: false,
            seed: true,
            temperature: true,
            stream: true,
            stream_usage: true,
            token_limit: TokenLimit::MaxTokens,
        }
    }
}

impl std::fmt::Display for Capabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let structured = match self.structured {
            Structured::JsonSchema => "JSON Schema",
            Structured::JsonObject => "JSON, schema in the prompt",
            Structured::Prompt => "schema in the prompt",
        };
        write!(f, "{structured}")?;
        let can = [
            (self.several, "several answers a request"),
            (self.seed, "seeds"),
            (self.temperature, "temperature"),
            (self.stream, "streams"),
        ];
        for (yes, what) in can {
            write!(f, ", {}{what}", if yes { "" } else { "no " })?;
        }
        Ok(())
    }
}

/// What an endpoint is said to be able to do, whatever is found out; what is not said is found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// See [`Capabilities::structured`].
    pub structured: Option<Structured>,
    /// See [`Capabilities::several`].
    pub several: Option<bool>,
    /// See [`Capabilities::seed`].
    pub seed: Option<bool>,
    /// See [`Capabilities::temperature`].
    pub temperature: Option<bool>,
    /// See [`Capabilities::stream`].
    pub stream: Option<bool>,
    /// See [`Capabilities::stream_usage`].
    pub stream_usage: Option<bool>,
    /// See [`Capabilities::token_limit`].
    pub token_limit: Option<TokenLimit>,
}

impl Overrides {
    /// `found`, except for what is said.
    #[must_use]
    pub fn over(&self, found: Capabilities) -> Capabilities {
        Capabilities {
            structured: self.structured.unwrap_or(found.structured),
            several: self.several.unwrap_or(found.several),
            seed: self.seed.unwrap_or(found.seed),
            temperature: self.temperature.unwrap_or(found.temperature),
            stream: self.stream.unwrap_or(found.stream),
            stream_usage: self.stream_usage.unwrap_or(found.stream_usage),
            token_limit: self.token_limit.unwrap_or(found.token_limit),
        }
    }
}

/// How the form of an answer is asked for, from strict to loose; a refused form steps down by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// The endpoint enforces a JSON Schema.
    JsonSchema,
    /// The endpoint enforces JSON; the schema goes into the prompt.
    JsonObject,
    /// The endpoint enforces nothing; the schema goes into the prompt and JSON is taken out of the text.
    Prompt,
}

/// The field that limits the length of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`: most servers.
    MaxTokens,
    /// `max_completion_tokens`: newer hosted models.
    MaxCompletionTokens,
}
