//! The writer's side of a commit: each kind of row with its statement.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::port::{Attempt, DecisionRequirements, Definition, TaskRun};
use engine::store::{
    Commit, JobLease, LOCAL, StoredFollowUp, StoredInstance, StoredJob, StoredMessage, StoredSubscription,
    StoredTimer,
};
use sea_orm::{DatabaseTransaction, Value};
use trail::OutboxItem;

use crate::Error;
use crate::changes::{Cell, Change, int, int_or_null, json, real, shared, text, text_or_null, truth};
use crate::rows::{Row, Word};
use crate::statements::{execute, make};
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
        make(on, rows_of(&[&self.0])?).await?;
        Ok(Written { result: None, events: std::mem::take(&mut self.0.events) })
    }

    fn commit(&self) -> Option<&Commit> {
        Some(&self.0)
    }
}

/// Whose rows they are.
struct Owner {
    organisation: Arc<str>,
    actor: Arc<str>,
}

impl Owner {
    fn of(commit: &Commit) -> Self {
        let or_local = |name: &str| Arc::from(if name.is_empty() { LOCAL } else { name });
        Self { organisation: or_local(&commit.organisation), actor: or_local(&commit.actor) }
    }

    fn cells(&self) -> [Cell; 2] {
        [shared(&self.organisation), shared(&self.actor)]
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

/// What commits that do not touch each other's rows change, table by table. The database refuses all of it where one of
/// their idempotency keys is taken.
pub(crate) fn changes_of(commits: &[&Commit]) -> Result<Vec<Change>, Error> {
    const HEAD: &str = "INSERT INTO idempotency (organisation, actor, idempotency_key, result)";
    let mut cells = Vec::new();
    for commit in commits {
        if let Some((key, result)) = &commit.idempotent {
            cells.extend(Owner::of(commit).cells());
            cells.extend([text(key), int(*result)]);
        }
    }
    let mut changes = rows_of(commits)?;
    if !cells.is_empty() {
        changes.push(Change::Insert { head: HEAD, width: 4, tail: "", cells });
    }
    Ok(changes)
}

/// The same but for the idempotency keys.
fn rows_of(commits: &[&Commit]) -> Result<Vec<Change>, Error> {
    let owned: Vec<(Owner, &Commit)> = commits.iter().map(|commit| (Owner::of(commit), *commit)).collect();
    let gone = |table, column, keys| Change::Delete { table, column, keys };
    let gone_numbered = |table, keys| Change::DeleteNumbered { table, keys };
    let changes = vec![
        definitions(rows(&owned, |commit| &commit.definitions)),
        decisions(rows(&owned, |commit| &commit.decisions))?,
        instances(rows(&owned, |commit| &commit.instances))?,
        gone("jobs", "key", keys(commits, |commit| &commit.ended_jobs)),
        jobs(rows(&owned, |commit| &commit.jobs))?,
        leases(rows(&owned, |commit| &commit.leases)),
        gone_numbered("timers", keys(commits, |commit| &commit.ended_timers)),
        timers(rows(&owned, |commit| &commit.timers)),
        gone_numbered("subscriptions", keys(commits, |commit| &commit.ended_subscriptions)),
        subscriptions(rows(&owned, |commit| &commit.subscriptions)),
        gone("messages", "key", keys(commits, |commit| &commit.ended_messages)),
        messages(rows(&owned, |commit| &commit.messages))?,
        gone("follow_ups", "key", keys(commits, |commit| &commit.ended_follow_ups)),
        follow_ups(rows(&owned, |commit| &commit.follow_ups))?,
        task_runs(rows(&owned, |commit| &commit.task_runs))?,
        attempts(&rows(&owned, |commit| &commit.attempts)),
        scores(&rows(&owned, |commit| &commit.attempts)),
        outbox(rows(&owned, |commit| &commit.outbox)),
    ];
    Ok(changes.into_iter().filter(|change| !change.is_empty()).collect())
}

async fn take_idempotency_key(
    on: &DatabaseTransaction,
    owner: &Owner,
    key: &str,
    result: i64,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO idempotency (organisation, actor, idempotency_key, result) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING";
    let [organisation, actor] = owner.cells();
    let cells = [organisation, actor, text(key), int(result)];
    let done = execute(on, SQL, cells.into_iter().map(Value::from).collect()).await?;
    if done.rows_affected() == 0 { Err(Error::Taken(key.to_owned())) } else { Ok(()) }
}

fn definitions(rows: Rows<'_, (Definition, String)>) -> Change {
    const HEAD: &str = "INSERT INTO definitions (organisation, actor, key, process_id, name, version, resource, \
         checksum, deployed_ms, xml)";
    let mut cells = Vec::with_capacity(rows.len() * 10);
    for (owner, (row, xml)) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.key),
            text(&row.process_id),
            text(&row.name),
            int(row.version.into()),
            text(&row.resource),
            text(&row.checksum),
            int(row.deployed_ms),
            text(xml),
        ]);
    }
    Change::Insert { head: HEAD, width: 10, tail: "", cells }
}

