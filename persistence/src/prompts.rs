//! Prompts with their versions, label moves, test reports and approvals: append-only documents.

use async_trait::async_trait;
use context::{
    ApprovalRecord, Comparison, Error as ContextError, Experiment, LabelMove, PromptStore, PromptVersion,
    Recording, TestReport, TestSuite,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Documents, Error, LIST_LIMIT};

/// Recorded answers in one document.
const RECORDINGS_TOGETHER: usize = 50;

/// A store of prompts in the database.
#[derive(Clone, Debug)]
pub struct Prompts {
    documents: Documents,
}

impl Prompts {
    /// Prompts kept in these documents.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        Self { documents }
    }

    /// Adds an entry to a list; entries are ordered by time, then by what is theirs alone.
    async fn add<T: Serialize + Sync>(
        &self,
        list: &str,
        at_ms: i64,
        own: &str,
        entry: &T,
    ) -> Result<(), ContextError> {
        let content = serde_json::to_value(entry).map_err(|error| ContextError::Store(error.to_string()))?;
        let key = format!("{at_ms:020}-{own}");
        self.documents.put(list, &key, &content, at_ms, Vec::new()).await.map_err(failed)
    }

    /// Writes the one entry that there is of something.
    async fn set<T: Serialize + Sync>(
        &self,
        list: &str,
        key: &str,
        entry: &T,
        at_ms: i64,
    ) -> Result<(), ContextError> {
        let content = serde_json::to_value(entry).map_err(|error| ContextError::Store(error.to_string()))?;
        self.documents.put(list, key, &content, at_ms, Vec::new()).await.map_err(failed)
    }

    async fn one<T: DeserializeOwned>(&self, list: &str, key: &str) -> Result<Option<T>, ContextError> {
        let found = self.documents.get(list, key).await.map_err(failed)?;
        let read =
            |content| serde_json::from_value(content).map_err(|error| ContextError::Store(error.to_string()));
        found.map(read).transpose()
    }

    async fn all<T: DeserializeOwned>(&self, list: &str) -> Result<Vec<T>, ContextError> {
        let found = self.documents.list(list, "", LIST_LIMIT).await.map_err(failed)?;
        found
            .into_iter()
            .map(|document| {
                serde_json::from_value(document.content)
                    .map_err(|error| ContextError::Store(error.to_string()))
            })
            .collect()
    }
}

fn failed(error: Error) -> ContextError {
    ContextError::Store(error.to_string())
}

fn list(organisation: &str, what: &str, name: &str) -> String {
    format!("prompt/{organisation}/{what}/{name}")
}

#[async_trait]
impl PromptStore for Prompts {
    async fn add_version(&self, organisation: &str, version: &PromptVersion) -> Result<(), ContextError> {
        let name = &version.prompt.name;
        if self.version(organisation, name, &version.hash).await?.is_some() {
            return Ok(());
        }
        self.add(&list(organisation, "version", name), version.at_ms, &version.hash, version).await?;
        let names = format!("prompt/{organisation}/name");
        let content = serde_json::Value::String(name.clone());
        self.documents.put(&names, name, &content, version.at_ms, Vec::new()).await.map_err(failed)
    }

    async fn version(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
    ) -> Result<Option<PromptVersion>, ContextError> {
        Ok(self.versions(organisation, name).await?.into_iter().find(|version| version.hash == hash))
    }

    async fn versions(&self, organisation: &str, name: &str) -> Result<Vec<PromptVersion>, ContextError> {
        self.all(&list(organisation, "version", name)).await
    }

    async fn names(&self, organisation: &str) -> Result<Vec<String>, ContextError> {
        let names = format!("prompt/{organisation}/name");
        let mut found: Vec<String> = self.all(&names).await?;
        found.sort();
        Ok(found)
    }

