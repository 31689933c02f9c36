//! Instances from start to end: sequences, gateways, timers, boundary events, limits, the trail's fold.

use bpmn::exec::{Event, State, apply};
use serde_json::json;
use trail::{Filter, Trail};

use super::*;
use crate::store::{ScoreFilter, Store};

#[tokio::test]
async fn a_sequence_runs_task_by_task_to_its_end() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", json!({"x": 1})).await;
    let first = bench.lease_one().await;
    assert_eq!((first.element.as_str(), first.attempt, first.instance), ("a", 1, key));
    assert_eq!(first.variables.get("x"), Some(&json!(1)));
    let state = bench.engine.state(key).await.unwrap();
    assert_eq!((state.previous.len(), state.next), (0, vec!["b".to_owned()]));
    bench.complete(&first, json!({"y": 2})).await;
    assert_eq!(bench.current(key).await, ["b"]);
    let second = bench.lease_one().await;
    bench.complete(&second, empty()).await;
    let ended = bench.engine.instance(key).await.unwrap();
    assert_eq!((ended.status, ended.ended_ms), (Status::Completed, Some(START_MS)));
    assert_eq!(ended.variables.get("y"), Some(&json!(2)));
    let state = bench.engine.state(key).await.unwrap();
    let previous: Vec<&str> = state.previous.iter().map(|element| element.node.as_str()).collect();
    assert_eq!((previous, state.current.len()), (vec!["a", "b"], 0));
    assert!(bench.lease(10).await.is_empty());
}

