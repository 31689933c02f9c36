//! A trace link, and everything that is connected by them.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Component, Function, LinkReview, Origin, Process, Requirement, Suspicion, of_ids};
use crate::scalar::Iri;

#[derive(Clone)]
pub(crate) struct TraceLink {
    pub(crate) system: Arc<SystemIndex>,
    pub(crate) node: model::TraceLink,
}

/// Links are nodes of the kind `link`.
type Link = TraceLink;
shown_node!(Link, "link");

/// A typed link between two nodes.
#[Object]
impl TraceLink {
    /// Its IRI.
    async fn id(&self) -> Iri {
        iri(&self.system, "link", &self.node.id)
    }

    /// Its id within the system.
    async fn local_id(&self) -> &str {
        &self.node.id
    }

    /// The change set that put it as it is: give it as `ifMatch` to change exactly this.
    async fn version(&self) -> i64 {
        version(&self.system, &self.node.id)
    }

    /// `allocated_to`, `satisfied_by`, `refines`, `performs`, `realised_by`, `verified_by`, `conflicts_with`,
    /// `constrained_by`, or `relates_to` (a relation of another tool).
    async fn kind(&self) -> &str {
        &self.node.kind
    }

    /// Id of the node it starts at.
    async fn source(&self) -> &str {
        &self.node.source
    }

    /// Id of the node it ends at.
    async fn target(&self) -> &str {
        &self.node.target
    }

    /// Why, in words.
    async fn rationale(&self) -> Option<&str> {
        self.node.rationale.as_deref()
    }

    /// Why it is to be looked at since an end of it changed; null where it is not.
    async fn suspicion(&self) -> Option<Suspicion> {
        ontology::suspicion::direct(&self.system, &self.node)
            .map(|found| Suspicion::new(&self.system, &found))
    }

    /// The newest review of it.
    async fn review(&self) -> Option<LinkReview> {
        LinkReview::of(&self.system, &self.node.id)
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}

/// Everything connected with a node by trace.
#[derive(Clone, SimpleObject)]
pub(crate) struct Trace {
    /// Requirements on its line.
    requirements: Vec<Requirement>,
    /// Components on its line.
    components: Vec<Component>,
    /// Processes on its line.
    processes: Vec<Process>,
    /// Functions on its line.
    functions: Vec<Function>,
    /// The links that were followed.
    links: Vec<TraceLink>,
}

impl Trace {
    /// The trace with these ids.
    pub(crate) fn new(system: &Arc<SystemIndex>, trace: &ontology::Trace) -> Self {
        Self {
            requirements: of_ids(system, trace.requirements.iter().map(String::as_str)),
            components: of_ids(system, trace.components.iter().map(String::as_str)),
            processes: of_ids(system, trace.processes.iter().map(String::as_str)),
            functions: of_ids(system, trace.functions.iter().map(String::as_str)),
            links: of_ids(system, trace.links.iter().map(String::as_str)),
        }
    }
}
