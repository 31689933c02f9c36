//! The Dirichlet posterior over outcome shares under a uniform prior, by Monte Carlo from gamma draws where there is
//! no closed form.

use rand::distr::Distribution as _;
use statrs::distribution::Gamma;

use crate::{Beta, Stream, Tally};

/// Draws behind a probability that a report shows; its standard error is at most 0.008.
pub const BEST_DRAWS: u32 = 4_000;

/// P(label has the largest share) for each label: exact for one or two labels, otherwise by [`monte_carlo_best`].
#[must_use]
pub fn probability_best(tally: &Tally, stream: &mut Stream, draws: u32) -> Vec<f64> {
    match tally.pseudo_counts().as_slice() {
        [] => Vec::new(),
        [_] => vec![1.0],
        [first, second] => {
            let leads = Beta::leads(*first, *second);
            vec![leads, 1.0 - leads]
        }
        _ => monte_carlo_best(tally, stream, draws),
    }
}

/// The part of `draws` Dirichlet(v + 1) draws that each label wins.
#[must_use]
pub fn monte_carlo_best(tally: &Tally, stream: &mut Stream, draws: u32) -> Vec<f64> {
    let mut wins = vec![0_u32; tally.labels().len()];
    let gammas = gammas(tally);
    for _ in 0..draws {
        // A Dirichlet draw is a vector of gamma draws divided by its sum; the largest stays the largest.
        let mut best = (0, f64::NEG_INFINITY);
        for (place, gamma) in gammas.iter().enumerate() {
            let value = gamma.sample(stream.generator());
            if value > best.1 {
                best = (place, value);
            }
        }
        if let Some(win) = wins.get_mut(best.0) {
            *win += 1;
        }
    }
    wins.into_iter().map(|win| f64::from(win) / f64::from(draws.max(1))).collect()
}

/// One draw of shares from the posterior.
pub(crate) fn draw_shares(tally: &Tally, stream: &mut Stream) -> Vec<f64> {
    let values: Vec<f64> = gammas(tally).iter().map(|gamma| gamma.sample(stream.generator())).collect();
    let sum: f64 = values.iter().sum();
    values.into_iter().map(|value| value / sum).collect()
}

fn gammas(tally: &Tally) -> Vec<Gamma> {
    // Shapes are ≥ 1, so none is refused.
    tally.pseudo_counts().into_iter().filter_map(|count| Gamma::new(count + 1.0, 1.0).ok()).collect()
}
