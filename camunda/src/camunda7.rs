//! Camunda 7 (7.24; also Operaton and CIB seven) by its REST API: calls, and records read from their answers.

mod calls;
mod definitions;
mod read;
mod rewrite;
mod value;

use crate::Error;
use crate::credential::Credential;
use crate::rest::{Rest, optional};

/// Job types: the kernel's tasks, FEEL scripts, messages that a process throws. One call fetches all.
const TOPICS: &[&[&str]] = &[&[crate::topic::TASK, crate::topic::SCRIPT, crate::topic::MESSAGE]];

/// A Camunda 7.
#[derive(Clone, Debug)]
pub(crate) struct Seven {
    rest: Rest,
}

impl Seven {
    /// The engine at `url`, e.g. `http://127.0.0.1:8080/engine-rest`.
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        Ok(Self { rest: Rest::new(url, Credential::None)? })
    }

    /// Its version.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        let path = "/version";
        let answer = self.rest.get(path).await?;
        let strange = || Error::Strange { path: path.to_owned(), detail: "it names no version".to_owned() };
        optional(&answer, "version").ok_or_else(strange)
    }
}
