//! The writer's side of a commit: each kind of row with its statement.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::port::{Attempt, DecisionRequirements, Definition, TaskRun};
use engine::store::{
    Commit, JobLease, LOCAL, StoredFollowUp, StoredInstance, StoredJob, StoredMessage, StoredSubscription,
    StoredTimer,
};
use sea_orm::{DatabaseTransaction, Value};
use trail::OutboxItem;

use crate::Error;
use crate::rows::{Row, Word};
use crate::statements::{Target, execute, int, int_or_null, json, real, text, text_or_null, truth};
use crate::writer::{Write, Written};

/// Writes what one command of the engine changes.
pub(super) struct CommitWrite(pub(super) Commit);

/// A commit as a write, for tests that look at the database's own errors.
#[cfg(test)]
pub(crate) fn commit_write(commit: Commit) -> impl Write {
    CommitWrite(commit)
}

#[async_trait]
impl Write for CommitWrite {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        if let Some((key, result)) = &self.0.idempotent {
            take_idempotency_key(on, &Owner::of(&self.0), key, *result).await?;
        }
        write_commits(&mut Target::Each(on), &[&self.0]).await?;
        Ok(Written { result: None, events: std::mem::take(&mut self.0.events) })
    }

    fn commit(&self) -> Option<&Commit> {
        // A key that is taken refuses its commit alone.
        Some(&self.0).filter(|commit| commit.idempotent.is_none())
    }
}

/// Whose rows they are.
struct Owner {
    organisation: String,
    actor: String,
}

impl Owner {
    fn of(commit: &Commit) -> Self {
        let or_local = |name: &str| if name.is_empty() { LOCAL.to_owned() } else { name.to_owned() };
        Self { organisation: or_local(&commit.organisation), actor: or_local(&commit.actor) }
    }

    fn values(&self) -> [Value; 2] {
        [text(self.organisation.clone()), text(self.actor.clone())]
    }
}

/// Rows of a table with their owners.
type Rows<'a, T> = Vec<(&'a Owner, &'a T)>;

/// Rows of one table out of many commits.
fn rows<'a, T>(commits: &'a [(Owner, &'a Commit)], table: impl Fn(&'a Commit) -> &'a Vec<T>) -> Rows<'a, T> {
    commits.iter().flat_map(|(owner, commit)| table(commit).iter().map(move |row| (owner, row))).collect()
}

/// Keys of one table out of many commits.
fn keys<'a, T: Copy + 'a>(commits: &[&'a Commit], table: impl Fn(&'a Commit) -> &'a Vec<T>) -> Vec<T> {
    commits.iter().flat_map(|commit| table(commit).iter().copied()).collect()
}

/// Writes commits that do not touch each other's rows, table by table: many rows in few statements. Joined to one, they
/// must each touch their own rows once ([`touches_once`](super::touches_once)).
pub(crate) async fn write_commits(on: &mut Target<'_>, commits: &[&Commit]) -> Result<(), Error> {
    let owned: Vec<(Owner, &Commit)> = commits.iter().map(|commit| (Owner::of(commit), *commit)).collect();
    definitions(on, rows(&owned, |commit| &commit.definitions)).await?;
    decisions(on, rows(&owned, |commit| &commit.decisions)).await?;
    instances(on, rows(&owned, |commit| &commit.instances)).await?;
    on.delete("jobs", "key", &keys(commits, |commit| &commit.ended_jobs)).await?;
    jobs(on, rows(&owned, |commit| &commit.jobs)).await?;
    leases(on, rows(&owned, |commit| &commit.leases)).await?;
    on.delete_numbered("timers", &keys(commits, |commit| &commit.ended_timers)).await?;
    timers(on, rows(&owned, |commit| &commit.timers)).await?;
    on.delete_numbered("subscriptions", &keys(commits, |commit| &commit.ended_subscriptions)).await?;
    subscriptions(on, rows(&owned, |commit| &commit.subscriptions)).await?;
    on.delete("messages", "key", &keys(commits, |commit| &commit.ended_messages)).await?;
    messages(on, rows(&owned, |commit| &commit.messages)).await?;
    on.delete("follow_ups", "key", &keys(commits, |commit| &commit.ended_follow_ups)).await?;
    follow_ups(on, rows(&owned, |commit| &commit.follow_ups)).await?;
    task_runs(on, rows(&owned, |commit| &commit.task_runs)).await?;
    attempts(on, rows(&owned, |commit| &commit.attempts)).await?;
    outbox(on, rows(&owned, |commit| &commit.outbox)).await
}

async fn take_idempotency_key(
    on: &DatabaseTransaction,
    owner: &Owner,
    key: &str,
    result: i64,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO idempotency (organisation, actor, idempotency_key, result) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING";
    let [organisation, actor] = owner.values();
    let done = execute(on, SQL, vec![organisation, actor, text(key), int(result)]).await?;
    if done.rows_affected() == 0 { Err(Error::Taken(key.to_owned())) } else { Ok(()) }
}

async fn definitions(on: &mut Target<'_>, rows: Rows<'_, (Definition, String)>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO definitions (organisation, actor, key, process_id, name, version, resource, \
         checksum, deployed_ms, xml)";
    let mut values = Vec::with_capacity(rows.len() * 10);
    for (owner, (row, xml)) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            text(row.process_id.clone()),
            text(row.name.clone()),
            int(row.version.into()),
            text(row.resource.clone()),
            text(row.checksum.clone()),
            int(row.deployed_ms),
            text(xml.clone()),
        ]);
    }
    on.insert(HEAD, 10, "", values).await
}

