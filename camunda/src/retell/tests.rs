//! What is told of a history.

use super::*;
use crate::remote::RemoteStep;

/// Two branches with a task each, then a loop over `again`; tasks are written in small letters.
const XML: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="S"/><bpmn:parallelGateway id="Fork"/><bpmn:serviceTask id="a"/><bpmn:serviceTask id="b"/>
    <bpmn:task id="P"/><bpmn:parallelGateway id="Join"/><bpmn:exclusiveGateway id="More" default="out"/>
    <bpmn:serviceTask id="again"/><bpmn:endEvent id="Z"/>
    <bpmn:sequenceFlow id="f1" sourceRef="S" targetRef="Fork"/><bpmn:sequenceFlow id="f2" sourceRef="Fork" targetRef="a"/>
    <bpmn:sequenceFlow id="f3" sourceRef="Fork" targetRef="P"/><bpmn:sequenceFlow id="f4" sourceRef="P" targetRef="b"/>
    <bpmn:sequenceFlow id="f5" sourceRef="a" targetRef="Join"/><bpmn:sequenceFlow id="f6" sourceRef="b" targetRef="Join"/>
    <bpmn:sequenceFlow id="f7" sourceRef="Join" targetRef="More"/><bpmn:sequenceFlow id="out" sourceRef="More" targetRef="Z"/>
    <bpmn:sequenceFlow id="f8" sourceRef="More" targetRef="again"><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=n = 1</bpmn:conditionExpression></bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f9" sourceRef="again" targetRef="More"/></bpmn:process></bpmn:definitions>"#;

fn program() -> Program {
    let definitions = bpmn::xml::read(XML.as_bytes()).unwrap();
    bpmn::compile::compile(&definitions, None).unwrap().remove(0)
}

fn time(second: i64) -> i64 {
    (1_700_000_000 + second) * 1_000
}

/// Steps as Camunda's history has them: element, number, begin and end in seconds.
fn history(steps: &[(&str, u32, i64, Option<i64>)]) -> Vec<RemoteStep> {
    let step = |(element, number, begin, end): &(&str, u32, i64, Option<i64>)| RemoteStep {
        id: format!("{element}:{number}"),
        element: (*element).to_owned(),
        kind: "x".to_owned(),
        parent: "p:1".to_owned(),
        started_ms: time(*begin),
        ended_ms: end.map(time),
        ..RemoteStep::default()
    };
    steps.iter().map(step).collect()
}

/// The whole instance: `b` is answered before `a`, `again` once. Camunda runs each branch to its end first.
fn all() -> Vec<(&'static str, u32, i64, Option<i64>)> {
    vec![
        ("S", 1, 0, Some(0)),
        ("Fork", 1, 0, Some(0)),
        ("a", 1, 0, Some(20)),
        ("P", 1, 0, Some(0)),
        ("b", 1, 0, Some(10)),
        ("Join", 1, 10, Some(20)),
        ("Join", 2, 20, Some(20)),
        ("More", 1, 20, Some(20)),
        ("again", 1, 20, Some(30)),
        ("More", 2, 30, Some(30)),
        ("Z", 1, 30, Some(30)),
    ]
}

/// What the history showed at a second.
fn seen_at(second: i64) -> Vec<(&'static str, u32, i64, Option<i64>)> {
    let begun = all().into_iter().filter(|step| step.2 <= second);
    begun.map(|(id, number, begin, end)| (id, number, begin, end.filter(|end| *end <= second))).collect()
}

fn words(entries: &[Entry]) -> Vec<String> {
    let word = |entry: &Entry| {
        let what = entry.kind.split('.').next_back().unwrap();
        format!("{what} {}", entry.element.as_deref().unwrap_or(""))
    };
    entries.iter().map(word).collect()
}

const TOLD: [&str; 33] = [
    "activated S",
    "completed S",
    "taken f1",
    "activated Fork",
    "completed Fork",
    "taken f2",
    "taken f3",
    "activated a",
    "created a",
    "activated P",
    "completed P",
    "taken f4",
    "activated b",
    "created b",
    "completed b",
    "taken f6",
    "completed a",
    "taken f5",
    "activated Join",
    "completed Join",
    "taken f7",
    "activated More",
    "completed More",
    "taken f8",
    "activated again",
    "created again",
    "completed again",
    "taken f9",
    "activated More",
    "completed More",
    "taken out",
    "activated Z",
    "completed Z",
];

