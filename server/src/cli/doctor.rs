//! `procos doctor`: is everything in order, and which configuration is in effect.

use std::net::TcpListener;
use std::process::ExitCode;

use clap::Args;
use kernel::{Launcher, Level, Tools};
use llm::Model as _;
use serde_json::{Value, json};
use trail::Trail as _;

use super::output::table;
use super::{Found, Output, Session};
use crate::configuration::{EngineKind, Loaded};
use crate::failure::Failure;
use crate::wiring::{camunda_settings, open_models};

/// Check the data directory and what it needs, and show the configuration in effect with its origin.
#[derive(Debug, Args)]
#[command(after_help = "Secrets are masked. Exit code 1 where something does not work.")]
pub(crate) struct Doctor {}

/// What a check found.
struct Check {
    name: &'static str,
    /// `ok`, `note` or `bad`.
    state: &'static str,
    text: String,
}

impl Doctor {
    pub(crate) async fn execute(&self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let loaded = session.configuration()?;
        let mut checks =
            vec![Check { name: "version", state: "ok", text: env!("CARGO_PKG_VERSION").to_owned() }];
        if session.must_exist().is_err() && session.server_file().is_none() && !session.names_server() {
            let text = format!(
                "{} is not there yet; it is made when it is needed",
                session.data_directory.display()
            );
            checks.push(Check { name: "data directory", state: "note", text });
        } else {
            checks.extend(parts(&session).await);
        }
        if checks.iter().all(|check| check.name != "engine") {
            checks.push(engine(&loaded).await);
        }
        checks.extend(tools(&session, &loaded).await);
        checks.extend(models(&loaded).await);
        checks.push(address(&loaded));
        let bad = checks.iter().any(|check| check.state == "bad");
        show(output, &checks, &loaded);
        Ok(ExitCode::from(u8::from(bad)))
    }
}

/// What is in the data directory.
async fn parts(session: &Session) -> Vec<Check> {
    let place = session.data_directory.display().to_string();
    match session.at_rest().await {
        Ok(Found::Here(assembly)) => {
            let mut checks = vec![Check { name: "data directory", state: "ok", text: place }];
            checks.push(Check { name: "database", state: "ok", text: assembly.database.kind().to_owned() });
            checks.push(match assembly.database.head().await {
                Ok(head) => Check {
                    name: "trail",
                    state: "ok",
                    text: format!("{head} entries; `procos trail verify` checks them"),
                },
                Err(error) => Check { name: "trail", state: "bad", text: error.to_string() },
            });
            checks.push(match assembly.memory.count(None).await {
                Ok(entries) => Check { name: "memory", state: "ok", text: format!("{entries} entries") },
                Err(error) => Check { name: "memory", state: "bad", text: error.to_string() },
            });
            let systems = assembly.ontology.systems().len();
            checks.push(Check { name: "ontology", state: "ok", text: format!("{systems} systems") });
            assembly.close().await;
            checks
        }
        Ok(Found::There(client)) => {
            let mut checks = vec![Check { name: "server", state: "ok", text: client.address().to_owned() }];
            let query = "{ server { version engine model database memory livePdos liveTdes dataDirectory } }";
            match client.ask(query, json!({})).await {
                Ok(answer) => {
                    let state = &answer["server"];
                    let text = |name: &str| state[name].as_str().unwrap_or_default().to_owned();
                    checks.push(Check { name: "data directory", state: "ok", text: text("dataDirectory") });
                    for name in ["database", "memory", "engine"] {
                        checks.push(Check { name, state: "ok", text: text(name) });
                    }
                    let workers = format!("{} PDOs, {} TDEs", state["livePdos"], state["liveTdes"]);
                    checks.push(Check { name: "workers", state: "ok", text: workers });
                }
                Err(failure) => {
                    checks.push(Check { name: "server", state: "bad", text: failure.to_string() })
                }
            }
            checks
        }
        Err(failure) => vec![Check { name: "data directory", state: "bad", text: failure.to_string() }],
    }
}

