//! Values of BPSim parameters: constants and distributions, with their units, and back.

use std::fmt::Write as _;

use bpmn::model::RawElement;
use bpmn::xml::namespace::BPSIM;

use super::super::Law;

/// Terms of a discrete law at most, and what is left of it then.
const TERMS: u32 = 100_000;
const REST: f64 = 1e-12;

/// Seconds of a time unit as BPSim names them.
pub(super) fn unit_seconds(name: &str) -> Option<f64> {
    Some(match name {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "hour" => 3_600.0,
        "day" => 86_400.0,
        "year" => 365.25 * 86_400.0,
        _ => return None,
    })
}

/// The values of a parameter element such as `ProcessingTime`: its children but for requests of results.
pub(super) fn values(parameter: &RawElement) -> impl Iterator<Item = &RawElement> {
    parameter.elements().filter(|value| value.local_name != "ResultRequest" && value.get("result").is_none())
}

/// A constant number, without unit.
pub(super) fn number(value: &RawElement) -> Option<f64> {
    matches!(value.local_name.as_str(), "NumericParameter" | "FloatingParameter")
        .then(|| value.get("value")?.trim().parse::<f64>().ok().filter(|number| number.is_finite()))
        .flatten()
}

/// How long something takes, in seconds; `base` is the scenario's time unit, in seconds.
pub(super) fn law(value: &RawElement, base: f64) -> Result<Law, String> {
    let unit = match value.get("timeUnit") {
        None => base,
        Some(name) => unit_seconds(name).ok_or_else(|| format!("the time unit {name} is not known"))?,
    };
    let plain = |name: &str| {
        let text = value.get(name).ok_or_else(|| format!("{} lacks {name}", value.local_name))?;
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(format!("{name}={text:?} of {} is no number", value.local_name)),
        }
    };
    let time = |name: &str| plain(name).map(|number| number * unit);
    match value.local_name.as_str() {
        "DurationParameter" => {
            let text = value.get("value").unwrap_or_default();
            super::super::law::seconds(text).map(Law::Constant)?.checked()
        }
        "NumericParameter" | "FloatingParameter" => Law::Constant(time("value")?).checked(),
        "NegativeExponentialDistribution" => Law::Exponential(time("mean")?).checked(),
        "UniformDistribution" => Law::Uniform(time("min")?, time("max")?).checked(),
        "TriangularDistribution" => Law::Triangular(time("min")?, time("mode")?, time("max")?).checked(),
        "NormalDistribution" => Law::normal(time("mean")?, time("standardDeviation")?),
        "TruncatedNormalDistribution" => {
            Law::truncated(time("mean")?, time("standardDeviation")?, time("min")?.max(0.0), time("max")?)
        }
        "LogNormalDistribution" => Law::lognormal(time("mean")?, time("standardDeviation")?),
        "ErlangDistribution" => {
            let k = plain("k")?;
            Law::Gamma(k, time("mean")? / k).checked()
        }
        "GammaDistribution" => Law::Gamma(plain("shape")?, time("scale")?).checked(),
        "WeibullDistribution" => Law::Weibull(plain("shape")?, time("scale")?).checked(),
        // BPSim's Beta lies between 0 and 1 time unit; its `scale` is the second shape.
        "BetaDistribution" => Law::Beta(plain("shape")?, plain("scale")?, unit).checked(),
        "PoissonDistribution" => poisson(plain("mean")?, unit),
        "BinomialDistribution" => binomial(plain("probability")?, plain("trials")?, unit),
        "UserDistribution" => user(value, base),
        other => Err(format!("{other} cannot be simulated")),
    }
}

fn user(value: &RawElement, base: f64) -> Result<Law, String> {
    let mut points = Vec::new();
    for point in value.elements_named("UserDistributionDataPoint") {
        let weight = point.get("probability").and_then(|text| text.trim().parse::<f64>().ok());
        let weight = weight.filter(|weight| weight.is_finite() && *weight >= 0.0);
        let inner = point.elements().next().map(|inner| law(inner, base)).transpose()?;
        match (weight, inner) {
            (Some(weight), Some(Law::Constant(seconds))) => points.push((seconds, weight)),
            _ => {
                return Err(
                    "a point of a UserDistribution needs a probability and a constant value".to_owned()
                );
            }
        }
    }
    Law::weighted(points)
}

