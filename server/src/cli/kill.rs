//! `procos kill`: cancels a process instance.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Found, Output, Session};
use crate::failure::Failure;

/// Cancel a process instance; what it called and its jobs are cancelled with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  procos kill 42 --reason \"started by mistake\"")]
pub(crate) struct Kill {
    /// Key of the instance, as `procos ps` shows it.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    key: i64,
    /// Why; it is kept in the trail.
    #[arg(long, default_value = "cancelled on the command line")]
    reason: String,
}

impl Kill {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if !session.is_given() {
            session.must_exist()?;
        }
        match session.at_rest().await? {
            Found::Here(assembly) => {
                let cancelled = assembly.engine.cancel(self.key, &self.reason).await;
                assembly.close().await;
                cancelled?;
            }
            Found::There(client) => {
                let query =
                    "mutation($key: Key!, $reason: String) { cancelInstance(key: $key, reason: $reason) }";
                client.ask(query, json!({"key": self.key.to_string(), "reason": self.reason})).await?;
            }
        }
        if output.is_json() {
            output.value(&json!({"key": self.key, "state": "terminated"}));
        } else {
            output.line(&format!("instance {} cancelled", self.key));
        }
        Ok(ExitCode::SUCCESS)
    }
}
