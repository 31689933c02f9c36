//! A variant: what a user has grown in one data directory, in a file that another one takes in.
//!
//! | part | when it is taken in |
//! | --- | --- |
//! | processes with all their versions | unknown ones are deployed version by version; where the newest differs from what is here, it waits as a proposal |
//! | decisions (DMN files) | unknown ones are deployed; where the newest differs from what is here, it is left out and named |
//! | systems | unknown ones are stored; a different one under the same name arrives beside it as `NAME (variant)` |
//! | prompts with all their versions | as further versions; no label moves |
//! | scores | attempts and successes of subjects that have none here |
//! | memory: corrections, decisions, prompts, errors | entries that are not here |
//!
//! Nothing that is here is overwritten, and taking the same file in again changes nothing.

mod pack;
mod unpack;

use context::PromptVersion;
use memory::Entry;
use serde::{Deserialize, Serialize};

pub(super) use pack::pack;
pub(super) use unpack::{show, unpack};

use super::export::SystemFile;

/// Names the form of [`VariantFile`].
pub(super) const VARIANT_FILE: &str = "procos-variant-1";

/// What a user has grown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VariantFile {
    /// [`VARIANT_FILE`].
    pub(super) format: String,
    /// When it was written, milliseconds since the Unix epoch.
    pub(super) made_ms: i64,
    /// Processes.
    pub(super) processes: Vec<GrownProcess>,
    /// DMN files, oldest first.
    #[serde(default)]
    pub(super) decisions: Vec<GrownDecisions>,
    /// Systems; their processes are among [`VariantFile::processes`].
    pub(super) systems: Vec<SystemFile>,
    /// Prompts, each with its versions, oldest first.
    pub(super) prompts: Vec<Vec<PromptVersion>>,
    /// Scores.
    pub(super) scores: Vec<Evidence>,
    /// Memory.
    pub(super) memory: Vec<Entry>,
}

/// A process with its versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GrownProcess {
    /// Id of the BPMN process.
    pub(super) process_id: String,
    /// BPMN of its versions, oldest first.
    pub(super) versions: Vec<String>,
}

/// A deployed DMN file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GrownDecisions {
    /// The `id` of its `definitions`.
    pub(super) id: String,
    /// File it came from.
    pub(super) resource: String,
    /// DMN.
    pub(super) xml: String,
}

/// What a score rests on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// `process`, `task`, `prompt`, `tool`, `model`.
    pub(super) kind: String,
    /// Which.
    pub(super) subject: String,
    /// Finished attempts.
    pub(super) attempts: u64,
    /// Those that succeeded.
    pub(super) successes: u64,
    /// Mean duration of an attempt, milliseconds.
    pub(super) mean_duration_ms: f64,
    /// What all attempts cost together.
    pub(super) cost: f64,
    /// When it was used last, milliseconds since the Unix epoch.
    pub(super) last_used_ms: i64,
}