async fn decisions(on: &mut Target<'_>, rows: Rows<'_, (DecisionRequirements, String)>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO decisions (organisation, actor, key, requirements_id, name, version, resource, \
         checksum, deployed_ms, decisions, xml)";
    let mut values = Vec::with_capacity(rows.len() * 11);
    for (owner, (row, xml)) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            text(row.id.clone()),
            text(row.name.clone()),
            int(row.version.into()),
            text(row.resource.clone()),
            text(row.checksum.clone()),
            int(row.deployed_ms),
            json(&row.decisions)?,
            text(xml.clone()),
        ]);
    }
    on.insert(HEAD, 11, "", values).await
}

async fn instances(on: &mut Target<'_>, rows: Rows<'_, StoredInstance>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO instances (organisation, actor, key, definition, process_id, version, \
         status, incidents, business_key, parent_instance, parent_call, variables, seed, dry_run, started_ms, \
         ended_ms, state)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, \
         version = excluded.version, status = excluded.status, incidents = excluded.incidents, \
         variables = excluded.variables, ended_ms = excluded.ended_ms, state = excluded.state";
    let mut values = Vec::with_capacity(rows.len() * 17);
    for (owner, StoredInstance { instance: row, state }) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            int(row.definition),
            text(row.process_id.clone()),
            int(row.version.into()),
            text(row.status.word()),
            int(row.incidents.into()),
            text_or_null(row.business_key.clone()),
            int_or_null(row.parent.map(|(instance, _)| instance)),
            int_or_null(row.parent.map(|(_, call)| call.into())),
            json(&row.variables)?,
            int(row.seed.cast_signed()),
            truth(row.dry_run),
            int(row.started_ms),
            int_or_null(row.ended_ms),
            text(state.clone()),
        ]);
    }
    on.insert(HEAD, 17, TAIL, values).await
}

