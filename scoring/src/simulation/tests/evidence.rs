//! Recorded cases instead of assumptions.

use std::collections::BTreeMap;

use super::super::evidence::{Evidence, Executions};
use super::super::{Exact, Law};
use super::{Model, read};

const REVIEW: &str = r#"<bpmn:startEvent id="s"/><bpmn:userTask id="review"><bpmn:extensionElements>
    <procos:simulation duration="lognormal(60, 30)"/><procos:outcome label="good" share="0.5"/>
    <procos:outcome label="bad" success="false" share="0.5"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:task id="unseen"/><bpmn:exclusiveGateway id="g" default="d"/><bpmn:endEvent id="e"/><bpmn:endEvent id="f"/>
    <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="unseen"/><bpmn:sequenceFlow id="u" sourceRef="unseen" targetRef="review"/>
    <bpmn:sequenceFlow id="b" sourceRef="review" targetRef="g"/><bpmn:sequenceFlow id="c" sourceRef="g" targetRef="e">
    <bpmn:conditionExpression>=outcome = "good"</bpmn:conditionExpression></bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="d" sourceRef="g" targetRef="f"/>"#;

fn seen(finished: &[f64], open: &[f64]) -> Executions {
    Executions { finished: finished.to_vec(), open: open.to_vec(), ..Executions::default() }
}

fn evidence(element: &str, executions: Executions) -> Evidence {
    Evidence {
        cases: 20,
        elements: BTreeMap::from([(element.to_owned(), executions)]),
        flows: BTreeMap::new(),
    }
}

fn learnt_law(content: &str, executions: Executions) -> (Option<Law>, super::super::Learnt) {
    let (program, mut declaration) = read(content);
    let learnt = declaration.learn(&program, &evidence("review", executions));
    (declaration.elements["review"].duration.clone(), learnt)
}

#[test]
fn recorded_outcomes_take_the_place_of_assumed_shares_with_their_uncertainty() {
    let (program, mut declaration) = read(REVIEW);
    let mut executions = seen(&[], &[]);
    executions.outcomes = BTreeMap::from([("good".to_owned(), 16), ("bad".to_owned(), 4)]);
    let learnt = declaration.learn(&program, &evidence("review", executions));
    assert_eq!(learnt.shares["review"], 20);
    let model = Model::build(&program, &declaration).unwrap();
    // 16 of 20 under a uniform prior: 17/22, and Beta(17, 5) for its interval.
    let exact = Exact::of(&model).unwrap();
    assert!((exact.ends[0] - 17.0 / 22.0).abs() < 1e-12);
    let (low, high) = exact.posterior(&model, 1).ends[0];
    assert!((low - 0.581).abs() < 0.015 && (high - 0.918).abs() < 0.015, "{low} {high}");
}

#[test]
fn a_few_durations_keep_the_declared_form_and_take_the_recorded_mean_with_running_cases_as_censored() {
    // Ten that took 100 s and one that has been going on for 200 s: 1,200 s on test, ten ends.
    let (law, learnt) = learnt_law(REVIEW, seen(&[100.0; 10], &[200.0]));
    let law = law.unwrap();
    assert!(matches!(law, Law::Lognormal(..)) && (law.mean() - 120.0).abs() < 1e-9, "{law:?}");
    assert_eq!(learnt.durations["review"], 10);
}

#[test]
fn many_durations_have_the_form_that_was_recorded_and_censored_ones_move_weight_to_longer_ones() {
    let mut finished: Vec<f64> = (1..=20).map(f64::from).collect();
    let (law, _) = learnt_law(REVIEW, seen(&finished, &[]));
    let (Law::Empirical(law), Law::Empirical(plain)) = (law.unwrap(), Law::empirical(&finished).unwrap())
    else {
        panic!("the form is that of the observations");
    };
    assert!(
        law.iter().zip(&plain).all(|(a, b)| a.0.total_cmp(&b.0).is_eq() && (a.1 - b.1).abs() < 1e-9),
        "{law:?}"
    );
    assert_eq!(law.len(), plain.len());
    // One more was broken off at 10.5 s: it would have taken as long as one of the ten above, each equally likely.
    let (law, _) = learnt_law(REVIEW, seen(&finished, &[10.5]));
    let mean = law.unwrap().mean();
    let upper: f64 = (11..=20).map(f64::from).sum::<f64>() / 10.0;
    finished.push(upper);
    let expected = finished.iter().sum::<f64>() / 21.0;
    assert!((mean - expected).abs() < 1e-9, "{mean} {expected}");
}

#[test]
fn under_five_executions_replace_nothing_that_is_declared_and_that_is_said() {
    let (law, learnt) = learnt_law(REVIEW, seen(&[500.0; 4], &[]));
    assert!((law.unwrap().mean() - 60.0).abs() < 1e-9);
    assert!(learnt.is_empty() && learnt.few["review"] == 4);
    assert!(learnt.lines().iter().any(|line| line.contains("review (4)")), "{:?}", learnt.lines());
}

#[test]
fn a_duration_that_holds_the_wait_for_a_declared_resource_is_not_taken_for_work() {
    let content = format!(
        r#"<bpmn:extensionElements><procos:simulation><procos:resource id="r"/></procos:simulation>
        </bpmn:extensionElements>{}"#,
        REVIEW.replace("lognormal(60, 30)\"", "lognormal(60, 30)\" resource=\"r\"")
    );
    let mut executions = seen(&[500.0; 30], &[]);
    executions.with_waiting = true;
    let (law, learnt) = learnt_law(&content, executions);
    assert!((law.unwrap().mean() - 60.0).abs() < 1e-9 && learnt.waiting.contains("review"));
}

#[test]
fn a_gateway_that_decides_by_data_has_the_shares_of_the_tokens_that_were_recorded() {
    let content = r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="c"/><bpmn:endEvent id="e"/>
        <bpmn:endEvent id="f"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <bpmn:sequenceFlow id="b" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=amount &gt; 3</bpmn:conditionExpression>
        </bpmn:sequenceFlow><bpmn:sequenceFlow id="c" sourceRef="g" targetRef="f"/>"#;
    let (program, mut declaration) = read(content);
    assert!(Model::build(&program, &declaration).is_err());
    let flows = BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), 7), ("c".to_owned(), 3)]);
    let learnt = declaration.learn(&program, &Evidence { cases: 10, flows, ..Evidence::default() });
    assert_eq!(learnt.shares, BTreeMap::from([("g".to_owned(), 10)]));
    let model = Model::build(&program, &declaration).unwrap();
    assert!((Exact::of(&model).unwrap().ends[0] - 8.0 / 12.0).abs() < 1e-12);
}
