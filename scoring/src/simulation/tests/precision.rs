//! Precision instead of a run length, warm-up, calendars and priorities.

use super::super::{Ended, Law, Plan, Settings, tornado};
use super::{cases, credit, model, simulate, station};

fn until(model: &super::Model, precision: f64, seed: u64) -> super::Result {
    simulate(model, &Settings { plan: Plan::Precision(precision), seed, threads: 2, limit: None }, &|_, _| {})
}

#[test]
fn a_precision_is_reached_and_holds() {
    let mut model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    model.arrivals = None;
    let truth = 1400.0 + 1812.0 / 0.96;
    let mut outside = 0;
    for seed in 0..60 {
        let found = until(&model, 0.01, seed);
        let duration = found.estimate("duration", "").unwrap();
        assert!(
            found.ended == Ended::Precise && duration.half_width() / duration.value < 0.01,
            "{:?}",
            found.trace
        );
        outside += i32::from((duration.value / truth - 1.0).abs() > 0.01);
    }
    // 5 % of 60 are 3; beyond 9 is a chance of less than one in a thousand.
    assert!(outside <= 9, "{outside} of 60 runs were further off than they said");
}

#[test]
fn simulating_stops_where_only_more_observations_would_help() {
    let found = until(&credit("count=\"16\"", "count=\"3\"", "observed=\"100\""), 0.001, 4);
    assert_eq!(found.ended, Ended::ParametersDominate);
    let duration = found.estimate("duration", "").unwrap();
    let (low, high) = duration.parameter.unwrap();
    assert!(duration.half_width() < 0.1 * (high - low));
    // One assessor at 69 % load: with few observations it may well be too much.
    let saturated = found.posterior.unwrap().saturated;
    assert!((0.0..0.2).contains(&saturated), "{saturated}");
}

#[test]
fn half_widths_shrink_along_the_trace() {
    let found = until(&station("exponential(60)", 1), 0.02, 4);
    let (first, last) = (found.trace.first().unwrap(), found.trace.last().unwrap());
    assert!(first.half_width > last.half_width && first.cases < last.cases);
    assert!(found.warm_up.settled);
}

#[test]
fn tasks_of_higher_priority_wait_less() {
    let model = model(
        r#"<bpmn:extensionElements><procos:simulation arrivals="exponential(100)"><procos:resource id="r"/>
        </procos:simulation></bpmn:extensionElements><bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g"/>
        <bpmn:task id="vip"><bpmn:extensionElements><procos:simulation duration="exponential(80)" resource="r" priority="5"/>
        </bpmn:extensionElements></bpmn:task>
        <bpmn:task id="usual"><bpmn:extensionElements><procos:simulation duration="exponential(80)" resource="r"/>
        </bpmn:extensionElements></bpmn:task><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <bpmn:sequenceFlow id="b" sourceRef="g" targetRef="vip"><bpmn:extensionElements><procos:simulation share="0.5"/>
        </bpmn:extensionElements></bpmn:sequenceFlow>
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="usual"/>
        <bpmn:sequenceFlow id="d" sourceRef="vip" targetRef="e"/><bpmn:sequenceFlow id="f" sourceRef="usual" targetRef="e"/>"#,
    );
    let found = cases(&model, 400_000);
    // Cobham: W₁ = W₀/(1 − ρ₁), W₂ = W₁/(1 − ρ) with W₀ = λ E[S²]/2 = 64, ρ₁ = 0.4, ρ = 0.8.
    for (task, expected) in [("vip", 64.0 / 0.6), ("usual", 64.0 / 0.6 / 0.2)] {
        let wait = found.estimate("wait", task).unwrap();
        assert!((wait.value / expected - 1.0).abs() < 0.08, "{task}: {wait:?} against {expected}");
    }
}

#[test]
fn a_resource_with_office_hours_lets_cases_wait_over_night() {
    let mut model = station("exponential(30)", 1);
    model.resources[0].calendar = Some("Mon-Sun 00:00-12:00".parse().unwrap());
    let found = cases(&model, 500_000);
    let utilisation = found.estimate("utilisation", "r").unwrap();
    assert!((utilisation.value - 0.6).abs() < 0.02, "{utilisation:?}");
    // Half of the cases come while it is closed: those wait six hours on the average, and for those before them.
    assert!(found.estimate("wait", "t").unwrap().value > 10_000.0);
}

#[test]
fn the_tornado_puts_first_what_moves_most() {
    let mut model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    model.arrivals = None;
    model.activities[2].law = Law::Exponential(12_000.0);
    let bars = tornado(&model, 1, (10, 500, 0));
    assert_eq!((bars[0].of.as_str(), bars[0].observed), ("assess", false));
    assert!((bars[0].change.1 - 1_200.0 / 0.96).abs() < 100.0, "{:?}", bars[0]);
}
