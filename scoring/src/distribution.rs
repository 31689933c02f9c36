//! Distributions for declared draws, by inversion: one uniform number gives one value, so every draw uses the same
//! part of its stream whatever its distribution.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use statrs::distribution::{Beta, ContinuousCDF, Normal};

use crate::{Error, Stream};

/// Values of a categorical distribution at most.
const MAX_CATEGORIES: usize = 10_000;

/// A random variable with its parameters checked.
#[derive(Clone, Debug)]
pub enum Distribution {
    /// `mean`, `sd`; optionally cut to [`low`, `high`].
    Normal(Cut),
    /// `mean`, `sd` of the variable itself (not of its logarithm); optionally cut to [`low`, `high`].
    Lognormal(Cut),
    /// `low`, `high`.
    Uniform(f64, f64),
    /// `low`, `mode`, `high`.
    Triangular(f64, f64, f64),
    /// `rate` (or `mean` = 1/rate).
    Exponential(f64),
    /// `alpha`, `beta`; optionally stretched to [`low`, `high`].
    Beta(Beta, f64, f64),
    /// `p`: true with this probability.
    Bernoulli(f64),
    /// `values` (a list) with `weights` (a list; equal where not given).
    Categorical(Vec<(Value, f64)>),
    /// `value`.
    Constant(Value),
}

/// A normal distribution of the variable or its logarithm, with the part of the unit interval that is used.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    normal: Normal,
    from: f64,
    to: f64,
}

impl Cut {
    fn quantile(&self, u: f64) -> f64 {
        self.normal.try_inverse_cdf(self.from + u * (self.to - self.from)).unwrap_or(f64::NAN)
    }
}

/// Parameters by name.
struct Parameters<'a> {
    distribution: &'a str,
    values: &'a BTreeMap<String, Value>,
}

impl Parameters<'_> {
    fn problem(&self, problem: String) -> Error {
        Error::Distribution { distribution: self.distribution.to_owned(), problem }
    }

    fn optional(&self, name: &str) -> Result<Option<f64>, Error> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()) {
                Some(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(self.problem(format!("{name} must be a finite number, not {value}"))),
            },
        }
    }

    fn number(&self, name: &str) -> Result<f64, Error> {
        self.optional(name)?.ok_or_else(|| self.problem(format!("{name} is missing")))
    }

    fn positive(&self, name: &str) -> Result<f64, Error> {
        let number = self.number(name)?;
        if number > 0.0 {
            Ok(number)
        } else {
            Err(self.problem(format!("{name} must be above 0, not {number}")))
        }
    }

    fn ordered(&self, low: &str, high: &str) -> Result<(f64, f64), Error> {
        let (a, b) = (self.number(low)?, self.number(high)?);
        if a <= b { Ok((a, b)) } else { Err(self.problem(format!("{low} = {a} lies above {high} = {b}"))) }
    }

    /// A normal with its cut; `scale` maps the bounds (identity, or ln).
    fn cut(&self, mean: f64, sd: f64, scale: impl Fn(f64) -> f64) -> Result<Cut, Error> {
        let normal = Normal::new(mean, sd).map_err(|error| self.problem(error.to_string()))?;
        let from = self.optional("low")?.map_or(0.0, |low| normal.cdf(scale(low)));
        let to = self.optional("high")?.map_or(1.0, |high| normal.cdf(scale(high)));
        if to - from < 1e-9 {
            return Err(self.problem("nothing of it lies between low and high".to_owned()));
        }
        Ok(Cut { normal, from, to })
    }
}

