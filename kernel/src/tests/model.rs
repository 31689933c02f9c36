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

/// Counts of the store as scores, as `persistence` gives them.
struct Counts(Arc<engine::MemoryStore>);

#[async_trait::async_trait]
impl crate::Scores for Counts {
    async fn scores(&self, filter: &crate::ScoreFilter) -> Result<Vec<crate::ScoreRow>, crate::Error> {
        let wanted =
            engine::store::ScoreFilter { subject_kind: filter.kind.clone(), subject: filter.subject.clone() };
        let found = self.0.score_counts(&wanted).await?;
        let row = |count: engine::store::ScoreCount| crate::ScoreRow {
            kind: count.subject_kind,
            subject: count.subject,
            version: None,
            attempts: count.attempts,
            successes: count.successes,
            last_used_ms: count.last_ms,
            mean_duration_ms: 0.0,
            cost: count.cost,
        };
        Ok(found.into_iter().map(row).collect())
    }
}

#[tokio::test]
async fn an_experiment_gives_tasks_versions_until_the_better_one_is_known() {
    use context::{
        ContextManager, DirectApproval, NewExperiment, PRODUCTION, Selector, Stamp, VolatilePrompts,
    };
    let server = ScriptedServer::start(|received| {
        let good = received.json.to_string().contains("carefully");
        says(if good { "covered" } else { "not covered" })
    })
    .await
    .unwrap();
    let model = Arc::new(
        ModelClient::new(Config {
            base_url: server.base_url().to_owned(),
            model: "judge".to_owned(),
            ..Config::default()
        })
        .unwrap(),
    );
    let store = Arc::new(engine::MemoryStore::new());
    let prompts = Arc::new(VolatilePrompts::default());
    let contexts = ContextManager::new(prompts, Arc::new(DirectApproval::alone()), store.clone());
    let at = Stamp::new("ada", 1);
    let suite: context::TestSuite = serde_json::from_value(json!({
        "cases": [{"name": "any", "variables": {"claim": "x"}, "assertions": [{"assert": "contains", "text": "covered"}]}],
    }))
    .unwrap();
    let mut hashes = Vec::new();
    for (label, text) in [("plain", "Judge {{claim}}."), ("careful", "Judge {{claim}} carefully.")] {
        let prompt = serde_json::from_value(json!({
            "name": "claims", "purpose": "", "messages": [{"role": "user", "text": text}],
            "variables": [{"name": "claim", "type": "text"}], "output_schema": null, "parameters": {},
        }))
        .unwrap();
        let version = Selector::Hash(contexts.save(prompt, "", &at).await.unwrap().hash);
        let report = contexts.test("claims", &version, &suite, model.as_ref(), &at).await.unwrap();
        contexts.approve("claims", &version, &report.id, "", &at).await.unwrap();
        hashes.push(contexts.move_label("claims", label, &version, &at).await.unwrap().hash);
    }
    contexts.move_label("claims", PRODUCTION, &Selector::Hash(hashes[0].clone()), &at).await.unwrap();
    let new = NewExperiment {
        fewest: 3,
        promote: true,
        floor: 0.2,
        ..NewExperiment::of(&["plain".to_owned(), "careful".to_owned()])
    };
    contexts.begin_experiment("claims", &new, &at).await.unwrap();

    let bed = Bed::over(store.clone(), |mut parts| {
        parts.model = Some(model);
        parts.contexts = Some(Arc::new(contexts.clone()));
        parts.scores = Some(Arc::new(Counts(store.clone())));
        parts
    })
    .await;
    bed.deploy(&one_task("claims", PROMPTED).replace("type=\"\"", "")).await;
    let mut runs = 0;
    while contexts.experiment("local", "claims").await.unwrap().unwrap().ended.is_none() {
        runs += 1;
        assert!(runs < 60, "it does not end");
        let done = bed.run("claims", variables(json!({"text": "hail"})), runs).await;
        assert_eq!(done.status, Status::Completed);
    }
    assert_eq!(
        contexts.in_production("local", "claims").await.unwrap().hash,
        hashes[1],
        "the winner is promoted"
    );
    let filter =
        trail::Filter { kind_prefix: Some("prompt.assigned".to_owned()), ..trail::Filter::default() };
    let assigned = trail::Trail::read(store.as_ref(), &filter, 0, 100).await.unwrap();
    assert_eq!(assigned.len() as u64, runs, "every assignment stands in the trail");
    assert!(
        assigned.iter().all(|event| hashes.iter().any(|hash| event.content.data["version"] == json!(hash)))
    );
    for (hash, success) in hashes.iter().zip([false, true]) {
        let subject = context::version_subject("claims", hash);
        let tried = store.attempts("prompt", &subject, 100).await.unwrap();
        assert!(tried.len() >= 3 && tried.iter().all(|attempt| attempt.success == success), "{tried:?}");
    }
    bed.stop().await;
}

const PROMPTED: &str = r#"<procos:task by="model" ref="claims">
    <procos:outcome label="covered"/><procos:outcome label="not covered" success="false"/>
    <procos:stop rule="winner" delta="0.05" samples="24"/></procos:task>
    <zeebe:taskDefinition retries="1"/>
    <zeebe:ioMapping><zeebe:input source="=text" target="claim"/></zeebe:ioMapping>"#;
