//! Answers recorded while a prompt is tested, so that the test can be run again without a model.
//!
//! An answer is found by what was asked: the messages with everything in them, schema, parameters and seed, and the
//! model that was asked. A changed word, another model or temperature finds nothing.

use std::collections::HashMap;

use llm::{ChatAnswer, ChatRequest, Model};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Error, PromptVersion};

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// SHA-256 of the model's name and of all that was asked: what it is found by.
    pub asked: String,
    /// The version that was tested.
    pub hash: String,
    /// The model that was asked.
    pub model: String,
    /// Name of the case.
    pub case: String,
    /// What came back.
    pub answer: ChatAnswer,
}

/// Where the answers of a test come from.
pub(crate) enum Answers<'a> {
    /// From a model; each is written down.
    Model { model: &'a dyn Model, taken: Mutex<Vec<Recording>> },
    /// From what was written down.
    Recorded { model: String, answers: HashMap<String, ChatAnswer> },
}

impl<'a> Answers<'a> {
    pub(crate) fn of(model: &'a dyn Model) -> Self {
        Self::Model { model, taken: Mutex::default() }
    }

    /// The answers of `model` among `recordings`.
    pub(crate) fn recorded(model: &str, recordings: Vec<Recording>) -> Self {
        let of_model = recordings.into_iter().filter(|recording| recording.model == model);
        let answers = of_model.map(|recording| (recording.asked, recording.answer)).collect();
        Self::Recorded { model: model.to_owned(), answers }
    }

    /// The model that answers for this version.
    pub(crate) fn model_of(&self, version: &PromptVersion) -> String {
        match self {
            Self::Model { model, .. } => model_of(version, model.name()),
            Self::Recorded { model, .. } => model.clone(),
        }
    }

    /// What was written down since.
    pub(crate) fn taken(self) -> Vec<Recording> {
        match self {
            Self::Model { taken, .. } => taken.into_inner(),
            Self::Recorded { .. } => Vec::new(),
        }
    }

    /// The answer to `request`.
    pub(crate) async fn give(
        &self,
        version: &PromptVersion,
        case: &str,
        request: ChatRequest,
    ) -> Result<ChatAnswer, Error> {
        let name = self.model_of(version);
        let asked = digest(&name, &request);
        match self {
            Self::Model { model, taken } => {
                let answer = model.chat(request).await?;
                let recording = Recording {
                    asked,
                    hash: version.hash.clone(),
                    model: name,
                    case: case.to_owned(),
                    answer: answer.clone(),
                };
                taken.lock().push(recording);
                Ok(answer)
            }
            Self::Recorded { answers, .. } => {
                answers.get(&asked).cloned().ok_or_else(|| Error::NotRecorded {
                    name: version.prompt.name.clone(),
                    case: case.to_owned(),
                    seed: request.seed.unwrap_or_default(),
                    model: name,
                })
            }
        }
    }
}

/// The model a version is asked of: its own, else the one that is configured.
pub(crate) fn model_of(version: &PromptVersion, configured: &str) -> String {
    version.whole().parameters.model.clone().unwrap_or_else(|| configured.to_owned())
}

fn digest(model: &str, request: &ChatRequest) -> String {
    let value = json!({"model": model, "request": request});
    hex::encode(Sha256::digest(trail::canonical_json(&value).as_bytes()))
}