async fn jobs(on: &mut Target<'_>, rows: Rows<'_, StoredJob>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO jobs (organisation, actor, key, instance, definition, element, kind, job_type, \
         variables, attempt, visit, retries, priority, worker, lease_until_ms, not_before_ms, created_ms, \
         assignee)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, element = excluded.element, \
         variables = excluded.variables, attempt = excluded.attempt, retries = excluded.retries, priority = excluded.priority, \
         worker = excluded.worker, lease_until_ms = excluded.lease_until_ms, \
         not_before_ms = excluded.not_before_ms, assignee = excluded.assignee";
    let mut values = Vec::with_capacity(rows.len() * 18);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            int(row.instance),
            int(row.definition),
            text(row.element.clone()),
            text(row.kind.word()),
            text_or_null(row.job_type.clone()),
            json(&row.variables)?,
            int(row.attempt.into()),
            int(row.visit.into()),
            int(row.retries.into()),
            int(row.priority),
            text_or_null(row.worker.clone()),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
            int(row.created_ms),
            text_or_null(row.assignee.clone()),
        ]);
    }
    on.insert(HEAD, 18, TAIL, values).await
}

async fn leases(on: &mut Target<'_>, rows: Rows<'_, JobLease>) -> Result<(), Error> {
    const HEAD: &str = "UPDATE jobs SET attempt = lease.column2, retries = lease.column3, worker = lease.column4, \
         lease_until_ms = lease.column5, not_before_ms = lease.column6 FROM (";
    const TAIL: &str = ") AS lease WHERE jobs.key = lease.column1";
    let mut values = Vec::with_capacity(rows.len() * 6);
    for (_, row) in rows {
        values.extend([
            int(row.key),
            int(row.attempt.into()),
            int(row.retries.into()),
            text_or_null(row.worker.clone()),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
        ]);
    }
    on.insert(HEAD, 6, TAIL, values).await
}

async fn timers(on: &mut Target<'_>, rows: Rows<'_, StoredTimer>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO timers (organisation, actor, instance, number, due_ms, repetitions_left)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET due_ms = excluded.due_ms, \
         repetitions_left = excluded.repetitions_left";
    let mut values = Vec::with_capacity(rows.len() * 6);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.number.into()),
            int(row.due_ms),
            int(row.repetitions_left),
        ]);
    }
    on.insert(HEAD, 6, TAIL, values).await
}

async fn subscriptions(on: &mut Target<'_>, rows: Rows<'_, StoredSubscription>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO subscriptions (organisation, actor, instance, number, kind, name, \
         correlation_key, start_event)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET kind = excluded.kind, name = excluded.name, \
         correlation_key = excluded.correlation_key, start_event = excluded.start_event";
    let mut values = Vec::with_capacity(rows.len() * 8);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.number.into()),
            text(row.kind.word()),
            text(row.name.clone()),
            text_or_null(row.correlation_key.clone()),
            text_or_null(row.start.clone()),
        ]);
    }
    on.insert(HEAD, 8, TAIL, values).await
}

async fn messages(on: &mut Target<'_>, rows: Rows<'_, StoredMessage>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO messages (organisation, actor, key, name, correlation_key, variables, \
         expires_ms, message_id)";
    let mut values = Vec::with_capacity(rows.len() * 8);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            text(row.name.clone()),
            text_or_null(row.correlation_key.clone()),
            json(&row.variables)?,
            int(row.expires_ms),
            text_or_null(row.message_id.clone()),
        ]);
    }
    on.insert(HEAD, 8, "", values).await
}

async fn follow_ups(on: &mut Target<'_>, rows: Rows<'_, StoredFollowUp>) -> Result<(), Error> {
    let mut values = Vec::with_capacity(rows.len() * 4);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([int(row.key), json(&row.action)?]);
    }
    on.insert("INSERT INTO follow_ups (organisation, actor, key, action)", 4, "", values).await
}

async fn task_runs(on: &mut Target<'_>, rows: Rows<'_, TaskRun>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO task_runs (organisation, actor, instance, job, attempt, element, executed_by, \
         state, started_ms, ended_ms, content)";
    let mut values = Vec::with_capacity(rows.len() * 11);
    for (owner, row) in rows {
        let content = json(row)?;
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.job),
            int(row.attempt.into()),
            text(row.element.clone()),
            text(row.executed_by.clone()),
            text(row.state.clone()),
            int(row.started_ms),
            int(row.ended_ms),
            content,
        ]);
    }
    on.insert(HEAD, 11, "", values).await
}

