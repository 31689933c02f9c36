//! Running: starting, completing, correlating, resolving, cancelling, saying how it went, simulating.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use das::version_trial;
use engine::port::{DeployFile, Message, StartInstance};
use memory::{Entry, Kind};
use scoring::simulation::Evidence;
use serde_json::json;
use trail::NewEvent;

use super::{TEXT_LIMIT_BYTES, XML_LIMIT_BYTES, actor, bounded, seed, variables};
use crate::error::Result;
use crate::runs::{
    CASES_LIMIT, Case, DryRun, DryRunProcessInput, ProcessInstance, Simulation, TIMED_CASES_LIMIT, Trial,
    TryVersionsInput, VersionTrial, experience, simulate,
};
use crate::scalar::{Json, Key};
use crate::{Error, State};

/// What to start: the newest version of a process, or one definition.
#[derive(InputObject)]
pub(crate) struct StartProcessInput {
    /// Id of the BPMN process.
    process_id: Option<String>,
    /// Key of the definition.
    definition_key: Option<Key>,
    /// Variables of the process, as an object.
    variables: Option<Json>,
    /// Business key.
    business_key: Option<String>,
    /// Seed of its draws, a whole number as text; a fresh one where it is not given.
    seed: Option<String>,
    /// The same key twice starts one instance.
    idempotency_key: Option<String>,
    /// No side effects, nothing counted in scores.
    #[graphql(default_with = "Some(false)")]
    dry_run: Option<bool>,
}

/// What a person did.
#[derive(InputObject)]
pub(crate) struct CompleteUserTaskInput {
    /// The task.
    key: Key,
    /// Its result, as an object.
    variables: Option<Json>,
}

/// A message.
#[derive(InputObject)]
pub(crate) struct CorrelateMessageInput {
    /// Its name.
    name: String,
    /// Correlation key; without one it matches by name alone.
    correlation_key: Option<String>,
    /// What it carries, as an object.
    variables: Option<Json>,
    /// How long it waits for a receiver, in milliseconds.
    #[graphql(default_with = "Some(0)")]
    time_to_live_ms: Option<i64>,
    /// The same id twice is one message while the first waits.
    message_id: Option<String>,
}

/// How a run really went.
#[derive(InputObject)]
pub(crate) struct RecordFeedbackInput {
    /// The instance.
    instance: Key,
    /// The element it is about; the whole run without one.
    element_id: Option<String>,
    /// Whether the result was right.
    correct: bool,
    /// In words.
    comment: Option<String>,
}

/// What to simulate.
#[derive(InputObject)]
pub(crate) struct SimulateProcessInput {
    /// Key of the definition.
    definition_key: Key,
    /// How many cases, at most 10,000.
    #[graphql(default_with = "Some(1000)")]
    cases: Option<i32>,
    /// Seed of the first case, a whole number as text.
    seed: Option<String>,
    /// Variables of the process, as an object.
    variables: Option<Json>,
    /// How many cases are simulated in time where `timed` is asked for, at most 1,000,000.
    #[graphql(default_with = "Some(20_000)")]
    timed_cases: Option<i32>,
}

/// Fields of a simulation that come from dry runs.
const OF_DRY_RUNS: [&str; 4] = ["cases", "completed", "endings", "elements"];

#[derive(Default)]
pub(crate) struct Runs;

