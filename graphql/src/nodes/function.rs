//! A function.

use std::sync::Arc;

use async_graphql::Object;
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Component, Origin, Process, Requirement, at_start, of_ids};
use crate::scalar::Iri;

#[derive(Clone)]
pub(crate) struct Function {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Function,
}

shown_node!(Function, "function");

/// Something a component does.
#[Object]
impl Function {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "function", &self.node.id)
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

    /// A verb phrase.
    async fn name(&self) -> &str {
        &self.node.name
    }

    /// The component that performs it.
    async fn component(&self) -> Option<Component> {
        of_ids(&self.system, Some(self.node.component.as_str())).pop()
    }

    /// The process that realises it.
    async fn process(&self) -> Option<Process> {
        of_ids(&self.system, self.node.process.as_deref()).pop()
    }

    /// Ids of the BPMN elements that do it in that process.
    async fn elements(&self) -> &[String] {
        &self.node.elements
    }

    /// Requirements it satisfies.
    async fn requirements(&self) -> Vec<Requirement> {
        of_ids(&self.system, at_start(&self.system, &self.node.id, &["satisfied_by"]))
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}
