//! The API: one GraphQL schema over the ports of everything else; what it says is committed in `schema.graphql`.

#![expect(clippy::unused_async, reason = "a resolver is async whether it waits or not: the macro demands it")]

mod connection;
mod error;
mod filters;
mod import;
mod jobs;
mod limits;
mod lists;
mod loaders;
mod mutation;
mod nodes;
mod quality;
mod query;
mod runs;
mod scalar;
mod schema;
mod state;
mod subscription;
#[cfg(test)]
mod tests;

pub use async_graphql::{Request, Variables};
pub use error::Error;
pub use import::{Import, Tell, import_endings, import_followed, import_requirements};
pub use jobs::Jobs;
pub use limits::{
    ALIASES_LIMIT, COMPLEXITY_LIMIT, DEPTH_LIMIT, DIRECTIVES_LIMIT, NODES_LIMIT, PAGE_LIMIT,
    QUERY_BYTES_LIMIT, SELECTIONS_LIMIT,
};
pub use mutation::Mutation;
pub use query::Query;
pub use schema::{Schema, schema, sdl};
pub use state::{About, Actor, Recollection, State};
pub use subscription::Subscription;
