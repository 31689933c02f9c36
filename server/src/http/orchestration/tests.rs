//! The API as its clients use it, on an engine in memory.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use engine::clock::SystemClock;
use engine::{Embedded, MemoryStore};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::routes;
use crate::http::Limits;

const ORDER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    id="d" targetNamespace="t">
  <error id="no-money" errorCode="NO_MONEY"/>
  <message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=order"/></extensionElements></message>
  <process id="order" name="Order" isExecutable="true">
    <startEvent id="start"/>
    <serviceTask id="charge" name="Charge card">
      <extensionElements>
        <zeebe:taskDefinition type="charge" retries="2"/>
        <zeebe:taskHeaders><zeebe:header key="currency" value="EUR"/></zeebe:taskHeaders>
      </extensionElements>
    </serviceTask>
    <boundaryEvent id="broke" attachedToRef="charge"><errorEventDefinition errorRef="no-money"/></boundaryEvent>
    <intermediateCatchEvent id="paid"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
    <userTask id="pack" name="Pack"><extensionElements><zeebe:userTask/>
      <zeebe:assignmentDefinition candidateGroups="store, shipping"/></extensionElements></userTask>
    <endEvent id="done"/><endEvent id="refused"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="charge"/>
    <sequenceFlow id="f2" sourceRef="charge" targetRef="paid"/>
    <sequenceFlow id="f3" sourceRef="paid" targetRef="pack"/>
    <sequenceFlow id="f4" sourceRef="pack" targetRef="done"/>
    <sequenceFlow id="f5" sourceRef="broke" targetRef="refused"/>
  </process>
</definitions>"#;

struct Api(Router);

