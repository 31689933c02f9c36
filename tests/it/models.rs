//! Language models by name, what is found out about them, and what a run leaves in the trail.

use llm::Dialect;
use llm::scripted::{ScriptedServer, speaking};
use serde_json::Value;

use crate::procos::{Ended, Place};

const JUDGES: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/tests">
  <bpmn:process id="judges" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
    <bpmn:serviceTask id="t"><bpmn:extensionElements><procos:task by="model" model="judge"><procos:prompt>Is it covered?</procos:prompt>
      <procos:outcome label="covered"/><procos:outcome label="not covered"/></procos:task></bpmn:extensionElements></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/><bpmn:endEvent id="e"/>
  </bpmn:process></bpmn:definitions>"#;

/// A place with two models, both in `[models]` and one also the default.
async fn place() -> (Place, ScriptedServer, ScriptedServer) {
    let of = |dialect| ScriptedServer::start(move |received| speaking(dialect, received, "hello"));
    let (default, judge) = (of(Dialect::Ollama).await.unwrap(), of(Dialect::Vllm).await.unwrap());
    let place = Place::empty();
    let configuration = format!(
        "[model]\nbase_url = \"{}\"\nmodel = \"scripted-1\"\n\
         [models.judge]\nbase_url = \"{}\"\nmodel = \"scripted-1\"\napi_key = \"sk-very-secret\"\n",
        default.base_url(),
        judge.base_url()
    );
    place.file("procos.toml", configuration);
    (place, default, judge)
}

/// Runs a command in the place, beside the servers.
fn procos(place: &Place, arguments: &[&str]) -> Ended {
    let arguments = [arguments, &["--config", "procos.toml", "--data-dir", "data"]].concat();
    tokio::task::block_in_place(|| place.procos(&arguments))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_shows_what_each_model_can_do_and_never_a_key() {
    let (place, _default, judge) = place().await;
    let ended = procos(&place, &["doctor", "--json"]);
    let said = ended.json();
    let checks: Vec<&Value> =
        said["checks"].as_array().unwrap().iter().filter(|check| check["name"] == "language model").collect();
    let text = |place: usize| checks[place]["text"].as_str().unwrap();
    assert!(text(0).starts_with("default: scripted-1") && text(0).contains("(Ollama)"), "{}", text(0));
    assert!(text(0).contains("JSON Schema, no several answers a request"), "{}", text(0));
    assert!(text(1).starts_with("judge: scripted-1") && text(1).contains("(vLLM)"), "{}", text(1));
    assert!(text(1).contains("JSON Schema, several answers a request"), "{}", text(1));
    assert!(!ended.stdout.contains("sk-very-secret"));
    let keys: Vec<_> = judge.received().iter().filter_map(|sent| sent.authorization.clone()).collect();
    assert!(keys.iter().all(|key| key == "Bearer sk-very-secret") && !keys.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_done_by_the_model_it_names_and_the_trail_says_so() {
    let (place, default, judge) = place().await;
    let file = place.file("judges.bpmn", JUDGES);
    let done = procos(&place, &["run", &file, "--json"]).fine().json();
    assert_eq!(done["variables"]["outcome"], "covered");
    assert!(default.received().is_empty() && !judge.received().is_empty());
    let trail = procos(&place, &["trail", "show", "--kind", "model.called", "--json"]).fine();
    assert!(
        trail.stdout.contains("prompt_sha256") && trail.stdout.contains("scripted-1"),
        "{}",
        trail.stdout
    );
    assert!(!trail.stdout.contains("sk-very-secret"));
}
