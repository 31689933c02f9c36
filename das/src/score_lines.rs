//! Lines that scores must not cross: when one does, the trail says so, and whoever asked for it is told.
//!
//! A score lies *above* a line where its whole interval does, *below* where its whole interval does, and is *undecided* in
//! between. The interval is a confidence sequence, so however often one looks, a score whose true rate lies on the line is
//! called below (or above) at some time with a probability of at most 5 %. A change is one trail event, committed together
//! with an item in the outbox for each receiver: nobody is told of what did not happen, and nobody who is down misses it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::trail::{Filter, NewEvent, OutboxItem, Trail};
use engine::clock::Clock;
use engine::port::Notice;
use engine::store::{Commit, ScoreCount, ScoreFilter};
use engine::{ProcessEngine, Store};
use scoring::Score;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// The kind of trail event that says that a score crossed a line.
pub const SCORE_CROSSED: &str = "score.crossed";
/// Versions of a subject that are watched, newest first.
const VERSIONS: usize = 50;
/// Entries read at once.
const PAGE: usize = 200;
/// Scores are looked at so long after something ended, together with everything that ended meanwhile.
const PAUSE: Duration = Duration::from_millis(250);

/// A line that a score must not cross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreLine {
    /// `process`, `task`, `prompt`, `tool`, `model`.
    pub kind: String,
    /// Which: a process id, `process id/element id`, the name of a prompt, tool or model.
    pub subject: String,
    /// The success rate, 0 to 1.
    pub line: f64,
    /// Each version of a process or task by itself (the newest 50), instead of all of them together: a new one that is
    /// worse is seen before it has pulled down the whole.
    #[serde(default)]
    pub each_version: bool,
}

/// Where a score lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Its interval holds the line.
    #[default]
    Undecided,
    /// Its whole interval lies above the line.
    Above,
    /// Its whole interval lies below the line.
    Below,
}

impl Side {
    /// On which side of a line a score lies.
    #[must_use]
    pub fn of(score: &Score, line: f64) -> Self {
        if score.high < line {
            Self::Below
        } else if score.low > line {
            Self::Above
        } else {
            Self::Undecided
        }
    }
}

/// Watches scores.
pub struct ScoreLines {
    engine: Arc<dyn ProcessEngine>,
    store: Arc<dyn Store>,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
    lines: Vec<Watched>,
    /// Topics of the outbox that are told.
    topics: Vec<String>,
}

/// A line, and where the scores were when they were last compared with it.
struct Watched {
    line: ScoreLine,
    /// Attempts of the subject that were counted by then.
    attempts: Option<u64>,
    /// By version; the subject as a whole where versions are not watched.
    sides: BTreeMap<Option<i32>, Side>,
}

impl ScoreLines {
    /// Watches these lines and tells the receivers of these topics.
    #[must_use]
    pub fn new(
        engine: Arc<dyn ProcessEngine>,
        store: Arc<dyn Store>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
        (lines, topics): (Vec<ScoreLine>, Vec<String>),
    ) -> Self {
        let watched = |line| Watched { line, attempts: None, sides: BTreeMap::new() };
        Self { engine, store, trail, clock, lines: lines.into_iter().map(watched).collect(), topics }
    }

