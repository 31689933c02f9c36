//! A [`Store`] in memory, with its trail and outbox: for tests, dry runs and sandboxes.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bpmn::program::Variables;
use parking_lot::Mutex;
use tokio::sync::watch;
use trail::{
    Event, Filter, GENESIS, NewEvent, Outbox, OutboxItem, PendingItem, Trail, Verification, Verifier,
};

use crate::port::{Attempt, DecisionRequirements, Definition, Instance, InstanceFilter, TaskRun};
use crate::store::{
    Commit, JobLease, ScoreCount, ScoreFilter, Store, StoredFollowUp, StoredInstance, StoredJob,
    StoredMessage, StoredSubscription, StoredTimer, Waiting,
};
use crate::{Error, limits};

/// Keeps everything in memory; gone with the value.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    /// Whether commits wait; who waits listens to it.
    hold: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Tables {
    last_key: i64,
    definitions: BTreeMap<i64, (Definition, String)>,
    decisions: BTreeMap<i64, (DecisionRequirements, String)>,
    instances: BTreeMap<i64, StoredInstance>,
    jobs: BTreeMap<i64, StoredJob>,
    timers: BTreeMap<(i64, u32), StoredTimer>,
    subscriptions: BTreeMap<(i64, u32), StoredSubscription>,
    messages: BTreeMap<i64, StoredMessage>,
    follow_ups: BTreeMap<i64, StoredFollowUp>,
    task_runs: Vec<TaskRun>,
    attempts: Vec<Attempt>,
    trail: Vec<Event>,
    outbox: BTreeMap<i64, PendingItem>,
    last_outbox: i64,
    idempotent: HashMap<String, i64>,
    refuse: bool,
    lose_answers: bool,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every commit fail (true) or succeed again (false), as a full disk does; for tests.
    pub fn refuse_commits(&self, refuse: bool) {
        self.tables.lock().refuse = refuse;
    }

    /// Makes every commit happen and yet fail (true), as a connection does that is lost while committing; for
    /// tests.
    pub fn lose_answers(&self, lose: bool) {
        self.tables.lock().lose_answers = lose;
    }

    /// Makes commits wait (true) until they may go on (false), as a slow disk does; for tests.
    pub fn hold_commits(&self, hold: bool) {
        self.hold.send_replace(hold);
    }

    /// Commits that wait.
    pub fn held_commits(&self) -> usize {
        self.hold.receiver_count()
    }
}

impl Tables {
    fn commit(&mut self, commit: Commit) -> Result<i64, Error> {
        let position = self.apply(commit)?;
        if self.lose_answers { Err(Error::Store("the answer was lost".to_owned())) } else { Ok(position) }
    }

    fn append(&mut self, events: Vec<NewEvent>) -> i64 {
        for content in events {
            let position = self.position() + 1;
            let previous_hash =
                self.trail.last().map_or_else(|| GENESIS.to_owned(), |event| event.hash.clone());
            let hash = trail::link(&previous_hash, position, &content);
            self.trail.push(Event { position, previous_hash, hash, content });
        }
        self.position()
    }

    fn position(&self) -> i64 {
        self.trail.last().map_or(0, |event| event.position)
    }

    fn push_outbox(&mut self, item: OutboxItem) {
        self.last_outbox += 1;
        let id = self.last_outbox;
        self.outbox.insert(id, PendingItem { id, attempts: 0, item });
    }

    fn lease(&mut self, lease: JobLease) {
        if let Some(job) = self.jobs.get_mut(&lease.key) {
            job.attempt = lease.attempt;
            job.retries = lease.retries;
            job.worker = lease.worker;
            job.lease_until_ms = lease.lease_until_ms;
            job.not_before_ms = lease.not_before_ms;
        }
    }

