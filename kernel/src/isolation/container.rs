//! The rung `container`: a tool in a container of its own, through the API of Docker or Podman on its Unix socket.
//!
//! No network, a root file system that cannot be written, no capabilities, no new privileges, limits on memory,
//! processes, processor and files; the scratch directory is the one place to write besides a small `/tmp` in memory.
//! Before a container is started the engine is asked what it made of it: one that left out a limit is refused. Images
//! are those that the configuration allows and the machine has; none is ever pulled.

mod engine;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::survey::disk_bytes;
use super::{Ended, Plan, Stopped};
use engine::{Engine, Output};

/// Where the scratch directory stands in the container.
const WORK: &str = "/work";
/// User and group number inside: nobody.
const USER: &str = "65534:65534";
/// A label by which containers that a server left behind are found again.
const LABEL: &str = "procos.scratch";
/// How often the scratch directory is measured.
const MEASURE: Duration = Duration::from_millis(200);
/// What removing a container may take.
const REMOVAL: Duration = Duration::from_secs(10);
/// One processor, in the engine's unit.
const ONE_PROCESSOR: u64 = 1_000_000_000;
const MIB: u64 = 1024 * 1024;

/// Where the container engine is, and what may run in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSettings {
    /// Its Unix socket, e.g. `/run/podman/podman.sock`; none: there is no such rung.
    pub socket: Option<PathBuf>,
    /// Images that tools may name, best with their digest.
    pub images: Vec<String>,
}

/// A container engine.
#[derive(Clone, Debug)]
pub struct Containers {
    engine: Engine,
    images: Arc<Vec<String>>,
    /// The directory that holds the scratch directories of all runs: what tells this server's containers from others.
    root: Arc<str>,
}

impl Containers {
    /// The engine behind the socket of `settings`, for runs whose scratch directories are below `root`; nothing is
    /// asked yet.
    ///
    /// # Errors
    /// What is missing in the settings, with the way out.
    pub fn new(settings: &ContainerSettings, root: &Path) -> Result<Self, String> {
        let Some(socket) = &settings.socket else {
            return Err(
                "no container engine is configured; set containers.socket and containers.images".to_owned()
            );
        };
        let root = root.display().to_string().into();
        Ok(Self { engine: Engine::at(socket)?, images: Arc::new(settings.images.clone()), root })
    }

    /// Tries the rung: asks the engine who it is, whether an allowed image is there, and whether it takes every
    /// limit, by a container that is made and never started. Containers left behind by an earlier server are removed.
    ///
    /// # Errors
    /// Why it does not hold, with the way out.
    pub async fn probe(&self) -> Result<(), String> {
        self.engine.ping().await?;
        if self.images.is_empty() {
            return Err("no image is allowed; name some in containers.images".to_owned());
        }
        self.remove_left_over().await;
        let mut there = None;
        for image in self.images.iter() {
            if self.engine.has_image(image).await? {
                there = Some(image);
                break;
            }
        }
        let Some(image) = there else {
            let images = self.images.join(", ");
            return Err(format!(
                "none of the allowed images is there ({images}), and none is pulled by itself"
            ));
        };
        let plan = Plan {
            level: super::Level::Container,
            command: vec!["true".to_owned()],
            scratch: PathBuf::from(&*self.root),
            reads: Vec::new(),
            environment: std::collections::BTreeMap::new(),
            limits: super::ToolLimits::default(),
            account: None,
        };
        let made = self.make(&plan, image).await?;
        made.remove().await;
        Ok(())
    }

    /// Runs a plan in a container of `image` to its end, or until it is cancelled; the container is gone afterwards.
    ///
    /// # Errors
    /// Where the engine does not do what it is asked for.
    pub async fn run(&self, plan: &Plan, image: &str, cancel: &CancellationToken) -> Result<Ended, String> {
        if !self.images.iter().any(|allowed| allowed == image) {
            let refused = format!("the image {image} is not allowed; name it in containers.images");
            return Ok(Ended { refused: Some(refused), ..Ended::default() });
        }
        let made = match self.make(plan, image).await {
            Ok(made) => made,
            Err(problem) => return Ok(Ended { refused: Some(problem), ..Ended::default() }),
        };
        let ended = self.attend(&made, plan, cancel).await;
        made.remove().await;
        ended
    }

    /// Makes a container and checks what the engine made of it.
    async fn make(&self, plan: &Plan, image: &str) -> Result<Made, String> {
        let (id, warnings) = self.engine.create(&order(plan, image, &self.root)).await?;
        let made = Made { engine: self.engine.clone(), id: Some(id.clone()) };
        let problem = match self.engine.inspect(&id).await {
            Ok(found) => weakness(&found, plan).or_else(|| {
                warnings.into_iter().find(|warning| {
                    let warning = warning.to_lowercase();
                    warning.contains("discarded") || warning.contains("not support")
                })
            }),
            Err(problem) => Some(problem),
        };
        match problem {
            None => Ok(made),
            Some(problem) => {
                made.remove().await;
                Err(format!("the engine did not isolate as asked: {problem}"))
            }
        }
    }

