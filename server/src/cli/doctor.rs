//! `procos doctor`: is everything in order, and which configuration is in effect.

use std::net::TcpListener;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use trail::Trail as _;

use super::output::table;
use super::{Found, Output, Session};
use crate::configuration::Loaded;
use crate::failure::Failure;

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
        checks.push(model(&loaded));
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
                    checks.push(Check { name: "database", state: "ok", text: text("database") });
                    checks.push(Check { name: "memory", state: "ok", text: text("memory") });
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

fn model(loaded: &Loaded) -> Check {
    let model = &loaded.configuration.model;
    if model.base_url.is_empty() {
        let text = "none: processes are drafted and decided by rules".to_owned();
        return Check { name: "language model", state: "note", text };
    }
    let url = crate::configuration::masked_url(&model.base_url);
    Check { name: "language model", state: "ok", text: format!("{} at {url}", model.model) }
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
