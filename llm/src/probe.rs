//! What an endpoint can do, found out by doing: its list of models and a handful of small calls. What it refuses or
//! ignores is remembered, so that later calls ask for nothing that it cannot do.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::client::{Asked, Call};
use crate::stack::{CALL, UnderWay, millis};
use crate::{
    Capabilities, ChatRequest, Content, Dialect, Error, Message, Model as _, ModelClient, Structured,
};

/// What the trial's schema allows and nobody would say unasked.
const PASSWORD: &str = "procos-7";
/// Longest answer of a trial, tokens; models that reason first need some.
const TRIAL_TOKENS: u32 = 512;
/// Models of an endpoint that are kept.
const MODELS_LIMIT: usize = 200;

/// What was found out about an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The name under which it is configured; none for the default.
    pub name: Option<String>,
    /// Its address.
    pub url: String,
    /// Its chat model.
    pub model: String,
    /// Whose dialect it speaks.
    pub dialect: Dialect,
    /// Models it lists.
    pub models: Vec<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Length of its vectors, where it has a model for them.
    pub vector_length: Option<usize>,
    /// Milliseconds of the shortest trial.
    pub fastest_ms: Option<u64>,
    /// Why it cannot be used; none where it can.
    pub problem: Option<String>,
    /// What else a user should know.
    pub notes: Vec<String>,
}

impl ModelClient {
    /// Tries the endpoint; never fails, what goes wrong is what is found.
    pub(crate) async fn find_out(&self) -> Probe {
        let mut probe = Probe {
            name: None,
            url: self.url.clone(),
            model: self.config.model.clone(),
            dialect: Dialect::default(),
            models: Vec::new(),
            capabilities: self.capabilities(),
            vector_length: None,
            fastest_ms: None,
            problem: None,
            notes: Vec::new(),
        };
        // Who asks how an endpoint is does not want to wait for retries.
        let under_way = Arc::new(UnderWay { retries: Some(0), ..UnderWay::default() });
        if let Err(error) = CALL.scope(under_way, self.try_out(&mut probe)).await {
            probe.problem = Some(error.to_string());
        }
        probe.capabilities = self.capabilities();
        probe
    }

    async fn try_out(&self, probe: &mut Probe) -> Result<(), Error> {
        let listed = self.client.models().list_byot::<Value>().await.map_err(|error| self.error(error));
        let list = match listed {
            Ok(list) => Some(list),
            // Not every endpoint lists its models.
            Err(Error::Refused { status: 404 | 405 | 501, .. } | Error::Malformed { .. }) => None,
            Err(error) => return Err(error),
        };
        probe.dialect = Dialect::guess(&self.url, list.as_ref());
        let models = list.as_ref().and_then(|list| list.get("data")?.as_array());
        let ids = models.into_iter().flatten().filter_map(|model| model.get("id")?.as_str());
        probe.models = ids.take(MODELS_LIMIT).map(str::to_owned).collect();
        if !probe.models.is_empty() && !probe.models.contains(&self.config.model) {
            probe.notes.push(format!("it does not list the model {}", self.config.model));
        }
        self.try_form(probe).await?;
        self.try_several(probe).await?;
        self.try_stream(probe).await?;
        if self.config.embedding_model.is_some() {
            match self.embed(&["ProcOS".to_owned()]).await {
                Ok(vectors) => probe.vector_length = vectors.vectors.first().map(Vec::len),
                Err(error) => probe.notes.push(format!("no vectors: {error}")),
            }
        }
        Ok(())
    }

    /// Asks for a greeting in a form that no greeting has: only an endpoint that enforces the form answers in it.
    async fn try_form(&self, probe: &mut Probe) -> Result<(), Error> {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["word"],
            "properties": {"word": {"type": "string", "enum": [PASSWORD]}},
        });
        // Two rungs can be given up.
        for _ in 0..3 {
            let before = self.capabilities().structured;
            if before == Structured::Prompt {
                return Ok(());
            }
            let request = trial().with_schema("trial", schema.clone());
            // At the rung of the schema it must not stand in the prompt; at the next one it does.
            let content = self.attempt(&request, Asked { seed: Some(7), ..Asked::default() }, probe).await?;
            let holds = match (&content, self.capabilities().structured) {
                (Content::Json { .. }, Structured::JsonSchema) => true,
                (Content::Json { .. } | Content::Invalid { .. }, Structured::JsonObject) => {
                    serde_json::from_str::<Value>(content.text().trim()).is_ok()
                }
                (Content::Length { .. } | Content::Empty | Content::Refusal { .. }, _) => {
                    let note = format!(
                        "whether it keeps to a form is not known: its answer was {}",
                        content.ending()
                    );
                    probe.notes.push(note);
                    return Ok(());
                }
                _ => false,
            };
            if holds || self.capabilities().structured == Structured::Prompt {
                return Ok(());
            }
            let mut can = self.capabilities.lock();
            let structured = match can.structured {
                Structured::JsonSchema => Structured::JsonObject,
                _ => Structured::Prompt,
            };
            let less = self.config.capabilities.over(Capabilities { structured, ..*can });
            if less == *can {
                probe
                    .notes
                    .push("it does not keep to the form that the configuration says it can".to_owned());
                return Ok(());
            }
            *can = less;
        }
        Ok(())
    }

    async fn try_several(&self, probe: &mut Probe) -> Result<(), Error> {
        let request = trial();
        let call = Call::new(&request)?;
        let asked = Asked { n: 2, ..Asked::default() };
        let several = match self.draw(&call, &request.messages, asked).await {
            Ok(draw) => draw.contents.len() == 2,
            Err(Error::Refused { .. }) => false,
            Err(error) => {
                probe.notes.push(format!("several answers at once: {error}"));
                false
            }
        };
        let mut can = self.capabilities.lock();
        *can = self.config.capabilities.over(Capabilities { several, ..*can });
        Ok(())
    }

    async fn try_stream(&self, probe: &mut Probe) -> Result<(), Error> {
        let request = trial();
        let call = Call::new(&request)?;
        let asked = Asked { stream: true, ..Asked::default() };
        let streamed = match self.draw(&call, &request.messages, asked).await {
            Ok(draw) => draw.streamed,
            Err(error) => {
                probe.notes.push(format!("streams: {error}"));
                false
            }
        };
        let mut can = self.capabilities.lock();
        *can = self.config.capabilities.over(Capabilities { stream: streamed && can.stream, ..*can });
        Ok(())
    }

    async fn attempt(
        &self,
        request: &ChatRequest,
        asked: Asked,
        probe: &mut Probe,
    ) -> Result<Content, Error> {
        let call = Call::new(request)?;
        let begun = tokio::time::Instant::now();
        let draw = self.draw(&call, &request.messages, asked).await?;
        let took = millis(begun.elapsed());
        probe.fastest_ms = Some(probe.fastest_ms.map_or(took, |fastest| fastest.min(took)));
        Ok(draw.contents.into_iter().next().map_or(Content::Empty, |content| call.judge(content)))
    }
}

fn trial() -> ChatRequest {
    ChatRequest { max_tokens: Some(TRIAL_TOKENS), ..ChatRequest::new(vec![Message::user("Say hello.")]) }
}
