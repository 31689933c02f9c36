//! Building: systems from requirements, processes from text, deploying, deciding proposals.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use das::bootstrap::{ModelUse, Request, bootstrap};
use das::generate::{self, Source};
use das::proposals::ProposalState;
use engine::port::DeployFile;
use memory::{Entry, Kind};
use serde_json::json;
use trail::NewEvent;

use super::{TEXT_LIMIT_BYTES, XML_LIMIT_BYTES, actor, bounded};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::quality::{Job, Proposal, Suggestion};
use crate::runs::{DecisionDefinition, EngineTarget, Finding, ProcessDefinition};
use crate::{Error, State};

/// What to build.
#[derive(InputObject)]
pub(crate) struct BootstrapSystemInput {
    /// Name of the system.
    name: String,
    /// The requirements: Markdown, CSV, or plain lines.
    content: String,
    /// Name of the file: its ending says the format, Markdown without one.
    file_name: Option<String>,
    /// Whether to run the processes that are built.
    #[graphql(default_with = "Some(true)")]
    run: Option<bool>,
    /// True asks the configured language model about what the rules leave open; false means rules alone. Left out, what
    /// it said of this system before stays, and nobody is asked.
    with_model: Option<bool>,
    /// Answers to each question to the model, of which the best is taken: 1 to 5.
    #[graphql(default = 1)]
    candidates: i32,
}

/// Whether a model has a say in a build.
fn model_use(with_model: Option<bool>, candidates: i32) -> ModelUse {
    match with_model {
        None => ModelUse::Remembered,
        Some(true) => ModelUse::Ask { candidates: u32::try_from(candidates).unwrap_or(1) },
        Some(false) => ModelUse::Never,
    }
}

/// What to draft.
#[derive(InputObject)]
pub(crate) struct GenerateProcessInput {
    /// What the process should do.
    text: String,
    /// Its name; made from the text where it is not given.
    name: Option<String>,
}

/// What to change.
#[derive(InputObject)]
pub(crate) struct RefineProcessInput {
    /// BPMN of the process.
    xml: String,
    /// What to change, in words.
    instruction: String,
    /// Elements that the person has selected: what "this step" means.
    #[graphql(default)]
    selected: Vec<ID>,
    /// What the person looks at, e.g. the page of the web admin; a model is told, the rules need it not.
    page: Option<String>,
}

/// Most elements that may be selected.
const MAX_SELECTED: usize = 1_000;

/// A decision.
#[derive(InputObject)]
pub(crate) struct DecideProposalInput {
    /// The proposal.
    id: ID,
    /// True brings it about, false rejects it.
    accept: bool,
    /// Why.
    reason: Option<String>,
}

/// Which accepted proposal is taken back.
#[derive(InputObject)]
pub(crate) struct TakeBackProposalInput {
    /// The proposal.
    id: ID,
    /// Why.
    reason: Option<String>,
}

/// A system to be built once it is accepted.
#[derive(InputObject)]
pub(crate) struct ProposeSystemInput {
    /// Name of the system.
    name: String,
    /// The requirements: Markdown, CSV, or plain lines; 4 MB at most.
    content: String,
    /// Name of the file: its ending says the format, Markdown without one.
    file_name: Option<String>,
    /// True takes in what the model said of this source (`consultModel` asks it); false means rules alone. Left out, what
    /// it said of this system before stays.
    with_model: Option<bool>,
}

/// How to decide on a suggestion.
#[derive(InputObject)]
pub(crate) struct DecideSuggestionInput {
    /// The suggestion.
    id: ID,
    /// Whether it is taken.
    accept: bool,
    /// Why.
    reason: Option<String>,
}

/// What to deploy.
#[derive(InputObject)]
pub(crate) struct DeployProcessInput {
    /// Name of the file.
    file_name: String,
    /// BPMN 2.0 or DMN XML.
    xml: String,
}

/// What was deployed.
#[derive(SimpleObject)]
pub(crate) struct DeployProcessPayload {
    /// A definition for each process of the file.
    definitions: Vec<ProcessDefinition>,
    /// The decisions of a DMN file.
    decisions: Vec<DecisionDefinition>,
}

