//! What DAS may watch and do, on the command line: consent, policies, proposals that are taken back, the machine.

use crate::procos::Place;

const ONE: &str = "# Pump\n\n- R-1: The pump shall move water.\n";
const TWO: &str = "# Pump\n\n- R-1: The pump shall move water.\n- R-2: The motor shall turn the pump.\n";

#[test]
fn a_changed_source_is_proposed_accepted_and_taken_back() {
    let place = Place::empty();
    let one = place.file("one.md", ONE);
    place.procos(&["bootstrap", &one, "--name", "Pump", "--no-run", "--data-dir", "data"]).fine();
    let two = place.file("two.md", TWO);
    let propose: [&str; 8] =
        ["bootstrap", &two, "--name", "Pump", "--propose", "--json", "--data-dir", "data"];
    let made = place.procos(&propose).fine().json();
    let id = made["id"].as_str().unwrap().to_owned();
    let requirements = || {
        let exported = place.procos(&["export", "Pump", "--format", "json", "--data-dir", "data"]).fine();
        exported.stdout.matches("\"R-2\"").count()
    };
    assert_eq!(requirements(), 0, "nothing is built before it is accepted");
    let shown = place.procos(&["proposals", "show", &id, "--data-dir", "data"]).fine();
    assert!(shown.stdout.contains("+ requirement  R-2: The motor shall turn the pump."), "{}", shown.stdout);
    place.procos(&["proposals", "accept", &id, "--data-dir", "data"]).fine();
    assert!(requirements() > 0);
    let back = place.procos(&["proposals", "back", &id, "--reason", "not yet", "--data-dir", "data"]).fine();
    assert!(back.stdout.contains("taken back"), "{}", back.stdout);
    assert_eq!(requirements(), 0);
    let again = place.procos(&["proposals", "back", &id, "--data-dir", "data"]);
    assert_eq!((again.code, again.error_code().as_str()), (2, "DAS-0024"));
    let all = place.procos(&["proposals", "list", "--all", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(all["proposals"][0]["state"], "TAKEN_BACK");
}

#[test]
fn consent_and_policies_are_said_and_read_back_and_stand_in_the_trail() {
    let place = Place::empty();
    std::fs::create_dir_all(place.path("data")).unwrap();
    let ask = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--json", "--data-dir", "data"]);
        place.procos(&all).fine().json()
    };
    assert_eq!(ask(&["watch", "consent"])["given"], false, "off until somebody switches it on");
    assert_eq!(ask(&["watch", "consent", "on"])["given"], true);
    assert_eq!(ask(&["watch", "consent"])["by"], "local");
    assert_eq!(ask(&["watch", "consent", "off", "--forget"])["given"], false);
    assert_eq!(ask(&["watch", "forget"])["forgotten"], 0);
    assert_eq!(ask(&["watch", "suggestions"])["suggestions"].as_array().map(Vec::len), Some(0));
    let none = place.procos(&["watch", "dismiss", "disk-filling:disk", "--data-dir", "data"]);
    assert_eq!((none.code, none.error_code().as_str()), (2, "DAS-0022"));

    let saved =
        ask(&["policy", "save", "budgets", "--change", "budget", "--kind", "undecided", "--per-day", "2"]);
    assert_eq!(saved["policies"][0]["enabled"], true);
    assert_eq!(ask(&["policy", "off", "budgets"])["policies"][0]["enabled"], false);
    assert_eq!(ask(&["policy", "show", "budgets"])["policies"].as_array().unwrap().len(), 2);
    let wrong = place.procos(&["policy", "save", "b", "--change", "everything", "--data-dir", "data"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("it is none of budget, attempts"), "{}", wrong.stderr);

    let trail = place.procos(&["trail", "show", "--json", "--data-dir", "data"]).fine();
    let kinds: Vec<String> = trail
        .json_lines()
        .iter()
        .map(|event| event["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    for kind in ["consent.given", "consent.withdrawn", "policy.saved", "policy.switched_off"] {
        assert!(kinds.iter().any(|other| other == kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn the_machine_is_shown() {
    let place = Place::empty();
    std::fs::create_dir_all(place.path("data")).unwrap();
    let state = place.procos(&["watch", "--json", "--data-dir", "data"]).fine().json();
    assert!(state["diskFreeBytes"].as_f64().unwrap() > 0.0, "{state}");
    assert!(state["diskTotalBytes"].as_f64() >= state["diskFreeBytes"].as_f64(), "{state}");
    assert_eq!(
        (&state["outbox"], &state["engine"]["ok"], &state["memory"]["ok"]),
        (&0.into(), &true.into(), &true.into())
    );
    let table = place.procos(&["watch", "--data-dir", "data"]).fine();
    assert!(table.stdout.contains("disk") && table.stdout.contains("process engine"), "{}", table.stdout);
}
