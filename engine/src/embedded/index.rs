//! Everything that waits, in memory; changed only after the store has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::job_index::{Arrival, JobIndex, Meta};
use super::message_index::MessageIndex;
use super::waiters::{Waiters, types_of};
use crate::port::{ActivateJobs, Incident};
use crate::store::{JobLease, StoredMessage, StoredSubscription, StoredTimer};

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) jobs: JobIndex,
    pub(crate) messages: MessageIndex,
    pub(crate) timers: TimerIndex,
    pub(crate) incidents: BTreeMap<i64, Incident>,
    /// Instances that have not ended.
    pub(crate) open: BTreeMap<i64, Arc<Meta>>,
    /// Keys given to instances whose start is not durable yet.
    pub(crate) starting: BTreeSet<i64>,
    pub(crate) waiters: Waiters,
    /// Suspended instances, with the subscriptions that are kept from messages meanwhile.
    suspended: HashMap<i64, Vec<(StoredSubscription, String)>>,
}

/// Timers by their time.
#[derive(Debug, Default)]
pub(crate) struct TimerIndex {
    /// Time and repetitions left, by instance and number.
    timers: BTreeMap<(i64, u32), (i64, i64)>,
    due: BTreeSet<(i64, i64, u32)>,
}

impl TimerIndex {
    /// Adds a timer, or moves one.
    pub(crate) fn insert(&mut self, timer: StoredTimer) {
        let StoredTimer { instance, number, due_ms, repetitions_left } = timer;
        self.remove((instance, number));
        self.due.insert((due_ms, instance, number));
        self.timers.insert((instance, number), (due_ms, repetitions_left));
    }

    /// Removes a timer.
    pub(crate) fn remove(&mut self, id: (i64, u32)) {
        if let Some((due_ms, _)) = self.timers.remove(&id) {
            self.due.remove(&(due_ms, id.0, id.1));
        }
    }

    /// Timers that are due; each is given once, until it is inserted again.
    pub(crate) fn take_due(&mut self, now_ms: i64) -> Vec<StoredTimer> {
        let mut due = Vec::new();
        while let Some((at, instance, number)) = self.due.first().copied() {
            if at > now_ms {
                break;
            }
            self.due.pop_first();
            if let Some((due_ms, repetitions_left)) = self.timers.get(&(instance, number)).copied() {
                due.push(StoredTimer { instance, number, due_ms, repetitions_left });
            }
        }
        due
    }

    /// Numbers of the timers of a definition or instance.
    pub(crate) fn of(&self, instance: i64) -> Vec<(i64, u32)> {
        self.timers.range((instance, 0)..(instance + 1, 0)).map(|(id, _)| *id).collect()
    }

    /// Puts all timers of an instance in the queue again.
    pub(crate) fn requeue(&mut self, instance: i64) {
        let own = self.timers.range((instance, 0)..(instance + 1, 0));
        self.due.extend(own.map(|((_, number), (due_ms, _))| (*due_ms, instance, *number)));
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(at, _, _)| *at)
    }
}

/// What a commit changes of what waits.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) opened: Vec<(i64, Arc<Meta>)>,
    pub(crate) ended: Vec<i64>,
    pub(crate) jobs: Vec<Arrival>,
    pub(crate) leases: Vec<JobLease>,
    pub(crate) ended_jobs: Vec<i64>,
    pub(crate) timers: Vec<StoredTimer>,
    pub(crate) ended_timers: Vec<(i64, u32)>,
    pub(crate) subscriptions: Vec<StoredSubscription>,
    pub(crate) ended_subscriptions: Vec<(i64, u32)>,
    pub(crate) messages: Vec<StoredMessage>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) ended_incidents: Vec<i64>,
}

