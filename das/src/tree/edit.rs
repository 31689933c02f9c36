//! The five atomic edits of a tree: insert, remove, move, replace, wrap. Each gives a new tree that passes the check.

use super::{Branch, Choice, Fault, Loop, Node, Partial, Tree};
use crate::error::Error;

/// An edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Puts a node somewhere.
    Insert {
        /// What.
        node: Node,
        /// Where.
        place: Place,
    },
    /// Takes a node out.
    Remove {
        /// Its id.
        id: String,
    },
    /// Takes a node out and puts it somewhere else.
    Move {
        /// Its id.
        id: String,
        /// Where to.
        place: Place,
    },
    /// Puts another node in the place of one.
    Replace {
        /// Id of the node that goes.
        id: String,
        /// What comes; with an empty id it takes over the one that goes.
        node: Node,
    },
    /// Puts a block around a node, or redirects what happens there.
    Wrap {
        /// Id of the node.
        id: String,
        /// The block.
        around: Wrap,
    },
}

/// A block put around a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrap {
    /// Only done when the condition holds.
    Choice {
        /// The question.
        label: String,
        /// Label of the flow to the node.
        when: String,
        /// FEEL.
        condition: String,
        /// What is done otherwise.
        otherwise: Node,
    },
    /// Done again while the condition holds.
    Loop {
        /// The question.
        label: String,
        /// FEEL.
        condition: String,
        /// What is done before it is repeated.
        redo: Node,
    },
    /// Done beside another node.
    Parallel {
        /// The other one.
        beside: Node,
    },
}

/// Where a node goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Right before the node with this id.
    Before(String),
    /// Right after the node with this id.
    After(String),
    /// At the beginning.
    First,
    /// At the end.
    Last,
}

impl Tree {
    /// Applies an edit and gives the tree that comes out; this one stays as it is.
    ///
    /// # Errors
    /// `DAS-0002` where a named node does not exist, `DAS-0001` where the result would break a rule.
    pub fn edit(&self, edit: Edit) -> Result<Self, Error> {
        self.type_check().map_err(Error::Tree)?;
        let mut tree = self.clone();
        match edit {
            Edit::Insert { node, place } => tree.insert(node, &place)?,
            Edit::Remove { id } => {
                tree.take(&id)?;
            }
            Edit::Move { id, place } => {
                let node = tree.take(&id)?;
                tree.insert(node, &place)?;
            }
            Edit::Replace { id, mut node } => {
                if node.id().is_empty() {
                    node.id_mut().clone_from(&id);
                }
                tree.change(&id, |_| node)?;
            }
            Edit::Wrap { id, around } => tree.change(&id, |inner| wrap(inner, around))?,
        }
        tree.normalise();
        tree.type_check().map_err(Error::Tree)?;
        Ok(tree)
    }

    fn insert(&mut self, node: Node, place: &Place) -> Result<(), Error> {
        match place {
            Place::Before(id) => self.change(id, |old| Node::sequence(vec![node, old])),
            Place::After(id) => self.change(id, |old| Node::sequence(vec![old, node])),
            Place::First | Place::Last => {
                let old = std::mem::replace(&mut self.root, Node::empty());
                let both = if *place == Place::First { vec![node, old] } else { vec![old, node] };
                self.root = Node::sequence(both);
                Ok(())
            }
        }
    }

    fn take(&mut self, id: &str) -> Result<Node, Error> {
        let mut taken = None;
        self.change(id, |old| {
            taken = Some(old);
            Node::empty()
        })?;
        taken.ok_or_else(|| unknown(id))
    }

    fn change(&mut self, id: &str, change: impl FnOnce(Node) -> Node) -> Result<(), Error> {
        let mut open = vec![&mut self.root];
        while let Some(node) = open.pop() {
            if node.id() == id {
                let old = std::mem::replace(node, Node::empty());
                *node = change(old);
                return Ok(());
            }
            open.extend(node.children_mut());
        }
        Err(unknown(id))
    }

    /// Removes blocks that say nothing: empty steps, sequences within sequences, choices with one way, and so on.
    /// What the process does stays the same.
    pub fn normalise(&mut self) {
        let root = std::mem::replace(&mut self.root, Node::empty());
        self.root = normal(root, 0);
        self.assign_ids();
    }
}

fn unknown(id: &str) -> Error {
    Error::Edit { id: id.to_owned(), why: "there is no node with this id".to_owned() }
}

fn wrap(inner: Node, around: Wrap) -> Node {
    match around {
        Wrap::Choice { label, when, condition, otherwise } => Node::choice(
            label,
            vec![Branch::when(when, condition, inner), Branch::otherwise("otherwise", otherwise)],
        ),
        Wrap::Loop { label, condition, redo } => Node::repeat(label, condition, inner, redo),
        Wrap::Parallel { beside } => Node::parallel(vec![inner, beside]),
    }
}

