//! `/v2`: an outside job worker serves a process over HTTP.

use axum::http::StatusCode;
use engine::ProcessEngine;
use engine::port::{DeployFile, Status};
use serde_json::{Value, json};

use super::{Answer, House, JSON, house, request};

const PROCESS: &str = r#"<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="urn:t">
  <bpmn:message id="m" name="paid"><bpmn:extensionElements>
    <zeebe:subscription correlationKey="=case"/></bpmn:extensionElements></bpmn:message>
  <bpmn:error id="err" errorCode="NO_PAPER"/>
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s"/>
    <bpmn:serviceTask id="print"><bpmn:extensionElements>
      <zeebe:taskDefinition type="print" retries="5"/>
      <zeebe:taskHeaders><zeebe:header key="tray" value="2"/></zeebe:taskHeaders></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:boundaryEvent id="empty" attachedToRef="print"><bpmn:errorEventDefinition errorRef="err"/>
    </bpmn:boundaryEvent>
    <bpmn:receiveTask id="wait" messageRef="m"/><bpmn:endEvent id="e"/><bpmn:endEvent id="gone"/>
    <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="print"/>
    <bpmn:sequenceFlow id="b" sourceRef="print" targetRef="wait"/>
    <bpmn:sequenceFlow id="c" sourceRef="wait" targetRef="e"/>
    <bpmn:sequenceFlow id="f" sourceRef="empty" targetRef="gone"/>
  </bpmn:process>
</bpmn:definitions>"#;

async fn post(house: &House, path: &str, body: Value) -> Answer {
    house.send(request("POST", path, &[JSON], &body.to_string())).await
}

/// A house in which an instance waits for its job; gives the instance's key.
async fn started() -> (House, String) {
    let house = house().await;
    let file = DeployFile { name: "p.bpmn".to_owned(), content: PROCESS.as_bytes().to_vec() };
    house.engine.deploy(vec![file]).await.unwrap();
    let asked = json!({"processDefinitionId": "p", "variables": {"case": "c1", "pages": 3}});
    let answer = post(&house, "/v2/process-instances", asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let key = answer.json()["processInstanceKey"].as_str().unwrap().to_owned();
    (house, key)
}

async fn lease(house: &House, more: &[(&str, Value)]) -> Value {
    let mut asked = json!({
        "type": "print", "timeout": 60_000, "maxJobsToActivate": 5, "worker": "w", "requestTimeout": -1,
    });
    for (name, value) in more {
        asked[*name] = value.clone();
    }
    let answer = post(house, "/v2/jobs/activation", asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["jobs"].clone()
}

async fn state(house: &House, key: &str) -> Status {
    house.engine.instance(key.parse().unwrap()).await.unwrap().status
}

#[tokio::test]
async fn a_worker_leases_completes_and_the_message_ends_the_instance() {
    let (house, key) = started().await;
    let jobs = lease(&house, &[("fetchVariable", json!(["pages"]))]).await;
    let job = &jobs[0];
    assert_eq!((&job["processInstanceKey"], &job["elementId"]), (&json!(key), &json!("print")));
    assert_eq!((&job["variables"], &job["customHeaders"]), (&json!({"pages": 3}), &json!({"tray": "2"})));
    assert_eq!((&job["type"], &job["retries"]), (&json!("print"), &json!(5)));
    assert_eq!(lease(&house, &[]).await, json!([]), "a leased job is nobody else's");
    let path = format!("/v2/jobs/{}/completion", job["jobKey"].as_str().unwrap());
    let done = post(&house, &path, json!({"variables": {"printed": true}})).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
    assert_eq!(post(&house, &path, json!({})).await.status, StatusCode::NOT_FOUND);
    let message = json!({"name": "paid", "correlationKey": "c1", "variables": {"sum": 7}});
    assert_eq!(post(&house, "/v2/messages/publication", message).await.status, StatusCode::OK);
    house.engine.settle().await;
    let ended = house.engine.instance(key.parse().unwrap()).await.unwrap();
    assert_eq!(ended.status, Status::Completed);
    assert_eq!((&ended.variables["printed"], &ended.variables["sum"]), (&json!(true), &json!(7)));
}

#[tokio::test]
async fn a_job_that_fails_comes_again_and_one_that_throws_is_caught() {
    let (house, key) = started().await;
    let job = lease(&house, &[("withLease", json!(true))]).await[0].clone();
    let path = |job: &Value, what: &str| format!("/v2/jobs/{}/{what}", job["jobKey"].as_str().unwrap());
    let failure = json!({"retries": 1, "errorMessage": "jammed", "leaseToken": job["leaseToken"]});
    let failed = post(&house, &path(&job, "failure"), failure.clone()).await;
    assert_eq!(failed.status, StatusCode::NO_CONTENT, "{}", failed.text());
    let again = lease(&house, &[("withLease", json!(true))]).await[0].clone();
    assert_eq!((&again["jobKey"], &again["retries"]), (&job["jobKey"], &json!(1)));
    // The first worker comes back late: its token no longer holds the job.
    assert_eq!(post(&house, &path(&job, "failure"), failure).await.status, StatusCode::CONFLICT);
    let thrown = json!({"errorCode": "NO_PAPER", "errorMessage": "empty"});
    let answer = post(&house, &path(&again, "error"), thrown).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert_eq!(state(&house, &key).await, Status::Completed);
}

#[tokio::test]
async fn an_instance_is_cancelled_and_an_incident_resolved() {
    let (house, key) = started().await;
    let job = lease(&house, &[]).await[0].clone();
    let path = format!("/v2/jobs/{}/failure", job["jobKey"].as_str().unwrap());
    post(&house, &path, json!({"errorMessage": "jammed"})).await;
    let incident = house.engine.incidents(None).await.unwrap()[0].key;
    let resolved = post(&house, &format!("/v2/incidents/{incident}/resolution"), json!({})).await;
    assert_eq!(resolved.status, StatusCode::NO_CONTENT, "{}", resolved.text());
    assert_eq!(lease(&house, &[]).await.as_array().unwrap().len(), 1);
    let cancelled = post(&house, &format!("/v2/process-instances/{key}/cancellation"), json!({})).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT, "{}", cancelled.text());
    assert_eq!(state(&house, &key).await, Status::Terminated);
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_that_names_it() {
    let (house, _) = started().await;
    for (path, body, status, said) in [
        ("/v2/process-instances", json!({"processDefinitionId": "q"}), 404, "q"),
        ("/v2/process-instances", json!({"processDefinitionId": "p", "wish": 1}), 422, "wish"),
        ("/v2/jobs/x/completion", json!({}), 400, "\"x\" is no key"),
        ("/v2/jobs/9/completion", json!({}), 404, "job 9"),
        ("/v2/jobs/activation", json!({"type": "print", "timeout": 0, "maxJobsToActivate": 1}), 400, "lease"),
    ] {
        let answer = post(&house, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{}", answer.text());
    }
}
