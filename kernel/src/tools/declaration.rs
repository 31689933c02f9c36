//! What a tool is, as its file says it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::isolation::{Level, ToolLimits};

/// Longest tool file, bytes.
pub(super) const MAX_FILE_BYTES: u64 = 256 * 1024;
const MAX_NAME: usize = 64;

/// What may happen after an attempt whose outcome nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It changes nothing outside: run it again.
    Pure,
    /// Twice is the same as once: run it again.
    Idempotent,
    /// A person decides.
    #[default]
    Unsafe,
}

/// A tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// What a task names by `ref`, or a script task by its format.
    pub name: String,
    /// What it does, for people and for the assistant.
    #[serde(default)]
    pub description: String,
    /// Program and arguments. A bare program name is looked for in the system's program directories. `{name}` in an
    /// argument is replaced by the input of that name.
    pub command: Vec<String>,
    /// Further names for it, e.g. `matlab` for octave.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// File that the task's script is put into; without it the tool takes no script.
    #[serde(default)]
    pub script: Option<String>,
    /// Files put beside it, by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// JSON Schema of the inputs.
    #[serde(default)]
    pub input: Option<Value>,
    /// JSON Schema of the result.
    #[serde(default)]
    pub output: Option<Value>,
    /// The lowest rung of isolation it may run on.
    #[serde(default)]
    pub isolation: Level,
    /// The image it runs in, where its rung is `container`; best with its digest. It must be allowed by the
    /// configuration and be there already.
    #[serde(default)]
    pub image: Option<String>,
    /// What may happen after an unknown outcome.
    #[serde(default)]
    pub class: Class,
    /// What it may read besides the system's own paths: absolute.
    #[serde(default)]
    pub reads: Vec<PathBuf>,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// What one run may use.
    #[serde(default)]
    pub limits: ToolLimits,
}

impl Tool {
    /// Reads a tool file.
    ///
    /// # Errors
    /// What is wrong with it, with the line where the reader knows it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tool: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        tool.check()?;
        Ok(tool)
    }

    fn check(&self) -> Result<(), String> {
        for name in std::iter::once(&self.name).chain(&self.aliases) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
                return Err(format!(
                    "the name {name:?} is not made of a-z, 0-9, -, _ and . (at most {MAX_NAME})"
                ));
            }
        }
        if self.command.first().is_none_or(String::is_empty) {
            return Err("command names no program".to_owned());
        }
        for file in self.files.keys().chain(&self.script) {
            let mut parts = Path::new(file).components();
            if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
                return Err(format!("{file:?} is not a plain file name"));
            }
        }
        for path in &self.reads {
            if !path.is_absolute() || path == Path::new("/") {
                return Err(format!("reads: {} must be absolute, and not everything", path.display()));
            }
        }
        for (what, schema) in [("input", &self.input), ("output", &self.output)] {
            if let Some(schema) = schema
                && let Err(error) = jsonschema::validator_for(schema)
            {
                return Err(format!("{what} is no JSON Schema: {error}"));
            }
        }
        if self.image.is_some() != (self.isolation == Level::Container) {
            return Err("an image and isolation = \"container\" belong together".to_owned());
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
        if let Some(image) = self.image.as_ref().filter(|image| image.is_empty() || !image.chars().all(fits))
        {
            return Err(format!("{image:?} is no name of an image"));
        }
        let limits = &self.limits;
        if limits.cpu_s == 0 || limits.wall_ms == 0 || limits.memory_mib == 0 || limits.processes == 0 {
            return Err("limits: cpu_s, wall_ms, memory_mib and processes must be more than 0".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_file_that_reaches_too_far_or_says_nothing_is_refused_with_the_reason() {
        let with = |line: &str| Tool::parse(&format!("name = \"t\"\ncommand = [\"true\"]\n{line}"));
        assert_eq!(with("").map(|tool| (tool.isolation, tool.class)), Ok((Level::Landlock, Class::Unsafe)));
        for (line, says) in [
            ("reads = [\"/\"]", "not everything"),
            ("reads = [\"usr\"]", "absolute"),
            ("script = \"../x\"", "plain file name"),
            ("input = { type = 12 }", "JSON Schema"),
            ("limits = { processes = 0 }", "more than 0"),
            ("limitz = 3", "limitz"),
            ("isolation = \"none\"", "none"),
            ("isolation = \"container\"", "belong together"),
            ("image = \"debian\"", "belong together"),
            ("isolation = \"container\"\nimage = \"a b\"", "no name of an image"),
        ] {
            let problem = with(line).unwrap_err();
            assert!(problem.contains(says), "{line}: {problem}");
        }
        assert!(Tool::parse("name = \"T x\"\ncommand = [\"true\"]").unwrap_err().contains("a-z"));
        assert!(Tool::parse("name = \"t\"\ncommand = []").unwrap_err().contains("no program"));
    }
}
