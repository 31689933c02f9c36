//! Calls of a model reach memory, and what memory holds reaches the trail first.

use std::sync::Arc;

use async_trait::async_trait;
use llm::scripted::ScriptedModel;
use llm::{ChatRequest, Message, Model};
use memory::{Entry, Filter, Kind, Memory, Query, Recall};
use parking_lot::Mutex;
use serde_json::json;
use trail::Trail;

use super::Notes;
use crate::{FORGOTTEN, RecordedMemory, RememberedModel, STORED};

#[derive(Default)]
struct Kept(Mutex<Vec<Entry>>, bool);

#[async_trait]
impl Memory for Kept {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), memory::Error> {
        if self.1 {
            return Err(memory::Error::Store { place: "here".into(), detail: "down".into() });
        }
        self.0.lock().extend(entries);
        Ok(())
    }
    async fn recall(&self, _: Query) -> Result<Recall, memory::Error> {
        Ok(Recall::default())
    }
    async fn get(&self, _: &str, _: &str) -> Result<Option<Entry>, memory::Error> {
        Ok(None)
    }
    async fn forget(&self, _: Filter) -> Result<usize, memory::Error> {
        Ok(1)
    }
    async fn count(&self, _: Option<Kind>) -> Result<usize, memory::Error> {
        Ok(self.0.lock().len())
    }
}

fn now() -> crate::Now {
    Arc::new(|| 42)
}

#[tokio::test]
async fn a_call_its_answer_and_its_failure_are_remembered() {
    let memory = Arc::new(Kept::default());
    let model = Arc::new(ScriptedModel::saying(&["because it is light"]));
    let model = RememberedModel::new(model, Arc::clone(&memory) as Arc<dyn Memory>, now());
    let ask = |text: &str| ChatRequest::new(vec![Message::system("Be brief."), Message::user(text)]);
    model.chat(ask("Why does it fly?")).await.unwrap();
    model.chat(ask("Why does it fly?")).await.unwrap();
    model
        .transcribe(llm::Audio { file_name: "a.ogg".into(), bytes: Default::default(), language: None })
        .await
        .ok();
    let kept = memory.0.lock().clone();
    assert_eq!(kept.len(), 3, "each call is an entry of its own");
    assert_ne!(kept[0].id, kept[1].id);
    assert_eq!((kept[0].title.as_str(), kept[0].kind, kept[0].at_ms), ("Why does it fly?", Kind::Prompt, 42));
    assert!(kept[0].text.contains("Be brief.") && kept[0].text.contains("because it is light"));
    assert_eq!(kept[0].payload["answers"][0]["text"], "because it is light");
    let empty = model.chat(ChatRequest::new(Vec::new())).await;
    if let Err(error) = empty {
        let last = memory.0.lock().last().unwrap().clone();
        assert_eq!((last.kind, &last.payload["code"]), (Kind::Error, &json!(error.code())));
    }
}

#[tokio::test]
async fn memory_that_is_down_stops_no_call() {
    let memory = Arc::new(Kept(Mutex::default(), true));
    let model = RememberedModel::new(Arc::new(ScriptedModel::saying(&["yes"])), memory, now());
    assert_eq!(model.chat(ChatRequest::new(vec![Message::user("?")])).await.unwrap().samples.len(), 1);
}

#[tokio::test]
async fn what_is_stored_and_forgotten_stands_in_the_trail() {
    let notes = Arc::new(Notes::default());
    let inner = Arc::new(Kept::default());
    let memory = RecordedMemory::new(
        Arc::clone(&inner) as Arc<dyn Memory>,
        Arc::clone(&notes) as Arc<dyn Trail>,
        now(),
    );
    let mut derived = Entry::new("task/1/1", Kind::TaskLog, "t", "x", 1);
    derived.source = "trail".to_owned();
    let own = Entry::new("note", Kind::Build, "t", "by hand", 1);
    memory.store(vec![derived, own.clone()]).await.unwrap();
    let filter = Filter { ids: vec!["note".to_owned()], ..Filter::default() };
    memory.forget(filter.clone()).await.unwrap();
    let events = notes.0.lock().clone();
    assert_eq!(events.len(), 2, "what comes from task events is in the trail already");
    assert_eq!((events[0].kind.as_str(), &events[0].data), (STORED, &json!(own)));
    assert_eq!((events[1].kind.as_str(), &events[1].data), (FORGOTTEN, &json!(filter)));
    assert_eq!(inner.count(None).await.unwrap(), 2);
}
