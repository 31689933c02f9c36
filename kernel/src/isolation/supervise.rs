//! The stage that outlives the tool: starts it, watches what it uses, ends everything it started, and says how it
//! went as one JSON object on standard output.

use std::io::{Read, Write};
use std::os::unix::fs::chown;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, Uid};

use super::survey::{Survey, disk_bytes, end_all};
use super::{Ended, Level, Plan, REFUSAL, REFUSED, SELF, Stopped};

const MIB: u64 = 1024 * 1024;
/// What stands in the scratch directory beside the tool's own files, at most: one file that reaches its limit is the
/// tool's own failure, and only many together are stopped from here.
const OWN_FILES: u64 = MIB;
/// Shortest and longest pause between two looks at the tool.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));
/// How often memory and disk are measured.
const MEASURE: Duration = Duration::from_millis(50);
/// The tool's standard input, in its scratch directory.
pub(super) const INPUT: &str = "input.json";
/// First user number of tools where the supervisor is root; each run adds its own process number.
const FIRST_ACCOUNT: u32 = 2_000_000_000;

/// Runs the plan to its end.
pub(super) fn supervise(plan: &Plan) -> ExitCode {
    let ended = run(plan).unwrap_or_else(|problem| Ended { refused: Some(problem), ..Ended::default() });
    let text = serde_json::to_string(&ended).unwrap_or_default();
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(plan: &Plan) -> Result<Ended, String> {
    prctl::set_child_subreaper(true).map_err(|error| format!("cannot adopt what it starts: {error}"))?;
    let mut plan = plan.clone();
    if Uid::effective().is_root() {
        let account = FIRST_ACCOUNT + std::process::id();
        give_away(&plan, account)
            .map_err(|error| format!("cannot give the scratch directory away: {error}"))?;
        plan.account = Some(account);
    } else if plan.level < Level::Namespaces {
        // The limit counts all processes of the user, so what runs already is added.
        plan.limits.processes += processes_of_user();
    }
    let mut tool = start(&plan)?;
    let cut = Arc::new(AtomicBool::new(false));
    let limit = plan.limits.output_kib * 1024;
    let stdout = tool.stdout.take().map(|pipe| collect(pipe, limit, &cut));
    let stderr = tool.stderr.take().map(|pipe| collect(pipe, limit, &cut));
    let gone = watch_lifeline();
    let (status, stopped) = watch(&plan, &tool, &cut, &gone);
    let survivors = Survey::take().living();
    if !end_all() {
        return Err("some of its processes could not be ended".to_owned());
    }
    let text = |reader: Option<JoinHandle<Vec<u8>>>| {
        let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    let (exit, signal) = match status {
        Some(WaitStatus::Exited(_, code)) => (Some(code), None),
        Some(WaitStatus::Signaled(_, signal, _)) => (None, Some(signal as i32)),
        _ => (None, None),
    };
    let refused = (exit == Some(i32::from(REFUSED)))
        .then(|| stderr.trim().strip_prefix(REFUSAL).map(str::to_owned))
        .flatten();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let milliseconds = |time: nix::sys::time::TimeVal| {
        time.tv_sec().unsigned_abs() * 1_000 + time.tv_usec().unsigned_abs() / 1_000
    };
    let survivors = if stopped.is_none() { survivors } else { 0 };
    Ok(Ended {
        exit,
        signal,
        stopped: stopped.or_else(|| cut.load(Ordering::Acquire).then_some(Stopped::Output)),
        refused,
        stdout,
        stderr,
        cpu_ms: milliseconds(used.user_time()) + milliseconds(used.system_time()),
        peak_kib: used.max_rss().unsigned_abs(),
        survivors,
    })
}

fn start(plan: &Plan) -> Result<Child, String> {
    let input =
        std::fs::File::open(plan.scratch.join(INPUT)).map_err(|error| format!("no input: {error}"))?;
    let stage = if plan.level >= Level::Namespaces { "enter" } else { "confine" };
    let text = serde_json::to_string(plan).map_err(|error| error.to_string())?;
    Command::new(SELF)
        .args([super::spawn::SUBCOMMAND, stage, &text])
        .env_clear()
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start the launcher: {error}"))
}

/// Until the tool ends or has to.
fn watch(
    plan: &Plan,
    tool: &Child,
    cut: &AtomicBool,
    gone: &AtomicBool,
) -> (Option<WaitStatus>, Option<Stopped>) {
    let pid = Pid::from_raw(i32::try_from(tool.id()).unwrap_or(0));
    let deadline = Instant::now() + Duration::from_millis(plan.limits.wall_ms);
    let (mut pause, longest) = PAUSES;
    let mut measured = Instant::now();
    loop {
        // Orphans that this process has adopted are reaped on the way.
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(status) if status.pid() == Some(pid) => return (Some(status), None),
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => {}
            Ok(_) => continue,
            Err(_) => return (None, None),
        }
        let now = Instant::now();
        let stopped = if gone.load(Ordering::Acquire) {
            Some(Stopped::Cancelled)
        } else if cut.load(Ordering::Acquire) {
            Some(Stopped::Output)
        } else if now >= deadline {
            Some(Stopped::Wall)
        } else if now.duration_since(measured) >= MEASURE {
            measured = now;
            overuse(plan)
        } else {
            None
        };
        if stopped.is_some() {
            return (None, stopped);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(longest);
    }
}

fn overuse(plan: &Plan) -> Option<Stopped> {
    if Survey::take().resident_bytes() > plan.limits.memory_mib * MIB {
        return Some(Stopped::Memory);
    }
    (disk_bytes(&plan.scratch) > plan.limits.disk_mib * MIB + OWN_FILES).then_some(Stopped::Disk)
}

/// Reads a pipe up to the limit; beyond it says so and reads no more.
fn collect(mut pipe: impl Read + Send + 'static, limit: u64, cut: &Arc<AtomicBool>) -> JoinHandle<Vec<u8>> {
    let cut = Arc::clone(cut);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _broken = Read::by_ref(&mut pipe).take(limit).read_to_end(&mut bytes);
        let mut one_more = [0];
        if matches!(pipe.read(&mut one_more), Ok(1)) {
            cut.store(true, Ordering::Release);
        }
        bytes
    })
}

/// Standard input is the lifeline: when its other end closes, whoever asked is gone.
fn watch_lifeline() -> Arc<AtomicBool> {
    let gone = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&gone);
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
        flag.store(true, Ordering::Release);
    });
    gone
}

fn give_away(plan: &Plan, account: u32) -> std::io::Result<()> {
    for entry in std::fs::read_dir(&plan.scratch)? {
        chown(entry?.path(), Some(account), Some(account))?;
    }
    chown(&plan.scratch, Some(account), Some(account))
}

fn processes_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let user = Uid::current().as_raw();
    let own = |entry: &std::fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            && entry.metadata().is_ok_and(|found| found.uid() == user)
    };
    let threads = |entry: std::fs::DirEntry| {
        std::fs::read_dir(entry.path().join("task")).map_or(1, |tasks| tasks.count() as u64)
    };
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter(own).map(threads).sum()
}
