//! What an endpoint says when it refuses, in whatever shape it says it: JSON of several dialects, HTML, plain text.

use serde_json::Value;

use crate::Secret;

/// Characters of a message that are kept.
const MESSAGE_LIMIT: usize = 500;

/// The message in an error body, on one line, without the key.
pub(crate) fn message_of(body: &[u8], key: &Secret) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    let message = match serde_json::from_str::<Value>(&text) {
        Ok(value) => from_json(&value).unwrap_or_else(|| value.to_string()),
        Err(_) => from_markup(&text),
    };
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = if key.reveal().len() >= 8 { line.replace(key.reveal(), "***") } else { line };
    if line.is_empty() { "no message".to_owned() } else { line.chars().take(MESSAGE_LIMIT).collect() }
}

/// OpenAI and llama.cpp: `{"error":{"message","code"}}`; Ollama: `{"error":"…"}`; vLLM: `{"message"}`; FastAPI:
/// `{"detail"}`; Bedrock: `{"message"}` or `{"Message"}`, with the kind as `__type`. A code may be text or a number.
fn from_json(value: &Value) -> Option<String> {
    let error = value.get("error").unwrap_or(value);
    let word = |at: &str| error.get(at).or_else(|| value.get(at)).filter(|v| !v.is_null());
    let message = match error {
        Value::String(text) => text.clone(),
        _ => match word("message").or_else(|| word("Message")).or_else(|| word("detail"))? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    };
    // AWS writes the kind with a namespace in front: `com.amazon.coral.service#ThrottlingException`.
    let kind = value.get("__type").and_then(Value::as_str).and_then(|kind| kind.rsplit('#').next());
    if let Some(kind) = kind {
        return Some(format!("{message} ({kind})"));
    }
    Some(match word("code") {
        Some(Value::String(code)) => format!("{message} (code {code})"),
        Some(Value::Number(code)) => format!("{message} (code {code})"),
        _ => message,
    })
}

/// The title of an HTML page, else the text itself.
fn from_markup(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|open| {
        let start = open + "<title>".len();
        let end = lower[start..].find("</title>")? + start;
        text.get(start..end)
    });
    title.unwrap_or(text).to_owned()
}

/// True for the 429 that no waiting cures.
pub(crate) fn is_out_of_quota(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
    ["/error/code", "/error/type", "/code"]
        .iter()
        .any(|at| value.pointer(at).and_then(Value::as_str) == Some("insufficient_quota"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_gives_its_message() {
        let message = |body: &str| message_of(body.as_bytes(), &Secret::new("sk-0123456789"));
        let llama = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
        assert_eq!(message(llama), "Loading model (code 503)");
        assert_eq!(message(r#"{"error":{"message":"bad","code":"x"}}"#), "bad (code x)");
        assert_eq!(message(r#"{"error":"model not found"}"#), "model not found");
        assert_eq!(message(r#"{"object":"error","message":"too long","code":400}"#), "too long (code 400)");
        let aws =
            r#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"Too many requests"}"#;
        assert_eq!(message(aws), "Too many requests (ThrottlingException)");
        assert_eq!(
            message(r#"{"Message":"The security token is invalid"}"#),
            "The security token is invalid"
        );
        assert_eq!(message(r#"{"detail":[{"msg":"field"}]}"#), r#"[{"msg":"field"}]"#);
        assert_eq!(message("<html><title>502 Bad\nGateway</title></html>"), "502 Bad Gateway");
        assert_eq!(message("plain"), "plain");
        assert_eq!(message(""), "no message");
        assert_eq!(message("your key sk-0123456789 is wrong"), "your key *** is wrong");
    }
}
