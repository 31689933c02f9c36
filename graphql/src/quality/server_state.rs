//! Version and state of this server.

use async_graphql::SimpleObject;

use crate::State;

/// State of this server.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ServerState {
    /// Version of the program.
    version: String,
    /// Its process engine: `embedded`, `camunda7` or `camunda8`.
    engine: String,
    /// Its language model, where one is configured.
    model: Option<String>,
    /// The model that turns speech into text, where one is configured; recordings go to `/api/voice`.
    speech: Option<String>,
    /// Its database: `sqlite` or `postgres`.
    database: String,
    /// Its memory: `embedded` or the address of a server.
    memory: String,
    /// PDOs that live now.
    live_pdos: usize,
    /// TDEs that live now.
    live_tdes: usize,
    /// Where everything is kept.
    data_directory: String,
}

impl From<&State> for ServerState {
    fn from(state: &State) -> Self {
        Self {
            version: state.about.version.clone(),
            engine: state.engine.name().to_owned(),
            model: state.model.as_ref().map(|model| model.name().to_owned()),
            speech: state.about.speech.clone(),
            database: state.about.database.clone(),
            memory: state.about.memory.clone(),
            live_pdos: state.census.pdos(),
            live_tdes: state.census.tdes(),
            data_directory: state.about.data_directory.clone(),
        }
    }
}
