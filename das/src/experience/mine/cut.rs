//! The four cuts of a directly-follows graph, and how a log is split along each.

use std::collections::BTreeSet;

use super::Ways;
use super::graph::{Graph, Merging};

/// A cut: groups of activities that share nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing leads from one group to another.
    Choice(Vec<BTreeSet<usize>>),
    /// What comes in a later group never comes before what is in an earlier one.
    Sequence(Vec<BTreeSet<usize>>),
    /// Everything in one group can come right before and right after everything in another.
    Parallel(Vec<BTreeSet<usize>>),
    /// The first group is the body; from its ends the others lead back to its starts.
    Loop(Vec<BTreeSet<usize>>),
}

/// The first cut that fits.
pub(super) fn find(graph: &Graph) -> Option<Cut> {
    if graph.nodes.len() < 2 {
        return None;
    }
    choice(graph)
        .map(Cut::Choice)
        .or_else(|| sequence(graph).map(Cut::Sequence))
        .or_else(|| parallel(graph).map(Cut::Parallel))
        .or_else(|| repetition(graph).map(Cut::Loop))
}

type Groups = Vec<BTreeSet<usize>>;

fn groups(graph: &Graph, merging: &Merging) -> Groups {
    let named = |set: Vec<usize>| set.into_iter().map(|place| graph.nodes[place]).collect();
    merging.sets().into_iter().map(named).collect()
}

fn choice(graph: &Graph) -> Option<Groups> {
    let mut merging = Merging::of(graph.nodes.len());
    for (before, after) in graph.edges.keys() {
        if let (Ok(before), Ok(after)) = (graph.nodes.binary_search(before), graph.nodes.binary_search(after))
        {
            merging.merge(before, after);
        }
    }
    let groups = groups(graph, &merging);
    (groups.len() > 1).then_some(groups)
}

fn sequence(graph: &Graph) -> Option<Groups> {
    let reach = graph.reach();
    let size = graph.nodes.len();
    let mut merging = Merging::of(size);
    for one in 0..size {
        for other in one + 1..size {
            if reach[one].contains(&other) == reach[other].contains(&one) {
                merging.merge(one, other);
            }
        }
    }
    let mut sets = merging.sets();
    if sets.len() < 2 {
        return None;
    }
    // Any member stands for its group: between two groups, all pairs have the same direction.
    let before = |set: &[usize]| {
        set.first().map_or(0, |&member| (0..size).filter(|&other| reach[other].contains(&member)).count())
    };
    let own = |set: &[usize]| {
        set.first().map_or(0, |&member| set.iter().filter(|&&other| reach[other].contains(&member)).count())
    };
    sets.sort_by_key(|set| before(set) - own(set));
    Some(sets.into_iter().map(|set| set.into_iter().map(|place| graph.nodes[place]).collect()).collect())
}

fn parallel(graph: &Graph) -> Option<Groups> {
    let size = graph.nodes.len();
    let mut merging = Merging::of(size);
    for one in 0..size {
        for other in one + 1..size {
            let (a, b) = (graph.nodes[one], graph.nodes[other]);
            if !(graph.has(a, b) && graph.has(b, a)) {
                merging.merge(one, other);
            }
        }
    }
    let (mut whole, lacking): (Groups, Groups) = groups(graph, &merging).into_iter().partition(|group| {
        group.iter().any(|node| graph.starts.contains_key(node))
            && group.iter().any(|node| graph.ends.contains_key(node))
    });
    // A group in which no case begins or ends belongs to another one.
    if let Some(first) = whole.first_mut() {
        first.extend(lacking.into_iter().flatten());
    }
    (whole.len() > 1).then_some(whole)
}

