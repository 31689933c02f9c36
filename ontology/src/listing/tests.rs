//! Lists and searches beside plain scans: on a system that went through random changes, undoings and merges, both
//! say the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::graph::{Edit, MergeChoice};
use crate::model::{ChangeSet, Component, Constraint, Finding, Function, Process, Requirement, TraceLink};
use crate::{Moment, Ontology, VolatileChangeSets};

const WORDS: &[&str] = &["brake", "braking", "pump", "Motor", "valve", "mass", "Ölkühler", "x"];
const GROUPS: &[&str] = &["Stopping", "flow", "Flow"];
const SYSTEM: &str = "s";

/// A step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Requirement { id: u8, words: u32, group: u8, verified: bool },
    Component { id: u8, parent: u8, words: u32 },
    Function { id: u8, component: u8, process: u8 },
    Constraint { id: u8, value: i8 },
    Link { kind: u8, source: u8, target: u8 },
    Remove { which: u8 },
    Undo { back: u8 },
    Merge { id: u8, words: u32 },
}

fn text(words: u32) -> String {
    (0..4)
        .filter_map(|at| WORDS.get((words >> (at * 8)) as usize % WORDS.len()).copied())
        .collect::<Vec<_>>()
        .join(" ")
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..12, any::<u32>(), 0u8..5, any::<bool>())
            .prop_map(|(id, words, group, verified)| Step::Requirement { id, words, group, verified }),
        2 => (0u8..5, 0u8..5, any::<u32>()).prop_map(|(id, parent, words)| Step::Component { id, parent, words }),
        2 => (0u8..5, 0u8..5, 0u8..4).prop_map(|(id, component, process)| Step::Function { id, component, process }),
        1 => (0u8..4, any::<i8>()).prop_map(|(id, value)| Step::Constraint { id, value }),
        4 => (0u8..3, 0u8..12, 0u8..5).prop_map(|(kind, source, target)| Step::Link { kind, source, target }),
        2 => any::<u8>().prop_map(|which| Step::Remove { which }),
        1 => any::<u8>().prop_map(|back| Step::Undo { back }),
        1 => (0u8..12, any::<u32>()).prop_map(|(id, words)| Step::Merge { id, words }),
    ];
    proptest::collection::vec(step, 1..25)
}

fn requirement(id: u8, words: u32, group: u8, verified: bool) -> Node {
    let group = GROUPS.get(usize::from(group)).map(|group| (*group).to_owned());
    let finding = |kind: &str| Finding { kind: kind.into(), text: String::new() };
    Node::Requirement(Requirement {
        id: format!("R-{id}"),
        text: text(words),
        subject: group.clone(),
        group,
        findings: if verified { vec![finding("vague"), finding("vague")] } else { Vec::new() },
        verification: verified.then(|| "test".to_owned()),
        criterion: verified.then(|| "it holds".to_owned()),
        ..Requirement::default()
    })
}

fn node(step: &Step) -> Option<Node> {
    Some(match step {
        Step::Requirement { id, words, group, verified } => requirement(*id, *words, *group, *verified),
        Step::Component { id, parent, words } => Node::Component(Component {
            id: format!("C{id}"),
            name: text(*words),
            parent: (parent < id).then(|| format!("C{parent}")),
            ..Component::default()
        }),
        Step::Function { id, component, process } => Node::Function(Function {
            id: format!("F{id}"),
            name: format!("do {id}"),
            component: format!("C{component}"),
            process: (*process == 0).then(|| "P".to_owned()),
            ..Function::default()
        }),
        Step::Constraint { id, value } => Node::Constraint(Constraint {
            id: format!("K{id}"),
            name: "mass".into(),
            kind: "bound".into(),
            subject: "C0".into(),
            property: "mass".into(),
            comparator: "<=".into(),
            si_value: f64::from(*value),
            ..Constraint::default()
        }),
        Step::Link { kind, source, target } => {
            let (kind, end) = [("allocated_to", "C"), ("satisfied_by", "F"), ("verified_by", "P")]
                .get(usize::from(*kind))
                .copied()?;
            let target = if end == "P" { "P".to_owned() } else { format!("{end}{target}") };
            let source = format!("R-{source}");
            Node::Link(TraceLink {
                id: format!("{kind}:{source}:{target}"),
                kind: kind.into(),
                source,
                target,
                ..TraceLink::default()
            })
        }
        _ => return None,
    })
}

