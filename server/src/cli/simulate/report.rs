//! A simulation for people: tables, bars, a picture of the durations.

use scoring::simulation::{
    Comparison, Ended, Estimate, Model, Plan, Result as Simulated, Settings, Unit, bottleneck,
};

use super::super::output::table;
use super::timed::Sensitivity;

/// Characters of the longest bar.
const BAR: usize = 30;
/// Bars of the tornado shown.
const INFLUENCES: usize = 8;
/// A gain in certainty below this is not worth a line.
const WORTH_SAYING: f64 = 1.5;
/// Rows of the picture of durations.
const ROWS: usize = 10;

/// The whole report.
pub(super) fn simulation(
    model: &Model,
    settings: &Settings,
    found: &Simulated,
    sensitivity: Option<&Sensitivity>,
) -> String {
    let mut parts = vec![heading(model, found), ends(found), durations(found, settings)];
    parts.extend(resources(model, found));
    parts.push(tasks(model, found));
    parts.extend(sensitivity.map(|sensitivity| self::sensitivity(found, sensitivity)));
    parts.push(precision(settings, found));
    parts.join("\n\n")
}

fn heading(model: &Model, found: &Simulated) -> String {
    let mut lines = vec![format!(
        "{}: {} cases in {} replications, seed {}",
        found.name,
        thousands(found.cases),
        found.replications,
        found.seed
    )];
    lines.push(if model.is_uncertain() {
        "±: what the finite simulation leaves open; [ ]: what the observations leave open; both 95 %"
            .to_owned()
    } else {
        "±: what the finite simulation leaves open, 95 %; every parameter is taken as given".to_owned()
    });
    if found.warm_up.cases > 0 {
        lines.push(format!(
            "warm-up: the first {} cases of each replication are left out",
            found.warm_up.cases
        ));
    }
    if let Some(exact) = found.exact.as_ref().filter(|exact| exact.is_saturated()) {
        let load = exact.load.clone().unwrap_or_default();
        for (resource, (load, growth)) in
            model.resources.iter().zip(load.utilisation.iter().zip(&load.backlog_per_hour))
        {
            if *load >= 1.0 {
                lines.push(format!(
                    "NO STEADY STATE: {} has work for {:.0} % of its time; its queue grows by {growth:.2} tasks an hour, \
                     and what follows depends on the length of the run",
                    resource.name,
                    100.0 * load
                ));
            }
        }
    } else if !found.warm_up.settled {
        lines.push(
            "no steady state was seen in the pilot runs: take the numbers as those of a start".to_owned(),
        );
    }
    lines.extend(by_engine(model));
    if let Some(why) = &found.inexact {
        let what = if found.exact.is_some() { "work, cost and utilisation are" } else { "nothing is" };
        lines.push(format!("{what} known exactly: {why}"));
    }
    if found.stuck > 0 {
        lines.push(format!(
            "STUCK: {} cases can never end; a token waits for what does not come, finds no way on or goes round for ever",
            thousands(found.stuck)
        ));
    }
    if let Some(posterior) = &found.posterior
        && model.is_uncertain()
        && model.is_contended()
        && posterior.saturated > 0.0
    {
        lines.push(format!(
            "the observations leave it open whether the resources keep up: with probability {:.1} % they do not",
            100.0 * posterior.saturated
        ));
    }
    lines.join("\n")
}

/// That a process does not run from a table, and why.
fn by_engine(model: &Model) -> Option<String> {
    let why = model.by_engine()?;
    Some(format!(
        "{} runs by the engine's own rules, step by step, which is slower than a table ({why})",
        model.name
    ))
}

fn ends(found: &Simulated) -> String {
    let exact = found.exact.as_ref().map(|exact| exact.ends.as_slice()).unwrap_or_default();
    let rows = found.measures.iter().filter(|(measure, _)| measure.what == "end").enumerate();
    let rows = rows.map(|(place, (measure, estimate))| {
        let exactly = exact.get(place).map_or_else(String::new, |share| format!("{:.2} %", 100.0 * share));
        vec![
            measure.name.clone(),
            shown(estimate, Unit::Share, ""),
            error(estimate, Unit::Share),
            range(estimate, Unit::Share, ""),
            exactly,
            bar(estimate.value),
        ]
    });
    let rows = drop_empty(&["HOW CASES END", "SHARE", "±", "[ ]", "EXACT", ""], rows.collect());
    table(&rows.0, rows.1)
}

