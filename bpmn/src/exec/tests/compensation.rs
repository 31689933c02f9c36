//! Compensation, transactions, cancellation.

use serde_json::json;

use super::build::{Build, process, times};
use super::drive::Story;
use crate::exec::{Event, Status, codes};
use crate::program::{NodeKind, Program, SubProcess, Throw, Trigger};

fn throw(activity: Option<usize>) -> NodeKind {
    NodeKind::Throw(Throw::Compensation { activity })
}

/// start → a → b → throw → z → end, with handlers for a and b.
fn trip(only: Option<&str>) -> Program {
    process(|b| {
        b.start("s");
        b.job("a");
        b.job("b");
        b.handler("undo-a", "a");
        b.handler("undo-b", "b");
        let only = only.map(|id| b.place(id));
        b.node("t", throw(only));
        b.end("e");
        b.chain(&["s", "a", "b", "t", "e"]);
    })
}

#[test]
fn what_ended_is_undone_last_first() {
    let mut story = Story::start(trip(None), json!({}));
    story.done("a", json!({})).done("b", json!({}));
    assert_eq!(story.open(), ["undo-b"]);
    story.done("undo-b", json!({}));
    assert_eq!(story.open(), ["undo-a"]);
    story.done("undo-a", json!({})).ends();
    assert_eq!(story.completed(), ["s", "a", "b", "undo-b", "undo-a", "t", "e"]);
}

#[test]
fn one_activity_can_be_undone_alone() {
    let mut story = Story::start(trip(Some("a")), json!({}));
    story.done("a", json!({})).done("b", json!({}));
    assert_eq!(story.open(), ["undo-a"]);
    story.done("undo-a", json!({})).ends();
}

#[test]
fn nothing_to_undo_goes_on_and_nothing_is_undone_twice() {
    let program = process(|b| {
        b.start("s");
        b.node("t0", throw(None));
        b.job("a");
        b.handler("undo-a", "a");
        b.node("t1", throw(None));
        b.end_with("e", Throw::Compensation { activity: None });
        b.chain(&["s", "t0", "a", "t1", "e"]);
    });
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({})).done("undo-a", json!({})).ends();
}

#[test]
fn a_handler_sees_the_variables_its_activity_had() {
    let program = process(|b| {
        b.start("s");
        b.job("a");
        b.input("a", "room", "booked");
        b.repeat("a", times("2", true));
        b.handler("undo-a", "a");
        b.script("change", "0", "room");
        b.end_with("e", Throw::Compensation { activity: None });
        b.chain(&["s", "a", "change", "e"]);
    });
    let mut story = Story::start(program, json!({"room": 7}));
    story.done("a", json!({})).done("a", json!({}));
    for round in [2, 1] {
        let given = story.events.iter().rev().find_map(|event| match event {
            Event::JobCreated { variables, .. } => Some(variables.clone()),
            _ => None,
        });
        let given = given.unwrap();
        assert_eq!((&given["booked"], &given["loopCounter"]), (&json!(7), &json!(round)));
        story.done("undo-a", json!({}));
    }
    story.ends();
}

fn in_sub(contents: impl FnOnce(&mut Build)) -> Program {
    process(|b| {
        b.start("s");
        b.sub("sub", SubProcess::Embedded, |b| {
            b.start("is");
            b.job("a");
            b.handler("undo-a", "a");
            b.end("ie");
            b.chain(&["is", "a", "ie"]);
            contents(b);
        });
        b.end_with("e", Throw::Compensation { activity: None });
        b.chain(&["s", "sub", "e"]);
    })
}

#[test]
fn a_sub_process_that_ended_is_undone_from_inside() {
    let mut story = Story::start(in_sub(|_| {}), json!({}));
    story.done("a", json!({}));
    assert_eq!(story.open(), ["undo-a"]);
    story.done("undo-a", json!({})).ends();
}

#[test]
fn a_compensation_event_sub_process_decides_what_is_undone() {
    let program = in_sub(|b| {
        b.sub("esp", SubProcess::Event, |b| {
            b.start_on("cs", Trigger::Compensation, true);
            b.job("before");
            b.node("ct", throw(None));
            b.end("ce");
            b.chain(&["cs", "before", "ct", "ce"]);
        });
    });
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({}));
    assert_eq!(story.open(), ["before"]);
    story.done("before", json!({}));
    assert_eq!(story.open(), ["undo-a"]);
    story.done("undo-a", json!({})).ends();
}

fn transaction(boundary: bool) -> Program {
    process(|b| {
        b.start("s");
        b.sub("tx", SubProcess::Transaction, |b| {
            b.start("is");
            b.job("a");
            b.handler("undo-a", "a");
            b.job("wait");
            b.job("decide");
            b.xor("g");
            b.end("ok");
            b.end_with("no", Throw::Cancel);
            b.chain(&["is", "a", "decide", "g", "ok"]);
            b.chain(&["is", "wait", "ok"]);
            b.at("g").outgoing.clear();
            b.flow_if("g", "no", "cancel");
            b.otherwise("g", "ok");
        });
        if boundary {
            b.boundary("cancelled", "tx", Trigger::Cancel, true);
            b.job("sorry");
            b.chain(&["cancelled", "sorry"]);
        }
        b.end("e");
        b.chain(&["s", "tx", "e"]);
    })
}

#[test]
fn a_cancelled_transaction_is_undone_and_leaves_by_its_boundary_event() {
    let mut story = Story::start(transaction(true), json!({}));
    story.done("a", json!({})).done("decide", json!({"cancel": true}));
    assert_eq!(story.open(), ["undo-a"], "wait is terminated");
    story.done("undo-a", json!({}));
    assert_eq!(story.open(), ["sorry"]);
    assert_eq!(story.traced("terminated"), ["wait", "tx"]);
    story.done("sorry", json!({})).ends();

    let mut story = Story::start(transaction(true), json!({}));
    story.done("a", json!({})).done("decide", json!({"cancel": false})).done("wait", json!({})).ends();
    assert_eq!(story.visits("e"), 1);
}

#[test]
fn a_cancelled_transaction_without_boundary_event_is_an_incident() {
    let mut story = Story::start(transaction(false), json!({}));
    story.done("a", json!({})).done("decide", json!({"cancel": true})).done("undo-a", json!({}));
    assert_eq!(story.incidents(), [codes::NO_CANCEL_BOUNDARY]);
    assert_eq!(story.status(), Status::Active);
}

#[test]
fn a_handler_that_fails_by_an_error_lets_the_rest_be_undone() {
    let mut program = trip(None);
    let handler = program.find("undo-b").unwrap();
    let boundary = program.nodes.len();
    let mut event = program.nodes[program.find("on-undo-b").unwrap()].clone();
    event.id = "undo-failed".to_owned();
    event.compensation = None;
    event.kind =
        NodeKind::Boundary { attached_to: handler, trigger: super::build::error("E"), interrupting: true };
    program.nodes.push(event);
    program.nodes[handler].boundary.push(boundary);
    let mut story = Story::start(program, json!({}));
    story.done("a", json!({})).done("b", json!({})).throws("undo-b", "E");
    assert_eq!(story.open(), ["undo-a"]);
    story.done("undo-a", json!({})).ends();
    assert_eq!(story.visits("undo-failed"), 1);
}
