//! Jobs in memory: which are ready, in which order they are handed out, who holds which, and which wait.
//!
//! | place | meaning | leaves it by |
//! | --- | --- | --- |
//! | ready | may be leased | a lease |
//! | delayed | failed and backing off | its time |
//! | leasing | its lease is being written | the commit, or its failure |
//! | leased | somebody holds it | completion, failure, the lease's end |
//! | parked | no retries left: an incident | resolution of the incident |
//! | held | its instance is suspended | resumption |
//! | user | a person's task, never leased | completion by a person |
//!
//! Order: priority, then turn. Each ready job takes the turn after its instance's last one, but not before the turn
//! that is being served: an instance with ten thousand jobs does not keep another one's first job waiting.
//!
//! A million jobs may wait: element ids and types are shared, and variables are kept as text, for as many jobs as have
//! room in [`VARIABLES_KEPT_LIMIT`]; those of the others are read when they are leased.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bpmn::program::{ExecutedBy, JobKind, TaskSpec, Variables};

use super::deployed::Deployed;
use super::live::{key_of, split_key};
use crate::Error;
use crate::limits::{self, VARIABLES_KEPT_LIMIT};
use crate::port::{ActivateJobs, Held, Job, JobFilter};
use crate::store::{InstanceOutline, JobLease, JobOutline, StoredJob};

/// What a job needs to know of its instance.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) seed: u64,
    pub(crate) dry_run: bool,
    pub(crate) business_key: Option<Box<str>>,
}

impl Meta {
    /// Of an instance read from the store.
    pub(crate) fn new(outline: InstanceOutline, deployed: Arc<Deployed>) -> Self {
        let InstanceOutline { seed, dry_run, business_key, .. } = outline;
        Self { deployed, seed, dry_run, business_key: business_key.map(String::into_boxed_str) }
    }
}

/// A job that a command makes or makes anew.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) job: StoredJob,
    /// Its element instance; of a job that is known already, that one.
    pub(crate) element: Option<u32>,
    pub(crate) meta: Arc<Meta>,
}

type Rank = (Reverse<i64>, u64, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With its turn.
    Ready(u64),
    Delayed(i64),
    Leasing,
    Leased(i64),
    Parked,
    Held,
    User,
}

#[derive(Debug)]
struct Entry {
    meta: Arc<Meta>,
    /// The variables as JSON: a map takes several times as much room. `None`: only the store has them.
    variables: Option<Box<str>>,
    node: Arc<str>,
    job_type: Option<Arc<str>>,
    worker: Option<Box<str>>,
    assignee: Option<Box<str>>,
    lease_until_ms: Option<i64>,
    not_before_ms: i64,
    created_ms: i64,
    priority: i64,
    place: Place,
    attempt: u32,
    visit: u32,
    retries: u32,
    /// Element instance, where it is known: the store does not keep it.
    element: Option<u32>,
    kind: JobKind,
}

impl Entry {
    fn outline(&self, key: i64) -> JobOutline {
        JobOutline {
            key,
            instance: split_key(key).0,
            definition: self.meta.deployed.definition.key,
            element: self.node.as_ref().to_owned(),
            kind: self.kind,
            job_type: self.job_type.as_deref().map(str::to_owned),
            attempt: self.attempt,
            visit: self.visit,
            retries: self.retries,
            priority: self.priority,
            worker: self.worker.as_deref().map(str::to_owned),
            lease_until_ms: self.lease_until_ms,
            not_before_ms: self.not_before_ms,
            created_ms: self.created_ms,
            assignee: self.assignee.as_deref().map(str::to_owned),
        }
    }

    fn kept_bytes(&self) -> usize {
        self.variables.as_ref().map_or(0, |text| text.len())
    }

    /// The variables, where they are kept here.
    fn variables(&self) -> Option<Variables> {
        // It was written by `insert`.
        self.variables.as_ref().map(|text| serde_json::from_str(text).unwrap_or_default())
    }
}

