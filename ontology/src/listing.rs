//! Lists of nodes as people ask for them: filtered, ordered, in pages.
//!
//! The rarest condition that the catalogue knows, or the order itself, says which nodes are looked at; what else is
//! asked is then checked at each. So a page costs about what it shows, not what the system holds.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Error;
use crate::catalogue::Column;
use crate::fields::{self, Field, OrderBy, flag, number, place_in, texts};
use crate::index::{SystemIndex, Version, natural_key};
use crate::model::Node;
use crate::words::Scores;

/// Conditions of one list, those within others included.
pub const MAX_CONDITIONS: usize = 200;
/// Nodes that are sorted for a page; where more may match, they are looked at in their order.
const SORTED_AT_ONCE: usize = 4_096;
/// Stands in a cursor between the text a node is ordered by and its id.
const CURSOR_MARK: char = '\u{1F}';

/// What a text has to be. Everything that is given must hold of one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTest {
    /// Exactly this.
    pub equals: Option<String>,
    /// One of these.
    pub one_of: Option<Vec<String>>,
    /// It begins so, without regard to case.
    pub starts_with: Option<String>,
    /// It has this in it, without regard to case.
    pub contains: Option<String>,
    /// Whether there is none.
    pub missing: Option<bool>,
}

/// What a number has to be. Everything that is given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NumberTest {
    /// Exactly this.
    pub equals: Option<f64>,
    /// Less than this.
    pub below: Option<f64>,
    /// This or less.
    pub at_most: Option<f64>,
    /// More than this.
    pub above: Option<f64>,
    /// This or more.
    pub at_least: Option<f64>,
}

/// A condition on a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A text, or one of several.
    Text(Field, TextTest),
    /// A number.
    Number(Field, NumberTest),
    /// True or false; a node that has no such field does not match.
    Flag(Field, bool),
    /// It says these words, or words that begin so: see [`SystemIndex::search`].
    Says(String),
    /// All of at least one of these lists hold.
    Any(Vec<Vec<Condition>>),
    /// Not all of these hold.
    Not(Vec<Condition>),
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// The greatest first.
    pub descending: bool,
}

/// A node of a page with its cursor.
pub type Listed = (String, Arc<Node>);

impl TextTest {
    /// Whether it holds of one of these values.
    pub fn holds<'a>(&self, mut values: impl Iterator<Item = &'a str>) -> bool {
        let fits = |text: &str| {
            self.equals.as_deref().is_none_or(|wanted| text == wanted)
                && self.one_of.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == text))
                && self.starts_with.as_ref().is_none_or(|start| begins(text, start))
                && self.contains.as_ref().is_none_or(|part| folded(text).contains(&folded(part)))
        };
        match self.missing {
            Some(true) => values.next().is_none(),
            Some(false) => values.any(fits),
            None if *self == Self::default() => true,
            None => values.any(fits),
        }
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

fn begins(text: &str, start: &str) -> bool {
    let mut text = text.chars().flat_map(char::to_lowercase);
    start.chars().flat_map(char::to_lowercase).all(|wanted| text.next() == Some(wanted))
}

impl NumberTest {
    /// Whether it holds of this value.
    #[must_use]
    pub fn holds(&self, value: Option<f64>) -> bool {
        let tests = [
            (self.equals, [Ordering::Equal].as_slice()),
            (self.below, &[Ordering::Less]),
            (self.at_most, &[Ordering::Less, Ordering::Equal]),
            (self.above, &[Ordering::Greater]),
            (self.at_least, &[Ordering::Greater, Ordering::Equal]),
        ];
        tests.iter().all(|(bound, wanted)| {
            bound.is_none_or(|bound| {
                value.and_then(|value| value.partial_cmp(&bound)).is_some_and(|is| wanted.contains(&is))
            })
        })
    }
}

/// Conditions with what their words find.
struct Prepared<'a> {
    system: &'a SystemIndex,
    kind: &'a str,
    conditions: &'a [Condition],
    found: BTreeMap<&'a str, Scores>,
}

