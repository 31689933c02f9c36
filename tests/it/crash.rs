//! A process that is killed in the middle of a run loses nothing: the next start goes on and ends the same.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::procos::{Place, example};

const AIRCRAFT: &str = "light-aircraft/size-aircraft.bpmn";
/// Slow convergence, so that there is a middle to be killed in.
const VARIABLES: &str = r#"{"empty_mass_a": 2.4, "range_km": 1900}"#;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_aircraft_killed_half_way_resumes_and_ends_with_the_same_result() {
    let place = Place::empty();
    let file = example(AIRCRAFT);
    let arguments = ["run", &file, "--seed", "5", "--vars", VARIABLES, "--trace", "--json"];
    let undisturbed = place.procos(&arguments).fine();
    let passes = undisturbed.json_lines().iter().filter(|line| line["element"] == "takeoff_mass").count() / 2;
    assert!(passes > 20, "only {passes} passes: too short to be killed in the middle");

    let mut killed = place.start(&[&arguments[..], &["--data-dir", "data"]].concat());
    for _ in 0..passes / 3 {
        let done = |line: &str| line.contains(r#""completed""#) && line.contains(r#""takeoff_mass""#);
        killed.line(done).expect("it gets a third of the way");
    }
    killed.kill();
    let before = instance(&place);
    assert_eq!(before["state"], "active", "it was killed too late");

    // Whatever opens the directory to work in it takes up what was left; this run has nothing to do with it.
    let other = example("parallel-file-write.bpmn");
    let began = Instant::now();
    while instance(&place)["state"] == "active" {
        assert!(began.elapsed() < PATIENCE, "it does not go on");
        place.procos(&["run", &other, "--data-dir", "data"]).fine();
    }
    let key = before["key"].to_string();
    let shown = place
        .procos(&["ps", "--all", "--process", "size-aircraft", "--json", "--data-dir", "data"])
        .fine()
        .json();
    assert_eq!(shown["instances"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["instances"][0]["state"], "completed");
    let trail = place
        .procos(&["trail", "show", "--instance", &key, "--limit", "1000", "--json", "--data-dir", "data"])
        .fine();
    let text = trail.stdout;
    for name in ["takeoff_mass_kg", "iterations", "samples"] {
        let value = undisturbed.json()["variables"][name].to_string();
        assert!(text.contains(&format!(r#""{name}":{value}"#)), "{name} is not {value}");
    }
    place.procos(&["trail", "verify", "--data-dir", "data"]).fine();
}

fn instance(place: &Place) -> Value {
    let arguments = ["ps", "--all", "--process", "size-aircraft", "--json", "--data-dir", "data"];
    place.procos(&arguments).fine().json()["instances"][0].clone()
}
