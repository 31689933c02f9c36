//! Gateways and splits.

use serde_json::json;

use super::build::{Build, duration, feel, message, process};
use super::drive::Story;
use crate::exec::{Input, Status, codes};
use crate::program::{NodeKind, Program};

fn split(kind: NodeKind) -> Program {
    process(|b| {
        b.start("s");
        b.node("g", kind);
        for task in ["a", "b", "c"] {
            b.job(task);
            b.end(&format!("e{task}"));
            b.flow(task, &format!("e{task}"));
        }
        b.flow("s", "g");
        b.flow_if("g", "a", "x > 1");
        b.flow_if("g", "b", "x > 2");
        b.otherwise("g", "c");
    })
}

#[test]
fn splits_follow_their_conditions_in_document_order() {
    let rows = [
        (NodeKind::Exclusive, 0, vec!["c"]),
        (NodeKind::Exclusive, 2, vec!["a"]),
        (NodeKind::Exclusive, 3, vec!["a"]),
        (NodeKind::Inclusive, 0, vec!["c"]),
        (NodeKind::Inclusive, 2, vec!["a"]),
        (NodeKind::Inclusive, 3, vec!["a", "b"]),
        (NodeKind::PassThrough, 0, vec!["c"]),
        (NodeKind::PassThrough, 3, vec!["a", "b"]),
        (NodeKind::Complex { activation: None }, 3, vec!["a", "b"]),
        (NodeKind::Parallel, 0, vec!["a", "b", "c"]),
    ];
    for (kind, x, expected) in rows {
        let text = format!("{kind:?} with x = {x}");
        let story = Story::start(split(kind), json!({"x": x}));
        assert_eq!(story.open(), expected, "{text}");
    }
}

#[test]
fn a_split_without_way_out_is_an_incident_and_goes_on_when_resolved() {
    for kind in [NodeKind::Exclusive, NodeKind::Inclusive, NodeKind::PassThrough] {
        let mut program = split(kind);
        program.nodes[1].default_flow = None;
        program.flows[6].condition = Some(feel("false"));
        let mut story = Story::start(program, json!({"x": 0}));
        assert_eq!(story.incidents(), [codes::NO_FLOW]);
        story.resolve();
        assert_eq!(story.incidents(), [codes::NO_FLOW], "nothing has changed yet");
        story.set(json!({"x": 2})).resolve();
        assert_eq!(story.open(), ["a"]);
        story.done("a", json!({})).ends();
    }
}

#[test]
fn several_flows_out_of_a_task_split_and_several_into_one_merge() {
    let program = process(|b| {
        b.start("s");
        b.job("a");
        b.pass("x");
        b.pass("y");
        b.job("z");
        b.end("e");
        b.chain(&["s", "a", "x", "z", "e"]);
        b.chain(&["a", "y", "z"]);
    });
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({}));
    assert_eq!(story.open(), ["z", "z"]);
    story.done("z", json!({}));
    assert_eq!(story.status(), Status::Active);
    story.done("z", json!({})).ends();
}

fn diamond(kind: &NodeKind) -> Program {
    process(|b| {
        b.start("s");
        b.and("split");
        b.job("a");
        b.job("b");
        b.node("join", kind.clone());
        b.job("z");
        b.end("e");
        b.chain(&["s", "split", "a", "join", "z", "e"]);
        b.chain(&["split", "b", "join"]);
    })
}

#[test]
fn joins_wait_for_all_branches() {
    for kind in [NodeKind::Parallel, NodeKind::Inclusive, NodeKind::Complex { activation: None }] {
        let mut story = Story::start(diamond(&kind), json!({}));
        story.done("b", json!({}));
        assert_eq!(story.open(), ["a"], "{kind:?}");
        story.done("a", json!({}));
        assert_eq!(story.open(), ["z"], "{kind:?}");
        story.done("z", json!({})).ends();
        assert_eq!(story.visits("join"), 1);
    }
    let mut story = Story::start(diamond(&NodeKind::Exclusive), json!({}));
    story.done("a", json!({})).done("b", json!({}));
    assert_eq!(story.open(), ["z", "z"]);
}

