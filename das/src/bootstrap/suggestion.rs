//! What a language model may say about a system, as plain data: the form of its answer, and what is remembered of it.
//!
//! Nothing in here counts by itself. `decompose` and `processes` hold each suggestion against their checks and refuse
//! what does not fit; only then is it part of the system.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::name::phrase;
use crate::tree::table::{self, Row};

/// Most suggestions that are read of one answer.
pub const MAX_ITEMS: usize = 2_000;
/// Longest name that a suggestion may give to something, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 120;
/// Longest reason or description, in bytes.
pub(crate) const MAX_WORDS_BYTES: usize = 600;
/// What the rule of an origin begins with, where a model made the thing.
pub const BY_MODEL: &str = "model:";

/// One thing that a model said, and which model under which version of the prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// `model:NAME@VERSION`: the rule of what comes of it.
    pub by: String,
    /// What it said.
    pub item: Item,
}

/// What a model can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// How a requirement is to be read.
    Reading(Reading),
    /// A part.
    Part(Part),
    /// Which part answers for a requirement.
    Allocation(Allocation),
    /// What a part does.
    Function(Function),
    /// What flows between two parts.
    Interface(Interface),
    /// How a bound is shared out among parts.
    Budget(Budget),
    /// How a part works, as a process.
    Process(Process),
}

/// A requirement that the rules cannot read, said so that they can.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Id of the requirement.
    pub requirement: String,
    /// Who shall do it.
    pub subject: String,
    /// When, with its keyword.
    #[serde(default)]
    pub condition: Option<String>,
    /// What shall be done, from the verb on.
    pub response: String,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// A part of another part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Id or name of the part it belongs to.
    pub parent: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// Which part answers for a requirement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// Id of the requirement.
    pub requirement: String,
    /// Id or name of the part.
    pub part: String,
    /// The words of the requirement that speak for it.
    pub quote: String,
    /// Why.
    pub why: String,
    /// Other parts that were thought of.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// A part that was thought of and not taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Id or name of the part.
    pub part: String,
    /// Why not.
    pub why_not: String,
}

/// What a part does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// A verb phrase.
    pub name: String,
    /// Id or name of the part.
    pub part: String,
    /// Ids of the requirements that it satisfies.
    pub requirements: Vec<String>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// What flows between two parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Id or name of the part at one end.
    pub source: String,
    /// Id or name of the part at the other.
    pub target: String,
    /// What flows.
    pub item: String,
    /// True where it flows both ways.
    #[serde(default)]
    pub both: bool,
    /// Unit of what flows.
    #[serde(default)]
    pub unit: Option<String>,
    /// Ids of the requirements that ask for it.
    pub requirements: Vec<String>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// How a bound of a part is shared out among its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Id or name of the part whose bound it is.
    pub part: String,
    /// What is bounded, e.g. `mass`.
    pub property: String,
    /// Unit of the shares.
    pub unit: String,
    /// What each part gets.
    pub shares: Vec<Share>,
    /// Ids of the requirements that bound it.
    pub requirements: Vec<String>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// What a part gets of a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Id or name of the part.
    pub part: String,
    /// How much, in the budget's unit.
    pub value: f64,
}

/// How a part works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// Id or name of the part.
    pub part: String,
    /// Ids of the requirements whose functions it carries out.
    pub requirements: Vec<String>,
    /// Id of the topmost row.
    pub root: String,
    /// The rows of its tree.
    pub nodes: Vec<Row>,
    /// How sure the model is, 0..=1.
    pub confidence: f64,
}

/// Why a suggestion that changes nothing is not taken: nobody needs to be told.
pub(crate) const ALREADY: &str = "it is so already";

/// Why a suggestion is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place among the suggestions.
    pub at: usize,
    /// What is wrong, worded so that a model can mend it.
    pub why: String,
}

/// An answer as the schema has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    readings: Vec<Reading>,
    parts: Vec<Part>,
    allocations: Vec<Allocation>,
    functions: Vec<Function>,
    interfaces: Vec<Interface>,
    budgets: Vec<Budget>,
    processes: Vec<Process>,
}

/// Reads an answer: what is understood first, what rests on it later.
///
/// # Errors
/// What is wrong with it, in words for the model.
pub fn read(answer: Value, by: &str) -> Result<Vec<Suggestion>, String> {
    let answer: Answer =
        serde_json::from_value(answer).map_err(|error| format!("the answer has another form: {error}"))?;
    let mut items: Vec<Item> = answer.readings.into_iter().map(Item::Reading).collect();
    items.extend(answer.parts.into_iter().map(Item::Part));
    items.extend(answer.allocations.into_iter().map(Item::Allocation));
    items.extend(answer.functions.into_iter().map(Item::Function));
    items.extend(answer.interfaces.into_iter().map(Item::Interface));
    items.extend(answer.budgets.into_iter().map(Item::Budget));
    items.extend(answer.processes.into_iter().map(|mut process| {
        // How a step is executed is for people to say: a model writes the plain columns only.
        for row in &mut process.nodes {
            (row.detail, row.event) = (None, None);
        }
        Item::Process(process)
    }));
    if items.len() > MAX_ITEMS {
        return Err(format!("the answer has {} items, at most {MAX_ITEMS} are read", items.len()));
    }
    Ok(items.into_iter().map(|item| Suggestion { by: by.to_owned(), item }).collect())
}

