//! `procos scores`: how well processes, tasks, prompts, tools and models do.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kernel::{ScoreFilter, ScoreRow, Scores as _};
use serde_json::{Value, json};

use super::client::Client;
use super::output::table;
use super::{Found, Output, Session};
use crate::failure::Failure;

/// Show batting averages: successes of attempts, with the interval that holds however often one looks.
#[derive(Debug, Args)]
#[command(after_help = "\
An attempt is a finished task or an ended instance; a success completed with an outcome that counts as one.
The average is the posterior mean; the interval holds the true rate with 95 % confidence.

Examples:
  procos scores
  procos scores --calibration
  procos scores --kind task --subject size-aircraft/range_margin --json")]
pub(crate) struct Scores {
    /// Only of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only of this subject: a process id, `process id/element id`, a prompt, tool or model name.
    #[arg(long)]
    subject: Option<String>,
    /// Instead, how far the shares of decided tasks can be believed, by the feedback on them.
    #[arg(long, conflicts_with_all = ["kind", "subject"])]
    calibration: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// What is scored.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// A process.
    Process,
    /// A task of a process.
    Task,
    /// A prompt.
    Prompt,
    /// A tool.
    Tool,
    /// A language model.
    Model,
}

impl Scores {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if self.calibration {
            return match session.database().await? {
                Found::Here(database) => {
                    let shown = super::calibration::show(output, database.as_ref()).await;
                    database.close().await;
                    shown
                }
                Found::There(_) => Err(session.needs_directory("calibration")),
            };
        }
        let rows = match session.database().await? {
            Found::Here(database) => {
                let filter = ScoreFilter {
                    kind: self.kind.map(|kind| format!("{kind:?}").to_lowercase()),
                    subject: self.subject.clone(),
                    subject_prefix: None,
                    limit: usize::from(self.limit),
                };
                let found = database.scores(&filter).await;
                database.close().await;
                found?.iter().map(value).collect()
            }
            Found::There(client) => self.through(&client).await?,
        };
        if output.is_json() {
            output.value(&json!({"scores": rows}));
            return Ok(ExitCode::SUCCESS);
        }
        if rows.is_empty() {
            output.line("nothing was tried yet");
            return Ok(ExitCode::SUCCESS);
        }
        let percent = |value: &Value| format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let lines = rows.iter().map(|row| {
            vec![
                text(&row["kind"]),
                text(&row["subject"]),
                format!("{}/{}", row["successes"], row["attempts"]),
                percent(&row["average"]),
                format!("{} to {}", percent(&row["low"]), percent(&row["high"])),
            ]
        });
        output.line(&table(&["KIND", "SUBJECT", "SUCCESSES", "AVERAGE", "95 % INTERVAL"], lines.collect()));
        Ok(ExitCode::SUCCESS)
    }

    async fn through(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let query = "query($kind: ScoreKind, $subject: String, $first: Int) { \
            scores(kind: $kind, subject: $subject, first: $first) { nodes { kind subject version attempts \
            successes average low high usage { lastUsedAt meanDurationMs cost } } } }";
        let kind = self.kind.map(|kind| format!("{kind:?}").to_uppercase());
        let asked = json!({"kind": kind, "subject": self.subject, "first": self.limit});
        let answer = client.ask(query, asked).await?;
        let row = |node: &Value| {
            json!({"kind": node["kind"].as_str().unwrap_or_default().to_lowercase(), "subject": node["subject"],
                "version": node["version"], "attempts": node["attempts"], "successes": node["successes"],
                "average": node["average"], "low": node["low"], "high": node["high"],
                "last_used_ms": node["usage"]["lastUsedAt"],
                "mean_duration_ms": node["usage"]["meanDurationMs"], "cost": node["usage"]["cost"]})
        };
        Ok(answer["scores"]["nodes"].as_array().into_iter().flatten().map(row).collect())
    }
}

fn value(row: &ScoreRow) -> Value {
    let score = row.score();
    json!({"kind": row.kind, "subject": row.subject, "version": row.version, "attempts": row.attempts,
        "successes": row.successes, "average": score.average, "low": score.low, "high": score.high,
        "last_used_ms": row.last_used_ms, "mean_duration_ms": row.mean_duration_ms, "cost": row.cost})
}
