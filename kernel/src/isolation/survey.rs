//! What a supervisor's descendants are and use, from `/proc`, and how all of them are ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How long killing may take before it is given up: milliseconds on a machine with a free core, more on one that
/// has other work to do.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long of that multiplying processes are stopped one by one.
const STOPPING: Duration = Duration::from_secs(1);
/// Between two looks while killing.
const PAUSE: Duration = Duration::from_millis(2);
/// Entries of a scratch directory that are counted before it is taken to be too large.
const MAX_ENTRIES: usize = 100_000;
/// What a file takes at least, so that a million empty ones are not free.
const BLOCK: u64 = 512;

/// A process as `/proc/<pid>/stat` tells.
struct Process {
    parent: i32,
    state: u8,
    resident_pages: u64,
}

/// Everything that descends from this process, with resident memory in bytes.
pub(super) struct Survey {
    processes: BTreeMap<i32, Process>,
}

impl Survey {
    /// Looks at all processes of the machine once.
    pub(super) fn take() -> Self {
        let mut all: BTreeMap<i32, Process> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(process) = std::fs::read_to_string(entry.path().join("stat")).ok().and_then(parse) {
                all.insert(pid, process);
            }
        }
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut inside = BTreeSet::from([own]);
        loop {
            let more: Vec<i32> = all
                .iter()
                .filter(|(pid, process)| inside.contains(&process.parent) && !inside.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            inside.extend(more);
        }
        inside.remove(&own);
        all.retain(|pid, _| inside.contains(pid));
        Self { processes: all }
    }

    /// Processes that live.
    pub(super) fn living(&self) -> usize {
        self.processes.values().filter(|process| process.state != b'Z').count()
    }

    /// Resident memory of all of them, bytes.
    pub(super) fn resident_bytes(&self) -> u64 {
        let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4_096);
        let pages: u64 = self.processes.values().map(|process| process.resident_pages).sum();
        pages.saturating_mul(page.unsigned_abs())
    }
}

/// Ends every descendant and reaps it. Each one is stopped first: a stopped process keeps its place under the limit
/// on processes, so that whatever multiplies runs out of places instead of running ahead.
pub(super) fn end_all() -> bool {
    let begun = Instant::now();
    while begun.elapsed() < STOPPING {
        let found = Survey::take();
        let mut running = false;
        for (pid, process) in &found.processes {
            if !matches!(process.state, b'T' | b't' | b'Z' | b'X') {
                running = true;
                let _gone = kill(Pid::from_raw(*pid), Signal::SIGSTOP);
            }
        }
        if !running {
            break;
        }
    }
    while begun.elapsed() < PATIENCE {
        for pid in Survey::take().processes.keys() {
            let _gone = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::ECHILD) => return true,
                Ok(nix::sys::wait::WaitStatus::StillAlive) | Err(_) => break,
                Ok(_) => {}
            }
        }
        std::thread::sleep(PAUSE);
    }
    false
}

/// Bytes in all files below a directory.
pub(super) fn disk_bytes(directory: &Path) -> u64 {
    let mut waiting = vec![directory.to_owned()];
    let (mut bytes, mut entries) = (0_u64, 0);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return u64::MAX;
            }
            // Not followed: a link to elsewhere is none of its files.
            let Ok(found) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(found.len().max(BLOCK));
            if found.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    bytes
}

/// `pid (name) state parent …`; the name may hold anything, so what follows its last bracket counts.
fn parse(stat: String) -> Option<Process> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    Some(Process {
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        resident_pages: fields.get(21)?.parse().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_holds_brackets_and_spaces_is_still_read() {
        let mut line = "42 (a) R b) S 7 ".to_owned();
        line.push_str(&"0 ".repeat(19));
        line.push_str("123 0 0");
        let process = parse(line).unwrap();
        assert_eq!((process.state, process.parent, process.resident_pages), (b'S', 7, 123));
    }
}