fn edit() -> Edit {
    Edit { system: SYSTEM.into(), author: "a".into(), at_ms: 1, ..Edit::default() }
}

async fn put(ontology: &Ontology, system: &str, nodes: Vec<Node>, remove: Vec<String>) {
    let head = ontology.snapshot(system).map_or(0, |system| system.head);
    let change = ChangeSet {
        system: system.into(),
        author: "a".into(),
        at_ms: 1,
        put: nodes,
        remove,
        ..ChangeSet::default()
    };
    // Steps that do not fit the state are refused and change nothing.
    let _ = ontology.commit(change, head).await;
}

async fn take(ontology: &Ontology, step: &Step, number: usize) {
    let now = ontology.snapshot(SYSTEM).unwrap();
    match step {
        Step::Remove { which } => {
            let all: Vec<&str> = now.nodes().map(|node| node.id()).collect();
            let Some(id) = all.get(usize::from(*which) % all.len().max(1)) else { return };
            let id = (*id).to_owned();
            let links = now.outgoing(&id).chain(now.incoming(&id)).filter_map(|edge| edge.link.clone());
            let mut remove: Vec<String> = links.collect::<BTreeSet<_>>().into_iter().collect();
            remove.push(id);
            put(ontology, SYSTEM, Vec::new(), remove).await;
        }
        Step::Undo { back } => {
            let numbers: Vec<i64> = now.points().map(|(number, _)| number).collect();
            let _ = ontology.undo(&edit(), numbers[usize::from(*back) % numbers.len()]).await;
        }
        Step::Merge { id, words } => {
            let name = format!("b{number}");
            let line = ontology.branch(&edit(), &name).await.unwrap();
            put(ontology, &line, vec![requirement(*id, *words, 0, true)], Vec::new()).await;
            put(ontology, SYSTEM, vec![requirement(id / 2, words / 3, 1, false)], Vec::new()).await;
            let choices = BTreeMap::from([(format!("R-{id}"), MergeChoice::Theirs)]);
            ontology.merge(&edit(), &name, &choices).await.unwrap();
        }
        step => put(ontology, SYSTEM, node(step).into_iter().collect(), Vec::new()).await,
    }
}

fn is(text: &str) -> TextTest {
    TextTest { equals: Some(text.to_owned()), ..TextTest::default() }
}

