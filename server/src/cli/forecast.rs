//! `procos forecast`: how a running case goes on, and how good past forecasts were.

use std::process::ExitCode;

use clap::Args;
use das::forecast::{CaseForecast, TrackRecordOf, track_record};
use scoring::simulation::{Effort, TrackRecord};
use serde_json::{Value, json};

use super::client::Client;
use super::output::table;
use super::simulate::seconds;
use super::{Found, Output, Session};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Say how much longer a running case takes and how it ends, or how good past forecasts were.
#[derive(Debug, Args)]
#[command(after_help = "\
A forecast is simulated from where the case stands, by what the cases before it showed: the time a step has been going
on counts, and other running cases stand before it in the queues. A server makes one at the start of every case and
after each of its steps, and keeps it in the trail; --record compares those with what turned out.

Examples:
  procos forecast 42
  procos forecast --record
  procos forecast --record --process order --json")]
pub(crate) struct Forecast {
    /// Key of the instance, as `procos ps` shows it.
    #[arg(value_parser = clap::value_parser!(i64).range(1..), required_unless_present = "record")]
    key: Option<i64>,
    /// Instead, how good past forecasts were.
    #[arg(long, conflicts_with = "key")]
    record: bool,
    /// With --record, only of this process id.
    #[arg(long, value_name = "ID", requires = "record")]
    process: Option<String>,
}

impl Forecast {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if !session.names_server() {
            session.must_exist()?;
        }
        let found = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = self.here(&assembly).await;
                assembly.close().await;
                found?
            }
            Found::There(client) => self.through(&client).await?,
        };
        if output.is_json() {
            output.value(&found);
        } else if self.record {
            show_record(output, &found);
        } else {
            show(output, &found);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn here(&self, assembly: &Assembly) -> Result<Value, Failure> {
        if let Some(key) = self.key {
            return Ok(value(&assembly.forecasts().of(key, Effort::default()).await?));
        }
        let database = &assembly.database;
        let found = track_record(database, database, self.process.as_deref()).await?;
        Ok(record_value(&found))
    }

    async fn through(&self, client: &Client) -> Result<Value, Failure> {
        if let Some(key) = self.key {
            let number = "value low high parameterLow parameterHigh";
            let query = format!(
                "query($key: Key!) {{ processInstance(key: $key) {{ forecast {{ madeAt remaining {{ {number} }} \
                 quantiles {{ share seconds }} ends {{ elementId name share {{ {number} }} }} stuck beyond \
                 recordedCases runs }} }} }}"
            );
            let answer = client.ask(&query, json!({"key": key.to_string()})).await?;
            let forecast = answer["processInstance"]["forecast"].clone();
            if forecast.is_null() {
                let why = if answer["processInstance"].is_null() { "there is no" } else { "it has ended:" };
                let message = format!("no forecast: {why} instance {key}");
                return Err(Failure::work("DAS-0040", message, "list instances with procos ps"));
            }
            return Ok(forecast);
        }
        let score =
            "cases forecasts enough coverage { promised held low high } tenths bias brier brierOfBaseRates";
        let query = format!(
            "query($process: String) {{ forecastRecord(processId: $process) {{ all {{ {score} }} \
             atStart {{ {score} }} open }} }}"
        );
        let answer = client.ask(&query, json!({"process": self.process})).await?;
        Ok(answer["forecastRecord"].clone())
    }
}

/// The same form as the API gives.
fn value(found: &CaseForecast) -> Value {
    let number = |estimate: &scoring::simulation::Estimate| {
        json!({"value": estimate.value, "low": estimate.monte_carlo.0, "high": estimate.monte_carlo.1,
            "parameterLow": estimate.parameter.map(|it| it.0), "parameterHigh": estimate.parameter.map(|it| it.1)})
    };
    let forecast = &found.forecast;
    let quantiles =
        forecast.quantiles.iter().map(|(share, seconds)| json!({"share": share, "seconds": seconds}));
    let ends = forecast
        .ends
        .iter()
        .map(|(id, name, share)| json!({"elementId": id, "name": name, "share": number(share)}));
    json!({
        "madeAt": found.made_ms, "remaining": number(&forecast.remaining),
        "quantiles": quantiles.collect::<Vec<_>>(), "ends": ends.collect::<Vec<_>>(), "stuck": forecast.stuck,
        "beyond": forecast.beyond, "recordedCases": found.recorded_cases, "runs": forecast.runs,
    })
}

