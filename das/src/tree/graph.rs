//! From blocks to a flat graph: gateways are put around them, each block keeping one way in and one way out.

use super::{Event, EventKind, Node, Partial, Tree};
use crate::tree::Activity;

/// What stands at a node of the graph.
#[derive(Debug)]
pub(super) enum Element<'a> {
    Start,
    End { terminate: bool },
    Activity(&'a Activity),
    Event(&'a Event),
    Exclusive,
    EventBased,
    Parallel,
}

/// A node of the graph.
#[derive(Debug)]
pub(super) struct Vertex<'a> {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) element: Element<'a>,
    pub(super) actor: Option<&'a str>,
}

/// A flow of the graph.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) name: Option<String>,
    pub(super) condition: Option<String>,
    pub(super) default: bool,
}

/// The flat graph of a tree.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub(super) vertices: Vec<Vertex<'a>>,
    pub(super) edges: Vec<Edge>,
}

/// A flow that has left its source and not yet reached its target.
#[derive(Clone, Debug)]
struct Port {
    source: usize,
    name: Option<String>,
    condition: Option<String>,
    default: bool,
}

impl Port {
    fn plain(source: usize) -> Self {
        Self { source, name: None, condition: None, default: false }
    }
}

/// Builds the graph; the tree must have passed its check (its depth is bounded there).
pub(super) fn build(tree: &Tree) -> Graph<'_> {
    let mut graph = Graph::default();
    let start = graph.add("start".into(), tree.start_label.clone(), Element::Start, None);
    if let Some(port) = graph.emit(&tree.root, Port::plain(start)) {
        let end = graph.add("end".into(), tree.end_label.clone(), Element::End { terminate: false }, None);
        graph.connect(port, end);
    }
    graph.merge_joins();
    graph.spread_actors();
    graph
}

impl<'a> Graph<'a> {
    fn add(
        &mut self,
        id: String,
        name: Option<String>,
        element: Element<'a>,
        actor: Option<&'a str>,
    ) -> usize {
        self.vertices.push(Vertex { id, name, element, actor });
        self.vertices.len() - 1
    }

    fn connect(&mut self, port: Port, target: usize) {
        self.edges.push(Edge {
            source: port.source,
            target,
            name: port.name,
            condition: port.condition,
            default: port.default,
        });
    }

    /// Writes a node behind `port` and gives the flow that leaves it; `None` where it ends.
    fn emit(&mut self, node: &'a Node, port: Port) -> Option<Port> {
        match node {
            Node::Activity(activity) => {
                let place = self.add(
                    activity.id.clone(),
                    Some(activity.label.clone()),
                    Element::Activity(activity),
                    activity.actor.as_deref(),
                );
                self.connect(port, place);
                Some(Port::plain(place))
            }
            Node::Event(event) => self.emit_event(event, port),
            Node::Sequence(sequence) => {
                sequence.children.iter().try_fold(port, |port, child| self.emit(child, port))
            }
            Node::Choice(choice) => {
                let gateway = if choice.deferred { Element::EventBased } else { Element::Exclusive };
                let split = self.add(choice.id.clone(), choice.label.clone(), gateway, None);
                self.connect(port, split);
                let mut ways = Vec::new();
                for branch in &choice.branches {
                    let way = Port {
                        source: split,
                        name: branch.label.clone(),
                        condition: branch.condition.clone(),
                        default: branch.condition.is_none() && !choice.deferred,
                    };
                    ways.extend(self.emit(&branch.body, way));
                }
                self.join(&choice.id, ways, Element::Exclusive)
            }
            Node::Loop(repeat) => {
                let join = self.add(format!("{}_join", repeat.id), None, Element::Exclusive, None);
                self.connect(port, join);
                let out = self.emit(&repeat.body, Port::plain(join))?;
                let split = self.add(repeat.id.clone(), repeat.label.clone(), Element::Exclusive, None);
                self.connect(out, split);
                let again = Port {
                    source: split,
                    name: repeat.again_label.clone(),
                    condition: Some(repeat.condition.clone()),
                    default: false,
                };
                if let Some(back) = self.emit(&repeat.redo, again) {
                    self.connect(back, join);
                }
                let leave = match repeat.again_label.as_deref() {
                    Some("yes") => Some("no".to_owned()),
                    Some("no") => Some("yes".to_owned()),
                    _ => None,
                };
                Some(Port { source: split, name: leave, condition: None, default: true })
            }
            Node::Partial(partial) => self.emit_partial(partial, port),
        }
    }

    fn emit_event(&mut self, event: &'a Event, port: Port) -> Option<Port> {
        let element = match event.kind {
            EventKind::End => Element::End { terminate: true },
            _ => Element::Event(event),
        };
        let place = self.add(event.id.clone(), Some(event.label.clone()), element, event.actor.as_deref());
        self.connect(port, place);
        (!event.ends()).then(|| Port::plain(place))
    }

