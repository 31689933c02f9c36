//! `procos memory`: asks memory, shows and forgets entries, writes them out, takes in transcripts, rebuilds all of it.

mod log;
mod remote;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use memory::{Entry, Filter, HITS_LIMIT, Kind, Query};
use serde_json::{Value, json};

use super::output::{point_in_time, shortened};
use super::{Found, Output, Session, write_file};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Organisation of entries made on this machine.
const ORGANISATION: &str = "local";
/// Characters of an entry's text in a list.
const TEXT_WIDTH: usize = 100;

/// Ask memory what it knows, show, forget or write out entries, take in transcripts, rebuild it from the trail.
#[derive(Debug, Args)]
pub(crate) struct Memory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Recall(Recall),
    Show(Show),
    Forget(Forget),
    Export(Export),
    Log(log::Log),
    Rebuild(Rebuild),
}

fn kind(word: &str) -> Result<Kind, String> {
    let words = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(word).ok_or_else(|| format!("it is none of {}", words()))
}

/// Find what fits a text best.
#[derive(Debug, Args)]
#[command(after_help = "\
Kinds: bpmn, prompt, task_log, error, outcome, ontology, build.

Examples:
  procos memory recall \"create a file\" --kind bpmn
  procos memory recall \"\" --limit 5        the newest entries")]
struct Recall {
    /// Words or a sentence.
    text: String,
    /// Only of this kind; may be given several times.
    #[arg(long, value_parser = kind)]
    kind: Vec<Kind>,
    /// Only of this system, and what belongs to none.
    #[arg(long)]
    system: Option<String>,
    /// Only at or after this time, milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    since: Option<i64>,
    /// At most so many.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// Show one entry with everything in it.
#[derive(Debug, Args)]
struct Show {
    /// Its id.
    id: String,
}

/// Forget entries; every option that is given must hold.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos memory forget --kind task_log --before 1767225600000
  procos memory forget --about \"Acme Ltd\"      whatever speaks of a customer")]
struct Forget {
    /// This entry; may be given several times.
    #[arg(long)]
    id: Vec<String>,
    /// Entries of this kind; may be given several times.
    #[arg(long, value_parser = kind)]
    kind: Vec<Kind>,
    /// Entries of this system.
    #[arg(long)]
    system: Option<String>,
    /// Entries from this source.
    #[arg(long)]
    source: Option<String>,
    /// Entries before this time, milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    before: Option<i64>,
    /// Entries that say this in their title, their text or what they hold; case does not matter.
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
}

