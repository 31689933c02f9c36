//! The flat form of a tree: one row a node, children by id, so that its JSON Schema needs no recursion.
//!
//! Language models write it, and trees are stored in it. A row of an activity may carry the whole activity in
//! `detail`; models leave that out and fill in the plain columns.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Activity, Branch, Choice, Event, EventKind, Fault, Loop, MAX_DEPTH, MAX_NODES, Node, Partial, Partner,
    Sequence, TaskKind, Tree,
};

/// A tree as rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Id of the topmost row.
    pub root: String,
    /// One row a node, in any order.
    pub nodes: Vec<Row>,
    /// Label of the start event.
    #[serde(default)]
    pub start_label: Option<String>,
    /// Label of the end event.
    #[serde(default)]
    pub end_label: Option<String>,
    /// What the process is for.
    #[serde(default)]
    pub documentation: Option<String>,
    /// Attributes of the process.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// A step done by a program or a machine.
    Activity,
    /// A step done by a person; the process does not wait.
    Manual,
    /// A step done by a person; the process waits.
    User,
    /// Waits so long: `condition` is an ISO 8601 duration.
    Timer,
    /// Waits for the message named in `condition`.
    Message,
    /// Ends the process.
    End,
    /// One after the other.
    Sequence,
    /// One of the children; `conditions` names when, null for the default.
    Choice,
    /// What happens first decides; each child begins with a timer or a message.
    Deferred,
    /// First child is the body, second (optional) the redo part; repeats while `condition` holds.
    Loop,
    /// All children, in the order that `order` asks for.
    Parallel,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// What it stands for.
    pub op: Operator,
    /// What a person reads.
    #[serde(default)]
    pub label: Option<String>,
    /// Who does it.
    #[serde(default)]
    pub actor: Option<String>,
    /// Ids of the children.
    #[serde(default)]
    pub children: Vec<String>,
    /// For a choice: FEEL for each child, null for the default.
    #[serde(default)]
    pub conditions: Vec<Option<String>>,
    /// For a choice: label of each flow.
    #[serde(default)]
    pub labels: Vec<Option<String>>,
    /// For a loop, timer or message: condition, duration or name.
    #[serde(default)]
    pub condition: Option<String>,
    /// For parallel: pairs of children (before, after).
    #[serde(default)]
    pub order: Vec<[String; 2]>,
    /// True where the text does not say it.
    #[serde(default)]
    pub assumed: bool,
    /// What it is for.
    #[serde(default)]
    pub documentation: Option<String>,
    /// Things that a step handles.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Things that come out of it.
    #[serde(default)]
    pub makes: Vec<String>,
    /// Somebody outside the process who gets a message from it.
    #[serde(default)]
    pub sends_to: Option<String>,
    /// Somebody outside the process who sends a message to it.
    #[serde(default)]
    pub receives_from: Option<String>,
    /// The whole activity, where it is stored and not written by a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Activity>,
    /// The whole event, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

impl Row {
    fn of(id: &str, op: Operator) -> Self {
        Self {
            id: id.to_owned(),
            op,
            label: None,
            actor: None,
            children: Vec::new(),
            conditions: Vec::new(),
            labels: Vec::new(),
            condition: None,
            order: Vec::new(),
            assumed: false,
            documentation: None,
            reads: Vec::new(),
            makes: Vec::new(),
            sends_to: None,
            receives_from: None,
            detail: None,
            event: None,
        }
    }
}

/// The JSON Schema of the table as a model writes it: every field required, no recursion, three levels deep.
#[must_use]
pub fn schema() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let texts = json!({ "type": "array", "items": { "type": ["string", "null"] } });
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let row = json!({
        "id": { "type": "string" },
        "op": { "type": "string", "enum": [
            "activity", "manual", "user", "timer", "message", "end", "sequence", "choice", "deferred", "loop", "parallel"
        ] },
        "label": text,
        "actor": text,
        "children": { "type": "array", "items": { "type": "string" } },
        "conditions": texts,
        "labels": texts,
        "condition": text,
        "order": { "type": "array", "items": { "type": "array", "items": { "type": "string" } } },
        "assumed": { "type": "boolean" },
        "documentation": text,
        "reads": names,
        "makes": names,
        "sends_to": text,
        "receives_from": text,
    });
    let columns: Vec<&str> = vec![
        "id",
        "op",
        "label",
        "actor",
        "children",
        "conditions",
        "labels",
        "condition",
        "order",
        "assumed",
        "documentation",
        "reads",
        "makes",
        "sends_to",
        "receives_from",
    ];
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["root", "nodes", "start_label", "end_label", "documentation"],
        "properties": {
            "root": { "type": "string" },
            "nodes": { "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": columns, "properties": row,
            } },
            "start_label": text,
            "end_label": text,
            "documentation": text,
        },
    })
}

