//! Catch, boundary and event sub-process events of all kinds.

use serde_json::json;

use super::build::{
    Build, condition, cycle, duration, error, escalation, message, process, signal, throw_error,
    throw_escalation,
};
use super::drive::{NOW, Story, variables};
use crate::exec::{Event, Input, Status, codes};
use crate::program::{NodeKind, Program, SubProcess, Throw, Trigger};

fn triggers() -> Vec<(&'static str, Trigger)> {
    vec![
        ("timer", duration("PT1H")),
        ("message", message("go")),
        ("signal", signal("go")),
        ("condition", condition("go = true")),
    ]
}

fn happen(story: &mut Story, kind: &str) {
    match kind {
        "timer" => story.next_timer(),
        "condition" => story.set(json!({"go": true})),
        _ => story.receive("go", json!({"carried": 1})),
    };
}

#[test]
fn catch_events_wait_for_what_they_catch() {
    for (kind, trigger) in triggers() {
        let program = process(|b| {
            b.start("s");
            b.node("c", NodeKind::Catch(trigger));
            b.end("e");
            b.chain(&["s", "c", "e"]);
        });
        let mut story = Story::start(program, json!({}));
        assert_eq!(story.status(), Status::Active, "{kind}");
        happen(&mut story, kind);
        story.ends();
        if matches!(kind, "message" | "signal") {
            assert_eq!(story.value("carried"), json!(1));
        }
    }
}

fn attached(trigger: Trigger, interrupting: bool) -> Program {
    process(|b| {
        b.start("s");
        b.job("a");
        b.boundary("b", "a", trigger, interrupting);
        b.job("other");
        b.end("e");
        b.chain(&["s", "a", "e"]);
        b.chain(&["b", "other", "e"]);
    })
}

#[test]
fn boundary_events_interrupt_or_run_beside() {
    for interrupting in [true, false] {
        for (kind, trigger) in triggers() {
            let mut story = Story::start(attached(trigger, interrupting), json!({}));
            happen(&mut story, kind);
            if interrupting {
                assert_eq!(story.open(), ["other"], "{kind}");
                assert_eq!(story.traced("terminated"), ["a"]);
            } else {
                assert_eq!(story.open(), ["a", "other"], "{kind}");
                story.done("a", json!({}));
            }
            story.done("other", json!({})).ends();
        }
    }
}

#[test]
fn boundary_events_are_over_when_their_activity_ends() {
    for (kind, trigger) in triggers() {
        let mut story = Story::start(attached(trigger, true), json!({}));
        story.done("a", json!({})).ends();
        assert_eq!(story.visits("b"), 0, "{kind}");
    }
}

#[test]
fn events_that_do_not_interrupt_happen_again() {
    let mut story = Story::start(attached(message("go"), false), json!({}));
    story.receive("go", json!({})).receive("go", json!({}));
    assert_eq!(story.open(), ["a", "other", "other"]);

    let mut story = Story::start(attached(cycle("R3/PT10S"), false), json!({}));
    for round in 1..=3 {
        story.next_timer();
        assert_eq!(story.now_ms, NOW + round * 10_000);
    }
    assert_eq!(story.open(), ["a", "other", "other", "other"]);
    assert_eq!(story.state.timers().count(), 0, "three times are three times");

    let mut story = Story::start(attached(condition("x > 1"), false), json!({"x": 5}));
    assert_eq!(story.open(), ["a", "other"], "it is looked at when it begins");
    story.set(json!({"x": 6}));
    assert_eq!(story.open(), ["a", "other"], "it was true before");
    story.set(json!({"x": 0})).set(json!({"x": 2}));
    assert_eq!(story.open(), ["a", "other", "other"]);
}

#[test]
fn a_timer_that_cannot_be_read_is_an_incident() {
    let program = process(|b| {
        b.start("s");
        b.node("c", NodeKind::Catch(duration("=wait")));
        b.end("e");
        b.chain(&["s", "c", "e"]);
    });
    let mut story = Story::start(program, json!({"wait": "soon"}));
    assert_eq!(story.incidents(), [codes::TIMER]);
    story.set(json!({"wait": "PT1S"})).resolve().next_timer().ends();
}

#[test]
fn a_boundary_event_that_cannot_be_opened_is_opened_again_after_its_incident() {
    let mut story = Story::start(attached(duration("=wait"), true), json!({}));
    assert_eq!(story.incidents(), [codes::TIMER]);
    assert!(story.open().is_empty());
    story.set(json!({"wait": "PT1S"})).resolve();
    assert_eq!(story.open(), ["a"]);
    story.next_timer();
    assert_eq!(story.open(), ["other"]);
}