/// Lists, each with the same asked by hand of one node.
type Asked = (&'static str, Vec<Condition>, fn(&SystemIndex, &Node) -> bool);

fn led(system: &SystemIndex, id: &str, kind: &str) -> bool {
    system.outgoing(id).any(|edge| edge.kind == kind)
}

fn list(kind: &'static str, conditions: Vec<Condition>, by_hand: fn(&SystemIndex, &Node) -> bool) -> Asked {
    (kind, conditions, by_hand)
}

fn asked() -> Vec<Asked> {
    let starts = TextTest { starts_with: Some("BRAK".into()), ..TextTest::default() };
    let contains = TextTest { contains: Some("KÜHL".into()), ..TextTest::default() };
    let none = TextTest { missing: Some(true), ..TextTest::default() };
    let range = NumberTest { above: Some(-20.0), at_most: Some(60.0), ..NumberTest::default() };
    vec![
        list("requirement", vec![], |_, _| true),
        list("component", vec![], |_, _| true),
        list(
            "requirement",
            vec![Condition::Text(Field::Group, is("Flow"))],
            |_, node| matches!(node, Node::Requirement(node) if node.group.as_deref() == Some("Flow")),
        ),
        list(
            "requirement",
            vec![Condition::Text(Field::Group, none)],
            |_, node| matches!(node, Node::Requirement(node) if node.group.is_none()),
        ),
        list(
            "requirement",
            vec![Condition::Text(Field::Label, starts)],
            |_, node| matches!(node, Node::Requirement(node) if node.text.to_lowercase().starts_with("brak")),
        ),
        list(
            "requirement",
            vec![Condition::Text(Field::Label, contains)],
            |_, node| matches!(node, Node::Requirement(node) if node.text.to_lowercase().contains("kühl")),
        ),
        list("requirement", vec![Condition::Flag(Field::IsAllocated, false)], |system, node| {
            !led(system, node.id(), "allocated_to")
        }),
        list("requirement", vec![Condition::Text(Field::Component, is("C1"))], |system, node| {
            system.outgoing(node.id()).any(|edge| edge.kind == "allocated_to" && edge.other == "C1")
        }),
        list(
            "requirement",
            vec![Condition::Text(Field::Finding, is("vague"))],
            |_, node| matches!(node, Node::Requirement(node) if !node.findings.is_empty()),
        ),
        list("requirement", vec![Condition::Says("brak mot".into())], |_, node| {
            let Node::Requirement(node) = node else { return false };
            let words: Vec<String> = node.text.split(' ').map(str::to_lowercase).collect();
            let begins = |start: &str| {
                let group = node.group.iter().map(|group| group.to_lowercase());
                words.iter().cloned().chain(group).any(|word| word.starts_with(start))
            };
            begins("brak") && begins("mot")
        }),
        list(
            "requirement",
            vec![
                Condition::Flag(Field::IsVerifiable, true),
                Condition::Not(vec![Condition::Text(Field::Group, is("Stopping"))]),
                Condition::Any(vec![
                    vec![Condition::Flag(Field::IsSatisfied, true)],
                    vec![Condition::Text(Field::Id, is("R-3"))],
                ]),
            ],
            |system, node| {
                let Node::Requirement(requirement) = node else { return false };
                requirement.verification.is_some()
                    && requirement.group.as_deref() != Some("Stopping")
                    && (led(system, node.id(), "satisfied_by") || node.id() == "R-3")
            },
        ),
        list("function", vec![Condition::Flag(Field::IsSatisfied, true)], |system, node| {
            system.incoming(node.id()).any(|edge| edge.kind == "satisfied_by")
        }),
        list("function", vec![Condition::Flag(Field::IsRealised, false)], |system, node| {
            !led(system, node.id(), "realised_by")
        }),
        list("process", vec![Condition::Flag(Field::IsRealised, true)], |system, node| {
            system.incoming(node.id()).any(|edge| edge.kind == "realised_by")
        }),
        list(
            "constraint",
            vec![Condition::Number(Field::Value, range)],
            |_, node| matches!(node, Node::Constraint(node) if node.si_value > -20.0 && node.si_value <= 60.0),
        ),
        list(
            "link",
            vec![Condition::Text(Field::Kind, is("allocated_to"))],
            |_, node| matches!(node, Node::Link(node) if node.kind == "allocated_to"),
        ),
    ]
}

/// All pages of a list, three nodes at a time.
fn paged(system: &SystemIndex, kind: &str, conditions: &[Condition], order: Order) -> Vec<String> {
    let mut out = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = system.list(kind, conditions, order, after.as_deref(), 3).unwrap();
        out.extend(page.iter().map(|(_, node)| node.id().to_owned()));
        match page.last() {
            Some((cursor, _)) if page.len() == 3 => after = Some(cursor.clone()),
            _ => return out,
        }
    }
}

