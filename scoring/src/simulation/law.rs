//! How long something takes: distributions of durations, by inversion, so that one uniform number gives one duration
//! and a larger number never a shorter one (what common random numbers need).

use std::fmt;

use statrs::distribution::{Beta, ContinuousCDF, Gamma, Normal};
use statrs::function::gamma::gamma;

/// Values of an empirical law at most.
pub(super) const MAX_VALUES: usize = 100_000;
/// Halvings of a quantile: more than a double tells apart.
const HALVINGS: u32 = 60;
/// What is left of a law where something has gone on for longer than it knows.
const BEYOND: f64 = 1e-9;

/// A distribution of durations in seconds, never negative.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same.
    Constant(f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// Uniform between two bounds.
    Uniform(f64, f64),
    /// Triangular: lowest, most frequent, highest.
    Triangular(f64, f64, f64),
    /// Normal with mean and standard deviation before the cut at 0; the third number is P(below 0).
    Normal(f64, f64, f64),
    /// Normal with mean and standard deviation before it is cut off below and above the last two numbers.
    Truncated(f64, f64, f64, f64),
    /// Log-normal by mean and standard deviation of the logarithm.
    Lognormal(f64, f64),
    /// Gamma by shape and scale.
    Gamma(f64, f64),
    /// Weibull by shape and scale.
    Weibull(f64, f64),
    /// Beta by its two shapes, stretched to reach from 0 to the last number.
    Beta(f64, f64, f64),
    /// What was observed: values in ascending order with their cumulative weights, the last of which is 1.
    Empirical(Vec<(f64, f64)>),
}

