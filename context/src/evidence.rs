//! Evidence about prompts: tests with a model or with its recorded answers, comparisons on the same cases, experiments
//! in use, and what all of it says about a version.

use scoring::{Arm, Stream};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::recording::{Answers, model_of};
use crate::trial::{self, Progress};
use crate::{
    Assignment, Comparison, ContextManager, Error, Experiment, ExperimentArm, ExperimentEnd, PRODUCTION,
    PromptVersion, Selector, Stamp, TestReport, TestSuite, comparison, pass_rate_interval,
};

/// The pass rate of a version: what its tests and its use in tasks say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// The version.
    pub hash: String,
    /// Trials of its tests and tasks that used it; answers that were only replayed do not count again.
    pub attempts: u64,
    /// Those that passed or succeeded.
    pub successes: u64,
    /// Posterior mean of its pass rate under a uniform prior.
    pub rate: f64,
    /// Low end of its interval (95 %, valid however often one looks).
    pub low: f64,
    /// High end of it.
    pub high: f64,
}

/// An experiment to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewExperiment {
    /// Labels of the versions, at least two of different versions.
    pub labels: Vec<String>,
    /// Part of the tasks that get a version drawn evenly, 0 to 0.5.
    pub floor: f64,
    /// Probability of being the best at which it stops, above 0.5 and below 1.
    pub enough: f64,
    /// Attempts each version needs before it may stop.
    pub fewest: u64,
    /// Whether the winner goes into production by itself.
    pub promote: bool,
}

impl NewExperiment {
    /// With these labels: a floor of 5 %, stopping at P(best) ≥ 0.95 and 10 attempts of each, promoting nothing.
    #[must_use]
    pub fn of(labels: &[String]) -> Self {
        Self { labels: labels.to_vec(), floor: 0.05, enough: 0.95, fewest: 10, promote: false }
    }
}

impl ContextManager {
    /// Tests a version with `model`, case by case in turn, until the gate decides; the answers are recorded.
    ///
    /// # Errors
    /// [`Error::Suite`] where the suite cannot work, [`Error::Model`] where the model cannot be had: an endpoint
    /// that fails is no evidence about a prompt.
    pub async fn test(
        &self,
        name: &str,
        selector: &Selector,
        suite: &TestSuite,
        model: &dyn llm::Model,
        stamp: &Stamp,
    ) -> Result<TestReport, Error> {
        self.test_watched(name, selector, suite, model, stamp, &|_| {}).await
    }

    /// As [`ContextManager::test`]; `watch` is told after every trial.
    ///
    /// # Errors
    /// As [`ContextManager::test`].
    pub async fn test_watched(
        &self,
        name: &str,
        selector: &Selector,
        suite: &TestSuite,
        model: &dyn llm::Model,
        stamp: &Stamp,
        watch: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<TestReport, Error> {
        let version = self.get(&stamp.organisation, name, selector).await?;
        let answers = Answers::of(model);
        let report = trial::run(&version, suite, &answers, stamp.at_ms, watch).await?;
        self.store.add_recordings(&stamp.organisation, name, &answers.taken(), stamp.at_ms).await?;
        self.report(&report, stamp).await?;
        Ok(report)
    }

    /// Tests a version on the answers that `model` gave before, without asking it: every answer must have been recorded
    /// for exactly this version, model and parameters. Replayed answers are no new evidence: the report is not kept.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] where an answer is missing; [`Error::Suite`].
    pub async fn replay(
        &self,
        name: &str,
        selector: &Selector,
        suite: &TestSuite,
        model: &str,
        stamp: &Stamp,
    ) -> Result<TestReport, Error> {
        let version = self.get(&stamp.organisation, name, selector).await?;
        let recordings = self.store.recordings(&stamp.organisation, name, &version.hash).await?;
        let answers = Answers::recorded(&model_of(&version, model), recordings);
        trial::run(&version, suite, &answers, stamp.at_ms, &|_| {}).await
    }

    /// Models whose answers to a version are recorded, sorted.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn recorded_models(
        &self,
        organisation: &str,
        version: &PromptVersion,
    ) -> Result<Vec<String>, Error> {
        let found = self.store.recordings(organisation, &version.prompt.name, &version.hash).await?;
        let mut models: Vec<String> = found.into_iter().map(|recording| recording.model).collect();
        models.sort();
        models.dedup();
        Ok(models)
    }

