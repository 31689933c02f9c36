//! Tasks of every kind under the kernel: what they see, what they give, what they refuse, what counts.

use std::collections::BTreeMap;

use engine::port::{DeployFile, JobFilter, Status};
use engine::{ProcessEngine, Store};
use serde_json::json;
use trail::{Filter, Trail};

use super::{Bed, one_task, process, variables};
use crate::{DryRunOptions, DryRunState, Workspace, dry_run};

const COIN: &str = r#"<procos:task by="stochastic" undecided="UNDECIDED">
  <procos:draw variable="x" distribution="uniform" low="0" high="1"/>
  <procos:outcome label="heads" when="=x &lt; P"/><procos:outcome label="tails" success="false"/>
  <procos:stop rule="winner" delta="0.05" samples="SAMPLES"/></procos:task>"#;

fn coin(undecided: &str, samples: u32) -> String {
    one_task("coin", &COIN.replace("UNDECIDED", undecided).replace("SAMPLES", &samples.to_string()))
}

#[tokio::test]
async fn a_clear_coin_is_decided_with_its_shares_and_intervals() {
    let bed = Bed::new().await;
    bed.deploy(&coin("leader", 2_000)).await;
    let done = bed.run("coin", variables(json!({"P": 0.9})), 3).await;
    let work = &done.variables["work"];
    assert_eq!(
        (done.status, &done.variables["outcome"], &work["undecided"]),
        (Status::Completed, &json!("heads"), &json!(false))
    );
    let heads = &work["shares"]["heads"];
    assert!(heads["low"].as_f64().unwrap() < 0.9 && heads["high"].as_f64().unwrap() > 0.9, "{heads}");
    let run = bed.task_run(done.key, "work").await;
    assert_eq!((run.executed_by.as_str(), run.state.as_str()), ("stochastic", "completed"));
    assert_eq!(run.verdict["reason"], "converged");
    bed.stop().await;
}

#[tokio::test]
async fn a_fair_coin_is_undecided_and_the_task_says_what_happens_then() {
    let bed = Bed::new().await;
    for (policy, ends) in [("leader", true), ("all", true), ("incident", false), ("person", false)] {
        bed.deploy(&coin(policy, 60)).await;
        let done = bed.run("coin", variables(json!({"P": 0.5})), 5).await;
        assert_eq!(done.status == Status::Completed, ends, "{policy}");
        if ends {
            assert_eq!(done.variables["undecided"], json!(true));
            assert_eq!(done.variables["winner"], json!(null));
            assert_eq!(done.variables["samples"], json!(60));
        }
        if policy == "all" {
            assert_eq!(done.variables["outcomes"].as_array().unwrap().len(), 2);
        }
    }
    bed.stop().await;
}

#[tokio::test]
async fn a_person_decides_what_is_undecided_and_the_instance_goes_on() {
    let bed = Bed::new().await;
    bed.deploy(&coin("person", 60)).await;
    let waiting = bed.run("coin", variables(json!({"P": 0.5})), 5).await;
    let incident = bed.engine.incidents(Some(waiting.key)).await.unwrap().remove(0);
    assert!(incident.message.contains("work_decision"), "{}", incident.message);
    bed.engine.set_variables(waiting.key, None, variables(json!({"work_decision": "tails"}))).await.unwrap();
    bed.engine.resolve_incident(incident.key).await.unwrap();
    let done =
        bed.until(waiting.key, |instance| instance.status != Status::Active || instance.incidents > 0).await;
    assert_eq!((done.status, &done.variables["outcome"]), (Status::Completed, &json!("tails")));
    bed.stop().await;
}

