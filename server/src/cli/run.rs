//! `procos run`: runs a file, for real or dry, and shows how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bpmn::program::Variables;
use clap::Args;
use engine::port::DeployFile;
use kernel::{DryRun, DryRunOptions, DryRunState, TraceEntry, dry_run};
use serde_json::json;

use super::live::{LiveRun, Place, in_directory, in_memory, on_camunda};
use super::{Found, Output, Session, now_ms, object, read_file, remote_run, seed};
use crate::configuration::{Engine, EngineKind};
use crate::failure::Failure;
use crate::wiring::{camunda_settings, open_outside};

/// Run a BPMN file and show how it ends.
///
/// Without `--data-dir` it runs in memory and leaves nothing behind but the files it writes into `./procos-workspace`.
/// With `--data-dir` it is deployed and kept there: trail, scores and instance; files go into its `workspace` folder.
/// With `--engine camunda7` it is deployed to and started in a Camunda 7 (or Operaton, CIB seven), with
/// `--engine camunda8` in a Camunda 8, and its tasks are executed here; instances that others started in that Camunda
/// are left alone.
/// Where a file holds several processes, the first executable one is started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos run order.bpmn --vars '{\"amount\": 12}'
  procos run order.bpmn --dry-run --result ship='{\"sent\": true}' --message paid
  procos run shipping.bpmn --with shipping.dmn --vars '{\"weight\": 12}'
  procos run order.bpmn --trace --json | jq .
  procos run order.bpmn --engine camunda7 --engine-url http://127.0.0.1:8090/engine-rest
  procos run order.bpmn --engine camunda8 --engine-url http://127.0.0.1:8080

How it ends: completed (exit 0), waiting for something outside (exit 0), terminated (exit 0), failed (exit 1).")]
pub(crate) struct Run {
    /// The BPMN file.
    file: PathBuf,
    /// Deploy this file with it: the DMN file of decisions that it asks, or a process that it calls.
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Variables of the process, a JSON object (or @FILE).
    #[arg(long, value_name = "JSON")]
    vars: Option<String>,
    /// Show every element as it is activated and completed, and every flow taken.
    #[arg(long)]
    trace: bool,
    /// Seed of every draw; chosen at random where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// The engine to run on: `embedded` unless the configuration of the data directory says otherwise.
    #[arg(long, value_enum)]
    engine: Option<EngineKind>,
    /// Address of its REST API, where it is not embedded; `engine.url` of the configuration where it is not given.
    #[arg(long, value_name = "URL", requires = "engine")]
    engine_url: Option<String>,
    /// No side effects: the clock jumps to the next timer, tasks complete with their --result or with nothing.
    #[arg(long)]
    dry_run: bool,
    /// Result of a task in a dry run: ELEMENT={"variable": value}.
    #[arg(long, value_name = "ELEMENT=JSON")]
    result: Vec<String>,
    /// Publish a message at the start; it waits for its receiver.
    #[arg(long, value_name = "NAME[=JSON]")]
    message: Vec<String>,
    /// Broadcast a signal once the instance waits.
    #[arg(long, value_name = "NAME")]
    signal: Vec<String>,
}

