//! Mining rediscovers what made a log, and replay tells what fits from what does not.

use bpmn::program::Program;
use proptest::prelude::*;

use super::log::{read_log, read_trail};
use super::*;
use crate::tree::{Activity, Branch, Event, EventKind, Node, Tree, compile};

fn log(cases: &[&str]) -> EventLog {
    let labels: Vec<Vec<String>> =
        cases.iter().map(|case| case.chars().map(|c| c.to_string()).collect()).collect();
    EventLog::from_labels(&labels).unwrap()
}

fn program(tree: &Tree) -> Program {
    let definitions = compile(tree, "the_process", "Process").unwrap();
    bpmn::compile::compile(&definitions, None).unwrap().remove(0)
}

/// The tree as a short text: →( ) ×( ) ∧( ) ↺( ), τ for nothing.
fn shape(node: &Node) -> String {
    let list = |name: &str, children: Vec<&Node>, sorted: bool| {
        let mut parts: Vec<String> = children.into_iter().map(shape).collect();
        if sorted {
            parts.sort();
        }
        format!("{name}({})", parts.join(","))
    };
    match node {
        Node::Activity(activity) => activity.label.clone(),
        Node::Event(event) => event.label.clone(),
        Node::Sequence(sequence) if sequence.children.is_empty() => "τ".to_owned(),
        Node::Sequence(_) => list("→", node.children(), false),
        Node::Choice(_) => list("×", node.children(), true),
        Node::Loop(_) => list("↺", node.children(), false),
        Node::Partial(_) => list("∧", node.children(), true),
    }
}

fn found(cases: &[&str]) -> String {
    shape(&discover(&log(cases), 0.0).unwrap().root)
}

#[test]
fn textbook_logs_give_back_sequence_choice_parallel_and_loop() {
    assert_eq!(found(&["abc", "abc"]), "→(a,b,c)");
    assert_eq!(found(&["abd", "acd"]), "→(a,×(b,c),d)");
    assert_eq!(found(&["abcd", "acbd"]), "→(a,∧(b,c),d)");
    assert_eq!(found(&["ab", "acbab", "ab"]).as_str(), found(&["ab", "acbab"]).as_str());
    assert_eq!(found(&["abcab", "ab", "abcabcab"]), "↺(→(a,b),c)");
    assert_eq!(found(&["a", "aa", "aaa"]), "↺(a,τ)");
    assert_eq!(found(&["abc", "ac"]), "→(a,×(b,τ),c)");
    // The running example of the process mining literature: van der Aalst, L1.
    assert_eq!(found(&["abcd", "abcd", "abcd", "acbd", "acbd", "aed"]), "→(a,×(e,∧(b,c)),d)");
}

#[test]
fn rare_behaviour_is_left_out_when_asked_for() {
    let mut cases = vec!["abc"; 97];
    cases.extend(["acb", "bac", "cab"]);
    assert_eq!(shape(&discover(&log(&cases), 0.2).unwrap().root), "→(a,b,c)");
    assert_ne!(found(&cases), "→(a,b,c)");
}

