//! Scalars of the API: IRIs, points in time, JSON, keys.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// An IRI that identifies a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Iri(pub(crate) String);

/// An IRI that identifies a node.
#[Scalar(name = "IRI")]
impl ScalarType for Iri {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Milliseconds since the Unix epoch (UTC), as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) i64);

/// Milliseconds since the Unix epoch (UTC), as a number.
#[Scalar(name = "Timestamp")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => match number.as_i64() {
                Some(ms) => Ok(Self(ms)),
                None => Err(InputValueError::expected_type(value)),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Json(pub(crate) serde_json::Value);

/// Any JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// A positive 64-bit integer, written as a string so that no client rounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) i64);

/// A positive 64-bit integer, written as a string so that no client rounds it.
#[Scalar(name = "Key")]
impl ScalarType for Key {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse::<i64>().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        match number {
            Some(key) if key > 0 => Ok(Self(key)),
            _ => Err(InputValueError::custom("a key is a positive 64-bit integer, written as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
