//! Watching, with a scripted trail on an engine in memory and a clock moved by hand.

mod capturing;
mod finding;
mod machine;
mod offering;
mod people;
mod policies;
mod prompts;
mod real_runs;
mod summarising;
mod waiting;

use std::sync::Arc;

use async_trait::async_trait;
use context::{DirectApproval, VolatilePrompts};
use engine::clock::ManualClock;
use engine::port::{Attempt, DeployFile};
use engine::store::Commit;
use engine::{Embedded, MemoryStore};
use serde_json::{Value, json};
use trail::NewEvent;

use super::*;
use crate::proposals::{Proposal, ProposalState, VolatileProposals};
use crate::records::VolatileRecords;

pub(super) const START_MS: i64 = 1_700_000_000_000;
pub(super) const DAY_MS: i64 = 86_400_000;

/// Memory that only stores and gives back.
#[derive(Default)]
pub(super) struct Shelf(pub(super) Mutex<Vec<memory::Entry>>);

#[async_trait]
impl Memory for Shelf {
    async fn store(&self, entries: Vec<memory::Entry>) -> Result<(), memory::Error> {
        let mut kept = self.0.lock();
        for entry in entries {
            kept.retain(|one| one.id != entry.id);
            kept.push(entry);
        }
        Ok(())
    }

    async fn recall(&self, query: memory::Query) -> Result<memory::Recall, memory::Error> {
        let kept = self.0.lock();
        let fitting = kept
            .iter()
            .filter(|entry| query.kinds.is_empty() || query.kinds.contains(&entry.kind))
            .filter(|entry| query.source.as_ref().is_none_or(|source| entry.source == *source));
        let hits = fitting.take(query.limit).map(|entry| memory::Hit { entry: entry.clone(), score: 1.0 });
        Ok(memory::Recall { hits: hits.collect(), degraded: None })
    }

    async fn get(&self, _: &str, id: &str) -> Result<Option<memory::Entry>, memory::Error> {
        Ok(self.0.lock().iter().find(|entry| entry.id == id).cloned())
    }

    async fn forget(&self, filter: memory::Filter) -> Result<usize, memory::Error> {
        let mut kept = self.0.lock();
        let before = kept.len();
        kept.retain(|entry| {
            let of_source = filter.source.as_ref().is_none_or(|source| entry.source == *source);
            !(of_source && filter.before_ms.is_none_or(|before| entry.at_ms < before))
        });
        Ok(before - kept.len())
    }

    async fn count(&self, _: Option<memory::Kind>) -> Result<usize, memory::Error> {
        Ok(self.0.lock().len())
    }
}

/// A machine whose state is set by hand.
pub(super) struct Dial(pub(super) Mutex<Sample>);

#[async_trait]
impl Machine for Dial {
    async fn sample(&self, now_ms: i64) -> Sample {
        Sample { at_ms: now_ms, ..self.0.lock().clone() }
    }
}

/// An engine, its trail, a watcher.
pub(super) struct Bed {
    pub(super) store: Arc<MemoryStore>,
    pub(super) engine: Arc<Embedded>,
    pub(super) clock: ManualClock,
    pub(super) proposals: Arc<VolatileProposals>,
    pub(super) offers: Arc<VolatileOffers>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) records: Arc<VolatileRecords>,
    pub(super) people: People,
    pub(super) contexts: ContextManager,
    pub(super) machine: Arc<Dial>,
    pub(super) deps: WatchDeps,
    pub(super) watcher: Watcher,
    instances: std::sync::atomic::AtomicI64,
}

