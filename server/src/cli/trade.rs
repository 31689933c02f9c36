//! `procos trade`: systems side by side.

use std::process::ExitCode;

use clap::Args;
use das::trade::{Better, Criterion, Study, Value, study};
use serde_json::{Value as Json, json};

use super::output::table;
use super::{Found, Output, Session};
use crate::failure::Failure;

/// Compare systems: coverage, open points, bounds and budgets, measured and simulated performance.
#[derive(Debug, Args)]
#[command(after_help = "\
The best value of a row carries a star; a row in which intervals overlap has none. Build each variant under its own name.

Examples:
  procos bootstrap quad.md --name quad && procos bootstrap hexa.md --name hexa
  procos trade quad hexa")]
pub(crate) struct Trade {
    /// Names of the systems.
    #[arg(num_args = 2..=8, required = true)]
    systems: Vec<String>,
}

impl Trade {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let study = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = study(&self.systems, &assembly.bootstrap_deps()).await;
                assembly.close().await;
                found?
            }
            Found::There(client) => {
                let query = "query($systems: [String!]!) { tradeStudy(systems: $systems) { systems criteria { \
                    name unit better best values { value low high } } } }";
                let answer = client.ask(query, json!({"systems": self.systems})).await?;
                read(&answer["tradeStudy"])
            }
        };
        if output.is_json() {
            output.value(&json!(study));
        } else {
            output.line(&shown(&study));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A study as the API gives it.
fn read(answer: &Json) -> Study {
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let systems: Vec<String> = list(&answer["systems"]).iter().map(text).collect();
    let value = |value: &Json| {
        let interval = value["low"].as_f64().zip(value["high"].as_f64());
        Some(Value { value: value["value"].as_f64()?, interval })
    };
    let criterion = |criterion: &Json| Criterion {
        name: text(&criterion["name"]),
        unit: text(&criterion["unit"]),
        better: match criterion["better"].as_str() {
            Some("higher") => Better::Higher,
            Some("lower") => Better::Lower,
            _ => Better::Neither,
        },
        values: list(&criterion["values"]).iter().map(value).collect(),
        best: list(&criterion["best"])
            .iter()
            .filter_map(|name| systems.iter().position(|system| name == system.as_str()))
            .collect(),
    };
    Study { criteria: list(&answer["criteria"]).iter().map(criterion).collect(), systems: systems.clone() }
}

fn shown(study: &Study) -> String {
    let mut heading = vec!["criterion"];
    heading.extend(study.systems.iter().map(String::as_str));
    let rows = study.criteria.iter().map(|criterion| {
        let mut row = vec![criterion.name.clone()];
        row.extend(criterion.values.iter().enumerate().map(|(place, value)| {
            let star = if criterion.best.contains(&place) { " *" } else { "" };
            value
                .as_ref()
                .map_or("–".to_owned(), |value| format!("{}{star}", number(value, &criterion.unit)))
        }));
        row
    });
    table(&heading, rows.collect())
}

fn number(value: &Value, unit: &str) -> String {
    let plain = |value: f64| {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    match value.interval {
        Some((low, high)) => format!("{}{unit} ({} to {})", plain(value.value), plain(low), plain(high)),
        None => format!("{}{unit}", plain(value.value)),
    }
}
