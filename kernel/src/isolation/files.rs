//! Landlock: the scratch directory to write, system paths to read and execute, nothing else.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::Plan;

/// Devices that every program expects; they hold and give nothing.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// What the kernel must know to be asked at all: files (Linux 5.13).
const NEEDED: ABI = ABI::V1;
/// What is used beyond where the kernel knows it: truncation, TCP, devices, signals.
const WANTED: ABI = ABI::V6;

/// Opens the paths of the plan and makes the rules, without enforcing them yet.
pub(super) fn ruleset(plan: &Plan) -> Result<RulesetCreated, String> {
    let failed = |error: &dyn std::fmt::Display| format!("Landlock: {error}");
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))
        .map_err(|error| failed(&error))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(WANTED)))
        .and_then(|rules| rules.scope(Scope::from_all(WANTED)))
        .and_then(Ruleset::create)
        .map_err(|error| failed(&error))?;
    // The tool may not execute what it wrote itself.
    let own = AccessFs::from_all(WANTED) & !(AccessFs::Execute | AccessFs::MakeSock | AccessFs::MakeBlock);
    let read = AccessFs::from_read(WANTED);
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut allow = |path: &Path, access: BitFlags<AccessFs>| -> Result<(), String> {
        // A system path that this machine does not have needs no rule.
        let Ok(opened) = PathFd::new(path) else { return Ok(()) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(WANTED) };
        (&mut rules).add_rule(PathBeneath::new(opened, access)).map(|_| ()).map_err(|error| failed(&error))
    };
    allow(&plan.scratch, own)?;
    for path in &plan.reads {
        allow(path, read)?;
    }
    for path in DEVICES {
        allow(Path::new(path), device)?;
    }
    Ok(rules)
}

/// Enforces the rules; says whether they also keep signals inside.
pub(super) fn enforce(rules: RulesetCreated) -> Result<bool, String> {
    let status = rules.restrict_self().map_err(|error| format!("Landlock: {error}"))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(true),
        RulesetStatus::PartiallyEnforced => Ok(false),
        RulesetStatus::NotEnforced => Err("Landlock: the kernel does not enforce it".to_owned()),
    }
}
