//! The trail of an instance on Camunda 7 is the one it has on the embedded engine, entry by entry.

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::{DeployFile, Message, StartInstance};
use engine::{Embedded, MemoryStore, ProcessEngine};

use super::by_hand::{run, trail_of, visits};
use super::{TURN, address, of_its_own};
use crate::procos::{Place, example};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

const FILES: &str = include_str!("../../../examples/parallel-file-write.bpmn");

/// What is told of an instance beside what its mappings set inside a task, which Camunda does not see.
fn told(entries: Vec<(String, String)>) -> Vec<(String, String)> {
    entries.into_iter().filter(|(kind, _)| kind != "variables.set").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_run_beside_each_other_leave_the_same_trail() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = of_its_own(&address).await;
    let store = Arc::new(MemoryStore::new());
    let embedded = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
    let file = || DeployFile { name: "files.bpmn".to_owned(), content: FILES.as_bytes().to_vec() };
    embedded.deploy(vec![file()]).await.unwrap();
    remote.engine.deploy(vec![file()]).await.unwrap();
    let ours = run(&embedded, "parallel_file_write", Variables::new(), &visits).await;
    let theirs = run(&remote.engine, "parallel_file_write", Variables::new(), &visits).await;
    let ours = told(trail_of(&*store, ours.key).await);
    assert!(ours.len() >= 50, "{ours:#?}");
    assert_eq!(told(trail_of(&*remote.store, theirs.key).await), ours);
    remote.close().await;
}

/// Timers, a message that was there before, an event-based gateway, and a boundary event that ends its task.
const EVENTS: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><bpmn:message id="paid" name="paid-trail"/>
  <bpmn:message id="never" name="never-trail"/><bpmn:process id="events" isExecutable="true"><bpmn:startEvent id="s"/>
    <bpmn:intermediateCatchEvent id="pause"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:serviceTask id="a"/><bpmn:receiveTask id="wait" messageRef="paid"/><bpmn:eventBasedGateway id="first"/>
    <bpmn:intermediateCatchEvent id="late"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="word"><bpmn:messageEventDefinition messageRef="never"/></bpmn:intermediateCatchEvent>
    <bpmn:subProcess id="sub"><bpmn:startEvent id="s1"/><bpmn:receiveTask id="hang" messageRef="never"/><bpmn:endEvent id="z1"/>
      <bpmn:sequenceFlow id="f10" sourceRef="s1" targetRef="hang"/><bpmn:sequenceFlow id="f11" sourceRef="hang" targetRef="z1"/></bpmn:subProcess>
    <bpmn:boundaryEvent id="over" attachedToRef="sub"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
    <bpmn:serviceTask id="b"/><bpmn:endEvent id="z"/><bpmn:endEvent id="y"/><bpmn:endEvent id="x"/>
    <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="pause"/><bpmn:sequenceFlow id="f2" sourceRef="pause" targetRef="a"/>
    <bpmn:sequenceFlow id="f3" sourceRef="a" targetRef="wait"/><bpmn:sequenceFlow id="f4" sourceRef="wait" targetRef="first"/>
    <bpmn:sequenceFlow id="f5" sourceRef="first" targetRef="late"/><bpmn:sequenceFlow id="f6" sourceRef="first" targetRef="word"/>
    <bpmn:sequenceFlow id="f7" sourceRef="late" targetRef="sub"/><bpmn:sequenceFlow id="f8" sourceRef="word" targetRef="x"/>
    <bpmn:sequenceFlow id="f9" sourceRef="sub" targetRef="y"/><bpmn:sequenceFlow id="f12" sourceRef="over" targetRef="b"/>
    <bpmn:sequenceFlow id="f13" sourceRef="b" targetRef="z"/></bpmn:process></bpmn:definitions>"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_timers_and_messages_set_off_leaves_the_same_trail() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = of_its_own(&address).await;
    let store = Arc::new(MemoryStore::new());
    let embedded = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
    let timers = tokio::spawn({
        let (engine, stop) = (embedded.clone(), remote.stop.clone());
        async move { engine.run_timers(stop).await }
    });
    let there = async |engine: &dyn ProcessEngine| {
        let content = EVENTS.as_bytes().to_vec();
        engine.deploy(vec![DeployFile { name: "events.bpmn".to_owned(), content }]).await.unwrap();
        let (name, time_to_live_ms) = ("paid-trail".to_owned(), 60_000);
        engine.publish_message(Message { name, time_to_live_ms, ..Message::default() }).await.unwrap();
        run(engine, "events", Variables::new(), &visits).await.key
    };
    let (ours, theirs) = (there(&embedded).await, there(&remote.engine).await);
    let told = |entries: Vec<(String, String)>| -> Vec<(String, String)> {
        let kinds = ["instance.", "element.", "flow.", "job."];
        entries.into_iter().filter(|(kind, _)| kinds.iter().any(|it| kind.starts_with(it))).collect()
    };
    let ours = told(trail_of(&*store, ours).await);
    assert!(ours.contains(&("element.terminated".to_owned(), "hang".to_owned())), "{ours:#?}");
    assert_eq!(told(trail_of(&*remote.store, theirs).await), ours);
    remote.close().await;
    timers.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_camunda_does_by_itself_is_told_while_the_instance_waits() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = of_its_own(&address).await;
    let content = EVENTS.replace("events", "by_itself").replace("serviceTask", "userTask").into_bytes();
    remote.engine.deploy(vec![DeployFile { name: "by_itself.bpmn".to_owned(), content }]).await.unwrap();
    let process_id = Some("by_itself".to_owned());
    let key = remote.engine.start(StartInstance { process_id, ..StartInstance::default() }).await.unwrap();
    // Nobody asks for the instance.
    let told = tokio::time::timeout(PATIENCE, async {
        let activated = ("element.activated".to_owned(), "a".to_owned());
        while !trail_of(&*remote.store, key).await.contains(&activated) {
            tokio::task::yield_now().await;
        }
    });
    told.await.expect("the timer and what it led to are told");
    remote.engine.cancel(key, "seen").await.unwrap();
    let told = trail_of(&*remote.store, key).await;
    let end: Vec<&str> = told[told.len() - 3..].iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(end, ["job.cancelled", "element.terminated", "instance.cancelled"]);
    remote.close().await;
}

#[test]
fn a_run_on_camunda_is_traced_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.blocking_lock();
    let place = Place::empty();
    let file = example("light-aircraft/size-aircraft.bpmn");
    let traced = ["run", &file, "--seed", "3", "--trace", "--json"];
    let on_camunda = ["--engine", "camunda7", "--engine-url", &address];
    let theirs = place.procos(&[&traced[..], &on_camunda].concat()).fine().json_lines();
    let ours = place.procos(&traced).fine().json_lines();
    assert!(ours.len() > 100, "{ours:#?}");
    assert_eq!(theirs, ours);
}