fn durations(found: &Simulated, settings: &Settings) -> String {
    let name = |what: &str| {
        Some(match what {
            "duration" => "mean".to_owned(),
            "duration p50" => "half of the cases within".to_owned(),
            "duration p90" => "90 % within".to_owned(),
            "duration p95" => "95 % within".to_owned(),
            "duration p99" => "99 % within".to_owned(),
            "cvar p95" => "mean of the slowest 5 %".to_owned(),
            "tail" => format!("later than {}", seconds(settings.limit.unwrap_or_default())),
            "waiting" => "of the mean: waiting".to_owned(),
            "cost" => "cost of a case".to_owned(),
            _ => return None,
        })
    };
    let rows = found.measures.iter().filter(|(measure, _)| measure.of.is_empty()).filter_map(
        |(measure, estimate)| {
            let name = name(measure.what)?;
            let shown = vec![
                name,
                shown(estimate, measure.unit, &found.currency),
                error(estimate, measure.unit),
                range(estimate, measure.unit, &found.currency),
            ];
            let said = estimate.value != 0.0 || measure.what == "duration" || measure.what == "tail";
            said.then_some(shown)
        },
    );
    let rows = drop_empty(&["DURATION AND COST", "", "±", "[ ]"], rows.collect());
    let picture = histogram(&found.durations);
    let text = table(&rows.0, rows.1);
    if picture.is_empty() { text } else { format!("{text}\n\n{picture}") }
}

