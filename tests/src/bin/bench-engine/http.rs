//! A server in a process of its own, used through its HTTP API: `/v2`, as any job worker uses it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use reqwest::Client;
use serde_json::{Value, json};

use crate::measure::{self, Engine, Leased};
use crate::model::Model;
use crate::options::Options;
use crate::table::Row;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at a server that is starting.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A server that runs; ended with this value.
pub(crate) struct Server {
    child: Child,
    url: String,
    kind: &'static str,
}

/// A client of it.
struct Api {
    client: Client,
    url: String,
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
pub(crate) async fn answers(url: &str) -> Result<Client> {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
    let began = Instant::now();
    while !client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(began.elapsed() < PATIENCE, "{url} does not answer");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(client)
}

impl Server {
    /// Starts it on an empty data directory, with the records there or in PostgreSQL.
    pub(crate) async fn start(folder: &Path, postgres: Option<&str>) -> Result<Self> {
        let kind = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(folder.join(format!("server-{kind}"))).env_clear();
        if let Some(url) = postgres {
            command.env("PROCOS_DATABASE_URL", format!("{url}/bench_server"));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let server = Self { child, url: format!("http://127.0.0.1:{port}"), kind };
        answers(&format!("{}/readyz", server.url)).await?;
        Ok(server)
    }

    /// The row of a model.
    pub(crate) async fn measured(&self, options: &Options, model: &'static Model) -> Result<Row> {
        let api = Api { client: answers(&format!("{}/readyz", self.url)).await?, url: self.url.clone() };
        api.deploy(model).await?;
        measure::measured(&format!("HTTP, {}", self.kind), api, model, options, self.child.id()).await
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
        let answer = self.client.post(format!("{}/graphql", self.url)).json(&asked).send().await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        ensure!(answer.get("errors").is_none(), "the server refused {}: {answer}", model.id);
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.client.post(format!("{}{path}", self.url)).json(body).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        if bytes.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&bytes)?) }
    }
}

#[async_trait]
impl Engine for Api {
    async fn start(&self, model: &Model, case: &str) -> Result<String> {
        let asked = json!({"processDefinitionId": model.id, "variables": {"case": case}, "businessId": case});
        let answer = self.post("/v2/process-instances", &asked).await?;
        Ok(answer["processInstanceKey"].as_str().context("a started instance has a key")?.to_owned())
    }

    async fn lease(&self, model: &Model, instance: &str, _: &str) -> Result<Vec<Leased>> {
        let asked = json!({
            "type": model.id, "timeout": 60_000, "maxJobsToActivate": model.at_once, "worker": "bench",
            "requestTimeout": 5_000, "processInstanceKey": instance,
        });
        let answer = self.post("/v2/jobs/activation", &asked).await?;
        let jobs = answer["jobs"].as_array().context("an activation answers with jobs")?;
        let key = |job: &Value| job["jobKey"].as_str().map(str::to_owned).context("a job has a key");
        jobs.iter().map(|job| Ok(Leased { key: key(job)?, attempt: 0 })).collect()
    }

    async fn complete(&self, job: &Leased, _: &str, count: usize) -> Result<()> {
        let path = format!("/v2/jobs/{}/completion", job.key);
        self.post(&path, &json!({"variables": {"count": count}})).await?;
        Ok(())
    }

    async fn publish(&self, _: &str, case: &str) -> Result<()> {
        let asked = json!({"name": "paid", "correlationKey": case, "timeToLive": 60_000});
        self.post("/v2/messages/publication", &asked).await?;
        Ok(())
    }
}
