//! A process that is killed in the middle of a run loses nothing: the next start goes on and ends the same.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

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

    let (_server, address) = place.serve();
    let began = Instant::now();
    while instance(&place)["state"] == "active" {
        assert!(began.elapsed() < PATIENCE, "it does not go on");
    }
    let ended = instance(&place);
    assert_eq!((&ended["key"], &ended["state"]), (&before["key"], &json!("completed")));
    assert_eq!(variables(&address, &before["key"]), undisturbed.json()["variables"]);
    place.procos(&["trail", "verify", "--data-dir", "data"]).fine();
}

fn instance(place: &Place) -> Value {
    let arguments = ["ps", "--all", "--process", "size-aircraft", "--json", "--data-dir", "data"];
    place.procos(&arguments).fine().json()["instances"][0].clone()
}

/// Variables of an instance, as the API gives them.
fn variables(address: &str, key: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let query = "query($key: Key!) { processInstance(key: $key) { variables } }";
    let asked = json!({"query": query, "variables": {"key": key.to_string()}});
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.post(format!("{address}/graphql")).json(&asked).send().await.expect("it answers");
        let mut answer: Value = answer.json().await.expect("JSON");
        answer["data"]["processInstance"]["variables"].take()
    })
}