fn decisions(rows: Rows<'_, (DecisionRequirements, String)>) -> Result<Change, Error> {
    const HEAD: &str = "INSERT INTO decisions (organisation, actor, key, requirements_id, name, version, resource, \
         checksum, deployed_ms, decisions, xml)";
    let mut cells = Vec::with_capacity(rows.len() * 11);
    for (owner, (row, xml)) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.key),
            text(&row.id),
            text(&row.name),
            int(row.version.into()),
            text(&row.resource),
            text(&row.checksum),
            int(row.deployed_ms),
            json(&row.decisions)?,
            text(xml),
        ]);
    }
    Ok(Change::Insert { head: HEAD, width: 11, tail: "", cells })
}

fn instances(rows: Rows<'_, StoredInstance>) -> Result<Change, Error> {
    const HEAD: &str = "INSERT INTO instances (organisation, actor, key, definition, process_id, version, \
         status, incidents, business_key, parent_instance, parent_call, variables, seed, dry_run, started_ms, \
         ended_ms, state)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, \
         version = excluded.version, status = excluded.status, incidents = excluded.incidents, \
         variables = excluded.variables, ended_ms = excluded.ended_ms, state = excluded.state";
    let mut cells = Vec::with_capacity(rows.len() * 17);
    for (owner, StoredInstance { instance: row, state }) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.key),
            int(row.definition),
            text(&row.process_id),
            int(row.version.into()),
            text(row.status.word()),
            int(row.incidents.into()),
            text_or_null(row.business_key.as_deref()),
            int_or_null(row.parent.map(|(instance, _)| instance)),
            int_or_null(row.parent.map(|(_, call)| call.into())),
            json(&row.variables)?,
            int(row.seed.cast_signed()),
            truth(row.dry_run),
            int(row.started_ms),
            int_or_null(row.ended_ms),
            text(state),
        ]);
    }
    Ok(Change::Insert { head: HEAD, width: 17, tail: TAIL, cells })
}

fn jobs(rows: Rows<'_, StoredJob>) -> Result<Change, Error> {
    const HEAD: &str = "INSERT INTO jobs (organisation, actor, key, instance, definition, element, kind, job_type, \
         variables, attempt, visit, retries, priority, worker, lease_until_ms, not_before_ms, created_ms, \
         assignee)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, element = excluded.element, \
         variables = excluded.variables, attempt = excluded.attempt, retries = excluded.retries, priority = excluded.priority, \
         worker = excluded.worker, lease_until_ms = excluded.lease_until_ms, \
         not_before_ms = excluded.not_before_ms, assignee = excluded.assignee";
    let mut cells = Vec::with_capacity(rows.len() * 18);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.key),
            int(row.instance),
            int(row.definition),
            text(&row.element),
            text(row.kind.word()),
            text_or_null(row.job_type.as_deref()),
            json(&row.variables)?,
            int(row.attempt.into()),
            int(row.visit.into()),
            int(row.retries.into()),
            int(row.priority),
            text_or_null(row.worker.as_deref()),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
            int(row.created_ms),
            text_or_null(row.assignee.as_deref()),
        ]);
    }
    Ok(Change::Insert { head: HEAD, width: 18, tail: TAIL, cells })
}

fn leases(rows: Rows<'_, JobLease>) -> Change {
    const HEAD: &str = "UPDATE jobs SET attempt = lease.column2, retries = lease.column3, worker = lease.column4, \
         lease_until_ms = lease.column5, not_before_ms = lease.column6 FROM (";
    const TAIL: &str = ") AS lease WHERE jobs.key = lease.column1";
    let mut cells = Vec::with_capacity(rows.len() * 6);
    for (_, row) in rows {
        cells.extend([
            int(row.key),
            int(row.attempt.into()),
            int(row.retries.into()),
            text_or_null(row.worker.as_deref()),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
        ]);
    }
    Change::Insert { head: HEAD, width: 6, tail: TAIL, cells }
}

fn timers(rows: Rows<'_, StoredTimer>) -> Change {
    const HEAD: &str = "INSERT INTO timers (organisation, actor, instance, number, due_ms, repetitions_left)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET due_ms = excluded.due_ms, \
         repetitions_left = excluded.repetitions_left";
    let mut cells = Vec::with_capacity(rows.len() * 6);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([int(row.instance), int(row.number.into()), int(row.due_ms), int(row.repetitions_left)]);
    }
    Change::Insert { head: HEAD, width: 6, tail: TAIL, cells }
}

