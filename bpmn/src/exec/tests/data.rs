//! Variables: scopes, mappings, results.

use serde_json::{Value, json};

use super::build::process;
use super::drive::Story;
use crate::exec::{Event, Input, codes};
use crate::program::{Program, SubProcess};

fn task(mappings: &[(&str, &str, bool)]) -> Program {
    process(|b| {
        b.start("s");
        b.job("a");
        b.end("e");
        b.chain(&["s", "a", "e"]);
        for (source, target, output) in mappings {
            if *output {
                b.output("a", source, target);
            } else {
                b.input("a", source, target);
            }
        }
    })
}

fn declared(story: &Story) -> Value {
    let found = story.events.iter().rev().find_map(|event| match event {
        Event::JobCreated { variables, .. } => Some(Value::Object(variables.clone())),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_job_sees_its_declared_inputs_or_everything() {
    let story = Story::start(task(&[]), json!({"x": 1, "y": 2}));
    assert_eq!(declared(&story), json!({"x": 1, "y": 2}));
    let inputs = [("x + 1", "n", false), ("n * 10", "deep.m", false), ("y", "deep.k", false)];
    let story = Story::start(task(&inputs), json!({"x": 1, "y": 2}));
    assert_eq!(declared(&story), json!({"n": 2, "deep": {"m": 20, "k": 2}}));
    assert_eq!(story.value("n"), json!(null));
}

#[test]
fn results_go_up_as_the_mappings_say() {
    type Row = (&'static [(&'static str, &'static str, bool)], Value);
    let rows: [Row; 4] = [
        (&[], json!({"x": 1, "r": 5, "s": 6})),
        (&[("r + 1", "out", true)], json!({"x": 1, "out": 6})),
        (&[("r", "o.a", true), ("s", "o.b", true)], json!({"x": 1, "o": {"a": 5, "b": 6}})),
        // A result that meets an input mapping of its name stays with the task.
        (&[("0", "r", false)], json!({"x": 1, "s": 6})),
    ];
    for (mappings, expected) in rows {
        let mut story = Story::start(task(mappings), json!({"x": 1}));
        story.done("a", json!({"r": 5, "s": 6})).ends();
        assert_eq!(Value::Object(story.state.variables(None).unwrap().clone()), expected);
    }
}

#[test]
fn a_dotted_output_keeps_the_other_members() {
    let mut story = Story::start(task(&[("r", "order.paid", true)]), json!({"order": {"id": 7}}));
    story.done("a", json!({"r": true})).ends();
    assert_eq!(story.value("order"), json!({"id": 7, "paid": true}));
}

#[test]
fn results_stop_at_the_nearest_scope_that_knows_the_variable() {
    let program = process(|b| {
        b.start("s");
        b.small_sub("sub", SubProcess::Embedded);
        b.input("sub", "x", "own");
        b.output("sub", "own", "handed");
        b.end("e");
        b.chain(&["s", "sub", "e"]);
    });
    let mut story = Story::start(program, json!({"x": 1}));
    assert_eq!(declared(&story), json!({"x": 1, "own": 1}));
    story.done("sub.a", json!({"own": 2, "free": 3})).ends();
    assert_eq!(story.value("own"), json!(null));
    assert_eq!((story.value("handed"), story.value("free")), (json!(2), json!(3)));
}

#[test]
fn variables_of_a_scope_are_set_and_seen_there() {
    let program = process(|b| {
        b.start("s");
        b.small_sub("sub", SubProcess::Embedded);
        b.chain(&["s", "sub"]);
    });
    let mut story = Story::start(program, json!({"x": 1}));
    let sub = story.state.active().next().unwrap().element;
    story.tell(Input::SetVariables { scope: Some(sub), variables: super::drive::variables(json!({"x": 9})) });
    let inner = story.state.owner(story.job("sub.a")).unwrap();
    assert_eq!(Value::Object(story.state.visible_variables(inner)), json!({"x": 9}));
    assert_eq!(story.value("x"), json!(1));
}

#[test]
fn a_failing_output_mapping_keeps_the_result_and_is_done_once() {
    let outputs = [("n + r", "n", true), ("assert(k, k != null)", "copy", true)];
    let mut story = Story::start(task(&outputs), json!({"n": 1}));
    story.done("a", json!({"r": 5}));
    assert_eq!(story.incidents(), [codes::EXPRESSION]);
    assert_eq!(story.value("n"), json!(1), "all mappings or none");
    story.set(json!({"k": true})).resolve().ends();
    assert_eq!(story.value("n"), json!(6));
}

#[test]
fn a_failing_input_mapping_is_an_incident_before_any_work() {
    let mut story = Story::start(task(&[("assert(k, k != null)", "n", false)]), json!({}));
    assert_eq!(story.incidents(), [codes::EXPRESSION]);
    assert!(story.open().is_empty());
    story.set(json!({"k": 3})).resolve();
    assert_eq!(declared(&story), json!({"n": 3}));
}
