//! Requirements from files of other tools.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::target::ID_LIMIT_BYTES;
use super::{actor, bounded};
use crate::error::Result;
use crate::import::{Import, import_requirements};
use crate::nodes::System;
use crate::quality::Job;
use crate::{Error, State};

/// A file to take in.
#[derive(InputObject)]
pub(crate) struct ImportRequirementsInput {
    /// Name of the system; it is made where there is none.
    system: String,
    /// Name of the file: its ending says the format: `.reqif`, `.reqifz`, `.csv`, `.xlsx`, `.ttl`, `.trig`, `.nt`, `.nq`,
    /// `.jsonld`, `.md` or `.txt`.
    file_name: String,
    /// Its text; a `.reqifz` or `.xlsx` file in Base64.
    content: String,
    /// The version of the system as you read it, 0 where there was none: where it has another by now, nothing is taken in.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// Something that could not be taken over as it was.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ImportRemark {
    /// In words.
    what: String,
    /// Line of the file.
    line: Option<u32>,
}

/// What taking in a file did.
#[derive(Clone, SimpleObject)]
pub(crate) struct ImportReport {
    /// The system as it is now.
    system: System,
    /// Number of its newest change set.
    version: i64,
    /// Requirements in the file.
    requirements: usize,
    /// Links that came from it.
    links: usize,
    /// Components, functions, processes, interfaces and constraints in the file.
    others: usize,
    /// Requirements that were not there before.
    added: usize,
    /// Requirements of the system that the file does not hold; they stay.
    absent: usize,
    /// What could not be taken over, at most 1,000 remarks.
    remarks: Vec<ImportRemark>,
}

/// The bytes of a file that came as text.
fn bytes_of(file_name: &str, content: String) -> std::result::Result<Vec<u8>, Error> {
    let ending = file_name.rsplit('.').next().unwrap_or_default();
    if !["reqifz", "xlsx"].iter().any(|binary| ending.eq_ignore_ascii_case(binary)) {
        return Ok(content.into_bytes());
    }
    STANDARD.decode(content).map_err(|error| Error::Argument {
        argument: "content",
        problem: format!("{file_name} is a binary file, and its content is no Base64: {error}"),
    })
}

impl ImportRequirementsInput {
    fn import(self, ctx: &Context<'_>, state: &State) -> std::result::Result<Import, Error> {
        let content = bytes_of(&self.file_name, self.content)?;
        if let Some(id) = &self.client_mutation_id {
            bounded("clientMutationId", id, ID_LIMIT_BYTES)?;
        }
        Ok(Import {
            system: self.system,
            file_name: self.file_name,
            content,
            author: actor(ctx),
            at_ms: state.clock.now_ms(),
            mutation: self.client_mutation_id,
            if_match: self.if_match,
        })
    }
}

#[derive(Default)]
pub(crate) struct Exchange;

#[Object(name = "ExchangeMutation")]
impl Exchange {
    /// Takes in requirements and the relations between them from a file of another tool, as one change set. Ids stay
    /// those of the file: importing a newer file keeps links and what people added.
    async fn import_requirements(
        &self,
        ctx: &Context<'_>,
        input: ImportRequirementsInput,
    ) -> Result<ImportReport> {
        let state = ctx.data::<State>()?;
        let system = input.system.clone();
        let import = input.import(ctx, state)?;
        let (report, version) = import_requirements(&state.ontology, import).await?;
        let remark = |it: ontology::exchange::Remark| ImportRemark { what: it.what, line: it.line };
        Ok(ImportReport {
            system: System(state.ontology.snapshot(&system)?),
            version,
            requirements: report.requirements,
            links: report.links,
            others: report.others,
            added: report.added,
            absent: report.absent,
            remarks: report.remarks.into_iter().map(remark).collect(),
        })
    }

    /// The same as a job, which is given back at once: for a big file. Progress by `bootstrapProgress`, from any
    /// position on; the result of the job is the report.
    async fn start_import(&self, ctx: &Context<'_>, input: ImportRequirementsInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let import = input.import(ctx, state)?;
        let id = format!("{:016x}", (state.seeds)());
        state.jobs.start_import(&id, Arc::clone(&state.ontology), import)?;
        let job = state.jobs.get(&id).ok_or(Error::Broken("the job"))?;
        Ok(job.shown())
    }
}