#[test]
fn a_discovered_process_runs_is_sound_and_names_shares() {
    let tree = discover(&log(&["abd", "abd", "abd", "acd"]), 0.0).unwrap();
    let definitions = compile(&tree, "found", "Found").unwrap();
    let findings = bpmn::check::check(&definitions, bpmn::check::Target::Embedded);
    assert!(findings.iter().all(|finding| finding.severity != bpmn::check::Severity::Error), "{findings:?}");
    let xml = bpmn::xml::write(&definitions);
    assert!(xml.contains("75 %") && xml.contains("25 %") && xml.contains(r#"=way1 = "c""#), "{xml}");
}

#[test]
fn a_log_that_fits_has_fitness_one_and_one_that_does_not_names_each_deviation() {
    let tree = discover(&log(&["abcd", "acbd", "aed"]), 0.0).unwrap();
    let same = conformance(&log(&["abcd", "acbd", "aed"]), &program(&tree));
    assert_eq!((same.fitting, same.missing, same.remaining), (3, 0, 0));
    assert!((same.fitness - 1.0).abs() < 1e-12 && (same.precision - 1.0).abs() < 1e-12, "{same:?}");
    let other = conformance(&log(&["abcd", "abd", "xabcd", "ab"]), &program(&tree));
    assert_eq!(other.fitting, 1);
    assert!(other.fitness < 1.0 && other.f1 < 1.0);
    assert_eq!(other.only_in_log, ["x"]);
    assert_eq!(other.only_in_process, ["e"]);
    let texts: Vec<String> = other
        .deviating
        .iter()
        .flat_map(|fit| fit.deviations.iter().map(|d| format!("{}: {d}", fit.cases.join(","))))
        .collect();
    assert!(texts.contains(&"2: step 3: 'd' is not allowed there (expected: c)".to_owned()), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("3: step 1: the process has no 'x'")), "{texts:?}");
    assert!(texts.contains(&"4: after step 2: it stops too early (expected: c)".to_owned()), "{texts:?}");
}

#[test]
fn replay_counts_tokens_as_the_formula_says() {
    // a then b; the case is only "a": the flow a-b is produced and remains, the end is missing.
    let tree = Tree::new(Node::sequence(vec![Activity::new("a").into(), Activity::new("b").into()]));
    let result = conformance(&log(&["a"]), &program(&tree));
    // Produced: source, start-a, a-b. Consumed: source, start-a, and the end that is missing.
    assert_eq!((result.produced, result.consumed, result.missing, result.remaining), (3, 3, 1, 1));
    assert!((result.fitness - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_flower_is_fit_and_imprecise() {
    let petals = ["a", "b", "c", "d"].map(Activity::new);
    let [first, rest @ ..] = petals;
    let mut branches = vec![Branch::otherwise("", first)];
    branches.extend(rest.map(|petal| {
        let condition = format!("way = \"{}\"", petal.label);
        Branch::when("", condition, petal)
    }));
    let flower = Tree::new(Node::repeat("", "again = true", Node::choice("", branches), Node::empty()));
    let result = conformance(&log(&["abcd"]), &program(&flower));
    assert!((result.fitness - 1.0).abs() < 1e-12);
    assert!((result.precision - 0.25).abs() < 1e-12, "one of four is seen at each place: {result:?}");
}

#[test]
fn sub_processes_boundary_events_and_inclusive_gateways_are_replayed() {
    use bpmn::model::{Builder, EventDefinitionKind, SubProcess};
    let mut builder = Builder::process("p");
    builder.start("s").enter("sub", "Sub", SubProcess::Embedded);
    builder.start("s2").task("a", "a").inclusive("o", "").task("b", "b").task("c", "c").inclusive("j", "");
    builder.end("e2").leave();
    builder.task("d", "d").task("x", "x").end("e").end("e3");
    builder.boundary(
        "t",
        "sub",
        true,
        EventDefinitionKind::Timer(Some(bpmn::model::TimerExpression::Duration(
            bpmn::model::FormalExpression::of("PT1H"),
        ))),
    );
    builder.flow("s", "sub").flow("s2", "a").flow("a", "o").flow_if("o", "b", "", "p = 1");
    builder.flow_if("o", "c", "", "q = 1").flow("b", "j").flow("c", "j").flow("j", "e2");
    builder.flow("sub", "d").flow("d", "e").flow("t", "x").flow("x", "e3");
    let definitions = builder.finish();
    let program = bpmn::compile::compile(&definitions, None).unwrap().remove(0);
    let fits = conformance(&log(&["abd", "acd", "abcd", "acbd", "ax", "abx", "x"]), &program);
    assert_eq!(fits.fitting, 7, "{:?}", fits.deviating);
    let not = conformance(&log(&["ad", "abbd", "abxd", "abcx", "bd"]), &program);
    let names: Vec<&String> = not.deviating.iter().flat_map(|fit| &fit.cases).collect();
    assert_eq!(names.len(), 4, "only the case that is broken off before d fits: {:?}", not.deviating);
}

const TABLE: &str = "case_id;Activity;Complete Timestamp;Resource\n\
    1;Check;2024-01-01 10:00:00;clerk\n2;Check;2024-01-01 10:01:00;clerk\n\
    1;Pay;2024-01-03 09:00:00;boss\n1;Sign;2024-01-02 09:00:00;boss\n2;Sign;2024-01-02 10:00:00;boss\n";

#[test]
fn a_table_is_read_by_its_headers_ordered_by_time_with_actors() {
    let log = read_log(TABLE.as_bytes()).unwrap();
    assert_eq!((log.cases(), log.events()), (2, 5));
    let names = |variant: &Variant| -> Vec<&str> {
        variant.steps.iter().map(|&step| log.activities()[step].as_str()).collect()
    };
    assert_eq!(names(&log.variants()[0]), ["Check", "Sign", "Pay"]);
    assert_eq!(log.actor(0), Some("clerk"));
    let tree = discover(&log, 0.0).unwrap();
    assert_eq!(tree.actors(), ["clerk", "boss"]);
}

#[test]
fn what_is_no_log_is_refused() {
    for bytes in
        [&b""[..], b"one,two\n1,2\n", b"<definitions/>", b"\x1f\x8b\x08", b"<log/>", b"case,activity\n"]
    {
        assert_eq!(read_log(bytes).unwrap_err().code(), "DAS-0010");
    }
}

#[tokio::test]
async fn our_own_trail_becomes_a_log() {
    let mut events = Vec::new();
    for (instance, node, kind) in [
        (1, "pack", "serviceTask"),
        (2, "pack", "serviceTask"),
        (1, "s", "startEvent"),
        (1, "ship", "userTask"),
    ] {
        events.push(trail::NewEvent {
            instance: Some(instance),
            definition: Some(7),
            element: Some(node.to_owned()),
            data: serde_json::json!({"event": "element_completed", "node": node, "kind": kind, "body": false}),
            ..trail::NewEvent::new("element.completed", 5)
        });
    }
    let store = engine::MemoryStore::new();
    trail::Trail::append(&store, events).await.unwrap();
    let names = std::collections::BTreeMap::from([("pack".to_owned(), "Pack goods".to_owned())]);
    let log = read_trail(&store, &[7], &names).await.unwrap();
    assert_eq!(log.activities(), ["Pack goods", "ship"]);
    assert_eq!((log.cases(), log.events()), (2, 3));
    assert_eq!(read_trail(&store, &[8], &names).await.unwrap().events(), 0);
    assert_eq!(read_trail(&store, &[], &names).await.unwrap().events(), 3);
}

fn leaf() -> impl Strategy<Value = Node> {
    Just(()).prop_map(|()| Activity::new("Step").into())
}

fn block() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Node::sequence),
            (proptest::collection::vec(inner.clone(), 1..3), any::<bool>()).prop_map(|(bodies, empty)| {
                let mut branches: Vec<Branch> = bodies
                    .into_iter()
                    .enumerate()
                    .map(|(at, body)| Branch::when("", format!("v{at} = true"), body))
                    .collect();
                let last = if empty { Node::empty() } else { Activity::new("Other").into() };
                branches.push(Branch::otherwise("", last));
                Node::choice("", branches)
            }),
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(body, redo, bare)| {
                Node::repeat("", "again = true", body, if bare { Node::empty() } else { redo })
            }),
            proptest::collection::vec(inner, 2..4).prop_map(Node::parallel),
        ]
    })
}

