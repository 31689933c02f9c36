//! Two or more versions of a process side by side: which one a start takes, by how well each has done.
//!
//! A trial is set by a person and stands in the trail; while it lasts, a start that names the process alone takes a
//! version by Thompson sampling with a floor (`scoring::pick`) on the attempts since the trial began, seeded by the
//! instance. Which version was taken, and on what numbers, is written into the trail beside the instance.

use std::collections::BTreeMap;

use ::trail::{Filter, NewEvent, Trail};
use engine::Store;
use scoring::{Address, MAX_VARIANTS, Score, Stream, Tried, pick, probability_best_variant};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;

const SET: &str = "version_trial.set";
const ENDED: &str = "version_trial.ended";
/// The kind of trail event that says which version a start took.
pub const VERSION_CHOSEN: &str = "version.chosen";
/// Newest attempts that are looked at.
const ATTEMPTS_LIMIT: usize = 10_000;
/// Entries read at once.
const PAGE: usize = 200;

/// Versions side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionTrial {
    /// The process.
    pub process_id: String,
    /// Its versions that are tried.
    pub versions: Vec<i32>,
    /// Least probability with which each is taken.
    pub floor: f64,
    /// When it began, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Who set it.
    pub actor: String,
}

/// How a version does in a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Rival {
    /// The version.
    pub version: i32,
    /// Its attempts since the trial began.
    pub score: Score,
    /// Probability that it is the best one.
    pub probability_best: f64,
}

/// Sets a trial, in the place of an earlier one.
///
/// # Errors
/// [`Error::Trial`] for fewer than two or too many versions, one twice, or a floor that leaves nothing to choose; and
/// where the trail fails.
pub async fn set(
    trail: &dyn Trail,
    process_id: &str,
    versions: Vec<i32>,
    floor: f64,
    (actor, now_ms): (&str, i64),
) -> Result<VersionTrial, Error> {
    let refused = |why: String| Error::Trial { process: process_id.to_owned(), why };
    let mut distinct = versions.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != versions.len() || !(2..=MAX_VARIANTS).contains(&versions.len()) {
        return Err(refused(format!("it takes 2 to {MAX_VARIANTS} different versions")));
    }
    if !(0.0..=1.0 / versions.len() as f64).contains(&floor) {
        return Err(refused(format!(
            "a floor of {floor} for each of {} versions leaves nothing to choose",
            versions.len()
        )));
    }
    let actor = actor.to_owned();
    let made = VersionTrial { process_id: process_id.to_owned(), versions, floor, since_ms: now_ms, actor };
    append(trail, SET, &made, now_ms).await?;
    Ok(made)
}

/// Ends a trial; false where there was none.
///
/// # Errors
/// Where the trail fails.
pub async fn end(trail: &dyn Trail, process_id: &str, (actor, now_ms): (&str, i64)) -> Result<bool, Error> {
    let Some(found) = current(trail, process_id).await? else { return Ok(false) };
    append(trail, ENDED, &VersionTrial { actor: actor.to_owned(), ..found }, now_ms).await?;
    Ok(true)
}

async fn append(trail: &dyn Trail, kind: &str, found: &VersionTrial, now_ms: i64) -> Result<(), Error> {
    let event = NewEvent {
        actor: found.actor.clone(),
        subject: Some(found.process_id.clone()),
        data: json!(found),
        ..NewEvent::new(kind, now_ms)
    };
    trail.append(vec![event]).await.map_err(|error| Error::Stopped(error.to_string()))?;
    Ok(())
}

/// The trial that a process is in.
///
/// # Errors
/// Where the trail fails.
pub async fn current(trail: &dyn Trail, process_id: &str) -> Result<Option<VersionTrial>, Error> {
    let filter = Filter {
        subject: Some(process_id.to_owned()),
        kind_prefix: Some("version_trial.".to_owned()),
        ..Filter::default()
    };
    let (mut after, mut found) = (0, None);
    loop {
        let events =
            trail.read(&filter, after, PAGE).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let Some(last) = events.last() else { return Ok(found) };
        after = last.position;
        found = if last.content.kind == SET {
            serde_json::from_value(last.content.data.clone()).ok()
        } else {
            None
        };
    }
}

/// How the versions of a trial do.
///
/// # Errors
/// Where the store fails.
pub async fn rivals(store: &dyn Store, found: &VersionTrial) -> Result<Vec<Rival>, Error> {
    let tried = tried(store, found).await?;
    let best = probability_best_variant(&tried);
    let rivals = found.versions.iter().zip(tried.iter().zip(best));
    Ok(rivals
        .map(|(version, (tried, probability_best))| Rival {
            version: *version,
            score: Score::new(tried.attempts, tried.successes),
            probability_best,
        })
        .collect())
}

async fn tried(store: &dyn Store, found: &VersionTrial) -> Result<Vec<Tried>, Error> {
    let attempts = store.attempts("process", &found.process_id, ATTEMPTS_LIMIT).await?;
    let mut by_version: BTreeMap<i32, Tried> = BTreeMap::new();
    for attempt in attempts.iter().filter(|attempt| attempt.at_ms >= found.since_ms) {
        let Some(version) = attempt.version else { continue };
        let tried = by_version.entry(version).or_default();
        tried.attempts += 1;
        tried.successes += u64::from(attempt.success);
    }
    Ok(found.versions.iter().map(|version| by_version.get(version).copied().unwrap_or_default()).collect())
}

