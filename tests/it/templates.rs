//! `procos template`: how tasks are executed, taken out, edited and taken in again.

use crate::procos::Place;

const COMPUTES: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/tests">
  <bpmn:process id="small" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
    <bpmn:serviceTask id="t"><bpmn:extensionElements><procos:task by="feel"><procos:compute variable="x" expression="=1"/></procos:task>
    </bpmn:extensionElements></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/><bpmn:endEvent id="e"/>
  </bpmn:process></bpmn:definitions>"#;

#[test]
fn an_edited_template_changes_how_tasks_are_executed_and_a_broken_one_is_refused() {
    let place = Place::empty();
    let file = place.file("small.bpmn", COMPUTES);
    let run = || place.procos(&["run", &file, "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(run()["variables"]["x"], 1);
    let template = place.path("tde.bpmn").display().to_string();
    place.procos(&["template", "tde", "-o", &template, "--data-dir", "data"]).fine();
    let built_in = std::fs::read_to_string(&template).unwrap();
    let edited = built_in.replace(r#"=executor = "feel""#, r#"=executor = "never""#);
    assert_ne!(edited, built_in);
    place.file("tde.bpmn", &edited);
    place.procos(&["import", &template, "--data-dir", "data"]).fine();
    assert_eq!(run()["variables"].get("x"), None, "what computes is passed through now");
    place.file("tde.bpmn", edited.replace("procos:record", "procos:pass through"));
    let refused = place.procos(&["import", &template, "--data-dir", "data"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("KERNEL-0001"), "{refused:?}");
    assert_eq!(run()["variables"].get("x"), None, "the last good one stays");
    let listed = place.procos(&["template", "--json", "--data-dir", "data"]).fine().json();
    let built_in: Vec<(&str, bool)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["isBuiltIn"].as_bool().unwrap()))
        .collect();
    assert_eq!(built_in, [("pdo", true), ("tde", false)]);
}
