//! Connections to declared hosts, held by the kernel: a tool has no network of its own.

use bpmn::program::Variables;
use serde_json::json;
use tokio::net::TcpStream;

use super::Call;
use super::holdings::MAX_CONNECTIONS;
use crate::Error;

impl Call<'_> {
    /// Opens a TCP connection to `host` and `port` under the name `connection`.
    ///
    /// Errors: `network.refused` where the host is not declared, `network.failed`, `network.quota`.
    pub(super) async fn open_connection(&self) -> Result<Variables, Error> {
        let (name, host) = (self.text("connection")?, self.text("host")?);
        let port = self.number("port")?.and_then(|port| u16::try_from(port).ok());
        let port = port.ok_or_else(|| self.missing("port", "a port number"))?;
        let owner = self.owner().await?;
        let full = self.parts.holdings.with(owner, |held, _| {
            held.connections.len() >= MAX_CONNECTIONS && !held.connections.contains_key(name)
        });
        if full {
            let problem = format!("this instance holds {MAX_CONNECTIONS} connections already");
            return Err(self.failed("network.quota", problem));
        }
        let outside = self.parts.outside.clone();
        let addresses = outside
            .addresses(host, port)
            .await
            .map_err(|problem| self.failed("network.refused", problem.to_string()))?;
        let connecting = tokio::time::timeout(outside.limits().connect, TcpStream::connect(&addresses[..]));
        let stream = match connecting.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.failed("network.failed", format!("{host}:{port}: {error}"))),
            Err(_) => return Err(self.failed("network.failed", format!("{host}:{port} does not answer"))),
        };
        let peer = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
        self.parts.holdings.with(owner, |held, _| held.connections.insert(name.to_owned(), stream));
        Ok(Variables::from_iter([
            ("connection".to_owned(), json!(name)),
            ("open".to_owned(), json!(true)),
            ("peer".to_owned(), json!(peer)),
        ]))
    }

    /// Closes the connection `connection`; one that is closed already is fine.
    pub(super) async fn close_connection(&self) -> Result<Variables, Error> {
        let name = self.text("connection")?;
        let owner = self.owner().await?;
        self.parts.holdings.with(owner, |held, _| held.connections.remove(name));
        Ok(Variables::from_iter([("connection".to_owned(), json!(name)), ("open".to_owned(), json!(false))]))
    }
}
