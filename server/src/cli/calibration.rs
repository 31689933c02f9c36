//! `procos scores --calibration`: do the shares of decided tasks say how often the leader is right, by the feedback
//! that people gave?

use std::collections::HashMap;
use std::process::ExitCode;

use scoring::{Calibration, ENOUGH, Forecast};
use serde_json::json;
use trail::{Filter, Trail};

use super::Output;
use super::output::table;
use crate::failure::Failure;

/// Trail entries read at once.
const PAGE: usize = 1_000;
/// Forecasts looked at: the latest ones.
const MOST: usize = 100_000;
/// Width of the curve in characters.
const WIDTH: usize = 40;

/// What a task of an instance said.
type Said = HashMap<(i64, String), f64>;

/// Shows the calibration that a trail holds.
pub(super) async fn show(output: Output, trail: &dyn Trail) -> Result<ExitCode, Failure> {
    let forecasts = forecasts(trail).await?;
    let measured = Calibration::measure(&forecasts);
    if output.is_json() {
        let is_enough = measured.as_ref().is_some_and(Calibration::is_enough);
        output.value(&json!({"calibration": measured, "is_enough": is_enough}));
        return Ok(ExitCode::SUCCESS);
    }
    let Some(found) = measured else {
        output.line("no feedback on a decided task yet: shares are consistency, not truth");
        return Ok(ExitCode::SUCCESS);
    };
    if !found.is_enough() {
        let missing = ENOUGH - found.forecasts;
        output.line(&format!(
            "{} of {ENOUGH} forecasts; {missing} more before this means anything",
            found.forecasts
        ));
    }
    let percent = |value: f64| format!("{:.1} %", value * 100.0);
    output.line(&format!(
        "{} forecasts, leader right {}, Brier score {:.3}, calibration error {}",
        found.forecasts,
        percent(found.accuracy),
        found.brier,
        percent(found.error)
    ));
    let rows = found.bins.iter().map(|bin| {
        vec![
            percent(bin.share),
            percent(bin.accuracy),
            format!("{} to {}", percent(bin.interval.low), percent(bin.interval.high)),
            bin.forecasts.to_string(),
            curve(bin.share, bin.accuracy),
        ]
    });
    let header = ["SAID", "RIGHT", "95 % INTERVAL", "FORECASTS", "| SAID, o RIGHT"];
    output.line(&table(&header, rows.collect()));
    Ok(ExitCode::SUCCESS)
}

/// Both numbers on one line.
fn curve(share: f64, accuracy: f64) -> String {
    let place = |value: f64| (value.clamp(0.0, 1.0) * WIDTH as f64).round() as usize;
    let mut line = vec![b'.'; WIDTH + 1];
    for (value, mark) in [(share, b'|'), (accuracy, b'o')] {
        if let Some(cell) = line.get_mut(place(value)) {
            *cell = mark;
        }
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Pairs what tasks said with the feedback on them.
async fn forecasts(trail: &dyn Trail) -> Result<Vec<Forecast>, Failure> {
    let mut said = Said::new();
    let decided = Filter { kind_prefix: Some("task.decided".to_owned()), ..Filter::default() };
    let mut after = 0;
    loop {
        let events = trail.read(&decided, after, PAGE).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in events {
            let shares = event.content.data["verdict"]["shares"].as_array().cloned().unwrap_or_default();
            let leader = shares.iter().filter_map(|share| share["share"].as_f64()).fold(f64::NAN, f64::max);
            if let (Some(instance), Some(element)) = (event.content.instance, event.content.element)
                && leader.is_finite()
                && said.len() < MOST
            {
                said.insert((instance, element), leader);
            }
        }
    }
    let mut known = HashMap::new();
    let feedback = Filter { kind_prefix: Some("feedback.".to_owned()), ..Filter::default() };
    let mut after = 0;
    loop {
        let events = trail.read(&feedback, after, PAGE).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in events {
            let about = event.content.instance.zip(event.content.element);
            if let (Some(about), Some(right)) = (about, event.content.data["correct"].as_bool())
                && let Some(share) = said.get(&about)
            {
                // Whoever corrects feedback means the later one.
                known.insert(about, Forecast { share: *share, right });
            }
        }
    }
    Ok(known.into_values().collect())
}

#[cfg(test)]
mod tests {
    use engine::MemoryStore;
    use trail::NewEvent;

    use super::*;

    fn event(kind: &str, instance: i64, data: serde_json::Value) -> NewEvent {
        let mut event = NewEvent::new(kind, 0);
        event.instance = Some(instance);
        event.element = Some("work".to_owned());
        event.data = data;
        event
    }

    #[tokio::test]
    async fn feedback_is_paired_with_the_share_of_the_leader_and_the_later_one_counts() {
        let store = MemoryStore::new();
        let decided =
            json!({"verdict": {"shares": [{"label": "a", "share": 0.2}, {"label": "b", "share": 0.8}]}});
        let events = vec![
            event("task.decided", 1, decided.clone()),
            event("feedback.recorded", 1, json!({"correct": false})),
            event("feedback.recorded", 1, json!({"correct": true})),
            event("task.decided", 2, decided),
            event("feedback.recorded", 3, json!({"correct": true})),
        ];
        store.append(events).await.unwrap();
        assert_eq!(forecasts(&store).await.unwrap(), [Forecast { share: 0.8, right: true }]);
        assert_eq!(curve(0.0, 1.0).matches(['|', 'o']).count(), 2);
    }
}
