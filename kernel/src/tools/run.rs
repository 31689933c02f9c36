//! One run of a tool: inputs checked and laid out in a fresh scratch directory, the tool launched on its rung, the
//! result read and checked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bpmn::program::Variables;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{PROGRAM_DIRECTORIES, SYSTEM_PATHS, Tool, Tools};
use crate::Error;
use crate::isolation::{Ended, Level, Plan};

/// The inputs, in the scratch directory and as standard input.
const INPUT: &str = "input.json";
/// The directory of runs in containers.
const CONTAINERS: &str = "containers";
/// Where a tool may leave its result.
const OUTPUT: &str = "output.json";
/// Largest input to one argument or environment variable, bytes.
const MAX_ARGUMENT: usize = 64 * 1024;
/// How much of standard error goes into a message, characters.
const TOLD: usize = 400;

/// What a tool gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The result: of an object its members, of anything else `result`.
    pub outputs: Variables,
    /// How it ran, for the trail.
    pub note: String,
}

impl Tools {
    /// Runs a tool for a task.
    ///
    /// # Errors
    /// `KERNEL-0015` where the rung is not there, `KERNEL-0016` with a BPMN error code (`tool.input`, `tool.failed`,
    /// `tool.timeout`, `tool.limit`, `tool.output`) where it failed, `KERNEL-0012` where it was cancelled.
    pub async fn run(
        &self,
        task: &str,
        tool: &Tool,
        script: Option<&str>,
        inputs: &Variables,
        level: Level,
        cancel: &CancellationToken,
    ) -> Result<ToolResult, Error> {
        let failed = |code: &'static str, problem: String| Error::Tool {
            code,
            element: task.to_owned(),
            tool: tool.name.clone(),
            problem,
        };
        fits(tool.input.as_ref(), &Value::Object(inputs.clone()))
            .map_err(|problem| failed("tool.input", format!("an input does not fit: {problem}")))?;
        let unavailable = |problem: String| Error::Isolation { element: task.to_owned(), level, problem };
        if level == Level::Container && tool.image.is_none() {
            return Err(unavailable(format!("the tool {} names no image to run in", tool.name)));
        }
        self.offers(level).await.map_err(unavailable)?;
        let program = program(tool).ok_or_else(|| Error::Unavailable {
            element: task.to_owned(),
            what: format!("the tool {}", tool.name),
            reason: format!("{} is not installed in {}", tool.command[0], PROGRAM_DIRECTORIES.join(", ")),
        })?;
        let slot = tokio::select! {
            slot = self.slots.acquire() => slot,
            () = cancel.cancelled() => return Err(Error::Cancelled { element: task.to_owned() }),
        };
        let scratch = Scratch::make(&self.scratch, tool, script, inputs)
            .map_err(|error| failed("tool.failed", format!("no scratch directory: {error}")))?;
        let plan = plan(tool, &program, inputs, level, &scratch.directory);
        let ended = match (level, &tool.image, &*self.containers) {
            (Level::Container, Some(image), Ok(containers)) => containers.run(&plan, image, cancel).await,
            (Level::Container, ..) => Err("there is no container for it".to_owned()),
            _ => self.launcher.run(&plan, cancel).await,
        };
        drop(slot);
        let ended = ended.map_err(|problem| failed("tool.failed", problem))?;
        if cancel.is_cancelled() {
            return Err(Error::Cancelled { element: task.to_owned() });
        }
        if let Some(problem) = ended.refused {
            return Err(unavailable(problem));
        }
        if let Some((code, problem)) = failure(&ended) {
            return Err(failed(code, problem));
        }
        let result = scratch.result(&ended, tool.limits.output_kib * 1024);
        let result = result.map_err(|problem| failed("tool.output", problem))?;
        fits(tool.output.as_ref(), &result)
            .map_err(|problem| failed("tool.output", format!("its result does not fit: {problem}")))?;
        let note = note(tool, level, &ended, &result);
        let outputs = match result {
            Value::Object(members) => members,
            other => Variables::from_iter([("result".to_owned(), other)]),
        };
        Ok(ToolResult { outputs, note })
    }
}

/// The absolute path of a tool's program, where this machine has it.
pub(super) fn program(tool: &Tool) -> Option<PathBuf> {
    let name = Path::new(tool.command.first()?);
    if tool.image.is_some() {
        // Whether the image has it is seen when it runs.
        return Some(name.to_owned());
    }
    let found = |path: PathBuf| path.is_file().then_some(path);
    if name.is_absolute() {
        return found(name.to_owned());
    }
    PROGRAM_DIRECTORIES.iter().find_map(|directory| found(Path::new(directory).join(name)))
}

