//! A schema with everything behind it in memory, and a clock that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::{Request, Response, Variables};
use async_trait::async_trait;
use context::{ContextManager, DirectApproval, VolatilePrompts};
use das::VolatileProposals;
use engine::clock::ManualClock;
use engine::store::ScoreFilter as CountFilter;
use engine::{Embedded, MemoryStore, Store};
use kernel::{Microkernel, Parts, ScoreFilter, ScoreRow, Scores};
use memory::{Entry, Filter, Hit, Kind, Memory, Query, Recall};
use ontology::{Ontology, VolatileChangeSets};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{About, Schema, State, schema};

/// When the tests begin.
pub(super) const NOW: i64 = 1_700_000_000_000;

/// Memory that finds every entry that shares a word with the query.
#[derive(Default)]
pub(super) struct Words(pub(super) Mutex<Vec<Entry>>);

#[async_trait]
impl Memory for Words {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), memory::Error> {
        self.0.lock().extend(entries);
        Ok(())
    }

    async fn recall(&self, query: Query) -> Result<Recall, memory::Error> {
        let kept = self.0.lock();
        let words: Vec<&str> = query.text.split_whitespace().collect();
        let hits = kept.iter().filter(|entry| query.kinds.is_empty() || query.kinds.contains(&entry.kind));
        let hits = hits.filter(|entry| query.source.as_ref().is_none_or(|source| entry.source == *source));
        let hits =
            hits.filter(|entry| words.is_empty() || words.iter().any(|word| entry.text.contains(word)));
        let hits = hits.take(query.limit).map(|entry| Hit { entry: entry.clone(), score: 1.0 }).collect();
        Ok(Recall { hits, degraded: None })
    }

    async fn get(&self, _: &str, id: &str) -> Result<Option<Entry>, memory::Error> {
        Ok(self.0.lock().iter().find(|entry| entry.id == id).cloned())
    }

    async fn forget(&self, filter: Filter) -> Result<usize, memory::Error> {
        let mut kept = self.0.lock();
        let before = kept.len();
        kept.retain(|entry| filter.source.as_ref().is_none_or(|source| entry.source != *source));
        Ok(before - kept.len())
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, memory::Error> {
        Ok(self.0.lock().iter().filter(|entry| kind.is_none_or(|kind| entry.kind == kind)).count())
    }
}

/// Scores from what the store counted; it counts how often it is asked.
pub(super) struct Counted {
    store: Arc<MemoryStore>,
    pub(super) asked: AtomicUsize,
}

#[async_trait]
impl Scores for Counted {
    async fn scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, kernel::Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let counts = CountFilter { subject_kind: filter.kind.clone(), subject: filter.subject.clone() };
        let rows = self.store.score_counts(&counts).await?.into_iter().map(|count| ScoreRow {
            kind: count.subject_kind,
            subject: count.subject,
            version: None,
            attempts: count.attempts,
            successes: count.successes,
            last_used_ms: count.last_ms,
            mean_duration_ms: count.duration_ms as f64 / count.attempts.max(1) as f64,
            cost: count.cost,
        });
        Ok(rows.collect())
    }
}

