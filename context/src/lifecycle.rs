//! The context manager: saves, tests, approves, releases and rolls back prompts; each step is in the trail.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use trail::{NewEvent, Trail};

use crate::{
    Approval, ApprovalRecord, ApprovalRequest, Decision, Error, LATEST, LabelMove, PRODUCTION, Prompt,
    PromptStore, PromptVersion, Stamp, TestReport, Verdict, compose, template,
};

/// Which version of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one with this hash, or whose hash starts with it (at least eight characters).
    Hash(String),
    /// The one that carries this label.
    Label(String),
}

impl Selector {
    /// The version saved last.
    #[must_use]
    pub fn latest() -> Self {
        Self::Label(LATEST.to_owned())
    }
}

/// Shortest prefix of a hash that names a version.
const HASH_PREFIX: usize = 8;

/// Builds, tests, approves and stores prompts.
#[derive(Clone)]
pub struct ContextManager {
    pub(crate) store: Arc<dyn PromptStore>,
    approval: Arc<dyn Approval>,
    trail: Arc<dyn Trail>,
    pub(crate) model: Option<String>,
}

impl ContextManager {
    /// A context manager on these ports.
    #[must_use]
    pub fn new(store: Arc<dyn PromptStore>, approval: Arc<dyn Approval>, trail: Arc<dyn Trail>) -> Self {
        Self { store, approval, trail, model: None }
    }

    /// The same, where tasks are answered by this model: tests with other models say nothing about a version in use.
    #[must_use]
    pub fn answered_by(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Saves a prompt as a new version, labelled `latest`; the same content again is the same version. Fragments are
    /// pinned to the versions that their names, labels or hashes stand for now.
    ///
    /// # Errors
    /// [`Error::Invalid`] names everything that is wrong with it.
    pub async fn save(&self, prompt: Prompt, note: &str, stamp: &Stamp) -> Result<PromptVersion, Error> {
        let version = self.keep(prompt, note, stamp).await?;
        let name = &version.prompt.name;
        if self.labels(&stamp.organisation, name).await?.get(LATEST) != Some(&version.hash) {
            self.put_label(name, LATEST, &version.hash, stamp).await?;
        }
        Ok(version)
    }

    /// Adds a version without moving a label, e.g. a fragment that another prompt has pinned.
    ///
    /// # Errors
    /// As [`ContextManager::save`].
    pub async fn keep(&self, prompt: Prompt, note: &str, stamp: &Stamp) -> Result<PromptVersion, Error> {
        let organisation = &stamp.organisation;
        let composed = compose::compose(self.store.as_ref(), organisation, prompt).await?;
        template::check(composed.whole.as_ref().unwrap_or(&composed.prompt))?;
        let hash = composed.prompt.hash();
        let name = composed.prompt.name.clone();
        if let Some(known) = self.store.version(organisation, &name, &hash).await? {
            return Ok(known);
        }
        let version = PromptVersion {
            hash: hash.clone(),
            prompt: composed.prompt,
            note: note.to_owned(),
            author: stamp.actor.clone(),
            at_ms: stamp.at_ms,
            composed: composed.whole.map(Box::new),
        };
        self.store.add_version(organisation, &version).await?;
        self.record("prompt.saved", &name, stamp, json!({ "hash": hash, "note": note })).await?;
        Ok(version)
    }

    /// The version that `selector` names.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none.
    pub async fn get(
        &self,
        organisation: &str,
        name: &str,
        selector: &Selector,
    ) -> Result<PromptVersion, Error> {
        let missing = |what, id: &str| Error::NotFound { what, id: format!("{name}@{id}") };
        match selector {
            Selector::Hash(hash) => {
                if let Some(version) = self.store.version(organisation, name, hash).await? {
                    return Ok(version);
                }
                let mut fits = self.store.versions(organisation, name).await?;
                fits.retain(|version| hash.len() >= HASH_PREFIX && version.hash.starts_with(hash.as_str()));
                match fits.pop() {
                    Some(version) if fits.is_empty() => Ok(version),
                    _ => Err(missing("prompt version", hash)),
                }
            }
            Selector::Label(label) => {
                let labels = self.labels(organisation, name).await?;
                let hash = labels.get(label).ok_or_else(|| missing("prompt label", label))?;
                let version = self.store.version(organisation, name, hash).await?;
                version.ok_or_else(|| missing("prompt version", hash))
            }
        }
    }

    /// The version in production: what a task may use.
    ///
    /// # Errors
    /// [`Error::NotApproved`] where nothing was approved, or what carries the label was not.
    pub async fn in_production(&self, organisation: &str, name: &str) -> Result<PromptVersion, Error> {
        let labels = self.labels(organisation, name).await?;
        let Some(hash) = labels.get(PRODUCTION) else {
            let reason = "no version carries the label production".to_owned();
            return Err(Error::NotApproved { name: name.to_owned(), hash: "(none)".to_owned(), reason });
        };
        self.require_approval(organisation, name, hash).await?;
        self.get(organisation, name, &Selector::Hash(hash.clone())).await
    }

    /// Names of all prompts, sorted.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn names(&self, organisation: &str) -> Result<Vec<String>, Error> {
        self.store.names(organisation).await
    }

