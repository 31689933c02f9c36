//! How many cases at the start of a run still feel that it began empty.

use serde::Serialize;

/// Cases that are left out, and whether a steady state was reached at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WarmUp {
    /// Cases left out at the start of each replication.
    pub cases: u32,
    /// False where more than half of the pilot would have to be left out: longer runs are needed, or there is none.
    pub settled: bool,
}

/// Values averaged before the rule looks at them.
const BATCH: usize = 5;

/// MSER-5: leaves out the first d means of five values for which Σ_{i>d} (Ȳᵢ − Ȳ_d)² / (m − d)² is smallest, where Ȳ_d
/// is the mean of what is left.
///
/// Source: White, "An effective truncation heuristic for bias reduction in simulation output" (Simulation 69, 1997).
#[must_use]
pub fn warm_up(series: &[f64]) -> WarmUp {
    let means: Vec<f64> =
        series.chunks_exact(BATCH).map(|chunk| chunk.iter().sum::<f64>() / BATCH as f64).collect();
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (place, value) in means.iter().enumerate().rev() {
        n += 1.0;
        sum += value;
        squares += value * value;
        let score = (squares - sum * sum / n).max(0.0) / (n * n);
        // Few values at the end can agree by chance.
        if n >= 5.0 && score <= best.0 {
            best = (score, place);
        }
    }
    let cases = best.1 * BATCH;
    WarmUp { cases: u32::try_from(cases).unwrap_or(u32::MAX), settled: 2 * best.1 <= means.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn a_start_that_differs_is_left_out_and_a_level_series_is_kept() {
        let mut stream = Stream::seeded(5);
        let mut noise = || stream.uniform() - 0.5;
        let level: Vec<f64> = (0..2_000).map(|_| 10.0 + noise()).collect();
        assert!(warm_up(&level).cases < 300 && warm_up(&level).settled);
        let rising: Vec<f64> =
            (0..2_000).map(|i| 10.0 * (1.0 - (-f64::from(i) / 60.0).exp()) + noise()).collect();
        let found = warm_up(&rising);
        assert!((100..600).contains(&found.cases) && found.settled, "{found:?}");
    }

    #[test]
    fn a_series_that_only_grows_has_no_steady_state() {
        let growing: Vec<f64> = (0..2_000).map(f64::from).collect();
        assert!(!warm_up(&growing).settled);
    }
}
