//! `by="http"`: a request to a declared host. Inputs `url` (or the task's `ref`), `method`, `headers`, `body`; outputs
//! `status`, `ok`, `headers`, `body`.

use bpmn::program::Variables;
use serde_json::{Value, json};

use super::Tde;
use crate::Error;
use crate::outside::{Request, Unreached};

/// Methods that change nothing, or twice the same as once (RFC 9110 § 9.2.2).
const IDEMPOTENT: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];
/// First status that says that the request did not do what it should.
const FIRST_PROBLEM: u16 = 400;

impl Tde {
    /// The method of the request in capitals: the input, what the task declares, or GET.
    pub(super) fn http_method(&self) -> String {
        let given = self.job.variables.get("method").and_then(Value::as_str);
        let declared = || self.job.spec.attributes.get("method").map(String::as_str);
        given.or_else(declared).unwrap_or("GET").to_ascii_uppercase()
    }

    /// Whether the request may be sent again without knowing what became of the first one.
    pub(super) fn http_is_idempotent(&self) -> bool {
        IDEMPOTENT.contains(&self.http_method().as_str())
    }

    pub(super) async fn send_request(&mut self) -> Result<Variables, Error> {
        let element = self.job.element.clone();
        let inputs = &self.job.variables;
        let url = inputs.get("url").and_then(Value::as_str).or(self.job.spec.reference.as_deref());
        let url = url.ok_or_else(|| self.declaration("it names no url".to_owned()))?.to_owned();
        let headers = match inputs.get("headers") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(headers)) => headers
                .iter()
                .map(|(name, value)| {
                    (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                })
                .collect(),
            Some(_) => return Err(self.declaration("the input `headers` is no object".to_owned())),
        };
        let body = inputs.get("body").cloned();
        let request = Request { method: self.http_method(), url: url.clone(), headers, body };
        let outside = self.parts.outside.clone();
        let answered = tokio::select! {
            answered = outside.request(&request) => answered,
            () = self.cancel.cancelled() => return Err(Error::Cancelled { element }),
        };
        self.used.push(("tool", "http".to_owned(), answered.is_ok()));
        let answer = answered.map_err(|problem| Error::Tool {
            code: match problem {
                Unreached::Refused(_) => "http.refused",
                Unreached::Failed(_) => "http.failed",
            },
            element,
            tool: "http".to_owned(),
            problem: problem.to_string(),
        })?;
        self.notes.push(format!("{} {url} answered {}", request.method, answer.status));
        self.outputs = Variables::from_iter([
            ("status".to_owned(), json!(answer.status)),
            ("ok".to_owned(), json!(answer.status < FIRST_PROBLEM)),
            ("headers".to_owned(), Value::Object(answer.headers)),
            ("body".to_owned(), answer.body),
        ]);
        Ok(Variables::new())
    }
}
