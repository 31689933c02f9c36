//! The writer's side of a commit: each kind of row with its statement.

use async_trait::async_trait;
use engine::port::{Attempt, Definition, TaskRun};
use engine::store::{
    Commit, JobLease, LOCAL, StoredFollowUp, StoredInstance, StoredJob, StoredMessage, StoredSubscription,
    StoredTimer,
};
use sea_orm::{DatabaseTransaction, Value};
use trail::OutboxItem;

use crate::Error;
use crate::rows::{Row, Word};
use crate::statements::{delete, execute, insert, int, int_or_null, json, real, text, text_or_null, truth};
use crate::writer::{Write, Written};

/// Writes what one command of the engine changes.
pub(super) struct CommitWrite(pub(super) Commit);

/// A commit as a write, for tests that look at the database's own errors.
#[cfg(test)]
pub(crate) fn commit_write(commit: Commit) -> impl Write {
    CommitWrite(commit)
}

/// Whose rows they are.
struct Owner {
    organisation: String,
    actor: String,
}

impl Owner {
    fn values(&self) -> [Value; 2] {
        [text(self.organisation.clone()), text(self.actor.clone())]
    }
}

fn or_local(name: String) -> String {
    if name.is_empty() { LOCAL.to_owned() } else { name }
}

#[async_trait]
impl Write for CommitWrite {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        let commit = std::mem::take(&mut self.0);
        let owner = Owner { organisation: or_local(commit.organisation), actor: or_local(commit.actor) };
        if let Some((key, result)) = commit.idempotent {
            take_idempotency_key(on, &owner, key, result).await?;
        }
        definitions(on, &owner, commit.definitions).await?;
        instances(on, &owner, commit.instances).await?;
        delete(on, "jobs", "key", &commit.ended_jobs).await?;
        jobs(on, &owner, commit.jobs).await?;
        leases(on, commit.leases).await?;
        delete_numbered(on, "timers", &commit.ended_timers).await?;
        timers(on, &owner, commit.timers).await?;
        delete_numbered(on, "subscriptions", &commit.ended_subscriptions).await?;
        subscriptions(on, &owner, commit.subscriptions).await?;
        delete(on, "messages", "key", &commit.ended_messages).await?;
        messages(on, &owner, commit.messages).await?;
        delete(on, "follow_ups", "key", &commit.ended_follow_ups).await?;
        follow_ups(on, &owner, commit.follow_ups).await?;
        task_runs(on, &owner, commit.task_runs).await?;
        attempts(on, &owner, commit.attempts).await?;
        outbox(on, &owner, commit.outbox).await?;
        Ok(Written { result: None, events: commit.events })
    }
}

async fn take_idempotency_key(
    on: &DatabaseTransaction,
    owner: &Owner,
    key: String,
    result: i64,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO idempotency (organisation, actor, idempotency_key, result) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING";
    let [organisation, actor] = owner.values();
    let done = execute(on, SQL, vec![organisation, actor, text(key.clone()), int(result)]).await?;
    if done.rows_affected() == 0 { Err(Error::Taken(key)) } else { Ok(()) }
}

async fn definitions(
    on: &DatabaseTransaction,
    owner: &Owner,
    rows: Vec<(Definition, String)>,
) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO definitions (organisation, actor, key, process_id, name, version, resource, \
         checksum, deployed_ms, xml)";
    let mut values = Vec::with_capacity(rows.len() * 10);
    for (row, xml) in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            text(row.process_id),
            text(row.name),
            int(row.version.into()),
            text(row.resource),
            text(row.checksum),
            int(row.deployed_ms),
            text(xml),
        ]);
    }
    insert(on, HEAD, 10, "", values).await
}

