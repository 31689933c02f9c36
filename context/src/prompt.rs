//! A prompt: messages with typed variables, the form of its answer, and the parameters it was tested with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use llm::Role;

/// Longest name of a prompt or label, in bytes.
pub const NAME_LIMIT: usize = 200;

/// Longest template of a prompt, all messages together, in bytes.
pub const TEMPLATE_LIMIT_BYTES: usize = 256 * 1024;

/// Most variables of a prompt.
pub const VARIABLES_LIMIT: usize = 200;

/// A prompt as its author wrote it. Versions are immutable: another word is another version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Its name, e.g. `generate-process`.
    pub name: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// The messages, with `{{variable}}` in their texts; `{{context}}` is where retrieved items go.
    pub messages: Vec<TemplateMessage>,
    /// The variables its texts use; every one used is declared and every one declared is used.
    pub variables: Vec<Variable>,
    /// JSON Schema of the answer, where it has a form.
    pub output_schema: Option<Value>,
    /// How the model is to be run.
    pub parameters: Parameters,
    /// Prompts whose text goes in at `{{> name}}`, each with the hash of the version that is pinned. An empty hash, or
    /// a label, is replaced on saving by the hash it stands for then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fragments: BTreeMap<String, String>,
}

/// One message of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMessage {
    /// Who speaks.
    pub role: Role,
    /// The text with its variables.
    pub text: String,
}

/// A variable of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// What stands there where no value is given; without one a value must be given.
    #[serde(default)]
    pub default: Option<Value>,
    /// What it holds, in a sentence.
    #[serde(default)]
    pub description: String,
}

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list; written one item a line, each after a dash.
    List,
    /// Any JSON; written as JSON.
    Json,
}

/// How the model is to be run; part of the version, because it was tested so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// A model other than the configured one.
    pub model: Option<String>,
    /// Spread of the draws, 0 to 2.
    pub temperature: Option<f64>,
    /// Most tokens of an answer.
    pub max_tokens: Option<u32>,
}

/// An immutable version of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptVersion {
    /// SHA-256 of the canonical JSON of the prompt, lower-case hexadecimal: the version's name.
    pub hash: String,
    /// The content.
    pub prompt: Prompt,
    /// What changed, by the author.
    pub note: String,
    /// Who saved it.
    pub author: String,
    /// When, milliseconds since the Unix epoch (UTC).
    pub at_ms: i64,
    /// The content with its fragments filled in, where it has any. Fragments are pinned, so this never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composed: Option<Box<Prompt>>,
}

impl PromptVersion {
    /// The content with every fragment in its place: what is sent.
    #[must_use]
    pub fn whole(&self) -> &Prompt {
        self.composed.as_deref().unwrap_or(&self.prompt)
    }
}

impl Prompt {
    /// The name of the version with this content: equal content gives an equal hash, whoever saves it and when.
    #[must_use]
    pub fn hash(&self) -> String {
        // Plain data always serialises.
        let value = serde_json::to_value(self).unwrap_or_default();
        hex::encode(Sha256::digest(trail::canonical_json(&value).as_bytes()))
    }
}
