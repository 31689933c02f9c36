//! The sandbox: a draft is run many times without side effects before it is offered, beside what it would replace,
//! on recorded cases: the variables that earlier instances started with, and what their tasks gave, stand in for
//! whatever has effects; declared draws and expressions really run, with the same seeds on both sides.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bpmn::program::Variables;
use engine::port::{DeployFile, InstanceFilter, Status};
use engine::{ProcessEngine, Store};
use kernel::{DryRun, DryRunOptions, DryRunState};
use scoring::Score;
use serde::{Deserialize, Serialize};
use trail::{Filter, Trail};

use crate::error::Error;

/// Seeded runs of each side.
pub const RUNS: u64 = 40;
/// Earlier instances whose results stand in for side effects.
pub const CASES_LIMIT: usize = 20;
/// Longest time of one run; a draft that takes longer counts as refused.
pub const RUN_TIME: Duration = Duration::from_secs(5);
/// Executors that really run in a dry run: nothing of theirs is recorded.
const PURE: [&str; 3] = ["stochastic", "feel", "pass_through"];
/// Code of an incident that waits for a person's decision.
const WAITS_FOR_PERSON: &str = "KERNEL-0010";
/// Elements that a comparison names.
const NAMED: usize = 3;

/// What an earlier instance was given and what its tasks gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Variables it started with.
    pub variables: Variables,
    /// Results by element id.
    pub results: BTreeMap<String, Variables>,
}

/// Recorded cases of a process, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The cases; where there is none, runs start with nothing.
    pub cases: Vec<Case>,
}

impl Recorded {
    /// Reads the newest completed instances of a process, at most [`CASES_LIMIT`].
    ///
    /// # Errors
    /// Where engine, store or trail fail.
    pub async fn read(
        engine: &dyn ProcessEngine,
        store: &dyn Store,
        trail: &dyn Trail,
        process_id: &str,
    ) -> Result<Self, Error> {
        let filter = InstanceFilter {
            process_id: Some(process_id.to_owned()),
            status: Some(Status::Completed),
            limit: CASES_LIMIT,
            ..InstanceFilter::default()
        };
        let mut cases = Vec::new();
        for instance in engine.instances(&filter).await?.into_iter().filter(|instance| !instance.dry_run) {
            let begun = Filter {
                instance: Some(instance.key),
                kind_prefix: Some("instance.started".to_owned()),
                ..Filter::default()
            };
            let events = trail.read(&begun, 0, 1).await.map_err(|error| Error::Stopped(error.to_string()))?;
            let variables = events
                .first()
                .and_then(|event| event.content.data.get("variables"))
                .and_then(serde_json::Value::as_object)
                .cloned()
                .unwrap_or_default();
            let mut case = Case { variables, results: BTreeMap::new() };
            for run in store.task_runs(instance.key).await? {
                if run.state == "completed" && !PURE.contains(&run.executed_by.as_str()) {
                    case.results.insert(run.element, run.outputs);
                }
            }
            cases.push(case);
        }
        Ok(Self { cases })
    }
}

/// How seeded runs of one process ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Runs.
    pub runs: u64,
    /// Runs that completed.
    pub completed: u64,
    /// Runs that wait for a person's decision or for something from outside.
    pub waiting: u64,
    /// Runs that failed, were cancelled or took too long.
    pub failed: u64,
    /// Verdicts by element: how many, and how many of them undecided.
    pub verdicts: BTreeMap<String, (u64, u64)>,
    /// Outcomes by element and label.
    pub outcomes: BTreeMap<String, BTreeMap<String, u64>>,
    /// For each run in its order, whether it failed: runs of two sides with the same number have the same seed and
    /// the same case.
    #[serde(default)]
    pub failures: Vec<bool>,
}

impl Trial {
    /// Share of runs that did not fail.
    #[must_use]
    pub fn score(&self) -> Score {
        Score::new(self.runs, self.runs - self.failed.min(self.runs))
    }

    fn count(&mut self, run: &DryRun) {
        let failed = self.failed;
        self.sort(run);
        self.failures.push(self.failed > failed);
    }

    fn sort(&mut self, run: &DryRun) {
        self.runs += 1;
        let asks = !run.incidents.is_empty() && run.incidents.iter().all(|one| one.code == WAITS_FOR_PERSON);
        match run.state {
            DryRunState::Completed => self.completed += 1,
            DryRunState::Waiting => self.waiting += 1,
            DryRunState::Failed if asks => self.waiting += 1,
            DryRunState::Failed | DryRunState::Terminated => self.failed += 1,
        }
        for task in run.task_runs.iter().filter(|task| task.verdict.is_object()) {
            let verdicts = self.verdicts.entry(task.element.clone()).or_default();
            verdicts.0 += 1;
            verdicts.1 += u64::from(task.verdict["undecided"] == true);
            if let Some(label) = task.verdict["leader"].as_str() {
                let outcomes = self.outcomes.entry(task.element.clone()).or_default();
                *outcomes.entry(label.to_owned()).or_default() += 1;
            }
        }
    }
}

