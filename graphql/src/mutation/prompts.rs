//! Prompts: saving, testing, comparing, approving, experiments, rolling back.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use context::{
    Assertion, Gate, NewExperiment, PRODUCTION, Parameters, Selector, Stamp, TemplateMessage, TestCase,
    TestSuite, Variable, VariableType, WeightedAssertion,
};

use super::{actor, variables};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::quality::{Job, Prompt, PromptTest};
use crate::scalar::Json;
use crate::{Error, State};

/// Most cases of a test.
const CASES_LIMIT: usize = 200;
/// Tokens an assembled prompt may take in a test.
const TOKEN_BUDGET: usize = 8_000;

/// A prompt to save.
#[derive(InputObject)]
pub(crate) struct SavePromptInput {
    /// Its name.
    name: String,
    /// Its text; `{{name}}` is a variable, `{{context}}` is where retrieved items go, `{{> name}}` is a fragment.
    template: Option<String>,
    /// Instead of `template`: the whole prompt, in the form that `procos prompt save` takes; `name` counts.
    definition: Option<Json>,
    /// What changed.
    note: Option<String>,
    /// JSON Schema of the answer, where it has a form.
    output_schema: Option<Json>,
    /// How the model is to be run: `model`, `temperature`, `max_tokens`.
    parameters: Option<Json>,
}

/// A case of a test: the answer must hold what is given here.
#[derive(InputObject)]
pub(crate) struct PromptCaseInput {
    /// Values of the variables, as an object.
    variables: Json,
    /// What the answer contains, upper and lower case alike.
    contains: Option<String>,
    /// What the answer is, white space around it aside.
    equals: Option<String>,
}

/// A test to run.
#[derive(InputObject)]
pub(crate) struct TestPromptInput {
    /// The prompt.
    name: String,
    /// The version: its hash, the first eight characters of it, or a label.
    version: String,
    /// The cases, tried in turn until the gate decides; those kept with the prompt where left out.
    cases: Option<Vec<PromptCaseInput>>,
    /// One of the models configured as `models.NAME`; the model that is configured first where left out.
    model: Option<String>,
}

/// Two versions to compare.
#[derive(InputObject)]
pub(crate) struct ComparePromptInput {
    /// The prompt.
    name: String,
    /// The version that would come: its hash, the first eight characters of it, or a label.
    candidate: String,
    /// The version it is compared with.
    #[graphql(default_with = "PRODUCTION.to_owned()")]
    baseline: String,
}

/// An experiment to begin.
#[derive(InputObject)]
pub(crate) struct PromptExperimentInput {
    /// The prompt.
    name: String,
    /// Labels of approved versions, at least two.
    labels: Vec<String>,
    /// Part of the tasks that get a version drawn evenly, 0 to 0.5.
    #[graphql(default = 0.05)]
    floor: f64,
    /// Probability of being the best at which it stops, above 0.5 and below 1.
    #[graphql(default = 0.95)]
    enough: f64,
    /// Tasks that each version needs before it may stop.
    #[graphql(default = 10)]
    fewest: u32,
    /// Whether the winner goes into production by itself.
    #[graphql(default = false)]
    promote: bool,
}

/// An approval to give.
#[derive(InputObject)]
pub(crate) struct ApprovePromptInput {
    /// The prompt.
    name: String,
    /// The version: its hash, the first eight characters of it, or a label.
    version: String,
    /// Who approves.
    actor: String,
    /// Id of the report of a test that passed.
    evidence: String,
    /// Why.
    reason: Option<String>,
}

#[derive(Default)]
pub(crate) struct Prompts;

/// A hash or the start of one where it looks like that, else a label.
fn selector(version: &str) -> Selector {
    let is_hash = version.len() >= 8 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Selector::Hash(version.to_owned()) } else { Selector::Label(version.to_owned()) }
}

/// The model that is meant.
fn model_of(state: &State, name: Option<&str>) -> Result<Arc<dyn llm::Model>, Error> {
    match name {
        Some(name) => state.models.get(name).cloned().ok_or_else(|| Error::Argument {
            argument: "model",
            problem: format!("no model is configured as models.{name}"),
        }),
        None => {
            state.model.clone().ok_or(Error::Missing { what: "a test of a prompt", part: "a language model" })
        }
    }
}

