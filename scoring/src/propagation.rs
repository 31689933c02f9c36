//! From the parts to the whole: how sure one may be of a process's success when its steps are only known by trials.
//!
//! A case succeeds where every step it comes by succeeds. With v expected visits of a step and success rate θ the
//! step lets a case through with θ^⌊v⌋ · (1 − f + f·θ), f = v − ⌊v⌋; the whole is the product of its steps, which are
//! taken as independent. θ is drawn from its posterior, once for all steps that share a part (a prompt used twice is
//! wrong twice together). ln of the product is a sum of independent terms, so its variance is split among the parts
//! without remainder: which part is worth testing more.

use serde::{Deserialize, Serialize};

use crate::bandit::{Arm, draw_rate};
use crate::{Interval, Stream};

/// Draws where nobody says otherwise; the ends of the interval then stand within about ±0.3 points of posterior
/// probability.
pub const PROPAGATION_DRAWS: u32 = 10_000;

/// A part, its evidence, and how often a case comes by each step that uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which one.
    pub name: String,
    /// What it did so far.
    pub evidence: Arm,
    /// Expected visits of each step that uses it, above 0.
    pub visits: Vec<f64>,
}

/// How much a part matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartInfluence {
    /// Which part.
    pub name: String,
    /// Posterior mean of its success rate.
    pub rate: f64,
    /// Its part of what is not known about the whole, in 0..=1: the variance of ln(success) it brings in.
    pub uncertainty: f64,
    /// Successes of the whole that would be gained, in 0..=1, were this part never wrong.
    pub gain: f64,
}

/// The success share of the whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Propagated {
    /// Its posterior mean.
    pub mean: f64,
    /// The central posterior interval that holds 95 %.
    pub interval: Interval,
    /// Draws it rests on.
    pub draws: u32,
    /// The parts, those that matter most for what is not known first.
    pub parts: Vec<PartInfluence>,
}

/// The success share of a whole of `parts` by `draws` draws; 1 without parts.
#[must_use]
pub fn propagate(parts: &[Part], draws: u32, seed: u64) -> Propagated {
    let draws = draws.max(100);
    let mut stream = Stream::seeded(seed);
    let mut wholes = Vec::with_capacity(draws as usize);
    let mut sums = vec![Sums::default(); parts.len()];
    for _ in 0..draws {
        let mut factors = Vec::with_capacity(parts.len());
        for part in parts {
            let rate = draw_rate(part.evidence, &mut stream);
            factors.push((rate, part.visits.iter().map(|visits| through(rate, *visits)).product::<f64>()));
        }
        let whole: f64 = factors.iter().map(|(_, factor)| factor).product();
        for (sums, (rate, factor)) in sums.iter_mut().zip(&factors) {
            sums.add(*rate, *factor, whole);
        }
        wholes.push(whole);
    }
    let n = f64::from(draws);
    let mean = wholes.iter().sum::<f64>() / n;
    wholes.sort_by(f64::total_cmp);
    let total: f64 = sums.iter().map(|sums| sums.variance(n)).sum();
    let mut influences: Vec<PartInfluence> = parts
        .iter()
        .zip(&sums)
        .map(|(part, sums)| PartInfluence {
            name: part.name.clone(),
            rate: sums.rate / n,
            uncertainty: if total > 0.0 { sums.variance(n) / total } else { 0.0 },
            gain: (sums.without / n - mean).max(0.0),
        })
        .collect();
    influences.sort_by(|a, b| b.uncertainty.total_cmp(&a.uncertainty).then_with(|| a.name.cmp(&b.name)));
    let at = |share: f64| wholes.get((share * (n - 1.0)).round() as usize).copied().unwrap_or(1.0);
    Propagated { mean, interval: Interval { low: at(0.025), high: at(0.975) }, draws, parts: influences }
}

/// The part of cases that a step lets through.
fn through(rate: f64, visits: f64) -> f64 {
    let visits = visits.clamp(0.0, 1_000.0);
    rate.powf(visits.floor()) * (1.0 - visits.fract() + visits.fract() * rate)
}

#[derive(Clone, Copy, Default)]
struct Sums {
    rate: f64,
    log: f64,
    squares: f64,
    without: f64,
}

impl Sums {
    fn add(&mut self, rate: f64, factor: f64, whole: f64) {
        let log = factor.max(f64::MIN_POSITIVE).ln();
        self.rate += rate;
        self.log += log;
        self.squares += log * log;
        self.without += whole / factor.max(f64::MIN_POSITIVE);
    }

    fn variance(&self, n: f64) -> f64 {
        (self.squares / n - (self.log / n).powi(2)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, successes: u64, failures: u64, visits: &[f64]) -> Part {
        Part { name: name.to_owned(), evidence: Arm { successes, failures }, visits: visits.to_vec() }
    }

    #[test]
    fn one_part_is_its_own_posterior() {
        let found = propagate(&[part("a", 90, 10, &[1.0])], 20_000, 1);
        let exact = crate::credible(91.0, 11.0, 0.05);
        assert!((found.mean - 91.0 / 102.0).abs() < 0.002, "{found:?}");
        assert!(
            (found.interval.low - exact.low).abs() < 0.006
                && (found.interval.high - exact.high).abs() < 0.006
        );
        assert!((found.parts[0].uncertainty - 1.0).abs() < 1e-9);
        assert!((found.parts[0].gain - (1.0 - found.mean)).abs() < 1e-9);
    }

    #[test]
    fn means_multiply_and_the_least_tested_part_matters_most() {
        let found = propagate(&[part("known", 950, 50, &[1.0]), part("new", 9, 1, &[1.0])], 20_000, 2);
        let product = (951.0 / 1002.0) * (10.0 / 12.0);
        assert!((found.mean - product).abs() < 0.004, "{} {product}", found.mean);
        assert_eq!(found.parts[0].name, "new");
        assert!(found.parts[0].uncertainty > 0.95);
        let sum: f64 = found.parts.iter().map(|part| part.uncertainty).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_step_that_half_of_the_cases_come_by_costs_half_and_one_used_twice_fails_together() {
        let half = propagate(&[part("a", 0, 0, &[0.5])], 20_000, 3);
        assert!((half.mean - 0.75).abs() < 0.005, "{}", half.mean);
        // E θ² of a uniform θ is 1/3; of two independent ones it would be 1/4.
        let twice = propagate(&[part("a", 0, 0, &[1.0, 1.0])], 20_000, 3);
        let visited_twice = propagate(&[part("a", 0, 0, &[2.0])], 20_000, 3);
        assert!((twice.mean - 1.0 / 3.0).abs() < 0.006, "{}", twice.mean);
        assert!((twice.mean - visited_twice.mean).abs() < 1e-9);
        assert_eq!(propagate(&[], 100, 1).mean, 1.0);
    }
}
