//! Prompts: saving, testing, approving.

use async_graphql::{Context, InputObject, Object};
use context::{
    Assertion, Gate, LATEST, PRODUCTION, Parameters, Selector, Stamp, TemplateMessage, TestCase, TestSuite,
    Variable, VariableType, WeightedAssertion,
};

use super::{actor, variables};
use crate::error::Result;
use crate::quality::{Prompt, PromptTest};
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
    /// Its text; `{{name}}` is a variable, `{{context}}` is where retrieved items go.
    template: String,
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
    /// The cases, tried in turn until the gate decides.
    cases: Vec<PromptCaseInput>,
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
}

#[derive(Default)]
pub(crate) struct Prompts;

/// A label where it is one of the two that are always there, a hash otherwise.
fn selector(version: &str) -> Selector {
    match version {
        LATEST | PRODUCTION => Selector::Label(version.to_owned()),
        hash => Selector::Hash(hash.to_owned()),
    }
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
        let shown = |name: String| Variable {
            name,
            kind: VariableType::Text,
            default: None,
            description: String::new(),
        };
        let prompt = context::Prompt {
            name: input.name.clone(),
            purpose: String::new(),
            variables: names(&input.template).into_iter().map(shown).collect(),
            messages: vec![TemplateMessage { role: llm::Role::User, text: input.template }],
            output_schema: input.output_schema.map(|schema| schema.0),
            parameters,
        };
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        state.contexts.save(prompt, "", &stamp).await?;
        Ok(Prompt(input.name))
    }

    /// Runs a prompt's test cases until the gate decides.
    async fn test_prompt(&self, ctx: &Context<'_>, input: TestPromptInput) -> Result<PromptTest> {
        let state = ctx.data::<State>()?;
        let missing = || Error::Missing { what: "a test of a prompt", part: "a language model" };
        let model = state.model.as_deref().ok_or_else(missing)?;
        if input.cases.len() > CASES_LIMIT {
            let problem = format!("{} cases; at most {CASES_LIMIT} are run", input.cases.len());
            return Err(Error::Argument { argument: "cases", problem }.into());
        }
        let cases = input.cases.into_iter().enumerate().map(case).collect::<Result<Vec<_>, _>>()?;
        let suite = TestSuite { cases, gate: Gate::default(), seed: (state.seeds)(), budget: TOKEN_BUDGET };
        let stamp = Stamp::new(&actor(ctx), state.clock.now_ms());
        let report =
            state.contexts.test(&input.name, &selector(&input.version), &suite, model, &stamp).await?;
        Ok(PromptTest::from(report))
    }

    /// Approves a version for production; this must precede its use there. Where the approval is complete, the
    /// version goes into production.
    async fn approve_prompt(&self, ctx: &Context<'_>, input: ApprovePromptInput) -> Result<Prompt> {
        let state = ctx.data::<State>()?;
        let stamp = Stamp::new(&input.actor, state.clock.now_ms());
        let version = selector(&input.version);
        let decision =
            state.contexts.approve(&input.name, &version, &input.evidence, "approved by API", &stamp).await?;
        if decision == context::Decision::Approved {
            state.contexts.move_label(&input.name, PRODUCTION, &version, &stamp).await?;
        }
        Ok(Prompt(input.name))
    }
}