#[test]
fn errors_of_jobs_are_caught_from_the_inside_out() {
    let program = || {
        process(|b| {
            b.start("s");
            b.sub("sub", SubProcess::Embedded, |b| {
                b.start("is");
                b.job("a");
                b.boundary("all", "a", error(""), true);
                b.boundary("exact", "a", error("E1"), true);
                b.job("x");
                b.end("ie");
                b.chain(&["is", "a", "x", "ie"]);
                b.chain(&["exact", "ie"]);
                b.end_with("again", throw_error("=code + \"-out\""));
                b.flow("all", "again");
            });
            b.boundary("outer", "sub", error("E2-out"), true);
            b.end("oe");
            b.end("e");
            b.chain(&["s", "sub", "e"]);
            b.flow("outer", "oe");
        })
    };
    let mut story = Story::start(program(), json!({}));
    story.throws("a", "E1").ends();
    assert_eq!(story.completed(), ["s", "is", "exact", "ie", "sub", "e"]);
    assert_eq!((story.value("code"), story.value("why")), (json!("E1"), json!("it broke")));

    let mut story = Story::start(program(), json!({}));
    story.throws("a", "E2").ends();
    assert_eq!(story.completed(), ["s", "is", "all", "again", "outer", "oe"]);

    let mut story = Story::start(program(), json!({}));
    story.throws("a", "E3");
    assert_eq!(story.status(), Status::Failed, "E3-out is caught nowhere");

    let mut story = Story::start(program(), json!({}));
    story.done("a", json!({})).throws("x", "E1");
    assert_eq!(story.incidents(), [codes::UNHANDLED_ERROR]);
    story.resolve().done("x", json!({})).ends();
}

#[test]
fn an_error_that_is_caught_ends_its_job() {
    let mut story = Story::start(attached(error("E"), true), json!({}));
    let job = story.job("a");
    story.throws("a", "E");
    assert!(story.events.contains(&Event::JobEnded { job }));
    assert!(!story.events.contains(&Event::JobCancelled { job }));
}

fn with_event_sub(trigger: Trigger, interrupting: bool, inner: impl Fn(&mut Build)) -> Program {
    process(|b| {
        b.start("s");
        b.sub("sub", SubProcess::Embedded, |b| {
            b.start("is");
            b.job("a");
            b.job("a2");
            b.end("ie");
            b.chain(&["is", "a", "ie"]);
            b.chain(&["is", "a2", "ie"]);
            b.event_sub("esp", trigger, interrupting);
            inner(b);
        });
        b.end("e");
        b.chain(&["s", "sub", "e"]);
    })
}

#[test]
fn event_sub_processes_take_over_or_run_beside() {
    for interrupting in [true, false] {
        let more = [("error", error("E")), ("escalation", escalation("U"))];
        for (kind, trigger) in triggers().into_iter().chain(more) {
            if kind == "error" && !interrupting {
                continue;
            }
            let mut story = Story::start(with_event_sub(trigger, interrupting, |_| {}), json!({}));
            match kind {
                "error" => {
                    story.throws("a", "E");
                }
                "escalation" => {
                    let job = story.job("a");
                    let input =
                        Input::ThrowEscalation { job, code: "U".into(), variables: variables(json!({})) };
                    story.tell(input);
                }
                _ => happen(&mut story, kind),
            }
            if interrupting {
                assert_eq!(story.open(), ["esp.a"], "{kind}");
            } else {
                assert_eq!(story.open(), ["a", "a2", "esp.a"], "{kind}");
                story.done("a", json!({})).done("a2", json!({}));
            }
            assert_eq!(story.status(), Status::Active);
            story.done("esp.a", json!({})).ends();
            assert_eq!(story.visits("esp"), 1);
            assert_eq!(story.visits("sub"), 1);
        }
    }
}

#[test]
fn an_interrupting_event_sub_process_switches_the_others_of_its_scope_off() {
    let program = || {
        with_event_sub(message("m"), true, |b| {
            b.event_sub("esp2", error(""), true);
            b.event_sub("esp3", message("n"), false);
        })
    };
    let mut story = Story::start(program(), json!({}));
    story.receive("n", json!({})).receive("m", json!({}));
    assert_eq!(story.open(), ["esp.a"]);
    assert!(story.subscriptions("n").is_empty());
    story.throws("esp.a", "E");
    assert_eq!(story.incidents(), [codes::UNHANDLED_ERROR]);
}

