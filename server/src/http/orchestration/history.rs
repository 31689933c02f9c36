//! What an instance did, element by element, as its trail tells it: the trail has every step of the token rules, in
//! the transaction of the step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpmn::model::{FlowNodeKind, Gateway, SubProcess};
use serde_json::Value;
use trail::{Event, Filter};

use super::{Cluster, LOCAL_BITS, Problem};

/// Entries of a trail read at once.
const ENTRIES: usize = 1_000;
/// The newest entries of the whole trail that are looked through where no instance is named.
const RECENT: i64 = 5_000;
/// Definitions whose names are kept.
const NAMES_MAX: usize = 500;

/// An element of an instance, once.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) number: u32,
    /// Element id.
    pub(super) node: String,
    /// BPMN local name.
    pub(super) kind: String,
    /// Whether it is the body of a multi-instance.
    pub(super) body: bool,
    /// Number of the element around it; none: the process.
    pub(super) scope: Option<u32>,
    pub(super) started_ms: i64,
    pub(super) ended_ms: Option<i64>,
    pub(super) terminated: bool,
}

/// What a trail tells of one instance.
#[derive(Debug, Default)]
pub(super) struct History {
    /// In the order in which they began.
    pub(super) elements: BTreeMap<u32, Element>,
    /// Ids of flows that were taken, each once, in order.
    pub(super) flows: Vec<String>,
    /// Numbers of elements by the numbers of their jobs.
    jobs: HashMap<i64, u32>,
}

impl History {
    fn take_in(&mut self, event: &Event) {
        let (at_ms, data) = (event.content.at_ms, &event.content.data);
        let number =
            |name: &str| data.get(name).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match (event.content.kind.as_str(), number("element")) {
            ("element.activated", Some(element)) => {
                let begun = Element {
                    number: element,
                    node: text("node"),
                    kind: text("kind"),
                    body: data.get("body").and_then(Value::as_bool).unwrap_or(false),
                    scope: number("scope"),
                    started_ms: data.get("at_ms").and_then(Value::as_i64).unwrap_or(at_ms),
                    ended_ms: None,
                    terminated: false,
                };
                self.elements.insert(element, begun);
            }
            (kind @ ("element.completed" | "element.terminated"), Some(element)) => {
                if let Some(known) = self.elements.get_mut(&element) {
                    // After a migration it may have another id.
                    known.node = text("node");
                    known.ended_ms = Some(at_ms);
                    known.terminated = kind == "element.terminated";
                }
            }
            ("job.created", Some(element)) => {
                self.jobs.insert(data.get("job").and_then(Value::as_i64).unwrap_or(0), element);
            }
            ("flow.taken", _) => {
                let flow = text("flow");
                if !self.flows.contains(&flow) {
                    self.flows.push(flow);
                }
            }
            _ => {}
        }
    }

    /// The number of the element that a job belongs to.
    pub(super) fn element_of_job(&self, job: i64) -> Option<u32> {
        self.jobs.get(&(job & ((1 << LOCAL_BITS) - 1))).copied()
    }
}

impl Cluster {
    /// What an instance did.
    pub(super) async fn history(&self, instance: i64) -> Result<History, Problem> {
        let mut history = History::default();
        let filter = Filter { instance: Some(instance), ..Filter::default() };
        let mut after = 0;
        // Bounded by the trail: every round reads further.
        loop {
            let events = self.trail.read(&filter, after, ENTRIES).await.map_err(unreadable)?;
            let Some(last) = events.last() else { return Ok(history) };
            after = last.position;
            events.iter().for_each(|event| history.take_in(event));
        }
    }

    /// Instances of which an element ended among the newest entries of the trail, and whether there are older entries.
    pub(super) async fn moved(&self) -> Result<(Vec<i64>, bool), Problem> {
        let head = self.trail.head().await.map_err(unreadable)?;
        let filter = Filter { kind_prefix: Some("element.".to_owned()), ..Filter::default() };
        let mut after = (head - RECENT).max(0);
        let is_cut = after > 0;
        let mut instances = Vec::new();
        loop {
            let events = self.trail.read(&filter, after, ENTRIES).await.map_err(unreadable)?;
            let Some(last) = events.last() else { return Ok((instances, is_cut)) };
            after = last.position;
            for event in events.iter().filter(|event| event.content.kind != "element.activated") {
                instances.extend(event.content.instance.filter(|instance| !instances.contains(instance)));
            }
        }
    }

    /// Names and kinds of the elements of a definition.
    pub(super) async fn names(&self, definition: i64) -> Result<Arc<Names>, Problem> {
        if let Some(known) = self.names.lock().get(&definition) {
            return Ok(Arc::clone(known));
        }
        let xml = self.engine.definition_xml(definition).await?;
        let model = bpmn::xml::read(xml.as_bytes())
            .map_err(|error| Problem::invalid(format!("the model cannot be read: {error}")))?;
        let nodes = model.processes.iter().flat_map(|process| &process.nodes);
        let named = nodes.map(|node| {
            let kind = match &node.kind {
                FlowNodeKind::SubProcess(SubProcess::Event) => Some("EVENT_SUB_PROCESS"),
                FlowNodeKind::SubProcess(SubProcess::Transaction) => Some("SUB_PROCESS"),
                FlowNodeKind::Gateway(Gateway::Complex { .. }) => Some("UNKNOWN"),
                _ => None,
            };
            let id = node.element.id.clone();
            (id.clone(), (node.element.name.clone().unwrap_or(id), kind))
        });
        let names = Arc::new(named.collect::<Names>());
        let mut kept = self.names.lock();
        if kept.len() >= NAMES_MAX {
            kept.clear();
        }
        kept.insert(definition, Arc::clone(&names));
        Ok(names)
    }
}

/// Name of each element, and its kind where the API has another word for it.
pub(super) type Names = HashMap<String, (String, Option<&'static str>)>;

fn unreadable(error: trail::Error) -> Problem {
    engine::Error::Store(error.to_string()).into()
}
