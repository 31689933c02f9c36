//! `procos prompt experiment`: several approved versions in use at once, until the best is known.

use std::process::ExitCode;

use clap::Args;
use context::{Experiment as Running, NewExperiment, Stamp};
use scoring::{Arm, Stream};
use serde_json::json;

use super::super::{Output, now_ms};
use super::{ORGANISATION, short};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Let tasks use several approved versions by Thompson sampling until the best is known; or show how it stands.
#[derive(Debug, Args)]
#[command(after_help = "\
Each task gets a version in proportion to the probability that it is the best; a part of the tasks, the floor, gets one
drawn evenly. It stops when one is the best with probability 0.95 (--enough). Every assignment is in the trail.

Examples:
  procos prompt experiment greeting --labels plain,friendly
  procos prompt experiment greeting                         how it stands
  procos prompt experiment greeting --end")]
pub(super) struct Experiment {
    /// Name of the prompt.
    pub(super) name: String,
    /// Begin one with the versions that carry these labels.
    #[arg(long, value_delimiter = ',', value_name = "LABELS")]
    pub(super) labels: Vec<String>,
    /// Part of the tasks that get a version drawn evenly, 0 to 0.5.
    #[arg(long, default_value_t = 0.05)]
    pub(super) floor: f64,
    /// Probability of being the best at which it stops.
    #[arg(long, default_value_t = 0.95)]
    pub(super) enough: f64,
    /// Tasks that each version needs before it may stop.
    #[arg(long, default_value_t = 10)]
    pub(super) fewest: u64,
    /// Put the winner into production when it stops.
    #[arg(long)]
    pub(super) promote: bool,
    /// End it without a winner.
    #[arg(long, conflicts_with = "labels")]
    pub(super) end: bool,
    /// Who begins or ends it.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Experiment {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let contexts = &assembly.contexts;
        let found = if self.end {
            Some(contexts.end_experiment(&self.name, None, &stamp).await?)
        } else if self.labels.is_empty() {
            contexts.experiment(ORGANISATION, &self.name).await?
        } else {
            let new = NewExperiment {
                labels: self.labels.clone(),
                floor: self.floor,
                enough: self.enough,
                fewest: self.fewest,
                promote: self.promote,
            };
            Some(contexts.begin_experiment(&self.name, &new, &stamp).await?)
        };
        let Some(found) = found else {
            output.line(&format!("no experiment with {} yet", self.name));
            return Ok(ExitCode::SUCCESS);
        };
        let mut counts = Vec::new();
        for arm in &found.arms {
            counts.push(das::prompts::used(assembly.scores().as_ref(), &self.name, &arm.hash).await?);
        }
        show(output, &found, &counts);
        Ok(ExitCode::SUCCESS)
    }
}

fn show(output: Output, found: &Running, counts: &[Arm]) {
    let best = found.best(counts, &mut Stream::seeded(1));
    if output.is_json() {
        output.value(&json!({"experiment": found, "counts": counts, "probability_best": best}));
        return;
    }
    for ((arm, count), probability) in found.arms.iter().zip(counts).zip(&best) {
        let tasks = count.successes + count.failures;
        output.line(&format!(
            "{:<16} {}  {} of {tasks} tasks succeeded, best with probability {probability:.2}",
            arm.label,
            short(&arm.hash),
            count.successes
        ));
    }
    output.line(&match &found.ended {
        None => format!("open; it stops when one is the best with probability {}", found.enough),
        Some(end) => match &end.winner {
            Some(winner) => {
                format!("ended: {} is the best with probability {:.2}", short(winner), end.probability)
            }
            None => format!("ended by {} without a winner", end.stamp.actor),
        },
    });
}