fn poisson(mean: f64, unit: f64) -> Result<Law, String> {
    if !(mean > 0.0 && mean < 10_000.0) {
        return Err("the mean of a PoissonDistribution must be above 0 and below 10,000".to_owned());
    }
    // By logarithms: e^−mean alone would vanish for large means.
    let mut logarithm = -mean;
    let (mut points, mut reached) = (Vec::new(), 0.0);
    for k in 0..TERMS {
        if k > 0 {
            logarithm += (mean / f64::from(k)).ln();
        }
        let share = logarithm.exp();
        points.push((f64::from(k) * unit, share));
        reached += share;
        if 1.0 - reached < REST && f64::from(k) > mean {
            break;
        }
    }
    Law::weighted(points)
}

fn binomial(probability: f64, trials: f64, unit: f64) -> Result<Law, String> {
    if !(0.0..=1.0).contains(&probability) || !(1.0..=f64::from(TERMS)).contains(&trials) {
        return Err(
            "a BinomialDistribution needs a probability from 0 to 1 and 1 to 100,000 trials".to_owned()
        );
    }
    if probability == 0.0 || probability == 1.0 {
        return Law::Constant(probability * trials.floor() * unit).checked();
    }
    let n = trials.floor() as u32;
    let mut logarithm = f64::from(n) * (1.0 - probability).ln();
    let odds = (probability / (1.0 - probability)).ln();
    let points = (0..=n).map(|k| {
        if k > 0 {
            logarithm += (f64::from(n - k + 1) / f64::from(k)).ln() + odds;
        }
        (f64::from(k) * unit, logarithm.exp())
    });
    Law::weighted(points.filter(|(_, share)| *share > 0.0).collect())
}

/// An element of BPSim.
pub(super) fn element(name: &str) -> RawElement {
    RawElement::named(BPSIM, name)
}

/// A number without unit.
pub(super) fn floating(number: f64) -> RawElement {
    element("FloatingParameter").with("value", text(number))
}

/// A law as BPSim writes it, in seconds.
pub(super) fn of_law(law: &Law) -> RawElement {
    let with = |name: &str, parts: &[(&str, f64)]| {
        let start = element(name).with("timeUnit", "s");
        parts.iter().fold(start, |made, (name, number)| made.with(name, text(*number)))
    };
    match law {
        Law::Constant(seconds) => with("FloatingParameter", &[("value", *seconds)]),
        Law::Exponential(mean) => with("NegativeExponentialDistribution", &[("mean", *mean)]),
        Law::Uniform(low, high) => with("UniformDistribution", &[("min", *low), ("max", *high)]),
        Law::Triangular(low, mode, high) => {
            with("TriangularDistribution", &[("min", *low), ("mode", *mode), ("max", *high)])
        }
        Law::Normal(mean, sd, _) => {
            with("NormalDistribution", &[("mean", *mean), ("standardDeviation", *sd)])
        }
        Law::Truncated(mean, sd, low, high) => with(
            "TruncatedNormalDistribution",
            &[("mean", *mean), ("standardDeviation", *sd), ("min", *low), ("max", *high)],
        ),
        Law::Lognormal(mu, sigma) => {
            let mean = (mu + sigma * sigma / 2.0).exp();
            let sd = mean * (sigma * sigma).exp_m1().sqrt();
            with("LogNormalDistribution", &[("mean", mean), ("standardDeviation", sd)])
        }
        Law::Gamma(shape, scale) => with("GammaDistribution", &[("shape", *shape), ("scale", *scale)]),
        Law::Weibull(shape, scale) => with("WeibullDistribution", &[("shape", *shape), ("scale", *scale)]),
        // BPSim's Beta ends at 1 time unit, so another end takes a distribution of points.
        Law::Beta(alpha, beta, high) if *high == 1.0 => {
            with("BetaDistribution", &[("shape", *alpha), ("scale", *beta)])
        }
        Law::Beta(..) => points((0..100).map(|at| (law.quantile((f64::from(at) + 0.5) / 100.0), 0.01))),
        Law::Empirical(values) => {
            let mut before = 0.0;
            points(
                values
                    .iter()
                    .map(|(value, reached)| (*value, reached - std::mem::replace(&mut before, *reached))),
            )
        }
    }
}

fn points(points: impl Iterator<Item = (f64, f64)>) -> RawElement {
    points.fold(element("UserDistribution").with("discrete", "true"), |made, (seconds, share)| {
        let value = element("FloatingParameter").with("timeUnit", "s").with("value", text(seconds));
        made.with_child(
            element("UserDistributionDataPoint").with("probability", text(share)).with_child(value),
        )
    })
}

/// The shortest text that reads back as the same number.
pub(super) fn text(number: f64) -> String {
    let mut text = String::new();
    let _ = write!(text, "{number}");
    text
}