#[derive(Default)]
pub(crate) struct Build;

/// An event about a proposal.
fn event(kind: &str, proposal: &das::Proposal, actor: &str, at_ms: i64) -> NewEvent {
    NewEvent {
        actor: actor.to_owned(),
        definition: proposal.definition,
        subject: Some(format!("proposal:{}", proposal.id)),
        data: json!({
            "title": proposal.title, "process": proposal.process_id, "source": proposal.source,
            "state": proposal.state.as_str(), "reason": proposal.reason,
        }),
        ..NewEvent::new(kind, at_ms)
    }
}

/// Keeps a fresh proposal.
async fn propose(state: &State, mut proposal: das::Proposal) -> Result<Proposal> {
    proposal.id = format!("{:016x}", (state.seeds)());
    proposal.created_ms = state.clock.now_ms();
    let made = event("proposal.made", &proposal, &proposal.actor, proposal.created_ms);
    state.proposals.put(&proposal, made).await?;
    Ok(Proposal(proposal))
}

/// What was decided about a draft is an example for the next time. Memory that is down does not undo a decision.
async fn remember(state: &State, proposal: &das::Proposal) {
    let id = format!("proposal/{}", proposal.id);
    let text = format!("{}\n{}", proposal.request, proposal.title);
    let at_ms = proposal.decided_ms.unwrap_or(proposal.created_ms);
    let mut entry = Entry::new(&id, Kind::Build, &proposal.title, &text, at_ms);
    entry.payload = json!({
        "state": proposal.state.as_str(), "reason": proposal.reason, "process": proposal.process_id,
        "definition": proposal.definition, "xml": proposal.xml,
    });
    entry.source = "decision".to_owned();
    if let Err(error) = state.memory.store(vec![entry]).await {
        tracing::warn!(%error, "a decision could not be remembered");
    }
}