    /// Compares a version with another on the same cases, pair by pair, until one is better.
    ///
    /// # Errors
    /// As [`ContextManager::test`].
    pub async fn compare(
        &self,
        name: &str,
        (candidate, baseline): (&Selector, &Selector),
        suite: &TestSuite,
        model: &dyn llm::Model,
        stamp: &Stamp,
    ) -> Result<Comparison, Error> {
        let organisation = &stamp.organisation;
        let candidate = self.get(organisation, name, candidate).await?;
        let baseline = self.get(organisation, name, baseline).await?;
        if candidate.hash == baseline.hash {
            let reason = "it is compared with itself".to_owned();
            return Err(Error::Suite { name: name.to_owned(), reason });
        }
        let answers = Answers::of(model);
        let found = comparison::versions((&candidate, &baseline), suite, &answers, stamp.at_ms).await?;
        self.store.add_recordings(organisation, name, &answers.taken(), stamp.at_ms).await?;
        self.store.add_comparison(organisation, &found).await?;
        let data = json!({
            "candidate": found.candidate, "baseline": found.baseline, "model": found.model, "pairs": found.paired,
            "better": found.better, "difference": found.difference, "low": found.low, "high": found.high,
            "exact_p": found.exact_p, "cost": found.cost, "comparison": found.id,
        });
        self.record("prompt.compared", name, stamp, data).await?;
        Ok(found)
    }

