//! The tour: the main job on a folder of examples, told to the person who watches.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bpmn::program::{JobKind, Variables};
use das::bootstrap::Request;
use engine::Store;
use engine::port::{Definition, DeployFile, Instance, JobFilter, StartInstance, Status};
use kernel::ScoreFilter;
use serde_json::Value;

use crate::cli::bootstrap::{build, summary};
use crate::cli::{Output, read_file, seed};
use crate::failure::Failure;
use crate::wiring::Assembly;

const REQUIREMENTS: &str = "requirements.md";
/// How long one run is waited for.
const RUN_TIME: Duration = Duration::from_secs(120);
/// How long a run without workers may stand still before it counts as waiting for somebody.
const STILL_TIME: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Most variables shown of a run.
const VARIABLES_SHOWN: usize = 24;
const SCORES_SHOWN: usize = 20;

/// A folder without requirements has no tour; better said before anything starts.
pub(super) fn check(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(REQUIREMENTS);
    if path.is_file() {
        return Ok(());
    }
    let message = format!("there is no {}", path.display());
    Err(Failure::wrong_call("CLI-0003", message, "name a folder such as examples/light-aircraft"))
}

/// Does all of it. What fails is told, and serving goes on.
pub(super) async fn run(folder: &Path, assembly: &Assembly, address: SocketAddr, output: Output) {
    output.remark(&format!(
        "ProcOS serves http://{}/ and takes the tour of {}",
        super::shown(address),
        folder.display()
    ));
    if let Err(failure) = system(folder, assembly, output).await {
        output.remark(&failure.to_string());
    }
    match files(folder) {
        Ok(paths) => {
            for path in paths {
                if let Err(failure) = process(&path, assembly, output).await {
                    output.remark(&failure.to_string());
                }
            }
        }
        Err(failure) => output.remark(&failure.to_string()),
    }
    let at = super::shown(address);
    output.line(&format!(
        "\nOpen\n  http://{at}/            systems, processes, runs, scores\n  \
         http://{at}/graphiql    the API, to try by hand\n  \
         http://{at}/api/scores  scores as JSON\n  http://{at}/readyz      health\nCtrl-C stops it."
    ));
}

async fn system(folder: &Path, assembly: &Assembly, output: Output) -> Result<(), Failure> {
    let path = folder.join(REQUIREMENTS);
    output.remark(&format!("building the system of {} …", path.display()));
    let report = build(Request::new(REQUIREMENTS, read_file(&path)?), assembly, output).await?;
    output.line("");
    output.line(&summary(&report));
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let message = format!("cannot read {}: {error}", folder.display());
        Failure::wrong_call("CLI-0003", message, "check the path")
    })?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "bpmn"))
        .collect();
    paths.sort();
    Ok(paths)
}

async fn process(path: &Path, assembly: &Assembly, output: Output) -> Result<(), Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    output.remark(&format!("running {name} …"));
    let definitions = assembly.engine.deploy(vec![DeployFile { name, content: read_file(path)? }]).await?;
    let Some(definition) = definitions.first() else { return Ok(()) };
    let began = Instant::now();
    let start = StartInstance {
        definition: Some(definition.key),
        seed: seed(),
        actor: Some("local".to_owned()),
        ..StartInstance::default()
    };
    let key = assembly.engine.start(start).await?;
    let (instance, state) = ended(assembly, key).await?;
    output.line("");
    output.line(&format!("{}: {state} in {:.2} s", definition.name, began.elapsed().as_secs_f64()));
    show_variables(&instance.variables, output);
    for run in assembly.database.task_runs(key).await? {
        if let Some(line) = verdict(&run.verdict) {
            output.line(&format!("  {}: {line}", run.element));
        }
    }
    for incident in assembly.engine.incidents(Some(key)).await? {
        output.line(&format!("  incident[{}] at {}: {}", incident.code, incident.element, incident.message));
    }
    show_scores(definition, assembly, output).await
}

