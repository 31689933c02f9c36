//! What was forecast, in the trail, and how it turned out.

use std::collections::{BTreeMap, HashMap};

use ::trail::{Filter, NewEvent, Trail};
use engine::Store;
use engine::port::{Instance, InstanceFilter, Status};
use scoring::simulation::{Said, TrackRecord, Turned};
use serde_json::{Value, json};

use super::CaseForecast;
use crate::error::Error;

/// The kind of trail event that keeps a forecast.
pub const FORECAST_MADE: &str = "forecast.made";
/// Forecasts that are looked at.
const FORECASTS_LIMIT: usize = 100_000;
/// Ended cases whose truth is looked up.
const CASES_LIMIT: usize = 5_000;
/// Entries read at once.
const PAGE: usize = 1_000;

/// How good past forecasts were.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackRecordOf {
    /// All of them; none where no forecast case has ended yet.
    pub all: Option<TrackRecord>,
    /// The first forecast of each case alone, made at its start.
    pub at_start: Option<TrackRecord>,
    /// Forecasts whose cases still run.
    pub open: usize,
}

/// The trail event that keeps a forecast.
pub(super) fn event(case: &Instance, made: &CaseForecast) -> NewEvent {
    let forecast = &made.forecast;
    let ends: BTreeMap<&str, f64> =
        forecast.ends.iter().map(|(id, _, share)| (id.as_str(), share.value)).collect();
    NewEvent {
        actor: "das".to_owned(),
        instance: Some(case.key),
        definition: Some(case.definition),
        subject: Some(case.process_id.clone()),
        data: json!({
            "at": made.at, "quantiles": forecast.quantiles, "mean": forecast.remaining.value, "ends": ends,
            "runs": forecast.runs, "seed": made.seed.to_string(), "recorded_cases": made.recorded_cases,
        }),
        ..NewEvent::new(FORECAST_MADE, made.made_ms)
    }
}

/// A forecast as the trail keeps it, with the time at which it was made.
struct Kept {
    said: Said,
    made_ms: i64,
}

/// How good past forecasts were: of one process, or of all.
///
/// # Errors
/// Where the store or the trail fails.
pub async fn track_record(
    store: &dyn Store,
    trail: &dyn Trail,
    process_id: Option<&str>,
) -> Result<TrackRecordOf, Error> {
    let mut by_case: BTreeMap<i64, Vec<Kept>> = BTreeMap::new();
    let filter = Filter {
        subject: process_id.map(str::to_owned),
        kind_prefix: Some(FORECAST_MADE.to_owned()),
        ..Filter::default()
    };
    let (mut after, mut read) = (0, 0);
    while read < FORECASTS_LIMIT {
        let events =
            trail.read(&filter, after, PAGE).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let Some(last) = events.last() else { break };
        after = last.position;
        read += events.len();
        for event in &events {
            let Some(case) = event.content.instance else { continue };
            if let Some(said) = said(case, &event.content.data) {
                by_case.entry(case).or_default().push(Kept { said, made_ms: event.content.at_ms });
            }
        }
    }
    let ended = ended(store, process_id, &by_case).await?;
    let (mut all, mut at_start, mut open, mut looked) = (Vec::new(), Vec::new(), 0, 0);
    for (case, kept) in by_case.into_iter().rev() {
        let Some(instance) = ended.get(&case) else {
            open += kept.len();
            continue;
        };
        looked += 1;
        if looked > CASES_LIMIT {
            break;
        }
        let Some(ended_ms) = instance.ended_ms else { continue };
        let end = match instance.status {
            Status::Completed | Status::Failed => reached(trail, case).await?,
            _ => None,
        };
        for (place, kept) in kept.into_iter().enumerate() {
            let remaining = (ended_ms - kept.made_ms).max(0) as f64 / 1_000.0;
            let known = end.clone().filter(|end| kept.said.ends.iter().any(|(id, _)| id == end));
            let pair = (kept.said, Turned { remaining, end: known });
            if place == 0 {
                at_start.push(pair.clone());
            }
            all.push(pair);
        }
    }
    Ok(TrackRecordOf { all: TrackRecord::measure(&all), at_start: TrackRecord::measure(&at_start), open })
}

fn said(case: i64, data: &Value) -> Option<Said> {
    let quantiles: Vec<(f64, f64)> = serde_json::from_value(data["quantiles"].clone()).ok()?;
    let ends: BTreeMap<String, f64> = serde_json::from_value(data["ends"].clone()).ok()?;
    Some(Said { case, quantiles, ends: ends.into_iter().collect() })
}

/// The instances of these cases that have ended, by key.
async fn ended(
    store: &dyn Store,
    process_id: Option<&str>,
    cases: &BTreeMap<i64, Vec<Kept>>,
) -> Result<HashMap<i64, Instance>, Error> {
    let mut found = HashMap::new();
    let (Some(first), Some(last)) = (cases.keys().next(), cases.keys().next_back()) else { return Ok(found) };
    let mut filter = InstanceFilter {
        process_id: process_id.map(str::to_owned),
        before: last.checked_add(1),
        limit: PAGE,
        ..InstanceFilter::default()
    };
    loop {
        let page = store.instances(&filter).await?;
        let Some(oldest) = page.last().map(|instance| instance.key) else { return Ok(found) };
        filter.before = Some(oldest);
        found.extend(
            page.into_iter()
                .filter(|instance| !instance.status.is_open() && cases.contains_key(&instance.key))
                .map(|instance| (instance.key, instance)),
        );
        if oldest <= *first {
            return Ok(found);
        }
    }
}

/// The end event that a case came to last.
async fn reached(trail: &dyn Trail, case: i64) -> Result<Option<String>, Error> {
    let filter = Filter {
        instance: Some(case),
        kind_prefix: Some("element.activated".to_owned()),
        ..Filter::default()
    };
    let (mut after, mut found) = (0, None);
    loop {
        let events =
            trail.read(&filter, after, PAGE).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let Some(last) = events.last() else { return Ok(found) };
        after = last.position;
        let mut latest_first = events.into_iter().rev();
        let end = latest_first.find(|event| event.content.data["kind"] == "endEvent");
        found = end.and_then(|event| event.content.element).or(found);
    }
}