/// Recursion ends at the depth that the check allows; what lies deeper is left for the check to refuse.
fn normal(node: Node, depth: usize) -> Node {
    if depth > super::MAX_DEPTH + 2 {
        return node;
    }
    let next = |child: Node| normal(child, depth + 1);
    match node {
        Node::Activity(_) | Node::Event(_) => node,
        Node::Sequence(mut sequence) => {
            let mut children = Vec::new();
            for child in sequence.children.into_iter().map(next) {
                match child {
                    Node::Sequence(inner) => children.extend(inner.children),
                    other => children.push(other),
                }
            }
            if children.len() == 1
                && let Some(only) = children.pop()
            {
                return only;
            }
            sequence.children = children;
            Node::Sequence(sequence)
        }
        Node::Choice(choice) => normal_choice(choice, next),
        Node::Loop(repeat) => {
            let repeat = Loop { body: next(repeat.body), redo: next(repeat.redo), ..*repeat };
            if repeat.body.is_empty() && repeat.redo.is_empty() {
                return Node::empty();
            }
            Node::Loop(Box::new(repeat))
        }
        Node::Partial(partial) => normal_partial(partial, next),
    }
}

fn normal_choice(mut choice: Choice, next: impl Fn(Node) -> Node) -> Node {
    for branch in &mut choice.branches {
        let body = std::mem::replace(&mut branch.body, Node::empty());
        branch.body = next(body);
    }
    let default_is_empty =
        choice.branches.iter().any(|branch| branch.condition.is_none() && branch.body.is_empty());
    let mut kept: Vec<Branch> = Vec::new();
    for (place, branch) in choice.branches.into_iter().enumerate() {
        if branch.condition.is_some() && branch.body.is_empty() {
            // A way that does nothing can go only where no later condition would then catch its case.
            let first_empty =
                kept.iter().position(|other| other.condition.is_some() && other.body.is_empty());
            if let Some(first) = first_empty.filter(|&first| first + 1 == kept.len() && place > 0)
                && let Some(other) = kept.get_mut(first)
            {
                other.condition = Some(format!(
                    "({}) or ({})",
                    bare(other.condition.as_deref()),
                    bare(branch.condition.as_deref())
                ));
                continue;
            }
        }
        kept.push(branch);
    }
    if default_is_empty {
        drop_last_empty(&mut kept);
    }
    if kept.len() == 1
        && let Some(only) = kept.pop()
    {
        return only.body;
    }
    choice.branches = kept;
    Node::Choice(choice)
}

/// An empty way right before an empty default does what the default does.
fn drop_last_empty(branches: &mut Vec<Branch>) {
    while let Some(last) = branches.iter().rposition(|branch| branch.condition.is_some())
        && branches.get(last).is_some_and(|branch| branch.body.is_empty())
    {
        branches.remove(last);
    }
}

fn bare(condition: Option<&str>) -> &str {
    let text = condition.unwrap_or("false").trim();
    text.strip_prefix('=').unwrap_or(text).trim()
}

fn normal_partial(partial: Partial, next: impl Fn(Node) -> Node) -> Node {
    let mut children: Vec<Option<Node>> = partial.children.into_iter().map(next).map(Some).collect();
    let mut order = partial.order;
    for place in 0..children.len() {
        if children.get(place).is_some_and(|child| child.as_ref().is_some_and(Node::is_empty)) {
            // Whatever came before the one that goes still comes before what came after it.
            let before: Vec<usize> = order.iter().filter(|p| p.1 == place).map(|p| p.0).collect();
            let after: Vec<usize> = order.iter().filter(|p| p.0 == place).map(|p| p.1).collect();
            order.retain(|&(b, a)| b != place && a != place);
            order.extend(before.iter().flat_map(|&b| after.iter().map(move |&a| (b, a))));
            if let Some(child) = children.get_mut(place) {
                *child = None;
            }
        }
    }
    let mut places = Vec::with_capacity(children.len());
    let mut count = 0_usize;
    for child in &children {
        places.push(count);
        count += usize::from(child.is_some());
    }
    let at = |place: usize| places.get(place).copied().unwrap_or(usize::MAX);
    let order = order.into_iter().map(|(before, after)| (at(before), at(after))).collect();
    let mut children: Vec<Node> = children.into_iter().flatten().collect();
    if children.len() < 2 {
        return children.pop().unwrap_or_else(Node::empty);
    }
    Node::Partial(Partial { id: partial.id, children, order })
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Tree(vec![fault])
    }
}
