//! One client for every language model: OpenAI-compatible chat, embeddings and speech behind the port [`Model`].

mod answer;
mod breaker;
mod budget;
mod client;
mod config;
mod dialect;
mod endpoint;
mod error;
mod model;
mod models;
mod pace;
mod probe;
mod refusal;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
mod secret;
mod signature;
mod stack;
mod stream;
mod structured;
#[cfg(test)]
mod tests;
mod wait;
mod wire;

pub use answer::{ChatAnswer, Content, Embeddings, Sample, Transcript, Usage};
pub use budget::{Amount, Budgets, Purse, Reservation};
pub use client::ModelClient;
pub use config::{
    AUDIO_LIMIT_BYTES, AwsKeys, Config, PROMPT_LIMIT_BYTES, Prices, REPAIRS_LIMIT, RETRIES_LIMIT,
    SAMPLES_LIMIT,
};
pub use dialect::Dialect;
pub use error::Error;
pub use model::{
    AnswerSchema, Audio, Caller, Capabilities, ChatRequest, Listener, Message, Model, Overrides, Role,
    Structured, TokenLimit,
};
pub use models::Models;
pub use probe::Probe;
pub use secret::Secret;
