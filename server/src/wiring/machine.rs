//! How the machine and the parts are: read from the kernel's own files, the disk, the database and the parts
//! themselves. Where one does not say, its number is left out; nothing is waited for longer than [`ANSWER_TIME`].

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use das::watch::{Health, Machine, Sample};
use engine::ProcessEngine;
use engine::port::JobFilter;
use kernel::Workspace;
use memory::{Memory, Query};
use parking_lot::Mutex;
use persistence::Database;

/// How long a part may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// Waiting jobs that are counted at most.
const JOBS_MAX: usize = 10_000;
const KIB: u64 = 1024;

/// The machine this server runs on.
pub(super) struct Host {
    pub(super) engine: Arc<dyn ProcessEngine>,
    /// Where Camunda is, where that is the engine: it is asked itself.
    pub(super) camunda: Option<camunda::Settings>,
    pub(super) memory: Arc<dyn Memory>,
    pub(super) database: Database,
    pub(super) workspace: Option<Workspace>,
    /// Busy and all time of the processors when they were looked at last.
    pub(super) before: Mutex<Option<(u64, u64)>>,
}

#[async_trait]
impl Machine for Host {
    async fn sample(&self, now_ms: i64) -> Sample {
        let waiting = JobFilter { limit: JOBS_MAX, ..JobFilter::default() };
        let (engine, mut memory, outbox, jobs, incidents) = tokio::join!(
            health(self.ask_engine(), ANSWER_TIME),
            health(self.ask_memory(), ANSWER_TIME),
            answered(self.database.outbox_depth()),
            answered(self.engine.jobs(&waiting)),
            answered(self.engine.incidents(None)),
        );
        if memory.ok {
            memory.detail = self.memory.notice();
        }
        let (disk_free, disk_total) =
            self.workspace.as_ref().and_then(|workspace| workspace.space().ok()).unzip();
        let of_memory = memory_of(&read("/proc/meminfo").unwrap_or_default());
        Sample {
            at_ms: now_ms,
            processor: self.processor(),
            memory_total: of_memory.0,
            memory_available: of_memory.1,
            own_memory: read("/proc/self/status").and_then(|text| kib(&text, "VmRSS:")),
            disk_total,
            disk_free,
            outbox,
            jobs: jobs.map(|jobs| jobs.len() as u64),
            incidents: incidents.map(|incidents| incidents.len() as u64),
            engine,
            memory,
        }
    }
}

impl Host {
    async fn ask_engine(&self) -> Result<(), String> {
        match &self.camunda {
            Some(settings) => settings.version().await.map(|_| ()).map_err(|error| error.to_string()),
            None => self.engine.open_instances(0, 1).await.map(|_| ()).map_err(|error| error.to_string()),
        }
    }

    /// Asks for the newest entry: no text, so no embedding is computed.
    async fn ask_memory(&self) -> Result<(), String> {
        match self.memory.recall(Query::new("").at_most(1)).await {
            Ok(recall) => recall.degraded.map_or(Ok(()), Err),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The share of time that the processors were busy since this was asked last.
    fn processor(&self) -> Option<f64> {
        let now = processor_of(&read("/proc/stat")?)?;
        let before = self.before.lock().replace(now)?;
        let all = now.1.checked_sub(before.1).filter(|all| *all > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "ticks of half a minute are few")]
        let share = now.0.saturating_sub(before.0) as f64 / all as f64;
        Some(share.clamp(0.0, 1.0))
    }
}

async fn health(asked: impl Future<Output = Result<(), String>>, within: Duration) -> Health {
    let began = Instant::now();
    let detail = match tokio::time::timeout(within, asked).await {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(_) => Some(format!("no answer within {} s", within.as_secs())),
    };
    let answered_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Health { ok: detail.is_none(), detail, answered_ms }
}

async fn answered<T, E>(asked: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(ANSWER_TIME, asked).await.ok()?.ok()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(path)).ok()
}

/// Busy and all ticks of all processors since the machine began: proc(5), the first line of `/proc/stat`. Waiting for
/// disks counts as idle; guests are in the time of their hosts.
fn processor_of(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|it| it.parse().ok()).collect();
    let idle = ticks.get(3)? + ticks.get(4).copied().unwrap_or_default();
    let all: u64 = ticks.iter().sum();
    Some((all.saturating_sub(idle), all))
}

/// Bytes of memory, and those available.
fn memory_of(meminfo: &str) -> (Option<u64>, Option<u64>) {
    (kib(meminfo, "MemTotal:"), kib(meminfo, "MemAvailable:"))
}

fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 2 3 4\n";
        assert_eq!(processor_of(stat), Some((150, 1_000)));
        assert_eq!(processor_of("intr 1\n"), None);
        let meminfo = "MemTotal:       16 kB\nMemFree:  1 kB\nMemAvailable:    8 kB\n";
        assert_eq!(memory_of(meminfo), (Some(16 * KIB), Some(8 * KIB)));
        assert_eq!(memory_of(""), (None, None));
    }

    #[tokio::test]
    async fn a_part_that_hangs_is_down_and_named_so() {
        let hangs = health(std::future::pending(), Duration::ZERO).await;
        assert_eq!((hangs.ok, hangs.detail.as_deref()), (false, Some("no answer within 0 s")));
        let refuses = health(async { Err("refused".to_owned()) }, ANSWER_TIME).await;
        assert_eq!(refuses.detail.as_deref(), Some("refused"));
        assert!(health(async { Ok(()) }, ANSWER_TIME).await.ok);
    }
}
