//! Camunda 8's REST API as ProcOS itself serves it, worked on by another ProcOS through `--engine camunda8`: what the
//! port promises, and the aircraft process from a start by a client of Camunda 8 to the same end as on the embedded
//! engine. A real Camunda 8 is not among the engines that are tested: docs/camunda8.md says why.

use std::sync::Arc;
use std::time::Duration;

use camunda::Settings;
use engine::ProcessEngine;
use engine::clock::SystemClock;
use engine::port::InstanceFilter;
use kernel::{Microkernel, Parts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::engine_contract::{self, Bench};
use crate::on_camunda::{
    Remote, aircraft_file, answering, ended, refused, same_aircraft, same_runs, waits_and_fails,
};
use crate::procos::Place;

/// A Camunda 8 behind the port, with its loops.
async fn open(address: &str) -> Remote {
    Remote::with(Settings { poll_ms: 100, long_poll_ms: 200, ..Settings::camunda8(address) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn camunda_8_as_procos_serves_it_keeps_the_contract_of_the_port() {
    let place = Place::empty();
    let (_server, address) = place.serve();
    let remote = open(&address).await;
    engine_contract::all(&Bench::over(Arc::new(remote.engine.clone()))).await;
    remote.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aircraft_started_by_a_client_of_camunda_8_ends_as_on_the_embedded_engine() {
    let place = Place::empty();
    let (_server, address) = place.serve();
    let remote = open(&address).await;
    let stop = CancellationToken::new();
    let parts = Arc::new(Parts::new(Arc::new(remote.engine.clone()), Arc::new(SystemClock)).unwrap());
    let kernel = tokio::spawn(Microkernel::new(parts.clone(), stop.clone()).run());
    let deployed = remote.engine.deploy(vec![aircraft_file()]).await.unwrap().remove(0);
    let xml = remote.engine.definition_xml(deployed.key).await.unwrap();
    assert_eq!(xml.as_bytes(), aircraft_file().content, "the original can be had back");

    // Started in Camunda itself, by nobody of ours.
    let http = reqwest::Client::new();
    let body = json!({"processDefinitionId": "size-aircraft"});
    let started = http.post(format!("{address}/v2/process-instances")).json(&body).send().await.unwrap();
    let started: Value = started.json().await.unwrap();
    let key: i64 = started["processInstanceKey"].as_str().unwrap().parse().unwrap();
    let done = ended(&remote.engine, key).await;
    same_aircraft(&remote, &done).await;
    // The server's own kernel took none of it.
    let listed = remote.engine.instances(&InstanceFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    tokio::time::timeout(Duration::from_secs(10), async {
        while parts.census.pdos() + parts.census.tdes() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nobody lives on");
    stop.cancel();
    kernel.await.unwrap().unwrap();
    remote.close().await;
}

#[test]
fn a_run_from_the_command_line_ends_on_camunda_8_as_on_the_embedded_engine() {
    let there = Place::empty();
    let (_server, address) = there.serve();
    let on_camunda = ["--engine", "camunda8", "--engine-url", &address];
    same_runs(&on_camunda);
    waits_and_fails(&on_camunda);
}

#[test]
fn a_camunda_8_that_cannot_be_used_is_named_with_the_way_out() {
    let refused =
        |more: &[&str], exit, code: &str, way_out: &str| refused("camunda8", more, exit, code, way_out);
    refused(&[], 2, "SERVER-0004", "http://127.0.0.1:8080");
    refused(&["--engine-url", "http://127.0.0.1:1"], 1, "CAMUNDA-0001", "start Camunda");
    refused(&["--engine-url", "no address"], 2, "CAMUNDA-0006", "http://");
    for (answer, code, way_out) in [
        ("404 Not Found\r\n\r\n<html>", "CAMUNDA-0004", "Camunda 8"),
        ("200 OK\r\n\r\n{\"hello\": 1}", "CAMUNDA-0004", "Camunda 8"),
        ("401 Unauthorized\r\n\r\n", "CAMUNDA-0003", "engine.token"),
    ] {
        let url = answering(answer);
        refused(&["--engine-url", &url], 1, code, way_out);
    }
}

#[test]
fn the_doctor_asks_a_camunda_8_for_its_version() {
    let there = Place::empty();
    let (_server, address) = there.serve();
    let place = Place::empty();
    let asked = |url: &str| {
        let mut command = place.command(&["doctor", "--json"]);
        command.env("PROCOS_ENGINE", "camunda8").env("PROCOS_ENGINE_URL", url);
        command.env("PROCOS_ENGINE_TOKEN", "very secret").env("PROCOS_LISTEN", "127.0.0.1:0");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let fine = asked(&address);
    assert!(fine.contains("Camunda 8, version 8.8.0"), "{fine}");
    assert!(!fine.contains("very secret"), "{fine}");
    assert!(asked("http://127.0.0.1:1").contains("CAMUNDA-0001"));
}
