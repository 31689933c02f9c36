//! `procos memory log`: a transcript of a coding assistant goes into memory.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::{Output, now_ms, read_file};
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
    pub(super) async fn here(self, output: Output, assembly: &Assembly) -> Result<(), Failure> {
        let (name, text) = self.transcript()?;
        let system = self.system.as_deref();
        let memory = assembly.memory.as_ref();
        let remembered = das::transcript::remember(memory, &name, &text, system, now_ms()).await?;
        show(output, &json!(remembered));
        Ok(())
    }

    pub(super) async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let (name, content) = self.transcript()?;
        let input = json!({"name": name, "content": content, "system": self.system});
        let query = "mutation($input: RememberTranscriptInput!) { rememberTranscript(input: $input) \
            { prompts answers errors } }";
        show(output, &client.ask(query, json!({"input": input})).await?["rememberTranscript"]);
        Ok(())
    }

    /// The name of the file, and what is in it.
    fn transcript(&self) -> Result<(String, String), Failure> {
        let content = read_file(&self.file)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, String::from_utf8_lossy(&content).into_owned()))
    }
}

fn show(output: Output, remembered: &Value) {
    if output.is_json() {
        output.value(remembered);
        return;
    }
    let count = |name: &str| remembered[name].as_u64().unwrap_or_default();
    let (prompts, answers, errors) = (count("prompts"), count("answers"), count("errors"));
    if prompts + answers + errors == 0 {
        output.line("memory has all of it already");
    } else {
        output.line(&format!("remembered: {prompts} prompts, {answers} answers, {errors} errors"));
    }
}
