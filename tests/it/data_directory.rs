//! A data directory: what it knows from the start, who may open it, and that what is in it can be trusted and moved.

use serde_json::json;

use crate::procos::{Place, example};

#[test]
fn memory_knows_how_to_create_a_file_from_the_first_start() {
    let place = Place::empty();
    let recall = ["memory", "recall", "create a file", "--kind", "bpmn", "--json", "--data-dir", "data"];
    let found = place.procos(&recall).fine().json();
    assert_eq!(found["hits"][0]["payload"]["process"], "file_create", "{found}");
    let count = |place: &Place| {
        place.procos(&["memory", "export", "--data-dir", "data"]).fine().stdout.lines().count()
    };
    let first = count(&place);
    assert!(first > 5);
    assert_eq!(count(&place), first, "a second start changes nothing");

    let id = found["hits"][0]["id"].as_str().expect("an id").to_owned();
    place.procos(&["memory", "show", &id, "--data-dir", "data"]).fine();
    let everything = place.procos(&["memory", "forget", "--data-dir", "data"]);
    assert_eq!((everything.code, everything.error_code().as_str()), (2, "CLI-0013"));
    let unknown = place.procos(&["memory", "show", "no such entry", "--data-dir", "data"]);
    assert_eq!((unknown.code, unknown.error_code().as_str()), (2, "CLI-0012"));
}

#[test]
fn an_entry_that_was_changed_in_the_database_is_named_by_trail_verify() {
    let place = Place::empty();
    place.procos(&["run", &example("parallel-file-write.bpmn"), "--data-dir", "data"]).fine();
    let whole = place.procos(&["trail", "verify", "--json", "--data-dir", "data"]).fine().json();
    assert!(whole["broken"].is_null() && whole["entries"].as_i64() > Some(10), "{whole}");

    // Somebody rewrites history behind the back of ProcOS: a few bytes of the file, of the same length.
    let path = place.path("data/procos.db");
    let mut bytes = std::fs::read(&path).expect("the database is a file");
    let (from, to) = (b"written by two", b"written by 2nd");
    let mut changed = 0;
    for start in 0..bytes.len() - from.len() {
        if bytes[start..start + from.len()] == *from {
            bytes[start..start + from.len()].copy_from_slice(to);
            changed += 1;
        }
    }
    assert!(changed > 0, "the text is not in the database file");
    std::fs::write(&path, bytes).expect("the database can be written");

    let broken = place.procos(&["trail", "verify", "--json", "--data-dir", "data"]);
    let found = broken.json();
    assert_eq!(broken.code, 1);
    let position = found["broken"]["position"].as_i64().expect("the entry is named");
    assert_eq!(found["entries"].as_i64(), Some(position - 1), "{found}");
    let limit = position.to_string();
    let shown = place.procos(&["trail", "show", "--limit", &limit, "--json", "--data-dir", "data"]).fine();
    let first_changed =
        shown.json_lines().iter().position(|entry| entry.to_string().contains("written by 2nd"));
    assert_eq!(
        first_changed,
        Some(position as usize - 1),
        "the first changed entry is the one that is named"
    );
}