/// From where the nodes of a page are taken.
enum Source<'a> {
    /// The nodes that have a value.
    Value(Column, Option<&'a str>),
    /// Those with a flag.
    Flag(Column, bool),
    /// What words find.
    Words(&'a str),
    /// Ids at the other end of edges that end at a node.
    Edges(&'a str, &'static str),
}

impl<'a> Prepared<'a> {
    fn new(system: &'a SystemIndex, kind: &'a str, conditions: &'a [Condition]) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        let mut count = 0;
        let mut open: Vec<&Condition> = conditions.iter().collect();
        while let Some(condition) = open.pop() {
            count += 1;
            if count > MAX_CONDITIONS {
                let detail = format!("a list has more than {MAX_CONDITIONS} conditions");
                return Err(Error::Limit { limit: "MAX_CONDITIONS", detail });
            }
            match condition {
                Condition::Says(words) => {
                    let scores = system.reading().words.scores(words, &[kind]);
                    found.insert(words.as_str(), scores);
                }
                Condition::Any(lists) => open.extend(lists.iter().flatten()),
                Condition::Not(list) => open.extend(list),
                _ => {}
            }
        }
        Ok(Self { system, kind, conditions, found })
    }

    fn holds(&self, node: &Node) -> bool {
        let version = self.system.version(node.id()).unwrap_or_default();
        self.all(self.conditions, node, version)
    }

    fn all(&self, conditions: &[Condition], node: &Node, version: Version) -> bool {
        conditions.iter().all(|condition| match condition {
            Condition::Text(Field::Component, test) if node.kind() == "requirement" => {
                test.holds(fields::components(self.system, node.id()).into_iter())
            }
            Condition::Text(field, test) => test.holds(texts(node, *field).iter()),
            Condition::Number(field, test) => test.holds(number(node, version, *field)),
            Condition::Flag(field, wanted) => flag(self.system, node, *field) == Some(*wanted),
            Condition::Says(words) => self
                .found
                .get(words.as_str())
                .is_some_and(|scores| self.system.reading().words.is_among(scores, node)),
            Condition::Any(lists) => lists.iter().any(|list| self.all(list, node, version)),
            Condition::Not(list) => !self.all(list, node, version),
        })
    }

    /// Where the fewest nodes have to be looked at, and how many those are.
    fn source(&self) -> Option<(usize, Source<'a>)> {
        let reading = self.system.reading();
        let catalogue = &reading.catalogue;
        let one = |condition: &'a Condition| -> Option<(usize, Source<'a>)> {
            match condition {
                Condition::Text(field, TextTest { equals: Some(value), .. })
                    if *field == Field::Component && self.kind == "requirement" =>
                {
                    Some((self.system.incoming(value).count(), Source::Edges(value, "allocated_to")))
                }
                Condition::Text(field, test) => {
                    let column = Column::new(self.kind, *field);
                    let is_kept = fields::WORDED.contains(field)
                        && (self.kind != "link" || *field == Field::Kind)
                        && (self.kind != "requirement" || *field != Field::Component);
                    let value = match (&test.equals, test.missing) {
                        _ if !is_kept => return None,
                        (_, Some(true)) => None,
                        (Some(value), _) => Some(value.as_str()),
                        _ => return None,
                    };
                    Some((catalogue.number(column, value), Source::Value(column, value)))
                }
                Condition::Flag(field, is) => {
                    let column = Column::new(self.kind, *field);
                    Some((catalogue.flagged(column, *is), Source::Flag(column, *is)))
                }
                Condition::Says(words) => {
                    Some((self.found.get(words.as_str()).map_or(0, Scores::len), Source::Words(words)))
                }
                _ => None,
            }
        };
        self.conditions.iter().filter_map(one).min_by_key(|(count, _)| *count)
    }

    fn candidates(&'a self, source: &Source<'a>) -> Box<dyn Iterator<Item = &'a Arc<Node>> + 'a> {
        let reading = self.system.reading();
        match *source {
            Source::Value(column, value) => Box::new(reading.catalogue.having(column, value, None)),
            Source::Flag(column, is) => Box::new(reading.catalogue.with_flag(column, is)),
            Source::Words(words) => {
                let found = self.found.get(words).map(|scores| reading.words.of_scores(scores));
                Box::new(found.into_iter().flatten())
            }
            Source::Edges(at, kind) => {
                let edges = self.system.incoming(at).filter(move |edge| edge.kind == kind);
                Box::new(edges.filter_map(|edge| self.system.node(&edge.other)))
            }
        }
    }
}

impl SystemIndex {
    /// A page of the nodes of a kind that meet all conditions, in an order, after a cursor, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than [`MAX_CONDITIONS`]; [`Error::Invalid`] for a cursor of another order, or an
    /// order that the kind does not have.
    pub fn list(
        &self,
        kind: &str,
        conditions: &[Condition],
        order: Order,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        let after = after.map(|cursor| position(cursor, order.by)).transpose()?;
        if order.by != OrderBy::Id && !fields::orders(kind).contains(&order.by) {
            return Err(Error::Invalid(format!("a {kind} cannot be ordered by {:?}", order.by)));
        }
        let prepared = Prepared::new(self, kind, conditions)?;
        let page = match prepared.source() {
            Some((count, source)) if count <= SORTED_AT_ONCE => {
                sorted(&prepared, &source, order, after, limit)
            }
            Some((_, source)) if order.by == OrderBy::Id => {
                let place = after.as_ref().map(|(_, place)| place.as_str());
                prepared.in_place(&source, order.descending, place, limit)
            }
            _ => {
                let start = after.as_ref().map(|(text, place)| (text.as_str(), place.as_str()));
                let all = self.in_order(kind, order, start);
                all.filter(|node| prepared.holds(node)).take(limit).cloned().collect()
            }
        };
        let listed = |node: Arc<Node>| {
            let version = self.version(node.id()).unwrap_or_default();
            (cursor(&node, version, order.by), node)
        };
        Ok(page.into_iter().map(listed).collect())
    }