/// The test set kept with a prompt.
async fn kept(state: &State, name: &str) -> Result<TestSuite> {
    let suite = state.contexts.suite(Prompt::ORGANISATION, name).await?;
    let none =
        || Error::Argument { argument: "cases", problem: format!("no tests are kept with prompt {name}") };
    Ok(suite.ok_or_else(none)?)
}

/// What is to be tested with.
async fn suite_of(state: &State, name: &str, cases: Option<Vec<PromptCaseInput>>) -> Result<TestSuite> {
    let Some(cases) = cases else { return kept(state, name).await };
    if cases.len() > CASES_LIMIT {
        let problem = format!("{} cases; at most {CASES_LIMIT} are run", cases.len());
        return Err(Error::Argument { argument: "cases", problem }.into());
    }
    let cases = cases.into_iter().enumerate().map(case).collect::<Result<Vec<_>, _>>()?;
    Ok(TestSuite { cases, gate: Gate::default(), seed: (state.seeds)(), budget: TOKEN_BUDGET })
}

/// Names in double braces, each once.
fn names(template: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in template.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim();
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| !c.is_ascii_digit());
        if valid && name != context::CONTEXT_VARIABLE && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn case((number, input): (usize, PromptCaseInput)) -> Result<TestCase, Error> {
    let mut assertions = Vec::new();
    if let Some(text) = input.contains {
        assertions.push(WeightedAssertion { assertion: Assertion::Contains { text }, weight: 1.0 });
    }
    if let Some(text) = input.equals {
        assertions.push(WeightedAssertion { assertion: Assertion::Equals { text }, weight: 1.0 });
    }
    if assertions.is_empty() {
        let problem = format!("case {} asserts nothing: give contains or equals", number + 1);
        return Err(Error::Argument { argument: "cases", problem });
    }
    Ok(TestCase {
        name: format!("case {}", number + 1),
        variables: variables("variables", Some(input.variables))?,
        items: Vec::new(),
        assertions,
        threshold: 1.0,
    })
}

/// A prompt of one message whose variables are texts.
fn of_template(
    name: &str,
    template: String,
    output_schema: Option<Json>,
    parameters: Parameters,
) -> context::Prompt {
    let shown =
        |name: String| Variable { name, kind: VariableType::Text, default: None, description: String::new() };
    context::Prompt {
        name: name.to_owned(),
        purpose: String::new(),
        variables: names(&template).into_iter().map(shown).collect(),
        messages: vec![TemplateMessage { role: llm::Role::User, text: template }],
        output_schema: output_schema.map(|schema| schema.0),
        parameters,
        fragments: Default::default(),
    }
}

