//! Exact results and the formulas of queueing theory.

use super::{Exact, cases, credit, station};

#[test]
fn the_credit_process_has_its_known_probabilities_visits_and_utilisation() {
    let model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    let exact = Exact::of(&model).unwrap();
    assert!((exact.ends[0] - 0.8 / 0.96).abs() < 1e-12);
    assert!((exact.visits.iter().sum::<f64>() - (2.0 + 2.2 / 0.96)).abs() < 1e-12);
    // 36 an hour, a cent a second: the cost is the work.
    assert!(
        (exact.load.as_ref().unwrap().cost - exact.load.as_ref().unwrap().work.iter().sum::<f64>() / 100.0)
            .abs()
            < 1e-9
    );
    assert!((exact.load.as_ref().unwrap().utilisation[2] - 1200.0 / 0.96 / 1800.0).abs() < 1e-12);
}

#[test]
fn gradients_are_what_small_changes_give() {
    let of = |offer: f64| Exact::of(&credit(&format!("share=\"{offer}\""), "share=\"0.2\"", "")).unwrap();
    let slope = (of(0.8001).ends[0] - of(0.7999).ends[0]) / 0.0002;
    let found =
        of(0.8).gradients.into_iter().find(|it| it.choice == "decide" && it.end == "offered").unwrap();
    assert!((found.slope - slope).abs() < 1e-6, "{} against {slope}", found.slope);
}

#[test]
fn simulated_ends_visits_and_utilisation_agree_with_the_exact_ones() {
    let model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    let found = cases(&model, 100_000);
    let exact = found.exact.clone().unwrap();
    let near = |what: &str, of: &str, expected: f64| {
        let estimate = found.estimate(what, of).unwrap();
        let error = (estimate.value - expected).abs();
        assert!(error <= 2.0 * estimate.half_width() + 1e-9, "{what} {of}: {estimate:?} against {expected}");
    };
    near("end", "offered", exact.ends[0]);
    for (activity, visits) in model.activities.iter().zip(&exact.visits) {
        near("visits", &activity.id, *visits);
    }
    for (resource, utilisation) in model.resources.iter().zip(&exact.load.as_ref().unwrap().utilisation) {
        near("utilisation", &resource.id, *utilisation);
    }
    near("cost", "", exact.load.as_ref().unwrap().cost);
}

#[test]
fn without_contention_the_mean_cycle_time_is_exact() {
    let mut model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    model.arrivals = None;
    let found = cases(&model, 200_000);
    let duration = found.estimate("duration", "").unwrap();
    assert!((duration.value - (1400.0 + 1812.0 / 0.96)).abs() < 2.0 * duration.half_width(), "{duration:?}");
}

/// The mean wait in a queue, against a formula.
fn wait(duration: &str, capacity: u32, expected: f64) {
    let found = cases(&station(duration, capacity), 400_000);
    let estimate = found.estimate("wait", "t").unwrap();
    let error = (estimate.value - expected).abs();
    assert!(
        error < 2.0 * estimate.half_width() && error / expected < 0.06,
        "{duration}: {estimate:?}, {expected}"
    );
    // Little's law: the queue is arrivals × wait.
    let queue = found.estimate("queue", "r").unwrap();
    assert!((queue.value * 100.0 / estimate.value - 1.0).abs() < 0.05);
}

#[test]
fn one_server_waits_as_pollaczek_and_khinchine_say() {
    // W = λ E[S²] / 2(1 − ρ), λ = 1/100.
    wait("exponential(60)", 1, 0.01 * 2.0 * 60.0 * 60.0 / (2.0 * 0.4));
    wait("60", 1, 0.01 * 60.0 * 60.0 / (2.0 * 0.4));
    wait("uniform(0, 120)", 1, 0.01 * 120.0 * 120.0 / 3.0 / (2.0 * 0.4));
    wait("lognormal(60, 60)", 1, 0.01 * 2.0 * 60.0 * 60.0 / (2.0 * 0.4));
}

#[test]
fn several_servers_wait_as_erlang_says() {
    // Erlang C for 3 servers with an offered load of 2: P(wait) = 4/9; W = P(wait) · S / (c − a).
    wait("exponential(200)", 3, 4.0 / 9.0 * 200.0);
}

#[test]
fn a_saturated_resource_is_said_before_simulating() {
    let exact = Exact::of(&station("exponential(125)", 1)).unwrap();
    assert!(exact.is_saturated());
    // 36 cases an hour arrive, 28.8 are served.
    assert!((exact.load.as_ref().unwrap().backlog_per_hour[0] - 7.2).abs() < 1e-9);
    assert!(!cases(&station("exponential(125)", 1), 1_000).warm_up.settled);
}

#[test]
fn the_exact_interval_of_an_outcome_is_that_of_its_posterior() {
    let model = credit("count=\"16\"", "count=\"3\"", "");
    let mut model = model;
    model.arrivals = None;
    let found = cases(&model, 20_000);
    let (low, high) = found.estimate("end", "offered").unwrap().parameter.unwrap();
    // Beta(17, 5) and Beta(4, 18) through x = p / (1 − (1 − p) q), by numerical integration.
    assert!((low - 0.630).abs() < 0.02 && (high - 0.940).abs() < 0.02, "{low} {high}");
}
