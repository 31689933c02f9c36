//! The catalogue of a system: for each value of a field the nodes that have it, and nodes in other orders than that of
//! their ids. It is kept beside the nodes and follows every change set, so that a page costs what it shows.

use std::ops::Bound;
use std::sync::Arc;

use crate::fields::{self, FLAGS, Field, OrderBy, Texts, WORDED};
use crate::index::{SystemIndex, Version, natural_key};
use crate::model::Node;
use crate::sorted::SortedMap;

/// Characters of a value that the catalogue keeps; what lies beyond is looked up at the node itself.
const VALUE_CHARS: usize = 64;

/// A field of a kind of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    kind: u8,
    field: Field,
}

impl Column {
    pub(crate) fn new(kind: &str, field: Field) -> Self {
        Self { kind: rank(kind), field }
    }
}

/// The place of a kind among all kinds.
pub(crate) fn rank(kind: &str) -> u8 {
    let kinds = ["requirement", "component", "function", "process", "interface", "constraint", "link"];
    let at = kinds.iter().position(|known| *known == kind).unwrap_or(kinds.len());
    u8::try_from(at).unwrap_or(u8::MAX)
}

/// A value: `None` where a node has none in this field.
type Value = Option<Arc<str>>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    column: Column,
    value: Value,
    place: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    kind: u8,
    order: OrderBy,
    text: Arc<str>,
    place: Arc<str>,
}

/// The catalogue. Like a system a copy is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    entries: SortedMap<Entry, Arc<Node>>,
    counts: SortedMap<(Column, Value), (Value, usize)>,
    positions: SortedMap<Position, Arc<Node>>,
}

