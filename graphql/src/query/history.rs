//! Questions about what a system was, and what changed.

#![expect(
    clippy::too_many_arguments,
    reason = "the arguments of a field in the schema are those of its function"
)]

use std::collections::BTreeSet;

use async_graphql::{Context, Object};
use ontology::index::Point;
use ontology::{Moment, Ontology, SystemIndex, model};

use super::knowledge::line;
use crate::State;
use crate::connection::{Connection, Page, wants_total};
use crate::error::Result;
use crate::limits::page_cost;
use crate::lists::{HistoryFilter, TimeOrder};
use crate::nodes::{ChangeSet, CoveragePoint, Difference, MomentInput};

/// The change sets of these numbers, oldest first: those that follow one another are read at once.
async fn changes(
    ontology: &Ontology,
    system: &str,
    state: &SystemIndex,
    wanted: &BTreeSet<i64>,
) -> Result<Vec<model::ChangeSet>> {
    let Some((first, last)) = wanted.first().zip(wanted.last()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut run: Option<(i64, usize)> = None;
    for number in state.points().map(|(number, _)| number).skip_while(|number| number < first) {
        match (wanted.contains(&number), run) {
            (true, Some((start, length))) => run = Some((start, length + 1)),
            (true, None) => run = Some((number, 1)),
            (false, _) => {
                if let Some((start, length)) = run.take() {
                    found.extend(ontology.history_page(system, start - 1, length).await?);
                }
            }
        }
        if number >= *last {
            break;
        }
    }
    if let Some((start, length)) = run {
        found.extend(ontology.history_page(system, start - 1, length).await?);
    }
    Ok(found)
}

#[derive(Default)]
pub(crate) struct History;

#[Object(name = "HistoryQuery")]
impl History {
    /// The change sets of a system, newest first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        filter: Option<HistoryFilter>,
        order_by: Option<TimeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<ChangeSet>> {
        let ontology = &ctx.data::<State>()?.ontology;
        let system = line(system, branch);
        let page = Page::new(first, after)?;
        let after = page.after_number()?;
        let state = ontology.snapshot(&system)?;
        let is_wanted = |point: &Point| filter.as_ref().is_none_or(|filter| filter.holds(point));
        let points = || state.points().filter(|(_, point)| is_wanted(point)).map(|(number, _)| number);
        let limit = page.first.saturating_add(1);
        let is_newest_first = order_by.unwrap_or_default() == TimeOrder::NewestFirst;
        let wanted: BTreeSet<i64> = match is_newest_first {
            true => points()
                .rev()
                .filter(|number| after.is_none_or(|after| *number < after))
                .take(limit)
                .collect(),
            false => {
                points().filter(|number| after.is_none_or(|after| *number > after)).take(limit).collect()
            }
        };
        let found = changes(ontology, &system, &state, &wanted).await?;
        let items = found.into_iter().map(|change| (change.number.to_string(), ChangeSet::from(change)));
        let mut items: Vec<_> = items.collect();
        if is_newest_first {
            items.reverse();
        }
        Ok(page.of_page(items, if wants_total(ctx) { points().count() } else { 0 }))
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