#[tokio::test]
async fn a_task_sees_its_declared_inputs_and_nothing_else() {
    let bed = Bed::new().await;
    let task = r#"<procos:task by="feel"><procos:compute variable="seen" expression="=secret"/>
        <procos:compute variable="double" expression="=2 * given"/></procos:task>
        <zeebe:ioMapping><zeebe:input source="=shared" target="given"/>
        <zeebe:output source="=double" target="result"/><zeebe:output source="=seen" target="leak"/></zeebe:ioMapping>"#;
    bed.deploy(&one_task("p", task)).await;
    let done = bed.run("p", variables(json!({"shared": 21, "secret": "s"})), 1).await;
    assert_eq!((&done.variables["result"], &done.variables["leak"]), (&json!(42), &json!(null)));
    let run = bed.task_run(done.key, "work").await;
    assert_eq!(run.inputs, variables(json!({"given": 21})));
    bed.stop().await;
}

#[tokio::test]
async fn an_undeclared_task_passes_through_says_so_and_is_never_scored() {
    let bed = Bed::new().await;
    bed.deploy(&one_task("p", "")).await;
    let done = bed.run("p", variables(json!({})), 1).await;
    assert_eq!(done.status, Status::Completed);
    let run = bed.task_run(done.key, "work").await;
    assert_eq!(run.executed_by, "pass_through");
    assert!(run.notes[0].contains("decided by rule"), "{:?}", run.notes);
    let started = Filter { kind_prefix: Some("task.started".to_owned()), ..Filter::default() };
    let events = bed.store.read(&started, 0, 10).await.unwrap();
    assert!(events[0].content.data["notes"][0].as_str().unwrap().contains("passed through"));
    let attempts = bed.store.attempts("task", "p/work", 10).await.unwrap();
    assert!(attempts.is_empty(), "{attempts:?}");
    bed.stop().await;
}

#[tokio::test]
async fn an_outcome_marked_as_no_success_counts_as_an_attempt_that_failed() {
    let bed = Bed::new().await;
    bed.deploy(&coin("leader", 2_000)).await;
    bed.run("coin", variables(json!({"P": 0.05})), 3).await;
    bed.run("coin", variables(json!({"P": 0.95})), 3).await;
    let attempts = bed.store.attempts("task", "coin/work", 10).await.unwrap();
    let mut successes: Vec<bool> = attempts.iter().map(|attempt| attempt.success).collect();
    successes.sort_unstable();
    assert_eq!(successes, [false, true]);
    bed.stop().await;
}

#[tokio::test]
async fn a_file_task_works_in_the_workspace_and_its_errors_can_be_caught() {
    let folder = tempfile::tempdir().unwrap();
    let space = Workspace::open(folder.path(), 1_000).unwrap();
    let bed = Bed::with(|mut parts| {
        parts.workspace = Some(space);
        parts
    })
    .await;
    let task = |path: &str, operation: &str| {
        format!(
            r#"<procos:task by="file" ref="{operation}"/><zeebe:ioMapping>
            <zeebe:input source="{path}" target="path"/><zeebe:input source="=text" target="content"/></zeebe:ioMapping>"#
        )
    };
    bed.deploy(&one_task("write", &task("notes/a.txt", "file.create"))).await;
    let done = bed.run("write", variables(json!({"text": "hello"})), 1).await;
    assert_eq!((done.status, &done.variables["size"]), (Status::Completed, &json!(5)));
    assert_eq!(std::fs::read_to_string(folder.path().join("notes/a.txt")).unwrap(), "hello");
    let caught = process(
        "read",
        &format!(
            r#"<bpmn:startEvent id="start"/><bpmn:serviceTask id="work"><bpmn:extensionElements>{}</bpmn:extensionElements></bpmn:serviceTask>
            <bpmn:boundaryEvent id="missing" attachedToRef="work"><bpmn:errorEventDefinition id="e1"/></bpmn:boundaryEvent>
            <bpmn:endEvent id="end"/><bpmn:endEvent id="none"/>
            <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
            <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/>
            <bpmn:sequenceFlow id="f3" sourceRef="missing" targetRef="none"/>"#,
            task("../outside", "file.read")
        ),
    );
    bed.deploy(&caught).await;
    let done = bed.run("read", variables(json!({})), 1).await;
    assert_eq!(done.status, Status::Completed);
    assert_eq!(bed.task_run(done.key, "work").await.state, "error");
    bed.stop().await;
}

