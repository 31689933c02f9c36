//! What the API works with: the ports, and the few words about this server that it shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use context::ContextManager;
use das::proposals::Deciding;
use das::watch::{Machine, People, Vitals};
use das::{Offers, Policies, Proposals};
use engine::clock::Clock;
use engine::{ProcessEngine, Store};
use kernel::{Census, Scores};
use memory::Memory;
use ontology::Ontology;
use trail::Trail;

use crate::jobs::Jobs;

/// The ports behind the API; every one is shared, cloning is cheap.
#[derive(Clone)]
pub struct State {
    /// The process engine.
    pub engine: Arc<dyn ProcessEngine>,
    /// Where runs of tasks and single attempts are read.
    pub store: Arc<dyn Store>,
    /// The trail.
    pub trail: Arc<dyn Trail>,
    /// The knowledge graph.
    pub ontology: Arc<Ontology>,
    /// Vector memory.
    pub memory: Arc<dyn Memory>,
    /// From what memory is filled again.
    pub recollection: Recollection,
    /// The context manager.
    pub contexts: ContextManager,
    /// The language model, where one is configured.
    pub model: Option<Arc<dyn llm::Model>>,
    /// Further models by name, for comparing prompts on them.
    pub models: BTreeMap<String, Arc<dyn llm::Model>>,
    /// Scores.
    pub scores: Arc<dyn Scores>,
    /// Drafts that wait for a decision.
    pub proposals: Arc<dyn Proposals>,
    /// What the watching assistant offered.
    pub offers: Arc<dyn Offers>,
    /// How a decision on a proposal is brought about.
    pub deciding: Deciding,
    /// What people let DAS do without asking.
    pub policies: Policies,
    /// What people did, where they agreed to be watched.
    pub people: People,
    /// What was sampled of the machine.
    pub vitals: Vitals,
    /// Says how the machine is, where nobody samples it.
    pub machine: Option<Arc<dyn Machine>>,
    /// Live PDOs and TDEs.
    pub census: Census,
    /// The BPMN by which they work.
    pub templates: kernel::Templates,
    /// What a bootstrap works with.
    pub bootstrap: das::bootstrap::Deps,
    /// Archetypes and words of packs.
    pub trade: Arc<das::text::Trade>,
    /// Long work that was started.
    pub jobs: Jobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Gives seeds and ids where a caller gives none.
    pub seeds: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// What is shown about this server.
    pub about: About,
}

/// From what memory is filled again, beside the trail.
#[derive(Clone)]
pub struct Recollection {
    /// Memory without its recorder: what comes out of the trail is not written into it again.
    pub memory: Arc<dyn Memory>,
    /// What memory knows from the start, by the time (milliseconds since the Unix epoch).
    pub first: Arc<dyn Fn(i64) -> Vec<memory::Entry> + Send + Sync>,
}

/// What is shown about this server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Version of the program.
    pub version: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// `embedded` or the address of a server.
    pub memory: String,
    /// Where everything is kept.
    pub data_directory: String,
    /// The model that turns speech into text, where one is configured.
    pub speech: Option<String>,
}

/// Who calls; put it into the request's data, `local` counts otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);