async fn instances(on: &DatabaseTransaction, owner: &Owner, rows: Vec<StoredInstance>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO instances (organisation, actor, key, definition, process_id, version, \
         status, incidents, business_key, parent_instance, parent_call, variables, seed, dry_run, started_ms, \
         ended_ms, state)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET definition = excluded.definition, \
         version = excluded.version, status = excluded.status, incidents = excluded.incidents, \
         variables = excluded.variables, ended_ms = excluded.ended_ms, state = excluded.state";
    let mut values = Vec::with_capacity(rows.len() * 17);
    for StoredInstance { instance: row, state } in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            int(row.definition),
            text(row.process_id),
            int(row.version.into()),
            text(row.status.word()),
            int(row.incidents.into()),
            text_or_null(row.business_key),
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
    insert(on, HEAD, 17, TAIL, values).await
}

async fn jobs(on: &DatabaseTransaction, owner: &Owner, rows: Vec<StoredJob>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO jobs (organisation, actor, key, instance, definition, element, kind, job_type, \
         variables, attempt, retries, priority, worker, lease_until_ms, not_before_ms, created_ms, assignee)";
    const TAIL: &str = "ON CONFLICT (key) DO UPDATE SET variables = excluded.variables, \
         attempt = excluded.attempt, retries = excluded.retries, priority = excluded.priority, \
         worker = excluded.worker, lease_until_ms = excluded.lease_until_ms, \
         not_before_ms = excluded.not_before_ms, assignee = excluded.assignee";
    let mut values = Vec::with_capacity(rows.len() * 17);
    for row in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            int(row.instance),
            int(row.definition),
            text(row.element),
            text(row.kind.word()),
            text_or_null(row.job_type),
            json(&row.variables)?,
            int(row.attempt.into()),
            int(row.retries.into()),
            int(row.priority),
            text_or_null(row.worker),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
            int(row.created_ms),
            text_or_null(row.assignee),
        ]);
    }
    insert(on, HEAD, 17, TAIL, values).await
}

async fn leases(on: &DatabaseTransaction, rows: Vec<JobLease>) -> Result<(), Error> {
    const SQL: &str = "UPDATE jobs SET attempt = $1, retries = $2, worker = $3, lease_until_ms = $4, \
         not_before_ms = $5 WHERE key = $6";
    for row in rows {
        let values = vec![
            int(row.attempt.into()),
            int(row.retries.into()),
            text_or_null(row.worker),
            int_or_null(row.lease_until_ms),
            int(row.not_before_ms),
            int(row.key),
        ];
        execute(on, SQL, values).await?;
    }
    Ok(())
}

async fn delete_numbered(on: &DatabaseTransaction, table: &str, keys: &[(i64, u32)]) -> Result<(), Error> {
    for (instance, number) in keys {
        let sql = format!("DELETE FROM {table} WHERE instance = $1 AND number = $2");
        execute(on, sql, vec![int(*instance), int((*number).into())]).await?;
    }
    Ok(())
}

async fn timers(on: &DatabaseTransaction, owner: &Owner, rows: Vec<StoredTimer>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO timers (organisation, actor, instance, number, due_ms, repetitions_left)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET due_ms = excluded.due_ms, \
         repetitions_left = excluded.repetitions_left";
    let mut values = Vec::with_capacity(rows.len() * 6);
    for row in rows {
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.number.into()),
            int(row.due_ms),
            int(row.repetitions_left),
        ]);
    }
    insert(on, HEAD, 6, TAIL, values).await
}

async fn subscriptions(
    on: &DatabaseTransaction,
    owner: &Owner,
    rows: Vec<StoredSubscription>,
) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO subscriptions (organisation, actor, instance, number, kind, name, \
         correlation_key, start_event)";
    const TAIL: &str = "ON CONFLICT (instance, number) DO UPDATE SET kind = excluded.kind, name = excluded.name, \
         correlation_key = excluded.correlation_key, start_event = excluded.start_event";
    let mut values = Vec::with_capacity(rows.len() * 8);
    for row in rows {
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.number.into()),
            text(row.kind.word()),
            text(row.name),
            text_or_null(row.correlation_key),
            text_or_null(row.start),
        ]);
    }
    insert(on, HEAD, 8, TAIL, values).await
}

