//! What sampling may cost, and what it has cost.

use serde::{Deserialize, Serialize};

use crate::Error;

/// What may be spent on one task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Samples.
    pub samples: u64,
    /// Tokens of a language model.
    pub tokens: Option<u64>,
    /// Money, in the endpoint's currency.
    pub cost: Option<f64>,
    /// Time, milliseconds.
    pub time_ms: Option<i64>,
}

/// What was spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Samples that were asked for, also those still under way.
    pub samples: u64,
    /// Tokens.
    pub tokens: u64,
    /// Money, in the endpoint's currency.
    pub cost: f64,
    /// Time, milliseconds.
    pub time_ms: i64,
}

/// Which part of a budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// Samples.
    Samples,
    /// Tokens.
    Tokens,
    /// Money.
    Cost,
    /// Time.
    Time,
}

impl Budget {
    /// A budget in samples alone.
    #[must_use]
    pub fn samples(samples: u64) -> Self {
        Self { samples, tokens: None, cost: None, time_ms: None }
    }

    /// What is used up, if anything is.
    #[must_use]
    pub fn exhausted(&self, spent: &Spent) -> Option<Exhausted> {
        if spent.samples >= self.samples {
            Some(Exhausted::Samples)
        } else if self.tokens.is_some_and(|limit| spent.tokens >= limit) {
            Some(Exhausted::Tokens)
        } else if self.cost.is_some_and(|limit| spent.cost >= limit) {
            Some(Exhausted::Cost)
        } else if self.time_ms.is_some_and(|limit| spent.time_ms >= limit) {
            Some(Exhausted::Time)
        } else {
            None
        }
    }

    /// How many of `wanted` further samples may be asked for at once.
    #[must_use]
    pub fn admit(&self, spent: &Spent, wanted: u64) -> u64 {
        if self.exhausted(spent).is_some() { 0 } else { wanted.min(self.samples - spent.samples) }
    }
}

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds (`PT1M30S`), in milliseconds.
///
/// # Errors
/// `SCORING-0002` for anything else; months and years have no fixed length and are refused.
pub fn parse_duration_ms(text: &str) -> Result<i64, Error> {
    let problem = || Error::Stop(format!("{text:?} is not an ISO 8601 duration such as PT30S or P1DT2H"));
    let rest = text.trim().strip_prefix('P').ok_or_else(problem)?;
    let (mut in_time, mut number, mut total, mut parts) = (false, String::new(), 0.0_f64, 0);
    for letter in rest.chars() {
        let unit_ms = match (letter, in_time) {
            ('T', false) if number.is_empty() => {
                in_time = true;
                continue;
            }
            ('0'..='9' | '.', _) => {
                number.push(letter);
                continue;
            }
            ('W', false) => 604_800_000.0,
            ('D', false) => 86_400_000.0,
            ('H', true) => 3_600_000.0,
            ('M', true) => 60_000.0,
            ('S', true) => 1_000.0,
            _ => return Err(problem()),
        };
        total += number.parse::<f64>().map_err(|_| problem())? * unit_ms;
        number.clear();
        parts += 1;
    }
    if parts == 0 || !number.is_empty() || !total.is_finite() || total > 1e15 {
        return Err(problem());
    }
    Ok(total as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_milliseconds() {
        for (text, ms) in [("PT1M30S", 90_000), ("PT0.5S", 500), ("P1DT2H", 93_600_000), ("P1W", 604_800_000)]
        {
            assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "P", "PT", "1H", "P1M", "PT1", "PTS", "P1Y", "PT1H2"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn samples_under_way_count_so_that_parallel_batches_never_exceed_the_budget() {
        let budget = Budget::samples(10);
        let mut spent = Spent::default();
        let mut asked = Vec::new();
        loop {
            let admitted = budget.admit(&spent, 4);
            if admitted == 0 {
                break;
            }
            spent.samples += admitted;
            asked.push(admitted);
        }
        assert_eq!((asked, spent.samples), (vec![4, 4, 2], 10));
    }
}
