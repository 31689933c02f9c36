//! Calibration: once the truth is known, do the shares say how often the leader is right?
//!
//! Brier score: mean of (share − 1[leader was right])², 0 best, 1 worst (Brier, "Verification of forecasts expressed in
//! terms of probability", 1950). Reliability: forecasts in bins of equal mass by the leader's share, beside how often the
//! leader was right; the expected calibration error is their mean distance. The map share → accuracy is isotonic
//! regression by pooling adjacent violators (Zadrozny & Elkan, KDD 2002): it only assumes that a larger share is not
//! less accurate. Until there are [`ENOUGH`] forecasts, all of this is noise, and shares remain consistency, not truth.

use serde::{Deserialize, Serialize};

use crate::{Interval, confidence_sequence};

/// Forecasts from which calibration means something.
pub const ENOUGH: usize = 100;
/// Bins at most, and forecasts in one at least.
const BINS: (usize, usize) = (10, 10);
/// Error probability of the interval of a bin.
const DELTA: f64 = 0.05;

/// What was said, and what turned out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Share of the leader, 0 to 1.
    pub share: f64,
    /// Whether the leader was right.
    pub right: bool,
}

/// A bin of the reliability curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Forecasts in it.
    pub forecasts: usize,
    /// Mean share of the leader.
    pub share: f64,
    /// How often the leader was right.
    pub accuracy: f64,
    /// 95 % interval of that.
    pub interval: Interval,
}

/// How well shares say how often the leader is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Forecasts whose truth is known.
    pub forecasts: usize,
    /// Brier score, 0 to 1.
    pub brier: f64,
    /// How often the leader was right.
    pub accuracy: f64,
    /// Expected calibration error, 0 to 1.
    pub error: f64,
    /// The reliability curve, by rising share.
    pub bins: Vec<ReliabilityBin>,
    /// Share → accuracy: steps by rising share, never falling.
    pub map: Vec<(f64, f64)>,
}

impl Calibration {
    /// Measures forecasts; none without any.
    #[must_use]
    pub fn measure(forecasts: &[Forecast]) -> Option<Self> {
        if forecasts.is_empty() {
            return None;
        }
        let mut sorted = forecasts.to_vec();
        sorted.sort_by(|a, b| a.share.total_cmp(&b.share));
        let count = sorted.len() as f64;
        let bins = reliability(&sorted);
        let distance = |bin: &ReliabilityBin| bin.forecasts as f64 * (bin.share - bin.accuracy).abs();
        Some(Self {
            forecasts: sorted.len(),
            brier: sorted.iter().map(|forecast| (forecast.share - forecast.hit()).powi(2)).sum::<f64>()
                / count,
            accuracy: sorted.iter().map(Forecast::hit).sum::<f64>() / count,
            error: bins.iter().map(distance).sum::<f64>() / count,
            bins,
            map: isotonic(&sorted),
        })
    }

    /// Whether there are enough forecasts to show it.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.forecasts >= ENOUGH
    }

    /// How often a leader with this share is right, by what has been so far.
    #[must_use]
    pub fn accuracy_at(&self, share: f64) -> f64 {
        let below = self.map.partition_point(|(known, _)| *known <= share);
        let place = below.saturating_sub(1);
        self.map.get(place).map_or(self.accuracy, |(_, accuracy)| *accuracy)
    }
}

impl Forecast {
    fn hit(&self) -> f64 {
        f64::from(u8::from(self.right))
    }
}

fn reliability(sorted: &[Forecast]) -> Vec<ReliabilityBin> {
    let (most, least) = BINS;
    let count = (sorted.len() / least).clamp(1, most);
    (0..count)
        .filter_map(|bin| {
            let (from, to) = (bin * sorted.len() / count, (bin + 1) * sorted.len() / count);
            let part = sorted.get(from..to).filter(|part| !part.is_empty())?;
            let forecasts = part.len() as f64;
            let right = part.iter().map(Forecast::hit).sum::<f64>();
            Some(ReliabilityBin {
                forecasts: part.len(),
                share: part.iter().map(|forecast| forecast.share).sum::<f64>() / forecasts,
                accuracy: right / forecasts,
                interval: confidence_sequence(right, forecasts, DELTA),
            })
        })
        .collect()
}

/// Pools neighbours until no accuracy falls with a rising share.
fn isotonic(sorted: &[Forecast]) -> Vec<(f64, f64)> {
    // (lowest share, forecasts, of them right)
    let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
    for forecast in sorted {
        blocks.push((forecast.share, 1.0, forecast.hit()));
        while let [.., (low, n, r), (next, m, s)] = blocks[..] {
            // Equal shares are one point.
            if r / n < s / m && low < next {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push((low, n + m, r + s));
        }
    }
    blocks.into_iter().map(|(low, forecasts, right)| (low, right / forecasts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Stream};

    /// Forecasts whose leader is right with a probability that depends on its share.
    fn forecasts(count: u64, right: impl Fn(f64) -> f64) -> Vec<Forecast> {
        let mut stream = Stream::at(Address { seed: 5, element: "calibration", visit: 0, sample: 0 });
        (0..count)
            .map(|_| {
                let share = 0.5 + 0.5 * stream.uniform();
                Forecast { share, right: stream.uniform() < right(share) }
            })
            .collect()
    }

    #[test]
    fn shares_that_are_true_have_a_small_error_and_the_brier_score_of_theory() {
        let found = Calibration::measure(&forecasts(20_000, |share| share)).unwrap();
        // E[p(1 − p)] for p uniform in [½, 1] is 1/6.
        assert!((found.brier - 1.0 / 6.0).abs() < 0.005, "{}", found.brier);
        assert!(found.error < 0.02, "{}", found.error);
        let covered =
            found.bins.iter().filter(|bin| bin.interval.low <= bin.share && bin.share <= bin.interval.high);
        assert!(covered.count() >= 9, "{:?}", found.bins);
        for share in [0.55, 0.75, 0.95] {
            assert!((found.accuracy_at(share) - share).abs() < 0.05, "{share}: {}", found.accuracy_at(share));
        }
    }

    #[test]
    fn boastful_shares_are_found_out_and_mapped_down() {
        let found = Calibration::measure(&forecasts(20_000, |share| 0.5 + (share - 0.5) / 2.0)).unwrap();
        assert!((found.error - 0.125).abs() < 0.02, "{}", found.error);
        assert!((found.accuracy_at(0.9) - 0.7).abs() < 0.05, "{}", found.accuracy_at(0.9));
    }

    #[test]
    fn the_map_never_falls_and_few_forecasts_are_not_enough() {
        for seed in 0..20 {
            let found = Calibration::measure(&forecasts(60 + seed, |share| 1.2 - share)).unwrap();
            assert!(found.map.windows(2).all(|pair| pair[0].1 <= pair[1].1 && pair[0].0 < pair[1].0));
            assert!(!found.is_enough());
        }
        assert_eq!(Calibration::measure(&[]), None);
    }
}
