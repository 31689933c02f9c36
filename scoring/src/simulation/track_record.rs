//! How good past forecasts were, once the cases have ended: coverage of their intervals, where the truth fell in their
//! distributions, and the Brier score of their ends.
//!
//! A forecast is honest where its 80 % intervals hold the truth 80 % of the time, and the truth falls into each tenth of
//! its distribution equally often (probability integral transform, Dawid 1984). Forecasts of one case depend on each
//! other, so each case counts as one: its forecasts share its weight, and intervals are over cases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use crate::{Interval, confidence_sequence};

/// Cases from which a track record means something.
pub const ENOUGH_CASES: usize = 30;
/// Error probability of the intervals.
const DELTA: f64 = 0.05;
/// Intervals whose coverage is shown: (what they promise, lower share, upper share).
const INTERVALS: [(f64, f64, f64); 3] = [(0.5, 0.25, 0.75), (0.8, 0.1, 0.9), (0.95, 0.025, 0.975)];

/// What was said of a running case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The case.
    pub case: i64,
    /// (share, seconds that are left at most), rising.
    pub quantiles: Vec<(f64, f64)>,
    /// (element id of an end, its probability).
    pub ends: Vec<(String, f64)>,
}

impl Said {
    /// What is kept of a forecast.
    #[must_use]
    pub fn of(case: i64, forecast: &Forecast) -> Self {
        let ends = forecast.ends.iter().map(|(id, _, share)| (id.clone(), share.value));
        Self { case, quantiles: forecast.quantiles.clone(), ends: ends.collect() }
    }

    fn at(&self, share: f64) -> Option<f64> {
        self.quantiles.iter().find(|(known, _)| (known - share).abs() < 1e-9).map(|(_, seconds)| *seconds)
    }

    /// Where the truth fell in the distribution, 0 to 1, between the quantiles that are kept.
    fn place(&self, seconds: f64) -> Option<f64> {
        let (first, last) = (self.quantiles.first()?, self.quantiles.last()?);
        if seconds <= first.1 {
            return Some(first.0 / 2.0);
        }
        if seconds > last.1 {
            return Some(f64::midpoint(last.0, 1.0));
        }
        self.quantiles.windows(2).find_map(|pair| match pair {
            [(from, low), (to, high)] if seconds <= *high => {
                let within = if high > low { (seconds - low) / (high - low) } else { 0.5 };
                Some(from + within * (to - from))
            }
            _ => None,
        })
    }
}

/// What turned out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turned {
    /// Seconds that were left.
    pub remaining: f64,
    /// Element id of the end that was reached; `None` where the case was cancelled or failed.
    pub end: Option<String>,
}

/// Coverage of one kind of interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// What the interval promises.
    pub promised: f64,
    /// How often the truth lay in it.
    pub held: f64,
    /// 95 % confidence sequence of that, over cases.
    pub interval: Interval,
}

/// How good past forecasts were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackRecord {
    /// Cases that have ended and were forecast.
    pub cases: usize,
    /// Forecasts of them.
    pub forecasts: usize,
    /// Coverage of the intervals of the remaining time.
    pub coverage: Vec<Coverage>,
    /// Share of truths in each tenth of the distribution, all 0.1 where forecasts are honest.
    pub tenths: [f64; 10],
    /// Mean of the median's error relative to what was left: above 0 where forecasts are too long.
    pub bias: f64,
    /// Brier score of ends, Σ (p − 1[end])², 0 best, 2 worst; `None` where no case has reached an end.
    pub brier: Option<f64>,
    /// The score of always saying how often each end was reached, for comparison.
    pub brier_of_base_rates: Option<f64>,
}

impl TrackRecord {
    /// Measures forecasts whose truth is known; `None` without any.
    #[must_use]
    pub fn measure(pairs: &[(Said, Turned)]) -> Option<Self> {
        let mut of_case: BTreeMap<i64, f64> = BTreeMap::new();
        for (said, _) in pairs {
            *of_case.entry(said.case).or_default() += 1.0;
        }
        let cases = of_case.len();
        if cases == 0 {
            return None;
        }
        let weight = |said: &Said| 1.0 / of_case.get(&said.case).copied().unwrap_or(1.0);
        // A cancelled case says nothing about how long it would have taken.
        let timed = || pairs.iter().filter(|(_, turned)| turned.end.is_some());
        let whole: f64 = timed().map(|(said, _)| weight(said)).sum();
        let mean = |value: &dyn Fn(&Said, &Turned) -> f64| {
            timed().map(|(said, turned)| weight(said) * value(said, turned)).sum::<f64>()
                / whole.max(f64::MIN_POSITIVE)
        };
        let coverage = INTERVALS.iter().map(|(promised, low, high)| {
            let held = mean(&|said, turned| {
                let within = said.at(*low).zip(said.at(*high));
                let holds =
                    within.is_some_and(|(low, high)| low <= turned.remaining && turned.remaining <= high);
                f64::from(u8::from(holds))
            });
            Coverage { promised: *promised, held, interval: confidence_sequence(held * whole, whole, DELTA) }
        });
        let mut tenths = [0.0; 10];
        for (said, turned) in timed() {
            let Some(place) = said.place(turned.remaining) else { continue };
            if let Some(tenth) = tenths.get_mut(((place * 10.0) as usize).min(9)) {
                *tenth += weight(said) / whole.max(f64::MIN_POSITIVE);
            }
        }
        let coverage = coverage.collect();
        let bias = mean(&|said, turned| {
            let median = said.at(0.5).unwrap_or_default();
            (median - turned.remaining) / turned.remaining.max(1.0)
        });
        let (brier, brier_of_base_rates) = brier(pairs, &weight);
        Some(Self { cases, forecasts: pairs.len(), coverage, tenths, bias, brier, brier_of_base_rates })
    }

    /// Whether there are enough cases to believe it.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.cases >= ENOUGH_CASES
    }
}

/// The score of what was said, and that of the base rates.
fn brier(pairs: &[(Said, Turned)], weight: &dyn Fn(&Said) -> f64) -> (Option<f64>, Option<f64>) {
    let mut rates: BTreeMap<&str, f64> = BTreeMap::new();
    let mut whole = 0.0;
    let reached = || pairs.iter().filter_map(|(said, turned)| Some((said, turned.end.as_deref()?)));
    for (said, end) in reached() {
        *rates.entry(end).or_default() += weight(said);
        whole += weight(said);
    }
    if whole <= 0.0 {
        return (None, None);
    }
    rates.values_mut().for_each(|rate| *rate /= whole);
    let score = |share: &dyn Fn(&Said, &str) -> f64| {
        let of_one = |said: &Said, end: &str| {
            let mut ends: Vec<&str> = said.ends.iter().map(|(id, _)| id.as_str()).collect();
            ends.extend(rates.keys().copied().filter(|known| !said.ends.iter().any(|(id, _)| id == known)));
            let error = |id: &str| (share(said, id) - f64::from(u8::from(id == end))).powi(2);
            ends.into_iter().map(error).sum::<f64>()
        };
        reached().map(|(said, end)| weight(said) * of_one(said, end)).sum::<f64>() / whole
    };
    let said = |said: &Said, id: &str| {
        said.ends.iter().find(|(known, _)| known == id).map_or(0.0, |(_, share)| *share)
    };
    let base = |_: &Said, id: &str| rates.get(id).copied().unwrap_or_default();
    (Some(score(&said)), Some(score(&base)))
}
