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

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bpmn::program::{ExecutedBy, JobKind, TaskSpec, Variables};

use super::deployed::Deployed;
use super::live::{key_of, split_key};
use crate::port::{ActivateJobs, Job, JobFilter};
use crate::store::{InstanceOutline, JobLease, StoredJob};
use crate::{Error, limits};

/// What a job needs to know of its instance.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) seed: u64,
    pub(crate) dry_run: bool,
    pub(crate) business_key: Option<String>,
}

impl Meta {
    /// Of an instance read from the store.
    pub(crate) fn new(outline: InstanceOutline, deployed: Arc<Deployed>) -> Self {
        let InstanceOutline { seed, dry_run, business_key, .. } = outline;
        Self { deployed, seed, dry_run, business_key }
    }
}

type Rank = (Reverse<i64>, u64, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ready(Rank),
    Delayed(i64),
    Leasing,
    Leased(i64),
    Parked,
    Held,
    User,
}

#[derive(Debug)]
struct Entry {
    /// The job without its variables.
    job: StoredJob,
    /// The variables as JSON: a job may wait for long beside a million others, and a map takes several times as much room.
    variables: Box<str>,
    meta: Arc<Meta>,
    place: Place,
}

impl Entry {
    fn new(mut job: StoredJob, meta: Arc<Meta>) -> Self {
        // Plain JSON always serialises.
        let variables = serde_json::to_string(&std::mem::take(&mut job.variables)).unwrap_or_default();
        Self { job, variables: variables.into(), meta, place: Place::Parked }
    }

    fn variables(&self) -> Variables {
        // It was written by `new`.
        serde_json::from_str(&self.variables).unwrap_or_default()
    }
}

/// All jobs that are not ended.
#[derive(Debug, Default)]
pub(crate) struct JobIndex {
    /// By key, in which the instance comes first.
    entries: BTreeMap<i64, Entry>,
    /// Keys of those that the kernel executes.
    own: BTreeSet<i64>,
    ready: HashMap<Option<String>, BTreeSet<Rank>>,
    delayed: BTreeSet<(i64, i64)>,
    leases: BTreeSet<(i64, i64)>,
    turns: HashMap<i64, u64>,
    turn: u64,
    suspended: HashSet<i64>,
}

/// The outside job type of a task: none where the kernel executes it.
pub(crate) fn outside_type(spec: &TaskSpec) -> Option<String> {
    if spec.by == ExecutedBy::Undeclared { spec.job_type.clone() } else { None }
}

impl JobIndex {
    /// Adds a job, or puts a changed one in its new place. True when it became ready.
    pub(crate) fn insert(&mut self, job: StoredJob, meta: Arc<Meta>, now_ms: i64) -> bool {
        self.remove(job.key);
        let key = job.key;
        if job.kind == JobKind::Service && job.job_type.is_none() {
            self.own.insert(key);
        }
        self.entries.insert(key, Entry::new(job, meta));
        self.place(key, now_ms)
    }

    /// Puts a job where its columns say it belongs. True when it became ready.
    fn place(&mut self, key: i64, now_ms: i64) -> bool {
        self.displace(key);
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let job = &entry.job;
        entry.place = if job.kind == JobKind::User {
            Place::User
        } else if job.retries == 0 {
            Place::Parked
        } else if let (Some(_), Some(until)) = (&job.worker, job.lease_until_ms) {
            self.leases.insert((until, key));
            Place::Leased(until)
        } else if self.suspended.contains(&job.instance) {
            Place::Held
        } else if job.not_before_ms > now_ms {
            self.delayed.insert((job.not_before_ms, key));
            Place::Delayed(job.not_before_ms)
        } else {
            let turn = self.turns.get(&job.instance).map_or(self.turn, |last| self.turn.max(last + 1));
            self.turns.insert(job.instance, turn);
            let rank = (Reverse(job.priority), turn, key);
            self.ready.entry(job.job_type.clone()).or_default().insert(rank);
            Place::Ready(rank)
        };
        matches!(entry.place, Place::Ready(_))
    }

