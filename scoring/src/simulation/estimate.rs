//! A number with its two uncertainties.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Quantile of the standard normal distribution for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A simulated number: what it is, what the parameters leave open, what the finite simulation leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over all replications.
    pub value: f64,
    /// Where it lies with 95 % probability given what was observed; `None` where every parameter was taken as given.
    /// Narrower with more executed cases, not with more simulated ones.
    pub parameter: Option<(f64, f64)>,
    /// The 95 % confidence interval of `value` itself. Narrower with more simulated cases.
    pub monte_carlo: (f64, f64),
}

impl Estimate {
    /// Half of the Monte Carlo interval's width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.monte_carlo.1 - self.monte_carlo.0) / 2.0
    }

    /// From one value for each replication, in order; values that are not finite are left out.
    ///
    /// `pairs`: replications 2k and 2k + 1 share one draw of the parameters. The variance within pairs is simulation
    /// alone, the variance between them simulation and parameters: `Var Y = E Var(Y|θ) + Var E(Y|θ)`. The Monte Carlo
    /// interval is Student's t over pair means; the parameter interval the quantiles of pair means, drawn together by
    /// the part of their variance that is simulation.
    #[must_use]
    pub fn over(values: &[f64], pairs: bool) -> Self {
        let groups: Vec<f64> = if pairs {
            let pair = |pair: &[f64]| match pair {
                [a, b] if a.is_finite() && b.is_finite() => Some((a + b) / 2.0),
                _ => None,
            };
            values.chunks(2).filter_map(pair).collect()
        } else {
            values.iter().copied().filter(|value| value.is_finite()).collect()
        };
        let n = groups.len() as f64;
        let mean = groups.iter().sum::<f64>() / n;
        let between = groups.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = if groups.len() > 1 { student(n - 1.0) * (between / n).sqrt() } else { f64::INFINITY };
        let parameter = pairs.then(|| {
            let within = values
                .chunks(2)
                .filter_map(|pair| match pair {
                    [a, b] if a.is_finite() && b.is_finite() => Some((a - b).powi(2) / 2.0),
                    _ => None,
                })
                .sum::<f64>()
                / n;
            // The mean of a pair has half the variance of one replication.
            let shrink = if between > 0.0 { (1.0 - within / 2.0 / between).max(0.0).sqrt() } else { 0.0 };
            let mut sorted = groups.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |share: f64| mean + shrink * (quantile(&sorted, share) - mean);
            (at(0.025), at(0.975))
        });
        Self { value: mean, parameter, monte_carlo: (mean - half, mean + half) }
    }

    /// Widens the Monte Carlo interval of a share to at least Wilson's interval for `n` independent cases, which does
    /// not vanish where every case ended alike.
    #[must_use]
    pub fn at_least_wilson(mut self, n: f64) -> Self {
        let (low, high) = wilson(self.value * n, n);
        self.monte_carlo =
            (self.monte_carlo.0.min(low).clamp(0.0, 1.0), self.monte_carlo.1.max(high).clamp(0.0, 1.0));
        self
    }
}

/// Wilson's 95 % interval for `k` of `n`: (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n).
#[must_use]
pub(super) fn wilson(k: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let p = (k / n).clamp(0.0, 1.0);
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

/// The 97.5 % quantile of Student's t.
pub(super) fn student(degrees: f64) -> f64 {
    let law = StudentsT::new(0.0, 1.0, degrees.max(1.0));
    law.ok().and_then(|law| law.try_inverse_cdf(0.975).ok()).unwrap_or(Z)
}

/// P(T ≤ t) for Student's t.
pub(super) fn student_below(t: f64, degrees: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees.max(1.0)).map_or(0.5, |law| law.cdf(t))
}

/// The quantile of sorted values, interpolated between neighbours.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() as f64 - 1.0);
    let low = place.floor().max(0.0) as usize;
    match (sorted.get(low), sorted.get(low + 1)) {
        (Some(a), Some(b)) => a + (b - a) * (place - low as f64),
        (Some(a), None) => *a,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn wilson_is_what_the_textbook_says() {
        let (low, high) = wilson(8.0, 10.0);
        assert!((low - 0.4902).abs() < 5e-4 && (high - 0.9433).abs() < 5e-4, "{low} {high}");
        assert!(wilson(0.0, 100.0).0 < 1e-12 && (wilson(0.0, 100.0).1 - 0.037).abs() < 1e-3);
    }

    #[test]
    fn the_two_uncertainties_are_told_apart() {
        // Parameters spread uniformly over [9, 11]; simulation adds uniform noise of ±3 to each replication.
        let mut stream = Stream::seeded(3);
        let mut values = Vec::new();
        for _ in 0..4_000 {
            let centre = 9.0 + 2.0 * stream.uniform();
            values.extend((0..2).map(|_| centre + 6.0 * stream.uniform() - 3.0));
        }
        let found = Estimate::over(&values, true);
        let (low, high) = found.parameter.unwrap();
        let width = high - low;
        // The central 95 % of [9, 11] are 1.9 wide; without the splitting it would be about 5.
        assert!((1.5..2.6).contains(&width), "{width}");
        assert!(found.half_width() < 0.1 && (found.value - 10.0).abs() < 0.1);
    }

    #[test]
    fn monte_carlo_intervals_cover_the_truth_as_often_as_they_say() {
        let mut stream = Stream::seeded(9);
        let covered = (0..2_000).filter(|_| {
            let values: Vec<f64> = (0..10).map(|_| stream.uniform()).collect();
            let (low, high) = Estimate::over(&values, false).monte_carlo;
            low <= 0.5 && 0.5 <= high
        });
        let share = covered.count() as f64 / 2_000.0;
        assert!((share - 0.95).abs() < 0.015, "{share}");
    }
}