/// Waits until an instance ended, waits for somebody, or takes too long.
async fn ended(assembly: &Assembly, key: i64) -> Result<(Instance, &'static str), Failure> {
    let deadline = Instant::now() + RUN_TIME;
    let mut busy = Instant::now();
    loop {
        let instance = assembly.engine.instance(key).await?;
        let state = match instance.status {
            Status::Completed => Some("completed"),
            Status::Terminated => Some("terminated"),
            Status::Failed => Some("failed"),
            Status::Active if instance.incidents > 0 => Some("stopped by an incident"),
            Status::Active | Status::Suspended => None,
        };
        if let Some(state) = state {
            return Ok((instance, state));
        }
        if assembly.parts.census.tdes() > 0 {
            busy = Instant::now();
        }
        if busy.elapsed() > STILL_TIME {
            let filter = JobFilter { instance: Some(key), kind: Some(JobKind::User), ..JobFilter::default() };
            if !assembly.engine.jobs(&filter).await?.is_empty() {
                return Ok((instance, "waits for a person"));
            }
        }
        if Instant::now() > deadline {
            return Ok((instance, "still running"));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

fn show_variables(variables: &Variables, output: Output) {
    let simple: Vec<String> = variables
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Number(number) if number.is_f64() => {
                Some(format!("{name} = {}", rounded(number.as_f64().unwrap_or_default())))
            }
            Value::Number(_) | Value::Bool(_) => Some(format!("{name} = {value}")),
            Value::String(text) => Some(format!("{name} = {text}")),
            _ => None,
        })
        .collect();
    for line in simple.iter().take(VARIABLES_SHOWN) {
        output.line(&format!("  {line}"));
    }
    if simple.len() > VARIABLES_SHOWN {
        output.line(&format!("  and {} more variables", simple.len() - VARIABLES_SHOWN));
    }
}

/// Four decimals, fewer where they are zeros; very small numbers with their exponent.
fn rounded(number: f64) -> String {
    if number != 0.0 && number.abs() < 0.001 {
        return format!("{number:.2e}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Who won, and the shares with their intervals.
fn verdict(verdict: &Value) -> Option<String> {
    let shares: Vec<String> = verdict["shares"]
        .as_array()?
        .iter()
        .map(|share| {
            let percent = |name: &str| share[name].as_f64().unwrap_or_default() * 100.0;
            format!(
                "{} {:.1} % ({:.1} to {:.1} %)",
                share["label"].as_str().unwrap_or_default(),
                percent("share"),
                percent("low"),
                percent("high")
            )
        })
        .collect();
    let winner = verdict["winner"].as_str().unwrap_or("undecided");
    Some(format!("{winner} after {} samples: {}", verdict["samples"], shares.join(", ")))
}

async fn show_scores(definition: &Definition, assembly: &Assembly, output: Output) -> Result<(), Failure> {
    let filter = ScoreFilter {
        subject_prefix: Some(definition.process_id.clone()),
        limit: SCORES_SHOWN,
        ..ScoreFilter::default()
    };
    let rows = assembly.scores().scores(&filter).await?;
    let of_it = |subject: &str| {
        subject == definition.process_id || subject.starts_with(&format!("{}/", definition.process_id))
    };
    for row in rows.iter().filter(|row| of_it(&row.subject)) {
        let score = row.score();
        output.line(&format!(
            "  score of {:<44} {:>3} of {:<3} {:>5.1} %  ({:.0} to {:.0} %)",
            row.subject,
            score.successes,
            score.attempts,
            score.average * 100.0,
            score.low * 100.0,
            score.high * 100.0
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_verdict_is_told_with_intervals_and_undecided_is_an_answer() {
        let shares = json!([{"label": "meets", "share": 0.81, "low": 0.75, "high": 0.86}]);
        let told = verdict(&json!({"winner": "meets", "samples": 120, "shares": shares})).unwrap();
        assert_eq!(told, "meets after 120 samples: meets 81.0 % (75.0 to 86.0 %)");
        let told = verdict(&json!({"winner": null, "samples": 9, "shares": []})).unwrap();
        assert!(told.starts_with("undecided after 9 samples"));
        assert_eq!(verdict(&Value::Null), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(rounded(600.652_44), "600.6524");
        assert_eq!((rounded(0.8), rounded(30.0), rounded(0.0)), ("0.8".into(), "30".into(), "0".into()));
        assert_eq!(rounded(-0.000_000_4), "-4.00e-7");
    }

    #[test]
    fn a_folder_without_requirements_is_a_wrong_call() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(folder.path()).unwrap_err().wrong_call);
    }
}
