//! Questions about what a system was, and what changed.

use async_graphql::{Context, Object};
use ontology::Moment;

use super::knowledge::line;
use crate::State;
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::page_cost;
use crate::nodes::{ChangeSet, CoveragePoint, Difference, MomentInput};

#[derive(Default)]
pub(crate) struct History;

#[Object(name = "HistoryQuery")]
impl History {
    /// The change sets of a system, newest first.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<ChangeSet>> {
        let ontology = &ctx.data::<State>()?.ontology;
        let system = line(system, branch);
        let page = Page::new(first, after)?;
        let before = page.after_number()?.unwrap_or(i64::MAX);
        let state = ontology.snapshot(&system)?;
        let wanted = state.points().rev().map(|(number, _)| number).filter(|number| *number < before);
        let wanted: Vec<i64> = wanted.take(page.first.saturating_add(1)).collect();
        let Some(oldest) = wanted.last() else { return Ok(page.of_page(Vec::new(), state.points().count())) };
        let mut found = ontology.history_page(&system, oldest - 1, wanted.len()).await?;
        found.reverse();
        let items = found.into_iter().map(|change| (change.number.to_string(), ChangeSet::from(change)));
        Ok(page.of_page(items.collect(), state.points().count()))
    }

    /// What differs between two moments of a system, by node and by link; up to now where `to` is not given.
    async fn diff(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        from: MomentInput,
        to: Option<MomentInput>,
    ) -> Result<Difference> {
        let ontology = &ctx.data::<State>()?.ontology;
        let system = line(system, branch);
        let from = ontology.version_at(&system, &from.into())?;
        let to = match to {
            Some(to) => ontology.version_at(&system, &to.into())?,
            None => ontology.snapshot(&system)?.head,
        };
        let found = ontology.diff(&system, &Moment::Version(from), &Moment::Version(to)).await?;
        Ok(Difference::new(from, to, &found))
    }

    /// How the coverage of a system grew: after so many of its change sets, evenly spread, oldest first, the newest
    /// among them.
    #[graphql(complexity = "page_cost(points, child_complexity)")]
    async fn coverage_progress(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "At most so many, 100 where none is given, at most 1,000.")] points: Option<i32>,
    ) -> Result<Vec<CoveragePoint>> {
        let limit = Page::new(points, None)?.first;
        let found = ctx.data::<State>()?.ontology.progress(&line(system, branch), limit).await?;
        Ok(found.into_iter().map(CoveragePoint::from).collect())
    }
}
