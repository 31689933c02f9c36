//! A model without a network: each sample comes from a function of the request and its number.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    Audio, Capabilities, ChatAnswer, ChatRequest, Content, Embeddings, Error, Model, Sample, Transcript,
    Usage,
};

type Script = dyn Fn(&ChatRequest, u64) -> Content + Send + Sync;

/// Answers from a script, in the order in which samples are asked for.
pub struct ScriptedModel {
    script: Box<Script>,
    drawn: AtomicU64,
    requests: Mutex<Vec<ChatRequest>>,
}

impl ScriptedModel {
    /// Answers each sample with `script(request, number of the sample)`, numbers counted from 0.
    pub fn new(script: impl Fn(&ChatRequest, u64) -> Content + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), drawn: AtomicU64::new(0), requests: Mutex::default() }
    }

    /// Answers with these texts, over and over; JSON becomes a value where a schema is asked for.
    #[must_use]
    pub fn saying(texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Self::new(move |request, number| {
            let at = usize::try_from(number).unwrap_or(0) % texts.len().max(1);
            let text = texts.get(at).cloned().unwrap_or_default();
            match crate::structured::extract(&text) {
                Some(value) if request.schema.is_some() => Content::Json { value },
                None if request.schema.is_some() => {
                    Content::Invalid { text, findings: vec!["the answer is not JSON".to_owned()] }
                }
                _ => Content::Text { text },
            }
        })
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.requests.lock().clone()
    }
}

#[async_trait]
impl Model for ScriptedModel {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, Error> {
        self.requests.lock().push(request.clone());
        let samples: Vec<Sample> = (0..request.samples)
            .map(|k| Sample {
                content: (self.script)(&request, self.drawn.fetch_add(1, Ordering::Relaxed)),
                seed: request.seed.map(|seed| seed.wrapping_add(u64::from(k))),
                repairs: 0,
            })
            .collect();
        let words = |text: &str| text.split_whitespace().count() as u64;
        let usage = Usage {
            input_tokens: request.messages.iter().map(|message| words(&message.content)).sum(),
            cached_tokens: 0,
            output_tokens: samples.iter().map(|sample| words(&sample.content.text())).sum(),
        };
        Ok(ChatAnswer {
            samples,
            failures: Vec::new(),
            model: "scripted".to_owned(),
            fingerprint: None,
            usage,
            cost: 0.0,
            requests: 1,
            elapsed_ms: 0,
            warnings: Vec::new(),
        })
    }

    async fn embed(&self, _texts: &[String]) -> Result<Embeddings, Error> {
        Err(Error::Missing("embeddings"))
    }

    async fn transcribe(&self, _audio: Audio) -> Result<Transcript, Error> {
        Err(Error::Missing("speech"))
    }
}
