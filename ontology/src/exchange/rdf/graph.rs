//! The triples of a file by their subjects, whatever graph they stand in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use oxigraph::io::{JsonLdProfileSet, RdfFormat, RdfParser};
use oxigraph::model::vocab::xsd;
use oxigraph::model::{NamedOrBlankNode, Quad, Term};

use super::{MAX_FILE_BYTES, MAX_TRIPLES};
use crate::model::IDENTIFIERS;
use crate::{Error, GraphFormat};

/// Deepest nesting of objects and lists in JSON-LD.
const MAX_JSON_DEPTH: usize = 128;

/// The object of a triple.
#[derive(Debug)]
pub(super) enum Value {
    /// An IRI, or `_:` and the name of a blank node.
    Node(Arc<str>),
    /// A literal: what it says, and all of it in N-Triples where that is more.
    Literal { said: String, whole: Option<String> },
}

impl Value {
    /// The literal where it is plain and cannot be taken for a term of N-Triples.
    pub(super) fn plain(&self) -> Option<&str> {
        match self {
            Self::Literal { said, whole: None } if crate::triples::terms(said).is_none() => Some(said),
            _ => None,
        }
    }

    /// The term in N-Triples; `None` for a blank node, which has no name outside its file.
    pub(super) fn term(&self) -> Option<String> {
        match self {
            Self::Node(iri) if iri.starts_with("_:") => None,
            Self::Node(iri) => Some(format!("<{iri}>")),
            Self::Literal { whole: Some(whole), .. } => Some(whole.clone()),
            Self::Literal { said, .. } => Some(oxigraph::model::Literal::from(said.as_str()).to_string()),
        }
    }
}

/// A graph that was read.
#[derive(Default)]
pub(super) struct Graph {
    /// Subjects as they come in the file.
    order: Vec<Arc<str>>,
    facts: HashMap<Arc<str>, Vec<(Arc<str>, Value)>>,
}

impl Graph {
    pub(super) fn read(format: GraphFormat, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Error::Limit { limit: "MAX_FILE_BYTES", detail: format!("{} bytes", bytes.len()) });
        }
        let (name, rdf) = match format {
            GraphFormat::Turtle => ("Turtle", RdfFormat::Turtle),
            GraphFormat::TriG => ("TriG", RdfFormat::TriG),
            GraphFormat::NTriples => ("N-Triples", RdfFormat::NTriples),
            GraphFormat::NQuads => ("N-Quads", RdfFormat::NQuads),
            GraphFormat::JsonLd => {
                check_depth(bytes)?;
                ("JSON-LD", RdfFormat::JsonLd { profile: JsonLdProfileSet::empty() })
            }
        };
        let parser = RdfParser::from_format(rdf)
            .with_base_iri(IDENTIFIERS)
            .map_err(|error| Error::Invalid(format!("base iri: {error}")))?;
        let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
        let (mut graph, mut names) = (Self::default(), Names::default());
        for (count, quad) in parser.for_slice(bytes).enumerate() {
            if count >= MAX_TRIPLES {
                return Err(Error::Limit {
                    limit: "MAX_TRIPLES",
                    detail: format!("more than {MAX_TRIPLES}"),
                });
            }
            let quad = quad.map_err(|error| {
                let line = error.location().map_or(1, |place| place.start.line + 1);
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                Error::Malformed { format: name, line, reason: error.to_string() }
            })?;
            graph.add(quad, &mut names);
        }
        Ok(graph)
    }

    fn add(&mut self, quad: Quad, names: &mut Names) {
        let subject = match quad.subject {
            NamedOrBlankNode::NamedNode(node) => names.of(node.as_str()),
            NamedOrBlankNode::BlankNode(node) => names.of(&node.to_string()),
        };
        let value = match quad.object {
            Term::NamedNode(node) => Value::Node(names.of(node.as_str())),
            Term::BlankNode(node) => Value::Node(names.of(&node.to_string())),
            Term::Literal(literal) => {
                let is_simple = literal.language().is_none() && literal.datatype() == xsd::STRING;
                let whole = (!is_simple).then(|| literal.to_string());
                Value::Literal { said: literal.destruct().0, whole }
            }
        };
        let predicate = names.of(quad.predicate.as_str());
        if !self.facts.contains_key(&subject) {
            self.order.push(Arc::clone(&subject));
        }
        let facts = self.facts.entry(subject).or_default();
        facts.push((predicate, value));
    }

    /// IRIs and blank nodes of which something is said, in the file's order.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(AsRef::as_ref)
    }

    /// What is said of a subject.
    pub(super) fn facts(&self, subject: &str) -> Facts<'_> {
        let all = self.facts.get(subject).map(Vec::as_slice).unwrap_or_default();
        Facts { all, taken: vec![false; all.len()] }
    }
}

