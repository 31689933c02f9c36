//! The stage of the `namespaces` rung: makes namespaces, and starts `confine` as the first process in them.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid};

use super::{Plan, SELF, confine};

/// User and group number that the tool sees as its own.
const INSIDE: u32 = 1_000;
/// What is added to a signal's number in an exit code, as shells do.
const SIGNALLED: i32 = 128;

/// Runs the tool in namespaces of its own and ends as it ended.
pub(super) fn enter(plan: &Plan) -> Result<ExitCode, String> {
    let step = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    if let Some(account) = plan.account {
        confine::become_account(account).map_err(step("cannot take an account of its own"))?;
        // Otherwise the maps below would belong to root.
        prctl::set_dumpable(true).map_err(step("cannot keep its maps"))?;
    }
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(step("cannot tie the tool to its supervisor"))?;
    let (user, group) = (Uid::current(), Gid::current());
    let own = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    unshare(own).map_err(step("namespaces are refused (kernel.apparmor_restrict_unprivileged_userns?)"))?;
    write("setgroups", "deny")?;
    write("uid_map", &format!("{INSIDE} {user} 1"))?;
    write("gid_map", &format!("{INSIDE} {group} 1"))?;
    // The account is taken already; inside there is no other.
    let inner = Plan { account: None, ..plan.clone() };
    let text = serde_json::to_string(&inner).map_err(|error| error.to_string())?;
    let ended = Command::new(SELF)
        .args([super::spawn::SUBCOMMAND, "confine", &text])
        .env_clear()
        .status()
        .map_err(|error| format!("cannot start in the namespaces: {error}"))?;
    let code = ended.code().or_else(|| Some(SIGNALLED + ended.signal()?)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn write(map: &str, line: &str) -> Result<(), String> {
    std::fs::write(format!("/proc/self/{map}"), line).map_err(|error| format!("cannot write {map}: {error}"))
}
