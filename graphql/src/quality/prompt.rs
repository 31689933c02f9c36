//! Prompts with their versions, and what is known about them.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, Object, SimpleObject};
use context::{ApprovalRecord, PRODUCTION, TestReport};

use crate::State;
use crate::error::Result;
use crate::scalar::{Json, Timestamp};

/// Newest tests and comparisons that are shown of a prompt.
const SHOWN: usize = 50;

/// A message of a prompt.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptMessage {
    /// `system`, `user` or `assistant`.
    role: String,
    /// Its text as it is sent, fragments filled in; `{{name}}` is a variable.
    text: String,
}

/// A variable of a prompt.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptVariable {
    /// Its name.
    name: String,
    /// `text`, `number`, `integer`, `boolean`, `list` or `json`.
    r#type: String,
    /// What stands there where no value is given.
    default: Option<Json>,
    /// What it holds.
    description: String,
}

/// A fragment that a prompt shares with others.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptFragment {
    /// The prompt whose text goes in.
    name: String,
    /// The version of it that is pinned.
    version: String,
}

/// A pass rate: what tests and tasks say together.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PassRate {
    /// Trials of tests and tasks that used it; 0 where it was never tried.
    attempts: u64,
    /// Those that passed or succeeded.
    successes: u64,
    /// Posterior mean under a uniform prior, in 0..=1.
    average: f64,
    /// Lower end of its 95 % interval, valid however often one looks.
    low: f64,
    /// Upper end.
    high: f64,
}

impl From<context::Posterior> for PassRate {
    fn from(known: context::Posterior) -> Self {
        let context::Posterior { attempts, successes, rate, low, high, .. } = known;
        Self { attempts, successes, average: rate, low, high }
    }
}

/// A version of a prompt.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PromptVersion {
    /// Hash of its content.
    version: String,
    /// The texts of its messages as they were written, one after the other.
    template: String,
    /// The whole prompt as it was written, in the form that `savePrompt` takes as `definition`.
    definition: Json,
    /// Its messages as they are sent.
    messages: Vec<PromptMessage>,
    /// Names of its variables.
    variables: Vec<String>,
    /// Its variables with their types.
    declared: Vec<PromptVariable>,
    /// Fragments it shares with other prompts.
    fragments: Vec<PromptFragment>,
    /// JSON Schema of the answer, where it has a form.
    output_schema: Option<Json>,
    /// How the model is to be run.
    parameters: Json,
    /// Labels it carries, e.g. `latest`, `production`.
    labels: Vec<String>,
    /// Who approved it, with the evidence.
    approvals: Vec<String>,
    /// What changed, by its author.
    note: String,
    /// Who saved it.
    author: String,
    /// When it was saved.
    saved_at: Timestamp,
    #[graphql(skip)]
    prompt: String,
}

#[async_graphql::ComplexObject]
impl PromptVersion {
    /// Its pass rate.
    async fn pass_rate(&self, ctx: &Context<'_>) -> Result<PassRate> {
        let state = ctx.data::<State>()?;
        let (contexts, scores) = (&state.contexts, state.scores.as_ref());
        let organisation = Prompt::ORGANISATION;
        let known =
            das::prompts::posterior(contexts, scores, organisation, &self.prompt, &self.version).await?;
        Ok(known.into())
    }
}

fn shown(
    version: &context::PromptVersion,
    labels: &BTreeMap<String, String>,
    approvals: &[ApprovalRecord],
) -> PromptVersion {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let texts: Vec<&str> = version.prompt.messages.iter().map(|message| message.text.as_str()).collect();
    let whole = version.whole();
    let of_this = approvals.iter().filter(|approval| approval.hash == version.hash);
    let declared = whole.variables.iter().map(|variable| PromptVariable {
        name: variable.name.clone(),
        r#type: word(serde_json::json!(variable.kind)),
        default: variable.default.clone().map(Json),
        description: variable.description.clone(),
    });
    PromptVersion {
        version: version.hash.clone(),
        template: texts.join("\n\n"),
        definition: Json(serde_json::json!(version.prompt)),
        messages: whole
            .messages
            .iter()
            .map(|message| PromptMessage {
                role: word(serde_json::json!(message.role)),
                text: message.text.clone(),
            })
            .collect(),
        variables: whole.variables.iter().map(|variable| variable.name.clone()).collect(),
        declared: declared.collect(),
        fragments: version
            .prompt
            .fragments
            .iter()
            .map(|(name, version)| PromptFragment { name: name.clone(), version: version.clone() })
            .collect(),
        output_schema: whole.output_schema.clone().map(Json),
        parameters: Json(serde_json::json!(whole.parameters)),
        labels: labels
            .iter()
            .filter(|(_, at)| **at == version.hash)
            .map(|(label, _)| label.clone())
            .collect(),
        approvals: of_this
            .map(|approval| {
                format!("{} on report {}: {}", approval.stamp.actor, approval.report, approval.reason)
            })
            .collect(),
        note: version.note.clone(),
        author: version.author.clone(),
        saved_at: Timestamp(version.at_ms),
        prompt: version.prompt.name.clone(),
    }
}