/// The value as the catalogue keeps it.
fn kept(text: &str) -> &str {
    text.char_indices().nth(VALUE_CHARS).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// The columns of a node that it says itself, with its values.
fn own(node: &Node) -> Vec<(Column, Option<&str>)> {
    let mut out = Vec::new();
    for field in WORDED {
        let column = Column::new(node.kind(), *field);
        match fields::texts(node, *field) {
            // Ends of links are found by their edges.
            _ if node.kind() == "link" && *field != Field::Kind => {}
            Texts::Nothing => {}
            texts if texts.is_missing() => out.push((column, None)),
            texts => out.extend(texts.iter().map(|text| (column, Some(kept(text))))),
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// The columns of a node that follow from links.
fn followed<'a>(system: &SystemIndex, node: &Node) -> Vec<(Column, Option<&'a str>)> {
    let one = |field: &Field| {
        let is = fields::flag(system, node, *field)?;
        Some((Column::new(node.kind(), *field), Some(word(is))))
    };
    FLAGS.iter().filter_map(one).collect()
}

fn word(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

fn positions(node: &Node, version: Version, place: &Arc<str>) -> Vec<Position> {
    let kind = rank(node.kind());
    let at = |order: &OrderBy| {
        let text = Arc::from(fields::place_in(node, version, *order));
        Position { kind, order: *order, text, place: Arc::clone(place) }
    };
    fields::orders(node.kind()).iter().map(at).collect()
}

impl Catalogue {
    /// The catalogue of a whole system.
    pub(crate) fn of(system: &SystemIndex) -> Self {
        let mut out = Self::default();
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (node, version) in system.held() {
            let place: Arc<str> = Arc::from(natural_key(node.id()));
            for (column, value) in own(node).into_iter().chain(followed(system, node)) {
                let value = out.count(column, value, 1);
                entries.push((Entry { column, value, place: Arc::clone(&place) }, Arc::clone(node)));
            }
            let at = positions(node, version, &place).into_iter();
            places.extend(at.map(|position| (position, Arc::clone(node))));
        }
        entries.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        places.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        out.entries = SortedMap::of_sorted(entries);
        out.positions = SortedMap::of_sorted(places);
        out
    }

    /// Counts nodes of a value up or down and gives the value as it is shared.
    fn count(&mut self, column: Column, value: Option<&str>, by: isize) -> Value {
        let key = (column, value.map(Arc::from));
        if let Some((shared, count)) = self.counts.get_mut(&key) {
            let shared = shared.clone();
            *count = count.saturating_add_signed(by);
            if *count == 0 {
                self.counts.remove(&key);
            }
            return shared;
        }
        let shared = key.1.clone();
        if by > 0 {
            self.counts.insert(key, (shared.clone(), by.unsigned_abs()));
        }
        shared
    }

    fn enter(&mut self, column: Column, value: Option<&str>, place: &Arc<str>, node: &Arc<Node>) {
        let value = self.count(column, value, 1);
        self.entries.insert(Entry { column, value, place: Arc::clone(place) }, Arc::clone(node));
    }

    fn strike(&mut self, column: Column, value: Option<&str>, place: &Arc<str>) {
        let value = self.count(column, value, -1);
        self.entries.remove(&Entry { column, value, place: Arc::clone(place) });
    }

    /// Takes in a node as it is; what follows from links comes with [`Self::enter_followed`].
    pub(crate) fn enter_own(&mut self, node: &Arc<Node>, version: Version) {
        let place: Arc<str> = Arc::from(natural_key(node.id()));
        for (column, value) in own(node) {
            self.enter(column, value, &place, node);
        }
        for position in positions(node, version, &place) {
            self.positions.insert(position, Arc::clone(node));
        }
    }

    /// Takes out a node as it was.
    pub(crate) fn strike_own(&mut self, node: &Node, version: Version) {
        let place: Arc<str> = Arc::from(natural_key(node.id()));
        for (column, value) in own(node) {
            self.strike(column, value, &place);
        }
        for position in positions(node, version, &place) {
            self.positions.remove(&position);
        }
    }

    /// Takes in what follows of a node from links.
    pub(crate) fn enter_followed(&mut self, system: &SystemIndex, node: &Arc<Node>) {
        let place: Arc<str> = Arc::from(natural_key(node.id()));
        for (column, value) in followed(system, node) {
            self.enter(column, value, &place, node);
        }
    }

    /// Takes out what followed of a node from links.
    pub(crate) fn strike_followed(&mut self, system: &SystemIndex, node: &Node) {
        let place: Arc<str> = Arc::from(natural_key(node.id()));
        for (column, value) in followed(system, node) {
            self.strike(column, value, &place);
        }
    }

    /// How many nodes have this value; of one longer than the catalogue keeps, at most so many.
    pub(crate) fn number(&self, column: Column, value: Option<&str>) -> usize {
        let key = (column, value.map(|value| Arc::from(kept(value))));
        self.counts.get(&key).map_or(0, |(_, count)| *count)
    }

    /// How many nodes have this flag.
    pub(crate) fn flagged(&self, column: Column, is: bool) -> usize {
        self.number(column, Some(word(is)))
    }

    /// The nodes with this value in natural order of their ids, those after the place `after`; where the value is
    /// longer than the catalogue keeps, others may be among them.
    pub(crate) fn having<'a>(
        &'a self,
        column: Column,
        value: Option<&str>,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Node>> + use<'a> {
        let value: Value = value.map(|value| Arc::from(kept(value)));
        let start = Entry { column, value: value.clone(), place: Arc::from(after.unwrap_or_default()) };
        let found = self.entries.from(Bound::Excluded(&start));
        found.take_while(move |(at, _)| at.column == column && at.value == value).map(|(_, node)| node)
    }

    /// The same, the last one first, those before the place `before`.
    pub(crate) fn having_before<'a>(
        &'a self,
        column: Column,
        value: Option<&str>,
        before: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Node>> + use<'a> {
        let value: Value = value.map(|value| Arc::from(kept(value)));
        // No id is longer than this place is high.
        let place = Arc::from(before.unwrap_or("\u{10FFFF}"));
        let end = Entry { column, value: value.clone(), place };
        let found = self.entries.before(Bound::Excluded(&end));
        found.take_while(move |(at, _)| at.column == column && at.value == value).map(|(_, node)| node)
    }

    /// The nodes with this flag.
    pub(crate) fn with_flag(&self, column: Column, is: bool) -> impl Iterator<Item = &Arc<Node>> {
        self.having(column, Some(word(is)), None)
    }

    /// The nodes of a kind in an order, those after a position of it.
    pub(crate) fn ordered<'a>(
        &'a self,
        kind: &str,
        order: OrderBy,
        descending: bool,
        after: Option<(&str, &str)>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Node>> + 'a> {
        let kind = rank(kind);
        let here = move |(at, _): &(&Position, &Arc<Node>)| at.kind == kind && at.order == order;
        let ends = if descending { ("\u{10FFFF}", "\u{10FFFF}") } else { ("", "") };
        let (text, place) = after.unwrap_or(ends);
        let from = Position { kind, order, text: Arc::from(text), place: Arc::from(place) };
        if descending {
            let found = self.positions.before(Bound::Excluded(&from));
            Box::new(found.take_while(here).map(|(_, node)| node))
        } else {
            let found = self.positions.from(Bound::Excluded(&from));
            Box::new(found.take_while(here).map(|(_, node)| node))
        }
    }
}
