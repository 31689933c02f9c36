//! Forecasts of running cases, and how good past ones were.

use async_graphql::SimpleObject;
use das::forecast::{CaseForecast, TrackRecordOf};
use scoring::simulation::{Coverage, TrackRecord};

use super::timed::SimulatedNumber;
use crate::scalar::Timestamp;

/// How a running case goes on, from where it stands.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Forecast {
    /// When it was made.
    made_at: Timestamp,
    /// Mean time that is left, seconds.
    remaining: SimulatedNumber,
    /// Time that is left at most, with these probabilities: 2.5 %, 10 %, 25 %, 50 %, 75 %, 90 %, 97.5 %. They hold what
    /// chance leaves open and what the observations leave open.
    quantiles: Vec<ForecastQuantile>,
    /// How the case ends.
    ends: Vec<ForecastEnd>,
    /// Probability that it never ends: a token waits at a join for one that does not come.
    stuck: f64,
    /// Ids of elements that have been going on for longer than anything recorded or declared of them.
    beyond: Vec<String>,
    /// Recorded cases behind its parameters.
    recorded_cases: u64,
    /// Simulations behind it.
    runs: u32,
}

/// A quantile of the time that is left.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ForecastQuantile {
    /// The probability.
    share: f64,
    /// Seconds.
    seconds: f64,
}

/// How likely a case comes to an end.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ForecastEnd {
    /// Id of the end event.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// Its probability.
    share: SimulatedNumber,
}

impl From<CaseForecast> for Forecast {
    fn from(found: CaseForecast) -> Self {
        let forecast = found.forecast;
        let ends = forecast.ends.iter().map(|(element_id, name, share)| ForecastEnd {
            element_id: element_id.clone(),
            name: name.clone(),
            share: SimulatedNumber::from(share),
        });
        let quantiles = forecast.quantiles.iter().filter(|(_, seconds)| seconds.is_finite());
        Self {
            made_at: Timestamp(found.made_ms),
            remaining: SimulatedNumber::from(&forecast.remaining),
            quantiles: quantiles
                .map(|(share, seconds)| ForecastQuantile { share: *share, seconds: *seconds })
                .collect(),
            ends: ends.collect(),
            stuck: forecast.stuck,
            beyond: forecast.beyond,
            recorded_cases: found.recorded_cases,
            runs: forecast.runs,
        }
    }
}

/// How good past forecasts were, by the cases that have ended since.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ForecastRecord {
    /// All forecasts; null where no case that was forecast has ended yet.
    all: Option<ForecastScore>,
    /// The first forecast of each case alone.
    at_start: Option<ForecastScore>,
    /// Forecasts whose cases still run.
    open: u64,
}

/// How good forecasts were.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ForecastScore {
    /// Cases that have ended; each counts once, however often it was forecast.
    cases: u64,
    /// Forecasts of them.
    forecasts: u64,
    /// Whether there are enough cases (30) to believe it.
    enough: bool,
    /// How often the truth lay in the intervals.
    coverage: Vec<ForecastCoverage>,
    /// Share of truths in each tenth of the forecast distribution; all 0.1 where forecasts are honest.
    tenths: Vec<f64>,
    /// Mean error of the median relative to the time that was left; above 0 where forecasts are too long.
    bias: f64,
    /// Brier score of ends, 0 best, 2 worst; null where no case has reached an end.
    brier: Option<f64>,
    /// Brier score of always saying how often each end was reached.
    brier_of_base_rates: Option<f64>,
}

/// How often the truth lay in an interval.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ForecastCoverage {
    /// What the interval promises.
    promised: f64,
    /// How often it held.
    held: f64,
    /// 95 % confidence sequence of that, lower end.
    low: f64,
    /// Upper end.
    high: f64,
}

impl From<TrackRecordOf> for ForecastRecord {
    fn from(found: TrackRecordOf) -> Self {
        Self {
            all: found.all.map(ForecastScore::from),
            at_start: found.at_start.map(ForecastScore::from),
            open: found.open as u64,
        }
    }
}

impl From<TrackRecord> for ForecastScore {
    fn from(found: TrackRecord) -> Self {
        let coverage = |each: &Coverage| ForecastCoverage {
            promised: each.promised,
            held: each.held,
            low: each.interval.low,
            high: each.interval.high,
        };
        Self {
            cases: found.cases as u64,
            forecasts: found.forecasts as u64,
            enough: found.is_enough(),
            coverage: found.coverage.iter().map(coverage).collect(),
            tenths: found.tenths.to_vec(),
            bias: found.bias,
            brier: found.brier,
            brier_of_base_rates: found.brier_of_base_rates,
        }
    }
}
