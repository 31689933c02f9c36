//! Trace, order and end of scopes that hold several things.

use serde_json::json;

use super::build::process;
use super::drive::Story;
use crate::exec::Event;
use crate::program::SubProcess;

#[test]
fn the_trace_names_elements_flows_and_incidents_only() {
    let program = process(|b| {
        b.start("s");
        b.script("a", "1", "x");
        b.repeat("a", super::build::times("2", true));
        b.xor("g");
        b.end("e");
        b.chain(&["s", "a", "g"]);
        b.flow_if("g", "e", "false");
    });
    let story = Story::start(program, json!({}));
    let lines: Vec<String> = story
        .events
        .iter()
        .filter_map(Event::trace_line)
        .map(|line| format!("{} {} {}", line.element, line.kind, line.event))
        .collect();
    let expected = [
        "s startEvent activated",
        "s startEvent completed",
        "s->a sequenceFlow taken",
        "a scriptTask activated",
        "a scriptTask completed",
        "a scriptTask activated",
        "a scriptTask completed",
        "a->g sequenceFlow taken",
        "g exclusiveGateway activated",
        "g exclusiveGateway incident",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn next_tasks_look_through_gateways_and_into_and_out_of_sub_processes() {
    let program = process(|b| {
        b.start("s");
        b.job("a");
        b.xor("g");
        b.small_sub("sub", SubProcess::Embedded);
        b.job("b");
        b.job("c");
        b.end("e");
        b.chain(&["s", "a", "g", "sub", "b", "e"]);
        b.otherwise("g", "c");
    });
    let mut story = Story::start(program, json!({"x": 1}));
    assert_eq!(story.state.next_tasks(&story.program), ["sub.a", "c"]);
    story.done("a", json!({}));
    assert_eq!(story.state.next_tasks(&story.program), ["b"]);
    let active: Vec<(usize, bool)> = story.state.active().map(|at| (at.index, at.incident)).collect();
    let place = |id: &str| story.program.find(id).unwrap();
    assert_eq!(active, [(place("sub"), false), (place("sub.a"), false)]);
}