    /// How many nodes of a kind meet all conditions.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than [`MAX_CONDITIONS`].
    pub fn count_meeting(&self, kind: &str, conditions: &[Condition]) -> Result<usize, Error> {
        if conditions.is_empty() {
            return Ok(self.count(kind));
        }
        let prepared = Prepared::new(self, kind, conditions)?;
        Ok(match (conditions, prepared.source()) {
            ([Condition::Says(_) | Condition::Flag(..)], Some((count, _))) => count,
            (_, Some((_, source))) => {
                prepared.candidates(&source).filter(|node| prepared.holds(node)).count()
            }
            (_, None) => self.of_kind(kind).filter(|node| prepared.holds(node)).count(),
        })
    }

    fn in_order<'a>(
        &'a self,
        kind: &str,
        order: Order,
        after: Option<(&str, &str)>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Node>> + 'a> {
        match (order.by, order.descending) {
            (OrderBy::Id, descending) => self.placed(kind, descending, after.map(|(_, place)| place)),
            (by, descending) => self.reading().catalogue.ordered(kind, by, descending, after),
        }
    }
}

impl<'a> Prepared<'a> {
    /// A page in natural order of ids out of more candidates than are sorted at once.
    fn in_place(
        &'a self,
        source: &Source<'a>,
        descending: bool,
        place: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Node>> {
        let catalogue = &self.system.reading().catalogue;
        let flags = |is: bool| if is { "true" } else { "false" };
        let value = match *source {
            Source::Value(column, value) => Some((column, value)),
            Source::Flag(column, is) => Some((column, Some(flags(is)))),
            Source::Words(_) | Source::Edges(..) => None,
        };
        let all: Box<dyn Iterator<Item = &Arc<Node>>> = match (value, descending) {
            (Some((column, value)), false) => Box::new(catalogue.having(column, value, place)),
            (Some((column, value)), true) => Box::new(catalogue.having_before(column, value, place)),
            (None, descending) => self.system.placed(self.kind, descending, place),
        };
        all.filter(|node| self.holds(node)).take(limit).cloned().collect()
    }
}

/// A page of few candidates: all that match, sorted.
fn sorted(
    prepared: &Prepared<'_>,
    source: &Source<'_>,
    order: Order,
    after: Option<(String, String)>,
    limit: usize,
) -> Vec<Arc<Node>> {
    let system = prepared.system;
    let matching = prepared.candidates(source).filter(|node| prepared.holds(node));
    let keyed = matching.map(|node| {
        let version = system.version(node.id()).unwrap_or_default();
        let text = if order.by == OrderBy::Id { String::new() } else { place_in(node, version, order.by) };
        ((text, natural_key(node.id())), node)
    });
    // A node may have a value twice, as two findings of a kind.
    let mut all: BTreeMap<(String, String), &Arc<Node>> = keyed.collect();
    let page = |nodes: &mut dyn Iterator<Item = &Arc<Node>>| nodes.take(limit).cloned().collect();
    match (order.descending, after) {
        (false, None) => page(&mut all.into_values()),
        (true, None) => page(&mut all.into_values().rev()),
        (false, Some(after)) => {
            let mut rest = all.split_off(&after);
            rest.remove(&after);
            page(&mut rest.into_values())
        }
        (true, Some(before)) => {
            all.split_off(&before);
            page(&mut all.into_values().rev())
        }
    }
}

/// Where a node stands in an order, as text: in that of ids its id.
fn cursor(node: &Node, version: Version, by: OrderBy) -> String {
    match by {
        OrderBy::Id => node.id().to_owned(),
        _ => format!("{}{CURSOR_MARK}{}", place_in(node, version, by), node.id()),
    }
}

/// The text and the place a cursor says.
fn position(cursor: &str, by: OrderBy) -> Result<(String, String), Error> {
    if by == OrderBy::Id {
        return Ok((String::new(), natural_key(cursor)));
    }
    let (text, id) = cursor
        .split_once(CURSOR_MARK)
        .ok_or_else(|| Error::Invalid(format!("{cursor:?} is no cursor of a list in this order")))?;
    Ok((text.to_owned(), natural_key(id)))
}

#[cfg(test)]
mod tests;