impl Bed {
    pub(super) async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = ManualClock::at(START_MS);
        let engine = Arc::new(Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap());
        let (proposals, offers) = (Arc::<VolatileProposals>::default(), Arc::<VolatileOffers>::default());
        let shelf = Arc::<Shelf>::default();
        let records = Arc::<VolatileRecords>::default();
        let people = People::new(records.clone(), shelf.clone(), Arc::new(clock.clone()));
        let contexts = ContextManager::new(
            Arc::new(VolatilePrompts::default()),
            Arc::new(DirectApproval::alone()),
            store.clone(),
        );
        let ok = Health { ok: true, ..Health::default() };
        let fine = Sample { engine: ok.clone(), memory: ok, ..Sample::default() };
        let machine = Arc::new(Dial(Mutex::new(fine)));
        let deps = WatchDeps {
            engine: engine.clone(),
            store: store.clone(),
            trail: store.clone(),
            ontology: None,
            memory: Some(shelf.clone()),
            proposals: proposals.clone(),
            offers: offers.clone(),
            machine: Some(machine.clone()),
            vitals: Vitals::default(),
            records: records.clone(),
            people: Some(people.clone()),
            policies: Some(Policies::new(records.clone())),
            deciding: Some(Deciding {
                engine: engine.clone(),
                proposals: proposals.clone(),
                offers: offers.clone(),
                contexts: Some(contexts.clone()),
                building: None,
                clock: Arc::new(clock.clone()),
            }),
            contexts: Some(contexts.clone()),
            model: None,
            clock: Arc::new(clock.clone()),
        };
        let watcher = Watcher::new(deps.clone());
        let instances = std::sync::atomic::AtomicI64::new(1_000_000);
        Self {
            store,
            engine,
            clock,
            proposals,
            offers,
            shelf,
            records,
            people,
            contexts,
            machine,
            deps,
            watcher,
            instances,
        }
    }

    pub(super) async fn deploy(&self, xml: &str) -> i64 {
        let file = DeployFile { name: "test.bpmn".to_owned(), content: xml.as_bytes().to_vec() };
        self.engine.deploy(vec![file]).await.unwrap()[0].key
    }

    /// Looks after enough time has passed.
    pub(super) async fn look(&self) -> Looked {
        self.clock.advance(FIND_EVERY_MS);
        self.watcher.look().await.unwrap()
    }

    pub(super) async fn open(&self) -> Vec<Offer> {
        let all = self.offers.list().await.unwrap();
        all.into_iter().filter(|offer| offer.state == OfferState::Open).collect()
    }

    pub(super) async fn append(
        &self,
        kind: &str,
        definition: i64,
        instance: i64,
        element: Option<&str>,
        data: Value,
    ) {
        let event = NewEvent {
            definition: Some(definition),
            instance: Some(instance),
            element: element.map(str::to_owned),
            data,
            ..NewEvent::new(kind, self.deps.clock.now_ms())
        };
        self.store.append(vec![event]).await.unwrap();
    }

    /// One instance in which the task does as told by `events`, and that completes.
    pub(super) async fn instance(&self, definition: i64, element: &str, events: &[(&str, Value)]) {
        let key = self.instances.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.append("instance.started", definition, key, None, json!({"event": "instance_started"})).await;
        for (kind, data) in events {
            self.append(kind, definition, key, Some(element), data.clone()).await;
        }
        self.append("instance.completed", definition, key, None, Value::Null).await;
    }

    /// Attempts of a subject, oldest first.
    pub(super) async fn attempts(&self, kind: &str, subject: &str, version: i32, outcomes: &[bool]) {
        let one = |success: &bool| Attempt {
            subject_kind: kind.to_owned(),
            subject: subject.to_owned(),
            version: Some(version),
            success: *success,
            instance: None,
            duration_ms: 1,
            cost: 0.0,
            at_ms: START_MS,
            actor: "tde".to_owned(),
        };
        let commit = Commit { attempts: outcomes.iter().map(one).collect(), ..Commit::default() };
        self.store.commit(commit).await.unwrap();
    }

    pub(super) async fn decide(
        &self,
        proposal: &str,
        state: ProposalState,
        definition: Option<i64>,
    ) -> Proposal {
        let mut decided = self.proposals.get(proposal).await.unwrap().unwrap();
        decided.state = state;
        decided.decided_ms = Some(self.deps.clock.now_ms());
        decided.definition = definition;
        let event = NewEvent::new(&format!("proposal.{}", state.as_str()), self.deps.clock.now_ms());
        self.proposals.put(&decided, event.clone()).await.unwrap();
        // In the server the event is in the same trail.
        self.store.append(vec![event]).await.unwrap();
        decided
    }
}

/// A process with one task of this content.
pub(super) fn one_task(id: &str, extension: &str) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
        targetNamespace="https://w3id.org/procos/processes"><process id="{id}" name="Process {id}" isExecutable="true">
        <startEvent id="s"/><serviceTask id="work" name="Work"><extensionElements>{extension}</extensionElements>
        </serviceTask><endEvent id="e"/><sequenceFlow id="f1" sourceRef="s" targetRef="work"/>
        <sequenceFlow id="f2" sourceRef="work" targetRef="e"/></process></definitions>"#
    )
}

/// A coin that comes down heads with probability `p`.
pub(super) fn coin(id: &str, p: &str, samples: u32) -> String {
    one_task(
        id,
        &format!(
            r#"<procos:task by="stochastic" undecided="leader"/>
            <procos:draw variable="x" distribution="uniform" low="0" high="1"/>
            <procos:outcome label="heads" when="=x &lt; {p}"/><procos:outcome label="tails"/>
            <procos:stop rule="winner" delta="0.05" samples="{samples}"/>"#
        ),
    )
}

pub(super) fn verdict(undecided: bool, samples: u64, further: Option<(u64, u64)>) -> Value {
    let further = further.map(|(high, horizon)| json!({"mean": high, "high": high, "horizon": horizon}));
    json!({"job": 1, "verdict": {"undecided": undecided, "samples": samples, "expected_further": further}})
}
