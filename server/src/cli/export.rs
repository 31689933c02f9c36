//! `procos export`: writes a system as a graph, for other requirement tools, or as a file to import elsewhere; or a
//! process as BPMN.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use engine::Store;
use ontology::Ontology;
use ontology::exchange::Form;
use ontology::model::Node;
use persistence::Database;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::{Found, Output, Session, now_ms, variant, write_file};
use crate::failure::Failure;

/// Names the form of [`SystemFile`].
pub(crate) const SYSTEM_FILE: &str = "procos-system-1";

/// A system with its processes, to be read again by `procos import`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SystemFile {
    /// [`SYSTEM_FILE`].
    pub(crate) format: String,
    /// Name of the system.
    pub(crate) system: String,
    /// Hash of the requirements it came from.
    pub(crate) source_hash: Option<String>,
    /// Its nodes and links.
    pub(crate) nodes: Vec<Node>,
    /// BPMN of its processes, by process id.
    pub(crate) processes: BTreeMap<String, String>,
}

/// Write a system as a graph (Turtle, JSON-LD, …), as ReqIF, CSV, XLSX, OSLC, SysML v2 or JSON, or a process as BPMN.
#[derive(Debug, Args)]
#[command(after_help = "\
Without a name it lists what can be exported. `json` holds the processes too and can be imported elsewhere.

Examples:
  procos export \"Light aircraft\" -o aircraft.ttl
  procos export \"Light aircraft\" --format reqif -o aircraft.reqif
  procos export \"Light aircraft\" --format xlsx -o aircraft.xlsx
  procos export \"Light aircraft\" --format sysml -o aircraft.sysml
  procos export \"Light aircraft\" --format sysml-json -o aircraft.sysml.json
  procos export \"Light aircraft\" --format json -o aircraft.json
  procos export --process size-aircraft -o size-aircraft.bpmn
  procos export --variant mine.json")]
pub(crate) struct Export {
    /// Name of the system.
    system: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Turtle)]
    format: Format,
    /// The newest version of this process instead of a system.
    #[arg(long, value_name = "ID", conflicts_with = "system")]
    process: Option<String>,
    /// Pack everything that was grown here into this file: processes with their versions, systems, prompts, scores, and
    /// corrections in memory; `procos import` takes it in elsewhere.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["system", "process", "output", "format"])]
    variant: Option<PathBuf>,
    /// Write to this file instead of stdout.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Turtle.
    Turtle,
    /// N-Triples.
    Ntriples,
    /// JSON-LD.
    Jsonld,
    /// Turtle with the name of the graph.
    Trig,
    /// N-Triples with the name of the graph.
    Nquads,
    /// Requirements and the links between them, for other requirement tools.
    Reqif,
    /// Requirements as a table.
    Csv,
    /// Which component answers which requirement, as a table.
    Matrix,
    /// Requirements and trace matrix as an Excel workbook; give a file to write it to.
    Xlsx,
    /// SysML v2 in its textual notation.
    Sysml,
    /// The elements of SysML v2 in JSON, as its API has them.
    SysmlJson,
    /// Requirements in the terms of OSLC RM 2.1, as Turtle.
    Oslc,
    /// Requirements under their headings, to be read.
    Markdown,
    /// Everything, for `procos import`.
    Json,
}

