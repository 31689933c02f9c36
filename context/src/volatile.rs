//! Prompts kept in memory only: for dry runs, sandboxes and tests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    ApprovalRecord, Comparison, Error, Experiment, LabelMove, PromptStore, PromptVersion, Recording,
    TestReport, TestSuite,
};

/// A store of prompts that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct VolatilePrompts {
    prompts: Mutex<BTreeMap<(String, String), Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    versions: Vec<PromptVersion>,
    moves: Vec<LabelMove>,
    reports: Vec<TestReport>,
    approvals: Vec<ApprovalRecord>,
    comparisons: Vec<Comparison>,
    suite: Option<TestSuite>,
    recordings: Vec<Recording>,
    experiment: Option<Experiment>,
}

impl VolatilePrompts {
    fn read<T>(&self, organisation: &str, name: &str, of: impl FnOnce(&Kept) -> T) -> Option<T> {
        self.prompts.lock().get(&(organisation.to_owned(), name.to_owned())).map(of)
    }

    fn write(&self, organisation: &str, name: &str, change: impl FnOnce(&mut Kept)) {
        change(self.prompts.lock().entry((organisation.to_owned(), name.to_owned())).or_default());
    }
}

#[async_trait]
impl PromptStore for VolatilePrompts {
    async fn add_version(&self, organisation: &str, version: &PromptVersion) -> Result<(), Error> {
        self.write(organisation, &version.prompt.name, |kept| {
            if kept.versions.iter().all(|known| known.hash != version.hash) {
                kept.versions.push(version.clone());
            }
        });
        Ok(())
    }

    async fn version(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
    ) -> Result<Option<PromptVersion>, Error> {
        let find = |kept: &Kept| kept.versions.iter().find(|version| version.hash == hash).cloned();
        Ok(self.read(organisation, name, find).flatten())
    }

    async fn versions(&self, organisation: &str, name: &str) -> Result<Vec<PromptVersion>, Error> {
        Ok(self.read(organisation, name, |kept| kept.versions.clone()).unwrap_or_default())
    }

    async fn names(&self, organisation: &str) -> Result<Vec<String>, Error> {
        let prompts = self.prompts.lock();
        Ok(prompts.keys().filter(|(of, _)| of == organisation).map(|(_, name)| name.clone()).collect())
    }

    async fn move_label(&self, organisation: &str, name: &str, moved: &LabelMove) -> Result<(), Error> {
        self.write(organisation, name, |kept| kept.moves.push(moved.clone()));
        Ok(())
    }

    async fn label_moves(&self, organisation: &str, name: &str) -> Result<Vec<LabelMove>, Error> {
        Ok(self.read(organisation, name, |kept| kept.moves.clone()).unwrap_or_default())
    }

    async fn add_report(&self, organisation: &str, report: &TestReport) -> Result<(), Error> {
        self.write(organisation, &report.name, |kept| kept.reports.push(report.clone()));
        Ok(())
    }

    async fn reports(&self, organisation: &str, name: &str) -> Result<Vec<TestReport>, Error> {
        Ok(self.read(organisation, name, |kept| kept.reports.clone()).unwrap_or_default())
    }

    async fn add_approval(
        &self,
        organisation: &str,
        name: &str,
        approval: &ApprovalRecord,
    ) -> Result<(), Error> {
        self.write(organisation, name, |kept| kept.approvals.push(approval.clone()));
        Ok(())
    }

    async fn approvals(&self, organisation: &str, name: &str) -> Result<Vec<ApprovalRecord>, Error> {
        Ok(self.read(organisation, name, |kept| kept.approvals.clone()).unwrap_or_default())
    }

    async fn add_comparison(&self, organisation: &str, found: &Comparison) -> Result<(), Error> {
        self.write(organisation, &found.name, |kept| kept.comparisons.push(found.clone()));
        Ok(())
    }

    async fn comparisons(&self, organisation: &str, name: &str) -> Result<Vec<Comparison>, Error> {
        Ok(self.read(organisation, name, |kept| kept.comparisons.clone()).unwrap_or_default())
    }

    async fn put_suite(
        &self,
        organisation: &str,
        name: &str,
        suite: &TestSuite,
        _at_ms: i64,
    ) -> Result<(), Error> {
        self.write(organisation, name, |kept| kept.suite = Some(suite.clone()));
        Ok(())
    }

    async fn suite(&self, organisation: &str, name: &str) -> Result<Option<TestSuite>, Error> {
        Ok(self.read(organisation, name, |kept| kept.suite.clone()).flatten())
    }

    async fn add_recordings(
        &self,
        organisation: &str,
        name: &str,
        recordings: &[Recording],
        _at_ms: i64,
    ) -> Result<(), Error> {
        self.write(organisation, name, |kept| kept.recordings.extend_from_slice(recordings));
        Ok(())
    }

    async fn recordings(&self, organisation: &str, name: &str, hash: &str) -> Result<Vec<Recording>, Error> {
        let of = |kept: &Kept| kept.recordings.iter().filter(|one| one.hash == hash).cloned().collect();
        Ok(self.read(organisation, name, of).unwrap_or_default())
    }

    async fn put_experiment(
        &self,
        organisation: &str,
        name: &str,
        experiment: &Experiment,
    ) -> Result<(), Error> {
        self.write(organisation, name, |kept| kept.experiment = Some(experiment.clone()));
        Ok(())
    }

    async fn experiment(&self, organisation: &str, name: &str) -> Result<Option<Experiment>, Error> {
        Ok(self.read(organisation, name, |kept| kept.experiment.clone()).flatten())
    }
}
