//! Two versions of a process under the same random numbers.

use serde::Serialize;

use super::estimate::{Estimate, student_below};
use super::measure::{Measure, measures, values};
use super::model::Model;
use super::replication::replicate;

/// One measure in both versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The measure.
    pub measure: Measure,
    /// In the first version.
    pub first: f64,
    /// In the second version.
    pub second: f64,
    /// Second minus first.
    pub difference: Estimate,
    /// Probability that the second is lower, given what was observed and simulated.
    pub probability_lower: f64,
}

/// How two versions differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Measures that both versions have.
    pub differences: Vec<Difference>,
    /// Cases of each version.
    pub cases: u64,
    /// By how much the variance of the mean duration's difference is smaller than with independent random numbers.
    pub variance_ratio: f64,
}

/// Simulates both versions with `replications` × `cases` cases each: case k of both meets the same luck at elements with
/// the same id, so that only what was changed makes the difference.
#[must_use]
pub fn compare(
    first: &Model,
    second: &Model,
    seed: u64,
    (replications, cases, warm_up): (usize, u32, u32),
    limit: Option<f64>,
) -> Comparison {
    let uncertain = first.is_uncertain() || second.is_uncertain();
    let rows = |model: &Model| -> Vec<Vec<f64>> {
        (0..replications as u64)
            .map(|number| {
                let drawn = model.drawn(seed, number / 2);
                let mut run = replicate(&drawn, seed, number, cases, warm_up);
                values(&drawn, &mut run, limit)
            })
            .collect()
    };
    let (a, b) = (rows(first), rows(second));
    let (names, others) = (measures(first, limit), measures(second, limit));
    let column = |rows: &[Vec<f64>], place: usize| -> Vec<f64> {
        rows.iter().map(|row| row.get(place).copied().unwrap_or(f64::NAN)).collect()
    };
    let mut variance_ratio = f64::NAN;
    let mut differences = Vec::new();
    for (place, measure) in names.into_iter().enumerate() {
        let same = |other: &&Measure| other.what == measure.what && other.of == measure.of;
        let Some(there) = others.iter().position(|other| same(&other)) else { continue };
        let (x, y) = (column(&a, place), column(&b, there));
        let d: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - x).collect();
        let finite = d.iter().filter(|d| d.is_finite()).count();
        if finite < 2 {
            continue;
        }
        if measure.what == "duration" {
            variance_ratio = (variance(&x) + variance(&y)) / variance(&d);
        }
        let difference = Estimate::over(&d, uncertain);
        let probability_lower = if uncertain {
            // Each pair is a draw of the parameters: how often the second is lower.
            let pairs: Vec<f64> = d.chunks(2).map(|pair| pair.iter().sum()).collect();
            let lower = pairs.iter().filter(|sum| **sum < 0.0).count() as f64;
            (lower + 0.5) / (pairs.len() as f64 + 1.0)
        } else {
            let error = (variance(&d) / finite as f64).sqrt();
            if error > 0.0 {
                student_below(-difference.value / error, finite as f64 - 1.0)
            } else {
                0.5 - 0.5 * difference.value.partial_cmp(&0.0).map_or(0.0, |order| f64::from(order as i8))
            }
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        differences.push(Difference {
            first: mean(&x),
            second: mean(&y),
            difference,
            probability_lower,
            measure,
        });
    }
    Comparison { differences, cases: replications as u64 * u64::from(cases), variance_ratio }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)
}
