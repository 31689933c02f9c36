//! The port: what any language model is asked, whatever serves it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ChatAnswer, Embeddings, Error, Transcript};

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

    /// Vectors of `texts`, in order.
    ///
    /// # Errors
    /// Where the endpoint fails or has no embedding model.
    async fn embed(&self, texts: &[String]) -> Result<Embeddings, Error>;

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
    /// Another model of the same endpoint than the configured one.
    pub model: Option<String>,
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
        }
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
    /// Which field limits the length of an answer.
    pub token_limit: TokenLimit,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            structured: Structured::JsonSchema,
            several: false,
            seed: true,
            token_limit: TokenLimit::MaxTokens,
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
