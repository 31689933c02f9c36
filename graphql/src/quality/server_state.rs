//! Version and state of this server.

use async_graphql::{ComplexObject, Context, SimpleObject};
use das::watch::SAMPLE_EVERY_MS;

use super::Vitals;
use crate::State;
use crate::error::Result;

/// State of this server.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
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
    /// The BPMN by which PDOs and TDEs work now. Deploying a process with the same id replaces one; a broken one is
    /// refused and the last good one stays.
    templates: Vec<WorkerTemplate>,
}

/// The BPMN by which a kind of worker works.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkerTemplate {
    /// Its process id: `pdo`, `tde`, or what tasks name as their executor.
    name: String,
    /// SHA-256 of its file in hexadecimal: its version.
    checksum: String,
    /// The file.
    xml: String,
    /// True where it is the one that came with the program.
    is_built_in: bool,
}

impl From<&kernel::Template> for WorkerTemplate {
    fn from(template: &kernel::Template) -> Self {
        Self {
            name: template.name.clone(),
            checksum: template.checksum.clone(),
            xml: template.xml.clone(),
            is_built_in: template.xml == kernel::PDO_BPMN || template.xml == kernel::TDE_BPMN,
        }
    }
}

#[ComplexObject]
impl ServerState {
    /// The machine and the parts: as sampled within the last minute, else as they are now.
    async fn vitals(&self, ctx: &Context<'_>) -> Result<Option<Vitals>> {
        let state = ctx.data::<State>()?;
        let now_ms = state.clock.now_ms();
        let fresh =
            state.vitals.newest().filter(|one| now_ms.saturating_sub(one.at_ms) < 2 * SAMPLE_EVERY_MS);
        Ok(match (fresh, &state.machine) {
            (Some(sample), _) => Some(sample.into()),
            (None, Some(machine)) => Some(machine.sample(now_ms).await.into()),
            (None, None) => None,
        })
    }

    /// What the watching assistant sampled in the last hour, oldest first, twice a minute.
    async fn recent_vitals(&self, ctx: &Context<'_>) -> Result<Vec<Vitals>> {
        Ok(ctx.data::<State>()?.vitals.recent().into_iter().map(Into::into).collect())
    }
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
            templates: state
                .templates
                .all()
                .iter()
                .map(|template| WorkerTemplate::from(&**template))
                .collect(),
        }
    }
}
