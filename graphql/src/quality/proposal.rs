//! A change to a process that waits for a person.

use async_graphql::{Context, Enum, ID, Object};
use das::proposals;

use crate::error::Result;
use crate::loaders::Loaders;
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

    /// BPMN as it would be deployed.
    async fn xml(&self) -> &str {
        &self.0.xml
    }

    /// BPMN it would replace, if there is one.
    async fn base_xml(&self) -> Option<&str> {
        self.0.base_xml.as_deref()
    }

    /// Id of the BPMN process.
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

    /// The definition it became.
    async fn definition(&self, ctx: &Context<'_>) -> Result<Option<ProcessDefinition>> {
        let Some(key) = self.0.definition else { return Ok(None) };
        Ok(ctx.data::<Loaders>()?.definition(key).await?.map(ProcessDefinition))
    }
}
