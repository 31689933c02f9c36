//! Puts the parts together: the one place where ports meet what implements them.

mod machine;
pub(crate) mod packs;
mod receivers;
mod run_history;
mod seeding;
mod vector_memory;
mod webhooks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use camunda::{Camunda, Generation, Settings};
use context::{ContextManager, RecordedMemory, RememberedModel};
use das::proposals::Deciding;
use das::watch::{Machine, People, Vitals};
use das::{Policies, Records};
use engine::clock::{Clock, SystemClock};
use engine::{Embedded, ProcessEngine, Store};
use kernel::{
    Launcher, Metered, Microkernel, Outside, OutsideLimits, Parts, Relay, Scores, Templates, Tools, Workspace,
};
use memory::Memory;
use ontology::Ontology;
use parking_lot::Mutex;
use persistence::{Database, Documents, Prompts};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trail::Trail;

use crate::configuration::{self, Configuration, EngineKind};
use crate::failure::Failure;

/// How often the outbox is looked at.
const RELAY_PAUSE: Duration = Duration::from_millis(100);

/// Everything that runs in one data directory.
pub struct Assembly {
    /// Where everything is kept.
    pub data_directory: PathBuf,
    /// The database.
    pub database: Database,
    /// The process engine.
    pub engine: Arc<dyn ProcessEngine>,
    /// The embedded engine, where that is the one.
    pub embedded: Option<Embedded>,
    /// The adapter of Camunda 7, where that is the one.
    pub camunda: Option<Camunda>,
    /// Kernel parts: templates, census, model, prompts, memory.
    pub parts: Arc<Parts>,
    /// The knowledge graph.
    pub ontology: Arc<Ontology>,
    /// Vector memory.
    pub memory: Arc<dyn Memory>,
    /// The context manager.
    pub contexts: ContextManager,
    /// The language model, where one is configured.
    pub model: Option<Arc<dyn llm::Model>>,
    /// Further models by the names they are configured under, for comparing prompts on them.
    pub models: BTreeMap<String, Arc<dyn llm::Model>>,
    /// The same, where it turns speech into text.
    pub speech: Option<Arc<dyn llm::Model>>,
    /// How the machine is.
    pub machine: Arc<dyn Machine>,
    /// What was sampled of it.
    pub vitals: Vitals,
    /// What people let DAS do without asking.
    pub policies: Policies,
    /// What people did, where they agreed to be watched.
    pub people: People,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Memory without its recorder.
    bare_memory: Arc<dyn Memory>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Assembly {
    /// Opens a data directory and starts everything in it.
    ///
    /// # Errors
    /// Where the directory is held by another process, or a part cannot be opened; each names the part.
    pub async fn open(configuration: &Configuration, data_directory: &Path) -> Result<Self, Failure> {
        let mut assembly = Self::open_at_rest(configuration, data_directory).await?;
        assembly.start(configuration);
        Ok(assembly)
    }

    /// As [`Assembly::open`], but nothing goes on by itself: no PDO, no timer, no delivery.
    ///
    /// # Errors
    /// As [`Assembly::open`].
    pub async fn open_at_rest(configuration: &Configuration, data_directory: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(data_directory).map_err(|error| {
            let message = format!("cannot make the data directory {}: {error}", data_directory.display());
            Failure::work("SERVER-0003", message, "choose another one with --data-dir")
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = open_database(configuration, data_directory).await?;
        let store: Arc<dyn Store> = Arc::new(database.clone());
        let trail: Arc<dyn Trail> = Arc::new(database.clone());
        let (engine, embedded, camunda) =
            open_engine(configuration, store, Arc::clone(&trail), Arc::clone(&clock)).await?;
        let ontology = Arc::new(Ontology::open(Arc::new(database.clone())).await.map_err(Failure::from)?);
        let Minds { model, speech, models, memory, bare_memory } =
            Minds::open(configuration, data_directory, &trail, &clock).await?;
        let contexts = open_contexts(configuration, &database, &engine, model.as_ref());
        let mut parts = Parts::new(Arc::clone(&engine), Arc::clone(&clock))?;
        parts.trail = Some(trail);
        parts.model.clone_from(&model);
        parts.budgets = configuration.budget;
        parts.contexts = Some(Arc::new(contexts.clone()));
        parts.scores = Some(Arc::new(database.clone()));
        parts.memory = Some(Arc::clone(&memory));
        parts.workspace = Some(open_workspace(&data_directory.join("workspace"), parts.limits.file_bytes)?);
        parts.tools = Some(open_tools(configuration, data_directory));
        parts.outside = open_outside(configuration)?;
        take_templates(&parts.templates, &data_directory.join("templates"));
        let machine: Arc<dyn Machine> = Arc::new(machine::Host {
            engine: Arc::clone(&engine),
            camunda: camunda.as_ref().and_then(|_| camunda_settings(&configuration.engine).ok()),
            memory: Arc::clone(&memory),
            database: database.clone(),
            workspace: parts.workspace.clone(),
            before: Mutex::default(),
        });
        let records: Arc<dyn Records> = Arc::new(persistence::Records::new(database.documents()));
        let people = People::new(Arc::clone(&records), Arc::clone(&memory), Arc::clone(&clock));
        let (vitals, policies) = (Vitals::default(), Policies::new(Arc::clone(&records)));
        parts.assistant = Some(Arc::new(das::Watcher::new(das::WatchDeps {
            engine: Arc::clone(&engine),
            store: Arc::new(database.clone()),
            trail: Arc::new(database.clone()),
            ontology: Some(Arc::clone(&ontology)),
            memory: Some(Arc::clone(&memory)),
            proposals: Arc::new(persistence::Proposals::new(database.documents())),
            offers: Arc::new(persistence::Offers::new(database.documents())),
            machine: Some(Arc::clone(&machine)),
            vitals: vitals.clone(),
            records,
            people: Some(people.clone()),
            policies: Some(policies.clone()),
            // DAS proposes no systems by itself: nothing to build them with.
            deciding: Some(deciding(&database, &engine, &contexts, &clock, None)),
            contexts: Some(contexts.clone()),
            model: model.clone(),
            clock: Arc::clone(&clock),
        })));
        let assembly = Self {
            data_directory: data_directory.to_owned(),
            database,
            engine,
            embedded,
            camunda,
            parts: Arc::new(parts),
            ontology,
            memory,
            bare_memory,
            contexts,
            speech,
            model,
            machine,
            vitals,
            policies,
            people,
            models,
            clock,
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
        };
        seeding::seed(&assembly).await?;
        Ok(assembly)
    }

    fn start(&mut self, configuration: &Configuration) {
        if configuration.forecasts.record {
            self.tasks.spawn(self.forecasts().follow(self.stop.clone()));
        }
        if let Some(embedded) = self.embedded.clone() {
            let stop = self.stop.clone();
            self.tasks.spawn(async move { embedded.run_timers(stop).await });
        }
        if let Some(camunda) = self.camunda.clone() {
            let stop = self.stop.clone();
            self.tasks.spawn(async move { camunda.run(stop).await });
        }
        if let Some(tools) = self.parts.tools.clone() {
            self.tasks.spawn(async move {
                for rung in tools.rungs().await.iter().filter(|rung| rung.problem.is_some()) {
                    let problem = rung.problem.as_deref().unwrap_or_default();
                    tracing::info!(level = %rung.level, problem, "a rung of isolation is not available");
                }
            });
        }
        let microkernel = Microkernel::new(Arc::clone(&self.parts), self.stop.clone());
        self.tasks.spawn(async move {
            if let Err(error) = microkernel.run().await {
                tracing::error!(%error, "the microkernel ended");
            }
        });
        let history =
            run_history::restore(Arc::clone(&self.engine), receivers::Runs::of(self), self.stop.clone());
        self.tasks.spawn(history);
        let mut receivers = receivers::all(self);
        for hook in &configuration.webhooks {
            let (outside, clock) = (self.parts.outside.clone(), Arc::clone(&self.clock));
            receivers.push(Arc::new(webhooks::Post::new(hook.clone(), outside, self.trail(), clock)));
        }
        if !configuration.score_lines.is_empty() {
            let topics = configuration.webhooks.iter().map(|hook| webhooks::topic(&hook.name)).collect();
            let lines = das::score_lines::ScoreLines::new(
                Arc::clone(&self.engine),
                Arc::new(self.database.clone()),
                self.trail(),
                Arc::clone(&self.clock),
                (configuration.score_lines.clone(), topics),
            );
            self.tasks.spawn(lines.follow(self.stop.clone()));
        }
        let relay = Relay::new(Arc::new(self.database.clone()), receivers);
        self.tasks.spawn(relay.run(RELAY_PAUSE, self.stop.clone()));
    }

    /// Forecasts of running cases.
    #[must_use]
    pub fn forecasts(&self) -> das::forecast::Forecasts {
        das::forecast::Forecasts::new(
            Arc::clone(&self.engine),
            Arc::new(self.database.clone()),
            self.trail(),
            Arc::clone(&self.clock),
        )
    }

    /// Small documents of other parts.
    #[must_use]
    pub fn documents(&self) -> Documents {
        self.database.documents()
    }

    /// Scores.
    #[must_use]
    pub fn scores(&self) -> Arc<dyn Scores> {
        Arc::new(self.database.clone())
    }

    /// The trail.
    #[must_use]
    pub fn trail(&self) -> Arc<dyn Trail> {
        Arc::new(self.database.clone())
    }

    /// What the API works with; `about` is what it shows about this server.
    #[must_use]
    pub fn graphql_state(&self, about: graphql::About) -> graphql::State {
        graphql::State {
            engine: Arc::clone(&self.engine),
            store: Arc::new(self.database.clone()),
            trail: self.trail(),
            ontology: Arc::clone(&self.ontology),
            memory: Arc::clone(&self.memory),
            recollection: graphql::Recollection {
                memory: Arc::clone(&self.bare_memory),
                first: Arc::new(seeding::entries),
            },
            contexts: self.contexts.clone(),
            model: self.model.clone(),
            models: self.models.clone(),
            scores: self.scores(),
            proposals: Arc::new(persistence::Proposals::new(self.documents())),
            offers: Arc::new(persistence::Offers::new(self.documents())),
            deciding: deciding(
                &self.database,
                &self.engine,
                &self.contexts,
                &self.clock,
                Some(self.bootstrap_deps()),
            ),
            policies: self.policies.clone(),
            people: self.people.clone(),
            vitals: self.vitals.clone(),
            machine: Some(Arc::clone(&self.machine)),
            census: self.parts.census.clone(),
            templates: self.parts.templates.clone(),
            bootstrap: self.bootstrap_deps(),
            trade: packs::trade(&self.data_directory),
            jobs: graphql::Jobs::default(),
            clock: Arc::clone(&self.clock),
            seeds: Arc::new(rand::random),
            about,
        }
    }

    /// Fills memory again: from the trail, and with what comes with the program.
    ///
    /// # Errors
    /// Where the trail or memory fails.
    pub async fn rebuild_memory(&self) -> Result<das::recollection::Rebuilt, Failure> {
        seeding::seed(self).await?;
        // Past the recorder: what comes out of the trail is not written into it again.
        Ok(das::recollection::rebuild(self.trail().as_ref(), self.bare_memory.as_ref()).await?)
    }

    /// What a bootstrap works with.
    #[must_use]
    pub fn bootstrap_deps(&self) -> das::bootstrap::Deps {
        das::bootstrap::Deps {
            ontology: Arc::clone(&self.ontology),
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            scores: Some(Arc::new(receivers::ProcessScores(self.scores()))),
            architectures: packs::architectures(&self.data_directory),
            history: Some(das::trade::History {
                store: Arc::new(self.database.clone()),
                trail: Arc::new(self.database.clone()),
            }),
            minds: Some(das::bootstrap::Minds {
                model: self.model.clone(),
                contexts: self.contexts.clone(),
                records: Arc::new(persistence::Records::new(self.documents())),
            }),
        }
    }

    /// Ends what runs, waits for it, and closes the database.
    pub async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        if let Some(embedded) = &self.embedded {
            embedded.stop().await;
        }
        self.database.close().await;
    }
}

/// How decisions on proposals are brought about.
fn deciding(
    database: &Database,
    engine: &Arc<dyn ProcessEngine>,
    contexts: &ContextManager,
    clock: &Arc<dyn Clock>,
    building: Option<das::bootstrap::Deps>,
) -> Deciding {
    Deciding {
        engine: Arc::clone(engine),
        proposals: Arc::new(persistence::Proposals::new(database.documents())),
        offers: Arc::new(persistence::Offers::new(database.documents())),
        contexts: Some(contexts.clone()),
        building,
        clock: Arc::clone(clock),
    }
}

/// Opens the records of a data directory.
pub(crate) async fn open_database(
    configuration: &Configuration,
    data_directory: &Path,
) -> Result<Database, Failure> {
    if configuration.database.url.is_empty() {
        return Ok(Database::open_sqlite(&data_directory.join("procos.db")).await?);
    }
    Ok(Database::open_postgres(&configuration.database.url).await?)
}

/// The engine, and which one it is.
type OpenEngine = (Arc<dyn ProcessEngine>, Option<Embedded>, Option<Camunda>);

async fn open_engine(
    configuration: &Configuration,
    store: Arc<dyn Store>,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
) -> Result<OpenEngine, Failure> {
    match configuration.engine.kind {
        EngineKind::Embedded => {
            let embedded = Embedded::open(store, clock).await?;
            Ok((Arc::new(embedded.clone()), Some(embedded), None))
        }
        EngineKind::Camunda7 | EngineKind::Camunda8 => {
            let settings = camunda_settings(&configuration.engine)?;
            let camunda = Camunda::open(settings, store, trail, clock).await?;
            Ok((Arc::new(camunda.clone()), None, Some(camunda)))
        }
    }
}

/// Where Camunda is, and which one.
pub(crate) fn camunda_settings(engine: &configuration::Engine) -> Result<Settings, Failure> {
    let (generation, number, example) = match engine.kind {
        EngineKind::Camunda8 => (Generation::Eight, 8, "http://127.0.0.1:8080"),
        _ => (Generation::Seven, 7, "http://127.0.0.1:8090/engine-rest"),
    };
    if engine.url.is_empty() {
        let hint = format!("say it with --engine-url or engine.url, e.g. {example}");
        return Err(Failure::wrong_call(
            "SERVER-0004",
            format!("nothing says where Camunda {number} is"),
            &hint,
        ));
    }
    let mut settings = Settings::of(generation, &engine.url);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    settings.token = given(engine.token.reveal());
    if !engine.client_id.is_empty() {
        if engine.token_url.is_empty() {
            let hint =
                "set engine.token_url, e.g. https://login.cloud.camunda.io/oauth/token for Camunda 8 SaaS";
            let message = "engine.client_id is set, and nothing says which token server knows it";
            return Err(Failure::wrong_call("CLI-0005", message, hint));
        }
        settings.client = Some(camunda::ClientCredentials {
            token_url: engine.token_url.clone(),
            client_id: engine.client_id.clone(),
            client_secret: engine.client_secret.reveal().to_owned(),
            audience: given(&engine.audience),
            scope: given(&engine.scope),
        });
    }
    settings.check()?;
    Ok(settings)
}

/// The context manager; prompts are approved by a process on the engine.
fn open_contexts(
    configuration: &Configuration,
    database: &Database,
    engine: &Arc<dyn ProcessEngine>,
    model: Option<&Arc<dyn llm::Model>>,
) -> ContextManager {
    let approval = match configuration.prompts.approvers {
        0 => das::approval::ProcessApproval::alone(Arc::clone(engine)),
        people => das::approval::ProcessApproval::by_others(Arc::clone(engine), people),
    };
    let prompts = Arc::new(Prompts::new(database.documents()));
    let contexts = ContextManager::new(prompts, Arc::new(approval), Arc::new(database.clone()));
    match model {
        Some(model) => contexts.answered_by(model.name()),
        None => contexts,
    }
}

/// Models and memory, which know each other: memory asks a model for vectors, and remembers every call of one.
struct Minds {
    model: Option<Arc<dyn llm::Model>>,
    speech: Option<Arc<dyn llm::Model>>,
    /// Further models by the names they are configured under.
    models: BTreeMap<String, Arc<dyn llm::Model>>,
    memory: Arc<dyn Memory>,
    /// Memory without its recorder.
    bare_memory: Arc<dyn Memory>,
}

impl Minds {
    async fn open(
        configuration: &Configuration,
        data_directory: &Path,
        trail: &Arc<dyn Trail>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let meter = Meter { trail, clock, budgets: configuration.budget };
        let model = match open_models(configuration)? {
            Some(models) => Some(meter.over(Arc::new(models)).await?),
            None => None,
        };
        let speech = match open_speech(configuration)? {
            Some(speech) => Some(meter.over(speech).await?),
            None => None,
        };
        let bare_memory = vector_memory::open(configuration, data_directory, model.as_ref()).await?;
        // What memory takes in stands in the trail first, and every call of a model goes into memory.
        let now: context::Now = Arc::new({
            let clock = Arc::clone(clock);
            move || clock.now_ms()
        });
        let recorded = RecordedMemory::new(Arc::clone(&bare_memory), Arc::clone(trail), Arc::clone(&now));
        let memory: Arc<dyn Memory> = Arc::new(recorded);
        let remembered = |model: Arc<dyn llm::Model>| -> Arc<dyn llm::Model> {
            Arc::new(RememberedModel::new(model, Arc::clone(&memory), Arc::clone(&now)))
        };
        let mut models = BTreeMap::new();
        for (name, settings) in &configuration.models {
            let client = meter.over(client_of(settings, &format!("models.{name}.*"))?).await?;
            models.insert(name.clone(), remembered(client));
        }
        let (model, speech) = (model.map(remembered), speech.map(remembered));
        Ok(Self { model, speech, models, memory, bare_memory })
    }
}

/// What makes every call of a model count and stand in the trail.
struct Meter<'a> {
    trail: &'a Arc<dyn Trail>,
    clock: &'a Arc<dyn Clock>,
    budgets: llm::Budgets,
}

impl Meter<'_> {
    async fn over(&self, model: Arc<dyn llm::Model>) -> Result<Arc<dyn llm::Model>, Failure> {
        if let Some(problem) = self.budgets.problem() {
            return Err(Failure::wrong_call(
                "CLI-0005",
                problem,
                "docs/configuration.md lists every setting",
            ));
        }
        let (trail, clock) = (Arc::clone(self.trail), Arc::clone(self.clock));
        let metered = Metered::open(model, trail, clock, self.budgets).await;
        Ok(Arc::new(metered.map_err(Failure::from)?))
    }
}

