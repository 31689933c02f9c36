//! What is measured in a replication: one number for each measure.

use serde::Serialize;

use super::estimate::quantile;
use super::model::Model;
use super::replication::Replication;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// The declared currency.
    Money,
    /// A part of one.
    Share,
    /// A number of things.
    Count,
}

/// One measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// What: `duration`, `duration p90`, `tail`, `cvar p95`, `cost`, `waiting`, `end`, `visits`, `wait`, `utilisation`,
    /// `queue`.
    pub what: &'static str,
    /// Of which element, end or resource, by id; empty for the process.
    pub of: String,
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
}

/// Percentiles of the duration.
const PERCENTILES: [(&str, f64); 4] =
    [("duration p50", 0.5), ("duration p90", 0.9), ("duration p95", 0.95), ("duration p99", 0.99)];
/// The percentile beyond which the mean is the tail risk.
const TAIL: f64 = 0.95;

/// All measures of a model, in the order of [`values`]. `limit`: the duration beyond which a case is late, in seconds.
pub(super) fn measures(model: &Model, limit: Option<f64>) -> Vec<Measure> {
    let whole = |what, unit| Measure { what, of: String::new(), name: String::new(), unit };
    let mut found = vec![whole("duration", Unit::Seconds)];
    found.extend(PERCENTILES.iter().map(|(what, _)| whole(what, Unit::Seconds)));
    found.push(whole("cvar p95", Unit::Seconds));
    if limit.is_some() {
        found.push(whole("tail", Unit::Share));
    }
    found.push(whole("cost", Unit::Money));
    found.push(whole("waiting", Unit::Seconds));
    let each =
        |what, of: &str, name: &str, unit| Measure { what, of: of.to_owned(), name: name.to_owned(), unit };
    found.extend(model.ends.iter().map(|(id, name)| each("end", id, name, Unit::Share)));
    for activity in &model.activities {
        found.push(each("visits", &activity.id, &activity.name, Unit::Count));
        found.push(each("wait", &activity.id, &activity.name, Unit::Seconds));
    }
    for resource in &model.resources {
        found.push(each("utilisation", &resource.id, &resource.name, Unit::Share));
        found.push(each("queue", &resource.id, &resource.name, Unit::Count));
    }
    found
}

/// The measures of one replication; not finite where there is nothing to measure.
pub(super) fn values(model: &Model, replication: &mut Replication, limit: Option<f64>) -> Vec<f64> {
    let n = replication.cases as f64;
    let durations = &mut replication.durations;
    let mean = durations.iter().sum::<f64>() / n;
    let late = limit.map(|limit| durations.iter().filter(|duration| **duration > limit).count() as f64 / n);
    durations.sort_unstable_by(f64::total_cmp);
    let mut found = vec![mean];
    found.extend(PERCENTILES.iter().map(|(_, share)| quantile(durations, *share)));
    let from = (TAIL * n).floor() as usize;
    let tail = durations.get(from..).unwrap_or_default();
    found.push(tail.iter().sum::<f64>() / tail.len() as f64);
    found.extend(late);
    found.push(replication.cost / n);
    found.push(replication.waited / n);
    found.extend(replication.ends.iter().map(|count| *count as f64 / (n + replication.stuck as f64)));
    for totals in &replication.activities {
        found.push(totals.visits as f64 / n);
        found.push(totals.waited / totals.visits as f64);
    }
    for (place, (resource, busy)) in model.resources.iter().zip(&replication.busy).enumerate() {
        let open = resource.calendar.as_ref().map_or(1.0, super::Calendar::open_share);
        found.push(busy / (replication.window * f64::from(resource.capacity) * open));
        let at_resource = |activity: &&super::Activity| activity.resource.map(usize::from) == Some(place);
        let waited: f64 = model
            .activities
            .iter()
            .zip(&replication.activities)
            .filter(|(activity, _)| at_resource(activity))
            .map(|(_, totals)| totals.waited)
            .sum();
        // Little's law: mean queue = arrivals a second × mean wait.
        found.push(waited / replication.window);
    }
    found
}
