//! Several variants in use at once: which one the next task gets, and when the best is known.
//!
//! Thompson sampling (Thompson, Biometrika 25, 1933): draw a success rate for each variant from Beta(1 + successes,
//! 1 + failures) and take the variant with the largest. A part of all choices, the floor, goes to a variant drawn
//! evenly, so that one that was unlucky or has changed is noticed.

use rand::distr::Distribution as _;
use serde::{Deserialize, Serialize};
use statrs::distribution::Gamma;

use crate::Stream;

/// What a variant did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Attempts that succeeded.
    pub successes: u64,
    /// Attempts that did not.
    pub failures: u64,
}

/// A choice among variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Place of the variant.
    pub place: usize,
    /// Whether it was drawn evenly, by the floor of exploration.
    pub explored: bool,
}

/// A draw of the success rate of `arm` from its posterior under a uniform prior.
#[must_use]
pub fn draw_rate(arm: Arm, stream: &mut Stream) -> f64 {
    let shapes = (arm.successes as f64 + 1.0, arm.failures as f64 + 1.0);
    let (Ok(a), Ok(b)) = (Gamma::new(shapes.0, 1.0), Gamma::new(shapes.1, 1.0)) else { return 0.5 };
    let (a, b) = (a.sample(stream.generator()), b.sample(stream.generator()));
    a / (a + b)
}

/// The variant that comes next; `floor` is the part of choices that are drawn evenly, in 0..=1. None without variants.
#[must_use]
pub fn thompson(arms: &[Arm], floor: f64, stream: &mut Stream) -> Option<Chosen> {
    if arms.is_empty() {
        return None;
    }
    if stream.uniform() < floor {
        let place = (stream.uniform() * arms.len() as f64) as usize;
        return Some(Chosen { place: place.min(arms.len() - 1), explored: true });
    }
    let rates: Vec<f64> = arms.iter().map(|arm| draw_rate(*arm, stream)).collect();
    Some(Chosen { place: largest(&rates), explored: false })
}

/// P(this variant has the largest success rate) for each, by `draws` draws (standard error at most 0.5/√draws).
#[must_use]
pub fn best_arm(arms: &[Arm], stream: &mut Stream, draws: u32) -> Vec<f64> {
    if let [_] = arms {
        return vec![1.0];
    }
    let mut wins = vec![0_u32; arms.len()];
    if arms.is_empty() {
        return Vec::new();
    }
    for _ in 0..draws {
        let rates: Vec<f64> = arms.iter().map(|arm| draw_rate(*arm, stream)).collect();
        if let Some(win) = wins.get_mut(largest(&rates)) {
            *win += 1;
        }
    }
    wins.into_iter().map(|win| f64::from(win) / f64::from(draws.max(1))).collect()
}

fn largest(rates: &[f64]) -> usize {
    let by_rate = |(_, a): &(usize, &f64), (_, b): &(usize, &f64)| a.total_cmp(b);
    rates.iter().enumerate().max_by(by_rate).map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variants with these true rates, chosen `tasks` times; what each did.
    fn tried(rates: &[f64], floor: f64, tasks: u32, seed: u64) -> Vec<Arm> {
        let mut stream = Stream::seeded(seed);
        let mut arms = vec![Arm::default(); rates.len()];
        for _ in 0..tasks {
            let place = thompson(&arms, floor, &mut stream).unwrap().place;
            if stream.uniform() < rates[place] {
                arms[place].successes += 1;
            } else {
                arms[place].failures += 1;
            }
        }
        arms
    }

    #[test]
    fn the_better_variant_gets_most_tasks_and_the_floor_keeps_the_other_alive() {
        let arms = tried(&[0.9, 0.5], 0.1, 1_000, 1);
        let (first, second) = (arms[0].successes + arms[0].failures, arms[1].successes + arms[1].failures);
        assert!(first > 850 && second >= 40, "{first} {second}");
        let best = best_arm(&arms, &mut Stream::seeded(2), 4_000);
        assert!(best[0] > 0.99 && (best[0] + best[1] - 1.0).abs() < 1e-9, "{best:?}");
        let without = tried(&[0.9, 0.2], 0.0, 1_000, 1);
        assert!(without[1].successes + without[1].failures < 30);
    }

    #[test]
    fn equals_are_each_best_half_of_the_time_and_the_same_seed_chooses_the_same() {
        let even = [Arm { successes: 30, failures: 10 }; 2];
        let best = best_arm(&even, &mut Stream::seeded(3), 20_000);
        assert!((best[0] - 0.5).abs() < 0.015, "{best:?}");
        assert_eq!(tried(&[0.6, 0.6], 0.05, 50, 9), tried(&[0.6, 0.6], 0.05, 50, 9));
        assert_eq!(thompson(&[], 0.1, &mut Stream::seeded(1)), None);
        assert_eq!(best_arm(&[Arm::default()], &mut Stream::seeded(1), 10), [1.0]);
    }

    #[test]
    fn a_drawn_rate_has_the_mean_of_its_posterior() {
        let arm = Arm { successes: 7, failures: 3 };
        let mut stream = Stream::seeded(5);
        let mean = (0..20_000).map(|_| draw_rate(arm, &mut stream)).sum::<f64>() / 20_000.0;
        assert!((mean - 8.0 / 12.0).abs() < 0.004, "{mean}");
    }
}
