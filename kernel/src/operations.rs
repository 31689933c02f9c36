//! Operations of the kernel that a task names by `ref`: memory regions, disk, connections, processes, the system.
//! File and directory operations are in the workspace's own file; HTTP requests are an executor.

mod connection;
mod disk;
mod holdings;
mod process;
mod region;
mod system;

use bpmn::program::Variables;
use engine::port::Job;
use serde_json::Value;

use crate::{Error, Parts};

pub use holdings::Holdings;

/// Longest chain of callers that is followed to find who owns what an operation reaches.
const MAX_CALLERS: usize = 64;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KernelOperation {
    MemoryAllocate,
    MemoryRead,
    MemoryWrite,
    MemoryFree,
    DiskSpace,
    ConnectionOpen,
    ConnectionClose,
    ProcessStart,
    ProcessTerminate,
    ProcessMonitor,
    SystemResources,
    SystemDescription,
}

impl KernelOperation {
    const ALL: [(&'static str, Self); 12] = [
        ("memory.allocate", Self::MemoryAllocate),
        ("memory.read", Self::MemoryRead),
        ("memory.write", Self::MemoryWrite),
        ("memory.free", Self::MemoryFree),
        ("disk.space", Self::DiskSpace),
        ("connection.open", Self::ConnectionOpen),
        ("connection.close", Self::ConnectionClose),
        ("process.start", Self::ProcessStart),
        ("process.terminate", Self::ProcessTerminate),
        ("process.monitor", Self::ProcessMonitor),
        ("system.resources", Self::SystemResources),
        ("system.description", Self::SystemDescription),
    ];

    /// The operation with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, operation)| operation)
    }
}

/// One operation for one task.
pub(crate) struct Call<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) job: &'a Job,
}

impl Call<'_> {
    /// Does it; the result becomes the task's outputs.
    pub(crate) async fn run(&self, operation: KernelOperation) -> Result<Variables, Error> {
        match operation {
            KernelOperation::MemoryAllocate
            | KernelOperation::MemoryRead
            | KernelOperation::MemoryWrite
            | KernelOperation::MemoryFree => self.region(operation).await,
            KernelOperation::DiskSpace => self.disk_space(),
            KernelOperation::ConnectionOpen => self.open_connection().await,
            KernelOperation::ConnectionClose => self.close_connection().await,
            KernelOperation::ProcessStart => self.start_process().await,
            KernelOperation::ProcessTerminate => self.terminate_process().await,
            KernelOperation::ProcessMonitor => self.monitor_process().await,
            KernelOperation::SystemResources => Ok(system::resources()),
            KernelOperation::SystemDescription => Ok(self.description()),
        }
    }

    /// The instance that owns what this task may reach: the one that nobody called.
    async fn owner(&self) -> Result<i64, Error> {
        let mut owner = self.job.instance;
        for _ in 0..MAX_CALLERS {
            match self.parts.engine.instance(owner).await?.parent {
                Some((caller, _)) => owner = caller,
                None => break,
            }
        }
        Ok(owner)
    }

    fn text(&self, input: &str) -> Result<&str, Error> {
        match self.job.variables.get(input) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.missing(input, "a text")),
        }
    }

    fn number(&self, input: &str) -> Result<Option<u64>, Error> {
        match self.job.variables.get(input) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let whole = |number: f64| (number.fract() == 0.0 && number >= 0.0).then_some(number as u64);
                let number = value.as_u64().or_else(|| value.as_f64().and_then(whole));
                number.map(Some).ok_or_else(|| self.missing(input, "a whole number from 0"))
            }
        }
    }

    fn missing(&self, input: &str, what: &str) -> Error {
        self.failed("tool.input", format!("the input `{input}` must be {what}"))
    }

    fn failed(&self, code: &'static str, problem: String) -> Error {
        Error::Tool {
            code,
            element: self.job.element.clone(),
            tool: self.job.spec.reference.clone().unwrap_or_default(),
            problem,
        }
    }
}