impl Law {
    /// Reads e.g. `exponential(10min)`, `triangular(1h, 2h, 4h)`, `normal(mean=20min, sd=5min)`, `PT10M`, `90`.
    ///
    /// Names: `constant(value)`, `exponential(mean)`, `uniform(low, high)`, `triangular(low, mode, high)`,
    /// `normal(mean, sd)` cut at 0, `lognormal(mean, sd)` (of the duration itself), `gamma(mean, sd)`,
    /// `erlang(k, mean)`, `weibull(shape, scale)`, `truncated(mean, sd, low, high)`, `beta(alpha, beta, high)`,
    /// `empirical(value, …)`. Numbers are seconds; `ms`, `s`, `min`, `h`, `d`, `w` and ISO 8601 durations are understood.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some((name, rest)) = text.split_once('(') else {
            return seconds(text).map(Self::Constant).and_then(Self::checked);
        };
        let inner = rest.strip_suffix(')').ok_or_else(|| format!("{text:?} lacks its closing bracket"))?;
        let mut numbers = Vec::new();
        let mut named = Vec::new();
        for part in inner.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((name, value)) => named.push((name.trim().to_ascii_lowercase(), seconds(value)?)),
                None => numbers.push(seconds(part)?),
            }
        }
        Self::named(&name.trim().to_ascii_lowercase(), &numbers, &named)
            .map_err(|problem| format!("{text:?}: {problem}"))
    }

    fn named(name: &str, numbers: &[f64], named: &[(String, f64)]) -> Result<Self, String> {
        let get = |place: usize, word: &str| {
            let by_name = named.iter().find(|(name, _)| name == word).map(|(_, value)| *value);
            let number = by_name.or_else(|| numbers.get(place).copied());
            number.ok_or_else(|| format!("{word} is missing"))
        };
        let law = match name {
            "constant" => Self::Constant(get(0, "value")?),
            "exponential" => Self::Exponential(get(0, "mean")?),
            "uniform" => Self::Uniform(get(0, "low")?, get(1, "high")?),
            "triangular" => Self::Triangular(get(0, "low")?, get(1, "mode")?, get(2, "high")?),
            "normal" => return Self::normal(get(0, "mean")?, get(1, "sd")?),
            "lognormal" => return Self::lognormal(get(0, "mean")?, get(1, "sd")?),
            "gamma" => {
                let (mean, sd) = (get(0, "mean")?, get(1, "sd")?);
                Self::Gamma((mean / sd).powi(2), sd * sd / mean)
            }
            "erlang" => {
                let (k, mean) = (get(0, "k")?, get(1, "mean")?);
                Self::Gamma(k, mean / k)
            }
            "weibull" => Self::Weibull(get(0, "shape")?, get(1, "scale")?),
            "truncated" => {
                return Self::truncated(get(0, "mean")?, get(1, "sd")?, get(2, "low")?, get(3, "high")?);
            }
            "beta" => Self::Beta(get(0, "alpha")?, get(1, "beta")?, get(2, "high")?),
            "empirical" => return Self::empirical(numbers),
            _ => {
                return Err(format!(
                    "{name} is not known; known are constant, exponential, uniform, triangular, normal, lognormal, \
                     gamma, erlang, weibull, truncated, beta and empirical"
                ));
            }
        };
        law.checked()
    }

    /// A normal law cut at 0.
    ///
    /// # Errors
    /// Where nothing of it lies above 0.
    pub fn normal(mean: f64, sd: f64) -> Result<Self, String> {
        if sd == 0.0 {
            return Self::Constant(mean).checked();
        }
        let normal = Normal::new(mean, sd).map_err(|error| error.to_string())?;
        let below = normal.cdf(0.0);
        if below > 0.999 {
            return Err("nothing of it lies above 0".to_owned());
        }
        Ok(Self::Normal(mean, sd, below))
    }

    /// A normal law cut off below `low` and above `high`.
    ///
    /// # Errors
    /// Where the bounds are not 0 ≤ low < high, or hardly anything of it lies between them.
    pub fn truncated(mean: f64, sd: f64, low: f64, high: f64) -> Result<Self, String> {
        if !(low >= 0.0 && low < high && high.is_finite()) {
            return Err("its bounds must be at least 0 and in ascending order".to_owned());
        }
        let normal = Normal::new(mean, sd).map_err(|error| error.to_string())?;
        if normal.cdf(high) - normal.cdf(low) < 1e-6 {
            return Err("nothing of it lies between its bounds".to_owned());
        }
        Ok(Self::Truncated(mean, sd, low, high))
    }

    /// A log-normal law by mean and standard deviation of the duration itself.
    ///
    /// # Errors
    /// Where they are not positive.
    pub fn lognormal(mean: f64, sd: f64) -> Result<Self, String> {
        if !(mean > 0.0 && sd > 0.0) {
            return Err("mean and sd must be above 0".to_owned());
        }
        let variance = (sd / mean).powi(2).ln_1p();
        Ok(Self::Lognormal(mean.ln() - variance / 2.0, variance.sqrt()))
    }

    /// What was observed, each value as likely as any other.
    ///
    /// # Errors
    /// Where there is none, or more than 100,000.
    pub fn empirical(values: &[f64]) -> Result<Self, String> {
        Self::weighted(values.iter().map(|value| (*value, 1.0)).collect())
    }

    /// Values with weights.
    pub(super) fn weighted(mut values: Vec<(f64, f64)>) -> Result<Self, String> {
        let sum: f64 = values.iter().map(|(_, weight)| weight).sum();
        if values.is_empty() || values.len() > MAX_VALUES || !(sum > 0.0 && sum.is_finite()) {
            return Err(format!("it takes 1 to {MAX_VALUES} values with weights"));
        }
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut reached = 0.0;
        for (_, weight) in &mut values {
            reached += *weight / sum;
            *weight = reached;
        }
        Self::Empirical(values).checked()
    }

    pub(super) fn checked(self) -> Result<Self, String> {
        let positive = |name: &str, value: f64| {
            if value > 0.0 && value.is_finite() { Ok(()) } else { Err(format!("{name} must be above 0")) }
        };
        let ordered = |values: &[f64]| {
            if values.first().is_some_and(|low| *low >= 0.0)
                && values.windows(2).all(|pair| matches!(pair, [a, b] if a <= b && b.is_finite()))
            {
                Ok(())
            } else {
                Err("its bounds must be at least 0 and in ascending order".to_owned())
            }
        };
        match &self {
            Self::Constant(value) => ordered(&[*value, *value])?,
            Self::Exponential(mean) => positive("mean", *mean)?,
            Self::Uniform(low, high) => ordered(&[*low, *high])?,
            Self::Triangular(low, mode, high) => ordered(&[*low, *mode, *high])?,
            Self::Gamma(shape, scale) | Self::Weibull(shape, scale) => {
                positive("shape (or mean)", *shape)?;
                positive("scale (or sd)", *scale)?;
            }
            Self::Empirical(values) => ordered(&values.iter().map(|(value, _)| *value).collect::<Vec<_>>())?,
            Self::Beta(alpha, beta, high) => {
                positive("alpha", *alpha)?;
                positive("beta", *beta)?;
                positive("high", *high)?;
            }
            Self::Normal(..) | Self::Truncated(..) | Self::Lognormal(..) => {}
        }
        Ok(self)
    }

    /// The duration at this point of the cumulative distribution, `u` in (0, 1), in seconds.
    #[inline]
    #[must_use]
    pub fn quantile(&self, u: f64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Exponential(mean) => -mean * (1.0 - u).ln(),
            Self::Uniform(low, high) => low + u * (high - low),
            _ => self.slow_quantile(u),
        }
    }

    #[inline(never)]
    fn slow_quantile(&self, u: f64) -> f64 {
        match self {
            Self::Constant(_) | Self::Exponential(_) | Self::Uniform(..) => self.quantile(u),
            Self::Triangular(low, mode, high) => {
                let width = high - low;
                if width <= 0.0 {
                    *low
                } else if u < (mode - low) / width {
                    low + (u * width * (mode - low)).sqrt()
                } else {
                    high - ((1.0 - u) * width * (high - mode)).sqrt()
                }
            }
            Self::Normal(mean, sd, below) => {
                let z = standard_normal(below + u * (1.0 - below));
                (mean + sd * z).max(0.0)
            }
            Self::Truncated(mean, sd, low, high) => {
                let (from, to) = (below((low - mean) / sd), below((high - mean) / sd));
                (mean + sd * standard_normal(from + u * (to - from))).clamp(*low, *high)
            }
            Self::Lognormal(mean, sd) => (mean + sd * standard_normal(u)).exp(),
            Self::Gamma(shape, scale) => {
                let standard = Gamma::new(*shape, 1.0).ok().and_then(|gamma| gamma.try_inverse_cdf(u).ok());
                standard.unwrap_or(*shape).max(0.0) * scale
            }
            Self::Weibull(shape, scale) => scale * (-(1.0 - u).ln()).powf(1.0 / shape),
            Self::Beta(alpha, beta, high) => {
                let standard = Beta::new(*alpha, *beta).ok().and_then(|beta| beta.try_inverse_cdf(u).ok());
                high * standard.unwrap_or(alpha / (alpha + beta)).clamp(0.0, 1.0)
            }
            Self::Empirical(values) => {
                let place = values.partition_point(|(_, reached)| *reached < u);
                values.get(place).or(values.last()).map_or(0.0, |(value, _)| *value)
            }
        }
    }

    /// The share of durations of at most `seconds`, by halving the interval of [`Law::quantile`].
    #[must_use]
    pub fn share_within(&self, seconds: f64) -> f64 {
        if let Self::Exponential(mean) = self {
            return 1.0 - (-seconds.max(0.0) / mean).exp();
        }
        if seconds < self.quantile(f64::EPSILON) {
            return 0.0;
        }
        if self.quantile(1.0 - f64::EPSILON) <= seconds {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.quantile(middle) <= seconds { low = middle } else { high = middle }
        }
        low
    }

    /// How much longer something takes that has been going on for `elapsed` seconds, at this point of what is left of the
    /// law. Where it has gone on for longer than the law knows, it is taken to go on without memory, with the law's mean.
    #[must_use]
    pub fn remaining(&self, elapsed: f64, u: f64) -> f64 {
        if elapsed <= 0.0 {
            return self.quantile(u);
        }
        let past = self.share_within(elapsed);
        if 1.0 - past < BEYOND {
            return -self.mean() * (1.0 - u).ln();
        }
        (self.quantile(past + u * (1.0 - past)) - elapsed).max(0.0)
    }

    /// Whether something that has been going on for so long has gone on for longer than the law knows.
    #[must_use]
    pub fn is_beyond(&self, elapsed: f64) -> bool {
        self.mean() > 0.0 && elapsed > 0.0 && 1.0 - self.share_within(elapsed) < BEYOND
    }

    /// Its mean, in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Exponential(mean) => *mean,
            Self::Uniform(low, high) => (low + high) / 2.0,
            Self::Triangular(low, mode, high) => (low + mode + high) / 3.0,
            Self::Normal(mean, sd, below) => mean + sd * density(mean / sd) / (1.0 - below),
            Self::Truncated(mean, sd, low, high) => {
                let (a, b) = ((low - mean) / sd, (high - mean) / sd);
                mean + sd * (density(a) - density(b)) / (below(b) - below(a))
            }
            Self::Lognormal(mean, sd) => (mean + sd * sd / 2.0).exp(),
            Self::Gamma(shape, scale) => shape * scale,
            Self::Weibull(shape, scale) => scale * gamma(1.0 + 1.0 / shape),
            Self::Beta(alpha, beta, high) => high * alpha / (alpha + beta),
            Self::Empirical(values) => {
                let mut before = 0.0;
                values
                    .iter()
                    .map(|(value, reached)| value * (reached - std::mem::replace(&mut before, *reached)))
                    .sum()
            }
        }
    }

    /// Its coefficient of variation (standard deviation over mean), by 999 quantiles.
    pub(super) fn variation(&self) -> f64 {
        let values: Vec<f64> = (1..1000).map(|i| self.quantile(f64::from(i) / 1000.0)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        if mean > 0.0 { squares.sqrt() / mean } else { 0.0 }
    }

    /// The same law with every duration multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(value * factor),
            Self::Exponential(mean) => Self::Exponential(mean * factor),
            Self::Uniform(low, high) => Self::Uniform(low * factor, high * factor),
            Self::Triangular(low, mode, high) => Self::Triangular(low * factor, mode * factor, high * factor),
            Self::Normal(mean, sd, below) => Self::Normal(mean * factor, sd * factor, *below),
            Self::Truncated(mean, sd, low, high) => {
                Self::Truncated(mean * factor, sd * factor, low * factor, high * factor)
            }
            Self::Lognormal(mean, sd) => Self::Lognormal(mean + factor.ln(), *sd),
            Self::Gamma(shape, scale) => Self::Gamma(*shape, scale * factor),
            Self::Weibull(shape, scale) => Self::Weibull(*shape, scale * factor),
            Self::Beta(alpha, beta, high) => Self::Beta(*alpha, *beta, high * factor),
            Self::Empirical(values) => {
                Self::Empirical(values.iter().map(|(value, reached)| (value * factor, *reached)).collect())
            }
        }
    }
}

