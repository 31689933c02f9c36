//! The command line: one file per command, and what they share.

mod bootstrap;
mod check;
mod generate;
mod live;
mod output;
mod run;
mod session;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use output::Output;
pub(crate) use session::Session;

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
    #[arg(long, global = true, value_name = "FOLDER", env = "PROCOS_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file instead of procos.toml in the data directory.
    #[arg(long, global = true, value_name = "FILE", env = "PROCOS_CONFIG")]
    config: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  procos run examples/parallel-file-write.bpmn
  procos run examples/light-aircraft/size-aircraft.bpmn --vars '{\"range_km\": 900}' --trace
  procos check my-process.bpmn --target camunda8

Exit codes: 0 fine, 1 the work failed, 2 the call was wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a BPMN file and show how it ends.
    Run(run::Run),
    /// Check a BPMN file: can it be executed, is it sound, where else does it run.
    Check(check::Check),
    /// Build a system from requirements.
    Bootstrap(bootstrap::Bootstrap),
    /// Draft a process from text.
    Generate(generate::Generate),
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
    let session = Session::new(arguments.data_dir, arguments.config);
    match arguments.command {
        Command::Run(command) => command.execute(output, session).await,
        Command::Check(command) => command.execute(output),
        Command::Bootstrap(command) => command.execute(output, session).await,
        Command::Generate(command) => command.execute(output, session).await,
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
