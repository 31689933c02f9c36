//! The simulation against what is known without it.

use bpmn::compile::compile;
use bpmn::program::Program;

use super::{Declaration, Exact, Inexact, Model, Plan, Result, Settings, compare, replicate, simulate};

mod batches;
mod bpsim;
mod by_engine;
mod closed_forms;
mod data;
mod deadlines;
mod event_logs;
mod evidence;
mod forecasts;
mod inclusive;
mod precision;
mod repeated;
mod token_rules;

/// A credit application: two checks side by side, an assessment, an offer or a refusal that may come back.
pub(super) fn credit(offer: &str, again: &str, extra: &str) -> Model {
    let task = |id: &str, mean: &str, resource: &str| {
        format!(
            r#"<bpmn:userTask id="{id}"><bpmn:extensionElements><procos:simulation duration="exponential({mean})"
            resource="{resource}" {extra}/></bpmn:extensionElements></bpmn:userTask>"#
        )
    };
    let flow = |from: &str, to: &str, share: &str| {
        let weight = if share.is_empty() {
            String::new()
        } else {
            format!("<bpmn:extensionElements><procos:simulation {share}/></bpmn:extensionElements>")
        };
        format!(
            r#"<bpmn:sequenceFlow id="{from}-{to}" sourceRef="{from}" targetRef="{to}">{weight}</bpmn:sequenceFlow>"#
        )
    };
    let (offer_not, again_not) = (opposite(offer), opposite(again));
    let parts = [
        r#"<bpmn:startEvent id="start"/><bpmn:parallelGateway id="split"/><bpmn:parallelGateway id="join"/>
        <bpmn:exclusiveGateway id="assessing"/><bpmn:exclusiveGateway id="decide"/><bpmn:exclusiveGateway id="back"/>
        <bpmn:endEvent id="offered"/><bpmn:endEvent id="refused"/>"#
            .to_owned(),
        task("history", "600", "clerk"),
        task("income", "1200", "clerk2"),
        task("assess", "1200", "officer"),
        task("offer", "600", "officer2"),
        task("notify", "600", "officer2"),
        task("feedback", "60", "system"),
        flow("start", "split", ""),
        flow("split", "history", ""),
        flow("split", "income", ""),
        flow("history", "join", ""),
        flow("income", "join", ""),
        flow("join", "assessing", ""),
        flow("assessing", "assess", ""),
        flow("assess", "decide", ""),
        flow("decide", "offer", offer),
        flow("decide", "notify", &offer_not),
        flow("offer", "offered", ""),
        flow("notify", "feedback", ""),
        flow("feedback", "back", ""),
        flow("back", "assessing", again),
        flow("back", "refused", &again_not),
    ];
    let resources: String = ["clerk", "clerk2", "officer", "officer2", "system"]
        .iter()
        .map(|id| {
            let capacity = if *id == "system" { 1000 } else { 1 };
            format!(r#"<procos:resource id="{id}" capacity="{capacity}" hourlyCost="36"/>"#)
        })
        .collect();
    model(&format!(
        r#"<bpmn:extensionElements><procos:simulation arrivals="exponential(1800)">{resources}</procos:simulation>
        </bpmn:extensionElements>{}"#,
        parts.concat()
    ))
}

/// The other way of two: its share, or 20 observations together.
fn opposite(weight: &str) -> String {
    match weight.strip_prefix("share=\"") {
        Some(share) => format!("share=\"{}\"", 1.0 - share.trim_end_matches('"').parse::<f64>().unwrap()),
        None => {
            let count: f64 = weight.strip_prefix("count=\"").unwrap().trim_end_matches('"').parse().unwrap();
            format!("count=\"{}\"", 20.0 - count)
        }
    }
}

/// A process with this content.
pub(super) fn read(content: &str) -> (Program, Declaration) {
    read_beside(content, "")
}

/// The same with something beside the process.
pub(super) fn read_beside(content: &str, beside: &str) -> (Program, Declaration) {
    let xml = format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:procos="https://w3id.org/procos/bpmn/1.0"
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
        <bpmn:process id="p" isExecutable="true">{content}</bpmn:process>{beside}</bpmn:definitions>"#
    );
    let definitions = bpmn::xml::read(xml.as_bytes()).unwrap();
    let program = compile(&definitions, None).unwrap().remove(0);
    let declaration = Declaration::read(&definitions.processes[0]).unwrap();
    (program, declaration)
}

