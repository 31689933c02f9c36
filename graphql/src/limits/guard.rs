//! The extension that holds the limits: text and shape before a query is checked, nodes while it runs, and a code on
//! every error that async-graphql itself makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextRequest, NextResolve,
    ResolveInfo,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, QueryPathSegment, Response, ServerError, ServerResult, Value, Variables,
};
use async_trait::async_trait;

use super::shape::{brackets, shape};
use super::{ALIASES_LIMIT, BRACKETS_LIMIT, DEPTH_LIMIT, NODES_LIMIT, QUERY_BYTES_LIMIT, SELECTIONS_LIMIT};
use crate::Error;

/// Makes a [`Budget`] for each request.
pub(crate) struct Guard;

impl ExtensionFactory for Guard {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Budget { read: AtomicUsize::new(0) })
    }
}

/// What one request has read so far.
struct Budget {
    read: AtomicUsize,
}

fn refused(limit: &'static str, detail: String) -> ServerError {
    let error = Error::Limit { limit, detail };
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", error.code());
    if let Some(hint) = error.hint() {
        extensions.set("hint", hint);
    }
    let mut shown = ServerError::new(error.to_string(), None);
    shown.extensions = Some(extensions);
    shown
}

fn check_shape(document: &ExecutableDocument) -> ServerResult<()> {
    let Some(shape) = shape(document) else {
        return Err(refused("DEPTH_LIMIT", "fragments contain themselves, or nest too deeply".to_owned()));
    };
    for (limit, name, found) in [
        (DEPTH_LIMIT, "DEPTH_LIMIT", shape.depth),
        (ALIASES_LIMIT, "ALIASES_LIMIT", shape.aliases),
        (SELECTIONS_LIMIT, "SELECTIONS_LIMIT", shape.selections),
    ] {
        if found > limit {
            return Err(refused(name, format!("the query has {found}, at most {limit} are answered")));
        }
    }
    Ok(())
}

#[async_trait]
impl Extension for Budget {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        if query.len() > QUERY_BYTES_LIMIT {
            let detail = format!("the query has {} bytes; put large values into variables", query.len());
            return Err(refused("QUERY_BYTES_LIMIT", detail));
        }
        let open = brackets(query);
        if open > BRACKETS_LIMIT {
            return Err(refused("BRACKETS_LIMIT", format!("{open} brackets are open at once")));
        }
        // Measured before async-graphql looks at it: its own depth check walks doubling fragments one by one. A query
        // that cannot be parsed is reported by what comes next.
        if let Ok(document) = async_graphql::parser::parse_query(query) {
            check_shape(&document)?;
        }
        next.run(ctx, query, variables).await
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        // Each event of a subscription is executed by itself and has the whole budget.
        self.read.store(0, Ordering::Relaxed);
        next.run(ctx, operation_name).await
    }

    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for error in &mut response.errors {
            let extensions = error.extensions.get_or_insert_default();
            if extensions.get("code").is_none() {
                // What async-graphql says itself is always about the query or its variables.
                extensions.set("code", "API-0007");
                extensions.set("hint", "correct the query; the schema says what there is");
            }
        }
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let is_item = matches!(info.path_node.segment, QueryPathSegment::Index(_));
        let is_object = !info.field.selection_set.node.items.is_empty();
        if !info.is_for_introspection && (is_item || is_object) {
            let read = self.read.fetch_add(1, Ordering::Relaxed);
            if read >= NODES_LIMIT {
                let detail = format!("the answer has more than {NODES_LIMIT} objects and list items");
                return Err(refused("NODES_LIMIT", detail));
            }
        }
        next.run(ctx, info).await
    }
}
