//! Instances: starting, waiting, completing, how tasks were executed, feedback, simulation.

use serde_json::{Value, json};

use super::bed::Bed;

/// A person approves, then a coin is tossed until it is clear that it is fair or not.
pub(super) const APPROVAL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="https://example.org/test"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" id="d">
  <process id="approval" name="Approval" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="approve"/>
    <userTask id="approve" name="Approve the plan"><documentation>Read it first.</documentation></userTask>
    <sequenceFlow id="f2" sourceRef="approve" targetRef="toss"/>
    <serviceTask id="toss" name="Toss">
      <extensionElements><procos:task by="stochastic">
        <procos:draw variable="coin" distribution="uniform" low="0" high="1"/>
        <procos:outcome label="heads" when="=coin &lt; 0.9"/>
        <procos:outcome label="tails" when="=coin &gt;= 0.9"/>
      </procos:task></extensionElements>
    </serviceTask>
    <sequenceFlow id="f3" sourceRef="toss" targetRef="done"/>
    <endEvent id="done" name="Done"/>
  </process>
</definitions>"#;

const TASKS: &str =
    "query($key: Key!) { userTasks(instance: $key) { key elementId name documentation variables } }";

/// Starts an approval and completes its user task.
async fn approved(bed: &Bed) -> String {
    let instance = bed.start("approval", json!({"plan": "fly"})).await;
    let tasks = bed.ask(TASKS, json!({ "key": instance })).await;
    let input = json!({"key": tasks["userTasks"][0]["key"], "variables": {"approved": true}});
    bed.ask(
        "mutation($input: CompleteUserTaskInput!) { completeUserTask(input: $input) }",
        json!({ "input": input }),
    )
    .await;
    bed.reaches(&instance, "COMPLETED").await;
    instance
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_shows_where_it_stands_and_what_it_decided() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let instance = bed.start("approval", json!({"plan": "fly"})).await;
    let stand = "query($key: Key!) { processInstance(key: $key) { id key status variables startedAt endedAt
        definition { name version xml } current { elementId kind } next } }";
    let waiting = bed.ask(stand, json!({ "key": instance })).await["processInstance"].clone();
    assert_eq!(waiting["status"], "ACTIVE");
    assert_eq!(waiting["current"][0]["elementId"], "approve");
    assert_eq!(waiting["next"], json!(["toss"]));
    assert_eq!(waiting["variables"]["plan"], "fly");
    assert!(waiting["definition"]["xml"].as_str().unwrap().contains("BPMNShape"));
    let tasks = bed.ask(TASKS, json!({ "key": instance })).await;
    assert_eq!(tasks["userTasks"][0]["documentation"], "Read it first.");
    let instance = approved(&bed).await;
    let query = "query($key: Key!) { processInstance(key: $key) { status endedAt previous { elementId state }
        taskRuns { elementId executedBy state verdict { winner undecided reason samples
            outcomes { label share low high count } } }
        incidents { code } trail(first: 1000) { totalCount nodes { position kind } } }
        scores(kind: TASK, subject: \"approval/toss\") { nodes { attempts successes average low high trend } } }";
    let found = bed.ask(query, json!({ "key": instance })).await;
    let ended = &found["processInstance"];
    let toss = ended["taskRuns"].as_array().unwrap().iter().find(|run| run["elementId"] == "toss").unwrap();
    assert_eq!(toss["executedBy"], "stochastic");
    assert_eq!(toss["verdict"]["winner"], "heads", "{toss}");
    let outcomes = toss["verdict"]["outcomes"].as_array().unwrap();
    for outcome in outcomes {
        let number = |name: &str| outcome[name].as_f64().unwrap();
        assert!(number("low") <= number("share") && number("share") <= number("high"), "{outcome}");
    }
    let trail = &ended["trail"];
    assert_eq!(trail["totalCount"].as_u64(), Some(trail["nodes"].as_array().unwrap().len() as u64));
    assert_eq!(found["scores"]["nodes"][0]["attempts"], 1);
    assert_eq!(found["scores"]["nodes"][0]["trend"], 1.0);
    let whole = bed.ask(
        "{ verifyTrail { entries head broken { position } } server { livePdos liveTdes engine } }",
        json!({}),
    );
    let whole = whole.await;
    assert_eq!(whole["verifyTrail"]["broken"], Value::Null);
    assert_eq!(whole["server"]["engine"], "embedded");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_paged_newest_first() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(bed.start("approval", json!({})).await);
    }
    let query = "query($after: String) { processInstances(processId: \"approval\", status: ACTIVE, first: 2, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } nodes { key definition { name } } } }";
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = bed.ask(query, json!({ "after": after })).await["processInstances"].clone();
        assert_eq!(page["totalCount"], 5);
        seen.extend(
            page["nodes"].as_array().unwrap().iter().map(|node| node["key"].as_str().unwrap().to_owned()),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    // The other way round, page by page.
    let query = "query($after: String) { processInstances(orderBy: OLDEST_FIRST, first: 3, after: $after) {
        totalCount pageInfo { endCursor } nodes { key startedAt } } }";
    let first = bed.ask(query, json!({})).await["processInstances"].clone();
    let rest =
        bed.ask(query, json!({"after": first["pageInfo"]["endCursor"]})).await["processInstances"].clone();
    assert_eq!((&first["totalCount"], &rest["totalCount"]), (&json!(5), &json!(5)));
    let nodes = || first["nodes"].as_array().unwrap().iter().chain(rest["nodes"].as_array().unwrap());
    let oldest: Vec<String> = nodes().map(|node| node["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(oldest, keys);
    keys.reverse();
    assert_eq!(seen, keys);
    // By when they were started.
    let since = nodes().last().unwrap()["startedAt"].clone();
    let query = "query($at: TimeFilter) { processInstances(startedAt: $at) { nodes { startedAt } } }";
    let count = |found: Value| found["processInstances"]["nodes"].as_array().unwrap().len();
    let late = count(bed.ask(query, json!({"at": {"since": since}})).await);
    let early = count(bed.ask(query, json!({"at": {"before": since}})).await);
    assert!(late >= 1 && late + early == 5, "{late} and {early}");
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_in_the_trail_and_in_memory() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let instance = approved(&bed).await;
    let tell = "mutation($input: RecordFeedbackInput!) { recordFeedback(input: $input) }";
    let input =
        json!({"instance": instance, "elementId": "toss", "correct": false, "comment": "it was tails"});
    bed.ask(tell, json!({ "input": input })).await;
    let found = bed.ask(
        "query($key: Key!) { trail(instance: $key, kindPrefix: \"feedback.\") { nodes { elementId data } }
            recall(text: \"tails\", kinds: [OUTCOME]) { hits { kind title text payload } degraded } }",
        json!({ "key": instance }),
    );
    let found = found.await;
    assert_eq!(found["trail"]["nodes"][0]["data"]["correct"], false);
    assert_eq!(found["recall"]["hits"][0]["title"], "approval/toss: wrong");
    let (code, ..) = bed.refusal(tell, json!({"input": {"instance": "999", "correct": true}})).await;
    assert_eq!(code, "ENGINE-0001");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_takes_a_transcript_shows_it_and_forgets_it() {
    let bed = Bed::new().await;
    let tell = "mutation($input: RememberTranscriptInput!) {
        rememberTranscript(input: $input) { prompts answers errors } }";
    let input = json!({"name": "talk.txt", "content": "User: Who moors it?\nAssistant: The crew."});
    let told = bed.ask(tell, json!({"input": input})).await;
    assert_eq!(told["rememberTranscript"], json!({"prompts": 1, "answers": 1, "errors": 0}));
    let found = bed
        .ask("{ recall(text: \"\", source: \"transcript talk.txt\") { hits { id title } } }", json!({}))
        .await;
    let hits = found["recall"]["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2);
    let show = "query($id: ID!) { memoryEntry(id: $id) { title source storedAt } }";
    let shown = bed.ask(show, json!({"id": hits[0]["id"]})).await;
    assert_eq!(shown["memoryEntry"]["title"], hits[0]["title"]);
    assert_eq!(bed.ask(show, json!({"id": "none"})).await["memoryEntry"], Value::Null);
    let forget = "mutation($input: ForgetMemoryInput!) { forgetMemory(input: $input) }";
    for nothing in [json!({}), json!({"about": " "})] {
        let (code, ..) = bed.refusal(forget, json!({"input": nothing})).await;
        assert_eq!(code, "API-0002", "it would forget everything");
    }
    let forgotten = bed.ask(forget, json!({"input": {"source": "transcript talk.txt"}})).await;
    assert_eq!(forgotten["forgetMemory"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_or_completed_is_refused_with_a_code() {
    let bed = Bed::new().await;
    let start = "mutation($input: StartProcessInput!) { startProcess(input: $input) { key } }";
    let (code, ..) = bed.refusal(start, json!({"input": {}})).await;
    assert_eq!(code, "API-0002");
    let (code, _, hint) = bed.refusal(start, json!({"input": {"processId": "none"}})).await;
    assert_eq!(code, "ENGINE-0001");
    assert!(!hint.is_empty());
    let (code, message, _) = bed.refusal(start, json!({"input": {"processId": "x", "variables": [1]}})).await;
    assert_eq!((code.as_str(), message.as_str()), ("API-0002", "variables: it is not a JSON object"));
    let (code, ..) = bed.refusal(start, json!({"input": {"processId": "x", "seed": "-1"}})).await;
    assert_eq!(code, "API-0002");
    let (code, ..) = bed.refusal("mutation { cancelInstance(key: \"77\") }", json!({})).await;
    assert_eq!(code, "ENGINE-0001");
    let (code, ..) = bed.refusal("mutation { cancelInstance(key: \"no\") }", json!({})).await;
    assert_eq!(code, "API-0007");
    let deploy =
        "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }";
    let (code, ..) = bed.refusal(deploy, json!({"input": {"fileName": "x.bpmn", "xml": "<a"}})).await;
    assert_eq!(code, "ENGINE-0002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_instance_is_terminated() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let instance = bed.start("approval", json!({})).await;
    bed.ask(
        "mutation($key: Key!) { cancelInstance(key: $key, reason: \"enough\") }",
        json!({"key": instance}),
    )
    .await;
    bed.reaches(&instance, "TERMINATED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_with_the_same_seed_gives_the_same_numbers() {
    let bed = Bed::new().await;
    let key = bed.deploy(APPROVAL).await;
    let query = "mutation($key: Key!, $seed: String) { simulateProcess(input: {definitionKey: $key, cases: 6, seed: $seed}) {
        cases seed completed endings { label share low high count } notes
        elements { elementId name visits outcomes { label count } } } }";
    let one = bed.ask(query, json!({"key": key, "seed": "11"})).await["simulateProcess"].clone();
    let other = bed.ask(query, json!({"key": key, "seed": "11"})).await["simulateProcess"].clone();
    assert_eq!(one, other);
    assert_eq!((&one["cases"], &one["completed"]), (&json!(6), &json!(6)), "{one}");
    assert_eq!(one["endings"][0]["label"], "Done");
    let toss =
        one["elements"].as_array().unwrap().iter().find(|element| element["elementId"] == "toss").unwrap();
    assert_eq!(toss["visits"], 1.0);
    assert_eq!(toss["outcomes"][0]["label"], "heads");
    let attempts = bed.ask("{ scores { totalCount } processInstances { totalCount } }", json!({})).await;
    assert_eq!(attempts["scores"]["totalCount"], 0);
    assert_eq!(attempts["processInstances"]["totalCount"], 0);
    let (code, ..) = bed
        .refusal(
            "mutation($key: Key!) { simulateProcess(input: {definitionKey: $key, cases: 10001}) { cases } }",
            json!({ "key": key }),
        )
        .await;
    assert_eq!(code, "API-0002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_what_is_wrong() {
    let bed = Bed::new().await;
    let check = "mutation($xml: String!, $target: EngineTarget) { checkProcess(xml: $xml, target: $target) {
        code severity elementId line message hint } }";
    let broken = APPROVAL.replace("targetRef=\"done\"", "targetRef=\"nowhere\"");
    let found = bed.ask(
        "mutation($xml: String!) { checkProcess(xml: $xml) { code severity elementId message hint } }",
        json!({ "xml": broken }),
    );
    let found = found.await;
    assert_eq!(found["checkProcess"][0]["severity"], "error", "{found}");
    bed.ask(
        &check.replace("EngineTarget)", "EngineTarget!)"),
        json!({"xml": APPROVAL, "target": "CAMUNDA8"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_tasks_are_executed_is_shown_edited_and_taken_back_and_a_broken_one_is_refused() {
    let bed = Bed::new().await;
    let query = "{ server { templates { name isBuiltIn checksum xml } } }";
    let templates = bed.ask(query, json!({})).await["server"]["templates"].clone();
    let names: Vec<&Value> = templates.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["pdo", "tde"]);
    let shown = templates[1]["xml"].as_str().unwrap();
    let edited = shown.replace("name=\"Compute\"", "name=\"Evaluate\"");
    bed.deploy(&edited).await;
    let tde = bed.ask(query, json!({})).await["server"]["templates"][1].clone();
    assert_eq!((&tde["isBuiltIn"], tde["xml"].as_str()), (&json!(false), Some(edited.as_str())));
    let deploy =
        "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key } } }";
    let broken = edited.replace("procos:report", "procos:wait");
    let input = json!({"fileName": "tde.bpmn", "xml": broken});
    let (code, message, _) = bed.refusal(deploy, json!({ "input": input })).await;
    assert_eq!(code, "ENGINE-0002");
    assert!(message.contains("KERNEL-0001") && message.contains("procos:report"), "{message}");
    let after = bed.ask(query, json!({})).await["server"]["templates"][1].clone();
    assert_eq!(after, tde, "the last good one stays");
}
