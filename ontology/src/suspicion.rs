//! Suspect links: those that nobody looked at since one of their ends said something else, and what hangs on them.
//!
//! A link is suspect while an end of it changed in a later change set than the link's own newest one and its newest
//! review. Nothing has to be marked or unmarked: suspicion follows from the change sets, so undoing and time travel
//! need no care, and a review clears exactly what it saw.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::index::{SystemIndex, natural_key};
use crate::model::{Node, TraceLink};
use crate::trace::{downstream, upstream};

/// Which way a change travels along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From what is asked for to what answers it: requirement, component, function, process.
    Down,
    /// The other way.
    Up,
}

/// A link to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Id of the link.
    pub link: String,
    /// Id of the node whose change made it so.
    pub cause: String,
    /// The change set of that change.
    pub since: i64,
    /// Which way the change travels.
    pub direction: Direction,
    /// 0 where the changed node is an end of the link; else how many nodes lie between.
    pub distance: usize,
}

/// The suspect links of a system, in natural order of ids, the nearest cause of each. With `transitive` also those
/// that a change reaches only through other nodes: down from a changed source, up from a changed target. Those that are
/// suspect by themselves are kept by [`SystemIndex::suspects`].
#[must_use]
pub fn suspects(system: &SystemIndex, transitive: bool) -> Vec<Suspect> {
    let near: Vec<Suspect> = system.suspects().cloned().collect();
    if !transitive {
        return near;
    }
    let mut found: BTreeMap<String, Suspect> =
        near.iter().map(|suspect| (natural_key(&suspect.link), suspect.clone())).collect();
    for direction in [Direction::Down, Direction::Up] {
        spread(system, &near, direction, &mut found);
    }
    found.into_values().collect()
}

/// The suspicion of one link, where it is suspect by itself.
#[must_use]
pub fn direct(system: &SystemIndex, link: &TraceLink) -> Option<Suspect> {
    let own = system.version(&link.id)?.put;
    let seen = system.review(&link.id).map_or(own, |(number, _)| number.max(own));
    let said = |id: &str| system.version(id).map_or(0, |version| version.said);
    let (source, target) = (said(&link.source), said(&link.target));
    let (cause, since) = if source >= target { (&link.source, source) } else { (&link.target, target) };
    // A refinement points from the finer to the coarser requirement: there, down is against the arrow.
    let from_source = (cause == &link.source) != (link.kind == "refines");
    let direction = if from_source { Direction::Down } else { Direction::Up };
    let suspect = Suspect { link: link.id.clone(), cause: cause.clone(), since, direction, distance: 0 };
    (since > seen).then_some(suspect)
}

/// Adds what the causes of suspect links reach beyond them, breadth first.
fn spread(
    system: &SystemIndex,
    near: &[Suspect],
    direction: Direction,
    found: &mut BTreeMap<String, Suspect>,
) {
    let mut queue: VecDeque<(String, &Suspect, usize)> = VecDeque::new();
    let mut visited: BTreeSet<String> = BTreeSet::new();
    for suspect in near.iter().filter(|suspect| suspect.direction == direction) {
        visited.insert(suspect.cause.clone());
        if let Some(Node::Link(link)) = system.node(&suspect.link).map(AsRef::as_ref) {
            let far = if link.source == suspect.cause { &link.target } else { &link.source };
            if visited.insert(far.clone()) {
                queue.push_back((far.clone(), suspect, 1));
            }
        }
    }
    while let Some((at, origin, distance)) = queue.pop_front() {
        let edges = match direction {
            Direction::Down => downstream(system, &at),
            Direction::Up => upstream(system, &at),
        };
        for edge in edges {
            if let Some(link) = &edge.link {
                let suspect = || Suspect { link: link.clone(), distance, ..origin.clone() };
                found.entry(natural_key(link)).or_insert_with(suspect);
            }
            if visited.insert(edge.other.clone()) {
                queue.push_back((edge.other.clone(), origin, distance + 1));
            }
        }
    }
}
