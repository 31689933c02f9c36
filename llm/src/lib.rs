//! One client for every language model: OpenAI-compatible chat, embeddings and speech behind the port [`Model`].

mod answer;
mod breaker;
mod client;
mod config;
mod endpoint;
mod error;
mod model;
mod refusal;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
mod secret;
mod stack;
mod structured;
#[cfg(test)]
mod tests;
mod wait;
mod wire;

pub use answer::{ChatAnswer, Content, Embeddings, Sample, Transcript, Usage};
pub use client::ModelClient;
pub use config::{
    AUDIO_LIMIT_BYTES, Config, PROMPT_LIMIT_BYTES, Prices, REPAIRS_LIMIT, RETRIES_LIMIT, SAMPLES_LIMIT,
};
pub use error::Error;
pub use model::{
    AnswerSchema, Audio, Capabilities, ChatRequest, Message, Model, Role, Structured, TokenLimit,
};
pub use secret::Secret;
