//! Batched reads: what many nodes of one answer need from a port is asked for once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use engine::ProcessEngine;
use engine::port::{Definition, Incident, InstanceState, TaskRun};
use futures::stream::{self, StreamExt, TryStreamExt};
use kernel::{ScoreFilter, ScoreRow, Scores};

use crate::{Error, State};

/// Score rows read at once.
const SCORES_LIMIT: usize = 10_000;
/// Instances whose runs or states are read at the same time.
const READS_AT_ONCE: usize = 8;

/// What a loader gives: failures are shared among all who wait.
type Loaded<T> = Result<T, Arc<Error>>;

/// The loaders of a schema. They batch and do not cache: an answer is never older than its request.
pub(crate) struct Loaders {
    definitions: DataLoader<Definitions>,
    newest: DataLoader<Newest>,
    scores: DataLoader<ScoreRows>,
    states: DataLoader<States>,
    task_runs: DataLoader<TaskRuns>,
    incidents: DataLoader<Incidents>,
}

impl Loaders {
    pub(crate) fn new(state: &State) -> Self {
        let engine = || Arc::clone(&state.engine);
        Self {
            definitions: DataLoader::new(Definitions(engine()), tokio::spawn),
            newest: DataLoader::new(Newest(engine()), tokio::spawn),
            scores: DataLoader::new(ScoreRows(Arc::clone(&state.scores)), tokio::spawn),
            states: DataLoader::new(States(engine()), tokio::spawn),
            task_runs: DataLoader::new(TaskRuns(Arc::clone(&state.store)), tokio::spawn),
            incidents: DataLoader::new(Incidents(engine()), tokio::spawn),
        }
    }

    /// One definition by key.
    pub(crate) async fn definition(&self, key: i64) -> Loaded<Option<Definition>> {
        self.definitions.load_one(key).await
    }

    /// The newest version of a process.
    pub(crate) async fn newest_definition(&self, process_id: &str) -> Loaded<Option<Definition>> {
        self.newest.load_one(process_id.to_owned()).await
    }

    /// The score of a subject.
    pub(crate) async fn score(&self, kind: &str, subject: &str) -> Loaded<Option<ScoreRow>> {
        self.scores.load_one((kind.to_owned(), subject.to_owned())).await
    }

    /// Where an instance stands.
    pub(crate) async fn state(&self, instance: i64) -> Loaded<InstanceState> {
        Ok(self.states.load_one(instance).await?.unwrap_or_default())
    }

    /// How the tasks of an instance were executed.
    pub(crate) async fn task_runs(&self, instance: i64) -> Loaded<Vec<TaskRun>> {
        Ok(self.task_runs.load_one(instance).await?.unwrap_or_default())
    }

    /// Open incidents of an instance.
    pub(crate) async fn incidents(&self, instance: i64) -> Loaded<Vec<Incident>> {
        Ok(self.incidents.load_one(instance).await?.unwrap_or_default())
    }
}

fn shared<E: Into<Error>>(error: E) -> Arc<Error> {
    Arc::new(error.into())
}

struct Definitions(Arc<dyn ProcessEngine>);

impl Loader<i64> for Definitions {
    type Value = Definition;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[i64]) -> Loaded<HashMap<i64, Definition>> {
        if let [key] = keys {
            return match self.0.definition(*key).await {
                Ok(found) => Ok(HashMap::from([(*key, found)])),
                Err(engine::Error::NotFound { .. }) => Ok(HashMap::new()),
                Err(error) => Err(shared(error)),
            };
        }
        let all = self.0.definitions().await.map_err(shared)?;
        Ok(all
            .into_iter()
            .filter(|found| keys.contains(&found.key))
            .map(|found| (found.key, found))
            .collect())
    }
}

struct Newest(Arc<dyn ProcessEngine>);

impl Loader<String> for Newest {
    type Value = Definition;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[String]) -> Loaded<HashMap<String, Definition>> {
        let mut newest: HashMap<String, Definition> = HashMap::new();
        for found in self.0.definitions().await.map_err(shared)? {
            let is_newer = newest.get(&found.process_id).is_none_or(|known| known.version < found.version);
            if is_newer && ids.contains(&found.process_id) {
                newest.insert(found.process_id.clone(), found);
            }
        }
        Ok(newest)
    }
}

struct ScoreRows(Arc<dyn Scores>);

impl Loader<(String, String)> for ScoreRows {
    type Value = ScoreRow;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[(String, String)]) -> Loaded<HashMap<(String, String), ScoreRow>> {
        let mut kinds: Vec<&str> = keys.iter().map(|(kind, _)| kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut found = HashMap::new();
        for kind in kinds {
            let mut subjects = keys.iter().filter(|(of, _)| of == kind).map(|(_, subject)| subject);
            let one = match (subjects.next(), subjects.next()) {
                (Some(subject), None) => Some(subject.clone()),
                _ => None,
            };
            let filter = ScoreFilter {
                kind: Some(kind.to_owned()),
                subject: one,
                subject_prefix: None,
                limit: SCORES_LIMIT,
            };
            for row in self.0.scores(&filter).await.map_err(shared)? {
                found.insert((row.kind.clone(), row.subject.clone()), row);
            }
        }
        Ok(found)
    }
}

struct States(Arc<dyn ProcessEngine>);

impl Loader<i64> for States {
    type Value = InstanceState;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[i64]) -> Loaded<HashMap<i64, InstanceState>> {
        stream::iter(keys.to_vec())
            .map(|key| async move { self.0.state(key).await.map(|state| (key, state)).map_err(shared) })
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await
    }
}

struct TaskRuns(Arc<dyn engine::Store>);

impl Loader<i64> for TaskRuns {
    type Value = Vec<TaskRun>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[i64]) -> Loaded<HashMap<i64, Vec<TaskRun>>> {
        stream::iter(keys.to_vec())
            .map(|key| async move { self.0.task_runs(key).await.map(|runs| (key, runs)).map_err(shared) })
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await
    }
}

struct Incidents(Arc<dyn ProcessEngine>);

impl Loader<i64> for Incidents {
    type Value = Vec<Incident>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[i64]) -> Loaded<HashMap<i64, Vec<Incident>>> {
        let one = match keys {
            [key] => Some(*key),
            _ => None,
        };
        let mut found: HashMap<i64, Vec<Incident>> = HashMap::new();
        for incident in self.0.incidents(one).await.map_err(shared)? {
            if keys.contains(&incident.instance) {
                found.entry(incident.instance).or_default().push(incident);
            }
        }
        Ok(found)
    }
}