fn plan(tool: &Tool, program: &Path, inputs: &Variables, level: Level, scratch: &Path) -> Plan {
    let mut command = vec![program.display().to_string()];
    command.extend(tool.command.iter().skip(1).map(|argument| filled(argument, inputs)));
    let mut reads: Vec<PathBuf> = SYSTEM_PATHS.iter().map(PathBuf::from).collect();
    reads.extend(tool.reads.iter().cloned());
    if Path::new(&tool.command[0]).is_absolute() {
        reads.extend(program.parent().map(Path::to_owned));
    }
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), PROGRAM_DIRECTORIES.join(":")),
        ("HOME".to_owned(), ".".to_owned()),
        ("TMPDIR".to_owned(), ".".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        // Threads beyond the limit on processes would only fail to start.
        ("OMP_NUM_THREADS".to_owned(), "1".to_owned()),
        ("OPENBLAS_NUM_THREADS".to_owned(), "1".to_owned()),
    ]);
    if level == Level::Container {
        // Where its programs are the image knows; the one place to write besides its own is its memory.
        environment.remove("PATH");
        environment.insert("HOME".to_owned(), "/tmp".to_owned());
        environment.insert("TMPDIR".to_owned(), "/tmp".to_owned());
    }
    environment.extend(tool.environment.clone());
    let names = inputs.iter().filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    environment.extend(names.filter_map(|(name, value)| Some((format!("IN_{name}"), plain(value)?))));
    let scratch = scratch.to_owned();
    Plan { level, command, scratch, reads, environment, limits: tool.limits, account: None }
}

/// Replaces each `{name}` that names an input by its value; a value stays one argument whatever is in it.
fn filled(argument: &str, inputs: &Variables) -> String {
    let mut text = argument.to_owned();
    for (name, value) in inputs {
        if let Some(value) = plain(value) {
            text = text.replace(&format!("{{{name}}}"), &value);
        }
    }
    text
}

fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (text.len() <= MAX_ARGUMENT && !text.contains('\0')).then_some(text)
}

fn fits(schema: Option<&Value>, value: &Value) -> Result<(), String> {
    let Some(schema) = schema else { return Ok(()) };
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    validator.validate(value).map_err(|error| {
        let place = error.instance_path().to_string();
        if place.is_empty() { error.to_string() } else { format!("{place}: {error}") }
    })
}

fn failure(ended: &Ended) -> Option<(&'static str, String)> {
    if let Some(stopped) = ended.stopped {
        let code = if stopped == crate::isolation::Stopped::Wall { "tool.timeout" } else { "tool.limit" };
        return Some((code, stopped.to_string()));
    }
    let said: String = {
        let text = ended.stderr.trim();
        let from = text.chars().count().saturating_sub(TOLD);
        text.chars().skip(from).collect()
    };
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    match (ended.exit, ended.signal) {
        (Some(0), _) => None,
        (Some(code), _) => Some(("tool.failed", format!("it ended with exit code {code}{said}"))),
        (None, Some(signal)) => Some(("tool.limit", format!("it was ended by signal {signal}{said}"))),
        (None, None) => Some(("tool.failed", format!("nobody knows how it ended{said}"))),
    }
}

fn note(tool: &Tool, level: Level, ended: &Ended, result: &Value) -> String {
    let hash = hex::encode(Sha256::digest(result.to_string()));
    let used = match &tool.image {
        // An engine does not say what an ended container used.
        Some(image) => format!("image {image}"),
        None => format!("{} ms of processor, {} MiB", ended.cpu_ms, ended.peak_kib / 1_024),
    };
    let mut note =
        format!("tool {} at isolation {level}: exit 0, {used}, result sha256 {}", tool.name, &hash[..16]);
    if ended.survivors > 0 {
        // Writing to a string cannot fail.
        let _ = write!(note, ", {} processes it left behind were ended", ended.survivors);
    }
    note
}

/// The directory of one run; gone with it.
struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    fn make(root: &Path, tool: &Tool, script: Option<&str>, inputs: &Variables) -> std::io::Result<Self> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
        let in_container = tool.image.is_some();
        let root = if in_container { std::path::absolute(root)?.join(CONTAINERS) } else { root.to_owned() };
        std::fs::create_dir_all(&root)?;
        if in_container {
            // What the user number of a container may reach nobody else on this machine may.
            mode(&root, 0o700)?;
        }
        let directory = root.join(format!("{}-{number}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let scratch = Self { directory };
        mode(&scratch.directory, if in_container { 0o777 } else { 0o700 })?;
        for (name, text) in &tool.files {
            std::fs::write(scratch.directory.join(name), text)?;
        }
        if let (Some(name), Some(text)) = (&tool.script, script) {
            std::fs::write(scratch.directory.join(name), text)?;
        }
        std::fs::write(scratch.directory.join(INPUT), Value::Object(inputs.clone()).to_string())?;
        Ok(scratch)
    }

    /// `output.json` where the tool wrote one, else its standard output: JSON where it is, else text.
    fn result(&self, ended: &Ended, limit: u64) -> Result<Value, String> {
        use std::io::Read;
        use std::os::unix::fs::OpenOptionsExt;
        // Not through a link: the tool may have made one to what it cannot read itself.
        let no_links = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
        let path = self.directory.join(OUTPUT);
        let file = match std::fs::OpenOptions::new().read(true).custom_flags(no_links).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = ended.stdout.trim();
                return Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())));
            }
            Err(error) => return Err(format!("{OUTPUT}: {error}")),
        };
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(format!("{OUTPUT} is not a file"));
        }
        let mut text = String::new();
        let read = file.take(limit + 1).read_to_string(&mut text);
        read.map_err(|error| format!("{OUTPUT}: {error}"))?;
        if text.len() as u64 > limit {
            return Err(format!("{OUTPUT} is larger than {limit} bytes"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{OUTPUT} is not JSON: {error}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            tracing::warn!(directory = %self.directory.display(), %error, "a scratch directory is left over");
        }
    }
}
