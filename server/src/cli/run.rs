//! `procos run`: runs a file, for real or dry, and shows how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bpmn::program::Variables;
use clap::Args;
use engine::port::DeployFile;
use kernel::{DryRun, DryRunOptions, DryRunState, dry_run};
use serde_json::json;

use super::live::{LiveRun, live};
use super::{Output, Session, now_ms, object, read_file, seed};
use crate::failure::Failure;

/// Run a BPMN file and show how it ends.
///
/// Without `--data-dir` it runs in memory and leaves nothing behind but the files it writes into `./procos-workspace`.
/// Where a file holds several processes, the first executable one is started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos run order.bpmn --vars '{\"amount\": 12}'
  procos run order.bpmn --dry-run --result ship='{\"sent\": true}' --message paid
  procos run order.bpmn --trace --json | jq .

How it ends: completed (exit 0), waiting for something outside (exit 0), terminated (exit 0), failed (exit 1).")]
pub(crate) struct Run {
    /// The BPMN file.
    file: PathBuf,
    /// Variables of the process, a JSON object (or @FILE).
    #[arg(long, value_name = "JSON")]
    vars: Option<String>,
    /// Show every element as it is activated and completed, and every flow taken.
    #[arg(long)]
    trace: bool,
    /// Seed of every draw; chosen at random where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// The engine to run on.
    #[arg(long, default_value = "embedded", value_parser = ["embedded", "camunda7"])]
    engine: String,
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
        let content = read_file(&self.file)?;
        let name = self.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let files = vec![DeployFile { name, content }];
        let variables =
            self.vars.as_deref().map_or_else(|| Ok(Variables::new()), |text| object("--vars", text))?;
        let seed = self.seed.unwrap_or_else(seed);
        let messages = self.message.iter().map(|text| message(text)).collect::<Result<Vec<_>, _>>()?;
        let ended = if self.dry_run {
            let results =
                self.result.iter().map(|text| result(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
            let options = DryRunOptions {
                process_id: None,
                variables,
                seed,
                now_ms: now_ms(),
                results,
                messages,
                signals: self.signal.clone(),
            };
            dry_run(files, options).await.map_err(refused)?
        } else {
            if !self.result.is_empty() {
                let hint = "add --dry-run, or leave --result out";
                return Err(Failure::wrong_call(
                    "CLI-0002",
                    "--result has a meaning only in a dry run",
                    hint,
                ));
            }
            let run = LiveRun {
                files,
                variables,
                seed,
                messages,
                signals: self.signal.clone(),
                engine: self.engine.clone(),
            };
            live(run, workspace(&session)).await?
        };
        self.show(output, &ended);
        Ok(ExitCode::from(u8::from(ended.state == DryRunState::Failed)))
    }

    fn show(&self, output: Output, ended: &DryRun) {
        let last = json!({"state": ended.state, "variables": ended.variables});
        if output.is_json() {
            if self.trace {
                for line in &ended.trace {
                    output.value(&json!(line));
                }
            }
            output.value(&last);
        } else {
            if self.trace {
                for line in &ended.trace {
                    output.line(&format!(
                        "{:>5}  {:<10} {:<24} {}",
                        line.seq, line.event, line.kind, line.element
                    ));
                }
            }
            let state = last["state"].as_str().unwrap_or_default();
            output.line(state);
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
    }
}

/// Where file tasks work.
fn workspace(session: &Session) -> PathBuf {
    if session.is_given {
        session.data_directory.join("workspace")
    } else {
        Path::new("procos-workspace").to_owned()
    }
}

/// A file that cannot be deployed is a wrong call, not failed work.
fn refused(error: kernel::Error) -> Failure {
    match error {
        kernel::Error::Engine(error) => Failure::from(error),
        other => Failure::from(other),
    }
}

fn result(text: &str) -> Result<(String, Variables), Failure> {
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