impl Export {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if let Some(path) = &self.variant {
            return whole(path, output, &session).await;
        }
        let found = match session.database().await? {
            Found::Here(database) => {
                let found = self.here(&database, output).await;
                database.close().await;
                found?
            }
            Found::There(client) => self.through(&client, &session).await?,
        };
        match (&self.output, found) {
            (_, Exported::Names { systems, processes }) => {
                if output.is_json() {
                    output.value(&json!({"systems": systems, "processes": processes}));
                } else {
                    systems.iter().for_each(|name| output.line(&format!("system   {name}")));
                    processes.iter().for_each(|name| output.line(&format!("process  {name}")));
                }
            }
            (Some(path), Exported::File(bytes)) => {
                write_file(path, &bytes)?;
                if output.is_json() {
                    output.value(&json!({"file": path, "bytes": bytes.len()}));
                } else {
                    output.remark(&format!("{} bytes written to {}", bytes.len(), path.display()));
                }
            }
            (None, Exported::File(_)) if self.format == Format::Xlsx && self.process.is_none() => {
                let hint = "name a file: -o FILE.xlsx";
                return Err(Failure::wrong_call("CLI-0001", "a workbook is no text to print", hint));
            }
            (None, Exported::File(bytes)) => output.line(String::from_utf8_lossy(&bytes).trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn here(&self, database: &Database, output: Output) -> Result<Exported, Failure> {
        if let Some(process) = &self.process {
            return newest(database)
                .await?
                .remove(process)
                .map(|xml| Exported::File(xml.into_bytes()))
                .ok_or_else(|| unknown(process));
        }
        let ontology = Ontology::open(Arc::new(database.clone())).await?;
        let Some(system) = &self.system else {
            let systems = ontology.systems().into_iter().map(|system| system.name).collect();
            return Ok(Exported::Names { systems, processes: newest(database).await?.into_keys().collect() });
        };
        let Some(form) = self.format.form() else {
            return Ok(Exported::File(everything(database, &ontology, system).await?.into_bytes()));
        };
        let now = jiff::Timestamp::from_millisecond(now_ms()).unwrap_or_default().to_string();
        let document = ontology.write(system, form, &now)?;
        document.remarks.iter().for_each(|remark| output.remark(&format!("note: {remark}")));
        Ok(Exported::File(document.bytes))
    }

    async fn through(&self, client: &Client, session: &Session) -> Result<Exported, Failure> {
        if let Some(process) = &self.process {
            let query = "{ processDefinitions(first: 1000) { nodes { processId xml } } }";
            let answer = client.ask(query, json!({})).await?;
            let nodes = answer["processDefinitions"]["nodes"].as_array().cloned().unwrap_or_default();
            let found = nodes.into_iter().find(|node| node["processId"] == process.as_str());
            let xml = found.and_then(|node| node["xml"].as_str().map(str::to_owned));
            return xml.map(|xml| Exported::File(xml.into_bytes())).ok_or_else(|| unknown(process));
        }
        let Some(system) = &self.system else {
            let query = "{ systems(first: 1000) { nodes { name } } processDefinitions(first: 1000) { nodes { processId } } }";
            let answer = client.ask(query, json!({})).await?;
            let names = |list: &str, name: &str| {
                let nodes = answer[list]["nodes"].as_array().into_iter().flatten();
                nodes.filter_map(|node| node[name].as_str().map(str::to_owned)).collect()
            };
            return Ok(Exported::Names {
                systems: names("systems", "name"),
                processes: names("processDefinitions", "processId"),
            });
        };
        let Some(name) = self.format.name() else {
            return Err(session.needs_directory("a file for `procos import`"));
        };
        Ok(Exported::File(client.get(&["api", "systems", system, "export"], &[("format", name)]).await?))
    }
}

/// Packs everything that was grown.
async fn whole(path: &Path, output: Output, session: &Session) -> Result<ExitCode, Failure> {
    session.must_exist()?;
    let Found::Here(assembly) = session.at_rest().await? else {
        return Err(session.needs_directory("packing a variant"));
    };
    let packed = variant::pack(&assembly).await;
    assembly.close().await;
    let file = packed?;
    let text = serde_json::to_string(&file).map_err(|error| Failure::work("CLI-0006", error, ""))?;
    write_file(path, text.as_bytes())?;
    let counts = json!({
        "file": path, "processes": file.processes.len(), "systems": file.systems.len(), "prompts": file.prompts.len(),
        "scores": file.scores.len(), "memory": file.memory.len(),
    });
    if output.is_json() {
        output.value(&counts);
    } else {
        output.line(&format!(
            "{}: {} processes, {} systems, {} prompts, scores of {} subjects, {} memory entries",
            path.display(),
            counts["processes"],
            counts["systems"],
            counts["prompts"],
            counts["scores"],
            counts["memory"]
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl Format {
    /// Its name in the API; `json` is of the command line only.
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Turtle => "turtle",
            Self::Ntriples => "ntriples",
            Self::Jsonld => "jsonld",
            Self::Trig => "trig",
            Self::Nquads => "nquads",
            Self::Reqif => "reqif",
            Self::Csv => "csv",
            Self::Matrix => "matrix",
            Self::Xlsx => "xlsx",
            Self::Sysml => "sysml",
            Self::SysmlJson => "sysml-json",
            Self::Oslc => "oslc",
            Self::Markdown => "markdown",
            Self::Json => return None,
        })
    }

    fn form(self) -> Option<Form> {
        self.name().and_then(Form::named)
    }
}

/// A system with its processes, as [`SystemFile`].
async fn everything(database: &Database, ontology: &Ontology, system: &str) -> Result<String, Failure> {
    let index = ontology.snapshot(system)?;
    let nodes: Vec<Node> = index.nodes().map(|node| node.as_ref().clone()).collect();
    let mut deployed = newest(database).await?;
    let ids = nodes.iter().filter_map(|node| match node {
        Node::Process(process) => Some(process.process_id.clone()),
        _ => None,
    });
    let processes = ids.filter_map(|id| deployed.remove(&id).map(|xml| (id, xml))).collect();
    let (format, system) = (SYSTEM_FILE.to_owned(), system.to_owned());
    let source_hash = index.source_hash.clone();
    let file = SystemFile { format, system, source_hash, nodes, processes };
    serde_json::to_string_pretty(&file).map_err(|error| Failure::work("CLI-0006", error, ""))
}

enum Exported {
    File(Vec<u8>),
    Names { systems: Vec<String>, processes: Vec<String> },
}

/// BPMN of the newest version of each process.
async fn newest(database: &Database) -> Result<BTreeMap<String, String>, Failure> {
    // Oldest first: later versions overwrite.
    let all = database.definitions().await?;
    Ok(all.into_iter().map(|(definition, xml)| (definition.process_id, xml)).collect())
}

fn unknown(process: &str) -> Failure {
    let message = format!("process {process} does not exist");
    Failure::wrong_call("ENGINE-0001", message, "`procos export` lists the processes")
}
