//! What matters: which parameter moves the mean duration, and what one more unit of a resource is worth.

use serde::Serialize;

use super::compare::compare;
use super::estimate::Estimate;
use super::model::Model;
use super::model::mean_factor;
use crate::credible;

/// A parameter without observations is moved by this part of itself.
const STEP: f64 = 0.1;

/// A bar of the tornado: the mean duration at the low and the high end of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Influence {
    /// Element id.
    pub of: String,
    /// The parameter, e.g. `duration of Assess` or `share of refused at Decide`.
    pub parameter: String,
    /// The parameter's low and high value: the ends of its 90 % interval where it was observed, ±10 % where not.
    pub range: (f64, f64),
    /// True where the range comes from observations.
    pub observed: bool,
    /// Change of the mean duration in seconds at the low and at the high end.
    pub change: (f64, f64),
}

/// What one more unit of a resource changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowPrice {
    /// The resource.
    pub of: String,
    /// Its name.
    pub name: String,
    /// Change of the mean duration of a case in seconds (negative: shorter).
    pub duration: Estimate,
}

/// Bars of the tornado, the longest first. Every pair of runs uses common random numbers.
#[must_use]
pub fn tornado(model: &Model, seed: u64, size: (usize, u32, u32)) -> Vec<Influence> {
    let mut found = Vec::new();
    let change = |variant: &Model| {
        let base = fixed(model);
        let found = compare(&base, &fixed(variant), seed, size, None);
        found.differences.first().map_or(0.0, |first| first.difference.value)
    };
    for place in 0..model.activities.len() {
        let activity = &model.activities[place];
        let mean = activity.law.mean();
        if mean <= 0.0 {
            continue;
        }
        let factors = activity.observed.map_or((1.0 - STEP, 1.0 + STEP), |observed| {
            (mean_factor(&activity.law, observed, 0.05), mean_factor(&activity.law, observed, 0.95))
        });
        let with = |factor: f64| {
            let mut variant = model.clone();
            variant.activities[place].law = activity.law.scaled(factor);
            change(&variant)
        };
        found.push(Influence {
            of: activity.id.clone(),
            parameter: format!("duration of {}", activity.name),
            range: (mean * factors.0, mean * factors.1),
            observed: activity.observed.is_some(),
            change: (with(factors.0), with(factors.1)),
        });
    }
    let by_share = |(_, choice): &(usize, &super::Choice)| choice.rule.is_none();
    for (place, choice) in model.choices.iter().enumerate().filter(by_share) {
        // Of two ways one says it all.
        let ways = if choice.shares.len() == 2 { 1 } else { choice.shares.len() };
        for way in 0..ways {
            let share = choice.shares[way];
            let range = match &choice.counts {
                Some(counts) => {
                    let (k, n) = (counts[way], counts.iter().sum::<f64>());
                    let interval = credible(k + 1.0, n - k + counts.len() as f64 - 1.0, 0.1);
                    (interval.low, interval.high)
                }
                None => ((share * (1.0 - STEP)).max(0.0), (share * (1.0 + STEP)).min(1.0)),
            };
            let with = |value: f64| {
                let mut variant = model.clone();
                let rest = (1.0 - value) / (1.0 - share).max(1e-12);
                let shares: Vec<f64> = choice
                    .shares
                    .iter()
                    .enumerate()
                    .map(|(i, p)| if i == way { value } else { p * rest })
                    .collect();
                variant.choices[place].set_shares(&shares);
                change(&variant)
            };
            found.push(Influence {
                of: choice.id.clone(),
                parameter: format!("share of {} at {}", choice.labels[way], choice.name),
                range,
                observed: choice.counts.is_some(),
                change: (with(range.0), with(range.1)),
            });
        }
    }
    let length = |influence: &Influence| (influence.change.0 - influence.change.1).abs();
    found.sort_by(|a, b| length(b).total_cmp(&length(a)));
    found
}

/// What one more unit of each resource changes, the most valuable first; empty where cases do not meet.
#[must_use]
pub fn shadow_prices(model: &Model, seed: u64, size: (usize, u32, u32)) -> Vec<ShadowPrice> {
    if !model.is_contended() {
        return Vec::new();
    }
    let base = fixed(model);
    let mut found: Vec<ShadowPrice> = (0..model.resources.len())
        .filter_map(|place| {
            let mut variant = base.clone();
            variant.resources[place].capacity += 1;
            let differences = compare(&base, &variant, seed, size, None).differences;
            let resource = &model.resources[place];
            let duration = differences.first()?.difference;
            Some(ShadowPrice { of: resource.id.clone(), name: resource.name.clone(), duration })
        })
        .collect();
    found.sort_by(|a, b| a.duration.value.total_cmp(&b.duration.value));
    found
}

/// The model with every parameter taken as given.
fn fixed(model: &Model) -> Model {
    let mut model = model.clone();
    model.choices.iter_mut().for_each(|choice| choice.counts = None);
    model.activities.iter_mut().for_each(|activity| activity.observed = None);
    model
}
