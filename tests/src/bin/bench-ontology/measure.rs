//! Times and memory.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long something took, again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn at(&self, share: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((self.0.len() * share / 100).min(last)).copied().unwrap_or_default()
    }

    pub(crate) fn p50(&self) -> Duration {
        self.at(50)
    }

    pub(crate) fn p95(&self) -> Duration {
        self.at(95)
    }
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

/// How long something takes once.
pub(crate) async fn once<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let began = Instant::now();
    let made = work.await?;
    Ok((made, began.elapsed()))
}

/// Memory of this process, megabytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    resident: f64,
    peak: f64,
}

impl Memory {
    pub(crate) fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok())
                .map(|kilobytes| kilobytes / 1_000.0)
                .with_context(|| format!("/proc/self/status names no {name}"))
        };
        Ok(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }

    /// Lets the peak begin anew; where the kernel does not allow it, the peak is that of the whole run.
    pub(crate) fn forget_peak() {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }

    /// Growth since then.
    pub(crate) fn since(self, before: Self) -> f64 {
        self.resident - before.resident
    }

    /// How far the peak lies above what is resident at another time.
    pub(crate) fn peak_above(self, other: Self) -> f64 {
        self.peak - other.resident
    }
}
