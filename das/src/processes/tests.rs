//! The committed files are what the author writes, and they run for real: on the embedded engine, under PDO and TDE,
//! in a workspace folder.

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::Variables;
use engine::clock::ManualClock;
use engine::port::{DeployFile, Instance, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine};
use kernel::{DryRunOptions, DryRunState, Microkernel, Parts, Workspace, dry_run};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;

#[test]
fn every_committed_file_is_as_its_author_writes_it() {
    for (path, text) in author::files() {
        expect_test::expect_file![format!("../../../{path}")].assert_eq(&text);
    }
}

#[test]
fn every_starting_process_reads_compiles_is_sound_and_has_a_diagram() {
    for process in starting_processes() {
        let definitions = bpmn::xml::read(process.xml.as_bytes()).unwrap();
        assert_eq!(definitions.diagrams.len(), 1, "{}", process.name);
        let programs = bpmn::compile::compile(&definitions, Some(process.name)).unwrap();
        assert_eq!(bpmn::check::soundness(&programs[0]), [], "{}", process.name);
    }
}

#[tokio::test]
async fn every_file_completes_in_a_dry_run_without_any_input() {
    for (path, xml) in author::files() {
        let file = DeployFile { name: path.clone(), content: xml.into_bytes() };
        let messages = vec![("api request".to_owned(), Variables::new())];
        let options = DryRunOptions { seed: 1, messages, ..DryRunOptions::default() };
        let run = dry_run(vec![file], options).await.unwrap();
        assert_eq!(run.state, DryRunState::Completed, "{path}: {:?}", run.incidents);
    }
}

fn variables(value: Value) -> Variables {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Runs processes one after the other on one engine and workspace; gives the variables of each.
async fn run_for_real(runs: Vec<(&str, Value)>) -> Vec<Variables> {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(1_700_000_000_000);
    let engine =
        Arc::new(Embedded::open(Arc::new(MemoryStore::new()), Arc::new(clock.clone())).await.unwrap());
    let mut parts = Parts::new(engine.clone(), Arc::new(clock)).unwrap();
    parts.workspace = Some(Workspace::open(folder.path(), 1_000_000).unwrap());
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
    for (path, xml) in author::files() {
        engine.deploy(vec![DeployFile { name: path, content: xml.into_bytes() }]).await.unwrap();
    }
    let composed = COMPOSED.as_bytes().to_vec();
    engine.deploy(vec![DeployFile { name: "composed.bpmn".to_owned(), content: composed }]).await.unwrap();
    let mut results = Vec::new();
    for (process, inputs) in runs {
        let request = StartInstance {
            process_id: Some(process.to_owned()),
            variables: variables(inputs),
            seed: 7,
            ..StartInstance::default()
        };
        let key = engine.start(request).await.unwrap();
        let instance = finished(&engine, key).await;
        let incidents = engine.incidents(Some(key)).await.unwrap();
        assert_eq!(instance.status, Status::Completed, "{process}: {incidents:?}");
        results.push(instance.variables);
    }
    stop.cancel();
    kernel.await.unwrap().unwrap();
    results
}

async fn finished(engine: &Embedded, key: i64) -> Instance {
    let mut notices = engine.notices();
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let instance = engine.instance(key).await.unwrap();
            if instance.status != Status::Active || instance.incidents > 0 {
                return instance;
            }
            let _missed = notices.recv().await;
        }
    });
    waited.await.unwrap()
}

#[tokio::test]
async fn a_file_lives_through_the_whole_starting_set() {
    let results = run_for_real(vec![
        ("directory_create", json!({"path": "notes"})),
        ("file_create", json!({"path": "notes/a.txt", "content": "one"})),
        ("file_read", json!({"path": "notes/a.txt"})),
        ("file_update", json!({"path": "notes/a.txt", "content": "two"})),
        ("file_move_copy", json!({"path": "notes/a.txt", "to": "notes/b.txt", "copy": true})),
        ("file_move_copy", json!({"path": "notes/a.txt", "to": "notes/c.txt"})),
        ("directory_list", json!({"path": "notes"})),
        ("file_delete", json!({"path": "notes/b.txt"})),
        ("file_delete", json!({"path": "notes/c.txt"})),
        ("directory_delete", json!({"path": "notes"})),
        ("file_exists", json!({"path": "notes"})),
    ])
    .await;
    assert_eq!(results[2]["content"], "one");
    assert_eq!(results[3]["written"], "two");
    assert_eq!(results[6]["entries"], json!(["b.txt", "c.txt"]));
    assert_eq!(results[10]["exists"], false);
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result["confirmed"], true, "run {place}: {result:?}");
    }
}

