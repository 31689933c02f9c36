//! What must hold before a change set is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;
use crate::index::{SystemIndex, edges_of};
use crate::model::{ChangeSet, Node};

/// Most nodes in one change set.
pub const MAX_CHANGE_NODES: usize = 500_000;
/// Longest id, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// Longest text of a requirement, in bytes.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Deepest component tree.
pub const MAX_COMPONENT_DEPTH: usize = 64;

/// Which kinds a link may join: (link kind, kinds of its source, kinds of its target).
const LINK_ENDS: &[(&str, &[&str], &[&str])] = &[
    ("allocated_to", &["requirement"], &["component"]),
    ("satisfied_by", &["requirement"], &["function"]),
    ("refines", &["requirement"], &["requirement"]),
    ("performs", &["component"], &["function"]),
    ("realised_by", &["function"], &["process"]),
    ("verified_by", &["requirement"], &["process"]),
    ("conflicts_with", &["requirement"], &["requirement"]),
    ("relates_to", &["requirement"], &["requirement"]),
    ("constrained_by", &["requirement", "component", "function", "process", "interface"], &["constraint"]),
];

/// Checks a change set against the system as it stands: ids unique and well-formed, both ends of every edge there
/// and of the right kind, no removed node still in use, no cycle in the component tree.
///
/// # Errors
/// [`Error::Invalid`] naming the first node that does not fit; [`Error::Limit`].
pub fn check(change: &ChangeSet, system: Option<&SystemIndex>) -> Result<(), Error> {
    if change.system.trim().is_empty() || change.system.len() > MAX_ID_BYTES {
        return Err(Error::Invalid("a system needs a name of 1 to 256 bytes".to_owned()));
    }
    let size = change.put.len() + change.remove.len();
    if size > MAX_CHANGE_NODES {
        return Err(Error::Limit { limit: "MAX_CHANGE_NODES", detail: format!("{size} nodes") });
    }
    let removed: BTreeSet<&str> = change.remove.iter().map(String::as_str).collect();
    let mut put: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in &change.put {
        check_node(node)?;
        if put.insert(node.id(), node).is_some() {
            return Err(Error::Invalid(format!("id {} is put twice in one change set", node.id())));
        }
        if removed.contains(node.id()) {
            return Err(Error::Invalid(format!("id {} is both put and removed", node.id())));
        }
        if let Some(kept) = system.and_then(|s| s.node(node.id()))
            && kept.kind() != node.kind()
        {
            return Err(Error::Invalid(format!(
                "{} is a {} and cannot become a {}",
                node.id(),
                kept.kind(),
                node.kind()
            )));
        }
    }
    let kind_of = |id: &str| -> Option<&'static str> {
        put.get(id)
            .map(|node| node.kind())
            .or_else(|| if removed.contains(id) { None } else { system?.node(id).map(|node| node.kind()) })
    };
    for node in &change.put {
        check_ends(node, &kind_of)?;
    }
    check_removed(&removed, &put, system)?;
    check_tree(&put, &removed, system)
}

fn check_node(node: &Node) -> Result<(), Error> {
    let id = node.id();
    if id.trim().is_empty() || id.len() > MAX_ID_BYTES || id.contains(char::is_control) {
        return Err(Error::Invalid(format!(
            "a {} has the id {:?}: an id has 1 to {MAX_ID_BYTES} bytes and no control characters",
            node.kind(),
            id.chars().take(40).collect::<String>()
        )));
    }
    if let Node::Requirement(requirement) = node
        && requirement.text.len() > MAX_TEXT_BYTES
    {
        return Err(Error::Limit { limit: "MAX_TEXT_BYTES", detail: format!("requirement {id}") });
    }
    if let Node::Constraint(constraint) = node
        && !(constraint.si_value.is_finite() && constraint.parts.iter().all(|(_, v, _)| v.is_finite()))
    {
        return Err(Error::Invalid(format!("constraint {id} has a value that is not a finite number")));
    }
    Ok(())
}