#[Object(name = "BuildMutation")]
impl Build {
    /// Builds a system from requirements. Returns a job at once; progress by `bootstrapProgress`.
    async fn bootstrap_system(&self, ctx: &Context<'_>, input: BootstrapSystemInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let file = input.file_name.unwrap_or_else(|| "requirements.md".to_owned());
        let mut request = Request::new(file, input.content);
        request.name = Some(input.name);
        request.run = input.run.unwrap_or(true);
        request.model = model_use(input.with_model, input.candidates);
        request.actor = actor(ctx);
        request.seed = (state.seeds)();
        let deps = state.bootstrap.clone();
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |entry| async move {
            let tell = move |step: das::bootstrap::Progress| entry.step(step.stage, step.done, step.total);
            let report = bootstrap(request, &deps, Arc::new(tell)).await?;
            serde_json::to_value(report).map_err(|_| Error::Broken("the report"))
        })?;
        Ok(job)
    }

    /// Ends a job that is running, e.g. a build that asks a model about many requirements: it fails as cancelled soon
    /// after. What it stored by then stays; answers of a model are remembered. True where it was running.
    async fn cancel_job(&self, ctx: &Context<'_>, id: ID) -> Result<bool> {
        let missing = || Error::NotFound { what: "job", id: id.to_string() };
        let entry = ctx.data::<Jobs>()?.get(id.as_str()).ok_or_else(missing)?;
        let running = entry.is_running();
        entry.cancel();
        Ok(running)
    }

    /// Drafts a process from text. Nothing is deployed: the result is a proposal.
    async fn generate_process(&self, ctx: &Context<'_>, input: GenerateProcessInput) -> Result<Proposal> {
        let state = ctx.data::<State>()?;
        let context = generate::Context {
            name: input.name,
            now_ms: state.clock.now_ms(),
            seed: Some((state.seeds)()),
            trade: Some(Arc::clone(&state.trade)),
            ..generate::Context::default()
        };
        let model = state.model.as_deref();
        let made = generate::generate(&input.text, &context, model, Some(state.memory.as_ref())).await?;
        let source = match (made.source, model) {
            (Source::Model, Some(model)) => model.name().to_owned(),
            _ => "deterministic".to_owned(),
        };
        let proposal = das::Proposal {
            title: made.name,
            source,
            xml: made.xml,
            process_id: made.process_id,
            request: input.text,
            notes: made.notes,
            assumptions: made.assumptions,
            actor: actor(ctx),
            ..das::Proposal::default()
        };
        propose(state, proposal).await
    }

    /// Drafts a change to a process from an instruction. Nothing is deployed: the result is a proposal.
    async fn refine_process(&self, ctx: &Context<'_>, input: RefineProcessInput) -> Result<Proposal> {
        let state = ctx.data::<State>()?;
        bounded("xml", &input.xml, XML_LIMIT_BYTES)?;
        bounded("instruction", &input.instruction, TEXT_LIMIT_BYTES)?;
        let definitions = bpmn::xml::read(input.xml.as_bytes())?;
        let page = input.page.unwrap_or_default();
        bounded("page", &page, TEXT_LIMIT_BYTES)?;
        if input.selected.len() > MAX_SELECTED {
            let detail = format!("{} elements are selected", input.selected.len());
            return Err(Error::Limit { limit: "MAX_SELECTED", detail }.into());
        }
        let selected: Vec<String> = input.selected.iter().map(|id| id.to_string()).collect();
        let mut context = generate::Context {
            selected,
            now_ms: state.clock.now_ms(),
            seed: Some((state.seeds)()),
            ..generate::Context::default()
        };
        if !page.is_empty() {
            context.notes.push(format!("the person looks at: {page}"));
        }
        if !context.selected.is_empty() {
            context.notes.push(format!("the person has selected: {}", context.selected.join(", ")));
        }
        let model = state.model.as_deref();
        let made =
            generate::refine_with_model(&definitions, None, &input.instruction, &context, model).await?;
        let source = match (made.source, model) {
            (Source::Model, Some(model)) => model.name().to_owned(),
            _ => "deterministic".to_owned(),
        };
        let changed = made.definitions.processes.iter().find(|process| process.is_executable != Some(false));
        let proposal = das::Proposal {
            title: made.changes.first().cloned().unwrap_or_else(|| input.instruction.clone()),
            source,
            xml: made.xml,
            base_xml: Some(input.xml),
            process_id: changed.map(|process| process.element.id.clone()).unwrap_or_default(),
            request: input.instruction,
            notes: made.changes.into_iter().chain(made.notes).collect(),
            actor: actor(ctx),
            ..das::Proposal::default()
        };
        propose(state, proposal).await
    }

    /// Accepts or rejects a proposal. An accepted process is deployed as a new version, an accepted prompt saved as a new
    /// version (only the label `latest` moves), an accepted system built (its processes are not run).
    async fn decide_proposal(&self, ctx: &Context<'_>, input: DecideProposalInput) -> Result<Proposal> {
        let state = ctx.data::<State>()?;
        let reason = input.reason.unwrap_or_default();
        bounded("reason", &reason, TEXT_LIMIT_BYTES)?;
        let id = input.id.to_string();
        let missing = || Error::NotFound { what: "proposal", id: id.clone() };
        let proposal = state.proposals.get(&id).await?.ok_or_else(missing)?;
        if proposal.state != ProposalState::Open {
            let what = proposal.state.as_str();
            return Err(Error::Conflict(format!("proposal {id} was decided already: it is {what}")).into());
        }
        let proposal = state.deciding.decide(&id, input.accept, Some(&reason), &actor(ctx)).await?;
        remember(state, &proposal).await;
        Ok(Proposal(proposal))
    }

    /// Takes an accepted proposal back: what it replaced is in force again, as a new version. Refused where nothing was
    /// there before, or something was changed since.
    async fn take_back_proposal(&self, ctx: &Context<'_>, input: TakeBackProposalInput) -> Result<Proposal> {
        let state = ctx.data::<State>()?;
        let reason = input.reason.unwrap_or_default();
        bounded("reason", &reason, TEXT_LIMIT_BYTES)?;
        let proposal = state.deciding.take_back(input.id.as_str(), Some(&reason), &actor(ctx)).await?;
        remember(state, &proposal).await;
        Ok(Proposal(proposal))
    }

    /// Asks the configured language model about what the rules leave open in a source, and remembers what it says; nothing
    /// is built. Returns a job at once; its result is what building would change. `proposeSystem` with `withModel` makes
    /// a proposal of it, `bootstrapSystem` builds it without asking again.
    async fn consult_model(&self, ctx: &Context<'_>, input: ProposeSystemInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let file = input.file_name.unwrap_or_else(|| "requirements.md".to_owned());
        bounded("fileName", &file, 1_024)?;
        let mut request = Request::new(file, input.content);
        (request.name, request.actor) = (Some(input.name), actor(ctx));
        request.model = ModelUse::Ask { candidates: 1 };
        let deps = state.bootstrap.clone();
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |entry| async move {
            let tell = move |step: das::bootstrap::Progress| entry.step(step.stage, step.done, step.total);
            let seen = das::bootstrap::preview::preview_told(request, &deps, &tell).await?;
            serde_json::to_value(seen).map_err(|_| Error::Broken("the preview"))
        })?;
        Ok(job)
    }

    /// Drafts building a system, or building it anew from a changed source: a proposal with what it adds, changes and
    /// removes. Nothing is built before it is accepted.
    async fn propose_system(&self, ctx: &Context<'_>, input: ProposeSystemInput) -> Result<Proposal> {
        let state = ctx.data::<State>()?;
        let file = input.file_name.unwrap_or_else(|| "requirements.md".to_owned());
        bounded("fileName", &file, 1_024)?;
        let mut request = Request::new(file, input.content);
        (request.name, request.actor) = (Some(input.name), actor(ctx));
        request.model = match input.with_model {
            Some(true) => ModelUse::Kept,
            other => model_use(other, 1),
        };
        let id = format!("{:016x}", (state.seeds)());
        let made = das::proposals::propose_build(id, request, &state.bootstrap, state.proposals.as_ref());
        Ok(Proposal(made.await?))
    }

    /// Takes or refuses a suggestion that has no proposal; DAS learns from it. One with a proposal is decided with it.
    async fn decide_suggestion(&self, ctx: &Context<'_>, input: DecideSuggestionInput) -> Result<Suggestion> {
        let state = ctx.data::<State>()?;
        let reason = input.reason.unwrap_or_default();
        bounded("reason", &reason, TEXT_LIMIT_BYTES)?;
        let why = (!reason.is_empty()).then_some(reason.as_str());
        let (offers, now_ms) = (state.offers.as_ref(), state.clock.now_ms());
        let decided =
            das::watch::decide(offers, input.id.as_str(), input.accept, why, &actor(ctx), now_ms).await?;
        Ok(Suggestion::of(state, &decided).await?)
    }

    /// Deploys BPMN, or the decisions of a DMN file, as a new version; the same bytes again give the version that is
    /// there.
    async fn deploy_process(
        &self,
        ctx: &Context<'_>,
        input: DeployProcessInput,
    ) -> Result<DeployProcessPayload> {
        bounded("fileName", &input.file_name, 1_024)?;
        bounded("xml", &input.xml, XML_LIMIT_BYTES)?;
        let file = DeployFile { name: input.file_name, content: input.xml.into_bytes() };
        let deployed = ctx.data::<State>()?.engine.deploy_all(vec![file]).await?;
        Ok(DeployProcessPayload {
            definitions: deployed.definitions.into_iter().map(ProcessDefinition).collect(),
            decisions: deployed.decisions.into_iter().flat_map(DecisionDefinition::all).collect(),
        })
    }

    /// Checks BPMN without deploying it.
    async fn check_process(
        &self,
        xml: String,
        #[graphql(default_with = "EngineTarget::Embedded")] target: EngineTarget,
    ) -> Result<Vec<Finding>> {
        bounded("xml", &xml, XML_LIMIT_BYTES)?;
        // Soundness walks a state space: not on a thread that serves others.
        let checked = tokio::task::spawn_blocking(move || Finding::all(&xml, target)).await;
        Ok(checked.map_err(|_| Error::Broken("the check"))?)
    }
}