    fn apply(&mut self, commit: Commit) -> Result<i64, Error> {
        if self.refuse {
            return Err(Error::Store("the store refuses commits".to_owned()));
        }
        if let Some((key, result)) = commit.idempotent {
            if self.idempotent.contains_key(&key) {
                return Err(Error::Conflict(format!("the idempotency key {key} was used before")));
            }
            self.idempotent.insert(key, result);
        }
        self.definitions.extend(commit.definitions.into_iter().map(|pair| (pair.0.key, pair)));
        self.decisions.extend(commit.decisions.into_iter().map(|pair| (pair.0.key, pair)));
        self.instances.extend(commit.instances.into_iter().map(|one| (one.instance.key, one)));
        self.jobs.extend(commit.jobs.into_iter().map(|job| (job.key, job)));
        for lease in commit.leases {
            self.lease(lease);
        }
        for key in commit.ended_jobs {
            self.jobs.remove(&key);
        }
        for key in commit.ended_timers {
            self.timers.remove(&key);
        }
        self.timers.extend(commit.timers.into_iter().map(|timer| ((timer.instance, timer.number), timer)));
        for key in commit.ended_subscriptions {
            self.subscriptions.remove(&key);
        }
        self.subscriptions
            .extend(commit.subscriptions.into_iter().map(|one| ((one.instance, one.number), one)));
        self.messages.extend(commit.messages.into_iter().map(|message| (message.key, message)));
        for key in commit.ended_messages {
            self.messages.remove(&key);
        }
        self.follow_ups.extend(commit.follow_ups.into_iter().map(|one| (one.key, one)));
        for key in commit.ended_follow_ups {
            self.follow_ups.remove(&key);
        }
        self.task_runs.extend(commit.task_runs);
        self.attempts.extend(commit.attempts);
        for item in commit.outbox {
            self.push_outbox(item);
        }
        Ok(self.append(commit.events))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<i64, Error> {
        if *self.hold.borrow() {
            let mut may_go_on = self.hold.subscribe();
            // The sender lives as long as the store.
            may_go_on.wait_for(|hold| !*hold).await.ok();
        }
        self.tables.lock().commit(commit)
    }

    async fn reserve_keys(&self, count: u32) -> Result<i64, Error> {
        let mut tables = self.tables.lock();
        let first = tables.last_key + 1;
        tables.last_key += i64::from(count);
        Ok(first)
    }

    async fn definitions(&self) -> Result<Vec<(Definition, String)>, Error> {
        Ok(self.tables.lock().definitions.values().cloned().collect())
    }

    async fn decisions(&self) -> Result<Vec<(DecisionRequirements, String)>, Error> {
        Ok(self.tables.lock().decisions.values().cloned().collect())
    }

    async fn load_instance(&self, key: i64) -> Result<Option<StoredInstance>, Error> {
        Ok(self.tables.lock().instances.get(&key).cloned())
    }

    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error> {
        let limit = limits::page(filter.limit);
        let tables = self.tables.lock();
        let matches = |instance: &&Instance| {
            filter.process_id.as_ref().is_none_or(|id| *id == instance.process_id)
                && filter.definition.is_none_or(|key| key == instance.definition)
                && filter.status.is_none_or(|status| status == instance.status)
                && filter.started_since_ms.is_none_or(|since| instance.started_ms >= since)
                && filter.started_before_ms.is_none_or(|before| instance.started_ms < before)
                && filter
                    .before
                    .is_none_or(|last| (instance.key > last) == filter.oldest_first && instance.key != last)
        };
        let all = tables.instances.values().map(|stored| &stored.instance);
        Ok(if filter.oldest_first {
            all.filter(matches).take(limit).cloned().collect()
        } else {
            all.rev().filter(matches).take(limit).cloned().collect()
        })
    }

    async fn load_waiting(&self) -> Result<Waiting, Error> {
        let tables = self.tables.lock();
        Ok(Waiting {
            jobs: tables.jobs.values().cloned().collect(),
            timers: tables.timers.values().copied().collect(),
            subscriptions: tables.subscriptions.values().cloned().collect(),
            messages: tables.messages.values().cloned().collect(),
            follow_ups: tables.follow_ups.values().cloned().collect(),
        })
    }

    async fn job_variables(&self, keys: &[i64]) -> Result<Vec<(i64, Variables)>, Error> {
        let tables = self.tables.lock();
        let found = keys.iter().filter_map(|key| Some((*key, tables.jobs.get(key)?.variables.clone())));
        Ok(found.collect())
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<i64>, Error> {
        Ok(self.tables.lock().idempotent.get(key).copied())
    }

    async fn task_runs(&self, instance: i64) -> Result<Vec<TaskRun>, Error> {
        Ok(self.tables.lock().task_runs.iter().filter(|run| run.instance == instance).cloned().collect())
    }

    async fn score_counts(&self, filter: &ScoreFilter) -> Result<Vec<ScoreCount>, Error> {
        let tables = self.tables.lock();
        let mut counts: BTreeMap<(&str, &str), ScoreCount> = BTreeMap::new();
        for attempt in &tables.attempts {
            if filter.subject_kind.as_ref().is_some_and(|kind| *kind != attempt.subject_kind)
                || filter.subject.as_ref().is_some_and(|subject| *subject != attempt.subject)
            {
                continue;
            }
            counts.entry((&attempt.subject_kind, &attempt.subject)).or_default().add(attempt);
        }
        Ok(counts.into_values().collect())
    }

    async fn version_counts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<ScoreCount>, Error> {
        let tables = self.tables.lock();
        let mut counts: BTreeMap<i32, ScoreCount> = BTreeMap::new();
        for attempt in
            tables.attempts.iter().filter(|one| one.subject_kind == subject_kind && one.subject == subject)
        {
            if let Some(version) = attempt.version {
                counts.entry(version).or_default().add(attempt);
            }
        }
        let versions = counts.into_iter().rev().take(limit);
        Ok(versions.map(|(version, count)| ScoreCount { version: Some(version), ..count }).collect())
    }

    async fn attempts(&self, subject_kind: &str, subject: &str, limit: usize) -> Result<Vec<Attempt>, Error> {
        let tables = self.tables.lock();
        let matching = tables
            .attempts
            .iter()
            .rev()
            .filter(|attempt| attempt.subject_kind == subject_kind && attempt.subject == subject);
        Ok(matching.take(limit).cloned().collect())
    }
}

impl ScoreCount {
    fn add(&mut self, attempt: &Attempt) {
        self.subject_kind.clone_from(&attempt.subject_kind);
        self.subject.clone_from(&attempt.subject);
        self.attempts += 1;
        self.successes += u64::from(attempt.success);
        self.duration_ms = self.duration_ms.saturating_add(attempt.duration_ms);
        self.cost += attempt.cost;
        self.last_ms = self.last_ms.max(attempt.at_ms);
    }
}

#[async_trait]
impl Trail for MemoryStore {
    async fn append(&self, events: Vec<NewEvent>) -> Result<i64, trail::Error> {
        Ok(self.tables.lock().append(events))
    }

    async fn read(&self, filter: &Filter, after: i64, limit: usize) -> Result<Vec<Event>, trail::Error> {
        let tables = self.tables.lock();
        let later = tables.trail.iter().filter(|event| event.position > after);
        Ok(later.filter(|event| filter.matches(&event.content)).take(limit).cloned().collect())
    }

    async fn read_back(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Event>, trail::Error> {
        let tables = self.tables.lock();
        let earlier = tables.trail.iter().rev().filter(|event| event.position < before);
        Ok(earlier.filter(|event| filter.matches(&event.content)).take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<i64, trail::Error> {
        Ok(self.tables.lock().position())
    }

    async fn verify(&self) -> Result<Verification, trail::Error> {
        let mut verifier = Verifier::default();
        for event in &self.tables.lock().trail {
            if !verifier.push(event) {
                break;
            }
        }
        Ok(verifier.finish())
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn pending(&self, topic: &str, limit: usize) -> Result<Vec<PendingItem>, trail::Error> {
        let tables = self.tables.lock();
        Ok(tables.outbox.values().filter(|one| one.item.topic == topic).take(limit).cloned().collect())
    }

    async fn delivered(&self, ids: &[i64]) -> Result<(), trail::Error> {
        let mut tables = self.tables.lock();
        for id in ids {
            tables.outbox.remove(id);
        }
        Ok(())
    }

    async fn failed(&self, id: i64, _reason: &str) -> Result<(), trail::Error> {
        if let Some(item) = self.tables.lock().outbox.get_mut(&id) {
            item.attempts += 1;
        }
        Ok(())
    }
}
