//! Inclusive gateways: some of several ways at once.

use super::super::{Effort, Exact, LiveCase, Model, forecast};
use super::{cases, model, read};
use crate::Error;

/// Ways a (10 s), b (20 s) and the default c (5 s), then a last step of 1 s.
fn shop(a: &str, b: &str, more: &str) -> String {
    let task = |id: &str, duration: &str| {
        format!(
            r#"<bpmn:task id="{id}"><bpmn:extensionElements><procos:simulation duration="{duration}"/></bpmn:extensionElements></bpmn:task>"#
        )
    };
    let way = |id: &str, share: &str| {
        format!(
            r#"<bpmn:sequenceFlow id="to_{id}" sourceRef="split" targetRef="{id}"><bpmn:extensionElements>
            <procos:simulation share="{share}"/></bpmn:extensionElements></bpmn:sequenceFlow>"#
        )
    };
    format!(
        r#"<bpmn:startEvent id="s"/><bpmn:inclusiveGateway id="split" default="to_c"/><bpmn:inclusiveGateway id="join"/>
        {}{}{}{}<bpmn:endEvent id="e"/><bpmn:sequenceFlow id="f0" sourceRef="s" targetRef="split"/>{}{}
        <bpmn:sequenceFlow id="to_c" sourceRef="split" targetRef="c"/>
        <bpmn:sequenceFlow id="a_done" sourceRef="a" targetRef="join"/>
        <bpmn:sequenceFlow id="b_done" sourceRef="b" targetRef="join"/>
        <bpmn:sequenceFlow id="c_done" sourceRef="c" targetRef="join"/>
        <bpmn:sequenceFlow id="f1" sourceRef="join" targetRef="last"/>
        <bpmn:sequenceFlow id="f2" sourceRef="last" targetRef="e"/>{more}"#,
        task("a", "10"),
        task("b", "20"),
        task("c", "5"),
        task("last", "1"),
        way("a", a),
        way("b", b),
    )
}

#[test]
fn each_way_is_taken_with_its_own_share_and_the_slowest_is_waited_for() {
    let model = model(&shop("0.5", "0.2", ""));
    let exact = Exact::of(&model).unwrap();
    let visits = |id: &str| exact.visits[model.activities.iter().position(|each| each.id == id).unwrap()];
    for (id, expected) in [("a", 0.5), ("b", 0.2), ("c", 0.4), ("last", 1.0)] {
        assert!((visits(id) - expected).abs() < 1e-12, "{id}: {}", visits(id));
    }
    let found = cases(&model, 40_000);
    // 0.4 × 10 + 0.2 × 20 + 0.4 × 5 + 1
    let mean = found.estimate("duration", "").unwrap();
    assert!(mean.monte_carlo.0 < 11.0 && 11.0 < mean.monte_carlo.1, "{mean:?}");
    assert_eq!(found.stuck, 0);
}

#[test]
fn a_running_case_waits_for_the_ways_it_has_taken_and_for_no_other() {
    let model = model(&shop("0.5", "0.2", ""));
    let left = |elements: &[(&str, f64)], flows: &[&str]| {
        let case = LiveCase {
            elements: elements.iter().map(|(id, elapsed)| ((*id).to_owned(), *elapsed)).collect(),
            flows: flows.iter().map(|id| (*id).to_owned()).collect(),
            ..LiveCase::default()
        };
        forecast(&model, &[case], 0.0, 1, Effort::default()).unwrap().remaining.value
    };
    assert!((left(&[("b", 5.0)], &[]) - 16.0).abs() < 1e-9);
    assert!((left(&[("a", 9.0), ("b", 5.0)], &[]) - 16.0).abs() < 1e-9);
    assert!((left(&[("a", 4.0)], &["b_done"]) - 7.0).abs() < 1e-9);
    assert!((left(&[("last", 0.5)], &[]) - 0.5).abs() < 1e-9);
}

#[test]
fn ways_that_do_not_meet_are_no_table_and_ways_without_a_share_are_refused() {
    let said = |error: Error| match error {
        Error::NotSimulated { element, what, .. } => format!("{element}: {what}"),
        other => panic!("{other}"),
    };
    let refusal = |content: &str| {
        let (program, declaration) = read(content);
        said(Model::build(&program, &declaration).unwrap_err())
    };
    // The engine's rules run what a table refuses.
    let no_table = |content: &str| {
        let (program, declaration) = read(content);
        assert_eq!(cases(&Model::build(&program, &declaration).unwrap(), 100).stuck, 0);
        said(Model::table(&program, &declaration).unwrap_err())
    };
    let back = r#"<bpmn:sequenceFlow id="b1" sourceRef="c" targetRef="e"/>"#;
    assert!(no_table(&shop("0.5", "0.2", back)).starts_with("split: an inclusive gateway whose ways"));
    let unsaid = shop("0.5", "0.2", "").replace(r#"<procos:simulation share="0.2"/>"#, "");
    assert!(refusal(&unsaid).starts_with("split: a choice of several ways without the shares"));
    assert!(refusal(&shop("0.5", "1.2", "")).starts_with("split: "));
    let merging =
        shop("0.5", "0.2", "").replace(r#"inclusiveGateway id="split""#, r#"exclusiveGateway id="split""#);
    assert!(no_table(&merging).starts_with("join: an inclusive gateway that joins what no"));
}
