//! What one command makes: the instances it moves, the commit, and what changes in memory after it.

use std::collections::VecDeque;
use std::sync::Arc;

use bpmn::exec::{Event, Input, StepContext, StepError, advance_deciding};
use serde_json::json;
use trail::{NewEvent, OutboxItem};

use super::Core;
use super::decisions::InForce;
use super::index::Changes;
use super::job_index::{Arrival, Meta, outside_type};
use super::live::{Kept, Live, check_event, key_of};
use crate::limits::{CALL_DEPTH_LIMIT, DEFAULT_RETRIES, STEP_BUDGET, THROWN_MESSAGE_TTL_MS};
use crate::port::{Attempt, Instance, Notice, Status};
use crate::store::{
    Commit, FollowUp, JobLease, StoredFollowUp, StoredJob, StoredMessage, StoredSubscription, StoredTimer,
};
use crate::{Error, store};

/// Inputs that one command handles; results of calls beyond that go through follow-ups.
const AGENDA_LIMIT: usize = 1_000;

/// One command's work.
pub(crate) struct Batch<'a> {
    core: &'a Core,
    pub(crate) now_ms: i64,
    pub(crate) backoff_ms: i64,
    pub(crate) lives: Vec<Live>,
    pub(crate) commit: Commit,
    pub(crate) changes: Changes,
    pub(crate) notices: Vec<Notice>,
    agenda: VecDeque<(usize, Input)>,
    handled: usize,
    keys: Vec<i64>,
    started: Vec<i64>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(core: &'a Core, now_ms: i64) -> Self {
        Self {
            core,
            now_ms,
            backoff_ms: 0,
            lives: Vec::new(),
            commit: Commit::default(),
            changes: Changes::default(),
            notices: Vec::new(),
            agenda: VecDeque::new(),
            handled: 0,
            keys: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Adds an instance that does not exist yet; its start is an input like any other.
    pub(crate) fn add_instance(&mut self, live: Live) -> usize {
        let meta = live.meta();
        let instance = &live.instance;
        self.started.push(instance.key);
        self.changes.opened.push((instance.key, meta));
        self.notices.push(Notice::Started { instance: instance.key });
        self.lives.push(live);
        self.lives.len() - 1
    }

    /// Gives up keys of instances that were not started after all.
    pub(crate) fn give_up(&self) {
        let mut index = self.core.index.lock();
        for key in &self.started {
            index.starting.remove(key);
        }
    }

    /// Lets an instance take an input, and everything that follows from it inside this command.
    ///
    /// The outer error is the store's or a limit's: the instances are lost to the cache. The inner one is a refusal
    /// of the first input: nothing happened.
    pub(crate) async fn run(&mut self, at: usize, input: Input) -> Result<Result<(), StepError>, Error> {
        let events = match self.advance(at, input) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.absorb(at, events).await?;
        while let Some((at, input)) = self.agenda.pop_front() {
            self.handled += 1;
            match self.advance(at, input) {
                Ok(events) => self.absorb(at, events).await?,
                // The first input of a called process may be refused (no none start event): its caller hears of it.
                Err(refusal) => self.refuse_call(at, &refusal),
            }
        }
        Ok(Ok(()))
    }

    fn advance(&mut self, at: usize, input: Input) -> Result<Vec<Event>, StepError> {
        let live = &mut self.lives[at];
        let context = StepContext { now_ms: self.now_ms, budget: STEP_BUDGET };
        let definition = live.deployed.definition.key;
        let decisions = InForce { catalogue: &self.core.decisions, definition };
        advance_deciding(&live.deployed.program, &mut live.kept.exec, input, context, &decisions)
    }

    fn refuse_call(&mut self, at: usize, refusal: &StepError) {
        let instance = &self.lives[at].instance;
        tracing::warn!(instance = instance.key, %refusal, "a called process refused an input");
        let Some((parent, call)) = instance.parent else { return };
        let Some(caller) = self.lives.iter().position(|live| live.instance.key == parent) else { return };
        self.lives[at].instance.status = Status::Failed;
        self.lives[at].instance.ended_ms = Some(self.now_ms);
        self.changes.ended.push(self.lives[at].instance.key);
        self.fail_call(caller, call, refusal.code(), &refusal.to_string());
    }

    fn fail_call(&mut self, at: usize, call: u32, code: &str, message: &str) {
        self.lives[at].kept.calls.remove(&call);
        let input =
            Input::CallFailed { call, code: code.to_owned(), message: message.to_owned(), thrown: false };
        self.agenda.push_back((at, input));
    }

    /// Turns events into what is stored and what changes in memory.
    async fn absorb(&mut self, at: usize, events: Vec<Event>) -> Result<(), Error> {
        let needed = events.iter().filter(|event| needs_key(event)).count();
        self.keys.extend(self.core.keys(needed.saturating_sub(self.keys.len())).await?);
        for event in events {
            check_event(&event)?;
            self.record(at, &event);
            self.lives[at].follow(&event, self.now_ms);
            self.act(at, event).await?;
        }
        Ok(())
    }

    /// The trail has every event of the token rules, whole: their fold is the state.
    fn record(&mut self, at: usize, event: &Event) {
        let instance = &self.lives[at].instance;
        // An event is plain data, so it always serialises.
        let mut data = serde_json::to_value(event).unwrap_or_default();
        if matches!(event, Event::InstanceStarted { .. }) && instance.dry_run {
            // Who counts runs by the trail leaves this one out.
            data["dry_run"] = true.into();
        }
        let name = data.get("event").and_then(|name| name.as_str()).unwrap_or("step");
        let kind = match name.split_once('_') {
            Some((area, what)) => format!("{area}.{what}"),
            None => format!("step.{name}"),
        };
        let element =
            data.get("node").or_else(|| data.get("flow")).and_then(|id| id.as_str()).map(str::to_owned);
        self.commit.events.push(NewEvent {
            at_ms: self.now_ms,
            actor: if self.commit.actor.is_empty() { "engine".to_owned() } else { self.commit.actor.clone() },
            instance: Some(instance.key),
            definition: Some(instance.definition),
            element,
            data,
            ..NewEvent::new(&kind, self.now_ms)
        });
    }

    async fn act(&mut self, at: usize, event: Event) -> Result<(), Error> {
        let instance = self.lives[at].instance.key;
        match event {
            event @ Event::JobCreated { .. } => self.create_job(at, event),
            Event::JobCancelled { job } | Event::JobEnded { job } => self.end_job(key_of(instance, job)),
            Event::JobFailed { job, retries_left, .. } => self.fail_job(key_of(instance, job), retries_left),
            Event::JobReopened { job, variables } => self.reopen_job(at, key_of(instance, job), variables),
            Event::TimerScheduled { timer, due_ms, .. } => {
                self.changes.timers.push(StoredTimer {
                    instance,
                    number: timer,
                    due_ms,
                    repetitions_left: 0,
                });
            }
            Event::TimerClosed { timer } => {
                self.changes.timers.retain(|one| (one.instance, one.number) != (instance, timer));
                self.changes.ended_timers.push((instance, timer));
            }
            Event::SubscriptionOpened { subscription, kind, name, correlation_key, .. } => {
                let number = subscription;
                let one = StoredSubscription { instance, number, kind, name, correlation_key, start: None };
                self.changes.subscriptions.push(one);
            }
            Event::SubscriptionClosed { subscription } => {
                self.changes
                    .subscriptions
                    .retain(|one| (one.instance, one.number) != (instance, subscription));
                self.changes.ended_subscriptions.push((instance, subscription));
            }
            Event::MessageThrown { name, correlation_key, variables } => {
                let key = self.key().await?;
                let expires_ms = self.now_ms + THROWN_MESSAGE_TTL_MS;
                let message =
                    StoredMessage { key, name, correlation_key, variables, expires_ms, message_id: None };
                self.changes.messages.push(message);
            }
            Event::SignalThrown { name, variables } => self.owe(FollowUp::Signal { name, variables }).await?,
            Event::CallRequested { call, process, variables, .. } => {
                self.call(at, call, &process, variables).await?;
            }
            Event::CallCancelled { call } => self.cancel_call(at, call).await?,
            Event::CallEnded { call } => {
                self.lives[at].kept.calls.remove(&call);
            }
            Event::IncidentRaised { incident, .. } => {
                let raised = self.lives[at].kept.incidents.get(&incident).cloned();
                self.changes.incidents.extend(raised);
            }
            Event::IncidentResolved { incident } => {
                let key = key_of(instance, incident);
                self.changes.incidents.retain(|one| one.key != key);
                self.changes.ended_incidents.push(key);
            }
            Event::Yielded { .. } => self.owe(FollowUp::Continue { instance }).await?,
            Event::InstanceCompleted { variables } => {
                self.end(at, Status::Completed);
                self.answer_caller(at, |call| Input::CallCompleted { call, variables }).await?;
            }
            Event::InstanceFailed { code, message } => {
                self.end(at, Status::Failed);
                self.answer_caller(at, |call| Input::CallFailed { call, code, message, thrown: true })
                    .await?;
            }
            Event::InstanceCancelled { reason } => {
                self.end(at, Status::Terminated);
                let calls: Vec<u32> = self.lives[at].kept.calls.keys().copied().collect();
                for call in calls {
                    self.cancel_call(at, call).await?;
                }
                let code = "CALL-CANCELLED".to_owned();
                let message = format!("the called instance {instance} was cancelled: {reason}");
                self.answer_caller(at, |call| Input::CallFailed { call, code, message, thrown: false })
                    .await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn key(&mut self) -> Result<i64, Error> {
        match self.keys.pop() {
            Some(key) => Ok(key),
            None => Ok(self.core.keys(1).await?.first().copied().unwrap_or_default()),
        }
    }

    async fn owe(&mut self, action: FollowUp) -> Result<(), Error> {
        let key = self.key().await?;
        self.commit.follow_ups.push(StoredFollowUp { key, action });
        Ok(())
    }

    fn create_job(&mut self, at: usize, event: Event) {
        let Event::JobCreated { job, element, node, kind, visit, variables } = event else { return };
        let live = &self.lives[at];
        let spec = live.deployed.node(&node).map(|node| node.task.clone()).unwrap_or_default();
        let meta = self.meta_of(at);
        let stored = StoredJob {
            key: key_of(live.instance.key, job),
            instance: live.instance.key,
            definition: live.instance.definition,
            element: node,
            kind,
            job_type: outside_type(&spec),
            variables,
            attempt: 0,
            visit,
            retries: spec.retries.unwrap_or(DEFAULT_RETRIES).max(1),
            priority: spec.priority.unwrap_or(0),
            worker: None,
            lease_until_ms: None,
            not_before_ms: 0,
            created_ms: self.now_ms,
            assignee: spec.assignment.get("assignee").cloned(),
        };
        self.changes.jobs.push(Arrival { job: stored, element: Some(element), meta });
    }

    fn meta_of(&self, at: usize) -> Arc<Meta> {
        let instance = &self.lives[at].instance;
        if let Some((_, meta)) = self.changes.opened.iter().find(|(key, _)| *key == instance.key) {
            return Arc::clone(meta);
        }
        if let Some(meta) = self.core.index.lock().open.get(&instance.key) {
            return Arc::clone(meta);
        }
        self.lives[at].meta()
    }

    fn end_job(&mut self, key: i64) {
        self.changes.jobs.retain(|arrival| arrival.job.key != key);
        self.changes.leases.retain(|lease| lease.key != key);
        self.changes.ended_jobs.push(key);
    }

    fn fail_job(&mut self, key: i64, retries: u32) {
        let attempt = self.core.index.lock().jobs.attempt(key).unwrap_or_default();
        let not_before_ms = self.now_ms.saturating_add(self.backoff_ms);
        self.changes.leases.push(JobLease {
            key,
            attempt,
            retries,
            worker: None,
            lease_until_ms: None,
            not_before_ms,
        });
    }

    fn reopen_job(&mut self, at: usize, key: i64, variables: bpmn::program::Variables) {
        let Some(mut job) = self.core.index.lock().jobs.get(key) else { return };
        let retries = self.lives[at].deployed.node(&job.element).and_then(|node| node.task.retries);
        job.retries = retries.unwrap_or(DEFAULT_RETRIES).max(1);
        job.worker = None;
        job.lease_until_ms = None;
        job.not_before_ms = 0;
        let meta = self.meta_of(at);
        self.changes.jobs.push(Arrival { job: job.with(variables), element: None, meta });
    }

    /// Starts a called process in the same commit as its call.
    async fn call(
        &mut self,
        at: usize,
        call: u32,
        process: &str,
        variables: bpmn::program::Variables,
    ) -> Result<(), Error> {
        let depth = self.lives[at].kept.depth + 1;
        if depth > CALL_DEPTH_LIMIT {
            let message = format!("processes call each other deeper than {CALL_DEPTH_LIMIT} levels");
            self.fail_call(at, call, "CALL_DEPTH_LIMIT", &message);
            return Ok(());
        }
        let deployed = self.core.catalogue.read().newest(process);
        let Some(deployed) = deployed.filter(|deployed| deployed.check().is_ok()) else {
            let message = format!("process {process} is not deployed; deploy it, then resolve the incident");
            self.fail_call(at, call, "CALL-UNKNOWN", &message);
            return Ok(());
        };
        let key = self.core.instance_key().await?;
        let parent = &self.lives[at];
        let actor = parent.kept.actor.clone();
        let instance = Instance {
            parent: Some((parent.instance.key, call)),
            seed: mix(parent.instance.seed, call),
            dry_run: parent.instance.dry_run,
            business_key: parent.instance.business_key.clone(),
            ..fresh_instance(key, &deployed.definition, self.now_ms)
        };
        let kept = Kept { depth, actor, ..Kept::default() };
        self.lives[at].kept.calls.insert(call, key);
        let child = self.add_instance(Live { instance, deployed, kept });
        self.agenda.push_back((child, Input::Start { start: None, variables }));
        Ok(())
    }

    async fn cancel_call(&mut self, at: usize, call: u32) -> Result<(), Error> {
        let Some(called) = self.lives[at].kept.calls.remove(&call) else { return Ok(()) };
        let reason = format!("the calling instance {} no longer wants it", self.lives[at].instance.key);
        self.owe(FollowUp::CancelCalled { instance: called, reason }).await
    }

    /// Hands the end of a called instance to its caller: at once where both are in this command.
    async fn answer_caller(&mut self, at: usize, input: impl FnOnce(u32) -> Input) -> Result<(), Error> {
        let Some((parent, call)) = self.lives[at].instance.parent else { return Ok(()) };
        let input = input(call);
        let caller = self.lives.iter().position(|live| live.instance.key == parent);
        if let Some(caller) = caller.filter(|_| self.handled < AGENDA_LIMIT) {
            self.lives[caller].kept.calls.remove(&call);
            self.agenda.push_back((caller, input));
            return Ok(());
        }
        let action = match input {
            Input::CallCompleted { call, variables } => {
                FollowUp::CallCompleted { instance: parent, call, variables }
            }
            Input::CallFailed { call, code, message, thrown } => {
                FollowUp::CallFailed { instance: parent, call, code, message, thrown }
            }
            _ => return Ok(()),
        };
        self.owe(action).await
    }

    fn end(&mut self, at: usize, status: Status) {
        let now_ms = self.now_ms;
        let live = &mut self.lives[at];
        live.instance.status = status;
        live.instance.ended_ms = Some(now_ms);
        let open: Vec<i64> = live.kept.incidents.values().map(|incident| incident.key).collect();
        live.kept.incidents.clear();
        live.instance.incidents = 0;
        let success = status == Status::Completed && !live.kept.failed_end;
        let instance = &live.instance;
        self.changes.ended_incidents.extend(open);
        self.changes.ended.push(instance.key);
        self.notices.push(Notice::Ended { instance: instance.key, status });
        if instance.dry_run {
            return;
        }
        let actor =
            if live.kept.actor.is_empty() { store::LOCAL.to_owned() } else { live.kept.actor.clone() };
        self.commit.attempts.push(Attempt {
            subject_kind: "process".to_owned(),
            subject: instance.process_id.clone(),
            version: Some(instance.version),
            success,
            instance: Some(instance.key),
            duration_ms: now_ms - instance.started_ms,
            cost: 0.0,
            at_ms: now_ms,
            actor,
        });
        self.commit.outbox.push(OutboxItem {
            topic: "ontology".to_owned(),
            key: format!("instance-{}-ended", instance.key),
            payload: json!({
                "what": "instance_ended",
                "instance": instance.key,
                "definition": instance.definition,
                "process_id": instance.process_id,
                "version": instance.version,
                "status": status,
                "success": success,
                "started_ms": instance.started_ms,
                "ended_ms": now_ms,
            }),
        });
    }

    /// Puts the state of all instances and the changes into the commit.
    pub(crate) fn seal(&mut self) -> Result<Commit, Error> {
        for live in &mut self.lives {
            self.commit.instances.push(live.store()?);
        }
        let changes = &self.changes;
        let commit = &mut self.commit;
        commit.jobs.extend(changes.jobs.iter().map(|arrival| arrival.job.clone()));
        commit.leases.extend(changes.leases.iter().cloned());
        commit.ended_jobs.extend_from_slice(&changes.ended_jobs);
        commit.timers.extend_from_slice(&changes.timers);
        commit.ended_timers.extend_from_slice(&changes.ended_timers);
        commit.subscriptions.extend(changes.subscriptions.iter().cloned());
        commit.ended_subscriptions.extend_from_slice(&changes.ended_subscriptions);
        commit.messages.extend(changes.messages.iter().cloned());
        Ok(std::mem::take(commit))
    }
}

/// A new active instance without parent, variables or seed.
pub(crate) fn fresh_instance(key: i64, definition: &crate::port::Definition, now_ms: i64) -> Instance {
    Instance {
        key,
        definition: definition.key,
        process_id: definition.process_id.clone(),
        version: definition.version,
        status: Status::Active,
        incidents: 0,
        business_key: None,
        parent: None,
        variables: bpmn::program::Variables::new(),
        seed: 0,
        dry_run: false,
        started_ms: now_ms,
        ended_ms: None,
    }
}

/// A seed for a called instance that depends on the caller's and on the call (the finaliser of SplitMix64:
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(seed: u64, call: u32) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(u64::from(call) + 1));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn needs_key(event: &Event) -> bool {
    matches!(
        event,
        Event::MessageThrown { .. }
            | Event::SignalThrown { .. }
            | Event::CallCancelled { .. }
            | Event::Yielded { .. }
    )
}
