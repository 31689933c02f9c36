//! Refusals, cancellation, modification, budget.

use serde_json::json;

use super::build::{message, process};
use super::drive::{Story, variables};
use crate::exec::{Event, Input, LOOP_WEIGHT, MAX_TRANSITIONS, State, Status, StepContext, advance, codes};
use crate::program::{NodeKind, Program, SubProcess, Variables};

fn simple() -> Program {
    process(|b| {
        b.start("s");
        b.small_sub("sub", SubProcess::Embedded);
        b.job("b");
        b.end("e");
        b.chain(&["s", "sub", "b", "e"]);
    })
}

#[test]
fn inputs_that_do_not_fit_are_refused_and_change_nothing() {
    let complete = |job| Input::CompleteJob { job, variables: Variables::new() };
    let mut story = Story::fresh(simple());
    assert_eq!(story.refuse(complete(1)).code(), "EXEC-0001");
    let nowhere = Input::Start { start: Some("nowhere".into()), variables: Variables::new() };
    assert_eq!(story.refuse(nowhere).code(), "EXEC-0005");
    story.tell(Input::Start { start: None, variables: Variables::new() });
    let again = Input::Start { start: None, variables: Variables::new() };
    assert_eq!(story.refuse(again).code(), "EXEC-0002");
    let job = story.job("sub.a");
    for input in [
        complete(job + 1),
        complete(0),
        Input::TimerDue { timer: job },
        Input::Correlate { subscription: job, variables: Variables::new() },
        Input::CallCompleted { call: job, variables: Variables::new() },
        Input::ResolveIncident { incident: job },
        Input::SetVariables { scope: Some(job), variables: Variables::new() },
        Input::ActivateAdHoc { element: 1, ids: vec![] },
        Input::Modify { terminate: vec![99], activate: vec![] },
    ] {
        assert_eq!(story.refuse(input).code(), "EXEC-0004");
    }
    let unknown = Input::Modify { terminate: vec![], activate: vec!["nobody".into()] };
    assert_eq!(story.refuse(unknown).code(), "EXEC-0006");
    story.tell(complete(job));
    assert_eq!(story.refuse(complete(job)).code(), "EXEC-0004", "a second answer");
    story.tell(Input::Cancel { reason: "enough".into() });
    assert_eq!(story.refuse(complete(job)).code(), "EXEC-0003");
    story.tell(Input::Continue);
}

#[test]
fn cancelling_ends_everything() {
    let mut story = Story::start(simple(), json!({}));
    let job = story.job("sub.a");
    story.tell(Input::Cancel { reason: "enough".into() });
    assert_eq!(story.status(), Status::Cancelled);
    assert_eq!(story.traced("terminated"), ["sub.a", "sub"]);
    assert!(story.events.contains(&Event::JobCancelled { job }));
    assert!(story.events.contains(&Event::InstanceCancelled { reason: "enough".into() }));
}

#[test]
fn tokens_can_be_moved_into_and_out_of_sub_processes() {
    let mut story = Story::start(simple(), json!({}));
    let inner = story.state.owner(story.job("sub.a")).unwrap();
    story.tell(Input::Modify { terminate: vec![inner], activate: vec!["b".into()] });
    assert_eq!(story.open(), ["b"]);
    assert_eq!(story.traced("terminated"), ["sub.a", "sub"]);
    let b = story.state.owner(story.job("b")).unwrap();
    story.tell(Input::Modify { terminate: vec![b], activate: vec!["sub.a".into()] });
    assert_eq!(story.open(), ["sub.a"]);
    story.done("sub.a", json!({})).done("b", json!({})).ends();

    let mut story = Story::start(simple(), json!({}));
    let sub = story.state.active().next().unwrap().element;
    story.tell(Input::Modify { terminate: vec![sub], activate: vec![] });
    assert_eq!(story.status(), Status::Cancelled);
}

fn runaway() -> Program {
    process(|b| {
        b.start("s");
        b.and("split");
        b.job("other");
        b.node("m", NodeKind::Receive(message("m")));
        b.pass("round");
        b.xor("again");
        b.end("e");
        b.chain(&["s", "split", "round", "again"]);
        b.chain(&["split", "other", "e"]);
        b.chain(&["split", "m", "e"]);
        b.flow_if("again", "round", "stop != true");
        b.otherwise("again", "e");
    })
}

