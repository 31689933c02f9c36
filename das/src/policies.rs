//! Policies: by which a person lets proposals of DAS be accepted without being asked.
//!
//! A policy names kinds of findings and sorts of changes, how sure the sandbox must be that nothing becomes worse, and
//! how many a day. Every version is kept, every acceptance stands in the trail under the policy's name, and each can be
//! taken back. What a person rejected or took back once is never accepted by a policy again.

mod judge;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use trail::NewEvent;

use crate::error::Error;
use crate::records::{self, Records};
use crate::watch::{FindingKind, Remedy};

pub use judge::{Judged, judge};

/// Most policies.
pub const POLICIES_LIMIT: usize = 100;
/// Most versions of a policy that are kept; the oldest goes first (the trail keeps them all).
pub const VERSIONS_LIMIT: usize = 100;
/// Most proposals that a policy may accept in a day.
pub const A_DAY_LIMIT: u32 = 50;
/// Longest name, bytes.
const NAME_LIMIT: usize = 100;
/// Longest reason, bytes.
const WHY_LIMIT: usize = 4_000;
/// The collection they are kept in.
const COLLECTION: &str = "policy";

/// Sorts of changes that DAS proposes by itself, from the least to the most far-reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Another number of samples.
    Budget,
    /// Another number of attempts.
    Attempts,
    /// A person decides where a task stays undecided.
    AskPerson,
    /// Back to a former version.
    WayBack,
    /// Another word in the process, by an instruction.
    Instruction,
    /// A new version of a prompt.
    Prompt,
}

impl ChangeKind {
    /// All sorts.
    pub const ALL: [Self; 6] =
        [Self::Budget, Self::Attempts, Self::AskPerson, Self::WayBack, Self::Instruction, Self::Prompt];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Attempts => "attempts",
            Self::AskPerson => "ask-person",
            Self::WayBack => "way-back",
            Self::Instruction => "instruction",
            Self::Prompt => "prompt",
        }
    }

    /// What sort of change a remedy is.
    #[must_use]
    pub fn of(remedy: &Remedy) -> Self {
        use crate::watch::Edit;
        match remedy {
            Remedy::Edit { edit: Edit::SampleBudget(_), .. } => Self::Budget,
            Remedy::Edit { edit: Edit::Attempts(_), .. } => Self::Attempts,
            Remedy::Edit { edit: Edit::AskPersonIfUndecided, .. } => Self::AskPerson,
            Remedy::Instruct(_) => Self::Instruction,
            Remedy::Restore { .. } => Self::WayBack,
            Remedy::Prompt { .. } => Self::Prompt,
        }
    }
}

/// What a person allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Kinds of findings; none means all kinds.
    pub kinds: Vec<FindingKind>,
    /// Sorts of changes; at least one.
    pub changes: Vec<ChangeKind>,
    /// The share of runs that may become worse, at most: upper end of the 95 % credible interval over the sandbox's
    /// paired runs, in 0..=1. 40 pairs without a worse one give 0.086.
    pub worse_at_most: f64,
    /// Proposals that it may accept in 24 hours, 1 to [`A_DAY_LIMIT`].
    pub per_day: u32,
    /// Why it is there, in the words of who wrote it.
    pub why: String,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub version: u32,
    /// What it allows.
    pub rules: Rules,
    /// Whether it is in force.
    pub enabled: bool,
    /// Who wrote this version.
    pub author: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Policy {
    /// The actor of what it accepts.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("policy:{}", self.name)
    }
}

/// A policy with all its versions, as it is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Line {
    versions: Vec<Policy>,
}

/// Keeps policies; cheap to clone.
#[derive(Clone)]
pub struct Policies {
    records: Arc<dyn Records>,
}