fn compare(system: &SystemIndex) {
    for (kind, conditions, by_hand) in asked() {
        let mut orders = vec![OrderBy::Id];
        orders.extend(fields::orders(kind));
        let matching: Vec<&Arc<Node>> = system.of_kind(kind).filter(|node| by_hand(system, node)).collect();
        assert_eq!(system.count_meeting(kind, &conditions).unwrap(), matching.len(), "{kind} {conditions:?}");
        for (by, descending) in orders.into_iter().flat_map(|by| [(by, false), (by, true)]) {
            let mut wanted: Vec<(String, String, String)> = matching
                .iter()
                .map(|node| {
                    let version = system.version(node.id()).unwrap();
                    (place_in(node, version, by), natural_key(node.id()), node.id().to_owned())
                })
                .collect();
            wanted.sort();
            if descending {
                wanted.reverse();
            }
            let wanted: Vec<String> = wanted.into_iter().map(|(_, _, id)| id).collect();
            let found = paged(system, kind, &conditions, Order { by, descending });
            assert_eq!(found, wanted, "{kind} {conditions:?} {by:?} {descending}");
        }
    }
    for query in ["brake", "bra", "öl pump", "R-1", "c1", "x", "nothing"] {
        let hits = system.search(query, &["requirement", "component"], 100);
        let words = crate::words::asked(query);
        let says = |node: &Node| {
            let mut said: Vec<String> = Vec::new();
            for (field, _) in crate::words::SEARCHED {
                for text in texts(node, *field).iter() {
                    said.extend(crate::words::split(text).map(|(_, _, word)| word));
                }
            }
            if let Node::Requirement(node) = node {
                said.extend(
                    node.criterion.iter().flat_map(|text| crate::words::split(text)).map(|(_, _, word)| word),
                );
            }
            words.iter().all(|asked| {
                said.iter().any(|word| {
                    word == asked || asked.chars().count() > 1 && word.starts_with(asked.as_str())
                })
            })
        };
        let both = system.of_kind("requirement").chain(system.of_kind("component"));
        let wanted: BTreeSet<&str> =
            both.filter(|node| says(node) || node.id() == query).map(|node| node.id()).collect();
        let found: BTreeSet<&str> = hits.best.iter().map(|hit| hit.node.id()).collect();
        assert_eq!(found, wanted, "{query}");
        assert_eq!(hits.count, wanted.len(), "{query}");
        assert!(hits.best.iter().all(|hit| hit.score > 0.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]
    #[test]
    fn lists_and_searches_say_what_a_scan_says_after_any_changes(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
            let process = Process { id: "P".into(), name: "braking".into(), process_id: "p".into(), ..Process::default() };
            let root = Component { id: "C0".into(), name: "pump".into(), ..Component::default() };
            put(&ontology, SYSTEM, vec![Node::Process(process), Node::Component(root)], Vec::new()).await;
            // Asked for once, the read model follows all changes from here on.
            ontology.snapshot(SYSTEM).unwrap().reading();
            for (number, step) in steps.iter().enumerate() {
                take(&ontology, step, number).await;
            }
            let now = ontology.snapshot(SYSTEM).unwrap();
            assert!(now.kept_reading().get().is_some(), "it followed");
            compare(&now);
            let versions: Vec<i64> = now.points().map(|(number, _)| number).collect();
            let middle = versions[versions.len() / 2];
            // An earlier state is folded anew, and its read model with it.
            compare(ontology.as_of(SYSTEM, &Moment::Version(middle)).await.unwrap().as_ref());
        });
    }
}

#[tokio::test]
async fn a_page_of_a_big_list_looks_at_what_it_shows() {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    let nodes = (0..9_000u32).map(|number| {
        Node::Requirement(Requirement {
            id: format!("R-{number}"),
            text: format!("The part {} shall hold {} bar.", number % 7, 9_000 - number),
            group: Some(format!("G{}", number % 2)),
            ..Requirement::default()
        })
    });
    put(&ontology, SYSTEM, nodes.collect(), Vec::new()).await;
    let system = ontology.snapshot(SYSTEM).unwrap();
    // More than are sorted at once: the list of the value is walked, and the order is.
    let group = vec![Condition::Text(Field::Group, is("G1"))];
    for by in [OrderBy::Id, OrderBy::Label] {
        for descending in [false, true] {
            let order = Order { by, descending };
            let mut all = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = system.list("requirement", &group, order, after.as_deref(), 700).unwrap();
                let Some((cursor, _)) = page.last() else { break };
                after = Some(cursor.clone());
                all.extend(page.into_iter().map(|(_, node)| node.id().to_owned()));
            }
            assert_eq!(all.len(), 4_500, "{order:?}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4_500);
        }
    }
    assert_eq!(system.count_meeting("requirement", &group).unwrap(), 4_500);
    let hits = system.search("part hold 17", &[], 10);
    // One has the word in its id, the other in its text; all others only say longer words.
    let best: Vec<&str> = hits.best.iter().take(2).map(|hit| hit.node.id()).collect();
    assert_eq!(best, ["R-17", "R-8983"]);
    assert!(hits.count > 100 && hits.best.len() == 10);
}

#[tokio::test]
async fn cursors_and_orders_that_do_not_fit_are_refused() {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    put(&ontology, SYSTEM, vec![requirement(1, 0, 0, true)], Vec::new()).await;
    let system = ontology.snapshot(SYSTEM).unwrap();
    let by = |by: OrderBy| Order { by, descending: false };
    assert!(system.list("requirement", &[], by(OrderBy::Label), Some("R-1"), 9).is_err());
    assert!(system.list("requirement", &[], by(OrderBy::Value), None, 9).is_err());
    let many = vec![Condition::Flag(Field::IsAllocated, false); MAX_CONDITIONS + 1];
    assert_eq!(system.list("requirement", &many, by(OrderBy::Id), None, 9).unwrap_err().code(), "ONTO-0006");
}
