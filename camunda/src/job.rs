//! Jobs that Camunda has handed out to us: queued for each instance, leased to workers, answered.
//!
//! | place | next |
//! | --- | --- |
//! | ready | leased, when a worker takes it; gone, when Camunda has cancelled it |
//! | leased | answering, by an answer with its attempt; ready or gone, when the lease is over |
//! | answering | gone, when the answer is recorded; leased, when it could not be recorded |

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use bpmn::program::Variables;

/// Jobs held at once; Camunda keeps the rest.
pub(crate) const JOB_LIMIT: usize = 5_000;
/// Jobs whose attempts are remembered after they left.
const ATTEMPT_LIMIT: usize = 50_000;

/// A job.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Camunda's id of the job.
    pub(crate) id: String,
    /// Its step in the history.
    pub(crate) step: String,
    pub(crate) topic: String,
    pub(crate) instance: i64,
    /// Camunda's id of the definition.
    pub(crate) definition_id: String,
    pub(crate) element: String,
    /// What the execution sees, without input mappings.
    pub(crate) variables: Variables,
    /// What ProcOS keeps with the instance.
    pub(crate) seed: Option<u64>,
    pub(crate) retries: Option<u32>,
    pub(crate) priority: i64,
    pub(crate) created_ms: i64,
    pub(crate) business_key: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) visit: u32,
    pub(crate) locked_until_ms: i64,
    pub(crate) place: Place,
}

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Ready,
    Leased { worker: String, until_ms: i64 },
    Answering,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    held: HashMap<i64, Held>,
    by_instance: HashMap<i64, BTreeSet<i64>>,
    /// Instances whose jobs wait.
    suspended: HashSet<i64>,
    attempts: HashMap<i64, u32>,
    order: VecDeque<i64>,
}

impl Jobs {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn get(&self, key: i64) -> Option<&Held> {
        self.held.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: i64) -> Option<&mut Held> {
        self.held.get_mut(&key)
    }

    /// Adds a job; its attempts go on from those it had.
    pub(crate) fn insert(&mut self, key: i64, mut job: Held) {
        job.attempt = job.attempt.max(self.attempts.get(&key).copied().unwrap_or(0));
        self.by_instance.entry(job.instance).or_default().insert(key);
        self.held.insert(key, job);
    }

    pub(crate) fn remove(&mut self, key: i64) -> Option<Held> {
        let job = self.held.remove(&key)?;
        if let Some(keys) = self.by_instance.get_mut(&job.instance) {
            keys.remove(&key);
            if keys.is_empty() {
                self.by_instance.remove(&job.instance);
            }
        }
        Some(job)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn remove_instance(&mut self, instance: i64) {
        self.suspended.remove(&instance);
        for key in self.by_instance.remove(&instance).unwrap_or_default() {
            self.held.remove(&key);
        }
    }

    /// Lets the jobs of an instance wait, or no longer.
    pub(crate) fn suspend(&mut self, instance: i64, suspended: bool) {
        if suspended {
            self.suspended.insert(instance);
        } else {
            self.suspended.remove(&instance);
        }
    }

    /// The jobs of an instance belong to another definition, some to elements with other ids.
    pub(crate) fn migrate(
        &mut self,
        instance: i64,
        definition_id: &str,
        elements: &BTreeMap<String, String>,
    ) {
        for key in self.by_instance.get(&instance).into_iter().flatten() {
            let Some(job) = self.held.get_mut(key) else { continue };
            definition_id.clone_into(&mut job.definition_id);
            if let Some(element) = elements.get(&job.element) {
                job.element.clone_from(element);
            }
        }
    }

    pub(crate) fn of(&self, instance: i64) -> impl Iterator<Item = (i64, &Held)> {
        let keys = self.by_instance.get(&instance).into_iter().flatten();
        keys.filter_map(|key| Some((*key, self.held.get(key)?)))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, &Held)> {
        self.held.iter().map(|(key, job)| (*key, job))
    }

    /// Leases ready jobs with this topic, of one instance or all: the highest priority first, then the oldest.
    pub(crate) fn lease(
        &mut self,
        topic: &str,
        instance: Option<i64>,
        max: usize,
        worker: &str,
        until_ms: i64,
    ) -> Vec<(i64, Held)> {
        let is_ready = |job: &Held| {
            job.place == Place::Ready && job.topic == topic && !self.suspended.contains(&job.instance)
        };
        let mut ready: Vec<(i64, i64, i64)> = match instance {
            Some(instance) => self
                .of(instance)
                .filter(|(_, job)| is_ready(job))
                .map(|(key, job)| (-job.priority, job.created_ms, key))
                .collect(),
            None => self
                .all()
                .filter(|(_, job)| is_ready(job))
                .map(|(key, job)| (-job.priority, job.created_ms, key))
                .collect(),
        };
        ready.sort_unstable();
        ready.truncate(max);
        let mut leased = Vec::with_capacity(ready.len());
        for (_, _, key) in ready {
            let Some(job) = self.held.get_mut(&key) else { continue };
            job.attempt += 1;
            job.place = Place::Leased { worker: worker.to_owned(), until_ms };
            leased.push((key, job.clone()));
        }
        for (key, job) in &leased {
            self.remember(*key, job.attempt);
        }
        leased
    }

    /// Leases one job, whatever its topic.
    pub(crate) fn lease_one(&mut self, key: i64, worker: &str, until_ms: i64) -> Option<Held> {
        let job = self.held.get_mut(&key).filter(|job| job.place == Place::Ready)?;
        job.attempt += 1;
        job.place = Place::Leased { worker: worker.to_owned(), until_ms };
        let leased = job.clone();
        self.remember(key, leased.attempt);
        Some(leased)
    }

    fn remember(&mut self, key: i64, attempt: u32) {
        if self.attempts.insert(key, attempt).is_none() {
            self.order.push_back(key);
            if self.order.len() > ATTEMPT_LIMIT
                && let Some(oldest) = self.order.pop_front()
            {
                self.attempts.remove(&oldest);
            }
        }
    }

    /// The job, if it is leased with this attempt.
    pub(crate) fn leased(&mut self, key: i64, attempt: u32) -> Option<&mut Held> {
        let job = self.held.get_mut(&key)?;
        (job.attempt == attempt && matches!(job.place, Place::Leased { .. })).then_some(job)
    }
}