    /// Looks whenever something has ended, until it is stopped.
    pub async fn follow(mut self, stop: CancellationToken) {
        let mut notices = self.engine.notices();
        loop {
            let begun = Instant::now();
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "scores could not be compared with their lines");
            }
            // Counting the attempts of many versions takes at most a tenth of the time.
            let pause = PAUSE.max(begun.elapsed() * 10);
            loop {
                let notice = tokio::select! {
                    () = stop.cancelled() => return,
                    notice = notices.recv() => notice,
                };
                match notice {
                    Ok(Notice::Ended { .. } | Notice::Changed { .. }) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Compares every score with its line once; gives how many have crossed it.
    ///
    /// # Errors
    /// Where the store or the trail fails.
    pub async fn look(&mut self) -> Result<usize, Error> {
        let mut crossed = 0;
        for place in 0..self.lines.len() {
            let Some(watched) = self.lines.get(place) else { continue };
            let line = watched.line.clone();
            let filter =
                ScoreFilter { subject_kind: Some(line.kind.clone()), subject: Some(line.subject.clone()) };
            let whole = self.store.score_counts(&filter).await?.into_iter().next().unwrap_or_default();
            if watched.attempts == Some(whole.attempts) {
                continue;
            }
            let attempts = whole.attempts;
            let counts = match line.each_version {
                true => self.store.version_counts(&line.kind, &line.subject, VERSIONS).await?,
                false => vec![whole],
            };
            for count in counts {
                crossed += usize::from(self.compare(place, &line, &count).await?);
            }
            if let Some(watched) = self.lines.get_mut(place) {
                watched.attempts = Some(attempts);
            }
        }
        Ok(crossed)
    }

    /// Compares one score with a line; says whether it has crossed it.
    async fn compare(&mut self, place: usize, line: &ScoreLine, count: &ScoreCount) -> Result<bool, Error> {
        let key = key(line, count.version);
        let known = self.lines.get(place).and_then(|watched| watched.sides.get(&count.version).copied());
        let before = match known {
            Some(side) => side,
            None => last_side(self.trail.as_ref(), &key).await?,
        };
        let score = Score::new(count.attempts, count.successes);
        let now = Side::of(&score, line.line);
        if now != before {
            self.tell((line, count.version, key), &score, (before, now)).await?;
        }
        if let Some(watched) = self.lines.get_mut(place) {
            watched.sides.insert(count.version, now);
        }
        Ok(now != before)
    }

    async fn tell(
        &self,
        (line, version, key): (&ScoreLine, Option<i32>, String),
        score: &Score,
        (from, to): (Side, Side),
    ) -> Result<(), Error> {
        let at_ms = self.clock.now_ms();
        let payload = json!({
            "event": SCORE_CROSSED, "at_ms": at_ms, "kind": line.kind, "subject": line.subject, "version": version,
            "line": line.line, "from": from, "to": to, "attempts": score.attempts, "successes": score.successes,
            "average": score.average, "low": score.low, "high": score.high,
        });
        let id = format!("{SCORE_CROSSED} {key} {} {at_ms}", score.attempts);
        let event = NewEvent {
            actor: "das".to_owned(),
            subject: Some(key),
            data: payload.clone(),
            ..NewEvent::new(SCORE_CROSSED, at_ms)
        };
        let items = self.topics.iter().map(|topic| OutboxItem {
            topic: topic.clone(),
            key: format!("{topic} {id}"),
            payload: payload.clone(),
        });
        let commit = Commit { events: vec![event], outbox: items.collect(), ..Commit::default() };
        self.store.commit(commit).await?;
        Ok(())
    }
}

/// What the trail calls a line, or a version's.
fn key(line: &ScoreLine, version: Option<i32>) -> String {
    let version = version.map(|version| format!(" version {version}")).unwrap_or_default();
    format!("{} {}{version} {}", line.kind, line.subject, line.line)
}

/// The side on which a score was last, by the trail.
async fn last_side(trail: &dyn Trail, key: &str) -> Result<Side, Error> {
    let filter = Filter {
        subject: Some(key.to_owned()),
        kind_prefix: Some(SCORE_CROSSED.to_owned()),
        ..Filter::default()
    };
    let (mut after, mut found) = (0, Side::default());
    loop {
        let events =
            trail.read(&filter, after, PAGE).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let Some(last) = events.last() else { return Ok(found) };
        after = last.position;
        found = serde_json::from_value(last.content.data["to"].clone()).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use ::trail::Outbox;
    use engine::clock::ManualClock;
    use engine::port::Attempt;
    use engine::{Embedded, MemoryStore};

    use super::*;

    async fn attempts(store: &MemoryStore, version: Option<i32>, outcomes: &[bool]) {
        let attempt = |success: &bool| Attempt {
            subject_kind: "process".to_owned(),
            subject: "order".to_owned(),
            version,
            success: *success,
            instance: None,
            duration_ms: 1,
            cost: 0.0,
            at_ms: 1,
            actor: "local".to_owned(),
        };
        let attempts = outcomes.iter().map(attempt).collect();
        store.commit(Commit { attempts, ..Commit::default() }).await.unwrap();
    }

    async fn watching(store: &Arc<MemoryStore>, each_version: bool) -> ScoreLines {
        let clock = Arc::new(ManualClock::at(5_000));
        let engine = Arc::new(Embedded::open(store.clone(), clock.clone()).await.unwrap());
        let line =
            ScoreLine { kind: "process".to_owned(), subject: "order".to_owned(), line: 0.8, each_version };
        ScoreLines::new(
            engine,
            store.clone(),
            store.clone(),
            clock,
            (vec![line], vec!["webhook ops".to_owned()]),
        )
    }

    #[tokio::test]
    async fn a_score_that_crosses_its_line_is_told_once_also_after_a_restart() {
        let store = Arc::new(MemoryStore::new());
        let mut lines = watching(&store, false).await;
        assert_eq!(lines.look().await.unwrap(), 0);
        attempts(&store, None, &[true; 60]).await;
        assert_eq!((lines.look().await.unwrap(), lines.look().await.unwrap()), (1, 0));
        attempts(&store, None, &[false; 60]).await;
        // Half of 120: surely below.
        assert_eq!(lines.look().await.unwrap(), 1);
        assert_eq!(watching(&store, false).await.look().await.unwrap(), 0);
        let told = store.pending("webhook ops", 10).await.unwrap();
        let sides: Vec<_> =
            told.iter().map(|told| told.item.payload["to"].as_str().unwrap().to_owned()).collect();
        assert_eq!(sides, ["above", "below"]);
        let filter = Filter { kind_prefix: Some(SCORE_CROSSED.to_owned()), ..Filter::default() };
        assert_eq!(store.read(&filter, 0, 10).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_version_that_crosses_its_line_is_told_though_the_process_as_a_whole_does_not() {
        let store = Arc::new(MemoryStore::new());
        let mut lines = watching(&store, true).await;
        attempts(&store, Some(1), &[true; 400]).await;
        attempts(&store, Some(2), &[false; 20]).await;
        // 400 of 420 lie above the line, so a line of the whole process says nothing of version 2.
        assert_eq!(lines.look().await.unwrap(), 2);
        assert_eq!((lines.look().await.unwrap(), watching(&store, true).await.look().await.unwrap()), (0, 0));
        let told = store.pending("webhook ops", 10).await.unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|told| (told.item.payload["version"].clone(), told.item.payload["to"].clone()))
            .collect();
        assert_eq!(told, [(json!(2), json!("below")), (json!(1), json!("above"))]);
        // A newer version begins on no side.
        attempts(&store, Some(3), &[true; 3]).await;
        assert_eq!(lines.look().await.unwrap(), 0);
        attempts(&store, Some(3), &[false; 20]).await;
        assert_eq!(lines.look().await.unwrap(), 1);
    }
}
