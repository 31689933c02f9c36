//! `by="file"`: file and directory operations in the workspace; other tools are refused until they can be isolated.

use bpmn::program::{ExecutedBy, Variables};
use serde_json::Value;

use super::{Executor, Tde};
use crate::{Error, Operation};

impl Tde {
    pub(super) async fn run_tool(&mut self) -> Result<Variables, Error> {
        match self.executor {
            Executor::File => self.run_file_operation().await,
            Executor::Unavailable(by) => Err(self.unavailable(by)),
            _ => Err(self.declaration("it names no tool".to_owned())),
        }
    }

    async fn run_file_operation(&mut self) -> Result<Variables, Error> {
        let name = self.job.spec.reference.clone().unwrap_or_default();
        let operation = Operation::parse(&name).ok_or_else(|| {
            let known = Operation::names().join(", ");
            self.declaration(format!("{name:?} is no file operation; known are {known}"))
        })?;
        let element = self.job.element.clone();
        let Some(workspace) = self.parts.workspace.clone() else {
            return Err(Error::Missing { element, part: "a workspace folder" });
        };
        let input = |name: &str| match self.job.variables.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let path = input("path").ok_or_else(|| self.declaration("the input `path` is missing".to_owned()))?;
        let (content, to) = (input("content"), input("to"));
        // Waiting for the disk must not hold up other tasks.
        let done = tokio::task::spawn_blocking(move || {
            workspace.run(operation, &path, content.as_deref(), to.as_deref())
        });
        let result = done.await.map_err(|error| Error::Output { element, problem: error.to_string() })?;
        self.used.push(("tool", name, result.is_ok()));
        self.outputs = result?.variables();
        Ok(Variables::new())
    }

    fn unavailable(&self, by: ExecutedBy) -> Error {
        let (what, reason) = match by {
            ExecutedBy::Http => ("an HTTP request", "no host is declared as allowed"),
            ExecutedBy::Process => ("another process as executor", "name a TDE template by executor instead"),
            _ => ("this tool", "no tool of that name is declared with an isolation that this build provides"),
        };
        let name = self.job.spec.reference.as_deref().unwrap_or("without a ref");
        Error::Unavailable {
            element: self.job.element.clone(),
            what: format!("{what} ({name})"),
            reason: reason.to_owned(),
        }
    }
}
