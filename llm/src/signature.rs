//! Signatures of requests with the keys of an AWS account (Signature Version 4): Amazon Bedrock without an API key.
//!
//! Signed are method, path, query, body, host, time, and the headers that AWS adds; nothing else, because what a gateway
//! on the way changes must not be signed. Each attempt is signed anew: a signature holds for five minutes.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Request, Url};

use crate::{Config, Error, Secret};

/// Keys, and where they hold.
pub(crate) struct Signer {
    region: String,
    service: String,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    /// The time by the clock of whoever opened the client.
    now: fn() -> SystemTime,
}

impl Signer {
    /// The signer of an endpoint; none where no keys are configured.
    pub(crate) fn of(config: &Config, now: fn() -> SystemTime) -> Result<Option<Self>, Error> {
        let Some(keys) = &config.aws else { return Ok(None) };
        let wrong = |reason: &str| Err(Error::Configuration(reason.to_owned()));
        if keys.access_key_id.trim().is_empty() || keys.secret_access_key.is_empty() {
            return wrong("aws needs access_key_id and secret_access_key");
        }
        if !config.api_key.is_empty() {
            return wrong("api_key and aws are two ways to say who asks; keep one");
        }
        let url = Url::parse(config.base_url.trim()).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let Some(region) = named(&keys.region).or_else(|| region_in(host)) else {
            return wrong("aws.region is missing, and the host of base_url names none");
        };
        let usual = if host.starts_with("bedrock-mantle.") { "bedrock-mantle" } else { "bedrock" };
        Ok(Some(Self {
            region,
            service: named(&keys.service).unwrap_or_else(|| usual.to_owned()),
            access_key_id: keys.access_key_id.trim().to_owned(),
            secret_access_key: keys.secret_access_key.clone(),
            session_token: keys.session_token.clone(),
            now,
        }))
    }

    /// Signs a request in place.
    ///
    /// # Errors
    /// [`Error::Request`] for a body that is not there as a whole, as recordings are sent.
    pub(crate) fn sign(&self, request: &mut Request) -> Result<(), Error> {
        let refused =
            |problem: &dyn std::fmt::Display| Error::Request(format!("it cannot be signed: {problem}"));
        request.headers_mut().remove(AUTHORIZATION);
        let body: &[u8] = match request.body() {
            None => &[],
            Some(body) => body.as_bytes().ok_or_else(|| refused(&"its body is sent in parts"))?,
        };
        let token = Some(self.session_token.reveal().to_owned()).filter(|token| !token.is_empty());
        let (key, secret) = (self.access_key_id.clone(), self.secret_access_key.reveal().to_owned());
        let identity = Credentials::new(key, secret, token, None, "configuration").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time((self.now)())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| refused(&error))?
            .into();
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let headers = kind.map(|kind| (CONTENT_TYPE.as_str(), kind)).into_iter();
        let (method, url) = (request.method().as_str(), request.url().as_str());
        let signable = SignableRequest::new(method, url, headers, SignableBody::Bytes(body))
            .map_err(|error| refused(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| refused(&error))?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refused(&error))?;
            let mut value = HeaderValue::from_str(value).map_err(|error| refused(&error))?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}

fn named(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The region in `bedrock-runtime.eu-central-1.amazonaws.com` or `bedrock-mantle.eu-central-1.api.aws`.
fn region_in(host: &str) -> Option<String> {
    let known =
        host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") || host.ends_with(".api.aws");
    let region = host.split('.').nth(1).filter(|_| known && host.starts_with("bedrock"))?;
    Some(region.to_owned())
}
