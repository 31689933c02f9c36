//! A mean over pairs with its 95 % interval.

use serde::Serialize;

/// A mean with its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Mean {
    /// The mean; 0 of nothing.
    pub mean: f64,
    /// Lower end of the 95 % interval (Student's t over pairs, within 0..=1); `None` below two pairs.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// How many pairs it is over.
    pub pairs: usize,
}

impl Mean {
    /// The mean of values in 0..=1.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let pairs = values.len();
        if pairs == 0 {
            return Self::default();
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of pairs are small")]
        let count = pairs as f64;
        let mean = values.iter().sum::<f64>() / count;
        if pairs < 2 {
            return Self { mean, low: None, high: None, pairs };
        }
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let half = student_975(pairs - 1) * (variance / count).sqrt();
        Self { mean, low: Some((mean - half).max(0.0)), high: Some((mean + half).min(1.0)), pairs }
    }
}

impl std::fmt::Display for Mean {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pairs == 0 {
            return f.write_str("not measured");
        }
        write!(f, "{:.3}", self.mean)?;
        if let (Some(low), Some(high)) = (self.low, self.high) {
            write!(f, " (95 %: {low:.3} to {high:.3})")?;
        }
        write!(f, ", {} pairs", self.pairs)
    }
}

/// The 97.5 % point of Student's t: exact to three digits for few degrees of freedom, by Cornish-Fisher expansion
/// (Abramowitz, Stegun 26.7.5) from six on, where its error is below 0.001.
pub(crate) fn student_975(degrees: usize) -> f64 {
    const FEW: [f64; 5] = [12.706, 4.303, 3.182, 2.776, 2.571];
    if let Some(value) = degrees.checked_sub(1).and_then(|at| FEW.get(at)) {
        return *value;
    }
    const Z: f64 = 1.959_963_985;
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs are small")]
    let v = degrees as f64;
    let (z3, z5, z7) = (Z.powi(3), Z.powi(5), Z.powi(7));
    Z + (z3 + Z) / (4.0 * v)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * v * v)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * v.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_students_t_are_those_of_the_tables() {
        for (degrees, expected) in [(1, 12.706), (6, 2.447), (10, 2.228), (30, 2.042), (1_000, 1.962)] {
            assert!((student_975(degrees) - expected).abs() < 0.0015, "{degrees}: {}", student_975(degrees));
        }
    }

    #[test]
    fn a_mean_has_an_interval_from_two_values_on() {
        assert_eq!(Mean::of(&[]).pairs, 0);
        assert_eq!(Mean::of(&[0.5]).low, None);
        let mean = Mean::of(&[0.4, 0.6]);
        assert!((mean.mean - 0.5).abs() < 1e-12);
        assert_eq!((mean.low, mean.high), (Some(0.0), Some(1.0)), "two values say little: 0.5 ± 1.27");
    }
}
