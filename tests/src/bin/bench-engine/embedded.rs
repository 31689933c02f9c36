//! The embedded engine in this process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::{ActivateJobs, DeployFile, Message, Record, StartInstance};
use engine::{Embedded, ProcessEngine};
use persistence::Database;
use serde_json::json;

use crate::measure::{self, Engine, Leased};
use crate::model::Model;
use crate::options::Options;
use crate::table::Row;

/// The engine as a client uses it.
pub(crate) struct InProcess(pub(crate) Embedded);

/// A database of its own for the purpose `name`: a fresh SQLite file, or an empty PostgreSQL database.
pub(crate) async fn open(
    folder: &Path,
    postgres: Option<&str>,
    name: &str,
) -> Result<(Database, &'static str)> {
    Ok(match postgres {
        None => (Database::open_sqlite(&folder.join(format!("{name}.db"))).await?, "SQLite"),
        Some(url) => (Database::open_postgres(&format!("{url}/{name}")).await?, "PostgreSQL"),
    })
}

/// The row of a model.
pub(crate) async fn measured(
    options: &Options,
    folder: &Path,
    postgres: Option<&str>,
    model: &'static Model,
) -> Result<Row> {
    let (database, kind) = open(folder, postgres, "bench_engine").await?;
    let engine = Embedded::open(Arc::new(database.clone()), Arc::new(SystemClock)).await?;
    deploy(&engine, model).await?;
    let name = format!("embedded, {kind}");
    let row = measure::measured(&name, InProcess(engine.clone()), model, options, std::process::id()).await?;
    engine.stop().await;
    database.close().await;
    Ok(row)
}

/// Deploys a model.
pub(crate) async fn deploy(engine: &Embedded, model: &Model) -> Result<i64> {
    let file = DeployFile { name: format!("{}.bpmn", model.id), content: model.xml().into_bytes() };
    let deployed = engine.deploy(vec![file]).await?;
    Ok(deployed.first().context("one process is deployed")?.key)
}

#[async_trait]
impl Engine for InProcess {
    async fn start(&self, model: &Model, case: &str) -> Result<String> {
        let request = StartInstance {
            process_id: Some(model.id.to_owned()),
            variables: variables([("case", json!(case))]),
            business_key: Some(case.to_owned()),
            ..StartInstance::default()
        };
        Ok(self.0.start(request).await?.to_string())
    }

    async fn lease(&self, model: &Model, instance: &str, _: &str, most: usize) -> Result<Vec<Leased>> {
        let request = ActivateJobs {
            worker: "bench".to_owned(),
            instance: Some(instance.parse()?),
            job_types: Some(vec![model.id.to_owned()]),
            max: most,
            lease_ms: 60_000,
            wait_ms: 5_000,
        };
        let jobs = self.0.activate_jobs(request).await?;
        Ok(jobs.iter().map(|job| Leased { key: job.key.to_string(), attempt: job.attempt }).collect())
    }

    async fn complete(&self, job: &Leased, _: &str, count: usize) -> Result<()> {
        let result = variables([("count", json!(count))]);
        Ok(self.0.complete_job(job.key.parse()?, job.attempt, result, Record::default()).await?)
    }

    async fn publish(&self, _: &str, case: &str) -> Result<()> {
        let message = Message {
            name: "paid".to_owned(),
            correlation_key: Some(case.to_owned()),
            time_to_live_ms: 60_000,
            ..Message::default()
        };
        Ok(self.0.publish_message(message).await?)
    }
}

fn variables<const N: usize>(pairs: [(&str, serde_json::Value); N]) -> Variables {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
