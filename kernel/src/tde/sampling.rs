//! The sampling loop's memory: plan, tally, what was spent, and what the numbers of the samples were like.

use std::collections::BTreeMap;

use bpmn::program::Variables;
use scoring::{Address, Decision, Plan, Spent, Tally, Verdict};
use serde_json::{Value, json};

use super::grouping::Grouped;
use super::model::Prompted;
use super::stochastic::Source;
use super::{Executor, Tde};
use crate::Error;

/// Largest batch of draws between two looks at the stop rule.
const LARGEST_BATCH: u64 = 100;
/// Answers a model is asked for at once.
const MODEL_BATCH: u64 = 4;
/// Share from which an outcome's path is taken where an undecided task takes all of them, unless it declares `weight`.
pub(super) const TAKEN_SHARE: f64 = 0.1;

/// Where samples come from.
pub(super) enum SampleSource {
    Stochastic(Source),
    Model(Box<Prompted>),
}

/// The loop's state.
pub(super) struct Sampling {
    pub(super) source: SampleSource,
    pub(super) plan: Plan,
    pub(super) tally: Tally,
    /// Open answers of a model that mean the same are one outcome.
    pub(super) grouping: Option<Grouped>,
    pub(super) spent: Spent,
    pub(super) pending: Vec<String>,
    summaries: BTreeMap<String, Summary>,
}

/// Count, mean, sum of squared deviations, smallest and largest (Welford's recurrence).
#[derive(Clone, Copy, Default)]
struct Summary {
    n: f64,
    mean: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Summary {
    fn add(&mut self, value: f64) {
        (self.low, self.high) =
            if self.n == 0.0 { (value, value) } else { (self.low.min(value), self.high.max(value)) };
        self.n += 1.0;
        let difference = value - self.mean;
        self.mean += difference / self.n;
        self.squares += difference * (value - self.mean);
    }
}

impl Sampling {
    /// Mean, standard deviation and range of each number that samples drew or computed.
    pub(super) fn values(&self) -> Variables {
        self.summaries
            .iter()
            .map(|(name, summary)| {
                let deviation =
                    if summary.n > 1.0 { (summary.squares / (summary.n - 1.0)).sqrt() } else { 0.0 };
                let value = json!({
                    "mean": summary.mean, "sd": deviation, "low": summary.low, "high": summary.high,
                });
                (name.clone(), value)
            })
            .collect()
    }

    fn note(&mut self, label: String, seen: &Variables) {
        for (name, value) in seen {
            if let Some(number) = value.as_f64() {
                self.summaries.entry(name.clone()).or_default().add(number);
            }
        }
        self.pending.push(label);
    }
}

/// Labels whose paths are taken by an undecided task that takes all of them.
pub(super) fn taken(verdict: &Verdict, least: f64) -> Vec<&str> {
    if let Some(winner) = &verdict.winner {
        return vec![winner];
    }
    let shares = verdict.shares.iter().filter(|share| share.share >= least && share.count > 0);
    shares.map(|share| share.label.as_str()).collect()
}

impl Tde {
    fn scoring(&self, source: scoring::Error) -> Error {
        Error::Scoring { element: self.job.element.clone(), source }
    }

    /// Checks the declarations and prepares the source of samples; the other executors need nothing.
    pub(super) async fn assemble_context(&mut self) -> Result<Variables, Error> {
        let limits = self.parts.limits;
        let (source, samples) = match self.executor {
            Executor::Stochastic => {
                let spec = &self.job.spec;
                let source = Source::new(&self.job.element, spec, &self.job.variables, self.started_ms)?;
                (SampleSource::Stochastic(source), limits.stochastic_samples)
            }
            Executor::Model => {
                (SampleSource::Model(Box::new(self.assemble_prompt().await?)), limits.model_samples)
            }
            _ => return Ok(Variables::new()),
        };
        let spec = &self.job.spec;
        let mut plan = Plan::from_spec(spec.stop.as_ref(), samples).map_err(|error| self.scoring(error))?;
        if self.executor == Executor::Model {
            let budgets = &self.parts.budgets;
            plan.budget.tokens = plan.budget.tokens.or(budgets.task_tokens);
            plan.budget.cost = plan.budget.cost.or(budgets.task_cost);
        }
        let labels = spec.outcomes.iter().map(|outcome| outcome.label.clone());
        // A model can always answer something else; a draw can where every outcome has its condition.
        let reserved = match self.executor {
            Executor::Model => true,
            _ => !spec.outcomes.is_empty() && spec.outcomes.iter().all(|outcome| outcome.when.is_some()),
        };
        let tally = Tally::new(labels, reserved).map_err(|error| self.scoring(error))?;
        let (spent, summaries) = (Spent::default(), BTreeMap::new());
        let is_open = self.executor == Executor::Model && tally.is_open();
        let grouping = is_open.then(|| self.grouping()).transpose()?;
        self.sampling =
            Some(Sampling { source, plan, tally, grouping, spent, pending: Vec::new(), summaries });
        Ok(Variables::new())
    }