pub(super) fn model(content: &str) -> Model {
    let (program, declaration) = read(content);
    Model::build(&program, &declaration).unwrap()
}

/// Start, one task with a resource, end.
pub(super) fn station(duration: &str, capacity: u32) -> Model {
    model(&format!(
        r#"<bpmn:extensionElements><procos:simulation arrivals="exponential(100)">
        <procos:resource id="r" capacity="{capacity}"/></procos:simulation></bpmn:extensionElements>
        <bpmn:startEvent id="s"/><bpmn:task id="t"><bpmn:extensionElements>
        <procos:simulation duration="{duration}" resource="r"/></bpmn:extensionElements></bpmn:task><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="t"/><bpmn:sequenceFlow id="b" sourceRef="t" targetRef="e"/>"#
    ))
}

pub(super) fn cases(model: &Model, cases: u64) -> Result {
    simulate(model, &Settings { plan: Plan::Cases(cases), seed: 11, threads: 2, limit: None }, &|_, _| {})
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let model = credit("count=\"16\"", "count=\"3\"", "observed=\"20\"");
    let with = |threads| {
        simulate(
            &model,
            &Settings { plan: Plan::Cases(20_000), seed: 5, threads, limit: Some(9_000.0) },
            &|_, _| {},
        )
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn another_seed_gives_other_cases() {
    let model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    assert_ne!(replicate(&model, 1, 0, 50, 0).durations, replicate(&model, 2, 0, 50, 0).durations);
    assert_eq!(replicate(&model, 1, 0, 50, 0), replicate(&model, 1, 0, 50, 0));
}

#[test]
fn common_random_numbers_make_the_difference_of_two_versions_much_more_certain() {
    let first = credit("share=\"0.8\"", "share=\"0.2\"", "");
    let mut second = first.clone();
    second.activities[1].law = super::Law::Exponential(1_080.0);
    let found = compare(&first, &second, 3, (100, 1_000, 100), None);
    let duration = &found.differences[0];
    assert!(found.variance_ratio > 10.0, "{}", found.variance_ratio);
    assert!(duration.difference.value < -700.0 && duration.probability_lower > 0.999, "{duration:?}");
}

#[test]
fn a_version_compared_with_itself_does_not_differ() {
    let model = credit("count=\"16\"", "count=\"3\"", "");
    let found = compare(&model, &model, 3, (10, 200, 0), None);
    assert!(found.differences.iter().all(|each| each.difference.value == 0.0));
}

#[test]
fn what_the_table_cannot_say_is_refused_with_the_element_and_a_way_out() {
    let (program, declaration) = read(
        r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="e"/><bpmn:endEvent id="f"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <bpmn:sequenceFlow id="b" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=amount > 3</bpmn:conditionExpression>
        </bpmn:sequenceFlow><bpmn:sequenceFlow id="c" sourceRef="g" targetRef="f"/>"#,
    );
    let error = Model::build(&program, &declaration).unwrap_err();
    assert_eq!(error.code(), "SCORING-0006");
    assert!(error.to_string().starts_with("g: ") && error.hint().contains("share"), "{error}");
}

#[test]
fn a_case_whose_join_waits_for_ever_is_counted_as_stuck() {
    let model = model(
        r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:parallelGateway id="j"/><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <bpmn:sequenceFlow id="b" sourceRef="g" targetRef="j"><bpmn:extensionElements><procos:simulation share="0.5"/>
        </bpmn:extensionElements></bpmn:sequenceFlow>
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="j"><bpmn:extensionElements><procos:simulation share="0.5"/>
        </bpmn:extensionElements></bpmn:sequenceFlow>
        <bpmn:sequenceFlow id="d" sourceRef="j" targetRef="e"/>"#,
    );
    assert_eq!((replicate(&model, 1, 0, 100, 0).stuck, Exact::of(&model)), (100, Err(Inexact::Ends)));
}
