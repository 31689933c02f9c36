//! seccomp: system calls that no tool needs and an attack would.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

/// Answered with "not permitted": sockets of every family, tracing, other processes' memory, mounts, namespaces,
/// keys, kernel programs, asynchronous rings, objects that outlive the process.
const DENIED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_vhangup,
];

/// Flags of `clone` that make namespaces.
const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u64;

/// The second table of system calls on x86-64, for 32-bit pointers: the same calls under other numbers.
#[cfg(target_arch = "x86_64")]
const SECOND_TABLE: i64 = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const SECOND_TABLE_OWN: std::ops::Range<i64> = 512..548;

/// Denies the calls to this process and all it starts. Where `signals_stay_inside` is false, Landlock cannot keep
/// signals inside, and it may send them to itself alone.
pub(super) fn deny(signals_stay_inside: bool) -> Result<(), String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let any_of = |flag: u64| condition(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag);
    let mut makes_namespace = Vec::new();
    for bit in (0..u64::BITS).map(|bit| 1_u64 << bit).filter(|bit| NAMESPACES & bit != 0) {
        makes_namespace.push(rule(any_of(bit)?)?);
    }
    rules.insert(libc::SYS_clone, makes_namespace);
    // Limits of another process: only one's own are one's business.
    let another = condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![rule(another)?]);
    if !signals_stay_inside {
        let own = u64::from(std::process::id());
        for call in [libc::SYS_kill, libc::SYS_tgkill] {
            let other = condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?;
            rules.insert(call, vec![rule(other)?]);
        }
        rules.insert(libc::SYS_tkill, Vec::new());
    }
    deny_second_table(&mut rules);
    // `clone3` hides its flags behind a pointer; where it is missing, libraries fall back to `clone`.
    let hidden = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    apply(hidden, libc::ENOSYS)?;
    apply(rules, libc::EPERM)
}

#[cfg(target_arch = "x86_64")]
fn deny_second_table(rules: &mut BTreeMap<i64, Vec<SeccompRule>>) {
    let calls: Vec<i64> = rules.keys().copied().collect();
    for call in calls.into_iter().chain(SECOND_TABLE_OWN).chain([libc::SYS_clone3]) {
        rules.insert(SECOND_TABLE | call, Vec::new());
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn deny_second_table(_: &mut BTreeMap<i64, Vec<SeccompRule>>) {}

fn condition(
    argument: u8,
    length: SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, String> {
    SeccompCondition::new(argument, length, operator, value).map_err(|error| format!("seccomp: {error}"))
}

fn rule(condition: SeccompCondition) -> Result<SeccompRule, String> {
    SeccompRule::new(vec![condition]).map_err(|error| format!("seccomp: {error}"))
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, answer: i32) -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| format!("seccomp: {error}"))?;
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(answer.unsigned_abs()), arch)
            .map_err(|error| format!("seccomp: {error}"))?;
    let program = BpfProgram::try_from(filter).map_err(|error| format!("seccomp: {error}"))?;
    apply_filter(&program).map_err(|error| format!("seccomp: {error}"))
}
