//! Whose dialect of the protocol an endpoint speaks, as far as it can be told. Nothing depends on the name alone:
//! what an endpoint can do is found out by doing.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A family of endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `OpenAI`'s own service.
    OpenAi,
    /// Ollama.
    Ollama,
    /// vLLM.
    Vllm,
    /// The server of llama.cpp.
    LlamaCpp,
    /// Amazon Bedrock's OpenAI-compatible endpoint.
    Bedrock,
    /// Another compatible server, or one that does not say.
    #[default]
    Other,
}

impl Dialect {
    /// Tells the dialect from the host, and from what owns the models that the endpoint lists.
    pub(crate) fn guess(url: &str, models: Option<&Value>) -> Self {
        let host = reqwest::Url::parse(url).ok();
        let host = host.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
        if host.starts_with("bedrock") && host.ends_with(".amazonaws.com")
            || host.starts_with("bedrock-mantle.")
        {
            return Self::Bedrock;
        }
        let owner = models.and_then(|list| list.pointer("/data/0/owned_by")?.as_str()).unwrap_or_default();
        match owner {
            "vllm" => Self::Vllm,
            "llamacpp" => Self::LlamaCpp,
            "library" => Self::Ollama,
            "amazon-bedrock" => Self::Bedrock,
            "openai" | "system" | "openai-internal" => Self::OpenAi,
            _ if host == "api.openai.com" => Self::OpenAi,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAi => "OpenAI",
            Self::Ollama => "Ollama",
            Self::Vllm => "vLLM",
            Self::LlamaCpp => "llama.cpp",
            Self::Bedrock => "Bedrock",
            Self::Other => "OpenAI-compatible",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dialect_is_told_by_host_or_by_who_owns_the_models() {
        let owned = |by: &str| json!({"data": [{"id": "m", "owned_by": by}]});
        let local = "http://127.0.0.1:8000/v1";
        assert_eq!(Dialect::guess(local, Some(&owned("vllm"))), Dialect::Vllm);
        assert_eq!(Dialect::guess(local, Some(&owned("llamacpp"))), Dialect::LlamaCpp);
        assert_eq!(Dialect::guess(local, Some(&owned("library"))), Dialect::Ollama);
        assert_eq!(Dialect::guess(local, Some(&owned("me"))), Dialect::Other);
        assert_eq!(Dialect::guess("https://api.openai.com/v1", None), Dialect::OpenAi);
        let bedrock = "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1";
        assert_eq!(Dialect::guess(bedrock, Some(&owned("x"))), Dialect::Bedrock);
        assert_eq!(Dialect::guess(local, None), Dialect::Other);
    }
}
