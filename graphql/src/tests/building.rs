//! From requirements to a system, and what can be asked of it; drafts and decisions; changes by hand.

use std::sync::atomic::Ordering;

use futures::StreamExt;
use serde_json::{Value, json};

use super::bed::Bed;

const NEEDS: &str = include_str!("../../../examples/light-aircraft/requirements.md");
const BOOTSTRAP: &str =
    "mutation($input: BootstrapSystemInput!) { bootstrapSystem(input: $input) { id state } }";

/// Builds the light aircraft and gives the id of the job.
async fn build(bed: &Bed, run: bool) -> String {
    let input = json!({"name": "Light aircraft", "content": NEEDS, "run": run});
    let job = bed.ask(BOOTSTRAP, json!({ "input": input })).await;
    let id = job["bootstrapSystem"]["id"].as_str().unwrap().to_owned();
    let mut steps = follow(bed, &id, 0);
    while let Some(step) = steps.next().await {
        if step["finished"] == true {
            break;
        }
    }
    id
}

fn follow(bed: &Bed, job: &str, after: i64) -> impl futures::Stream<Item = Value> + Unpin + use<> {
    let query = format!(
        "subscription {{ bootstrapProgress(job: \"{job}\", after: {after}) {{ position stage done total finished }} }}"
    );
    Box::pin(bed.schema.execute_stream(query).map(|response| {
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        response.data.into_json().unwrap()["bootstrapProgress"].clone()
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_built_by_a_job_and_every_column_can_be_asked_for() {
    let bed = Bed::new().await;
    let job = build(&bed, true).await;
    let done =
        bed.ask("query($id: ID!) { job(id: $id) { state result error { code } } }", json!({"id": job})).await;
    assert_eq!(done["job"]["state"], "DONE", "{done}");
    assert_eq!(done["job"]["result"]["requirements"], 54);
    let query = "{ systems { totalCount nodes { id name version requirementCount componentCount processCount
        functionCount coverage { ratio verificationRatio orphanComponents { name } conflicts { why } }
        requirements(first: 2) { totalCount pageInfo { hasNextPage endCursor }
          nodes { id localId label pattern quantities { siValue siUnit } components { name parent { name } }
            functions { name component { name } process { name definition { key version } score { attempts low high } } }
            processes { processId requirements { localId } } } }
        interfaces { nodes { name source { name } target { name } item } }
        constraints { nodes { name siValue parts { component } } }
        links { kind source target } } } }";
    let found = bed.ask(query, json!({})).await;
    let system = &found["systems"]["nodes"][0];
    assert_eq!(found["systems"]["totalCount"], 1);
    assert_eq!(system["name"], "Light aircraft");
    assert_eq!(system["requirementCount"], 54);
    assert_eq!(system["coverage"]["ratio"], 1.0);
    let page = &system["requirements"];
    assert_eq!(page["totalCount"], 54);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let first = &page["nodes"][0];
    assert!(first["components"].as_array().is_some_and(|parts| !parts.is_empty()), "{first}");
    assert!(!system["interfaces"]["nodes"].as_array().unwrap().is_empty());
    assert!(!system["links"].as_array().unwrap().is_empty());
    let next = "query($after: String) { requirements(system: \"Light aircraft\", first: 2, after: $after) {
        pageInfo { hasPreviousPage } edges { cursor node { localId } } } }";
    let second = bed.ask(next, json!({"after": page["pageInfo"]["endCursor"]})).await;
    assert_eq!(second["requirements"]["pageInfo"]["hasPreviousPage"], true);
    let cursor = &second["requirements"]["edges"][0]["cursor"];
    assert_ne!(cursor, &page["nodes"][1]["localId"]);
    let by_iri = "query($id: IRI!) { node(id: $id) { __typename label ... on Requirement { text } } }";
    let node = bed.ask(by_iri, json!({"id": first["id"]})).await;
    assert_eq!(node["node"]["__typename"], "Requirement");
    assert_eq!(node["node"]["text"], first["label"]);
    let id = &first["localId"];
    let both = "query($id: String!) {
        trace(system: \"Light aircraft\", id: $id) { requirements { localId } components { name } links { kind } }
        impact(system: \"Light aircraft\", id: $id) { __typename localId } }";
    let both = bed.ask(both, json!({ "id": id })).await;
    assert!(!both["trace"]["components"].as_array().unwrap().is_empty());
    assert!(!both["impact"].as_array().unwrap().is_empty());
    let query = "PREFIX p: <https://w3id.org/procos/ontology#> SELECT ?r WHERE { ?r a p:Requirement }";
    let rows =
        bed.ask("query($q: String!) { sparql(query: $q) { mediaType rows truncated } }", json!({"q": query}));
    let rows = rows.await;
    assert_eq!(rows["sparql"]["rows"], 54, "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_can_be_taken_up_at_any_position() {
    let bed = Bed::new().await;
    let job = build(&bed, false).await;
    let all: Vec<Value> = follow(&bed, &job, 0).collect().await;
    let positions: Vec<i64> = all.iter().filter_map(|step| step["position"].as_i64()).collect();
    assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>());
    let last = all.last().unwrap();
    assert_eq!((&last["stage"], &last["finished"]), (&json!("done"), &json!(true)));
    let rest: Vec<Value> = follow(&bed, &job, 3).collect().await;
    assert_eq!(rest, all[3..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_done_says_why_and_stores_nothing() {
    let bed = Bed::new().await;
    let input = json!({"name": "nothing", "content": "", "run": false});
    let job = bed.ask(BOOTSTRAP, json!({ "input": input })).await;
    let id = job["bootstrapSystem"]["id"].as_str().unwrap();
    let steps: Vec<Value> = follow(&bed, id, 0).collect().await;
    assert_eq!(steps.last().unwrap()["stage"], "failed");
    let found = bed.ask(
        "query($id: ID!) { job(id: $id) { state error { code message hint } } systems { totalCount } }",
        json!({ "id": id }),
    );
    let found = found.await;
    assert_eq!(found["job"]["state"], "FAILED");
    assert_eq!(found["job"]["error"]["code"], "DAS-0020");
    assert!(found["job"]["error"]["hint"].is_string());
    assert_eq!(found["systems"]["totalCount"], 0);
}

/// A model that never answers.
struct Silent;

#[async_trait::async_trait]
impl llm::Model for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn capabilities(&self) -> llm::Capabilities {
        llm::Capabilities::default()
    }

    async fn chat(&self, _: llm::ChatRequest) -> Result<llm::ChatAnswer, llm::Error> {
        std::future::pending().await
    }

    async fn embed(&self, _: &[String]) -> Result<llm::Embeddings, llm::Error> {
        Err(llm::Error::Missing("embeddings"))
    }

    async fn transcribe(&self, _: llm::Audio) -> Result<llm::Transcript, llm::Error> {
        Err(llm::Error::Missing("speech"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_waits_for_a_model_can_be_cancelled_and_stores_nothing() {
    let bed = Bed::with(Some(std::sync::Arc::new(Silent))).await;
    let input =
        json!({"name": "Pump", "content": "- R-1: The pump shall run.", "run": false, "withModel": true});
    let job = bed.ask(BOOTSTRAP, json!({ "input": input })).await;
    let id = job["bootstrapSystem"]["id"].as_str().unwrap().to_owned();
    let mut steps = follow(&bed, &id, 0);
    while let Some(step) = steps.next().await {
        if step["stage"] == "model" {
            break;
        }
    }
    let cancel = "mutation($id: ID!) { cancelJob(id: $id) }";
    assert_eq!(bed.ask(cancel, json!({ "id": id })).await["cancelJob"], true);
    let rest: Vec<Value> = steps.collect().await;
    assert_eq!(rest.last().unwrap()["stage"], "failed");
    let found = bed.ask(
        "query($id: ID!) { job(id: $id) { error { message } } systems { totalCount } }",
        json!({ "id": id }),
    );
    let found = found.await;
    assert!(found["job"]["error"]["message"].to_string().contains("cancelled"), "{found}");
    assert_eq!(found["systems"]["totalCount"], 0);
    assert_eq!(bed.ask(cancel, json!({ "id": id })).await["cancelJob"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_is_proposed_with_its_diff_and_accepted_without_asking_again() {
    let answer = json!({
        "readings": [], "functions": [], "interfaces": [], "budgets": [], "processes": [],
        "parts": [{"name": "Impeller", "parent": "C-pump", "description": null, "confidence": 0.8}],
        "allocations": [{"requirement": "R-1", "part": "Impeller", "quote": "move water", "why": "It moves it.",
            "alternatives": [], "confidence": 0.8}],
    });
    let model = std::sync::Arc::new(llm::scripted::ScriptedModel::saying(&[&answer.to_string()]));
    let bed = Bed::with(Some(model.clone())).await;
    let mut input = json!({"name": "Pump", "content": "- R-1: The pump shall move water.\n"});
    let consult = "mutation($input: ProposeSystemInput!) { consultModel(input: $input) { id } }";
    let job = bed.ask(consult, json!({ "input": input })).await;
    let steps: Vec<Value> = follow(&bed, job["consultModel"]["id"].as_str().unwrap(), 0).collect().await;
    assert_eq!(steps.last().unwrap()["stage"], "done", "{steps:?}");
    assert!(steps.iter().any(|step| step["stage"] == "model"), "it says how far it is");
    input["withModel"] = json!(true);
    let propose = "mutation($input: ProposeSystemInput!) { proposeSystem(input: $input) { id build { nodes { localId } } } }";
    let made = bed.ask(propose, json!({ "input": input })).await["proposeSystem"].take();
    let nodes = made["build"]["nodes"].as_array().unwrap();
    assert!(nodes.iter().any(|node| node["localId"] == "C-impeller"), "{made}");
    let decide = "mutation($input: DecideProposalInput!) { decideProposal(input: $input) { state } }";
    bed.ask(decide, json!({"input": {"id": made["id"], "accept": true}})).await;
    let system = bed.state.ontology.snapshot("Pump").unwrap();
    assert!(system.node("C-impeller").is_some());
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_file_is_taken_in_by_a_job_that_says_how_far_it_is() {
    let bed = Bed::new().await;
    let rows: String = (0..2_500).map(|n| format!("R-{n},The pump shall deliver {n} l/min.\n")).collect();
    let query = "mutation($input: ImportRequirementsInput!) { startImport(input: $input) { id } }";
    let input = json!({"system": "Pumps", "fileName": "pumps.csv", "content": format!("id,text\n{rows}")});
    let job = bed.ask(query, json!({ "input": input })).await;
    let id = job["startImport"]["id"].as_str().unwrap();
    let steps: Vec<Value> = follow(&bed, id, 0).collect().await;
    let told: Vec<(&str, u64)> =
        steps.iter().map(|step| (step["stage"].as_str().unwrap(), step["done"].as_u64().unwrap())).collect();
    let wanted = [("read", 2_500), ("understood", 1_000), ("understood", 2_000), ("understood", 2_500)];
    assert_eq!(told[0].0, "received");
    assert_eq!(told[1..5], wanted);
    assert_eq!(told[5..], [("written", 2_500), ("done", 1)]);
    let rest: Vec<Value> = follow(&bed, id, 2).collect().await;
    assert_eq!(rest, steps[2..]);
    let found = bed.ask(
        "query($id: ID!) { job(id: $id) { state result } requirements(system: \"Pumps\") { totalCount } }",
        json!({ "id": id }),
    );
    let found = found.await;
    assert_eq!((&found["job"]["state"], &found["job"]["result"]["added"]), (&json!("DONE"), &json!(2_500)));
    assert_eq!(found["requirements"]["totalCount"], 2_500);
    let broken = json!({"system": "Pumps", "fileName": "cut.reqif", "content": "<REQ-IF"});
    let job = bed.ask(query, json!({ "input": broken })).await;
    let id = job["startImport"]["id"].as_str().unwrap();
    let steps: Vec<Value> = follow(&bed, id, 0).collect().await;
    assert_eq!(steps.last().unwrap()["stage"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_of_all_processes_are_read_at_once() {
    let bed = Bed::new().await;
    build(&bed, true).await;
    bed.scores.asked.store(0, Ordering::SeqCst);
    let query = "{ processes(system: \"Light aircraft\") { nodes { name score { average } definition { version } } } }";
    let found = bed.ask(query, json!({})).await;
    let nodes = found["processes"]["nodes"].as_array().unwrap();
    assert!(nodes.len() > 3);
    assert!(nodes.iter().all(|node| node["score"]["average"].is_number()), "{nodes:?}");
    // A page has its items twice, as nodes and as edges; only what is asked for is resolved.
    assert!(bed.scores.asked.load(Ordering::SeqCst) <= 2, "{}", bed.scores.asked.load(Ordering::SeqCst));
}

const DECIDE: &str = "mutation($input: DecideProposalInput!) {
    decideProposal(input: $input) { id state definition { key processId version } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_deployed_only_when_it_is_accepted() {
    let bed = Bed::new().await;
    let draft = bed.ask(
        "mutation { generateProcess(input: {text: \"Build a process to ingest data and train a model\"}) {
            id title source xml processId state notes assumptions createdAt definition { key } } }",
        json!({}),
    );
    let draft = draft.await["generateProcess"].clone();
    assert_eq!(draft["source"], "deterministic");
    assert_eq!(draft["state"], "OPEN");
    assert!(draft["xml"].as_str().unwrap().contains("BPMNDiagram"));
    let before =
        bed.ask("{ processDefinitions { totalCount } proposals(state: OPEN) { id } }", json!({})).await;
    assert_eq!(before["processDefinitions"]["totalCount"], 0);
    assert_eq!(before["proposals"], json!([{"id": draft["id"]}]));
    let decided =
        bed.ask(DECIDE, json!({"input": {"id": draft["id"], "accept": true, "reason": "good"}})).await;
    assert_eq!(decided["decideProposal"]["state"], "ACCEPTED");
    assert_eq!(decided["decideProposal"]["definition"]["processId"], draft["processId"]);
    let (code, message, _) =
        bed.refusal(DECIDE, json!({"input": {"id": draft["id"], "accept": false}})).await;
    assert_eq!(code, "API-0005");
    assert!(message.contains("accepted"), "{message}");
    let trail = bed.ask("{ trail(kindPrefix: \"proposal.\") { totalCount } }", json!({}));
    // Proposals kept in memory only append nothing; with a database put and event are one transaction.
    assert_eq!(trail.await["trail"]["totalCount"], 0);
    assert!(bed.memory.0.lock().iter().any(|entry| entry.source == "decision"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_words_is_a_draft_beside_the_process_it_would_replace() {
    let bed = Bed::new().await;
    let draft = bed.ask(
        "mutation { generateProcess(input: {text: \"Check the order, then ship the goods\"}) { xml } }",
        json!({}),
    );
    let xml = draft.await["generateProcess"]["xml"].clone();
    let query = "mutation($xml: String!, $say: String!) {
        refineProcess(input: {xml: $xml, instruction: $say}) { id state xml baseXml notes } }";
    let say = "add an approval before shipping";
    let refined = bed.ask(query, json!({"xml": xml, "say": say})).await["refineProcess"].clone();
    assert_eq!(refined["baseXml"], xml);
    assert_ne!(refined["xml"], xml);
    let rejected = bed.ask(DECIDE, json!({"input": {"id": refined["id"], "accept": false}})).await;
    assert_eq!(rejected["decideProposal"]["state"], "REJECTED");
    assert_eq!(rejected["decideProposal"]["definition"], Value::Null);
    let (code, _, hint) = bed.refusal(query, json!({"xml": xml, "say": "make it nicer"})).await;
    assert_eq!(code, "DAS-0005");
    assert!(!hint.is_empty());
    let (code, ..) = bed.refusal(query, json!({"xml": "<nothing", "say": say})).await;
    assert!(code.starts_with("BPMN-"), "{code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_and_links_are_added_by_hand() {
    let bed = Bed::new().await;
    build(&bed, false).await;
    let create = "mutation($id: String!, $text: String!) {
        createRequirement(input: {system: \"Light aircraft\", id: $id, text: $text}) {
            localId pattern subject quantities { value unit } components { name } unallocatedReason } }";
    let text = "The canopy shall open in at most 3 s.";
    let made = bed.ask(create, json!({"id": "R-900", "text": text})).await["createRequirement"].clone();
    assert_eq!(made["localId"], "R-900");
    assert_eq!(made["subject"], "canopy");
    assert_eq!(made["quantities"][0]["unit"], "s");
    assert!(made["unallocatedReason"].is_string());
    let (code, ..) = bed.refusal(create, json!({"id": "R-900", "text": text})).await;
    assert_eq!(code, "API-0005");
    let (code, ..) = bed.refusal(create, json!({"id": "R-901", "text": "  "})).await;
    assert_eq!(code, "API-0002");
    let component =
        bed.ask("{ components(system: \"Light aircraft\", first: 1) { nodes { localId } } }", json!({}));
    let component = component.await["components"]["nodes"][0]["localId"].clone();
    let link = "mutation($target: String!) { link(input: {system: \"Light aircraft\", kind: \"allocated_to\",
        source: \"R-900\", target: $target, rationale: \"it is a part of it\"}) { kind source target rationale } }";
    let linked = bed.ask(link, json!({"target": component})).await;
    assert_eq!(linked["link"]["kind"], "allocated_to");
    let (code, ..) = bed.refusal(link, json!({"target": "not there"})).await;
    assert_eq!(code, "ONTO-0004");
    let now =
        bed.ask("{ trace(system: \"Light aircraft\", id: \"R-900\") { components { localId } } }", json!({}));
    assert_eq!(now.await["trace"]["components"][0]["localId"], component);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_query_works_on_the_sample_system() {
    let bed = Bed::new().await;
    build(&bed, false).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/queries");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let answer = bed.ask(&std::fs::read_to_string(&file).unwrap(), json!({})).await;
        for (field, value) in answer.as_object().unwrap() {
            let nodes = value.get("nodes").and_then(Value::as_array);
            let may_be_empty =
                ["suspectLinks", "processInstances", "scores", "trail"].contains(&field.as_str());
            assert!(
                may_be_empty || nodes.is_none_or(|nodes| !nodes.is_empty()),
                "{}: {field}",
                file.display()
            );
        }
    }
}