#[tokio::test]
async fn what_cannot_be_executed_becomes_an_incident_with_code_and_way_out() {
    let bed = Bed::new().await;
    for (id, task, word) in [
        ("a", r#"<procos:task by="tool" ref="matlab"/>"#, "KERNEL-0005"),
        ("b", r#"<procos:task by="http"/>"#, "KERNEL-0003"),
        ("c", r#"<procos:task by="model"/>"#, "KERNEL-0005"),
        ("d", r#"<procos:task by="file" ref="file.format"/>"#, "KERNEL-0003"),
        (
            "e",
            r#"<procos:task by="stochastic"><procos:draw variable="x" distribution="normal" mean="1" sd="-1"/><procos:outcome label="o"/></procos:task>"#,
            "SCORING-0001",
        ),
        (
            "f",
            r#"<procos:task by="feel" executor="elsewhere"><procos:compute variable="x" expression="1"/></procos:task>"#,
            "KERNEL-0001",
        ),
        ("g", r#"<procos:task by="person"/>"#, "KERNEL-0010"),
    ] {
        bed.deploy(&one_task(id, task)).await;
        let key = bed.start(id, variables(json!({})), 1).await;
        if id == "g"
            && !bed
                .engine
                .jobs(&JobFilter {
                    instance: Some(key),
                    kind: Some(bpmn::program::JobKind::User),
                    ..JobFilter::default()
                })
                .await
                .unwrap()
                .is_empty()
        {
            continue;
        }
        bed.until(key, |instance| instance.incidents > 0).await;
        let incidents = bed.engine.incidents(Some(key)).await.unwrap();
        assert_eq!(incidents[0].code, word, "{incidents:?}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn parallel_branches_run_side_by_side_and_join() {
    let bed = Bed::new().await;
    let task = |id: &str| {
        format!(
            r#"<bpmn:serviceTask id="{id}"><bpmn:extensionElements><procos:task by="feel">
            <procos:compute variable="{id}" expression="=n * n"/></procos:task></bpmn:extensionElements></bpmn:serviceTask>
            <bpmn:sequenceFlow id="i{id}" sourceRef="split" targetRef="{id}"/>
            <bpmn:sequenceFlow id="o{id}" sourceRef="{id}" targetRef="join"/>"#
        )
    };
    let content = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="split"/><bpmn:parallelGateway id="join"/><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="split"/><bpmn:sequenceFlow id="f2" sourceRef="join" targetRef="e"/>{}{}{}"#,
        task("a"),
        task("b"),
        task("c")
    );
    bed.deploy(&process("three", &content)).await;
    let done = bed.run("three", variables(json!({"n": 3})), 1).await;
    assert_eq!(done.status, Status::Completed);
    for name in ["a", "b", "c"] {
        assert_eq!(done.variables[name], json!(9));
    }
    bed.empty().await;
    bed.stop().await;
}

#[tokio::test]
async fn cancelling_an_instance_ends_its_workers() {
    let bed = Bed::new().await;
    let waits = r#"<bpmn:startEvent id="start"/><bpmn:userTask id="approve"/><bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="approve"/>
        <bpmn:sequenceFlow id="f2" sourceRef="approve" targetRef="end"/>"#;
    bed.deploy(&process("waits", waits)).await;
    let key = bed.start("waits", variables(json!({})), 1).await;
    bed.until(key, |_| bed.parts.census.pdos() == 1).await;
    bed.engine.cancel(key, "no longer wanted").await.unwrap();
    bed.empty().await;
    bed.stop().await;
}

#[tokio::test]
async fn many_instances_run_and_leave_nobody_behind() {
    let bed = Bed::new().await;
    bed.deploy(&coin("leader", 50)).await;
    let mut keys = Vec::new();
    for seed in 0..40 {
        keys.push(bed.start("coin", variables(json!({"P": 0.9})), seed).await);
    }
    for key in keys {
        bed.until(key, |instance| instance.status == Status::Completed).await;
    }
    bed.empty().await;
    bed.stop().await;
}

fn file(xml: &str) -> Vec<DeployFile> {
    vec![DeployFile { name: "t.bpmn".to_owned(), content: xml.as_bytes().to_vec() }]
}

#[tokio::test]
async fn a_dry_run_jumps_over_timers_takes_given_results_and_counts_nothing() {
    let xml = process(
        "p",
        r#"<bpmn:startEvent id="start"/>
        <bpmn:intermediateCatchEvent id="later"><bpmn:timerEventDefinition id="t"><bpmn:timeDuration>P30D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
        <bpmn:serviceTask id="tool"><bpmn:extensionElements><procos:task by="tool" ref="x"/></bpmn:extensionElements></bpmn:serviceTask>
        <bpmn:userTask id="ask"/><bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="later"/><bpmn:sequenceFlow id="f2" sourceRef="later" targetRef="tool"/>
        <bpmn:sequenceFlow id="f3" sourceRef="tool" targetRef="ask"/><bpmn:sequenceFlow id="f4" sourceRef="ask" targetRef="end"/>"#,
    );
    let results = BTreeMap::from([("tool".to_owned(), variables(json!({"answer": 42})))]);
    let run = dry_run(file(&xml), DryRunOptions { results, ..DryRunOptions::default() }).await.unwrap();
    assert_eq!((run.state, &run.variables["answer"]), (DryRunState::Completed, &json!(42)));
    let elements: Vec<&str> =
        run.trace.iter().filter(|line| line.event == "completed").map(|line| line.element.as_str()).collect();
    assert_eq!(elements, ["start", "later", "tool", "ask", "end"]);
    assert_eq!(run.trace.first().map(|line| line.seq), Some(1));
}

#[tokio::test]
async fn a_dry_run_takes_messages_and_signals_and_says_what_it_waits_for() {
    let xml = process(
        "p",
        r#"<bpmn:startEvent id="start"/>
        <bpmn:intermediateCatchEvent id="paid"><bpmn:messageEventDefinition id="m" messageRef="M"/></bpmn:intermediateCatchEvent>
        <bpmn:intermediateCatchEvent id="go"><bpmn:signalEventDefinition id="s" signalRef="S"/></bpmn:intermediateCatchEvent>
        <bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="paid"/><bpmn:sequenceFlow id="f2" sourceRef="paid" targetRef="go"/>
        <bpmn:sequenceFlow id="f3" sourceRef="go" targetRef="end"/>"#,
    )
    .replace("<bpmn:process ", r#"<bpmn:message id="M" name="payment"/><bpmn:signal id="S" name="open"/><bpmn:process "#);
    let waiting = dry_run(file(&xml), DryRunOptions::default()).await.unwrap();
    assert_eq!(waiting.state, DryRunState::Waiting);
    let options = DryRunOptions {
        messages: vec![("payment".to_owned(), variables(json!({"amount": 5})))],
        signals: vec!["open".to_owned()],
        ..DryRunOptions::default()
    };
    let done = dry_run(file(&xml), options).await.unwrap();
    assert_eq!((done.state, &done.variables["amount"]), (DryRunState::Completed, &json!(5)));
}

#[tokio::test]
async fn a_dry_run_with_an_open_incident_failed() {
    let xml = one_task(
        "p",
        r#"<procos:task by="feel"><procos:compute variable="x" expression="=assert(1, 1 &gt; 2, &quot;never&quot;)"/></procos:task>"#,
    );
    let run = dry_run(file(&xml), DryRunOptions::default()).await.unwrap();
    assert_eq!(run.state, DryRunState::Failed);
    assert!(run.incidents[0].message.contains("never"), "{:?}", run.incidents);
    assert!(run.trace.iter().any(|line| line.event == "incident" && line.element == "work"));
}
