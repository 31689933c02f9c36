//! An engineered system.

use std::sync::Arc;

use async_graphql::Object;
use ontology::SystemIndex;
use ontology::iri::system_iri;

use super::{
    Component, Constraint, Coverage, FromNode, Function, Interface, Process, Requirement, TraceLink, page_of,
};
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::page_cost;
use crate::scalar::{Iri, Timestamp};

#[derive(Clone)]
pub(crate) struct System(pub(crate) Arc<SystemIndex>);

impl System {
    fn all<T: FromNode>(&self) -> Vec<T> {
        self.0.of_kind(T::KIND).filter_map(|node| T::from_node(&self.0, node)).collect()
    }
}

/// One engineered system.
#[Object]
impl System {
    /// Its IRI.
    async fn id(&self) -> Iri {
        Iri(system_iri(&self.0.name))
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Number of its newest change set.
    async fn version(&self) -> i64 {
        self.0.head
    }

    /// When it was last changed.
    async fn changed_at(&self) -> Timestamp {
        Timestamp(self.0.changed_ms)
    }

    /// How many requirements it has.
    async fn requirement_count(&self) -> usize {
        self.0.count("requirement")
    }

    /// How many components it has.
    async fn component_count(&self) -> usize {
        self.0.count("component")
    }

    /// How many processes it has.
    async fn process_count(&self) -> usize {
        self.0.count("process")
    }

    /// How many functions it has.
    async fn function_count(&self) -> usize {
        self.0.count("function")
    }

    /// Its requirements, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn requirements(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Requirement>> {
        Ok(page_of(&self.0, &Page::new(first, after)?))
    }

    /// Its components, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn components(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<Component>> {
        Ok(page_of(&self.0, &Page::new(first, after)?))
    }

    /// Its processes, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn processes(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<Process>> {
        Ok(page_of(&self.0, &Page::new(first, after)?))
    }

    /// Its functions, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn functions(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<Function>> {
        Ok(page_of(&self.0, &Page::new(first, after)?))
    }

    /// What flows between its components.
    async fn interfaces(&self) -> Vec<Interface> {
        self.all()
    }

    /// Its bounds and budgets.
    async fn constraints(&self) -> Vec<Constraint> {
        self.all()
    }

    /// Its trace links.
    async fn links(&self) -> Vec<TraceLink> {
        self.all()
    }

    /// Its coverage, computed now.
    async fn coverage(&self) -> Coverage {
        Coverage::of(&self.0)
    }
}
