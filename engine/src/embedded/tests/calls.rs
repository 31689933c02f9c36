//! Call activities: results up, errors up, cancellation both ways, a bound on their depth.

use serde_json::json;

use super::*;

fn calls(process: &str, called: &str) -> String {
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:callActivity id="c"><bpmn:extensionElements>
        <zeebe:calledElement processId="{called}" propagateAllChildVariables="true"/></bpmn:extensionElements>
        </bpmn:callActivity><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    bpmn(process, "", &body)
}

async fn child_of(bench: &Bench, parent: i64) -> i64 {
    let all = bench.engine.instances(&Default::default()).await.unwrap();
    all.iter().find(|one| one.parent.is_some_and(|(key, _)| key == parent)).unwrap().key
}

#[tokio::test]
async fn a_called_process_hands_its_variables_up() {
    let bench = Bench::new().await;
    bench.deploy(&calls("outer", "inner")).await;
    bench.deploy(&sequence("inner", &["a"])).await;
    let outer = bench.start("outer", json!({"x": 1})).await;
    let inner = child_of(&bench, outer).await;
    assert_eq!(bench.variable(inner, "x").await, json!(1));
    assert_eq!(bench.engine.open_instances(0, 10).await.unwrap(), [outer, inner]);
    let job = bench.lease_one().await;
    bench.complete(&job, json!({"y": 2})).await;
    assert_eq!(
        (bench.status(inner).await, bench.status(outer).await),
        (Status::Completed, Status::Completed)
    );
    assert_eq!(bench.variable(outer, "y").await, json!(2));
}

#[tokio::test]
async fn a_called_process_that_ends_at_once_ends_in_the_same_command() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("inner", &[])).await;
    bench.deploy(&calls("outer", "inner")).await;
    let outer = bench.start("outer", empty()).await;
    assert_eq!(bench.status(outer).await, Status::Completed);
}

#[tokio::test]
async fn cancelling_the_caller_cancels_the_called() {
    let bench = Bench::new().await;
    bench.deploy(&calls("outer", "inner")).await;
    bench.deploy(&sequence("inner", &["a"])).await;
    let outer = bench.start("outer", empty()).await;
    let inner = child_of(&bench, outer).await;
    bench.engine.cancel(outer, "enough").await.unwrap();
    bench.engine.settle().await;
    assert_eq!(
        (bench.status(outer).await, bench.status(inner).await),
        (Status::Terminated, Status::Terminated)
    );
    assert!(bench.lease(10).await.is_empty());
    assert!(bench.engine.open_instances(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn cancelling_the_called_raises_an_incident_at_the_caller() {
    let bench = Bench::new().await;
    bench.deploy(&calls("outer", "inner")).await;
    bench.deploy(&sequence("inner", &["a"])).await;
    let outer = bench.start("outer", empty()).await;
    let inner = child_of(&bench, outer).await;
    bench.engine.cancel(inner, "enough").await.unwrap();
    bench.engine.settle().await;
    let incidents = bench.engine.incidents(Some(outer)).await.unwrap();
    assert_eq!((incidents.len(), incidents[0].element.as_str()), (1, "c"));
}

#[tokio::test]
async fn an_error_end_of_the_called_fails_the_caller_that_does_not_catch_it() {
    let bench = Bench::new().await;
    let inner = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:endEvent id="e"><bpmn:errorEventDefinition id="ed" errorRef="er"/>
        </bpmn:endEvent>{}"#,
        chain(&["s", "e"])
    );
    bench.deploy(&bpmn("inner", r#"<bpmn:error id="er" errorCode="BROKEN"/>"#, &inner)).await;
    bench.deploy(&calls("outer", "inner")).await;
    let outer = bench.start("outer", empty()).await;
    assert_eq!(bench.status(outer).await, Status::Failed);
}

#[tokio::test]
async fn a_call_of_an_unknown_process_is_an_incident_and_goes_on_after_deployment() {
    let bench = Bench::new().await;
    bench.deploy(&calls("outer", "inner")).await;
    let outer = bench.start("outer", empty()).await;
    let incident = bench.engine.incidents(Some(outer)).await.unwrap().remove(0);
    assert!(incident.message.contains("inner"), "{}", incident.message);
    bench.deploy(&sequence("inner", &[])).await;
    bench.engine.resolve_incident(incident.key).await.unwrap();
    bench.engine.settle().await;
    assert_eq!(bench.status(outer).await, Status::Completed);
}

#[tokio::test]
async fn processes_that_call_each_other_without_end_stop_at_the_limit() {
    let bench = Bench::new().await;
    bench.deploy(&calls("p", "p")).await;
    bench.start("p", empty()).await;
    let all = bench.engine.instances(&Default::default()).await.unwrap();
    assert_eq!(all.len(), crate::limits::CALL_DEPTH_LIMIT as usize + 1);
    assert_eq!(bench.engine.incidents(None).await.unwrap().len(), 1);
}
