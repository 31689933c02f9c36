//! The last stage: gives up every right that the tool does not need, then becomes the tool.

use std::io::Error as IoError;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chdir, close, setgroups, setresgid, setresuid, setsid};

use super::{Level, Plan, ToolLimits, calls, files};

const MIB: u64 = 1024 * 1024;
/// First file descriptor that is not standard input, output or error.
const FIRST_OTHER: i32 = 3;

/// Confines this process and executes the tool; returns only where that failed.
pub(super) fn confine(plan: &Plan) -> Result<ExitCode, String> {
    let step = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    let (program, arguments) = plan.command.split_first().ok_or("the plan names no program")?;
    close_all_others()?;
    umask(Mode::from_bits_truncate(0o077));
    // The supervisor's session would let it write to a terminal. A first process of a namespace leads already.
    let _already_leads = setsid();
    chdir(&plan.scratch).map_err(step("cannot enter the scratch directory"))?;
    // Opened while this process may still walk anywhere; enforced at the very end.
    let confined = plan.level >= Level::Landlock;
    let ruleset = if confined { Some(files::ruleset(plan)?) } else { None };
    limit(&plan.limits).map_err(step("cannot set limits"))?;
    if let Some(account) = plan.account {
        become_account(account).map_err(step("cannot take an account of its own"))?;
    }
    // After the change of account, which would clear it.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(step("cannot tie the tool to its supervisor"))?;
    prctl::set_no_new_privs().map_err(step("cannot rule out new privileges"))?;
    if let Some(ruleset) = ruleset {
        let signals = files::enforce(ruleset)?;
        calls::deny(signals)?;
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&plan.environment);
    let error: IoError = command.exec();
    Err(format!("cannot execute {program}: {error}"))
}

/// Takes a user and group number that nobody else has, and no further groups.
pub(super) fn become_account(account: u32) -> nix::Result<()> {
    let (user, group) = (Uid::from_raw(account), Gid::from_raw(account));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)
}

fn close_all_others() -> Result<(), String> {
    let listing =
        std::fs::read_dir("/proc/self/fd").map_err(|error| format!("cannot list /proc: {error}"))?;
    let open: Vec<i32> = listing
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor >= FIRST_OTHER)
        .collect();
    for descriptor in open {
        // The listing's own one is closed already.
        let _gone = close(descriptor);
    }
    Ok(())
}

fn limit(limits: &ToolLimits) -> nix::Result<()> {
    let set = |resource: Resource, value: u64| setrlimit(resource, value, value);
    // The soft limit ends it by a signal, the hard one a second later kills it whatever it does about that.
    setrlimit(Resource::RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1)?;
    set(Resource::RLIMIT_AS, limits.memory_mib * MIB)?;
    set(Resource::RLIMIT_FSIZE, limits.disk_mib * MIB)?;
    set(Resource::RLIMIT_NOFILE, limits.open_files)?;
    set(Resource::RLIMIT_NPROC, limits.processes)?;
    set(Resource::RLIMIT_CORE, 0)?;
    set(Resource::RLIMIT_MEMLOCK, 0)?;
    set(Resource::RLIMIT_MSGQUEUE, 0)
}
