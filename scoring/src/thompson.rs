//! Choosing between variants while they are tried: Thompson sampling with a floor.
//!
//! Each variant has a success rate with the posterior Beta(successes + 1, failures + 1); one draw from each, the largest
//! is taken. So a variant is taken as often as it is probable that it is the best, and a bad one soon hardly ever. The
//! floor keeps every variant at a minimum of starts, so that a variant that becomes better later is found out.
//! Sources: Thompson, Biometrika 25 (1933) 285; Agrawal and Goyal, "Analysis of Thompson sampling for the multi-armed
//! bandit problem" (COLT 2012): logarithmic regret.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::{Error, Stream};

/// Floor where nobody says otherwise.
pub const DEFAULT_FLOOR: f64 = 0.05;
/// Variants at most.
pub const MAX_VARIANTS: usize = 20;
/// Probability of being the best from which a trial can be ended.
pub const DECIDED: f64 = 0.95;
/// Points over which the probability of being the best is integrated.
const POINTS: u32 = 2_000;

/// What is known of a variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Finished attempts.
    pub attempts: u64,
    /// Those that succeeded.
    pub successes: u64,
}

impl Tried {
    fn posterior(self) -> Option<Beta> {
        let failures = self.attempts.saturating_sub(self.successes);
        Beta::new(self.successes as f64 + 1.0, failures as f64 + 1.0).ok()
    }
}

/// Which variant is taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Place of the variant.
    pub variant: usize,
    /// Whether the floor chose it rather than its success.
    pub explored: bool,
}

/// Takes a variant: by the floor with probability `floor` for each, otherwise the one whose draw is largest.
///
/// # Errors
/// `SCORING-0007` without variants, with more than [`MAX_VARIANTS`], or with floors that leave nothing to choose.
pub fn pick(variants: &[Tried], floor: f64, stream: &mut Stream) -> Result<Pick, Error> {
    let count = variants.len();
    let all = floor * count as f64;
    if count == 0 || count > MAX_VARIANTS || !(0.0..=1.0).contains(&all) {
        return Err(Error::Variants(format!(
            "{count} variants with a floor of {floor} each: 1 to {MAX_VARIANTS}, together at most 1"
        )));
    }
    let u = stream.uniform();
    if u < all {
        return Ok(Pick { variant: ((u / floor) as usize).min(count - 1), explored: true });
    }
    let mut best = (0, f64::NEG_INFINITY);
    for (place, variant) in variants.iter().enumerate() {
        let u = stream.uniform();
        let value = variant.posterior().and_then(|law| law.try_inverse_cdf(u).ok()).unwrap_or(0.5);
        if value > best.1 {
            best = (place, value);
        }
    }
    Ok(Pick { variant: best.0, explored: false })
}

/// P(the variant has the highest success rate), for each: ∫ fᵢ(x) Πⱼ Fⱼ(x) dx over 2,000 quantiles of each posterior.
#[must_use]
pub fn probability_best_variant(variants: &[Tried]) -> Vec<f64> {
    let laws: Vec<Beta> = variants.iter().filter_map(|variant| variant.posterior()).collect();
    let mut found: Vec<f64> = laws
        .iter()
        .enumerate()
        .map(|(place, law)| {
            let at = |point: u32| {
                let u = (f64::from(point) + 0.5) / f64::from(POINTS);
                let x = law.try_inverse_cdf(u).unwrap_or(0.5);
                let others = laws.iter().enumerate().filter(|(other, _)| *other != place);
                others.map(|(_, other)| other.cdf(x)).product::<f64>()
            };
            (0..POINTS).map(at).sum::<f64>() / f64::from(POINTS)
        })
        .collect();
    let sum: f64 = found.iter().sum();
    if sum > 0.0 {
        found.iter_mut().for_each(|probability| *probability /= sum);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts of two variants that succeed with these probabilities, one after the other.
    fn run(rates: [f64; 2], floor: f64, starts: u64, seed: u64) -> [Tried; 2] {
        let mut tried = [Tried::default(); 2];
        let mut luck = Stream::seeded(seed ^ 0xabc);
        for start in 0..starts {
            let mut stream = Stream::seeded(seed.wrapping_mul(1_000_003).wrapping_add(start));
            let taken = pick(&tried, floor, &mut stream).unwrap().variant;
            tried[taken].attempts += 1;
            tried[taken].successes += u64::from(luck.uniform() < rates[taken]);
        }
        tried
    }

    #[test]
    fn the_better_variant_gets_nearly_all_starts_and_the_other_its_floor() {
        let runs: Vec<[Tried; 2]> = (0..40).map(|seed| run([0.9, 0.6], 0.05, 600, seed)).collect();
        let other: u64 = runs.iter().map(|run| run[1].attempts).sum();
        let share = other as f64 / (40.0 * 600.0);
        // At least the floor; what is lost beyond it is logarithmic.
        assert!((0.05..0.09).contains(&share), "{share}");
        assert!(runs.iter().all(|run| run[1].attempts >= 12), "the floor keeps it tried");
        let sure = runs.iter().filter(|run| probability_best_variant(&run[..])[0] >= DECIDED).count();
        assert!(sure >= 36, "{sure}");
    }

    #[test]
    fn equal_variants_share_the_starts_over_many_trials() {
        let first: u64 = (0..60).map(|seed| run([0.8, 0.8], 0.05, 200, seed)[0].attempts).sum();
        let share = first as f64 / (60.0 * 200.0);
        assert!((share - 0.5).abs() < 0.08, "{share}");
    }

    #[test]
    fn the_probability_of_being_best_agrees_with_the_closed_form_and_counts_up_to_one() {
        let tried = |successes, attempts| Tried { attempts, successes };
        let found = probability_best_variant(&[tried(8, 10), tried(5, 10)]);
        // P(Beta(9, 3) > Beta(6, 6)) by the sum of Beta functions (Miller 2015).
        assert!((found[0] - 0.9096).abs() < 5e-3, "{found:?}");
        let three = probability_best_variant(&[tried(3, 4), tried(3, 4), tried(3, 4)]);
        assert!(three.iter().all(|each| (each - 1.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn the_same_seed_takes_the_same_and_nonsense_is_refused() {
        let tried = [Tried { attempts: 5, successes: 4 }, Tried::default()];
        let once = || pick(&tried, 0.1, &mut Stream::seeded(4)).unwrap();
        assert_eq!(once(), once());
        for (variants, floor) in [(&tried[..], 0.6), (&[], 0.0), (&tried[..], f64::NAN)] {
            assert_eq!(pick(variants, floor, &mut Stream::seeded(1)).unwrap_err().code(), "SCORING-0007");
        }
    }
}