impl From<&Tree> for Table {
    fn from(tree: &Tree) -> Self {
        Self {
            root: tree.root.id().to_owned(),
            nodes: tree.nodes().into_iter().map(row).collect(),
            start_label: tree.start_label.clone(),
            end_label: tree.end_label.clone(),
            documentation: tree.documentation.clone(),
            properties: tree.properties.clone(),
        }
    }
}

fn row(node: &Node) -> Row {
    let ids = node.children().iter().map(|child| child.id().to_owned()).collect();
    let base = |op| Row { children: ids, ..Row::of(node.id(), op) };
    match node {
        Node::Activity(activity) => Row {
            label: Some(activity.label.clone()),
            actor: activity.actor.clone(),
            assumed: activity.assumed,
            documentation: activity.documentation.clone(),
            detail: Some(activity.as_ref().clone()),
            ..base(match activity.kind {
                TaskKind::Manual => Operator::Manual,
                TaskKind::User => Operator::User,
                _ => Operator::Activity,
            })
        },
        Node::Event(event) => {
            let (op, condition) = match &event.kind {
                EventKind::Timer(duration) => (Operator::Timer, Some(duration.clone())),
                EventKind::Message(name) => (Operator::Message, Some(name.clone())),
                EventKind::Error(code) => (Operator::End, Some(code.clone())),
                EventKind::End => (Operator::End, None),
            };
            Row {
                label: Some(event.label.clone()),
                actor: event.actor.clone(),
                condition,
                assumed: event.assumed,
                event: Some(event.as_ref().clone()),
                ..base(op)
            }
        }
        Node::Sequence(_) => base(Operator::Sequence),
        Node::Choice(choice) => Row {
            label: choice.label.clone(),
            conditions: choice.branches.iter().map(|branch| branch.condition.clone()).collect(),
            labels: choice.branches.iter().map(|branch| branch.label.clone()).collect(),
            ..base(if choice.deferred { Operator::Deferred } else { Operator::Choice })
        },
        Node::Loop(repeat) => Row {
            label: repeat.label.clone(),
            condition: Some(repeat.condition.clone()),
            labels: vec![repeat.again_label.clone()],
            ..base(Operator::Loop)
        },
        Node::Partial(partial) => {
            let id = |place: usize| partial.children.get(place).map_or("", Node::id).to_owned();
            Row {
                order: partial.order.iter().map(|&(before, after)| [id(before), id(after)]).collect(),
                ..base(Operator::Parallel)
            }
        }
    }
}

impl Table {
    /// Puts the tree together; [`Tree::type_check`] still has to be asked.
    ///
    /// # Errors
    /// What is wrong with the rows: an id that is missing or used twice, too many rows, too deep.
    pub fn to_tree(&self) -> Result<Tree, Vec<Fault>> {
        if self.nodes.len() > MAX_NODES {
            return Err(vec![fault(&self.root, &format!("more than {MAX_NODES} rows"))]);
        }
        let mut rows = BTreeMap::new();
        for row in &self.nodes {
            if rows.insert(row.id.as_str(), row).is_some() {
                return Err(vec![fault(&row.id, "two rows have this id")]);
            }
        }
        let mut assembly = Assembly { rows, used: BTreeSet::new(), faults: Vec::new() };
        let root = assembly.node(&self.root, &self.root, 0);
        if !assembly.faults.is_empty() {
            return Err(assembly.faults);
        }
        if let Some(row) = self.nodes.iter().find(|row| !assembly.used.contains(row.id.as_str())) {
            return Err(vec![fault(&row.id, "no row names this node as its child; add it or remove it")]);
        }
        let mut tree = Tree {
            root,
            start_label: self.start_label.clone(),
            end_label: self.end_label.clone(),
            documentation: self.documentation.clone(),
            properties: self.properties.clone(),
        };
        tree.assign_ids();
        Ok(tree)
    }
}

struct Assembly<'a> {
    rows: BTreeMap<&'a str, &'a Row>,
    used: BTreeSet<&'a str>,
    faults: Vec<Fault>,
}

impl<'a> Assembly<'a> {
    /// Recursion ends at [`MAX_DEPTH`].
    fn node(&mut self, parent: &str, id: &str, depth: usize) -> Node {
        let Some(&row) = self.rows.get(id) else {
            self.faults.push(fault(parent, &format!("there is no row with the id '{id}'")));
            return Node::empty();
        };
        if !self.used.insert(row.id.as_str()) {
            self.faults.push(fault(id, "the node is used twice as a child; write a second row"));
            return Node::empty();
        }
        if depth > MAX_DEPTH {
            self.faults.push(fault(id, &format!("blocks are nested deeper than {MAX_DEPTH}")));
            return Node::empty();
        }
        let children: Vec<Node> = row.children.iter().map(|child| self.node(id, child, depth + 1)).collect();
        self.assemble(row, children)
    }

