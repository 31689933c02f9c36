//! Gateways that decide by what a case brings along.

use super::super::{Exact, Inexact, Numbers};
use super::{cases, model};

fn shop(loops: bool) -> super::Model {
    shop_of(r#"distribution="uniform(0, 1000)""#, loops)
}

fn shop_of(amount: &str, loops: bool) -> super::Model {
    let way = if loops { "again" } else { "small" };
    model(&format!(
        r#"<bpmn:extensionElements><procos:simulation>
        <procos:attribute name="amount" {amount}/><procos:attribute name="unread" distribution="uniform(0, 1)"/>
        <procos:attribute name="tier" values="gold 0.3, other 0.7"/></procos:simulation></bpmn:extensionElements>
        <bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="again"/>
        <bpmn:task id="t"><bpmn:extensionElements><procos:simulation duration="5"/></bpmn:extensionElements></bpmn:task>
        <bpmn:exclusiveGateway id="g" default="d"/>
        <bpmn:endEvent id="big"/><bpmn:endEvent id="small"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="again"/><bpmn:sequenceFlow id="a2" sourceRef="again" targetRef="t"/>
        <bpmn:sequenceFlow id="b" sourceRef="t" targetRef="g"/>
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="big">
        <bpmn:conditionExpression>=amount > 600 or tier = "gold"</bpmn:conditionExpression></bpmn:sequenceFlow>
        <bpmn:sequenceFlow id="d" sourceRef="g" targetRef="{way}"/>"#
    ))
}

#[test]
fn a_gateway_decides_by_what_the_case_brings_along() {
    let model = shop(false);
    let found = cases(&model, 20_000);
    let big = found.estimate("end", "big").unwrap();
    // 1 − 0.6 × 0.7
    assert!(big.monte_carlo.0 < 0.58 && 0.58 < big.monte_carlo.1, "{big:?}");
    let inexact = Exact::of(&model).unwrap_err().to_string();
    assert!(inexact.contains("decides by amount"), "{inexact}");
    let numbers = Numbers::new(1, 0);
    assert_eq!(model.attributes_of(&numbers, 4), model.attributes_of(&numbers, 4));
    assert_ne!(model.attributes_of(&numbers, 4), model.attributes_of(&numbers, 5));
}

#[test]
fn ways_that_depend_on_a_few_values_are_known_exactly() {
    let amounts = r#"values="100 0.6, 900 0.4""#;
    let model = shop_of(amounts, false);
    let exact = Exact::of(&model).unwrap();
    let place = model.ends.iter().position(|(id, _)| id == "big").unwrap();
    assert!((exact.ends[place] - (1.0 - 0.6 * 0.7)).abs() < 1e-12, "{:?}", exact.ends);
    assert_eq!((exact.visits.clone(), exact.gradients.len()), (vec![1.0], 0));
    let found = cases(&model, 20_000);
    let big = found.estimate("end", "big").unwrap();
    assert!(big.monte_carlo.0 < 0.58 && 0.58 < big.monte_carlo.1, "{big:?}");
    assert_eq!(Exact::of(&shop_of(amounts, true)), Err(Inexact::Loop));
    let many: Vec<String> = (0..200).map(|value| format!("{value} 1")).collect();
    let many = Exact::of(&shop_of(&format!("values=\"{}\"", many.join(", ")), false));
    assert_eq!(many, Err(Inexact::Combinations(256)), "200 amounts in 2 tiers");
}

#[test]
fn a_case_that_goes_round_for_ever_is_stuck_and_said_to_be() {
    let found = cases(&shop(true), 2_000);
    let share = found.stuck as f64 / found.cases as f64;
    assert!((share - 0.42).abs() < 0.04, "{share}");
}

#[test]
fn a_condition_that_reads_more_than_is_declared_is_refused() {
    let (program, mut declaration) = super::read(
        r#"<bpmn:extensionElements><procos:simulation><procos:attribute name="amount" values="1, 2"/></procos:simulation>
        </bpmn:extensionElements><bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="b"/>
        <bpmn:endEvent id="x"/><bpmn:endEvent id="y"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <bpmn:sequenceFlow id="b" sourceRef="g" targetRef="x"/><bpmn:sequenceFlow id="c" sourceRef="g" targetRef="y">
        <bpmn:conditionExpression>=amount > limit</bpmn:conditionExpression></bpmn:sequenceFlow>"#,
    );
    assert!(super::Model::build(&program, &declaration).unwrap_err().to_string().contains("data"));
    let limit = super::super::Attribute { name: "limit".to_owned(), ..declaration.attributes[0].clone() };
    declaration.attributes.push(limit);
    assert!(super::Model::build(&program, &declaration).is_ok());
}
