//! Deployed decisions as everybody sees them.

use serde::{Deserialize, Serialize};

use super::Definition;

/// What a deployment gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Process definitions, in the order of the files.
    pub definitions: Vec<Definition>,
    /// DMN files with their decisions, in the order of the files.
    pub decisions: Vec<DecisionRequirements>,
}

/// A deployed DMN file: decisions and what they require of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRequirements {
    /// Its key.
    pub key: i64,
    /// The `id` of its `definitions`.
    pub id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// 1, 2, 3, … for each id.
    pub version: i32,
    /// File it came from.
    pub resource: String,
    /// SHA-256 of the file in hexadecimal.
    pub checksum: String,
    /// When it was deployed, milliseconds since the Unix epoch.
    pub deployed_ms: i64,
    /// Its decisions, in document order.
    pub decisions: Vec<DecisionDefinition>,
}

/// A deployed decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionDefinition {
    /// Its key.
    pub key: i64,
    /// The `id` of the decision.
    pub decision_id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// 1, 2, 3, … for each decision id.
    pub version: i32,
    /// What its author calls this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_tag: Option<String>,
}