/// The configured models, where there are any; without a default one the first by name stands in for it.
pub(crate) fn open_models(configuration: &Configuration) -> Result<Option<llm::Models>, Failure> {
    let mut named = BTreeMap::new();
    for (name, config) in &configuration.models {
        named.insert(name.clone(), client_of(config, &format!("models.{name}.*"))?);
    }
    let default = match configuration.model.base_url.is_empty() {
        true => named.values().next().cloned(),
        false => Some(client_of(&configuration.model, "model.*")?),
    };
    Ok(default.map(|default| llm::Models::new(default, named)))
}

/// A client of one endpoint; `settings` is where it is configured.
fn client_of(model: &llm::Config, settings: &str) -> Result<Arc<dyn llm::Model>, Failure> {
    let model = llm::Config { jitter_seed: rand::random(), ..model.clone() };
    let client = llm::ModelClient::with_clock(model, SystemTime::now).map_err(|error| {
        Failure::wrong_call(error.code(), &error, &format!("see the settings {settings}"))
    })?;
    Ok(Arc::new(client))
}

/// The model that turns speech into text, where one is configured.
pub(crate) fn open_speech(configuration: &Configuration) -> Result<Option<Arc<dyn llm::Model>>, Failure> {
    let Some(name) = configuration.model.transcription_model.clone() else { return Ok(None) };
    let mut model = configuration.model.clone();
    if !configuration.speech.base_url.is_empty() {
        model.base_url.clone_from(&configuration.speech.base_url);
        model.api_key = configuration.speech.api_key.clone();
        model.aws = None;
    }
    if model.base_url.is_empty() {
        let hint = "set speech.base_url or model.base_url beside model.transcription_model";
        return Err(Failure::wrong_call("LLM-0001", "nothing says where speech is transcribed", hint));
    }
    // An endpoint for speech alone has no chat model; it is never asked for one.
    model.model = name;
    let client = llm::ModelClient::with_clock(model, SystemTime::now).map_err(|error| {
        Failure::wrong_call(error.code(), &error, "see the settings speech.* and model.*")
    })?;
    Ok(Some(Arc::new(client)))
}

