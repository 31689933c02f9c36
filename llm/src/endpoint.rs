//! The endpoint as async-openai wants it: address and headers, taken from our configuration and nothing else.

use async_openai::config::Config as EndpointConfig;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::SecretString;

use crate::{Config, Error};

/// Address and headers of an endpoint. async-openai's own configuration would read the environment.
#[derive(Clone)]
pub(crate) struct Endpoint {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Endpoint {
    /// Checks address and key of `config`.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Configuration(reason);
        let base = config.base_url.trim().trim_end_matches('/').to_owned();
        let url =
            reqwest::Url::parse(&base).map_err(|e| wrong(format!("base_url {base:?} is no address: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong(format!(
                "base_url {base:?} must start with http:// or https:// and name a host"
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("base_url must not hold a name or password; use api_key".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(format!("base_url {base:?} must end with its path")));
        }
        let mut headers = HeaderMap::new();
        if !config.api_key.is_empty() {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", config.api_key.reveal().trim()))
                .map_err(|_| wrong("api_key holds characters that cannot be sent".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { base, key: SecretString::from(config.api_key.reveal().to_owned()), headers })
    }

    /// The address without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

impl EndpointConfig for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}
