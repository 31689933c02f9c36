//! From what was read to nodes of the tree: steps, waits, repetitions.

use super::action::{Action, capitalised, join_words};
use super::duration;
use super::lexicon;
use super::question::question;
use super::referent::head;
use crate::tree::{Activity, Event, EventKind, Loop, Node, Partner, Span, TaskKind, variable_name};

/// An action as a step: people's steps pass through unless the process has to wait for what they decide.
pub(super) fn node(action: Action, label: String) -> Node {
    let decides = ["approve", "authorise", "authorize", "sign"].contains(&action.verb.as_str())
        || (matches!(action.verb.as_str(), "wait" | "obtain")
            && action.object.to_lowercase().contains("approval"));
    if let Some(duration) = waiting(&action) {
        return Event {
            span: Some(action.span),
            confidence: action.confidence,
            ..Event::new(label, EventKind::Timer(duration))
        }
        .into();
    }
    let kind = if decides && !action.machine {
        TaskKind::User
    } else if action.actor.is_some() && !action.machine {
        TaskKind::Manual
    } else {
        TaskKind::Service
    };
    let activity = Activity {
        actor: action.actor.clone(),
        kind,
        data: data(&action.thing()),
        makes: if MAKING.contains(&action.verb.as_str()) { data(&action.thing()) } else { Vec::new() },
        partner: partner(&action),
        confidence: if action.possible { action.confidence * 0.8 } else { action.confidence },
        span: Some(Span { start: action.span.start, end: action.span.end }),
        ..Activity::new(label)
    };
    activity.into()
}

/// Verbs whose object comes into being by them.
const MAKING: [&str; 24] = [
    "write",
    "create",
    "prepare",
    "draft",
    "generate",
    "draw",
    "produce",
    "issue",
    "compile",
    "compose",
    "formulate",
    "compute",
    "calculate",
    "estimate",
    "derive",
    "build",
    "design",
    "develop",
    "record",
    "define",
    "set",
    "plan",
    "measure",
    "collect",
];
/// Verbs that send their object, or word, to somebody.
const SENDING: [&str; 32] = [
    "send",
    "forward",
    "deliver",
    "ship",
    "email",
    "e-mail",
    "mail",
    "submit",
    "return",
    "hand",
    "transmit",
    "report",
    "offer",
    "pay",
    "transfer",
    "give",
    "release",
    "communicate",
    "announce",
    "provide",
    "pass",
    "explain",
    "present",
    "confirm",
    "inform",
    "notify",
    "tell",
    "ask",
    "remind",
    "contact",
    "order",
    "request",
];
const RECEIVING: [&str; 6] = ["receive", "get", "obtain", "collect", "accept", "buy"];
/// Of these the object itself is who gets it.
const ADDRESSING: [&str; 10] =
    ["inform", "notify", "tell", "ask", "remind", "contact", "call", "email", "e-mail", "invoice"];
/// Nouns of those who stand outside.
const OUTSIDE: [&str; 39] = [
    "customer",
    "client",
    "buyer",
    "shopper",
    "guest",
    "passenger",
    "traveller",
    "applicant",
    "candidate",
    "supplier",
    "vendor",
    "seller",
    "manufacturer",
    "wholesaler",
    "distributor",
    "retailer",
    "forwarder",
    "carrier",
    "courier",
    "contractor",
    "subcontractor",
    "authority",
    "regulator",
    "ministry",
    "court",
    "insurer",
    "policyholder",
    "claimant",
    "citizen",
    "tenant",
    "subscriber",
    "member",
    "donor",
    "investor",
    "partner",
    "customs",
    "broker",
    "counterparty",
    "press",
];
/// Most words of the name of a thing.
const MAX_THING: usize = 4;

/// The things an object names.
fn data(object: &str) -> Vec<String> {
    let phrase = ["whether", "until", "that ", "if "].iter().any(|opener| object.starts_with(opener));
    if object.is_empty() || phrase {
        return Vec::new();
    }
    let thing = |part: &str| {
        let part = part.trim();
        let words = part.split(' ').count();
        let named = part.starts_with(char::is_alphabetic) && words <= MAX_THING;
        (named && lexicon::actor(&head(part)).is_none()).then(|| part.to_owned())
    };
    object.split(", ").flat_map(|part| part.split(" and ")).filter_map(thing).collect()
}

/// Who outside gets or sends what the step names: "send the invoice to the customer", "notify the supplier".
fn partner(action: &Action) -> Option<Partner> {
    let verb = action.verb.as_str();
    let words: Vec<&str> = action.object.split(' ').collect();
    let after = |preposition: &str| {
        let place = words.iter().position(|word| *word == preposition)?;
        outsider(words.get(place + 1..)?)
    };
    let message = || {
        let things = data(&action.thing());
        things.first().map(|thing| capitalised(thing)).unwrap_or_default()
    };
    let orders = matches!(verb, "order" | "request" | "buy" | "ask");
    if orders && let Some(name) = after("from") {
        return Some(Partner { name, sends: true, message: String::new() });
    }
    if RECEIVING.contains(&verb)
        && let Some(name) = after("from").or_else(|| after("of"))
    {
        return Some(Partner { name, sends: false, message: message() });
    }
    if ADDRESSING.contains(&verb)
        && let Some(name) = outsider(&words)
    {
        return Some(Partner { name, sends: true, message: String::new() });
    }
    let name = SENDING.contains(&verb).then(|| after("to")).flatten()?;
    Some(Partner { name, sends: true, message: message() })
}

/// The name that words begin with, if it is of somebody outside.
fn outsider(words: &[&str]) -> Option<String> {
    let behind = |word: &&&str| {
        matches!(
            **word,
            "to" | "about"
                | "by"
                | "for"
                | "of"
                | "with"
                | "from"
                | "in"
                | "on"
                | "at"
                | "and"
                | "or"
                | "via"
                | "within"
        )
    };
    let end = words.iter().position(|word| behind(&word)).unwrap_or(words.len());
    let name = words.get(..end)?;
    let head = lexicon::singular(&name.last()?.to_lowercase());
    if name.len() > 3 || !OUTSIDE.contains(&head.as_str()) {
        return None;
    }
    let front = name.get(..name.len() - 1)?.join(" ");
    Some(capitalised(join_words(&front, &head).trim()))
}

/// "wait 2 days", "wait for 30 minutes" as an ISO 8601 duration.
fn waiting(action: &Action) -> Option<String> {
    if !["wait", "pause", "sleep"].contains(&action.verb.as_str()) {
        return None;
    }
    let mut words = action.object.split(' ').filter(|word| !matches!(*word, "for" | "another" | "about"));
    duration::duration([words.next()?, words.next()?].into_iter())
}

/// A loop with a question and an answer on each flow; `denied` where it is repeated as long as the label does not hold.
pub(super) fn repetition(
    label: &str,
    feel: String,
    denied: bool,
    body: Node,
    mut redo: Vec<Node>,
    limit: Option<u32>,
) -> Node {
    let question = question(label);
    let again = if denied { question.failed() } else { question.held() };
    let mut condition = feel;
    if let Some(limit) = limit {
        let attempts = variable_name(&format!("{label} attempts"));
        condition = format!("{condition} and (if {attempts} = null then 0 else {attempts}) < {limit}");
        let count = format!("if {attempts} = null then 1 else {attempts} + 1");
        redo.push(Activity::new("Count attempts").script(count, attempts).into());
    }
    Node::Loop(Box::new(Loop {
        id: String::new(),
        label: Some(question.text),
        condition,
        again_label: Some(again.to_owned()),
        body,
        redo: Node::sequence(redo),
    }))
}
