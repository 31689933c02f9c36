//! The engine's store: definitions, instances and what belongs to them, one transaction for each command.

mod commit;
mod read;
mod touched;

pub(crate) use commit::changes_of;
#[cfg(test)]
pub(crate) use commit::commit_write;
pub(crate) use touched::{Touched, touches_once};

use async_trait::async_trait;
use bpmn::program::Variables;
use engine::port::{Attempt, DecisionRequirements, Definition, Instance, InstanceFilter, Status, TaskRun};
use engine::store::{
    Commit, InstanceOutline, JobOutline, ScoreCount, ScoreFilter, Store, StoredInstance, Waiting,
};

use crate::Database;
use crate::rows::{Row, Word};
use crate::statements::{int, is_one_of, text};

#[async_trait]
impl Store for Database {
    async fn commit(&self, commit: Commit) -> Result<i64, engine::Error> {
        Ok(self.write(commit::CommitWrite(commit)).await?)
    }

    async fn reserve_keys(&self, count: u32) -> Result<i64, engine::Error> {
        Ok(self.write(commit::ReserveKeys(count)).await?)
    }

    async fn definitions(&self) -> Result<Vec<(Definition, String)>, engine::Error> {
        let rows = self.query("SELECT * FROM definitions ORDER BY key", Vec::new()).await?;
        Ok(rows.iter().map(|row| read::definition(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn decisions(&self) -> Result<Vec<(DecisionRequirements, String)>, engine::Error> {
        let rows = self.query("SELECT * FROM decisions ORDER BY key", Vec::new()).await?;
        Ok(rows.iter().map(|row| read::decision(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn load_instance(&self, key: i64) -> Result<Option<StoredInstance>, engine::Error> {
        let rows = self.query("SELECT * FROM instances WHERE key = $1", vec![int(key)]).await?;
        let Some(row) = rows.first().map(Row) else { return Ok(None) };
        Ok(Some(StoredInstance { instance: read::instance(&row)?, state: row.text("state")? }))
    }

    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, engine::Error> {
        let mut values = Vec::new();
        let mut conditions = String::from("1 = 1");
        let mut and = |condition: &str, value| {
            values.push(value);
            conditions.push_str(&format!(" AND {condition} ${}", values.len()));
        };
        if let Some(id) = &filter.process_id {
            and("process_id =", text(id.clone()));
        }
        if let Some(key) = filter.definition {
            and("definition =", int(key));
        }
        if let Some(status) = filter.status {
            and("status =", text(status.word()));
        }
        if let Some(since) = filter.started_since_ms {
            and("started_ms >=", int(since));
        }
        if let Some(before) = filter.started_before_ms {
            and("started_ms <", int(before));
        }
        if let Some(last) = filter.before {
            and(if filter.oldest_first { "key >" } else { "key <" }, int(last));
        }
        let order = if filter.oldest_first { "ASC" } else { "DESC" };
        let limit = engine::limits::page(filter.limit);
        let sql = format!(
            "SELECT key, definition, process_id, version, status, incidents, business_key, parent_instance, \
             parent_call, variables, seed, dry_run, started_ms, ended_ms FROM instances WHERE {conditions} \
             ORDER BY key {order} LIMIT {limit}"
        );
        let rows = self.query(sql, values).await?;
        Ok(rows.iter().map(|row| read::instance(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn load_waiting(&self) -> Result<Waiting, engine::Error> {
        Ok(read::waiting(self, None).await?)
    }

    async fn load_waiting_besides_jobs(&self) -> Result<Waiting, engine::Error> {
        Ok(read::waiting_besides_jobs(self, None).await?)
    }

    async fn job_outlines(&self, after: i64, limit: usize) -> Result<Vec<JobOutline>, engine::Error> {
        Ok(read::job_outlines(self, after, engine::limits::page(limit)).await?)
    }

    async fn job_variables(&self, keys: &[i64]) -> Result<Vec<(i64, Variables)>, engine::Error> {
        let (wanted, keys) = is_one_of(self.backend(), "key", keys);
        let sql = format!("SELECT key, variables FROM jobs WHERE {wanted}");
        let read = |row: &Row<'_>| Ok((row.int("key")?, row.json("variables")?));
        Ok(self.read_all(sql, vec![text(keys)], read).await?)
    }

    async fn load_waiting_of(&self, instance: i64) -> Result<Waiting, engine::Error> {
        Ok(read::waiting(self, Some(instance)).await?)
    }

    async fn outlines(
        &self,
        status: Status,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<InstanceOutline>, engine::Error> {
        Ok(read::outlines(self, status, before, engine::limits::page(limit)).await?)
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<i64>, engine::Error> {
        let sql = "SELECT result FROM idempotency WHERE idempotency_key = $1";
        let rows = self.query(sql, vec![text(key)]).await?;
        Ok(rows.first().map(|row| Row(row).int("result")).transpose()?)
    }

    async fn task_runs(&self, instance: i64) -> Result<Vec<TaskRun>, engine::Error> {
        let sql = "SELECT content FROM task_runs WHERE instance = $1 ORDER BY id";
        let rows = self.query(sql, vec![int(instance)]).await?;
        Ok(rows.iter().map(|row| Row(row).json("content")).collect::<Result<_, _>>()?)
    }

    async fn score_counts(&self, filter: &ScoreFilter) -> Result<Vec<ScoreCount>, engine::Error> {
        let mut values = Vec::new();
        let mut conditions = String::from("1 = 1");
        if let Some(kind) = &filter.subject_kind {
            values.push(text(kind.clone()));
            conditions.push_str(&format!(" AND subject_kind = ${}", values.len()));
        }
        if let Some(subject) = &filter.subject {
            values.push(text(subject.clone()));
            conditions.push_str(&format!(" AND subject = ${}", values.len()));
        }
        let sql = format!("SELECT * FROM scores WHERE {conditions} ORDER BY subject_kind, subject");
        let rows = self.query(sql, values).await?;
        Ok(rows.iter().map(|row| read::score_count(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn version_counts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<ScoreCount>, engine::Error> {
        // Sums of whole numbers are wider than those in PostgreSQL.
        let sql = format!(
            "SELECT subject_kind, subject, version, COUNT(*) AS attempts, \
             CAST(SUM(success) AS BIGINT) AS successes, CAST(SUM(duration_ms) AS BIGINT) AS duration_ms, \
             SUM(cost) AS cost, MAX(at_ms) AS last_ms FROM attempts \
             WHERE subject_kind = $1 AND subject = $2 AND version IS NOT NULL \
             GROUP BY subject_kind, subject, version ORDER BY version DESC LIMIT {limit}"
        );
        let rows = self.query(sql, vec![text(subject_kind), text(subject)]).await?;
        Ok(rows.iter().map(|row| read::version_count(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn attempts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<Attempt>, engine::Error> {
        let sql = format!(
            "SELECT * FROM attempts WHERE subject_kind = $1 AND subject = $2 ORDER BY id DESC LIMIT {limit}"
        );
        let rows = self.query(sql, vec![text(subject_kind), text(subject)]).await?;
        Ok(rows.iter().map(|row| read::attempt(&Row(row))).collect::<Result<_, _>>()?)
    }
}
