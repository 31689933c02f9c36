//! `procos trail`: shows the quality trail, and checks its chain.

use std::process::ExitCode;

use clap::{Args, Subcommand};
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
    Verify(Verify),
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
                    definition: None,
                    element: self.element,
                    subject: self.subject,
                    kind_prefix: self.kind,
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
