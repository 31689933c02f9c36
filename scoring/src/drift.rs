//! Whether the second half of the samples looks like the first: the rules assume that it does.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::Tally;

/// Fewer samples than this say nothing about drift.
const FEWEST: usize = 20;
/// Chance of a false alarm.
const ALARM: f64 = 0.01;

/// The χ² comparison of first and second half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Chance of a difference at least this large where the shares did not change.
    pub p_value: f64,
    /// True below 1 %: the source changed while it was sampled, the intervals do not hold.
    pub suspected: bool,
}

/// Compares the halves; `None` below 20 samples or where there is only one outcome.
#[must_use]
pub fn drift(tally: &Tally) -> Option<Drift> {
    let sequence = tally.sequence();
    if sequence.len() < FEWEST {
        return None;
    }
    let half = sequence.len() / 2;
    let mut table = vec![[0.0_f64; 2]; tally.labels().len()];
    for (at, &place) in sequence.iter().enumerate() {
        let side = usize::from(at >= half);
        if let Some(cell) = table.get_mut(usize::from(place)).and_then(|row| row.get_mut(side)) {
            *cell += 1.0;
        }
    }
    // Rare labels are pooled: χ² is not reliable with expected counts below five.
    let (mut rows, rare): (Vec<_>, Vec<_>) = table.into_iter().partition(|row| row[0] + row[1] >= 10.0);
    let pooled = rare.iter().fold([0.0, 0.0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
    if pooled[0] + pooled[1] > 0.0 {
        rows.push(pooled);
    }
    if rows.len() < 2 {
        return None;
    }
    let totals = rows.iter().fold([0.0, 0.0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
    let all = totals[0] + totals[1];
    let statistic: f64 = rows
        .iter()
        .flat_map(|row| {
            [0, 1].map(|side| {
                let expected = (row[0] + row[1]) * totals[side] / all;
                (row[side] - expected).powi(2) / expected
            })
        })
        .sum();
    let p_value = ChiSquared::new(rows.len() as f64 - 1.0).map_or(1.0, |chi| chi.sf(statistic));
    Some(Drift { p_value, suspected: p_value < ALARM })
}
