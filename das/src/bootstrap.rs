//! From a file of requirements to a system: read, take apart, decompose, write processes, deploy, run, report.
//!
//! Nothing is stored before the whole source is understood; the same name and text again change nothing.

pub mod decompose;
pub mod ears;
pub mod name;
pub mod preview;
pub mod processes;
pub mod questions;
pub mod read;
pub mod report;
mod scores;
mod store;
pub mod suggestion;
pub mod with_model;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::clock::Clock;
use engine::port::{InstanceFilter, ProcessEngine, StartInstance, Status};
use ontology::Ontology;
use ontology::architecture::{self, Architecture};
use ontology::model::Node;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::trade::History;
pub use report::{FindingLine, Report, RunLine, ScoreLine, Unallocated};
pub use scores::KernelScores;
use suggestion::{Refusal, Suggestion};
pub use with_model::{LeftOut, Minds, ModelReport, ModelUse};

/// Raised when the same text would give another system: a new build may then renew what an older one derived.
const RULES_VERSION: u32 = 1;
/// How long is waited between looks at instances, at most.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How long the runs of one bootstrap may take unless the caller says otherwise.
pub const RUN_LIMIT: Duration = Duration::from_secs(120);
/// How many earlier runs of a process are listed.
const MAX_INSTANCES_READ: usize = 1;

/// What to build.
#[derive(Clone, Debug)]
pub struct Request {
    /// Name of the system; without one the document's title, else the file's name.
    pub name: Option<String>,
    /// File name: its ending says the format.
    pub file: String,
    /// Content of the file.
    pub content: Vec<u8>,
    /// Whether to run the processes.
    pub run: bool,
    /// Who asks.
    pub actor: String,
    /// Seed for the draws of the runs.
    pub seed: u64,
    /// How long the runs may take.
    pub run_limit: Duration,
    /// Whether a language model has a say.
    pub model: ModelUse,
}

impl Request {
    /// Builds and runs, as `local`, with seed 1.
    #[must_use]
    pub fn new(file: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: None,
            file: file.into(),
            content: content.into(),
            run: true,
            actor: "local".to_owned(),
            seed: 1,
            run_limit: RUN_LIMIT,
            model: ModelUse::default(),
        }
    }
}

/// Gives the scores of processes; [`KernelScores`] reads them through the kernel's port.
#[async_trait]
pub trait ScoreSource: Send + Sync {
    /// Scores of these processes and their tasks.
    async fn scores(&self, process_ids: &[String]) -> Result<Vec<ScoreLine>, Error>;
}

/// What a bootstrap works with.
#[derive(Clone)]
pub struct Deps {
    /// The graph.
    pub ontology: Arc<Ontology>,
    /// The engine; a microkernel that watches it executes the tasks.
    pub engine: Arc<dyn ProcessEngine>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Scores, where there are any.
    pub scores: Option<Arc<dyn ScoreSource>>,
    /// Reference architectures beside the shipped ones.
    pub architectures: Vec<Architecture>,
    /// Recorded cases, where trade studies simulate on them.
    pub history: Option<History>,
    /// What a language model is asked with, where one may be.
    pub minds: Option<Minds>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// `read`, `model`, `decompose`, `processes`, `deploy`, `store`, `run`, `report`.
    pub stage: &'static str,
    /// How much of the stage is done.
    pub done: usize,
    /// Of how much.
    pub total: usize,
}

/// The shipped reference architectures: (name, Turtle), to be kept in the a-priori memory.
#[must_use]
pub fn reference_architectures() -> Vec<(&'static str, &'static str)> {
    vec![
        ("fixed-wing-aircraft", include_str!("../reference/fixed-wing-aircraft.ttl")),
        ("laboratory-instrument", include_str!("../reference/laboratory-instrument.ttl")),
        ("multicopter-drone", include_str!("../reference/multicopter-drone.ttl")),
        ("road-vehicle", include_str!("../reference/road-vehicle.ttl")),
        ("satellite", include_str!("../reference/satellite.ttl")),
        ("supply-chain", include_str!("../reference/supply-chain.ttl")),
        ("trading-desk", include_str!("../reference/trading-desk.ttl")),
        ("web-service", include_str!("../reference/web-service.ttl")),
    ]
}

