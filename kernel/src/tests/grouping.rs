//! Open answers of a model, grouped by the vectors of an embedding model, over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bpmn::program::StopSpec;
use engine::port::TaskRun;
use llm::scripted::{Received, Reply, ScriptedServer};
use llm::{Budgets, Config, ModelClient};
use scoring::{Plan, Spent, Tally, Verdict};
use serde_json::{Value, json};
use trail::{Filter, Trail};

use super::{Bed, one_task, variables};
use crate::Metered;

const OPEN: &str = r#"<procos:task by="model" grouping="embeddings" similarity="0.9" undecided="leader">
    <procos:prompt>What should be done with the parcel?</procos:prompt>
    <procos:stop rule="fixed" samples="12"/></procos:task><zeebe:taskDefinition retries="1"/>"#;
/// Half say the same in two ways; counted by words, "keep it" would lead.
const ANSWERS: [&str; 6] =
    ["Send it back.", "keep it", "return the parcel", "Keep it!", "ship it home", "never send it back"];

fn vector(text: &str) -> Vec<f32> {
    match text {
        "send it back" | "never send it back" => vec![1.0, 0.05],
        "return the parcel" => vec![1.0, 0.0],
        "ship it home" => vec![1.0, 0.1],
        _ => vec![0.0, 1.0],
    }
}

/// Texts for which vectors were asked, in order.
fn embedded(server: &ScriptedServer) -> Vec<String> {
    let asked = server.received().into_iter().filter(|received| received.path == "/embeddings");
    asked
        .flat_map(|received| serde_json::from_value::<Vec<String>>(received.json["input"].clone()).unwrap())
        .collect()
}

/// A server that gives `ANSWERS` in turn and answers requests for vectors by `vectors`.
async fn server(vectors: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> ScriptedServer {
    let said = AtomicUsize::new(0);
    let script = move |received: &Received| match received.path.as_str() {
        "/embeddings" => vectors(received),
        _ => Reply::Text(ANSWERS[said.fetch_add(1, Ordering::Relaxed) % ANSWERS.len()].to_owned()),
    };
    ScriptedServer::start(script).await.unwrap()
}

fn by_text(received: &Received) -> Reply {
    let texts: Vec<String> = serde_json::from_value(received.json["input"].clone()).unwrap();
    Reply::vectors(&texts.iter().map(|text| vector(text)).collect::<Vec<_>>())
}

/// Runs the task once; gives its run, and what the trail says about its samples.
async fn run(server: &ScriptedServer, embedding_model: Option<&str>) -> (TaskRun, Value, Bed) {
    let config = Config {
        base_url: server.base_url().to_owned(),
        model: "judge".to_owned(),
        embedding_model: embedding_model.map(str::to_owned),
        // One after the other, so that the answers come in their order.
        concurrency: 1,
        retries: 0,
        ..Config::default()
    };
    let store = Arc::new(engine::MemoryStore::new());
    let clock = Arc::new(engine::clock::ManualClock::at(1_700_000_000_000));
    let client = Arc::new(ModelClient::new(config).unwrap());
    let model = Metered::open(client, store.clone(), clock, Budgets::default()).await.unwrap();
    let bed = Bed::over(store, |mut parts| {
        parts.model = Some(Arc::new(model));
        parts
    })
    .await;
    bed.deploy(&one_task("parcel", OPEN)).await;
    let done = bed.run("parcel", variables(json!({})), 1).await;
    let filter = Filter { kind_prefix: Some("task.sampled".to_owned()), ..Filter::default() };
    let sampled = bed.store.read(&filter, 0, 10).await.unwrap().remove(0).content.data;
    (bed.task_run(done.key, "work").await, sampled, bed)
}

#[tokio::test]
async fn answers_whose_vectors_are_alike_are_one_outcome_and_the_trail_is_enough_to_decide_again() {
    let server = server(by_text).await;
    let (task, sampled, bed) = run(&server, Some("vectors")).await;
    let verdict: Verdict = serde_json::from_value(task.verdict.clone()).unwrap();
    assert_eq!(task.verdict["grouping"], "embeddings");
    let counts: Vec<(&str, u64)> =
        verdict.shares.iter().map(|share| (share.label.as_str(), share.count)).collect();
    // "never send it back" has the vector of its opposite and stays apart all the same.
    assert_eq!(counts, [("send it back", 6), ("keep it", 4), ("never send it back", 2)]);

    // Each text is asked for once, however often it is said.
    let mut asked = embedded(&server);
    asked.sort();
    assert_eq!(asked, ["keep it", "never send it back", "return the parcel", "send it back", "ship it home"]);
    let filter = Filter { kind_prefix: Some("model.embedded".to_owned()), ..Filter::default() };
    let calls = bed.store.read(&filter, 0, 10).await.unwrap();
    assert!(!calls.is_empty() && calls.iter().all(|call| call.content.instance == Some(task.instance)));

    // From the trail alone: the same tally, so the same decision.
    let told = &sampled["grouping"];
    assert_eq!((&told["by"], &told["similarity"]), (&json!("embeddings"), &json!(0.9)));
    assert_eq!(told["groups"][2]["answers"], json!(["return the parcel", "send it back", "ship it home"]));
    let mut tally = Tally::new([], true).unwrap();
    for place in told["sequence"].as_array().unwrap() {
        tally.add(told["outcomes"][place.as_u64().unwrap() as usize].as_str().unwrap()).unwrap();
    }
    let stop = StopSpec { rule: Some("fixed".to_owned()), samples: Some(12), ..StopSpec::default() };
    let plan = Plan::from_spec(Some(&stop), 40).unwrap();
    let spent = Spent { samples: 12, tokens: verdict.tokens, cost: verdict.cost, time_ms: 0 };
    let again = Verdict::reach(&tally, &plan, &spent, 1);
    assert_eq!((again.shares, again.winner, again.reason), (verdict.shares, verdict.winner, verdict.reason));
    bed.stop().await;
}

#[tokio::test]
async fn without_vectors_the_answers_are_grouped_by_their_words_and_the_task_says_so() {
    let broken = |_: &Received| Reply::Status(500, Vec::new(), "out of memory".to_owned());
    for (model, says) in [(None, "no embedding model is configured"), (Some("vectors"), "out of memory")] {
        let server = server(broken).await;
        let (task, sampled, bed) = run(&server, model).await;
        let told =
            task.notes.iter().filter(|note| note.contains("grouped by their words, not by embeddings"));
        let told: Vec<_> = told.collect();
        assert!(told.len() == 1 && told[0].contains(says), "{:?}", task.notes);
        assert_eq!(
            (&task.verdict["grouping"], &task.verdict["leader"]),
            (&json!("words"), &json!("keep it"))
        );
        assert_eq!(sampled["grouping"]["similarity"], Value::Null);
        assert!(embedded(&server).len() <= 4, "it is not asked again and again");
        bed.stop().await;
    }
}