/// All jobs that are not ended.
#[derive(Debug, Default)]
pub(crate) struct JobIndex {
    /// By key, in which the instance comes first. Boxed: the nodes of the tree are half empty.
    entries: BTreeMap<i64, Box<Entry>>,
    /// Keys of those that the kernel executes.
    own: BTreeSet<i64>,
    ready: HashMap<Option<Arc<str>>, BTreeSet<Rank>>,
    delayed: BTreeSet<(i64, i64)>,
    leases: BTreeSet<(i64, i64)>,
    turns: HashMap<i64, u64>,
    turn: u64,
    suspended: HashSet<i64>,
    /// Element ids and job types.
    names: HashSet<Arc<str>>,
    /// Bytes of variables in `entries`.
    kept_bytes: usize,
    /// Jobs that became ready and that nobody was told of yet: instance and type.
    news: Vec<(i64, Option<Arc<str>>)>,
}

/// The outside job type of a task: none where the kernel executes it.
pub(crate) fn outside_type(spec: &TaskSpec) -> Option<String> {
    if spec.by == ExecutedBy::Undeclared { spec.job_type.clone() } else { None }
}

impl JobIndex {
    /// Adds a job, or puts a changed one in its new place.
    pub(crate) fn insert(&mut self, arrival: Arrival, now_ms: i64) {
        let Arrival { job, element, meta } = arrival;
        let known = self.entries.get(&job.key).and_then(|entry| entry.element);
        let (outline, variables) = job.parted();
        self.remove(outline.key);
        // Plain JSON always serialises.
        let text = serde_json::to_string(&variables).unwrap_or_default();
        let text = Some(text).filter(|text| self.kept_bytes + text.len() <= VARIABLES_KEPT_LIMIT);
        self.put(outline, text.map(String::into_boxed_str), element.or(known), meta, now_ms);
    }

    /// Adds a job of the former process; its variables stay where they are.
    pub(crate) fn restore(&mut self, outline: JobOutline, meta: Arc<Meta>, now_ms: i64) {
        self.put(outline, None, None, meta, now_ms);
    }

    fn put(
        &mut self,
        outline: JobOutline,
        variables: Option<Box<str>>,
        element: Option<u32>,
        meta: Arc<Meta>,
        now_ms: i64,
    ) {
        let key = outline.key;
        if outline.kind == JobKind::Service && outline.job_type.is_none() {
            self.own.insert(key);
        }
        let entry = Entry {
            meta,
            variables,
            node: self.shared(&outline.element),
            job_type: outline.job_type.as_deref().map(|job_type| self.shared(job_type)),
            worker: outline.worker.map(String::into_boxed_str),
            assignee: outline.assignee.map(String::into_boxed_str),
            lease_until_ms: outline.lease_until_ms,
            not_before_ms: outline.not_before_ms,
            created_ms: outline.created_ms,
            priority: outline.priority,
            place: Place::Parked,
            attempt: outline.attempt,
            visit: outline.visit,
            retries: outline.retries,
            element,
            kind: outline.kind,
        };
        self.kept_bytes += entry.kept_bytes();
        self.entries.insert(key, Box::new(entry));
        self.place(key, now_ms);
    }

