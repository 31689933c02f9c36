//! The tools there are: the built-in ones, and those a user adds as files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use super::declaration::{MAX_FILE_BYTES, Tool};
use crate::isolation::{ContainerSettings, Containers, Launcher, Level, Rung, probe};

/// The built-in tools.
const BUILT_IN: [&str; 4] = [
    include_str!("../../tools/python.toml"),
    include_str!("../../tools/shell.toml"),
    include_str!("../../tools/octave.toml"),
    include_str!("../../tools/scilab.toml"),
];
/// Tool files read from one folder.
const MAX_FILES: usize = 1_000;
/// Tools that run at once; others wait in order of arrival.
const AT_ONCE: usize = 8;

/// A catalogue of tools, with what runs them.
#[derive(Clone)]
pub struct Tools {
    pub(super) launcher: Launcher,
    pub(super) scratch: PathBuf,
    pub(super) slots: Arc<Semaphore>,
    pub(super) containers: Arc<Result<Containers, String>>,
    rungs: Arc<OnceCell<Vec<Rung>>>,
    tools: Arc<BTreeMap<String, Arc<Tool>>>,
    problems: Arc<Vec<String>>,
}

impl Tools {
    /// The built-in tools and the files `*.toml` in `folder`; a file replaces a built-in tool of the same name. Runs
    /// get their directories below `scratch`. A file that is wrong is left out and named by [`Tools::problems`].
    #[must_use]
    pub fn load(launcher: Launcher, scratch: PathBuf, folder: Option<&Path>) -> Self {
        let mut tools = BTreeMap::new();
        let mut problems = Vec::new();
        let mut take = |source: &str, text: &str| match Tool::parse(text) {
            Ok(tool) => {
                let tool = Arc::new(tool);
                for name in tool.aliases.iter().chain([&tool.name]) {
                    tools.insert(name.clone(), Arc::clone(&tool));
                }
                None
            }
            Err(problem) => Some(format!("{source}: {}", problem.trim())),
        };
        for text in BUILT_IN {
            problems.extend(take("built-in tool", text));
        }
        let mut files: Vec<PathBuf> = folder
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        if files.len() > MAX_FILES {
            problems.push(format!("only the first {MAX_FILES} tool files are read"));
        }
        for file in files.iter().take(MAX_FILES) {
            let source = file.display().to_string();
            match read(file) {
                Ok(text) => problems.extend(take(&source, &text)),
                Err(problem) => problems.push(format!("{source}: {problem}")),
            }
        }
        Self {
            launcher,
            containers: Arc::new(Containers::new(&ContainerSettings::default(), &scratch)),
            scratch,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            rungs: Arc::default(),
            tools: Arc::new(tools),
            problems: Arc::new(problems),
        }
    }

    /// The same with a container engine for the rung `container`.
    #[must_use]
    pub fn with_containers(mut self, settings: &ContainerSettings) -> Self {
        // An engine on the other side of a socket does not know where this process works.
        let root = std::path::absolute(&self.scratch).unwrap_or_else(|_| self.scratch.clone());
        self.containers = Arc::new(Containers::new(settings, &root));
        self.rungs = Arc::default();
        self
    }

    /// The tool with this name or alias.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Tool>> {
        self.tools.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Names and aliases, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.tools.keys().cloned().collect()
    }

    /// All tools once each, by name, with the path of the program where this machine has it; what runs in a container
    /// brings its own.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<Tool>, Option<PathBuf>)> {
        let own = self.tools.iter().filter(|(name, tool)| **name == tool.name);
        own.map(|(_, tool)| (Arc::clone(tool), super::run::program(tool))).collect()
    }

    /// Tool files that were left out, and why.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The ladder as this machine has it; found out once, by doing.
    pub async fn rungs(&self) -> &[Rung] {
        self.rungs.get_or_init(|| probe(&self.launcher, &self.scratch, &self.containers)).await
    }

    /// Whether this rung holds here.
    ///
    /// # Errors
    /// Why not, and what there is instead.
    pub async fn offers(&self, level: Level) -> Result<(), String> {
        let rungs = self.rungs().await;
        let problem = rungs.iter().find(|rung| rung.level == level).and_then(|rung| rung.problem.clone());
        let Some(problem) = problem else { return Ok(()) };
        let there: Vec<String> =
            rungs.iter().filter(|rung| rung.problem.is_none()).map(|rung| rung.level.to_string()).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        Err(format!("this machine does not offer {level}: {problem}; it offers {there}"))
    }
}

fn read(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("{size} bytes; {MAX_FILE_BYTES} are allowed"));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(folder: &Path) -> Tools {
        Tools::load(Launcher::new("/nowhere".into()), folder.join("scratch"), Some(folder))
    }

    #[test]
    fn the_built_in_tools_are_sound() {
        let folder = tempfile::tempdir().unwrap();
        let tools = load(folder.path());
        assert_eq!((tools.problems(), tools.names().len()), (&[][..], 4));
    }

    #[test]
    fn a_file_replaces_the_built_in_tool_and_a_broken_one_is_named_and_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = "name = \"python\"\naliases = [\"py\"]\ncommand = [\"pypy\"]";
        std::fs::write(folder.path().join("mine.toml"), file).unwrap();
        std::fs::write(folder.path().join("other.toml"), "name = \"shell\"\ncommand = 1").unwrap();
        let tools = load(folder.path());
        assert_eq!(tools.get("PY").unwrap().command, ["pypy"]);
        assert_eq!(tools.get("shell").unwrap().command[0], "sh");
        assert!(tools.problems()[0].contains("other.toml"), "{:?}", tools.problems());
    }

    #[test]
    fn the_tool_files_of_the_examples_are_sound() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/tools");
        let tools = load(&examples);
        assert_eq!((tools.problems(), tools.names().len()), (&[][..], 7));
    }

    #[tokio::test]
    async fn a_rung_that_is_not_there_is_named_with_what_is() {
        let folder = tempfile::tempdir().unwrap();
        let problem = load(folder.path()).offers(Level::Landlock).await.unwrap_err();
        assert!(problem.contains("does not offer landlock") && problem.ends_with("offers none"), "{problem}");
    }
}
