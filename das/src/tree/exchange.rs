//! What steps hand on: data objects between them, messages to and from those outside.
//!
//! A data object is drawn where one step makes a thing that another handles. It has a reference beside each of them, so that
//! no line crosses the drawing. Somebody outside becomes a pool without contents; a step that exchanges a message with it
//! shows that instead of its data.

use std::collections::BTreeMap;

use bpmn::model::{
    Collaboration, DataAssociation, DataElement, DataElementKind, Definitions, Element, MessageFlow,
    Participant, RawElement,
};
use bpmn::xml::namespace;

use super::{Activity, Partner, Tree};
use crate::text::sentence_case;

/// Most data objects drawn of one process: more would hide the flow.
const MAX_OBJECTS: usize = 12;
/// Most pools of others.
const MAX_PARTNERS: usize = 4;

/// A message between a step and a pool.
pub(super) struct Exchange<'a> {
    step: &'a str,
    with: &'a Partner,
}

/// The messages of a tree with those who do not act in it, in reading order.
pub(super) fn exchanges(tree: &Tree) -> Vec<Exchange<'_>> {
    let actors: Vec<String> = tree.actors().iter().map(|actor| kind(actor)).collect();
    let mut partners: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for step in tree.activities() {
        let Some(with) = step.partner.as_ref().filter(|with| !kind(&with.name).is_empty()) else { continue };
        let name = kind(&with.name);
        let acts = actors.iter().any(|actor| *actor == name || actor.ends_with(&format!(" {name}")));
        if acts || (!partners.contains(&name) && partners.len() == MAX_PARTNERS) {
            continue;
        }
        if !partners.contains(&name) {
            partners.push(name);
        }
        found.push(Exchange { step: &step.id, with });
    }
    found
}

/// Adds a pool for each partner, and the messages. Whoever mostly speaks with the upper lanes stands above the process, the
/// others below it; of several on one side, the one with most messages stands nearest.
pub(super) fn write_messages(collaboration: &mut Collaboration, tree: &Tree, exchanges: &[Exchange<'_>]) {
    let lanes = tree.actors();
    let lane_of = |exchange: &Exchange<'_>| {
        let step = tree.activities().into_iter().find(|step| step.id == exchange.step);
        let actor = step.and_then(|step| step.actor.as_ref());
        actor.and_then(|actor| lanes.iter().position(|lane| lane == actor)).unwrap_or_default()
    };
    let mut partners: Vec<Pool<'_>> = Vec::new();
    for exchange in exchanges {
        let name = kind(&exchange.with.name);
        match partners.iter_mut().find(|pool| pool.kind == name) {
            Some(pool) => pool.own.push(exchange),
            None => partners.push(Pool { kind: name, own: vec![exchange], depth: 0 }),
        }
    }
    for (place, pool) in partners.iter_mut().enumerate() {
        let id = format!("partner-{}", place + 1);
        collaboration.message_flows.extend(pool.own.iter().map(|exchange| message_flow(exchange, &id)));
        // Twice the mean in thousandths, so that halves stay whole numbers.
        pool.depth =
            2_000 * pool.own.iter().map(|exchange| lane_of(exchange)).sum::<usize>() / pool.own.len();
    }
    let mut order: Vec<usize> = (0..partners.len()).collect();
    let of = |place: &usize| partners.get(*place);
    order.sort_by_key(|place| of(place).map(|pool| pool.depth));
    let upper = match partners.as_slice() {
        [only] => usize::from(lanes.len() < 2 || only.depth <= 1_000 * (lanes.len() - 1)),
        several => several.len().div_ceil(2),
    };
    let mut below = order.split_off(upper);
    let messages = |place: &usize| of(place).map(|pool| pool.own.len());
    order.sort_by_key(messages);
    below.sort_by_key(|place| std::cmp::Reverse(messages(place)));
    let pool = |place: usize| {
        let name = of(&place).and_then(|pool| pool.own.first()).map(|exchange| exchange.with.name.clone());
        Participant {
            element: Element { name, ..Element::with_id(format!("partner-{}", place + 1)) },
            process: None,
        }
    };
    let own = std::mem::take(&mut collaboration.participants);
    collaboration.participants =
        order.into_iter().map(pool).chain(own).chain(below.into_iter().map(pool)).collect();
}