    /// Takes a job out of whatever queue it is in.
    fn displace(&mut self, key: i64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        match std::mem::replace(&mut entry.place, Place::Leasing) {
            Place::Ready(rank) => {
                if let Some(queue) = self.ready.get_mut(&entry.job.job_type) {
                    queue.remove(&rank);
                    if queue.is_empty() {
                        self.ready.remove(&entry.job.job_type);
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
        let instance = entry.job.instance;
        if self.entries_of(instance).next().is_none() {
            self.turns.remove(&instance);
        }
    }

    /// The jobs of an instance, oldest first.
    fn entries_of(&self, instance: i64) -> impl Iterator<Item = (i64, &Entry)> {
        let keys = key_of(instance, 0)..key_of(instance + 1, 0);
        self.entries.range(keys).map(|(key, entry)| (*key, entry))
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

    /// Changes the lease columns of a job. True when it became ready.
    pub(crate) fn apply(&mut self, lease: JobLease, now_ms: i64) -> bool {
        let Some(entry) = self.entries.get_mut(&lease.key) else { return false };
        let job = &mut entry.job;
        job.attempt = lease.attempt;
        job.retries = lease.retries;
        job.worker = lease.worker;
        job.lease_until_ms = lease.lease_until_ms;
        job.not_before_ms = lease.not_before_ms;
        self.place(lease.key, now_ms)
    }

    /// Chooses ready jobs for a request and gives the leases to be written; they are `leasing` from now on.
    pub(crate) fn pick(&mut self, request: &ActivateJobs, now_ms: i64) -> Vec<JobLease> {
        let max = request.max.min(limits::ACTIVATION_LIMIT);
        let mut ranks: BTreeSet<Rank> = BTreeSet::new();
        let wanted = |job_type: &Option<String>| match (&request.job_types, job_type) {
            (None, None) => true,
            (Some(types), Some(job_type)) => types.contains(job_type),
            _ => false,
        };
        if let Some(instance) = request.instance {
            for (_, entry) in self.entries_of(instance) {
                if let Entry { job, place: Place::Ready(rank), .. } = entry
                    && wanted(&job.job_type)
                {
                    ranks.insert(*rank);
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
        let job = &self.entries.get(&key)?.job;
        Some(JobLease {
            key,
            attempt: job.attempt + 1,
            retries: job.retries,
            worker: Some(request.worker.clone()),
            lease_until_ms: Some(now_ms.saturating_add(request.lease_ms)),
            not_before_ms: job.not_before_ms,
        })
    }

    /// Puts jobs whose lease could not be written back in their queues. True when one is ready again.
    pub(crate) fn put_back(&mut self, keys: &[i64], now_ms: i64) -> bool {
        let mut ready = false;
        for key in keys {
            ready |= self.place(*key, now_ms);
        }
        ready
    }

    /// Moves jobs whose back-off is over to the ready ones; gives their instances.
    pub(crate) fn wake(&mut self, now_ms: i64) -> Vec<i64> {
        let mut woken = Vec::new();
        while let Some((at, key)) = self.delayed.first().copied() {
            if at > now_ms {
                break;
            }
            self.place(key, now_ms);
            if let Some(entry) = self.entries.get(&key) {
                woken.push(entry.job.instance);
            }
        }
        woken
    }

    /// Jobs whose lease is over, with the attempt that held it.
    pub(crate) fn expired(&self, now_ms: i64) -> Vec<(i64, u32)> {
        let over = self.leases.iter().take_while(|(until, _)| *until <= now_ms);
        over.filter_map(|(_, key)| Some((*key, self.entries.get(key)?.job.attempt))).collect()
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

    /// The job without its variables, if this attempt holds its lease.
    pub(crate) fn leased(&self, key: i64, attempt: u32) -> Result<&StoredJob, Error> {
        match self.entries.get(&key) {
            Some(Entry { job, place: Place::Leased(_), .. }) if job.attempt == attempt => Ok(job),
            _ => Err(Error::Stale { key, attempt }),
        }
    }

    /// The job without its variables, whoever holds it.
    pub(crate) fn get(&self, key: i64) -> Option<&StoredJob> {
        self.entries.get(&key).map(|entry| &entry.job)
    }

    /// The job with its variables.
    pub(crate) fn whole(&self, key: i64) -> Option<StoredJob> {
        self.entries.get(&key).map(whole)
    }

    /// A job as everybody sees it.
    pub(crate) fn view(&self, key: i64) -> Option<Job> {
        self.entries.get(&key).map(view)
    }

    /// The open user task without its variables.
    pub(crate) fn user_task(&self, key: i64) -> Result<&StoredJob, Error> {
        match self.get(key) {
            Some(job) if job.kind == JobKind::User => Ok(job),
            Some(_) => Err(Error::Conflict(format!("job {key} is no user task; answer it with its attempt"))),
            None => Err(Error::NotFound { what: "open user task", id: key.to_string() }),
        }
    }

    /// All jobs of an instance; none while a lease of one of them is being written.
    pub(crate) fn settled(&self, instance: i64) -> Option<Vec<StoredJob>> {
        let entries = self.entries_of(instance);
        entries.map(|(_, entry)| (entry.place != Place::Leasing).then(|| whole(entry))).collect()
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

    /// Jobs that match, oldest first.
    pub(crate) fn list(&self, filter: &JobFilter) -> Vec<Job> {
        let matches = |job: &StoredJob| {
            filter.kind.is_none_or(|kind| kind == job.kind)
                && filter.job_type.as_ref().is_none_or(|wanted| job.job_type.as_ref() == Some(wanted))
        };
        if let Some(key) = filter.key {
            let fits = |entry: &&Entry| {
                filter.instance.is_none_or(|instance| instance == entry.job.instance) && matches(&entry.job)
            };
            return self.entries.get(&key).filter(fits).map(view).into_iter().collect();
        }
        let limit = limits::page(filter.limit);
        if let Some(instance) = filter.instance {
            let entries = self.entries_of(instance).map(|(_, entry)| entry);
            return entries.filter(|entry| matches(&entry.job)).take(limit).map(view).collect();
        }
        self.entries.values().filter(|entry| matches(&entry.job)).take(limit).map(view).collect()
    }
}

fn whole(entry: &Entry) -> StoredJob {
    StoredJob { variables: entry.variables(), ..entry.job.clone() }
}

fn view(entry: &Entry) -> Job {
    let Entry { job, meta, .. } = entry;
    let definition = &meta.deployed.definition;
    let node = meta.deployed.node(&job.element);
    Job {
        key: job.key,
        instance: job.instance,
        definition: job.definition,
        process_id: definition.process_id.clone(),
        version: definition.version,
        element: job.element.clone(),
        element_name: meta.deployed.name_of(&job.element),
        element_kind: node.map(|node| node.local_name.clone()).unwrap_or_default(),
        kind: job.kind,
        spec: node.map(|node| node.task.clone()).unwrap_or_default(),
        variables: entry.variables(),
        attempt: job.attempt,
        visit: job.visit,
        retries: job.retries,
        priority: job.priority,
        worker: job.worker.clone(),
        lease_until_ms: job.lease_until_ms,
        created_ms: job.created_ms,
        seed: meta.seed,
        dry_run: meta.dry_run,
        business_key: meta.business_key.clone(),
        assignee: job.assignee.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_waits_takes_little_room_beside_a_million_others() {
        assert!(size_of::<Entry>() <= 304, "{} bytes", size_of::<Entry>());
        assert!(size_of::<Meta>() <= 64, "{} bytes", size_of::<Meta>());
    }
}
