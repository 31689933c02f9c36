//! A prompt as a folder of files that people read and git keeps: one file a message, one for what is declared, one for
//! the tests. Nothing of a prompt is lost: its hash is the same after it was written and read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::prompt::{Parameters, Variable};
use crate::{Prompt, PromptVersion, TemplateMessage, TestSuite};

/// The file that holds what is declared.
const PROMPT_FILE: &str = "prompt.json";

/// The file that holds the tests.
pub const TESTS_FILE: &str = "tests.json";

/// The folder of pinned fragments.
const FRAGMENTS: &str = "fragments/";

/// What a folder holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// The prompt.
    pub prompt: Prompt,
    /// Its tests, where there are any.
    pub suite: Option<TestSuite>,
    /// Fragments that it pins, deepest first: they must be there before it.
    pub fragments: Vec<Prompt>,
}

/// Why files are no prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct FilesError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What [`PROMPT_FILE`] says: a prompt without its texts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    name: String,
    purpose: String,
    /// File names of the messages, in order.
    messages: Vec<String>,
    variables: Vec<Variable>,
    output_schema: Option<Value>,
    parameters: Parameters,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fragments: BTreeMap<String, String>,
}

/// The files of a prompt, by their paths within its folder.
///
/// # Errors
/// [`FilesError`] where it cannot be written as JSON.
pub fn folder_of(
    version: &PromptVersion,
    suite: Option<&TestSuite>,
    fragments: &[Prompt],
) -> Result<BTreeMap<String, String>, FilesError> {
    let prompt = &version.prompt;
    let mut files = BTreeMap::new();
    let mut messages = Vec::new();
    for (place, message) in prompt.messages.iter().enumerate() {
        let role = serde_json::to_value(message.role).unwrap_or_default();
        let name = format!("{:02}-{}.md", place + 1, role.as_str().unwrap_or("user"));
        files.insert(name.clone(), message.text.clone());
        messages.push(name);
    }
    let declared = Declared {
        name: prompt.name.clone(),
        purpose: prompt.purpose.clone(),
        messages,
        variables: prompt.variables.clone(),
        output_schema: prompt.output_schema.clone(),
        parameters: prompt.parameters.clone(),
        fragments: prompt.fragments.clone(),
    };
    files.insert(PROMPT_FILE.to_owned(), written(PROMPT_FILE, &json!(declared))?);
    if let Some(suite) = suite {
        files.insert(TESTS_FILE.to_owned(), written(TESTS_FILE, &json!(suite))?);
    }
    for (place, fragment) in fragments.iter().enumerate() {
        let name = fragment.name.replace('/', "_");
        let hash = fragment.hash();
        let path = format!("{FRAGMENTS}{:02}-{name}-{}.json", place + 1, hash.get(..12).unwrap_or(&hash));
        let content = written(&path, &json!(fragment))?;
        files.insert(path, content);
    }
    Ok(files)
}

/// The prompt that these files hold, by their paths within its folder; what belongs to no prompt is left alone.
///
/// # Errors
/// [`FilesError`] names the file that is missing or does not fit.
pub fn prompt_of(files: &BTreeMap<String, String>) -> Result<Folder, FilesError> {
    let wrong = |file: &str, problem: String| FilesError { file: file.to_owned(), problem };
    let get = |file: &str| files.get(file).ok_or_else(|| wrong(file, "it is missing".to_owned()));
    let declared: Declared =
        serde_json::from_str(get(PROMPT_FILE)?).map_err(|error| wrong(PROMPT_FILE, error.to_string()))?;
    let mut messages = Vec::new();
    for file in &declared.messages {
        let role = file.trim_end_matches(".md").rsplit('-').next().unwrap_or_default();
        let role = serde_json::from_value(json!(role)).map_err(|_| {
            wrong(file, "its name must end with -system.md, -user.md or -assistant.md".to_owned())
        })?;
        messages.push(TemplateMessage { role, text: get(file)?.clone() });
    }
    let suite = match files.get(TESTS_FILE) {
        None => None,
        Some(text) => Some(serde_json::from_str(text).map_err(|error| wrong(TESTS_FILE, error.to_string()))?),
    };
    let mut fragments = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| file.starts_with(FRAGMENTS)) {
        fragments.push(serde_json::from_str(text).map_err(|error| wrong(file, error.to_string()))?);
    }
    let prompt = Prompt {
        name: declared.name,
        purpose: declared.purpose,
        messages,
        variables: declared.variables,
        output_schema: declared.output_schema,
        parameters: declared.parameters,
        fragments: declared.fragments,
    };
    Ok(Folder { prompt, suite, fragments })
}

fn written(file: &str, value: &Value) -> Result<String, FilesError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| FilesError { file: file.to_owned(), problem: error.to_string() })?;
    Ok(format!("{text}\n"))
}
