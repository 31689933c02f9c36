//! `procos questions`: what a system leaves open.

use std::process::ExitCode;

use clap::Args;
use das::bootstrap::questions::{Question, questions};
use serde_json::json;

use super::{Found, Output, Session};
use crate::failure::Failure;

/// Ask back what a system leaves open: contradictions, gaps, vague words, assumed budgets.
#[derive(Debug, Args)]
#[command(after_help = "\
Each question says what answer would settle it. Answer in the requirements and build again.

Examples:
  procos questions \"Light aircraft\"
  procos questions pump --json")]
pub(crate) struct Questions {
    /// Name of the system.
    system: String,
}

impl Questions {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let asked: Vec<Question> = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = assembly.ontology.snapshot(&self.system).map(|system| questions(&system));
                assembly.close().await;
                found?
            }
            Found::There(client) => {
                let query = "query($system: String!) { questions(system: $system) { kind about text settled_by: settledBy } }";
                let mut answer = client.ask(query, json!({"system": self.system})).await?;
                serde_json::from_value(answer["questions"].take()).map_err(|error| {
                    let message = format!("the server's questions cannot be read: {error}");
                    Failure::work("CLI-0011", message, "is the server of the same version?")
                })?
            }
        };
        if output.is_json() {
            output.value(&json!({"questions": asked}));
            return Ok(ExitCode::SUCCESS);
        }
        if asked.is_empty() {
            output.line("nothing is open");
        }
        for question in &asked {
            output.line(&format!("{:<14} {}", question.kind, question.text));
            output.line(&format!("{:<14} settled by {}", "", question.settled_by));
        }
        Ok(ExitCode::SUCCESS)
    }
}
