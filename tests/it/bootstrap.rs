//! `procos bootstrap`: the main job, its report, and what it says about bad input.

use llm::scripted::{Reply, ScriptedServer};
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

/// What the scripted model says about [`GREENHOUSE`]: good suggestions, and one about a requirement that is not there.
fn suggestions() -> Value {
    let row = |id: &str, op: &str, label: Option<&str>, children: &[&str]| {
        json!({"id": id, "op": op, "label": label, "actor": null, "children": children, "conditions": [], "labels": [],
            "condition": null, "order": [], "assumed": true, "documentation": null, "reads": [], "makes": [], "sends_to": null,
        "receives_from": null})
    };
    json!({
        "readings": [{"requirement": "R-4", "subject": "greenhouse", "condition": null,
            "response": "stop watering after 10 minutes", "confidence": 0.9}],
        "parts": [{"name": "Irrigation", "parent": "C-greenhouse", "description": "Waters the plants.", "confidence": 0.8},
            {"name": "Pump", "parent": "Irrigation", "description": null, "confidence": 0.7}],
        "allocations": [{"requirement": "R-3", "part": "Pump", "quote": "water the plants", "why": "A pump moves the water.",
            "alternatives": [{"part": "C-lamp", "why_not": "it gives light, no water"}], "confidence": 0.8},
            {"requirement": "R-99", "part": "Pump", "quote": "anything", "why": "It sounds right.", "alternatives": [],
            "confidence": 1.0}],
        "functions": [{"name": "move water", "part": "Pump", "requirements": ["R-3"], "confidence": 0.7}],
        "interfaces": [],
        "budgets": [{"part": "C-greenhouse", "property": "mass", "unit": "kg", "requirements": ["R-1"], "confidence": 0.6,
            "shares": [{"part": "Irrigation", "value": 120.0}, {"part": "C-lamp", "value": 30.0}]}],
        "processes": [{"name": "Water the plants", "part": "Irrigation", "requirements": ["R-3"], "root": "r", "confidence": 0.6,
            "nodes": [row("r", "sequence", None, &["open", "shut"]),
                row("open", "activity", Some("Open valve"), &[]), row("shut", "activity", Some("Shut valve"), &[])]}]
    })
}

const GREENHOUSE: &str = "# Greenhouse\n\n- R-1: The greenhouse shall have a mass of at most 200 kg.\n\
    - R-2: The greenhouse shall keep the air warm.\n\
    - R-3: When the soil is dry, the greenhouse shall water the plants.\n\
    - R-4: Watering stops after 10 minutes.\n- R-5: The lamp shall light the plants.\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_model_fills_what_the_rules_leave_open_once_and_every_count_is_computed() {
    let answer = suggestions().to_string();
    let server = ScriptedServer::start(move |_| Reply::Text(answer.clone())).await.expect("it listens");
    let place = Place::empty();
    let settings =
        format!("[model]\nbase_url = {:?}\nmodel = \"scripted-1\"\nretries = 0\n", server.base_url());
    place.file("procos.toml", settings);
    let file = place.file("needs.md", GREENHOUSE);
    let procos = |arguments: &[&str]| {
        let all = [arguments, &["--config", "procos.toml", "--data-dir", "data"]].concat();
        tokio::task::block_in_place(|| place.procos(&all)).fine()
    };
    let asked = || server.received().iter().filter(|one| one.path.ends_with("/chat/completions")).count();

    let rules = procos(&["bootstrap", &file, "--json"]).json();
    assert_eq!((&rules["allocated"], &rules["model"], asked()), (&json!(4), &Value::Null, 0));
    let report = procos(&["bootstrap", &file, "--with-model", "--json"]).json();
    let model = &report["model"];
    assert_eq!((&report["allocated"], &report["requirements"]), (&json!(5), &json!(5)));
    assert_eq!((&model["name"], &model["accepted"]), (&json!("scripted-1"), &json!(7)), "{model}");
    let left_out = model["leftOut"].as_array().expect("a list");
    assert!(left_out.len() == 1 && left_out[0]["what"].to_string().contains("R-99"), "{model}");
    assert!(model["tokens"].as_u64() > Some(0) && model["rounds"] == 2);
    let runs = report["runs"].as_array().expect("runs");
    assert!(runs.iter().all(|run| run["state"] == "completed"), "{runs:?}");
    assert!(report["processes"].as_u64() > Some(runs.len() as u64), "what the model drew waits for a start");

    let calls = asked();
    let text = procos(&["bootstrap", &file, "--with-model"]).stdout;
    assert!(text.contains("of the model scripted-1: 1 allocations, 1 budgets, 1 functions"), "{text}");
    procos(&["bootstrap", &file]);
    assert_eq!(asked(), calls, "the same text asks nobody again");
    let changes = procos(&["trail", "show", "--kind", "system.changed", "--json"]);
    assert_eq!(changes.json_lines().len(), 2, "rules, then the model; the same again changes nothing");
    assert!(procos(&["prompt", "list"]).stdout.contains("das/bootstrap"));
    assert!(procos(&["trail", "show", "--kind", "model.called", "--json"]).stdout.contains("scripted-1"));
    let remembered = procos(&["memory", "recall", "greenhouse soil dry", "--json"]).json();
    let hits = remembered["hits"].as_array().expect("hits");
    assert!(hits.iter().any(|hit| hit["payload"]["type"] == "model_call"), "{remembered}");

    let back = procos(&["bootstrap", &file, "--without-model", "--json"]).json();
    assert_eq!((&back["allocated"], &back["components"]), (&rules["allocated"], &rules["components"]));
}
