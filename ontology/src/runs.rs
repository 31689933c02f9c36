//! Runs and scores as triples: data derived from the trail, kept in a graph of its own, written once for each key.

use oxigraph::model::{Literal, NamedNode, Quad};
use serde::{Deserialize, Serialize};

use crate::iri::node_iri;
use crate::model::IDENTIFIERS;
use crate::triples::Writer;
use crate::vocabulary::{self as term, foreign};

/// A run of a process and, where there is one, the score of the process after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The same key twice is one run; the later record replaces the earlier one.
    pub key: String,
    /// System the process belongs to; empty for a process of no system.
    pub system: String,
    /// BPMN process id.
    pub process_id: String,
    /// Definition key.
    pub definition: Option<i64>,
    /// Instance key.
    pub instance: i64,
    /// `completed`, `failed`, `terminated`.
    pub state: String,
    /// When it started, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended, milliseconds since the Unix epoch.
    pub ended_ms: Option<i64>,
    /// The score after it.
    pub score: Option<RunScore>,
}

/// A score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunScore {
    /// Attempts.
    pub attempts: u64,
    /// Successes.
    pub successes: u64,
    /// Posterior mean of the share of successes.
    pub average: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// The graph that holds all runs.
pub(crate) fn graph() -> String {
    format!("{IDENTIFIERS}runs")
}

pub(crate) fn quads(run: &RunRecord, process: Option<&str>) -> Vec<Quad> {
    let mut out = Writer::new(&graph());
    let at =
        format!("{IDENTIFIERS}runs/{}", node_iri("run", "key", &run.key).rsplit('/').next().unwrap_or(""));
    let of = process.map_or_else(
        || node_iri("runs", "process", &run.process_id),
        |process| node_iri(&run.system, "process", process),
    );
    out.link(&at, foreign::TYPE, foreign::ACTIVITY);
    out.link(&at, foreign::TYPE, term::PROCESS_RUN);
    out.link(&at, foreign::HAD_PLAN, &of);
    out.add(&at, term::INSTANCE, Literal::from(run.instance));
    out.text(&at, term::PROCESS_ID, &run.process_id);
    out.text(&at, term::STATE, &run.state);
    out.add(&at, foreign::STARTED_AT, time(run.started_ms));
    if let Some(ended) = run.ended_ms {
        out.add(&at, foreign::ENDED_AT, time(ended));
    }
    if let Some(score) = run.score {
        let own = format!("{at}/score");
        out.link(&own, foreign::TYPE, foreign::QUALITY_MEASUREMENT);
        out.link(&own, foreign::IS_MEASUREMENT_OF, term::SCORE);
        out.link(&own, foreign::COMPUTED_ON, &of);
        out.link(&own, foreign::WAS_GENERATED_BY, &at);
        out.add(&own, foreign::VALUE, Literal::from(score.average));
        out.add(&own, term::LOW, Literal::from(score.low));
        out.add(&own, term::HIGH, Literal::from(score.high));
        let count = |n: u64| Literal::from(i64::try_from(n).unwrap_or(i64::MAX));
        out.add(&own, term::ATTEMPTS, count(score.attempts));
        out.add(&own, term::SUCCESSES, count(score.successes));
    }
    out.finish()
}

/// Milliseconds since the Unix epoch as `xsd:dateTime` in UTC (days to civil date after Hinnant's algorithm).
fn time(ms: i64) -> Literal {
    let seconds = ms.div_euclid(1000);
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    Literal::new_typed_literal(
        format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            ms.rem_euclid(1000)
        ),
        NamedNode::new_unchecked("http://www.w3.org/2001/XMLSchema#dateTime"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_become_dates() {
        assert_eq!(time(0).value(), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_400_123).value(), "2000-02-29T00:00:00.123Z");
        assert_eq!(time(1_767_225_599_999).value(), "2025-12-31T23:59:59.999Z");
    }
}
