//! Places around a commit at which a test kills the process.

/// Where the writer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailPoint {
    /// Requests are taken out of the queue.
    Taken,
    /// The transaction is open.
    Begun,
    /// Rows are written, the trail is not.
    RowsWritten,
    /// Rows and trail are written and not committed.
    TrailWritten,
    /// The transaction is durable, and nobody knows it.
    Committed,
    /// The first caller knows it.
    Answered,
}

/// The writer comes by.
#[cfg(not(test))]
pub(crate) fn pass(_: FailPoint) {}

/// The writer comes by; a test may have asked for its end.
#[cfg(test)]
pub(crate) fn pass(point: FailPoint) {
    crate::tests::kills::pass(point);
}