#[test]
fn a_parallel_join_counts_tokens_by_flow() {
    // Two tokens on one flow are two rounds, not one complete set.
    let program = process(|b| {
        b.start("s");
        b.and("split");
        b.pass("merge");
        b.job("b");
        b.and("join");
        b.end("e");
        b.chain(&["s", "split", "merge", "join", "e"]);
        b.flow("split", "merge");
        b.chain(&["split", "b", "join"]);
    });
    let mut story = Story::start(program, json!({}));
    assert_eq!(story.visits("merge"), 2);
    assert_eq!(story.visits("join"), 0);
    story.done("b", json!({}));
    assert_eq!(story.visits("join"), 1);
    assert_eq!(story.incidents(), [codes::DEADLOCK]);
}

#[test]
fn a_deadlock_is_an_incident_and_moving_the_token_helps() {
    let program = process(|b| {
        b.start("s");
        b.xor("split");
        b.pass("a");
        b.pass("b");
        b.and("join");
        b.end("e");
        b.chain(&["s", "split", "a", "join", "e"]);
        b.chain(&["split", "b", "join"]);
    });
    let mut story = Story::start(program, json!({}));
    assert_eq!(story.incidents(), [codes::DEADLOCK]);
    assert!(story.state.incidents().next().unwrap().message.contains("b->join"));
    story.tell(Input::Modify { terminate: vec![], activate: vec!["b".to_owned()] });
    story.ends();
}

/// An inclusive split to a, b, c whose joins are not nested: a and b meet first, then c.
fn unstructured(b: &mut Build) {
    b.start("s");
    b.or("split");
    for task in ["a", "b", "c"] {
        b.job(task);
    }
    b.or("join1");
    b.job("m");
    b.or("join2");
    b.end("e");
    b.flow("s", "split");
    b.flow_if("split", "a", "list contains(way, \"a\")");
    b.flow_if("split", "b", "list contains(way, \"b\")");
    b.flow_if("split", "c", "list contains(way, \"c\")");
    b.chain(&["a", "join1", "m", "join2", "e"]);
    b.flow("b", "join1");
    b.flow("c", "join2");
    b.flow("b", "join2");
}

#[test]
fn an_inclusive_join_waits_for_what_can_still_come_and_for_nothing_else() {
    let mut story = Story::start(process(unstructured), json!({"way": ["a", "c"]}));
    story.done("c", json!({}));
    assert_eq!(story.visits("join2"), 0, "a can still lead here");
    story.done("a", json!({})).done("m", json!({})).ends();
    assert_eq!(story.visits("join2"), 1);

    let mut story = Story::start(process(unstructured), json!({"way": ["a", "b"]}));
    story.done("a", json!({}));
    assert_eq!(story.visits("join1"), 0, "b can still lead here");
    story.done("b", json!({}));
    assert_eq!((story.visits("join1"), story.visits("join2")), (1, 0));
    story.done("m", json!({})).ends();
    assert_eq!(story.visits("join2"), 1);
}

#[test]
fn an_inclusive_join_counts_boundary_events_and_links_as_ways_to_it() {
    let program = process(|b| {
        b.start("s");
        b.and("split");
        b.job("a");
        b.job("b");
        b.boundary("late", "b", duration("PT1H"), true);
        b.node("out", NodeKind::Throw(crate::program::Throw::Link { name: "l".to_owned() }));
        b.node("in", NodeKind::Catch(crate::program::Trigger::Link { name: "l".to_owned() }));
        b.or("join");
        b.end("e");
        b.end("other");
        b.chain(&["s", "split", "a", "join", "e"]);
        b.chain(&["split", "b", "other"]);
        b.chain(&["late", "out"]);
        b.chain(&["in", "join"]);
    });
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({}));
    assert_eq!(story.visits("join"), 0, "the timer at b can still lead here");
    story.next_timer().ends();
    assert_eq!(story.visits("join"), 1);
}

#[test]
fn an_inclusive_join_in_a_loop_goes_round() {
    let program = process(|b| {
        b.start("s");
        b.or("join");
        b.script("count", "if n = null then 1 else n + 1", "n");
        b.xor("again");
        b.end("e");
        b.chain(&["s", "join", "count", "again"]);
        b.flow_if("again", "join", "n < 5");
        b.otherwise("again", "e");
    });
    let story = Story::start(program, json!({}));
    story.ends();
    assert_eq!(story.value("n"), json!(5));
}

#[test]
fn inclusive_joins_that_wait_for_one_another_go_on() {
    let program = process(|b| {
        b.start("s");
        b.and("split");
        b.or("j1");
        b.or("j2");
        b.xor("x1");
        b.xor("x2");
        b.end("e1");
        b.end("e2");
        b.chain(&["s", "split", "j1", "x1"]);
        b.chain(&["split", "j2", "x2"]);
        b.otherwise("x1", "e1");
        b.otherwise("x2", "e2");
        b.flow_if("x1", "j2", "false");
        b.flow_if("x2", "j1", "false");
    });
    Story::start(program, json!({})).ends();
}

