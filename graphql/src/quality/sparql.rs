//! The result of a SPARQL query.

use async_graphql::SimpleObject;
use ontology::Answer;
use serde_json::Value;

/// Result of a SPARQL query.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct SparqlResult {
    /// Media type of the body.
    media_type: String,
    /// The result: SPARQL 1.1 JSON, or Turtle for CONSTRUCT and DESCRIBE.
    body: String,
    /// Rows of a SELECT.
    rows: Option<usize>,
    /// True where rows were left out because of a limit.
    truncated: bool,
}

impl From<Answer> for SparqlResult {
    fn from(answer: Answer) -> Self {
        let rows = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|body| {
            let bindings = body.get("results")?.get("bindings")?.as_array()?;
            Some(bindings.len())
        });
        Self {
            media_type: answer.media_type.to_owned(),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
            rows,
            truncated: answer.truncated,
        }
    }
}
