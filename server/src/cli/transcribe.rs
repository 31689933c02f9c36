//! `procos transcribe`: a recording as text, to look at before anything is done with it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use llm::Audio;

use super::{Output, Session, read_file};
use crate::failure::Failure;
use crate::wiring::open_speech;

/// Turn a recording into text, with the configured transcription model.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is done with the text: read it, correct it, then ask for what you want. The recording goes to the endpoint of
`speech.base_url` (PROCOS_SPEECH_BASE_URL), or of the language model, and nowhere else.

Examples:
  procos transcribe idea.webm > idea.txt
  procos generate \"$(cat idea.txt)\" -o idea.bpmn")]
pub(crate) struct Transcribe {
    /// The recording: webm, ogg, m4a, mp3, wav or flac.
    file: PathBuf,
    /// Language spoken, as a code of two letters.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
}

impl Transcribe {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let nobody = || {
            let hint =
                "set model.transcription_model (PROCOS_MODEL_TRANSCRIPTION); docs/configuration.md says how";
            let error = llm::Error::Missing("speech");
            Failure::wrong_call(error.code(), &error, hint)
        };
        let model = open_speech(&session.configuration()?.configuration)?.ok_or_else(nobody)?;
        let bytes = read_file(&self.file)?.into();
        let file_name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let heard = model.transcribe(Audio { file_name, bytes, language: self.language }).await;
        let transcript = heard.map_err(|error| Failure::work(error.code(), &error, error.hint()))?;
        if output.is_json() {
            output.value(&serde_json::json!({"text": transcript.text, "model": transcript.model}));
        } else {
            output.line(&transcript.text);
        }
        Ok(ExitCode::SUCCESS)
    }
}
