//! The state of the machine and of the parts, sampled through a port and kept bounded: the last hour closely, the
//! last four weeks by the hour.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Pause between two samples, milliseconds.
pub const SAMPLE_EVERY_MS: i64 = 30_000;
/// Samples that are kept closely: the last hour.
pub const RECENT_LIMIT: usize = 120;
/// Hours of which the room on the disk is kept: four weeks.
pub const HOURS_LIMIT: usize = 28 * 24;
/// An hour, in milliseconds.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Whether a part answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Whether it answered, and answered as well as it can.
    pub ok: bool,
    /// What is wrong, where something is; or what should be known although it answers: an index that is being built.
    pub detail: Option<String>,
    /// How long it took to answer, milliseconds.
    pub answered_ms: u64,
}

/// What was seen at one moment; what cannot be known here is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Share of the processors' time that was used since the sample before, in 0..=1.
    pub processor: Option<f64>,
    /// Bytes of memory of the machine.
    pub memory_total: Option<u64>,
    /// Bytes of it that programs may still have.
    pub memory_available: Option<u64>,
    /// Bytes of memory that this program holds.
    pub own_memory: Option<u64>,
    /// Bytes of the disk that holds the data directory.
    pub disk_total: Option<u64>,
    /// Bytes of it that are free to this program.
    pub disk_free: Option<u64>,
    /// Effects that wait for delivery.
    pub outbox: Option<u64>,
    /// Jobs that wait; at least so many.
    pub jobs: Option<u64>,
    /// Open incidents.
    pub incidents: Option<u64>,
    /// The process engine.
    pub engine: Health,
    /// Memory.
    pub memory: Health,
}

/// Says how the machine and the parts are.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Looks once; must answer within seconds, whatever hangs.
    async fn sample(&self, now_ms: i64) -> Sample;
}

/// The room on the disk at the end of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Free bytes.
    pub free: u64,
}

#[derive(Debug, Default)]
struct Kept {
    recent: VecDeque<Sample>,
    hours: VecDeque<Hour>,
}

/// What was sampled; shared between the watcher and whoever shows it, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Vitals(Arc<Mutex<Kept>>);

impl Vitals {
    /// Takes a sample in; true where a new hour began with it, so that the hours are worth keeping.
    pub fn take(&self, sample: Sample) -> bool {
        let mut kept = self.0.lock();
        let last = kept.hours.back().map(|hour| hour.at_ms);
        let begins = last.is_none_or(|last| sample.at_ms.saturating_sub(last) >= HOUR_MS);
        let hour = sample.disk_free.filter(|_| begins).map(|free| Hour { at_ms: sample.at_ms, free });
        kept.hours.extend(hour);
        while kept.hours.len() > HOURS_LIMIT {
            kept.hours.pop_front();
        }
        kept.recent.push_back(sample);
        while kept.recent.len() > RECENT_LIMIT {
            kept.recent.pop_front();
        }
        hour.is_some()
    }

    /// The newest sample.
    #[must_use]
    pub fn newest(&self) -> Option<Sample> {
        self.0.lock().recent.back().cloned()
    }

    /// The samples of the last hour, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<Sample> {
        self.0.lock().recent.iter().cloned().collect()
    }

    /// The room on the disk by the hour, oldest first.
    #[must_use]
    pub fn hours(&self) -> Vec<Hour> {
        self.0.lock().hours.iter().copied().collect()
    }

    /// Puts back the hours that were kept before a restart.
    pub fn restore(&self, hours: Vec<Hour>) {
        let mut kept = self.0.lock();
        if kept.hours.is_empty() {
            kept.hours.extend(hours.into_iter().rev().take(HOURS_LIMIT));
            kept.hours.make_contiguous().reverse();
        }
    }
}
