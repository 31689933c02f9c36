//! What the outbox delivers to: the ontology's record of runs, and memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use das::bootstrap::{ScoreLine, ScoreSource};
use engine::port::Instance;
use kernel::{Receiver, ScoreFilter, Scores};
use memory::Memory;
use ontology::{Ontology, RunRecord, RunScore};
use parking_lot::Mutex;
use trail::{OutboxItem, PendingItem};

use super::Assembly;

/// Scores that one bootstrap reads for a process and its tasks.
const SCORES_OF_PROCESS: usize = 200;

/// What an item says that tells of the end of an instance.
const INSTANCE_ENDED: &str = "instance_ended";

/// All receivers of an assembly.
pub(super) fn all(assembly: &Assembly) -> Vec<Arc<dyn Receiver>> {
    vec![Arc::new(Runs::of(assembly)), Arc::new(Remember(Arc::clone(&assembly.memory)))]
}

/// Runs and scores go into the graph.
pub(super) struct Runs {
    ontology: Arc<Ontology>,
    scores: Arc<dyn Scores>,
    /// System and score of the processes of the runs that are being delivered: read once for all runs of a process.
    known: Mutex<HashMap<String, (String, Option<RunScore>)>>,
}

#[async_trait]
impl Receiver for Runs {
    fn topic(&self) -> &'static str {
        "ontology"
    }

    async fn expect(&self, items: &[PendingItem]) {
        let payloads = items.iter().map(|pending| &pending.item.payload);
        let ended = payloads.filter(|payload| payload["what"].as_str() == Some(INSTANCE_ENDED));
        self.know(ended.filter_map(|payload| payload["process_id"].as_str())).await;
    }

    async fn deliver(&self, item: &OutboxItem) -> Result<(), String> {
        let payload = &item.payload;
        // Task results come by this topic too; the graph keeps whole runs.
        if payload["what"].as_str() != Some(INSTANCE_ENDED) {
            return Ok(());
        }
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        self.record(RunRecord {
            key: item.key.clone(),
            process_id: text("process_id"),
            definition: payload["definition"].as_i64(),
            instance: payload["instance"].as_i64().unwrap_or_default(),
            state: text("status"),
            started_ms: payload["started_ms"].as_i64().unwrap_or_default(),
            ended_ms: payload["ended_ms"].as_i64(),
            ..RunRecord::default()
        })
        .await
    }
}

impl Runs {
    pub(super) fn of(assembly: &Assembly) -> Self {
        Self { ontology: Arc::clone(&assembly.ontology), scores: assembly.scores(), known: Mutex::default() }
    }

    /// Reads system and score of these processes for the runs that are recorded next.
    pub(super) async fn know(&self, process_ids: impl Iterator<Item = &str>) {
        let process_ids: BTreeSet<&str> = process_ids.collect();
        let mut known = HashMap::new();
        for process_id in process_ids {
            // What cannot be read now is read with the run itself, which says why it cannot.
            if let Ok(found) = self.read(process_id).await {
                known.insert(process_id.to_owned(), found);
            }
        }
        *self.known.lock() = known;
    }

    /// Records an instance that has ended, by the same key as the outbox does.
    pub(super) async fn record_instance(&self, instance: &Instance) -> Result<(), String> {
        let state = serde_json::to_value(instance.status).map_err(|error| error.to_string())?;
        self.record(RunRecord {
            key: format!("instance-{}-ended", instance.key),
            process_id: instance.process_id.clone(),
            definition: Some(instance.definition),
            instance: instance.key,
            state: state.as_str().unwrap_or_default().to_owned(),
            started_ms: instance.started_ms,
            ended_ms: instance.ended_ms,
            ..RunRecord::default()
        })
        .await
    }

    /// Adds the system and the score as it is now, or was when the delivery began.
    async fn record(&self, run: RunRecord) -> Result<(), String> {
        let known = self.known.lock().get(&run.process_id).cloned();
        let (system, score) = match known {
            Some(known) => known,
            None => self.read(&run.process_id).await?,
        };
        self.ontology.record_run(RunRecord { system, score, ..run });
        Ok(())
    }

    /// System and score of a process.
    async fn read(&self, process_id: &str) -> Result<(String, Option<RunScore>), String> {
        let subject = Some(process_id.to_owned());
        let filter = ScoreFilter { kind: Some("process".to_owned()), subject, ..ScoreFilter::default() };
        let rows = self.scores.scores(&filter).await.map_err(|error| error.to_string())?;
        let score = rows.first().map(|row| {
            let score = row.score();
            let (attempts, successes) = (score.attempts, score.successes);
            RunScore { attempts, successes, average: score.average, low: score.low, high: score.high }
        });
        Ok((system_of(&self.ontology, process_id), score))
    }
}

/// The system a process belongs to; empty where it belongs to none.
fn system_of(ontology: &Ontology, process_id: &str) -> String {
    let has = |system: &ontology::SystemSummary| {
        let found = ontology.processes(&system.name).unwrap_or_default();
        found.iter().any(|process| process.process_id == process_id)
    };
    ontology.systems().into_iter().find(has).map(|system| system.name).unwrap_or_default()
}

/// What is worth remembering goes into memory.
struct Remember(Arc<dyn Memory>);

#[async_trait]
impl Receiver for Remember {
    fn topic(&self) -> &'static str {
        "memory"
    }

    async fn deliver(&self, item: &OutboxItem) -> Result<(), String> {
        let entry = das::recollection::delivered(&item.key, &item.payload)
            .ok_or_else(|| format!("{} is of a kind that memory does not know", item.key))?;
        self.0.store(vec![entry]).await.map_err(|error| error.to_string())
    }
}

/// Scores of processes and their tasks, as a bootstrap reports them.
pub(super) struct ProcessScores(pub(super) Arc<dyn Scores>);

#[async_trait]
impl ScoreSource for ProcessScores {
    async fn scores(&self, process_ids: &[String]) -> Result<Vec<ScoreLine>, das::Error> {
        let mut lines = Vec::new();
        for process in process_ids {
            for (kind, prefix) in [("process", process.clone()), ("task", format!("{process}/"))] {
                let filter = ScoreFilter {
                    kind: Some(kind.to_owned()),
                    subject: (kind == "process").then(|| prefix.clone()),
                    subject_prefix: (kind == "task").then_some(prefix),
                    limit: SCORES_OF_PROCESS,
                };
                let rows =
                    self.0.scores(&filter).await.map_err(|error| das::Error::Stopped(error.to_string()))?;
                lines.extend(rows.iter().map(|row| {
                    let score = row.score();
                    ScoreLine {
                        subject: row.subject.clone(),
                        attempts: score.attempts,
                        successes: score.successes,
                        average: score.average,
                        low: score.low,
                        high: score.high,
                    }
                }));
            }
        }
        Ok(lines)
    }
}
