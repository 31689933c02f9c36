//! Results of a check: as the standard's report, and as sentences.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use oxigraph::io::{RdfFormat, RdfSerializer};
use oxigraph::model::{BlankNode, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use serde::{Deserialize, Serialize};

use super::check::Breach;
use super::data::Data;
use super::read::{Compiled, SH};
use super::shape::{Constraint, NodeKind, Path, Severity, Shape, Side};
use crate::Error;
use crate::turtle;
use crate::vocabulary::{VOCABULARY, foreign};

/// Longest value that a sentence repeats, in characters.
const SHOWN_LENGTH: usize = 80;

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShapeResult {
    /// How bad it is.
    pub severity: Severity,
    /// IRI of the node that does not fit.
    pub focus: String,
    /// Its id in the system, where it is a node of one.
    pub node: Option<String>,
    /// The property in question: an IRI, or a path in the words of SPARQL.
    pub path: Option<String>,
    /// The value that does not fit, where it is one.
    pub value: Option<String>,
    /// The constraint component of the standard, e.g. `MinCountConstraintComponent`.
    pub component: String,
    /// The shape: its IRI, or `_:` and a label.
    pub shape: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// True where there is no result at all, as the standard says.
    pub conforms: bool,
    /// True where there were more results than are kept ([`super::MAX_RESULTS`]).
    pub is_cut: bool,
    /// The results, the worst first.
    pub results: Vec<ShapeResult>,
    #[serde(skip)]
    terms: Vec<Terms>,
}

/// A result as terms, for the standard's report.
#[derive(Clone, Debug, PartialEq)]
struct Terms {
    focus: Term,
    path: Option<NamedNode>,
    value: Option<Term>,
    shape: Term,
}

impl Report {
    pub(super) fn of(
        compiled: &Compiled,
        data: &Data,
        breaches: Vec<Breach>,
        is_cut: bool,
    ) -> Result<Self, Error> {
        let identifier = NamedNode::new_unchecked(foreign::IDENTIFIER);
        let mut found = Vec::with_capacity(breaches.len());
        for breach in breaches {
            let Some(shape) = compiled.shapes.get(breach.shape) else { continue };
            let Some(constraint) = shape.constraints.get(breach.constraint) else { continue };
            let ids = data.objects(&breach.focus, &identifier)?;
            let node = ids.into_iter().find_map(|id| match id.0 {
                Term::Literal(id) => Some(id.value().to_owned()),
                _ => None,
            });
            let path = breach.path.clone().map(Path::Predicate).or_else(|| shape.path.clone());
            let result = ShapeResult {
                severity: shape.severity,
                focus: plain(&breach.focus),
                path: path.as_ref().map(written),
                value: breach.value.as_ref().map(plain),
                component: constraint.component().to_owned(),
                shape: plain(&shape.name),
                message: sentence(node.as_deref(), shape, constraint, &breach),
                node,
            };
            let own_path = match (&breach.path, &shape.path_term) {
                (Some(path), _) | (None, Some(Term::NamedNode(path))) => Some(path.clone()),
                _ => None,
            };
            let terms =
                Terms { focus: breach.focus, path: own_path, value: breach.value, shape: shape.name.clone() };
            found.push((result, terms));
        }
        Ok(Self::sorted(found, is_cut))
    }

    /// Several checks as one report.
    pub(super) fn joined(reports: Vec<Self>) -> Self {
        let is_cut = reports.iter().any(|report| report.is_cut);
        let pairs = reports.into_iter().flat_map(|report| report.results.into_iter().zip(report.terms));
        Self::sorted(pairs.collect(), is_cut)
    }

    fn sorted(mut found: Vec<(ShapeResult, Terms)>, is_cut: bool) -> Self {
        found.sort_by(|(one, _), (two, _)| two.severity.cmp(&one.severity).then_with(|| one.cmp(two)));
        let (results, terms): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        Self { conforms: results.is_empty(), is_cut, results, terms }
    }

    /// Results of this severity or worse.
    pub fn at_least(&self, severity: Severity) -> impl Iterator<Item = &ShapeResult> {
        self.results.iter().filter(move |result| result.severity >= severity)
    }

    /// The report of the standard (`sh:ValidationReport`), in Turtle.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be written.
    pub fn turtle(&self) -> Result<String, Error> {
        let failed = |error: std::io::Error| Error::Store(error.to_string());
        let mut serializer = RdfSerializer::from_format(RdfFormat::Turtle);
        for (prefix, iri) in
            [("sh", SH), ("procos", crate::model::NAMESPACE), ("id", crate::model::IDENTIFIERS)]
        {
            serializer =
                serializer.with_prefix(prefix, iri).map_err(|error| Error::Invalid(error.to_string()))?;
        }
        let mut writer = serializer.for_writer(Vec::new());
        let report = BlankNode::new_unchecked("report");
        let mut say = |at: &BlankNode, predicate: &str, object: Term| {
            let triple = Triple::new(NamedOrBlankNode::from(at.clone()), sh(predicate), object);
            writer.serialize_triple(triple.as_ref()).map_err(failed)
        };
        let kind = |name: &str| Term::from(sh(name));
        let typed = |at: &BlankNode, name: &str| {
            Triple::new(NamedOrBlankNode::from(at.clone()), NamedNode::new_unchecked(foreign::TYPE), sh(name))
        };
        say(&report, "conforms", Literal::from(self.conforms).into())?;
        let mut types = vec![typed(&report, "ValidationReport")];
        for (place, (result, terms)) in self.results.iter().zip(&self.terms).enumerate() {
            let at = BlankNode::new_unchecked(format!("result{}", place + 1));
            say(&report, "result", at.clone().into())?;
            types.push(typed(&at, "ValidationResult"));
            say(&at, "focusNode", terms.focus.clone())?;
            say(&at, "resultSeverity", NamedNode::new_unchecked(result.severity.term()).into())?;
            say(&at, "sourceConstraintComponent", kind(&result.component))?;
            say(&at, "sourceShape", terms.shape.clone())?;
            say(&at, "resultMessage", Literal::from(result.message.as_str()).into())?;
            if let Some(path) = &terms.path {
                say(&at, "resultPath", path.clone().into())?;
            }
            if let Some(value) = &terms.value {
                say(&at, "value", value.clone())?;
            }
        }
        for triple in &types {
            writer.serialize_triple(triple.as_ref()).map_err(failed)?;
        }
        String::from_utf8(writer.finish().map_err(failed)?).map_err(|error| Error::Store(error.to_string()))
    }
}

fn sh(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{SH}{name}"))
}

fn plain(term: &Term) -> String {
    match term {
        Term::NamedNode(node) => node.as_str().to_owned(),
        Term::BlankNode(node) => node.to_string(),
        Term::Literal(literal) => literal.value().to_owned(),
    }
}

/// A path as SPARQL writes it.
fn written(path: &Path) -> String {
    let group = |path: &Path| match path {
        Path::Sequence(_) | Path::Alternative(_) => format!("({})", written(path)),
        _ => written(path),
    };
    match path {
        Path::Predicate(predicate) => predicate.as_str().to_owned(),
        Path::Inverse(inner) => format!("^{}", group(inner)),
        Path::Sequence(parts) => parts.iter().map(group).collect::<Vec<_>>().join("/"),
        Path::Alternative(ways) => ways.iter().map(group).collect::<Vec<_>>().join("|"),
        Path::Repeated { path, least: 0, many: true } => format!("{}*", group(path)),
        Path::Repeated { path, many: true, .. } => format!("{}+", group(path)),
        Path::Repeated { path, .. } => format!("{}?", group(path)),
    }
}

/// Labels of our own terms.
static LABELS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let triples = turtle::read(VOCABULARY).unwrap_or_default();
    triples.into_iter().filter(|t| t.predicate == foreign::LABEL).map(|t| (t.subject, t.object)).collect()
});

