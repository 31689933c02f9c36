//! The trail of an instance on Camunda 7 is the one it has on the embedded engine, entry by entry.

use std::sync::Arc;

use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::DeployFile;
use engine::{Embedded, MemoryStore, ProcessEngine};

use super::by_hand::{run, trail_of, visits};
use super::{Remote, TURN, address};
use crate::procos::{Place, example};

const FILES: &str = include_str!("../../../examples/parallel-file-write.bpmn");

/// What is told of an instance beside what its mappings set inside a task, which Camunda does not see.
fn told(entries: Vec<(String, String)>) -> Vec<(String, String)> {
    entries.into_iter().filter(|(kind, _)| kind != "variables.set").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_run_beside_each_other_leave_the_same_trail() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = Remote::of_its_own(&address).await;
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
