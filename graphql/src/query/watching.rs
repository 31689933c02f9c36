//! Questions about what DAS may watch and do.

use async_graphql::{Context, Object};

use crate::State;
use crate::error::Result;
use crate::quality::{Consent, Policy};

#[derive(Default)]
pub(crate) struct Watching;

#[Object(name = "WatchingQuery")]
impl Watching {
    /// Whether people agreed that what they do in the web admin is watched.
    async fn consent(&self, ctx: &Context<'_>) -> Result<Consent> {
        let people = &ctx.data::<State>()?.people;
        Ok(Consent::of(people.consent().await?, people.kept().await?.len()))
    }

    /// Policies by which proposals are accepted without a person, by name, each in its newest version.
    async fn policies(&self, ctx: &Context<'_>) -> Result<Vec<Policy>> {
        Ok(ctx.data::<State>()?.policies.list().await?.into_iter().map(Into::into).collect())
    }

    /// All versions of a policy, oldest first.
    async fn policy_versions(&self, ctx: &Context<'_>, name: String) -> Result<Vec<Policy>> {
        Ok(ctx.data::<State>()?.policies.versions(&name).await?.into_iter().map(Into::into).collect())
    }
}