fn record_value(found: &TrackRecordOf) -> Value {
    let score = |record: &TrackRecord| {
        let coverage = record.coverage.iter().map(|each| {
            json!({"promised": each.promised, "held": each.held, "low": each.interval.low, "high": each.interval.high})
        });
        json!({
            "cases": record.cases, "forecasts": record.forecasts, "enough": record.is_enough(),
            "coverage": coverage.collect::<Vec<_>>(), "tenths": record.tenths, "bias": record.bias,
            "brier": record.brier, "brierOfBaseRates": record.brier_of_base_rates,
        })
    };
    json!({"all": found.all.as_ref().map(score), "atStart": found.at_start.as_ref().map(score), "open": found.open})
}

fn percent(value: &Value) -> String {
    format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0)
}

fn show(output: Output, found: &Value) {
    let at = |share: f64| {
        let all = found["quantiles"].as_array().into_iter().flatten();
        let found = all.filter(|each| each["share"].as_f64().is_some_and(|it| (it - share).abs() < 1e-9));
        found.filter_map(|each| each["seconds"].as_f64()).next().map_or_else(String::new, seconds)
    };
    output.line(&format!(
        "{} left at the median; with 80 % probability {} to {}, with 95 % {} to {}",
        at(0.5),
        at(0.1),
        at(0.9),
        at(0.025),
        at(0.975)
    ));
    let rows = found["ends"].as_array().into_iter().flatten().map(|end| {
        let share = &end["share"];
        let observed = match share["parameterLow"].is_null() {
            true => String::new(),
            false => format!("{} to {}", percent(&share["parameterLow"]), percent(&share["parameterHigh"])),
        };
        vec![end["name"].as_str().unwrap_or_default().to_owned(), percent(&share["value"]), observed]
    });
    output.line(&table(&["HOW IT ENDS", "PROBABILITY", "[ ]"], rows.collect()));
    if found["stuck"].as_f64().is_some_and(|stuck| stuck > 0.0) {
        output.line(&format!(
            "with probability {} it never ends: a token waits for one that does not come",
            percent(&found["stuck"])
        ));
    }
    for element in found["beyond"].as_array().into_iter().flatten() {
        let id = element.as_str().unwrap_or_default();
        output.line(&format!("{id} has been going on for longer than anything that is known of it"));
    }
    output.line(&format!("{} recorded cases, {} simulations", found["recordedCases"], found["runs"]));
}

fn show_record(output: Output, found: &Value) {
    let open = &found["open"];
    if found["all"].is_null() {
        output.line(&format!(
            "no case that was forecast has ended yet ({open} forecasts of cases that still run)"
        ));
        return;
    }
    for (name, score) in [("all forecasts", &found["all"]), ("at the start of a case", &found["atStart"])] {
        if score.is_null() {
            continue;
        }
        output.line(&format!("{name}: {} of {} cases", score["forecasts"], score["cases"]));
        let rows = score["coverage"].as_array().into_iter().flatten().map(|each| {
            vec![
                percent(&each["promised"]),
                percent(&each["held"]),
                format!("{} to {}", percent(&each["low"]), percent(&each["high"])),
            ]
        });
        output.line(&table(&["INTERVAL OF", "HELD THE TRUTH", "95 % INTERVAL"], rows.collect()));
        let tenths = score["tenths"].as_array().into_iter().flatten().map(percent).collect::<Vec<_>>();
        output.line(&format!("truths by tenth of the forecast: {}", tenths.join(", ")));
        let brier = |value: &Value| value.as_f64().map_or("unknown".to_owned(), |it| format!("{it:.3}"));
        output.line(&format!(
            "Brier score of ends {} (base rates alone: {}), bias of the median {}",
            brier(&score["brier"]),
            brier(&score["brierOfBaseRates"]),
            percent(&score["bias"])
        ));
        if score["enough"] == false {
            output.line("fewer than 30 cases: too few to believe it");
        }
    }
    output.line(&format!("{open} forecasts of cases that still run"));
}
