//! Tasks done by a language model, over HTTP against a server that speaks the protocol.

use std::sync::Arc;

use engine::port::Status;
use engine::{ProcessEngine, Store};
use llm::scripted::{Reply, ScriptedServer};
use llm::{Config, ModelClient};
use serde_json::json;

use super::{Bed, one_task, variables};

const JUDGE: &str = r#"<procos:task by="model"><procos:prompt>Is the claim covered?</procos:prompt>
    <procos:outcome label="covered"/><procos:outcome label="not covered" success="false"/>
    <procos:stop rule="winner" delta="0.05" samples="24"/></procos:task>
    <zeebe:taskDefinition retries="1"/>
    <zeebe:ioMapping><zeebe:input source="=text" target="claim"/></zeebe:ioMapping>"#;

async fn bed(server: &ScriptedServer) -> Bed {
    let config = Config {
        base_url: server.base_url().to_owned(),
        model: "judge".to_owned(),
        retries: 0,
        ..Config::default()
    };
    let model = Arc::new(ModelClient::new(config).unwrap());
    let bed = Bed::with(|mut parts| {
        parts.model = Some(model);
        parts
    })
    .await;
    bed.deploy(&one_task("judge", JUDGE).replace("type=\"\"", "")).await;
    bed
}

fn says(outcome: &str) -> Reply {
    Reply::Text(json!({"outcome": outcome}).to_string())
}

#[tokio::test]
async fn a_model_is_sampled_until_its_answers_converge() {
    let server =
        ScriptedServer::start(
            |received| {
                if received.number % 8 == 5 { says("not covered") } else { says("covered") }
            },
        )
        .await
        .unwrap();
    let bed = bed(&server).await;
    let done = bed.run("judge", variables(json!({"text": "hail damage", "secret": "s3cr3t"})), 1).await;
    assert_eq!((done.status, &done.variables["outcome"]), (Status::Completed, &json!("covered")));
    let samples = done.variables["samples"].as_u64().unwrap();
    assert!((9..=24).contains(&samples), "{samples}");
    let received = server.received();
    assert_eq!(received.len() as u64, samples);
    let asked = received[0].json.to_string();
    assert!(asked.contains("hail damage") && asked.contains("Is the claim covered?"), "{asked}");
    assert!(!asked.contains("s3cr3t"), "an input that was not declared reached the model");
    let attempts = bed.store.attempts("model", "judge", 10).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0].success);
    bed.stop().await;
}

#[tokio::test]
async fn answers_that_do_not_fit_are_counted_and_never_win() {
    let server = ScriptedServer::replying(vec![Reply::Text("no idea".to_owned())]).await.unwrap();
    let bed = bed(&server).await;
    let done = bed.run("judge", variables(json!({"text": "x"})), 1).await;
    let run = bed.task_run(done.key, "work").await;
    assert_eq!(run.verdict["reason"], "invalid_answers");
    assert_eq!(run.verdict["undecided"], true);
    bed.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_becomes_an_incident_when_the_retries_are_used_up() {
    let server =
        ScriptedServer::replying(vec![Reply::Status(500, Vec::new(), "broken".to_owned())]).await.unwrap();
    let bed = bed(&server).await;
    let key = bed.run("judge", variables(json!({"text": "x"})), 1).await.key;
    let incidents = bed.engine.incidents(Some(key)).await.unwrap();
    assert_eq!(incidents[0].code, "KERNEL-0007", "{incidents:?}");
    bed.stop().await;
}

#[tokio::test]
async fn cancelling_the_instance_reaches_a_running_call() {
    let server = ScriptedServer::replying(vec![Reply::Hang]).await.unwrap();
    let bed = bed(&server).await;
    let key = bed.start("judge", variables(json!({"text": "x"})), 1).await;
    while server.received().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.parts.census.tdes(), 1);
    bed.engine.cancel(key, "no longer wanted").await.unwrap();
    bed.empty().await;
    bed.stop().await;
}
