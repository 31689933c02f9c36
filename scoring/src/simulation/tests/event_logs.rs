//! Event logs of simulations.

use std::convert::Infallible;

use bpmn::event_log::Format;
use bpmn::xes;

use super::super::{LOG_START_MS, event_log};
use super::{credit, model, station};

fn written(model: &super::Model, cases: (u32, u32), format: Format) -> String {
    let mut text = String::new();
    let mut sink = |part: &str| {
        text.push_str(part);
        Ok::<(), Infallible>(())
    };
    let Ok(_) = event_log(model, 3, cases, (format, LOG_START_MS), &mut sink);
    text
}

#[test]
fn the_log_holds_every_execution_of_every_case_in_order() {
    let shop = credit("share=\"0.8\"", "share=\"0.2\"", "");
    let traces = xes::read(written(&shop, (500, 50), Format::Xes).as_bytes()).unwrap();
    assert_eq!(traces.len(), 500);
    let run = super::replicate(&shop, 3, 0, 500, 50);
    let visits: u64 = run.activities.iter().map(|totals| totals.visits).sum();
    assert_eq!(traces.iter().map(|trace| trace.events.len() as u64).sum::<u64>(), visits);
    for trace in &traces {
        let activity = |name: &str| trace.events.iter().position(|event| event.activity == name);
        assert!(activity("assess") > activity("income") && activity("assess") > activity("history"));
        let times: Vec<i64> = trace.events.iter().filter_map(|event| event.at_ms).collect();
        assert!(times.len() == trace.events.len() && times.iter().all(|at| *at >= LOG_START_MS));
    }
}

#[test]
fn a_table_tells_waiting_from_work() {
    let table = written(&station("60", 1), (2_000, 0), Format::Csv);
    let mut waited = 0.0;
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let at = |place: usize| xes::timestamp_ms(cells[place]).unwrap() as f64 / 1_000.0;
        assert!((at(4) - at(3) - 60.0).abs() < 0.002 && cells[5] == "r", "{line}");
        waited += at(3) - at(2);
    }
    // M/D/1 at 60 % load waits ρs/(2(1 − ρ)) = 45 s.
    assert!((waited / 2_000.0 - 45.0).abs() < 12.0, "{}", waited / 2_000.0);
}

#[test]
fn what_a_terminate_end_event_breaks_off_ends_there() {
    let shop = model(
        r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="f"/>
        <bpmn:task id="quick"><bpmn:extensionElements><procos:simulation duration="10"/></bpmn:extensionElements></bpmn:task>
        <bpmn:task id="slow"><bpmn:extensionElements><procos:simulation duration="100"/></bpmn:extensionElements></bpmn:task>
        <bpmn:endEvent id="e"/><bpmn:endEvent id="x"><bpmn:terminateEventDefinition id="y"/></bpmn:endEvent>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="f"/><bpmn:sequenceFlow id="b" sourceRef="f" targetRef="quick"/>
        <bpmn:sequenceFlow id="c" sourceRef="f" targetRef="slow"/><bpmn:sequenceFlow id="d" sourceRef="quick" targetRef="x"/>
        <bpmn:sequenceFlow id="g" sourceRef="slow" targetRef="e"/>"#,
    );
    let text = written(&shop, (1, 0), Format::Csv);
    let slow = text.lines().find(|line| line.contains("slow")).unwrap();
    assert!(slow.contains("T00:00:10.000Z"), "{slow}");
    assert!(written(&shop, (1, 0), Format::Xes).contains("ate_abort"));
}
