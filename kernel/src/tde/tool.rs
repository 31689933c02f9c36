//! `by="file"`: file and directory operations in the workspace. `by="tool"`: a declared tool on its rung of isolation;
//! its script is the task's own, or the input `script`; or an operation of the kernel.

use bpmn::program::Variables;
use serde_json::Value;

use super::{Executor, Tde};
use crate::operations::{Call, KernelOperation};
use crate::{Error, Level, Operation};

impl Tde {
    pub(super) async fn run_tool(&mut self) -> Result<Variables, Error> {
        self.check_attempts().await?;
        match self.executor {
            Executor::File => self.run_file_operation().await,
            Executor::Tool => self.run_named_tool().await,
            Executor::Http => self.send_request().await,
            Executor::Process => self.run_process().await,
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

    async fn run_named_tool(&mut self) -> Result<Variables, Error> {
        let name = self.job.spec.reference.clone().unwrap_or_default();
        let Some(operation) = KernelOperation::parse(&name) else { return self.run_declared_tool().await };
        let done = Call { parts: &self.parts, job: &self.job }.run(operation).await;
        self.used.push(("tool", name, done.is_ok()));
        self.outputs = done?;
        Ok(Variables::new())
    }

    async fn run_declared_tool(&mut self) -> Result<Variables, Error> {
        let spec = &self.job.spec;
        let name = spec.reference.clone().unwrap_or_default();
        let Some(tools) = self.parts.tools.clone() else {
            return Err(Error::Missing { element: self.job.element.clone(), part: "a catalogue of tools" });
        };
        let tool = tools.get(&name).ok_or_else(|| {
            let known = tools.names().join(", ");
            self.declaration(format!("no tool {name:?} is declared; there are {known}"))
        })?;
        let mut level = tool.isolation;
        if let Some(wanted) = &spec.isolation {
            let wanted = Level::parse(wanted).ok_or_else(|| {
                let known = Level::ALL.map(|level| level.to_string()).join(", ");
                self.declaration(format!("isolation {wanted:?} is none of {known}"))
            })?;
            // A task may ask for more than its tool, never for less.
            level = level.max(wanted);
        }
        let mut inputs = self.job.variables.clone();
        let script = match (&spec.script, &tool.script) {
            (Some(script), Some(_)) => Some(script.clone()),
            (None, Some(_)) => match inputs.remove("script") {
                Some(Value::String(script)) => Some(script),
                _ => return Err(self.declaration("it has no script, and no input `script`".to_owned())),
            },
            (_, None) => None,
        };
        let ran = tools.run(&self.job.element, &tool, script.as_deref(), &inputs, level, &self.cancel).await;
        self.used.push(("tool", tool.name.clone(), ran.is_ok()));
        let ran = ran?;
        self.notes.push(ran.note);
        self.outputs = ran.outputs;
        self.name_result();
        Ok(Variables::new())
    }

    /// Puts the result under the name that a script task gives it.
    fn name_result(&mut self) {
        let Some(name) = self.job.spec.attributes.get("resultVariable").cloned() else { return };
        let whole = match self.outputs.get("result") {
            Some(result) if self.outputs.len() == 1 => result.clone(),
            _ => Value::Object(self.outputs.clone()),
        };
        self.outputs = Variables::from_iter([(name, whole)]);
    }
}
