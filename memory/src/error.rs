//! What can go wrong with memory.

/// An error of memory.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("memory at {place} failed: {detail}")]
    Store {
        /// A directory or an address.
        place: String,
        /// What it said.
        detail: String,
    },
    /// A limit was passed.
    #[error("memory's limit {limit} was passed: {detail}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// What passed it.
        detail: String,
    },
    /// The call does not make sense.
    #[error("memory cannot do that: {0}")]
    Invalid(String),
    /// The directory holds a memory made with other settings.
    #[error("memory at {place} does not fit the configuration: {detail}")]
    Mismatch {
        /// The directory.
        place: String,
        /// What differs.
        detail: String,
    },
    /// The disk has too little room to write safely.
    #[error("memory at {place} was not written: {} MB of disk are free, {} MB are needed", free / 1_000_000, needed.div_ceil(1_000_000))]
    Full {
        /// The directory.
        place: String,
        /// Free bytes.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store { .. } => "MEM-0001",
            Self::Limit { .. } => "MEM-0002",
            Self::Invalid(_) => "MEM-0003",
            Self::Mismatch { .. } => "MEM-0004",
            Self::Full { .. } => "MEM-0005",
        }
    }

    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Store { .. } => "check disk space and the directory, or that the Qdrant server answers",
            Self::Limit { .. } => "store less in one call, or shorter texts",
            Self::Invalid(_) => "say what to forget: ids, a kind, a system, a source or a time",
            Self::Full { .. } => "free disk space; what was to be stored waits and is stored then",
            Self::Mismatch { .. } => "restore the former embedding model, or rebuild memory from the trail",
        }
    }
}
