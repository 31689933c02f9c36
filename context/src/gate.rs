//! The gate: Wald's sequential probability ratio test of a pass rate, and the interval of that rate.

use crate::{Gate, Verdict};

impl Gate {
    /// What cannot work about these numbers, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let inside = |rate: f64| rate > 0.0 && rate < 1.0;
        if !(inside(self.fail_rate) && inside(self.pass_rate) && self.fail_rate < self.pass_rate) {
            return Some("its rates must be 0 < fail rate < pass rate < 1".to_owned());
        }
        if !(inside(self.false_pass) && inside(self.false_fail) && self.false_pass + self.false_fail < 1.0) {
            return Some("its error probabilities must be between 0 and 1 and sum to less than 1".to_owned());
        }
        (self.trials == 0 || self.trials > crate::report::TRIALS_LIMIT)
            .then(|| format!("its trials must be 1 to {}", crate::report::TRIALS_LIMIT))
    }

    /// Log-likelihood ratio of the pass rate to the fail rate after `passed` of `trials` passed.
    #[must_use]
    pub fn log_ratio(&self, passed: u32, trials: u32) -> f64 {
        f64::from(passed) * (self.pass_rate / self.fail_rate).ln()
            + f64::from(trials.saturating_sub(passed))
                * ((1.0 - self.pass_rate) / (1.0 - self.fail_rate)).ln()
    }

    /// The verdict at a log-likelihood ratio; none while more trials are needed.
    ///
    /// Passes at `ln((1 − β)/α)`, fails at `ln(β/(1 − α))` with α the probability of a false pass and β that of a
    /// false fail (Wald 1945).
    #[must_use]
    pub fn verdict(&self, log_ratio: f64) -> Option<Verdict> {
        if log_ratio >= ((1.0 - self.false_fail) / self.false_pass).ln() {
            Some(Verdict::Pass)
        } else if log_ratio <= (self.false_fail / (1.0 - self.false_pass)).ln() {
            Some(Verdict::Fail)
        } else {
            None
        }
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
    // ln B(s + 1, f + 1) for whole numbers: −ln((n + 1) · C(n, s)).
    let ln_choose: f64 = (1..=passed.min(trials)).map(|k| ((f + f64::from(k)) / f64::from(k)).ln()).sum();
    let ln_scale = (s + f + 1.0).ln() + ln_choose;
    let above = |rate: f64| {
        let part = |count: f64, ln: f64| if count == 0.0 { 0.0 } else { count * ln };
        ln_scale + part(s, rate.ln()) + part(f, (-rate).ln_1p()) > 0.05_f64.ln()
    };
    let mode = if trials == 0 { 0.5 } else { s / (s + f) };
    let edge = |inside: f64, outside: f64| {
        if above(outside) {
            return outside;
        }
        let (mut inside, mut outside) = (inside, outside);
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            if above(middle) { inside = middle } else { outside = middle }
        }
        outside
    };
    (mean, edge(mode, 0.0), edge(mode, 1.0))
}