impl Run {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let paths = std::iter::once(&self.file).chain(&self.with);
        let files = paths.map(|path| deploy_file(path)).collect::<Result<Vec<_>, _>>()?;
        let variables =
            self.vars.as_deref().map_or_else(|| Ok(Variables::new()), |text| object("--vars", text))?;
        let seed = self.seed.unwrap_or_else(seed);
        let messages = self.message.iter().map(|text| message(text)).collect::<Result<Vec<_>, _>>()?;
        let results = self.result.iter().map(|text| result(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let signals = self.signal.clone();
        let engine = self.engine(&session)?;
        if self.dry_run {
            let now_ms = now_ms();
            let options =
                DryRunOptions { process_id: None, variables, seed, now_ms, results, messages, signals };
            let ended = dry_run(files, options).await.map_err(refused)?;
            ended.trace.iter().for_each(|line| self.trace_line(output, line));
            return Ok(self.show(output, &ended));
        }
        if !results.is_empty() {
            let hint = "add --dry-run, or leave --result out";
            return Err(Failure::wrong_call("CLI-0002", "--result has a meaning only in a dry run", hint));
        }
        let run = LiveRun { files, variables, seed, messages, signals };
        let mut on_line = |line: &TraceEntry| self.trace_line(output, line);
        if !session.is_given() {
            let outside = open_outside(&session.configuration()?.configuration)?;
            let place = Place { workspace: PathBuf::from("procos-workspace"), outside };
            let ended = match &engine {
                Some(engine) if engine.kind != EngineKind::Embedded => {
                    on_camunda(run, camunda_settings(engine)?, place, &mut on_line).await?
                }
                _ => in_memory(run, place, &mut on_line).await?,
            };
            return Ok(self.show(output, &ended));
        }
        let names_engine = engine.is_some();
        if let Some(engine) = engine.as_ref().filter(|engine| engine.kind != EngineKind::Embedded) {
            camunda_settings(engine)?.version().await?;
        }
        let ended = match session.on(engine).assembly().await? {
            Found::Here(assembly) => {
                let ended = in_directory(run, &assembly, &mut on_line).await;
                assembly.close().await;
                ended?
            }
            Found::There(_) if names_engine => {
                let hint = "leave --engine out, or stop the server";
                return Err(Failure::wrong_call("CLI-0008", "a server runs on its own engine", hint));
            }
            Found::There(client) => remote_run::run(run, &client, &mut on_line).await?,
        };
        Ok(self.show(output, &ended))
    }

    /// The engine that the command line names, with its address from there or from the configuration.
    fn engine(&self, session: &Session) -> Result<Option<Engine>, Failure> {
        let Some(kind) = self.engine else { return Ok(None) };
        if self.dry_run && kind != EngineKind::Embedded {
            let hint = "leave --engine out, or --dry-run";
            return Err(Failure::wrong_call("CLI-0008", "a dry run is made on the embedded engine", hint));
        }
        let configured = session.configuration()?.configuration.engine;
        let url = self.engine_url.clone().unwrap_or(configured.url);
        Ok(Some(Engine { kind, url, ..configured }))
    }

    /// A line of the trace, as it happens.
    fn trace_line(&self, output: Output, line: &TraceEntry) {
        if !self.trace {
            return;
        }
        if output.is_json() {
            output.value(&json!(line));
        } else {
            output.line(&format!("{:>5}  {:<10} {:<24} {}", line.seq, line.event, line.kind, line.element));
        }
    }

    fn show(&self, output: Output, ended: &DryRun) -> ExitCode {
        let last = json!({"state": ended.state, "variables": ended.variables});
        if output.is_json() {
            output.value(&last);
        } else {
            output.line(last["state"].as_str().unwrap_or_default());
            for (name, value) in &ended.variables {
                output.line(&format!("  {name} = {value}"));
            }
        }
        for incident in &ended.incidents {
            output.remark(&format!(
                "incident[{}] at {}: {}",
                incident.code, incident.element, incident.message
            ));
        }
        ExitCode::from(u8::from(ended.state == DryRunState::Failed))
    }
}

/// A file to deploy, under its own name.
pub(crate) fn deploy_file(path: &Path) -> Result<DeployFile, Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(DeployFile { name, content: read_file(path)? })
}

/// A file that cannot be deployed is a wrong call, not failed work.
pub(crate) fn refused(error: kernel::Error) -> Failure {
    match error {
        kernel::Error::Engine(error) => Failure::from(error),
        other => Failure::from(other),
    }
}

pub(crate) fn result(text: &str) -> Result<(String, Variables), Failure> {
    let Some((element, value)) = text.split_once('=') else {
        let hint = "write --result ELEMENT='{\"variable\": value}'";
        return Err(Failure::wrong_call("CLI-0001", format!("--result {text} names no result"), hint));
    };
    Ok((element.to_owned(), object("--result", value)?))
}

fn message(text: &str) -> Result<(String, Variables), Failure> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), object("--message", value)?)),
        None => Ok((text.to_owned(), Variables::new())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_message_may_carry_variables() {
        let (name, variables) = message("paid={\"amount\": 3}").unwrap();
        assert_eq!((name.as_str(), variables["amount"].clone()), ("paid", Value::from(3)));
        assert_eq!(message("paid").unwrap().1.len(), 0);
    }

    #[test]
    fn a_result_without_an_element_is_a_wrong_call() {
        assert!(result("ship").unwrap_err().wrong_call);
        assert!(result("ship=[1]").unwrap_err().wrong_call);
    }
}
