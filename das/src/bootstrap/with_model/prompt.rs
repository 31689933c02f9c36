//! The question to the model: the shipped prompt, or the version that people approved in its place, filled in by the
//! context manager within a token budget.

use context::{
    Assembled, ContextManager, DropReason, Item, LATEST, Parameters, Prompt, PromptVersion, Stamp,
    TemplateMessage, Variable, VariableType, assemble, disarm,
};
use llm::Role;
use serde_json::{Map, Value};

use crate::bootstrap::Draft;
use crate::bootstrap::read::Source;
use crate::bootstrap::suggestion::schema;

/// Name of the prompt.
pub const PROMPT: &str = "das/bootstrap";
/// Who saves the shipped version.
const AUTHOR: &str = "das";
/// Tokens of a question: instructions, what is known, and as many requirements as fit.
const QUESTION_TOKENS: usize = 16_000;
/// Most bytes of what is known, so that requirements find room beside it.
const KNOWN_BYTES: usize = 18_000;
/// Most requirements of one question: an answer about more is too long.
const MAX_REQUIREMENTS: usize = 40;
/// Most tokens of an answer.
const ANSWER_TOKENS: u32 = 8_000;
/// Marks around data in the shipped prompt.
const MARKS: [&str; 3] = ["system", "known", "item"];

/// The prompt as it is shipped.
#[must_use]
pub fn shipped() -> Prompt {
    let message = |role, text: &str| TemplateMessage { role, text: text.to_owned() };
    let variable = |name: &str, description: &str| Variable {
        name: name.to_owned(),
        kind: VariableType::Text,
        default: None,
        description: description.to_owned(),
    };
    Prompt {
        name: PROMPT.to_owned(),
        purpose: "Fills the gaps that rules leave between requirements and a system.".to_owned(),
        messages: vec![
            message(Role::System, include_str!("../../../prompts/bootstrap/01-system.md")),
            message(Role::User, include_str!("../../../prompts/bootstrap/02-user.md")),
        ],
        variables: vec![
            variable("system", "Name of the system."),
            variable("known", "The parts, bounds and interfaces that there are."),
        ],
        output_schema: Some(schema()),
        parameters: Parameters { max_tokens: Some(ANSWER_TOKENS), ..Parameters::default() },
        fragments: std::collections::BTreeMap::new(),
    }
}

/// The version in use: the approved one, else the shipped one, which is saved where people find it.
pub(super) async fn version(contexts: &ContextManager, now_ms: i64) -> Result<PromptVersion, context::Error> {
    let stamp = Stamp::new(AUTHOR, now_ms);
    let labels = contexts.labels(&stamp.organisation, PROMPT).await?;
    if labels.contains_key(context::PRODUCTION) {
        return contexts.in_production(&stamp.organisation, PROMPT).await;
    }
    if labels.contains_key(LATEST) {
        // Somebody may work on a version of their own: it stays the latest, and counts once it is approved.
        return contexts.keep(shipped(), "shipped", &stamp).await;
    }
    contexts.save(shipped(), "shipped", &stamp).await
}

/// What is asked.
pub(super) struct Question {
    /// Messages, schema and parameters.
    pub(super) request: llm::ChatRequest,
    /// Ids of the requirements that are asked about.
    pub(super) ids: Vec<String>,
    /// Places of the requirements that are done with it, those included that are too long or stand twice.
    pub(super) places: Vec<usize>,
    /// Ids of requirements that do not fit into any question.
    pub(super) too_long: Vec<String>,
}

/// Puts together the next question: as many of the open requirements as fit.
pub(super) fn question(
    version: &PromptVersion,
    source: &Source,
    draft: &Draft,
    open: &[usize],
) -> Result<Question, context::Error> {
    let next: Vec<usize> = open.iter().copied().take(MAX_REQUIREMENTS).collect();
    let items: Vec<Item> =
        next.iter().enumerate().filter_map(|(n, place)| item(source, draft, n, *place)).collect();
    let mut variables = Map::new();
    variables.insert("system".to_owned(), Value::String(disarm(&draft.system, &MARKS)));
    variables.insert("known".to_owned(), Value::String(disarm(&known(draft), &MARKS)));
    let Assembled { mut request, included, dropped, .. } =
        assemble(version, &variables, &items, QUESTION_TOKENS)?;
    if request.schema.is_none() {
        request = request.with_schema("bootstrap", schema());
    }
    request.max_tokens = request.max_tokens.or(Some(ANSWER_TOKENS));
    request.caller.purpose = Some("bootstrap".to_owned());
    let later = |id: &str| {
        let reason = dropped.iter().find(|dropped| dropped.id == id).map(|dropped| &dropped.reason);
        matches!(reason, Some(DropReason::Budget { .. } | DropReason::TooMany))
    };
    let id_of = |place: &usize| source.items.get(*place).map_or("", |item| item.id.as_str());
    let mut places: Vec<usize> = next.iter().copied().filter(|place| !later(id_of(place))).collect();
    let mut too_long = Vec::new();
    if included.is_empty()
        && let Some(first) = next.first().filter(|_| places.is_empty())
    {
        too_long.push(id_of(first).to_owned());
        places.push(*first);
    }
    Ok(Question { request, ids: included, places, too_long })
}

/// A requirement as the question shows it: its text is data, its title says what the rules made of it.
fn item(source: &Source, draft: &Draft, order: usize, place: usize) -> Option<Item> {
    let (item, requirement) = (source.items.get(place)?, draft.model.requirements.get(place)?);
    let parts: Vec<&str> = draft
        .model
        .links
        .iter()
        .filter(|link| link.kind == "allocated_to" && link.source == item.id)
        .map(|link| link.target.as_str())
        .collect();
    let title = match (requirement.pattern.as_str(), parts.as_slice()) {
        ("unparsed", []) => "not read, not allocated".to_owned(),
        ("unparsed", parts) => format!("not read, allocated to {}", parts.join(", ")),
        (_, []) => "not allocated".to_owned(),
        (_, parts) => format!("allocated to {}", parts.join(", ")),
    };
    #[expect(clippy::cast_precision_loss, reason = "at most MAX_REQUIREMENTS")]
    let score = -(order as f64);
    let group = item.group.clone().unwrap_or_default();
    Some(Item { id: item.id.clone(), title, text: item.text.clone(), source: group, score })
}

/// The system as it is so far, in lines; cut where it is long.
fn known(draft: &Draft) -> String {
    let model = &draft.model;
    let mut lines = vec!["parts:".to_owned()];
    lines.extend(model.components.iter().map(|part| match &part.parent {
        Some(parent) => format!("- {} ({}), part of {parent}", part.id, part.name),
        None => format!("- {} ({}), the whole system", part.id, part.name),
    }));
    lines.push("bounds that can be shared out:".to_owned());
    lines.extend(model.constraints.iter().filter(|bound| bound.kind == "budget").map(|bound| {
        let parts: Vec<String> = bound
            .parts
            .iter()
            .map(|(part, value, assumed)| format!("{part} {value}{}", if *assumed { " assumed" } else { "" }))
            .collect();
        format!(
            "- {} of {} {} {} {}: {}",
            bound.property,
            bound.subject,
            bound.comparator,
            bound.si_value,
            bound.si_unit,
            parts.join(", ")
        )
    }));
    lines.push("interfaces:".to_owned());
    lines.extend(
        model.interfaces.iter().map(|flow| format!("- {} to {}: {}", flow.source, flow.target, flow.item)),
    );
    let mut text = String::new();
    for line in lines {
        if text.len() + line.len() > KNOWN_BYTES {
            text.push_str("… and more\n");
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}
