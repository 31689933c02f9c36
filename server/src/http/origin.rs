//! Who may ask: no name but ours in Host (DNS rebinding), no page but ours in Origin (a page elsewhere that drives a
//! local server).

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, StatusCode, header};

use super::{Refusal, Site};

/// Decides by Host, Origin and the browser's own words on where a request comes from.
#[derive(Debug)]
pub(super) struct Door {
    /// Configured names, lower case.
    hosts: BTreeSet<String>,
    /// The address listened on.
    address: IpAddr,
}

/// Paths that monitors ask by whatever name they know the machine; they say nothing worth stealing.
const OPEN_PATHS: [&str; 2] = ["/livez", "/readyz"];
/// Paths that answer programs: a page elsewhere has no business there, even without reading the answer.
const PROGRAM_PATHS: [&str; 5] = ["/graphql", "/sparql", "/api/", "/v2/", "/metrics"];

impl Door {
    pub(super) fn new(site: &Site) -> Self {
        let hosts = site.hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect();
        Self { hosts, address: site.listen.ip() }
    }

    /// Lets a request pass, or says why not.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let path = request.uri().path();
        if OPEN_PATHS.contains(&path) {
            return Ok(());
        }
        let host = self.host(request)?;
        let headers = request.headers();
        self.origin(headers, &host)?;
        let program = PROGRAM_PATHS.iter().any(|prefix| path.starts_with(prefix));
        if program && is_cross_site(headers) {
            return Err(foreign("a page of another site"));
        }
        Ok(())
    }

    /// The authority that was asked for: Host in HTTP/1, `:authority` in HTTP/2.
    fn host<B>(&self, request: &Request<B>) -> Result<Authority, Refusal> {
        let refused = |shown: &str| {
            let hint = "use localhost, or name the host in the setting hosts (PROCOS_HOSTS)";
            let message = format!("this server is not known as {shown:?}");
            Refusal::new(StatusCode::FORBIDDEN, "HTTP-0001", message, hint)
        };
        let mut named = request.headers().get_all(header::HOST).iter();
        let authority = match (named.next(), named.next()) {
            (Some(host), None) => host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()),
            (None, _) => request.uri().authority().cloned(),
            (Some(_), Some(_)) => None,
        };
        let authority = authority.ok_or_else(|| refused(""))?;
        if authority.as_str().contains('@') || !self.is_known(authority.host()) {
            return Err(refused(authority.as_str()));
        }
        Ok(authority)
    }

    fn is_known(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if self.hosts.contains(&host) || host == "localhost" || host.ends_with(".localhost") {
            return true;
        }
        let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
        // Rebinding needs a name. An address can only be ours; where all are listened on, any is.
        address.is_loopback() || address == self.address || self.address.is_unspecified()
    }

    fn origin(&self, headers: &HeaderMap, host: &Authority) -> Result<(), Refusal> {
        for origin in headers.get_all(header::ORIGIN) {
            let shown = origin.to_str().unwrap_or_default();
            let (scheme, rest) = shown.split_once("://").unwrap_or_default();
            let authority = rest.parse::<Authority>().map_err(|_| foreign(shown))?;
            let same = authority.host().eq_ignore_ascii_case(host.host())
                && port(&authority, scheme) == port(host, scheme);
            // Behind a proxy that rewrites Host, the configured names are the ones browsers see.
            let configured = self.hosts.contains(&authority.host().to_ascii_lowercase());
            if !(same || configured) || !matches!(scheme, "http" | "https") {
                return Err(foreign(shown));
            }
        }
        Ok(())
    }
}

fn port(authority: &Authority, scheme: &str) -> u16 {
    authority.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 })
}

/// Whether the browser says that another site asks. Following a link to us is fine.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = matches!(says("sec-fetch-site"), Some("cross-site" | "same-site"));
    foreign && says("sec-fetch-mode") != Some("navigate")
}

fn foreign(origin: &str) -> Refusal {
    let hint = "open the page from this server, or name its host in the setting hosts (PROCOS_HOSTS)";
    let message = format!("requests from {origin:?} are not accepted");
    Refusal::new(StatusCode::FORBIDDEN, "HTTP-0002", message, hint)
}