/// What was derived, before anything is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Name of the system.
    pub system: String,
    /// The graph without processes.
    pub model: decompose::Decomposition,
    /// The processes.
    pub written: processes::Written,
}

/// A source that was read, before anything is derived from it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Name of the system.
    system: String,
    source: read::Source,
    architectures: Vec<Architecture>,
}

impl Prepared {
    /// Reads a source and the reference architectures.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read, [`Error::Ontology`] for a broken reference architecture.
    pub fn read(
        name: Option<&str>,
        file: &str,
        content: &[u8],
        more: &[Architecture],
    ) -> Result<Self, Error> {
        let source = read::read(file, content)?;
        let mut architectures = more.to_vec();
        for (_, turtle) in reference_architectures() {
            architectures.push(architecture::read(turtle)?);
        }
        Ok(Self { system: system_name(name, &source, file), source, architectures })
    }

    /// Derives a system with what a model suggests where it passes the checks; and what does not, and why. Pure: the
    /// same input gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Tree`] where the rules break a rule of the tree: never for a suggestion.
    pub fn derive(&self, suggestions: &[Suggestion]) -> Result<(Draft, Vec<Refusal>), Error> {
        let (mut model, mut refusals) =
            decompose::decompose_with(&self.system, &self.source, &self.architectures, suggestions);
        let (written, more) = processes::write_with(&self.system, &mut model, suggestions)?;
        refusals.extend(more);
        refusals.sort_by_key(|refusal| refusal.at);
        Ok((Draft { system: self.system.clone(), model, written }, refusals))
    }
}

/// Derives a system by rules alone without storing anything: pure, and the same input gives the same bytes.
///
/// # Errors
/// [`Error::Source`] for a file that cannot be read, [`Error::Ontology`] for a broken reference architecture.
pub fn derive(name: Option<&str>, file: &str, content: &[u8], more: &[Architecture]) -> Result<Draft, Error> {
    Ok(Prepared::read(name, file, content, more)?.derive(&[])?.0)
}

/// What a request comes to, before anything of the system is stored.
struct Plan {
    prepared: Arc<Prepared>,
    draft: Draft,
    /// Hash of what it was derived from.
    hash: String,
    /// The system as it stands.
    known: Option<Arc<ontology::SystemIndex>>,
    model: Option<ModelReport>,
}

/// Reads, asks the model where it has a say, and derives. `builds` where the system is built by it and not only shown.
async fn plan(
    request: &Request,
    deps: &Deps,
    builds: bool,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Plan, Error> {
    progress(Progress { stage: "read", done: 0, total: 1 });
    let Request { name, file, content, .. } = request.clone();
    let more = deps.architectures.clone();
    let prepared = Arc::new(aside(move || Prepared::read(name.as_deref(), &file, &content, &more)).await??);
    let total = prepared.source.items.len();
    progress(Progress { stage: "read", done: total, total });
    let known = deps.ontology.snapshot(&prepared.system).ok();
    let wanted = with_model::Wanted {
        using: request.model,
        content: &source_hash(&prepared.system, &request.content, &[])?,
        builds,
    };
    let (suggestions, model) =
        with_model::suggestions(&prepared, known.as_deref(), &wanted, deps, progress).await?;
    let draft = derived(&prepared, &suggestions).await?;
    let hash = source_hash(&draft.system, &request.content, &suggestions)?;
    let mut plan = Plan { prepared, draft, hash, known, model };
    if !suggestions.is_empty()
        && let Err(error) = store::check(&plan.draft, plan.known.as_deref(), deps).await
    {
        // What people wrote by hand goes before what a model says.
        plan.without_model(&request.content, &error).await?;
    }
    progress(Progress { stage: "decompose", done: 1, total: 1 });
    let written = plan.draft.written.files.len();
    progress(Progress { stage: "processes", done: written, total: written });
    Ok(plan)
}

impl Plan {
    /// Whether the system was built from just this.
    fn changes_nothing(&self) -> bool {
        self.known.as_ref().is_some_and(|system| system.source_hash.as_ref() == Some(&self.hash))
    }

    /// What the rules make of it alone, because what a model said cannot be brought about.
    async fn without_model(&mut self, content: &[u8], why: &Error) -> Result<(), Error> {
        if let Some(report) = &mut self.model {
            report.refuse_all(why);
        }
        self.draft = derived(&self.prepared, &[]).await?;
        self.hash = source_hash(&self.draft.system, content, &[])?;
        Ok(())
    }

    /// Deploys the processes; those that a model drew must not keep the others from it.
    async fn deploy(&mut self, content: &[u8], deps: &Deps) -> Result<(), Error> {
        let drawn =
            |process: &ontology::model::Process| process.origin.rule.starts_with(suggestion::BY_MODEL);
        let definitions = match deps.engine.deploy(self.draft.written.files.clone()).await {
            Err(error) if self.draft.written.processes.iter().any(drawn) => {
                self.without_model(content, &error.into()).await?;
                deps.engine.deploy(self.draft.written.files.clone()).await?
            }
            deployed => deployed?,
        };
        for process in &mut self.draft.written.processes {
            process.definition =
                definitions.iter().find(|d| d.process_id == process.process_id).map(|d| d.key);
        }
        Ok(())
    }
}

async fn derived(prepared: &Arc<Prepared>, suggestions: &[Suggestion]) -> Result<Draft, Error> {
    let (prepared, suggestions) = (Arc::clone(prepared), suggestions.to_vec());
    Ok(aside(move || prepared.derive(&suggestions)).await??.0)
}

/// Long computing, off the threads that serve others.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Stopped(error.to_string()))
}