async fn attempts(on: &mut Target<'_>, rows: Rows<'_, Attempt>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO attempts (organisation, actor, subject_kind, subject, version, success, \
         instance, duration_ms, cost, at_ms)";
    let mut values = Vec::with_capacity(rows.len() * 10);
    for (owner, row) in &rows {
        values.extend([
            text(owner.organisation.clone()),
            text(row.actor.clone()),
            text(row.subject_kind.clone()),
            text(row.subject.clone()),
            int_or_null(row.version.map(i64::from)),
            truth(row.success),
            int_or_null(row.instance),
            int(row.duration_ms),
            real(row.cost),
            int(row.at_ms),
        ]);
    }
    on.insert(HEAD, 10, "", values).await?;
    scores(on, rows).await
}

/// Counts attempts: one row for each subject, however many attempts it had.
async fn scores(on: &mut Target<'_>, rows: Rows<'_, Attempt>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO scores (organisation, actor, subject_kind, subject, attempts, successes, \
         duration_ms, cost, last_ms)";
    const TAIL: &str = "ON CONFLICT (subject_kind, subject) DO UPDATE SET \
         attempts = scores.attempts + excluded.attempts, \
         successes = scores.successes + excluded.successes, \
         duration_ms = scores.duration_ms + excluded.duration_ms, cost = scores.cost + excluded.cost, \
         last_ms = CASE WHEN excluded.last_ms > scores.last_ms THEN excluded.last_ms ELSE scores.last_ms END";
    let mut subjects: BTreeMap<(&str, &str), Rows<'_, Attempt>> = BTreeMap::new();
    for (owner, row) in rows {
        subjects.entry((&row.subject_kind, &row.subject)).or_default().push((owner, row));
    }
    let mut values = Vec::with_capacity(subjects.len() * 9);
    for ((kind, subject), rows) in subjects {
        let Some((owner, first)) = rows.first() else { continue };
        let sum = |number: fn(&Attempt) -> i64| rows.iter().map(|(_, row)| number(row)).sum::<i64>();
        values.extend([
            text(owner.organisation.clone()),
            text(first.actor.clone()),
            text(kind),
            text(subject),
            int(sum(|_| 1)),
            int(sum(|row| row.success.into())),
            int(sum(|row| row.duration_ms)),
            real(rows.iter().map(|(_, row)| row.cost).sum()),
            int(rows.iter().map(|(_, row)| row.at_ms).max().unwrap_or_default()),
        ]);
    }
    on.insert(HEAD, 9, TAIL, values).await
}

async fn outbox(on: &mut Target<'_>, rows: Rows<'_, OutboxItem>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO outbox (organisation, actor, topic, item_key, payload, attempts)";
    let mut values = Vec::with_capacity(rows.len() * 6);
    for (owner, row) in rows {
        values.extend(owner.values());
        values.extend([
            text(row.topic.clone()),
            text(row.key.clone()),
            text(row.payload.to_string()),
            int(0),
        ]);
    }
    on.insert(HEAD, 6, "", values).await
}

/// Takes keys from the sequence.
pub(super) struct ReserveKeys(pub(super) u32);

#[async_trait]
impl Write for ReserveKeys {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        use sea_orm::{ConnectionTrait, Statement};
        const SQL: &str = "INSERT INTO key_sequence (name, next_key) VALUES ('keys', $1) \
             ON CONFLICT (name) DO UPDATE SET next_key = key_sequence.next_key + $2 RETURNING next_key";
        let count = i64::from(self.0);
        let values = [int(count + 1), int(count)];
        let statement = Statement::from_sql_and_values(on.get_database_backend(), SQL, values);
        let row = on.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::Unreadable("the key sequence gave no key".to_owned()))?;
        Ok(Written { result: Some(Row(&row).int("next_key")? - count), events: Vec::new() })
    }
}