    /// Versions of a prompt, oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn versions(&self, organisation: &str, name: &str) -> Result<Vec<PromptVersion>, Error> {
        self.store.versions(organisation, name).await
    }

    /// Where each label of a prompt is.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn labels(&self, organisation: &str, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let moves = self.store.label_moves(organisation, name).await?;
        Ok(moves.into_iter().map(|moved| (moved.label, moved.hash)).collect())
    }

    /// Reports of a prompt's tests, oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn reports(&self, organisation: &str, name: &str) -> Result<Vec<TestReport>, Error> {
        self.store.reports(organisation, name).await
    }

    /// Approvals of a prompt, oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn approvals(&self, organisation: &str, name: &str) -> Result<Vec<ApprovalRecord>, Error> {
        self.store.approvals(organisation, name).await
    }

    /// Approves a version on the evidence of a test report; whether that suffices the approval port says.
    ///
    /// # Errors
    /// [`Error::NotApproved`] where the report is of another version or did not pass, or the approval is refused.
    pub async fn approve(
        &self,
        name: &str,
        selector: &Selector,
        report: &str,
        reason: &str,
        stamp: &Stamp,
    ) -> Result<Decision, Error> {
        let organisation = &stamp.organisation;
        let version = self.get(organisation, name, selector).await?;
        let hash = version.hash.clone();
        let refuse =
            |reason: String| Error::NotApproved { name: name.to_owned(), hash: hash.clone(), reason };
        let report = self
            .store
            .reports(organisation, name)
            .await?
            .into_iter()
            .find(|found| found.id == report)
            .ok_or_else(|| Error::NotFound { what: "test report", id: report.to_owned() })?;
        if report.hash != hash {
            return Err(refuse(format!("the test report is of version {}", report.hash)));
        }
        if report.verdict != Verdict::Pass {
            return Err(refuse("its test did not pass the gate".to_owned()));
        }
        let mut comparisons = self.store.comparisons(organisation, name).await?;
        comparisons.retain(|found| found.candidate == hash);
        let comparison = comparisons.pop();
        let in_use = self.labels(organisation, name).await?.remove(PRODUCTION);
        if let Some(found) = &comparison
            && found.better == scoring::Better::Second
            && in_use.as_ref() == Some(&found.baseline)
        {
            let (less, low, high) = (-found.difference, -found.high, -found.low);
            return Err(refuse(format!(
                "on the same cases the version in use passes more often, by {:.0} points ({:.0} to {:.0})",
                less * 100.0,
                low * 100.0,
                high * 100.0
            )));
        }
        let approvals = self.store.approvals(organisation, name).await?;
        let approved_by = approvals.into_iter().filter(|a| a.hash == hash).map(|a| a.stamp.actor).collect();
        let report_id = report.id.clone();
        let request = ApprovalRequest {
            version,
            report,
            comparison,
            organisation: organisation.clone(),
            reason: reason.to_owned(),
            approver: stamp.actor.clone(),
            approved_by,
        };
        let decision = self.approval.decide(&request).await?;
        if let Decision::Refused { reason } = decision {
            return Err(refuse(reason));
        }
        let record = ApprovalRecord {
            hash: hash.clone(),
            stamp: stamp.clone(),
            report: report_id.clone(),
            reason: reason.to_owned(),
            complete: decision == Decision::Approved,
        };
        self.store.add_approval(organisation, name, &record).await?;
        let data =
            json!({ "hash": hash, "report": report_id, "reason": reason, "complete": record.complete });
        self.record("prompt.approved", name, stamp, data).await?;
        Ok(decision)
    }

    /// Moves a label to a version; `production` only to one that is approved, `latest` not at all by hand.
    ///
    /// # Errors
    /// [`Error::NotApproved`] where an approval is missing.
    pub async fn move_label(
        &self,
        name: &str,
        label: &str,
        selector: &Selector,
        stamp: &Stamp,
    ) -> Result<PromptVersion, Error> {
        if !template::is_label(label) || label == LATEST {
            let problems = vec![format!("label {label:?} cannot be set by hand")];
            return Err(Error::Invalid { name: name.to_owned(), problems });
        }
        let version = self.get(&stamp.organisation, name, selector).await?;
        if label == PRODUCTION {
            self.require_approval(&stamp.organisation, name, &version.hash).await?;
        }
        self.put_label(name, label, &version.hash, stamp).await?;
        Ok(version)
    }

    /// Puts the version into production that was there before the present one; again goes one further back.
    ///
    /// # Errors
    /// [`Error::NothingBefore`] where there is none.
    pub async fn roll_back(&self, name: &str, stamp: &Stamp) -> Result<PromptVersion, Error> {
        let mut stack: Vec<String> = Vec::new();
        for moved in self.store.label_moves(&stamp.organisation, name).await? {
            if moved.label != PRODUCTION || stack.last() == Some(&moved.hash) {
                continue;
            }
            if stack.len() >= 2 && stack[stack.len() - 2] == moved.hash {
                stack.pop();
            } else {
                stack.push(moved.hash);
            }
        }
        let left = stack.pop();
        let (Some(left), Some(back)) = (left, stack.pop()) else {
            return Err(Error::NothingBefore { name: name.to_owned() });
        };
        self.require_approval(&stamp.organisation, name, &back).await?;
        self.put_label(name, PRODUCTION, &back, stamp).await?;
        self.record("prompt.rolled_back", name, stamp, json!({ "from": left, "to": back })).await?;
        self.get(&stamp.organisation, name, &Selector::Hash(back)).await
    }

    pub(crate) async fn require_approval(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
    ) -> Result<(), Error> {
        let approvals = self.store.approvals(organisation, name).await?;
        if approvals.iter().any(|approval| approval.hash == hash && approval.complete) {
            return Ok(());
        }
        let given = approvals.iter().filter(|approval| approval.hash == hash).count();
        let reason = match given {
            0 => "nobody has approved it".to_owned(),
            n => format!("{n} approved it, which is not enough"),
        };
        Err(Error::NotApproved { name: name.to_owned(), hash: hash.to_owned(), reason })
    }

    pub(crate) async fn put_label(
        &self,
        name: &str,
        label: &str,
        hash: &str,
        stamp: &Stamp,
    ) -> Result<(), Error> {
        let moved = LabelMove { label: label.to_owned(), hash: hash.to_owned(), stamp: stamp.clone() };
        self.store.move_label(&stamp.organisation, name, &moved).await?;
        self.record("prompt.labelled", name, stamp, json!({ "label": label, "hash": hash })).await
    }

    pub(crate) async fn record(
        &self,
        kind: &str,
        name: &str,
        stamp: &Stamp,
        data: Value,
    ) -> Result<(), Error> {
        let event = NewEvent {
            organisation: stamp.organisation.clone(),
            actor: stamp.actor.clone(),
            subject: Some(format!("prompt:{name}")),
            data,
            ..NewEvent::new(kind, stamp.at_ms)
        };
        self.trail.append(vec![event]).await?;
        Ok(())
    }
}
