//! Prompts by API: saved, tested with a scripted model, approved, in production.

use std::sync::Arc;

use llm::scripted::ScriptedModel;
use serde_json::json;

use super::bed::Bed;

const SAVE: &str =
    "mutation($input: SavePromptInput!) { savePrompt(input: $input) { name versions { version } } }";

#[tokio::test]
async fn a_prompt_is_saved_tested_and_approved_before_it_is_in_production() {
    let bed = Bed::with(Some(Arc::new(ScriptedModel::saying(&["the answer is yes"])))).await;
    let input = json!({"name": "judge", "template": "Is {{claim}} true?"});
    let saved = bed.ask(SAVE, json!({"input": input})).await;
    let version = saved["savePrompt"]["versions"][0]["version"].as_str().unwrap().to_owned();

    let cases = json!([{"variables": {"claim": "water is wet"}, "contains": "yes"}]);
    let test = bed
        .ask(
            "mutation($input: TestPromptInput!) { testPrompt(input: $input) { decision runs passes low high } }",
            json!({"input": {"name": "judge", "version": version, "cases": cases}}),
        )
        .await;
    assert_eq!(test["testPrompt"]["runs"], test["testPrompt"]["passes"]);

    let unproved =
        json!({"input": {"name": "judge", "version": version, "actor": "ada", "evidence": "none"}});
    let approve =
        "mutation($input: ApprovePromptInput!) { approvePrompt(input: $input) { production { version } } }";
    let (code, ..) = bed.refusal(approve, unproved).await;
    assert!(code.starts_with("CTX-"), "{code}");
}

const PROMPT: &str = "query($name: String!) { prompt(name: $name) { tests production { version } \
    versions { version labels note definition passRate { attempts average low high } messages { role text } \
    declared { name type default } } reports { decision runs passes } \
    comparisons { better onlyBaseline low high exactP } \
    experiment { open winner arms { label tasks successes probabilityBest } } } \
    promptProcesses(prompt: $name) { processId average low high tasks { element visits } \
    influences { prompt uncertainty gain } } }";

