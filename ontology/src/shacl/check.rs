//! Checks nodes of a graph against compiled shapes, by the definitions of SHACL § 3 and § 4.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use oxigraph::model::vocab::rdf;
use oxigraph::model::{Literal, NamedNode, Term};

use super::data::{Data, TermKey};
use super::literal::{compare, is_of};
use super::read::Compiled;
use super::shape::{Constraint, NodeKind, Shape, ShapeRef, Side, Target};
use crate::Error;

/// Most results of one check; then it stops and says so.
pub const MAX_RESULTS: usize = 10_000;

/// What does not fit a constraint.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    pub(super) shape: ShapeRef,
    pub(super) constraint: usize,
    pub(super) focus: Term,
    pub(super) value: Option<Term>,
    /// The values that were counted, where it counts.
    pub(super) found: usize,
    /// The property it is about, where that is another than the shape's path.
    pub(super) path: Option<NamedNode>,
}

type Values = BTreeSet<TermKey>;

/// One check of one graph.
pub(super) struct Check<'a> {
    compiled: &'a Compiled,
    data: &'a Data,
    breaches: Vec<Breach>,
}

impl<'a> Check<'a> {
    pub(super) fn new(compiled: &'a Compiled, data: &'a Data) -> Self {
        Self { compiled, data, breaches: Vec::new() }
    }

    /// Checks every target, or only those among `only`; with whether there was more than is kept.
    pub(super) fn run(mut self, only: Option<&BTreeSet<String>>) -> Result<(Vec<Breach>, bool), Error> {
        for place in 0..self.compiled.shapes.len() {
            for focus in self.targets(place)? {
                let is_wanted = match (&focus.0, only) {
                    (Term::NamedNode(node), Some(only)) => only.contains(node.as_str()),
                    _ => true,
                };
                if is_wanted {
                    self.shape(place, &focus.0)?;
                }
                if self.breaches.len() >= MAX_RESULTS {
                    self.breaches.truncate(MAX_RESULTS);
                    return Ok((self.breaches, true));
                }
            }
        }
        Ok((self.breaches, false))
    }

    fn of(&self, place: ShapeRef) -> Result<&'a Shape, Error> {
        self.compiled.shapes.get(place).ok_or_else(|| Error::Invalid("a shape is missing".to_owned()))
    }

    fn classes(&self, class: &NamedNode) -> BTreeSet<NamedNode> {
        let known = self.compiled.subclasses.get(class).cloned();
        known.unwrap_or_else(|| BTreeSet::from([class.clone()]))
    }

    fn targets(&self, place: ShapeRef) -> Result<Values, Error> {
        let shape = self.of(place)?;
        let mut found = Values::new();
        if shape.deactivated {
            return Ok(found);
        }
        for target in &shape.targets {
            match target {
                Target::Node(node) => found.extend([TermKey(node.clone())]),
                Target::Class(class) => {
                    for class in self.classes(class) {
                        found.extend(self.data.subjects(&rdf::TYPE.into_owned(), Some(&class.into()))?);
                    }
                }
                Target::SubjectsOf(predicate) => found.extend(self.data.subjects(predicate, None)?),
                Target::ObjectsOf(predicate) => found.extend(self.data.objects_of(predicate)?),
            }
        }
        Ok(found)
    }

    fn fits(&mut self, place: ShapeRef, node: &Term) -> Result<bool, Error> {
        let before = self.breaches.len();
        self.shape(place, node)?;
        let fits = self.breaches.len() == before;
        self.breaches.truncate(before);
        Ok(fits)
    }

    fn shape(&mut self, place: ShapeRef, focus: &Term) -> Result<(), Error> {
        let shape = self.of(place)?;
        if shape.deactivated {
            return Ok(());
        }
        let values = match &shape.path {
            Some(path) => self.data.follow(focus, path)?,
            None => Values::from([TermKey(focus.clone())]),
        };
        for (at, constraint) in shape.constraints.iter().enumerate() {
            self.constraint(Site { place, at, focus }, constraint, &values)?;
        }
        Ok(())
    }

    fn breach(&mut self, site: Site<'_>, value: Option<&Term>, found: usize) {
        self.breaches.push(Breach {
            shape: site.place,
            constraint: site.at,
            focus: site.focus.clone(),
            value: value.cloned(),
            found,
            path: None,
        });
    }

    fn constraint(&mut self, site: Site<'_>, constraint: &Constraint, values: &Values) -> Result<(), Error> {
        match constraint {
            Constraint::MinCount(least) if (values.len() as u64) < *least => {
                self.breach(site, None, values.len())
            }
            Constraint::MaxCount(most) if values.len() as u64 > *most => {
                self.breach(site, None, values.len())
            }
            Constraint::MinCount(_) | Constraint::MaxCount(_) => {}
            Constraint::HasValue(wanted) => {
                if !values.contains(&TermKey(wanted.clone())) {
                    self.breach(site, None, values.len());
                }
            }
            Constraint::UniqueLang => self.unique_languages(site, values),
            Constraint::Equals(other) => {
                let others = self.data.objects(site.focus, other)?;
                for value in values.symmetric_difference(&others) {
                    self.breach(site, Some(&value.0), values.len());
                }
            }
            Constraint::Disjoint(other) => {
                let others = self.data.objects(site.focus, other)?;
                for value in values.intersection(&others) {
                    self.breach(site, Some(&value.0), values.len());
                }
            }
            Constraint::LessThan(other, or_equal) => {
                let others = self.data.objects(site.focus, other)?;
                for (value, _) in pairs(values, &others).filter(|(one, two)| !is_less(one, two, *or_equal)) {
                    self.breach(site, Some(value), values.len());
                }
            }
            Constraint::Property(inner) => {
                for value in values {
                    self.shape(*inner, &value.0)?;
                }
            }
            Constraint::Qualified { shape, least, most, apart_from } => {
                let mut counted = 0;
                for value in values {
                    let mut counts = self.fits(*shape, &value.0)?;
                    for sibling in apart_from {
                        counts = counts && !self.fits(*sibling, &value.0)?;
                    }
                    counted += u64::from(counts);
                }
                if counted < *least || most.is_some_and(|most| counted > most) {
                    self.breach(site, None, usize::try_from(counted).unwrap_or(usize::MAX));
                }
            }
            Constraint::Closed(allowed) => self.closed(site, allowed, values)?,
            _ => {
                for value in values {
                    if !self.value_fits(constraint, &value.0)? {
                        self.breach(site, Some(&value.0), values.len());
                    }
                }
            }
        }
        Ok(())
    }

    fn closed(
        &mut self,
        site: Site<'_>,
        allowed: &BTreeSet<NamedNode>,
        values: &Values,
    ) -> Result<(), Error> {
        for value in values {
            for (predicate, object) in self.data.of(&value.0)? {
                if !allowed.contains(&predicate) {
                    self.breach(site, Some(&object), values.len());
                    if let Some(breach) = self.breaches.last_mut() {
                        breach.path = Some(predicate);
                    }
                }
            }
        }
        Ok(())
    }

    fn unique_languages(&mut self, site: Site<'_>, values: &Values) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for value in values {
            if let Term::Literal(literal) = &value.0
                && let Some(language) = literal.language()
            {
                *counts.entry(language.to_lowercase()).or_default() += 1;
            }
        }
        for _ in counts.values().filter(|count| **count > 1) {
            self.breach(site, None, values.len());
        }
    }

    /// Constraints that look at each value by itself.
    fn value_fits(&mut self, constraint: &Constraint, value: &Term) -> Result<bool, Error> {
        Ok(match constraint {
            Constraint::Class(class) => {
                let wanted = self.classes(class);
                let types = self.data.types(value)?;
                types.iter().any(|found| matches!(&found.0, Term::NamedNode(found) if wanted.contains(found)))
            }
            Constraint::Datatype(datatype) => {
                matches!(value, Term::Literal(literal) if is_of(literal, datatype.as_ref()))
            }
            Constraint::NodeKind(kind) => is_of_kind(*kind, value),
            Constraint::Bound(side, bound) => lies(*side, value, bound),
            Constraint::MinLength(least) => length(value).is_some_and(|length| length >= *least),
            Constraint::MaxLength(most) => length(value).is_some_and(|length| length <= *most),
            Constraint::Pattern(regex) => text_of(value).is_some_and(|text| regex.is_match(text)),
            Constraint::LanguageIn(ranges) => speaks(value, ranges),
            Constraint::In(allowed) => allowed.contains(value),
            Constraint::Node(shape) => self.fits(*shape, value)?,
            Constraint::Not(shape) => !self.fits(*shape, value)?,
            Constraint::And(shapes) => self.count(shapes, value)? == shapes.len(),
            Constraint::Or(shapes) => self.count(shapes, value)? > 0,
            Constraint::Xone(shapes) => self.count(shapes, value)? == 1,
            _ => true,
        })
    }

    fn count(&mut self, shapes: &[ShapeRef], value: &Term) -> Result<usize, Error> {
        let mut count = 0;
        for shape in shapes {
            count += usize::from(self.fits(*shape, value)?);
        }
        Ok(count)
    }
}