    pub(super) fn address(&self, sample: u64) -> Address<'_> {
        Address { seed: self.job.seed, element: &self.job.element, visit: u64::from(self.job.visit), sample }
    }

    pub(super) async fn draw_samples(&mut self) -> Result<Variables, Error> {
        let Some(mut sampling) = self.sampling.take() else {
            return Err(
                self.declaration("samples were to be drawn before the context was assembled".to_owned())
            );
        };
        let taken = sampling.spent.samples;
        let wanted = match sampling.source {
            SampleSource::Stochastic(_) => (taken / 10).clamp(1, LARGEST_BATCH),
            SampleSource::Model(_) => MODEL_BATCH,
        };
        let mut batch = sampling.plan.budget.admit(&sampling.spent, wanted);
        if let SampleSource::Model(prompted) = &sampling.source {
            let affordable = self.affordable(prompted, &sampling.plan.budget, &sampling.spent, batch);
            if affordable == 0 && batch > 0 {
                let problem = "what is left of its budget pays no further sample".to_owned();
                self.stop_sampling(&sampling, problem)?;
            }
            batch = affordable;
        }
        // What is under way counts before it arrives, so that the budget is never passed.
        sampling.spent.samples += batch;
        match &mut sampling.source {
            SampleSource::Stochastic(source) => {
                let drawn = (taken..taken + batch)
                    .map(|sample| source.sample(self.address(sample), &self.job.variables))
                    .collect::<Result<Vec<_>, _>>()?;
                drawn.into_iter().for_each(|(label, seen)| sampling.note(label, &seen));
                // A long series of draws must not keep other tasks from this thread.
                tokio::task::yield_now().await;
            }
            SampleSource::Model(prompted) => {
                // Nothing to ask for is where a budget ends; then what there is counts.
                let asked = if batch > 0 { Some(self.ask_model(prompted, taken, batch).await) } else { None };
                match asked {
                    Some(Ok(answers)) => {
                        sampling.spent.tokens += answers.tokens;
                        sampling.spent.cost += answers.cost;
                        if let Some(grouped) = &mut sampling.grouping {
                            self.group(grouped, &answers.labels, &mut sampling.spent).await?;
                        }
                        answers.labels.into_iter().for_each(|label| sampling.note(label, &Variables::new()));
                    }
                    Some(Err(Error::Budget { problem, .. })) => {
                        sampling.spent.samples = taken;
                        self.stop_sampling(&sampling, problem)?;
                    }
                    Some(Err(other)) => return Err(other),
                    None => {}
                }
            }
        }
        sampling.spent.time_ms = self.parts.clock.now_ms() - self.started_ms;
        self.sampling = Some(sampling);
        Ok([("drawn".to_owned(), json!(batch))].into_iter().collect())
    }

    /// Ends the sampling softly where there are samples to decide by; without any there is nothing to decide.
    fn stop_sampling(&mut self, sampling: &Sampling, problem: String) -> Result<(), Error> {
        if sampling.tally.samples() == 0 {
            return Err(Error::Budget { element: self.job.element.clone(), problem });
        }
        self.notes.push(format!("sampling ended early: {problem}"));
        Ok(())
    }

    pub(super) fn update_posterior(&mut self) -> Result<Variables, Error> {
        let Some(mut sampling) = self.sampling.take() else {
            return Err(self.declaration("there is nothing to count yet".to_owned()));
        };
        let drawn = sampling.pending.len();
        match &sampling.grouping {
            // A new answer may join what was apart, so all of them are counted again.
            Some(grouped) => {
                sampling.tally = grouped.tally().map_err(|error| self.scoring(error))?;
                sampling.pending.clear();
            }
            None => {
                for label in std::mem::take(&mut sampling.pending) {
                    sampling.tally.add(&label).map_err(|error| self.scoring(error))?;
                }
            }
        }
        let ended = drawn == 0 || sampling.plan.budget.exhausted(&sampling.spent).is_some();
        let enough = ended || sampling.plan.rule.decide(&sampling.tally) != Decision::Continue;
        let mut undecided = false;
        if enough {
            let seed = self.job.seed ^ u64::from(self.job.visit);
            let mut verdict = Verdict::reach(&sampling.tally, &sampling.plan, &sampling.spent, seed);
            verdict.grouping = sampling.grouping.as_ref().map(Grouped::by);
            undecided = verdict.undecided;
            self.outcome = verdict.winner.clone().or_else(|| verdict.leader.clone());
            self.verdict = Some(verdict);
        }
        self.sampling = Some(sampling);
        let result: [(String, Value); 2] =
            [("enough".to_owned(), json!(enough)), ("undecided".to_owned(), json!(undecided))];
        Ok(result.into_iter().collect())
    }
}