#[test]
fn tokens_are_told_by_turns_with_the_flows_they_took_and_joins_once() {
    let program = program();
    let mut steps = Steps::default();
    steps.take_in(Some(&program), &history(&all()), false);
    assert_eq!(words(&news(Some(&program), &mut steps)), TOLD);
    assert!(news(Some(&program), &mut steps).is_empty(), "nothing is told twice");
}

#[test]
fn many_looks_tell_what_one_look_tells_also_with_restarts_between_them() {
    let program = program();
    let mut steps = Steps::default();
    let mut told: Vec<Entry> = Vec::new();
    for second in [0, 5, 10, 20, 30] {
        // The next run knows what the trail says.
        if second % 10 == 0 {
            steps = Steps::default();
            told.iter().for_each(|entry| steps.remember(entry.kind, &entry.data));
        }
        steps.take_in(Some(&program), &history(&seen_at(second)), false);
        told.extend(news(Some(&program), &mut steps));
    }
    assert_eq!(words(&told), TOLD);
    let numbers: Vec<u64> = told
        .iter()
        .filter(|entry| entry.kind == "element.activated")
        .filter_map(|entry| entry.data["element"].as_u64())
        .collect();
    let different: std::collections::BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(different.len(), numbers.len(), "each activation has a number of its own: {numbers:?}");
}

#[test]
fn what_is_told_reads_as_events_of_the_token_rules() {
    let program = program();
    let mut steps = Steps::default();
    steps.take_in(Some(&program), &history(&all()), false);
    for entry in news(Some(&program), &mut steps).iter().filter(|entry| entry.kind != "job.created") {
        let event: Event = serde_json::from_value(entry.data.clone()).unwrap();
        assert!(event.trace_line().is_some(), "{event:?}");
    }
}

#[test]
fn a_cancelled_task_is_terminated_with_its_job_and_a_model_that_cannot_be_read_is_told_in_order_of_time() {
    let mut found = history(&[("S", 1, 0, Some(0)), ("a", 1, 0, Some(9)), ("b", 1, 3, Some(4))]);
    found[1].cancelled = true;
    let mut steps = Steps::default();
    steps.take_in(None, &found, false);
    let told = words(&news(None, &mut steps));
    assert_eq!(
        told,
        ["activated S", "completed S", "activated a", "activated b", "completed b", "terminated a"]
    );
    let program = program();
    let mut steps = Steps::default();
    steps.take_in(Some(&program), &found, false);
    let told = words(&news(Some(&program), &mut steps));
    assert_eq!(told[told.len() - 2..], ["cancelled ", "terminated a"]);
}

#[test]
fn visits_count_how_often_the_instance_came_to_an_element() {
    let program = program();
    let mut steps = Steps::default();
    steps.take_in(Some(&program), &history(&all()), false);
    assert_eq!((steps.visit("More:1", None), steps.visit("More:2", None)), (Some(1), Some(2)));
    assert_eq!(steps.visit("More:3", None), None, "a history that is not kept counts nothing");
    let runs: Vec<RemoteStep> = [("2", "x"), ("1", "x"), ("4", "y"), ("3", "y")]
        .iter()
        .enumerate()
        .map(|(at, (number, body))| RemoteStep {
            id: (*number).to_owned(),
            element: "a".to_owned(),
            parent: format!("body {body}"),
            started_ms: time(if at < 2 { 1 } else { 2 }),
            ..RemoteStep::default()
        })
        .collect();
    let body = |id: &str, second| RemoteStep {
        id: format!("body {id}"),
        element: "a".to_owned(),
        body: true,
        started_ms: time(second),
        ..RemoteStep::default()
    };
    let mut steps = Steps::default();
    steps.take_in(None, &[&[body("x", 1), body("y", 2)][..], &runs].concat(), false);
    let visits: Vec<Option<u32>> = [("1", 0), ("2", 1), ("3", 0), ("4", 1)]
        .iter()
        .map(|(id, counter)| steps.visit(id, Some(*counter)))
        .collect();
    assert_eq!(visits, [Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn a_join_that_is_one_step_for_all_its_tokens_is_told_as_one_that_has_a_step_for_each() {
    let program = program();
    let mut all = all();
    all.retain(|step| (step.0, step.1) != ("Join", 1));
    let mut steps = Steps::default();
    steps.take_in(Some(&program), &history(&all), true);
    assert_eq!(words(&news(Some(&program), &mut steps)), TOLD);
    assert!(news(Some(&program), &mut steps).is_empty());
}