/// The ladder of isolation as this machine has it, found out by doing, and the tools.
async fn tools(session: &Session, loaded: &Loaded) -> Vec<Check> {
    // Elsewhere only the server there could say.
    if session.names_server() {
        return Vec::new();
    }
    let scratch = std::env::temp_dir().join(format!("procos-doctor-{}", std::process::id()));
    let tools = Tools::load(Launcher::own(), scratch.clone(), Some(&session.data_directory.join("tools")))
        .with_containers(&loaded.configuration.containers.settings());
    let rungs = tools.rungs().await;
    let _none = std::fs::remove_dir_all(scratch);
    let has = |level: Level| rungs.iter().any(|rung| rung.level == level && rung.problem.is_none());
    let said: Vec<String> = rungs
        .iter()
        .map(|rung| match &rung.problem {
            None => format!("{} yes", rung.level),
            Some(problem) => format!("{} no ({problem})", rung.level),
        })
        .collect();
    // The rung that tools run on unless they say otherwise.
    let state = if has(Level::default()) { "ok" } else { "bad" };
    let mut checks = vec![Check { name: "isolation", state, text: said.join("; ") }];
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for (tool, program) in tools.all() {
        if program.is_some() { &mut there } else { &mut missing }.push(tool.name.clone());
    }
    let mut text = format!("{} can run", there.join(", "));
    if !missing.is_empty() {
        text.push_str(&format!("; programs are missing for {}", missing.join(", ")));
    }
    checks.push(Check { name: "tools", state: "ok", text });
    let left_out = tools.problems().iter();
    checks.extend(left_out.map(|problem| Check { name: "tools", state: "bad", text: problem.clone() }));
    checks
}

/// Whether the engine can be used.
async fn engine(loaded: &Loaded) -> Check {
    let name = "engine";
    let engine = &loaded.configuration.engine;
    if engine.kind == EngineKind::Embedded {
        return Check { name, state: "ok", text: "embedded".to_owned() };
    }
    let url = crate::configuration::masked_url(&engine.url);
    let number = if engine.kind == EngineKind::Camunda8 { 8 } else { 7 };
    let version = match camunda_settings(engine) {
        Ok(settings) => settings.version().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match version {
        Ok(version) => {
            Check { name, state: "ok", text: format!("Camunda {number}, version {version}, at {url}") }
        }
        Err(failure) => Check { name, state: "bad", text: failure.to_string().replace('\n', "; ") },
    }
}

/// The language models, each tried by a few small calls.
async fn models(loaded: &Loaded) -> Vec<Check> {
    let name = "language model";
    let models = match open_models(&loaded.configuration) {
        Ok(Some(models)) => models,
        Ok(None) => {
            let text = "none: processes are drafted and decided by rules".to_owned();
            return vec![Check { name, state: "note", text }];
        }
        Err(failure) => {
            return vec![Check { name, state: "bad", text: failure.to_string().replace('\n', "; ") }];
        }
    };
    models.probe().await.into_iter().map(|probe| Check { name, ..found(&probe) }).collect()
}

fn found(probe: &llm::Probe) -> Check {
    let name = "language model";
    let called = probe.name.as_ref().map_or_else(|| "default".to_owned(), Clone::clone);
    let who = format!("{called}: {} at {}", probe.model, crate::configuration::masked_url(&probe.url));
    if let Some(problem) = &probe.problem {
        return Check { name, state: "bad", text: format!("{who}: {problem}") };
    }
    let mut text = format!("{who} ({}): {}", probe.dialect, probe.capabilities);
    if let Some(length) = probe.vector_length {
        text.push_str(&format!(", vectors of {length}"));
    }
    if let Some(fastest) = probe.fastest_ms {
        text.push_str(&format!("; a short answer took {fastest} ms"));
    }
    for note in &probe.notes {
        text.push_str(&format!("; {note}"));
    }
    Check { name, state: if probe.notes.is_empty() { "ok" } else { "note" }, text }
}

/// Whether a server could listen.
fn address(loaded: &Loaded) -> Check {
    let listen = loaded.configuration.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Check { name: "address", state: "ok", text: format!("{listen} is free") },
        Err(error) => {
            let text = format!("{listen}: {error}; `procos serve --listen` takes another one");
            Check { name: "address", state: "note", text }
        }
    }
}

fn show(output: Output, checks: &[Check], loaded: &Loaded) {
    let effective = loaded.effective();
    if output.is_json() {
        let checks: Vec<Value> = checks
            .iter()
            .map(|check| json!({"name": check.name, "state": check.state, "text": check.text}))
            .collect();
        output.value(&json!({"checks": checks, "file": loaded.file, "configuration": effective}));
        return;
    }
    let rows =
        checks.iter().map(|check| vec![check.state.to_owned(), check.name.to_owned(), check.text.clone()]);
    output.line(&table(&["", "CHECK", "FOUND"], rows.collect()));
    let file = loaded.file.as_ref().map_or("none".to_owned(), |file| file.display().to_string());
    output.line(&format!("\nconfiguration file: {file}"));
    let rows = effective.iter().map(|it| vec![it.key.clone(), it.value.clone(), it.origin.clone()]);
    output.line(&table(&["SETTING", "VALUE", "FROM"], rows.collect()));
}