fn system_name(name: Option<&str>, source: &read::Source, file: &str) -> String {
    let given = name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let stem = || {
        let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
        base.rsplit_once('.').map_or(base, |(stem, _)| stem).to_owned()
    };
    let mut found =
        given.or_else(|| source.title.clone().filter(|title| !title.is_empty())).unwrap_or_else(stem);
    while found.len() > 120 {
        found.pop();
    }
    if found.trim().is_empty() { "system".to_owned() } else { found }
}

/// Builds a system and, if asked, runs its processes.
///
/// # Errors
/// [`Error::Source`] for a file that cannot be read (nothing is stored then), [`Error::Ontology`] and
/// [`Error::Engine`] where those fail.
pub async fn bootstrap(
    request: Request,
    deps: &Deps,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Report, Error> {
    let began = deps.clock.now_ms();
    let mut plan = plan(&request, deps, true, progress.as_ref()).await?;
    let Request { content, run, actor, seed, run_limit, .. } = request;
    if !plan.changes_nothing() {
        let total = plan.draft.written.files.len();
        progress(Progress { stage: "deploy", done: 0, total });
        plan.deploy(&content, deps).await?;
        progress(Progress { stage: "deploy", done: total, total });
    }
    let unchanged = plan.changes_nothing();
    let Plan { draft, hash, known, model, .. } = plan;
    if !unchanged {
        store::store(&draft, known.as_deref(), hash, &actor, deps).await?;
        progress(Progress { stage: "store", done: 1, total: 1 });
    }
    let mut report = report_of(&draft.system, deps)?;
    (report.unchanged, report.model) = (unchanged, model);
    let processes = deps.ontology.processes(&draft.system)?;
    // What a model drew may wait for people or messages: it runs when somebody starts it.
    let shown: Vec<&ontology::model::Process> =
        processes.iter().filter(|process| !process.origin.rule.starts_with(suggestion::BY_MODEL)).collect();
    let ids: Vec<String> = shown.iter().map(|process| process.process_id.clone()).collect();
    if unchanged {
        report.runs = earlier_runs(&shown, deps).await?;
    }
    if run && report.runs.is_empty() {
        report.runs = run_all(&ids, &actor, seed, run_limit, deps, progress.as_ref()).await?;
    }
    if let Some(scores) = &deps.scores {
        report.scores = scores.scores(&ids).await?;
    }
    progress(Progress { stage: "report", done: 1, total: 1 });
    report.seconds = (deps.clock.now_ms() - began).max(0) as f64 / 1000.0;
    Ok(report)
}

/// Hash of what a system is derived from; of rules alone it is that of the text.
fn source_hash(system: &str, content: &[u8], suggestions: &[Suggestion]) -> Result<String, Error> {
    let mut digest = Sha256::new();
    digest.update(format!("{RULES_VERSION}\n{system}\n"));
    digest.update(content);
    if !suggestions.is_empty() {
        let said = serde_json::to_vec(suggestions).map_err(|error| Error::Stopped(error.to_string()))?;
        digest.update(said);
    }
    Ok(hex::encode(digest.finalize()))
}

/// Reads counts, coverage, findings and conflicts from the graph, not from what the generator hoped for.
///
/// # Errors
/// [`Error::Ontology`] where there is no such system.
pub fn report_of(system: &str, deps: &Deps) -> Result<Report, Error> {
    let snapshot = deps.ontology.snapshot(system)?;
    let coverage = ontology::coverage::coverage(&snapshot);
    let mut report = Report {
        system: system.to_owned(),
        requirements: coverage.requirements,
        allocated: coverage.allocated,
        unallocated: coverage.unallocated,
        components: snapshot.count("component"),
        functions: snapshot.count("function"),
        processes: snapshot.count("process"),
        interfaces: snapshot.count("interface"),
        constraints: snapshot.count("constraint"),
        change_set: snapshot.head,
        ..Report::default()
    };
    for node in snapshot.of_kind("requirement") {
        let Node::Requirement(requirement) = node.as_ref() else { continue };
        report.findings.extend(requirement.findings.iter().map(|finding| FindingLine {
            id: requirement.id.clone(),
            kind: finding.kind.clone(),
            text: finding.text.clone(),
        }));
    }
    for node in snapshot.of_kind("link") {
        let Node::Link(link) = node.as_ref() else { continue };
        if link.kind == "conflicts_with" {
            report.conflicts.push(decompose::Conflict {
                requirements: vec![link.source.clone(), link.target.clone()],
                why: link.rationale.clone().unwrap_or_default(),
            });
        }
    }
    for node in snapshot.of_kind("process") {
        let Node::Process(process) = node.as_ref() else { continue };
        report.definitions.extend(process.definition);
    }
    Ok(report)
}

/// The newest run of each process, where all of its processes ran before.
async fn earlier_runs(processes: &[&ontology::model::Process], deps: &Deps) -> Result<Vec<RunLine>, Error> {
    let mut runs = Vec::new();
    for process in processes {
        let Some(definition) = process.definition else { continue };
        let filter = InstanceFilter {
            definition: Some(definition),
            limit: MAX_INSTANCES_READ,
            ..InstanceFilter::default()
        };
        for instance in deps.engine.instances(&filter).await? {
            let state = word(instance.status).to_owned();
            runs.push(RunLine { process: process.process_id.clone(), instance: instance.key, state });
        }
    }
    Ok(runs)
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Suspended => "suspended",
        Status::Completed => "completed",
        Status::Terminated => "terminated",
        Status::Failed => "failed",
    }
}