fn subscriptions(rows: Rows<'_, StoredSubscription>) -> Change {
    const HEAD: &str = "INSERT INTO subscriptions (organisation, actor, instance, number, kind, name, \
         correlation_key, start_event)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET kind = excluded.kind, name = excluded.name, \
         correlation_key = excluded.correlation_key, start_event = excluded.start_event";
    let mut cells = Vec::with_capacity(rows.len() * 8);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.instance),
            int(row.number.into()),
            text(row.kind.word()),
            text(&row.name),
            text_or_null(row.correlation_key.as_deref()),
            text_or_null(row.start.as_deref()),
        ]);
    }
    Change::Insert { head: HEAD, width: 8, tail: TAIL, cells }
}

fn messages(rows: Rows<'_, StoredMessage>) -> Result<Change, Error> {
    const HEAD: &str = "INSERT INTO messages (organisation, actor, key, name, correlation_key, variables, \
         expires_ms, message_id)";
    let mut cells = Vec::with_capacity(rows.len() * 8);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([
            int(row.key),
            text(&row.name),
            text_or_null(row.correlation_key.as_deref()),
            json(&row.variables)?,
            int(row.expires_ms),
            text_or_null(row.message_id.as_deref()),
        ]);
    }
    Ok(Change::Insert { head: HEAD, width: 8, tail: "", cells })
}

fn follow_ups(rows: Rows<'_, StoredFollowUp>) -> Result<Change, Error> {
    let mut cells = Vec::with_capacity(rows.len() * 4);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([int(row.key), json(&row.action)?]);
    }
    Ok(Change::Insert {
        head: "INSERT INTO follow_ups (organisation, actor, key, action)",
        width: 4,
        tail: "",
        cells,
    })
}

fn task_runs(rows: Rows<'_, TaskRun>) -> Result<Change, Error> {
    const HEAD: &str = "INSERT INTO task_runs (organisation, actor, instance, job, attempt, element, executed_by, \
         state, started_ms, ended_ms, content)";
    let mut cells = Vec::with_capacity(rows.len() * 11);
    for (owner, row) in rows {
        let content = json(row)?;
        cells.extend(owner.cells());
        cells.extend([
            int(row.instance),
            int(row.job),
            int(row.attempt.into()),
            text(&row.element),
            text(&row.executed_by),
            text(&row.state),
            int(row.started_ms),
            int(row.ended_ms),
            content,
        ]);
    }
    Ok(Change::Insert { head: HEAD, width: 11, tail: "", cells })
}

fn attempts(rows: &[(&Owner, &Attempt)]) -> Change {
    const HEAD: &str = "INSERT INTO attempts (organisation, actor, subject_kind, subject, version, success, \
         instance, duration_ms, cost, at_ms)";
    let mut cells = Vec::with_capacity(rows.len() * 10);
    for (owner, row) in rows {
        cells.extend([
            shared(&owner.organisation),
            text(&row.actor),
            text(&row.subject_kind),
            text(&row.subject),
            int_or_null(row.version.map(i64::from)),
            truth(row.success),
            int_or_null(row.instance),
            int(row.duration_ms),
            real(row.cost),
            int(row.at_ms),
        ]);
    }
    Change::Insert { head: HEAD, width: 10, tail: "", cells }
}

/// Counts attempts: one row for each subject, however many attempts it had.
fn scores(rows: &[(&Owner, &Attempt)]) -> Change {
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
    let mut cells = Vec::with_capacity(subjects.len() * 9);
    for ((kind, subject), rows) in subjects {
        let Some((owner, first)) = rows.first() else { continue };
        let sum = |number: fn(&Attempt) -> i64| rows.iter().map(|(_, row)| number(row)).sum::<i64>();
        cells.extend([
            shared(&owner.organisation),
            text(&first.actor),
            text(kind),
            text(subject),
            int(sum(|_| 1)),
            int(sum(|row| row.success.into())),
            int(sum(|row| row.duration_ms)),
            real(rows.iter().map(|(_, row)| row.cost).sum()),
            int(rows.iter().map(|(_, row)| row.at_ms).max().unwrap_or_default()),
        ]);
    }
    Change::Insert { head: HEAD, width: 9, tail: TAIL, cells }
}

fn outbox(rows: Rows<'_, OutboxItem>) -> Change {
    const HEAD: &str = "INSERT INTO outbox (organisation, actor, topic, item_key, payload, attempts)";
    let mut cells = Vec::with_capacity(rows.len() * 6);
    for (owner, row) in rows {
        cells.extend(owner.cells());
        cells.extend([text(&row.topic), text(&row.key), text(&row.payload.to_string()), int(0)]);
    }
    Change::Insert { head: HEAD, width: 6, tail: "", cells }
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
        let values = [int(count + 1), int(count)].map(Value::from);
        let statement = Statement::from_sql_and_values(on.get_database_backend(), SQL, values);
        let row = on.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::Unreadable("the key sequence gave no key".to_owned()))?;
        Ok(Written { result: Some(Row(&row).int("next_key")? - count), events: Vec::new() })
    }
}