#[derive(Clone)]
pub(crate) struct Prompt(pub(crate) String);

impl Prompt {
    /// Organisation whose prompts are shown.
    pub(crate) const ORGANISATION: &'static str = "local";

    async fn all(&self, state: &State) -> Result<Vec<PromptVersion>, context::Error> {
        let labels = state.contexts.labels(Self::ORGANISATION, &self.0).await?;
        let approvals = state.contexts.approvals(Self::ORGANISATION, &self.0).await?;
        let versions = state.contexts.versions(Self::ORGANISATION, &self.0).await?;
        Ok(versions.iter().map(|version| shown(version, &labels, &approvals)).collect())
    }
}

/// A prompt.
#[Object]
impl Prompt {
    /// Its name.
    async fn name(&self) -> &str {
        &self.0
    }

    /// Its versions, oldest first.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<PromptVersion>> {
        Ok(self.all(ctx.data::<State>()?).await?)
    }

    /// The version in production: what a task may use.
    async fn production(&self, ctx: &Context<'_>) -> Result<Option<PromptVersion>> {
        let versions = self.all(ctx.data::<State>()?).await?;
        Ok(versions.into_iter().find(|version| version.labels.iter().any(|label| label == PRODUCTION)))
    }

    /// The test set kept with it, in the form that `procos prompt test --cases` takes.
    async fn tests(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        let suite = ctx.data::<State>()?.contexts.suite(Self::ORGANISATION, &self.0).await?;
        Ok(suite.map(|suite| Json(serde_json::json!(suite))))
    }

    /// Reports of its tests, newest first, at most 50.
    async fn reports(&self, ctx: &Context<'_>) -> Result<Vec<PromptTest>> {
        let reports = ctx.data::<State>()?.contexts.reports(Self::ORGANISATION, &self.0).await?;
        Ok(reports.into_iter().rev().take(SHOWN).map(PromptTest::from).collect())
    }

    /// Comparisons of its versions, newest first, at most 50.
    async fn comparisons(&self, ctx: &Context<'_>) -> Result<Vec<PromptComparison>> {
        let found = ctx.data::<State>()?.contexts.comparisons(Self::ORGANISATION, &self.0).await?;
        Ok(found.into_iter().rev().take(SHOWN).map(PromptComparison::from).collect())
    }

    /// The experiment that was begun last.
    async fn experiment(&self, ctx: &Context<'_>) -> Result<Option<PromptExperiment>> {
        let state = ctx.data::<State>()?;
        let found = state.contexts.experiment(Self::ORGANISATION, &self.0).await?;
        match found {
            Some(found) => Ok(Some(PromptExperiment::read(state, &self.0, found).await?)),
            None => Ok(None),
        }
    }
}

/// What a test of a prompt gave.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptTest {
    /// The prompt.
    name: String,
    /// The version.
    version: String,
    /// Id of the report: the evidence of an approval.
    report: String,
    /// The model that answered.
    model: String,
    /// `pass`, `fail` or `undecided`.
    decision: String,
    /// Trials made.
    runs: u32,
    /// Trials passed.
    passes: u32,
    /// Posterior mean of the pass rate under a uniform prior, in 0..=1.
    average: f64,
    /// Lower end of its 95 % interval.
    low: f64,
    /// Upper end.
    high: f64,
    /// What it cost, by the prices of the endpoint.
    cost: f64,
    /// Median time until an answer was there, milliseconds.
    median_ms: u64,
    /// When it ended.
    at: Timestamp,
    /// Why the test ended as it did.
    reason: String,
}

impl From<TestReport> for PromptTest {
    fn from(report: TestReport) -> Self {
        let (decision, reason) = match report.verdict {
            context::Verdict::Pass => ("pass", "the pass rate is good enough"),
            context::Verdict::Fail => ("fail", "the pass rate is not good enough"),
            context::Verdict::Undecided => ("undecided", "the trials ran out before it could be told"),
        };
        let failed = report.details.iter().rev().find(|trial| !trial.passed);
        let reason = match failed {
            Some(trial) => format!("{reason}; last failed: {}: {}", trial.case, trial.findings.join("; ")),
            None => reason.to_owned(),
        };
        Self {
            median_ms: report.latency_ms(0.5),
            name: report.name,
            version: report.hash,
            report: report.id,
            model: report.model,
            decision: decision.to_owned(),
            runs: report.trials,
            passes: report.passed,
            average: report.rate,
            low: report.low,
            high: report.high,
            cost: report.cost,
            at: Timestamp(report.at_ms),
            reason,
        }
    }
}

/// Which of two versions is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Comparative {
    /// The candidate.
    Candidate,
    /// The version it was compared with.
    Baseline,
    /// It cannot be told.
    Undecided,
}

