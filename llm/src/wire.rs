//! The protocol on the wire: what is sent, and a reading of answers that forgives what servers do differently.

use serde::Serialize;
use serde_json::Value;

use crate::structured::without_reasoning;
use crate::{Content, Message, Usage};

/// A chat request.
#[derive(Serialize)]
pub(crate) struct WireRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) messages: Vec<Message>,
    pub(crate) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<Value>,
}

/// An embedding request.
#[derive(Serialize)]
pub(crate) struct EmbedRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) input: &'a [String],
    pub(crate) encoding_format: &'a str,
}

/// What one chat request gave.
#[derive(Debug)]
pub(crate) struct Draw {
    pub(crate) contents: Vec<Content>,
    pub(crate) usage: Usage,
    pub(crate) model: Option<String>,
    pub(crate) fingerprint: Option<String>,
    /// Whether it came as a stream.
    pub(crate) streamed: bool,
}

/// Reads a chat answer; only `choices` must be there.
pub(crate) fn read(value: &Value) -> Result<Draw, String> {
    let choices = value.get("choices").and_then(Value::as_array).ok_or("it has no choices")?;
    if choices.is_empty() {
        return Err("its choices are empty".to_owned());
    }
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Draw {
        contents: choices.iter().map(content).collect(),
        usage: usage(value),
        model: word("model"),
        fingerprint: word("system_fingerprint"),
        streamed: value.get(crate::stream::STREAMED).is_some(),
    })
}

fn content(choice: &Value) -> Content {
    let message = choice.get("message").unwrap_or(&Value::Null);
    let finish = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
    let text = message.get("content").map(text_of).unwrap_or_default();
    let text = without_reasoning(&text).to_owned();
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        return Content::Refusal { text: refusal.to_owned() };
    }
    match finish {
        "content_filter" => Content::Refusal { text },
        "length" => Content::Length { text },
        _ if text.trim().is_empty() => Content::Empty,
        _ => Content::Text { text },
    }
}

/// A text, or the texts of a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn usage(value: &Value) -> Usage {
    let number = |at: &str| value.pointer(at).and_then(Value::as_u64).unwrap_or(0);
    Usage {
        input_tokens: number("/usage/prompt_tokens"),
        cached_tokens: number("/usage/prompt_tokens_details/cached_tokens"),
        output_tokens: number("/usage/completion_tokens"),
    }
}

/// Reads `count` vectors, in the order of the texts.
pub(crate) fn read_vectors(value: &Value, count: usize) -> Result<(Vec<Vec<f32>>, Usage), String> {
    let data = value.get("data").and_then(Value::as_array).ok_or("it has no data")?;
    if data.len() != count {
        return Err(format!("it has {} vectors for {count} texts", data.len()));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for (position, item) in data.iter().enumerate() {
        let index = item.get("index").and_then(Value::as_u64).and_then(|i| usize::try_from(i).ok());
        let place =
            vectors.get_mut(index.unwrap_or(position)).ok_or("the index of a vector is out of range")?;
        let numbers = item.get("embedding").and_then(Value::as_array).ok_or("a vector is missing")?;
        #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
        let vector: Option<Vec<f32>> = numbers.iter().map(|n| n.as_f64().map(|n| n as f32)).collect();
        let vector = vector.filter(|v| !v.is_empty() && v.iter().all(|n| n.is_finite()));
        *place = Some(vector.ok_or("a vector holds something that is not a number")?);
    }
    let vectors: Option<Vec<Vec<f32>>> = vectors.into_iter().collect();
    Ok((vectors.ok_or("two vectors have the same index")?, usage(value)))
}