    /// The one copy of a name.
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(name);
        self.names.insert(Arc::clone(&name));
        name
    }

    /// Puts a job where its columns say it belongs.
    fn place(&mut self, key: i64, now_ms: i64) {
        self.displace(key);
        let instance = split_key(key).0;
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.place = if entry.kind == JobKind::User {
            Place::User
        } else if entry.retries == 0 {
            Place::Parked
        } else if let (Some(_), Some(until)) = (&entry.worker, entry.lease_until_ms) {
            self.leases.insert((until, key));
            Place::Leased(until)
        } else if self.suspended.contains(&instance) {
            Place::Held
        } else if entry.not_before_ms > now_ms {
            self.delayed.insert((entry.not_before_ms, key));
            Place::Delayed(entry.not_before_ms)
        } else {
            let turn = self.turns.get(&instance).map_or(self.turn, |last| self.turn.max(last + 1));
            self.turns.insert(instance, turn);
            let rank = (Reverse(entry.priority), turn, key);
            self.ready.entry(entry.job_type.clone()).or_default().insert(rank);
            self.news.push((instance, entry.job_type.clone()));
            Place::Ready(turn)
        };
    }

    /// Jobs that became ready since this was asked last: instance and type of each.
    pub(crate) fn take_news(&mut self) -> Vec<(i64, Option<Arc<str>>)> {
        std::mem::take(&mut self.news)
    }

    /// Whether jobs of this type are ready.
    pub(crate) fn has_ready(&self, job_type: Option<&str>) -> bool {
        self.ready.keys().any(|ready| ready.as_deref() == job_type)
    }

    /// Takes a job out of whatever queue it is in.
    fn displace(&mut self, key: i64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        match std::mem::replace(&mut entry.place, Place::Leasing) {
            Place::Ready(turn) => {
                if let Some(queue) = self.ready.get_mut(&entry.job_type) {
                    queue.remove(&(Reverse(entry.priority), turn, key));
                    if queue.is_empty() {
                        self.ready.remove(&entry.job_type);
                    }
                }
            }
            Place::Delayed(at) => {
                self.delayed.remove(&(at, key));
            }
            Place::Leased(until) => {
                self.leases.remove(&(until, key));
            }
            Place::Leasing | Place::Parked | Place::Held | Place::User => {}
        }
    }

    /// Forgets a job.
    pub(crate) fn remove(&mut self, key: i64) {
        self.displace(key);
        self.own.remove(&key);
        let Some(entry) = self.entries.remove(&key) else { return };
        self.kept_bytes -= entry.kept_bytes();
        let instance = split_key(key).0;
        if self.entries_of(instance).next().is_none() {
            self.turns.remove(&instance);
        }
    }

    /// The jobs of an instance, oldest first.
    fn entries_of(&self, instance: i64) -> impl Iterator<Item = (i64, &Entry)> {
        let keys = key_of(instance, 0)..key_of(instance + 1, 0);
        self.entries.range(keys).map(|(key, entry)| (*key, entry.as_ref()))
    }

    /// Instances that have jobs for the kernel, from the first one after `after` on.
    pub(crate) fn instances_with_work(&self, after: i64, limit: usize) -> Vec<i64> {
        let mut found = Vec::new();
        let mut from = key_of(after.saturating_add(1), 0);
        while found.len() < limit
            && let Some(key) = self.own.range(from..).next()
        {
            let (instance, _) = split_key(*key);
            found.push(instance);
            from = key_of(instance + 1, 0);
        }
        found
    }

    /// Changes the lease columns of a job.
    pub(crate) fn apply(&mut self, lease: JobLease, now_ms: i64) {
        let Some(entry) = self.entries.get_mut(&lease.key) else { return };
        entry.attempt = lease.attempt;
        entry.retries = lease.retries;
        entry.worker = lease.worker.map(String::into_boxed_str);
        entry.lease_until_ms = lease.lease_until_ms;
        entry.not_before_ms = lease.not_before_ms;
        self.place(lease.key, now_ms);
    }

    /// Chooses ready jobs for a request and gives the leases to be written; they are `leasing` from now on.
    pub(crate) fn pick(&mut self, request: &ActivateJobs, now_ms: i64) -> Vec<JobLease> {
        let max = request.max.min(limits::ACTIVATION_LIMIT);
        let mut ranks: BTreeSet<Rank> = BTreeSet::new();
        let wanted = |job_type: &Option<Arc<str>>| match (&request.job_types, job_type) {
            (None, None) => true,
            (Some(types), Some(job_type)) => types.iter().any(|wanted| **wanted == **job_type),
            _ => false,
        };
        if let Some(instance) = request.instance {
            for (key, entry) in self.entries_of(instance) {
                if let Place::Ready(turn) = entry.place
                    && wanted(&entry.job_type)
                {
                    ranks.insert((Reverse(entry.priority), turn, key));
                }
            }
        } else {
            for (job_type, queue) in &self.ready {
                if wanted(job_type) {
                    ranks.extend(queue.iter().take(max));
                }
            }
        }
        let chosen: Vec<Rank> = ranks.into_iter().take(max).collect();
        chosen.into_iter().filter_map(|rank| self.take(rank, request, now_ms)).collect()
    }

    fn take(&mut self, rank: Rank, request: &ActivateJobs, now_ms: i64) -> Option<JobLease> {
        let (_, turn, key) = rank;
        self.displace(key);
        // Jobs chosen for one instance do not move the turn for all.
        if request.instance.is_none() {
            self.turn = self.turn.max(turn);
        }
        let job = self.entries.get(&key)?;
        Some(JobLease {
            key,
            attempt: job.attempt + 1,
            retries: job.retries,
            worker: Some(request.worker.clone()),
            lease_until_ms: Some(now_ms.saturating_add(request.lease_ms)),
            not_before_ms: job.not_before_ms,
        })
    }

    /// Puts jobs whose lease could not be written back in their queues.
    pub(crate) fn put_back(&mut self, keys: &[i64], now_ms: i64) {
        for key in keys {
            self.place(*key, now_ms);
        }
    }

    /// Moves jobs whose back-off is over to the ready ones; gives their instances.
    pub(crate) fn wake(&mut self, now_ms: i64) -> Vec<i64> {
        let mut woken = Vec::new();
        while let Some((at, key)) = self.delayed.first().copied() {
            if at > now_ms {
                break;
            }
            self.place(key, now_ms);
            woken.push(split_key(key).0);
        }
        woken
    }

    /// Jobs whose lease is over, with the attempt that held it.
    pub(crate) fn expired(&self, now_ms: i64) -> Vec<(i64, u32)> {
        let over = self.leases.iter().take_while(|(until, _)| *until <= now_ms);
        over.filter_map(|(_, key)| Some((*key, self.entries.get(key)?.attempt))).collect()
    }

    /// Jobs that somebody holds, with their attempts: after a start, all of a former boot.
    pub(crate) fn held(&self) -> Vec<(i64, u32)> {
        self.expired(i64::MAX)
    }

    /// When something is to be done next: a back-off or a lease ends.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let delayed = self.delayed.first().map(|(at, _)| *at);
        let lease = self.leases.first().map(|(until, _)| *until);
        [delayed, lease].into_iter().flatten().min()
    }

    /// Refuses an attempt that does not hold the lease.
    pub(crate) fn check_lease(&self, key: i64, attempt: u32) -> Result<(), Error> {
        match self.entries.get(&key).map(|entry| (entry.place, entry.attempt)) {
            Some((Place::Leased(_), holds)) if holds == attempt => Ok(()),
            _ => Err(Error::Stale { key, attempt }),
        }
    }

    /// The job without its variables, if this attempt holds its lease.
    pub(crate) fn leased(&self, key: i64, attempt: u32) -> Result<JobOutline, Error> {
        self.check_lease(key, attempt)?;
        self.get(key).ok_or(Error::Stale { key, attempt })
    }

    /// The job without its variables, whoever holds it.
    pub(crate) fn get(&self, key: i64) -> Option<JobOutline> {
        self.entries.get(&key).map(|entry| entry.outline(key))
    }

    /// Attempts of a job that have begun.
    pub(crate) fn attempt(&self, key: i64) -> Option<u32> {
        self.entries.get(&key).map(|entry| entry.attempt)
    }

    /// Who holds a job for outside workers.
    pub(crate) fn held_by(&self, key: i64) -> Option<Held> {
        let entry = self.entries.get(&key)?;
        let worker = entry.worker.as_deref().map(str::to_owned);
        entry.job_type.as_ref().map(|_| Held { attempt: entry.attempt, worker })
    }

    /// A job as everybody sees it; without variables where only the store has them.
    pub(crate) fn view(&self, key: i64) -> Option<Job> {
        self.entries.get(&key).map(|entry| view(key, entry))
    }

    /// Those of these jobs whose variables only the store has.
    pub(crate) fn unkept(&self, keys: impl Iterator<Item = i64>) -> Vec<i64> {
        let unkept = |key: &i64| self.entries.get(key).is_some_and(|entry| entry.variables.is_none());
        keys.filter(unkept).collect()
    }

    /// The open user task without its variables.
    pub(crate) fn user_task(&self, key: i64) -> Result<JobOutline, Error> {
        match self.get(key) {
            Some(job) if job.kind == JobKind::User => Ok(job),
            Some(_) => Err(Error::Conflict(format!("job {key} is no user task; answer it with its attempt"))),
            None => Err(Error::NotFound { what: "open user task", id: key.to_string() }),
        }
    }

    /// Whether a lease of one of the instance's jobs is being written.
    pub(crate) fn is_leasing(&self, instance: i64) -> bool {
        self.entries_of(instance).any(|(_, entry)| entry.place == Place::Leasing)
    }

    /// The jobs of an instance without their variables, oldest first.
    pub(crate) fn all_of(&self, instance: i64) -> Vec<JobOutline> {
        self.entries_of(instance).map(|(key, entry)| entry.outline(key)).collect()
    }

    /// Takes the jobs of an instance out of their queues: none is leased until it is put back or inserted again.
    pub(crate) fn withhold(&mut self, instance: i64) {
        for key in self.of(instance) {
            self.displace(key);
        }
    }

    /// The variables of a job, where they are kept here.
    pub(crate) fn variables(&self, key: i64) -> Option<Variables> {
        self.entries.get(&key).and_then(|entry| entry.variables())
    }

    /// Keeps an instance's jobs from being leased.
    pub(crate) fn suspend(&mut self, instance: i64, now_ms: i64) {
        self.suspended.insert(instance);
        self.replace(instance, now_ms);
    }

    /// Lets an instance's jobs be leased again.
    pub(crate) fn resume(&mut self, instance: i64, now_ms: i64) {
        self.suspended.remove(&instance);
        self.replace(instance, now_ms);
    }

    /// Forgets that an instance was suspended.
    pub(crate) fn end_suspension(&mut self, instance: i64) {
        self.suspended.remove(&instance);
    }

    /// Puts an instance's jobs where they belong now; a lease that is being written finds its place by itself.
    fn replace(&mut self, instance: i64, now_ms: i64) {
        for key in self.of(instance) {
            if self.entries.get(&key).is_some_and(|entry| entry.place != Place::Leasing) {
                self.place(key, now_ms);
            }
        }
    }

    /// Keys of an instance's jobs.
    pub(crate) fn of(&self, instance: i64) -> Vec<i64> {
        self.entries_of(instance).map(|(key, _)| key).collect()
    }

    /// Jobs that match, oldest first; without variables where only the store has them.
    pub(crate) fn list(&self, filter: &JobFilter) -> Vec<Job> {
        let matches = |entry: &Entry| {
            filter.kind.is_none_or(|kind| kind == entry.kind)
                && filter.job_type.as_ref().is_none_or(|wanted| entry.job_type.as_deref() == Some(wanted))
        };
        if let Some(key) = filter.key {
            let instance = split_key(key).0;
            let fits = filter.instance.is_none_or(|wanted| wanted == instance);
            let entry = self.entries.get(&key).filter(|entry| fits && matches(entry));
            return entry.map(|entry| view(key, entry)).into_iter().collect();
        }
        let limit = limits::page(filter.limit);
        let show = |(key, entry): (i64, &Entry)| view(key, entry);
        if let Some(instance) = filter.instance {
            return self
                .entries_of(instance)
                .filter(|(_, entry)| matches(entry))
                .take(limit)
                .map(show)
                .collect();
        }
        let all = self.entries.iter().map(|(key, entry)| (*key, entry.as_ref()));
        all.filter(|(_, entry)| matches(entry)).take(limit).map(show).collect()
    }
}