/// A term as people call it.
fn called(iri: &str) -> String {
    match LABELS.get(iri) {
        Some(label) => label.clone(),
        None => iri.rsplit(['#', '/']).next().unwrap_or(iri).to_owned(),
    }
}

/// A path as people would say it.
fn said(path: &Path) -> String {
    match path {
        Path::Predicate(predicate) => called(predicate.as_str()),
        Path::Inverse(inner) => match inner.as_ref() {
            Path::Predicate(predicate) => format!("what it is \"{}\" of", called(predicate.as_str())),
            inner => format!("the way back over {}", said(inner)),
        },
        Path::Sequence(parts) => parts.iter().map(said).collect::<Vec<_>>().join(", then "),
        Path::Alternative(ways) => ways.iter().map(said).collect::<Vec<_>>().join(" or "),
        Path::Repeated { path, .. } => said(path),
    }
}

fn shortened(term: &Term) -> String {
    let text = match term {
        Term::NamedNode(node) => called(node.as_str()),
        other => plain(other),
    };
    match text.char_indices().nth(SHOWN_LENGTH) {
        Some((end, _)) => format!("\"{}…\"", text.get(..end).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}

/// What is wrong, in a sentence; the shape's own message where it has one.
fn sentence(node: Option<&str>, shape: &Shape, constraint: &Constraint, breach: &Breach) -> String {
    let focus = node.map_or_else(|| plain(&breach.focus), str::to_owned);
    if let Some(message) = &shape.message {
        return format!("{focus}: {message}");
    }
    let what = match (&breach.path, &shape.path) {
        (Some(path), _) => called(path.as_str()),
        (None, Some(path)) => said(path),
        (None, None) => "the node".to_owned(),
    };
    let value = breach.value.as_ref().map_or_else(String::new, |value| format!(" {}", shortened(value)));
    format!("{focus}: {what}{value} {}", wanted(constraint, breach.found))
}

fn wanted(constraint: &Constraint, found: usize) -> String {
    let one = |term: &NamedNode| called(term.as_str());
    match constraint {
        Constraint::MinCount(least) if found == 0 && *least == 1 => "is missing".to_owned(),
        Constraint::MinCount(least) => format!("has {found} values, at least {least} are wanted"),
        Constraint::MaxCount(most) => format!("has {found} values, at most {most} are wanted"),
        Constraint::Class(class) => format!("is no {}", one(class)),
        Constraint::Datatype(datatype) => format!("is no {}", one(datatype)),
        Constraint::NodeKind(NodeKind { iri, blank, literal }) => {
            let words = [(*iri, "an IRI"), (*blank, "a blank node"), (*literal, "a literal")];
            let words: Vec<&str> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            format!("is not {}", words.join(" or "))
        }
        Constraint::Bound(side, bound) => {
            let words = match side {
                Side::Below => "below",
                Side::AtMost => "at most",
                Side::Above => "above",
                Side::AtLeast => "at least",
            };
            format!("is not {words} {}", bound.value())
        }
        Constraint::MinLength(least) => format!("is shorter than {least} characters"),
        Constraint::MaxLength(most) => format!("is longer than {most} characters"),
        Constraint::Pattern(regex) => format!("does not match {:?}", regex.as_str()),
        Constraint::LanguageIn(ranges) => format!("is in none of the languages {}", ranges.join(", ")),
        Constraint::UniqueLang => "has two values in one language".to_owned(),
        Constraint::Equals(other) => format!("is not the same as {}", one(other)),
        Constraint::Disjoint(other) => format!("is also {}", one(other)),
        Constraint::LessThan(other, false) => format!("is not less than {}", one(other)),
        Constraint::LessThan(other, true) => format!("is more than {}", one(other)),
        Constraint::Not(_) => "fits what it must not".to_owned(),
        Constraint::And(_) => "does not fit all that is wanted".to_owned(),
        Constraint::Or(_) => "fits none of what is allowed".to_owned(),
        Constraint::Xone(_) => "fits not exactly one of what is allowed".to_owned(),
        Constraint::Node(_) | Constraint::Property(_) => "does not have the wanted shape".to_owned(),
        Constraint::Qualified { least, most, .. } => match most {
            Some(most) => format!("has {found} values of the wanted shape, not {least} to {most}"),
            None => format!("has {found} values of the wanted shape, at least {least} are wanted"),
        },
        Constraint::Closed(_) => "is not among the properties it may have".to_owned(),
        Constraint::HasValue(value) => format!("does not have the value {}", shortened(value)),
        Constraint::In(allowed) => {
            let shown: Vec<String> = allowed.iter().take(8).map(shortened).collect();
            format!("is none of {}{}", shown.join(", "), if allowed.len() > 8 { ", …" } else { "" })
        }
    }
}
