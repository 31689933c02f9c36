//! The command line: one file per command, and what they share.

mod asking;
mod backup;
mod bootstrap;
mod calibration;
mod check;
mod client;
mod conform;
mod discover;
mod doctor;
mod export;
mod forecast;
mod generate;
mod import;
mod isolate;
mod kill;
mod live;
mod mcp;
mod memory;
mod output;
mod policy;
mod prompt;
mod proposals;
mod ps;
mod questions;
mod remote_job;
mod remote_run;
mod run;
mod scores;
mod search;
mod serve;
mod session;
mod simulate;
mod template;
mod trade;
mod trail;
mod transcribe;
mod validate;
mod variant;
mod versions;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use output::Output;
pub(crate) use serve::about;
pub(crate) use session::{Found, Session};

use crate::failure::Failure;

/// ProcOS: processes as the unit of computation.
#[derive(Debug, Parser)]
#[command(name = "procos", version, propagate_version = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Where everything is kept.
    #[arg(long, global = true, value_name = "FOLDER", env = "PROCOS_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// Configuration file instead of procos.toml in the data directory.
    #[arg(long, global = true, value_name = "FILE", env = "PROCOS_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Go through the server at this address instead of opening the data directory.
    #[arg(long, global = true, value_name = "URL", env = "PROCOS_SERVER", hide_env_values = true)]
    server: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  procos run examples/parallel-file-write.bpmn
  procos run examples/light-aircraft/size-aircraft.bpmn --vars '{\"range_km\": 900}' --trace
  procos bootstrap examples/light-aircraft/requirements.md
  procos scores
  procos check my-process.bpmn --target camunda8

Everything is kept in ./procos-data unless --data-dir says otherwise. Where a server holds that folder, commands go
through the server.

Exit codes: 0 fine, 1 the work failed, 2 the call was wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the web admin until Ctrl-C.
    Serve(serve::Serve),
    /// Run a BPMN file and show how it ends.
    Run(run::Run),
    /// Check a BPMN file: can it be executed, is it sound, where else does it run.
    Check(check::Check),
    /// Build a system from requirements.
    Bootstrap(bootstrap::Bootstrap),
    /// Ask back what a system leaves open.
    Questions(questions::Questions),
    Validate(validate::Validate),
    Search(search::Search),
    /// Compare systems side by side.
    Trade(trade::Trade),
    /// Draft a process from text.
    Generate(generate::Generate),
    /// Turn a recording into text.
    Transcribe(transcribe::Transcribe),
    /// Find a process in an event log.
    Discover(discover::Discover),
    /// Replay an event log on a process.
    Conform(conform::Conform),
    /// Run a process many times without side effects.
    Simulate(simulate::Simulate),
    /// Say how a running case goes on, and how good past forecasts were.
    Forecast(forecast::Forecast),
    /// Show process instances.
    Ps(ps::Ps),
    /// Cancel a process instance.
    Kill(kill::Kill),
    /// Show how well processes, tasks, prompts, tools and models do.
    Scores(scores::Scores),
    /// Try versions of a process side by side.
    Versions(versions::Versions),
    /// Show the quality trail, or check its chain.
    Trail(trail::Trail),
    /// Ask memory, show, forget or write out entries.
    Memory(memory::Memory),
    /// Decide on what DAS and others propose.
    Proposals(proposals::Proposals),
    /// Say which proposals are accepted without asking.
    Policy(policy::Policy),
    /// Show the machine; say whether people are watched.
    Watch(watch::Watch),
    /// List, save, test, approve and roll back prompts.
    Prompt(prompt::Prompt),
    /// Show how instances and tasks are executed: the BPMN of PDO and TDE.
    Template(template::Template),
    /// Take in a process or a system.
    Import(import::Import),
    /// Write a system or a process.
    Export(export::Export),
    /// Copy everything into a folder.
    Backup(backup::Backup),
    /// Make a data directory from a backup.
    Restore(backup::Restore),
    /// Be a tool server of a coding assistant (Model Context Protocol).
    Mcp(mcp::Mcp),
    /// Check what is there, and show the configuration in effect.
    Doctor(doctor::Doctor),
    /// Launches a tool in isolation; the server starts it.
    #[command(name = kernel::isolation::SUBCOMMAND, hide = true)]
    Isolate(isolate::Isolate),
}

