//! Requirements from files of other tools.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::actor;
use crate::error::Result;
use crate::import::{Import, import_followed, import_requirements};
use crate::jobs::Jobs;
use crate::nodes::System;
use crate::quality::Job;
use crate::{Error, State};

/// A file to take in.
#[derive(InputObject)]
pub(crate) struct ImportRequirementsInput {
    /// Name of the system; it is made where there is none.
    system: String,
    /// Name of the file: its ending says the format, `.reqif`, `.reqifz`, `.csv` or `.xlsx`.
    file_name: String,
    /// Its text; a `.reqifz` or `.xlsx` file in Base64.
    content: String,
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
        let author = actor(ctx);
        let content = bytes_of(&input.file_name, input.content)?;
        let import = Import {
            system: &input.system,
            file_name: &input.file_name,
            content: &content,
            author: &author,
            at_ms: state.clock.now_ms(),
        };
        let (report, version) = import_requirements(&state.ontology, &import).await?;
        let remark = |it: ontology::exchange::Remark| ImportRemark { what: it.what, line: it.line };
        Ok(ImportReport {
            system: System(state.ontology.snapshot(&input.system)?),
            version,
            requirements: report.requirements,
            links: report.links,
            added: report.added,
            absent: report.absent,
            remarks: report.remarks.into_iter().map(remark).collect(),
        })
    }
    /// The same as a job, which is given back at once: for a big file. Progress by `bootstrapProgress`, from any
    /// position on; the result of the job is the report.
    async fn start_import(&self, ctx: &Context<'_>, input: ImportRequirementsInput) -> Result<Job> {
        let state = ctx.data::<State>()?;
        let (ontology, author, at_ms) = (Arc::clone(&state.ontology), actor(ctx), state.clock.now_ms());
        let content = bytes_of(&input.file_name, input.content)?;
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |entry| async move {
            let import = Import {
                system: &input.system,
                file_name: &input.file_name,
                content: &content,
                author: &author,
                at_ms,
            };
            let tell = |stage: &str, done: usize, total: usize| entry.step(stage, done, total);
            let (report, version) = import_followed(&ontology, &import, &tell).await?;
            let mut report = serde_json::to_value(report).map_err(|_| Error::Broken("the report"))?;
            report["version"] = version.into();
            Ok(report)
        })?;
        Ok(job)
    }
}
