//! The census: how many PDOs and TDEs live right now. After an instance ended it must say zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts live PDOs and TDEs; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Census(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    pdos: AtomicUsize,
    tdes: AtomicUsize,
    born: AtomicUsize,
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// A process definition orchestrator.
    Pdo,
    /// A task definition executor.
    Tde,
}

impl Census {
    /// Live PDOs.
    #[must_use]
    pub fn pdos(&self) -> usize {
        self.0.pdos.load(Ordering::SeqCst)
    }

    /// Live TDEs.
    #[must_use]
    pub fn tdes(&self) -> usize {
        self.0.tdes.load(Ordering::SeqCst)
    }

    /// PDOs and TDEs ever begun.
    #[must_use]
    pub fn born(&self) -> usize {
        self.0.born.load(Ordering::SeqCst)
    }

    /// Counts a worker for as long as the ticket lives, however the worker ends.
    #[must_use]
    pub(crate) fn enter(&self, worker: Worker) -> Ticket {
        self.0.counter(worker).fetch_add(1, Ordering::SeqCst);
        self.0.born.fetch_add(1, Ordering::SeqCst);
        Ticket { counts: Arc::clone(&self.0), worker }
    }
}

impl Counts {
    fn counter(&self, worker: Worker) -> &AtomicUsize {
        match worker {
            Worker::Pdo => &self.pdos,
            Worker::Tde => &self.tdes,
        }
    }
}

/// Proof of being alive.
#[derive(Debug)]
pub(crate) struct Ticket {
    counts: Arc<Counts>,
    worker: Worker,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.counts.counter(self.worker).fetch_sub(1, Ordering::SeqCst);
    }
}