#[Object(name = "RunsMutation")]
impl Runs {
    /// Starts a process instance; of a process whose versions are tried side by side, the version that is chosen.
    async fn start_process(&self, ctx: &Context<'_>, input: StartProcessInput) -> Result<ProcessInstance> {
        let state = ctx.data::<State>()?;
        if input.process_id.is_some() == input.definition_key.is_some() {
            let problem = "give either processId or definitionKey".to_owned();
            return Err(Error::Argument { argument: "input", problem }.into());
        }
        for text in [&input.business_key, &input.idempotency_key].into_iter().flatten() {
            bounded("businessKey and idempotencyKey", text, 1_024)?;
        }
        let seed = seed(input.seed, state)?;
        let now_ms = state.clock.now_ms();
        let chosen = match &input.process_id {
            Some(process) if !input.dry_run.unwrap_or_default() => {
                version_trial::choose(state.store.as_ref(), state.trail.as_ref(), process, (seed, now_ms))
                    .await?
            }
            _ => None,
        };
        let request = StartInstance {
            process_id: input.process_id,
            version: chosen.as_ref().map(|chosen| chosen.version),
            definition: input.definition_key.map(|key| key.0),
            variables: variables("variables", input.variables)?,
            business_key: input.business_key,
            seed,
            actor: Some(actor(ctx)),
            dry_run: input.dry_run.unwrap_or_default(),
            idempotency_key: input.idempotency_key,
        };
        let key = state.engine.start(request).await?;
        if let Some(chosen) = chosen {
            // A start that was repeated under its idempotency key is the start of before.
            let kind_prefix = Some(version_trial::VERSION_CHOSEN.to_owned());
            let filter = trail::Filter { instance: Some(key), kind_prefix, ..trail::Filter::default() };
            if state.trail.read(&filter, 0, 1).await?.is_empty() {
                state.trail.append(vec![chosen.of(key)]).await?;
            }
        }
        Ok(ProcessInstance(state.engine.instance(key).await?))
    }

    /// Tries versions of a process side by side, in the place of an earlier trial: which one a start takes is chosen by
    /// how well each does, and written into the trail.
    async fn try_versions(&self, ctx: &Context<'_>, input: TryVersionsInput) -> Result<VersionTrial> {
        let state = ctx.data::<State>()?;
        let deployed = state.engine.definitions().await?;
        for version in &input.versions {
            let is_there = |each: &engine::port::Definition| {
                each.process_id == input.process_id && each.version == *version
            };
            if !deployed.iter().any(is_there) {
                let why = format!("version {version} is not deployed");
                return Err(das::Error::Trial { process: input.process_id, why }.into());
            }
        }
        let floor = input.floor.unwrap_or(scoring::DEFAULT_FLOOR);
        let (trail, by) = (state.trail.as_ref(), actor(ctx));
        let set = (by.as_str(), state.clock.now_ms());
        let found = version_trial::set(trail, &input.process_id, input.versions, floor, set).await?;
        let rivals = version_trial::rivals(state.store.as_ref(), &found).await?;
        Ok(VersionTrial::new(found, rivals))
    }

    /// Ends the trial of a process: starts take its newest version again. False where it was in none.
    async fn end_version_trial(&self, ctx: &Context<'_>, process_id: String) -> Result<bool> {
        let state = ctx.data::<State>()?;
        let (by, now_ms) = (actor(ctx), state.clock.now_ms());
        Ok(version_trial::end(state.trail.as_ref(), &process_id, (by.as_str(), now_ms)).await?)
    }

    /// Completes a user task.
    async fn complete_user_task(&self, ctx: &Context<'_>, input: CompleteUserTaskInput) -> Result<bool> {
        let result = variables("variables", input.variables)?;
        ctx.data::<State>()?.engine.complete_user_task(input.key.0, &actor(ctx), result).await?;
        Ok(true)
    }

    /// Publishes a message; without time to live it reaches only who waits for it now.
    async fn correlate_message(&self, ctx: &Context<'_>, input: CorrelateMessageInput) -> Result<bool> {
        bounded("name", &input.name, 1_024)?;
        let message = Message {
            name: input.name,
            correlation_key: input.correlation_key,
            variables: variables("variables", input.variables)?,
            time_to_live_ms: input.time_to_live_ms.unwrap_or_default().max(0),
            message_id: input.message_id,
        };
        ctx.data::<State>()?.engine.publish_message(message).await?;
        Ok(true)
    }

    /// Tries again what raised an incident.
    async fn resolve_incident(&self, ctx: &Context<'_>, key: Key) -> Result<bool> {
        ctx.data::<State>()?.engine.resolve_incident(key.0).await?;
        Ok(true)
    }

    /// Cancels a process instance.
    async fn cancel_instance(&self, ctx: &Context<'_>, key: Key, reason: Option<String>) -> Result<bool> {
        let reason = reason.unwrap_or_else(|| "cancelled by a person".to_owned());
        bounded("reason", &reason, TEXT_LIMIT_BYTES)?;
        ctx.data::<State>()?.engine.cancel(key.0, &reason).await?;
        Ok(true)
    }

