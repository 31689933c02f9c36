//! A real Camunda 7, or Operaton, which comes from it, in a process of its own, used through its REST API.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use crate::client::Client;
use crate::http::{answers, free_port};
use crate::measure::{self, Engine, Leased};
use crate::model::Model;
use crate::options::Options;
use crate::table::Row;

/// Which of the two.
pub(crate) struct Edition {
    name: &'static str,
    /// Its database in a PostgreSQL: each makes tables of the same names.
    database: &'static str,
}

/// Camunda 7.24.
pub(crate) const CAMUNDA7: Edition = Edition { name: "Camunda 7", database: "bench_camunda" };
/// Operaton.
pub(crate) const OPERATON: Edition = Edition { name: "Operaton", database: "bench_operaton" };

/// One that runs; ended with this value.
pub(crate) struct Camunda7 {
    child: Child,
    url: String,
    name: String,
}

/// A client of it.
struct Rest {
    client: Client,
    url: String,
}

/// A started instance, or an external task.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Drop for Camunda7 {
    fn drop(&mut self) {
        // It is gone already, or is killed here.
        let _gone = self.child.kill();
        let _code = self.child.wait();
    }
}

impl Camunda7 {
    /// Starts it on an empty H2 in its memory, or on an empty PostgreSQL database.
    pub(crate) async fn start(
        edition: &Edition,
        jar: &Path,
        folder: &Path,
        postgres: Option<&str>,
    ) -> Result<Self> {
        let kind = if postgres.is_some() { "PostgreSQL" } else { "H2 in memory" };
        let port = free_port()?;
        let log = std::fs::File::create(folder.join(format!("{}.log", edition.database)))?;
        let mut command = Command::new("java");
        command.args(["-Xmx2g", "-jar"]).arg(jar).arg(format!("--server.port={port}"));
        if let Some(url) = postgres {
            let (user, place) = url
                .strip_prefix("postgres://")
                .and_then(|rest| rest.split_once('@'))
                .context("the PostgreSQL address is not postgres://USER@HOST:PORT")?;
            command.arg(format!("--spring.datasource.url=jdbc:postgresql://{place}/{}", edition.database));
            command.arg(format!("--spring.datasource.username={user}"));
        }
        let child = command.stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).spawn();
        let child = child.context("java cannot be started")?;
        let name = format!("{} REST, {kind}", edition.name);
        let camunda = Self { child, url: format!("http://127.0.0.1:{port}/engine-rest"), name };
        answers(&format!("{}/version", camunda.url)).await?;
        Ok(camunda)
    }

    /// The row of a model.
    pub(crate) async fn measured(&self, options: &Options, model: &'static Model) -> Result<Row> {
        let rest = Rest { client: Client::of(&self.url)?, url: self.url.clone() };
        rest.deploy(model).await?;
        measure::measured_from_one_thread(self.name.clone(), rest, model, options, self.child.id()).await
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Rest {
    async fn deploy(&self, model: &Model) -> Result<()> {
        let part = reqwest::multipart::Part::text(model.xml()).file_name(format!("{}.bpmn", model.id));
        let form = reqwest::multipart::Form::new().text("deployment-name", model.id).part("file", part);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.post(format!("{}/deployment/create", self.url)).multipart(form).send().await?;
        answer.error_for_status()?;
        Ok(())
    }
}

#[async_trait]
impl Engine for Rest {
    async fn start(&self, model: &Model, case: &str) -> Result<String> {
        let variables = json!({"case": {"value": case, "type": "String"}});
        let asked = json!({"businessKey": case, "variables": variables});
        let path = format!("/process-definition/key/{}/start", model.id);
        Ok(self.client.ask::<Named>(&path, &asked).await?.id)
    }

    async fn lease(&self, model: &Model, _: &str, case: &str, most: usize) -> Result<Vec<Leased>> {
        let asked = json!({
            "workerId": case, "maxTasks": most, "asyncResponseTimeout": 5_000,
            "topics": [{"topicName": model.id, "lockDuration": 60_000, "businessKey": case}],
        });
        let tasks: Vec<Named> = self.client.ask("/external-task/fetchAndLock", &asked).await?;
        Ok(tasks.into_iter().map(|task| Leased { key: task.id, attempt: 0 }).collect())
    }

    async fn complete(&self, job: &Leased, case: &str, count: usize) -> Result<()> {
        let variables = json!({"count": {"value": count, "type": "Integer"}});
        let asked = json!({"workerId": case, "variables": variables});
        self.client.post(&format!("/external-task/{}/complete", job.key), &asked).await?;
        Ok(())
    }

    async fn publish(&self, instance: &str, _: &str) -> Result<()> {
        let asked = json!({"messageName": "paid", "processInstanceId": instance});
        self.client.post("/message", &asked).await?;
        Ok(())
    }
}
