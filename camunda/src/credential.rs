//! What every call to Camunda carries: a bearer token that is configured, or one that a token server gives for client
//! id and secret (OAuth 2.0, RFC 6749 section 4.4), as Camunda 8 SaaS and Identity want it.
//!
//! A token is kept until shortly before it ends, or until Camunda refuses it. Calls that need a new one at the same
//! time wait for the same one.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Error;
use crate::rest::{CONNECT_LIMIT, body_within, source_of, without_password};

/// How long the token server may take.
const TOKEN_LIMIT: Duration = Duration::from_secs(20);
/// Bytes of its answer.
const ANSWER_LIMIT: usize = 64 * 1024;
/// A token is renewed so long before it ends, but not before half of its time is over.
const RENEWED_BEFORE: Duration = Duration::from_secs(30);
/// How long a token is kept whose server does not say how long it is good for.
const LIFETIME_DEFAULT_S: u64 = 300;
/// Longest time that a token is kept, seconds: a day.
const LIFETIME_MAX_S: u64 = 86_400;
/// Characters of the server's reason that are passed on.
const REASON_LIMIT: usize = 500;

/// Client id and secret, and who gives a token for them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientCredentials {
    /// Address of the token server, e.g. `https://login.cloud.camunda.io/oauth/token`.
    pub token_url: String,
    /// Client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Whom the token is for, where the server wants to know it, e.g. `zeebe.camunda.io`.
    pub audience: Option<String>,
    /// What it is for, where the server wants to know it.
    pub scope: Option<String>,
}

impl std::fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What every call carries.
#[derive(Clone, Default)]
pub(crate) enum Credential {
    /// Nothing.
    #[default]
    None,
    /// This token.
    Token(String),
    /// One of a token server.
    Client(Arc<TokenServer>),
}

impl Credential {
    /// The token to send now.
    pub(crate) async fn token(&self) -> Result<Option<String>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => Ok(Some(token.clone())),
            Self::Client(server) => server.token().await.map(Some),
        }
    }

    /// Forgets a token that Camunda has refused. True where another one can be had.
    pub(crate) async fn refused(&self, token: &str) -> bool {
        match self {
            Self::None | Self::Token(_) => false,
            Self::Client(server) => {
                let mut held = server.held.lock().await;
                if held.as_ref().is_some_and(|held| held.text == token) {
                    *held = None;
                }
                true
            }
        }
    }
}

/// A token server.
pub(crate) struct TokenServer {
    client: Client,
    credentials: ClientCredentials,
    shown: String,
    held: Mutex<Option<HeldToken>>,
}

struct HeldToken {
    text: String,
    renewed_at: Instant,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    expires_in: Option<u64>,
}

/// RFC 6749, section 5.2.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
}

impl TokenServer {
    /// Nobody is asked yet.
    pub(crate) fn new(credentials: ClientCredentials) -> Result<Self, Error> {
        let shown = without_password(&credentials.token_url);
        let no_address = |detail: String| Error::Address { url: shown.clone(), detail };
        let parsed =
            reqwest::Url::parse(&credentials.token_url).map_err(|error| no_address(error.to_string()))?;
        if !parsed.scheme().starts_with("http") {
            return Err(no_address("it does not begin with http:// or https://".to_owned()));
        }
        // The secret goes to this address and to no other one that it may point at.
        let client =
            Client::builder().connect_timeout(CONNECT_LIMIT).no_proxy().redirect(Policy::none()).build();
        let client = client.map_err(|error| no_address(error.to_string()))?;
        Ok(Self { client, credentials, shown, held: Mutex::default() })
    }

    async fn token(&self) -> Result<String, Error> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Instant::now() < token.renewed_at) {
            return Ok(token.text.clone());
        }
        let asked = Instant::now();
        let given = self.ask().await?;
        let lifetime =
            Duration::from_secs(given.expires_in.unwrap_or(LIFETIME_DEFAULT_S).min(LIFETIME_MAX_S));
        let renewed_at = asked + lifetime.saturating_sub(RENEWED_BEFORE).max(lifetime / 2);
        *held = Some(HeldToken { text: given.access_token.clone(), renewed_at });
        Ok(given.access_token)
    }

    async fn ask(&self) -> Result<Given, Error> {
        let ClientCredentials { token_url, client_id, client_secret, audience, scope } = &self.credentials;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", client_secret.as_str()),
        ];
        form.extend(audience.as_deref().map(|audience| ("audience", audience)));
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let body = form.iter().map(|(name, value)| format!("{name}={}", crate::rest::encode(value)));
        let request = self
            .client
            .post(token_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.collect::<Vec<String>>().join("&"))
            .timeout(TOKEN_LIMIT);
        let unreachable = |error: reqwest::Error| Error::Unreachable {
            url: self.shown.clone(),
            detail: source_of(&error.without_url()),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = body_within(&mut response, ANSWER_LIMIT).await.map_err(unreachable)?;
        let bytes = bytes.ok_or_else(|| self.no_token(status.as_u16(), "its answer is too long"))?;
        if !status.is_success() {
            let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
            let said = format!("{} {}", refusal.error, refusal.error_description);
            return Err(self.no_token(status.as_u16(), said.trim()));
        }
        // What does not fit is not shown: it may hold a token.
        serde_json::from_slice(&bytes)
            .map_err(|_| self.no_token(status.as_u16(), "its answer holds no token"))
    }

    fn no_token(&self, status: u16, said: &str) -> Error {
        let secret = &self.credentials.client_secret;
        let said = if secret.is_empty() { said.to_owned() } else { said.replace(secret.as_str(), "***") };
        let detail = said.chars().take(REASON_LIMIT).collect();
        Error::NoToken { url: self.shown.clone(), status, detail }
    }
}

#[cfg(test)]
mod tests;
