//! Forecasts of running cases, and versions side by side.

use serde_json::json;

use super::bed::Bed;

const SHIPPING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="https://example.org/test"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" id="d">
  <process id="shipping" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="pack"/>
    <userTask id="pack"><extensionElements><procos:simulation duration="uniform(0, 100)"/></extensionElements></userTask>
    <sequenceFlow id="f2" sourceRef="pack" targetRef="done"/><endEvent id="done" name="Shipped"/>
  </process>
</definitions>"#;

#[tokio::test]
async fn a_running_case_says_how_much_longer_it_takes_and_how_it_ends() {
    let bed = Bed::new().await;
    bed.deploy(SHIPPING).await;
    let instance = bed.start("shipping", json!({})).await;
    let query = "query($key: Key!) { processInstance(key: $key) { forecast { remaining { value low high } \
        quantiles { share seconds } ends { elementId name share { value } } stuck beyond recordedCases runs } } }";
    let found = bed.ask(query, json!({"key": instance})).await;
    let forecast = &found["processInstance"]["forecast"];
    let remaining = forecast["remaining"]["value"].as_f64().unwrap();
    assert!((remaining - 50.0).abs() < 3.0, "{forecast}");
    assert_eq!(forecast["ends"][0]["name"], "Shipped");
    assert_eq!((&forecast["ends"][0]["share"]["value"], &forecast["stuck"]), (&json!(1.0), &json!(0.0)));
    assert_eq!(forecast["quantiles"].as_array().unwrap().len(), 7);
    let record = bed.ask("{ forecastRecord { all { cases } atStart { cases } open } }", json!({})).await;
    assert_eq!(record["forecastRecord"], json!({"all": null, "atStart": null, "open": 0}));
}

#[tokio::test]
async fn what_cannot_be_forecast_says_why_and_what_has_ended_has_no_forecast() {
    let bed = Bed::new().await;
    bed.deploy(super::running::APPROVAL).await;
    let instance = bed.start("approval", json!({})).await;
    let query = "query($key: Key!) { processInstance(key: $key) { key forecast { runs } } }";
    let (code, message, _) = bed.refusal(query, json!({"key": instance})).await;
    assert_eq!(code, "DAS-0040");
    assert!(message.contains("how long"), "{message}");
    let cancel = "mutation($key: Key!) { cancelInstance(key: $key) }";
    bed.ask(cancel, json!({"key": instance})).await;
    let ended = bed.ask(query, json!({"key": instance})).await;
    assert!(ended["processInstance"]["forecast"].is_null(), "{ended}");
}

#[tokio::test]
async fn a_start_takes_one_of_the_versions_that_are_tried_and_the_trail_says_which() {
    let bed = Bed::new().await;
    bed.deploy(SHIPPING).await;
    bed.deploy(&SHIPPING.replace("Shipped", "Sent")).await;
    let set = "mutation($input: TryVersionsInput!) { tryVersions(input: $input) { floor actor versions { version \
        attempts probabilityBest } } }";
    let trial = bed.ask(set, json!({"input": {"processId": "shipping", "versions": [1, 2]}})).await;
    assert_eq!(trial["tryVersions"]["floor"], 0.05);
    assert!((trial["tryVersions"]["versions"][0]["probabilityBest"].as_f64().unwrap() - 0.5).abs() < 1e-6);
    let start = "mutation($input: StartProcessInput!) { startProcess(input: $input) { key version } }";
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..30 {
        let input = json!({"processId": "shipping", "seed": seed.to_string()});
        let once = bed.ask(start, json!({"input": input})).await["startProcess"].clone();
        let again = bed.ask(start, json!({"input": input})).await["startProcess"].clone();
        assert_eq!(once["version"], again["version"], "the same seed takes the same version");
        seen.insert(once["version"].as_i64().unwrap());
        let chosen =
            "query($key: Key!) { trail(instance: $key, kindPrefix: \"version.chosen\") { nodes { data } } }";
        let trail = bed.ask(chosen, json!({"key": once["key"]})).await;
        assert_eq!(trail["trail"]["nodes"][0]["data"]["version"], once["version"]);
    }
    assert_eq!(seen, [1, 2].into());
    let end = "mutation { endVersionTrial(processId: \"shipping\") }";
    assert_eq!(bed.ask(end, json!({})).await["endVersionTrial"], true);
    let shown = bed.ask("{ versionTrial(processId: \"shipping\") { floor } }", json!({})).await;
    assert!(shown["versionTrial"].is_null());
    let newest = bed.ask(start, json!({"input": {"processId": "shipping", "seed": "1"}})).await;
    assert_eq!(newest["startProcess"]["version"], 2);
    let missing = json!({"input": {"processId": "shipping", "versions": [1, 9]}});
    assert_eq!(bed.refusal(set, missing).await.0, "DAS-0041");
}

#[tokio::test]
async fn scores_are_filtered_and_tell_what_the_newest_attempts_show() {
    let bed = Bed::new().await;
    bed.deploy(SHIPPING).await;
    for _ in 0..3 {
        let instance = bed.start("shipping", json!({})).await;
        bed.waits_for_a_person(&instance).await;
        let tasks = bed
            .ask("query($key: Key!) { userTasks(instance: $key) { key } }", json!({"key": instance}))
            .await;
        let input = json!({"key": tasks["userTasks"][0]["key"]});
        bed.ask(
            "mutation($input: CompleteUserTaskInput!) { completeUserTask(input: $input) }",
            json!({"input": input}),
        )
        .await;
        bed.reaches(&instance, "COMPLETED").await;
    }
    let query = "query($least: Int, $below: Float) { scores(kind: PROCESS, minAttempts: $least, lowBelow: $below) { \
        totalCount nodes { subject recent { attempts trend durationsMs { p50 } by { actor attempts } \
        versions { version attempts } drift { line } } } } }";
    let found = bed.ask(query, json!({"least": 3})).await["scores"].clone();
    assert_eq!(found["totalCount"], 1);
    let recent = &found["nodes"][0]["recent"];
    assert_eq!(
        (&recent["attempts"], &recent["trend"], &recent["drift"]),
        (&json!(3), &json!(1.0), &json!(null))
    );
    assert_eq!(recent["versions"], json!([{"version": 1, "attempts": 3}]));
    assert_eq!(recent["by"].as_array().unwrap().len(), 1);
    assert_eq!(bed.ask(query, json!({"least": 4})).await["scores"]["totalCount"], 0);
    assert_eq!(bed.ask(query, json!({"below": 0.01})).await["scores"]["totalCount"], 0);
}
