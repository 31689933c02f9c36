//! Multi-instance activities and standard loops.

use serde_json::json;

use super::build::{each, error, feel, message, process, times};
use super::drive::Story;
use crate::exec::{Event, MAX_REPEATS, codes};
use crate::program::{Program, Repeat, SubProcess};

fn collecting(repeat: Repeat, result: &str) -> Repeat {
    match repeat {
        Repeat::Multi { sequential, over, completion, .. } => {
            let output = Some(("results".to_owned(), feel(result)));
            Repeat::Multi { sequential, over, completion, output }
        }
        other => other,
    }
}

fn until(repeat: Repeat, condition: &str) -> Repeat {
    match repeat {
        Repeat::Multi { sequential, over, output, .. } => {
            Repeat::Multi { sequential, over, completion: Some(feel(condition)), output }
        }
        other => other,
    }
}

fn repeated(repeat: Repeat) -> Program {
    process(|b| {
        b.start("s");
        b.job("a");
        b.input("a", "item", "item");
        b.output("a", "r", "r");
        b.repeat("a", repeat);
        b.end("e");
        b.chain(&["s", "a", "e"]);
    })
}

#[test]
fn parallel_runs_begin_together_and_results_stand_in_place() {
    let mut story =
        Story::start(repeated(collecting(each("items", "item", false), "r")), json!({"items": [5, 6, 7]}));
    assert_eq!(story.open(), ["a", "a", "a"]);
    let jobs = story.jobs();
    for (place, result) in [(2, 70), (0, 50), (1, 60)] {
        let variables = super::drive::variables(json!({"r": result}));
        story.tell(crate::exec::Input::CompleteJob { job: jobs[place].0, variables });
    }
    story.ends();
    assert_eq!(story.value("results"), json!([50, 60, 70]));
    assert_eq!(story.value("item"), json!(null));
}

#[test]
fn what_a_run_is_collected_from_stays_in_the_run() {
    let program = process(|b| {
        b.start("s");
        b.script("a", "item * 2", "r");
        b.repeat("a", collecting(each("items", "item", false), "r"));
        b.end("e");
        b.chain(&["s", "a", "e"]);
    });
    let story = Story::start(program, json!({"items": [1, 2, 3]}));
    story.ends();
    assert_eq!((story.value("results"), story.value("r")), (json!([2, 4, 6]), json!(null)));
}

#[test]
fn sequential_runs_follow_one_another_with_counter_and_item() {
    let mut story = Story::start(
        repeated(collecting(each("items", "item", true), "[loopCounter, item, r]")),
        json!({"items": ["x", "y"]}),
    );
    assert_eq!(story.open(), ["a"]);
    story.set(json!({"items": []}));
    story.done("a", json!({"r": 1}));
    assert_eq!(story.open(), ["a"]);
    story.done("a", json!({"r": 2})).ends();
    assert_eq!(story.value("results"), json!([[1, "x", 1], [2, "y", 2]]));
    let traced = story.events.iter().filter_map(Event::trace_line).filter(|line| line.element == "a");
    let kinds: Vec<&str> = traced.map(|line| line.event).collect();
    assert_eq!(kinds, ["activated", "completed", "activated", "completed"]);
}

#[test]
fn no_item_means_no_run() {
    for sequential in [true, false] {
        let story = Story::start(repeated(collecting(each("[]", "item", sequential), "r")), json!({}));
        story.ends();
        assert_eq!(story.value("results"), json!([]));
        let story = Story::start(repeated(times("0", sequential)), json!({}));
        story.ends();
    }
}

#[test]
fn a_completion_condition_ends_it_early() {
    let conditions = [
        "nrOfCompletedInstances >= 2",
        "numberOfCompletedInstances / numberOfInstances >= 0.5",
        "count(results[item != null]) = 2",
        "nrOfActiveInstances <= 2",
    ];
    for condition in conditions {
        let repeat = until(collecting(times("4", false), "r"), condition);
        let mut story = Story::start(repeated(repeat), json!({}));
        story.done("a", json!({"r": 1}));
        assert_eq!(story.open().len(), 3, "{condition}");
        story.done("a", json!({"r": 2})).ends();
        assert_eq!(story.traced("terminated"), ["a", "a"]);
        assert_eq!(story.value("results"), json!([1, 2, null, null]));
    }
    let mut story = Story::start(repeated(until(times("4", true), "r = 9")), json!({}));
    story.done("a", json!({"r": 1})).done("a", json!({"r": 9})).ends();
    assert_eq!(story.visits("a"), 2);
}

#[test]
fn what_cannot_be_counted_is_an_incident() {
    let rows = [times("n", false), each("n", "item", true)];
    for repeat in rows {
        for n in [json!("three"), json!(-1), json!(2.5), json!(MAX_REPEATS + 1)] {
            let mut story = Story::start(repeated(repeat.clone()), json!({"n": n}));
            assert_eq!(story.incidents(), [codes::REPEAT], "{n}");
            let good =
                if matches!(repeat, Repeat::Multi { sequential: true, .. }) { json!([1]) } else { json!(1) };
            story.set(json!({"n": good})).resolve();
            story.done("a", json!({})).ends();
        }
    }
}