    async fn move_label(
        &self,
        organisation: &str,
        name: &str,
        moved: &LabelMove,
    ) -> Result<(), ContextError> {
        // Two moves in one millisecond keep their order by how many were there before.
        let before = self.label_moves(organisation, name).await?.len();
        let own = format!("{before:08}");
        self.add(&list(organisation, "label", name), moved.stamp.at_ms, &own, moved).await
    }

    async fn label_moves(&self, organisation: &str, name: &str) -> Result<Vec<LabelMove>, ContextError> {
        self.all(&list(organisation, "label", name)).await
    }

    async fn add_report(&self, organisation: &str, report: &TestReport) -> Result<(), ContextError> {
        let before = self.reports(organisation, &report.name).await?.len();
        self.add(&list(organisation, "report", &report.name), report.at_ms, &format!("{before:08}"), report)
            .await
    }

    async fn reports(&self, organisation: &str, name: &str) -> Result<Vec<TestReport>, ContextError> {
        self.all(&list(organisation, "report", name)).await
    }

    async fn add_approval(
        &self,
        organisation: &str,
        name: &str,
        approval: &ApprovalRecord,
    ) -> Result<(), ContextError> {
        let before = self.approvals(organisation, name).await?.len();
        let at_ms = approval.stamp.at_ms;
        self.add(&list(organisation, "approval", name), at_ms, &format!("{before:08}"), approval).await
    }

    async fn approvals(&self, organisation: &str, name: &str) -> Result<Vec<ApprovalRecord>, ContextError> {
        self.all(&list(organisation, "approval", name)).await
    }

    async fn add_comparison(&self, organisation: &str, found: &Comparison) -> Result<(), ContextError> {
        self.add(&list(organisation, "comparison", &found.name), found.at_ms, &found.id, found).await
    }

    async fn comparisons(&self, organisation: &str, name: &str) -> Result<Vec<Comparison>, ContextError> {
        self.all(&list(organisation, "comparison", name)).await
    }

    async fn put_suite(
        &self,
        organisation: &str,
        name: &str,
        suite: &TestSuite,
        at_ms: i64,
    ) -> Result<(), ContextError> {
        self.set(&format!("prompt/{organisation}/suite"), name, suite, at_ms).await
    }

    async fn suite(&self, organisation: &str, name: &str) -> Result<Option<TestSuite>, ContextError> {
        self.one(&format!("prompt/{organisation}/suite"), name).await
    }

    async fn add_recordings(
        &self,
        organisation: &str,
        name: &str,
        recordings: &[Recording],
        at_ms: i64,
    ) -> Result<(), ContextError> {
        for together in recordings.chunks(RECORDINGS_TOGETHER) {
            let Some(first) = together.first() else { continue };
            let what = list(organisation, &format!("recording/{}", first.hash), name);
            // A comparison holds answers of two versions; each finds its own again.
            let (own, others): (Vec<&Recording>, Vec<&Recording>) =
                together.iter().partition(|recording| recording.hash == first.hash);
            self.add(&what, at_ms, &first.asked, &own).await?;
            if let Some(other) = others.first() {
                let what = list(organisation, &format!("recording/{}", other.hash), name);
                self.add(&what, at_ms, &other.asked, &others).await?;
            }
        }
        Ok(())
    }

    async fn recordings(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
    ) -> Result<Vec<Recording>, ContextError> {
        let found: Vec<Vec<Recording>> =
            self.all(&list(organisation, &format!("recording/{hash}"), name)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn put_experiment(
        &self,
        organisation: &str,
        name: &str,
        experiment: &Experiment,
    ) -> Result<(), ContextError> {
        let at_ms = experiment.ended.as_ref().map_or(experiment.begun.at_ms, |end| end.stamp.at_ms);
        self.set(&format!("prompt/{organisation}/experiment"), name, experiment, at_ms).await
    }

    async fn experiment(&self, organisation: &str, name: &str) -> Result<Option<Experiment>, ContextError> {
        self.one(&format!("prompt/{organisation}/experiment"), name).await
    }
}
