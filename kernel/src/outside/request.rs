//! One HTTP request to a declared host.

use bpmn::program::Variables;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::{Value, json};

use super::{Outside, Unreached};

/// Headers that a task may set at most.
const MAX_HEADERS: usize = 64;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method in capitals.
    pub(crate) method: String,
    /// Absolute address.
    pub(crate) url: String,
    /// Headers by name.
    pub(crate) headers: Vec<(String, String)>,
    /// A text as it is, anything else as JSON.
    pub(crate) body: Option<Value>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) status: u16,
    /// Headers, names in lower case; where one is repeated, its last value.
    pub(crate) headers: Variables,
    /// JSON where it is, else text.
    pub(crate) body: Value,
}

impl Outside {
    /// Sends a request and reads the answer, whatever its status.
    pub(crate) async fn request(&self, request: &Request) -> Result<Response, Unreached> {
        let failed = |why: String| Unreached::Failed(format!("{}: {why}", request.url));
        let refused = |why: &str| Unreached::Refused(format!("{}: {why}", request.url));
        let mut method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| refused("no such method"))?;
        let mut url = Url::parse(&request.url).map_err(|error| refused(&error.to_string()))?;
        let mut headers = headers(&request.headers).map_err(|why| refused(&why))?;
        let mut body = match &request.body {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => {
                let json = HeaderValue::from_static("application/json");
                headers.entry(reqwest::header::CONTENT_TYPE).or_insert(json);
                Some(other.to_string())
            }
        };
        if body.as_ref().is_some_and(|body| body.len() > self.limits.request_bytes) {
            return Err(refused(&format!("its body has more than {} bytes", self.limits.request_bytes)));
        }
        let asking = async {
            for _ in 0..=self.limits.redirects {
                let client = self.client(&url).await?;
                let mut builder = client.request(method.clone(), url.clone()).headers(headers.clone());
                if let Some(body) = &body {
                    builder = builder.body(body.clone());
                }
                let answer = builder.send().await.map_err(|error| failed(reason(&error)))?;
                let Some(next) = target(&answer, &url) else { return self.read(answer, &failed).await };
                let same = next.host_str() == url.host_str()
                    && next.port_or_known_default() == url.port_or_known_default();
                if !same {
                    return Err(refused("it redirects to another host"));
                }
                if !matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
                    && method != Method::HEAD
                {
                    (method, body) = (Method::GET, None);
                }
                url = next;
            }
            Err(refused(&format!("it redirects more than {} times", self.limits.redirects)))
        };
        let late = || failed(format!("no whole answer after {} s", self.limits.total.as_secs_f64()));
        tokio::time::timeout(self.limits.total, asking).await.map_err(|_| late())?
    }

    /// A client that connects to the checked addresses of this host and nowhere else.
    async fn client(&self, url: &Url) -> Result<Client, Unreached> {
        let refused = |why: String| Unreached::Refused(format!("{url}: {why}"));
        let is_plain = match url.scheme() {
            "http" => true,
            "https" => false,
            other => return Err(refused(format!("{other} is not spoken; http and https are"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("no user or password may stand in an address".to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.addresses(host, port).await?;
        if !self.speaks(host.trim_matches(['[', ']']), port, is_plain) {
            return Err(refused(format!("it is declared, but not for {}", url.scheme())));
        }
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(self.limits.connect)
            .resolve_to_addrs(host, &addresses)
            .user_agent(concat!("procos/", env!("CARGO_PKG_VERSION")));
        client.build().map_err(|error| Unreached::Failed(reason(&error)))
    }

    async fn read(
        &self,
        mut answer: reqwest::Response,
        failed: &impl Fn(String) -> Unreached,
    ) -> Result<Response, Unreached> {
        let status = answer.status().as_u16();
        let mut headers = Variables::new();
        for (name, value) in answer.headers() {
            headers.insert(name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(reason(&error)))? {
            if bytes.len() + chunk.len() > self.limits.answer_bytes {
                return Err(failed(format!("the answer has more than {} bytes", self.limits.answer_bytes)));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Response { status, headers, body })
    }
}

fn target(answer: &reqwest::Response, from: &Url) -> Option<Url> {
    if !answer.status().is_redirection() {
        return None;
    }
    from.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    if given.len() > MAX_HEADERS {
        return Err(format!("at most {MAX_HEADERS} headers can be set"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("no such header: {name:?}"))?;
        if name == HOST || name == CONTENT_LENGTH {
            return Err(format!("the header {name} follows from the request"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| format!("header {name} has no valid value"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The innermost cause says most.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
