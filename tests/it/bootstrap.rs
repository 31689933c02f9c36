//! `procos bootstrap`: the main job, its report, and what it says about bad input.

use serde_json::{Value, json};

use crate::procos::{Place, example};

fn ids(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

#[test]
fn the_light_aircraft_is_built_run_scored_and_reported_in_the_agreed_form() {
    let place = Place::empty();
    let file = example("light-aircraft/requirements.md");
    let report = place.procos(&["bootstrap", &file, "--json", "--data-dir", "data"]).fine().json();
    let fields: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected = vec![
        "system",
        "requirements",
        "allocated",
        "unallocated",
        "components",
        "functions",
        "processes",
        "interfaces",
        "constraints",
        "conflicts",
        "findings",
        "definitions",
        "runs",
        "scores",
        "seconds",
    ];
    expected.sort_unstable();
    let mut fields = fields;
    fields.sort_unstable();
    assert_eq!(fields, expected);
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} is no number"));
    assert!((40..=60).contains(&count("requirements")), "{}", report["requirements"]);
    assert_eq!(count("allocated") + ids_of_gaps(&report), count("requirements"));
    assert!(count("components") > 5 && count("functions") > 10 && count("processes") > 3);
    assert_eq!(report["definitions"].as_array().map(Vec::len), Some(count("processes") as usize));
    for run in report["runs"].as_array().expect("runs") {
        assert_eq!(run["state"], "completed", "{run}");
        assert!(run["process"].is_string() && run["instance"].is_i64());
    }
    for score in report["scores"].as_array().expect("scores") {
        let value = |name: &str| score[name].as_f64().unwrap_or_else(|| panic!("{name} in {score}"));
        assert!(value("low") <= value("average") && value("average") <= value("high"), "{score}");
        assert!(value("successes") <= value("attempts") && value("attempts") >= 1.0, "{score}");
    }
    assert!(!report["scores"].as_array().expect("scores").is_empty());

    let again = place.procos(&["bootstrap", &file, "--json", "--data-dir", "data", "--no-run"]).fine().json();
    for name in ["system", "requirements", "components", "functions", "processes", "definitions"] {
        assert_eq!(again[name], report[name], "{name} changed although the text did not");
    }
    let trail =
        place.procos(&["trail", "show", "--kind", "system.changed", "--json", "--data-dir", "data"]).fine();
    assert_eq!(trail.json_lines().len(), 1, "the same text again made a change set");
}

fn ids_of_gaps(report: &Value) -> u64 {
    report["unallocated"].as_array().expect("a list").len() as u64
}

#[test]
fn a_changed_text_is_a_new_change_set_and_what_is_wrong_is_named_by_the_sources_own_ids() {
    let place = Place::empty();
    let write = |more: &str| {
        let text = format!(
            "# Pump\n\n- R-1: The pump shall deliver at least 3 L/min.\n- R-2: The pump mass shall be at most 600 kg.\n\
             - R-3: The pump mass shall be at least 700 kg.\n- R-4: The pump shall be user-friendly.\n{more}"
        );
        place.file("needs.md", text)
    };
    let file = write("");
    let report = place.procos(&["bootstrap", &file, "--json", "--data-dir", "data"]).fine().json();
    assert_eq!((&report["system"], &report["requirements"]), (&json!("Pump"), &json!(4)));
    let conflicts = report["conflicts"].as_array().expect("a list");
    assert!(conflicts.iter().any(|conflict| ids(&conflict["requirements"]) == ["R-2", "R-3"]), "{report}");
    let findings = report["findings"].as_array().expect("a list");
    assert!(findings.iter().any(|finding| finding["id"] == "R-4" && finding["kind"] == "vague"), "{report}");

    write("- R-5: The pump shall stop within 2 s when the tank is empty.\n");
    let changed = place.procos(&["bootstrap", &file, "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(changed["requirements"], 5);
    let trail =
        place.procos(&["trail", "show", "--kind", "system.changed", "--json", "--data-dir", "data"]).fine();
    assert!(trail.json_lines().len() >= 2);
}

#[test]
fn ten_thousand_requirements_are_read_and_none_is_lost() {
    let place = Place::empty();
    let line = |i: usize| format!("{i},The unit {} shall weigh at most {} kg.\n", i % 40, i + 1);
    let csv: String = std::iter::once("id,text\n".to_owned()).chain((1..=10_000).map(line)).collect();
    let file = place.file("many.csv", csv);
    let report =
        place.procos(&["bootstrap", &file, "--no-run", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(report["requirements"], 10_000);
    let gaps = ids_of_gaps(&report);
    assert_eq!(report["allocated"].as_u64().map(|allocated| allocated + gaps), Some(10_000));
}

#[test]
fn a_file_that_holds_no_requirements_is_refused_with_a_way_out_and_nothing_is_stored() {
    let cases: [(&str, Vec<u8>); 4] = [
        ("empty.md", Vec::new()),
        ("binary.md", vec![0xff, 0xfe, 0x00, 0x80, 0x01]),
        ("long.md", "x".repeat(20 * 1024 * 1024).into_bytes()),
        ("twice.csv", b"id,text\nR-1,The pump shall run.\nR-1,The pump shall stop.\n".to_vec()),
    ];
    for (name, content) in cases {
        let place = Place::empty();
        let file = place.file(name, content);
        let ended = place.procos(&["bootstrap", &file, "--data-dir", "data"]);
        if ended.code == 0 {
            // A result that says what it could not do is as good as a refusal.
            assert!(ended.stdout.contains("R-1"), "{name}: {}", ended.stdout);
            continue;
        }
        assert_eq!(ended.code, 2, "{name}: {ended:?}");
        assert!(ended.error_code().starts_with("DAS-"), "{ended:?}");
        assert!(ended.stderr.contains("hint: "), "{name}: {}", ended.stderr);
        let left = place.procos(&["export", "--json", "--data-dir", "data"]).fine().json();
        assert_eq!(left, json!({"systems": [], "processes": []}), "{name}");
    }
}
