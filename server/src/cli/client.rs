//! A client of a running server: GraphQL over HTTP, for commands on a data directory that the server holds.

use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Failure;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a file may take on its way.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// Areas of codes that say the call was wrong; others say the work failed.
const WRONG_CALLS: [&str; 13] = [
    "BPMN-",
    "DAS-",
    "API-0001",
    "API-0002",
    "ENGINE-0001",
    "ENGINE-0002",
    "ONTO-0003",
    "ONTO-0004",
    "ONTO-0005",
    "ONTO-0007",
    "ONTO-0008",
    "ONTO-0009",
    "CTX-0001",
];

/// A server, by its address.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: String,
    http: reqwest::Client,
}

impl Client {
    /// A client of the server at `address` (`127.0.0.1:8080` or an URL).
    pub(crate) fn new(address: &str) -> Result<Self, Failure> {
        let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let address = address.trim_end_matches('/').to_owned();
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        let http = http.map_err(|error| unreachable_server(&address, &error))?;
        Ok(Self { address, http })
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks by GraphQL; gives `data`.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Result<Value, Failure> {
        let failed = |error: reqwest::Error| unreachable_server(&self.address, &error);
        let request = self
            .http
            .post(format!("{}/graphql", self.address))
            .header("accept", "application/graphql-response+json")
            .json(&json!({"query": query, "variables": variables}));
        let mut answer: Value = request.send().await.map_err(failed)?.json().await.map_err(failed)?;
        match answer["errors"].as_array().and_then(|errors| errors.first()) {
            Some(error) => Err(failure_of(error)),
            None => Ok(answer["data"].take()),
        }
    }

    /// Gets a plain route, by the segments of its path.
    pub(crate) async fn get(&self, path: &[&str], parameters: &[(&str, &str)]) -> Result<Vec<u8>, Failure> {
        let request = self.http.get(self.url(path, parameters)?);
        self.answered(request).await
    }

    /// Sends a file to a plain route; gives what is answered as JSON.
    pub(crate) async fn send(
        &self,
        path: &[&str],
        parameters: &[(&str, &str)],
        file: Vec<u8>,
    ) -> Result<Value, Failure> {
        let request = self.http.post(self.url(path, parameters)?).timeout(UPLOAD_TIMEOUT).body(file);
        self.json(request).await
    }

    /// A job on the server as it is now.
    pub(crate) async fn job(&self, id: &str) -> Result<Value, Failure> {
        let request = self.http.get(self.url(&["api", "jobs", id], &[])?);
        self.json(request).await
    }

    fn url(&self, path: &[&str], parameters: &[(&str, &str)]) -> Result<reqwest::Url, Failure> {
        let wrong = |_| Failure::wrong_call("CLI-0010", format!("{} is no address", self.address), "");
        let mut url = reqwest::Url::parse(&self.address).map_err(|error| wrong(error.to_string()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(url)
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let bytes = self.answered(request).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("the server at {} does not answer in JSON: {error}", self.address);
            Failure::work("CLI-0010", message, "is it a ProcOS server?")
        })
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Failure> {
        let failed = |error: reqwest::Error| unreachable_server(&self.address, &error);
        let answer = request.send().await.map_err(failed)?;
        if answer.status().is_success() {
            return Ok(answer.bytes().await.map_err(failed)?.to_vec());
        }
        let refusal: Value = answer.json().await.map_err(failed)?;
        let error = &refusal["error"];
        Err(failure_of(&json!({"message": error["message"], "extensions": error})))
    }
}

fn unreachable_server(address: &str, error: &reqwest::Error) -> Failure {
    let message = format!("the server at {address} does not answer: {error}");
    Failure::work("CLI-0010", message, "check that it runs: `procos serve`; or stop it to work without it")
}

/// An error of the API as a failure of the command.
pub(crate) fn failure_of(error: &Value) -> Failure {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let code = error["extensions"]["code"].as_str().unwrap_or("CLI-0011").to_owned();
    let wrong_call = WRONG_CALLS.iter().any(|start| code.starts_with(start));
    Failure { message: text(&error["message"]), hint: text(&error["extensions"]["hint"]), code, wrong_call }
}

/// A key that GraphQL writes as text.
pub(crate) fn key(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_i64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_server_keeps_its_code_and_way_out() {
        let error = json!({"message": "no", "extensions": {"code": "BPMN-0007", "hint": "do"}});
        let failure = failure_of(&error);
        assert_eq!(
            (failure.code.as_str(), failure.hint.as_str(), failure.wrong_call),
            ("BPMN-0007", "do", true)
        );
        assert!(!failure_of(&json!({"message": "no"})).wrong_call);
    }

    #[test]
    fn keys_come_as_text_or_as_numbers() {
        assert_eq!((key(&json!("12")), key(&json!(12)), key(&json!(null))), (12, 12, 0));
    }
}
