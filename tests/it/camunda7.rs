//! A real Camunda 7, where `PROCOS_TEST_CAMUNDA7` says its address: what the port promises, and the aircraft process
//! from a start in Camunda itself to the same end as on the embedded engine.

pub(crate) mod by_hand;
mod differential;
mod outage;
mod proxy;
mod random_model;
mod same_trail;

use std::sync::Arc;
use std::time::Duration;

use camunda::{Camunda, Settings};
use engine::ProcessEngine;
use engine::clock::SystemClock;
use kernel::{Microkernel, Parts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::engine_contract::{self, Bench};
use crate::on_camunda::{
    Remote, aircraft_file, answering, ended, refused, same_aircraft, same_runs, waits_and_fails,
};

/// Whoever works on Camunda takes all tasks for ProcOS that are there: one test at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The address of a real Camunda 7; says so where there is none.
#[expect(clippy::disallowed_methods, reason = "the test script says by it where the engine is")]
fn address() -> Option<String> {
    let address = std::env::var("PROCOS_TEST_CAMUNDA7").ok().filter(|address| !address.is_empty());
    if address.is_none() {
        println!("skipped: PROCOS_TEST_CAMUNDA7 names no Camunda 7");
    }
    address
}

/// A Camunda all of whose instances are looked after.
async fn open(address: &str) -> Remote {
    Remote::with(Settings { poll_ms: 100, long_poll_ms: 200, ..Settings::camunda7(address) }).await
}

/// A Camunda of which only what was started here is looked after.
async fn of_its_own(address: &str) -> Remote {
    let settings =
        Settings { only_own: true, poll_ms: 100, long_poll_ms: 500, ..Settings::camunda7(address) };
    Remote::with(settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn camunda_keeps_the_contract_of_the_port() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = open(&address).await;
    engine_contract::all(&Bench::over(Arc::new(remote.engine.clone()))).await;
    aircraft(&address, &remote).await;
    remote.close().await;
}

#[test]
fn a_run_from_the_command_line_ends_on_camunda_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.blocking_lock();
    same_runs(&["--engine", "camunda7", "--engine-url", &address]);
}

#[test]
fn an_instance_that_waits_or_fails_on_camunda_ends_the_run_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.blocking_lock();
    waits_and_fails(&["--engine", "camunda7", "--engine-url", &address]);
}

#[test]
fn an_engine_that_cannot_be_used_is_named_with_the_way_out() {
    let refused =
        |more: &[&str], exit, code: &str, way_out: &str| refused("camunda7", more, exit, code, way_out);
    refused(&[], 2, "SERVER-0004", "--engine-url");
    refused(&["--engine-url", "http://127.0.0.1:1/engine-rest"], 1, "CAMUNDA-0001", "start Camunda");
    refused(&["--engine-url", "no address"], 2, "CAMUNDA-0006", "http://");
    refused(&["--dry-run"], 2, "CLI-0008", "--dry-run");
    for (answer, code, way_out) in [
        ("404 Not Found\r\n\r\n<html>", "CAMUNDA-0004", "/engine-rest"),
        ("200 OK\r\n\r\n{\"hello\": 1}", "CAMUNDA-0004", "/engine-rest"),
        ("401 Unauthorized\r\n\r\n", "CAMUNDA-0003", "http://USER:PASSWORD@"),
    ] {
        let url = answering(answer);
        refused(&["--engine-url", &url], 1, code, way_out);
    }
}

async fn aircraft(address: &str, remote: &Remote) {
    let stop = CancellationToken::new();
    let parts = Arc::new(Parts::new(Arc::new(remote.engine.clone()), Arc::new(SystemClock)).unwrap());
    let kernel = tokio::spawn(Microkernel::new(parts.clone(), stop.clone()).run());
    remote.engine.deploy(vec![aircraft_file()]).await.unwrap();

    // Started in Camunda itself, by nobody of ours.
    let http = reqwest::Client::new();
    let started: Value = http
        .post(format!("{address}/process-definition/key/size-aircraft/start"))
        .json(&json!({"variables": {}, "businessKey": "from outside"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = started["id"].as_str().unwrap().to_owned();
    let key = detected(&remote.engine, "from outside").await;
    let done = ended(&remote.engine, key).await;
    same_aircraft(remote, &done).await;

    // Camunda's own history agrees, and nobody lives on.
    let history: Value = http
        .get(format!("{address}/history/process-instance/{id}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(history["state"], "COMPLETED");
    tokio::time::timeout(Duration::from_secs(10), async {
        // What other tests left waiting in Camunda is looked after as well.
        while parts.census.pdos() > remote.engine.open_instances(0, 1_000).await.unwrap().len()
            || parts.census.tdes() > 0
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    stop.cancel();
    kernel.await.unwrap().unwrap();
}

/// The key of the open or ended instance with this business key.
async fn detected(engine: &Camunda, business_key: &str) -> i64 {
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            for instance in engine.instances(&engine::port::InstanceFilter::default()).await.unwrap() {
                if instance.business_key.as_deref() == Some(business_key) {
                    return instance.key;
                }
            }
        }
    });
    found.await.expect("the instance is detected")
}
