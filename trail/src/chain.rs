//! The hash chain: how an entry is linked to the one before, and how a chain is checked.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::canonical::write_text;
use crate::{Event, NewEvent, canonical_json};

/// A SHA-256 digest in lower-case hexadecimal (64 characters).
pub type Hash = String;

/// The hash that stands before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of the entry with `content` at `position` that follows the entry with hash `previous`.
///
/// SHA-256 over `previous`, the position and the canonical JSON of the content, separated by line feeds.
#[must_use]
pub fn link(previous: &str, position: i64, content: &NewEvent) -> Hash {
    link_data(previous, position, content, &canonical_json(&content.data))
}

/// As [`link`], where the canonical JSON of the data is there already.
#[must_use]
pub fn link_data(previous: &str, position: i64, content: &NewEvent, data: &str) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous.as_bytes());
    digest.update(b"\n");
    digest.update(position.to_string().as_bytes());
    digest.update(b"\n");
    digest.update(canonical(content, data).as_bytes());
    hex::encode(digest.finalize())
}

/// The canonical JSON of an entry, field by field in the order of their names: no copy of the data is made.
fn canonical(content: &NewEvent, data: &str) -> String {
    let NewEvent { kind, at_ms, organisation, actor, instance, definition, element, subject, data: _ } =
        content;
    let mut out = String::with_capacity(data.len() + 256);
    let text = |name: &str, text: Option<&String>, out: &mut String| {
        out.push_str(name);
        match text {
            Some(text) => write_text(text, out),
            None => out.push_str("null"),
        }
    };
    let number = |name: &str, number: Option<i64>, out: &mut String| {
        out.push_str(name);
        match number {
            // Writing to a text does not fail.
            Some(number) => _ = write!(out, "{number}"),
            None => out.push_str("null"),
        }
    };
    text("{\"actor\":", Some(actor), &mut out);
    number(",\"at_ms\":", Some(*at_ms), &mut out);
    out.push_str(",\"data\":");
    out.push_str(data);
    number(",\"definition\":", *definition, &mut out);
    text(",\"element\":", element.as_ref(), &mut out);
    number(",\"instance\":", *instance, &mut out);
    text(",\"kind\":", Some(kind), &mut out);
    text(",\"organisation\":", Some(organisation), &mut out);
    text(",\"subject\":", subject.as_ref(), &mut out);
    out.push('}');
    out
}

/// Where a chain breaks first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Position of the first entry that does not fit.
    pub position: i64,
    /// What does not fit, in words.
    pub reason: String,
}

/// What checking a chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Entries that were read and fit, up to the break if there is one.
    pub entries: i64,
    /// Hash of the last entry that fits.
    pub head: Hash,
    /// The first entry that does not fit.
    pub broken: Option<Break>,
}

/// Checks a chain entry by entry, so that a trail of any length is checked in constant memory.
#[derive(Clone, Debug)]
pub struct Verifier {
    state: Verification,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { state: Verification { entries: 0, head: GENESIS.to_owned(), broken: None } }
    }
}

impl Verifier {
    /// Takes the next entry; once the chain is broken further entries change nothing. True while it holds.
    pub fn push(&mut self, event: &Event) -> bool {
        if self.state.broken.is_some() {
            return false;
        }
        let expected = self.state.entries + 1;
        let reason = if event.position != expected {
            Some(format!("entry {expected} is missing: the next one found is {}", event.position))
        } else if event.previous_hash != self.state.head {
            Some("its link to the entry before does not match that entry".to_owned())
        } else if event.hash != link(&event.previous_hash, event.position, &event.content) {
            Some("its content was changed after it was written".to_owned())
        } else {
            None
        };
        if let Some(reason) = reason {
            self.state.broken = Some(Break { position: expected.min(event.position), reason });
            return false;
        }
        self.state.entries = event.position;
        self.state.head.clone_from(&event.hash);
        true
    }

    /// What was found so far.
    #[must_use]
    pub fn finish(self) -> Verification {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(length: i64) -> Vec<Event> {
        let mut previous_hash = GENESIS.to_owned();
        (1..=length)
            .map(|position| {
                let content = NewEvent {
                    data: serde_json::json!({"b": position, "a": [1.5]}),
                    ..NewEvent::new("x", 7)
                };
                let hash = link(&previous_hash, position, &content);
                let event =
                    Event { position, previous_hash: previous_hash.clone(), hash: hash.clone(), content };
                previous_hash = hash;
                event
            })
            .collect()
    }

    fn verify(events: &[Event]) -> Verification {
        let mut verifier = Verifier::default();
        for event in events {
            verifier.push(event);
        }
        verifier.finish()
    }

    #[test]
    fn an_untouched_chain_holds() {
        let found = verify(&chain_of(5));
        assert_eq!((found.entries, found.broken), (5, None));
    }

    #[test]
    fn the_first_changed_entry_is_named() {
        let mut events = chain_of(5);
        events[2].content.data = serde_json::json!({"b": 99});
        events[4].content.actor = "mallory".to_owned();
        assert_eq!(verify(&events).broken.map(|b| b.position), Some(3));
    }

    #[test]
    fn a_missing_entry_is_named() {
        let mut events = chain_of(5);
        events.remove(1);
        assert_eq!(verify(&events).broken.map(|b| b.position), Some(2));
    }

    #[test]
    fn a_rewritten_entry_with_a_fresh_hash_breaks_the_next_link() {
        let mut events = chain_of(3);
        events[1].content.actor = "mallory".to_owned();
        events[1].hash = link(&events[1].previous_hash, 2, &events[1].content);
        assert_eq!(verify(&events).broken.map(|b| b.position), Some(3));
    }

    #[test]
    fn the_canonical_form_of_an_entry_is_that_of_its_json() {
        let content = NewEvent {
            instance: Some(7),
            element: Some("a \"task\"\n".to_owned()),
            data: serde_json::json!({"z": [1.5, null, {"b": "ü", "a": true}], "": -1}),
            ..NewEvent::new("x.y", -3)
        };
        for content in [content, NewEvent::default()] {
            let whole = serde_json::to_value(&content).unwrap();
            assert_eq!(canonical(&content, &canonical_json(&content.data)), canonical_json(&whole));
        }
    }

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_keys() {
        let a = NewEvent {
            data: serde_json::from_str(r#"{"x":1,"y":{"b":1,"a":2}}"#).unwrap(),
            ..NewEvent::new("k", 1)
        };
        let b = NewEvent {
            data: serde_json::from_str(r#"{"y":{"a":2,"b":1},"x":1}"#).unwrap(),
            ..NewEvent::new("k", 1)
        };
        assert_eq!(link(GENESIS, 1, &a), link(GENESIS, 1, &b));
    }
}
