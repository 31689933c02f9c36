//! Several models under names of the user's choice behind one port: a request says which, the default answers the
//! others.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Amount, Audio, Caller, Capabilities, ChatAnswer, ChatRequest, Embeddings, Error, Listener, Model, Probe,
    Transcript,
};

/// A default and further models by name.
pub struct Models {
    default: Arc<dyn Model>,
    named: BTreeMap<String, Arc<dyn Model>>,
}

impl Models {
    /// `default` answers whatever names none of `named`.
    #[must_use]
    pub fn new(default: Arc<dyn Model>, named: BTreeMap<String, Arc<dyn Model>>) -> Self {
        Self { default, named }
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.named.keys().map(String::as_str).collect()
    }

    /// Whom a request is for; one that names a model of its own keeps that name only at the default endpoint.
    fn route(&self, mut request: ChatRequest) -> (&Arc<dyn Model>, ChatRequest) {
        match request.model.as_ref().and_then(|name| self.named.get(name)) {
            Some(model) => {
                request.model = None;
                (model, request)
            }
            None => (&self.default, request),
        }
    }
}

#[async_trait]
impl Model for Models {
    fn name(&self) -> &str {
        self.default.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.default.capabilities()
    }

    fn estimate(&self, request: &ChatRequest) -> Amount {
        let named = request.model.as_ref().and_then(|name| self.named.get(name));
        named.unwrap_or(&self.default).estimate(request)
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, Error> {
        let (model, request) = self.route(request);
        model.chat(request).await
    }

    async fn chat_heard(&self, request: ChatRequest, listener: Listener) -> Result<ChatAnswer, Error> {
        let (model, request) = self.route(request);
        model.chat_heard(request, listener).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings, Error> {
        self.default.embed(texts).await
    }

    async fn embed_for(&self, texts: &[String], caller: &Caller) -> Result<Embeddings, Error> {
        self.default.embed_for(texts, caller).await
    }

    async fn transcribe(&self, audio: Audio) -> Result<Transcript, Error> {
        self.default.transcribe(audio).await
    }

    async fn probe(&self) -> Vec<Probe> {
        let mut probes = self.default.probe().await;
        for (name, model) in &self.named {
            probes.extend(
                model.probe().await.into_iter().map(|probe| Probe { name: Some(name.clone()), ..probe }),
            );
        }
        probes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::scripted::ScriptedModel;

    #[tokio::test]
    async fn a_request_reaches_the_model_that_it_names_and_others_the_default() {
        let (default, small) =
            (Arc::new(ScriptedModel::saying(&["big"])), Arc::new(ScriptedModel::saying(&["small"])));
        let named: BTreeMap<String, Arc<dyn Model>> =
            BTreeMap::from([("small".to_owned(), small.clone() as Arc<dyn Model>)]);
        let models = Models::new(default.clone(), named);
        let ask = |name: Option<&str>| {
            let mut request = ChatRequest::new(vec![Message::user("who?")]);
            request.model = name.map(str::to_owned);
            request
        };
        let mut said = Vec::new();
        for name in [None, Some("small"), Some("gpt-9")] {
            said.push(models.chat(ask(name)).await.unwrap().samples[0].content.text());
        }
        assert_eq!(said, ["big", "small", "big"]);
        // Its own endpoint must not be asked for a model called "small"; the default's is asked for the unknown one.
        assert_eq!(small.requests()[0].model, None);
        assert_eq!(default.requests()[1].model.as_deref(), Some("gpt-9"));
    }
}
