//! What every command that needs the data directory shares: where it is, its configuration, and how to get at it:
//! here, or through the server that holds it.

use std::path::PathBuf;

use persistence::Database;
use serde::{Deserialize, Serialize};

use super::client::Client;
use crate::configuration::{self, DATA_DIRECTORY, Engine, Loaded};
use crate::failure::Failure;
use crate::wiring::{self, Assembly};

/// The file in a data directory by which its server says where it listens.
pub(crate) const SERVER_FILE: &str = "server.json";
/// Code of the error that somebody else holds the data directory.
const HELD: &str = "PERSISTENCE-0002";

/// What the server writes into [`SERVER_FILE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerFile {
    /// Its process number.
    pub(crate) pid: u32,
    /// Where it listens, e.g. `127.0.0.1:8080`.
    pub(crate) address: String,
}

/// What a command works on: the thing itself, or the server that holds it.
pub(crate) enum Found<T> {
    /// In this process.
    Here(Box<T>),
    /// Through a server.
    There(Client),
}

/// Where a command works.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The data directory, as given or by default.
    pub(crate) data_directory: PathBuf,
    /// Whether a directory or a server was given.
    is_given: bool,
    /// Configuration file, where one was named.
    pub(crate) configuration_file: Option<PathBuf>,
    /// Address of a server, where one was named.
    server: Option<String>,
    /// The engine, where the command line names one.
    engine: Option<Engine>,
}

impl Session {
    /// A session in this directory, or in the default one.
    pub(crate) fn new(
        given: Option<PathBuf>,
        configuration_file: Option<PathBuf>,
        server: Option<String>,
    ) -> Self {
        let is_given = given.is_some() || server.is_some();
        let data_directory = given.unwrap_or_else(|| PathBuf::from(DATA_DIRECTORY));
        Self { data_directory, is_given, configuration_file, server, engine: None }
    }

    /// The same session on this engine, whatever the configuration says.
    pub(crate) fn on(self, engine: Option<Engine>) -> Self {
        Self { engine, ..self }
    }

    /// Whether a data directory or a server was named.
    pub(crate) fn is_given(&self) -> bool {
        self.is_given
    }

    /// Whether a server was named.
    pub(crate) fn names_server(&self) -> bool {
        self.server.is_some()
    }

    /// The configuration in effect.
    pub(crate) fn configuration(&self) -> Result<Loaded, Failure> {
        let mut loaded = configuration::load(self.configuration_file.as_deref(), &self.data_directory)?;
        if let Some(engine) = &self.engine {
            loaded.configuration.engine.clone_from(engine);
        }
        Ok(loaded)
    }

    /// Opens the data directory and starts everything in it, whoever else may want it.
    ///
    /// Commands that can also go through a server use [`Session::assembly`].
    pub(crate) async fn open(&self) -> Result<Assembly, Failure> {
        if let Some(server) = &self.server {
            let message = format!("this command does not go through the server {server}");
            return Err(Failure::wrong_call("CLI-0009", message, "leave --server out and name --data-dir"));
        }
        let loaded = self.configuration()?;
        Assembly::open(&loaded.configuration, &self.data_directory)
            .await
            .map_err(|failure| self.held(failure))
    }

    /// Everything in the data directory, started.
    pub(crate) async fn assembly(&self) -> Result<Found<Assembly>, Failure> {
        if let Some(server) = &self.server {
            return Ok(Found::There(Client::new(server)?));
        }
        let loaded = self.configuration()?;
        self.found(Assembly::open(&loaded.configuration, &self.data_directory).await)
    }

    /// Everything in the data directory, at rest: no instance goes on, no timer fires.
    pub(crate) async fn at_rest(&self) -> Result<Found<Assembly>, Failure> {
        if let Some(server) = &self.server {
            return Ok(Found::There(Client::new(server)?));
        }
        let loaded = self.configuration()?;
        self.found(Assembly::open_at_rest(&loaded.configuration, &self.data_directory).await)
    }

    /// The records alone: for commands that only look. The directory must exist.
    pub(crate) async fn database(&self) -> Result<Found<Database>, Failure> {
        if let Some(server) = &self.server {
            return Ok(Found::There(Client::new(server)?));
        }
        self.must_exist()?;
        let loaded = self.configuration()?;
        self.found(wiring::open_database(&loaded.configuration, &self.data_directory).await)
    }

    /// For what cannot go through a server: the failure that says so.
    pub(crate) fn needs_directory(&self, what: &str) -> Failure {
        let message = format!("a server holds the data directory, and {what} does not go through it");
        Failure::wrong_call("CLI-0009", message, "stop the server (Ctrl-C) and try again")
    }

    /// A data directory that is not there would be made by looking at it; nobody wants that.
    pub(crate) fn must_exist(&self) -> Result<(), Failure> {
        if self.data_directory.is_dir() {
            return Ok(());
        }
        let message = format!("there is no data directory {}", self.data_directory.display());
        let hint = "name one with --data-dir; `procos serve` and `procos bootstrap` make one";
        Err(Failure::wrong_call("CLI-0007", message, hint))
    }

    /// The server that says it holds the directory.
    pub(crate) fn server_file(&self) -> Option<ServerFile> {
        let text = std::fs::read_to_string(self.data_directory.join(SERVER_FILE)).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn found<T>(&self, opened: Result<T, Failure>) -> Result<Found<T>, Failure> {
        match opened {
            Ok(opened) => Ok(Found::Here(Box::new(opened))),
            Err(failure) if failure.code == HELD => match self.server_file() {
                Some(server) => Ok(Found::There(Client::new(&server.address)?)),
                None => Err(self.held(failure)),
            },
            Err(failure) => Err(failure),
        }
    }

    /// Names the way out where the directory is held.
    fn held(&self, mut failure: Failure) -> Failure {
        if failure.code == HELD {
            failure.hint = match self.server_file() {
                Some(server) => format!(
                    "the server with process number {} at {} holds it: stop it, or use another --data-dir",
                    server.pid, server.address
                ),
                None => "wait for the other procos, stop it, or use another --data-dir".to_owned(),
            };
        }
        failure
    }
}
