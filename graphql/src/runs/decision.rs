//! Deployed decisions.

use async_graphql::{Context, Object};
use engine::port;

use crate::State;
use crate::error::Result;
use crate::lists::DefinitionFilter;
use crate::scalar::{Key, Timestamp};

/// A deployed decision of a DMN file.
#[derive(Clone, Debug)]
pub(crate) struct DecisionDefinition {
    file: port::DecisionRequirements,
    decision: port::DecisionDefinition,
}

impl DecisionDefinition {
    /// The decisions of a file.
    pub(crate) fn all(file: port::DecisionRequirements) -> impl Iterator<Item = Self> {
        let decisions = file.decisions.clone().into_iter();
        decisions.map(move |decision| Self { file: file.clone(), decision })
    }

    pub(crate) fn meets(&self, filter: &DefinitionFilter) -> bool {
        filter.holds(&self.decision.decision_id, &self.decision.name, self.file.deployed_ms)
    }
}

/// A decision of a deployed DMN file: what a business rule task asks.
#[Object]
impl DecisionDefinition {
    /// Its key.
    async fn key(&self) -> Key {
        Key(self.decision.key)
    }

    /// The id by which business rule tasks name it.
    async fn decision_id(&self) -> &str {
        &self.decision.decision_id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.decision.name
    }

    /// 1, 2, 3, … for each decision id.
    async fn version(&self) -> i32 {
        self.decision.version
    }

    /// What its author calls this version.
    async fn version_tag(&self) -> Option<&str> {
        self.decision.version_tag.as_deref()
    }

    /// The file it came from.
    async fn resource(&self) -> &str {
        &self.file.resource
    }

    /// When it was deployed.
    async fn deployed_at(&self) -> Timestamp {
        Timestamp(self.file.deployed_ms)
    }

    /// The DMN file that holds it.
    async fn xml(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<State>()?.engine.decision_xml(self.decision.key).await?)
    }
}
