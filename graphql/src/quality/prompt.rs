//! Prompts with their versions, and what a test of one gave.

use std::collections::BTreeMap;

use async_graphql::{Context, Object, SimpleObject};
use context::{ApprovalRecord, PRODUCTION, TestReport};

use crate::State;
use crate::error::Result;
use crate::scalar::Timestamp;

/// A version of a prompt.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptVersion {
    /// Hash of its content.
    version: String,
    /// The texts of its messages, one after the other.
    template: String,
    /// Names of its variables.
    variables: Vec<String>,
    /// Labels it carries, e.g. `latest`, `production`.
    labels: Vec<String>,
    /// Who approved it, with the evidence.
    approvals: Vec<String>,
    /// When it was saved.
    saved_at: Timestamp,
}

fn shown(
    version: &context::PromptVersion,
    labels: &BTreeMap<String, String>,
    approvals: &[ApprovalRecord],
) -> PromptVersion {
    let texts: Vec<&str> = version.prompt.messages.iter().map(|message| message.text.as_str()).collect();
    let of_this = approvals.iter().filter(|approval| approval.hash == version.hash);
    PromptVersion {
        version: version.hash.clone(),
        template: texts.join("\n\n"),
        variables: version.prompt.variables.iter().map(|variable| variable.name.clone()).collect(),
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
        saved_at: Timestamp(version.at_ms),
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
            name: report.name,
            version: report.hash,
            report: report.id,
            decision: decision.to_owned(),
            runs: report.trials,
            passes: report.passed,
            average: report.rate,
            low: report.low,
            high: report.high,
            reason,
        }
    }
}
