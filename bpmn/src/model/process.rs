//! A process and what stands in it besides flow nodes.

use std::collections::HashMap;

use super::{Element, FlowNode, RawAttribute, RawElement};

/// A process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Id, name and the rest.
    pub element: Element,
    /// `isExecutable`, if said.
    pub is_executable: Option<bool>,
    /// Flow nodes of all nesting levels; a sub-process stands before its contents.
    pub nodes: Vec<FlowNode>,
    /// Sequence flows of all nesting levels.
    pub flows: Vec<SequenceFlow>,
    /// Data objects and references.
    pub data: Vec<DataElement>,
    /// Annotations, groups, associations.
    pub artifacts: Vec<Artifact>,
    /// Lanes.
    pub lane_sets: Vec<LaneSet>,
}

impl Process {
    /// The flow node with this id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&FlowNode> {
        self.nodes.iter().find(|node| node.element.id == id)
    }

    /// The nodes directly in a sub-process, or in the process itself.
    pub fn children<'a>(&'a self, parent: Option<&'a str>) -> impl Iterator<Item = &'a FlowNode> {
        self.nodes.iter().filter(move |node| node.parent.as_deref() == parent)
    }

    /// Brings everything into the order in which it is written: each sub-process before its contents, and what
    /// stands in a scope together. What belongs to no existing scope comes last.
    pub fn put_in_order(&mut self) {
        let mut children: HashMap<Option<String>, Vec<FlowNode>> = HashMap::new();
        for node in std::mem::take(&mut self.nodes) {
            children.entry(node.parent.clone()).or_default().push(node);
        }
        let mut first: HashMap<Option<String>, usize> = HashMap::from([(None, 0)]);
        let mut last: HashMap<Option<String>, usize> = HashMap::new();
        let mut open = vec![(None, children.remove(&None).unwrap_or_default().into_iter())];
        while let Some((scope, nodes)) = open.last_mut() {
            let Some(node) = nodes.next() else {
                last.insert(scope.clone(), last.len());
                open.pop();
                continue;
            };
            let inner = Some(node.element.id.clone());
            if let Some(contents) = children.remove(&inner) {
                first.insert(inner.clone(), first.len());
                open.push((inner, contents.into_iter()));
            } else if node.is_sub_process() {
                first.insert(inner.clone(), first.len());
                last.insert(inner, last.len());
            }
            self.nodes.push(node);
        }
        let mut lost: Vec<_> = children.into_values().flatten().collect();
        lost.sort_by(|a, b| a.element.id.cmp(&b.element.id));
        self.nodes.append(&mut lost);
        let key = |order: &HashMap<Option<String>, usize>, parent: &Option<String>| {
            order.get(parent).copied().unwrap_or(usize::MAX)
        };
        self.lane_sets.sort_by_key(|set| key(&first, &set.parent));
        self.flows.sort_by_key(|flow| key(&last, &flow.parent));
        self.data.sort_by_key(|data| key(&last, &data.parent));
        self.artifacts.sort_by_key(|artifact| key(&last, &artifact.parent));
    }
}

/// A sequence flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceFlow {
    /// Id, name and the rest.
    pub element: Element,
    /// Id of the sub-process it is written in.
    pub parent: Option<String>,
    /// Id of the node it starts at.
    pub source: String,
    /// Id of the node it ends at.
    pub target: String,
    /// Its condition.
    pub condition: Option<FormalExpression>,
}

/// An expression as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormalExpression {
    /// Its text, trimmed.
    pub text: String,
    /// `language`, if said.
    pub language: Option<String>,
    /// Its other attributes.
    pub attributes: Vec<RawAttribute>,
    /// Elements inside.
    pub children: Vec<RawElement>,
}

impl FormalExpression {
    /// An expression that only has a text.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A data object or a reference to a data object or store.
#[derive(Clone, Debug, PartialEq)]
pub struct DataElement {
    /// Id, name and the rest.
    pub element: Element,
    /// Id of the sub-process it stands in.
    pub parent: Option<String>,
    /// What it is.
    pub kind: DataElementKind,
}

/// Kinds of data elements.
#[derive(Clone, Debug, PartialEq)]
pub enum DataElementKind {
    /// `dataObject`; not drawn itself.
    Object,
    /// `dataObjectReference`, with the id of the object.
    ObjectReference(Option<String>),
    /// `dataStoreReference`, with the id of the store.
    StoreReference(Option<String>),
}

/// An artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Id, name and the rest.
    pub element: Element,
    /// Id of the sub-process it stands in.
    pub parent: Option<String>,
    /// What it is.
    pub kind: ArtifactKind,
}

/// Kinds of artifacts.
#[derive(Clone, Debug, PartialEq)]
pub enum ArtifactKind {
    /// `textAnnotation`.
    TextAnnotation {
        /// Its text.
        text: String,
    },
    /// `group`, with the id of its category value.
    Group {
        /// Id of the category value.
        category_value: Option<String>,
    },
    /// `association`.
    Association {
        /// Id of the element it starts at.
        source: String,
        /// Id of the element it ends at.
        target: String,
    },
}

/// A lane set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneSet {
    /// Id, name and the rest.
    pub element: Element,
    /// Id of the sub-process it stands in.
    pub parent: Option<String>,
    /// Its lanes.
    pub lanes: Vec<Lane>,
}

/// A lane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// Id, name and the rest.
    pub element: Element,
    /// Ids of the flow nodes in it.
    pub nodes: Vec<String>,
    /// Lanes inside.
    pub lane_set: Option<Box<LaneSet>>,
}