/// Reads the command line, does what it says, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap prints help and version to stdout with success, everything else to stderr.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    if let Command::Isolate(command) = arguments.command {
        // Before any thread: a tool inherits one, and namespaces are of a process without others.
        return command.execute();
    }
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::work("SERVER-0001", format!("cannot start the runtime: {error}"), "");
            return output.failure(&failure);
        }
    };
    match runtime.block_on(dispatch(arguments, output)) {
        Ok(code) => code,
        Err(failure) => output.failure(&failure),
    }
}

async fn dispatch(arguments: Arguments, output: Output) -> Result<ExitCode, Failure> {
    let session = Session::new(arguments.data_dir, arguments.config, arguments.server);
    match arguments.command {
        Command::Serve(command) => command.execute(output, session).await,
        Command::Run(command) => command.execute(output, session).await,
        Command::Check(command) => command.execute(output),
        Command::Bootstrap(command) => command.execute(output, session).await,
        Command::Questions(command) => command.execute(output, session).await,
        Command::Validate(command) => command.execute(output, session).await,
        Command::Search(command) => command.execute(output, session).await,
        Command::Trade(command) => command.execute(output, session).await,
        Command::Generate(command) => command.execute(output, session).await,
        Command::Transcribe(command) => command.execute(output, session).await,
        Command::Discover(command) => command.execute(output, session).await,
        Command::Conform(command) => command.execute(output, session).await,
        Command::Simulate(command) => command.execute(output, session).await,
        Command::Forecast(command) => command.execute(output, session).await,
        Command::Ps(command) => command.execute(output, session).await,
        Command::Kill(command) => command.execute(output, session).await,
        Command::Scores(command) => command.execute(output, session).await,
        Command::Versions(command) => command.execute(output, session).await,
        Command::Trail(command) => command.execute(output, session).await,
        Command::Memory(command) => command.execute(output, session).await,
        Command::Proposals(command) => command.execute(output, session).await,
        Command::Policy(command) => command.execute(output, session).await,
        Command::Watch(command) => command.execute(output, session).await,
        Command::Prompt(command) => command.execute(output, session).await,
        Command::Template(command) => command.execute(output, session).await,
        Command::Import(command) => command.execute(output, session).await,
        Command::Export(command) => command.execute(output, session).await,
        Command::Backup(command) => command.execute(output, session).await,
        Command::Restore(command) => command.execute(output, session).await,
        Command::Mcp(command) => command.execute(output, session).await,
        Command::Doctor(command) => command.execute(output, session).await,
        Command::Isolate(command) => Ok(command.execute()),
    }
}

/// Largest file that a command reads, in bytes (a limit for BPMN and requirements alike).
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads a file named on the command line.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::wrong_call("CLI-0003", format!("cannot read {}: {error}", path.display()), "check the path")
    };
    let size = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(cannot(&format!("it has {size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    std::fs::read(path).map_err(|error| cannot(&error))
}

/// Writes a file named on the command line.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, content).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::wrong_call("CLI-0006", message, "choose a folder that exists and may be written")
    })
}

/// A JSON object given as an option, or in a file by `@FILE`.
pub(crate) fn object(option: &str, text: &str) -> Result<bpmn::program::Variables, Failure> {
    let content = match text.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_file(Path::new(path))?).into_owned(),
        None => text.to_owned(),
    };
    serde_json::from_str(&content).map_err(|error| {
        let hint = "write an object, e.g. '{\"amount\": 12}'";
        Failure::wrong_call("CLI-0004", format!("{option} is not a JSON object: {error}"), hint)
    })
}

/// The time now, milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    engine::clock::Clock::now_ms(&engine::clock::SystemClock)
}

/// A fresh seed.
pub(crate) fn seed() -> u64 {
    rand::random()
}

#[cfg(test)]
mod manual;
