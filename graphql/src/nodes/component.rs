//! A component.

use std::sync::Arc;

use async_graphql::Object;
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Function, Interface, Origin, Process, Requirement, at_end, at_start, of_ids};
use crate::scalar::Iri;

#[derive(Clone)]
pub(crate) struct Component {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Component,
}

shown_node!(Component, "component");

/// A part of the system.
#[Object]
impl Component {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "component", &self.node.id)
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

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.node.description.as_deref()
    }

    /// The component it is a part of; null for the root.
    async fn parent(&self) -> Option<Component> {
        of_ids(&self.system, self.node.parent.as_deref()).pop()
    }

    /// Its parts.
    async fn children(&self) -> Vec<Component> {
        of_ids(&self.system, at_start(&self.system, &self.node.id, &["part_of"]))
    }

    /// Requirements allocated to it.
    async fn requirements(&self) -> Vec<Requirement> {
        of_ids(&self.system, at_start(&self.system, &self.node.id, &["allocated_to"]))
    }

    /// Functions it performs.
    async fn functions(&self) -> Vec<Function> {
        of_ids(&self.system, at_end(&self.system, &self.node.id, &["performs"]))
    }

    /// Processes it owns, and those that realise its functions.
    async fn processes(&self) -> Vec<Process> {
        let mut ids: Vec<&str> = at_end(&self.system, &self.node.id, &["executes"]).collect();
        for function in at_end(&self.system, &self.node.id, &["performs"]) {
            ids.extend(at_end(&self.system, function, &["realised_by"]));
        }
        of_ids(&self.system, ids)
    }

    /// Interfaces at either end of which it stands.
    async fn interfaces(&self) -> Vec<Interface> {
        let kinds = &["interface"];
        let out = at_end(&self.system, &self.node.id, kinds);
        of_ids(&self.system, out.chain(at_start(&self.system, &self.node.id, kinds)))
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}
