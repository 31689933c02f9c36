//! Tasks, sub-processes, calls, ad-hoc.

use serde_json::json;

use super::build::{Build, duration, error, feel, message, name, process, throw_error};
use super::drive::{Story, variables};
use crate::exec::{Event, Input, Status, codes};
use crate::program::{JobKind, NodeKind, Program, SubProcess, Throw};

fn one(contents: impl FnOnce(&mut Build)) -> Program {
    process(|b| {
        b.start("s");
        contents(b);
        b.end("e");
        b.chain(&["s", "a", "e"]);
    })
}

#[test]
fn tasks_pass_through_wait_or_compute() {
    let story = Story::start(
        one(|b| {
            b.pass("a");
        }),
        json!({}),
    );
    story.ends();
    assert_eq!(story.completed(), ["s", "a", "e"]);

    let story = Story::start(
        one(|b| {
            b.script("a", "x * 2", "y");
        }),
        json!({"x": 21}),
    );
    story.ends();
    assert_eq!(story.value("y"), json!(42));

    for kind in [JobKind::Service, JobKind::User] {
        let mut story = Story::start(
            one(|b| {
                b.node("a", NodeKind::Job(kind));
            }),
            json!({"x": 1}),
        );
        assert!(
            story
                .events
                .iter()
                .any(|event| matches!(event, Event::JobCreated { kind: made, .. } if *made == kind))
        );
        story.done("a", json!({"y": 2})).ends();
        assert_eq!(story.value("y"), json!(2));
    }

    let mut story = Story::start(
        one(|b| {
            b.node("a", NodeKind::Receive(message("m")));
        }),
        json!({}),
    );
    story.receive("m", json!({"z": 3})).ends();
    assert_eq!(story.value("z"), json!(3));
}

#[test]
fn a_failing_script_is_an_incident_until_its_variable_is_there() {
    let mut story = Story::start(
        one(|b| {
            b.script("a", "assert(x, x != null)", "y");
        }),
        json!({}),
    );
    assert_eq!(story.incidents(), [codes::EXPRESSION]);
    story.set(json!({"x": 7})).resolve().ends();
    assert_eq!(story.value("y"), json!(7));
}

#[test]
fn a_job_that_fails_is_tried_again_until_an_incident_holds_it() {
    let mut story = Story::start(
        one(|b| {
            b.job("a");
        }),
        json!({}),
    );
    let job = story.job("a");
    let fail = |retries_left| Input::FailJob { job, code: "X-1".into(), message: "no".into(), retries_left };
    story.tell(fail(1));
    assert!(story.incidents().is_empty());
    story.tell(fail(0)).tell(fail(0));
    assert_eq!(story.incidents(), ["X-1"]);
    story.resolve();
    assert!(matches!(story.events.last(), Some(Event::JobReopened { .. })));
    story.done("a", json!({})).ends();
}

#[test]
fn a_sub_process_ends_when_nothing_is_left_inside() {
    let mut story = Story::start(
        one(|b| {
            b.sub("a", SubProcess::Embedded, |b| {
                b.start("is");
                b.job("x");
                b.job("y");
                b.end("ie");
                b.chain(&["is", "x", "ie"]);
                b.chain(&["is", "y", "ie"]);
            });
        }),
        json!({}),
    );
    story.done("x", json!({}));
    assert_eq!(story.status(), Status::Active);
    story.done("y", json!({})).ends();
    assert_eq!(story.completed(), ["s", "is", "x", "ie", "y", "ie", "a", "e"]);
}

#[test]
fn a_scope_without_start_event_begins_where_no_flow_leads() {
    let program = process(|b| {
        b.sub("a", SubProcess::Embedded, |b| {
            b.job("x");
            b.job("y");
        });
        b.sub("empty", SubProcess::Embedded, |_| {});
    });
    let mut story = Story::start(program, json!({}));
    assert_eq!(story.open(), ["x", "y"]);
    story.done("x", json!({})).done("y", json!({})).ends();
    assert_eq!(story.visits("empty"), 1);
}

#[test]
fn terminate_ends_its_own_scope_well() {
    let program = |inner: bool| {
        process(|b| {
            b.start("s");
            b.sub("a", SubProcess::Embedded, |b| {
                b.start("is");
                b.job("x");
                b.job("y");
                b.end("ie");
                b.end_with("stop", if inner { Throw::Terminate } else { Throw::None });
                b.chain(&["is", "x", "stop"]);
                b.chain(&["is", "y", "ie"]);
            });
            b.job("z");
            b.end_with("e", Throw::Terminate);
            b.chain(&["s", "a", "e"]);
            b.flow("s", "z");
        })
    };
    let mut story = Story::start(program(true), json!({}));
    story.done("x", json!({}));
    story.ends();
    assert_eq!(story.traced("terminated"), ["y", "z"]);
    assert!(story.completed().contains(&"a"));
}

#[test]
fn a_called_process_is_asked_for_and_answers() {
    let program = || {
        one(|b| {
            b.call("a", "child");
            b.boundary("caught", "a", error("E"), true);
            b.end("ce");
            b.flow("caught", "ce");
        })
    };
    let mut story = Story::start(program(), json!({"x": 1}));
    let call = story.state.calls().next().unwrap();
    assert!(story.events.iter().any(|event| matches!(event,
        Event::CallRequested { process, variables: given, .. } if process == "child" && given["x"] == 1)));
    story.tell(Input::CallCompleted { call, variables: variables(json!({"y": 2})) }).ends();
    assert_eq!(story.value("y"), json!(2));

    let failed = |story: &mut Story, code: &str, thrown| {
        let call = story.state.calls().next().unwrap();
        story.tell(Input::CallFailed { call, code: code.into(), message: "m".into(), thrown });
    };
    let mut story = Story::start(program(), json!({}));
    failed(&mut story, "E", true);
    story.ends();
    assert_eq!(story.completed(), ["s", "caught", "ce"]);

    let mut story = Story::start(program(), json!({}));
    failed(&mut story, "F", true);
    assert_eq!(story.status(), Status::Failed);

    let mut story = Story::start(program(), json!({}));
    failed(&mut story, "F", false);
    assert_eq!(story.incidents(), [codes::CALL_FAILED]);
    story.resolve();
    failed(&mut story, "E", false);
    story.ends();
}