impl Index {
    /// Applies what a commit changed; gives messages that found a receiver: out of the buffer, to be delivered.
    pub(crate) fn apply(
        &mut self,
        changes: Changes,
        process_of: impl Fn(i64) -> Option<String>,
        now_ms: i64,
    ) -> Vec<(StoredMessage, StoredSubscription)> {
        for (key, meta) in changes.opened {
            self.starting.remove(&key);
            self.open.insert(key, meta);
        }
        for key in changes.ended_jobs {
            self.jobs.remove(key);
        }
        for arrival in changes.jobs {
            self.jobs.insert(arrival, now_ms);
        }
        for lease in changes.leases {
            self.jobs.apply(lease, now_ms);
        }
        for id in changes.ended_timers {
            self.timers.remove(id);
        }
        for timer in changes.timers {
            self.timers.insert(timer);
        }
        for key in changes.ended_incidents {
            self.incidents.remove(&key);
        }
        self.incidents.extend(changes.incidents.into_iter().map(|incident| (incident.key, incident)));
        for id in changes.ended_subscriptions {
            self.messages.close(id);
            if let Some(held) = self.suspended.get_mut(&id.0) {
                held.retain(|(one, _)| (one.instance, one.number) != id);
            }
        }
        for message in changes.messages {
            self.messages.buffer(message);
        }
        for subscription in &changes.subscriptions {
            let process = self
                .open
                .get(&subscription.instance)
                .map(|meta| meta.deployed.definition.process_id.clone())
                .or_else(|| process_of(subscription.instance));
            if let Some(process) = process {
                self.open_subscription(subscription.clone(), &process);
            }
        }
        let mut found = Vec::new();
        let suspended = &self.suspended;
        let waits = |one: &StoredSubscription| !suspended.contains_key(&one.instance);
        for subscription in changes.subscriptions.into_iter().filter(waits) {
            if let Some(message) = self.messages.take_for(&subscription, now_ms) {
                found.push((message, subscription));
            }
        }
        for key in changes.ended {
            self.starting.remove(&key);
            self.open.remove(&key);
            self.end_suspension(key);
            self.waiters.wake_instance(key);
        }
        self.tell_waiters();
        found
    }

    /// Opens a subscription; one of a suspended instance is kept back.
    pub(crate) fn open_subscription(&mut self, subscription: StoredSubscription, process: &str) {
        match self.suspended.get_mut(&subscription.instance) {
            Some(held) => held.push((subscription, process.to_owned())),
            None => self.messages.open(subscription, process),
        }
    }

    /// Whether an instance is suspended.
    pub(crate) fn is_suspended(&self, instance: i64) -> bool {
        self.suspended.contains_key(&instance)
    }

    /// Keeps an instance from jobs, timers and messages.
    pub(crate) fn suspend(&mut self, instance: i64, now_ms: i64) {
        let held = self.messages.of(instance).into_iter().filter_map(|id| self.messages.close(id)).collect();
        self.suspended.insert(instance, held);
        self.jobs.suspend(instance, now_ms);
    }

    /// Lets an instance go on; gives messages that found a receiver: out of the buffer, to be delivered.
    pub(crate) fn resume(&mut self, instance: i64, now_ms: i64) -> Vec<(StoredMessage, StoredSubscription)> {
        let held = self.suspended.remove(&instance).unwrap_or_default();
        self.jobs.resume(instance, now_ms);
        // A timer that became due was taken out of the queue: it stands in it again.
        self.timers.requeue(instance);
        let mut found = Vec::new();
        for (subscription, process) in held {
            self.messages.open(subscription.clone(), &process);
            if let Some(message) = self.messages.take_for(&subscription, now_ms) {
                found.push((message, subscription));
            }
        }
        self.tell_waiters();
        found
    }

    /// Forgets that an instance was suspended: it has ended.
    pub(crate) fn end_suspension(&mut self, instance: i64) {
        if self.suspended.remove(&instance).is_some() {
            self.jobs.end_suspension(instance);
        }
    }

    /// Wakes who waits for jobs: for each that became ready one who can take it, and all who wait for its instance's.
    pub(crate) fn tell_waiters(&mut self) {
        for (instance, job_type) in self.jobs.take_news() {
            self.waiters.wake_instance(instance);
            self.waiters.wake_type(job_type.as_deref());
        }
    }

    /// Wakes one more where a request has left jobs of its types: it may have been woken for others than it took.
    pub(crate) fn pass_on(&self, request: &ActivateJobs) {
        for job_type in types_of(request).filter(|job_type| self.jobs.has_ready(*job_type)) {
            self.waiters.wake_type(job_type);
        }
    }

    /// When something is to be done next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        [self.timers.next_due(), self.jobs.next_due(), self.messages.next_due()].into_iter().flatten().min()
    }
}
