//! Reads Turtle into plain triples of text, so that no other crate needs to name the RDF library.

use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{NamedOrBlankNode, Term};

use crate::Error;

/// Largest Turtle text that is read, in bytes.
pub const MAX_TURTLE_BYTES: usize = 20 * 1024 * 1024;
/// Deepest nesting of brackets in Turtle.
pub const MAX_TURTLE_NESTING: usize = 64;

/// A triple as text: IRIs without angle brackets, literals by their lexical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTriple {
    /// IRI, or `_:` and the name of a blank node.
    pub subject: String,
    /// IRI.
    pub predicate: String,
    /// IRI, blank node, or the lexical form of a literal.
    pub object: String,
}

/// Reads Turtle; relative IRIs are resolved against the namespace of identifiers.
///
/// # Errors
/// [`Error::Limit`] for a text that is too large or nested too deep, [`Error::Invalid`] with line and column for
/// one that is not Turtle.
pub fn read(text: &str) -> Result<Vec<TextTriple>, Error> {
    check_size(text)?;
    let parser = RdfParser::from_format(RdfFormat::Turtle)
        .with_base_iri(crate::model::IDENTIFIERS)
        .map_err(|error| Error::Invalid(format!("base iri: {error}")))?;
    parser
        .for_slice(text.as_bytes())
        .map(|quad| {
            let quad = quad.map_err(|error| Error::Invalid(format!("not valid turtle: {error}")))?;
            let subject = match quad.subject {
                NamedOrBlankNode::NamedNode(node) => node.into_string(),
                NamedOrBlankNode::BlankNode(node) => node.to_string(),
            };
            let object = match quad.object {
                Term::NamedNode(node) => node.into_string(),
                Term::BlankNode(node) => node.to_string(),
                Term::Literal(literal) => literal.value().to_owned(),
            };
            Ok(TextTriple { subject, predicate: quad.predicate.into_string(), object })
        })
        .collect()
}

/// Refuses a text that is too large or nested too deep to be read.
pub(crate) fn check_size(text: &str) -> Result<(), Error> {
    if text.len() > MAX_TURTLE_BYTES {
        return Err(Error::Limit { limit: "MAX_TURTLE_BYTES", detail: format!("{} bytes", text.len()) });
    }
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_TURTLE_NESTING {
            return Err(Error::Limit { limit: "MAX_TURTLE_NESTING", detail: format!("more than {depth}") });
        }
    }
    Ok(())
}
