//! Rows of the engine's tables read back.

use engine::port::{Attempt, DecisionRequirements, Definition, Instance, Status};
use engine::store::{
    InstanceOutline, JobOutline, ScoreCount, StoredFollowUp, StoredJob, StoredMessage, StoredSubscription,
    StoredTimer, Waiting,
};

use serde::de::DeserializeOwned;

use crate::rows::{Row, Word};
use crate::statements::{int, text};
use crate::{Database, Error};

/// Rows read at once.
const PAGE: usize = 10_000;

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

fn job(row: &Row<'_>) -> Result<StoredJob, Error> {
    Ok(StoredJob {
        key: row.int("key")?,
        instance: row.int("instance")?,
        definition: row.int("definition")?,
        element: row.text("element")?,
        kind: Word::parse(&row.text("kind")?)?,
        job_type: row.text_or_null("job_type")?,
        variables: row.json("variables")?,
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

/// What the engine holds of jobs, oldest first.
pub(super) async fn job_outlines(
    database: &Database,
    after: i64,
    limit: usize,
) -> Result<Vec<JobOutline>, Error> {
    const COLUMNS: &str = "key, instance, definition, element, kind, job_type, attempt, visit, retries, priority, \
        worker, lease_until_ms, not_before_ms, created_ms, assignee";
    type Columns = (
        i64,
        i64,
        i64,
        String,
        String,
        Option<String>,
        u32,
        u32,
        u32,
        i64,
        Option<String>,
        Option<i64>,
        i64,
        i64,
        Option<String>,
    );
    let rest = format!("FROM jobs WHERE key > $1 ORDER BY key LIMIT {limit}");
    let rows: Vec<Columns> = database.read_page(COLUMNS, &rest, vec![int(after)]).await?;
    let outline = |row: Columns| {
        let (key, instance, definition, element, kind, job_type, attempt, visit, retries, priority, ..) = row;
        let (.., worker, lease_until_ms, not_before_ms, created_ms, assignee) = row;
        let kind = Word::parse(&kind)?;
        Ok(JobOutline {
            key,
            instance,
            definition,
            element,
            kind,
            job_type,
            attempt,
            visit,
            retries,
            priority,
            worker,
            lease_until_ms,
            not_before_ms,
            created_ms,
            assignee,
        })
    };
    let mut outlines = rows.into_iter().map(outline).collect::<Result<Vec<_>, Error>>()?;
    outlines.sort_unstable_by_key(|outline| outline.key);
    Ok(outlines)
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

/// What the engine holds of instances, newest first.
pub(super) async fn outlines(
    database: &Database,
    status: Status,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<InstanceOutline>, Error> {
    const COLUMNS: &str = "key, definition, incidents, business_key, seed, dry_run";
    let rest = format!("FROM instances WHERE status = $1 AND key < $2 ORDER BY key DESC LIMIT {limit}");
    let values = vec![text(status.word()), int(before.unwrap_or(i64::MAX))];
    let rows: Vec<(i64, i64, u32, Option<String>, i64, u8)> =
        database.read_page(COLUMNS, &rest, values).await?;
    let outline = |(key, definition, incidents, business_key, seed, dry_run): (i64, i64, u32, _, i64, u8)| {
        let (seed, dry_run) = (seed.cast_unsigned(), dry_run != 0);
        InstanceOutline { key, definition, incidents, business_key, seed, dry_run }
    };
    let mut outlines: Vec<InstanceOutline> = rows.into_iter().map(outline).collect();
    outlines.sort_unstable_by_key(|outline| std::cmp::Reverse(outline.key));
    Ok(outlines)
}

/// Timers of one instance or all, by when they are due.
async fn timers(database: &Database, instance: Option<i64>) -> Result<Vec<StoredTimer>, Error> {
    const COLUMNS: &str = "instance, number, due_ms, repetitions_left";
    let mut timers: Vec<StoredTimer> = numbered(database, "timers", COLUMNS, instance, |row| {
        let (instance, number, due_ms, repetitions_left): (i64, u32, i64, i64) = row;
        Ok((StoredTimer { instance, number, due_ms, repetitions_left }, (instance, number)))
    })
    .await?;
    timers.sort_unstable_by_key(|timer| (timer.due_ms, timer.instance, timer.number));
    Ok(timers)
}

async fn subscriptions(database: &Database, instance: Option<i64>) -> Result<Vec<StoredSubscription>, Error> {
    const COLUMNS: &str = "instance, number, kind, name, correlation_key, start_event";
    type Columns = (i64, u32, String, String, Option<String>, Option<String>);
    numbered(database, "subscriptions", COLUMNS, instance, |row: Columns| {
        let (instance, number, kind, name, correlation_key, start) = row;
        let kind = Word::parse(&kind)?;
        Ok((StoredSubscription { instance, number, kind, name, correlation_key, start }, (instance, number)))
    })
    .await
}

/// Rows that are told apart by instance and number, page by page in that order.
async fn numbered<R: DeserializeOwned, T>(
    database: &Database,
    table: &str,
    columns: &str,
    instance: Option<i64>,
    read: impl Fn(R) -> Result<(T, (i64, u32)), Error>,
) -> Result<Vec<T>, Error> {
    let mut after = (instance.map_or(i64::MIN, |instance| instance - 1), u32::MAX);
    let until = instance.unwrap_or(i64::MAX);
    let rest = format!(
        "FROM {table} WHERE (instance, number) > ($1, $2) AND instance <= $3 \
         ORDER BY instance, number LIMIT {PAGE}"
    );
    let mut all = Vec::new();
    loop {
        let values = vec![int(after.0), int(after.1.into()), int(until)];
        let rows: Vec<R> = database.read_page(columns, &rest, values).await?;
        let is_last = rows.len() < PAGE;
        let mut page = rows.into_iter().map(&read).collect::<Result<Vec<_>, Error>>()?;
        page.sort_unstable_by_key(|(_, id)| *id);
        after = page.last().map_or(after, |(_, id)| *id);
        all.extend(page.into_iter().map(|(row, _)| row));
        if is_last {
            return Ok(all);
        }
    }
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
    let (timers, subscriptions, messages, follow_ups) = futures::try_join!(
        timers(database, instance),
        subscriptions(database, instance),
        database.read_all("SELECT * FROM messages ORDER BY key", Vec::new(), message),
        database.read_all("SELECT * FROM follow_ups ORDER BY key", Vec::new(), follow_up),
    )?;
    Ok(Waiting { jobs: Vec::new(), timers, subscriptions, messages, follow_ups })
}

pub(super) fn score_count(row: &Row<'_>) -> Result<ScoreCount, Error> {
    Ok(ScoreCount {
        subject_kind: row.text("subject_kind")?,
        subject: row.text("subject")?,
        version: None,
        attempts: row.small("attempts")?,
        successes: row.small("successes")?,
        duration_ms: row.int("duration_ms")?,
        cost: row.real("cost")?,
        last_ms: row.int("last_ms")?,
    })
}

pub(super) fn version_count(row: &Row<'_>) -> Result<ScoreCount, Error> {
    Ok(ScoreCount { version: Some(row.small("version")?), ..score_count(row)? })
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