#[test]
fn a_step_yields_at_its_budget_and_goes_on() {
    let program = runaway();
    let mut state = State::new();
    let context = StepContext { now_ms: 0, budget: 10 };
    let start = Input::Start { start: None, variables: Variables::new() };
    let events = advance(&program, &mut state, start, context).unwrap();
    assert!(matches!(events.last(), Some(Event::Yielded { transitions: 250, .. })));
    assert!(state.has_ready_work());
    let events = advance(&program, &mut state, Input::Continue, context).unwrap();
    assert_eq!(events.first(), Some(&Event::Continued));
    assert!(matches!(events.last(), Some(Event::Yielded { transitions: 500, .. })));
    // Other work goes on beside the loop, and what comes from outside starts the count again.
    let job = state.jobs().next().unwrap();
    let events =
        advance(&program, &mut state, Input::CompleteJob { job, variables: Variables::new() }, context)
            .unwrap();
    assert!(matches!(events.last(), Some(Event::Yielded { transitions: 250, .. })));
    let stop = Input::SetVariables { scope: None, variables: variables(json!({"stop": true})) };
    advance(&program, &mut state, stop, context).unwrap();
    assert!(!state.has_ready_work());
}

#[test]
fn a_runaway_becomes_an_incident_and_the_rest_of_the_instance_works_on() {
    let program = runaway();
    let mut state = State::new();
    let context = StepContext { now_ms: 0, budget: 1_000 };
    advance(&program, &mut state, Input::Start { start: None, variables: Variables::new() }, context)
        .unwrap();
    let mut steps = 1;
    while state.has_ready_work() {
        advance(&program, &mut state, Input::Continue, context).unwrap();
        steps += 1;
    }
    assert_eq!(steps, MAX_TRANSITIONS / LOOP_WEIGHT / 1_000);
    let incident = state.incidents().next().unwrap();
    assert_eq!(incident.code, codes::RUNAWAY);
    let mut story = Story::fresh(program);
    story.state = state;
    let job = story.state.jobs().next().unwrap();
    story.tell(Input::CompleteJob { job, variables: Variables::new() });
    story.set(json!({"stop": true})).resolve();
    let mut waits = story.state.waits.keys().copied();
    let subscription = waits.next().unwrap();
    assert_eq!(waits.next(), None);
    drop(waits);
    story.tell(Input::Correlate { subscription, variables: Variables::new() }).ends();
}

#[test]
fn a_step_gives_the_same_events_every_time() {
    let run = || Story::start(simple(), json!({"x": [1, {"y": 2}]})).events;
    assert_eq!(run(), run());
}

#[test]
fn folding_events_that_do_not_fit_never_panics() {
    let story = Story::start(simple(), json!({}));
    let mut state = State::new();
    for event in story.events.iter().rev().chain(&story.events).chain(&story.events) {
        crate::exec::apply(&mut state, event);
    }
}

#[test]
fn a_token_moved_into_a_repeated_sub_process_makes_one_run_of_it() {
    let program = process(|b| {
        b.start("s");
        b.job("a");
        b.small_sub("sub", SubProcess::Embedded);
        b.repeat("sub", super::build::times("3", true));
        b.end("e");
        b.chain(&["s", "a", "sub", "e"]);
    });
    let mut story = Story::start(program, json!({}));
    let a = story.state.owner(story.job("a")).unwrap();
    story.tell(Input::Modify { terminate: vec![a], activate: vec!["sub.a".into()] });
    story.done("sub.a", json!({})).ends();
    assert_eq!(story.visits("sub"), 1);
    let event_sub = Input::Modify { terminate: vec![], activate: vec!["esp".into()] };
    let mut story = Story::start(
        process(|b| {
            b.start("s");
            b.job("a");
            b.flow("s", "a");
            b.event_sub("esp", message("m"), true);
        }),
        json!({}),
    );
    assert_eq!(story.refuse(event_sub).code(), "EXEC-0006");
}