fn repetition(graph: &Graph) -> Option<Groups> {
    let is_start = |node: &usize| graph.starts.contains_key(node);
    let is_end = |node: &usize| graph.ends.contains_key(node);
    let mut merging = Merging::of(graph.nodes.len());
    for (before, after) in graph.edges.keys() {
        let outside = |node: &usize| !is_start(node) && !is_end(node);
        if let (true, true, Ok(before), Ok(after)) = (
            outside(before),
            outside(after),
            graph.nodes.binary_search(before),
            graph.nodes.binary_search(after),
        ) {
            merging.merge(before, after);
        }
    }
    let mut body: BTreeSet<usize> = BTreeSet::new();
    let mut redo: Groups = Vec::new();
    for group in groups(graph, &merging) {
        if group.iter().any(|node| is_start(node) || is_end(node)) || !leads_back(graph, &group) {
            body.extend(group);
        } else {
            redo.push(group);
        }
    }
    if redo.is_empty() || body.is_empty() {
        return None;
    }
    redo.insert(0, body);
    Some(redo)
}

/// Whether a group is entered only from ends and left only to starts, and has to do with all of them alike.
fn leads_back(graph: &Graph, group: &BTreeSet<usize>) -> bool {
    let is_start = |node: &usize| graph.starts.contains_key(node);
    let is_end = |node: &usize| graph.ends.contains_key(node);
    for (before, after) in graph.edges.keys() {
        let (from, to) = (group.contains(before), group.contains(after));
        if (to && !from && !is_end(before)) || (from && !to && !is_start(after)) {
            return false;
        }
    }
    let (mut entered, mut left) = (false, false);
    for node in group {
        let into = graph.ends.keys().filter(|end| graph.has(**end, *node)).count();
        let out = graph.starts.keys().filter(|start| graph.has(*node, **start)).count();
        if (into > 0 && into < graph.ends.len()) || (out > 0 && out < graph.starts.len()) {
            return false;
        }
        entered |= into > 0;
        left |= out > 0;
    }
    entered && left
}

impl Cut {
    fn groups(&self) -> &[BTreeSet<usize>] {
        match self {
            Self::Choice(groups) | Self::Sequence(groups) | Self::Parallel(groups) | Self::Loop(groups) => {
                groups
            }
        }
    }

    /// The log of each group.
    pub(super) fn split(&self, ways: &Ways) -> Vec<Ways> {
        let groups = self.groups();
        let project = |steps: &[usize], group: &BTreeSet<usize>| -> Vec<usize> {
            steps.iter().copied().filter(|step| group.contains(step)).collect()
        };
        let mut parts: Vec<Ways> = vec![Vec::new(); groups.len()];
        for (steps, count) in ways {
            match self {
                Self::Choice(_) => {
                    let parts_of = groups.iter().map(|group| project(steps, group));
                    let most = parts_of.enumerate().max_by_key(|(at, part)| (part.len(), usize::MAX - at));
                    if let Some((at, part)) = most {
                        parts[at].push((part, *count));
                    }
                }
                Self::Sequence(_) | Self::Parallel(_) => {
                    for (at, group) in groups.iter().enumerate() {
                        parts[at].push((project(steps, group), *count));
                    }
                }
                Self::Loop(_) => split_loop(groups, steps, *count, &mut parts),
            }
        }
        parts.into_iter().map(counted).collect()
    }
}

/// Cuts a case into runs of the body and of redo parts, by turns, beginning and ending with the body.
fn split_loop(groups: &[BTreeSet<usize>], steps: &[usize], count: usize, parts: &mut [Ways]) {
    let group_of = |step: &usize| groups.iter().position(|group| group.contains(step)).unwrap_or(0);
    let mut run: Vec<usize> = Vec::new();
    let mut current = 0;
    for step in steps {
        let group = group_of(step);
        if group != current {
            parts[current].push((std::mem::take(&mut run), count));
            if group != 0 && current != 0 {
                parts[0].push((Vec::new(), count));
            }
            current = group;
        }
        run.push(*step);
    }
    parts[current].push((run, count));
    if current != 0 {
        parts[0].push((Vec::new(), count));
    }
}

/// Counts equal ways together.
pub(super) fn counted(ways: Ways) -> Ways {
    let mut counts: indexmap::IndexMap<Vec<usize>, usize> = indexmap::IndexMap::new();
    for (steps, count) in ways {
        *counts.entry(steps).or_default() += count;
    }
    counts.into_iter().collect()
}
