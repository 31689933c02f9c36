//! IRIs of systems and their nodes, and the way back.

use crate::model::IDENTIFIERS;

/// The IRI of a node: `…/id/{system}/{kind}/{id}`, each part percent-encoded.
#[must_use]
pub fn node_iri(system: &str, kind: &str, id: &str) -> String {
    format!("{IDENTIFIERS}{}/{}/{}", encode(system), encode(kind), encode(id))
}

/// The IRI of a system, which is also the name of its graph.
#[must_use]
pub fn system_iri(system: &str) -> String {
    format!("{IDENTIFIERS}{}", encode(system))
}

/// What an IRI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A system.
    System(String),
    /// A node: system, kind, id.
    Node {
        /// System.
        system: String,
        /// Kind, e.g. `requirement`.
        kind: String,
        /// Id.
        id: String,
    },
}

/// What `iri` names, if it is one of ours.
#[must_use]
pub fn parse(iri: &str) -> Option<Named> {
    let rest = iri.strip_prefix(IDENTIFIERS)?;
    let mut parts = rest.split('/').map(decode);
    let system = parts.next()??;
    if system.is_empty() {
        return None;
    }
    let Some(kind) = parts.next() else { return Some(Named::System(system)) };
    let id = parts.next()??;
    if parts.next().is_some() {
        return None;
    }
    Some(Named::Node { system, kind: kind?, id })
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_survives_the_way_there_and_back(system in "\\PC{1,20}", id in "\\PC{0,20}") {
            let found = parse(&node_iri(&system, "requirement", &id));
            prop_assert_eq!(found, Some(Named::Node { system, kind: "requirement".to_owned(), id }));
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in "\\PC{0,60}") {
            let _ = parse(&format!("{IDENTIFIERS}{text}"));
        }
    }

    #[test]
    fn a_system_has_an_iri_of_its_own() {
        assert_eq!(parse(&system_iri("light aircraft")), Some(Named::System("light aircraft".to_owned())));
        assert_eq!(parse("https://example.org/x"), None);
    }
}