/// Write entries as JSON lines, the newest 1,000 of each kind.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  procos memory export --source \"web admin\"      what people did, where they agreed to be watched")]
struct Export {
    /// Only from this source.
    #[arg(long)]
    source: Option<String>,
    /// Only of this kind; may be given several times.
    #[arg(long, value_parser = kind)]
    kind: Vec<Kind>,
    /// Write to this file instead of stdout.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// Fill memory again from the trail: what was stored, what tasks did, less what was forgotten.
#[derive(Debug, Args)]
#[command(after_help = "\
Entries have stable ids, so that doing it again changes nothing. To begin from nothing, move the folder memory in the
data directory away first (or drop the collection of the Qdrant server).

Example:
  procos memory rebuild --data-dir procos-data
  procos memory rebuild --server 127.0.0.1:8080      the same where a server holds the directory")]
struct Rebuild {}

impl Memory {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match session.at_rest().await? {
            Found::Here(assembly) => {
                let done = self.here(&assembly, output).await;
                assembly.close().await;
                done?;
            }
            Found::There(client) => remote::execute(self.command, &client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn here(self, assembly: &Assembly, output: Output) -> Result<(), Failure> {
        match self.command {
            Command::Recall(command) => show_hits(output, &command.here(assembly).await?),
            Command::Show(Show { id }) => {
                show_entry(output, &id, assembly.memory.get(ORGANISATION, &id).await?)?;
            }
            Command::Forget(command) => {
                show_forgotten(output, assembly.memory.forget(command.filter()?).await?);
            }
            Command::Export(command) => {
                let mut entries = Entries::default();
                for kind in command.kinds() {
                    let mut query = Query::new("").of_kinds(&[kind]).at_most(HITS_LIMIT);
                    query.source.clone_from(&command.source);
                    let found = assembly.memory.recall(query).await?;
                    entries.add(kind, found.hits.into_iter().map(|hit| hit.entry), output);
                }
                entries.write(command.output, output)?;
            }
            Command::Log(command) => command.here(output, assembly).await?,
            Command::Rebuild(_) => show_rebuilt(output, &rebuilt(assembly).await?),
        }
        Ok(())
    }
}

async fn rebuilt(assembly: &Assembly) -> Result<Value, Failure> {
    let done = assembly.rebuild_memory().await?;
    Ok(json!({"events": done.events, "entries": done.entries, "forgotten": done.forgotten}))
}

fn show_rebuilt(output: Output, done: &Value) {
    if output.is_json() {
        output.value(done);
        return;
    }
    output.line(&format!(
        "{} entries from {} trail events; {} that had been forgotten stay so",
        done["entries"], done["events"], done["forgotten"]
    ));
}

impl Recall {
    async fn here(self, assembly: &Assembly) -> Result<Value, Failure> {
        let mut query = Query::new(&self.text).of_kinds(&self.kind).at_most(usize::from(self.limit));
        query.system = self.system;
        query.since_ms = self.since;
        let found = assembly.memory.recall(query).await?;
        let hit = |hit: &memory::Hit| {
            let entry = &hit.entry;
            json!({"id": entry.id, "kind": entry.kind, "title": entry.title, "text": entry.text,
                "score": hit.score, "source": entry.source, "at_ms": entry.at_ms, "payload": entry.payload})
        };
        Ok(json!({"hits": found.hits.iter().map(hit).collect::<Vec<_>>(), "degraded": found.degraded}))
    }
}

fn show_hits(output: Output, found: &Value) {
    if output.is_json() {
        output.value(found);
        return;
    }
    if let Some(degraded) = found["degraded"].as_str() {
        output.remark(&format!("memory answers less well than it could: {degraded}"));
    }
    let hits = found["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
    if hits.is_empty() {
        output.line("memory knows nothing like that");
    }
    for hit in hits {
        let text = |name: &str| hit[name].as_str().unwrap_or_default();
        let score = hit["score"].as_f64().unwrap_or_default();
        output.line(&format!("{score:>7.2}  {:<8} {}  ({})", text("kind"), text("title"), text("id")));
        output.line(&format!("         {}", shortened(text("text"), TEXT_WIDTH)));
    }
}

fn show_entry(output: Output, id: &str, entry: Option<Entry>) -> Result<(), Failure> {
    let Some(entry) = entry else {
        let message = format!("memory entry {id} does not exist");
        return Err(Failure::wrong_call("CLI-0012", message, "`procos memory recall` shows ids"));
    };
    if output.is_json() {
        output.value(&json!(entry));
        return Ok(());
    }
    output.line(&format!("{}  {}  {}", entry.kind.as_str(), entry.title, point_in_time(entry.at_ms)));
    output.line(&format!(
        "id {}, source {}, system {}",
        entry.id,
        entry.source,
        entry.system.as_deref().unwrap_or("–")
    ));
    output.line(&entry.text);
    if !entry.payload.is_null() {
        output.line(&format!("{:#}", entry.payload));
    }
    Ok(())
}

impl Forget {
    /// What it asks for, unless that is everything.
    fn filter(self) -> Result<Filter, Failure> {
        let filter = Filter {
            ids: self.id,
            kinds: self.kind,
            organisation: None,
            system: self.system,
            source: self.source,
            before_ms: self.before,
            about: self.about.filter(|about| !about.trim().is_empty()),
        };
        if filter.is_empty() {
            let hint = "give at least one of --id, --kind, --system, --source, --before, --about";
            return Err(Failure::wrong_call("CLI-0013", "this would forget everything", hint));
        }
        Ok(filter)
    }
}

fn show_forgotten(output: Output, forgotten: usize) {
    if output.is_json() {
        output.value(&json!({"forgotten": forgotten}));
    } else {
        output.line(&format!("{forgotten} entries forgotten"));
    }
}

impl Export {
    /// The kinds that it asks for.
    fn kinds(&self) -> Vec<Kind> {
        if self.kind.is_empty() { Kind::ALL.to_vec() } else { self.kind.clone() }
    }
}

/// Entries as JSON lines.
#[derive(Default)]
struct Entries {
    lines: String,
    written: usize,
}

impl Entries {
    /// Adds the newest entries of a kind.
    fn add(&mut self, kind: Kind, entries: impl Iterator<Item = Entry>, output: Output) {
        let before = self.written;
        for entry in entries {
            self.lines.push_str(&json!(entry).to_string());
            self.lines.push('\n');
            self.written += 1;
        }
        if self.written - before >= HITS_LIMIT {
            let kind = kind.as_str();
            output.remark(&format!("{kind}: the newest {HITS_LIMIT} are written; there may be more"));
        }
    }

    fn write(self, path: Option<PathBuf>, output: Output) -> Result<(), Failure> {
        match path {
            Some(path) => {
                write_file(&path, self.lines.as_bytes())?;
                output.remark(&format!("{} entries written to {}", self.written, path.display()));
            }
            None => output.line(self.lines.trim_end()),
        }
        Ok(())
    }
}
