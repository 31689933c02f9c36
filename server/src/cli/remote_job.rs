//! Long work through a server: a job there, followed until it is done.

use std::time::Duration;

use serde_json::{Value, json};

use super::Output;
use super::client::Client;
use crate::failure::Failure;

const PAUSE: Duration = Duration::from_millis(200);

const START: &str = "mutation($input: BootstrapSystemInput!) { bootstrapSystem(input: $input) { id } }";
const LOOK: &str = "query($id: ID!) { job(id: $id) { state result progress { position stage done total } \
    error { code message hint } } }";

/// What to build.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) content: Vec<u8>,
    pub(crate) run: bool,
    /// As in the API: true asks a model, false is rules alone.
    pub(crate) with_model: Option<bool>,
    pub(crate) candidates: u32,
}

/// Builds; gives the report as the server has it.
pub(crate) async fn build(wanted: Wanted, client: &Client, output: Output) -> Result<Value, Failure> {
    let content = String::from_utf8(wanted.content).map_err(|_| {
        let hint = "save it as UTF-8";
        Failure::wrong_call("CLI-0003", format!("{} is not text in UTF-8", wanted.file), hint)
    })?;
    let input = json!({
        "name": wanted.name, "fileName": wanted.file, "content": content, "run": wanted.run,
        "withModel": wanted.with_model, "candidates": wanted.candidates,
    });
    let job = client.ask(START, json!({"input": input})).await?["bootstrapSystem"]["id"].take();
    follow(&job, client, output).await
}

/// Waits until a job is done; gives its result.
pub(crate) async fn follow(job: &Value, client: &Client, output: Output) -> Result<Value, Failure> {
    let mut shown = 0;
    loop {
        let mut found = client.ask(LOOK, json!({"id": job})).await?["job"].take();
        for step in found["progress"].as_array().into_iter().flatten() {
            let position = step["position"].as_i64().unwrap_or_default();
            if position > shown && step["done"] == step["total"] && !output.is_json() {
                output.remark(&format!("  {}", step["stage"].as_str().unwrap_or_default()));
            }
            shown = shown.max(position);
        }
        match found["state"].as_str().unwrap_or_default() {
            "DONE" => return Ok(found["result"].take()),
            "RUNNING" => tokio::time::sleep(PAUSE).await,
            _ => {
                let error = &found["error"];
                let text = |name: &str| error[name].as_str().unwrap_or_default();
                let code = if text("code").is_empty() { "CLI-0011" } else { text("code") };
                let mut failure = Failure::work(code, text("message"), text("hint"));
                failure.wrong_call = code.starts_with("DAS-");
                return Err(failure);
            }
        }
    }
}
