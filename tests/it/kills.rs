//! `kill -9` at random moments of a server that works on many instances over HTTP: nothing acknowledged is lost,
//! nothing is applied twice.
//!
//! Clients start instances and serve their jobs over `/v2`. They remember what the server acknowledged; after each
//! kill the next server on the same directory must know it. Each instance counts its own jobs, so a job that
//! was lost or applied twice shows in its variables and in its trail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::procos::Place;

/// Kills in `make test`; `PROCOS_KILL_CYCLES` names another number.
const CYCLES: u32 = 20;
/// Kills between two lines that say how far it is.
const TOLD_EVERY: u32 = 25;
/// Jobs of one instance.
const STEPS: u64 = 4;
const CLIENTS: usize = 4;
/// Open instances from which on no more are started: each of them is looked at after every kill.
const OPEN_MAX: usize = 100;
/// When the server is killed, milliseconds after it was ready.
const MOMENTS_MS: std::ops::Range<u64> = 20..400;
const PATIENCE: Duration = Duration::from_secs(120);

const PROCESS: &str = r#"<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="d" targetNamespace="urn:t">
  <bpmn:process id="counted" isExecutable="true">
    <bpmn:startEvent id="s"/>
    <bpmn:serviceTask id="work"><bpmn:extensionElements><zeebe:taskDefinition type="work" retries="9999"/>
    </bpmn:extensionElements></bpmn:serviceTask>
    <bpmn:exclusiveGateway id="more" default="on"/>
    <bpmn:endEvent id="e"/>
    <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="work"/>
    <bpmn:sequenceFlow id="b" sourceRef="work" targetRef="more"/>
    <bpmn:sequenceFlow id="on" sourceRef="more" targetRef="work"/>
    <bpmn:sequenceFlow id="done" sourceRef="more" targetRef="e">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=steps >= 4</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
  </bpmn:process>
</bpmn:definitions>"#;

/// What the server acknowledged: steps done, by instance.
type Acknowledged = Arc<Mutex<BTreeMap<String, u64>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_loses_nothing_acknowledged_and_applies_nothing_twice() {
    let place = Place::empty();
    place.file("counted.bpmn", PROCESS);
    let acknowledged = Acknowledged::default();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut settled = BTreeSet::new();
    let (cycles, began) = (cycles(), Instant::now());
    for cycle in 0..cycles {
        if cycle % TOLD_EVERY == 0 {
            say(&format!(
                "{cycle} of {cycles} kills after {} s: {} instances, {} of them seen to have ended",
                began.elapsed().as_secs(),
                known(&acknowledged).len(),
                settled.len()
            ));
        }
        let (server, address) = place.serve();
        let api = Api { client: client(), address };
        if cycle == 0 {
            api.deploy().await;
        }
        api.check(&acknowledged, &mut settled).await;
        let stop = CancellationToken::new();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| tokio::spawn(work(api.clone(), Arc::clone(&acknowledged), stop.clone(), true)))
            .collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(MOMENTS_MS))).await;
        server.kill();
        stop.cancel();
        for client in clients {
            client.await.expect("a client ends by itself");
        }
    }
    say(&format!("{cycles} kills after {} s; now everything is looked at", began.elapsed().as_secs()));
    assert!(known(&acknowledged).len() > 5, "hardly anything was going on: {acknowledged:?}");

    // Undisturbed, everything comes to its end, and each instance has done each of its jobs once.
    let (server, address) = place.serve();
    let api = Api { client: client(), address };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(work(api.clone(), Arc::clone(&acknowledged), stop.clone(), false));
    let began = Instant::now();
    while api.open().await > 0 {
        assert!(began.elapsed() < PATIENCE, "the instances do not end");
    }
    stop.cancel();
    worker.await.expect("the worker ends by itself");
    let keys: Vec<String> = known(&acknowledged).keys().cloned().collect();
    for key in keys {
        let (state, steps) = api.instance(&key).await;
        assert_eq!((state.as_str(), steps), ("COMPLETED", STEPS), "instance {key}");
        let ended = api.count("job.ended", &key).await;
        assert_eq!(ended, STEPS, "instance {key} has ended {ended} jobs in the trail");
    }
    server.terminate();
    place.procos(&["trail", "verify", "--data-dir", "data"]).fine();
}

fn known(acknowledged: &Acknowledged) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
    acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many instances have steps before them.
fn open(acknowledged: &Acknowledged) -> usize {
    known(acknowledged).values().filter(|steps| **steps < STEPS).count()
}