impl Distribution {
    /// A distribution by name with its parameters.
    ///
    /// # Errors
    /// `SCORING-0001` for an unknown name or a parameter that is missing or out of range.
    pub fn new(name: &str, parameters: &BTreeMap<String, Value>) -> Result<Self, Error> {
        let from = Parameters { distribution: name, values: parameters };
        match name {
            "normal" => {
                let (mean, sd) = (from.number("mean")?, from.number("sd")?);
                if sd == 0.0 {
                    return Ok(Self::Constant(json!(mean)));
                }
                Ok(Self::Normal(from.cut(mean, from.positive("sd")?, |bound| bound)?))
            }
            "lognormal" => {
                let (mean, sd) = (from.positive("mean")?, from.positive("sd")?);
                let variance = (sd / mean).powi(2).ln_1p();
                let cut = from.cut(mean.ln() - variance / 2.0, variance.sqrt(), |bound| {
                    if bound > 0.0 { bound.ln() } else { f64::NEG_INFINITY }
                })?;
                Ok(Self::Lognormal(cut))
            }
            "uniform" => from.ordered("low", "high").map(|(low, high)| Self::Uniform(low, high)),
            "triangular" => {
                let (low, mode) = from.ordered("low", "mode")?;
                let (_, high) = from.ordered("mode", "high")?;
                Ok(Self::Triangular(low, mode, high))
            }
            "exponential" => match from.optional("rate")? {
                Some(_) => from.positive("rate").map(Self::Exponential),
                None => from.positive("mean").map(|mean| Self::Exponential(1.0 / mean)),
            },
            "beta" => {
                let beta = Beta::new(from.positive("alpha")?, from.positive("beta")?)
                    .map_err(|error| from.problem(error.to_string()))?;
                let (low, high) = (from.optional("low")?.unwrap_or(0.0), from.optional("high")?.unwrap_or(1.0));
                if low > high {
                    return Err(from.problem(format!("low = {low} lies above high = {high}")));
                }
                Ok(Self::Beta(beta, low, high))
            }
            "bernoulli" => match from.number("p")? {
                p if (0.0..=1.0).contains(&p) => Ok(Self::Bernoulli(p)),
                p => Err(from.problem(format!("p must lie in [0, 1], not {p}"))),
            },
            "categorical" => categorical(&from),
            "constant" => match parameters.get("value").or_else(|| parameters.get("mean")) {
                Some(value) => Ok(Self::Constant(value.clone())),
                None => Err(from.problem("value is missing".to_owned())),
            },
            _ => Err(from.problem(
                "is not known; known are normal, lognormal, uniform, triangular, exponential, beta, bernoulli, \
                 categorical, constant"
                    .to_owned(),
            )),
        }
    }

    /// The next value of the stream: a number, `true`/`false`, or one of the declared values.
    pub fn draw(&self, stream: &mut Stream) -> Value {
        let u = stream.uniform();
        match self {
            Self::Normal(cut) => json!(cut.quantile(u)),
            Self::Lognormal(cut) => json!(cut.quantile(u).exp()),
            Self::Uniform(low, high) => json!(low + u * (high - low)),
            Self::Triangular(low, mode, high) => json!(triangular(*low, *mode, *high, u)),
            Self::Exponential(rate) => json!(-(1.0 - u).ln() / rate),
            Self::Beta(beta, low, high) => {
                json!(low + (high - low) * beta.try_inverse_cdf(u).unwrap_or(f64::NAN))
            }
            Self::Bernoulli(p) => json!(u < *p),
            Self::Categorical(values) => {
                let mut left = u;
                let found = values.iter().find(|(_, weight)| {
                    left -= weight;
                    left < 0.0
                });
                found.or(values.last()).map_or(Value::Null, |(value, _)| value.clone())
            }
            Self::Constant(value) => value.clone(),
        }
    }
}

fn triangular(low: f64, mode: f64, high: f64, u: f64) -> f64 {
    let width = high - low;
    if width <= 0.0 {
        return low;
    }
    if u < (mode - low) / width {
        low + (u * width * (mode - low)).sqrt()
    } else {
        high - ((1.0 - u) * width * (high - mode)).sqrt()
    }
}