impl fmt::Display for Law {
    /// As [`Law::parse`] reads it, in seconds.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(formatter, "{value}"),
            Self::Exponential(mean) => write!(formatter, "exponential({mean})"),
            Self::Uniform(low, high) => write!(formatter, "uniform({low}, {high})"),
            Self::Triangular(low, mode, high) => write!(formatter, "triangular({low}, {mode}, {high})"),
            Self::Normal(mean, sd, _) => write!(formatter, "normal({mean}, {sd})"),
            Self::Truncated(mean, sd, low, high) => {
                write!(formatter, "truncated({mean}, {sd}, {low}, {high})")
            }
            Self::Lognormal(mu, sigma) => {
                let mean = (mu + sigma * sigma / 2.0).exp();
                write!(formatter, "lognormal({mean}, {})", mean * (sigma * sigma).exp_m1().sqrt())
            }
            Self::Gamma(shape, scale) => {
                write!(formatter, "gamma({}, {})", shape * scale, shape.sqrt() * scale)
            }
            Self::Weibull(shape, scale) => write!(formatter, "weibull({shape}, {scale})"),
            Self::Beta(alpha, beta, high) => write!(formatter, "beta({alpha}, {beta}, {high})"),
            Self::Empirical(values) => {
                // Each value as often as its weight says, of a thousand.
                let count = values.len().max(1_000);
                let each = (0..count).map(|at| self.quantile((at as f64 + 0.5) / count as f64).to_string());
                write!(formatter, "empirical({})", each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The density of the standard normal distribution.
fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The standard normal distribution function.
fn below(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// The quantile of the standard normal distribution.
fn standard_normal(u: f64) -> f64 {
    Normal::standard().try_inverse_cdf(u).unwrap_or(0.0)
}

/// Seconds: `90`, `90s`, `1.5h`, `PT1M30S`.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let problem = || {
        format!(
            "{text:?} is no duration; write seconds, a number with ms, s, min, h, d or w, or ISO 8601 such as PT5M"
        )
    };
    if text.starts_with('P') {
        return crate::parse_duration_ms(text).map(|ms| ms as f64 / 1000.0).map_err(|_| problem());
    }
    let end = text.find(|it: char| it.is_ascii_alphabetic() && it != 'e').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" | "s" | "sec" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return Err(problem()),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number * factor),
        _ => Err(problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_have_the_mean_of_their_quantiles() {
        for text in [
            "90",
            "PT1M30S",
            "exponential(10min)",
            "uniform(1, 3)",
            "triangular(1h, 2h, 4h)",
            "normal(20min, sd=5min)",
            "normal(10, 10)",
            "lognormal(mean=100, sd=50)",
            "gamma(100, 30)",
            "erlang(3, 60)",
            "weibull(1.5, 100)",
            "truncated(100, 50, 30, 120)",
            "beta(2, 3, 1h)",
            "empirical(5, 1, 3, 3)",
        ] {
            let law = Law::parse(text).unwrap();
            let n = 20_000;
            let mean =
                (0..n).map(|i| law.quantile((f64::from(i) + 0.5) / f64::from(n))).sum::<f64>() / f64::from(n);
            assert!((mean / law.mean() - 1.0).abs() < 2e-3, "{text}: {mean} against {}", law.mean());
            assert!((law.scaled(3.0).mean() / law.mean() - 3.0).abs() < 1e-9, "{text}");
            let rising = (1..100).map(|i| law.quantile(f64::from(i) / 100.0)).collect::<Vec<_>>();
            assert!(rising.windows(2).all(|pair| pair[0] <= pair[1]) && rising[0] >= 0.0, "{text}");
        }
    }

    #[test]
    fn what_is_left_of_a_duration_is_the_law_beyond_what_has_passed() {
        // An exponential law has no memory; of a uniform one the rest is left; beyond a law its mean goes on.
        let exponential = Law::Exponential(60.0);
        assert!((exponential.remaining(500.0, 0.5) - exponential.quantile(0.5)).abs() < 1e-6);
        let uniform = Law::Uniform(0.0, 100.0);
        assert!((uniform.remaining(40.0, 0.5) - 30.0).abs() < 1e-6);
        assert!((uniform.share_within(25.0) - 0.25).abs() < 1e-9);
        let fixed = Law::Constant(10.0);
        assert!((fixed.remaining(4.0, 0.3) - 6.0).abs() < 1e-9 && fixed.is_beyond(11.0));
        let seen = Law::empirical(&[10.0, 20.0, 30.0, 40.0]).unwrap();
        assert!((seen.remaining(15.0, 0.5) - 15.0).abs() < 1e-9);
        assert!(seen.is_beyond(41.0) && !seen.is_beyond(39.0) && seen.remaining(41.0, 0.5) > 0.0);
    }

    #[test]
    fn nonsense_is_refused_with_the_way_out() {
        for (text, word) in [
            ("exponential(0)", "mean"),
            ("exponential(", "bracket"),
            ("uniform(3, 1)", "ascending"),
            ("cauchy(1)", "known"),
            ("normal(-100, 1)", "above 0"),
            ("soon", "duration"),
            ("triangular(1, 2)", "high"),
            ("-5", "at least 0"),
        ] {
            let problem = Law::parse(text).and_then(Law::checked).unwrap_err();
            assert!(problem.contains(word), "{text}: {problem}");
        }
    }
}