#[tokio::test]
async fn memory_disk_processes_and_system_do_what_their_processes_say() {
    let results = run_for_real(vec![
        ("memory_allocate", json!({"region": "r", "size": 100})),
        ("memory_free", json!({"region": "r"})),
        ("disk_write", json!({"path": "a/b.txt", "content": "kept"})),
        ("disk_read", json!({"path": "a/b.txt"})),
        ("disk_check_space", json!({})),
        ("process_start", json!({"process": "system_describe"})),
        ("system_check_resources", json!({})),
        ("system_describe", json!({})),
        ("network_close_connection", json!({"connection": "none"})),
    ])
    .await;
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result["confirmed"], true, "run {place}: {result:?}");
    }
    assert_eq!(results[3]["content"], "kept");
    assert!(
        results[5]["instanceKey"].as_i64().unwrap() > 0 && results[6]["processors"].as_u64().unwrap() > 0
    );
}

#[tokio::test]
async fn an_input_that_makes_no_sense_is_refused_before_anything_is_done() {
    let runs = [
        ("memory_allocate", json!({"region": "r", "size": 0})),
        ("memory_write", json!({"region": "", "content": "x"})),
        ("network_send", json!({"url": "file:///etc/passwd"})),
        ("network_open_connection", json!({"connection": "c", "host": "h", "port": 70_000})),
        ("process_start", json!({})),
        ("process_terminate", json!({"instanceKey": -1})),
        ("process_monitor", json!({})),
    ];
    for result in run_for_real(runs.to_vec()).await {
        assert_eq!((&result["valid"], result.get("confirmed")), (&json!(false), None), "{result:?}");
    }
}

const COMPOSED: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="composed_definitions" targetNamespace="t">
    <bpmn:process id="composed" isExecutable="true"><bpmn:startEvent id="start"/>
    <bpmn:callActivity id="allocate"><bpmn:extensionElements><zeebe:calledElement processId="memory_allocate"/></bpmn:extensionElements></bpmn:callActivity>
    <bpmn:callActivity id="write"><bpmn:extensionElements><zeebe:calledElement processId="memory_write"/></bpmn:extensionElements></bpmn:callActivity>
    <bpmn:callActivity id="read"><bpmn:extensionElements><zeebe:calledElement processId="memory_read"/></bpmn:extensionElements></bpmn:callActivity>
    <bpmn:endEvent id="end"/>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="allocate"/>
    <bpmn:sequenceFlow id="f2" sourceRef="allocate" targetRef="write"/>
    <bpmn:sequenceFlow id="f3" sourceRef="write" targetRef="read"/>
    <bpmn:sequenceFlow id="f4" sourceRef="read" targetRef="end"/></bpmn:process></bpmn:definitions>"#;

#[tokio::test]
async fn processes_that_one_instance_calls_share_its_memory() {
    let inputs = json!({"region": "shared", "size": 50, "content": "across calls"});
    let results = run_for_real(vec![("composed", inputs)]).await;
    assert_eq!(results[0]["written"], "across calls");
    assert_eq!(results[0]["content"], "across calls");
}

#[tokio::test]
async fn a_path_that_leaves_the_workspace_is_refused_before_anything_is_done() {
    let results = run_for_real(vec![
        ("file_create", json!({"path": "../escape.txt", "content": "no"})),
        ("file_read", json!({"path": "nothing.txt"})),
    ])
    .await;
    assert_eq!(results[0]["pathValid"], false);
    assert!(!results[0].contains_key("confirmed") && !results[1].contains_key("confirmed"));
}

#[tokio::test]
async fn three_files_are_written_in_parallel_and_joined() {
    let results = run_for_real(vec![("parallel_file_write", json!({}))]).await;
    assert_eq!(results[0]["contents"], json!(["written by one", "written by two", "written by three"]));
    assert_eq!(results[0]["complete"], true);
}

#[tokio::test]
async fn a_trader_s_order_settles_with_default_values() {
    let results = run_for_real(vec![("trading_order", json!({}))]).await;
    let order = &results[0];
    assert_eq!(order["newPosition"], 1500);
    assert_eq!(order["slippage"], "acceptable");
    assert_eq!(order["settlement"]["days"], 2);
}

#[tokio::test]
async fn a_planner_s_reorder_point_reaches_the_service_level() {
    let results = run_for_real(vec![("supply_chain_reorder", json!({}))]).await;
    let plan = &results[0];
    let service = plan["serviceLevel"].as_f64().unwrap();
    assert!(service >= 0.95, "{service}");
    let factor = plan["safetyFactor"].as_f64().unwrap();
    // 95 % of a normal distribution lies below 1.645 standard deviations.
    assert!((1.25..=2.25).contains(&factor), "{factor}");
    assert!(
        plan["reorderNeeded"].as_bool().unwrap() && plan["replenishment"]["quantity"].as_f64().unwrap() > 0.0
    );
}