/// The tools of a data directory: the built-in ones, and the files in its folder `tools`.
pub(crate) fn open_tools(configuration: &Configuration, data_directory: &Path) -> Tools {
    let folder = data_directory.join("tools");
    let tools = Tools::load(Launcher::own(), data_directory.join("scratch"), Some(&folder))
        .with_containers(&configuration.containers.settings());
    for problem in tools.problems() {
        tracing::warn!("a tool was left out: {problem}");
    }
    tools
}

/// The hosts that tasks may reach.
pub(crate) fn open_outside(configuration: &Configuration) -> Result<Outside, Failure> {
    let network = &configuration.network;
    Outside::new(&network.hosts, &network.private_hosts, OutsideLimits::default()).map_err(|problem| {
        Failure::wrong_call("CLI-0005", problem, "docs/configuration.md lists every setting")
    })
}

/// Takes the PDO and TDE templates of a folder into use; of a broken one the last good version stays.
fn take_templates(templates: &Templates, folder: &Path) {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "bpmn"));
    files.sort();
    for file in files {
        let name = file.display();
        let taken = std::fs::read_to_string(&file)
            .map_err(|error| error.to_string())
            .and_then(|xml| templates.replace(&xml).map_err(|error| error.to_string()));
        match taken {
            Ok(template) => tracing::info!(file = %name, template = template.name, "a template is in use"),
            Err(problem) => tracing::warn!(file = %name, "a template was left out: {problem}"),
        }
    }
}

/// Opens the folder that file tasks are confined to.
pub(crate) fn open_workspace(folder: &Path, file_bytes: u64) -> Result<Workspace, Failure> {
    Workspace::open(folder, file_bytes).map_err(|error| {
        let message = format!("cannot open the workspace folder {}: {error}", folder.display());
        Failure::work("SERVER-0002", message, "choose another folder with --data-dir")
    })
}