/// Block-structured trees in which every step has a name of its own.
fn tree() -> impl Strategy<Value = Tree> {
    block().prop_map(|root| {
        let mut tree = Tree::new(root);
        let mut number = 0;
        tree.for_each_activity(|activity| {
            number += 1;
            activity.label = format!("Step {number}");
        });
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_of_any_block_structured_process_is_accepted_by_what_is_discovered_from_it(tree in tree(), seed in 0..1_000_u64) {
        let log = play_out(&program(&tree), 30, seed).unwrap();
        prop_assume!(log.events() > 0 && log.variants().iter().all(|variant| variant.steps.len() < 60));
        let own = conformance(&log, &program(&tree));
        prop_assert!(!own.exact || (own.fitness - 1.0).abs() < 1e-12, "its own log: {:?}", own.deviating);
        let found = discover(&log, 0.0).unwrap();
        let result = conformance(&log, &program(&found));
        prop_assert!(!result.exact || (result.fitness - 1.0).abs() < 1e-12, "{} from {:?}: {:?}", shape(&found.root), shape(&tree.root), result.deviating);
        prop_assert!(result.precision > 0.0 && result.precision <= 1.0);
    }

    #[test]
    fn leaving_out_noise_always_gives_a_sound_process(tree in tree(), seed in 0..1_000_u64, noise in 0.05..0.9_f64) {
        let log = play_out(&program(&tree), 20, seed).unwrap();
        prop_assume!(log.events() > 0);
        if let Ok(found) = discover(&log, noise) {
            let definitions = compile(&found, "the_process", "Process").unwrap();
            let programs = bpmn::compile::compile(&definitions, None).unwrap();
            let findings = bpmn::check::soundness(&programs[0]);
            prop_assert!(findings.iter().all(|finding| finding.severity != bpmn::check::Severity::Error));
        }
    }
}

#[test]
fn events_with_a_name_in_the_log_are_seen() {
    let tree = Tree::new(Node::sequence(vec![
        Activity::new("a").into(),
        Event::new("w", EventKind::Timer("PT1H".to_owned())).into(),
        Activity::new("b").into(),
    ]));
    assert_eq!(conformance(&log(&["ab"]), &program(&tree)).fitting, 1);
    assert_eq!(conformance(&log(&["awb"]), &program(&tree)).fitting, 1);
}
