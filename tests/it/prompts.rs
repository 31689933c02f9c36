//! Prompts as a person works with them: from a file to production and back, against endpoints that speak the real
//! protocol; then offline, on what was recorded. And memory: every call reaches it, and it comes back from the trail.

use std::process::Output;

use llm::scripted::{Reply, ScriptedServer};
use serde_json::{Value, json};

use crate::procos::{Ended, Place};

const CASES: &str = r#"{"cases": [{"name": "names her", "variables": {"who": "Ada"},
    "assertions": [{"assert": "contains", "text": "Ada"}, {"assert": "matches", "regex": "^H", "weight": 0.5}]}]}"#;

/// A file that configures these models.
fn configured(place: &Place, models: &[&ScriptedServer]) -> String {
    let mut settings = String::new();
    for (number, server) in models.iter().enumerate() {
        let section = if number == 0 { "model".to_owned() } else { format!("models.other{number}") };
        settings.push_str(&format!(
            "[{section}]\nbase_url = {:?}\nmodel = \"m{number}\"\nretries = 0\n[{section}.prices]\n\
             output_per_million = {:.1}\n",
            server.base_url(),
            1_000.0 * number as f64
        ));
    }
    place.file("models.toml", settings)
}

/// `procos` with these models configured, run to its end.
fn with(place: &Place, models: &[&ScriptedServer], arguments: &[&str]) -> Output {
    let file = configured(place, models);
    let all = [arguments, &["--config", &file, "--data-dir", "data"]].concat();
    place.command(&all).output().expect("procos starts")
}

fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn greeting(text: &str) -> String {
    json!({"name": "house/greeting", "purpose": "greets", "variables": [{"name": "who", "type": "text"}],
        "messages": [{"role": "user", "text": text}], "output_schema": null, "parameters": {}})
    .to_string()
}