async fn messages(on: &DatabaseTransaction, owner: &Owner, rows: Vec<StoredMessage>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO messages (organisation, actor, key, name, correlation_key, variables, \
         expires_ms, message_id)";
    let mut values = Vec::with_capacity(rows.len() * 8);
    for row in rows {
        values.extend(owner.values());
        values.extend([
            int(row.key),
            text(row.name),
            text_or_null(row.correlation_key),
            json(&row.variables)?,
            int(row.expires_ms),
            text_or_null(row.message_id),
        ]);
    }
    insert(on, HEAD, 8, "", values).await
}

async fn follow_ups(on: &DatabaseTransaction, owner: &Owner, rows: Vec<StoredFollowUp>) -> Result<(), Error> {
    let mut values = Vec::with_capacity(rows.len() * 4);
    for row in rows {
        values.extend(owner.values());
        values.extend([int(row.key), json(&row.action)?]);
    }
    insert(on, "INSERT INTO follow_ups (organisation, actor, key, action)", 4, "", values).await
}

async fn task_runs(on: &DatabaseTransaction, owner: &Owner, rows: Vec<TaskRun>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO task_runs (organisation, actor, instance, job, attempt, element, executed_by, \
         state, started_ms, ended_ms, content)";
    let mut values = Vec::with_capacity(rows.len() * 11);
    for row in rows {
        let content = json(&row)?;
        values.extend(owner.values());
        values.extend([
            int(row.instance),
            int(row.job),
            int(row.attempt.into()),
            text(row.element),
            text(row.executed_by),
            text(row.state),
            int(row.started_ms),
            int(row.ended_ms),
            content,
        ]);
    }
    insert(on, HEAD, 11, "", values).await
}

async fn attempts(on: &DatabaseTransaction, owner: &Owner, rows: Vec<Attempt>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO attempts (organisation, actor, subject_kind, subject, version, success, \
         instance, duration_ms, cost, at_ms)";
    const SCORE: &str = "INSERT INTO scores (organisation, actor, subject_kind, subject, attempts, successes, \
         duration_ms, cost, last_ms) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8) \
         ON CONFLICT (subject_kind, subject) DO UPDATE SET attempts = scores.attempts + 1, \
         successes = scores.successes + excluded.successes, \
         duration_ms = scores.duration_ms + excluded.duration_ms, cost = scores.cost + excluded.cost, \
         last_ms = CASE WHEN excluded.last_ms > scores.last_ms THEN excluded.last_ms ELSE scores.last_ms END";
    let mut values = Vec::with_capacity(rows.len() * 10);
    for row in rows {
        let score = vec![
            text(owner.organisation.clone()),
            text(row.actor.clone()),
            text(row.subject_kind.clone()),
            text(row.subject.clone()),
            truth(row.success),
            int(row.duration_ms),
            real(row.cost),
            int(row.at_ms),
        ];
        execute(on, SCORE, score).await?;
        values.extend([
            text(owner.organisation.clone()),
            text(row.actor),
            text(row.subject_kind),
            text(row.subject),
            int_or_null(row.version.map(i64::from)),
            truth(row.success),
            int_or_null(row.instance),
            int(row.duration_ms),
            real(row.cost),
            int(row.at_ms),
        ]);
    }
    insert(on, HEAD, 10, "", values).await
}

async fn outbox(on: &DatabaseTransaction, owner: &Owner, rows: Vec<OutboxItem>) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO outbox (organisation, actor, topic, item_key, payload, attempts)";
    let mut values = Vec::with_capacity(rows.len() * 6);
    for row in rows {
        values.extend(owner.values());
        values.extend([text(row.topic), text(row.key), text(row.payload.to_string()), int(0)]);
    }
    insert(on, HEAD, 6, "", values).await
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