impl Item {
    /// What it is, in a line: the same for the same claim, however it is reasoned.
    #[must_use]
    pub fn claim(&self) -> String {
        match self {
            Self::Reading(reading) => format!("reading of {}", reading.requirement),
            Self::Part(part) => format!("part '{}' of '{}'", part.name, part.parent),
            Self::Allocation(found) => format!("allocation of {} to '{}'", found.requirement, found.part),
            Self::Function(function) => format!("function '{}' of '{}'", function.name, function.part),
            Self::Interface(flow) => {
                format!("interface '{}' from '{}' to '{}'", flow.item, flow.source, flow.target)
            }
            Self::Budget(budget) => format!("{} budget of '{}'", budget.property, budget.part),
            Self::Process(process) => format!("process '{}' of '{}'", process.name, process.part),
        }
    }

    /// The word for its sort.
    #[must_use]
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Reading(_) => "readings",
            Self::Part(_) => "parts",
            Self::Allocation(_) => "allocations",
            Self::Function(_) => "functions",
            Self::Interface(_) => "interfaces",
            Self::Budget(_) => "budgets",
            Self::Process(_) => "processes",
        }
    }

    /// How sure the model is; what is no number from 0 to 1 is not sure at all.
    pub(crate) fn confidence(&self) -> f64 {
        let said = match self {
            Self::Reading(item) => item.confidence,
            Self::Part(item) => item.confidence,
            Self::Allocation(item) => item.confidence,
            Self::Function(item) => item.confidence,
            Self::Interface(item) => item.confidence,
            Self::Budget(item) => item.confidence,
            Self::Process(item) => item.confidence,
        };
        if (0.0..=1.0).contains(&said) { said } else { 0.0 }
    }

    /// Ids of the requirements that it speaks of, to be read or renamed.
    pub(crate) fn requirements_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Reading(item) => vec![&mut item.requirement],
            Self::Allocation(item) => vec![&mut item.requirement],
            Self::Part(_) => Vec::new(),
            Self::Function(item) => item.requirements.iter_mut().collect(),
            Self::Interface(item) => item.requirements.iter_mut().collect(),
            Self::Budget(item) => item.requirements.iter_mut().collect(),
            Self::Process(item) => item.requirements.iter_mut().collect(),
        }
    }

    /// Ids of the requirements that it speaks of.
    #[must_use]
    pub fn requirements(&self) -> Vec<&str> {
        match self {
            Self::Reading(item) => vec![&item.requirement],
            Self::Allocation(item) => vec![&item.requirement],
            Self::Part(_) => Vec::new(),
            Self::Function(item) => item.requirements.iter().map(String::as_str).collect(),
            Self::Interface(item) => item.requirements.iter().map(String::as_str).collect(),
            Self::Budget(item) => item.requirements.iter().map(String::as_str).collect(),
            Self::Process(item) => item.requirements.iter().map(String::as_str).collect(),
        }
    }
}

/// A name that a person can read and an id can be made of, or what is wrong with it.
pub(crate) fn named(name: &str) -> Result<&str, String> {
    let name = name.trim();
    if phrase(name).is_empty() {
        return Err("it has no name".to_owned());
    }
    if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(format!(
            "its name is longer than {MAX_NAME_BYTES} bytes, or has control characters in it"
        ));
    }
    Ok(name)
}

/// Reasons and descriptions as they are kept: cut, on one line.
pub(crate) fn words(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    while line.len() > MAX_WORDS_BYTES {
        line.pop();
    }
    line
}

/// The JSON Schema of an answer: every field required, every object closed, no recursion.
#[must_use]
pub fn schema() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let sure = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let list = |item: Value| json!({ "type": "array", "items": item });
    let alternative = closed(json!({ "part": text, "why_not": text }));
    let share = closed(json!({ "part": text, "value": { "type": "number" } }));
    // The rows of a process are those of every other generated process.
    let rows = table::schema()["properties"]["nodes"].clone();
    closed(json!({
        "readings": list(closed(json!({
            "requirement": text, "subject": text, "condition": maybe, "response": text, "confidence": sure,
        }))),
        "parts": list(closed(json!({
            "name": text, "parent": text, "description": maybe, "confidence": sure,
        }))),
        "allocations": list(closed(json!({
            "requirement": text, "part": text, "quote": text, "why": text, "alternatives": list(alternative),
            "confidence": sure,
        }))),
        "functions": list(closed(json!({
            "name": text, "part": text, "requirements": texts, "confidence": sure,
        }))),
        "interfaces": list(closed(json!({
            "source": text, "target": text, "item": text, "both": { "type": "boolean" }, "unit": maybe,
            "requirements": texts, "confidence": sure,
        }))),
        "budgets": list(closed(json!({
            "part": text, "property": text, "unit": text, "shares": list(share), "requirements": texts,
            "confidence": sure,
        }))),
        "processes": list(closed(json!({
            "name": text, "part": text, "requirements": texts, "root": text, "nodes": rows, "confidence": sure,
        }))),
    }))
}

/// An object with these properties, all required, and no others.
fn closed(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|all| all.keys()).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}
