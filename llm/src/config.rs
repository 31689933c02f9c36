//! How an endpoint is reached: address, key, models, time limits, prices.

use serde::{Deserialize, Serialize};

use crate::{Overrides, Secret};

/// One OpenAI-compatible endpoint. Every field has a default, so a configuration names only what differs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address up to and including the version, e.g. `https://api.openai.com/v1`, `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Bearer key; may be empty for local servers.
    pub api_key: Secret,
    /// Signs each request with the key pair of an AWS account (Amazon Bedrock), instead of sending `api_key`.
    pub aws: Option<AwsKeys>,
    /// Name of the chat model.
    pub model: String,
    /// Name of the embedding model, where there is one.
    pub embedding_model: Option<String>,
    /// Name of the model that turns speech into text, where there is one.
    pub transcription_model: Option<String>,
    /// A forward proxy, e.g. `http://proxy:3128`; none is used unless named here.
    pub proxy: Option<String>,
    /// Milliseconds to open a connection.
    pub connect_timeout_ms: u64,
    /// Milliseconds until the first byte of an answer. One that is not streamed comes only when all of it is written.
    pub first_byte_timeout_ms: u64,
    /// Milliseconds without a byte in the middle of an answer after which the attempt is given up.
    pub idle_timeout_ms: u64,
    /// Milliseconds one attempt may take in all.
    pub attempt_timeout_ms: u64,
    /// Milliseconds a call may take with all its attempts and waits.
    pub total_timeout_ms: u64,
    /// Retries after the first attempt, 0 to [`RETRIES_LIMIT`].
    pub retries: u32,
    /// First wait before a retry in milliseconds; doubled each time, drawn uniformly from zero to that.
    pub retry_base_ms: u64,
    /// Longest drawn wait before a retry in milliseconds. What a server asks for by `Retry-After` is waited for as
    /// long as the total time allows, else the call fails at once.
    pub retry_cap_ms: u64,
    /// Seed of the draws of those waits.
    pub jitter_seed: u64,
    /// Requests that may be under way at once, 1 to 256.
    pub concurrency: usize,
    /// Requests a minute, retries included; 0: as many as there are.
    pub requests_per_minute: u64,
    /// Tokens a minute, sent and received; 0: as many as there are.
    pub tokens_per_minute: u64,
    /// Whether single answers are asked for as streams even where nobody listens: then silence is noticed after
    /// `idle_timeout_ms`, and an answer that is too long is kept up to the limit instead of being lost.
    pub stream: bool,
    /// Largest answer that is read, in bytes. A streamed one is cut there; one that comes whole is refused.
    pub answer_limit_bytes: usize,
    /// Calls that fail one after another before the endpoint is left alone for a while; 0 never.
    pub breaker_failures: u32,
    /// Milliseconds it is left alone.
    pub breaker_pause_ms: u64,
    /// What this endpoint can do; what it turns out not to do is remembered while the process lives.
    pub capabilities: Overrides,
    /// What tokens cost here.
    pub prices: Prices,
}

/// Most retries of one call, whatever is configured.
pub const RETRIES_LIMIT: u32 = 5;

/// Most rounds in which a model is asked to repair an answer that does not fit its schema.
pub const REPAIRS_LIMIT: u32 = 2;

/// Most samples one request may ask for.
pub const SAMPLES_LIMIT: u32 = 128;

/// Largest sum of message texts in one request, in bytes.
pub const PROMPT_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Largest recording that is sent, in bytes.
pub const AUDIO_LIMIT_BYTES: usize = 25 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            api_key: Secret::default(),
            aws: None,
            model: String::new(),
            embedding_model: None,
            transcription_model: None,
            proxy: None,
            connect_timeout_ms: 5_000,
            first_byte_timeout_ms: 120_000,
            idle_timeout_ms: 30_000,
            attempt_timeout_ms: 120_000,
            total_timeout_ms: 300_000,
            retries: RETRIES_LIMIT,
            retry_base_ms: 500,
            retry_cap_ms: 20_000,
            jitter_seed: 0,
            concurrency: 8,
            requests_per_minute: 0,
            tokens_per_minute: 0,
            stream: false,
            answer_limit_bytes: 8 * 1024 * 1024,
            breaker_failures: 8,
            breaker_pause_ms: 30_000,
            capabilities: Overrides::default(),
            prices: Prices::default(),
        }
    }
}

/// Keys of an AWS account, by which requests are signed (Signature Version 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsKeys {
    /// Region; where none is named, the one in the host of `base_url`.
    pub region: String,
    /// Name of the service; where none is named, `bedrock-mantle` on hosts that begin so, else `bedrock`.
    pub service: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token of temporary keys.
    pub session_token: Secret,
}

/// Prices per million tokens, in one currency of the user's choice; zero where nothing is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prices {
    /// Of tokens sent.
    pub input_per_million: f64,
    /// Of tokens sent that the endpoint found in its cache.
    pub cached_per_million: f64,
    /// Of tokens received.
    pub output_per_million: f64,
}

impl Prices {
    /// What `usage` costs, in the currency of the prices.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn cost(&self, usage: &crate::Usage) -> f64 {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        ((usage.input_tokens - cached) as f64 * self.input_per_million
            + cached as f64 * self.cached_per_million
            + usage.output_tokens as f64 * self.output_per_million)
            / 1e6
    }
}
