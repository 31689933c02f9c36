//! `procos backup` and `procos restore`: a copy of a data directory, and a data directory from a copy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use persistence::Database;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trail::Trail as _;

use super::{Output, Session, now_ms, write_file};
use crate::failure::Failure;
use crate::wiring;

/// What says that a folder is a backup.
const LABEL: &str = "backup.json";
const DATABASE: &str = "procos.db";
/// Folders that are copied file by file.
const FOLDERS: [&str; 2] = ["workspace", "memory"];
/// How deep folders are copied.
const DEPTH_LIMIT: usize = 64;

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Label {
    /// Version of ProcOS that made it.
    version: String,
    /// When, milliseconds since the Unix epoch.
    made_ms: i64,
    /// Whether memory is in it.
    memory: bool,
}

/// Copy everything into a folder that does not exist yet, also while a server runs.
#[derive(Debug, Args)]
#[command(after_help = "\
The records are one consistent copy. While a server runs, memory is left out: it cannot be copied under its hands.

Example:
  procos backup /backups/procos-2026-01-31")]
pub(crate) struct Backup {
    /// The folder to make.
    folder: PathBuf,
}

/// Make a data directory from a backup, and check its trail.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  procos restore /backups/procos-2026-01-31 --data-dir procos-data")]
pub(crate) struct Restore {
    /// The backup.
    folder: PathBuf,
}

impl Backup {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        session.must_exist()?;
        let from = &session.data_directory;
        if !session.configuration()?.configuration.database.url.is_empty() {
            let hint = "use pg_dump, and copy the folders workspace and memory";
            return Err(Failure::wrong_call("CLI-0016", "the records are in PostgreSQL", hint));
        }
        must_be_empty(&self.folder)?;
        // Holding the records keeps everybody else away from memory too.
        let held = match wiring::open_database(&session.configuration()?.configuration, from).await {
            Ok(database) => Some(database),
            Err(failure) if failure.code == "PERSISTENCE-0002" => None,
            Err(failure) => return Err(failure),
        };
        let copied = copy(from, &self.folder, held.is_some()).await;
        if let Some(database) = &held {
            database.close().await;
        }
        let label = copied?;
        let folder = self.folder.display();
        if output.is_json() {
            output.value(&json!({"folder": self.folder, "memory": label.memory}));
        } else {
            output.line(&format!("everything is copied to {folder}"));
        }
        if !label.memory {
            output.remark("memory is not in it, because another procos uses it now");
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn copy(from: &Path, to: &Path, with_memory: bool) -> Result<Label, Failure> {
    let failed = |error: std::io::Error| failed(to, &error);
    std::fs::create_dir_all(to).map_err(failed)?;
    Database::backup_of(&from.join(DATABASE), &to.join(DATABASE)).await?;
    for folder in FOLDERS.iter().filter(|folder| with_memory || **folder != "memory") {
        if from.join(folder).is_dir() {
            copy_folder(&from.join(folder), &to.join(folder), 0).map_err(failed)?;
        }
    }
    if from.join("procos.toml").is_file() {
        std::fs::copy(from.join("procos.toml"), to.join("procos.toml")).map_err(failed)?;
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let label = Label { version, made_ms: now_ms(), memory: with_memory };
    write_file(&to.join(LABEL), json!(label).to_string().as_bytes())?;
    Ok(label)
}

impl Restore {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let label = std::fs::read(self.folder.join(LABEL)).ok();
        if label.and_then(|text| serde_json::from_slice::<Label>(&text).ok()).is_none() {
            let message = format!("{} is no backup", self.folder.display());
            return Err(Failure::wrong_call("CLI-0015", message, "name a folder that `procos backup` made"));
        }
        let to = &session.data_directory;
        must_be_empty(to)?;
        copy_folder(&self.folder, to, 0).map_err(|error| failed(to, &error))?;
        std::fs::remove_file(to.join(LABEL)).map_err(|error| failed(to, &error))?;
        let database = wiring::open_database(&session.configuration()?.configuration, to).await?;
        let checked = database.verify().await;
        database.close().await;
        let checked = checked?;
        if output.is_json() {
            output.value(&json!({"data_directory": to, "trail": checked}));
        } else {
            output.line(&format!("{} is restored; its trail has {} entries", to.display(), checked.entries));
        }
        if let Some(broken) = &checked.broken {
            output.remark(&format!("the trail is broken at entry {}: {}", broken.position, broken.reason));
        }
        Ok(ExitCode::from(u8::from(checked.broken.is_some())))
    }
}

fn must_be_empty(folder: &Path) -> Result<(), Failure> {
    let has_entries = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if has_entries {
        let message = format!("{} is not empty", folder.display());
        return Err(Failure::wrong_call("CLI-0016", message, "name a folder that does not exist yet"));
    }
    Ok(())
}

/// Copies files and folders; links and other things are left out, because they lead elsewhere.
fn copy_folder(from: &Path, to: &Path, depth: usize) -> std::io::Result<()> {
    if depth > DEPTH_LIMIT {
        return Err(std::io::Error::other(format!("{} is nested too deep", from.display())));
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&source, &target, depth + 1)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn failed(to: &Path, error: &std::io::Error) -> Failure {
    Failure::work(
        "CLI-0006",
        format!("cannot write {}: {error}", to.display()),
        "check space and rights there",
    )
}
