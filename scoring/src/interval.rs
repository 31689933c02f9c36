//! Intervals for a share: the confidence sequence that may be looked at any time, and the posterior's own interval.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta as BetaDistribution, ContinuousCDF};
use statrs::function::gamma::ln_gamma;

/// An interval of shares, both ends in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Half of its width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// ln of the density of Beta(a, b) at `x`.
pub(crate) fn ln_beta_density(x: f64, a: f64, b: f64) -> f64 {
    let ln_part = |shape: f64, base: f64| if shape == 1.0 { 0.0 } else { (shape - 1.0) * base.ln() };
    ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + ln_part(a, x) + ln_part(b, 1.0 - x)
}

/// The prior–posterior-ratio confidence sequence for `successes` of `n` at error `delta` (uniform prior):
/// all p with density of Beta(successes + 1, n − successes + 1) at p above `delta`.
///
/// Guarantee: the truth is inside at *all* n at once with probability ≥ 1 − `delta`, however often one looks and
/// whenever one stops. It is about 1.4 to 1.7 times wider than an interval for one fixed n.
/// Source: Waudby-Smith and Ramdas, "Confidence sequences for sampling without replacement" (NeurIPS 2020),
/// the ratio of prior to posterior is a non-negative martingale; Ville's inequality does the rest.
#[must_use]
pub fn confidence_sequence(successes: f64, n: f64, delta: f64) -> Interval {
    let (a, b) = (successes + 1.0, (n - successes).max(0.0) + 1.0);
    let limit = delta.max(f64::MIN_POSITIVE).ln();
    let inside = |p: f64| ln_beta_density(p, a, b) > limit;
    if n <= 0.0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let mode = (successes / n).clamp(0.0, 1.0);
    let low = if mode <= 0.0 || inside(0.0) { 0.0 } else { bisect(0.0, mode, &inside) };
    let high = if mode >= 1.0 || inside(1.0) { 1.0 } else { bisect(1.0, mode, &inside) };
    Interval { low, high }
}

/// The border between `outside` and `within` to 2⁻⁵⁰.
fn bisect(mut outside: f64, mut within: f64, inside: &impl Fn(f64) -> bool) -> f64 {
    for _ in 0..50 {
        let middle = (outside + within) / 2.0;
        if inside(middle) {
            within = middle;
        } else {
            outside = middle;
        }
    }
    outside
}

/// The central posterior interval of Beta(a, b) that holds 1 − `delta`. Valid for one look at a fixed n only.
#[must_use]
pub fn credible(a: f64, b: f64, delta: f64) -> Interval {
    let whole = Interval { low: 0.0, high: 1.0 };
    let Ok(posterior) = BetaDistribution::new(a, b) else {
        return whole;
    };
    let quantile = |p: f64| posterior.try_inverse_cdf(p).unwrap_or(f64::NAN);
    let found = Interval { low: quantile(delta / 2.0), high: quantile(1.0 - delta / 2.0) };
    if found.low.is_finite() && found.high.is_finite() { found } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_has_the_half_widths_of_the_literature() {
        for (n, half) in [(10.0, 31.8), (40.0, 18.9), (100.0, 12.8), (250.0, 8.5)] {
            let found = 100.0 * confidence_sequence(0.8 * n, n, 0.05).half_width();
            assert!((found - half).abs() < 1.2, "n = {n}: {found} against {half}");
        }
    }

    #[test]
    fn the_fixed_interval_has_the_half_widths_of_the_literature() {
        for (n, half) in [(10.0, 0.229), (40.0, 0.122), (100.0, 0.078), (250.0, 0.049)] {
            let found = credible(0.8 * n + 1.0, 0.2 * n + 1.0, 0.05).half_width();
            assert!((found - half).abs() < 0.006, "n = {n}: {found} against {half}");
        }
    }

    #[test]
    fn nothing_seen_leaves_everything_possible() {
        assert_eq!(confidence_sequence(0.0, 0.0, 0.05), Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn only_successes_leave_the_upper_end_at_one() {
        let found = confidence_sequence(20.0, 20.0, 0.05);
        assert!(found.high == 1.0 && found.low > 0.7 && found.low < 0.9, "{found:?}");
    }
}
