//! What hangs together with a node: its trace line both ways, and what a change of it may affect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::index::{Edge, SystemIndex};

/// The four columns of a trace, each in natural order, and the links that were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Requirement ids.
    pub requirements: Vec<String>,
    /// Component ids.
    pub components: Vec<String>,
    /// Process ids.
    pub processes: Vec<String>,
    /// Function ids.
    pub functions: Vec<String>,
    /// Ids of the link nodes used.
    pub links: Vec<String>,
}

const DOWN: &[&str] = &["allocated_to", "satisfied_by", "verified_by", "performs", "realised_by", "executes"];

/// Edges along which a change of a node travels to what answers it: from a requirement to its refinements,
/// components, functions and processes, from a component to its parts.
pub(crate) fn downstream<'a>(system: &'a SystemIndex, id: &str) -> Vec<&'a Edge> {
    let out = system.outgoing(id).filter(|edge| {
        DOWN.contains(&edge.kind.as_str())
            || matches!(edge.kind.as_str(), "constrained_by" | "conflicts_with")
    });
    let against = system
        .incoming(id)
        .filter(|edge| matches!(edge.kind.as_str(), "refines" | "part_of" | "conflicts_with"));
    out.chain(against).collect()
}

/// The same edges the other way: what a change of a node may put in question above it.
pub(crate) fn upstream<'a>(system: &'a SystemIndex, id: &str) -> Vec<&'a Edge> {
    let against = system.incoming(id).filter(|edge| {
        DOWN.contains(&edge.kind.as_str())
            || matches!(edge.kind.as_str(), "constrained_by" | "conflicts_with")
    });
    let out = system
        .outgoing(id)
        .filter(|edge| matches!(edge.kind.as_str(), "refines" | "part_of" | "conflicts_with"));
    against.chain(out).collect()
}

struct Walk<'a> {
    system: &'a SystemIndex,
    found: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Walk<'_> {
    /// Adds the neighbours of `ids` by `kinds` and returns those of the wanted node kind.
    fn hop(&mut self, ids: &[String], down: bool, kinds: &[&str], wanted: &str) -> Vec<String> {
        let mut next = BTreeSet::new();
        for id in ids {
            let edges: Vec<&Edge> =
                if down { self.system.outgoing(id).collect() } else { self.system.incoming(id).collect() };
            for edge in edges.into_iter().filter(|edge| kinds.contains(&edge.kind.as_str())) {
                if self.system.node(&edge.other).is_some_and(|node| node.kind() == wanted) {
                    self.links.extend(edge.link.clone());
                    next.insert(edge.other.clone());
                }
            }
        }
        self.found.extend(next.iter().cloned());
        next.into_iter().collect()
    }
}

/// The trace line of a node, both ways, over requirements, components, processes and functions.
///
/// The most precise links win: a function's requirements are those that it satisfies, and only where no
/// requirement says so, those allocated to its component.
#[must_use]
pub fn trace(system: &SystemIndex, id: &str) -> Option<Trace> {
    let start = system.node(id)?;
    let mut walk = Walk { system, found: BTreeSet::from([id.to_owned()]), links: BTreeSet::new() };
    let at = vec![id.to_owned()];
    match start.kind() {
        "requirement" => {
            let mut all = at.clone();
            all.extend(refining(&mut walk, id));
            let components = walk.hop(&all, true, &["allocated_to"], "component");
            let mut functions = walk.hop(&all, true, &["satisfied_by"], "function");
            if functions.is_empty() {
                functions = walk.hop(&components, true, &["performs"], "function");
            } else {
                walk.hop(&functions, false, &["performs"], "component");
            }
            walk.hop(&functions, true, &["realised_by"], "process");
            walk.hop(&all, true, &["verified_by"], "process");
        }
        "component" => {
            walk.hop(&at, false, &["allocated_to"], "requirement");
            let functions = walk.hop(&at, true, &["performs"], "function");
            walk.hop(&functions, true, &["realised_by"], "process");
            walk.hop(&at, true, &["executes"], "process");
        }
        "function" => {
            walk.hop(&at, true, &["realised_by"], "process");
            let components = walk.hop(&at, false, &["performs"], "component");
            if walk.hop(&at, false, &["satisfied_by"], "requirement").is_empty() {
                walk.hop(&components, false, &["allocated_to"], "requirement");
            }
        }
        "process" => {
            let functions = walk.hop(&at, false, &["realised_by"], "function");
            let components = walk.hop(&functions, false, &["performs"], "component");
            walk.hop(&at, false, &["executes"], "component");
            let verified = walk.hop(&at, false, &["verified_by"], "requirement");
            let satisfied = walk.hop(&functions, false, &["satisfied_by"], "requirement");
            if verified.is_empty() && satisfied.is_empty() {
                walk.hop(&components, false, &["allocated_to"], "requirement");
            }
        }
        _ => {
            for kind in ["requirement", "component", "function", "process"] {
                let kinds = ["interface", "constrained_by"];
                walk.hop(&at, true, &kinds, kind);
                walk.hop(&at, false, &kinds, kind);
            }
        }
    }
    Some(columns(system, walk.found, walk.links))
}

/// Requirements that refine this one, at any depth.
fn refining(walk: &mut Walk<'_>, id: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut at = vec![id.to_owned()];
    let mut seen = BTreeSet::from([id.to_owned()]);
    while !at.is_empty() {
        at = walk.hop(&at, false, &["refines"], "requirement");
        at.retain(|id| seen.insert(id.clone()));
        all.extend(at.iter().cloned());
    }
    all
}

fn columns(system: &SystemIndex, found: BTreeSet<String>, links: BTreeSet<String>) -> Trace {
    let mut trace = Trace { links: links.into_iter().collect(), ..Trace::default() };
    for id in found {
        let Some(node) = system.node(&id) else { continue };
        match node.kind() {
            "requirement" => trace.requirements.push(id),
            "component" => trace.components.push(id),
            "process" => trace.processes.push(id),
            "function" => trace.functions.push(id),
            _ => {}
        }
    }
    for column in [&mut trace.requirements, &mut trace.components, &mut trace.processes, &mut trace.functions]
    {
        column.sort_by_cached_key(|id| crate::index::natural_key(id));
    }
    trace
}

/// What a change of a node may affect: everything reachable along trace links, from a component to its parts,
/// interfaces and constraints, and across an interface to the other end (but no further from there).
#[must_use]
pub fn impact(system: &SystemIndex, id: &str) -> Option<Vec<String>> {
    system.node(id)?;
    let mut found = BTreeSet::from([id.to_owned()]);
    // Neighbours across an interface are affected, but only what is reached by a link is followed.
    let mut near = BTreeSet::new();
    let mut queue = vec![id.to_owned()];
    while let Some(at) = queue.pop() {
        let next: Vec<String> = downstream(system, &at).into_iter().map(|edge| edge.other.clone()).collect();
        if system.node(&at).is_some_and(|node| node.kind() == "component") {
            for edge in system.outgoing(&at).chain(system.incoming(&at)).filter(|e| e.kind == "interface") {
                near.insert(edge.other.clone());
                let ends = system.outgoing(&edge.other).chain(system.incoming(&edge.other));
                near.extend(ends.filter(|e| e.kind == "interface").map(|e| e.other.clone()));
            }
        }
        for other in next {
            if found.insert(other.clone()) {
                queue.push(other);
            }
        }
    }
    found.extend(near);
    found.remove(id);
    let mut list: Vec<String> = found.into_iter().collect();
    list.sort_by_cached_key(|id| crate::index::natural_key(id));
    Some(list)
}
