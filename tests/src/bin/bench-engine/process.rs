//! Processor time and memory of a process, as Linux tells them.

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc/PID/stat`: fixed by the kernel's interface to programs.
const TICKS: f64 = 100.0;

/// What a process used up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Processor time, seconds.
    pub(crate) cpu_s: f64,
    /// Resident memory, megabytes.
    pub(crate) memory_mb: f64,
}

impl Load {
    /// Of a process.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let after_name =
            stat.rsplit_once(") ").map(|(_, rest)| rest).context("/proc/PID/stat reads oddly")?;
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("/proc/PID/stat is short")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: f64 = resident
            .and_then(|text| text.trim().trim_end_matches(" kB").parse().ok())
            .context("/proc/PID/status names no VmRSS")?;
        Ok(Self { cpu_s: (user + system) / TICKS, memory_mb: kilobytes / 1024.0 })
    }

    /// Time since then, memory now.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { cpu_s: self.cpu_s - before.cpu_s, ..self }
    }
}
