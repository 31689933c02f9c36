//! The gate: Wald's sequential probability ratio test of a pass rate, and the interval of that rate.

use scoring::Sprt;

use crate::Gate;
use crate::report::TRIALS_LIMIT;

impl Gate {
    /// The sequential test of this gate, or what cannot work about its numbers.
    pub(crate) fn sprt(&self) -> Result<Sprt, String> {
        if self.trials == 0 || self.trials > TRIALS_LIMIT {
            return Err(format!("its trials must be 1 to {TRIALS_LIMIT}"));
        }
        Sprt::new(self.fail_rate, self.pass_rate, self.false_pass, self.false_fail).map_err(|e| e.to_string())
    }

    /// Log-likelihood ratio of the pass rate to the fail rate after `passed` of `trials` passed.
    #[must_use]
    pub fn log_ratio(&self, passed: u32, trials: u32) -> f64 {
        f64::from(passed) * (self.pass_rate / self.fail_rate).ln()
            + f64::from(trials.saturating_sub(passed))
                * ((1.0 - self.pass_rate) / (1.0 - self.fail_rate)).ln()
    }
}

/// Posterior mean and 95 % interval of a pass rate under a uniform prior, valid however often one looks.
///
/// The interval is the prior–posterior-ratio confidence sequence: all rates at which the posterior density is
/// above 0.05 times the prior's (Waudby-Smith and Ramdas 2020).
#[must_use]
pub fn pass_rate_interval(passed: u32, trials: u32) -> (f64, f64, f64) {
    let (s, f) = (f64::from(passed), f64::from(trials.saturating_sub(passed)));
    let mean = (s + 1.0) / (s + f + 2.0);
    let interval = scoring::confidence_sequence(s, s + f, 0.05);
    (mean, interval.low, interval.high)
}
