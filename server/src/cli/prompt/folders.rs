//! `procos prompt export` and `import`: prompts as folders of files that people read and git keeps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use context::{LATEST, PRODUCTION, Prompt, PromptVersion, Selector, Stamp, folder_of, prompt_of};
use serde_json::json;

use super::super::{Output, now_ms, read_file, write_file};
use super::{ORGANISATION, selector, short};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// The file by which a folder is known to hold a prompt.
const MARK: &str = "prompt.json";
/// Deepest folders that are looked into.
const DEPTH: usize = 8;
/// Most bytes of one file.
const FILE_LIMIT_BYTES: u64 = 4 * 1024 * 1024;

/// Write prompts as folders, one each: a file for every message, one for what is declared, one for the tests.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(super) struct Export {
    /// The folder they go into.
    folder: PathBuf,
    /// Only these prompts; may be given several times.
    #[arg(long)]
    name: Vec<String>,
    /// The version, by the start of its hash or by a label; what is in production, else the latest, where left out.
    #[arg(long)]
    version: Option<String>,
}

/// Read prompts from a folder that was exported, changed or not; each change is a new version.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The folder: of one prompt, or of several.
    folder: PathBuf,
    /// What changed.
    #[arg(long, default_value = "imported")]
    note: String,
    /// Who saves them.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Export {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let contexts = &assembly.contexts;
        let names =
            if self.name.is_empty() { contexts.names(ORGANISATION).await? } else { self.name.clone() };
        let mut written = Vec::new();
        for name in names {
            let version = self.version(assembly, &name).await?;
            let suite = contexts.suite(ORGANISATION, &name).await?;
            let fragments = pinned(assembly, &version).await?;
            let files = folder_of(&version, suite.as_ref(), &fragments).map_err(unfit)?;
            let folder = self.folder.join(place(&name)?);
            for (file, text) in &files {
                let path = folder.join(file);
                make_folder(path.parent().unwrap_or(&folder))?;
                write_file(&path, text.as_bytes())?;
            }
            if !output.is_json() {
                output.line(&format!("{name} {} → {}", short(&version.hash), folder.display()));
            }
            written.push(json!({"name": name, "version": version.hash, "folder": folder}));
        }
        if output.is_json() {
            output.value(&json!({"prompts": written}));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn version(&self, assembly: &Assembly, name: &str) -> Result<PromptVersion, Failure> {
        let contexts = &assembly.contexts;
        if let Some(version) = &self.version {
            return Ok(contexts.get(ORGANISATION, name, &selector(version)).await?);
        }
        let labels = contexts.labels(ORGANISATION, name).await?;
        let label = if labels.contains_key(PRODUCTION) { PRODUCTION } else { LATEST };
        Ok(contexts.get(ORGANISATION, name, &Selector::Label(label.to_owned())).await?)
    }
}

/// The fragments that a version pins, and those that they pin, deepest first.
async fn pinned(assembly: &Assembly, version: &PromptVersion) -> Result<Vec<Prompt>, Failure> {
    let mut found: Vec<Prompt> = Vec::new();
    let mut open: Vec<(String, String)> = version.prompt.fragments.clone().into_iter().collect();
    while let Some((name, hash)) = open.pop() {
        let fragment = assembly.contexts.get(ORGANISATION, &name, &Selector::Hash(hash.clone())).await?;
        found.retain(|known| known.hash() != hash);
        open.extend(fragment.prompt.fragments.clone());
        found.push(fragment.prompt);
    }
    found.reverse();
    Ok(found)
}

impl Import {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let mut folders = Vec::new();
        collect(&self.folder, DEPTH, &mut folders)?;
        if folders.is_empty() {
            let message = format!("{} holds no prompt: there is no {MARK} in it", self.folder.display());
            return Err(Failure::wrong_call("CLI-0018", message, "`procos prompt export FOLDER` writes one"));
        }
        let stamp = Stamp::new(&self.actor, now_ms());
        let mut saved = Vec::new();
        for folder in folders {
            let found = prompt_of(&files(&folder)?).map_err(unfit)?;
            for fragment in found.fragments {
                assembly.contexts.keep(fragment, &self.note, &stamp).await?;
            }
            let name = found.prompt.name.clone();
            let before = assembly.contexts.versions(ORGANISATION, &name).await?.len();
            let version = assembly.contexts.save(found.prompt, &self.note, &stamp).await?;
            let is_new = assembly.contexts.versions(ORGANISATION, &name).await?.len() > before;
            if let Some(suite) = &found.suite {
                assembly.contexts.save_suite(&name, suite, &stamp).await?;
            }
            if !output.is_json() {
                let word = if is_new { "new version" } else { "unchanged" };
                output.line(&format!("{name} {}: {word}", short(&version.hash)));
            }
            saved.push(json!({"name": name, "version": version.hash, "new": is_new}));
        }
        if output.is_json() {
            output.value(&json!({"prompts": saved}));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn unfit(error: context::FilesError) -> Failure {
    Failure::wrong_call("CLI-0018", error, "`procos prompt export FOLDER` shows the form")
}

/// Where a prompt goes: its name, whose parts may not lead out of the folder.
fn place(name: &str) -> Result<PathBuf, Failure> {
    let leads_out = |part: &str| part.is_empty() || part == "." || part == "..";
    if name.split('/').any(leads_out) {
        let message = format!("the name {name} cannot be a folder");
        return Err(Failure::wrong_call("CLI-0018", message, "save the prompt under a plain name"));
    }
    Ok(name.split('/').collect())
}

/// Folders that hold a prompt, sorted.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if folder.join(MARK).is_file() {
        found.push(folder.to_owned());
    }
    if depth == 0 {
        return Ok(());
    }
    for inner in entries(folder)? {
        // Pinned fragments are read with the prompt that pins them.
        if inner.is_dir() && inner.file_name().is_some_and(|name| name != "fragments") {
            collect(&inner, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The files of a prompt's folder by their paths in it.
fn files(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for (prefix, of) in [("", folder.to_owned()), ("fragments/", folder.join("fragments"))] {
        if !of.is_dir() {
            continue;
        }
        for file in entries(&of)?.into_iter().filter(|file| file.is_file()) {
            let size = file.metadata().map_or(0, |about| about.len());
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if size > FILE_LIMIT_BYTES {
                let message =
                    format!("{} has {size} bytes; at most {FILE_LIMIT_BYTES} are read", file.display());
                return Err(Failure::wrong_call("CLI-0018", message, "a prompt is shorter than that"));
            }
            if let Ok(text) = String::from_utf8(read_file(&file)?) {
                found.insert(format!("{prefix}{name}"), text);
            }
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot read {}: {error}", folder.display());
        Failure::wrong_call("CLI-0003", message, "name a folder that is there")
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        found.push(entry.map_err(failed)?.path());
    }
    found.sort();
    Ok(found)
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make the folder {}: {error}", folder.display());
        Failure::wrong_call("CLI-0006", message, "choose another folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(place("house/tone").unwrap(), PathBuf::from("house/tone"));
        for name in ["../x", "a/../../x", "a//b", "./a", ".."] {
            assert!(place(name).is_err(), "{name}");
        }
    }
}
