//! Every call of a model in the trail, budgets of the day, of an instance and of a task.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::clock::ManualClock;
use engine::port::Status;
use engine::{MemoryStore, ProcessEngine};
use llm::scripted::{Reply, ScriptedModel, ScriptedServer};
use llm::{Budgets, ChatRequest, Config, Message, Model, ModelClient, Models, Prices};
use serde_json::json;
use trail::{Filter, Trail};

use super::{Bed, one_task, variables};
use crate::Metered;

/// Undecided for ever: every other answer is another one.
const TORN: &str = r#"<procos:task by="model" undecided="leader"><procos:prompt>Which?</procos:prompt>
    <procos:outcome label="a"/><procos:outcome label="b"/><procos:stop rule="winner" delta="0.05" samples="40"EXTRA/></procos:task>
    <zeebe:taskDefinition retries="1"/>"#;

fn torn() -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel::saying(&[r#"{"outcome":"a"}"#, r#"{"outcome":"b"}"#]))
}

async fn bed(model: Arc<dyn Model>, budgets: Budgets, extra: &str) -> Bed {
    let store = Arc::new(MemoryStore::new());
    let trail: Arc<dyn Trail> = store.clone();
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let metered = Metered::open(model, trail, clock, budgets).await.unwrap();
    let bed = Bed::over(store, |mut parts| {
        parts.model = Some(Arc::new(metered));
        parts.budgets = budgets;
        parts
    })
    .await;
    bed.deploy(&one_task("torn", &TORN.replace("EXTRA", extra))).await;
    bed
}

async fn calls(bed: &Bed, kind: &str) -> Vec<trail::Event> {
    let filter = Filter { kind_prefix: Some(format!("model.{kind}")), ..Filter::default() };
    bed.store.read(&filter, 0, 1_000).await.unwrap()
}

#[tokio::test]
async fn every_call_stands_in_the_trail_with_what_it_asked_gave_and_cost() {
    let server =
        ScriptedServer::replying(vec![Reply::Text(json!({"outcome": "a"}).to_string())]).await.unwrap();
    let prices = Prices { input_per_million: 1_000.0, ..Prices::default() };
    let config = Config {
        base_url: server.base_url().to_owned(),
        model: "judge".to_owned(),
        prices,
        ..Config::default()
    };
    let bed = bed(Arc::new(ModelClient::new(config).unwrap()), Budgets::default(), "").await;
    let done = bed.run("torn", variables(json!({})), 1).await;
    assert_eq!(done.variables["outcome"], json!("a"));
    let events = calls(&bed, "called").await;
    let event = &events[0].content;
    assert_eq!((event.instance, event.element.as_deref()), (Some(done.key), Some("work")));
    let data = &event.data;
    assert_eq!((&data["model"], &data["answered_by"]), (&json!("judge"), &json!("scripted-1")));
    assert_eq!(data["prompt_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&data["parameters"]["samples"], &data["parameters"]["temperature"]),
        (&json!(4), &json!(0.7))
    );
    assert_eq!(data["answers"].as_array().unwrap().len(), 4);
    assert_eq!((&data["answers"][0]["ending"], &data["tokens"]), (&json!("json"), &json!(440)));
    // Four answers of 100 tokens in, of which 40 came from the cache for nothing.
    assert!((data["cost"].as_f64().unwrap() - 0.24).abs() < 1e-9, "{data}");
    bed.stop().await;
}

#[tokio::test]
async fn a_day_s_budget_ends_the_sampling_softly_and_the_next_task_waits_for_a_person() {
    let asked = torn();
    let model: Arc<dyn Model> = asked.clone();
    // What the scripted model is said to take before a call: some sixty tokens a sample.
    let budgets = Budgets { day_tokens: Some(2_000), ..Budgets::default() };
    let bed = bed(model, budgets, "").await;
    let mut soft = 0;
    let refused = loop {
        let done = bed.run("torn", variables(json!({})), soft).await;
        if done.status != Status::Completed {
            break done.key;
        }
        let run = bed.task_run(done.key, "work").await;
        soft += u64::from(run.notes.iter().any(|note| note.contains("sampling ended early")));
        assert!(asked.requests().len() < 500, "the budget never ended");
    };
    assert!(soft <= 1);
    let incidents = bed.engine.incidents(Some(refused)).await.unwrap();
    assert_eq!(incidents[0].code, "KERNEL-0017");
    assert!(incidents[0].message.contains("budget of the day"), "{}", incidents[0].message);
    let before = asked.requests().len();
    assert!(!calls(&bed, "refused").await.is_empty(), "a refusal is written down");
    assert_eq!(calls(&bed, "called").await.len(), before, "and nothing was sent for it");
    bed.stop().await;
}

#[tokio::test]
async fn an_instance_has_a_budget_of_its_own_that_ends_its_sampling_and_not_another_s() {
    let budgets = Budgets { process_tokens: Some(600), ..Budgets::default() };
    let bed = bed(torn(), budgets, "").await;
    for seed in 0..3 {
        let done = bed.run("torn", variables(json!({})), seed).await;
        assert_eq!(done.status, Status::Completed, "{:?}", bed.engine.incidents(None).await);
        let run = bed.task_run(done.key, "work").await;
        let early = run.notes.iter().any(|note| note.contains("budget of the process"));
        assert!(early && run.verdict["undecided"] == true, "{:?}", run.notes);
    }
    bed.stop().await;
}

#[tokio::test]
async fn a_task_s_own_budget_is_kept_and_the_configured_one_where_it_has_none() {
    for (budgets, extra) in [
        (Budgets::default(), r#" tokens="200""#),
        (Budgets { task_tokens: Some(200), ..Budgets::default() }, ""),
    ] {
        let bed = bed(torn(), budgets, extra).await;
        let done = bed.run("torn", variables(json!({})), 1).await;
        let run = bed.task_run(done.key, "work").await;
        let samples = run.verdict["samples"].as_u64().unwrap();
        assert!((1..40).contains(&samples), "{samples} samples");
        assert!(run.verdict["tokens"].as_u64().unwrap() <= 200);
        bed.stop().await;
    }
}

#[tokio::test]
async fn what_was_spent_today_is_known_after_a_restart_and_yesterday_does_not_count() {
    let store = Arc::new(MemoryStore::new());
    let trail: Arc<dyn Trail> = store.clone();
    let clock = ManualClock::at(1_700_000_000_000);
    let budgets = Budgets { day_tokens: Some(100), ..Budgets::default() };
    let open = async |clock: &ManualClock| {
        Metered::open(torn(), Arc::clone(&trail), Arc::new(clock.clone()), budgets).await.unwrap()
    };
    let ask = || ChatRequest::new(vec![Message::user("word ".repeat(60))]);
    let first = open(&clock).await;
    first.chat(ask()).await.unwrap();
    assert_eq!(first.chat(ask()).await.unwrap_err().code(), "LLM-0010");
    let second = open(&clock).await;
    assert_eq!(second.chat(ask()).await.unwrap_err().code(), "LLM-0010", "a restart is no new day");
    clock.advance(86_400_000);
    let next_day = open(&clock).await;
    next_day.chat(ask()).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_cancelled_is_written_down_with_its_estimate() {
    let server = ScriptedServer::replying(vec![Reply::Hang]).await.unwrap();
    let config =
        Config { base_url: server.base_url().to_owned(), model: "judge".to_owned(), ..Config::default() };
    let bed = bed(Arc::new(ModelClient::new(config).unwrap()), Budgets::default(), "").await;
    let key = bed.start("torn", variables(json!({})), 1).await;
    while server.received().is_empty() {
        tokio::task::yield_now().await;
    }
    bed.engine.cancel(key, "no longer wanted").await.unwrap();
    bed.empty().await;
    let cancelled = loop {
        if let Some(event) = calls(&bed, "cancelled").await.into_iter().next() {
            break event;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(cancelled.content.instance, Some(key));
    assert!(cancelled.content.data["tokens"].as_u64().unwrap() > 0);
    bed.stop().await;
}

#[tokio::test]
async fn a_task_names_one_of_several_models() {
    let (default, small) = (torn(), Arc::new(ScriptedModel::saying(&[r#"{"outcome":"b"}"#])));
    let named: BTreeMap<String, Arc<dyn Model>> =
        BTreeMap::from([("small".to_owned(), small.clone() as Arc<dyn Model>)]);
    let bed = bed(Arc::new(Models::new(default.clone(), named)), Budgets::default(), "").await;
    let task = TORN.replace("EXTRA", "").replace("by=\"model\"", "by=\"model\" model=\"small\"");
    bed.deploy(&one_task("named", &task)).await;
    let done = bed.run("named", variables(json!({})), 1).await;
    assert_eq!(done.variables["outcome"], json!("b"));
    assert!(default.requests().is_empty() && !small.requests().is_empty());
    let scored = engine::Store::attempts(&*bed.store, "model", "small", 10).await.unwrap();
    assert_eq!(scored.len(), 1, "its score is its own");
    bed.stop().await;
}
