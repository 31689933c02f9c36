//! Camunda 8's official Rust client, unchanged, against ProcOS: deploy, start, work, fail, find.

use camunda_orchestration_sdk::apis::element_instance_api::SearchElementInstancesParams;
use camunda_orchestration_sdk::apis::process_instance_api::GetProcessInstanceSequenceFlowsParams;
use camunda_orchestration_sdk::apis::user_task_api::{
    AssignUserTaskParams, CompleteUserTaskParams, SearchUserTasksParams, UnassignUserTaskParams,
};
use camunda_orchestration_sdk::models::{
    ProcessDefinitionId, ProcessInstanceCreationInstruction, ProcessInstanceCreationInstructionById,
};
use camunda_orchestration_sdk::{CamundaClient, CamundaOptions, JobAction, JobWorkerConfig};
use serde_json::{Value, json};

use crate::procos::Place;

const PAYMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">
  <bpmn:error id="declined" errorCode="DECLINED"/>
  <bpmn:process id="payment" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:serviceTask id="charge" name="Charge card">
      <bpmn:extensionElements><zeebe:taskDefinition type="charge-card" retries="3"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:boundaryEvent id="no" attachedToRef="charge"><bpmn:errorEventDefinition errorRef="declined"/></bpmn:boundaryEvent>
    <bpmn:endEvent id="paid"/><bpmn:endEvent id="refused"/>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="charge"/>
    <bpmn:sequenceFlow id="f2" sourceRef="charge" targetRef="paid"/>
    <bpmn:sequenceFlow id="f3" sourceRef="no" targetRef="refused"/>
  </bpmn:process>
</bpmn:definitions>"#;

fn client(address: &str) -> CamundaClient {
    let options =
        CamundaOptions::new().with("CAMUNDA_REST_ADDRESS", address).with("CAMUNDA_AUTH_STRATEGY", "NONE");
    CamundaClient::new(options).expect("the client accepts the address")
}

fn payment(amount: i64) -> ProcessInstanceCreationInstruction {
    let by_id = ProcessInstanceCreationInstructionById {
        process_definition_id: ProcessDefinitionId::assume_exists("payment"),
        variables: Some([("amount".to_owned(), json!(amount))].into_iter().collect()),
        await_completion: Some(true),
        request_timeout: Some(60_000),
        ..Default::default()
    };
    ProcessInstanceCreationInstruction::ProcessInstanceCreationInstructionById(Box::new(by_id))
}

/// What the worker does depends on the amount: it fails once, throws an error, or charges.
fn charge(amount: i64, retries: i32) -> JobAction {
    match (amount, retries) {
        (13, _) => JobAction::Error {
            error_code: "DECLINED".to_owned(),
            error_message: Some("the bank said no".to_owned()),
            variables: Some(json!({"reason": "limit"})),
        },
        (7, 3) => JobAction::Fail {
            error_message: "the line was busy".to_owned(),
            retries: Some(retries - 1),
            retry_backoff_ms: None,
            variables: None,
        },
        _ => JobAction::complete_with(json!({"charged": amount, "retries": retries})),
    }
}

#[test]
fn the_official_rust_client_deploys_starts_and_works_unchanged() {
    let place = Place::empty();
    let (_server, address) = place.serve();
    let file = place.file("payment.bpmn", PAYMENT);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = client(&address);
        let deployed = client.deploy_resources(vec![file.into()], None).await.expect("it deploys");
        let definition = deployed.deployments[0].process_definition.as_ref().expect("a process");
        assert_eq!(definition.process_definition_version, 1);

        let worker = client.create_job_worker(JobWorkerConfig::new("charge-card").worker_name("till"));
        let worker = worker.start(|job| async move {
            charge(job.variables()["amount"].as_i64().unwrap_or_default(), job.retries())
        });
        let paid = client.create_process_instance(payment(42)).await.expect("it completes");
        assert_eq!(paid.variables["charged"], json!(42));
        let again = client.create_process_instance(payment(7)).await.expect("it completes");
        assert_eq!(again.variables["retries"], json!(2), "the second attempt did it");
        let refused =
            client.create_process_instance(payment(13)).await.expect("it ends at the boundary event");
        assert!(!refused.variables.contains_key("charged"), "{:?}", refused.variables);
        worker.abort();
    });
    // The same instances, seen by ProcOS's own surface.
    let listed = place.procos(&["ps", "--all", "--json", "--data-dir", "data"]).fine().json();
    let states: Vec<&Value> =
        listed["instances"].as_array().expect("a list").iter().map(|instance| &instance["state"]).collect();
    assert_eq!(states, [&json!("completed"); 3], "{listed}");
}