#[test]
fn a_complex_gateway_goes_on_at_its_condition_and_swallows_the_late_token() {
    let program = process(|b| {
        b.start("s");
        b.and("split");
        b.node("join", NodeKind::Complex { activation: Some(feel("activationCount >= 2")) });
        for task in ["a", "b", "c"] {
            b.job(task);
            b.chain(&["split", task, "join"]);
        }
        b.job("z");
        b.end("e");
        b.flow("s", "split");
        b.chain(&["join", "z", "e"]);
    });
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({}));
    assert_eq!(story.open(), ["b", "c"]);
    story.done("c", json!({}));
    assert_eq!(story.open(), ["b", "z"]);
    story.done("z", json!({}));
    assert_eq!(story.status(), Status::Active, "b is still at work");
    story.done("b", json!({})).ends();
    assert_eq!(story.visits("z"), 1);
}

#[test]
fn a_complex_gateway_is_reset_for_the_next_round() {
    let program = |late_comes: bool| {
        process(|b| {
            b.start("s");
            b.xor("round");
            b.and("split");
            b.node("join", NodeKind::Complex { activation: Some(feel("activationCount >= 1")) });
            b.xor("turn");
            b.job("fast");
            b.job("slow");
            b.xor("maybe");
            b.job("z");
            b.end("e");
            b.end("gone");
            b.chain(&["s", "round", "split", "fast", "join", "z", "turn"]);
            b.chain(&["split", "slow", "maybe"]);
            b.flow_if("maybe", "join", if late_comes { "true" } else { "false" });
            b.otherwise("maybe", "gone");
            b.flow_if("turn", "round", "again");
            b.otherwise("turn", "e");
        })
    };
    for late_comes in [true, false] {
        let mut story = Story::start(program(late_comes), json!({"again": true}));
        story.done("fast", json!({})).done("z", json!({}));
        assert_eq!(story.open(), ["fast", "slow", "slow"]);
        // The next round reaches the gateway before the late token of the first one.
        story.done("fast", json!({}));
        assert_eq!(story.open(), ["slow", "slow"], "not reset yet");
        story.done("slow", json!({})).done("slow", json!({"again": false}));
        assert_eq!(story.visits("join"), 2, "{late_comes}");
        story.done("z", json!({})).ends();
    }
}

fn event_based() -> Program {
    process(|b| {
        b.start("s");
        b.node("g", NodeKind::EventBased { instantiate: false });
        b.node("m", NodeKind::Catch(message("paid")));
        b.node("t", NodeKind::Catch(duration("P1D")));
        b.node("r", NodeKind::Receive(message("refused")));
        for (event, end) in [("m", "em"), ("t", "et"), ("r", "er")] {
            b.end(end);
            b.chain(&["g", event, end]);
        }
        b.flow("s", "g");
    })
}

#[test]
fn an_event_based_gateway_takes_the_first_event_and_drops_the_others() {
    let mut story = Story::start(event_based(), json!({}));
    story.receive("paid", json!({"amount": 5})).ends();
    assert_eq!(story.completed(), ["s", "g", "m", "em"]);
    assert_eq!(story.traced("taken"), ["s->g", "g->m", "m->em"]);
    assert_eq!(story.value("amount"), json!(5));

    let mut story = Story::start(event_based(), json!({}));
    story.next_timer().ends();
    assert_eq!(story.completed(), ["s", "g", "t", "et"]);

    let mut story = Story::start(event_based(), json!({}));
    story.receive("refused", json!({})).ends();
    assert_eq!(story.completed(), ["s", "g", "r", "er"]);
}

#[test]
fn an_instantiating_gateway_starts_at_the_event_that_happened() {
    let program = || {
        process(|b| {
            b.node("g", NodeKind::EventBased { instantiate: true });
            b.node("m", NodeKind::Catch(message("paid")));
            b.job("a");
            b.end("e");
            b.chain(&["g", "m", "a", "e"]);
        })
    };
    let mut story = Story::fresh(program());
    story.tell(Input::Start { start: Some("m".to_owned()), variables: Default::default() });
    assert_eq!(story.open(), ["a"]);
    let mut story = Story::fresh(program());
    story.refuse(Input::Start { start: Some("a".to_owned()), variables: Default::default() });
}
