//! The quality trail.

use async_graphql::{Context, SimpleObject};
use trail::{Event, Filter, Verification};

use crate::State;
use crate::connection::{Connection, Page, wants_total};
use crate::error::Result;
use crate::limits::COUNT_LIMIT;
use crate::lists::TimeOrder;
use crate::scalar::{Json, Key, Timestamp};

/// An entry of the quality trail.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TrailEvent {
    /// 1, 2, 3, … without gaps.
    pub(crate) position: i64,
    /// What happened, e.g. `task.decided`.
    kind: String,
    /// When.
    at: Timestamp,
    /// Who did it.
    actor: String,
    /// The instance it belongs to.
    instance: Option<Key>,
    /// The BPMN element it belongs to.
    element_id: Option<String>,
    /// What it is about, where that is no instance.
    subject: Option<String>,
    /// The rest, by kind.
    data: Json,
    /// Its hash, over its content and the hash before.
    hash: String,
    /// Hash of the entry before.
    previous_hash: String,
}

impl From<Event> for TrailEvent {
    fn from(event: Event) -> Self {
        Self {
            position: event.position,
            kind: event.content.kind,
            at: Timestamp(event.content.at_ms),
            actor: event.content.actor,
            instance: event.content.instance.map(Key),
            element_id: event.content.element,
            subject: event.content.subject,
            data: Json(event.content.data),
            hash: event.hash,
            previous_hash: event.previous_hash,
        }
    }
}

/// Where the chain breaks first.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TrailBreak {
    /// Position of the first entry that does not fit.
    position: i64,
    /// What does not fit.
    reason: String,
}

/// What checking the chain found.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TrailVerification {
    /// Entries that fit, up to the break if there is one.
    entries: i64,
    /// Hash of the last entry that fits.
    head: String,
    /// The first entry that does not fit.
    broken: Option<TrailBreak>,
}

impl From<Verification> for TrailVerification {
    fn from(found: Verification) -> Self {
        Self {
            entries: found.entries,
            head: found.head,
            broken: found.broken.map(|at| TrailBreak { position: at.position, reason: at.reason }),
        }
    }
}

/// A page of the trail with positions as cursors.
pub(crate) async fn trail_page(
    ctx: &Context<'_>,
    filter: Filter,
    order: Option<TimeOrder>,
    page: &Page,
) -> Result<Connection<TrailEvent>> {
    let trail = &ctx.data::<State>()?.trail;
    let (after, limit) = (page.after_number()?, page.first.saturating_add(1));
    let events = match order.unwrap_or(TimeOrder::OldestFirst) {
        TimeOrder::OldestFirst => trail.read(&filter, after.unwrap_or(0), limit).await?,
        TimeOrder::NewestFirst => trail.read_back(&filter, after.unwrap_or(i64::MAX), limit).await?,
    };
    let total = if !wants_total(ctx) {
        0
    } else if filter == Filter::default() {
        usize::try_from(trail.head().await?).unwrap_or_default()
    } else {
        trail.read(&filter, 0, COUNT_LIMIT).await?.len()
    };
    let items =
        events.into_iter().map(|event| (event.position.to_string(), TrailEvent::from(event))).collect();
    Ok(page.of_page(items, total))
}