/// Two versions on the same cases.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptComparison {
    /// The version that would come.
    candidate: String,
    /// The version it was compared with.
    baseline: String,
    /// The model that answered.
    model: String,
    /// Pairs in which both passed.
    both: u32,
    /// Pairs in which only the candidate passed.
    only_candidate: u32,
    /// Pairs in which only the baseline passed.
    only_baseline: u32,
    /// Pairs in which neither passed.
    neither: u32,
    /// Which is better, wrong with probability at most 0.05 however often one looks.
    better: Comparative,
    /// Pass rate of the candidate less that of the baseline.
    difference: f64,
    /// Lower end of its 95 % interval.
    low: f64,
    /// Upper end.
    high: f64,
    /// Two-sided p-value of the exact McNemar test.
    exact_p: f64,
    /// When it ended.
    at: Timestamp,
}

impl From<context::Comparison> for PromptComparison {
    fn from(found: context::Comparison) -> Self {
        Self {
            candidate: found.candidate,
            baseline: found.baseline,
            model: found.model,
            both: found.paired.both,
            only_candidate: found.paired.only_first,
            only_baseline: found.paired.only_second,
            neither: found.paired.neither,
            better: match found.better {
                scoring::Better::First => Comparative::Candidate,
                scoring::Better::Second => Comparative::Baseline,
                scoring::Better::Undecided => Comparative::Undecided,
            },
            difference: found.difference,
            low: found.low,
            high: found.high,
            exact_p: found.exact_p,
            at: Timestamp(found.at_ms),
        }
    }
}

/// A version in an experiment.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptArm {
    /// The label it had when the experiment began.
    label: String,
    /// The version.
    version: String,
    /// Tasks that used it.
    tasks: u64,
    /// Those that succeeded.
    successes: u64,
    /// Probability that it is the best, in 0..=1.
    probability_best: f64,
}

/// Several versions in use at once.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptExperiment {
    /// The versions.
    arms: Vec<PromptArm>,
    /// Part of the tasks that get a version drawn evenly.
    floor: f64,
    /// Probability of being the best at which it stops.
    enough: f64,
    /// Whether the winner goes into production by itself.
    promote: bool,
    /// When it began.
    begun_at: Timestamp,
    /// Whether tasks still get versions by it.
    open: bool,
    /// The version that was best, where it ended with one.
    winner: Option<String>,
}

impl PromptExperiment {
    /// An experiment with what its versions did so far.
    pub(crate) async fn read(state: &State, name: &str, found: context::Experiment) -> Result<Self> {
        let mut counts = Vec::new();
        for arm in &found.arms {
            counts.push(das::prompts::used(state.scores.as_ref(), name, &arm.hash).await?);
        }
        let best = found.best(&counts, &mut scoring::Stream::seeded(1));
        let arms =
            found.arms.iter().zip(counts).zip(best).map(|((arm, count), probability_best)| PromptArm {
                label: arm.label.clone(),
                version: arm.hash.clone(),
                tasks: count.successes + count.failures,
                successes: count.successes,
                probability_best,
            });
        Ok(Self {
            arms: arms.collect(),
            floor: found.floor,
            enough: found.enough,
            promote: found.promote,
            begun_at: Timestamp(found.begun.at_ms),
            open: found.ended.is_none(),
            winner: found.ended.and_then(|end| end.winner),
        })
    }
}

/// A task that uses a prompt.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptTask {
    /// Element id.
    element: String,
    /// The prompt.
    prompt: String,
    /// How often a case comes by, from what was counted; 1 where nothing was.
    visits: f64,
    /// What is known about the version in production, where one is.
    pass_rate: Option<PassRate>,
}

/// How much a prompt matters to a process.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptInfluence {
    /// The prompt.
    prompt: String,
    /// Its part of what is not known about the process, in 0..=1.
    uncertainty: f64,
    /// Successes that would be gained, in 0..=1, were it never wrong.
    gain: f64,
}

/// What its prompts make of the success of a process.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptProcess {
    /// Process id.
    process_id: String,
    /// The tasks that use prompts.
    tasks: Vec<PromptTask>,
    /// Share of cases that all of these tasks let through: its posterior mean, in 0..=1.
    average: f64,
    /// Lower end of its 95 % interval, by Monte Carlo from the prompts' posteriors.
    low: f64,
    /// Upper end.
    high: f64,
    /// The prompts, those that matter most for what is not known first.
    influences: Vec<PromptInfluence>,
}

impl From<das::prompts::ProcessPrompts> for PromptProcess {
    fn from(found: das::prompts::ProcessPrompts) -> Self {
        let task = |task: das::prompts::PromptTask| PromptTask {
            element: task.element,
            prompt: task.prompt,
            visits: task.visits,
            pass_rate: task.posterior.map(PassRate::from),
        };
        let influence = |part: scoring::PartInfluence| PromptInfluence {
            prompt: part.name,
            uncertainty: part.uncertainty,
            gain: part.gain,
        };
        Self {
            process_id: found.process_id,
            tasks: found.tasks.into_iter().map(task).collect(),
            average: found.success.mean,
            low: found.success.interval.low,
            high: found.success.interval.high,
            influences: found.success.parts.into_iter().map(influence).collect(),
        }
    }
}
