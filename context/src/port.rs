//! The ports of the context manager: where prompts are kept, and who approves them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Comparison, Error, Experiment, PromptVersion, Recording, TestReport, TestSuite};

/// The label of what is in use; only an approved version may carry it.
pub const PRODUCTION: &str = "production";

/// The label that always names the version saved last.
pub const LATEST: &str = "latest";

/// Who does something, for whom, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The user or part that does it.
    pub actor: String,
    /// Organisation; `local` where nobody configured one.
    pub organisation: String,
    /// Milliseconds since the Unix epoch (UTC), by the caller's clock.
    pub at_ms: i64,
}

impl Stamp {
    /// `actor` of the default organisation, at `at_ms`.
    #[must_use]
    pub fn new(actor: &str, at_ms: i64) -> Self {
        Self { actor: actor.to_owned(), organisation: "local".to_owned(), at_ms }
    }
}

/// A label that was moved to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelMove {
    /// The label.
    pub label: String,
    /// The version it names since.
    pub hash: String,
    /// Who moved it, and when.
    pub stamp: Stamp,
}

/// One person's approval of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// The version.
    pub hash: String,
    /// Who approved it, and when.
    pub stamp: Stamp,
    /// The test report it rests on.
    pub report: String,
    /// Why, by the one who approved.
    pub reason: String,
    /// True where with this approval there were enough: the version may be used in production.
    pub complete: bool,
}

/// Keeps prompts; everything is per organisation. Nothing that was added is ever changed.
#[async_trait]
pub trait PromptStore: Send + Sync {
    /// Adds a version; does nothing where the prompt has one with that hash.
    async fn add_version(&self, organisation: &str, version: &PromptVersion) -> Result<(), Error>;
    /// The version of that name and hash.
    async fn version(
        &self,
        organisation: &str,
        name: &str,
        hash: &str,
    ) -> Result<Option<PromptVersion>, Error>;
    /// All versions of a prompt, oldest first.
    async fn versions(&self, organisation: &str, name: &str) -> Result<Vec<PromptVersion>, Error>;
    /// Names of all prompts, sorted.
    async fn names(&self, organisation: &str) -> Result<Vec<String>, Error>;
    /// Records that a label was moved.
    async fn move_label(&self, organisation: &str, name: &str, moved: &LabelMove) -> Result<(), Error>;
    /// Every move of every label of a prompt, oldest first; the last of a label says where it is.
    async fn label_moves(&self, organisation: &str, name: &str) -> Result<Vec<LabelMove>, Error>;
    /// Adds a test report.
    async fn add_report(&self, organisation: &str, report: &TestReport) -> Result<(), Error>;
    /// Reports of a prompt, oldest first.
    async fn reports(&self, organisation: &str, name: &str) -> Result<Vec<TestReport>, Error>;
    /// Adds an approval.
    async fn add_approval(
        &self,
        organisation: &str,
        name: &str,
        approval: &ApprovalRecord,
    ) -> Result<(), Error>;
    /// Approvals of a prompt, oldest first.
    async fn approvals(&self, organisation: &str, name: &str) -> Result<Vec<ApprovalRecord>, Error>;
    /// Adds a comparison of two versions.
    async fn add_comparison(&self, organisation: &str, found: &Comparison) -> Result<(), Error>;
    /// Comparisons of versions of a prompt, oldest first.
    async fn comparisons(&self, organisation: &str, name: &str) -> Result<Vec<Comparison>, Error>;
    /// Keeps a test set for a prompt, in place of an earlier one.
    async fn put_suite(
        &self,
        organisation: &str,
        name: &str,
        suite: &TestSuite,
        at_ms: i64,
    ) -> Result<(), Error>;
    /// The test set of a prompt.
    async fn suite(&self, organisation: &str, name: &str) -> Result<Option<TestSuite>, Error>;
    /// Adds recorded answers.
    async fn add_recordings(
        &self,
        organisation: &str,
        name: &str,
        recordings: &[Recording],
        at_ms: i64,
    ) -> Result<(), Error>;
    /// Recorded answers of a version of a prompt, oldest first.
    async fn recordings(&self, organisation: &str, name: &str, hash: &str) -> Result<Vec<Recording>, Error>;
    /// Keeps the experiment of a prompt, in place of an earlier one.
    async fn put_experiment(
        &self,
        organisation: &str,
        name: &str,
        experiment: &Experiment,
    ) -> Result<(), Error>;
    /// The experiment of a prompt that was begun last.
    async fn experiment(&self, organisation: &str, name: &str) -> Result<Option<Experiment>, Error>;
}

/// What is to be approved, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRequest {
    /// The version.
    pub version: PromptVersion,
    /// The test report it rests on.
    pub report: TestReport,
    /// The newest comparison of this version with another, where there is one.
    pub comparison: Option<Comparison>,
    /// Organisation of the prompt.
    pub organisation: String,
    /// Why, by the one who asks.
    pub reason: String,
    /// The one who asks now.
    pub approver: String,
    /// Those who approved this version before.
    pub approved_by: Vec<String>,
}

/// What the approval says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Enough people approved: the version may be used in production.
    Approved,
    /// This approval counts, but more are needed.
    Waiting {
        /// How many more.
        missing: usize,
    },
    /// This approval does not count.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Decides whether a version may be used in production.
#[async_trait]
pub trait Approval: Send + Sync {
    /// Judges one person's approval, together with those before it.
    async fn decide(&self, request: &ApprovalRequest) -> Result<Decision, Error>;
}
