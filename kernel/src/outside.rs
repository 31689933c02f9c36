//! Where tasks may reach over the network: declared hosts and nothing else, whatever a name resolves to.
//!
//! A host is resolved once, every address it has is checked, and the connection goes to a checked address; so a name
//! that changes between check and use leads nowhere. Redirects stay on the same host. No proxy is used.

mod address;
mod request;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use request::Request;

/// Hosts declared at most.
const MAX_HOSTS: usize = 1_000;

/// Limits of one request or connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideLimits {
    /// Time to connect.
    pub connect: Duration,
    /// Time for everything.
    pub total: Duration,
    /// Largest answer, bytes.
    pub answer_bytes: usize,
    /// Largest request body, bytes.
    pub request_bytes: usize,
    /// Redirects followed.
    pub redirects: u32,
}

impl Default for OutsideLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            answer_bytes: 5 * 1024 * 1024,
            request_bytes: 1024 * 1024,
            redirects: 3,
        }
    }
}

/// Why something outside was not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// It may not be reached.
    #[error("{0}")]
    Refused(String),
    /// It did not answer as it should.
    #[error("{0}")]
    Failed(String),
}

/// A declared host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declared {
    /// In lower case; an IPv6 address without brackets.
    host: String,
    port: u16,
    /// Whether requests to it go without TLS.
    is_plain: bool,
    /// Whether it may have addresses that are not public.
    is_private: bool,
}

/// The declared hosts.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    hosts: Arc<Vec<Declared>>,
    limits: OutsideLimits,
}

impl Outside {
    /// The declared hosts as addresses, for who has to choose one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let address = |declared: &Declared| {
            let scheme = if declared.is_plain { "http" } else { "https" };
            format!("{scheme}://{}:{}", declared.host, declared.port)
        };
        self.hosts.iter().map(address).collect()
    }

    /// `hosts` must have public addresses; `private_hosts` may have any. Each is written `name`, `name:port` (TLS,
    /// port 443 unless given) or `http://name:port` (no TLS).
    ///
    /// # Errors
    /// Which entry is wrong, and why.
    pub fn new(hosts: &[String], private_hosts: &[String], limits: OutsideLimits) -> Result<Self, String> {
        if hosts.len() + private_hosts.len() > MAX_HOSTS {
            return Err(format!("at most {MAX_HOSTS} hosts can be declared"));
        }
        let public = hosts.iter().map(|text| (text, false));
        let private = private_hosts.iter().map(|text| (text, true));
        let declared: Result<Vec<_>, _> =
            public.chain(private).map(|(text, is_private)| declared(text, is_private)).collect();
        Ok(Self { hosts: Arc::new(declared?), limits })
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> OutsideLimits {
        self.limits
    }

    /// Posts a text to an address on a declared host and gives the status of the answer.
    ///
    /// # Errors
    /// Why the address may not be reached, or did not answer.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: String,
    ) -> Result<u16, Unreached> {
        let request = Request {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers.to_vec(),
            body: Some(serde_json::Value::String(body)),
        };
        Ok(self.request(&request).await?.status)
    }

    /// The addresses of a declared host, each of them checked.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        let plain = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let known = self.hosts.iter().filter(|known| known.host == plain && known.port == port);
        // Where it is declared twice, the wider one holds.
        let Some(known) = known.max_by_key(|known| known.is_private) else {
            let problem =
                format!("{host}:{port} is not declared; add it to network.hosts in the configuration");
            return Err(Unreached::Refused(problem));
        };
        let found = match plain.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let looking = tokio::net::lookup_host((plain.as_str(), port));
                let found = tokio::time::timeout(self.limits.connect, looking).await;
                let failed = |why: &str| Unreached::Failed(format!("{host} has no address: {why}"));
                found
                    .map_err(|_| failed("nobody answered"))?
                    .map_err(|error| failed(&error.to_string()))?
                    .collect()
            }
        };
        if let Some(private) = found.iter().find(|found| !known.is_private && !address::is_public(found.ip()))
        {
            let problem = format!(
                "{host} has the address {}, which is not public; if that is meant, declare it in network.private_hosts",
                private.ip()
            );
            return Err(Unreached::Refused(problem));
        }
        if found.is_empty() {
            return Err(Unreached::Failed(format!("{host} has no address")));
        }
        Ok(found)
    }

    /// Whether this host is declared with that way to speak.
    fn speaks(&self, host: &str, port: u16, is_plain: bool) -> bool {
        self.hosts.iter().any(|known| known.host == host && known.port == port && known.is_plain == is_plain)
    }
}

fn declared(text: &str, is_private: bool) -> Result<Declared, String> {
    let wrong = |why: &str| format!("network host {text:?}: {why}");
    let (is_plain, address) = match text.split_once("://") {
        None => (false, text),
        Some(("https", rest)) => (false, rest),
        Some(("http", rest)) => (true, rest),
        Some(_) => return Err(wrong("only http and https are known")),
    };
    let scheme = if is_plain { "http" } else { "https" };
    let url =
        reqwest::Url::parse(&format!("{scheme}://{address}")).map_err(|error| wrong(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    if host.is_empty() || url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
        return Err(wrong("write a name or address, and a port if need be; no path"));
    }
    if let Ok(address) = host.parse::<IpAddr>()
        && !is_private
        && !address::is_public(address)
    {
        return Err(wrong("it is not a public address; declare it in network.private_hosts"));
    }
    Ok(Declared { host, port, is_plain, is_private })
}

#[cfg(test)]
mod tests;
