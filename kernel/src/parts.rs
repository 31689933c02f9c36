//! What microkernel, PDOs and TDEs share: the ports they use, templates, limits, the census.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bpmn::program::Variables;
use engine::ProcessEngine;
use engine::clock::Clock;
use tokio::sync::Semaphore;

use crate::{Census, Error, Holdings, Outside, Templates, Tools, Workspace};

/// The digital assistance system as the microkernel sees it: brought up, and stopped again.
#[async_trait]
pub trait Assistant: Send + Sync {
    /// Begins to watch.
    async fn start(&self);
    /// Stops watching.
    async fn stop(&self);
}

/// Limits of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// PDOs that live though their instance has nothing for them to do: beyond that, idle ones leave memory and come
    /// back with the next job.
    pub idle_orchestrators: usize,
    /// TDEs of one instance that live at once.
    pub executors_per_instance: usize,
    /// TDEs of all instances that work at once; the others wait in order of arrival.
    pub executors: usize,
    /// How long a job is leased, milliseconds; extended while its TDE lives.
    pub lease_ms: i64,
    /// How long a PDO or the microkernel waits before it looks again without a notice, milliseconds.
    pub poll_ms: u64,
    /// How long running TDEs may go on after a stop, milliseconds.
    pub grace_ms: u64,
    /// Samples of a stochastic task where it declares no budget.
    pub stochastic_samples: u64,
    /// Samples of a model task where it declares no budget.
    pub model_samples: u64,
    /// Largest file that is read or written, bytes.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_orchestrators: 1_000,
            executors_per_instance: 256,
            executors: 10_000,
            lease_ms: 60_000,
            poll_ms: 2_000,
            grace_ms: 5_000,
            stochastic_samples: 2_000,
            model_samples: 40,
            file_bytes: 1024 * 1024,
        }
    }
}

/// The ports and settings of a kernel.
pub struct Parts {
    /// The process engine.
    pub engine: Arc<dyn ProcessEngine>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The trail, for what belongs to no job (late results, templates).
    pub trail: Option<Arc<dyn trail::Trail>>,
    /// The language model, where one is configured.
    pub model: Option<Arc<dyn llm::Model>>,
    /// What tasks may spend on it where they declare nothing.
    pub budgets: llm::Budgets,
    /// Prompts by name, where there is a context manager.
    pub contexts: Option<Arc<context::ContextManager>>,
    /// What prompts did so far, for experiments with their versions.
    pub scores: Option<Arc<dyn crate::Scores>>,
    /// Vector memory.
    pub memory: Option<Arc<dyn memory::Memory>>,
    /// The digital assistance system.
    pub assistant: Option<Arc<dyn Assistant>>,
    /// The folder that file tasks are confined to.
    pub workspace: Option<Workspace>,
    /// Tools, and what runs them isolated.
    pub tools: Option<Tools>,
    /// Hosts that tasks may reach.
    pub outside: Outside,
    /// Memory regions and connections of instances.
    pub holdings: Holdings,
    /// PDO and TDE templates.
    pub templates: Templates,
    /// Live PDOs and TDEs.
    pub census: Census,
    /// Limits.
    pub limits: Limits,
    /// Results of tasks that a dry run does not execute, by element id.
    pub dry_results: BTreeMap<String, Variables>,
    pub(crate) slots: Arc<Semaphore>,
}

impl Parts {
    /// A kernel over this engine with the built-in templates, and nothing else configured.
    ///
    /// # Errors
    /// `KERNEL-0001` where a built-in template is broken, which a test rules out.
    pub fn new(engine: Arc<dyn ProcessEngine>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let limits = Limits::default();
        let templates = Templates::built_in()?;
        engine.inspected_by(Arc::new(templates.clone()));
        Ok(Self {
            engine,
            clock,
            trail: None,
            model: None,
            budgets: llm::Budgets::default(),
            contexts: None,
            scores: None,
            memory: None,
            assistant: None,
            workspace: None,
            tools: None,
            outside: Outside::default(),
            holdings: Holdings::default(),
            templates,
            census: Census::default(),
            limits,
            dry_results: BTreeMap::new(),
            slots: Arc::new(Semaphore::new(limits.executors)),
        })
    }

    /// Brings up what is configured besides the engine. Memory that does not answer only makes answers worse, so
    /// nothing waits for it.
    pub(crate) async fn bring_up(&self) {
        self.templates.take_deployed(&*self.engine).await;
        if let Some(memory) = &self.memory {
            match memory.count(None).await {
                Ok(entries) => tracing::info!(entries, "memory is up"),
                Err(error) => tracing::warn!(%error, "memory does not answer; going on without it"),
            }
        }
        if let Some(assistant) = &self.assistant {
            assistant.start().await;
        }
    }

    /// Stops what [`Parts::bring_up`] brought up.
    pub(crate) async fn shut_down(&self) {
        if let Some(assistant) = &self.assistant {
            assistant.stop().await;
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.slots = Arc::new(Semaphore::new(limits.executors.max(1)));
        self.limits = limits;
        self
    }
}
