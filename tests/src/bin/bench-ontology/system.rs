//! The system that is measured: requirements in groups, refined and allocated to a tree of components, with functions
//! that processes realise, interfaces, bounds and links.

use ontology::model::{
    ChangeSet, Component, Constraint, Function, Interface, Node, Process, Quantity, Requirement, TraceLink,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Name of the system.
pub(crate) const NAME: &str = "Plant";
/// Requirements for each component, process and constraint.
pub(crate) const FOR_EACH: usize = 20;
/// Requirements for each function.
const FOR_EACH_FUNCTION: usize = 5;
/// Parts of a component.
const PARTS: usize = 8;
/// Requirements under one heading.
const IN_GROUP: usize = 250;
/// Words that texts are made of.
const VOCABULARY: usize = 3_000;

/// How many of each a system has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) requirements: usize,
    pub(crate) components: usize,
    pub(crate) functions: usize,
    pub(crate) groups: usize,
}

impl Sizes {
    pub(crate) fn of(requirements: usize) -> Self {
        Self {
            requirements,
            components: requirements / FOR_EACH,
            functions: requirements / FOR_EACH_FUNCTION,
            groups: requirements.div_ceil(IN_GROUP),
        }
    }
}

/// A word of the vocabulary, in which low numbers are common.
pub(crate) fn word(draws: &mut ChaCha8Rng) -> String {
    let mut rank = || draws.random_range(0..VOCABULARY);
    format!("w{}x", rank().min(rank()))
}

fn text(draws: &mut ChaCha8Rng, words: usize) -> String {
    (0..words).map(|_| word(draws)).collect::<Vec<_>>().join(" ")
}

fn link(kind: &str, source: String, target: String) -> Node {
    Node::Link(TraceLink {
        id: format!("{kind}:{source}:{target}"),
        kind: kind.to_owned(),
        source,
        target,
        ..TraceLink::default()
    })
}

/// Everything as change sets: what others refer to comes first.
pub(crate) fn changes(requirements: usize) -> Vec<ChangeSet> {
    let sizes = Sizes::of(requirements);
    let mut draws = ChaCha8Rng::seed_from_u64(1);
    let parts = structure(sizes, &mut draws);
    let mut out = vec![parts];
    let all: Vec<usize> = (0..requirements).collect();
    for batch in all.chunks(25_000) {
        out.push(batch.iter().flat_map(|number| requirement(*number, sizes, &mut draws)).collect());
    }
    let change = |put| ChangeSet {
        system: NAME.to_owned(),
        author: "bench".to_owned(),
        message: "generated".to_owned(),
        at_ms: 1_700_000_000_000,
        put,
        ..ChangeSet::default()
    };
    out.into_iter().map(change).collect()
}

fn structure(sizes: Sizes, draws: &mut ChaCha8Rng) -> Vec<Node> {
    let mut put = Vec::new();
    for number in 0..sizes.components {
        let id = format!("C-{number}");
        put.push(Node::Component(Component {
            id: id.clone(),
            name: format!("{} {number}", text(draws, 2)),
            parent: (number > 0).then(|| format!("C-{}", (number - 1) / PARTS)),
            description: Some(text(draws, 6)),
            ..Component::default()
        }));
        put.push(Node::Process(Process {
            id: format!("P-{number}"),
            name: text(draws, 3),
            component: Some(id.clone()),
            process_id: format!("process-{number}"),
            ..Process::default()
        }));
        put.push(Node::Constraint(Constraint {
            id: format!("K-{number}"),
            name: format!("mass of {number}"),
            kind: "bound".to_owned(),
            subject: id.clone(),
            property: "mass".to_owned(),
            comparator: "<=".to_owned(),
            si_value: draws.random_range(1.0..100.0),
            si_unit: "kg".to_owned(),
            ..Constraint::default()
        }));
        if number > 0 && number.is_multiple_of(2) {
            put.push(Node::Interface(Interface {
                id: format!("I-{number}"),
                name: text(draws, 2),
                source: format!("C-{}", number - 1),
                target: id,
                item: format!("item {}", number % 20),
                direction: "out".to_owned(),
                ..Interface::default()
            }));
        }
    }
    for number in 0..sizes.functions {
        let component = number % sizes.components;
        put.push(Node::Function(Function {
            id: format!("F-{number}"),
            name: text(draws, 3),
            component: format!("C-{component}"),
            process: Some(format!("P-{component}")),
            ..Function::default()
        }));
    }
    put
}

fn requirement(number: usize, sizes: Sizes, draws: &mut ChaCha8Rng) -> Vec<Node> {
    let id = format!("R-{number}");
    let value = draws.random_range(1.0..1_000.0_f64).round();
    let requirement = Requirement {
        id: id.clone(),
        text: format!("The {} shall {} within {value} ms.", word(draws), text(draws, 10)),
        group: Some(format!("Group {}", number / IN_GROUP)),
        parent: (!number.is_multiple_of(10)).then(|| format!("R-{}", number - number % 10)),
        kind: Some(
            ["functional", "performance", "safety"].get(number % 3).copied().unwrap_or_default().to_owned(),
        ),
        pattern: "ubiquitous".to_owned(),
        quantities: vec![Quantity {
            property: None,
            comparator: "<=".to_owned(),
            value,
            upper: None,
            unit: "ms".to_owned(),
            unit_iri: Some("http://qudt.org/vocab/unit/MilliSEC".to_owned()),
            si_value: Some(value / 1_000.0),
            si_upper: None,
            si_unit: Some("s".to_owned()),
            span: (0, 0),
        }],
        verification: (!number.is_multiple_of(4)).then(|| "test".to_owned()),
        criterion: (!number.is_multiple_of(4)).then(|| "it is so".to_owned()),
        ..Requirement::default()
    };
    let mut put = vec![Node::Requirement(requirement)];
    // One in a hundred is allocated to nothing.
    if !number.is_multiple_of(100) {
        put.push(link("allocated_to", id.clone(), format!("C-{}", draws.random_range(0..sizes.components))));
        put.push(link("satisfied_by", id, format!("F-{}", draws.random_range(0..sizes.functions))));
    }
    put
}
