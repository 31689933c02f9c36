//! What can go wrong in the assistant, with stable codes.

use crate::tree::Fault;

/// An error of the assistant. `DAS-0001` to `DAS-0019` are about trees and texts, `DAS-0020` and on about building
/// systems.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A process tree breaks rules.
    #[error("the process tree is not well formed: {}", list(.0))]
    Tree(Vec<Fault>),
    /// An edit cannot be done.
    #[error("cannot edit node '{id}': {why}")]
    Edit {
        /// The node.
        id: String,
        /// Why not.
        why: String,
    },
    /// The text says nothing that could be a process.
    #[error("the text names no step: {why}")]
    NoStep {
        /// What was looked for.
        why: String,
    },
    /// The text is too long.
    #[error("the text has {bytes} bytes; at most {limit} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An instruction for a change was not understood.
    #[error("the instruction '{instruction}' is not understood: {why}")]
    Instruction {
        /// What was said.
        instruction: String,
        /// What is missing.
        why: String,
    },
    /// The BPMN that belongs to it is wrong.
    #[error("the process model: {0}")]
    Model(String),
    /// A file of requirements cannot be read.
    #[error("{place}: {why}")]
    Source {
        /// File, and line where there is one.
        place: String,
        /// Why not.
        why: String,
        /// The way out.
        hint: &'static str,
    },
    /// The graph refused or failed.
    #[error(transparent)]
    Ontology(#[from] ontology::Error),
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The kernel refused or failed.
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
    /// Memory refused or failed.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// Work broke off.
    #[error("the work broke off: {0}")]
    Stopped(String),
    /// An offer cannot be decided on.
    #[error("the suggestion '{id}' cannot be decided on: {why}")]
    Offer {
        /// Its id.
        id: String,
        /// Why not.
        why: String,
    },
    /// A proposal cannot be decided on or taken back.
    #[error("the proposal '{id}': {why}")]
    Proposal {
        /// Its id.
        id: String,
        /// Why not.
        why: String,
    },
    /// What people did cannot be kept.
    #[error("what was done cannot be kept: {0}")]
    Act(String),
    /// A policy cannot be kept or found.
    #[error("the policy '{name}': {why}")]
    Policy {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// An event log cannot be read or used.
    #[error("the event log: {why}")]
    Log {
        /// Why not.
        why: String,
    },
    /// A transcript cannot be read.
    #[error("'{file}' is no transcript that can be read: {why}")]
    Transcript {
        /// Its name.
        file: String,
        /// Why not.
        why: String,
    },
    /// Versions cannot be tried side by side.
    #[error("the versions of {process} cannot be tried side by side: {why}")]
    Trial {
        /// The process.
        process: String,
        /// Why not.
        why: String,
    },
    /// A case cannot be forecast.
    #[error("no forecast: {why}")]
    NoForecast {
        /// Why not.
        why: String,
    },
    /// Files for an evaluation cannot be read.
    #[error("cannot evaluate '{path}': {why}")]
    Evaluation {
        /// The file or folder.
        path: String,
        /// Why not.
        why: String,
    },
}

fn list(faults: &[Fault]) -> String {
    const SHOWN: usize = 5;
    let mut text = faults.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if faults.len() > SHOWN {
        text.push_str(&format!("; and {} more", faults.len() - SHOWN));
    }
    text
}

impl Error {
    /// Its stable code; `docs/errors/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Tree(_) => "DAS-0001",
            Self::Edit { .. } => "DAS-0002",
            Self::NoStep { .. } => "DAS-0003",
            Self::TooLong { .. } => "DAS-0004",
            Self::Instruction { .. } => "DAS-0005",
            Self::Model(_) => "DAS-0006",
            Self::Evaluation { .. } => "DAS-0007",
            Self::Log { .. } => "DAS-0010",
            Self::Source { .. } => "DAS-0020",
            Self::Ontology(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Kernel(error) => error.code(),
            Self::Memory(error) => error.code(),
            Self::Stopped(_) => "DAS-0021",
            Self::Offer { .. } => "DAS-0022",
            Self::Transcript { .. } => "DAS-0023",
            Self::Proposal { .. } => "DAS-0024",
            Self::Act(_) => "DAS-0025",
            Self::Policy { .. } => "DAS-0026",
            Self::NoForecast { .. } => "DAS-0040",
            Self::Trial { .. } => "DAS-0041",
        }
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Tree(_) => Some("repair the nodes named, or describe the process in words"),
            Self::Edit { .. } => Some("use the id of a node that the process has"),
            Self::NoStep { .. } => {
                Some("say what is done, with verbs: 'check the order, then ship the goods'")
            }
            Self::TooLong { .. } => Some("describe one process at a time"),
            Self::Instruction { .. } => {
                Some("say for instance 'add an approval before shipping' or 'remove the second check'")
            }
            Self::Model(_) => Some("check the file with procos check"),
            Self::Log { .. } => Some(
                "give XES, or CSV with a column each for case, activity and time, with at least one event",
            ),
            Self::Source { hint, .. } => Some(hint),
            Self::Memory(error) => Some(error.hint()),
            Self::Ontology(_) | Self::Engine(_) | Self::Kernel(_) => None,
            Self::Stopped(_) => Some("try again; the log says more"),
            Self::Proposal { .. } => {
                Some("list the proposals again: its state and what it changed stand there")
            }
            Self::Act(_) => Some("send at most 100 acts at once, with names of at most 300 bytes"),
            Self::Policy { .. } => {
                Some("docs/das.md says what a policy may hold; `procos policy list` names them")
            }
            Self::Offer { .. } => Some("list the suggestions again: it may have been decided or withdrawn"),
            Self::Transcript { .. } => Some(
                "give JSON lines with role and content, or text in which lines begin with 'User:' and 'Assistant:'",
            ),
            Self::Trial { .. } => Some(
                "name two versions or more, each once, with a floor of at most 1 divided by their number",
            ),
            Self::NoForecast { .. } => Some(
                "declare how long its tasks take (procos:simulation), or run more cases; docs/simulation.md says what is simulated",
            ),
            Self::Evaluation { .. } => Some("the folder holds pairs NAME.txt and NAME.bpmn"),
        }
    }
}
