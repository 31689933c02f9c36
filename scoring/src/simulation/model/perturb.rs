//! One draw of all uncertain parameters from their posteriors.

use super::super::Law;
use super::super::random::Numbers;
use super::Model;

/// Keeps parameters apart from everything else under the same seed.
const PARAMETERS: u64 = 0x7061_7261_6d65_7465;

impl Model {
    /// This model with shares and durations drawn from their posteriors: the same seed, draw and element give the same
    /// parameters in every version of the process.
    ///
    /// Shares seen k₁, k₂, … times: Dirichlet(k + 1), a uniform prior. An exponential duration with n observations:
    /// its rate is Gamma(n, n · mean). Another law with n observations: its mean is log-normal around the declared one
    /// with the standard error cv/√n.
    #[must_use]
    pub fn drawn(&self, seed: u64, draw: u64) -> Self {
        let mut model = self.clone();
        let numbers = Numbers::new(seed ^ PARAMETERS, draw);
        for choice in &mut model.choices {
            let Some(counts) = &choice.counts else { continue };
            let gammas: Vec<f64> = counts
                .iter()
                .zip(0_u64..)
                .map(|(count, way)| {
                    Law::Gamma(count + 1.0, 1.0).quantile(numbers.uniform(way, choice.key, 0))
                })
                .collect();
            if gammas.iter().sum::<f64>() > 0.0 {
                choice.set_shares(&gammas);
            }
        }
        for activity in &mut model.activities {
            let Some(observed) = activity.observed else { continue };
            let u = numbers.uniform(0, activity.key, 1);
            activity.law = activity.law.scaled(mean_factor(&activity.law, observed, u));
        }
        model
    }
}

/// By what the mean differs from the declared one, at this point of its posterior.
pub(in super::super) fn mean_factor(law: &Law, observed: u64, u: f64) -> f64 {
    let n = observed.max(1) as f64;
    let factor = match law {
        // A long duration is a low rate.
        Law::Exponential(_) => n / Law::Gamma(n, 1.0).quantile(1.0 - u).max(1e-9),
        _ => {
            let error = law.variation() / n.sqrt();
            if error > 0.0 { Law::Lognormal(-error * error / 2.0, error).quantile(u) } else { 1.0 }
        }
    };
    if factor.is_finite() && factor > 0.0 { factor } else { 1.0 }
}