/// Starts every process and waits for their ends, for as long as the limit says.
async fn run_all(
    ids: &[String],
    actor: &str,
    seed: u64,
    limit: Duration,
    deps: &Deps,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Vec<RunLine>, Error> {
    let total = ids.len();
    progress(Progress { stage: "run", done: 0, total });
    let mut notices = deps.engine.notices();
    let mut runs: Vec<RunLine> = Vec::new();
    for (i, id) in ids.iter().enumerate() {
        let request = StartInstance {
            process_id: Some(id.clone()),
            seed: seed.wrapping_add(u64::try_from(i).unwrap_or_default()),
            actor: Some(actor.to_owned()),
            ..StartInstance::default()
        };
        let instance = deps.engine.start(request).await?;
        runs.push(RunLine { process: id.clone(), instance, state: "active".to_owned() });
    }
    let wait = async {
        loop {
            let mut open = 0usize;
            for run in runs.iter_mut().filter(|run| run.state == "active") {
                let instance = deps.engine.instance(run.instance).await?;
                if instance.status == Status::Active && instance.incidents == 0 {
                    open += 1;
                } else if instance.status == Status::Active {
                    // It waits for a person to look at its incident.
                    run.state = "incident".to_owned();
                } else {
                    run.state = word(instance.status).to_owned();
                }
            }
            progress(Progress { stage: "run", done: total - open, total });
            if open == 0 {
                return Ok::<(), Error>(());
            }
            // A notice is a reason to look again; without one it is looked again after a moment.
            let _ = tokio::time::timeout(LOOK_AGAIN, notices.recv()).await;
        }
    };
    match tokio::time::timeout(limit, wait).await {
        Ok(done) => done?,
        Err(_) => {
            tracing::warn!(limit_s = limit.as_secs(), "some processes were not over in time; they go on")
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests;
