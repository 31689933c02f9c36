//! The graph of one scope: items in layers, links between them.

use std::collections::{HashMap, VecDeque};

/// A node, or the place where a long link passes a layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    /// Place in the process's nodes; `None` for a passing link.
    pub(super) node: Option<usize>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Extra room below: boundary events, their lines, labels.
    pub(super) below: f64,
    /// A diamond: lines may leave and enter it by its upper and lower corner.
    pub(super) is_gateway: bool,
    /// Lane, 0 where there are none.
    pub(super) lane: usize,
    pub(super) layer: usize,
    /// Left border.
    pub(super) x: f64,
    /// Middle.
    pub(super) y: f64,
}

/// A sequence flow, or the association of a compensation handler.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The boundary event it starts at: place among those of its activity, and their number.
    pub(super) boundary: Option<(usize, usize)>,
    /// Room that its name needs beside its first piece; 0 where it has none.
    pub(super) name: f64,
    /// Runs against the direction of reading.
    pub(super) is_back: bool,
    /// The items it passes, from layer to layer.
    pub(super) passes: Vec<usize>,
}

/// Items and links of one scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) items: Vec<Item>,
    pub(super) links: Vec<Link>,
    /// Items of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
}

/// Most places where long links pass layers; beyond it long links are not kept apart from nodes.
const MAX_PASSES: usize = 60_000;

impl Graph {
    /// Finds the links that close cycles: those that lead back to an item still open in a depth-first walk.
    pub(super) fn break_cycles(&mut self, first: &[usize]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            Fresh,
            Open,
            Done,
        }
        let outgoing = self.outgoing();
        let mut marks = vec![Mark::Fresh; self.items.len()];
        let mut has_incoming = vec![false; self.items.len()];
        for link in self.links.iter().filter(|link| link.from != link.to) {
            has_incoming[link.to] = true;
        }
        let sources = (0..self.items.len()).filter(|&item| !has_incoming[item]);
        let roots: Vec<usize> = first.iter().copied().chain(sources).chain(0..self.items.len()).collect();
        for root in roots {
            if marks[root] != Mark::Fresh {
                continue;
            }
            marks[root] = Mark::Open;
            let mut open = vec![(root, 0_usize)];
            while let Some((item, next)) = open.last_mut() {
                let Some(&link) = outgoing[*item].get(*next) else {
                    marks[*item] = Mark::Done;
                    open.pop();
                    continue;
                };
                *next += 1;
                let target = self.links[link].to;
                match marks[target] {
                    Mark::Open => self.links[link].is_back = true,
                    Mark::Fresh => {
                        marks[target] = Mark::Open;
                        open.push((target, 0));
                    }
                    Mark::Done => {}
                }
            }
        }
    }

    fn outgoing(&self) -> Vec<Vec<usize>> {
        let mut outgoing = vec![Vec::new(); self.items.len()];
        for (index, link) in self.links.iter().enumerate() {
            outgoing[link.from].push(index);
        }
        outgoing
    }

    /// Puts each item into the layer after the last of its predecessors.
    pub(super) fn assign_layers(&mut self) {
        let mut waiting = vec![0_usize; self.items.len()];
        let outgoing = self.outgoing();
        for link in self.links.iter().filter(|link| !link.is_back) {
            waiting[link.to] += 1;
        }
        let mut ready: VecDeque<usize> = (0..self.items.len()).filter(|&item| waiting[item] == 0).collect();
        while let Some(item) = ready.pop_front() {
            for &index in &outgoing[item] {
                let link = &self.links[index];
                if link.is_back {
                    continue;
                }
                let target = link.to;
                self.items[target].layer = self.items[target].layer.max(self.items[item].layer + 1);
                waiting[target] -= 1;
                if waiting[target] == 0 {
                    ready.push_back(target);
                }
            }
        }
    }

    /// Gives each link an item in every layer it passes, and collects the layers.
    pub(super) fn add_passes(&mut self) {
        let span = |graph: &Self, link: &Link| {
            graph.items[link.to].layer.saturating_sub(graph.items[link.from].layer + 1)
        };
        let total: usize = self.links.iter().filter(|link| !link.is_back).map(|link| span(self, link)).sum();
        if total <= MAX_PASSES {
            for index in 0..self.links.len() {
                let link = &self.links[index];
                if link.is_back {
                    continue;
                }
                let (from, to) = (link.from, link.to);
                let lane = self.items[from].lane;
                for layer in self.items[from].layer + 1..self.items[to].layer {
                    self.links[index].passes.push(self.items.len());
                    self.items.push(Item { layer, lane, ..Item::default() });
                }
            }
        }
        let count = self.items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
        self.layers = vec![Vec::new(); count];
        for (index, item) in self.items.iter().enumerate() {
            self.layers[item.layer].push(index);
        }
    }

    /// Pairs of neighbours in adjacent layers: (left, right).
    pub(super) fn segments(&self) -> Vec<(usize, usize)> {
        let mut segments = Vec::new();
        for link in self.links.iter().filter(|link| !link.is_back) {
            let mut from = link.from;
            for &to in link.passes.iter().chain(std::iter::once(&link.to)) {
                if self.items[from].layer + 1 == self.items[to].layer {
                    segments.push((from, to));
                }
                from = to;
            }
        }
        segments
    }

    /// Neighbours of each item to the left and to the right.
    pub(super) fn neighbours(&self) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let mut left = vec![Vec::new(); self.items.len()];
        let mut right = vec![Vec::new(); self.items.len()];
        for (from, to) in self.segments() {
            right[from].push(to);
            left[to].push(from);
        }
        (left, right)
    }

    /// The y at which a link leaves its source.
    pub(super) fn start_y(&self, link: &Link) -> f64 {
        let item = &self.items[link.from];
        match link.boundary {
            None => item.y,
            Some((place, number)) => {
                let depth = super::size::count(number.saturating_sub(place));
                item.y + item.height / 2.0 + super::size::EVENT / 2.0 + super::size::TRACK * depth
            }
        }
    }
}

/// Place of each item in its layer.
pub(super) fn positions(layers: &[Vec<usize>]) -> HashMap<usize, usize> {
    layers.iter().flat_map(|layer| layer.iter().enumerate().map(|(place, &item)| (item, place))).collect()
}