fn check_ends(node: &Node, kind_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<(), Error> {
    for (source, kind, target, _) in edges_of(node) {
        for end in [source, target] {
            if kind_of(end).is_none() {
                return Err(Error::Invalid(format!(
                    "{} {} refers to {end}, which does not exist in the system",
                    node.kind(),
                    node.id()
                )));
            }
        }
        if let Node::Link(_) = node {
            let Some((_, sources, targets)) = LINK_ENDS.iter().find(|(name, _, _)| *name == kind) else {
                return Err(Error::Invalid(format!("link {} has the unknown kind {kind}", node.id())));
            };
            for (end, allowed) in [(source, sources), (target, targets)] {
                let found = kind_of(end).unwrap_or_default();
                if !allowed.contains(&found) {
                    return Err(Error::Invalid(format!(
                        "link {} ({kind}) cannot join {end}: it is a {found}, not a {}",
                        node.id(),
                        allowed.join(" or ")
                    )));
                }
            }
        }
    }
    let fields: Vec<(&str, &str)> = match node {
        Node::Function(f) => std::iter::once((f.component.as_str(), "component"))
            .chain(f.process.as_deref().map(|p| (p, "process")))
            .collect(),
        Node::Component(c) => c.parent.as_deref().map(|p| (p, "component")).into_iter().collect(),
        Node::Interface(i) => vec![(i.source.as_str(), "component"), (i.target.as_str(), "component")],
        Node::Process(p) => p.component.as_deref().map(|c| (c, "component")).into_iter().collect(),
        Node::Requirement(r) => r.parent.as_deref().map(|p| (p, "requirement")).into_iter().collect(),
        Node::Constraint(_) | Node::Link(_) => Vec::new(),
    };
    for (end, wanted) in fields {
        let found = kind_of(end).unwrap_or("nothing");
        if found != wanted {
            return Err(Error::Invalid(format!("{} needs a {wanted}, but {end} is a {found}", node.id())));
        }
    }
    Ok(())
}

fn check_removed(
    removed: &BTreeSet<&str>,
    put: &BTreeMap<&str, &Node>,
    system: Option<&SystemIndex>,
) -> Result<(), Error> {
    let Some(system) = system else {
        return match removed.iter().next() {
            None => Ok(()),
            Some(id) => Err(Error::NotFound { what: "node", id: (*id).to_owned() }),
        };
    };
    for id in removed {
        let Some(_) = system.node(id) else {
            return Err(Error::NotFound { what: "node", id: (*id).to_owned() });
        };
        for edge in system.incoming(id).chain(system.outgoing(id)) {
            // The node that says the edge is the link, or one of the two ends; each must go or be replaced.
            let sayers: Vec<&str> = match &edge.link {
                Some(link) => vec![link.as_str()],
                None => vec![edge.other.as_str()],
            };
            for sayer in sayers {
                let stays = !removed.contains(sayer) && !put.contains_key(sayer);
                let says = system
                    .node(sayer)
                    .is_some_and(|node| edges_of(node).iter().any(|(s, _, t, _)| s == id || t == id));
                if stays && says {
                    return Err(Error::Invalid(format!("{id} cannot be removed: {sayer} refers to it")));
                }
            }
        }
    }
    Ok(())
}

fn check_tree(
    put: &BTreeMap<&str, &Node>,
    removed: &BTreeSet<&str>,
    system: Option<&SystemIndex>,
) -> Result<(), Error> {
    let parent_of = |id: &str| -> Option<String> {
        let node = match put.get(id) {
            Some(node) => (*node).clone(),
            None if removed.contains(id) => return None,
            None => system?.node(id).map(|node| Node::clone(node))?,
        };
        match node {
            Node::Component(component) => component.parent,
            Node::Requirement(requirement) => requirement.parent,
            _ => None,
        }
    };
    for node in put.values().filter(|n| matches!(n, Node::Component(_) | Node::Requirement(_))) {
        let mut at = parent_of(node.id());
        let mut depth = 0;
        while let Some(parent) = at {
            depth += 1;
            if depth > MAX_COMPONENT_DEPTH {
                return Err(Error::Invalid(format!(
                    "{} stands in a cycle of parents, or deeper than {MAX_COMPONENT_DEPTH}",
                    node.id()
                )));
            }
            at = parent_of(&parent);
        }
    }
    Ok(())
}