    fn assemble(&mut self, row: &'a Row, mut children: Vec<Node>) -> Node {
        let id = row.id.clone();
        match row.op {
            Operator::Activity | Operator::Manual | Operator::User => activity(row),
            Operator::Timer | Operator::Message | Operator::End => event(row),
            Operator::Sequence => Node::Sequence(Sequence { id, children }),
            Operator::Deferred => {
                let way = |body: Node| Branch { label: None, condition: None, body };
                let branches = children.into_iter().map(way).collect();
                Node::Choice(Choice { id, label: row.label.clone(), branches, deferred: true })
            }
            Operator::Choice => {
                if row.conditions.len() != children.len() {
                    self.faults
                        .push(fault(&row.id, "a choice needs one entry in 'conditions' for each child"));
                }
                let branches = children
                    .into_iter()
                    .enumerate()
                    .map(|(place, body)| Branch {
                        label: row.labels.get(place).cloned().flatten(),
                        condition: row
                            .conditions
                            .get(place)
                            .cloned()
                            .flatten()
                            .filter(|c| !c.trim().is_empty()),
                        body,
                    })
                    .collect();
                Node::Choice(Choice { id, label: row.label.clone(), branches, deferred: false })
            }
            Operator::Loop => {
                if children.is_empty() || children.len() > 2 {
                    self.faults
                        .push(fault(&row.id, "a loop has a body and at most one redo part as children"));
                }
                let redo = if children.len() > 1 { children.remove(1) } else { Node::empty() };
                let body = children.pop().unwrap_or_else(Node::empty);
                Node::Loop(Box::new(Loop {
                    id,
                    label: row.label.clone(),
                    condition: row.condition.clone().unwrap_or_default(),
                    again_label: row.labels.first().cloned().flatten(),
                    body,
                    redo,
                }))
            }
            Operator::Parallel => {
                let place = |id: &String| row.children.iter().position(|child| child == id);
                let mut order = Vec::new();
                for [before, after] in &row.order {
                    match (place(before), place(after)) {
                        (Some(before), Some(after)) => order.push((before, after)),
                        _ => self.faults.push(fault(&row.id, "'order' may only name children of this node")),
                    }
                }
                Node::Partial(Partial { id, children, order })
            }
        }
    }
}

fn activity(row: &Row) -> Node {
    if let Some(detail) = &row.detail {
        return Activity { id: row.id.clone(), ..detail.clone() }.into();
    }
    Activity {
        id: row.id.clone(),
        actor: row.actor.clone().filter(|actor| !actor.trim().is_empty()),
        kind: match row.op {
            Operator::Manual => TaskKind::Manual,
            Operator::User => TaskKind::User,
            _ => TaskKind::Service,
        },
        assumed: row.assumed,
        documentation: row.documentation.clone(),
        data: row.reads.clone(),
        makes: row.makes.clone(),
        partner: partner(row),
        ..Activity::new(row.label.clone().unwrap_or_default())
    }
    .into()
}

fn partner(row: &Row) -> Option<Partner> {
    let named = |name: &Option<String>| name.clone().filter(|name| !name.trim().is_empty());
    let message = |things: &[String]| things.first().cloned().unwrap_or_default();
    let sent = named(&row.sends_to).map(|name| Partner { name, sends: true, message: message(&row.reads) });
    sent.or_else(|| {
        named(&row.receives_from).map(|name| Partner { name, sends: false, message: message(&row.makes) })
    })
}

fn event(row: &Row) -> Node {
    if let Some(event) = &row.event {
        return Event { id: row.id.clone(), ..event.clone() }.into();
    }
    let detail = row.condition.clone().unwrap_or_default();
    let kind = match row.op {
        Operator::Timer => EventKind::Timer(detail),
        Operator::Message => EventKind::Message(detail),
        _ if detail.is_empty() => EventKind::End,
        _ => EventKind::Error(detail),
    };
    let label = row.label.clone().unwrap_or_else(|| "End".to_owned());
    Event { id: row.id.clone(), actor: row.actor.clone(), assumed: row.assumed, ..Event::new(label, kind) }
        .into()
}

fn fault(node: &str, why: &str) -> Fault {
    Fault { node: node.to_owned(), why: why.to_owned() }
}