#[test]
fn event_sub_processes_of_the_process_itself_work_too() {
    let program = || {
        process(|b| {
            b.start("s");
            b.job("a");
            b.end("e");
            b.chain(&["s", "a", "e"]);
            b.event_sub("esp", message("m"), true);
            b.event_sub("late", cycle("R/PT1H"), false);
        })
    };
    let mut story = Story::start(program(), json!({}));
    story.done("a", json!({})).ends();
    let mut story = Story::start(program(), json!({}));
    story.next_timer().next_timer().receive("m", json!({"x": 1}));
    assert_eq!(story.open(), ["esp.a"]);
    story.done("esp.a", json!({})).ends();
    assert_eq!(story.visits("late"), 0);
    assert_eq!(story.value("x"), json!(1));
}

#[test]
fn escalations_are_caught_or_go_by() {
    let program = |interrupting: bool, code: &str, end: bool| {
        process(|b| {
            b.start("s");
            b.sub("sub", SubProcess::Embedded, |b| {
                b.start("is");
                if end {
                    b.end_with("t", throw_escalation("U"));
                    b.flow("is", "t");
                } else {
                    b.node("t", NodeKind::Throw(throw_escalation("U")));
                    b.job("x");
                    b.end("ie");
                    b.chain(&["is", "t", "x", "ie"]);
                }
            });
            b.boundary("caught", "sub", escalation(code), interrupting);
            b.job("c");
            b.end("e");
            b.chain(&["s", "sub", "e"]);
            b.chain(&["caught", "c", "e"]);
        })
    };
    let rows: [(bool, &str, bool, &[&str]); 6] = [
        (true, "U", false, &["c"]),
        (false, "U", false, &["c", "x"]),
        (false, "", false, &["c", "x"]),
        (true, "V", false, &["x"]),
        (true, "U", true, &["c"]),
        (false, "U", true, &["c"]),
    ];
    for (interrupting, code, end, expected) in rows {
        let story = Story::start(program(interrupting, code, end), json!({}));
        assert_eq!(story.open(), expected, "{interrupting} {code} {end}");
        assert!(story.incidents().is_empty());
    }
}

#[test]
fn links_jump_within_their_scope() {
    let program = process(|b| {
        b.start("s");
        b.node("out", NodeKind::Throw(Throw::Link { name: "l".into() }));
        b.node("in", NodeKind::Catch(Trigger::Link { name: "l".into() }));
        b.job("a");
        b.end("e");
        b.chain(&["s", "out"]);
        b.chain(&["in", "a", "e"]);
    });
    let mut story = Story::start(program, json!({}));
    assert_eq!(story.state.next_tasks(&story.program), Vec::<String>::new());
    story.done("a", json!({})).ends();
    assert_eq!(story.completed(), ["s", "out", "in", "a", "e"]);
}

#[test]
fn conditions_see_what_a_task_of_the_same_step_sets() {
    let program = process(|b| {
        b.start("s");
        b.and("split");
        b.node("c", NodeKind::Catch(condition("n >= 3")));
        b.script("count", "if n = null then 1 else n + 1", "n");
        b.xor("again");
        b.end("e");
        b.end("e2");
        b.chain(&["s", "split", "c", "e2"]);
        b.chain(&["split", "count", "again"]);
        b.flow_if("again", "count", "n < 10");
        b.otherwise("again", "e");
    });
    let story = Story::start(program, json!({}));
    story.ends();
    let order = story.completed();
    let seen = order.iter().position(|node| *node == "c").unwrap();
    assert!(order[..seen].iter().filter(|node| **node == "count").count() <= 4);
}

#[test]
fn several_start_events_are_chosen_by_id() {
    let program = || {
        process(|b| {
            b.start("plain");
            b.start_on("by-message", message("m"), true);
            b.job("a");
            b.job("b");
            b.chain(&["plain", "a"]);
            b.chain(&["by-message", "b"]);
        })
    };
    assert_eq!(Story::start(program(), json!({})).open(), ["a"]);
    let mut story = Story::fresh(program());
    story.tell(Input::Start { start: Some("by-message".into()), variables: variables(json!({"x": 1})) });
    assert_eq!(story.open(), ["b"]);
}
