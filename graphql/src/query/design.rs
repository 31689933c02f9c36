//! Questions about the design of systems: what a changed source would change, what is open, systems side by side.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use das::bootstrap::Request;
use das::bootstrap::preview::{self, Effect, Preview};
use das::trade::{self, Better};

use crate::State;
use crate::error::Result;

/// A source of requirements.
#[derive(InputObject)]
pub(crate) struct PreviewInput {
    /// Name of the system.
    name: String,
    /// The requirements: Markdown, CSV, or plain lines.
    content: String,
    /// Name of the file: its ending says the format, Markdown without one.
    file_name: Option<String>,
}

/// What building from a source would change; nothing is stored. `bootstrapSystem` with the same source accepts it.
#[derive(SimpleObject)]
pub(crate) struct BootstrapPreview {
    /// Name of the system.
    system: String,
    /// True where it does not exist yet.
    first: bool,
    /// Nodes that are touched.
    nodes: Vec<NodeEffect>,
    /// How many links come or go.
    links: i32,
    /// Processes that are touched.
    processes: Vec<ProcessEffect>,
    /// How many nodes stay as they are.
    untouched: i32,
}

/// What happens to a node.
#[derive(SimpleObject)]
pub(crate) struct NodeEffect {
    /// Id of the node in its system.
    local_id: String,
    /// `requirement`, `component`, …
    kind: String,
    /// What a person reads.
    label: String,
    /// `added`, `changed`, `removed`, or `kept` because a person wrote it.
    effect: &'static str,
}

/// What happens to a process.
#[derive(SimpleObject)]
pub(crate) struct ProcessEffect {
    /// Id of the BPMN process.
    process: String,
    /// `added`, `changed` or `removed`.
    effect: &'static str,
    /// Steps that are new.
    added: Vec<String>,
    /// Steps that go.
    removed: Vec<String>,
}

/// A question to the people who want the system.
#[derive(SimpleObject)]
pub(crate) struct OpenQuestion {
    /// `contradiction`, `gap`, `vague`, `double`, `unit`, `unparsed`, `duplicate`, `assumed_budget`.
    kind: String,
    /// Ids of the nodes it is about.
    about: Vec<String>,
    /// The question.
    text: String,
    /// What answer would settle it.
    settled_by: String,
}

/// Systems side by side.
#[derive(SimpleObject)]
pub(crate) struct TradeStudy {
    /// Names of the systems.
    systems: Vec<String>,
    /// What they are compared by.
    criteria: Vec<TradeCriterion>,
}

/// A criterion over all systems of a study.
#[derive(SimpleObject)]
pub(crate) struct TradeCriterion {
    /// What is compared.
    name: String,
    /// Unit, where it has one.
    unit: String,
    /// `higher`, `lower` or `neither`.
    better: &'static str,
    /// A value for each system, in their order; null where a system says nothing about it.
    values: Vec<Option<TradeValue>>,
    /// Names of the systems that are best; empty where it only describes or is not sure.
    best: Vec<String>,
}

/// A value, or an estimate with its 95 % interval.
#[derive(SimpleObject)]
pub(crate) struct TradeValue {
    /// The value.
    value: f64,
    /// Lower end of the interval of an estimate.
    low: Option<f64>,
    /// Upper end of the interval of an estimate.
    high: Option<f64>,
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Added => "added",
        Effect::Changed => "changed",
        Effect::Removed => "removed",
        Effect::Kept => "kept",
    }
}

fn count(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

impl From<Preview> for BootstrapPreview {
    fn from(found: Preview) -> Self {
        let nodes = found.nodes.into_iter().map(|node| NodeEffect {
            local_id: node.id,
            kind: node.kind,
            label: node.label,
            effect: word(node.effect),
        });
        let processes = found.processes.into_iter().map(|process| ProcessEffect {
            process: process.process,
            effect: word(process.effect),
            added: process.added,
            removed: process.removed,
        });
        Self {
            system: found.system,
            first: found.first,
            nodes: nodes.collect(),
            links: count(found.links),
            processes: processes.collect(),
            untouched: count(found.untouched),
        }
    }
}

#[derive(Default)]
pub(crate) struct Design;

#[Object(name = "DesignQuery")]
impl Design {
    /// What building from a source would change, by node and by process; nothing is stored.
    async fn bootstrap_preview(&self, ctx: &Context<'_>, input: PreviewInput) -> Result<BootstrapPreview> {
        let file = input.file_name.unwrap_or_else(|| "requirements.md".to_owned());
        let request = Request { name: Some(input.name), ..Request::new(file, input.content) };
        let found = preview::preview(request, &ctx.data::<State>()?.bootstrap).await?;
        Ok(found.into())
    }

    /// What a system leaves open, asked back, with what answer would settle it.
    async fn questions(&self, ctx: &Context<'_>, system: String) -> Result<Vec<OpenQuestion>> {
        let asked =
            das::bootstrap::questions::questions(ctx.data::<State>()?.ontology.snapshot(&system)?.as_ref());
        let open = asked.into_iter().map(|question| OpenQuestion {
            kind: question.kind,
            about: question.about,
            text: question.text,
            settled_by: question.settled_by,
        });
        Ok(open.collect())
    }

    /// Systems side by side: coverage, open points, bounds and budgets, measured performance.
    async fn trade_study(&self, ctx: &Context<'_>, systems: Vec<String>) -> Result<TradeStudy> {
        let study = trade::study(&systems, &ctx.data::<State>()?.bootstrap).await?;
        let names = study.systems;
        let criteria = study.criteria.into_iter().map(|criterion| TradeCriterion {
            name: criterion.name,
            unit: criterion.unit,
            better: match criterion.better {
                Better::Higher => "higher",
                Better::Lower => "lower",
                Better::Neither => "neither",
            },
            values: criterion
                .values
                .into_iter()
                .map(|value| {
                    value.map(|value| TradeValue {
                        value: value.value,
                        low: value.interval.map(|(low, _)| low),
                        high: value.interval.map(|(_, high)| high),
                    })
                })
                .collect(),
            best: criterion.best.iter().filter_map(|&place| names.get(place).cloned()).collect(),
        });
        Ok(TradeStudy { criteria: criteria.collect(), systems: names })
    }
}
