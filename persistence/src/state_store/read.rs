//! Rows of the engine's tables read back.

use engine::port::{Attempt, DecisionRequirements, Definition, Instance};
use engine::store::{
    InstanceOutline, JobOutline, ScoreCount, StoredFollowUp, StoredJob, StoredMessage, StoredSubscription, StoredTimer,
    Waiting,
};

use crate::rows::{Row, Word};
use crate::statements::int;
use crate::{Database, Error};

pub(super) fn definition(row: &Row<'_>) -> Result<(Definition, String), Error> {
    let definition = Definition {
        key: row.int("key")?,
        process_id: row.text("process_id")?,
        name: row.text("name")?,
        version: row.small("version")?,
        resource: row.text("resource")?,
        checksum: row.text("checksum")?,
        deployed_ms: row.int("deployed_ms")?,
    };
    Ok((definition, row.text("xml")?))
}

pub(super) fn decision(row: &Row<'_>) -> Result<(DecisionRequirements, String), Error> {
    let requirements = DecisionRequirements {
        key: row.int("key")?,
        id: row.text("requirements_id")?,
        name: row.text("name")?,
        version: row.small("version")?,
        resource: row.text("resource")?,
        checksum: row.text("checksum")?,
        deployed_ms: row.int("deployed_ms")?,
        decisions: row.json("decisions")?,
    };
    Ok((requirements, row.text("xml")?))
}

pub(super) fn instance(row: &Row<'_>) -> Result<Instance, Error> {
    let call = row.int_or_null("parent_call")?.and_then(|call| u32::try_from(call).ok());
    Ok(Instance {
        key: row.int("key")?,
        definition: row.int("definition")?,
        process_id: row.text("process_id")?,
        version: row.small("version")?,
        status: Word::parse(&row.text("status")?)?,
        incidents: row.small("incidents")?,
        business_key: row.text_or_null("business_key")?,
        parent: row.int_or_null("parent_instance")?.zip(call),
        variables: row.json("variables")?,
        seed: row.int("seed")?.cast_unsigned(),
        dry_run: row.truth("dry_run")?,
        started_ms: row.int("started_ms")?,
        ended_ms: row.int_or_null("ended_ms")?,
    })
}

/// The columns of [`job_outline`].
pub(super) const JOB_OUTLINE: &str = "key, instance, definition, element, kind, job_type, attempt, visit, retries, \
    priority, worker, lease_until_ms, not_before_ms, created_ms, assignee";

fn job(row: &Row<'_>) -> Result<StoredJob, Error> {
    Ok(job_outline(row)?.with(row.json("variables")?))
}

/// What the engine holds of a job.
pub(super) fn job_outline(row: &Row<'_>) -> Result<JobOutline, Error> {
    Ok(JobOutline {
        key: row.int("key")?,
        instance: row.int("instance")?,
        definition: row.int("definition")?,
        element: row.text("element")?,
        kind: Word::parse(&row.text("kind")?)?,
        job_type: row.text_or_null("job_type")?,
        attempt: row.small("attempt")?,
        visit: row.small("visit")?,
        retries: row.small("retries")?,
        priority: row.int("priority")?,
        worker: row.text_or_null("worker")?,
        lease_until_ms: row.int_or_null("lease_until_ms")?,
        not_before_ms: row.int("not_before_ms")?,
        created_ms: row.int("created_ms")?,
        assignee: row.text_or_null("assignee")?,
    })
}

fn timer(row: &Row<'_>) -> Result<StoredTimer, Error> {
    Ok(StoredTimer {
        instance: row.int("instance")?,
        number: row.small("number")?,
        due_ms: row.int("due_ms")?,
        repetitions_left: row.int("repetitions_left")?,
    })
}

fn subscription(row: &Row<'_>) -> Result<StoredSubscription, Error> {
    Ok(StoredSubscription {
        instance: row.int("instance")?,
        number: row.small("number")?,
        kind: Word::parse(&row.text("kind")?)?,
        name: row.text("name")?,
        correlation_key: row.text_or_null("correlation_key")?,
        start: row.text_or_null("start_event")?,
    })
}

fn message(row: &Row<'_>) -> Result<StoredMessage, Error> {
    Ok(StoredMessage {
        key: row.int("key")?,
        name: row.text("name")?,
        correlation_key: row.text_or_null("correlation_key")?,
        variables: row.json("variables")?,
        expires_ms: row.int("expires_ms")?,
        message_id: row.text_or_null("message_id")?,
    })
}

fn follow_up(row: &Row<'_>) -> Result<StoredFollowUp, Error> {
    Ok(StoredFollowUp { key: row.int("key")?, action: row.json("action")? })
}

/// What the engine holds of an instance.
pub(super) fn outline(row: &Row<'_>) -> Result<InstanceOutline, Error> {
    Ok(InstanceOutline {
        key: row.int("key")?,
        definition: row.int("definition")?,
        incidents: row.small("incidents")?,
        business_key: row.text_or_null("business_key")?,
        seed: row.int("seed")?.cast_unsigned(),
        dry_run: row.truth("dry_run")?,
    })
}

/// Everything that waits; of one instance where that is asked.
pub(super) async fn waiting(database: &Database, instance: Option<i64>) -> Result<Waiting, Error> {
    let condition = instance.map_or("", |_| "WHERE instance = $1");
    let values = instance.map(int).into_iter().collect();
    let sql = format!("SELECT * FROM jobs {condition} ORDER BY key");
    let jobs = database.read_all(sql, values, job).await?;
    Ok(Waiting { jobs, ..waiting_besides_jobs(database, instance).await? })
}

/// The same without the jobs. The tables are read side by side.
pub(super) async fn waiting_besides_jobs(
    database: &Database,
    instance: Option<i64>,
) -> Result<Waiting, Error> {
    let condition = instance.map_or("", |_| "WHERE instance = $1");
    let values = || instance.map(int).into_iter().collect::<Vec<_>>();
    let timers = format!(
        "SELECT instance, number, due_ms, repetitions_left FROM timers {condition} \
         ORDER BY due_ms, instance, number"
    );
    let subscriptions = format!(
        "SELECT instance, number, kind, name, correlation_key, start_event FROM subscriptions {condition} \
         ORDER BY instance, number"
    );
    let (timers, subscriptions, messages, follow_ups) = futures::try_join!(
        database.read_all(timers, values(), timer),
        database.read_all(subscriptions, values(), subscription),
        database.read_all("SELECT * FROM messages ORDER BY key", Vec::new(), message),
        database.read_all("SELECT * FROM follow_ups ORDER BY key", Vec::new(), follow_up),
    )?;
    Ok(Waiting { jobs: Vec::new(), timers, subscriptions, messages, follow_ups })
}

pub(super) fn score_count(row: &Row<'_>) -> Result<ScoreCount, Error> {
    Ok(ScoreCount {
        subject_kind: row.text("subject_kind")?,
        subject: row.text("subject")?,
        attempts: row.small("attempts")?,
        successes: row.small("successes")?,
        duration_ms: row.int("duration_ms")?,
        cost: row.real("cost")?,
        last_ms: row.int("last_ms")?,
    })
}

pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt, Error> {
    Ok(Attempt {
        subject_kind: row.text("subject_kind")?,
        subject: row.text("subject")?,
        version: row.int_or_null("version")?.and_then(|version| i32::try_from(version).ok()),
        success: row.truth("success")?,
        instance: row.int_or_null("instance")?,
        duration_ms: row.int("duration_ms")?,
        cost: row.real("cost")?,
        at_ms: row.int("at_ms")?,
        actor: row.text("actor")?,
    })
}
