//! What can be followed. Everything starts at a position, so that nothing is missed by who comes back.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Subscription as Subscribe};
use futures::stream::{self, Stream};
use parking_lot::Mutex;
use tokio::sync::watch;
use trail::{Filter, Trail};

use crate::error::Result;
use crate::jobs::Jobs;
use crate::quality::{Progress, Suggestion as Made, TrailEvent, suggestions};
use crate::scalar::Key;
use crate::{Error, State};

/// How often the trail's head is looked at while somebody follows it: one look for all who follow.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How long suggestions rest after they were made.
const SUGGEST_AGAIN: Duration = Duration::from_secs(2);
/// Events read at once.
const BATCH: usize = 200;

/// Tells all who follow the trail that it grew. It looks only while somebody follows.
pub(crate) struct Growth {
    trail: Arc<dyn Trail>,
    head: watch::Sender<i64>,
    looks: Mutex<bool>,
}

impl Growth {
    pub(crate) fn new(trail: Arc<dyn Trail>) -> Self {
        Self { trail, head: watch::Sender::new(0), looks: Mutex::new(false) }
    }

    /// A receiver that wakes whenever the trail grew.
    fn watch(self: &Arc<Self>) -> watch::Receiver<i64> {
        let receiver = self.head.subscribe();
        let mut looks = self.looks.lock();
        if !*looks {
            *looks = true;
            tokio::spawn(Arc::clone(self).look());
        }
        receiver
    }

    async fn look(self: Arc<Self>) {
        loop {
            {
                // Under the lock, so that nobody begins to follow while this ends.
                let mut looks = self.looks.lock();
                if self.head.receiver_count() == 0 {
                    *looks = false;
                    return;
                }
            }
            match self.trail.head().await {
                Ok(head) => {
                    self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
                }
                Err(error) => tracing::warn!(%error, "the head of the trail cannot be read"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Where someone who follows the trail is.
struct Place {
    trail: Arc<dyn Trail>,
    filter: Filter,
    after: i64,
    read: VecDeque<TrailEvent>,
    grown: watch::Receiver<i64>,
    /// Keeps the looking alive.
    growth: Arc<Growth>,
    broken: bool,
}

/// Events after a position that match, then those that come.
fn events(
    state: &State,
    growth: &Arc<Growth>,
    filter: Filter,
    after: i64,
) -> impl Stream<Item = Result<TrailEvent>> + use<> {
    let place = Place {
        trail: Arc::clone(&state.trail),
        filter,
        after: after.max(0),
        read: VecDeque::new(),
        grown: growth.watch(),
        growth: Arc::clone(growth),
        broken: false,
    };
    stream::unfold(place, |mut place| async move {
        loop {
            if place.broken {
                return None;
            }
            if let Some(event) = place.read.pop_front() {
                return Some((Ok(event), place));
            }
            // Marked as seen before reading, so that what is appended in between wakes the next turn.
            let head = *place.grown.borrow_and_update();
            match place.trail.read(&place.filter, place.after, BATCH).await {
                Err(error) => {
                    place.broken = true;
                    return Some((Err(error.into()), place));
                }
                Ok(found) => {
                    match found.last() {
                        Some(last) => place.after = last.position,
                        // Nothing matches up to the head seen before reading: no need to search there again.
                        None => place.after = place.after.max(head),
                    }
                    place.read.extend(found.into_iter().map(TrailEvent::from));
                }
            }
            if place.read.is_empty() {
                // The sender lives in `growth`, which this place holds.
                let _kept = &place.growth;
                if place.grown.changed().await.is_err() {
                    return None;
                }
            }
        }
    })
}

/// What can be followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription;

/// What can be followed.
#[Subscribe]
impl Subscription {
    /// Progress of a job from a position on; nothing is missed after a reconnect.
    async fn bootstrap_progress(
        &self,
        ctx: &Context<'_>,
        job: ID,
        #[graphql(default = 0)] after: i64,
    ) -> Result<impl Stream<Item = Progress> + use<>> {
        let missing = || Error::NotFound { what: "job", id: job.to_string() };
        let entry = ctx.data::<Jobs>()?.get(&job).ok_or_else(missing)?;
        Ok(entry.follow(after))
    }

    /// What happens to an instance, from a trail position on.
    async fn instance_events(
        &self,
        ctx: &Context<'_>,
        instance: Key,
        #[graphql(default = 0)] after: i64,
    ) -> Result<impl Stream<Item = Result<TrailEvent>> + use<>> {
        let state = ctx.data::<State>()?;
        state.engine.instance(instance.0).await?;
        let filter = Filter { instance: Some(instance.0), ..Filter::default() };
        Ok(events(state, ctx.data::<Arc<Growth>>()?, filter, after))
    }

    /// The trail as it grows, from a position on; without one from now on.
    async fn trail_appended(
        &self,
        ctx: &Context<'_>,
        after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<TrailEvent>> + use<>> {
        let state = ctx.data::<State>()?;
        let after = match after {
            Some(after) => after,
            None => state.trail.head().await?,
        };
        Ok(events(state, ctx.data::<Arc<Growth>>()?, Filter::default(), after))
    }

    /// Scores that cross a line of the configuration, from a trail position on; without one from now on.
    async fn score_crossed(
        &self,
        ctx: &Context<'_>,
        after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<TrailEvent>> + use<>> {
        let state = ctx.data::<State>()?;
        let after = match after {
            Some(after) => after,
            None => state.trail.head().await?,
        };
        let kind_prefix = Some(das::score_lines::SCORE_CROSSED.to_owned());
        let filter = Filter { kind_prefix, ..Filter::default() };
        Ok(events(state, ctx.data::<Arc<Growth>>()?, filter, after))
    }

    /// New suggestions of DAS.
    async fn suggestion_made(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<Made>> + use<>> {
        let state = ctx.data::<State>()?.clone();
        let growth = Arc::clone(ctx.data::<Arc<Growth>>()?);
        let known: BTreeSet<String> =
            suggestions(&state).await?.into_iter().map(|made| made.id.to_string()).collect();
        let grown = growth.watch();
        let start = (state, growth, grown, known, VecDeque::<Made>::new());
        Ok(stream::unfold(start, |(state, growth, mut grown, mut known, mut fresh)| async move {
            loop {
                if let Some(made) = fresh.pop_front() {
                    return Some((Ok(made), (state, growth, grown, known, fresh)));
                }
                if grown.changed().await.is_err() {
                    return None;
                }
                // Whatever happens meanwhile is looked at together.
                tokio::time::sleep(SUGGEST_AGAIN).await;
                grown.borrow_and_update();
                match suggestions(&state).await {
                    Ok(all) => fresh.extend(all.into_iter().filter(|made| known.insert(made.id.to_string()))),
                    Err(error) => return Some((Err(error.into()), (state, growth, grown, known, fresh))),
                }
            }
        }))
    }
}
