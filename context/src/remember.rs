//! Every model call reaches memory, and everything memory holds is in the trail, so that memory can be rebuilt from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use llm::{Audio, Caller, Capabilities, ChatAnswer, ChatRequest, Embeddings, Model, Role, Transcript};
use memory::{Entry, Filter, Kind, Memory, Query};
use serde_json::{Value, json};
use trail::{NewEvent, Trail};

/// Kind of the trail event that holds an entry that was stored.
pub const STORED: &str = "memory.stored";

/// Kind of the trail event that holds what was forgotten.
pub const FORGOTTEN: &str = "memory.forgotten";

/// Sources of entries that are made again from elsewhere: task events of the trail, and what comes with the program.
const DERIVED: [&str; 3] = ["trail", "starting set", "sample"];

/// Characters of a prompt, and of an answer, that are remembered of a call.
const CALL_CHARACTERS: usize = 8_000;

/// Characters of the title of a call.
const TITLE_CHARACTERS: usize = 80;

/// Gives the time, milliseconds since the Unix epoch.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Memory whose entries stand in the trail before they are stored; what was forgotten stands there too.
#[derive(Clone)]
pub struct RecordedMemory {
    inner: Arc<dyn Memory>,
    trail: Arc<dyn Trail>,
    now: Now,
}

impl RecordedMemory {
    /// Records what goes into `inner`, by this clock.
    #[must_use]
    pub fn new(inner: Arc<dyn Memory>, trail: Arc<dyn Trail>, now: Now) -> Self {
        Self { inner, trail, now }
    }

    async fn note(&self, kind: &str, subjects: Vec<(Option<String>, Value)>) -> Result<(), memory::Error> {
        let at_ms = (self.now)();
        let event = |(subject, data)| NewEvent { subject, data, ..NewEvent::new(kind, at_ms) };
        let events: Vec<NewEvent> = subjects.into_iter().map(event).collect();
        if events.is_empty() {
            return Ok(());
        }
        let failed = |error: trail::Error| memory::Error::Store {
            place: "the trail".to_owned(),
            detail: error.to_string(),
        };
        self.trail.append(events).await.map(|_| ()).map_err(failed)
    }
}

#[async_trait]
impl Memory for RecordedMemory {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), memory::Error> {
        let own = entries.iter().filter(|entry| !DERIVED.contains(&entry.source.as_str()));
        let noted = own.map(|entry| (Some(format!("memory:{}", entry.id)), json!(entry))).collect();
        self.note(STORED, noted).await?;
        self.inner.store(entries).await
    }

    async fn recall(&self, query: Query) -> Result<memory::Recall, memory::Error> {
        self.inner.recall(query).await
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, memory::Error> {
        self.inner.get(organisation, id).await
    }

    async fn forget(&self, filter: Filter) -> Result<usize, memory::Error> {
        let forgotten = self.inner.forget(filter.clone()).await?;
        self.note(FORGOTTEN, vec![(None, json!(filter))]).await?;
        Ok(forgotten)
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, memory::Error> {
        self.inner.count(kind).await
    }

    fn notice(&self) -> Option<String> {
        self.inner.notice()
    }
}

/// A model whose calls go into memory, whoever makes them: what was asked, what came back or went wrong, and what it
/// cost. Memory that is down does not stop a call.
///
/// Embeddings are left out: they are memory's own index, and remembering them would ask for more of them.
pub struct RememberedModel {
    inner: Arc<dyn Model>,
    memory: Arc<dyn Memory>,
    now: Now,
    calls: AtomicU64,
}

impl RememberedModel {
    /// Remembers calls of `inner`, by this clock.
    #[must_use]
    pub fn new(inner: Arc<dyn Model>, memory: Arc<dyn Memory>, now: Now) -> Self {
        Self { inner, memory, now, calls: AtomicU64::new(0) }
    }

    async fn remember(&self, kind: Kind, asked: &str, text: &str, payload: Value) {
        let at_ms = (self.now)();
        // Two calls of one millisecond stay apart by their number.
        let id = format!("model-call/{at_ms}/{}", self.calls.fetch_add(1, Ordering::Relaxed));
        let first = asked.lines().find(|line| !line.trim().is_empty()).unwrap_or("(nothing)");
        let title: String = first.trim().chars().take(TITLE_CHARACTERS).collect();
        let mut entry = Entry::new(&id, kind, &title, text, at_ms);
        entry.source = "model call".to_owned();
        entry.payload = payload;
        if let Err(error) = self.memory.store(vec![entry]).await {
            tracing::warn!(%error, "a call of a model could not be remembered");
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CALL_CHARACTERS).collect()
}

#[async_trait]
impl Model for RememberedModel {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, llm::Error> {
        let asked: Vec<String> = request.messages.iter().map(|message| message.content.clone()).collect();
        let question = request.messages.iter().rev().find(|message| message.role == Role::User);
        let question = question.map(|message| message.content.clone()).unwrap_or_default();
        let mut payload = json!({
            "type": "model_call", "model": request.model.as_deref().unwrap_or(self.inner.name()),
            "temperature": request.temperature, "seed": request.seed, "samples": request.samples,
            "form": request.schema.as_ref().map(|schema| &schema.name),
        });
        let answered = self.inner.chat(request).await;
        let asked = cut(&asked.join("\n\n"));
        match &answered {
            Ok(answer) => {
                let said: Vec<String> = answer.samples.iter().map(|sample| sample.content.text()).collect();
                payload["answers"] = answer
                    .samples
                    .iter()
                    .map(|sample| json!({"ending": sample.content.ending(), "text": cut(&sample.content.text())}))
                    .collect();
                payload["failures"] = json!(answer.failures);
                payload["usage"] = json!(answer.usage);
                payload["cost"] = json!(answer.cost);
                payload["elapsed_ms"] = json!(answer.elapsed_ms);
                let text = format!("{asked}\n\nAnswer:\n{}", cut(&said.join("\n\n")));
                self.remember(Kind::Prompt, &question, &text, payload).await;
            }
            Err(error) => {
                payload["code"] = json!(error.code());
                payload["message"] = json!(error.to_string());
                let text = format!("{asked}\n\nError {}: {error}", error.code());
                self.remember(Kind::Error, &question, &text, payload).await;
            }
        }
        answered
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings, llm::Error> {
        self.inner.embed(texts).await
    }

    async fn embed_for(&self, texts: &[String], caller: &Caller) -> Result<Embeddings, llm::Error> {
        self.inner.embed_for(texts, caller).await
    }

    async fn transcribe(&self, audio: Audio) -> Result<Transcript, llm::Error> {
        let name = audio.file_name.clone();
        let heard = self.inner.transcribe(audio).await;
        match &heard {
            Ok(transcript) => {
                let payload = json!({"type": "model_call", "model": transcript.model, "recording": name});
                self.remember(Kind::Prompt, &transcript.text, &cut(&transcript.text), payload).await;
            }
            Err(error) => {
                let payload = json!({
                    "type": "model_call", "model": self.inner.name(), "recording": name, "code": error.code(),
                });
                let text =
                    format!("The recording {name} could not be transcribed. Error {}: {error}", error.code());
                self.remember(Kind::Error, &text, &text, payload).await;
            }
        }
        heard
    }
}
