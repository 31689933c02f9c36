//! How a deterministic tool is kept from everything but its own work: the ladder, what is handed down it, and what
//! comes back.
//!
//! | rung | adds | keeps out |
//! | --- | --- | --- |
//! | `limits` | own session, cleared environment, scratch directory, resource limits, wall deadline, no survivors | runaway work |
//! | `landlock` | Landlock and seccomp: its scratch and read-only system paths; no socket, no tracing, no mounts | files, network, other processes |
//! | `namespaces` | own user, process, network, IPC and host-name namespaces | seeing any other process; the whole tree dies with its first process |
//! | `container` | a container engine | the same by other means, with programs of its own |
//!
//! A run goes through three processes of the same binary: the server starts `supervise`, which outlives the tool and
//! kills and reaps everything it started; `supervise` starts `confine` (through `enter` for namespaces), which gives
//! up every right and then becomes the tool. The server holds one end of a pipe: when it goes away, however that
//! happens, the supervisor ends the tool.

mod calls;
mod confine;
mod container;
mod enter;
mod files;
mod probe;
mod spawn;
mod supervise;
mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Deserialize, Serialize};

pub use container::{ContainerSettings, Containers};
pub use probe::{Rung, probe};
pub use spawn::{Launcher, SUBCOMMAND};

/// A rung of the ladder; a higher one keeps out all that the lower ones do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Resource limits only.
    Limits,
    /// Limits, Landlock and seccomp.
    #[default]
    Landlock,
    /// The same in namespaces of its own.
    Namespaces,
    /// A container.
    Container,
}

impl Level {
    /// All rungs, the lowest first.
    pub const ALL: [Self; 4] = [Self::Limits, Self::Landlock, Self::Namespaces, Self::Container];

    /// The rung with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.to_string() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limits => "limits",
            Self::Landlock => "landlock",
            Self::Namespaces => "namespaces",
            Self::Container => "container",
        })
    }
}

/// What one run of a tool may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolLimits {
    /// Processor time of each process, seconds.
    pub cpu_s: u64,
    /// Time by the clock, milliseconds.
    pub wall_ms: u64,
    /// Address space of each process, and memory in use by all of them together, MiB.
    pub memory_mib: u64,
    /// Standard output, and the same again of standard error, KiB.
    pub output_kib: u64,
    /// All files in the scratch directory together, MiB; no single file may be larger either.
    pub disk_mib: u64,
    /// Files open at once in each process.
    pub open_files: u64,
    /// Processes and threads at once.
    pub processes: u64,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self {
            cpu_s: 10,
            wall_ms: 30_000,
            memory_mib: 512,
            output_kib: 1_024,
            disk_mib: 64,
            open_files: 64,
            processes: 32,
        }
    }
}

/// What the launcher is told to run. It travels as an argument, so nothing secret belongs in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Rung of the ladder.
    pub level: Level,
    /// Absolute path of the program, then its arguments.
    pub command: Vec<String>,
    /// Directory it works in: the only one it may write.
    pub scratch: PathBuf,
    /// What it may read and execute besides.
    pub reads: Vec<PathBuf>,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// Its limits.
    pub limits: ToolLimits,
    /// User and group number it runs under, where the launcher is root: one of its own for each run.
    pub account: Option<u32>,
}

/// What ended a tool before it ended itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The wall deadline.
    Wall,
    /// Memory in use by all its processes.
    Memory,
    /// More output than allowed.
    Output,
    /// More in its scratch directory than allowed.
    Disk,
    /// Whoever asked for it went away, or cancelled it.
    Cancelled,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wall => "the wall deadline passed",
            Self::Memory => "it used more memory than allowed",
            Self::Output => "it wrote more output than allowed",
            Self::Disk => "it filled more disk than allowed",
            Self::Cancelled => "it was cancelled",
        })
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Exit code, where it exited.
    pub exit: Option<i32>,
    /// Number of the signal that ended it.
    pub signal: Option<i32>,
    /// What stopped it before it ended itself.
    pub stopped: Option<Stopped>,
    /// Why the isolation could not be set up; then the tool never ran.
    pub refused: Option<String>,
    /// Standard output, as text.
    pub stdout: String,
    /// Standard error, as text.
    pub stderr: String,
    /// Processor time of the tool and what it started, milliseconds.
    pub cpu_ms: u64,
    /// Largest resident memory of one of its processes, KiB.
    pub peak_kib: u64,
    /// Processes that still ran when the tool had ended, and were killed.
    pub survivors: usize,
}

/// Exit code by which the stages say that the isolation could not be set up.
const REFUSED: u8 = 125;
/// How a stage begins what it says about that.
const REFUSAL: &str = "isolation: ";
/// This binary, whatever its path allows: the stages may have given up the right to walk there.
const SELF: &str = "/proc/self/exe";

/// The hidden launcher of the binary: `supervise`, `enter` or `confine`, with the plan as JSON.
///
/// Must be called before any thread is started.
#[must_use]
pub fn launch(stage: &str, plan: &str) -> ExitCode {
    let plan: Plan = match serde_json::from_str(plan) {
        Ok(plan) => plan,
        Err(error) => return refuse(&format!("the plan cannot be read: {error}")),
    };
    let problem = match stage {
        "supervise" => return supervise::supervise(&plan),
        "enter" => enter::enter(&plan),
        "confine" => confine::confine(&plan),
        other => Err(format!("there is no stage {other:?}")),
    };
    match problem {
        Ok(code) => code,
        Err(problem) => refuse(&problem),
    }
}

/// Processor time that this process has used so far.
///
/// # Errors
/// What the kernel says.
pub fn processor_time() -> std::io::Result<Duration> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = |value: TimeVal| Duration::from_micros(value.num_microseconds().unsigned_abs());
    Ok(time(used.user_time()) + time(used.system_time()))
}

/// Says on standard error why the tool did not run.
fn refuse(problem: &str) -> ExitCode {
    use std::io::Write;
    // Nobody listening is no reason to panic.
    let _ = writeln!(std::io::stderr(), "{REFUSAL}{problem}");
    ExitCode::from(REFUSED)
}
