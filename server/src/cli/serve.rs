//! `procos serve`: everything in one data directory, and HTTP in front of it, until it is told to stop.

mod tour;

use std::io::{ErrorKind, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::session::{SERVER_FILE, ServerFile};
use super::{Output, Session};
use crate::configuration::{Configuration, LogFormat, masked_url};
use crate::failure::Failure;
use crate::http::{self, Limits, Ports, Site};
use crate::wiring::Assembly;

/// Serve the API and the web admin until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos serve
  procos serve --listen 127.0.0.1:9000 --data-dir my-data
  procos serve --tour examples/light-aircraft

It listens on the loopback address alone unless told otherwise; there is no password, so put a proxy that asks for
one in front of it before you listen elsewhere.")]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Build the system of FOLDER/requirements.md, run every BPMN file in FOLDER, show what came out, and go on
    /// serving.
    #[arg(long, value_name = "FOLDER")]
    tour: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if let Some(folder) = &self.tour {
            tour::check(folder)?;
        }
        let mut configuration = session.configuration()?.configuration;
        if let Some(listen) = self.listen {
            configuration.listen = listen;
        }
        start_log(&configuration)?;
        let listener = bind(configuration.listen).await?;
        let address = listener.local_addr().unwrap_or(configuration.listen);
        let stop = stop_by_signal()?;
        let assembly = session.open().await?;
        let file = announce(&assembly.data_directory, address);
        let served = Served { assembly: &assembly, configuration: &configuration, address, output };
        served.serve(listener, self.tour.as_deref(), &stop).await;
        if let Some(file) = file {
            let _ = std::fs::remove_file(file);
        }
        assembly.close().await;
        output.remark("stopped; everything is kept");
        Ok(ExitCode::SUCCESS)
    }
}

/// Finds out what the language models can do before the first task needs them.
async fn probe(assembly: &Assembly) {
    let Some(model) = &assembly.model else { return };
    for probe in model.probe().await {
        let (name, url) = (probe.name.as_deref().unwrap_or("default"), masked_url(&probe.url));
        match &probe.problem {
            None => {
                tracing::info!(name, %url, dialect = %probe.dialect, can = %probe.capabilities, "a language model")
            }
            Some(problem) => tracing::warn!(name, %url, problem, "a language model cannot be used now"),
        }
    }
}

/// What is served, and where.
struct Served<'a> {
    assembly: &'a Assembly,
    configuration: &'a Configuration,
    address: SocketAddr,
    output: Output,
}

impl Served<'_> {
    /// Serves until `stop`; a tour goes on beside it.
    async fn serve(&self, listener: TcpListener, folder: Option<&Path>, stop: &CancellationToken) {
        let Self { assembly, configuration, address, output } = *self;
        let limits = Limits::default();
        let site = Site { listen: address, hosts: configuration.hosts.clone(), limits, stop: stop.clone() };
        let state = assembly.graphql_state(about(assembly, configuration));
        let ports = ports(assembly, state.jobs.clone());
        let router = http::router(ports, graphql::schema(state), site);
        let serving = http::listen(listener, router, limits, stop.clone());
        tracing::info!(%address, data = %assembly.data_directory.display(), "serving");
        let beside = async {
            match folder {
                Some(folder) => {
                    tokio::select! {
                        () = tour::run(folder, assembly, address, output) => {}
                        () = stop.cancelled() => {}
                    }
                }
                None => output.line(&format!("ProcOS is at http://{}/ (Ctrl-C stops it)", shown(address))),
            }
            stop.cancelled().await;
            output.remark("stopping …");
        };
        let probing = async {
            tokio::select! {
                () = probe(assembly) => {}
                () = stop.cancelled() => {}
            }
        };
        tokio::join!(serving, beside, probing);
    }
}

/// What the API says about this ProcOS.
pub(crate) fn about(assembly: &Assembly, configuration: &Configuration) -> graphql::About {
    let memory = &configuration.memory.url;
    graphql::About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: assembly.database.kind().to_owned(),
        memory: if memory.is_empty() { "embedded".to_owned() } else { masked_url(memory) },
        data_directory: assembly.data_directory.display().to_string(),
        speech: configuration.model.transcription_model.clone().filter(|_| assembly.speech.is_some()),
    }
}

fn ports(assembly: &Assembly, jobs: graphql::Jobs) -> Ports {
    Ports {
        engine: assembly.engine.clone(),
        trail: assembly.trail(),
        scores: assembly.scores(),
        ontology: assembly.ontology.clone(),
        memory: assembly.memory.clone(),
        census: assembly.parts.census.clone(),
        vitals: assembly.vitals.clone(),
        speech: assembly.speech.clone(),
        jobs,
    }
}

/// The log goes to stderr: stdout is for what a command says.
fn start_log(configuration: &Configuration) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&configuration.log_filter).map_err(|error| {
        let message = format!("log_filter {:?} cannot be read: {error}", configuration.log_filter);
        Failure::wrong_call("CLI-0005", message, "write it like warn,server=info")
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Somebody else's subscriber, as in tests, is as good.
    let _ = match configuration.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let (ip, port) = (address.ip(), address.port());
        if error.kind() == ErrorKind::AddrInUse {
            let message = format!("port {port} of {ip} is used by another program");
            let hint = "choose another one: --listen 127.0.0.1:8081, or `make run PORT=8081`";
            return Failure::work("SERVER-0006", message, hint);
        }
        let message = format!("cannot listen on {address}: {error}");
        Failure::work("SERVER-0007", message, "choose another address with --listen")
    })
}

/// Says in the data directory who serves it; commands find the server by it.
fn announce(data_directory: &Path, address: SocketAddr) -> Option<PathBuf> {
    let path = data_directory.join(SERVER_FILE);
    let server = ServerFile { pid: std::process::id(), address: shown(address) };
    let text = serde_json::to_string(&server).ok()?;
    match std::fs::write(&path, text) {
        Ok(()) => Some(path),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "commands will not find this server");
            None
        }
    }
}

/// An address that can be opened from this machine.
fn shown(address: SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        ip if !ip.is_unspecified() => address.to_string(),
        ip if ip.is_ipv4() => format!("127.0.0.1:{port}"),
        _ => format!("[::1]:{port}"),
    }
}

/// Cancelled at Ctrl-C or SIGTERM.
fn stop_by_signal() -> Result<CancellationToken, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = |error: std::io::Error| {
        Failure::work("SERVER-0001", format!("cannot listen to signals: {error}"), "start it again")
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.cancel();
        }
    });
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_port_is_named_with_the_way_out() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = taken.local_addr().unwrap();
        let failure = bind(address).await.unwrap_err();
        assert_eq!(failure.code, "SERVER-0006");
        assert!(failure.message.contains(&address.port().to_string()), "{failure}");
        assert!(failure.hint.contains("--listen"), "{failure}");
    }

    #[test]
    fn an_address_for_all_interfaces_is_shown_as_one_that_can_be_opened() {
        assert_eq!(shown(SocketAddr::from(([0, 0, 0, 0], 81))), "127.0.0.1:81");
        assert_eq!(shown(SocketAddr::from(([127, 0, 0, 1], 80))), "127.0.0.1:80");
    }
}
