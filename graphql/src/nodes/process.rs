//! A process of a system.

use std::sync::Arc;

use async_graphql::{Context, Object};
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Component, Function, Origin, Requirement, at_start, of_ids};
use crate::error::Result;
use crate::loaders::Loaders;
use crate::quality::Score;
use crate::runs::ProcessDefinition;
use crate::scalar::Iri;

#[derive(Clone)]
pub(crate) struct Process {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Process,
}

shown_node!(Process, "process");

/// A process that realises functions.
#[Object]
impl Process {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "process", &self.node.id)
    }

    /// Its id within the system.
    pub(crate) async fn local_id(&self) -> &str {
        &self.node.id
    }

    /// The change set that put it as it is: give it as `ifMatch` to change exactly this.
    async fn version(&self) -> i64 {
        version(&self.system, &self.node.id)
    }

    /// Its name.
    pub(crate) async fn label(&self) -> &str {
        &self.node.name
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.node.name
    }

    /// Id of the BPMN process.
    async fn process_id(&self) -> &str {
        &self.node.process_id
    }

    /// The component that owns it.
    async fn component(&self) -> Option<Component> {
        of_ids(&self.system, self.node.component.as_deref()).pop()
    }

    /// Functions it realises.
    async fn functions(&self) -> Vec<Function> {
        of_ids(&self.system, at_start(&self.system, &self.node.id, &["realised_by"]))
    }

    /// Requirements it verifies, and those its functions satisfy.
    async fn requirements(&self) -> Vec<Requirement> {
        let mut ids: Vec<&str> = at_start(&self.system, &self.node.id, &["verified_by"]).collect();
        for function in at_start(&self.system, &self.node.id, &["realised_by"]) {
            ids.extend(at_start(&self.system, function, &["satisfied_by"]));
        }
        of_ids(&self.system, ids)
    }

    /// Its deployed definition: the newest version.
    async fn definition(&self, ctx: &Context<'_>) -> Result<Option<ProcessDefinition>> {
        let found = ctx.data::<Loaders>()?.newest_definition(&self.node.process_id).await?;
        Ok(found.map(ProcessDefinition))
    }

    /// How well it does; null before its first attempt.
    async fn score(&self, ctx: &Context<'_>) -> Result<Option<Score>> {
        Ok(ctx.data::<Loaders>()?.score("process", &self.node.process_id).await?.map(Score))
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}
