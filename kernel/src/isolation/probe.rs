//! Which rungs this machine has, found out by doing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::supervise::INPUT;
use super::{Containers, Launcher, Level, Plan, ToolLimits};

/// What the probe runs: a shell that tries to read what only the lowest rung lets it read.
const ATTEMPT: &str = "if read -r line < /proc/version; then exit 9; fi 2>/dev/null; exit 0";
const SHELL: &str = "/bin/sh";
/// Exit code of the probe where it could read outside.
const OPEN: i32 = 9;

/// A rung, and whether it holds here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// Which.
    pub level: Level,
    /// Why it is not available; none where it is.
    pub problem: Option<String>,
}

/// Tries every rung in a directory below `scratch`.
pub async fn probe(
    launcher: &Launcher,
    scratch: &Path,
    containers: &Result<Containers, String>,
) -> Vec<Rung> {
    let mut rungs = Vec::new();
    for level in Level::ALL {
        let problem = match level {
            Level::Container => match containers {
                Ok(containers) => containers.probe().await.err(),
                Err(problem) => Some(problem.clone()),
            },
            _ => attempt(launcher, scratch, level).await.err(),
        };
        rungs.push(Rung { level, problem });
    }
    rungs
}

async fn attempt(launcher: &Launcher, scratch: &Path, level: Level) -> Result<(), String> {
    let directory = scratch.join(format!("probe-{}-{level}", std::process::id()));
    let failed = |error: std::io::Error| format!("no scratch directory {}: {error}", directory.display());
    std::fs::create_dir_all(&directory).map_err(failed)?;
    std::fs::write(directory.join(INPUT), "{}").map_err(failed)?;
    let plan = Plan {
        level,
        command: [SHELL, "-c", ATTEMPT].map(str::to_owned).to_vec(),
        scratch: directory.clone(),
        reads: super::super::tools::SYSTEM_PATHS.iter().map(PathBuf::from).collect(),
        environment: BTreeMap::new(),
        limits: ToolLimits { wall_ms: 5_000, ..ToolLimits::default() },
        account: None,
    };
    let ended = launcher.run(&plan, &CancellationToken::new()).await;
    let _left_over = std::fs::remove_dir_all(&directory);
    let ended = ended?;
    match (ended.refused, ended.exit) {
        (Some(problem), _) => Err(problem),
        (None, Some(0)) => Ok(()),
        (None, Some(OPEN)) if level == Level::Limits => Ok(()),
        (None, Some(OPEN)) => Err("files outside could be read".to_owned()),
        (None, exit) => Err(format!("the probe ended with exit code {exit:?}, signal {:?}", ended.signal)),
    }
}
