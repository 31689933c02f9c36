//! `make bench-engine`: process instances a second, and how long one takes, on the embedded engine (in this process
//! and through the HTTP API of a server), beside the raw writer below it and beside a real Camunda 7 and a real Operaton.
//!
//! Every row runs the same BPMN files with the same number of clients, one row after another in one run. A client
//! starts an instance, leases its jobs and completes each, sends its message if it waits for one, and begins the
//! next; the time counted is from before the start to after the answer that ended the instance.
//!
//! `bench-engine --help` names the options.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod camunda7;
mod client;
mod embedded;
mod http;
mod measure;
mod model;
mod options;
mod process;
mod raw;
mod scale;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use camunda7::{CAMUNDA7, Camunda7, OPERATON};
use options::Options;
use table::Table;

fn main() -> ExitCode {
    // The same program is the server that is measured: one build, and the server's process has no clients in it.
    match std::env::args().nth(1).as_deref() {
        // A server starts its own program again as the launcher of isolated tools.
        Some("serve" | kernel::isolation::SUBCOMMAND) => server::cli::main(),
        Some(scale::HOLD) => ended(scale::hold()),
        Some("--help" | "-h") => {
            println!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        _ => ended(run()),
    }
}

fn ended(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    println!("{}\n", table::machine(&options));
    let folder = tempfile::tempdir()?;
    if let Some(what) = &options.scale {
        return scale::measured(what, options.instances, folder.path()).await;
    }
    let mut table = Table::default();
    let databases: &[Option<&str>] = match &options.postgres {
        Some(url) => &[None, Some(url.as_str())],
        None => &[None],
    };
    for postgres in databases {
        // One behind the other for each process: what the machine does meanwhile is the same for both.
        for model in options.models() {
            if options.wants("raw") {
                table.add(raw::measured(&options, folder.path(), *postgres, model).await?);
            }
            if options.wants("embedded") {
                table.add(embedded::measured(&options, folder.path(), *postgres, model).await?);
            }
        }
        if !options.wants("http") {
            continue;
        }
        let server = http::Server::start(folder.path(), *postgres).await?;
        for model in options.models() {
            table.add(server.measured(&options, model).await?);
        }
        server.stop()?;
    }
    let others = [("camunda7", &CAMUNDA7, &options.camunda7), ("operaton", &OPERATON, &options.operaton)];
    for (row, edition, jar) in others {
        let Some(jar) = jar.as_ref().filter(|_| options.wants(row)) else { continue };
        for postgres in databases {
            let camunda = Camunda7::start(edition, jar, folder.path(), *postgres).await?;
            for model in options.models() {
                table.add(camunda.measured(&options, model).await?);
            }
            camunda.stop()?;
        }
    }
    println!("\n{table}");
    Ok(())
}