async fn endpoint(answer: &'static str) -> ScriptedServer {
    ScriptedServer::start(move |_| Reply::Text(answer.to_owned())).await.expect("it listens")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_goes_to_production_and_back_and_its_test_runs_again_without_a_model() {
    let place = Place::empty();
    let (first, second) = (endpoint("Hello Ada").await, endpoint("Good day").await);
    let models = [&first, &second];
    let cases = place.file("cases.json", CASES);
    let file = place.file("greeting.json", greeting("Greet {{who}}."));
    place.procos(&["prompt", "save", &file, "--data-dir", "data"]).fine();

    let test = ["prompt", "test", "house/greeting", "--cases", &cases, "--keep", "--json"];
    let report = json_of(&with(&place, &models, &test));
    assert_eq!((&report["verdict"], &report["trials"]), (&json!("pass"), &json!(12)));
    let asked = first.received().len();
    assert_eq!(asked, 12);

    let replay = ["prompt", "test", "house/greeting", "--recorded", "--junit", "report.xml", "--json"];
    let again = place.procos(&[&replay[..], &["--data-dir", "data"]].concat()).fine().json();
    assert_eq!((&again["verdict"], &again["recorded"]), (&json!("pass"), &json!(true)));
    assert_eq!(first.received().len(), asked, "nobody was asked");
    let junit = std::fs::read_to_string(place.path("report.xml")).expect("it is written");
    assert!(junit.contains("failures=\"0\"") && junit.contains("names her"), "{junit}");

    let table = with(&place, &models, &["prompt", "models", "house/greeting", "--json"]);
    let rows = json_of(&table)["models"].clone();
    assert_eq!((&rows[0]["model"], &rows[1]["model"]), (&json!("m0"), &json!("m1")));
    assert_eq!(
        (&rows[1]["passed"], &rows[1]["against_first"]["only_second"]),
        (&json!(0), &rows[1]["trials"])
    );
    assert!(rows[1]["rate"].as_f64() < rows[0]["low"].as_f64(), "{rows}");
    assert!(rows[1]["mean_cost"].as_f64() > Some(0.0), "the prices of each endpoint count: {rows}");

    let approved = place.procos(&[
        "prompt",
        "approve",
        "house/greeting",
        "--reason",
        "warm",
        "--json",
        "--data-dir",
        "data",
    ]);
    assert_eq!(approved.fine().json()["in_production"], json!(true));
    let ran = place.procos(&["ps", "--all", "--json", "--data-dir", "data"]).fine().stdout;
    assert!(ran.contains("approve_prompt"), "the approval was a process: {ran}");

    let worse = place.file("worse.json", greeting("Say good day to {{who}}."));
    place.procos(&["prompt", "save", &worse, "--data-dir", "data"]).fine();
    let failing = with(&place, &[&second], &["prompt", "test", "house/greeting", "--junit", "failed.xml"]);
    assert_eq!(failing.status.code(), Some(1), "{failing:?}");
    let junit = std::fs::read_to_string(place.path("failed.xml")).expect("it is written");
    assert!(junit.contains("<failure"), "{junit}");
    let diff = ["prompt", "show", "house/greeting", "--against", "production", "--data-dir", "data"];
    let diff = place.procos(&diff).fine().stdout;
    assert!(diff.contains("- Greet {{who}}.") && diff.contains("+ Say good day to {{who}}."), "{diff}");
    let nothing = place.procos(&["prompt", "rollback", "house/greeting", "--data-dir", "data"]);
    assert_eq!(nothing.error_code(), "CTX-0006");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_goes_to_production_and_back_through_a_running_server() {
    let place = Place::empty();
    let model = endpoint("Hello Ada").await;
    let (server, address) = place.serve_with(&["--config", &configured(&place, &[&model])]);
    let prompt = |arguments: &[&str]| {
        place.procos(&[&["prompt"], arguments, &["--json", "--server", &address]].concat())
    };
    let cases = place.file("cases.json", CASES);
    let mut hashes = Vec::new();
    for text in ["Greet {{who}}.", "Greet {{who}} warmly."] {
        let file = place.file("greeting.json", greeting(text));
        let saved = prompt(&["save", &file]).fine().json();
        assert_eq!(saved["name"], "house/greeting");
        hashes.push(saved["version"].as_str().expect("a hash").to_owned());
        let early = prompt(&["approve", "house/greeting", "--reason", "now"]);
        assert_eq!(early.error_code(), "CTX-0005");
        let keep = prompt(&["test", "house/greeting", "--cases", &cases]);
        assert_eq!((keep.code, keep.error_code().as_str()), (2, "CLI-0009"));
        let report =
            prompt(&["test", "house/greeting", "--cases", &cases, "--keep", "--junit", "report.xml"]);
        let report = report.fine().json();
        assert_eq!(
            (&report["verdict"], &report["trials"], &report["hash"]),
            (&json!("pass"), &json!(12), &json!(hashes.last()))
        );
        assert!(
            std::fs::read_to_string(place.path("report.xml")).expect("it is written").contains("names her")
        );
        let approved = prompt(&["approve", "house/greeting", "--reason", "warm"]).fine().json();
        assert_eq!(approved["in_production"], true, "{approved}");
    }
    assert_eq!(model.received().len(), 24);
    let listed = prompt(&["list", "house/greeting"]).fine().json();
    let found = &listed["prompts"][0];
    assert_eq!(
        (&found["production"], &found["versions"][1]["version"]),
        (&json!(hashes[1]), &json!(hashes[1]))
    );
    assert_eq!(
        (&found["versions"][0]["tests"][0]["verdict"], &found["versions"][0]["pass_rate"]["attempts"]),
        (&json!("pass"), &json!(12))
    );
    let diff = prompt(&["show", "house/greeting", "--against", &hashes[0][..8]]).fine().json();
    assert!(diff["lines"].to_string().contains("+ Greet {{who}} warmly."), "{diff}");
    let same = place.procos(&[
        "prompt",
        "compare",
        "house/greeting",
        "--with",
        &hashes[0][..8],
        "--server",
        &address,
    ]);
    assert!(same.fine().stdout.contains("cannot be told apart"));
    let labelled =
        prompt(&["label", "house/greeting", "friendly", "--version", &hashes[1][..8]]).fine().json();
    assert_eq!(labelled["version"], json!(hashes[1]));
    assert_eq!(prompt(&["rollback", "house/greeting"]).fine().json()["version"], json!(hashes[0]));
    assert!(prompt(&["experiment", "house/greeting"]).fine().json()["experiment"].is_null());
    let begun = prompt(&["experiment", "house/greeting", "--labels", "production,friendly"]).fine().json();
    assert_eq!(begun["experiment"]["arms"].as_array().map(Vec::len), Some(2), "{begun}");
    assert_eq!(prompt(&["experiment", "house/greeting", "--end"]).fine().json()["experiment"]["open"], false);
    assert_eq!(prompt(&["processes"]).fine().json()["processes"], json!([]));
    assert_eq!(prompt(&["show", "nobody"]).error_code(), "CTX-0001");
    for refused in [&["export", "out"][..], &["import", "out"], &["test", "house/greeting", "--recorded"]] {
        let refused = prompt(refused);
        assert_eq!((refused.code, refused.error_code().as_str()), (2, "CLI-0009"));
    }
    // Without --server the directory says who holds it.
    let held = place.procos(&["prompt", "list", "--data-dir", "data"]).fine().stdout;
    assert!(held.contains("house/greeting") && held.contains(&hashes[0][..12]), "{held}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn prompts_are_folders_that_git_keeps_and_come_back_as_they_were() {
    let place = Place::empty();
    let tone = json!({"name": "tone", "purpose": "", "variables": [], "output_schema": null, "parameters": {},
        "messages": [{"role": "system", "text": "Be kind.\n"}]});
    let tone = place.file("tone.json", tone.to_string());
    let file = place.file("greeting.json", greeting("{{> tone}}Greet {{who}}."));
    place.procos(&["prompt", "save", &tone, "--data-dir", "data"]).fine();
    let saved = place.procos(&["prompt", "save", &file, "--json", "--data-dir", "data"]).fine().json();
    place.procos(&["prompt", "export", "prompts", "--data-dir", "data"]).fine();
    let text = std::fs::read_to_string(place.path("prompts/house/greeting/01-user.md")).expect("a file");
    assert_eq!(text, "{{> tone}}Greet {{who}}.");

    let import = ["prompt", "import", "prompts", "--json", "--data-dir", "elsewhere"];
    let there = place.procos(&import).fine().json();
    let of = |found: &Value, name: &str| {
        let all = found["prompts"].as_array().expect("a list").clone();
        all.into_iter().find(|prompt| prompt["name"] == name).unwrap_or_else(|| panic!("{name} in {found}"))
    };
    assert_eq!(of(&there, "house/greeting")["version"], saved["version"], "the hash is the same elsewhere");
    let again = place.procos(&import).fine().json();
    assert_eq!(of(&again, "house/greeting")["new"], json!(false), "the same again changes nothing");
    let changed = place.path("prompts/house/greeting/01-user.md");
    std::fs::write(changed, "{{> tone}}Greet {{who}} warmly.").expect("it can be written");
    let after = place.procos(&import).fine().json();
    assert_eq!(of(&after, "house/greeting")["new"], json!(true));
    let shown = place.procos(&["prompt", "show", "house/greeting", "--data-dir", "elsewhere"]).fine().stdout;
    assert!(shown.contains("Be kind.\nGreet {{who}} warmly."), "{shown}");
    let none: Ended = place.procos(&["prompt", "import", "nowhere", "--data-dir", "elsewhere"]);
    assert_eq!((none.code, none.error_code().as_str()), (2, "CLI-0003"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_the_model_by_any_part_reach_memory_which_comes_back_from_the_trail() {
    let place = Place::empty();
    let model = endpoint(r#"{"outcome": "sound"}"#).await;
    let models = [&model];
    let file = place.file("greeting.json", greeting("Greet {{who}} on the bridge."));
    place.procos(&["prompt", "save", &file, "--data-dir", "data"]).fine();
    let cases = place.file("cases.json", CASES);
    // The context manager asks …
    with(&place, &models, &["prompt", "test", "house/greeting", "--cases", &cases]);
    // … a task asks …
    let process = r#"<?xml version="1.0"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="t"><bpmn:process id="blades" isExecutable="true">
        <bpmn:startEvent id="s"/><bpmn:serviceTask id="judge" name="Judge the turbine"><bpmn:extensionElements>
        <procos:task by="model"><procos:prompt>Is the turbine cracked?</procos:prompt><procos:outcome label="sound"/>
        </procos:task></bpmn:extensionElements></bpmn:serviceTask><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="judge"/><bpmn:sequenceFlow id="b" sourceRef="judge" targetRef="e"/>
        </bpmn:process></bpmn:definitions>"#;
    let process = place.file("blades.bpmn", process);
    let ran = with(&place, &models, &["run", &process]);
    assert!(ran.status.success(), "{ran:?}");
    // … and DAS asks.
    with(&place, &models, &["generate", "Weld the girder and paint it", "-o", "girder.bpmn"]);

    let recall = |text: &str| {
        let found =
            place.procos(&["memory", "recall", text, "--json", "--limit", "200", "--data-dir", "data"]);
        found.fine().json()["hits"].as_array().cloned().expect("a list")
    };
    for (part, text) in
        [("context", "greet bridge"), ("task", "turbine cracked"), ("DAS", "weld girder paint")]
    {
        let calls = recall(text).into_iter().filter(|hit| hit["payload"]["type"] == "model_call").count();
        assert!(calls > 0, "a call by {part} is not in memory");
    }
    // A draft is dated: a later one of the same process does not take its place.
    let dated = |hit: &Value| hit["source"] == "das" && hit["at_ms"].as_i64() > Some(0);
    assert!(recall("weld girder paint").iter().any(dated), "the draft is not in memory with its time");
    let questions = ["turbine", "girder", "greet", "create a file"];
    let answers = || {
        let ids = |text: &&str| -> Vec<String> {
            recall(text).iter().map(|hit| format!("{} {}", hit["id"], hit["text"])).collect()
        };
        questions.iter().map(ids).collect::<Vec<_>>()
    };
    let before = answers();
    std::fs::remove_dir_all(place.path("data/memory")).expect("memory is there");
    let emptied = recall("girder");
    assert!(emptied.iter().all(|hit| hit["payload"]["type"] != "model_call"), "it was deleted");
    let rebuilt = place.procos(&["memory", "rebuild", "--json", "--data-dir", "data"]).fine().json();
    assert!(rebuilt["entries"].as_u64() > Some(3), "{rebuilt}");
    // What the run had not delivered to memory yet is there now too.
    for (question, (after, before)) in questions.iter().zip(answers().into_iter().zip(before)) {
        assert!(before.iter().all(|answer| after.contains(answer)), "{question}: an answer is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recall_at_ten_is_that_of_an_exact_search_by_words_alone_and_with_vectors() {
    for dense in [false, true] {
        let found = tests::remembering::measure(1_500, 40, dense, |_| ()).await.unwrap();
        assert!(found.wanted >= 350 && found.share() >= 0.99, "dense {dense}: {found:?}");
    }
}