    /// Comparisons of versions of a prompt, oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn comparisons(&self, organisation: &str, name: &str) -> Result<Vec<Comparison>, Error> {
        self.store.comparisons(organisation, name).await
    }

    /// Keeps a test set with a prompt, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such prompt; [`Error::Suite`] where the suite cannot work.
    pub async fn save_suite(&self, name: &str, suite: &TestSuite, stamp: &Stamp) -> Result<(), Error> {
        let version = self.get(&stamp.organisation, name, &Selector::latest()).await?;
        trial::check(&version, suite)?;
        if self.store.suite(&stamp.organisation, name).await?.as_ref() == Some(suite) {
            return Ok(());
        }
        self.store.put_suite(&stamp.organisation, name, suite, stamp.at_ms).await?;
        let data = json!({"cases": suite.cases.len(), "gate": suite.gate});
        self.record("prompt.tests_saved", name, stamp, data).await
    }

    /// The test set kept with a prompt.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn suite(&self, organisation: &str, name: &str) -> Result<Option<TestSuite>, Error> {
        self.store.suite(organisation, name).await
    }

    /// What is known about the pass rate of a version: its tests with the model that answers tasks (with any, where none
    /// is configured), and what tasks did with it (`used`).
    ///
    /// # Errors
    /// Where there is no such version, or the store fails.
    pub async fn posterior(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
        used: Arm,
    ) -> Result<Posterior, Error> {
        let version = self.get(organisation, name, &Selector::Hash(hash.to_owned())).await?;
        let model = self.model.as_deref().map(|configured| model_of(&version, configured));
        let (mut passed, mut trials) = (used.successes, used.successes + used.failures);
        for report in self.store.reports(organisation, name).await? {
            if report.hash == hash && model.as_ref().is_none_or(|model| *model == report.model) {
                passed += u64::from(report.passed);
                trials += u64::from(report.trials);
            }
        }
        let most = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let (rate, low, high) = pass_rate_interval(most(passed), most(trials));
        Ok(Posterior { hash: hash.to_owned(), attempts: trials, successes: passed, rate, low, high })
    }

    /// Begins an experiment with approved versions, in place of one that has ended.
    ///
    /// # Errors
    /// [`Error::Experiment`] where its numbers or versions cannot work or another is open, [`Error::NotApproved`]
    /// where a version is not approved for production.
    pub async fn begin_experiment(
        &self,
        name: &str,
        new: &NewExperiment,
        stamp: &Stamp,
    ) -> Result<Experiment, Error> {
        let refuse = |reason: &str| Error::Experiment { name: name.to_owned(), reason: reason.to_owned() };
        let organisation = &stamp.organisation;
        if !((0.0..=0.5).contains(&new.floor) && new.enough > 0.5 && new.enough < 1.0) {
            return Err(refuse("the floor must be 0 to 0.5, and enough above 0.5 and below 1"));
        }
        if self.store.experiment(organisation, name).await?.is_some_and(|open| open.ended.is_none()) {
            return Err(refuse("one is open"));
        }
        let mut arms: Vec<ExperimentArm> = Vec::new();
        for label in &new.labels {
            let version = self.get(organisation, name, &Selector::Label(label.clone())).await?;
            self.require_approval(organisation, name, &version.hash).await?;
            if arms.iter().any(|arm| arm.hash == version.hash) {
                return Err(refuse("two of its labels are on the same version"));
            }
            arms.push(ExperimentArm { label: label.clone(), hash: version.hash });
        }
        if arms.len() < 2 {
            return Err(refuse("it needs two versions"));
        }
        let experiment = Experiment {
            arms,
            floor: new.floor,
            enough: new.enough,
            fewest: new.fewest,
            promote: new.promote,
            begun: stamp.clone(),
            ended: None,
        };
        self.store.put_experiment(organisation, name, &experiment).await?;
        self.record("prompt.experiment_begun", name, stamp, json!(experiment)).await?;
        Ok(experiment)
    }

    /// The experiment of a prompt that was begun last.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn experiment(&self, organisation: &str, name: &str) -> Result<Option<Experiment>, Error> {
        self.store.experiment(organisation, name).await
    }

    /// Gives a task the version it uses: by the open experiment, where there is one (`counts` is what each of its
    /// versions did), else the one in production. Where the experiment is decided by that it ends.
    ///
    /// # Errors
    /// [`Error::NotApproved`] where nothing may be used.
    pub async fn for_task(
        &self,
        name: &str,
        counts: &[Arm],
        stream: &mut Stream,
        stamp: &Stamp,
    ) -> Result<(PromptVersion, Option<Assignment>), Error> {
        let organisation = &stamp.organisation;
        let open = self.store.experiment(organisation, name).await?.filter(|one| one.ended.is_none());
        let Some(assignment) = open.and_then(|experiment| experiment.assign(counts, stream)) else {
            return Ok((self.in_production(organisation, name).await?, None));
        };
        self.require_approval(organisation, name, &assignment.hash).await?;
        let version = self.get(organisation, name, &Selector::Hash(assignment.hash.clone())).await?;
        if let Some(place) = assignment.decided {
            let probability = assignment.best.get(place).copied().unwrap_or_default();
            self.end_experiment(name, Some((&assignment.hash, probability)), stamp).await?;
        }
        Ok((version, Some(assignment)))
    }

    /// Ends the open experiment of a prompt; a `winner` that was to be promoted goes into production.
    ///
    /// # Errors
    /// [`Error::Experiment`] where none is open.
    pub async fn end_experiment(
        &self,
        name: &str,
        winner: Option<(&str, f64)>,
        stamp: &Stamp,
    ) -> Result<Experiment, Error> {
        let organisation = &stamp.organisation;
        let open = self.store.experiment(organisation, name).await?.filter(|one| one.ended.is_none());
        let Some(mut experiment) = open else {
            return Err(Error::Experiment { name: name.to_owned(), reason: "none is open".to_owned() });
        };
        experiment.ended = Some(ExperimentEnd {
            winner: winner.map(|(hash, _)| hash.to_owned()),
            probability: winner.map_or(0.0, |(_, probability)| probability),
            stamp: stamp.clone(),
        });
        self.store.put_experiment(organisation, name, &experiment).await?;
        self.record("prompt.experiment_ended", name, stamp, json!(experiment.ended)).await?;
        if let Some((hash, _)) = winner.filter(|_| experiment.promote)
            && self.labels(organisation, name).await?.get(PRODUCTION).map(String::as_str) != Some(hash)
        {
            self.put_label(name, PRODUCTION, hash, stamp).await?;
        }
        Ok(experiment)
    }

    async fn report(&self, report: &TestReport, stamp: &Stamp) -> Result<(), Error> {
        self.store.add_report(&stamp.organisation, report).await?;
        let data = json!({
            "hash": report.hash, "report": report.id, "model": report.model, "verdict": report.verdict,
            "trials": report.trials, "passed": report.passed, "rate": report.rate, "low": report.low,
            "high": report.high, "cost": report.cost,
        });
        self.record("prompt.tested", &report.name, stamp, data).await
    }
}
