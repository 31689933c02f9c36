//! From a log to a process tree: what inductive mining finds, with readable labels and conditions.
//!
//! A log says which way was taken, not why. So each choice asks a variable that holds the name of the way, and the most
//! frequent way is the default; each loop asks a variable whether it goes on. Shares stand on the flows.

use bpmn::model::Definitions;

use super::log::EventLog;
use super::mine::{Mined, Ways, mine};
use crate::error::Error;
use crate::tree::{Activity, Branch, Node, Tree, compile, identifier};

/// Finds a sound process that accepts the log; with `noise` > 0 (a share below 1, commonly 0.2) rare behaviour is left
/// out.
///
/// # Errors
/// `DAS-0010` where the log holds no event; `DAS-0001` where what was found is too large for a tree.
pub fn discover(log: &EventLog, noise: f64) -> Result<Tree, Error> {
    if log.events() == 0 {
        return Err(Error::Log { why: "it holds no event".to_owned() });
    }
    let noise = if noise.is_finite() { noise.clamp(0.0, 0.99) } else { 0.0 };
    let ways: Ways = log.variants().iter().map(|variant| (variant.steps.clone(), variant.count)).collect();
    let found = mine(&ways, noise);
    let mut writer = Writer { log, choices: 0, loops: 0 };
    let mut tree = Tree::new(writer.node(&found));
    tree.normalise();
    tree.documentation = Some(format!(
        "Discovered from {} cases with {} events in {} variants; behaviour rarer than {:.0} % was left out.",
        log.cases(),
        log.events(),
        log.variants().len(),
        noise * 100.0
    ));
    tree.properties.insert("source".to_owned(), "event log".to_owned());
    tree.type_check().map_err(Error::Tree)?;
    Ok(tree)
}

/// Compiles a tree to a process of this name; gives the process with its diagram, and its id.
///
/// # Errors
/// `DAS-0001` where the tree breaks a rule.
pub fn draw(tree: &Tree, name: &str) -> Result<(Definitions, String), Error> {
    let base = identifier(name);
    let taken = tree.nodes().iter().any(|node| node.id() == base);
    let id = if taken { format!("process_{base}") } else { base };
    Ok((compile(tree, &id, name)?, id))
}

struct Writer<'a> {
    log: &'a EventLog,
    choices: usize,
    loops: usize,
}

impl Writer<'_> {
    /// Recursion is bounded by the depth of what mining finds.
    fn node(&mut self, found: &Mined) -> Node {
        match found {
            Mined::Silent => Node::empty(),
            Mined::Step(activity) => self.activity(*activity),
            Mined::Sequence(parts) => Node::sequence(parts.iter().map(|part| self.node(part)).collect()),
            Mined::Parallel(_) => {
                let mut parts = Vec::new();
                self.side_by_side(found, &mut parts);
                parts.retain(|part| !part.is_empty());
                match parts.len() {
                    0 => Node::empty(),
                    1 => parts.pop().unwrap_or_else(Node::empty),
                    _ => Node::parallel(parts),
                }
            }
            Mined::Choice(ways) => self.choice(ways),
            Mined::Loop(body, redo) => {
                self.loops += 1;
                let condition = format!("again{} = true", self.loops);
                let body = self.node(body);
                let redo = match redo.as_slice() {
                    [(only, _)] => self.node(only),
                    ways => self.choice(ways),
                };
                Node::repeat("Again?", condition, body, redo)
            }
        }
    }

    /// Parallel parts within parallel parts are parallel.
    fn side_by_side(&mut self, found: &Mined, parts: &mut Vec<Node>) {
        if let Mined::Parallel(inner) = found {
            for part in inner {
                self.side_by_side(part, parts);
            }
        } else {
            let part = self.node(found);
            parts.push(part);
        }
    }

    fn activity(&self, activity: usize) -> Node {
        let label = self.log.activities().get(activity).cloned().unwrap_or_default();
        let (times, cases) = self.log.occurrences(activity);
        let step = Activity::new(label)
            .documentation(format!("Seen {times} times, in {cases} of {} cases.", self.log.cases()));
        match self.log.actor(activity) {
            Some(actor) => step.actor(actor).into(),
            None => step.into(),
        }
    }

    fn choice(&mut self, ways: &[(Mined, usize)]) -> Node {
        self.choices += 1;
        let variable = format!("way{}", self.choices);
        let total: usize = ways.iter().map(|way| way.1).sum();
        let mut flat: Vec<(Node, usize, String)> = Vec::new();
        for (way, count) in ways {
            let name = first_label(self.log, way).unwrap_or_else(|| "nothing".to_owned());
            let node = self.node(way);
            // Two ways that do nothing are one.
            match flat.iter_mut().find(|other| node.is_empty() && other.0.is_empty()) {
                Some(other) => other.1 += count,
                None => flat.push((node, *count, name)),
            }
        }
        if flat.len() < 2 {
            return flat.pop().map_or_else(Node::empty, |way| way.0);
        }
        // The most frequent way is the default; of equal ones the first.
        let default = (0..flat.len()).rev().max_by_key(|&at| flat[at].1).unwrap_or(0);
        let branches = flat.into_iter().enumerate().map(|(at, (node, count, name))| {
            let label = format!("{:.0} %", super::share(count, total) * 100.0);
            if at == default {
                Branch::otherwise(label, node)
            } else {
                Branch::when(label, format!("{variable} = {}", quoted(&name)), node)
            }
        });
        Node::choice("Which way?", branches.collect())
    }
}

/// The name of a way: the activity it begins with.
fn first_label(log: &EventLog, found: &Mined) -> Option<String> {
    let mut open = vec![found];
    while let Some(at) = open.pop() {
        match at {
            Mined::Silent => {}
            Mined::Step(activity) => return log.activities().get(*activity).cloned(),
            Mined::Sequence(parts) | Mined::Parallel(parts) => open.extend(parts.iter().rev()),
            Mined::Choice(ways) => open.extend(ways.iter().rev().map(|way| &way.0)),
            Mined::Loop(body, redo) => {
                open.extend(redo.iter().rev().map(|way| &way.0));
                open.push(body);
            }
        }
    }
    None
}

/// A FEEL string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(if c.is_control() { ' ' } else { c });
    }
    quoted.push('"');
    quoted
}