/// A draft beside what it would replace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Recorded cases that were used.
    pub cases: usize,
    /// What there is.
    pub before: Option<Trial>,
    /// The draft.
    pub after: Trial,
}

impl Comparison {
    /// Whether the draft fails surely more often: its whole interval lies below that of what it would replace, or no
    /// run of it came to an end.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let after = self.after.score();
        match &self.before {
            Some(before) => after.high < before.score().low,
            None => self.after.failed == self.after.runs,
        }
    }

    /// Pairs of runs with the same seed and case in which the draft failed and what it would replace did not, and how
    /// many pairs there are; `None` where there is nothing to compare with.
    #[must_use]
    pub fn worse_pairs(&self) -> Option<(u64, u64)> {
        let pairs = self.before.as_ref()?.failures.iter().zip(&self.after.failures);
        let worse = pairs.clone().filter(|(before, after)| !**before && **after).count() as u64;
        Some((worse, pairs.count() as u64))
    }

    /// The share of runs that become worse is surely not larger: upper end of its 95 % credible interval under a
    /// uniform prior, 1 where there is nothing to compare with.
    #[must_use]
    pub fn worse_at_most(&self) -> f64 {
        let Some((worse, pairs)) = self.worse_pairs().filter(|(_, pairs)| *pairs > 0) else { return 1.0 };
        #[expect(clippy::cast_precision_loss, reason = "a comparison has tens of pairs")]
        let (worse, fine) = (worse as f64, (pairs - worse) as f64);
        scoring::credible(worse + 1.0, fine + 1.0, 0.05).high
    }

    /// What was seen, a line each.
    #[must_use]
    pub fn evidence(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "tried in the sandbox {} times without side effects, on {} recorded cases, with the same seeds",
            self.after.runs, self.cases
        )];
        lines.extend(self.before.iter().map(|trial| states("as it is", trial)));
        lines.push(states("as proposed", &self.after));
        for (element, (n, undecided)) in self.after.verdicts.iter().take(NAMED) {
            let former = self.before.as_ref().and_then(|before| before.verdicts.get(element));
            let before = former.map_or_else(String::new, |(n, undecided)| {
                format!("as it is {}, ", interval(*undecided, *n))
            });
            lines.push(format!("undecided at '{element}': {before}as proposed {}", interval(*undecided, *n)));
        }
        for (element, outcomes) in self.after.outcomes.iter().take(NAMED) {
            let n: u64 = outcomes.values().sum();
            let shares: Vec<String> =
                outcomes.iter().map(|(label, times)| format!("{label} {}", interval(*times, n))).collect();
            lines.push(format!("most frequent outcome of '{element}' as proposed: {}", shares.join("; ")));
        }
        lines
    }
}

fn states(what: &str, trial: &Trial) -> String {
    format!(
        "{what}: completed {}, waiting for somebody {}, failed {}",
        interval(trial.completed, trial.runs),
        interval(trial.waiting, trial.runs),
        interval(trial.failed, trial.runs)
    )
}

fn interval(times: u64, n: u64) -> String {
    let score = Score::new(n, times);
    format!("{times} of {n} (95 % interval {:.0} to {:.0} %)", score.low * 100.0, score.high * 100.0)
}

/// Runs a process `runs` times (at most [`RUNS`]) with seeds `seed`, `seed + 1`, …, over the cases in turn.
///
/// # Errors
/// `DAS-0006` where the process cannot be deployed or started at all.
pub async fn try_out(
    xml: &str,
    recorded: &Recorded,
    runs: u64,
    seed: u64,
    now_ms: i64,
) -> Result<Trial, Error> {
    let mut trial = Trial::default();
    let empty = Case::default();
    for run in 0..runs.min(RUNS) {
        let at = usize::try_from(run).unwrap_or_default() % recorded.cases.len().max(1);
        let case = recorded.cases.get(at).unwrap_or(&empty);
        let file = DeployFile { name: "draft.bpmn".to_owned(), content: xml.as_bytes().to_vec() };
        let options = DryRunOptions {
            variables: case.variables.clone(),
            results: case.results.clone(),
            seed: seed.wrapping_add(run),
            now_ms,
            ..DryRunOptions::default()
        };
        match tokio::time::timeout(RUN_TIME, kernel::dry_run(vec![file], options)).await {
            Ok(Ok(done)) => trial.count(&done),
            Ok(Err(error)) => return Err(Error::Model(error.to_string())),
            Err(_) => {
                trial.runs += 1;
                trial.failed += 1;
                trial.failures.push(true);
            }
        }
    }
    Ok(trial)
}

/// Tries a draft beside what it would replace.
///
/// # Errors
/// `DAS-0006` where the draft cannot be deployed or started.
pub async fn compare(
    base: Option<&str>,
    draft: &str,
    recorded: &Recorded,
    seed: u64,
    now_ms: i64,
) -> Result<Comparison, Error> {
    let before = match base {
        Some(base) => Some(try_out(base, recorded, RUNS, seed, now_ms).await?),
        None => None,
    };
    let after = try_out(draft, recorded, RUNS, seed, now_ms).await?;
    Ok(Comparison { cases: recorded.cases.len(), before, after })
}
