//! What every process engine behind the port promises: one suite for the embedded engine, Camunda 7 and Camunda 8.

mod operations;

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::{JobKind, Variables};
use engine::clock::SystemClock;
use engine::port::{
    ActivateJobs, BpmnError, DeployFile, Instance, Job, JobFailure, JobFilter, Message, Record,
    StartInstance, Status,
};
use engine::{Embedded, Error, MemoryStore, ProcessEngine};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An engine under test.
pub(crate) struct Bench {
    engine: Arc<dyn ProcessEngine>,
    /// Whether a person can throw an escalation from a user task; Camunda 8 has no call for it.
    escalates: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_engine_keeps_the_contract_of_the_port() {
    let engine = Embedded::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
    let stop = CancellationToken::new();
    let timers = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.run_timers(stop).await }
    });
    all(&Bench::over(Arc::new(engine))).await;
    stop.cancel();
    timers.await.unwrap();
}

/// Everything that is promised.
pub(crate) async fn all(bench: &Bench) {
    bench.tasks_in_sequence_pass_their_results_on().await;
    bench.parallel_branches_are_ready_together_and_join().await;
    bench.an_exclusive_gateway_takes_the_branch_that_holds().await;
    bench.a_loop_ends_when_its_condition_does().await;
    bench.mappings_and_scripts_are_evaluated_as_written().await;
    bench.a_thrown_error_goes_to_the_boundary_event_and_an_uncaught_one_is_an_incident().await;
    bench.a_timer_lets_the_token_go_on().await;
    bench.a_message_reaches_who_waits_for_its_key_and_is_kept_until_then().await;
    bench.a_person_completes_a_user_task().await;
    bench.a_cancelled_instance_takes_no_answer().await;
    bench.a_failed_job_is_tried_again_and_becomes_an_incident_that_can_be_resolved().await;
    bench.the_highest_priority_comes_first().await;
    bench.the_same_start_twice_is_one_instance().await;
    bench.values_come_back_as_they_went().await;
    bench.a_task_runs_once_for_each_item_of_a_list().await;
    bench.a_called_process_hands_its_results_up_and_its_message_arrives().await;
    bench.a_task_that_a_boundary_timer_ends_takes_no_answer().await;
    operations::all(bench).await;
}

fn model(id: &str, content: &str) -> DeployFile {
    let xml = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="definitions_{id}"
          xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
          xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
          <bpmn:escalation id="x" name="late" escalationCode="late"/>
          <bpmn:error id="e" name="boom" errorCode="BOOM"/>
          <bpmn:message id="m_{id}" name="paid-{id}"><bpmn:extensionElements>
            <zeebe:subscription correlationKey="=order"/></bpmn:extensionElements></bpmn:message>
          <bpmn:process id="{id}" isExecutable="true">{content}</bpmn:process>
        </bpmn:definitions>"#
    );
    DeployFile { name: format!("{id}.bpmn"), content: xml.into_bytes() }
}

