//! What memory is told, and what it forgets.

use async_graphql::{Context, InputObject, Object};
use serde_json::json;

use super::{TEXT_LIMIT_BYTES, bounded};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::quality::{Job, MemoryKind, Prompt, Remembered};
use crate::scalar::Timestamp;
use crate::{Error, State};

/// Bytes of a transcript that one call takes.
const TRANSCRIPT_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// What memory shall forget: every field that is given must hold, and one at least must be given.
#[derive(InputObject)]
pub(crate) struct ForgetMemoryInput {
    /// These entries.
    #[graphql(default)]
    ids: Vec<String>,
    /// Entries of these kinds.
    #[graphql(default)]
    kinds: Vec<MemoryKind>,
    /// Entries of this system.
    system: Option<String>,
    /// Entries from this source.
    source: Option<String>,
    /// Entries before this time.
    before: Option<Timestamp>,
    /// Entries that say this in their title, their text or what they hold; upper and lower case are the same.
    about: Option<String>,
}

/// A transcript of a coding assistant.
#[derive(InputObject)]
pub(crate) struct RememberTranscriptInput {
    /// Where it comes from, e.g. the name of a file.
    name: String,
    /// JSON lines with role and content, or text whose turns begin with `User:`, `Assistant:` or `Error:`.
    content: String,
    /// The system it belongs to.
    system: Option<String>,
}

#[derive(Default)]
pub(crate) struct Memories;

#[Object(name = "MemoryMutation")]
impl Memories {
    /// Forgets entries of memory, also in what a later rebuild makes of the trail; gives how many that were.
    async fn forget_memory(&self, ctx: &Context<'_>, input: ForgetMemoryInput) -> Result<usize> {
        let mut filter = memory::Filter {
            ids: input.ids,
            kinds: input.kinds.into_iter().map(Into::into).collect(),
            organisation: None,
            system: input.system,
            source: input.source,
            before_ms: input.before.map(|before| before.0),
            about: input.about.filter(|about| !about.trim().is_empty()),
        };
        if filter.is_empty() {
            let problem = "nothing in it says what to forget, so it would be everything".to_owned();
            return Err(Error::Argument { argument: "input", problem }.into());
        }
        filter.organisation = Some(Prompt::ORGANISATION.to_owned());
        Ok(ctx.data::<State>()?.memory.forget(filter).await?)
    }

    /// Takes a transcript of a coding assistant into memory: what was asked, answered, and what went wrong. The same
    /// transcript again changes nothing.
    async fn remember_transcript(
        &self,
        ctx: &Context<'_>,
        input: RememberTranscriptInput,
    ) -> Result<Remembered> {
        bounded("name", &input.name, TEXT_LIMIT_BYTES)?;
        bounded("content", &input.content, TRANSCRIPT_LIMIT_BYTES)?;
        let state = ctx.data::<State>()?;
        let (memory, system) = (state.memory.as_ref(), input.system.as_deref());
        let now_ms = state.clock.now_ms();
        Ok(das::transcript::remember(memory, &input.name, &input.content, system, now_ms).await?.into())
    }

    /// Fills memory again: with what comes with the program, and from the trail. Entries have stable ids, so that doing
    /// it again changes nothing. Returns a job at once; its result counts events, entries, and what stays forgotten.
    async fn rebuild_memory(&self, ctx: &Context<'_>) -> Result<Job> {
        let state = ctx.data::<State>()?.clone();
        let id = format!("{:016x}", (state.seeds)());
        let job = ctx.data::<Jobs>()?.start(id, move |_| async move {
            let crate::Recollection { memory, first } = &state.recollection;
            memory.store(first(state.clock.now_ms())).await?;
            let done = das::recollection::rebuild(state.trail.as_ref(), memory.as_ref()).await?;
            Ok(json!({"events": done.events, "entries": done.entries, "forgotten": done.forgotten}))
        })?;
        Ok(job)
    }
}
