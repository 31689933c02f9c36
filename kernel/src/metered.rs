//! A model whose every call is in the trail and within the budgets of the day and of the process instance.
//!
//! | event | when |
//! | --- | --- |
//! | `model.called` | a chat call gave its answers: hash of the prompt, model, parameters, answers, time, tokens, cost |
//! | `model.embedded`, `model.transcribed` | vectors, speech |
//! | `model.failed` | the endpoint gave nothing |
//! | `model.refused` | a budget had not that much left; nothing was sent |
//! | `model.cancelled` | the call was ended from here before its answer came; its estimate counts as spent |
//!
//! The trail is also the memory of what was spent: after a restart the sums are read from it.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use engine::clock::Clock;
use llm::{
    Amount, Audio, Budgets, Caller, Capabilities, ChatAnswer, ChatRequest, Embeddings, Listener, Model,
    Probe, Purse, Reservation, Transcript,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trail::{Filter, NewEvent, Trail};

/// How the kinds of all these events begin.
const KIND: &str = "model.";
/// Trail entries read at once.
const PAGE: usize = 1_000;
/// Longest answer that stands in the trail itself, bytes; of a longer one only its hash does.
const ANSWER_BYTES: usize = 1_000;
const DAY_MS: i64 = 86_400_000;

/// A model that keeps to budgets and writes down every call.
pub struct Metered {
    inner: Arc<dyn Model>,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
    purse: Arc<Purse>,
}

/// A call that has not ended; where it never does, that is written down.
struct Open {
    trail: Arc<dyn Trail>,
    purse: Arc<Purse>,
    /// None once the call has ended.
    under_way: Option<(Reservation, Amount, NewEvent)>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some((reservation, estimate, mut event)) = self.under_way.take() else { return };
        self.purse.settle(reservation, estimate);
        event.kind = format!("{KIND}cancelled");
        add(&mut event, &[("tokens", json!(estimate.tokens)), ("cost", json!(estimate.cost))]);
        let trail = Arc::clone(&self.trail);
        // Without a runtime the server is ending, and with it the trail.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { write(&*trail, event).await });
        }
    }
}

impl Metered {
    /// Wraps `inner`; what was spent today is read from the trail, where a budget of the day is set.
    ///
    /// # Errors
    /// Where the trail cannot be read.
    pub async fn open(
        inner: Arc<dyn Model>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
        budgets: Budgets,
    ) -> Result<Self, trail::Error> {
        let metered = Self { inner, trail, clock, purse: Arc::new(Purse::new(budgets)) };
        if budgets.day_tokens.is_some() || budgets.day_cost.is_some() {
            let day = metered.day();
            metered.purse.remember_day(day, metered.spent(None, day * DAY_MS).await?);
        }
        Ok(metered)
    }

    fn day(&self) -> i64 {
        self.clock.now_ms().div_euclid(DAY_MS)
    }

    /// What the trail says was spent from `since_ms` on.
    async fn spent(&self, instance: Option<i64>, since_ms: i64) -> Result<Amount, trail::Error> {
        let filter = Filter { instance, kind_prefix: Some(KIND.to_owned()), ..Filter::default() };
        let (mut after, mut sum) = (0, Amount::default());
        loop {
            let events = self.trail.read(&filter, after, PAGE).await?;
            let Some(last) = events.last() else { return Ok(sum) };
            after = last.position;
            for event in events.iter().filter(|event| event.content.at_ms >= since_ms) {
                sum.tokens += event.content.data["tokens"].as_u64().unwrap_or(0);
                sum.cost += event.content.data["cost"].as_f64().unwrap_or(0.0);
            }
        }
    }

    fn event(&self, kind: &str, caller: &Caller) -> NewEvent {
        let mut event = NewEvent::new(&format!("{KIND}{kind}"), self.clock.now_ms());
        event.actor = "kernel".to_owned();
        event.instance = caller.instance;
        event.definition = caller.definition;
        event.element.clone_from(&caller.element);
        event.data = json!({"model": self.inner.name(), "purpose": caller.purpose});
        event
    }

    /// Asks the budgets and opens a call; `event` says what all its ends have in common.
    async fn begin(&self, caller: &Caller, estimate: Amount, event: NewEvent) -> Result<Open, llm::Error> {
        let budgets = self.purse.budgets();
        let limited = budgets.process_tokens.is_some() || budgets.process_cost.is_some();
        if let Some(instance) = caller.instance.filter(|key| limited && !self.purse.knows(*key)) {
            match self.spent(Some(instance), 0).await {
                Ok(spent) => self.purse.remember(instance, spent),
                Err(error) => tracing::warn!(instance, %error, "what an instance spent could not be read"),
            }
        }
        match self.purse.reserve(self.day(), caller.instance.filter(|_| limited), estimate) {
            Ok(reservation) => Ok(Open {
                trail: Arc::clone(&self.trail),
                purse: Arc::clone(&self.purse),
                under_way: Some((reservation, estimate, event)),
            }),
            Err(error) => {
                self.end_badly(event, "refused", &error).await;
                Err(error)
            }
        }
    }

    /// Closes a call with what it used and adds what it gave to its event.
    async fn end(&self, mut open: Open, used: Amount, more: &[(&str, Value)]) {
        let Some((reservation, _, mut event)) = open.under_way.take() else { return };
        self.purse.settle(reservation, used);
        add(&mut event, &[("tokens", json!(used.tokens)), ("cost", json!(used.cost))]);
        add(&mut event, more);
        write(&*self.trail, event).await;
    }

