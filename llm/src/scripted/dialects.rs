//! Servers as they are: what each family accepts, ignores and refuses, in the shapes in which it says so.

use serde_json::{Value, json};

use super::server::{After, Received, Reply};
use crate::Dialect;

/// What a server of this dialect answers to `received` whose model would say `says` freely.
///
/// | dialect | schema | `n` | seed | other |
/// | --- | --- | --- | --- | --- |
/// | OpenAI, a reasoning model | enforced | yes | yes | refuses `max_tokens` and `temperature` |
/// | Ollama | enforced | ignored | yes | 404 for a model that is not pulled |
/// | vLLM | enforced | yes | yes | errors flat, `code` an integer |
/// | llama.cpp | enforced | refused | yes | `code` an integer inside `error` |
/// | Bedrock | refused | ignored | refused | no list of models; errors as AWS writes them |
/// | other | accepted and ignored | ignored | yes | `stream_options` refused |
#[must_use]
pub fn speaking(dialect: Dialect, received: &Received, says: &str) -> Reply {
    if received.path == "/models" {
        return match dialect {
            Dialect::OpenAi => Reply::models(&["scripted-1"], "system"),
            Dialect::Ollama => Reply::models(&["scripted-1"], "library"),
            Dialect::Vllm => Reply::models(&["scripted-1"], "vllm"),
            Dialect::LlamaCpp => Reply::models(&["scripted-1"], "llamacpp"),
            Dialect::Bedrock => aws(404, "UnknownOperationException", "unknown operation"),
            Dialect::Other => Reply::models(&["another"], "me"),
        };
    }
    let request = &received.json;
    if let Some(refusal) = refusal(dialect, request) {
        return refusal;
    }
    let format = request.get("response_format");
    let enforced = !matches!(dialect, Dialect::Bedrock | Dialect::Other);
    let schema = format.and_then(|format| format.pointer("/json_schema/schema")).filter(|_| enforced);
    let text = schema.map_or_else(|| says.to_owned(), |schema| smallest(schema).to_string());
    if request["stream"] == true {
        let half = text.len() / 2;
        let half = (half..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        return Reply::Events(Reply::pieces(&[&text[..half], &text[half..]], "stop"), After::Done);
    }
    let takes_n = matches!(dialect, Dialect::OpenAi | Dialect::Vllm);
    let n = request["n"].as_u64().filter(|_| takes_n).unwrap_or(1);
    Reply::Texts((0..n).map(|_| text.clone()).collect())
}

fn refusal(dialect: Dialect, request: &Value) -> Option<Reply> {
    let has = |name: &str| request.get(name).is_some();
    let json = |status: u16, body: &Value| Some(Reply::Status(status, Vec::new(), body.to_string()));
    match dialect {
        Dialect::OpenAi if has("max_tokens") => {
            let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
            let error = json!({"message": message, "type": "invalid_request_error", "param": "max_tokens",
                               "code": "unsupported_parameter"});
            json(400, &json!({"error": error}))
        }
        Dialect::OpenAi if has("temperature") => {
            let message = "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.";
            let error = json!({"message": message, "type": "invalid_request_error", "param": "temperature",
                               "code": "unsupported_value"});
            json(400, &json!({"error": error}))
        }
        Dialect::Ollama if request["model"] != "scripted-1" => {
            let message = format!("model {} not found, try pulling it first", request["model"]);
            json(
                404,
                &json!({"error": {"message": message, "type": "not_found_error", "param": null, "code": null}}),
            )
        }
        Dialect::Vllm if request["model"] != "scripted-1" => {
            let message =
                format!("The model `{}` does not exist.", request["model"].as_str().unwrap_or_default());
            let error = json!({"object": "error", "message": message, "type": "NotFoundError", "param": null, "code": 404});
            json(404, &error)
        }
        Dialect::LlamaCpp if has("n") => {
            let error = json!({"code": 400, "message": "Only one completion choice is allowed", "type": "invalid_request_error"});
            json(400, &json!({"error": error}))
        }
        Dialect::Bedrock if has("response_format") => {
            Some(aws(400, "ValidationException", "response_format is not supported by this model"))
        }
        Dialect::Bedrock if has("seed") => {
            Some(aws(400, "ValidationException", "extraneous key [seed] is not permitted"))
        }
        Dialect::Other if has("stream_options") => json(
            422,
            &json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]}),
        ),
        _ => None,
    }
}

fn aws(status: u16, kind: &str, message: &str) -> Reply {
    let headers = vec![("x-amzn-errortype", kind.to_owned())];
    Reply::Status(status, headers, json!({"__type": kind, "message": message}).to_string())
}

/// The first value that fits a schema of the simple kind that tests use.
fn smallest(schema: &Value) -> Value {
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => properties.iter().map(|(name, inner)| (name.clone(), smallest(inner))).collect(),
        None => match schema.get("type").and_then(Value::as_str) {
            Some("number" | "integer") => json!(0),
            Some("boolean") => json!(false),
            Some("array") => json!([]),
            _ => json!("text"),
        },
    }
}
