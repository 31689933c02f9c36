//! What a process can be given, its versions, and one run of it without side effects.

use serde_json::json;

use super::bed::Bed;
use super::running::APPROVAL;

/// A person sets `ok`; what is above the limit is refused.
const ORDER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="https://example.org/test"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d">
  <process id="order" name="Order" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="price"/>
    <serviceTask id="price" name="Price">
      <extensionElements><procos:task by="feel">
        <procos:compute variable="total" expression="=amount * (if rate = null then 2 else rate)"/>
      </procos:task></extensionElements>
    </serviceTask>
    <sequenceFlow id="f2" sourceRef="price" targetRef="sign"/>
    <userTask id="sign" name="Sign"/>
    <sequenceFlow id="f3" sourceRef="sign" targetRef="signed"/>
    <exclusiveGateway id="signed" default="no"/>
    <sequenceFlow id="yes" sourceRef="signed" targetRef="done">
      <conditionExpression xsi:type="tFormalExpression">=ok = true</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="no" sourceRef="signed" targetRef="refused"/>
    <endEvent id="done" name="Done"/>
    <endEvent id="refused" name="Refused"/>
  </process>
</definitions>"#;

const TRY: &str = "mutation($input: DryRunProcessInput!) { dryRunProcess(input: $input) {
    state seed variables steps { elementId kind event } taskRuns { elementId executedBy outputs }
    incidents { elementId code message } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_says_what_it_can_be_given_and_a_person_what_to_answer() {
    let bed = Bed::new().await;
    bed.deploy(ORDER).await;
    let key = bed.start("order", json!({"amount": 3})).await;
    let query = "query($key: Key!) { processInstance(key: $key) { definition {
            inputs { name default compared readBy certain } versions { version } } }
        userTasks(instance: $key) { outcomes fields { name compared readBy certain } } }";
    bed.waits_for_a_person(&key).await;
    let found = bed.ask(query, json!({ "key": key })).await;
    let definition = &found["processInstance"]["definition"];
    assert_eq!(
        definition["inputs"],
        json!([
            {"name": "amount", "default": null, "compared": [], "readBy": ["price"], "certain": true},
            {"name": "rate", "default": 2, "compared": [], "readBy": ["price"], "certain": true},
            {"name": "ok", "default": null, "compared": [true], "readBy": ["signed"], "certain": false},
        ])
    );
    assert_eq!(definition["versions"], json!([{"version": 1}]));
    assert_eq!(
        found["userTasks"][0]["fields"],
        json!([{"name": "ok", "compared": [true], "readBy": ["signed"], "certain": false}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_goes_the_way_of_the_given_results_and_stores_nothing() {
    let bed = Bed::new().await;
    for (ok, end) in [(true, "done"), (false, "refused")] {
        let input =
            json!({"xml": ORDER, "variables": {"amount": 3}, "results": {"sign": {"ok": ok}}, "seed": "7"});
        let run = bed.ask(TRY, json!({ "input": input })).await["dryRunProcess"].clone();
        assert_eq!((&run["state"], &run["seed"]), (&json!("COMPLETED"), &json!("7")), "{run}");
        assert_eq!(run["variables"]["total"], 6);
        let reached = |event: &str| {
            let steps = run["steps"].as_array().unwrap().iter();
            let steps = steps.filter(|step| step["event"] == event);
            steps.map(|step| step["elementId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(reached("completed").last().unwrap(), end);
        assert!(reached("taken").contains(&if ok { "yes" } else { "no" }.to_owned()));
        assert_eq!(run["taskRuns"][0]["outputs"]["total"], 6);
    }
    let kept =
        bed.ask("{ processDefinitions { totalCount } processInstances { totalCount } }", json!({})).await;
    assert_eq!(kept["processDefinitions"]["totalCount"], 0);
    assert_eq!(kept["processInstances"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_that_is_stuck_says_where_and_wrong_input_is_refused() {
    let bed = Bed::new().await;
    let broken =
        ORDER.replace("=amount * (if rate = null then 2 else rate)", "=assert(1, false, \\\"no price\\\")");
    let broken = broken.replace("\\\"", "&quot;");
    let run = bed.ask(TRY, json!({ "input": {"xml": broken} })).await["dryRunProcess"].clone();
    assert_eq!(run["state"], "FAILED", "{run}");
    assert_eq!(run["incidents"][0]["elementId"], "price");
    for input in [json!({"xml": "<nothing"}), json!({"xml": APPROVAL, "results": {"approve": 1}})] {
        let (code, _, _) = bed.refusal(TRY, json!({ "input": input })).await;
        assert!(!code.is_empty());
    }
}
