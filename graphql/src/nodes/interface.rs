//! An interface between two components.

use std::sync::Arc;

use async_graphql::Object;
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Component, Origin, of_ids};
use crate::scalar::Iri;

#[derive(Clone)]
pub(crate) struct Interface {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Interface,
}

shown_node!(Interface, "interface");

/// What flows between two components.
#[Object]
impl Interface {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "interface", &self.node.id)
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

    /// The component at one end.
    async fn source(&self) -> Option<Component> {
        of_ids(&self.system, Some(self.node.source.as_str())).pop()
    }

    /// The component at the other end.
    async fn target(&self) -> Option<Component> {
        of_ids(&self.system, Some(self.node.target.as_str())).pop()
    }

    /// What flows.
    async fn item(&self) -> &str {
        &self.node.item
    }

    /// `out` (from source to target) or `both`.
    async fn direction(&self) -> &str {
        &self.node.direction
    }

    /// Unit of what flows.
    async fn unit(&self) -> Option<&str> {
        self.node.unit.as_deref()
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}
