//! `procos run`: what it prints, how it ends, what it leaves behind.

use serde_json::{Value, json};

use crate::procos::{Place, example};

const AIRCRAFT: &str = "light-aircraft/size-aircraft.bpmn";

/// A process around `content` between a start `s` and an end `e`.
fn process(content: &str) -> String {
    format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/tests">
          <bpmn:process id="small" isExecutable="true">
            <bpmn:startEvent id="s"/>{content}<bpmn:endEvent id="e"/>
          </bpmn:process>
        </bpmn:definitions>"#
    )
}

const ONE_TASK: &str = r#"<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/><bpmn:task id="t"/>
    <bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/>"#;

const MESSAGE: &str = r#"<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
    <bpmn:intermediateCatchEvent id="t"><bpmn:messageEventDefinition messageRef="m"/></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/>"#;

fn with_message(content: &str) -> String {
    content.replace("</bpmn:definitions>", r#"<bpmn:message id="m" name="paid"/></bpmn:definitions>"#)
}

#[test]
fn a_trace_holds_one_pair_per_element_one_line_per_flow_and_the_state_last() {
    let place = Place::empty();
    let file = place.file("small.bpmn", process(ONE_TASK));
    for data in [&[][..], &["--data-dir", "data"], &["--dry-run"]] {
        let arguments = [&["run", &file, "--trace", "--json", "--vars", r#"{"x":1}"#][..], data].concat();
        let lines = place.procos(&arguments).fine().json_lines();
        let (last, trace) = lines.split_last().expect("there are lines");
        assert_eq!(*last, json!({"state": "completed", "variables": {"x": 1}}), "{arguments:?}");
        let told: Vec<String> = trace
            .iter()
            .map(|line| {
                format!(
                    "{} {} {}",
                    line["event"].as_str().unwrap(),
                    line["kind"].as_str().unwrap(),
                    line["element"].as_str().unwrap()
                )
            })
            .collect();
        let expected = [
            "activated startEvent s",
            "completed startEvent s",
            "taken sequenceFlow f1",
            "activated task t",
            "completed task t",
            "taken sequenceFlow f2",
            "activated endEvent e",
            "completed endEvent e",
        ];
        assert_eq!(told, expected, "{arguments:?}");
        let numbers: Vec<u64> = trace.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert_eq!(numbers, (1..=8).collect::<Vec<u64>>());
    }
}

#[test]
fn an_instance_that_waits_for_a_message_ends_as_waiting_and_completes_with_it() {
    let place = Place::empty();
    let file = place.file("wait.bpmn", with_message(&process(MESSAGE)));
    // In one directory the message would go to the instance that waits there already.
    let places: [[&[&str]; 2]; 3] =
        [[&[], &[]], [&["--dry-run"], &["--dry-run"]], [&["--data-dir", "one"], &["--data-dir", "two"]]];
    for [without, with] in places {
        let waits = place.procos(&[&["run", &file, "--json"][..], without].concat()).fine().json();
        assert_eq!(waits["state"], "waiting", "{without:?}");
        let arguments = [&["run", &file, "--json", "--message", r#"paid={"amount":3}"#][..], with].concat();
        let ended = place.procos(&arguments).fine().json();
        let found = (&ended["state"], &ended["variables"]["amount"]);
        assert_eq!(found, (&json!("completed"), &json!(3)), "{with:?}");
    }
}

#[test]
fn an_open_incident_with_nothing_ready_is_failed_with_exit_code_one() {
    let place = Place::empty();
    let gateway = r#"<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="g"/><bpmn:exclusiveGateway id="g"/>
        <bpmn:sequenceFlow id="f2" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=x &gt; 1</bpmn:conditionExpression></bpmn:sequenceFlow>"#;
    let file = place.file("stuck.bpmn", process(gateway));
    let ended = place.procos(&["run", &file, "--vars", r#"{"x": 1}"#, "--trace", "--json"]);
    assert_eq!((ended.code, ended.json()["state"].as_str()), (1, Some("failed")), "{ended:?}");
    let incident =
        ended.json_lines().iter().any(|line| line["event"] == "incident" && line["element"] == "g");
    assert!(incident, "{}", ended.stdout);
    assert!(ended.stderr.contains("at g"), "{}", ended.stderr);
}

#[test]
fn the_aircraft_converges_to_the_mass_that_the_equations_have_as_fixed_point() {
    let place = Place::empty();
    let ended = place.procos(&["run", &example(AIRCRAFT), "--seed", "7", "--json"]).fine().json();
    let value = |name: &str| ended["variables"][name].as_f64().unwrap_or_else(|| panic!("{name} is missing"));
    let cruise =
        (-value("range_km") * 1000.0 * 9.806_65 * (value("specific_fuel_consumption_kg_per_kwh") / 3.6e6)
            / (value("propeller_efficiency") * value("cruise_lift_to_drag")))
        .exp();
    let fuel = (1.0 + value("reserve_fraction")) * (1.0 - 0.970 * 0.985 * cruise * 0.995);
    let mut mass = 4.0 * (value("payload_kg") + value("crew_kg"));
    for _ in 0..200 {
        let empty = value("empty_mass_a") * mass.powf(value("empty_mass_c"));
        mass = (value("payload_kg") + value("crew_kg")) / (1.0 - fuel - empty);
    }
    assert!((value("takeoff_mass_kg") / mass - 1.0).abs() < 1e-5, "{} and {mass}", value("takeoff_mass_kg"));
    assert!((value("fuel_mass_kg") / (fuel * mass) - 1.0).abs() < 1e-5);
    let sum = value("empty_mass_kg") + value("fuel_mass_kg") + value("payload_kg") + value("crew_kg");
    assert!((sum / value("takeoff_mass_kg") - 1.0).abs() < 1e-9);
}

#[test]
fn the_same_seed_gives_the_same_aircraft_wherever_it_runs() {
    let place = Place::empty();
    let file = example(AIRCRAFT);
    let run = |more: &[&str]| {
        let arguments =
            [&["run", &file, "--seed", "11", "--vars", r#"{"range_km": 1090}"#, "--json"][..], more].concat();
        place.procos(&arguments).fine().json()
    };
    let first = run(&[]);
    assert!(first["variables"]["samples"].as_u64().unwrap() > 1, "{first}");
    assert_eq!(first, run(&[]));
    assert_eq!(first, run(&["--dry-run"]));
    assert_eq!(first, run(&["--data-dir", "data"]));
}

#[test]
fn an_aircraft_that_cannot_be_built_ends_with_an_incident_that_says_why() {
    let place = Place::empty();
    let ended = place.procos(&["run", &example(AIRCRAFT), "--vars", r#"{"range_km": 20000}"#, "--json"]);
    assert_eq!((ended.code, ended.json()["state"].as_str()), (1, Some("failed")));
    assert!(ended.stderr.contains("diverges"), "{}", ended.stderr);
}

#[test]
fn three_files_are_written_in_parallel_into_the_workspace_and_nowhere_else() {
    let place = Place::empty();
    let file = example("parallel-file-write.bpmn");
    let ended = place.procos(&["run", &file, "--data-dir", "data", "--json"]).fine().json();
    let contents = json!(["written by one", "written by two", "written by three"]);
    assert_eq!(ended["variables"]["contents"], contents);
    for (name, text) in [("one", "written by one"), ("two", "written by two"), ("three", "written by three")]
    {
        let path = place.path(&format!("data/workspace/parallel/{name}.txt"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
    let outside = place.procos(&["run", &file, "--vars", r#"{"folder": "../.."}"#, "--json"]);
    assert_eq!((outside.code, outside.json()["state"].as_str()), (1, Some("failed")));
}

#[test]
fn a_dry_run_writes_nothing_and_takes_the_results_it_is_given() {
    let place = Place::empty();
    let file = example("parallel-file-write.bpmn");
    let result = r#"read_one={"content": "given"}"#;
    let ended = place.procos(&["run", &file, "--dry-run", "--json", "--result", result]);
    assert_eq!(ended.json()["variables"]["oneContent"], "given", "{ended:?}");
    let left: Vec<_> = std::fs::read_dir(place.path(".")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_was_run_in_a_data_directory_is_found_there_afterwards() {
    let place = Place::empty();
    place.procos(&["run", &example(AIRCRAFT), "--data-dir", "data", "--seed", "3"]).fine();
    let listed = place.procos(&["ps", "--all", "--json", "--data-dir", "data"]).fine().json();
    let instance = &listed["instances"][0];
    assert_eq!((&instance["process"], &instance["state"]), (&json!("size-aircraft"), &json!("completed")));
    let scores = place.procos(&["scores", "--json", "--data-dir", "data"]).fine().json();
    let of = |subject: &str| -> Value {
        let rows = scores["scores"].as_array().unwrap();
        rows.iter()
            .find(|row| row["subject"] == subject)
            .unwrap_or_else(|| panic!("{subject} in {scores}"))
            .clone()
    };
    assert_eq!(of("size-aircraft")["attempts"], 1);
    let margin = of("size-aircraft/range_margin");
    assert_eq!(margin["attempts"], 1);
    assert!(
        margin["low"].as_f64() < margin["average"].as_f64()
            && margin["average"].as_f64() < margin["high"].as_f64()
    );
    let key = instance["key"].to_string();
    let trail = place
        .procos(&["trail", "show", "--instance", &key, "--limit", "1000", "--json", "--data-dir", "data"])
        .fine();
    assert!(trail.json_lines().len() > 40);
    place.procos(&["trail", "verify", "--data-dir", "data"]).fine();
}