/// Each name once, however often it comes.
#[derive(Default)]
struct Names(std::collections::HashSet<Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = Arc::from(name);
        self.0.insert(Arc::clone(&fresh));
        fresh
    }
}

/// The parser for JSON-LD builds what it reads as a tree.
fn check_depth(bytes: &[u8]) -> Result<(), Error> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            let detail = format!("objects and lists nest deeper than {MAX_JSON_DEPTH}");
            return Err(Error::Limit { limit: "MAX_JSON_DEPTH", detail });
        }
    }
    Ok(())
}

/// What is said of a subject, and what of it was understood.
pub(super) struct Facts<'g> {
    all: &'g [(Arc<str>, Value)],
    taken: Vec<bool>,
}

impl<'g> Facts<'g> {
    fn take(&mut self, predicate: &str, wanted: impl Fn(&Value) -> bool) -> Vec<&'g Value> {
        let mut found = Vec::new();
        for ((name, value), taken) in self.all.iter().zip(&mut self.taken) {
            if name.as_ref() == predicate && wanted(value) {
                *taken = true;
                found.push(value);
            }
        }
        found
    }

    /// The IRIs and blank nodes that a property leads to.
    pub(super) fn nodes(&mut self, predicate: &str) -> Vec<&'g str> {
        self.nodes_where(predicate, |_| true)
    }

    /// Those of them for which this holds; the others are not understood.
    pub(super) fn nodes_where(&mut self, predicate: &str, wanted: impl Fn(&str) -> bool) -> Vec<&'g str> {
        let found = self.take(predicate, |value| matches!(value, Value::Node(iri) if wanted(iri)));
        let iri = |value: &'g Value| match value {
            Value::Node(iri) => Some(iri.as_ref()),
            Value::Literal { .. } => None,
        };
        found.into_iter().filter_map(iri).collect()
    }

    /// What the literals of a property say, sorted: their order in a graph means nothing.
    pub(super) fn texts(&mut self, predicate: &str) -> Vec<String> {
        self.texts_where(predicate, |_| true)
    }

    /// Those of them for which this holds; the others are not understood.
    pub(super) fn texts_where(&mut self, predicate: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let found =
            self.take(predicate, |value| matches!(value, Value::Literal { said, .. } if wanted(said)));
        let mut said: Vec<String> = found.into_iter().map(|value| value.said().to_owned()).collect();
        said.sort();
        said
    }

    /// What a property says: a plain literal where there is one. Others are not understood.
    pub(super) fn text(&mut self, predicate: &str) -> Option<String> {
        let mut literals = self.all.iter().enumerate().filter(|(_, (name, value))| {
            name.as_ref() == predicate && matches!(value, Value::Literal { .. })
        });
        let first = literals.clone().next()?;
        let is_plain = |(_, (_, value)): &(usize, &(Arc<str>, Value))| {
            matches!(value, Value::Literal { whole: None, .. })
        };
        let (at, (_, value)) = literals.find(is_plain).unwrap_or(first);
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
        }
        Some(value.said().to_owned())
    }

    pub(super) fn number(&mut self, predicate: &str) -> Option<f64> {
        self.text(predicate)?.trim().parse().ok()
    }

    pub(super) fn count<T: std::str::FromStr>(&mut self, predicate: &str) -> Option<T> {
        self.text(predicate)?.trim().parse().ok()
    }

    pub(super) fn is_true(&mut self, predicate: &str) -> bool {
        self.text(predicate).is_some_and(|said| said == "true" || said == "1")
    }

    /// What was not understood, by property.
    pub(super) fn rest(&self) -> BTreeMap<&'g str, Vec<&'g Value>> {
        let mut left: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for ((name, value), taken) in self.all.iter().zip(&self.taken) {
            if !taken {
                left.entry(name).or_default().push(value);
            }
        }
        left
    }
}

impl Value {
    fn said(&self) -> &str {
        match self {
            Self::Node(iri) => iri,
            Self::Literal { said, .. } => said,
        }
    }
}
