//! Prompts by API: saved, tested with a scripted model, approved, in production.

use std::sync::Arc;

use async_trait::async_trait;
use llm::{Capabilities, ChatAnswer, ChatRequest, Content, Embeddings, Sample};
use serde_json::{Value, json};

use super::bed::Bed;

/// A model that always answers the same.
struct Parrot;

#[async_trait]
impl llm::Model for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, llm::Error> {
        let _asked = request;
        let _kept: Option<Sample> = None;
        Err(llm::Error::Configuration("nothing to say".to_owned()))
    }

    async fn embed(&self, _: &[String]) -> Result<Embeddings, llm::Error> {
        Err(llm::Error::Configuration("no embeddings".to_owned()))
    }

    async fn transcribe(&self, _: llm::Audio) -> Result<llm::Transcript, llm::Error> {
        Err(llm::Error::Configuration("no speech".to_owned()))
    }
}
