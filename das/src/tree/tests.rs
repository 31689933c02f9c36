//! Trees that pass the check compile to sound processes; edits keep that; tables lose nothing.

use proptest::prelude::*;

use super::table::Table;
use super::*;

fn with(partner: u8) -> Partner {
    Partner { name: format!("Partner {partner}"), sends: partner > 1, message: String::new() }
}

fn leaf() -> impl Strategy<Value = Node> {
    (0..6_u8, 0..3_u8).prop_map(|(kind, actor)| match kind {
        0 => Event::new("Wait", EventKind::Timer("PT1S".to_owned())).into(),
        1 => Activity::new("Compute").script("1 + 1", "two").into(),
        _ => {
            let mut activity = Activity::new(format!("Do {kind}"));
            match kind {
                2 => activity.makes = vec!["report".to_owned()],
                3 => activity.data = vec!["Reports".to_owned()],
                4 => activity.partner = Some(with(actor)),
                _ => {}
            }
            if actor == 0 { activity.into() } else { activity.actor(format!("Actor {actor}")).into() }
        }
    })
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Node::sequence),
            (proptest::collection::vec(inner.clone(), 1..3), any::<bool>(), 0..4_u8).prop_map(
                |(bodies, empty, end)| {
                    let mut branches: Vec<Branch> = bodies
                        .into_iter()
                        .enumerate()
                        .map(|(place, body)| {
                            Branch::when(format!("w{place}"), format!("v{place} = true"), body)
                        })
                        .collect();
                    let last = match end {
                        0 => Event::new("Ended", EventKind::End).into(),
                        _ if empty => Node::empty(),
                        _ => Activity::new("Otherwise").into(),
                    };
                    branches.push(Branch::otherwise("else", last));
                    Node::choice("Which?", branches)
                }
            ),
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(body, redo, bare)| {
                Node::repeat("Again?", "again = true", body, if bare { Node::empty() } else { redo })
            }),
            (
                proptest::collection::vec(inner, 2..5),
                proptest::collection::vec((0..5_usize, 0..5_usize), 0..6)
            )
                .prop_map(|(children, pairs)| {
                    let size = children.len();
                    let order = pairs.into_iter().filter(|&(a, b)| a < b && b < size).collect();
                    Node::partial(children, order)
                }),
        ]
    })
}