fn view(key: i64, entry: &Entry) -> Job {
    let Entry { meta, .. } = entry;
    let definition = &meta.deployed.definition;
    let node = meta.deployed.node(&entry.node);
    let outline = entry.outline(key);
    Job {
        key,
        instance: outline.instance,
        definition: outline.definition,
        process_id: definition.process_id.clone(),
        version: definition.version,
        element_name: meta.deployed.name_of(&entry.node),
        element: outline.element,
        element_instance: entry.element,
        element_kind: node.map(|node| node.local_name.clone()).unwrap_or_default(),
        kind: entry.kind,
        spec: node.map(|node| node.task.clone()).unwrap_or_default(),
        variables: entry.variables().unwrap_or_default(),
        attempt: entry.attempt,
        visit: entry.visit,
        retries: entry.retries,
        priority: entry.priority,
        worker: outline.worker,
        lease_until_ms: entry.lease_until_ms,
        created_ms: entry.created_ms,
        seed: meta.seed,
        dry_run: meta.dry_run,
        business_key: meta.business_key.as_deref().map(str::to_owned),
        assignee: outline.assignee,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_waits_takes_little_room_beside_a_million_others() {
        assert!(size_of::<Entry>() <= 184, "{} bytes", size_of::<Entry>());
        assert!(size_of::<Meta>() <= 64, "{} bytes", size_of::<Meta>());
    }
}