/// A pool of somebody outside.
struct Pool<'a> {
    kind: String,
    own: Vec<&'a Exchange<'a>>,
    /// How far down the lanes are that it speaks with.
    depth: usize,
}

fn message_flow(Exchange { step, with }: &Exchange<'_>, pool: &str) -> MessageFlow {
    let (step, pool) = ((*step).to_owned(), pool.to_owned());
    let name = (!with.message.is_empty()).then(|| with.message.clone());
    let element = Element { name, ..Element::with_id(format!("{step}-message")) };
    let (source, target) = if with.sends { (step, pool) } else { (pool, step) };
    MessageFlow { element, source, target, message: None }
}

/// Adds the data objects with a reference beside each step that makes or handles them.
pub(super) fn write_data(definitions: &mut Definitions, tree: &Tree, exchanges: &[Exchange<'_>]) {
    let Some(process) = definitions.processes.first_mut() else { return };
    let steps = tree.activities();
    let speaks = |step: &Activity| exchanges.iter().any(|exchange| exchange.step == step.id);
    let mut taken: Vec<&str> = Vec::new();
    for (object, (name, users)) in handed_on(&steps).into_iter().enumerate() {
        let id = format!("{}-data-{}", process.element.id, object + 1);
        let mut drawn = false;
        for step in users {
            // One beside a step is enough.
            if taken.contains(&step.id.as_str()) || speaks(step) {
                continue;
            }
            taken.push(&step.id);
            drawn = true;
            let reference = format!("{}-data", step.id);
            let element = Element { name: Some(name.clone()), ..Element::with_id(&reference) };
            let kind = DataElementKind::ObjectReference(Some(id.clone()));
            process.data.push(DataElement { element, parent: None, kind });
            let makes = step.makes.iter().any(|made| same(made, &name));
            if let Some(node) = process.nodes.iter_mut().find(|node| node.element.id == step.id) {
                let element = Element::with_id(format!("{}-data-line", step.id));
                node.data_associations.push(if makes {
                    DataAssociation { element, is_input: false, sources: Vec::new(), target: Some(reference) }
                } else {
                    // The schema wants a target for what is read; editors write such a property.
                    let property = format!("{}-data-in", step.id);
                    node.element.children.push(
                        RawElement::named(namespace::BPMN, "property")
                            .with("id", &property)
                            .with("name", "__targetRef_placeholder"),
                    );
                    DataAssociation {
                        element,
                        is_input: true,
                        sources: vec![reference],
                        target: Some(property),
                    }
                });
            }
        }
        if drawn {
            process.data.push(DataElement {
                element: Element::with_id(id),
                parent: None,
                kind: DataElementKind::Object,
            });
        }
    }
}

/// Things that one step makes and another handles, each with all of its steps in reading order.
fn handed_on<'a>(steps: &[&'a Activity]) -> Vec<(String, Vec<&'a Activity>)> {
    // Each thing by what it is, with the places of its steps and the name its first maker gives it.
    let mut users: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut made: Vec<(String, &str)> = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        for thing in step.data.iter().chain(&step.makes) {
            let places = users.entry(kind(thing)).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        made.extend(step.makes.iter().map(|thing| (kind(thing), thing.as_str())));
    }
    let mut found = Vec::new();
    for (what, name) in made.into_iter().filter(|(what, _)| !what.is_empty()) {
        // Taken out, so that a second maker finds nothing.
        let places = users.remove(&what).filter(|places| places.len() > 1).unwrap_or_default();
        let steps: Vec<&Activity> = places.iter().filter_map(|place| steps.get(*place).copied()).collect();
        if !steps.is_empty() && found.len() < MAX_OBJECTS {
            found.push((sentence_case(name.trim()), steps));
        }
    }
    found
}

/// "invoices" and "Invoice" are the same thing.
fn same(one: &str, other: &str) -> bool {
    kind(one) == kind(other)
}

fn kind(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().trim_end_matches('s').to_owned()
}
