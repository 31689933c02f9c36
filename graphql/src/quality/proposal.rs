//! A change to a process that waits for a person.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use das::proposals;

use super::ChangeKind;
use crate::error::Result;
use crate::loaders::Loaders;
use crate::query::BootstrapPreview;
use crate::runs::ProcessDefinition;
use crate::scalar::Timestamp;

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "proposals::ProposalState")]
pub(crate) enum ProposalState {
    /// Waits for a decision.
    Open,
    /// Was accepted and deployed.
    Accepted,
    /// Was rejected.
    Rejected,
    /// Was accepted, and taken back: what it replaced is in force again.
    TakenBack,
}

/// What happens to a line of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "proposals::LineEffect")]
pub(crate) enum LineEffect {
    /// It stays.
    Kept,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}

/// A line of a diff.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DiffLine {
    /// What happens to it.
    effect: LineEffect,
    /// The line.
    text: String,
}

/// A new version of a prompt, beside the one it changes.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PromptDiff {
    /// Name of the prompt.
    name: String,
    /// Hash of the version that it changes.
    base: String,
    /// Hash of the version it became.
    saved: Option<String>,
    /// Parameters and messages, line by line.
    lines: Vec<DiffLine>,
}

impl From<&proposals::PromptChange> for PromptDiff {
    fn from(change: &proposals::PromptChange) -> Self {
        let line =
            |line: &proposals::DiffLine| DiffLine { effect: line.effect.into(), text: line.text.clone() };
        Self {
            name: change.name.clone(),
            base: change.base.clone(),
            saved: change.saved.clone(),
            lines: change.lines.iter().map(line).collect(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Proposal(pub(crate) proposals::Proposal);

/// A change that waits for a person.
#[Object]
impl Proposal {
    /// Its id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What it is, in a line.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// `deterministic` or the name of the model.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// BPMN as it would be deployed; empty where it changes a prompt or builds a system.
    async fn xml(&self) -> &str {
        &self.0.xml
    }

    /// BPMN it would replace, if there is one.
    async fn base_xml(&self) -> Option<&str> {
        self.0.base_xml.as_deref()
    }

    /// Id of the BPMN process; empty where it changes a prompt or builds a system.
    async fn process_id(&self) -> &str {
        &self.0.process_id
    }

    /// What a person should know.
    async fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// What nobody said.
    async fn assumptions(&self) -> &[String] {
        &self.0.assumptions
    }

    /// Where it stands.
    async fn state(&self) -> ProposalState {
        self.0.state.into()
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        Timestamp(self.0.created_ms)
    }

    /// When it was decided or taken back.
    async fn decided_at(&self) -> Option<Timestamp> {
        self.0.decided_ms.map(Timestamp)
    }

    /// Who decided: a person, or `policy:NAME`.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// Why it was decided so.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What sort of change it is, where DAS made it of a finding.
    async fn change(&self) -> Option<ChangeKind> {
        self.0.change.map(Into::into)
    }

    /// True where it was accepted and something was there before: `takeBackProposal` brings that back.
    async fn can_be_taken_back(&self) -> bool {
        self.0.can_be_taken_back()
    }

    /// The new version of a prompt, where it is one.
    async fn prompt(&self) -> Option<PromptDiff> {
        self.0.prompt.as_ref().map(Into::into)
    }

    /// What building would change, where it builds a system; as it was when it was proposed.
    async fn build(&self) -> Option<BootstrapPreview> {
        self.0.build.as_ref().map(|build| build.preview.clone().into())
    }

    /// The definition it became.
    async fn definition(&self, ctx: &Context<'_>) -> Result<Option<ProcessDefinition>> {
        let Some(key) = self.0.definition else { return Ok(None) };
        Ok(ctx.data::<Loaders>()?.definition(key).await?.map(ProcessDefinition))
    }
}
