//! `procos trail`: shows the quality trail, and checks its chain.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use bpmn::event_log::Format;
use clap::{Args, Subcommand};
use das::experience::log::{Written, write_trail};
use serde_json::{Value, json};
use trail::{Event, Filter, Trail as _};

use super::client::{Client, key};
use super::output::{point_in_time, shortened};
use super::{Found, Output, Session};
use crate::failure::Failure;

/// Most characters of an entry's data on one line.
const DATA_WIDTH: usize = 100;

/// Show what happened, or check that nobody changed it afterwards.
#[derive(Debug, Args)]
pub(crate) struct Trail {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
    Log(Log),
    Verify(Verify),
}

/// Write the steps of the cases of a process as an event log for process mining: XES or a table (CSV).
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  procos trail log order order.xes --data-dir shop")]
struct Log {
    /// Id of the process.
    process: String,
    /// Where the log goes; the name ends in .xes or .csv.
    file: std::path::PathBuf,
}

/// Show entries, oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos trail show --instance 42
  procos trail show --kind prompt. --after 1000 --limit 20 --json")]
struct Show {
    /// Only of this process instance.
    #[arg(long, value_name = "KEY")]
    instance: Option<i64>,
    /// Only of this element.
    #[arg(long, value_name = "ID")]
    element: Option<String>,
    /// Only about this subject, e.g. `prompt:greeting`.
    #[arg(long)]
    subject: Option<String>,
    /// Only kinds that start with this text, e.g. `task.`.
    #[arg(long, value_name = "START")]
    kind: Option<String>,
    /// Only after this position.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    after: i64,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// Check the hash chain of the whole trail; exit code 1 where it is broken.
#[derive(Debug, Args)]
#[command(
    after_help = "Each entry's hash covers the entry before it: whoever changes, removes or moves an entry breaks the chain there."
)]
struct Verify {}

impl Trail {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Show(show) => show.execute(output, session).await,
            Command::Log(log) => log.execute(output, session).await,
            Command::Verify(_) => verify(output, session).await,
        }
    }
}

impl Show {
    async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let entries = match session.database().await? {
            Found::Here(database) => {
                let filter = Filter {
                    instance: self.instance,
                    element: self.element,
                    subject: self.subject,
                    kind_prefix: self.kind,
                    ..Filter::default()
                };
                let found = database.read(&filter, self.after, usize::from(self.limit)).await;
                database.close().await;
                found?.iter().map(value).collect()
            }
            Found::There(client) => self.through(&client).await?,
        };
        for entry in &entries {
            if output.is_json() {
                output.value(entry);
            } else {
                output.line(&line(entry));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn through(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let query = "query($instance: Key, $element: String, $subject: String, $kind: String, $first: Int, \
            $after: String) { trail(instance: $instance, element: $element, subject: $subject, \
            kindPrefix: $kind, first: $first, after: $after) { nodes { position kind at actor instance elementId \
            subject data hash previousHash } } }";
        let after = (self.after > 0).then(|| self.after.to_string());
        let asked = json!({"instance": self.instance.map(|key| key.to_string()), "element": self.element,
            "subject": self.subject, "kind": self.kind, "first": self.limit, "after": after});
        let answer = client.ask(query, asked).await?;
        let row = |node: &Value| {
            let instance = (!node["instance"].is_null()).then(|| key(&node["instance"]));
            json!({"position": node["position"], "kind": node["kind"], "at_ms": node["at"], "actor": node["actor"],
                "instance": instance, "element": node["elementId"], "subject": node["subject"],
                "data": node["data"], "hash": node["hash"], "previous_hash": node["previousHash"]})
        };
        Ok(answer["trail"]["nodes"].as_array().into_iter().flatten().map(row).collect())
    }
}

impl Log {
    async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let format = log_format(&self.file)?;
        let database = match session.database().await? {
            Found::Here(database) => database,
            Found::There(_) => return Err(session.needs_directory("writing a log")),
        };
        let written = self.write(database.as_ref(), format).await;
        database.close().await;
        let written = written?;
        if output.is_json() {
            output.value(&json!({"cases": written.cases, "executions": written.executions}));
        } else {
            let (cases, executions) = (written.cases, written.executions);
            output.line(&format!("{cases} cases with {executions} steps are in {}", self.file.display()));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn write(&self, database: &persistence::Database, format: Format) -> Result<Written, Failure> {
        let definitions = engine::Store::definitions(database).await?;
        // Of several versions, the newest says what an element is called.
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let versions = definitions.iter().filter(|(definition, _)| definition.process_id == self.process);
        for definitions in versions.filter_map(|(_, xml)| bpmn::xml::read(xml.as_bytes()).ok()) {
            for node in definitions.processes.into_iter().flat_map(|process| process.nodes) {
                names.extend(node.element.name.map(|name| (node.element.id, name)));
            }
        }
        let cannot = |error: std::io::Error| {
            let message = format!("cannot write {}: {error}", self.file.display());
            Failure::work("CLI-0003", message, "choose another path")
        };
        let mut file = BufWriter::new(File::create(&self.file).map_err(cannot)?);
        let mut sink = |part: &str| file.write_all(part.as_bytes());
        let about = (self.process.as_str(), &names);
        let written = write_trail(database, database, about, format, &mut sink).await?;
        file.flush().map_err(cannot)?;
        Ok(written)
    }
}

/// The format that the name of a log says.
pub(super) fn log_format(path: &Path) -> Result<Format, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("xes") => Ok(Format::Xes),
        Some("csv") => Ok(Format::Csv),
        _ => {
            let message = format!("the log {}: its name says no format", path.display());
            Err(Failure::wrong_call("CLI-0001", message, "end it in .xes or .csv"))
        }
    }
}

async fn verify(output: Output, session: Session) -> Result<ExitCode, Failure> {
    let found = match session.database().await? {
        Found::Here(database) => {
            let found = database.verify().await;
            database.close().await;
            json!(found?)
        }
        Found::There(client) => {
            let query = "{ verifyTrail { entries head broken { position reason } } }";
            client.ask(query, json!({})).await?["verifyTrail"].take()
        }
    };
    let broken = &found["broken"];
    if output.is_json() {
        output.value(&found);
    } else if broken.is_null() {
        output.line(&format!(
            "the trail holds: {} entries, head {}",
            found["entries"],
            found["head"].as_str().unwrap_or_default()
        ));
    } else {
        let reason = broken["reason"].as_str().unwrap_or_default();
        output.line(&format!("the trail is broken at entry {}: {reason}", broken["position"]));
    }
    Ok(ExitCode::from(u8::from(!broken.is_null())))
}

fn value(event: &Event) -> Value {
    let content = &event.content;
    json!({"position": event.position, "kind": content.kind, "at_ms": content.at_ms, "actor": content.actor,
        "instance": content.instance, "element": content.element, "subject": content.subject,
        "data": content.data, "hash": event.hash, "previous_hash": event.previous_hash})
}

fn line(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let about = match (&entry["instance"], entry["element"].as_str()) {
        (Value::Null, _) => text("subject"),
        (instance, Some(element)) => format!("{instance}/{element}"),
        (instance, None) => instance.to_string(),
    };
    let at = point_in_time(entry["at_ms"].as_i64().unwrap_or_default());
    let data = shortened(&entry["data"].to_string(), DATA_WIDTH);
    format!(
        "{:>6}  {at}  {:<22} {:<10} {about}  {data}",
        entry["position"].to_string(),
        text("kind"),
        text("actor")
    )
}