#[test]
fn a_call_is_cancelled_when_its_boundary_event_interrupts() {
    let mut story = Story::start(
        one(|b| {
            b.call("a", "child");
            b.boundary("late", "a", duration("PT1H"), true);
            b.end("le");
            b.flow("late", "le");
        }),
        json!({}),
    );
    story.next_timer().ends();
    assert!(story.events.iter().any(|event| matches!(event, Event::CallCancelled { .. })));
}

fn ad_hoc(
    active: Option<&str>,
    completion: Option<&str>,
    cancel_remaining: bool,
    sequential: bool,
) -> Program {
    one(|b| {
        let kind = SubProcess::AdHoc {
            active_elements: active.map(feel),
            completion: completion.map(feel),
            cancel_remaining,
            sequential,
        };
        b.sub("a", kind, |b| {
            b.job("x");
            b.job("y");
            b.job("after");
            b.flow("y", "after");
        });
    })
}

#[test]
fn an_ad_hoc_sub_process_runs_what_is_active_and_what_is_activated() {
    let mut story = Story::start(ad_hoc(None, None, false, false), json!({}));
    assert_eq!(story.open(), ["x", "y"]);
    story.done("x", json!({})).done("y", json!({})).done("after", json!({})).ends();

    let mut story = Story::start(ad_hoc(Some("[\"x\"]"), Some("done"), true, false), json!({"done": false}));
    story.done("x", json!({}));
    assert_eq!(story.status(), Status::Active, "it waits for activations");
    let element = story.state.active().next().unwrap().element;
    let ids = vec!["x".to_owned(), "y".to_owned()];
    story.tell(Input::ActivateAdHoc { element, ids });
    assert_eq!(story.open(), ["x", "y"]);
    story.done("y", json!({"done": true})).ends();
    assert_eq!(story.traced("terminated"), ["x"]);
    assert!(!story.traced("activated").contains(&"after"), "the token on its way there is dropped");
    let refused = story.refuse(Input::ActivateAdHoc { element, ids: vec![] });
    assert_eq!(refused.code(), "EXEC-0003");
}

#[test]
fn a_sequential_ad_hoc_sub_process_does_one_thing_at_a_time() {
    let mut story = Story::start(ad_hoc(None, None, false, true), json!({}));
    assert_eq!(story.open(), ["x"]);
    let element = story.state.active().next().unwrap().element;
    story.tell(Input::ActivateAdHoc { element, ids: vec!["x".to_owned()] });
    story.done("x", json!({}));
    assert_eq!(story.open(), ["y"]);
    story.done("y", json!({})).done("after", json!({}));
    assert_eq!(story.open(), ["x"]);
    story.done("x", json!({})).ends();
}

#[test]
fn an_ad_hoc_list_that_names_nothing_is_an_incident() {
    let mut story = Story::start(ad_hoc(Some("names"), None, false, false), json!({"names": ["nobody"]}));
    assert_eq!(story.incidents(), [codes::WRONG_TYPE]);
    story.set(json!({"names": ["x"]})).resolve();
    assert_eq!(story.open(), ["x"]);
}

#[test]
fn sub_processes_deeper_than_the_limit_are_an_incident() {
    fn nest(b: &mut Build, depth: usize) {
        b.sub(&format!("d{depth}"), SubProcess::Embedded, |b| {
            if depth > 0 {
                nest(b, depth - 1);
            }
        });
    }
    Story::start(process(|b| nest(b, 63)), json!({})).ends();
    let story = Story::start(process(|b| nest(b, 64)), json!({}));
    assert_eq!(story.incidents(), [codes::NESTING]);
}

#[test]
fn thrown_messages_and_signals_carry_their_own_variables() {
    let mut story = Story::start(
        process(|b| {
            b.start("s");
            let throw =
                Throw::Message { name: name("=\"order-\" + string(n)"), correlation_key: Some(feel("n")) };
            b.node("a", NodeKind::Throw(throw));
            b.input("a", "n + 1", "next");
            b.node("j", NodeKind::Throw(Throw::Job));
            b.end_with("e", Throw::Signal { name: name("over") });
            b.chain(&["s", "a", "j", "e"]);
        }),
        json!({"n": 4}),
    );
    story.done("j", json!({})).ends();
    let sent = |wanted: &Event| story.events.contains(wanted);
    assert!(sent(&Event::MessageThrown {
        name: "order-4".into(),
        correlation_key: Some("4".into()),
        variables: variables(json!({"next": 5})),
    }));
    assert!(sent(&Event::SignalThrown { name: "over".into(), variables: variables(json!({})) }));
    assert_eq!(story.value("next"), json!(null), "they stay with the event");
}

#[test]
fn an_uncaught_error_end_event_fails_the_instance() {
    let story = Story::start(
        process(|b| {
            b.start("s");
            b.job("x");
            b.end_with("e", throw_error("DIVERGED"));
            b.chain(&["s", "x"]);
            b.flow("s", "e");
        }),
        json!({}),
    );
    assert_eq!(story.status(), Status::Failed);
    assert!(matches!(story.events.last(), Some(Event::InstanceFailed { code, .. }) if code == "DIVERGED"));
    assert_eq!(story.traced("terminated"), ["x"]);
}
