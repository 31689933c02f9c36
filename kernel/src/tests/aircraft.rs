//! The light aircraft: the feedback loop finds the fixed point, the range margin gets a verdict, nobody lives on.

use engine::ProcessEngine;
use engine::port::{DeployFile, Status};
use serde_json::json;

use super::{Bed, variables};
use crate::{DryRunOptions, DryRunState, dry_run};

const AIRCRAFT: &str = include_str!("../../../examples/light-aircraft/size-aircraft.bpmn");

struct Sized {
    takeoff: f64,
    empty: f64,
    fuel: f64,
}

/// The same sizing, computed here: carried mass, range, lift-to-drag, propeller efficiency, specific fuel
/// consumption, reserve, and the two coefficients of the empty mass.
fn size([carried, range_km, lift_to_drag, efficiency, sfc, reserve, a, c]: [f64; 8]) -> Sized {
    let per_joule = sfc / 3.6e6;
    let cruise = (-range_km * 1e3 * 9.80665 * per_joule / (efficiency * lift_to_drag)).exp();
    let fuel_fraction = (1.0 + reserve) * (1.0 - 0.970 * 0.985 * cruise * 0.995);
    let mut mass = 500.0;
    for _ in 0..500 {
        mass = carried / (1.0 - fuel_fraction - a * f64::powf(mass, c));
    }
    let fuel = fuel_fraction * mass;
    Sized { takeoff: mass, fuel, empty: mass - fuel - carried }
}

fn close(found: &serde_json::Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found / expected - 1.0).abs() < 2e-6, "{found} against {expected}");
}

#[tokio::test]
async fn the_aircraft_converges_to_the_independent_fixed_point_and_nobody_lives_on() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    let done = bed.run("size-aircraft", variables(json!({})), 42).await;
    assert_eq!(done.status, Status::Completed, "{:?}", bed.engine.incidents(None).await);
    let expected = size([200.0, 1000.0, 11.0, 0.8, 0.28, 0.06, 1.68, -0.18]);
    assert!((500.0..700.0).contains(&expected.takeoff), "{}", expected.takeoff);
    close(&done.variables["takeoff_mass_kg"], expected.takeoff);
    close(&done.variables["empty_mass_kg"], expected.empty);
    close(&done.variables["fuel_mass_kg"], expected.fuel);
    let iterations = done.variables["iterations"].as_i64().unwrap();
    assert!((3..40).contains(&iterations), "{iterations}");
    assert!(["meets", "misses"].contains(&done.variables["outcome"].as_str().unwrap()));
    bed.empty().await;
    assert!(bed.parts.census.born() > 10);
    bed.stop().await;
}

#[tokio::test]
async fn other_inputs_give_their_own_fixed_point() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    let inputs = json!({
        "payload_kg": 60, "crew_kg": 90, "range_km": 700, "cruise_lift_to_drag": 13, "propeller_efficiency": 0.82,
        "specific_fuel_consumption_kg_per_kwh": 0.26, "reserve_fraction": 0.1, "empty_mass_a": 1.4, "empty_mass_c": -0.15,
    });
    let done = bed.run("size-aircraft", variables(inputs), 1).await;
    let expected = size([150.0, 700.0, 13.0, 0.82, 0.26, 0.1, 1.4, -0.15]);
    close(&done.variables["takeoff_mass_kg"], expected.takeoff);
    bed.stop().await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_verdict_and_another_seed_other_draws() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    let mut results = Vec::new();
    for seed in [7, 7, 8] {
        results.push(
            bed.run("size-aircraft", variables(json!({})), seed).await.variables["range_margin"].clone(),
        );
    }
    assert_eq!(results[0], results[1]);
    assert_ne!(results[0]["values"], results[2]["values"]);
    assert!(results[0]["samples"].as_u64().unwrap() >= 5);
    bed.stop().await;
}

#[tokio::test]
async fn an_aircraft_that_diverges_stops_with_an_incident_that_says_why() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    for (inputs, reason) in [
        (json!({"range_km": 20_000}), "diverges"),
        (json!({"empty_mass_a": 1.2, "empty_mass_c": 0.3}), "diverges"),
        (json!({"cruise_lift_to_drag": -1}), "positive"),
    ] {
        let key = bed.start("size-aircraft", variables(inputs), 1).await;
        bed.until(key, |instance| instance.incidents > 0).await;
        let incidents = bed.engine.incidents(Some(key)).await.unwrap();
        assert!(incidents[0].message.contains(reason), "{incidents:?}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn an_aircraft_that_swings_without_end_stops_after_two_hundred_iterations() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    // m ← 200/(1 − f − a·m^c) with this a and c has a slope beyond −1 at its fixed point: it swings.
    let inputs = json!({
        "range_km": 0, "reserve_fraction": 0, "empty_mass_a": 200, "empty_mass_c": -1,
    });
    let key = bed.start("size-aircraft", variables(inputs), 1).await;
    let stopped =
        bed.until(key, |instance| instance.incidents > 0 || instance.status != Status::Active).await;
    assert_eq!(stopped.incidents, 1, "{stopped:?}");
    bed.stop().await;
}

#[tokio::test]
async fn a_dry_run_gives_what_the_run_gives() {
    let bed = Bed::new().await;
    bed.deploy(AIRCRAFT).await;
    let run = bed.run("size-aircraft", variables(json!({"range_km": 900})), 12).await;
    bed.stop().await;
    let file = DeployFile { name: "a.bpmn".to_owned(), content: AIRCRAFT.as_bytes().to_vec() };
    let options = DryRunOptions {
        variables: variables(json!({"range_km": 900})),
        seed: 12,
        ..DryRunOptions::default()
    };
    let dry = dry_run(vec![file], options).await.unwrap();
    assert_eq!((dry.state, &dry.variables), (DryRunState::Completed, &run.variables));
}
