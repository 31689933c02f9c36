//! Work in batches against what is known of it.

use super::super::{Exact, Model, replicate};
use super::{cases, model, read};
use crate::Error;

fn oven(batch: &str) -> Model {
    model(&format!(
        r#"<bpmn:extensionElements><procos:simulation arrivals="100">
        <procos:resource id="r" capacity="1" hourlyCost="36"/></procos:simulation></bpmn:extensionElements>
        <bpmn:startEvent id="s"/><bpmn:task id="t"><bpmn:extensionElements>
        <procos:simulation duration="200" resource="r" {batch}/></bpmn:extensionElements></bpmn:task><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="t"/><bpmn:sequenceFlow id="b" sourceRef="t" targetRef="e"/>"#
    ))
}

#[test]
fn a_batch_waits_until_it_is_full_and_is_served_by_one_execution() {
    // Every 100 s a case, four to a batch: they wait 300, 200, 100, 0 s, then 200 s of work for all of them.
    let shop = oven(r#"batch="4""#);
    let found = cases(&shop, 40_000);
    let value = |what: &str, of: &str| found.estimate(what, of).unwrap().value;
    assert!((value("duration", "") - 350.0).abs() < 1.0, "{}", value("duration", ""));
    assert!((value("wait", "t") - 150.0).abs() < 1.0);
    assert!((value("utilisation", "r") - 0.5).abs() < 0.01);
    // 200 s at 36 an hour, shared by four.
    assert!((value("cost", "") - 0.5).abs() < 1e-9, "{}", value("cost", ""));
    let exact = Exact::of(&shop).unwrap();
    assert!(
        (exact.load.as_ref().unwrap().utilisation[0] - 0.5).abs() < 1e-12
            && (exact.load.as_ref().unwrap().cost - 0.5).abs() < 1e-12
    );
}

#[test]
fn a_batch_that_is_not_full_in_time_begins_without_the_rest() {
    // After 150 s two are there.
    let shop = oven(r#"batch="10" batchWait="150""#);
    let found = cases(&shop, 20_000);
    let wait = found.estimate("wait", "t").unwrap().value;
    assert!((wait - 100.0).abs() < 2.0, "{wait}");
    let exact = Exact::of(&shop).unwrap();
    // The way of a case does not depend on time, the size of a batch does.
    assert_eq!((exact.visits, exact.load), (vec![1.0], None));
    assert!(exact.no_load.unwrap().to_string().contains("begins before its batch is full"));
}

#[test]
fn cases_that_do_not_meet_fill_no_batch() {
    let mut alone = oven(r#"batch="4""#);
    alone.arrivals = None;
    assert_eq!(cases(&alone, 1_000).estimate("duration", "").unwrap().value, 200.0);
}

#[test]
fn a_case_that_ends_at_once_leaves_its_batch() {
    let (program, declaration) = read(
        r#"<bpmn:extensionElements><procos:simulation arrivals="1"/></bpmn:extensionElements>
        <bpmn:startEvent id="s"/><bpmn:parallelGateway id="f"/>
        <bpmn:task id="t"><bpmn:extensionElements><procos:simulation duration="5" batch="3"/></bpmn:extensionElements>
        </bpmn:task><bpmn:task id="u"><bpmn:extensionElements><procos:simulation duration="1.5"/></bpmn:extensionElements>
        </bpmn:task><bpmn:endEvent id="e"/><bpmn:endEvent id="x"><bpmn:terminateEventDefinition id="y"/></bpmn:endEvent>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="f"/><bpmn:sequenceFlow id="b" sourceRef="f" targetRef="t"/>
        <bpmn:sequenceFlow id="c" sourceRef="t" targetRef="e"/><bpmn:sequenceFlow id="d" sourceRef="f" targetRef="u"/>
        <bpmn:sequenceFlow id="g" sourceRef="u" targetRef="x"/>"#,
    );
    let refused = Model::table(&program, &declaration).unwrap_err();
    assert!(matches!(&refused, Error::NotSimulated { element, .. } if element == "t"), "{refused}");
    // A case a second: each has gone after 1.5 s, so that three never wait together.
    let found = replicate(&Model::build(&program, &declaration).unwrap(), 1, 0, 20, 0);
    assert_eq!((found.cases, found.stuck), (20, 0));
    assert!(found.durations.iter().all(|duration| (duration - 1.5).abs() < 1e-9), "{:?}", found.durations);
}
