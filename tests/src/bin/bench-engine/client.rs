//! A client that costs little: HTTP/1.1 over one connection for each worker, kept open. The same for every engine, so
//! that what is measured is the engine and not how its clients are written.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// Most bytes of an answer.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// Posts JSON to one address.
pub(crate) struct Client {
    /// `host:port`.
    authority: String,
    /// What stands before every path.
    prefix: String,
    /// Connections that nobody uses at the moment.
    idle: Mutex<Vec<Connection>>,
}

impl Client {
    /// A client of `http://host:port/prefix`.
    pub(crate) fn of(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").context("only http:// is spoken here")?;
        let (authority, prefix) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        Ok(Self { authority: authority.to_owned(), prefix: prefix.to_owned(), idle: Mutex::default() })
    }

    /// Posts a body; gives that of the answer, empty where it has none.
    ///
    /// # Errors
    /// An answer that is no success, with its text.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Vec<u8>> {
        let body = serde_json::to_vec(body)?;
        let mut asked = format!(
            "POST {}{path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.prefix,
            self.authority,
            body.len()
        )
        .into_bytes();
        asked.extend_from_slice(&body);
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.authority).await?,
        };
        let answer = connection.exchange(&asked).await.with_context(|| path.to_owned())?;
        if !answer.closes {
            self.idle.lock().await.push(connection);
        }
        let Answer { status, body, .. } = answer;
        ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Posts a body; gives the answer as read.
    ///
    /// # Errors
    /// As [`Client::post`], and an answer that does not fit.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.post(path, body).await?;
        serde_json::from_slice(&answer).with_context(|| format!("{path}: the answer does not fit"))
    }
}

struct Connection {
    stream: TcpStream,
    /// What was read and belongs to the answer that is being read.
    read: Vec<u8>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    closes: bool,
}

impl Connection {
    async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(READ_BYTES) })
    }

    async fn exchange(&mut self, asked: &[u8]) -> Result<Answer> {
        self.stream.write_all(asked).await?;
        self.read.clear();
        let head_end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.read[..head_end]).context("the head of an answer")?;
        let mut lines = head.split("\r\n");
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).context("an answer has a status")?;
        let status: u16 = status.parse().context("the status of an answer")?;
        let (mut closes, mut chunked, mut length) = (false, false, 0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().context("the length of an answer")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.contains("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            }
        }
        self.read.drain(..head_end + 4);
        let body = if chunked { self.chunks().await? } else { self.exactly(length).await? };
        Ok(Answer { status, body, closes })
    }

    async fn more(&mut self) -> Result<()> {
        ensure!(self.read.len() < ANSWER_MAX, "an answer of more than {ANSWER_MAX} bytes");
        self.read.reserve(READ_BYTES);
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("the connection was closed in the middle of an answer");
        }
        Ok(())
    }

    /// Takes so many bytes.
    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.read.len() < length {
            self.more().await?;
        }
        let rest = self.read.split_off(length);
        Ok(std::mem::replace(&mut self.read, rest))
    }

    /// Takes a line and gives it without its end.
    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = find(&self.read, b"\r\n") {
                let line = self.exactly(end + 2).await?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more().await?;
        }
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
            if size == 0 {
                // Trailers, and the empty line after them.
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.exactly(size).await?);
            ensure!(self.line().await?.is_empty(), "a chunk ends with an empty line");
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
