//! Memory is deleted and rebuilt from the trail: the same questions get the same answers.

use std::path::Path;
use std::sync::Arc;

use context::RecordedMemory;
use engine::clock::{Clock, ManualClock};
use engine::port::{DeployFile, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine};
use kernel::{Microkernel, Parts, Receiver, Relay};
use llm::scripted::ScriptedModel;
use memory::{EdgeMemory, Entry, Filter, Hit, Kind, Memory, Query};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use trail::{OutboxItem, Trail};

use super::{Rebuilt, delivered, rebuild};

struct Deliver(Arc<dyn Memory>);

#[async_trait::async_trait]
impl Receiver for Deliver {
    fn topic(&self) -> &'static str {
        "memory"
    }
    async fn deliver(&self, item: &OutboxItem) -> Result<(), String> {
        let entry = delivered(&item.key, &item.payload).ok_or("a kind nobody knows")?;
        self.0.store(vec![entry]).await.map_err(|error| error.to_string())
    }
}

const PROCESS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="t">
  <bpmn:process id="blades" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:serviceTask id="judge" name="Judge the turbine blade">
      <bpmn:extensionElements>
        <procos:task by="model"><procos:prompt>Is it cracked?</procos:prompt><procos:outcome label="sound"/>
          <procos:outcome label="cracked" success="false"/></procos:task>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:endEvent id="end"/>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="judge"/>
    <bpmn:sequenceFlow id="b" sourceRef="judge" targetRef="end"/>
  </bpmn:process>
</bpmn:definitions>"#;

/// What memory answers to some questions, scores left out: they are compared within one answer only.
async fn answers(memory: &dyn Memory) -> Vec<Vec<Entry>> {
    let mut found = Vec::new();
    for text in ["turbine blade", "cracked", "corrected", "Is it cracked?", ""] {
        let hits = memory.recall(Query::new(text).at_most(100)).await.unwrap().hits;
        let mut entries: Vec<Entry> = hits.into_iter().map(|hit: Hit| hit.entry).collect();
        if text.is_empty() {
            // The newest of one moment come in the order of the store.
            entries.sort_by(|a, b| a.id.cmp(&b.id));
        }
        found.push(entries);
    }
    found
}

async fn open(place: &Path) -> Arc<dyn Memory> {
    Arc::new(EdgeMemory::open(place, None).await.unwrap())
}

#[tokio::test]
async fn a_deleted_memory_comes_back_from_the_trail_and_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("memory");
    let clock = ManualClock::at(1_700_000_000_000);
    let store = Arc::new(MemoryStore::new());
    let engine = Arc::new(Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap());
    let now: context::Now = Arc::new({
        let clock = clock.clone();
        move || clock.now_ms()
    });
    let inner = open(&place).await;
    let memory: Arc<dyn Memory> = Arc::new(RecordedMemory::new(inner.clone(), store.clone(), now.clone()));
    let model = ScriptedModel::saying(&[r#"{"outcome": "sound"}"#]);
    let mut parts = Parts::new(engine.clone(), Arc::new(clock.clone())).unwrap();
    parts.model = Some(Arc::new(context::RememberedModel::new(Arc::new(model), memory.clone(), now)));
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
    let content = PROCESS.as_bytes().to_vec();
    engine.deploy(vec![DeployFile { name: "blades.bpmn".to_owned(), content }]).await.unwrap();
    for seed in [1, 2] {
        let process_id = Some("blades".to_owned());
        let start = StartInstance { process_id, seed, ..StartInstance::default() };
        let mut notices = engine.notices();
        let key = engine.start(start).await.unwrap();
        while engine.instance(key).await.unwrap().status != Status::Completed {
            notices.recv().await.unwrap();
        }
    }
    stop.cancel();
    kernel.await.unwrap().unwrap();
    let receiver: Arc<dyn Receiver> = Arc::new(Deliver(memory.clone()));
    Relay::new(store.clone(), vec![receiver]).deliver().await.unwrap();
    let mut note = Entry::new("note", Kind::Build, "Blade", "corrected by hand", clock.now_ms());
    note.payload = json!({"a": [1, null]});
    let secret =
        Entry { id: "secret".to_owned(), text: "cracked, but do not tell".to_owned(), ..note.clone() };
    memory.store(vec![note, secret]).await.unwrap();
    let ids = vec!["secret".to_owned()];
    memory.forget(Filter { ids, ..Filter::default() }).await.unwrap();

    let before = answers(inner.as_ref()).await;
    let count = inner.count(None).await.unwrap();
    let calls = inner.recall(Query::new("").of_kinds(&[Kind::Prompt]).at_most(100)).await.unwrap().hits.len();
    assert!(
        count >= 3 + calls && calls >= 2,
        "two tasks, their calls of the model, a note: {count}, {calls}"
    );
    drop((memory, inner));
    std::fs::remove_dir_all(&place).unwrap();

    let fresh = open(&place).await;
    let trail: &dyn Trail = store.as_ref();
    let rebuilt = rebuild(trail, fresh.as_ref()).await.unwrap();
    assert_eq!((rebuilt.entries, rebuilt.forgotten), (count, 1));
    assert_eq!(fresh.count(None).await.unwrap(), count);
    assert_eq!(answers(fresh.as_ref()).await, before);
    assert!(fresh.get("local", "secret").await.unwrap().is_none(), "what was forgotten stays forgotten");
    let again = rebuild(trail, fresh.as_ref()).await.unwrap();
    assert_eq!((again, fresh.count(None).await.unwrap()), (rebuilt, count), "doing it again changes nothing");
    assert_ne!(rebuilt, Rebuilt::default());
}
