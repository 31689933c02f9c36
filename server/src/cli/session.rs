//! What every command that needs the data directory shares: where it is, its configuration, opening it.

use std::path::PathBuf;

use crate::configuration::{self, DATA_DIRECTORY, Loaded};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Where a command works.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The data directory, as given or by default.
    pub(crate) data_directory: PathBuf,
    /// Whether it was given.
    pub(crate) is_given: bool,
    /// Configuration file, where one was named.
    pub(crate) configuration_file: Option<PathBuf>,
}

impl Session {
    /// A session in this directory, or in the default one.
    pub(crate) fn new(given: Option<PathBuf>, configuration_file: Option<PathBuf>) -> Self {
        let is_given = given.is_some();
        Self {
            data_directory: given.unwrap_or_else(|| PathBuf::from(DATA_DIRECTORY)),
            is_given,
            configuration_file,
        }
    }

    /// The configuration in effect.
    pub(crate) fn configuration(&self) -> Result<Loaded, Failure> {
        configuration::load(self.configuration_file.as_deref(), &self.data_directory)
    }

    /// Opens the data directory.
    pub(crate) async fn open(&self) -> Result<Assembly, Failure> {
        let loaded = self.configuration()?;
        Assembly::open(&loaded.configuration, &self.data_directory).await
    }
}
