//! `procos mcp`: the Model Context Protocol over standard input and output, as coding assistants start it.

use std::process::ExitCode;

use async_trait::async_trait;
use clap::Args;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::client::Client;
use super::{Found, Output, Session, about};
use crate::failure::Failure;
use crate::mcp::{Ask, Complaint, MESSAGE_BYTES_MAX, Schema, answer};

/// Be a tool server of a coding assistant: the Model Context Protocol on standard input and output.
#[derive(Debug, Args)]
#[command(after_help = "\
An assistant starts this by itself; tell it the command, e.g. in its list of servers:
  {\"mcpServers\": {\"procos\": {\"command\": \"procos\", \"args\": [\"mcp\", \"--data-dir\", \"/path/to/procos-data\"]}}}

It works on the data directory, or through the server that holds it. A running server has the same tools by HTTP at
/mcp. Drafts and changes are proposals: nothing changes until one is accepted.")]
pub(crate) struct Mcp {}

impl Mcp {
    pub(crate) async fn execute(self, _output: Output, session: Session) -> Result<ExitCode, Failure> {
        let (input, output) = (BufReader::new(tokio::io::stdin()), tokio::io::stdout());
        let talked = match session.assembly().await? {
            Found::There(client) => talk(&client, input, output).await,
            Found::Here(assembly) => {
                let configuration = session.configuration()?.configuration;
                let state = assembly.graphql_state(about(&assembly, &configuration));
                let talked = talk(&Schema(graphql::schema(state)), input, output).await;
                assembly.close().await;
                talked
            }
        };
        talked.map_err(|error| {
            Failure::work("CLI-0030", format!("the assistant cannot be spoken to: {error}"), "start it again")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

#[async_trait]
impl Ask for Client {
    async fn ask(&self, document: &str, variables: Value) -> Result<Value, Complaint> {
        let answered = Client::ask(self, document, variables).await;
        answered.map_err(|Failure { code, message, hint, .. }| Complaint { code, message, hint })
    }
}

/// Answers a message a line until the input ends.
///
/// # Errors
/// Where input cannot be read or output not be written.
async fn talk(
    ask: &dyn Ask,
    mut input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(limit + 1).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(());
        }
        if read > MESSAGE_BYTES_MAX {
            let message = format!("a message has more than {MESSAGE_BYTES_MAX} bytes");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if let Some(answer) = answer(ask, &line).await {
            output.write_all(format!("{answer}\n").as_bytes()).await?;
            output.flush().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Nobody;

    #[async_trait]
    impl Ask for Nobody {
        async fn ask(&self, _document: &str, _variables: Value) -> Result<Value, Complaint> {
            Ok(json!({}))
        }
    }

    #[tokio::test]
    async fn each_line_is_a_message_and_notifications_have_no_answer() {
        let input = concat!(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n",
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\nnonsense\n",
            "{\"jsonrpc\":\"2.0\",\"id\":\"z\",\"method\":\"ping\"}",
        );
        let mut output = Vec::new();
        talk(&Nobody, BufReader::new(input.as_bytes()), &mut output).await.unwrap();
        let lines: Vec<Value> = output
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
        assert_eq!(lines[1]["error"]["code"], -32_700);
        assert_eq!(lines[2]["id"], "z");
    }

    #[tokio::test]
    async fn an_endless_line_ends_the_talk_instead_of_filling_memory() {
        let endless = BufReader::new(tokio::io::repeat(b'x'));
        let error = talk(&Nobody, endless, Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
}