/// Follows a job to its end and gives its result.
async fn result(bed: &Bed, id: &serde_json::Value) -> serde_json::Value {
    for _ in 0..600 {
        let query =
            "query($id: ID!) { job(id: $id) { state result error { code } progress { done total } } }";
        let job = bed.ask(query, json!({ "id": id })).await["job"].clone();
        if job["state"] != "RUNNING" {
            assert_eq!(job["state"], "DONE", "{job}");
            assert!(job["progress"].as_array().is_some_and(|steps| !steps.is_empty()), "{job}");
            return job["result"].clone();
        }
        tokio::task::yield_now().await;
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn everything_about_a_prompt_can_be_done_by_the_api() {
    let model = ScriptedModel::new(|request, _| {
        let good = request.messages[0].content.contains("tool");
        llm::Content::Text { text: if good { "by a tool" } else { "by a person" }.to_owned() }
    });
    let bed = Bed::with(Some(Arc::new(model))).await;
    let save = async |text: &str, note: &str| {
        let definition = json!({
            "purpose": "", "messages": [{"role": "user", "text": text}], "output_schema": null, "parameters": {},
            "variables": [{"name": "task", "type": "text", "default": "copying"}],
        });
        bed.ask(SAVE, json!({"input": {"name": "route", "definition": definition, "note": note}})).await;
        let found = bed.ask(PROMPT, json!({"name": "route"})).await;
        found["prompt"]["versions"].as_array().unwrap().last().unwrap()["version"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let good = save("Which tool does {{task}}?", "first").await;
    let tests = json!({"cases": [{"name": "one", "assertions": [{"assert": "contains", "text": "tool"}]}]});
    let keep = "mutation($tests: JSON!) { savePromptTests(name: \"route\", tests: $tests) { tests } }";
    bed.ask(keep, json!({ "tests": tests })).await;
    let run =
        "mutation($version: String!) { startPromptTest(input: {name: \"route\", version: $version}) { id } }";
    let started = bed.ask(run, json!({ "version": good })).await;
    let report = result(&bed, &started["startPromptTest"]["id"]).await;
    assert_eq!((&report["verdict"], &report["trials"]), (&json!("pass"), &json!(12)));
    let approve =
        "mutation($input: ApprovePromptInput!) { approvePrompt(input: $input) { production { version } } }";
    let input =
        json!({"name": "route", "version": good, "actor": "ada", "evidence": report["id"], "reason": "ok"});
    let approved = bed.ask(approve, json!({ "input": input })).await;
    assert_eq!(approved["approvePrompt"]["production"]["version"], json!(good));

    let bad = save("Who does {{task}}?", "shorter").await;
    let compare = "mutation($c: String!) { comparePrompt(input: {name: \"route\", candidate: $c}) { id } }";
    let started = bed.ask(compare, json!({ "c": bad })).await;
    result(&bed, &started["comparePrompt"]["id"]).await;
    let found = bed.ask(PROMPT, json!({"name": "route"})).await["prompt"].clone();
    assert_eq!(
        (&found["comparisons"][0]["better"], &found["tests"]["cases"][0]["name"]),
        (&json!("BASELINE"), &json!("one"))
    );
    let versions = &found["versions"];
    assert_eq!(
        (&versions[0]["passRate"]["attempts"], &versions[1]["passRate"]["attempts"]),
        (&json!(12), &json!(0))
    );
    assert_eq!(versions[1]["note"], "shorter");
    assert_eq!(versions[0]["declared"][0], json!({"name": "task", "type": "text", "default": "copying"}));

    let label =
        "mutation($v: String!) { labelPrompt(name: \"route\", label: \"calm\", version: $v) { name } }";
    bed.ask(label, json!({ "v": good })).await;
    let experiment = "mutation { beginPromptExperiment(input: {name: \"route\", labels: [\"calm\", \"latest\"]}) { name } }";
    assert_eq!(bed.refusal(experiment, json!({})).await.0, "CTX-0005", "the other version is not approved");
    assert_eq!(
        bed.refusal("mutation { endPromptExperiment(name: \"route\") { name } }", json!({})).await.0,
        "CTX-0010"
    );
    assert_eq!(
        bed.refusal("mutation { rollBackPrompt(name: \"route\") { name } }", json!({})).await.0,
        "CTX-0006"
    );
    assert!(bed.ask(PROMPT, json!({"name": "nobody"})).await["prompt"].is_null());
}

#[tokio::test]
async fn what_is_not_known_about_a_prompt_is_not_known_about_its_process() {
    let bed = Bed::with(Some(Arc::new(ScriptedModel::saying(&["yes"])))).await;
    let task = r#"<bpmn:serviceTask id="judge"><bpmn:extensionElements><procos:task by="model" ref="judge"/>
        </bpmn:extensionElements></bpmn:serviceTask>"#;
    let xml = format!(
        r#"<?xml version="1.0"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="t"><bpmn:process id="claims" isExecutable="true">
        <bpmn:startEvent id="s"/>{task}<bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="judge"/><bpmn:sequenceFlow id="b" sourceRef="judge" targetRef="e"/>
        </bpmn:process></bpmn:definitions>"#
    );
    bed.deploy(&xml).await;
    let before = bed.ask(PROMPT, json!({"name": "judge"})).await["promptProcesses"][0].clone();
    assert_eq!((&before["processId"], &before["tasks"][0]["element"]), (&json!("claims"), &json!("judge")));
    assert!((before["average"].as_f64().unwrap() - 0.5).abs() < 0.02, "nothing is known: {before}");
    bed.ask(SAVE, json!({"input": {"name": "judge", "template": "Is it true?"}})).await;
    let cases = json!([{"variables": {}, "contains": "yes"}]);
    let test = "mutation($input: TestPromptInput!) { testPrompt(input: $input) { report } }";
    let made = bed.ask(test, json!({"input": {"name": "judge", "version": "latest", "cases": cases}})).await;
    let approve = "mutation($input: ApprovePromptInput!) { approvePrompt(input: $input) { name } }";
    let evidence = &made["testPrompt"]["report"];
    let input = json!({"name": "judge", "version": "latest", "actor": "ada", "evidence": evidence});
    bed.ask(approve, json!({ "input": input })).await;
    let after = bed.ask(PROMPT, json!({"name": "judge"})).await["promptProcesses"][0].clone();
    assert!((after["average"].as_f64().unwrap() - 13.0 / 14.0).abs() < 0.01, "12 of 12 trials: {after}");
    let width = |found: &serde_json::Value| found["high"].as_f64().unwrap() - found["low"].as_f64().unwrap();
    assert!(width(&after) < 0.5 * width(&before));
    assert_eq!(after["influences"][0]["prompt"], "judge");
}
