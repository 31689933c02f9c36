//! A point of the store: how an entry becomes one and comes back, and the conditions a search may set.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::bm25::{self, Sparse};
use crate::entry::{BATCH_LIMIT, PAYLOAD_LIMIT_BYTES, TEXT_LIMIT_BYTES};
use crate::{Entry, Error, Filter, Kind, Query};

/// Name of the sparse vector.
pub(crate) const WORDS: &str = "words";

/// Name of the dense vector.
pub(crate) const MEANING: &str = "meaning";

/// Payload fields that are searched by equality.
pub(crate) const KEYWORDS: [&str; 5] = ["id", "kind", "organisation", "system", "source"];

/// The payload field of the time.
pub(crate) const TIME: &str = "at_ms";

/// An entry on its way into the store.
pub(crate) struct Point {
    pub(crate) id: [u8; 16],
    pub(crate) words: Sparse,
    pub(crate) meaning: Option<Vec<f32>>,
    pub(crate) payload: Map<String, Value>,
}

/// A condition on the payload; all conditions of a search must hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// The field is one of these.
    OneOf(&'static str, Vec<String>),
    /// The entry is of this system or of none.
    SystemOrNone(String),
    /// The time is at or after this.
    Since(i64),
    /// The time is before this.
    Before(i64),
}

/// The number of the point of an entry: the first half of SHA-256 over organisation and id.
pub(crate) fn point_id(organisation: &str, id: &str) -> [u8; 16] {
    let mut digest = Sha256::new();
    digest.update(organisation.as_bytes());
    digest.update([0]);
    digest.update(id.as_bytes());
    let hash = digest.finalize();
    let mut number = [0; 16];
    number.copy_from_slice(&hash[..16]);
    number
}

/// Checks the limits of a batch before anything of it is stored.
pub(crate) fn check(entries: &[Entry]) -> Result<(), Error> {
    let limit = |limit, detail: String| Err(Error::Limit { limit, detail });
    if entries.len() > BATCH_LIMIT {
        return limit("BATCH_LIMIT", format!("{} entries in one call", entries.len()));
    }
    for entry in entries {
        if entry.id.is_empty() || entry.id.len() > 1_000 || entry.organisation.is_empty() {
            return Err(Error::Invalid(
                "an entry needs an id of at most 1,000 bytes and an organisation".to_owned(),
            ));
        }
        if entry.text.len() + entry.title.len() > TEXT_LIMIT_BYTES {
            return limit("TEXT_LIMIT_BYTES", format!("the text of {} is too long", entry.id));
        }
        let payload = entry.payload.to_string();
        if payload.len() > PAYLOAD_LIMIT_BYTES {
            return limit("PAYLOAD_LIMIT_BYTES", format!("the payload of {} is too large", entry.id));
        }
        // What cannot be read back must not be stored: reading is limited in depth, writing is not.
        if serde_json::from_str::<Value>(&payload).is_err() {
            return limit("depth", format!("the payload of {} is nested too deeply", entry.id));
        }
    }
    Ok(())
}

/// The payload of the point of an entry.
pub(crate) fn payload(entry: &Entry) -> Map<String, Value> {
    let text = |text: &str| Value::String(text.to_owned());
    let mut payload = Map::new();
    payload.insert("id".to_owned(), text(&entry.id));
    payload.insert("kind".to_owned(), text(entry.kind.as_str()));
    payload.insert("title".to_owned(), text(&entry.title));
    payload.insert("text".to_owned(), text(&entry.text));
    // As text, so that the store neither looks into it nor changes it.
    payload.insert("payload".to_owned(), Value::String(entry.payload.to_string()));
    payload.insert("organisation".to_owned(), text(&entry.organisation));
    if let Some(system) = &entry.system {
        payload.insert("system".to_owned(), text(system));
    }
    payload.insert("source".to_owned(), text(&entry.source));
    payload.insert(TIME.to_owned(), Value::from(entry.at_ms));
    payload
}

/// The point of an entry.
pub(crate) fn encode(entry: &Entry, meaning: Option<Vec<f32>>) -> Point {
    Point {
        id: point_id(&entry.organisation, &entry.id),
        words: bm25::document(&entry.title, &entry.text),
        meaning,
        payload: payload(entry),
    }
}

/// The entry of a payload; none where it is not one of ours.
pub(crate) fn decode(payload: &Value) -> Option<Entry> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Entry {
        id: text("id")?,
        kind: Kind::parse(payload.get("kind")?.as_str()?)?,
        title: text("title")?,
        text: text("text")?,
        payload: serde_json::from_str(payload.get("payload")?.as_str()?).ok()?,
        organisation: text("organisation")?,
        system: text("system"),
        source: text("source")?,
        at_ms: payload.get(TIME)?.as_i64()?,
    })
}

fn kinds(kinds: &[Kind]) -> Option<Condition> {
    let words = || kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    (!kinds.is_empty()).then(|| Condition::OneOf("kind", words()))
}

fn one(field: &'static str, value: Option<&String>) -> Option<Condition> {
    value.map(|value| Condition::OneOf(field, vec![value.clone()]))
}

/// The conditions of a query.
pub(crate) fn conditions_of_query(query: &Query) -> Vec<Condition> {
    let system = match &query.system {
        Some(system) if query.general => Some(Condition::SystemOrNone(system.clone())),
        system => one("system", system.as_ref()),
    };
    let since = query.since_ms.map(Condition::Since);
    let organisation = one("organisation", query.organisation.as_ref());
    let source = one("source", query.source.as_ref());
    [kinds(&query.kinds), system, organisation, source, since].into_iter().flatten().collect()
}

/// The conditions of what is to be forgotten.
pub(crate) fn conditions_of_filter(filter: &Filter) -> Result<Vec<Condition>, Error> {
    if filter.is_empty() {
        return Err(Error::Invalid("forgetting everything needs at least one condition".to_owned()));
    }
    if filter.about.as_ref().is_some_and(|about| about.trim().is_empty()) {
        return Err(Error::Invalid("every entry says nothing: what is it about?".to_owned()));
    }
    let ids = (!filter.ids.is_empty()).then(|| Condition::OneOf("id", filter.ids.clone()));
    let organisation = one("organisation", filter.organisation.as_ref());
    let (system, source) = (one("system", filter.system.as_ref()), one("source", filter.source.as_ref()));
    let before = filter.before_ms.map(Condition::Before);
    Ok([ids, kinds(&filter.kinds), organisation, system, source, before].into_iter().flatten().collect())
}
