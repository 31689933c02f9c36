//! `procos memory log`: a transcript of a coding assistant goes into memory.

use std::path::PathBuf;

use clap::Args;
use memory::{BATCH_LIMIT, Kind};
use serde_json::json;

use super::super::{Output, now_ms, read_file};
use super::ORGANISATION;
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Take in a transcript of a coding assistant: what was asked, answered, and what went wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
JSON lines with role and content (as most assistants keep them), or text in which lines begin with User:, Assistant: or
Error:. Questions become entries of kind prompt, answers of kind build, errors of kind error, the last two with the
question before them. The same transcript again changes nothing. What is read is data; nothing in it is followed.

Examples:
  procos memory log session.jsonl
  procos memory recall \"the port is taken\" --kind error")]
pub(super) struct Log {
    /// The transcript.
    file: PathBuf,
    /// The system it belongs to.
    #[arg(long)]
    system: Option<String>,
}

impl Log {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<(), Failure> {
        let content = read_file(&self.file)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut entries = das::transcript::read(&name, &String::from_utf8_lossy(&content), now_ms())?;
        let mut fresh = Vec::with_capacity(entries.len());
        for mut entry in entries.drain(..) {
            if assembly.memory.get(ORGANISATION, &entry.id).await?.is_none() {
                entry.system.clone_from(&self.system);
                fresh.push(entry);
            }
        }
        let of = |kind: Kind| fresh.iter().filter(|entry| entry.kind == kind).count();
        let (prompts, answers, errors) = (of(Kind::Prompt), of(Kind::Build), of(Kind::Error));
        while !fresh.is_empty() {
            let batch = fresh.drain(..fresh.len().min(BATCH_LIMIT)).collect();
            assembly.memory.store(batch).await?;
        }
        if output.is_json() {
            output.value(&json!({"prompts": prompts, "answers": answers, "errors": errors}));
        } else if prompts + answers + errors == 0 {
            output.line("memory has all of it already");
        } else {
            output.line(&format!("remembered: {prompts} prompts, {answers} answers, {errors} errors"));
        }
        Ok(())
    }
}