/// Trees in which every rule holds: those that break one (an end beside other steps) are left out.
fn tree() -> impl Strategy<Value = Tree> {
    node().prop_map(Tree::new).prop_filter("well formed", |tree| tree.type_check().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_that_passes_the_check_compiles_to_a_sound_process(tree in tree()) {
        let definitions = compile(&tree, "random_process", "Random").unwrap();
        let programs = bpmn::compile::compile(&definitions, None).unwrap();
        let findings = bpmn::check::soundness(&programs[0]);
        let bad: Vec<_> = findings.iter().filter(|finding| finding.severity == bpmn::check::Severity::Error).collect();
        prop_assert!(bad.is_empty(), "{bad:?}\n{}", bpmn::xml::write(&definitions));
    }

    #[test]
    fn a_table_gives_back_the_tree_it_was_made_from(tree in tree()) {
        let text = serde_json::to_string(&Table::from(&tree)).unwrap();
        let table: Table = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(table.to_tree().unwrap(), tree);
    }

    #[test]
    fn removing_any_step_leaves_a_sound_process_or_is_refused(tree in tree(), pick in any::<prop::sample::Index>()) {
        let ids: Vec<String> = tree.activities().iter().map(|activity| activity.id.clone()).collect();
        prop_assume!(!ids.is_empty());
        if let Ok(edited) = tree.edit(Edit::Remove { id: ids[pick.index(ids.len())].clone() }) {
            let definitions = compile(&edited, "random_process", "Random").unwrap();
            let programs = bpmn::compile::compile(&definitions, None).unwrap();
            let findings = bpmn::check::soundness(&programs[0]);
            prop_assert!(findings.iter().all(|finding| finding.severity != bpmn::check::Severity::Error));
        }
    }
}

/// A partial order inside another one: its gateways have names of their own.
#[test]
fn gateways_of_nested_partial_orders_do_not_share_an_id() {
    let wait = || Node::from(Event::new("Wait", EventKind::Timer("PT1S".to_owned())));
    let inner = Node::partial(vec![wait(), wait()], Vec::new());
    let tree = Tree::new(Node::partial(vec![inner, wait(), wait()], vec![(0, 2), (1, 2)]));
    let definitions = compile(&tree, "p", "P").unwrap();
    let mut ids: Vec<&str> =
        definitions.processes[0].nodes.iter().map(|node| node.element.id.as_str()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(bpmn::check::soundness(&bpmn::compile::compile(&definitions, None).unwrap()[0]), []);
}

fn three() -> Tree {
    Tree::new(Node::sequence(vec![
        Activity::new("Pack goods").into(),
        Activity::new("Ship goods").into(),
        Activity::new("Send invoice").into(),
    ]))
}

fn order(tree: &Tree) -> Vec<&str> {
    tree.activities().iter().map(|activity| activity.label.as_str()).collect()
}

#[test]
fn edits_insert_move_replace_and_wrap() {
    let tree = three();
    let approval = Activity::new("Approve shipment").kind(TaskKind::User);
    let edit = Edit::Insert { node: approval.into(), place: Place::Before("ship_goods".into()) };
    let inserted = tree.edit(edit).unwrap();
    assert_eq!(order(&inserted), ["Pack goods", "Approve shipment", "Ship goods", "Send invoice"]);
    let moved = tree.edit(Edit::Move { id: "send_invoice".into(), place: Place::First }).unwrap();
    assert_eq!(order(&moved), ["Send invoice", "Pack goods", "Ship goods"]);
    let replaced = tree
        .edit(Edit::Replace { id: "ship_goods".into(), node: Activity::new("Collect goods").into() })
        .unwrap();
    assert_eq!(order(&replaced), ["Pack goods", "Collect goods", "Send invoice"]);
    let around =
        Wrap::Loop { label: "Failed?".into(), condition: "failed = true".into(), redo: Node::empty() };
    let wrapped = tree.edit(Edit::Wrap { id: "ship_goods".into(), around }).unwrap();
    assert!(wrapped.nodes().iter().any(|node| matches!(node, Node::Loop(_))));
    assert_eq!(tree, three(), "the tree that was edited stays as it is");
}

#[test]
fn an_edit_that_names_no_node_is_refused() {
    assert_eq!(three().edit(Edit::Remove { id: "nothing".into() }).unwrap_err().code(), "DAS-0002");
}

#[test]
fn broken_rules_are_named_with_their_node() {
    let why = |node: Node| Tree::new(node).type_check().unwrap_err()[0].why.clone();
    let step = || Node::from(Activity::new("Step"));
    assert!(why(Node::empty()).contains("no step"));
    assert!(why(Node::choice("", vec![Branch::otherwise("", step())])).contains("at least two"));
    let two_defaults = vec![Branch::otherwise("", step()), Branch::otherwise("", Activity::new("Other"))];
    assert!(why(Node::choice("", two_defaults)).contains("exactly one branch"));
    assert!(
        why(Node::partial(vec![step(), Activity::new("Other").into()], vec![(0, 1), (1, 0)]))
            .contains("circle")
    );
    let ended = Node::sequence(vec![Event::new("Over", EventKind::End).into(), step()]);
    assert!(why(ended).contains("nothing after"));
    let bad = Node::repeat("", "this is (not", step(), Node::empty());
    assert!(why(bad).contains("FEEL"));
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    let mut node: Node = Activity::new("Deep").into();
    for _ in 0..=MAX_DEPTH {
        node = Node::sequence(vec![node]);
    }
    assert!(Tree::new(node).type_check().unwrap_err()[0].why.contains("deeper"));
    let rows =
        (0..200).map(|place| format!(r#"{{"id":"n{place}","op":"sequence","children":["n{}"]}}"#, place + 1));
    let text = format!(
        r#"{{"root":"n0","nodes":[{},{{"id":"n200","op":"activity","label":"X"}}]}}"#,
        rows.collect::<Vec<_>>().join(",")
    );
    let table: Table = serde_json::from_str(&text).unwrap();
    assert!(table.to_tree().unwrap_err()[0].why.contains("deeper"));
}

#[test]
fn two_actors_get_a_lane_each_and_one_gets_none() {
    let of = |actors: &[&str]| {
        let steps = actors
            .iter()
            .map(|actor| Activity::new(format!("Work of {actor}")).actor(*actor).into())
            .collect();
        compile(&Tree::new(Node::sequence(steps)), "work", "Work").unwrap()
    };
    let two = of(&["Clerk", "Manager"]);
    let lanes = &two.processes[0].lane_sets[0].lanes;
    assert_eq!(lanes.iter().map(|lane| lane.nodes.len()).sum::<usize>(), two.processes[0].nodes.len());
    assert_eq!((lanes.len(), two.collaborations.len()), (2, 1));
    assert!(of(&["Clerk"]).processes[0].lane_sets.is_empty());
}

/// Ids of the data that a step reads or writes, and of the pools it speaks with.
fn beside<'a>(definitions: &'a bpmn::model::Definitions, step: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let process = &definitions.processes[0];
    let lines = &process.node(step).unwrap().data_associations;
    let data = lines
        .iter()
        .flat_map(|line| line.sources.iter().chain(line.target.iter().filter(|_| !line.is_input)));
    let flows = definitions.collaborations.iter().flat_map(|collaboration| &collaboration.message_flows);
    let other = flows.filter_map(|flow| match (flow.source == step, flow.target == step) {
        (true, _) => Some(flow.target.as_str()),
        (_, true) => Some(flow.source.as_str()),
        _ => None,
    });
    (data.map(String::as_str).collect(), other.collect())
}

#[test]
fn what_is_made_and_handled_is_a_data_object_and_who_never_acts_is_a_pool() {
    let step = |id: &str, actor: &str| Activity::new(id).id(id).actor(actor);
    let mut write = step("write", "Clerk");
    write.makes = vec!["report".to_owned(), "заметки".to_owned(), " ".to_owned()];
    let mut check = step("check", "Manager");
    check.data = vec!["Reports".to_owned()];
    let mut send = step("send", "Clerk");
    send.data = vec!["report".to_owned()];
    send.partner = Some(Partner { name: "Customer".to_owned(), sends: true, message: "Report".to_owned() });
    let mut ask = step("ask", "Clerk");
    ask.data = vec!["отчёты".to_owned(), String::new()];
    ask.makes = vec!["reminder".to_owned()];
    ask.partner = Some(Partner { name: "manager".to_owned(), sends: true, message: String::new() });
    let tree = Tree::new(Node::sequence([write, check, send, ask].map(Node::from).to_vec()));
    let definitions = compile(&tree, "p", "Reporting").unwrap();
    let process = &definitions.processes[0];
    let drawn: Vec<_> = process.data.iter().filter_map(|data| data.element.name.as_deref()).collect();
    assert_eq!(
        drawn,
        ["Report", "Report"],
        "one reference beside each step; nobody handles notes and reminder"
    );
    assert_eq!(beside(&definitions, "write").0, ["write-data"]);
    assert_eq!(beside(&definitions, "check").0, ["check-data"]);
    assert_eq!(
        beside(&definitions, "send"),
        (vec![], vec!["partner-1"]),
        "its message says what it hands on"
    );
    assert_eq!(beside(&definitions, "ask").1, Vec::<&str>::new(), "the manager acts: a lane, not a pool");
    let pools: Vec<_> =
        definitions.collaborations[0].participants.iter().map(|pool| pool.element.name.as_deref()).collect();
    assert_eq!(pools, [Some("Customer"), Some("Reporting")]);
    let again = bpmn::xml::read(bpmn::xml::write(&definitions).as_bytes()).unwrap();
    assert_eq!(again, definitions, "nothing of it is lost in the file");
    assert!(bpmn::compile::compile(&definitions, None).is_ok());
}