impl Api {
    async fn open() -> Self {
        let store = Arc::new(MemoryStore::new());
        let engine = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
        let stop = CancellationToken::new();
        Self(routes(Arc::new(engine), store, Limits::default(), ([127, 0, 0, 1], 8080).into(), stop))
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, &body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn deploy(&self, name: &str, content: &str) -> (StatusCode, Value) {
        let body = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"resources\"; filename=\"{name}\"\r\n\r\n{content}\r\n--cut--\r\n"
        );
        let request = Request::builder().method("POST").uri("/v2/deployments");
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn started(&self, order: &str) -> String {
        let (status, _) = self.deploy("order.bpmn", ORDER).await;
        assert_eq!(status, StatusCode::OK);
        let body = json!({"processDefinitionId": "order", "variables": {"order": order, "amount": 12}});
        self.post("/v2/process-instances", body).await["processInstanceKey"].as_str().unwrap().to_owned()
    }

    async fn leased(&self) -> Value {
        let body = json!({"type": "charge", "timeout": 60_000, "maxJobsToActivate": 5, "worker": "w"});
        self.post("/v2/jobs/activation", body).await["jobs"][0].clone()
    }
}

fn path_of(job: &Value, what: &str) -> String {
    format!("/v2/jobs/{}/{what}", job["jobKey"].as_str().unwrap())
}

#[tokio::test]
async fn a_worker_leases_and_completes_and_the_instance_goes_its_way() {
    let api = Api::open().await;
    let instance = api.started("o-1").await;
    let job = api.leased().await;
    assert_eq!(job["customHeaders"], json!({"currency": "EUR"}));
    assert_eq!((&job["variables"]["amount"], &job["retries"]), (&json!(12), &json!(2)));
    assert_eq!(job["processInstanceKey"], json!(instance));
    let (status, _) = api.call("POST", &path_of(&job, "completion"), &json!({"variables": {"fee": 3}})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, late) = api.call("POST", &path_of(&job, "completion"), &json!({})).await;
    assert_eq!((status, &late["title"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")), "{late}");
    assert_eq!(late["instance"], json!(path_of(&job, "completion")));

    api.post("/v2/messages/publication", json!({"name": "paid", "correlationKey": "o-1", "timeToLive": 0}))
        .await;
    let tasks = api.post("/v2/user-tasks/search", json!({"filter": {"processInstanceKey": instance}})).await;
    assert_eq!(tasks["items"][0]["candidateGroups"], json!(["store", "shipping"]));
    let task = format!("/v2/user-tasks/{}/completion", tasks["items"][0]["userTaskKey"].as_str().unwrap());
    assert_eq!(api.call("POST", &task, &json!({})).await.0, StatusCode::NO_CONTENT);

    // Strongly consistent: the very next search sees the end.
    let ended = api.post("/v2/process-instances/search", json!({"filter": {"state": "COMPLETED"}})).await;
    assert_eq!(ended["items"][0]["processInstanceKey"], json!(instance));
    let variables =
        api.post("/v2/variables/search", json!({"filter": {"processInstanceKey": instance, "name": "fee"}}));
    assert_eq!(variables.await["items"][0]["value"], json!("3"));
}

#[tokio::test]
async fn a_failure_without_retries_is_an_incident_that_resolution_tries_again() {
    let api = Api::open().await;
    let instance = api.started("o-2").await;
    let job = api.leased().await;
    api.call("POST", &path_of(&job, "failure"), &json!({"retries": 1, "errorMessage": "once"})).await;
    let job = api.leased().await;
    assert_eq!(job["retries"], json!(1), "{job}");
    api.call("POST", &path_of(&job, "failure"), &json!({"errorMessage": "card reader is off"})).await;
    let found = api.post("/v2/incidents/search", json!({"filter": {"processInstanceKey": instance}})).await;
    let incident = &found["items"][0];
    assert!(incident["errorMessage"].as_str().unwrap().contains("card reader is off"), "{incident}");
    assert_eq!(incident["errorType"], json!("JOB_NO_RETRIES"));
    let path = format!("/v2/incidents/{}/resolution", incident["incidentKey"].as_str().unwrap());
    assert_eq!(api.call("POST", &path, &json!({})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.leased().await["elementId"], json!("charge"));
}

#[tokio::test]
async fn a_thrown_error_takes_its_boundary_event_and_waiting_for_the_end_gives_the_variables() {
    let api = Api::open().await;
    let (status, _) = api.deploy("order.bpmn", ORDER).await;
    assert_eq!(status, StatusCode::OK);
    let body = json!({
        "processDefinitionId": "order", "variables": {"order": "o-3", "secret": 1}, "awaitCompletion": true,
        "fetchVariables": ["order"], "requestTimeout": 30_000, "processDefinitionVersion": -1,
    });
    let worker = async {
        let job = api.leased().await;
        api.call("POST", &path_of(&job, "error"), &json!({"errorCode": "NO_MONEY"})).await
    };
    let (answer, (status, _)) = tokio::join!(api.post("/v2/process-instances", body), worker);
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(answer["variables"], json!({"order": "o-3"}));
}

#[tokio::test]
async fn a_lease_fences_off_an_answer_for_an_earlier_attempt() {
    let api = Api::open().await;
    api.started("o-4").await;
    let body = json!({"type": "charge", "timeout": 60_000, "maxJobsToActivate": 1, "withLease": true});
    let first = api.post("/v2/jobs/activation", body.clone()).await["jobs"][0].clone();
    api.call("POST", &path_of(&first, "failure"), &json!({"retries": 1})).await;
    let second = api.post("/v2/jobs/activation", body).await["jobs"][0].clone();
    let answer = |job: &Value| json!({"leaseToken": job["jobLeaseToken"]});
    let (status, problem) = api.call("POST", &path_of(&first, "completion"), &answer(&first)).await;
    assert_eq!((status, &problem["title"]), (StatusCode::CONFLICT, &json!("INVALID_STATE")), "{problem}");
    let (status, _) = api.call("POST", &path_of(&second, "completion"), &answer(&second)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_wrong_or_not_served_is_refused_with_problem_details() {
    let api = Api::open().await;
    api.started("o-5").await;
    let refused = [
        ("/v2/process-instances", json!({"processDefinitionId": "none"}), 404),
        ("/v2/process-instances", json!({}), 400),
        ("/v2/process-instances", json!({"processDefinitionId": "order", "tenantId": "other"}), 400),
        (
            "/v2/process-instances",
            json!({"processDefinitionId": "order", "startInstructions": [{"elementId": "pack"}]}),
            400,
        ),
        ("/v2/jobs/activation", json!({"type": "charge", "timeout": 0, "maxJobsToActivate": 1}), 400),
        ("/v2/jobs/activation", json!({"type": "charge"}), 400),
        ("/v2/jobs/x/completion", json!({}), 400),
        ("/v2/jobs/7/completion", json!({}), 404),
        ("/v2/process-instances/search", json!({"filter": {"nothing": 1}}), 400),
        ("/v2/process-instances/search", json!({"filter": {"state": {"$near": 1}}}), 400),
        ("/v2/process-instances/search", json!({"page": {"after": "?"}}), 400),
        ("/v2/variables/search", json!({}), 400),
        ("/v2/decision-definitions/evaluation", json!({}), 404),
    ];
    for (path, body, wanted) in refused {
        let (status, problem) = api.call("POST", path, &body).await;
        assert_eq!(status.as_u16(), wanted, "{path} {body}: {problem}");
        assert_eq!((&problem["status"], &problem["instance"]), (&json!(wanted), &json!(path)));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    }
    let (status, problem) = api.deploy("broken.bpmn", &ORDER[..400]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("BPMN-0002"), "{problem}");
}

#[tokio::test]
async fn searches_filter_sort_and_page() {
    let api = Api::open().await;
    let mut keys = Vec::new();
    for number in 0..5 {
        keys.push(api.started(&format!("o-{number}")).await);
    }
    let cancel = format!("/v2/process-instances/{}/cancellation", keys[1]);
    assert_eq!(api.call("POST", &cancel, &json!({})).await.0, StatusCode::NO_CONTENT);
    let search = async |body: Value| -> Vec<String> {
        let found = api.post("/v2/process-instances/search", body).await;
        let items = found["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["processInstanceKey"].as_str().unwrap().to_owned()).collect()
    };
    let up = json!([{"field": "processInstanceKey", "order": "ASC"}]);
    assert_eq!(search(json!({"sort": up})).await, keys);
    assert_eq!(search(json!({"filter": {"state": {"$neq": "ACTIVE"}}})).await, [keys[1].clone()]);
    let either = json!({"$or": [{"processInstanceKey": keys[0]}, {"state": {"$like": "TERM*"}}]});
    assert_eq!(search(json!({"filter": either, "sort": up})).await, keys[..2]);
    let within = json!({"processInstanceKey": {"$gt": keys[1], "$lte": keys[3]}});
    assert_eq!(search(json!({"filter": within, "sort": up})).await, keys[2..4]);
    let later = json!({"startDate": {"$gt": "2999-01-01T00:00:00+01:00"}});
    assert!(search(json!({"filter": later})).await.is_empty());

    let page = api.post("/v2/process-instances/search", json!({"sort": up, "page": {"limit": 2}})).await;
    assert_eq!((&page["page"]["totalItems"], page["items"].as_array().unwrap().len()), (&json!(5), 2));
    let after = json!({"limit": 2, "after": page["page"]["endCursor"]});
    assert_eq!(search(json!({"sort": up, "page": after})).await, keys[2..4]);
    let next = api.post("/v2/process-instances/search", json!({"sort": up, "page": after})).await;
    let before = json!({"limit": 2, "before": next["page"]["startCursor"]});
    assert_eq!(search(json!({"sort": up, "page": before})).await, keys[..2]);
}

#[tokio::test]
async fn a_dmn_file_is_deployed_as_camunda_8_answers_it_and_decides() {
    let api = Api::open().await;
    let example = |name: &str| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/");
        std::fs::read_to_string(format!("{path}{name}")).unwrap()
    };
    let (status, refused) = api.deploy("shipping-cost.bpmn", &example("shipping-cost.bpmn")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("DMN-0003"), "{refused}");
    let (status, answer) = api.deploy("shipping-cost.dmn", &example("shipping-cost.dmn")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let entries = answer["deployments"].as_array().unwrap();
    let ids: Vec<&Value> =
        entries.iter().map(|entry| &entry["decisionDefinition"]["decisionDefinitionId"]).collect();
    assert_eq!(ids, [&json!("shipping_cost"), &json!("carrier"), &json!("surcharges"), &Value::Null]);
    let file = &entries[3]["decisionRequirements"];
    assert_eq!((&file["resourceName"], &file["version"]), (&json!("shipping-cost.dmn"), &json!(1)));
    assert_eq!(entries[0]["decisionDefinition"]["decisionRequirementsKey"], file["decisionRequirementsKey"]);

    let (status, answer) = api.deploy("shipping-cost.bpmn", &example("shipping-cost.bpmn")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let variables = json!({"zone": "world", "weight": 80, "value": 900, "fragile": true});
    let body = json!({"processDefinitionId": "ship_order", "variables": variables, "awaitCompletion": true});
    let ended = api.post("/v2/process-instances", body).await;
    assert_eq!(ended["variables"]["shipping"]["carrier"], "Sea freight", "{ended}");
}

/// Two branches with a task inside a sub-process that runs for each item, and a task for a person.
const PARTS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    id="d" targetNamespace="t"><process id="parts" isExecutable="true"><startEvent id="s"/>
    <subProcess id="each"><multiInstanceLoopCharacteristics><extensionElements>
      <zeebe:loopCharacteristics inputCollection="=items" inputElement="item"/></extensionElements></multiInstanceLoopCharacteristics>
      <startEvent id="s1"/><serviceTask id="make" name="Make it"><extensionElements><zeebe:taskDefinition type="make"/></extensionElements></serviceTask>
      <sequenceFlow id="f1" sourceRef="s1" targetRef="make"/></subProcess>
    <userTask id="look"><extensionElements><zeebe:userTask/></extensionElements></userTask>
    <sequenceFlow id="f2" sourceRef="s" targetRef="each"/><sequenceFlow id="f3" sourceRef="each" targetRef="look"/></process></definitions>"#;

impl Api {
    async fn parts(&self, items: Value) -> String {
        assert_eq!(self.deploy("parts.bpmn", PARTS).await.0, StatusCode::OK);
        let body = json!({"processDefinitionId": "parts", "variables": {"items": items}});
        self.post("/v2/process-instances", body).await["processInstanceKey"].as_str().unwrap().to_owned()
    }

    async fn elements(&self, filter: Value) -> Vec<Value> {
        let found = self.post("/v2/element-instances/search", json!({"filter": filter})).await;
        found["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn elements_are_found_in_their_scopes_with_the_job_of_each() {
    let api = Api::open().await;
    let instance = api.parts(json!(["a", "b"])).await;
    let all = api.elements(json!({"processInstanceKey": instance})).await;
    let kinds: Vec<&str> = all.iter().map(|one| one["type"].as_str().unwrap()).collect();
    let wanted = ["PROCESS", "START_EVENT", "MULTI_INSTANCE_BODY", "SUB_PROCESS", "SUB_PROCESS"];
    assert_eq!(kinds[..5], wanted, "{all:#?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "SERVICE_TASK").count(), 2);
    let key = |one: &Value| one["elementInstanceKey"].as_str().unwrap().to_owned();
    let inner = api.elements(json!({"elementInstanceScopeKey": key(&all[2])})).await;
    assert_eq!(inner.iter().map(key).collect::<Vec<_>>(), [key(&all[3]), key(&all[4])]);
    let outer = api.elements(json!({"elementInstanceScopeKey": instance})).await;
    assert_eq!(outer.iter().map(key).collect::<Vec<_>>(), [key(&all[1]), key(&all[2])]);
    // Each job belongs to a task of its own, and that to the run with its item.
    let body = json!({"type": "make", "timeout": 60_000, "maxJobsToActivate": 5});
    let jobs = api.post("/v2/jobs/activation", body).await["jobs"].as_array().unwrap().clone();
    let make: Vec<String> = all.iter().filter(|one| one["elementId"] == "make").map(key).collect();
    let mut of_jobs: Vec<String> = jobs.iter().map(key).collect();
    of_jobs.sort();
    assert_eq!(of_jobs, make);
    let (_, one) = api.call("GET", &format!("/v2/element-instances/{}", make[0]), &json!({})).await;
    assert_eq!((&one["elementName"], &one["state"]), (&json!("Make it"), &json!("ACTIVE")));
    api.call("POST", &path_of(&jobs[0], "completion"), &json!({})).await;
    let ended = api.elements(json!({"elementId": "make", "endDate": {"$exists": true}})).await;
    assert_eq!(ended.iter().map(key).collect::<Vec<_>>(), [key(&jobs[0])]);
    let path = format!("/v2/process-instances/{instance}/sequence-flows");
    let (_, flows) = api.call("GET", &path, &json!({})).await;
    let flows: Vec<&Value> = flows["items"].as_array().unwrap().iter().map(|one| &one["elementId"]).collect();
    assert_eq!(flows, [&json!("f2"), &json!("f1")]);
}

#[tokio::test]
async fn a_token_is_moved_an_instance_stands_still_and_goes_on_by_a_newer_version() {
    let api = Api::open().await;
    let instance = api.parts(json!([])).await;
    let path = |what: &str| format!("/v2/process-instances/{instance}/{what}");
    let refused = json!({"moveInstructions": [{"sourceElementId": "look", "targetElementId": "each"}]});
    assert_eq!(api.call("POST", &path("modification"), &refused).await.0, StatusCode::BAD_REQUEST);
    let look = api.elements(json!({"processInstanceKey": instance, "elementId": "look"})).await;
    let moved = json!({"activateInstructions": [{"elementId": "look"}], "terminateInstructions": [
        {"elementInstanceKey": look[0]["elementInstanceKey"]}]});
    let (status, problem) = api.call("POST", &path("modification"), &moved).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    let look = api.elements(json!({"processInstanceKey": instance, "elementId": "look"})).await;
    let states: Vec<&Value> = look.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, [&json!("TERMINATED"), &json!("ACTIVE")]);

    assert_eq!(api.call("POST", &path("suspension"), &json!({})).await.0, StatusCode::NO_CONTENT);
    let (_, shown) = api.call("GET", &format!("/v2/process-instances/{instance}"), &json!({})).await;
    assert_eq!(shown["state"], "SUSPENDED");
    assert_eq!(api.call("POST", &path("suspension"), &json!({})).await.0, StatusCode::CONFLICT);
    assert_eq!(api.call("POST", &path("resumption"), &json!({})).await.0, StatusCode::NO_CONTENT);

    let newer = PARTS.replace("\"look\"", "\"look2\"");
    let (_, deployed) = api.deploy("parts.bpmn", &newer).await;
    let target = &deployed["deployments"][0]["processDefinition"]["processDefinitionKey"];
    let plan = |mapped: Value| json!({"targetProcessDefinitionKey": target, "mappingInstructions": mapped});
    let (status, problem) = api.call("POST", &path("migration"), &plan(json!([]))).await;
    assert_eq!((status, &problem["title"]), (StatusCode::CONFLICT, &json!("INVALID_STATE")), "{problem}");
    let mapped = json!([{"sourceElementId": "look", "targetElementId": "look2"}]);
    let (status, problem) = api.call("POST", &path("migration"), &plan(mapped)).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    let look = api.elements(json!({"processInstanceKey": instance, "elementId": "look2"})).await;
    assert_eq!((look.len(), &look[0]["processDefinitionKey"]), (1, target));
}

#[tokio::test]
async fn a_user_task_is_assigned_taken_over_given_back_and_shows_what_it_sees() {
    let api = Api::open().await;
    api.parts(json!([])).await;
    let found = api.post("/v2/user-tasks/search", json!({"filter": {"elementId": "look"}})).await;
    let task = found["items"][0].clone();
    let again = json!({"filter": {"elementInstanceKey": task["elementInstanceKey"]}});
    assert_eq!(
        api.post("/v2/user-tasks/search", again).await["items"][0]["userTaskKey"],
        task["userTaskKey"]
    );
    let none = json!({"filter": {"candidateGroup": "store"}});
    assert_eq!(api.post("/v2/user-tasks/search", none).await["items"], json!([]));
    let path = |what: &str| format!("/v2/user-tasks/{}/{what}", task["userTaskKey"].as_str().unwrap());
    let assign = |who: &str, over: bool| json!({"assignee": who, "allowOverride": over});
    let status = |answer: (StatusCode, Value)| answer.0.as_u16();
    assert_eq!(status(api.call("POST", &path("assignment"), &assign("kim", false)).await), 204);
    assert_eq!(status(api.call("POST", &path("assignment"), &assign("lee", false)).await), 409);
    assert_eq!(status(api.call("POST", &path("assignment"), &assign("lee", true)).await), 204);
    let mine = json!({"filter": {"assignee": "lee"}});
    assert_eq!(api.post("/v2/user-tasks/search", mine.clone()).await["page"]["totalItems"], 1);
    assert_eq!(status(api.call("DELETE", &path("assignee"), &json!({})).await), 204);
    assert_eq!(api.post("/v2/user-tasks/search", mine).await["page"]["totalItems"], 0);
    let seen = api.post(&path("variables/search"), json!({})).await;
    assert_eq!((&seen["items"][0]["name"], &seen["items"][0]["value"]), (&json!("items"), &json!("[]")));
}

#[tokio::test]
async fn instances_are_found_by_what_they_hold_and_variables_of_several_at_once() {
    let api = Api::open().await;
    let (one, two) = (api.started("o-1").await, api.started("o-2").await);
    let holding = |value: &str| json!({"filter": {"variables": [{"name": "order", "value": value}]}});
    let found = api.post("/v2/process-instances/search", holding("\"o-2\"")).await;
    assert_eq!(
        (&found["page"]["totalItems"], &found["items"][0]["processInstanceKey"]),
        (&json!(1), &json!(two))
    );
    assert_eq!(api.post("/v2/process-instances/search", holding("\"o-3\"")).await["page"]["totalItems"], 0);
    let both = json!({"filter": {"processInstanceKey": {"$in": [one, two]}, "name": "order"}});
    let found = api.post("/v2/variables/search", both).await;
    let values: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, [&json!("\"o-1\""), &json!("\"o-2\"")]);
    let path = format!("/v2/variables/{}", found["items"][0]["variableKey"].as_str().unwrap());
    assert_eq!(api.call("GET", &path, &json!({})).await.1["value"], "\"o-1\"");
}