#[expect(clippy::disallowed_methods, reason = "the soak run says how many kills it wants")]
fn cycles() -> u32 {
    std::env::var("PROCOS_KILL_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(CYCLES)
}

/// Says how far it is, to who asked for a thousand kills.
#[expect(clippy::print_stderr, reason = "a soak run says how far it is")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

/// Starts instances and serves their jobs until the server is gone or `stop`.
async fn work(api: Api, acknowledged: Acknowledged, stop: CancellationToken, starts: bool) {
    while !stop.is_cancelled() {
        if starts && open(&acknowledged) < OPEN_MAX {
            let asked = json!({"processDefinitionId": "counted", "variables": {"steps": 0}});
            let Some(started) = api.post("/v2/process-instances", &asked).await else { return };
            let key = started["processInstanceKey"].as_str().expect("a key").to_owned();
            known(&acknowledged).insert(key, 0);
        }
        let asked = json!({
            "type": "work", "timeout": 60_000, "maxJobsToActivate": 3, "worker": "w", "requestTimeout": -1,
        });
        let Some(leased) = api.post("/v2/jobs/activation", &asked).await else { return };
        for job in leased["jobs"].as_array().into_iter().flatten() {
            let steps = job["variables"]["steps"].as_u64().expect("a count") + 1;
            let path = format!("/v2/jobs/{}/completion", job["jobKey"].as_str().expect("a key"));
            if api.post(&path, &json!({"variables": {"steps": steps}})).await.is_none() {
                return;
            }
            let instance = job["processInstanceKey"].as_str().expect("a key").to_owned();
            known(&acknowledged).insert(instance, steps);
        }
    }
}

/// A server's API.
#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    address: String,
}

impl Api {
    /// The answer, where the server acknowledged the call; none where it was killed before.
    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let answer = self.client.post(format!("{}{path}", self.address)).json(body).send().await.ok()?;
        let status = answer.status();
        let bytes = answer.bytes().await.ok()?;
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        Some(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn graphql(&self, query: &str, variables: Value) -> Value {
        let asked = json!({"query": query, "variables": variables});
        let mut answer = self.post("/graphql", &asked).await.expect("an undisturbed server answers");
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    async fn deploy(&self) {
        let query = "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { __typename } }";
        self.graphql(query, json!({"input": {"fileName": "counted.bpmn", "xml": PROCESS}})).await;
    }

    /// State and steps of an instance.
    async fn instance(&self, key: &str) -> (String, u64) {
        let query = "query($key: Key!) { processInstance(key: $key) { status variables } }";
        let found = self.graphql(query, json!({"key": key})).await["processInstance"].take();
        let state = found["status"].as_str().unwrap_or("lost").to_owned();
        (state, found["variables"]["steps"].as_u64().unwrap_or_default())
    }

    /// Whether the server knows everything that was acknowledged before it was started. What was seen to have ended is
    /// looked at again at the very end alone: a thousand kills would else spend their time on it.
    async fn check(&self, acknowledged: &Acknowledged, settled: &mut BTreeSet<String>) {
        let expected: Vec<(String, u64)> = {
            let known = known(acknowledged);
            let open = known.iter().filter(|(key, _)| !settled.contains(*key));
            open.map(|(key, steps)| (key.clone(), *steps)).collect()
        };
        for (key, steps) in expected {
            let (state, found) = self.instance(&key).await;
            assert_ne!(state, "lost", "instance {key} was acknowledged and is gone");
            // More than was acknowledged is right: the kill came between the commit and its answer.
            assert!((steps..=STEPS).contains(&found), "instance {key} had {steps} steps and has {found}");
            known(acknowledged).insert(key.clone(), found);
            if state == "COMPLETED" {
                settled.insert(key);
            }
        }
    }

    /// How many instances are open; at least one if there are some.
    async fn open(&self) -> usize {
        let query = "{ processInstances(first: 1, status: ACTIVE) { nodes { key } } }";
        let found = self.graphql(query, json!({})).await;
        found["processInstances"]["nodes"].as_array().map_or(0, Vec::len)
    }

    /// Entries of a kind that the trail has of an instance.
    async fn count(&self, kind: &str, instance: &str) -> u64 {
        let query = "query($instance: Key!, $kind: String!) { \
             trail(first: 100, instance: $instance, kindPrefix: $kind) { nodes { kind } } }";
        let found = self.graphql(query, json!({"instance": instance, "kind": kind})).await;
        found["trail"]["nodes"].as_array().map_or(0, Vec::len) as u64
    }
}
