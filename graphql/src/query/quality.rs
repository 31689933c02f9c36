//! Questions about how good it is and what is known.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, Object};
use kernel::ScoreFilter;
use ontology::QueryOptions;

use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::limits::page_cost;
use crate::lists::{ScoreOrder, TimeOrder};
use crate::quality::{
    Job, MemoryEntry, MemoryKind, Prompt, PromptProcess, Proposal, ProposalState, Recall, Score, ScoreKind,
    ServerState, SparqlResult, Suggestion, TrailEvent, TrailVerification, suggestions, trail_page,
};
use crate::scalar::{Key, Timestamp};
use crate::{Error, State};

/// Score rows that are ordered.
const SCORES_LIMIT: usize = 10_000;

#[derive(Default)]
pub(crate) struct Quality;

#[Object(name = "QualityQuery")]
impl Quality {
    /// Batting averages with their uncertainty.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "each is a filter of the query")]
    async fn scores(
        &self,
        ctx: &Context<'_>,
        kind: Option<ScoreKind>,
        subject: Option<String>,
        #[graphql(desc = "Subjects that begin with this text, e.g. `order/` for the tasks of a process.")]
        prefix: Option<String>,
        #[graphql(desc = "Only with at least so many attempts.")] min_attempts: Option<i32>,
        #[graphql(desc = "Only those whose lower end is below this: what may be bad.")] low_below: Option<
            f64,
        >,
        #[graphql(desc = "Best lower bound first where none is given.")] order_by: Option<ScoreOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Score>> {
        let page = Page::new(first, after)?;
        let filter = ScoreFilter {
            kind: kind.map(|kind| kind.as_str().to_owned()),
            subject,
            subject_prefix: prefix,
            limit: SCORES_LIMIT,
        };
        let rows = ctx.data::<State>()?.scores.scores(&filter).await?;
        let least = u64::try_from(min_attempts.unwrap_or_default()).unwrap_or_default();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.score().low, row)).collect();
        rows.retain(|(low, row)| row.attempts >= least && low_below.is_none_or(|below| *low < below));
        rows.sort_by(|(a, one), (b, other)| {
            b.total_cmp(a)
                .then_with(|| one.kind.cmp(&other.kind))
                .then_with(|| one.subject.cmp(&other.subject))
        });
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        if let Some(order) = order_by {
            order.sort(&mut rows);
        }
        Ok(page.of_list(rows.into_iter().map(Score).collect())?)
    }

    /// What DAS suggests.
    async fn suggestions(&self, ctx: &Context<'_>) -> Result<Vec<Suggestion>> {
        Ok(suggestions(ctx.data::<State>()?).await?)
    }

    /// Proposals, newest first: those in this state, or all.
    async fn proposals(&self, ctx: &Context<'_>, state: Option<ProposalState>) -> Result<Vec<Proposal>> {
        let found = ctx.data::<State>()?.proposals.list(state.map(Into::into)).await?;
        Ok(found.into_iter().map(Proposal).collect())
    }

    /// Prompts with their versions.
    async fn prompts(&self, ctx: &Context<'_>) -> Result<Vec<Prompt>> {
        let names = ctx.data::<State>()?.contexts.names(Prompt::ORGANISATION).await?;
        Ok(names.into_iter().map(Prompt).collect())
    }

    /// The prompt of this name, where there is one.
    async fn prompt(&self, ctx: &Context<'_>, name: String) -> Result<Option<Prompt>> {
        let names = ctx.data::<State>()?.contexts.names(Prompt::ORGANISATION).await?;
        Ok(names.into_iter().find(|known| *known == name).map(Prompt))
    }

    /// What prompts make of the success of the deployed processes that use them: of all, or of those that use this one.
    async fn prompt_processes(
        &self,
        ctx: &Context<'_>,
        prompt: Option<String>,
    ) -> Result<Vec<PromptProcess>> {
        let state = ctx.data::<State>()?;
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for definition in state.engine.definitions().await? {
            if !seen.insert(definition.process_id.clone()) {
                continue;
            }
            let xml = state.engine.definition_xml(definition.key).await?;
            let (contexts, scores) = (&state.contexts, state.scores.as_ref());
            let id = &definition.process_id;
            found
                .extend(das::prompts::of_definition(&xml, id, contexts, scores, Prompt::ORGANISATION).await?);
        }
        let uses = |process: &das::prompts::ProcessPrompts| {
            prompt.as_ref().is_none_or(|name| process.tasks.iter().any(|task| task.prompt == *name))
        };
        Ok(found.into_iter().filter(uses).map(PromptProcess::from).collect())
    }

    /// What memory knows about a text: only of these kinds, of this system and what belongs to none, from this source,
    /// since this time. An empty text asks for the newest.
    #[expect(clippy::too_many_arguments, reason = "each is a filter of the query")]
    async fn recall(
        &self,
        ctx: &Context<'_>,
        text: String,
        kinds: Option<Vec<MemoryKind>>,
        system: Option<String>,
        source: Option<String>,
        since: Option<Timestamp>,
        #[graphql(default = 10)] limit: i32,
    ) -> Result<Recall> {
        let most = usize::try_from(limit).ok().filter(|limit| (1..=memory::HITS_LIMIT).contains(limit));
        let limit = most.ok_or_else(|| Error::Argument {
            argument: "limit",
            problem: format!("{limit} is not in 1..={}", memory::HITS_LIMIT),
        })?;
        let kinds = kinds.unwrap_or_default().into_iter().map(Into::into).collect();
        let query = memory::Query {
            text,
            kinds,
            system,
            source,
            limit,
            organisation: Some(Prompt::ORGANISATION.to_owned()),
            since_ms: since.map(|since| since.0),
            ..memory::Query::default()
        };
        Ok(ctx.data::<State>()?.memory.recall(query).await?.into())
    }

    /// The entry of memory with this id.
    async fn memory_entry(&self, ctx: &Context<'_>, id: ID) -> Result<Option<MemoryEntry>> {
        let memory = &ctx.data::<State>()?.memory;
        Ok(memory.get(Prompt::ORGANISATION, id.as_str()).await?.map(MemoryEntry::from))
    }

    /// The quality trail, oldest first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "each is a filter of the query")]
    async fn trail(
        &self,
        ctx: &Context<'_>,
        instance: Option<Key>,
        element: Option<String>,
        subject: Option<String>,
        kind_prefix: Option<String>,
        order_by: Option<TimeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<TrailEvent>> {
        let filter = trail::Filter {
            instance: instance.map(|key| key.0),
            element,
            subject,
            kind_prefix,
            ..trail::Filter::default()
        };
        trail_page(ctx, filter, order_by, &Page::new(first, after)?).await
    }

    /// Checks the hash chain of the whole trail.
    async fn verify_trail(&self, ctx: &Context<'_>) -> Result<TrailVerification> {
        Ok(ctx.data::<State>()?.trail.verify().await?.into())
    }

    /// A SPARQL query over the ontology; the result as SPARQL 1.1 JSON, or Turtle for CONSTRUCT and DESCRIBE.
    async fn sparql(&self, ctx: &Context<'_>, query: String) -> Result<SparqlResult> {
        Ok(ctx.data::<State>()?.ontology.sparql(&query, QueryOptions::default()).await?.into())
    }

    /// A job that was started by a mutation.
    async fn job(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Job>> {
        Ok(ctx.data::<Jobs>()?.get(&id).map(|entry| entry.shown()))
    }

    /// Version and state of this server.
    async fn server(&self, ctx: &Context<'_>) -> Result<ServerState> {
        Ok(ctx.data::<State>()?.into())
    }
}
