//! `procos import`: takes in a process as BPMN, a system that `procos export` wrote as JSON or as a graph, requirements
//! from another tool, or a domain pack.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use engine::port::{Definition, DeployFile};
use ontology::model::{ChangeSet, Node};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::client::{failure_of, key};
use super::export::{SYSTEM_FILE, SystemFile};
use super::{Found, Output, Session, now_ms, read_file, variant};
use crate::failure::Failure;
use crate::wiring::{Assembly, packs};

/// Take in a process (.bpmn), decisions (.dmn), a system or a variant (.json of `procos export`), a graph (.ttl, .trig, .nt,
/// .nq, .jsonld), requirements (.reqif, .reqifz, .csv, .xlsx, .md, .txt) or a domain pack (a folder).
#[derive(Debug, Args)]
#[command(after_help = "\
A process becomes a new version unless it is there already. A system becomes what the file says, as one change set;
what it was before stays in its history.
Requirements keep the ids they have in the file: importing a newer file keeps links and what people added, and makes
the links of what was reworded suspect. What could not be taken over is listed.
Of a variant, what is unknown here is taken in; a process that differs waits as a proposal, a system that differs
arrives beside yours. Nothing of yours is overwritten.

Examples:
  procos import order.bpmn
  procos import aircraft.json
  procos import variant.json    (of procos export --variant)
  procos import brake.reqif --name \"Brake\"
  procos import brake.xlsx --name \"Brake\"
  procos import brake.ttl --name \"Brake\"  (a graph in our own terms or those of OSLC RM)
  procos import pumps/          (architectures/*.ttl, processes/*.bpmn, archetypes/*.json, vocabulary/*.txt)")]
pub(crate) struct Import {
    /// The file, or the folder of a pack.
    file: PathBuf,
    /// Name of the system that requirements go into; the file's name without its ending where not given.
    #[arg(long, value_name = "SYSTEM")]
    name: Option<String>,
}

impl Import {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if self.file.is_dir() {
            return self.pack(output, session).await;
        }
        let content = read_file(&self.file)?;
        let ending = self.file.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
        let taken = match ending.as_str() {
            "bpmn" | "dmn" | "xml" => process(name_of(&self.file), content, &session).await?,
            "json" if is_variant(&content) => return whole(&self.file, &content, output, &session).await,
            "json" => system(&self.file, &content, &session).await?,
            ending if graphql::import_endings().contains(&ending) => {
                let stem = || self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                let system = self.name.clone().or_else(stem).unwrap_or_default();
                requirements(&system, &name_of(&self.file), content, output, &session).await?
            }
            _ => {
                let message = format!("cannot tell what {} is", self.file.display());
                let endings = graphql::import_endings().join(", .");
                let hint = format!("give a .bpmn, .dmn, .{endings} file, or a .json file of `procos export`");
                return Err(Failure::wrong_call("CLI-0014", message, &hint));
            }
        };
        if output.is_json() {
            output.value(&taken);
            return Ok(ExitCode::SUCCESS);
        }
        if let (Some(name), true) = (taken["system"].as_str(), taken.get("requirements").is_some()) {
            report(&output, name, &taken);
        } else if let Some(name) = taken["system"].as_str() {
            output.line(&format!(
                "system {name}: {} nodes, change set {}",
                taken["nodes"], taken["change_set"]
            ));
        }
        for definition in taken["definitions"].as_array().into_iter().flatten() {
            let process = definition["process"].as_str().unwrap_or_default();
            output.line(&format!(
                "process {process}: version {}, key {}",
                definition["version"], definition["key"]
            ));
        }
        for decision in taken["decisions"].as_array().into_iter().flatten() {
            let id = decision["decision"].as_str().unwrap_or_default();
            output.line(&format!("decision {id}: version {}, key {}", decision["version"], decision["key"]));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether a file is what `procos export --variant` wrote; its first field says so.
fn is_variant(content: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Named {
        format: String,
    }
    serde_json::from_slice::<Named>(content).is_ok_and(|file| file.format.starts_with("procos-variant-"))
}

/// Takes in a variant.
async fn whole(path: &Path, content: &[u8], output: Output, session: &Session) -> Result<ExitCode, Failure> {
    let file = serde_json::from_slice(content).map_err(|error| {
        let message = format!("{} is no variant: {error}", path.display());
        Failure::wrong_call("CLI-0014", message, "write one with `procos export --variant FILE`")
    })?;
    let Found::Here(assembly) = session.at_rest().await? else {
        return Err(session.needs_directory("a variant"));
    };
    let taken = variant::unpack(file, &assembly).await;
    assembly.close().await;
    let taken = taken?;
    if output.is_json() {
        output.value(&taken);
    } else {
        variant::show(output, &taken);
    }
    Ok(ExitCode::SUCCESS)
}

impl Import {
    /// A folder of reference architectures and processes.
    async fn pack(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let pack = packs::load(&self.file)?;
        let Found::Here(assembly) = session.at_rest().await? else {
            return Err(session.needs_directory("a pack"));
        };
        let deployed = match pack.processes.is_empty() {
            true => Ok(Vec::new()),
            false => assembly.engine.deploy(pack.processes.clone()).await,
        };
        // A bad process keeps the pack out as a whole.
        let kept = match &deployed {
            Ok(_) => packs::keep(&pack, &assembly.data_directory),
            Err(_) => Ok(()),
        };
        assembly.close().await;
        let deployed = deployed?;
        kept?;
        let names: Vec<&str> = pack.architectures.iter().map(|(found, _)| found.name.as_str()).collect();
        if output.is_json() {
            let definitions: Vec<Value> = deployed.iter().map(described).collect();
            output.value(&json!({
                "pack": pack.name, "architectures": names, "definitions": definitions,
                "archetypes": pack.archetypes.len(), "vocabulary": pack.vocabulary.len(),
            }));
            return Ok(ExitCode::SUCCESS);
        }
        output.line(&format!(
            "pack {}: {} architectures ({}), {} archetypes, {} files of words",
            pack.name,
            names.len(),
            names.join(", "),
            pack.archetypes.len(),
            pack.vocabulary.len()
        ));
        for definition in &deployed {
            output.line(&format!("process {}: version {}", definition.process_id, definition.version));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Says what was taken in, and what was not.
fn report(output: &Output, name: &str, taken: &Value) {
    let others = match taken["others"].as_u64() {
        None | Some(0) => String::new(),
        Some(count) => format!(" {count} other nodes,"),
    };
    output.line(&format!(
        "system {name}: {} requirements ({} new),{others} {} links, change set {}",
        taken["requirements"], taken["added"], taken["links"], taken["version"]
    ));
    if taken["absent"] != 0 {
        output.line(&format!("{} requirements are not in the file; they stay", taken["absent"]));
    }
    for remark in taken["remarks"].as_array().into_iter().flatten() {
        let place = remark["line"].as_u64().map(|line| format!("line {line}: ")).unwrap_or_default();
        output.line(&format!("note: {place}{}", remark["what"].as_str().unwrap_or_default()));
    }
}

/// How often a job on a server is looked at.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a person is told at most; what is done sooner needs no progress.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Tells a person how far an import is, on stderr.
struct Progress {
    output: Output,
    told: Mutex<Instant>,
}

impl Progress {
    fn new(output: Output) -> Self {
        Self { output, told: Mutex::new(Instant::now()) }
    }

    fn step(&self, stage: &str, done: usize, total: usize) {
        let mut told = self.told.lock();
        if self.output.is_json() || told.elapsed() < TOLD_EVERY {
            return;
        }
        *told = Instant::now();
        self.output.remark(&format!("  {stage}: {done} of {total}"));
    }
}

async fn requirements(
    system: &str,
    file_name: &str,
    content: Vec<u8>,
    output: Output,
    session: &Session,
) -> Result<Value, Failure> {
    match session.at_rest().await? {
        Found::Here(assembly) => {
            let import = graphql::Import {
                system: system.to_owned(),
                file_name: file_name.to_owned(),
                content,
                author: "local".to_owned(),
                at_ms: now_ms(),
                ..graphql::Import::default()
            };
            let told = Progress::new(output);
            let tell = Arc::new(move |stage: &str, done, total| told.step(stage, done, total));
            let taken = graphql::import_followed(&assembly.ontology, import, tell).await;
            assembly.close().await;
            let (report, version) = taken?;
            Ok(json!({"system": system, "version": version, "requirements": report.requirements,
                "links": report.links, "others": report.others, "added": report.added, "absent": report.absent, "remarks": report.remarks}))
        }
        Found::There(client) => {
            let path = ["api", "systems", system, "import"];
            let mut job = client.send(&path, &[("file_name", file_name)], content).await?;
            let id = job["id"].as_str().unwrap_or_default().to_owned();
            let told = Progress::new(output);
            while job["state"] == "running" {
                tokio::time::sleep(PAUSE).await;
                job = client.job(&id).await?;
                let step = &job["progress"];
                let number = |name: &str| step[name].as_u64().and_then(|it| usize::try_from(it).ok());
                let (done, total) = (number("done").unwrap_or_default(), number("total").unwrap_or_default());
                told.step(step["stage"].as_str().unwrap_or_default(), done, total);
            }
            if job["state"] != "done" {
                let error = &job["error"];
                return Err(failure_of(&json!({"message": error["message"], "extensions": error})));
            }
            let mut taken = job["result"].take();
            taken["system"] = json!(system);
            Ok(taken)
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

async fn process(name: String, content: Vec<u8>, session: &Session) -> Result<Value, Failure> {
    match session.at_rest().await? {
        Found::Here(assembly) => {
            let deployed = assembly.engine.deploy_all(vec![DeployFile { name, content }]).await;
            assembly.close().await;
            let deployed = deployed?;
            let decisions = deployed.decisions.iter().flat_map(|file| &file.decisions).map(|decision| {
                json!({"key": decision.key, "decision": decision.decision_id, "version": decision.version})
            });
            Ok(json!({
                "definitions": deployed.definitions.iter().map(described).collect::<Vec<_>>(),
                "decisions": decisions.collect::<Vec<_>>(),
            }))
        }
        Found::There(client) => {
            let query = "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { \
                definitions { key processId version } decisions { key decisionId version } } }";
            let input = json!({"fileName": name, "xml": String::from_utf8_lossy(&content)});
            let answer = client.ask(query, json!({"input": input})).await?;
            let nodes = answer["deployProcess"]["definitions"].as_array().into_iter().flatten();
            let described = nodes.map(|node| {
                json!({"key": key(&node["key"]), "process": node["processId"], "version": node["version"]})
            });
            let decisions = answer["deployProcess"]["decisions"].as_array().into_iter().flatten().map(|node| {
                json!({"key": key(&node["key"]), "decision": node["decisionId"], "version": node["version"]})
            });
            Ok(json!({
                "definitions": described.collect::<Vec<_>>(), "decisions": decisions.collect::<Vec<_>>(),
            }))
        }
    }
}

fn described(definition: &Definition) -> Value {
    json!({"key": definition.key, "process": definition.process_id, "version": definition.version})
}

async fn system(path: &Path, content: &[u8], session: &Session) -> Result<Value, Failure> {
    let wrong = |reason: String| {
        let message = format!("{} is no system: {reason}", path.display());
        Failure::wrong_call("CLI-0014", message, "write one with `procos export NAME --format json`")
    };
    let file: SystemFile = serde_json::from_slice(content).map_err(|error| wrong(error.to_string()))?;
    if file.format != SYSTEM_FILE {
        return Err(wrong(format!("its format is {}, not {SYSTEM_FILE}", file.format)));
    }
    match session.at_rest().await? {
        Found::Here(assembly) => {
            let taken = take_in(file, &assembly).await;
            assembly.close().await;
            taken
        }
        Found::There(_) => Err(session.needs_directory("importing a system")),
    }
}

async fn take_in(file: SystemFile, assembly: &Assembly) -> Result<Value, Failure> {
    let files = file
        .processes
        .into_iter()
        .map(|(id, xml)| DeployFile { name: format!("{id}.bpmn"), content: xml.into_bytes() });
    let files: Vec<DeployFile> = files.collect();
    // The engine refuses all or nothing, so a bad process keeps the graph as it was.
    let definitions = if files.is_empty() { Vec::new() } else { assembly.engine.deploy(files).await? };
    let mut put = file.nodes;
    for node in &mut put {
        if let Node::Process(process) = node {
            // Keys belong to the engine the system comes from.
            let here = definitions.iter().find(|definition| definition.process_id == process.process_id);
            process.definition = here.map(|definition| definition.key);
        }
    }
    let nodes = put.len();
    let known = assembly.ontology.snapshot(&file.system).ok();
    let expected = known.as_ref().map_or(0, |system| system.head);
    let kept = |id: &str| put.iter().any(|node| node.id() == id);
    let gone = known.iter().flat_map(|system| system.nodes()).map(|node| node.id().to_owned());
    let remove = gone.filter(|id| !kept(id)).collect();
    let change = ChangeSet {
        number: 0,
        system: file.system.clone(),
        author: "local".to_owned(),
        message: "imported".to_owned(),
        at_ms: now_ms(),
        source_hash: file.source_hash,
        put,
        remove,
        ..ChangeSet::default()
    };
    let number = assembly.ontology.commit(change, expected).await?;
    Ok(json!({"system": file.system, "nodes": nodes, "change_set": number,
        "definitions": definitions.iter().map(described).collect::<Vec<_>>()}))
}