    fn emit_partial(&mut self, partial: &'a Partial, port: Port) -> Option<Port> {
        let size = partial.children.len();
        let order = reduction(size, &partial.order);
        let sources: Vec<usize> = (0..size).filter(|&c| order.iter().all(|&(_, after)| after != c)).collect();
        let mut entry = if sources.len() > 1 {
            let split = self.add(format!("{}_split", partial.id), None, Element::Parallel, None);
            self.connect(port, split);
            Port::plain(split)
        } else {
            port
        };
        // Flows that wait for a child: from each child ordered before it.
        let mut waiting: Vec<Vec<Port>> = vec![Vec::new(); size];
        let mut last = Vec::new();
        for child in topological(size, &order).unwrap_or_default() {
            let node = partial.children.get(child)?;
            let way = if sources.contains(&child) {
                let next = Port::plain(entry.source);
                if sources.len() > 1 { next } else { std::mem::replace(&mut entry, next) }
            } else {
                let ways = std::mem::take(waiting.get_mut(child)?);
                self.join(&format!("{}_before_{child}", partial.id), ways, Element::Parallel)?
            };
            let out = self.emit(node, way)?;
            let after: Vec<usize> = order.iter().filter(|&&(b, _)| b == child).map(|&(_, a)| a).collect();
            match after.as_slice() {
                [] => last.push(out),
                [single] => waiting.get_mut(*single)?.push(out),
                many => {
                    let id = format!("{}_after_{child}_split", partial.id);
                    let split = self.add(id, None, Element::Parallel, None);
                    self.connect(out, split);
                    for &next in many {
                        waiting.get_mut(next)?.push(Port::plain(split));
                    }
                }
            }
        }
        self.join(&partial.id, last, Element::Parallel)
    }

    fn join(&mut self, id: &str, mut ways: Vec<Port>, element: Element<'a>) -> Option<Port> {
        if ways.len() < 2 {
            return ways.pop();
        }
        let join = self.add(format!("{id}_join"), None, element, None);
        for way in ways {
            self.connect(way, join);
        }
        Some(Port::plain(join))
    }

    /// An exclusive join that leads straight into another exclusive join adds nothing: one of them is enough.
    fn merge_joins(&mut self) {
        for first in 0..self.vertices.len() {
            if !self.is_join(first) {
                continue;
            }
            let next = self.edges.iter().find(|edge| edge.source == first).map(|edge| edge.target);
            let Some(next) = next.filter(|&next| next != first && self.is_join(next)) else { continue };
            self.edges.retain(|edge| edge.source != first);
            for edge in &mut self.edges {
                if edge.target == first {
                    edge.target = next;
                }
            }
        }
        let kept: Vec<bool> = (0..self.vertices.len())
            .map(|place| {
                place == 0 || self.edges.iter().any(|edge| edge.source == place || edge.target == place)
            })
            .collect();
        let mut places = Vec::with_capacity(kept.len());
        let mut next = 0;
        for &keep in &kept {
            places.push(next);
            next += usize::from(keep);
        }
        let mut keep = kept.iter();
        self.vertices.retain(|_| keep.next().copied().unwrap_or(false));
        for edge in &mut self.edges {
            edge.source = places.get(edge.source).copied().unwrap_or(0);
            edge.target = places.get(edge.target).copied().unwrap_or(0);
        }
    }

    fn is_join(&self, place: usize) -> bool {
        matches!(self.vertices.get(place).map(|v| &v.element), Some(Element::Exclusive))
            && self.edges.iter().filter(|edge| edge.source == place).count() == 1
    }

    /// Gives everything an actor: gateways and unsaid steps belong to whoever acted before, else to the first.
    fn spread_actors(&mut self) {
        let Some(first) = self.vertices.iter().find_map(|vertex| vertex.actor) else { return };
        for place in 0..self.vertices.len() {
            if self.vertices.get(place).is_some_and(|vertex| vertex.actor.is_some()) {
                continue;
            }
            let before = self
                .edges
                .iter()
                .filter(|edge| edge.target == place && edge.source < place)
                .filter_map(|edge| self.vertices.get(edge.source).and_then(|vertex| vertex.actor))
                .next_back();
            if let Some(vertex) = self.vertices.get_mut(place) {
                vertex.actor = Some(before.unwrap_or(first));
            }
        }
    }
}

/// The children in an order that respects the pairs, lowest place first; `None` where the pairs go in a circle.
pub(super) fn topological(size: usize, order: &[(usize, usize)]) -> Option<Vec<usize>> {
    let mut before = vec![0_usize; size];
    for &(_, after) in order {
        *before.get_mut(after)? += 1;
    }
    let mut ready: std::collections::BTreeSet<usize> =
        before.iter().enumerate().filter(|&(_, &count)| count == 0).map(|(place, _)| place).collect();
    let mut sorted = Vec::with_capacity(size);
    while let Some(place) = ready.pop_first() {
        sorted.push(place);
        for &(_, after) in order.iter().filter(|&&(b, _)| b == place) {
            let count = before.get_mut(after)?;
            *count -= 1;
            if *count == 0 {
                ready.insert(after);
            }
        }
    }
    (sorted.len() == size).then_some(sorted)
}

/// The pairs that do not follow from others, each once.
fn reduction(size: usize, order: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = order.to_vec();
    pairs.sort_unstable();
    pairs.dedup();
    let reaches = |from: usize, to: usize| {
        // A longer way than the pair itself.
        let mut seen = vec![false; size];
        let mut open: Vec<usize> =
            pairs.iter().filter(|&&(b, a)| b == from && a != to).map(|&(_, a)| a).collect();
        while let Some(place) = open.pop() {
            if place == to {
                return true;
            }
            if let Some(mark) = seen.get_mut(place)
                && !std::mem::replace(mark, true)
            {
                open.extend(pairs.iter().filter(|&&(b, _)| b == place).map(|&(_, a)| a));
            }
        }
        false
    };
    pairs.iter().copied().filter(|&(before, after)| !reaches(before, after)).collect()
}
