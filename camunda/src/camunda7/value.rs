//! Variables on their way to Camunda's typed values and back.
//!
//! | JSON | Camunda |
//! | --- | --- |
//! | null | Null |
//! | true, false | Boolean |
//! | integer of 64 bits | Long |
//! | other number | Double, where it reads back the same |
//! | text up to 2,000 characters | String |
//! | longer text, list, object | Json (needs the Spin plug-in, which Camunda's distributions have) |

use bpmn::program::Variables;
use serde_json::{Map, Value, json};

/// Longest text kept as String; Camunda's column holds 4,000 characters, some databases count bytes.
const STRING_LIMIT: usize = 2_000;

/// All variables as a request wants them.
pub(crate) fn to_camunda(variables: &Variables) -> Value {
    let typed = variables.iter().map(|(name, value)| (name.clone(), typed(value)));
    Value::Object(typed.collect())
}

/// One value.
pub(crate) fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({"value": null, "type": "Null"}),
        Value::Bool(_) => json!({"value": value, "type": "Boolean"}),
        Value::Number(number) if number.is_i64() => json!({"value": value, "type": "Long"}),
        Value::Number(number) if number.is_f64() => json!({"value": value, "type": "Double"}),
        Value::String(text) if text.len() <= STRING_LIMIT && !text.is_empty() => {
            json!({"value": value, "type": "String"})
        }
        other => json!({"value": other.to_string(), "type": "Json"}),
    }
}

/// A value as Camunda gives it with `deserializeValues=false`; `None` where it has no JSON form (files, bytes, Java
/// objects).
pub(crate) fn from_camunda(typed: &Value) -> Option<Value> {
    let value = typed.get("value").unwrap_or(&Value::Null);
    let kind = typed.get("type").and_then(Value::as_str).unwrap_or("");
    match kind.to_ascii_lowercase().as_str() {
        "json" => parse(value),
        "object" => {
            let format = typed.pointer("/valueInfo/serializationDataFormat").and_then(Value::as_str);
            if format.is_some_and(|format| format.contains("json")) { parse(value) } else { None }
        }
        "file" | "bytes" => None,
        _ => Some(value.clone()),
    }
}

fn parse(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        Value::Null => Some(Value::Null),
        other => Some(other.clone()),
    }
}

/// Variables of a `{name: typed}` object.
pub(crate) fn plain(typed: &Map<String, Value>) -> Variables {
    typed.iter().filter_map(|(name, value)| Some((name.clone(), from_camunda(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_went() {
        let values = json!([
            null, true, 0, -7, 9_007_199_254_740_993_i64, 0.1, 1e-300, "", "text", "x".repeat(5_000), [1, "b", {"c": null}],
            {"deep": {"list": [0.5]}}, u64::MAX
        ]);
        for value in values.as_array().unwrap() {
            assert_eq!(from_camunda(&typed(value)).as_ref(), Some(value));
        }
    }

    #[test]
    fn files_and_java_objects_are_left_out() {
        let typed = json!({
            "a": {"type": "File", "value": null}, "b": {"type": "Object", "value": "rO0", "valueInfo": {
                "serializationDataFormat": "application/x-java-serialized-object"}},
            "c": {"type": "Integer", "value": 3},
        });
        assert_eq!(Value::Object(plain(typed.as_object().unwrap())), json!({"c": 3}));
    }
}