impl Policies {
    /// Policies kept in these records.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self { records }
    }

    /// The newest version of each policy, by name.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    pub async fn list(&self) -> Result<Vec<Policy>, Error> {
        let mut found = Vec::new();
        for content in self.records.list(COLLECTION).await? {
            let line: Line = records::read(content)?;
            found.extend(line.versions.into_iter().next_back());
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// All versions of a policy, oldest first; none where it is not there.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    pub async fn versions(&self, name: &str) -> Result<Vec<Policy>, Error> {
        let found = self.records.get(COLLECTION, name).await?;
        let line: Option<Line> = found.map(records::read).transpose()?;
        Ok(line.unwrap_or_default().versions)
    }

    /// Writes a policy, or a new version of it; it is in force at once. The same rules again change nothing.
    ///
    /// # Errors
    /// `DAS-0026` names what is wrong with it.
    pub async fn save(&self, name: &str, rules: Rules, by: &str, now_ms: i64) -> Result<Policy, Error> {
        check(name, &rules)?;
        let former = self.versions(name).await?;
        if let Some(same) = former.last().filter(|newest| newest.rules == rules && newest.enabled) {
            return Ok(same.clone());
        }
        if former.is_empty() && self.list().await?.len() >= POLICIES_LIMIT {
            return Err(refuse(name, format!("there are {POLICIES_LIMIT} already (POLICIES_LIMIT)")));
        }
        self.put(name, former, rules, true, by, now_ms, "policy.saved").await
    }

    /// Switches a policy on or off, as a new version.
    ///
    /// # Errors
    /// `DAS-0026` where there is no such policy.
    pub async fn switch(&self, name: &str, enabled: bool, by: &str, now_ms: i64) -> Result<Policy, Error> {
        let former = self.versions(name).await?;
        let Some(newest) = former.last().cloned() else {
            return Err(refuse(name, "there is none with this name".to_owned()));
        };
        if newest.enabled == enabled {
            return Ok(newest);
        }
        let event = if enabled { "policy.switched_on" } else { "policy.switched_off" };
        self.put(name, former, newest.rules, enabled, by, now_ms, event).await
    }

    #[expect(clippy::too_many_arguments, reason = "what a version is made of")]
    async fn put(
        &self,
        name: &str,
        former: Vec<Policy>,
        rules: Rules,
        enabled: bool,
        by: &str,
        now_ms: i64,
        event: &str,
    ) -> Result<Policy, Error> {
        let version = former.last().map_or(0, |newest| newest.version) + 1;
        let policy =
            Policy { name: name.to_owned(), version, rules, enabled, author: by.to_owned(), at_ms: now_ms };
        let mut versions = former;
        versions.push(policy.clone());
        let surplus = versions.len().saturating_sub(VERSIONS_LIMIT);
        versions.drain(..surplus);
        let event = NewEvent {
            actor: by.to_owned(),
            subject: Some(policy.actor()),
            data: json!(policy),
            ..NewEvent::new(event, now_ms)
        };
        let content = records::write(&Line { versions })?;
        self.records.put(COLLECTION, name, &content, now_ms, vec![event]).await?;
        Ok(policy)
    }
}

fn refuse(name: &str, why: String) -> Error {
    Error::Policy { name: name.to_owned(), why }
}

fn check(name: &str, rules: &Rules) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME_LIMIT || !name.chars().all(fits) {
        return Err(refuse(name, format!("a name has 1 to {NAME_LIMIT} letters, digits, '-' and '_'")));
    }
    if rules.changes.is_empty() {
        return Err(refuse(name, "it names no sort of change".to_owned()));
    }
    if !(0.0..=1.0).contains(&rules.worse_at_most) {
        return Err(refuse(name, "the share that may become worse is not in 0..=1".to_owned()));
    }
    if !(1..=A_DAY_LIMIT).contains(&rules.per_day) {
        return Err(refuse(name, format!("it may accept 1 to {A_DAY_LIMIT} a day")));
    }
    if rules.why.len() > WHY_LIMIT {
        return Err(refuse(name, format!("its reason is longer than {WHY_LIMIT} bytes")));
    }
    Ok(())
}