#[Object(name = "PromptsMutation")]
impl Prompts {
    /// Saves a prompt; a changed text is a new version.
    async fn save_prompt(&self, ctx: &Context<'_>, input: SavePromptInput) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let parameters: Parameters = match input.parameters {
            None => Parameters::default(),
            Some(Json(given)) => serde_json::from_value(given)
                .map_err(|error| Error::Argument { argument: "parameters", problem: error.to_string() })?,
        };
        let prompt = match (input.template, input.definition) {
            (Some(template), None) => of_template(&input.name, template, input.output_schema, parameters),
            (None, Some(Json(mut definition))) => {
                if let Some(fields) = definition.as_object_mut() {
                    fields.insert("name".to_owned(), input.name.clone().into());
                }
                serde_json::from_value(definition)
                    .map_err(|error| Error::Argument { argument: "definition", problem: error.to_string() })?
            }
            _ => {
                let problem = "give either template or definition".to_owned();
                return Err(Error::Argument { argument: "template", problem }.into());
            }
        };
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.save(prompt, input.note.as_deref().unwrap_or_default(), &stamp).await?;
        Ok(Prompt(input.name))
    }

    /// Runs a prompt's test cases until the gate decides.
    async fn test_prompt(&self, ctx: &Context<'_>, input: TestPromptInput) -> Result<PromptTest> {
        let state = ctx.data::<State>()?;
        let model = model_of(state, input.model.as_deref())?;
        let suite = suite_of(state, &input.name, input.cases).await?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        let version = selector(&input.version);
        let report = state.contexts.test(&input.name, &version, &suite, model.as_ref(), &stamp).await?;
        Ok(PromptTest::from(report))
    }

    /// As `testPrompt`, as a job that is there at once; its progress counts trials, its result is the report.
    async fn start_prompt_test(&self, ctx: &Context<'_>, input: TestPromptInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let model = model_of(state, input.model.as_deref())?;
        let suite = suite_of(state, &input.name, input.cases).await?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        let contexts = state.contexts.clone();
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |entry| async move {
            let watch = move |at: context::Progress| {
                entry.step(&format!("{} passed", at.passed), at.trials as usize, at.limit as usize);
            };
            let version = selector(&input.version);
            let made =
                contexts.test_watched(&input.name, &version, &suite, model.as_ref(), &stamp, &watch).await?;
            serde_json::to_value(made).map_err(|_| Error::Broken("the report"))
        })?;
        Ok(job)
    }

    /// Keeps a test set with a prompt, in the form that `procos prompt test --cases` takes.
    async fn save_prompt_tests(&self, ctx: &Context<'_>, name: String, tests: Json) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let suite: TestSuite = serde_json::from_value(tests.0)
            .map_err(|error| Error::Argument { argument: "tests", problem: error.to_string() })?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.save_suite(&name, &suite, &stamp).await?;
        Ok(Prompt(name))
    }

    /// Compares two versions on the kept cases, pair by pair, until one is better. A job; its result is the comparison.
    async fn compare_prompt(&self, ctx: &Context<'_>, input: ComparePromptInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let model = model_of(state, None)?;
        let suite = kept(state, &input.name).await?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        let contexts = state.contexts.clone();
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |_| async move {
            let pair = (&selector(&input.candidate), &selector(&input.baseline));
            let found = contexts.compare(&input.name, pair, &suite, model.as_ref(), &stamp).await?;
            serde_json::to_value(found).map_err(|_| Error::Broken("the comparison"))
        })?;
        Ok(job)
    }

    /// Puts a label on a version; `production` needs an approval, `latest` moves by itself.
    async fn label_prompt(
        &self,
        ctx: &Context<'_>,
        name: String,
        label: String,
        version: String,
    ) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.move_label(&name, &label, &selector(&version), &stamp).await?;
        Ok(Prompt(name))
    }

    /// Puts the version into production that was there before; again goes one further back.
    async fn roll_back_prompt(&self, ctx: &Context<'_>, name: String) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.roll_back(&name, &stamp).await?;
        Ok(Prompt(name))
    }

    /// Lets tasks use several approved versions by Thompson sampling until the best is known.
    async fn begin_prompt_experiment(
        &self,
        ctx: &Context<'_>,
        input: PromptExperimentInput,
    ) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        let new = NewExperiment {
            labels: input.labels,
            floor: input.floor,
            enough: input.enough,
            fewest: u64::from(input.fewest),
            promote: input.promote,
        };
        state.contexts.begin_experiment(&input.name, &new, &stamp).await?;
        Ok(Prompt(input.name))
    }

    /// Ends the open experiment of a prompt without a winner.
    async fn end_prompt_experiment(&self, ctx: &Context<'_>, name: String) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.end_experiment(&name, None, &stamp).await?;
        Ok(Prompt(name))
    }

    /// Approves a version for production; this must precede its use there. Where the approval is complete, the
    /// version goes into production.
    async fn approve_prompt(&self, ctx: &Context<'_>, input: ApprovePromptInput) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&input.actor, state.clock.now_ms());
        let version = selector(&input.version);
        let reason = input.reason.as_deref().unwrap_or("approved by API");
        let decision = state.contexts.approve(&input.name, &version, &input.evidence, reason, &stamp).await?;
        if decision == context::Decision::Approved {
            state.contexts.move_label(&input.name, PRODUCTION, &version, &stamp).await?;
        }
        Ok(Prompt(input.name))
    }
}
