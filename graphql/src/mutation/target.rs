//! What every change by hand has in common: which line of which system, who, and what they have seen.

use std::sync::Arc;

use async_graphql::Context;
use ontology::model::{ChangeSet, Node};
use ontology::{Edit, SystemIndex};

use super::{TEXT_LIMIT_BYTES, actor, bounded};
use crate::error::Result;
use crate::nodes::FromNode;
use crate::query::line;
use crate::{Error, State};

/// Longest id of a node, a mutation or a branch.
pub(super) const ID_LIMIT_BYTES: usize = 200;

/// A change on its way.
pub(super) struct Target<'a> {
    state: &'a State,
    pub(super) edit: Edit,
}

impl<'a> Target<'a> {
    /// A change to this line of a system.
    pub(super) fn new(
        ctx: &Context<'a>,
        system: String,
        branch: Option<String>,
        mutation: Option<String>,
        message: String,
    ) -> Result<Self> {
        let state = ctx.data::<State>()?;
        if let Some(id) = &mutation {
            bounded("clientMutationId", id, ID_LIMIT_BYTES)?;
        }
        let edit = Edit {
            system: line(system, branch),
            author: actor(ctx),
            message,
            at_ms: state.clock.now_ms(),
            mutation,
            if_match: Vec::new(),
            if_head: None,
        };
        Ok(Self { state, edit })
    }

    /// Refused where this node has another version by then.
    pub(super) fn if_match(mut self, id: &str, version: Option<i64>) -> Self {
        self.edit.if_match.extend(version.map(|version| (id.to_owned(), version)));
        self
    }

    /// Refused where the system has another version by then.
    pub(super) fn if_head(mut self, version: Option<i64>) -> Self {
        self.edit.if_head = version;
        self
    }

    pub(super) fn ontology(&self) -> &Arc<ontology::Ontology> {
        &self.state.ontology
    }

    /// Makes the change and gives its number.
    pub(super) async fn make(
        &self,
        make: impl Fn(&SystemIndex, &mut ChangeSet) -> Result<(), ontology::Error> + Send + Sync,
    ) -> Result<i64> {
        Ok(self.ontology().edit(&self.edit, make).await?)
    }

    /// Adds a node that is not there yet and shows it.
    pub(super) async fn add<T: FromNode>(&self, node: Node) -> Result<T> {
        let id = node.id().to_owned();
        identified(&id)?;
        let state = self.ontology().snapshot(&self.edit.system)?;
        let is_made = self.edit.mutation.as_deref().is_some_and(|made| state.made_by(made).is_some());
        if state.node(&id).is_some() && !is_made {
            return Err(Error::Conflict(format!("system {} has a node {id} already", state.name)).into());
        }
        self.make(|state, change| {
            if state.node(&id).is_some() {
                return Err(ontology::Error::Invalid(format!(
                    "system {} has a node {id} already",
                    state.name
                )));
            }
            change.put.push(node.clone());
            Ok(())
        })
        .await?;
        self.shown(&id)
    }

    /// Changes a node and shows it.
    pub(super) async fn alter<T: FromNode>(
        &self,
        id: &str,
        alter: impl Fn(&mut Node) -> Result<(), ontology::Error> + Send + Sync,
    ) -> Result<T> {
        self.make(|state, change| {
            let mut node = kept(state, T::KIND, id)?;
            alter(&mut node)?;
            change.put.push(node);
            Ok(())
        })
        .await?;
        self.shown(id)
    }

    /// Removes a node of this kind together with the links at it; fields of other nodes that name it forbid it.
    pub(super) async fn remove(&self, kind: &'static str, id: &str) -> Result<crate::nodes::ChangeSet> {
        let number = self
            .make(|state, change| {
                kept(state, kind, id)?;
                let mut gone: Vec<String> = state
                    .outgoing(id)
                    .chain(state.incoming(id))
                    .filter_map(|edge| edge.link.clone())
                    .collect();
                gone.sort_unstable();
                gone.dedup();
                gone.push(id.to_owned());
                change.remove = gone;
                Ok(())
            })
            .await?;
        self.change(number).await
    }

    /// A change set of this line.
    pub(super) async fn change(&self, number: i64) -> Result<crate::nodes::ChangeSet> {
        Ok(self.ontology().change(&self.edit.system, number).await?.into())
    }

    fn shown<T: FromNode>(&self, id: &str) -> Result<T> {
        let state = self.ontology().snapshot(&self.edit.system)?;
        let shown = state.node(id).and_then(|node| T::from_node(&state, node));
        Ok(shown.ok_or_else(|| Error::NotFound { what: T::KIND, id: id.to_owned() })?)
    }
}

fn kept(state: &SystemIndex, kind: &'static str, id: &str) -> Result<Node, ontology::Error> {
    let found = state.node(id).filter(|node| node.kind() == kind);
    let found = found.ok_or_else(|| ontology::Error::NotFound { what: kind, id: id.to_owned() })?;
    Ok(found.as_ref().clone())
}

/// Refuses an id that is none.
fn identified(id: &str) -> Result<()> {
    filled("id", id)?;
    Ok(bounded("id", id, ID_LIMIT_BYTES)?)
}

/// Refuses a text that is empty or too long.
pub(super) fn filled(argument: &'static str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::Argument { argument, problem: "it is empty".to_owned() }.into());
    }
    Ok(bounded(argument, text, TEXT_LIMIT_BYTES)?)
}