    async fn fail(&self, mut open: Open, error: &llm::Error) {
        let Some((reservation, _, event)) = open.under_way.take() else { return };
        self.purse.settle(reservation, Amount::default());
        self.end_badly(event, "failed", error).await;
    }

    async fn end_badly(&self, mut event: NewEvent, how: &str, error: &llm::Error) {
        event.kind = format!("{KIND}{how}");
        add(&mut event, &[("code", json!(error.code())), ("message", json!(error.to_string()))]);
        write(&*self.trail, event).await;
    }

    async fn ask(&self, request: ChatRequest, listener: Option<Listener>) -> Result<ChatAnswer, llm::Error> {
        let mut event = self.event("called", &request.caller);
        let messages = serde_json::to_value(&request.messages).unwrap_or_default();
        let schema = request.schema.as_ref().map(|schema| &schema.schema);
        let prompt = trail::canonical_json(&json!({"messages": messages, "schema": schema}));
        add(
            &mut event,
            &[
                ("prompt_sha256", json!(hash(&prompt))),
                (
                    "parameters",
                    json!({
                        "model": request.model, "temperature": request.temperature, "seed": request.seed,
                        "max_tokens": request.max_tokens, "samples": request.samples,
                        "schema": request.schema.as_ref().map(|schema| &schema.name),
                    }),
                ),
            ],
        );
        let open = self.begin(&request.caller.clone(), self.inner.estimate(&request), event).await?;
        let asked = match listener {
            Some(listener) => self.inner.chat_heard(request, listener).await,
            None => self.inner.chat(request).await,
        };
        match &asked {
            Ok(answer) => {
                let usage = answer.usage;
                let used = Amount { tokens: usage.input_tokens + usage.output_tokens, cost: answer.cost };
                let answers: Vec<Value> = answer.samples.iter().map(told).collect();
                let more = [
                    ("answered_by", json!(answer.model)),
                    ("fingerprint", json!(answer.fingerprint)),
                    ("answers", json!(answers)),
                    ("failures", json!(answer.failures.len())),
                    ("input_tokens", json!(usage.input_tokens)),
                    ("cached_tokens", json!(usage.cached_tokens)),
                    ("output_tokens", json!(usage.output_tokens)),
                    ("requests", json!(answer.requests)),
                    ("elapsed_ms", json!(answer.elapsed_ms)),
                ];
                self.end(open, used, &more).await;
            }
            Err(error) => self.fail(open, error).await,
        }
        asked
    }
}

/// An answer for the trail: how it ended, its hash, and itself where it is short.
fn told(sample: &llm::Sample) -> Value {
    let text = sample.content.text();
    let mut told = json!({
        "ending": sample.content.ending(), "sha256": hash(&text), "seed": sample.seed, "repairs": sample.repairs,
    });
    if text.len() <= ANSWER_BYTES
        && let Some(told) = told.as_object_mut()
    {
        told.insert("text".to_owned(), json!(text));
    }
    told
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn add(event: &mut NewEvent, more: &[(&str, Value)]) {
    if let Some(data) = event.data.as_object_mut() {
        data.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
}

/// A trail that cannot be written must not undo an answer that was paid for.
async fn write(trail: &dyn Trail, event: NewEvent) {
    if let Err(error) = trail.append(vec![event]).await {
        tracing::warn!(%error, "a call of a model could not be written down");
    }
}

#[async_trait]
impl Model for Metered {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn estimate(&self, request: &ChatRequest) -> Amount {
        self.inner.estimate(request)
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, llm::Error> {
        self.ask(request, None).await
    }

    async fn chat_heard(&self, request: ChatRequest, listener: Listener) -> Result<ChatAnswer, llm::Error> {
        self.ask(request, Some(listener)).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings, llm::Error> {
        self.embed_for(texts, &Caller::default()).await
    }

    async fn embed_for(&self, texts: &[String], caller: &Caller) -> Result<Embeddings, llm::Error> {
        let bytes: usize = texts.iter().map(String::len).sum();
        let estimate = Amount { tokens: bytes as u64 / 4, cost: 0.0 };
        let mut event = self.event("embedded", caller);
        add(
            &mut event,
            &[("texts", json!(texts.len())), ("prompt_sha256", json!(hash(&texts.join("\u{0}"))))],
        );
        let open = self.begin(caller, estimate, event).await?;
        let begun = Instant::now();
        let found = self.inner.embed_for(texts, caller).await;
        match &found {
            Ok(vectors) => {
                let used = Amount { tokens: vectors.usage.input_tokens, cost: vectors.cost };
                let elapsed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let more = [("answered_by", json!(vectors.model)), ("elapsed_ms", json!(elapsed))];
                self.end(open, used, &more).await;
            }
            Err(error) => self.fail(open, error).await,
        }
        found
    }

    async fn transcribe(&self, audio: Audio) -> Result<Transcript, llm::Error> {
        let mut event = self.event("transcribed", &Caller::default());
        let sound = hex::encode(Sha256::digest(&audio.bytes));
        add(&mut event, &[("bytes", json!(audio.bytes.len())), ("prompt_sha256", json!(sound))]);
        let open = self.begin(&Caller::default(), Amount::default(), event).await?;
        let heard = self.inner.transcribe(audio).await;
        match &heard {
            Ok(transcript) => {
                let more = [
                    ("answered_by", json!(transcript.model)),
                    ("answer_sha256", json!(hash(&transcript.text))),
                ];
                self.end(open, Amount::default(), &more).await;
            }
            Err(error) => self.fail(open, error).await,
        }
        heard
    }

    async fn probe(&self) -> Vec<Probe> {
        self.inner.probe().await
    }
}
