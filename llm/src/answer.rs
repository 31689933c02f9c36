//! What comes back: samples with their endings, vectors, transcripts, and what they cost.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How one sample ended and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Content {
    /// Free text, as asked for.
    Text {
        /// The text.
        text: String,
    },
    /// JSON that fits the schema.
    Json {
        /// The value.
        value: Value,
    },
    /// The model or its filter declined.
    Refusal {
        /// What it said about that.
        text: String,
    },
    /// The answer was cut off at the token limit.
    Length {
        /// What there was of it.
        text: String,
    },
    /// There was no text at all.
    Empty,
    /// The text does not fit the schema, repairs included.
    Invalid {
        /// The last text.
        text: String,
        /// What does not fit, a line per finding.
        findings: Vec<String>,
    },
}

impl Content {
    /// The value, where the answer fits its schema.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Json { value } => Some(value),
            _ => None,
        }
    }

    /// The text as received, in whatever way it ended; JSON is written out.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text { text }
            | Self::Refusal { text }
            | Self::Length { text }
            | Self::Invalid { text, .. } => text.clone(),
            Self::Json { value } => value.to_string(),
            Self::Empty => String::new(),
        }
    }

    /// True for an answer as asked for; everything else counts as the outcome "invalid".
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Json { .. })
    }

    /// The ending as a word: `text`, `json`, `refusal`, `length`, `empty`, `invalid`.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Json { .. } => "json",
            Self::Refusal { .. } => "refusal",
            Self::Length { .. } => "length",
            Self::Empty => "empty",
            Self::Invalid { .. } => "invalid",
        }
    }
}

/// One draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What it says.
    pub content: Content,
    /// Its seed, where one was sent.
    pub seed: Option<u64>,
    /// Rounds of repair it took.
    pub repairs: u32,
}

/// Tokens of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent.
    pub input_tokens: u64,
    /// Of those, found in the endpoint's cache.
    pub cached_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
    }
}

/// What a chat call gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// The draws, in the order of their seeds; fewer than asked for only where `failures` says why.
    pub samples: Vec<Sample>,
    /// Draws that could not be had at all, one reason each.
    pub failures: Vec<String>,
    /// The model that answered, as the endpoint names it.
    pub model: String,
    /// The endpoint's fingerprint of its configuration, where it gives one.
    pub fingerprint: Option<String>,
    /// Tokens in all, repairs included; zero where the endpoint does not say.
    pub usage: Usage,
    /// Cost by the configured prices.
    pub cost: f64,
    /// HTTP requests made, retries and repairs included.
    pub requests: u32,
    /// Milliseconds from the first request to the last answer.
    pub elapsed_ms: u64,
    /// What a user should know about these draws, e.g. that equal seeds at temperature 0 are not independent.
    pub warnings: Vec<String>,
}

/// Vectors of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embeddings {
    /// One vector per text, in order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them; vectors of different models must not be compared.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
    /// Cost by the configured prices.
    pub cost: f64,
}

/// What was said in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The text.
    pub text: String,
    /// The model that heard it.
    pub model: String,
}