#[test]
fn the_most_runs_allowed_end() {
    let program = process(|b| {
        b.start("s");
        b.pass("a");
        b.repeat("a", times("10000", false));
        b.pass("b");
        b.repeat("b", times("10000", true));
        b.end("e");
        b.chain(&["s", "a", "b", "e"]);
    });
    let mut state = crate::exec::State::new();
    let context = crate::exec::StepContext { now_ms: 0, budget: u32::MAX };
    let start = crate::exec::Input::Start { start: None, variables: crate::program::Variables::new() };
    let events = crate::exec::advance(&program, &mut state, start, context).unwrap();
    assert_eq!(state.status(), crate::exec::Status::Completed);
    let completed = |id: &str| {
        events
            .iter()
            .filter(|event| matches!(event, Event::ElementCompleted { node, body: false, .. } if node == id))
            .count()
    };
    assert_eq!((completed("a"), completed("b")), (10_000, 10_000));
}

#[test]
fn boundary_events_belong_to_all_runs_together() {
    let program = |interrupting: bool| {
        process(|b| {
            b.start("s");
            b.small_sub("sub", SubProcess::Embedded);
            b.repeat("sub", each("[1, 2]", "item", false));
            b.boundary("m", "sub", message("m"), interrupting);
            b.boundary("err", "sub", error(""), true);
            b.job("c");
            b.end("e");
            b.chain(&["s", "sub", "e"]);
            b.chain(&["m", "c", "e"]);
            b.chain(&["err", "e"]);
        })
    };
    let mut story = Story::start(program(true), json!({}));
    assert_eq!(story.subscriptions("m").len(), 1);
    story.receive("m", json!({}));
    assert_eq!(story.open(), ["c"]);
    let mut story = Story::start(program(false), json!({}));
    story.receive("m", json!({}));
    assert_eq!(story.open(), ["c", "sub.a", "sub.a"]);
    story.throws("sub.a", "E");
    assert_eq!(story.open(), ["c"]);
    story.done("c", json!({})).ends();
}

#[test]
fn sub_processes_repeat_with_their_own_variables() {
    let program = process(|b| {
        b.start("s");
        b.small_sub("sub", SubProcess::Embedded);
        b.repeat("sub", collecting(each("[10, 20]", "item", false), "item + extra"));
        b.input("sub", "item / 10", "extra");
        b.end("e");
        b.chain(&["s", "sub", "e"]);
    });
    let mut story = Story::start(program, json!({}));
    story.done("sub.a", json!({"extra": 5})).done("sub.a", json!({})).ends();
    assert_eq!(story.value("results"), json!([15, 22]));
    assert_eq!(story.value("extra"), json!(null));
}

fn looped(condition: Option<&str>, test_before: bool, maximum: Option<u32>) -> Program {
    process(|b| {
        b.start("s");
        b.script("a", "if n = null then 1 else n + 1", "n");
        b.repeat("a", Repeat::While { condition: condition.map(feel), test_before, maximum });
        b.end("e");
        b.chain(&["s", "a", "e"]);
    })
}

#[test]
fn standard_loops_run_while_their_condition_holds() {
    let rows = [
        (Some("n < 3"), false, None, 3),
        (Some("n != null and n < 3"), true, None, 0),
        (Some("n = null or n < 3"), true, None, 3),
        (Some("false"), false, None, 1),
        (Some("loopCounter < 4"), false, None, 4),
        (Some("true"), false, Some(5), 5),
        (None, true, Some(2), 2),
        (Some("true"), true, Some(0), 0),
    ];
    for (condition, test_before, maximum, expected) in rows {
        let story = Story::start(looped(condition, test_before, maximum), json!({}));
        story.ends();
        assert_eq!(story.visits("a"), expected, "{condition:?} {test_before} {maximum:?}");
    }
}

#[test]
fn many_runs_of_a_multi_instance_are_no_endless_loop() {
    let program = process(|b| {
        b.start("s");
        b.script("a", "loopCounter", "n");
        b.repeat("a", times("3000", true));
        b.end("e");
        b.chain(&["s", "a", "e"]);
    });
    let mut story = Story::fresh(program);
    let context = crate::exec::StepContext { now_ms: 0, budget: u32::MAX };
    let start = crate::exec::Input::Start { start: None, variables: crate::program::Variables::new() };
    story.events = crate::exec::advance(&story.program, &mut story.state, start, context).unwrap();
    story.ends();
    assert_eq!(story.visits("a"), 3_000);
}

#[test]
fn an_endless_loop_meets_the_limit_and_can_be_ended() {
    let mut story = Story::fresh(looped(Some("stop != true"), false, None));
    let context = crate::exec::StepContext { now_ms: 0, budget: u32::MAX };
    let start = crate::exec::Input::Start { start: None, variables: crate::program::Variables::new() };
    story.events = crate::exec::advance(&story.program, &mut story.state, start, context).unwrap();
    assert_eq!(story.incidents(), [codes::RUNAWAY]);
    story.events.clear();
    story.set(json!({"stop": true})).resolve().ends();
}
