//! A running server: ready, found by commands, alone in its data directory, and gone when it is told to go.

use serde_json::{Value, json};

use crate::procos::{Place, example};

fn get(address: &str, path: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(format!("{address}{path}")).send().await.expect("the server answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    })
}

#[test]
fn commands_go_through_the_server_that_holds_the_directory() {
    let place = Place::empty();
    let (server, address) = place.serve();
    assert_eq!(get(&address, "/readyz").0, 200);

    let file = example("light-aircraft/size-aircraft.bpmn");
    let arguments = ["run", &file, "--seed", "7", "--json"];
    let through = place.procos(&[&arguments[..], &["--data-dir", "data"]].concat()).fine().json();
    assert_eq!(through, place.procos(&arguments).fine().json(), "the same seed, the same result");

    let listed = place.procos(&["ps", "--all", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(listed["instances"][0]["process"], "size-aircraft", "{listed}");
    let scores = place.procos(&["scores", "--json", "--data-dir", "data"]).fine().json();
    assert!(scores["scores"].as_array().is_some_and(|rows| !rows.is_empty()), "{scores}");
    let verified = place.procos(&["trail", "verify", "--json", "--data-dir", "data"]).fine().json();
    assert!(verified["broken"].is_null() && verified["entries"].as_i64() > Some(20), "{verified}");
    let key = listed["instances"][0]["key"].to_string();
    let trail = place.procos(&["trail", "show", "--instance", &key, "--json", "--data-dir", "data"]).fine();
    assert_eq!(trail.json_lines()[0]["kind"], "instance.started");
    let recalled =
        place.procos(&["memory", "recall", "create a file", "--json", "--server", &address]).fine().json();
    assert!(recalled["hits"].as_array().is_some_and(|hits| !hits.is_empty()), "{recalled}");

    let requirements = example("light-aircraft/requirements.md");
    let report = place.procos(&["bootstrap", &requirements, "--json", "--data-dir", "data"]).fine().json();
    assert!(
        report["runs"].as_array().is_some_and(|runs| runs.iter().all(|run| run["state"] == "completed")),
        "{report}"
    );
    let name = report["system"].as_str().expect("a name");
    let turtle = place.procos(&["export", name, "--data-dir", "data"]).fine().stdout;
    assert!(turtle.contains("Requirement"), "{turtle}");

    let refused = place.procos(&["trail", "log", "size-aircraft", "log.csv", "--data-dir", "data"]);
    assert_eq!((refused.code, refused.error_code().as_str()), (2, "CLI-0009"));
    place.procos(&["backup", "copy", "--data-dir", "data"]).fine();
    assert_eq!(server.terminate(), Some(0));
    assert!(!place.path("data/server.json").exists(), "it left its address behind");
    place.procos(&["ps", "--all", "--data-dir", "data"]).fine();
}

#[test]
fn memory_is_shown_told_and_made_to_forget_through_the_server() {
    let place = Place::empty();
    let (_server, _) = place.serve();
    let memory = |arguments: &[&str]| {
        place.procos(&[&["memory"], arguments, &["--json", "--data-dir", "data"]].concat())
    };
    let talk = "{\"role\": \"user\", \"content\": \"How is a zeppelin moored?\"}\n";
    let talk = place.file("talk.jsonl", talk);
    let told = memory(&["log", &talk, "--system", "Airship"]).fine().json();
    assert_eq!(told, json!({"prompts": 1, "answers": 0, "errors": 0}));
    assert_eq!(memory(&["log", &talk]).fine().json()["prompts"], 0, "the same again changes nothing");
    let hits = memory(&["recall", "zeppelin"]).fine().json()["hits"].take();
    let id = hits[0]["id"].as_str().expect("an id").to_owned();
    let shown = memory(&["show", &id]).fine().json();
    assert_eq!((&shown["kind"], &shown["system"]), (&json!("prompt"), &json!("Airship")), "{shown}");
    assert_eq!(memory(&["show", "nothing"]).error_code(), "CLI-0012");
    let exported = memory(&["export", "--source", "transcript talk.jsonl"]).fine().json_lines();
    assert_eq!(exported, [shown], "an entry is written as it is shown");
    assert_eq!(memory(&["forget"]).error_code(), "CLI-0013");
    let forgotten = memory(&["forget", "--about", "ZEPPELIN", "--kind", "prompt"]).fine().json();
    assert_eq!(forgotten["forgotten"], 1);
    assert_eq!(memory(&["show", &id]).error_code(), "CLI-0012");
}

#[test]
fn a_second_server_on_the_same_directory_is_refused_and_told_who_holds_it() {
    let place = Place::empty();
    let (_server, address) = place.serve();
    let second = place.procos(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
    assert_eq!(second.error_code(), "PERSISTENCE-0002");
    let host = address.trim_start_matches("http://");
    assert!(second.stderr.contains(host), "{}", second.stderr);
}

#[test]
fn a_server_that_was_killed_starts_again_and_no_worker_is_left_when_all_has_ended() {
    let place = Place::empty();
    let (server, _) = place.serve();
    place.procos(&["run", &example("parallel-file-write.bpmn"), "--data-dir", "data"]).fine();
    server.kill();
    let (_server, address) = place.serve();
    assert_eq!(get(&address, "/livez").0, 200);
    let (status, text) = get(&address, "/readyz");
    assert_eq!(status, 200, "{text}");
    let metrics = get(&address, "/metrics").1;
    for name in ["procos_live_pdos", "procos_live_tdes", "procos_incidents_open"] {
        assert!(metrics.lines().any(|line| line == format!("{name} 0")), "{name} in {metrics}");
    }
    let open: Value = place.procos(&["ps", "--json", "--data-dir", "data"]).fine().json();
    assert_eq!(open, json!({"instances": []}));
}