    /// Says how a finished run really went; it counts in the trail and in memory.
    async fn record_feedback(&self, ctx: &Context<'_>, input: RecordFeedbackInput) -> Result<bool> {
        let state = ctx.data::<State>()?;
        let comment = input.comment.unwrap_or_default();
        bounded("comment", &comment, TEXT_LIMIT_BYTES)?;
        let instance = state.engine.instance(input.instance.0).await?;
        let now_ms = state.clock.now_ms();
        let verdict = if input.correct { "correct" } else { "wrong" };
        let event = NewEvent {
            actor: actor(ctx),
            instance: Some(instance.key),
            definition: Some(instance.definition),
            element: input.element_id.clone(),
            data: json!({"correct": input.correct, "comment": comment, "process": instance.process_id}),
            ..NewEvent::new("feedback.recorded", now_ms)
        };
        let position = state.trail.append(vec![event]).await?;
        let about = match &input.element_id {
            Some(element) => format!("{}/{element}", instance.process_id),
            None => instance.process_id.clone(),
        };
        let id = format!("feedback/{position}");
        let title = format!("{about}: {verdict}");
        let mut entry = Entry::new(&id, Kind::Outcome, &title, &format!("{title}\n{comment}"), now_ms);
        entry.payload =
            json!({"instance": instance.key, "element": input.element_id, "correct": input.correct});
        entry.source = "feedback".to_owned();
        if let Err(error) = state.memory.store(vec![entry]).await {
            // The trail has it; memory is filled again from there.
            tracing::warn!(%error, "feedback could not be remembered");
        }
        Ok(true)
    }

    /// Runs BPMN once as it is, deployed or not: no side effects, nothing stored, nothing counted. FEEL and draws
    /// execute; tasks with effects complete with the result given for them, else with nothing.
    async fn dry_run_process(&self, ctx: &Context<'_>, input: DryRunProcessInput) -> Result<DryRun> {
        let state = ctx.data::<State>()?;
        bounded("xml", &input.xml, XML_LIMIT_BYTES)?;
        let trial = Trial {
            xml: input.xml,
            process_id: input.process_id,
            variables: variables("variables", input.variables)?,
            results: Trial::results(variables("results", input.results)?)?,
            seed: seed(input.seed, state)?,
            clock: Arc::clone(&state.clock),
        };
        let work = tokio::spawn(trial.run());
        Ok(work.await.map_err(|_| Error::Broken("the dry run"))??)
    }

    /// Runs a process many times without side effects; where `timed` is asked for, also in time: on the durations and
    /// shares it declares, and on what recorded cases showed in their place.
    async fn simulate_process(&self, ctx: &Context<'_>, input: SimulateProcessInput) -> Result<Simulation> {
        let state = ctx.data::<State>()?;
        let within = |argument, cases: i32, limit: i32| {
            let valid = u64::try_from(cases).ok().filter(|_| (1..=limit).contains(&cases));
            valid.ok_or_else(|| Error::Argument {
                argument,
                problem: format!("{cases} is not in 1..={limit}"),
            })
        };
        let mut cases = within("cases", input.cases.unwrap_or(1_000), CASES_LIMIT)?;
        let timed_cases = within("timedCases", input.timed_cases.unwrap_or(20_000), TIMED_CASES_LIMIT)?;
        let asked = ctx.look_ahead();
        let timed_cases = asked.field("timed").exists().then_some(timed_cases);
        if timed_cases.is_some() && !OF_DRY_RUNS.iter().any(|field| asked.field(field).exists()) {
            cases = 0;
        }
        let definition = state.engine.definition(input.definition_key.0).await?;
        let xml = state.engine.definition_xml(definition.key).await?;
        let evidence = match timed_cases {
            None => Evidence::default(),
            Some(_) => experience(state, &definition.process_id).await?,
        };
        let case = Case {
            file: DeployFile { name: definition.resource, content: xml.into_bytes() },
            process_id: definition.process_id,
            variables: variables("variables", input.variables)?,
            cases,
            seed: seed(input.seed, state)?,
            clock: Arc::clone(&state.clock),
            timed_cases,
            evidence,
        };
        let work = tokio::spawn(simulate(case));
        Ok(work.await.map_err(|_| Error::Broken("the simulation"))??)
    }
}