/// Durations in equal steps up to their 98 % quantile.
fn histogram(durations: &[f64]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort_by(f64::total_cmp);
    let top = sorted.get(sorted.len() * 98 / 100).copied().unwrap_or_default();
    if top <= 0.0 || sorted.first() == sorted.last() {
        return String::new();
    }
    let step = top / ROWS as f64;
    let mut counts = [0_usize; ROWS + 1];
    for duration in &sorted {
        counts[((duration / step) as usize).min(ROWS)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let lines = counts.iter().enumerate().map(|(row, count)| {
        let from = seconds(row as f64 * step);
        let label = if row == ROWS { format!("over {from}") } else { format!("from {from}") };
        let share = 100.0 * *count as f64 / sorted.len() as f64;
        format!("{label:>16}  {:<BAR$} {share:4.1} %", bar(*count as f64 / most))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn resources(model: &Model, found: &Simulated) -> Option<String> {
    if !model.is_contended() {
        return None;
    }
    let of = |what: &str, id: &str| found.estimate(what, id).copied();
    let mut rows: Vec<(f64, Vec<String>)> = Vec::new();
    let exact = found.exact.as_ref();
    for (place, resource) in model.resources.iter().enumerate() {
        let exactly = exact.and_then(|exact| exact.load.as_ref()?.utilisation.get(place));
        let (load, queue) = (of("utilisation", &resource.id)?, of("queue", &resource.id)?);
        rows.push((
            queue.value,
            vec![
                format!("{} × {}", resource.capacity, resource.name),
                shown(&load, Unit::Share, ""),
                error(&load, Unit::Share),
                range(&load, Unit::Share, ""),
                exactly.map_or_else(String::new, |share| format!("{:.2} %", 100.0 * share)),
                bar(load.value),
                shown(&queue, Unit::Count, ""),
                error(&queue, Unit::Count),
            ],
        ));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rows = drop_empty(
        &["RESOURCE", "BUSY", "±", "[ ]", "EXACT", "", "QUEUE", "± "],
        rows.into_iter().map(|(_, row)| row).collect(),
    );
    let text = table(&rows.0, rows.1);
    Some(match bottleneck(model, found) {
        Some(it) => format!("{text}\nbottleneck: {} × {} (the longest queue)", it.capacity, it.name),
        None => text,
    })
}

fn tasks(model: &Model, found: &Simulated) -> String {
    let mean = found.estimate("duration", "").map_or(0.0, |estimate| estimate.value);
    let exact = found.exact.as_ref();
    let rows = model.activities.iter().enumerate().filter_map(|(place, activity)| {
        let exactly = exact.and_then(|exact| exact.visits.get(place));
        let visits = found.estimate("visits", &activity.id)?;
        let wait = found.estimate("wait", &activity.id)?;
        let share = if mean > 0.0 && wait.value.is_finite() { visits.value * wait.value / mean } else { 0.0 };
        let waits = model.is_contended() && activity.resource.is_some();
        let if_waits = |text: String| if waits { text } else { String::new() };
        Some(vec![
            activity.name.clone(),
            shown(visits, Unit::Count, ""),
            error(visits, Unit::Count),
            exactly.map_or_else(String::new, |visits| format!("{visits:.4}")),
            seconds(activity.law.mean()),
            if_waits(shown(wait, Unit::Seconds, "")),
            if_waits(error(wait, Unit::Seconds)),
            if_waits(format!("{:.0} %", 100.0 * share)),
        ])
    });
    let heading = ["TASK", "VISITS", "±", "EXACT", "TAKES", "WAITS", "± ", "OF DURATION"];
    let rows = drop_empty(&heading, rows.collect());
    table(&rows.0, rows.1)
}

fn sensitivity(found: &Simulated, sensitivity: &Sensitivity) -> String {
    let longest =
        sensitivity.tornado.first().map_or(1.0, |bar| bar.change.0.abs().max(bar.change.1.abs())).max(1e-9);
    let rows = sensitivity.tornado.iter().take(INFLUENCES).map(|each| {
        let is_share = each.parameter.starts_with("share");
        let value = |value: f64| if is_share { format!("{:.1} %", 100.0 * value) } else { seconds(value) };
        let basis = if each.observed { "90 % interval" } else { "± 10 %" };
        let half = (BAR / 2) as f64;
        let length = |change: f64| ((change.abs() / longest) * half).round() as usize;
        let (left, right) =
            (each.change.0.min(each.change.1).min(0.0), each.change.0.max(each.change.1).max(0.0));
        let left = format!("{:>width$}", "▒".repeat(length(left)), width = BAR / 2);
        vec![
            each.parameter.clone(),
            format!("{} to {} ({basis})", value(each.range.0), value(each.range.1)),
            format!("{left}|{}", "█".repeat(length(right))),
            format!("{} to {}", signed(each.change.0), signed(each.change.1)),
        ]
    });
    let mut text = table(&["WHAT MATTERS", "FROM … TO", "", "MEAN DURATION CHANGES BY"], rows.collect());
    if !sensitivity.shadow_prices.is_empty() {
        let mean = found.estimate("duration", "").map_or(1.0, |estimate| estimate.value);
        let rows = sensitivity.shadow_prices.iter().map(|price| {
            let part = 100.0 * price.duration.value / mean;
            vec![
                price.name.clone(),
                signed(price.duration.value),
                error(&price.duration, Unit::Seconds),
                format!("{part:+.1} %"),
            ]
        });
        text += "\n\n";
        text += &table(&["ONE MORE OF", "MEAN DURATION", "±", ""], rows.collect());
    }
    text
}

fn precision(settings: &Settings, found: &Simulated) -> String {
    let looks = found.trace.iter().map(|look| {
        format!(
            "{} cases ± {:.2} %",
            thousands(look.cases),
            100.0 * look.half_width / look.mean.max(f64::MIN_POSITIVE)
        )
    });
    let looks: Vec<String> = looks.collect();
    let shown = looks.iter().rev().take(6).rev().cloned().collect::<Vec<_>>().join(", ");
    let goal = match (settings.plan, found.ended) {
        (Plan::Cases(_), _) => "as many cases as asked for".to_owned(),
        (Plan::Precision(precision), Ended::Precise) => {
            format!("± {:.2} % at 95 % reached", 100.0 * precision)
        }
        (Plan::Precision(precision), Ended::ParametersDominate) => format!(
            "± {:.2} % not reached: the observations leave far more open than the simulation, only more of them would tell \
             more",
            100.0 * precision
        ),
        (Plan::Precision(precision), _) => {
            format!("± {:.2} % not reached with the most cases allowed", 100.0 * precision)
        }
    };
    if found.estimate("duration", "").is_none_or(|mean| mean.value <= 0.0) {
        return goal;
    }
    format!("{goal}; the mean duration: {shown}")
}

/// Two versions side by side.
pub(super) fn comparison(first: &Model, second: &Model, seed: u64, found: &Comparison) -> String {
    let rows = found.differences.iter().filter(|each| {
        let d = &each.difference;
        each.measure.of.is_empty() || d.monte_carlo.0 > 0.0 || d.monte_carlo.1 < 0.0
    });
    let rows = rows.map(|each| {
        let unit = each.measure.unit;
        let value = |value: f64| number(value, unit, &first.currency);
        let what = match each.measure.name.as_str() {
            "" => each.measure.what.to_owned(),
            name => format!("{} of {name}", each.measure.what),
        };
        let difference = match unit {
            Unit::Seconds => signed(each.difference.value),
            Unit::Share => format!("{:+.2} points", 100.0 * each.difference.value),
            _ => format!("{:+.3}", each.difference.value),
        };
        vec![
            what,
            value(each.first),
            value(each.second),
            difference,
            error(&each.difference, unit),
            range(&each.difference, unit, &first.currency),
            probability(each.probability_lower),
        ]
    });
    let heading = ["", "FIRST", "SECOND", "DIFFERENCE", "±", "[ ]", "P(LOWER)"];
    let rows = drop_empty(&heading, rows.collect());
    let gain = if found.variance_ratio.is_finite() && found.variance_ratio >= WORTH_SAYING {
        format!(
            "\nthe common random numbers make the difference as certain as {:.1} times as many cases would",
            found.variance_ratio
        )
    } else {
        String::new()
    };
    let by_engine: String =
        [first, second].into_iter().filter_map(by_engine).map(|line| format!("\n{line}")).collect();
    format!(
        "{} against {}: {} cases of each under the same random numbers, seed {seed}{by_engine}\n\n{}{gain}",
        first.name,
        second.name,
        thousands(found.cases),
        table(&rows.0, rows.1)
    )
}

fn probability(p: f64) -> String {
    match p {
        p if p > 0.999 => "> 99.9 %".to_owned(),
        p if p < 0.001 => "< 0.1 %".to_owned(),
        p => format!("{:.1} %", 100.0 * p),
    }
}

/// Leaves out columns that are empty in every row.
fn drop_empty<'a>(heading: &[&'a str], rows: Vec<Vec<String>>) -> (Vec<&'a str>, Vec<Vec<String>>) {
    let kept: Vec<usize> = (0..heading.len())
        .filter(|column| rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let heading = kept.iter().filter_map(|column| heading.get(*column).copied()).collect();
    let pick = |row: &Vec<String>| kept.iter().filter_map(|column| row.get(*column).cloned()).collect();
    (heading, rows.iter().map(pick).collect())
}

fn number(value: f64, unit: Unit, currency: &str) -> String {
    match unit {
        _ if !value.is_finite() => "–".to_owned(),
        Unit::Seconds => seconds(value),
        Unit::Money => format!("{value:.2} {currency}").trim_end().to_owned(),
        Unit::Share => format!("{:.2} %", 100.0 * value),
        Unit::Count => format!("{value:.3}"),
    }
}

fn shown(estimate: &Estimate, unit: Unit, currency: &str) -> String {
    number(estimate.value, unit, currency)
}

fn error(estimate: &Estimate, unit: Unit) -> String {
    if estimate.half_width().is_finite() { number(estimate.half_width(), unit, "") } else { "–".to_owned() }
}

fn range(estimate: &Estimate, unit: Unit, currency: &str) -> String {
    estimate.parameter.map_or_else(String::new, |(low, high)| {
        format!("[{} to {}]", number(low, unit, ""), number(high, unit, currency))
    })
}

/// A duration in its natural unit.
pub(crate) fn seconds(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{:.1} ms", 1_000.0 * value),
        size if size < 120.0 => format!("{value:.1} s"),
        size if size < 7_200.0 => format!("{:.1} min", value / 60.0),
        size if size < 172_800.0 => format!("{:.2} h", value / 3_600.0),
        _ => format!("{:.1} d", value / 86_400.0),
    }
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", seconds(value)) } else { seconds(value) }
}

fn bar(share: f64) -> String {
    let filled = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    if share > 0.0 { "█".repeat(filled.max(1)) } else { String::new() }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_their_natural_unit() {
        let shown = [0.0, 0.0125, 45.0, 600.0, 9_000.0, 200_000.0, -90.0].map(seconds);
        assert_eq!(shown, ["0", "12.5 ms", "45.0 s", "10.0 min", "2.50 h", "2.3 d", "-90.0 s"]);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([7, 1_234, 50_000_000].map(thousands), ["7", "1,234", "50,000,000"]);
    }
}