/// A schema and what stands behind it.
pub(super) struct Bed {
    pub(super) schema: Schema,
    pub(super) state: State,
    pub(super) scores: Arc<Counted>,
    pub(super) memory: Arc<Words>,
    stop: CancellationToken,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bed {
    pub(super) async fn new() -> Self {
        Self::with(None).await
    }

    pub(super) async fn with(model: Option<Arc<dyn llm::Model>>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let store = Arc::new(MemoryStore::new());
        let engine = Arc::new(Embedded::open(store.clone(), clock.clone()).await.unwrap());
        let parts = Arc::new(Parts::new(engine.clone(), clock.clone()).unwrap());
        let (census, templates) = (parts.census.clone(), parts.templates.clone());
        let stop = CancellationToken::new();
        tokio::spawn(Microkernel::new(parts, stop.clone()).run());
        let ontology = Arc::new(Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap());
        let contexts = ContextManager::new(
            Arc::new(VolatilePrompts::default()),
            Arc::new(DirectApproval::alone()),
            store.clone(),
        );
        let scores = Arc::new(Counted { store: store.clone(), asked: AtomicUsize::new(0) });
        let memory = Arc::new(Words::default());
        let seeds = AtomicU64::new(1);
        let records = Arc::new(das::VolatileRecords::default());
        let proposals = Arc::new(VolatileProposals::default());
        let offers = Arc::new(das::VolatileOffers::default());
        let bootstrap = das::bootstrap::Deps {
            ontology: ontology.clone(),
            engine: engine.clone(),
            clock: clock.clone(),
            scores: None,
            architectures: Vec::new(),
            history: None,
            minds: Some(das::bootstrap::Minds {
                model: model.clone(),
                contexts: contexts.clone(),
                records: records.clone(),
            }),
        };
        let state = State {
            engine: engine.clone(),
            store: store.clone(),
            trail: store,
            ontology,
            memory: memory.clone(),
            recollection: crate::Recollection { memory: memory.clone(), first: Arc::new(|_| Vec::new()) },
            contexts: contexts.clone(),
            model,
            models: std::collections::BTreeMap::new(),
            scores: scores.clone(),
            proposals: proposals.clone(),
            offers: offers.clone(),
            deciding: das::proposals::Deciding {
                engine: engine.clone(),
                proposals,
                offers,
                contexts: Some(contexts),
                building: Some(bootstrap.clone()),
                clock: clock.clone(),
            },
            policies: das::Policies::new(records.clone()),
            people: das::watch::People::new(records, memory.clone(), clock.clone()),
            vitals: das::watch::Vitals::default(),
            machine: None,
            census,
            templates,
            bootstrap,
            trade: Arc::default(),
            jobs: crate::Jobs::default(),
            clock,
            seeds: Arc::new(move || seeds.fetch_add(1, Ordering::SeqCst)),
            about: About { version: "0.0.0".to_owned(), database: "memory".to_owned(), ..About::default() },
        };
        Self { schema: schema(state.clone()), state, scores, memory, stop }
    }

    pub(super) async fn send(&self, query: &str, variables: Value) -> Response {
        let request = Request::new(query).variables(Variables::from_json(variables));
        self.schema.execute(request).await
    }

    /// The data of a request that has no errors.
    pub(super) async fn ask(&self, query: &str, variables: Value) -> Value {
        let response = self.send(query, variables).await;
        assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
        response.data.into_json().unwrap()
    }

    /// Code, message and hint of the first error of a request that has one.
    pub(super) async fn refusal(&self, query: &str, variables: Value) -> (String, String, String) {
        let response = self.send(query, variables).await;
        let error =
            response.errors.first().unwrap_or_else(|| panic!("no error: {query}: {:?}", response.data));
        let shown = serde_json::to_value(error).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let extensions = &shown["extensions"];
        (text(&extensions["code"]), text(&shown["message"]), text(&extensions["hint"]))
    }

    /// Deploys a process and gives its key.
    pub(super) async fn deploy(&self, xml: &str) -> String {
        let input = json!({"fileName": "test.bpmn", "xml": xml});
        let data = self
            .ask(
                "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }",
                json!({ "input": input }),
            )
            .await;
        data["deployProcess"]["definitions"][0]["key"].as_str().unwrap().to_owned()
    }

    /// Starts the newest version of a process and gives the key of the instance.
    pub(super) async fn start(&self, process: &str, variables: Value) -> String {
        let input = json!({"processId": process, "variables": variables, "seed": "7"});
        let data = self
            .ask(
                "mutation($input: StartProcessInput!) { startProcess(input: $input) { key } }",
                json!({ "input": input }),
            )
            .await;
        data["startProcess"]["key"].as_str().unwrap().to_owned()
    }

    /// Waits until an instance has this status.
    pub(super) async fn reaches(&self, instance: &str, status: &str) {
        let query = "query($key: Key!) { processInstance(key: $key) { status incidents { message } } }";
        let mut seen = Value::Null;
        for _ in 0..600 {
            seen = self.ask(query, json!({ "key": instance })).await;
            if seen["processInstance"]["status"] == status {
                return;
            }
            // Gives the kernel's tasks a turn; the engine's clock stands still.
            tokio::time::timeout(Duration::from_millis(10), self.state.engine.notices().recv()).await.ok();
        }
        panic!("{instance} is not {status}: {seen}");
    }

    /// Waits until an instance waits for a person.
    pub(super) async fn waits_for_a_person(&self, instance: &str) {
        for _ in 0..600 {
            let seen = self
                .ask("query($key: Key!) { userTasks(instance: $key) { key } }", json!({ "key": instance }));
            if !seen.await["userTasks"].as_array().is_none_or(Vec::is_empty) {
                return;
            }
            // Gives the kernel's tasks a turn; the engine's clock stands still.
            tokio::time::timeout(Duration::from_millis(10), self.state.engine.notices().recv()).await.ok();
        }
        panic!("{instance} does not wait for a person");
    }
}
