//! Weighted counts of outcomes, with the declared ones that were not seen yet.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Label of an answer that could not be read or does not fit what was asked for.
pub const INVALID: &str = "invalid";
/// Label of a refusal to answer.
pub const REFUSED: &str = "refused";
/// Samples a tally takes.
pub const MAX_SAMPLES: usize = 1_000_000;
/// Different labels a tally takes.
pub const MAX_LABELS: usize = 1_000;

/// Counts of outcomes in order of declaration, then of appearance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    labels: Vec<String>,
    declared: usize,
    reserved: bool,
    counts: Vec<u64>,
    weights: Vec<f64>,
    weight_sum: f64,
    weight_squares: f64,
    sequence: Vec<u16>,
}

impl Tally {
    /// A tally over these outcomes. Without any the set is open: labels are taken as they appear. `reserved` says
    /// that [`INVALID`] and [`REFUSED`] can occur as well.
    ///
    /// # Errors
    /// `SCORING-0003` for more than [`MAX_LABELS`] labels.
    pub fn new<I: IntoIterator<Item = String>>(declared: I, reserved: bool) -> Result<Self, Error> {
        let mut tally = Self { reserved, ..Self::default() };
        for label in declared {
            tally.place(&label)?;
        }
        tally.declared = tally.labels.len();
        Ok(tally)
    }

    /// Counts one sample with weight 1.
    ///
    /// # Errors
    /// `SCORING-0003` beyond [`MAX_SAMPLES`] or [`MAX_LABELS`].
    pub fn add(&mut self, label: &str) -> Result<(), Error> {
        self.add_weighted(label, 1.0)
    }

    /// Counts one sample with a weight (of a verifier, a rubric, a log-probability).
    ///
    /// # Errors
    /// `SCORING-0003` beyond the limits, `SCORING-0004` for a weight that is not positive and finite.
    pub fn add_weighted(&mut self, label: &str, weight: f64) -> Result<(), Error> {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(Error::Weight(weight));
        }
        if self.sequence.len() >= MAX_SAMPLES {
            return Err(Error::Limit { limit: "MAX_SAMPLES", maximum: MAX_SAMPLES });
        }
        let place = self.place(label)?;
        if let (Some(count), Some(sum)) = (self.counts.get_mut(place), self.weights.get_mut(place)) {
            *count += 1;
            *sum += weight;
        }
        self.weight_sum += weight;
        self.weight_squares += weight * weight;
        self.sequence.push(u16::try_from(place).unwrap_or(u16::MAX));
        Ok(())
    }

    fn place(&mut self, label: &str) -> Result<usize, Error> {
        if let Some(place) = self.labels.iter().position(|known| known == label) {
            return Ok(place);
        }
        if self.labels.len() >= MAX_LABELS {
            return Err(Error::Limit { limit: "MAX_LABELS", maximum: MAX_LABELS });
        }
        self.labels.push(label.to_owned());
        self.counts.push(0);
        self.weights.push(0.0);
        Ok(self.labels.len() - 1)
    }

    /// Labels, declared ones first, then in order of appearance.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Samples of each label, without weights.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples so far.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.sequence.len() as u64
    }

    /// Places of the labels in the order in which samples came.
    #[must_use]
    pub fn sequence(&self) -> &[u16] {
        &self.sequence
    }

    /// Whether no outcomes were declared.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.declared == 0
    }

    /// An upper bound on the number of outcomes: declared, reserved and seen ones.
    #[must_use]
    pub fn bound(&self) -> usize {
        let reserved = if self.reserved { 2 } else { 0 };
        (self.declared + reserved).max(self.labels.len()).max(1)
    }

    /// Pseudo-counts: weights scaled so that they sum to the effective sample size (Σw)²/Σw²; with equal weights
    /// these are the counts.
    #[must_use]
    pub fn pseudo_counts(&self) -> Vec<f64> {
        if self.weight_squares == 0.0 {
            return vec![0.0; self.labels.len()];
        }
        let scale = self.weight_sum / self.weight_squares;
        self.weights.iter().map(|weight| weight * scale).collect()
    }

    /// The effective sample size (Σw)²/Σw², 0 before the first sample.
    #[must_use]
    pub fn effective(&self) -> f64 {
        if self.weight_squares == 0.0 { 0.0 } else { self.weight_sum * self.weight_sum / self.weight_squares }
    }

    /// The leader and its pseudo-count, and the runner-up's pseudo-count (0 where there is none). A tie is led by
    /// the label that stands first.
    #[must_use]
    pub fn leader(&self) -> Option<(usize, f64, f64)> {
        let mut best: Option<(usize, f64)> = None;
        let mut second = 0.0_f64;
        for (place, count) in self.pseudo_counts().into_iter().enumerate() {
            match best {
                Some((_, top)) if count <= top => second = second.max(count),
                _ => {
                    second = best.map_or(0.0, |(_, top)| top);
                    best = Some((place, count));
                }
            }
        }
        best.filter(|_| !self.sequence.is_empty()).map(|(place, top)| (place, top, second))
    }

    /// Order in which the label at `place` appeared first among the seen ones, from 1.
    #[must_use]
    pub fn appearance(&self, place: usize) -> usize {
        let mut seen: Vec<u16> = Vec::new();
        for &label in &self.sequence {
            if !seen.contains(&label) {
                seen.push(label);
                if usize::from(label) == place {
                    break;
                }
            }
        }
        seen.len().max(1)
    }
}