/// Which constraint of which shape is looked at, for which node.
#[derive(Clone, Copy)]
struct Site<'s> {
    place: ShapeRef,
    at: usize,
    focus: &'s Term,
}

fn pairs<'v>(values: &'v Values, others: &'v Values) -> impl Iterator<Item = (&'v Term, &'v Term)> {
    values.iter().flat_map(move |one| others.iter().map(move |two| (&one.0, &two.0)))
}

fn ordering(one: &Term, two: &Term) -> Option<Ordering> {
    match (one, two) {
        (Term::Literal(one), Term::Literal(two)) => compare(one, two),
        _ => None,
    }
}

fn is_less(one: &Term, two: &Term, or_equal: bool) -> bool {
    match ordering(one, two) {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => or_equal,
        _ => false,
    }
}

fn lies(side: Side, value: &Term, bound: &Literal) -> bool {
    let Term::Literal(value) = value else { return false };
    let Some(ordering) = compare(value, bound) else { return false };
    match side {
        Side::Below => ordering.is_lt(),
        Side::AtMost => ordering.is_le(),
        Side::Above => ordering.is_gt(),
        Side::AtLeast => ordering.is_ge(),
    }
}

fn is_of_kind(kind: NodeKind, value: &Term) -> bool {
    match value {
        Term::NamedNode(_) => kind.iri,
        Term::BlankNode(_) => kind.blank,
        Term::Literal(_) => kind.literal,
    }
}

/// The text of an IRI or literal; a blank node has none.
fn text_of(value: &Term) -> Option<&str> {
    match value {
        Term::NamedNode(node) => Some(node.as_str()),
        Term::Literal(literal) => Some(literal.value()),
        Term::BlankNode(_) => None,
    }
}

fn length(value: &Term) -> Option<u64> {
    text_of(value).map(|text| text.chars().count() as u64)
}

/// Whether the literal is in one of the languages, by basic filtering (RFC 4647 § 3.3.1).
fn speaks(value: &Term, ranges: &[String]) -> bool {
    let Term::Literal(literal) = value else { return false };
    let Some(language) = literal.language().map(str::to_lowercase) else { return false };
    ranges.iter().any(|range| {
        range == "*"
            || language
                .strip_prefix(range.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}