#[tokio::test]
async fn parallel_branches_give_jobs_at_the_same_time_and_join() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/><bpmn:serviceTask id="a"/><bpmn:serviceTask id="b"/>
        <bpmn:parallelGateway id="j"/><bpmn:endEvent id="e"/>{}{}"#,
        chain(&["s", "g", "a", "j", "e"]),
        chain(&["g", "b", "j"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let key = bench.start("p", empty()).await;
    let jobs = bench.lease(10).await;
    assert_eq!(jobs.len(), 2);
    bench.complete(&jobs[1], empty()).await;
    assert_eq!(bench.status(key).await, Status::Active);
    bench.complete(&jobs[0], empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_timer_fires_when_its_time_has_come_and_not_before() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="c"><bpmn:timerEventDefinition id="td">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT10S</bpmn:timeDuration></bpmn:timerEventDefinition>
        </bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let key = bench.start("p", empty()).await;
    assert_eq!(bench.engine.tick(START_MS).await.unwrap(), Some(START_MS + 10_000));
    bench.pass(9_999).await;
    assert_eq!(bench.status(key).await, Status::Active);
    bench.pass(1).await;
    assert_eq!(bench.status(key).await, Status::Completed);
    assert_eq!(bench.engine.tick(START_MS + 20_000).await.unwrap(), None);
}

#[tokio::test]
async fn an_interrupting_boundary_timer_takes_the_job_away() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:serviceTask id="a"/><bpmn:boundaryEvent id="b" attachedToRef="a">
        <bpmn:timerEventDefinition id="td"><bpmn:timeDuration>PT5S</bpmn:timeDuration></bpmn:timerEventDefinition>
        </bpmn:boundaryEvent><bpmn:endEvent id="e"/><bpmn:endEvent id="late"/>{}{}"#,
        chain(&["s", "a", "e"]),
        chain(&["b", "late"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.pass(5_000).await;
    assert_eq!(bench.status(key).await, Status::Completed);
    let refused = bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await;
    assert!(matches!(refused, Err(Error::Stale { attempt: 1, .. })), "{refused:?}");
    let kept = bench
        .store
        .read(&Filter { kind_prefix: Some("job.result_refused".to_owned()), ..Filter::default() }, 0, 10)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn an_error_thrown_by_a_job_is_caught_at_the_boundary() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:serviceTask id="a"/><bpmn:boundaryEvent id="b" attachedToRef="a">
        <bpmn:errorEventDefinition id="ed" errorRef="er"/></bpmn:boundaryEvent><bpmn:endEvent id="e"/>
        <bpmn:serviceTask id="repair"/><bpmn:endEvent id="e2"/>{}{}"#,
        chain(&["s", "a", "e"]),
        chain(&["b", "repair", "e2"])
    );
    bench.deploy(&bpmn("p", r#"<bpmn:error id="er" errorCode="NO_STOCK"/>"#, &body)).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    let error = crate::port::BpmnError {
        code: "NO_STOCK".to_owned(),
        message: "none left".to_owned(),
        variables: object(json!({"missing": 3})),
    };
    bench.engine.throw_error(job.key, job.attempt, error, Record::default()).await.unwrap();
    assert_eq!(bench.current(key).await, ["repair"]);
    assert_eq!(bench.variable(key, "missing").await, json!(3));
}

#[tokio::test]
async fn an_endless_loop_yields_to_others_and_ends_as_an_incident() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:task id="t"/>{}{}"#,
        chain(&["s", "g", "t"]),
        flow("t", "g")
    );
    bench.deploy(&bpmn("loop", "", &body)).await;
    bench.deploy(&sequence("p", &["a"])).await;
    let request = StartInstance { process_id: Some("loop".to_owned()), ..StartInstance::default() };
    let runaway = bench.engine.start(request.clone()).await.unwrap();
    let other = StartInstance { process_id: Some("p".to_owned()), ..StartInstance::default() };
    bench.engine.start(other).await.unwrap();
    let job = bench.lease_one().await;
    bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await.unwrap();
    bench.engine.settle().await;
    let incidents = bench.engine.incidents(Some(runaway)).await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(bench.engine.instance(runaway).await.unwrap().incidents, 1);
    let entries = bench.store.head().await.unwrap();
    assert!(entries < 15_000, "{entries} entries in the trail before the loop was stopped");
    bench.engine.cancel(runaway, "enough").await.unwrap();
    assert_eq!(bench.status(runaway).await, Status::Terminated);
    assert!(bench.engine.incidents(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_incident_is_resolved_after_its_variable_is_set() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="e"/>{}
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=x &gt; 1</bpmn:conditionExpression>
        </bpmn:sequenceFlow>"#,
        chain(&["s", "g"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let key = bench.start("p", json!({"x": 0})).await;
    let incident = bench.engine.incidents(Some(key)).await.unwrap().remove(0);
    assert_eq!((incident.element.as_str(), incident.key >> 20), ("g", key));
    bench.engine.set_variables(key, None, object(json!({"x": 2}))).await.unwrap();
    bench.engine.resolve_incident(incident.key).await.unwrap();
    assert_eq!(bench.status(key).await, Status::Completed);
    assert!(bench.engine.incidents(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_ended_instance_counts_once_and_a_dry_run_never() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="f_g_good"/><bpmn:endEvent id="good"/>
        <bpmn:endEvent id="bad"><bpmn:extensionElements><procos:outcome label="bad" success="false"/>
        </bpmn:extensionElements></bpmn:endEvent>{}{}
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="bad"><bpmn:conditionExpression>=bad</bpmn:conditionExpression>
        </bpmn:sequenceFlow>"#,
        chain(&["s", "g"]),
        flow("g", "good")
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    bench.start("p", json!({"bad": false})).await;
    bench.start("p", json!({"bad": true})).await;
    let dry = StartInstance {
        process_id: Some("p".to_owned()),
        variables: object(json!({"bad": false})),
        dry_run: true,
        ..StartInstance::default()
    };
    bench.engine.start(dry).await.unwrap();
    let counts = bench.store.score_counts(&ScoreFilter::default()).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].subject.as_str(), counts[0].attempts, counts[0].successes), ("p", 2, 1));
    assert_eq!(trail::Outbox::pending(&*bench.store, "ontology", 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_stored_state_is_the_fold_of_the_trail() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", json!({"x": 0.1, "deep": {"list": [1, {"y": 2.5e-9}]}})).await;
    let job = bench.lease_one().await;
    bench.fail(&job, 2, 0).await;
    let job = bench.lease_one().await;
    bench.complete(&job, json!({"z": 0.30000000000000004})).await;
    let events =
        bench.store.read(&Filter { instance: Some(key), ..Filter::default() }, 0, 1_000).await.unwrap();
    let mut state = State::new();
    for event in events {
        if let Ok(event) = serde_json::from_value::<Event>(event.content.data) {
            apply(&mut state, &event);
        }
    }
    let stored = bench.store.load_instance(key).await.unwrap().unwrap();
    let kept: crate::embedded::live::Kept = serde_json::from_str(&stored.state).unwrap();
    assert_eq!(serde_json::to_value(&kept.exec).unwrap(), serde_json::to_value(&state).unwrap());
    assert!(bench.store.verify().await.unwrap().broken.is_none());
}

#[tokio::test]
async fn the_same_bytes_are_the_same_definition_and_other_bytes_a_new_version() {
    let bench = Bench::new().await;
    let first = bench.deploy(&sequence("p", &["a"])).await;
    let again = bench.deploy(&sequence("p", &["a"])).await;
    let second = bench.deploy(&sequence("p", &["a", "b"])).await;
    assert_eq!((first.key, first.version), (again.key, 1));
    assert_eq!(second.version, 2);
    let versions: Vec<i32> =
        bench.engine.definitions().await.unwrap().into_iter().map(|definition| definition.version).collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(bench.engine.definition_xml(first.key).await.unwrap(), sequence("p", &["a"]));
}

#[tokio::test]
async fn a_file_with_a_problem_deploys_nothing() {
    let bench = Bench::new().await;
    let files = vec![
        DeployFile { name: "good.bpmn".to_owned(), content: sequence("p", &["a"]).into_bytes() },
        DeployFile { name: "bad.bpmn".to_owned(), content: b"<bpmn:definitions".to_vec() },
    ];
    let refused = bench.engine.deploy(files).await;
    let Err(Error::Refused { problems }) = refused else { panic!("{refused:?}") };
    assert!(problems[0].starts_with("bad.bpmn: BPMN-"), "{problems:?}");
    assert!(bench.engine.definitions().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_would_deploy_and_then_do_nothing_is_refused() {
    let bench = Bench::new().await;
    let decision = r#"<bpmn:startEvent id="s"/><bpmn:businessRuleTask id="rule"><bpmn:extensionElements>
        <zeebe:calledDecision decisionId="d" resultVariable="r"/></bpmn:extensionElements></bpmn:businessRuleTask>"#;
    let decision = format!("{decision}{}", flow("s", "rule"));
    let condition = r#"<bpmn:startEvent id="s"/><bpmn:startEvent id="when"><bpmn:conditionalEventDefinition id="c">
        <bpmn:condition xsi:type="bpmn:tFormalExpression">=x > 1</bpmn:condition>
        </bpmn:conditionalEventDefinition></bpmn:startEvent>"#;
    for (body, element) in [(decision.as_str(), "rule"), (condition, "when")] {
        let refused = bench.try_deploy(&bpmn("p", "", body)).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("element {element}, line ")), "{refused}");
    }
    let by_worker = decision.replace("<zeebe:called", r#"<zeebe:taskDefinition type="dmn"/><zeebe:called"#);
    bench.deploy(&bpmn("p", "", &by_worker)).await;
}

#[tokio::test]
async fn a_failed_commit_changes_nothing_and_the_command_can_be_given_again() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.store.refuse_commits(true);
    let refused = bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await;
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    bench.store.refuse_commits(false);
    assert_eq!(bench.current(key).await, ["a"]);
    bench.complete(&job, empty()).await;
    assert_eq!(bench.current(key).await, ["b"]);
}

#[tokio::test]
async fn a_start_timer_starts_instances_and_the_newer_version_takes_over() {
    let bench = Bench::new().await;
    let cyclic = |every: &str| {
        let body = format!(
            r#"<bpmn:startEvent id="s"><bpmn:timerEventDefinition id="td"><bpmn:timeCycle>{every}</bpmn:timeCycle>
            </bpmn:timerEventDefinition></bpmn:startEvent><bpmn:endEvent id="e"/>{}"#,
            chain(&["s", "e"])
        );
        bpmn("p", "", &body)
    };
    bench.deploy(&cyclic("R2/PT10S")).await;
    for _ in 0..5 {
        bench.pass(10_000).await;
    }
    let started = bench.engine.instances(&Default::default()).await.unwrap();
    assert_eq!(started.len(), 2);
    bench.deploy(&cyclic("R/PT10S")).await;
    bench.deploy(&cyclic("R/PT1H")).await;
    bench.pass(60_000).await;
    assert_eq!(bench.engine.instances(&Default::default()).await.unwrap().len(), 2);
    bench.pass(3_600_000).await;
    assert_eq!(bench.engine.instances(&Default::default()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_trail_says_which_runs_are_dry() {
    use trail::Trail;
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    for dry_run in [true, false] {
        let process_id = Some("p".to_owned());
        bench.engine.start(StartInstance { process_id, dry_run, ..StartInstance::default() }).await.unwrap();
    }
    let filter = trail::Filter { kinds: vec!["instance.started".to_owned()], ..trail::Filter::default() };
    let started = bench.store.read(&filter, 0, 10).await.unwrap();
    let dry: Vec<bool> = started.iter().map(|event| event.content.data["dry_run"] == true).collect();
    assert_eq!(dry, [true, false]);
}
