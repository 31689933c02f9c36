//! Answers in a form: how the form is asked for, how JSON is taken out of a text, and how it is checked.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{AnswerSchema, Error, Message, Role, Structured};

/// Findings about one answer that are shown to the model and kept.
const FINDINGS_LIMIT: usize = 10;

/// Characters of a finding.
const FINDING_LIMIT: usize = 300;

/// Deepest schema that is looked at.
const DEPTH_LIMIT: usize = 64;

/// A schema ready to check answers.
pub(crate) struct Form {
    schema: AnswerSchema,
    validator: Validator,
}

impl Form {
    pub(crate) fn new(schema: &AnswerSchema) -> Result<Self, Error> {
        let validator = jsonschema::validator_for(&schema.schema)
            .map_err(|e| Error::Request(format!("schema {} is not a JSON Schema: {e}", schema.name)))?;
        Ok(Self { schema: schema.clone(), validator })
    }

    /// The `response_format` of a request, where there is one.
    pub(crate) fn response_format(&self, level: Structured) -> Option<Value> {
        match level {
            Structured::JsonSchema => Some(json!({
                "type": "json_schema",
                "json_schema": {
                    "name": self.schema.name,
                    "schema": self.schema.schema,
                    "strict": is_strict(&self.schema.schema, 0),
                },
            })),
            Structured::JsonObject => Some(json!({ "type": "json_object" })),
            Structured::Prompt => None,
        }
    }

    /// The messages, with the schema in them where the endpoint does not take it by itself.
    pub(crate) fn instruct(&self, messages: &[Message], level: Structured) -> Vec<Message> {
        let mut messages = messages.to_vec();
        if level == Structured::JsonSchema {
            return messages;
        }
        let order = format!(
            "Answer with one JSON value and nothing else. It must fit this JSON Schema:\n{}",
            self.schema.schema
        );
        match messages.first_mut() {
            Some(first) if first.role == Role::System => {
                first.content = format!("{}\n\n{order}", first.content)
            }
            _ => messages.insert(0, Message::system(order)),
        }
        messages
    }

    /// The value in `text`, or what is wrong with it.
    pub(crate) fn check(&self, text: &str) -> Result<Value, Vec<String>> {
        let Some(value) = extract(text) else {
            return Err(vec!["the answer is not JSON".to_owned()]);
        };
        let findings: Vec<String> = self
            .validator
            .iter_errors(&value)
            .take(FINDINGS_LIMIT)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "/".to_owned() } else { place };
                format!("at {place}: {error}").chars().take(FINDING_LIMIT).collect()
            })
            .collect();
        if findings.is_empty() { Ok(value) } else { Err(findings) }
    }
}

/// What the model is told about an answer that does not fit.
pub(crate) fn repair_order(findings: &[String]) -> String {
    format!(
        "That answer does not fit the schema:\n- {}\nGive the whole corrected answer as one JSON value and nothing else.",
        findings.join("\n- ")
    )
}

/// True where a schema is in the subset that endpoints enforce strictly: every object closed, every property
/// required.
fn is_strict(schema: &Value, depth: usize) -> bool {
    if depth > DEPTH_LIMIT {
        return false;
    }
    match schema {
        Value::Object(map) => {
            let closed = match map.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let required = map.get("required").and_then(Value::as_array);
                    let is_required = |name: &String| {
                        required.is_some_and(|list| list.iter().any(|r| r.as_str() == Some(name)))
                    };
                    map.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(is_required)
                }
                None => map.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed && map.values().all(|inner| is_strict(inner, depth + 1))
        }
        Value::Array(items) => items.iter().all(|inner| is_strict(inner, depth + 1)),
        _ => true,
    }
}

/// The JSON in a text: the whole of it, a fenced block, or from the first bracket on.
pub(crate) fn extract(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let fenced = text.split("```").skip(1).step_by(2).find_map(|block| {
        let body = block.strip_prefix("json").or_else(|| block.strip_prefix("JSON")).unwrap_or(block);
        serde_json::from_str(body.trim()).ok()
    });
    fenced.or_else(|| {
        // Only the first few brackets: each try may read the whole text.
        text.match_indices(['{', '[']).take(8).find_map(|(at, _)| {
            let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
            values.next().and_then(Result::ok).filter(|value| value.is_object() || value.is_array())
        })
    })
}

/// The text without the reasoning that some servers leave in front of it.
pub(crate) fn without_reasoning(text: &str) -> &str {
    let trimmed = text.trim_start();
    match trimmed.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>")) {
        Some((_, answer)) => answer.trim_start(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_whole_fenced_or_after_words() {
        let expected = Some(json!({"a": [1]}));
        assert_eq!(extract(r#" {"a":[1]} "#), expected);
        assert_eq!(extract("Sure!\n```json\n{\"a\":[1]}\n```\nDone."), expected);
        assert_eq!(extract(r#"The answer is {"a":[1]} as asked."#), expected);
        assert_eq!(extract("no json here"), None);
        assert_eq!(extract(r#"{"a":[1"#), None);
        assert_eq!(without_reasoning("<think>hm {1}</think> {\"a\":1}"), "{\"a\":1}");
    }

    #[test]
    fn only_closed_schemas_count_as_strict() {
        let closed = json!({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],
                            "additionalProperties":false});
        assert!(is_strict(&closed, 0));
        let open = json!({"type":"object","properties":{"a":{"type":"string"}}});
        assert!(!is_strict(&open, 0));
        assert!(!is_strict(&json!({"type":"array","items":open}), 0));
    }
}
