//! What can go wrong with the trail.

/// An error of the trail or of the store behind it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store behind the trail did not answer or refused.
    #[error("the trail's store failed: {0}")]
    Store(String),
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "TRAIL-0001",
        }
    }
}