    /// Starts a container and watches it to its end.
    async fn attend(&self, made: &Made, plan: &Plan, cancel: &CancellationToken) -> Result<Ended, String> {
        let Some(id) = made.id.as_deref() else { return Err("the container is gone".to_owned()) };
        let limit = plan.limits.output_kib * 1024;
        let output = Output::new(limit);
        self.engine.start(id).await?;
        let deadline = Instant::now() + Duration::from_millis(plan.limits.wall_ms);
        let code = {
            let (waiting, listening) = (self.engine.wait(id), self.engine.logs(id, &output));
            tokio::pin!(waiting, listening);
            let mut heard = false;
            loop {
                tokio::select! {
                    code = &mut waiting => break Ok(code?),
                    // A flood ends the listening; an engine that breaks off is noticed by the waiting.
                    said = &mut listening, if !heard => {
                        heard = true;
                        if output.is_full() {
                            break Err(Stopped::Output);
                        }
                        if let Err(problem) = said {
                            tracing::warn!(%problem, "the output of a container could not be read");
                        }
                    }
                    () = cancel.cancelled() => break Err(Stopped::Cancelled),
                    () = tokio::time::sleep_until(deadline) => break Err(Stopped::Wall),
                    () = sleep(MEASURE) => {
                        let scratch = plan.scratch.clone();
                        let used = tokio::task::spawn_blocking(move || disk_bytes(&scratch)).await.unwrap_or(u64::MAX);
                        if used > plan.limits.disk_mib * MIB {
                            break Err(Stopped::Disk);
                        }
                    }
                }
            }
        };
        let stopped = match code {
            Ok(_) => None,
            Err(stopped) => {
                self.engine.kill(id).await;
                Some(stopped)
            }
        };
        if stopped.is_none() {
            // What it wrote last may still be on its way.
            let rest = timeout(REMOVAL, self.engine.all_logs(id, &output)).await;
            if !matches!(rest, Ok(Ok(()))) && !output.is_full() {
                return Err("the output of the container could not be read".to_owned());
            }
        }
        let out_of_memory = match self.engine.inspect(id).await {
            Ok(found) => found.pointer("/State/OOMKilled").and_then(Value::as_bool).unwrap_or(false),
            Err(_) => false,
        };
        let (stdout, stderr) = output.texts();
        let exit = code.ok().and_then(|code| i32::try_from(code).ok());
        let stopped = stopped
            .or(out_of_memory.then_some(Stopped::Memory))
            .or(output.is_full().then_some(Stopped::Output));
        Ok(Ended { exit, stopped, stdout, stderr, ..Ended::default() })
    }

    /// Removes what a server that ended badly left running over the same directory.
    async fn remove_left_over(&self) {
        match self.engine.labelled(LABEL, &self.root).await {
            Ok(ids) => {
                for id in ids {
                    tracing::warn!(id, "a container was left behind and is removed");
                    self.engine.remove(&id).await;
                }
            }
            Err(problem) => tracing::warn!(%problem, "containers left behind could not be looked for"),
        }
    }
}

/// A container that is there; removed when it is no longer needed, also where the future that made it is dropped.
struct Made {
    engine: Engine,
    id: Option<String>,
}

impl Made {
    async fn remove(mut self) {
        if let Some(id) = self.id.take()
            && timeout(REMOVAL, self.engine.remove(&id)).await.is_err()
        {
            tracing::warn!(id, "a container could not be removed in time");
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let engine = self.engine.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { engine.remove(&id).await });
        }
    }
}

/// What the engine is told to make.
fn order(plan: &Plan, image: &str, root: &str) -> Value {
    let limits = &plan.limits;
    let (program, arguments) =
        plan.command.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let environment: Vec<String> =
        plan.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let memory = limits.memory_mib * MIB;
    let limit = |name: &str, value: u64| json!({"Name": name, "Soft": value, "Hard": value});
    json!({
        "Image": image,
        "Entrypoint": [program],
        "Cmd": arguments,
        "WorkingDir": WORK,
        "Env": environment,
        "User": USER,
        "NetworkDisabled": true,
        "AttachStdin": false,
        "Labels": {LABEL: root},
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": true,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "IpcMode": "private",
            "Privileged": false,
            "Memory": memory,
            // The same with swap: no swap.
            "MemorySwap": memory,
            "PidsLimit": limits.processes,
            "NanoCpus": ONE_PROCESSOR,
            "Tmpfs": {"/tmp": format!("rw,noexec,nosuid,nodev,size={}m", limits.disk_mib.min(64))},
            "Binds": [format!("{}:{WORK}:rw", plan.scratch.display())],
            "Ulimits": [
                limit("cpu", limits.cpu_s), limit("nofile", limits.open_files),
                limit("fsize", limits.disk_mib * MIB), limit("core", 0),
            ],
        },
    })
}

/// Where what the engine made is weaker than what it was told to make.
fn weakness(found: &Value, plan: &Plan) -> Option<String> {
    let host = found.get("HostConfig")?;
    let number = |name: &str| host.get(name).and_then(Value::as_u64).unwrap_or(0);
    let is = |name: &str| host.get(name).and_then(Value::as_bool).unwrap_or(false);
    let text = |name: &str| host.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |name: &str| host.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let checks = [
        (text("NetworkMode") == "none", "it has a network"),
        (is("ReadonlyRootfs"), "its root file system can be written"),
        (!is("Privileged"), "it is privileged"),
        (list("CapDrop") > 0 && list("CapAdd") == 0, "it keeps capabilities"),
        (list("SecurityOpt") > 0, "it may gain privileges"),
        (number("Memory") == plan.limits.memory_mib * MIB, "its memory is not limited"),
        (number("PidsLimit") == plan.limits.processes, "its processes are not limited"),
        (number("NanoCpus") == ONE_PROCESSOR || number("CpuQuota") > 0, "its processor time is not limited"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, problem)| problem.to_owned())
}