fn categorical(from: &Parameters<'_>) -> Result<Distribution, Error> {
    let list = |name: &str| match from.values.get(name) {
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(Value::String(text)) => Ok(Some(text.split(',').map(|item| json!(item.trim())).collect())),
        None | Some(Value::Null) => Ok(None),
        Some(other) => Err(from.problem(format!("{name} must be a list, not {other}"))),
    };
    let values = list("values")?.ok_or_else(|| from.problem("values is missing".to_owned()))?;
    let weights = match list("weights")? {
        None => vec![1.0; values.len()],
        Some(weights) => weights
            .iter()
            .map(|weight| {
                let number = weight.as_f64().or_else(|| weight.as_str()?.parse().ok());
                number.filter(|weight| weight.is_finite() && *weight >= 0.0).ok_or_else(|| {
                    from.problem(format!("each of the weights must be a number of at least 0, not {weight}"))
                })
            })
            .collect::<Result<Vec<f64>, Error>>()?,
    };
    let sum: f64 = weights.iter().sum();
    if values.is_empty() || values.len() > MAX_CATEGORIES || values.len() != weights.len() || sum <= 0.0 {
        return Err(from.problem(format!(
            "values and weights must be equally long, 1 to {MAX_CATEGORIES}, with a positive sum of weights"
        )));
    }
    Ok(Distribution::Categorical(
        values.into_iter().zip(weights).map(|(value, weight)| (value, weight / sum)).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    fn of(name: &str, parameters: Value) -> Result<Distribution, Error> {
        let map = serde_json::from_value(parameters).unwrap();
        Distribution::new(name, &map)
    }

    #[test]
    fn means_and_deviations_are_those_declared() {
        let rows = [
            ("normal", json!({"mean": 10, "sd": 2}), 10.0, 2.0),
            ("lognormal", json!({"mean": 5, "sd": 1}), 5.0, 1.0),
            ("uniform", json!({"low": 0, "high": 12}), 6.0, 3.4641),
            ("triangular", json!({"low": 0, "mode": 3, "high": 6}), 3.0, 1.2247),
            ("exponential", json!({"rate": 0.5}), 2.0, 2.0),
            ("exponential", json!({"mean": 2}), 2.0, 2.0),
            ("beta", json!({"alpha": 2, "beta": 2}), 0.5, 0.2236),
            ("beta", json!({"alpha": 1, "beta": 1, "low": 10, "high": 22}), 16.0, 3.4641),
            ("constant", json!({"value": 4}), 4.0, 0.0),
            ("normal", json!({"mean": "3", "sd": "0"}), 3.0, 0.0),
        ];
        for (name, parameters, mean, sd) in rows {
            let distribution = of(name, parameters).unwrap();
            let values: Vec<f64> = (0..20_000)
                .map(|sample| {
                    let mut stream = Stream::at(Address { seed: 5, element: name, visit: 0, sample });
                    distribution.draw(&mut stream).as_f64().unwrap()
                })
                .collect();
            let n = values.len() as f64;
            let found = values.iter().sum::<f64>() / n;
            let deviation = (values.iter().map(|v| (v - found).powi(2)).sum::<f64>() / n).sqrt();
            assert!((found - mean).abs() < 0.03 * sd + 1e-9, "{name}: mean {found}");
            assert!((deviation - sd).abs() < 0.03 * sd + 1e-9, "{name}: sd {deviation}");
        }
    }

    #[test]
    fn categories_and_chances_come_in_their_proportions() {
        let weather = of("categorical", json!({"values": ["sun", "rain"], "weights": [3, 1]})).unwrap();
        let chance = of("bernoulli", json!({"p": 0.25})).unwrap();
        let mut stream = Stream::seeded(3);
        let sunny = (0..10_000).filter(|_| weather.draw(&mut stream) == json!("sun")).count();
        let lucky = (0..10_000).filter(|_| chance.draw(&mut stream) == json!(true)).count();
        assert!((7_300..7_700).contains(&sunny) && (2_300..2_700).contains(&lucky), "{sunny} {lucky}");
    }

    #[test]
    fn a_cut_normal_stays_between_its_bounds() {
        let cut = of("normal", json!({"mean": 1, "sd": 5, "low": 0, "high": 2})).unwrap();
        let mut stream = Stream::seeded(9);
        assert!((0..2_000).all(|_| (0.0..=2.0).contains(&cut.draw(&mut stream).as_f64().unwrap())));
    }

    #[test]
    fn parameters_that_make_no_sense_are_refused_by_name() {
        for (name, parameters, word) in [
            ("normal", json!({"mean": 1}), "sd"),
            ("normal", json!({"mean": 1, "sd": -1}), "sd"),
            ("normal", json!({"mean": "x", "sd": 1}), "mean"),
            ("uniform", json!({"low": 2, "high": 1}), "low"),
            ("triangular", json!({"low": 0, "mode": 5, "high": 1}), "mode"),
            ("exponential", json!({"rate": 0}), "rate"),
            ("beta", json!({"alpha": 0, "beta": 1}), "alpha"),
            ("bernoulli", json!({"p": 1.5}), "p must"),
            ("categorical", json!({"values": []}), "values"),
            ("categorical", json!({"values": [1], "weights": [-1]}), "weights"),
            ("constant", json!({}), "value"),
            ("cauchy", json!({}), "known"),
        ] {
            let error = of(name, parameters).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