fn flow(id: &str, from: &str, to: &str) -> String {
    format!(r#"<bpmn:sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}"/>"#)
}

fn conditional(id: &str, from: &str, to: &str, condition: &str) -> String {
    format!(
        r#"<bpmn:sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}"><bpmn:conditionExpression
        xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression></bpmn:sequenceFlow>"#
    )
}

fn task(id: &str, extension: &str) -> String {
    format!(
        r#"<bpmn:serviceTask id="{id}" name="Task {id}"><bpmn:extensionElements>{extension}</bpmn:extensionElements></bpmn:serviceTask>"#
    )
}

/// Start, end, and flows between these nodes in order.
fn line(nodes: &[&str]) -> String {
    let mut all = vec!["s"];
    all.extend(nodes);
    all.push("z");
    let flows: Vec<String> =
        all.windows(2).enumerate().map(|(at, pair)| flow(&format!("f{at}"), pair[0], pair[1])).collect();
    format!(r#"<bpmn:startEvent id="s"/><bpmn:endEvent id="z"/>{}"#, flows.join(""))
}

fn object(value: Value) -> Variables {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

impl Bench {
    pub(crate) fn over(engine: Arc<dyn ProcessEngine>) -> Self {
        let escalates = engine.name() != "camunda8";
        Self { engine, escalates }
    }

    async fn start(&self, id: &str, content: &str, variables: Value) -> i64 {
        let deployed = self.engine.deploy(vec![model(id, content)]).await.unwrap();
        assert_eq!(deployed[0].process_id, id);
        let process_id = Some(id.to_owned());
        let request = StartInstance { process_id, variables: object(variables), ..StartInstance::default() };
        self.engine.start(request).await.unwrap()
    }

    /// Leases `count` jobs of an instance, as soon as they are there.
    async fn jobs(&self, instance: i64, count: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        let wait = tokio::time::timeout(PATIENCE, async {
            while jobs.len() < count {
                let request = ActivateJobs {
                    worker: "contract".to_owned(),
                    instance: Some(instance),
                    job_types: None,
                    max: count - jobs.len(),
                    lease_ms: 60_000,
                    wait_ms: 500,
                };
                jobs.extend(self.engine.activate_jobs(request).await.unwrap());
            }
        });
        if wait.await.is_err() {
            panic!(
                "{count} jobs wanted: {:?} {:?}",
                self.engine.state(instance).await,
                self.engine.incidents(Some(instance)).await
            );
        }
        jobs
    }

    async fn job(&self, instance: i64, element: &str) -> Job {
        let job = self.jobs(instance, 1).await.remove(0);
        assert_eq!(job.element, element);
        job
    }

    async fn complete(&self, job: &Job, variables: Value) {
        self.engine.complete_job(job.key, job.attempt, object(variables), Record::default()).await.unwrap();
    }

    async fn until(&self, key: i64, what: &str, holds: impl Fn(&Instance) -> bool) -> Instance {
        let mut notices = self.engine.notices();
        let wait = tokio::time::timeout(PATIENCE, async {
            loop {
                let instance = self.engine.instance(key).await.unwrap();
                if holds(&instance) {
                    return instance;
                }
                let _ = tokio::time::timeout(Duration::from_millis(100), notices.recv()).await;
            }
        });
        match wait.await {
            Ok(instance) => instance,
            Err(_) => panic!(
                "{what}: {:?} {:?} {:?}",
                self.engine.instance(key).await,
                self.engine.state(key).await,
                self.engine.incidents(Some(key)).await
            ),
        }
    }

    async fn ends(&self, key: i64) -> Instance {
        self.until(key, "it ends", |instance| instance.status != Status::Active).await
    }

    async fn tasks_in_sequence_pass_their_results_on(&self) {
        let content = format!("{}{}{}", task("a", ""), task("b", ""), line(&["a", "b"]));
        let key = self.start("contract-sequence", &content, json!({"x": 1})).await;
        let a = self.job(key, "a").await;
        assert_eq!((a.attempt, a.instance, a.variables["x"].clone()), (1, key, json!(1)));
        assert_eq!(a.element_name, "Task a");
        let state = self.engine.state(key).await.unwrap();
        assert_eq!(state.current.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(state.next, ["b"]);
        self.complete(&a, json!({"y": {"list": [1, "two", null]}})).await;
        let late = self.engine.complete_job(a.key, a.attempt, Variables::new(), Record::default()).await;
        assert!(matches!(late, Err(Error::Stale { .. } | Error::NotFound { .. })), "{late:?}");
        let b = self.job(key, "b").await;
        assert_eq!(b.variables["y"], json!({"list": [1, "two", null]}));
        self.complete(&b, json!({"x": 2})).await;
        let done = self.ends(key).await;
        assert_eq!(done.status, Status::Completed);
        assert_eq!(Value::Object(done.variables), json!({"x": 2, "y": {"list": [1, "two", null]}}));
        let previous = self.engine.state(key).await.unwrap().previous;
        assert_eq!(previous.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        // The same bytes again are the same definition.
        let again = self.engine.deploy(vec![model("contract-sequence", &content)]).await.unwrap();
        assert_eq!(again[0].key, done.definition);
        assert!(self.engine.definition_xml(done.definition).await.unwrap().contains("Task a"));
    }

    async fn parallel_branches_are_ready_together_and_join(&self) {
        let content = format!(
            r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/>
            <bpmn:endEvent id="z"/>{}{}{}{}{}{}{}{}"#,
            task("a", ""),
            task("b", ""),
            flow("f1", "s", "fork"),
            flow("f2", "fork", "a"),
            flow("f3", "fork", "b"),
            flow("f4", "a", "join"),
            flow("f5", "b", "join"),
            flow("f6", "join", "z"),
        );
        let key = self.start("contract-parallel", &content, json!({})).await;
        let jobs = self.jobs(key, 2).await;
        let both = futures::future::join_all(jobs.iter().map(|job| {
            let result = json!({job.element.clone(): job.element});
            self.complete(job, result)
        }));
        both.await;
        let done = self.ends(key).await;
        assert_eq!(Value::Object(done.variables), json!({"a": "a", "b": "b"}));
    }

    async fn an_exclusive_gateway_takes_the_branch_that_holds(&self) {
        let content = format!(
            r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="other"/><bpmn:endEvent id="z"/>
            <bpmn:endEvent id="y"/>{}{}{}{}{}{}{}"#,
            task("big", ""),
            task("small", ""),
            flow("f1", "s", "g"),
            conditional("f2", "g", "big", "=amount &gt; 10 and not(blocked)"),
            flow("other", "g", "small"),
            flow("f3", "big", "z"),
            flow("f4", "small", "y"),
        );
        for (variables, taken) in [
            (json!({"amount": 12.5, "blocked": false}), "big"),
            (json!({"amount": 12, "blocked": true}), "small"),
            (json!({"amount": 3, "blocked": false}), "small"),
            // What is not there is null, and null is not true.
            (json!({"blocked": false}), "small"),
        ] {
            let key = self.start("contract-exclusive", &content, variables).await;
            let job = self.job(key, taken).await;
            self.complete(&job, json!({})).await;
            assert_eq!(self.ends(key).await.status, Status::Completed);
        }
    }

    async fn a_loop_ends_when_its_condition_does(&self) {
        let content = format!(
            r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="again"/><bpmn:exclusiveGateway id="g" default="back"/>
            <bpmn:endEvent id="z"/>{}{}{}{}{}{}"#,
            task("a", ""),
            flow("f1", "s", "again"),
            flow("f2", "again", "a"),
            flow("f3", "a", "g"),
            flow("back", "g", "again"),
            conditional("f4", "g", "z", "=n &gt;= 3"),
        );
        let key = self.start("contract-loop", &content, json!({"n": 0})).await;
        for round in 1..=3 {
            let job = self.job(key, "a").await;
            assert_eq!(job.variables["n"], json!(round - 1));
            self.complete(&job, json!({"n": round})).await;
        }
        assert_eq!(self.ends(key).await.variables["n"], json!(3));
    }

    async fn mappings_and_scripts_are_evaluated_as_written(&self) {
        let content = format!(
            r#"{}<bpmn:scriptTask id="b"><bpmn:extensionElements><zeebe:script expression="=sum(values) + 1"
            resultVariable="total"/></bpmn:extensionElements></bpmn:scriptTask>{}"#,
            task(
                "a",
                r#"<zeebe:ioMapping><zeebe:input source="=order.items[price &gt; 1].price" target="prices"/>
                <zeebe:output source="=for p in result return p * 2" target="values"/></zeebe:ioMapping>"#
            ),
            line(&["a", "b"])
        );
        let order = json!({"order": {"items": [{"price": 1}, {"price": 2}, {"price": 3}]}});
        let key = self.start("contract-mapping", &content, order.clone()).await;
        let job = self.job(key, "a").await;
        assert_eq!(Value::Object(job.variables.clone()), json!({"prices": [2, 3]}));
        self.complete(&job, json!({"result": [2, 3]})).await;
        let done = self.ends(key).await;
        assert_eq!(
            Value::Object(done.variables),
            json!({"order": order["order"], "values": [4, 6], "total": 11})
        );
    }

    async fn a_thrown_error_goes_to_the_boundary_event_and_an_uncaught_one_is_an_incident(&self) {
        let content = format!(
            r#"{}{}{}<bpmn:boundaryEvent id="caught" attachedToRef="a"><bpmn:errorEventDefinition errorRef="e"/></bpmn:boundaryEvent>
            <bpmn:endEvent id="y"/>{}{}"#,
            task("a", ""),
            task("repair", ""),
            line(&["a"]),
            flow("g1", "caught", "repair"),
            flow("g2", "repair", "y"),
        );
        let error = |code: &str| BpmnError {
            code: code.to_owned(),
            message: "it broke".to_owned(),
            variables: object(json!({"why": "wear"})),
        };
        let key = self.start("contract-error", &content, json!({})).await;
        let job = self.job(key, "a").await;
        self.engine.throw_error(job.key, job.attempt, error("BOOM"), Record::default()).await.unwrap();
        let repair = self.job(key, "repair").await;
        assert_eq!(repair.variables["why"], json!("wear"));
        self.complete(&repair, json!({})).await;
        assert_eq!(self.ends(key).await.status, Status::Completed);

        let key = self.start("contract-error", &content, json!({})).await;
        let job = self.job(key, "a").await;
        self.engine.throw_error(job.key, job.attempt, error("OTHER"), Record::default()).await.unwrap();
        let stuck = self.until(key, "an incident", |instance| instance.incidents == 1).await;
        assert_eq!(stuck.status, Status::Active);
        let incident = self.engine.incidents(Some(key)).await.unwrap().remove(0);
        assert_eq!((incident.element.as_str(), incident.code.as_str()), ("a", "EXEC-0103"));
        self.engine.cancel(key, "enough").await.unwrap();
    }

    async fn a_timer_lets_the_token_go_on(&self) {
        let content = format!(
            r#"<bpmn:intermediateCatchEvent id="wait"><bpmn:timerEventDefinition><bpmn:timeDuration
            xsi:type="bpmn:tFormalExpression">=duration("PT1S")</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>{}"#,
            line(&["wait"])
        );
        let key = self.start("contract-timer", &content, json!({})).await;
        let done = self.ends(key).await;
        assert_eq!(done.status, Status::Completed);
        assert!(done.ended_ms.unwrap() - done.started_ms >= 900, "{done:?}");
    }

    async fn a_message_reaches_who_waits_for_its_key_and_is_kept_until_then(&self) {
        let content = format!(
            r#"{}<bpmn:intermediateCatchEvent id="wait"><bpmn:messageEventDefinition messageRef="m_contract-message"/></bpmn:intermediateCatchEvent>{}"#,
            task("a", ""),
            line(&["a", "wait"])
        );
        let one = self.start("contract-message", &content, json!({"order": "one"})).await;
        let two = self.start("contract-message", &content, json!({"order": "two"})).await;
        let message = |key: &str, sum: i64| Message {
            name: "paid-contract-message".to_owned(),
            correlation_key: Some(key.to_owned()),
            variables: object(json!({"sum": sum})),
            time_to_live_ms: 60_000,
            message_id: None,
        };
        let job = self.job(two, "a").await;
        self.complete(&job, json!({})).await;
        self.until_at(two, "wait").await;
        // Nobody waits for this one yet.
        self.engine.publish_message(message("one", 1)).await.unwrap();
        self.engine.publish_message(message("two", 2)).await.unwrap();
        assert_eq!(self.ends(two).await.variables["sum"], json!(2));
        let job = self.job(one, "a").await;
        self.complete(&job, json!({})).await;
        assert_eq!(self.ends(one).await.variables["sum"], json!(1));
    }

    /// Waits until a token is at an element.
    async fn until_at(&self, key: i64, element: &str) {
        let wait = tokio::time::timeout(PATIENCE, async {
            loop {
                let state = self.engine.state(key).await.unwrap();
                if state.current.iter().any(|one| one.node == element) {
                    return;
                }
            }
        });
        wait.await.expect("the token arrives");
    }

    async fn a_person_completes_a_user_task(&self) {
        let content = format!(r#"<bpmn:userTask id="ask" name="Ask"/>{}"#, line(&["ask"]));
        let key = self.start("contract-person", &content, json!({"question": "now?"})).await;
        self.until_at(key, "ask").await;
        let filter = JobFilter { instance: Some(key), kind: Some(JobKind::User), ..JobFilter::default() };
        let job = self.engine.jobs(&filter).await.unwrap().remove(0);
        assert_eq!(
            (job.element.as_str(), job.element_name.as_str(), job.kind),
            ("ask", "Ask", JobKind::User)
        );
        assert_eq!(job.variables["question"], json!("now?"));
        self.engine.complete_user_task(job.key, "eve", object(json!({"answer": "yes"}))).await.unwrap();
        assert_eq!(self.ends(key).await.variables["answer"], json!("yes"));
        let again = self.engine.complete_user_task(job.key, "eve", Variables::new()).await;
        assert!(again.is_err());
    }

    async fn a_cancelled_instance_takes_no_answer(&self) {
        let content = format!("{}{}", task("a", ""), line(&["a"]));
        let key = self.start("contract-cancel", &content, json!({})).await;
        let job = self.job(key, "a").await;
        self.engine.cancel(key, "no longer needed").await.unwrap();
        assert_eq!(self.ends(key).await.status, Status::Terminated);
        let late = self.engine.complete_job(job.key, job.attempt, Variables::new(), Record::default()).await;
        assert!(
            matches!(late, Err(Error::Stale { .. } | Error::NotFound { .. } | Error::Conflict(_))),
            "{late:?}"
        );
        assert!(!self.engine.open_instances(key - 1, 1).await.unwrap().contains(&key));
    }

    async fn a_failed_job_is_tried_again_and_becomes_an_incident_that_can_be_resolved(&self) {
        let content = format!("{}{}", task("a", ""), line(&["a"]));
        let key = self.start("contract-incident", &content, json!({})).await;
        let failure = |retries_left| JobFailure {
            code: "TEST-0001".to_owned(),
            message: "the machine: it is off".to_owned(),
            retries_left,
            backoff_ms: 0,
        };
        let job = self.job(key, "a").await;
        assert_eq!((job.attempt, job.retries), (1, 3));
        self.engine.fail_job(job.key, 1, failure(1), Record::default()).await.unwrap();
        let job = self.job(key, "a").await;
        assert_eq!((job.attempt, job.retries), (2, 1));
        self.engine.fail_job(job.key, 2, failure(0), Record::default()).await.unwrap();
        self.until(key, "an incident", |instance| instance.incidents == 1).await;
        let incident = self.engine.incidents(Some(key)).await.unwrap().remove(0);
        assert_eq!((incident.instance, incident.element.as_str()), (key, "a"));
        assert_eq!(
            (incident.code.as_str(), incident.message.as_str()),
            ("TEST-0001", "the machine: it is off")
        );
        self.engine.resolve_incident(incident.key).await.unwrap();
        let job = self.job(key, "a").await;
        assert_eq!((job.attempt, job.retries), (3, 3));
        self.complete(&job, json!({})).await;
        assert_eq!(self.ends(key).await.incidents, 0);
    }

    async fn the_highest_priority_comes_first(&self) {
        let branches: Vec<String> = [1, 30, 7]
            .iter()
            .enumerate()
            .map(|(at, priority)| {
                let id = format!("p{priority}");
                let extension = format!(r#"<zeebe:priorityDefinition priority="{priority}"/>"#);
                format!(
                    "{}{}{}",
                    task(&id, &extension),
                    flow(&format!("i{at}"), "fork", &id),
                    flow(&format!("o{at}"), &id, "z")
                )
            })
            .collect();
        let content = format!(
            r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/><bpmn:endEvent id="z"/>{}{}"#,
            flow("f", "s", "fork"),
            branches.join("")
        );
        let key = self.start("contract-priority", &content, json!({})).await;
        let wait = tokio::time::timeout(PATIENCE, async {
            let filter = JobFilter { instance: Some(key), ..JobFilter::default() };
            while self.engine.jobs(&filter).await.unwrap().len() < 3 {}
        });
        wait.await.expect("three jobs");
        let first = self.jobs(key, 3).await;
        let mut seen: Vec<(i64, String)> =
            first.iter().map(|job| (job.priority, job.element.clone())).collect();
        seen.sort_by_key(|(priority, _)| -priority);
        assert_eq!(seen.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["p30", "p7", "p1"]);
        for job in &first {
            self.complete(job, json!({})).await;
        }
        self.ends(key).await;
    }

    async fn the_same_start_twice_is_one_instance(&self) {
        let content = format!(r#"<bpmn:userTask id="ask"/>{}"#, line(&["ask"]));
        self.engine.deploy(vec![model("contract-once", &content)]).await.unwrap();
        let request = StartInstance {
            process_id: Some("contract-once".to_owned()),
            idempotency_key: Some(format!("once-{:p}", self)),
            business_key: Some("order 7".to_owned()),
            seed: u64::MAX,
            ..StartInstance::default()
        };
        let one = self.engine.start(request.clone()).await.unwrap();
        assert_eq!(self.engine.start(request).await.unwrap(), one);
        let instance = self.engine.instance(one).await.unwrap();
        assert_eq!((instance.seed, instance.business_key.as_deref()), (u64::MAX, Some("order 7")));
        assert!(instance.variables.is_empty(), "{:?}", instance.variables);
        self.until_at(one, "ask").await;
        self.engine.cancel(one, "done").await.unwrap();
    }

    async fn values_come_back_as_they_went(&self) {
        let content = format!("{}{}", task("a", ""), line(&["a"]));
        let values = json!({
            "null": null, "yes": true, "int": -7, "big": 9_007_199_254_740_993_i64, "float": 0.1, "tiny": 1e-300,
            "text": "ä \"quoted\" \n line", "empty": "", "long": "x".repeat(10_000), "list": [1, [2.5, "b"], null],
            "object": {"a": {"b": [{}]}},
        });
        let key = self.start("contract-values", &content, values.clone()).await;
        let job = self.job(key, "a").await;
        assert_eq!(Value::Object(job.variables.clone()), values);
        self.complete(&job, json!({"again": values})).await;
        let done = self.ends(key).await;
        assert_eq!(done.variables["again"], values);
    }

    async fn a_task_runs_once_for_each_item_of_a_list(&self) {
        let content = format!(
            r#"<bpmn:serviceTask id="a"><bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>
            <zeebe:loopCharacteristics inputCollection="=items" inputElement="item"/></bpmn:extensionElements>
            <bpmn:completionCondition xsi:type="bpmn:tFormalExpression">=numberOfCompletedInstances = 3</bpmn:completionCondition>
            </bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>{}"#,
            line(&["a"])
        );
        let key = self.start("contract-items", &content, json!({"items": ["x", 2, {"y": [3]}, 4]})).await;
        let mut jobs = self.jobs(key, 4).await;
        jobs.sort_by_key(|job| job.variables["loopCounter"].as_i64());
        let items: Vec<Value> = jobs.iter().map(|job| job.variables["item"].clone()).collect();
        assert_eq!(items, [json!("x"), json!(2), json!({"y": [3]}), json!(4)]);
        assert_eq!(jobs[0].variables["loopCounter"], json!(1));
        for job in &jobs[..3] {
            self.complete(job, json!({})).await;
        }
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }

    async fn a_called_process_hands_its_results_up_and_its_message_arrives(&self) {
        let called = format!(
            r#"{}<bpmn:intermediateThrowEvent id="tell"><bpmn:messageEventDefinition messageRef="m_contract-called"/></bpmn:intermediateThrowEvent>{}"#,
            task("inner", ""),
            line(&["inner", "tell"])
        );
        self.engine.deploy(vec![model("contract-called", &called)]).await.unwrap();
        let content = format!(
            r#"<bpmn:subProcess id="sub"><bpmn:startEvent id="s1"/><bpmn:endEvent id="z1"/>
            <bpmn:callActivity id="call" calledElement="contract-called"/>{}{}</bpmn:subProcess>{}"#,
            flow("f10", "s1", "call"),
            flow("f11", "call", "z1"),
            line(&["sub"])
        );
        let key = self.start("contract-calling", &content, json!({"order": "of the caller"})).await;
        let inner = tokio::time::timeout(PATIENCE, async {
            loop {
                let request = ActivateJobs {
                    worker: "contract".to_owned(),
                    max: 1,
                    lease_ms: 60_000,
                    wait_ms: 200,
                    ..ActivateJobs::default()
                };
                if let Some(job) = self.engine.activate_jobs(request).await.unwrap().pop() {
                    return job;
                }
            }
        });
        let inner = inner.await.expect("the called process has a job");
        assert_eq!((inner.process_id.as_str(), inner.element.as_str()), ("contract-called", "inner"));
        assert_eq!(inner.variables["order"], json!("of the caller"));
        assert_eq!(self.engine.instance(inner.instance).await.unwrap().parent.unwrap().0, key);
        self.complete(&inner, json!({"result": 7})).await;
        assert_eq!(self.ends(key).await.variables["result"], json!(7));
        // The message it threw waits for a receiver.
        let waiting =
            format!(r#"<bpmn:receiveTask id="wait" messageRef="m_contract-receiver"/>{}"#, line(&["wait"]));
        let mut file = model("contract-receiver", &waiting);
        file.content = String::from_utf8(file.content)
            .unwrap()
            .replace("paid-contract-receiver", "paid-contract-called")
            .into_bytes();
        self.engine.deploy(vec![file]).await.unwrap();
        let request = StartInstance {
            process_id: Some("contract-receiver".to_owned()),
            variables: object(json!({"order": "of the caller"})),
            ..StartInstance::default()
        };
        let receiver = self.engine.start(request).await.unwrap();
        assert_eq!(self.ends(receiver).await.status, Status::Completed);
    }

    async fn a_task_that_a_boundary_timer_ends_takes_no_answer(&self) {
        let content = format!(
            r#"{}{}<bpmn:boundaryEvent id="late" attachedToRef="a"><bpmn:timerEventDefinition><bpmn:timeDuration
            xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
            <bpmn:endEvent id="y"/>{}"#,
            task("a", ""),
            line(&["a"]),
            flow("g1", "late", "y"),
        );
        let key = self.start("contract-late", &content, json!({})).await;
        let job = self.job(key, "a").await;
        assert_eq!(self.ends(key).await.status, Status::Completed);
        let late = self.engine.complete_job(job.key, job.attempt, Variables::new(), Record::default()).await;
        assert!(
            matches!(late, Err(Error::Stale { .. } | Error::NotFound { .. } | Error::Conflict(_))),
            "{late:?}"
        );
    }
}