#[test]
fn a_system_and_its_processes_move_to_another_directory_and_stay_the_same() {
    let place = Place::empty();
    let file = example("light-aircraft/requirements.md");
    place.procos(&["bootstrap", &file, "--no-run", "--data-dir", "one"]).fine();
    let systems = place.procos(&["export", "--json", "--data-dir", "one"]).fine().json();
    let name = systems["systems"][0].as_str().expect("a system").to_owned();
    place.procos(&["export", &name, "--format", "json", "-o", "system.json", "--data-dir", "one"]).fine();
    let taken = place.procos(&["import", "system.json", "--json", "--data-dir", "two"]).fine().json();
    assert_eq!(taken["system"], json!(name));
    assert_eq!(place.procos(&["export", "--json", "--data-dir", "two"]).fine().json(), systems);
    let turtle = |data: &str| {
        let text = place.procos(&["export", &name, "--data-dir", data]).fine().stdout;
        // Keys of definitions belong to the engine they were deployed to.
        text.lines().filter(|line| !line.contains("procos:definition")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(turtle("one"), turtle("two"));
    let again = place.procos(&["import", "system.json", "--json", "--data-dir", "two"]).fine().json();
    assert_eq!(again["change_set"], taken["change_set"], "the same file again changes nothing");
}

#[test]
fn a_backup_holds_everything_and_becomes_a_data_directory_again() {
    let place = Place::empty();
    place.procos(&["run", &example("parallel-file-write.bpmn"), "--data-dir", "data"]).fine();
    place.procos(&["backup", "copy", "--data-dir", "data"]).fine();
    let twice = place.procos(&["backup", "copy", "--data-dir", "data"]);
    assert_eq!((twice.code, twice.error_code().as_str()), (2, "CLI-0016"));
    let restored = place.procos(&["restore", "copy", "--json", "--data-dir", "again"]).fine().json();
    assert!(restored["trail"]["broken"].is_null());
    let all = |data: &str| place.procos(&["ps", "--all", "--json", "--data-dir", data]).fine().json();
    assert_eq!(all("again"), all("data"));
    let text =
        std::fs::read_to_string(place.path("again/workspace/parallel/one.txt")).expect("files are in it");
    assert_eq!(text, "written by one");
}

#[test]
fn an_instance_that_waits_is_listed_and_can_be_cancelled() {
    let place = Place::empty();
    let model = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
        <message id="m" name="paid"/><process id="p" isExecutable="true"><startEvent id="s"/>
        <sequenceFlow id="f1" sourceRef="s" targetRef="w"/>
        <intermediateCatchEvent id="w"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
        <sequenceFlow id="f2" sourceRef="w" targetRef="e"/><endEvent id="e"/></process></definitions>"#;
    let file = place.file("wait.bpmn", model);
    assert_eq!(
        place.procos(&["run", &file, "--json", "--data-dir", "data"]).fine().json()["state"],
        "waiting"
    );
    let open = place.procos(&["ps", "--json", "--data-dir", "data"]).fine().json();
    let key = open["instances"][0]["key"].to_string();
    place.procos(&["kill", &key, "--reason", "not needed", "--data-dir", "data"]).fine();
    let left = place.procos(&["ps", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(left, json!({"instances": []}));
    let trail = place.procos(&["trail", "show", "--instance", &key, "--data-dir", "data"]).fine().stdout;
    assert!(trail.contains("not needed"), "{trail}");
    let gone = place.procos(&["kill", &key, "--data-dir", "data"]);
    assert_ne!(gone.code, 0, "{gone:?}");
}

#[test]
fn a_prompt_must_be_tested_and_approved_before_it_is_in_production() {
    let place = Place::empty();
    let prompt = json!({"name": "greeting", "purpose": "greets", "variables": [{"name": "who", "type": "text"}],
        "messages": [{"role": "user", "text": "Greet {{who}}."}], "output_schema": null, "parameters": {}});
    let file = place.file("greeting.json", prompt.to_string());
    let saved = place
        .procos(&["prompt", "save", &file, "--note", "first", "--json", "--data-dir", "data"])
        .fine()
        .json();
    let again = place.procos(&["prompt", "save", &file, "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(saved["version"], again["version"], "the same content is the same version");
    let listed = place.procos(&["prompt", "list", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(
        (&listed["prompts"][0]["name"], &listed["prompts"][0]["production"]),
        (&json!("greeting"), &json!(null))
    );
    let approve =
        ["prompt", "approve", "greeting", "--report", "none", "--reason", "x", "--data-dir", "data"];
    let refused = place.procos(&approve);
    assert_eq!((refused.code, refused.error_code().as_str()), (2, "CTX-0001"), "{refused:?}");
    let cases = place.file("cases.json", r#"{"cases": []}"#);
    let no_model = place.procos(&["prompt", "test", "greeting", "--cases", &cases, "--data-dir", "data"]);
    assert_eq!((no_model.code, no_model.error_code().as_str()), (2, "CLI-0017"));
}

#[test]
fn doctor_shows_where_each_setting_comes_from_and_no_secret() {
    let place = Place::empty();
    let mut command = place.command(&["doctor", "--json", "--data-dir", "data"]);
    command.env("PROCOS_MODEL_API_KEY", "sk-very-secret").env("PROCOS_LOG", "debug");
    let output = command.output().expect("procos starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("sk-very-secret"));
    let found: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let of = |key: &str| {
        let all = found["configuration"].as_array().expect("a list");
        all.iter().find(|entry| entry["key"] == key).cloned().unwrap_or_else(|| panic!("{key} in {text}"))
    };
    assert_eq!(
        (&of("model.api_key")["value"], &of("model.api_key")["origin"]),
        (&json!("***"), &json!("PROCOS_MODEL_API_KEY"))
    );
    assert_eq!(of("log_filter")["origin"], "PROCOS_LOG");
    assert_eq!(of("listen")["origin"], "default");
    assert!(!place.path("data").exists(), "looking makes nothing");
}

#[test]
fn a_simulation_with_the_same_seed_gives_the_same_answer() {
    let place = Place::empty();
    let run = || {
        let file = example("light-aircraft/size-aircraft.bpmn");
        let arguments =
            ["simulate", &file, "--cases", "20", "--seed", "4", "--vars", r#"{"range_km": 1090}"#, "--json"];
        let mut found = place.procos(&arguments).fine().json();
        found["seconds"].take();
        found
    };
    let first = run();
    assert_eq!(first["states"][0]["count"], 20, "{first}");
    assert_eq!(first, run());
}

#[test]
fn a_simulation_in_time_gives_the_same_numbers_on_any_number_of_threads_and_compares_versions() {
    let place = Place::empty();
    let file = example("credit-application.bpmn");
    let run = |threads: &str| {
        let arguments = ["simulate", &file, "--cases", "4000", "--seed", "4", "--threads", threads, "--json"];
        let mut found = place.procos(&arguments).fine().json();
        found["seconds"].take();
        found
    };
    let first = run("1");
    assert_eq!(first["cases"], 4000, "{first}");
    assert_eq!(first, run("3"));
    let same =
        place.procos(&["simulate", &file, "--against", &file, "--cases", "2000", "--seed", "4", "--json"]);
    let same = same.fine().json();
    assert_eq!(same["differences"][0]["difference"]["value"], 0.0, "{same}");
    let refused = place.procos(&["simulate", &example("trading-order.bpmn"), "--precision", "1%"]);
    assert_eq!(refused.code, 2);
}

#[test]
fn what_was_grown_in_one_directory_goes_on_in_another_and_overwrites_nothing() {
    let place = Place::empty();
    let file = example("light-aircraft/requirements.md");
    place.procos(&["bootstrap", &file, "--name", "Plane", "--data-dir", "one"]).fine();
    let (process, table) = (example("shipping-cost.bpmn"), example("shipping-cost.dmn"));
    let order = r#"{"zone": "union", "weight": 120, "value": 900, "fragile": true}"#;
    let run = |data: &str, with: &[&str]| {
        let mut call = vec!["run", process.as_str(), "--vars", order, "--json", "--data-dir", data];
        call.extend(with);
        place.procos(&call)
    };
    run("one", &["--with", &table]).fine();
    place.procos(&["import", &example("credit-application.bpmn"), "--data-dir", "one"]).fine();
    place.file("talk.jsonl", "{\"role\": \"user\", \"content\": \"How is a zeppelin moored?\"}\n");
    place.procos(&["memory", "log", "talk.jsonl", "--data-dir", "one"]).fine();
    place.procos(&["export", "--variant", "grown.json", "--data-dir", "one"]).fine();

    // The other directory has a process of the same name that differs.
    let own = std::fs::read_to_string(example("credit-application.bpmn")).expect("an example");
    place.file("own.bpmn", own.replace("name=\"Credit application\"", "name=\"My own\""));
    place.procos(&["import", "own.bpmn", "--data-dir", "two"]).fine();
    let taken = place.procos(&["import", "grown.json", "--json", "--data-dir", "two"]).fine().json();
    assert_eq!(taken["decisions"]["new"], json!(["shipping_cost_decisions"]), "{taken}");
    assert_eq!(taken["processes"]["proposed"].as_array().map(Vec::len), Some(1), "{taken}");
    assert_eq!(taken["systems"], json!([{"system": "Plane", "is": "new"}]));
    let scores = |data: &str| {
        let found = place.procos(&["scores", "--json", "--data-dir", data]).fine().json();
        let rows = found["scores"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| format!("{} {} {}", row["subject"], row["attempts"], row["successes"]))
            .collect::<Vec<_>>()
    };
    assert!(!scores("one").is_empty());
    assert_eq!(scores("two"), scores("one"));
    let recalled =
        place.procos(&["memory", "recall", "zeppelin", "--json", "--data-dir", "two"]).fine().json();
    assert!(recalled["hits"][0].to_string().contains("moored"), "{recalled}");
    // Work goes on there: the decision is at hand.
    assert_eq!(run("two", &[]).fine().json()["variables"]["shipping"]["carrier"], "Road freight");
    let mine =
        place.procos(&["export", "--process", "credit_application", "--data-dir", "two"]).fine().stdout;
    assert!(mine.contains("My own"), "nothing of mine was overwritten");
    // The same file again changes nothing.
    let again = place.procos(&["import", "grown.json", "--json", "--data-dir", "two"]).fine().json();
    assert_eq!((&again["processes"]["new"], &again["decisions"]["new"]), (&json!([]), &json!([])));
    assert_eq!((&again["scores"], &again["memory"]), (&json!(0), &json!(0)));
}
