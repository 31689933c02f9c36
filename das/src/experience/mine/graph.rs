//! The directly-follows graph of a log: which activity came right after which, how often.

use std::collections::{BTreeMap, BTreeSet};

use super::Ways;

/// The graph over the activities of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Activities, ascending.
    pub(super) nodes: Vec<usize>,
    /// How often one came right after the other; only what happened.
    pub(super) edges: BTreeMap<(usize, usize), usize>,
    /// How often a case began with it.
    pub(super) starts: BTreeMap<usize, usize>,
    /// How often a case ended with it.
    pub(super) ends: BTreeMap<usize, usize>,
}

impl Graph {
    pub(super) fn of(ways: &Ways) -> Self {
        let mut graph = Self::default();
        let mut nodes = BTreeSet::new();
        for (steps, count) in ways {
            nodes.extend(steps.iter().copied());
            if let (Some(&first), Some(&last)) = (steps.first(), steps.last()) {
                *graph.starts.entry(first).or_default() += count;
                *graph.ends.entry(last).or_default() += count;
            }
            for pair in steps.windows(2) {
                if let [before, after] = pair {
                    *graph.edges.entry((*before, *after)).or_default() += count;
                }
            }
        }
        graph.nodes = nodes.into_iter().collect();
        graph
    }

    /// Leaves out what is rarer than `noise` times the most frequent successor (or ending) of the same activity.
    pub(super) fn without_rare(&self, noise: f64) -> Self {
        let mut strongest: BTreeMap<usize, usize> = self.ends.clone();
        for (&(before, _), &count) in &self.edges {
            let most = strongest.entry(before).or_default();
            *most = count.max(*most);
        }
        let is_kept = |count: usize, most: usize| super::super::share(count, most) >= noise;
        let most_of = |node: &usize| strongest.get(node).copied().unwrap_or(0);
        let most_started = self.starts.values().copied().max().unwrap_or(0);
        let kept_edges = |(pair, count): (&(usize, usize), &usize)| {
            is_kept(*count, most_of(&pair.0)).then_some((*pair, *count))
        };
        Self {
            nodes: self.nodes.clone(),
            edges: self.edges.iter().filter_map(kept_edges).collect(),
            starts: self
                .starts
                .iter()
                .filter(|(_, count)| is_kept(**count, most_started))
                .map(|(node, count)| (*node, *count))
                .collect(),
            ends: self
                .ends
                .iter()
                .filter(|(node, count)| is_kept(**count, most_of(node)))
                .map(|(node, count)| (*node, *count))
                .collect(),
        }
    }

    pub(super) fn has(&self, before: usize, after: usize) -> bool {
        self.edges.contains_key(&(before, after))
    }

    /// For each node (by its place), the places of all nodes that can come later.
    pub(super) fn reach(&self) -> Vec<BTreeSet<usize>> {
        let place = |node: &usize| self.nodes.binary_search(node).ok();
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (before, after) in self.edges.keys() {
            if let (Some(before), Some(after)) = (place(before), place(after)) {
                next[before].push(after);
            }
        }
        (0..self.nodes.len())
            .map(|start| {
                let mut seen = BTreeSet::new();
                let mut open = vec![start];
                while let Some(at) = open.pop() {
                    open.extend(next[at].iter().copied().filter(|&to| seen.insert(to)));
                }
                seen
            })
            .collect()
    }
}

/// Sets of places that are merged step by step.
pub(super) struct Merging(Vec<usize>);

impl Merging {
    pub(super) fn of(size: usize) -> Self {
        Self((0..size).collect())
    }

    pub(super) fn root(&self, mut place: usize) -> usize {
        while self.0[place] != place {
            place = self.0[place];
        }
        place
    }

    pub(super) fn merge(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }

    /// The sets, each ascending, ordered by their first member.
    pub(super) fn sets(&self) -> Vec<Vec<usize>> {
        let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..self.0.len() {
            sets.entry(self.root(place)).or_default().push(place);
        }
        sets.into_values().collect()
    }
}
