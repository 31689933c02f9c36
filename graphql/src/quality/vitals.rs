//! The state of the machine and of the parts, as it was sampled.

use async_graphql::SimpleObject;
use das::watch;

use crate::scalar::Timestamp;

/// Whether a part answers.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PartHealth {
    /// Whether it answered, and answered as well as it can.
    ok: bool,
    /// What is wrong, where something is; or what should be known although it answers: an index that is being built.
    detail: Option<String>,
    /// How long it took to answer, milliseconds.
    answered_ms: u64,
}

impl From<watch::Health> for PartHealth {
    fn from(health: watch::Health) -> Self {
        Self { ok: health.ok, detail: health.detail, answered_ms: health.answered_ms }
    }
}

/// The machine and the parts at one moment; what cannot be known is null.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Vitals {
    /// When it was sampled.
    at: Timestamp,
    /// Share of the processors' time that was used since the sample before, in 0..1.
    processor: Option<f64>,
    /// Bytes of memory of the machine.
    memory_total_bytes: Option<f64>,
    /// Bytes of it that programs may still have.
    memory_available_bytes: Option<f64>,
    /// Bytes of memory that this server holds.
    own_memory_bytes: Option<f64>,
    /// Bytes of the disk that holds the data directory.
    disk_total_bytes: Option<f64>,
    /// Bytes of it that are free.
    disk_free_bytes: Option<f64>,
    /// Effects on memory and graph that wait for delivery.
    outbox: Option<u64>,
    /// Jobs that wait; at least so many.
    jobs: Option<u64>,
    /// Open incidents.
    incidents: Option<u64>,
    /// The process engine.
    engine: PartHealth,
    /// Memory.
    memory: PartHealth,
}

#[expect(clippy::cast_precision_loss, reason = "bytes of machines stay below 2^53")]
fn number(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64)
}

impl From<watch::Sample> for Vitals {
    fn from(sample: watch::Sample) -> Self {
        Self {
            at: Timestamp(sample.at_ms),
            processor: sample.processor,
            memory_total_bytes: number(sample.memory_total),
            memory_available_bytes: number(sample.memory_available),
            own_memory_bytes: number(sample.own_memory),
            disk_total_bytes: number(sample.disk_total),
            disk_free_bytes: number(sample.disk_free),
            outbox: sample.outbox,
            jobs: sample.jobs,
            incidents: sample.incidents,
            engine: sample.engine.into(),
            memory: sample.memory.into(),
        }
    }
}
