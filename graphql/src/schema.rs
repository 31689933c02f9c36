//! Puts the schema together, with its limits.

use std::sync::Arc;

use async_graphql::SchemaBuilder;
use das::forecast::Forecasts;

use crate::limits::{COMPLEXITY_LIMIT, DEPTH_LIMIT, DIRECTIVES_LIMIT, Guard};
use crate::loaders::Loaders;
use crate::subscription::Growth;
use crate::{Mutation, Query, State, Subscription};

/// The schema; cheap to clone.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), Subscription)
        .limit_depth(DEPTH_LIMIT)
        .limit_complexity(COMPLEXITY_LIMIT)
        .limit_directives(DIRECTIVES_LIMIT)
        .extension(Guard)
}

/// The schema over these ports. To be made inside a Tokio runtime: loaders and jobs run as its tasks.
#[must_use]
pub fn schema(state: State) -> Schema {
    let growth = Arc::new(Growth::new(Arc::clone(&state.trail)));
    let forecasts = Forecasts::new(
        Arc::clone(&state.engine),
        Arc::clone(&state.store),
        Arc::clone(&state.trail),
        Arc::clone(&state.clock),
    );
    builder()
        .data(forecasts)
        .data(Loaders::new(&state))
        .data(state.jobs.clone())
        .data(growth)
        .data(state)
        .finish()
}

/// The schema in its definition language, as it is committed in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}
