//! Drafts beside what they would replace.

use std::sync::Arc;

use engine::clock::ManualClock;
use engine::port::StartInstance;
use engine::{Embedded, MemoryStore};
use serde_json::json;

use super::*;

fn process(work: &str) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="t"><process id="p" isExecutable="true">
        <startEvent id="s"/><serviceTask id="work"><extensionElements>{work}</extensionElements></serviceTask>
        <serviceTask id="next"><extensionElements><procos:task by="feel">
        <procos:compute variable="twice" expression="=assert(2 * mass, mass != null, &quot;no mass&quot;)"/>
        </procos:task></extensionElements></serviceTask><endEvent id="e"/>
        <sequenceFlow id="f1" sourceRef="s" targetRef="work"/><sequenceFlow id="f2" sourceRef="work" targetRef="next"/>
        <sequenceFlow id="f3" sourceRef="next" targetRef="e"/></process></definitions>"#
    )
}

fn coin(samples: u32) -> String {
    process(&format!(
        r#"<procos:task by="stochastic"/><procos:draw variable="x" distribution="uniform" low="0" high="1"/>
        <procos:outcome label="heads" when="=x &lt; 0.65"/><procos:outcome label="tails"/>
        <procos:stop rule="winner" delta="0.05" samples="{samples}"/>"#
    ))
}

fn weighed(mass: f64) -> Case {
    let mut case = Case::default();
    case.results.insert("work".to_owned(), json!({"mass": mass}).as_object().cloned().unwrap_or_default());
    case
}

#[tokio::test]
async fn a_larger_budget_is_seen_to_decide_more_often_and_the_same_seeds_give_the_same_numbers() {
    let mut recorded = Recorded::default();
    recorded
        .cases
        .push(Case { variables: json!({"mass": 1}).as_object().cloned().unwrap(), ..Case::default() });
    let found = compare(Some(&coin(40)), &coin(400), &recorded, 7, 0).await.unwrap();
    let before = found.before.clone().unwrap();
    assert_eq!((before.runs, before.completed, found.after.completed), (RUNS, RUNS, RUNS));
    let (few, many) = (before.verdicts["work"].1, found.after.verdicts["work"].1);
    assert!(few > 10 && 2 * many < few, "{few} {many}");
    assert!(!found.is_worse());
    assert_eq!(compare(Some(&coin(40)), &coin(400), &recorded, 7, 0).await.unwrap(), found);
}

#[tokio::test]
async fn recorded_results_stand_in_for_what_has_effects() {
    let tool = process(r#"<procos:task by="tool" ref="scales"/>"#);
    let recorded = Recorded { cases: vec![weighed(3.0), weighed(4.0)] };
    let with = try_out(&tool, &recorded, 10, 1, 0).await.unwrap();
    assert_eq!((with.completed, with.failed), (10, 0));
    let without = try_out(&tool, &Recorded::default(), 10, 1, 0).await.unwrap();
    assert_eq!((without.completed, without.failed), (0, 10), "the next step misses the mass");
}

#[tokio::test]
async fn a_draft_that_fails_is_worse_and_one_that_cannot_run_is_refused() {
    let recorded = Recorded { cases: vec![weighed(3.0)] };
    let tool = process(r#"<procos:task by="tool" ref="scales"/>"#);
    let broken = tool.replace("2 * mass, mass != null", "2 * mass, mass = null");
    let found = compare(Some(&tool), &broken, &recorded, 1, 0).await.unwrap();
    assert!(found.is_worse(), "{found:?}");
    assert!(found.evidence().iter().any(|line| line.starts_with("as proposed: completed 0 of 40")));
    let refused = compare(None, "<definitions/>", &recorded, 1, 0).await.unwrap_err();
    assert_eq!(refused.code(), "DAS-0006");
}

#[tokio::test]
async fn cases_are_read_from_completed_instances_with_what_they_started_with() {
    let store = Arc::new(MemoryStore::new());
    let engine = Embedded::open(store.clone(), Arc::new(ManualClock::at(5))).await.unwrap();
    let quiet = process("").replace("serviceTask", "manualTask").replace("procos:compute", "procos:hint");
    let quiet = quiet.replace("<procos:task by=\"feel\">", "").replace("</procos:task>", "");
    let quiet = quiet
        .split("<extensionElements>")
        .map(|part| part.rsplit("</extensionElements>").next().unwrap_or(part));
    let xml: String = quiet.collect();
    engine.deploy(vec![DeployFile { name: "p.bpmn".to_owned(), content: xml.into_bytes() }]).await.unwrap();
    for (mass, dry_run) in [(1, false), (2, true), (3, false)] {
        let request = StartInstance {
            process_id: Some("p".to_owned()),
            variables: json!({"mass": mass}).as_object().cloned().unwrap(),
            dry_run,
            ..StartInstance::default()
        };
        engine.start(request).await.unwrap();
    }
    engine.settle().await;
    let recorded = Recorded::read(&engine, store.as_ref(), store.as_ref(), "p").await.unwrap();
    let masses: Vec<&serde_json::Value> = recorded.cases.iter().map(|case| &case.variables["mass"]).collect();
    assert_eq!(masses, [3, 1]);
}