/// Which version a start takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The version.
    pub version: i32,
    /// What goes into the trail once the instance has its key.
    event: NewEvent,
}

impl Chosen {
    /// The trail event that says so of this instance.
    #[must_use]
    pub fn of(self, instance: i64) -> NewEvent {
        NewEvent { instance: Some(instance), ..self.event }
    }
}

/// Takes a version for a start with this seed; `None` where the process is in no trial.
///
/// # Errors
/// Where the store or the trail fails.
pub async fn choose(
    store: &dyn Store,
    trail: &dyn Trail,
    process_id: &str,
    (seed, now_ms): (u64, i64),
) -> Result<Option<Chosen>, Error> {
    let Some(found) = current(trail, process_id).await? else { return Ok(None) };
    let tried = tried(store, &found).await?;
    let mut stream = Stream::at(Address { seed, element: "version trial", visit: 0, sample: 0 });
    let refused = |why: scoring::Error| Error::Trial { process: process_id.to_owned(), why: why.to_string() };
    let taken = pick(&tried, found.floor, &mut stream).map_err(refused)?;
    let Some(version) = found.versions.get(taken.variant).copied() else { return Ok(None) };
    let rivals: Vec<_> = found
        .versions
        .iter()
        .zip(&tried)
        .map(|(version, tried)| json!({"version": version, "attempts": tried.attempts, "successes": tried.successes}))
        .collect();
    let event = NewEvent {
        actor: "das".to_owned(),
        subject: Some(process_id.to_owned()),
        data: json!({
            "version": version, "explored": taken.explored, "seed": seed.to_string(), "floor": found.floor,
            "rivals": rivals,
        }),
        ..NewEvent::new(VERSION_CHOSEN, now_ms)
    };
    Ok(Some(Chosen { version, event }))
}

#[cfg(test)]
mod tests {
    use engine::MemoryStore;
    use engine::port::Attempt;
    use engine::store::Commit;

    use super::*;

    async fn tried_out(store: &MemoryStore, version: i32, outcomes: &[bool]) {
        let attempt = |success: &bool| Attempt {
            subject_kind: "process".to_owned(),
            subject: "order".to_owned(),
            version: Some(version),
            success: *success,
            instance: None,
            duration_ms: 1,
            cost: 0.0,
            at_ms: 2_000,
            actor: "local".to_owned(),
        };
        let attempts = outcomes.iter().map(attempt).collect();
        store.commit(Commit { attempts, ..Commit::default() }).await.unwrap();
    }

    #[tokio::test]
    async fn starts_go_to_the_version_that_does_better_and_the_trail_says_why() {
        let store = MemoryStore::new();
        assert_eq!(choose(&store, &store, "order", (1, 0)).await.unwrap(), None);
        let trial = set(&store, "order", vec![1, 2], 0.05, ("mia", 1_000)).await.unwrap();
        tried_out(&store, 1, &[true; 30]).await;
        tried_out(&store, 2, &[false; 30]).await;
        let mut first = 0;
        for seed in 0..200 {
            let chosen = choose(&store, &store, "order", (seed, 3_000)).await.unwrap().unwrap();
            assert_eq!(chosen, choose(&store, &store, "order", (seed, 3_000)).await.unwrap().unwrap());
            first += u32::from(chosen.version == 1);
        }
        // All but the floor of the other.
        assert!((180..200).contains(&first), "{first}");
        let rivals = rivals(&store, &trial).await.unwrap();
        assert!(rivals[0].probability_best > 0.999 && rivals[1].score.attempts == 30, "{rivals:?}");
        let chosen = choose(&store, &store, "order", (7, 3_000)).await.unwrap().unwrap();
        let event = chosen.of(42);
        assert_eq!(
            (event.instance, event.kind.as_str(), event.data["rivals"][1]["successes"].as_u64()),
            (Some(42), VERSION_CHOSEN, Some(0))
        );
    }

    #[tokio::test]
    async fn a_trial_ends_and_nonsense_is_refused() {
        let store = MemoryStore::new();
        for (versions, floor) in [(vec![1], 0.05), (vec![1, 1], 0.05), (vec![1, 2], 0.6), (vec![1, 2], -0.1)]
        {
            let refused = set(&store, "order", versions, floor, ("mia", 0)).await.unwrap_err();
            assert_eq!(refused.code(), "DAS-0041");
        }
        assert!(!end(&store, "order", ("mia", 0)).await.unwrap());
        set(&store, "order", vec![1, 2], 0.05, ("mia", 0)).await.unwrap();
        assert!(
            current(&store, "order").await.unwrap().is_some()
                && current(&store, "other").await.unwrap().is_none()
        );
        assert!(end(&store, "order", ("mia", 1)).await.unwrap());
        assert_eq!(current(&store, "order").await.unwrap(), None);
    }
}