const REVIEW: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">
  <bpmn:process id="review" isExecutable="true"><bpmn:startEvent id="start"/>
    <bpmn:userTask id="read" name="Read it"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:userTask id="sign" name="Sign it"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:endEvent id="end"/>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="read"/>
    <bpmn:sequenceFlow id="f2" sourceRef="read" targetRef="sign"/>
    <bpmn:sequenceFlow id="f3" sourceRef="sign" targetRef="end"/></bpmn:process>
</bpmn:definitions>"#;

/// A search as the client's own type.
fn search<T: serde::de::DeserializeOwned>(filter: Value) -> Option<T> {
    Some(serde_json::from_value(json!({"filter": filter})).expect("a search"))
}

#[test]
fn the_official_rust_client_assigns_and_completes_user_tasks_and_follows_the_elements() {
    let place = Place::empty();
    let (_server, address) = place.serve();
    let file = place.file("review.bpmn", REVIEW);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = client(&address);
        client.deploy_resources(vec![file.into()], None).await.expect("it deploys");
        let by_id = ProcessInstanceCreationInstructionById {
            process_definition_id: ProcessDefinitionId::assume_exists("review"),
            ..Default::default()
        };
        let start =
            ProcessInstanceCreationInstruction::ProcessInstanceCreationInstructionById(Box::new(by_id));
        let started = client.create_process_instance(start).await.expect("it starts");
        let instance = serde_json::to_value(&started).expect("plain data")["processInstanceKey"].clone();
        let tasks = async |filter: Value| {
            let params = SearchUserTasksParams { user_task_search_query: search(filter) };
            client.search_user_tasks(params).await.expect("tasks").items
        };
        let task = serde_json::to_value(&tasks(json!({"processInstanceKey": instance})).await[0]).unwrap();
        let user_task_key = task["userTaskKey"].as_str().expect("a key").to_owned();
        let assign = async |who: &str, over: bool| {
            let user_task_assignment_request =
                serde_json::from_value(json!({"assignee": who, "allowOverride": over})).expect("a request");
            let user_task_key = user_task_key.clone();
            client
                .assign_user_task(AssignUserTaskParams { user_task_key, user_task_assignment_request })
                .await
        };
        assign("kim", false).await.expect("it is free");
        assert!(assign("lee", false).await.is_err(), "it is kim's");
        assert_eq!(tasks(json!({"assignee": "kim"})).await.len(), 1);
        let given_back = UnassignUserTaskParams { user_task_key: user_task_key.clone() };
        client.unassign_user_task(given_back).await.expect("it is given back");
        assert!(tasks(json!({"assignee": "kim"})).await.is_empty());
        let user_task_completion_request =
            Some(serde_json::from_value(json!({"variables": {"read": true}})).expect("a request"));
        let completed = CompleteUserTaskParams { user_task_key, user_task_completion_request };
        client.complete_user_task(completed).await.expect("it is completed");
        let params = SearchElementInstancesParams {
            element_instance_search_query: search(json!({"processInstanceKey": instance})),
        };
        let elements = client.search_element_instances(params).await.expect("elements").items;
        let seen: Vec<String> = elements
            .iter()
            .map(|one| {
                let one = serde_json::to_value(one).expect("plain data");
                format!("{} {}", one["elementId"].as_str().unwrap(), one["state"].as_str().unwrap())
            })
            .collect();
        assert_eq!(seen, ["review ACTIVE", "start COMPLETED", "read COMPLETED", "sign ACTIVE"]);
        let process_instance_key = instance.as_str().expect("a key").to_owned();
        let params = GetProcessInstanceSequenceFlowsParams { process_instance_key };
        let flows = client.get_process_instance_sequence_flows(params).await.expect("flows").items;
        assert_eq!(flows.len(), 2);
    });
}
