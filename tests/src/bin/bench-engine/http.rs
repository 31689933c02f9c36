//! A server in a process of its own, used through its HTTP API: `/v2`, as any job worker uses it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::measure::{self, Engine, Leased};
use crate::model::Model;
use crate::options::Options;
use crate::process::Load;
use crate::table::Row;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at a server that is starting.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A server that runs; ended with this value.
pub(crate) struct Server {
    child: Child,
    url: String,
    kind: &'static str,
}

/// A client of it.
struct Api {
    client: Client,
}

#[derive(Serialize)]
struct Case<'a> {
    case: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Creation<'a> {
    process_definition_id: &'a str,
    variables: Case<'a>,
    business_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    process_instance_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activation<'a> {
    #[serde(rename = "type")]
    job_type: &'a str,
    timeout: u64,
    max_jobs_to_activate: usize,
    worker: &'a str,
    request_timeout: u64,
}

#[derive(Deserialize)]
struct Activated {
    jobs: Vec<ActivatedJob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActivatedJob {
    job_key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or is killed here.
        let _gone = self.child.kill();
        let _code = self.child.wait();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until an address answers.
pub(crate) async fn answers(url: &str) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
    let began = Instant::now();
    while !client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(began.elapsed() < PATIENCE, "{url} does not answer");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

impl Server {
    /// Starts it on an empty data directory, with the records there or in PostgreSQL.
    pub(crate) async fn start(folder: &Path, postgres: Option<&str>) -> Result<Self> {
        let kind = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        Self::on(&folder.join(format!("server-{kind}")), postgres).await
    }

    /// Starts it on a data directory.
    pub(crate) async fn on(data_directory: &Path, postgres: Option<&str>) -> Result<Self> {
        let kind = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(data_directory).env_clear();
        if let Some(url) = postgres {
            command.env("PROCOS_DATABASE_URL", format!("{url}/bench_server"));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let server = Self { child, url: format!("http://127.0.0.1:{port}"), kind };
        answers(&format!("{}/readyz", server.url)).await?;
        Ok(server)
    }

    /// What it used up to now.
    pub(crate) fn load(&self) -> Result<Load> {
        Load::of(self.child.id())
    }

    /// The row of a model.
    pub(crate) async fn measured(&self, options: &Options, model: &'static Model) -> Result<Row> {
        let api = Api { client: Client::of(&self.url)? };
        api.deploy(model).await?;
        let name = format!("HTTP, {}", self.kind);
        measure::measured_from_one_thread(name, api, model, options, self.child.id()).await
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Api {
    async fn deploy(&self, model: &Model) -> Result<()> {
        let query = "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { __typename } }";
        let input = json!({"fileName": format!("{}.bpmn", model.id), "xml": model.xml()});
        let asked = json!({"query": query, "variables": {"input": input}});
        let answer: Value = self.client.ask("/graphql", &asked).await?;
        ensure!(answer.get("errors").is_none(), "the server refused {}: {answer}", model.id);
        Ok(())
    }
}

#[async_trait]
impl Engine for Api {
    async fn start(&self, model: &Model, case: &str) -> Result<String> {
        let asked = Creation { process_definition_id: model.id, variables: Case { case }, business_id: case };
        let created: Created = self.client.ask("/v2/process-instances", &asked).await?;
        Ok(created.process_instance_key)
    }

    async fn lease(&self, model: &Model, _: &str, _: &str, most: usize) -> Result<Vec<Leased>> {
        let asked = Activation {
            job_type: model.id,
            timeout: 60_000,
            max_jobs_to_activate: most,
            worker: "bench",
            request_timeout: 5_000,
        };
        let activated: Activated = self.client.ask("/v2/jobs/activation", &asked).await?;
        Ok(activated.jobs.into_iter().map(|job| Leased { key: job.job_key, attempt: 0 }).collect())
    }

    async fn complete(&self, job: &Leased, _: &str, count: usize) -> Result<()> {
        let path = format!("/v2/jobs/{}/completion", job.key);
        self.client.post(&path, &json!({"variables": {"count": count}})).await?;
        Ok(())
    }

    async fn publish(&self, _: &str, case: &str) -> Result<()> {
        let asked = json!({"name": "paid", "correlationKey": case, "timeToLive": 60_000});
        self.client.post("/v2/messages/publication", &asked).await?;
        Ok(())
    }
}
