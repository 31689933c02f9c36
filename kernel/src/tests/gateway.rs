//! The decision gateway: a task that does not say how it is done, with a language model that chooses and without one.

use std::sync::Arc;

use engine::ProcessEngine;
use engine::port::Status;
use llm::scripted::ScriptedModel;
use llm::{ChatRequest, Content};
use serde_json::{Value, json};

use super::{Bed, one_task, variables};
use crate::{Launcher, Tools, Workspace};

/// A task with instructions and nothing else.
const OPEN: &str = r#"<procos:task><procos:prompt>Keep the note in notes/today.txt</procos:prompt></procos:task>
    <zeebe:ioMapping><zeebe:input source="=note" target="content"/></zeebe:ioMapping>"#;

/// A model that answers the gateway's question with `choice` and every other one with "done".
fn choosing(choice: Value) -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel::new(move |request: &ChatRequest, _| {
        let asked = request.schema.as_ref().map(|schema| schema.name.as_str());
        let value = if asked == Some("way") { choice.clone() } else { json!({"outcome": "done"}) };
        Content::Json { value }
    }))
}

fn choice(how: &str, name: &str, inputs: &[(&str, &str)]) -> Value {
    let inputs: Vec<Value> =
        inputs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"how": how, "name": name, "inputs": inputs, "why": "it says so"})
}

async fn bed(model: &Arc<ScriptedModel>, folder: &std::path::Path) -> Bed {
    let space = Workspace::open(folder, 1_000).unwrap();
    let model = Arc::clone(model);
    let bed = Bed::with(|mut parts| {
        parts.workspace = Some(space);
        parts.model = Some(model);
        parts
    })
    .await;
    bed.deploy(&one_task("open", OPEN)).await;
    bed
}

#[tokio::test]
async fn a_model_routes_an_open_task_and_its_reason_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let model =
        choosing(choice("file", "file.create", &[("path", "notes/today.txt"), ("content", "forged")]));
    let bed = bed(&model, folder.path()).await;
    let done = bed.run("open", variables(json!({"note": "hail", "secret": "s3cr3t"})), 1).await;
    assert_eq!(done.status, Status::Completed, "{:?}", bed.engine.incidents(None).await);
    // What the task was given stands; the model only added what was missing.
    assert_eq!(std::fs::read_to_string(folder.path().join("notes/today.txt")).unwrap(), "hail");
    let run = bed.task_run(done.key, "work").await;
    assert_eq!(run.executed_by, "file");
    let note = &run.notes[0];
    assert!(note.contains("decided by the language model") && note.contains("because it says so"), "{note}");
    let asked = &model.requests()[0];
    let question = &asked.messages[1].content;
    assert!(question.contains("hail") && question.contains("file.create") && !question.contains("s3cr3t"));
    let ways = &asked.schema.as_ref().unwrap().schema["properties"]["how"]["enum"];
    assert_eq!(*ways, json!(["probabilistic", "file", "person"]), "only what there is can be chosen");
    assert_eq!(asked.caller.element.as_deref(), Some("work"));
    bed.stop().await;
}

#[tokio::test]
async fn a_choice_that_is_not_a_model_s_to_make_is_refused_and_the_rule_decides() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precious.txt"), "x").unwrap();
    for (wrong, says) in [
        (
            choice("file", "file.delete", &[("path", "precious.txt")]),
            "no file operation that a model may choose",
        ),
        (choice("http", "https://example.com", &[("method", "POST")]), "not a model's to choose"),
        (choice("tool", "rm", &[]), "there are no tools"),
        (choice("magic", "", &[]), "none of the ways"),
        (json!({"how": "person"}), "missing field"),
    ] {
        let model = choosing(wrong);
        let bed = bed(&model, folder.path()).await;
        let done = bed.run("open", variables(json!({"note": "hail"})), 1).await;
        let run = bed.task_run(done.key, "work").await;
        assert_eq!(run.executed_by, "model", "the rule: it has instructions");
        assert!(run.notes[0].contains(says) && run.notes[0].contains("decided by rule"), "{}", run.notes[0]);
        bed.stop().await;
    }
    assert!(folder.path().join("precious.txt").exists());
}

#[tokio::test]
async fn a_model_may_leave_a_task_to_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let bed = bed(&choosing(choice("person", "", &[])), folder.path()).await;
    let waiting = bed.run("open", variables(json!({"note": "sign it"})), 1).await;
    let incidents = bed.engine.incidents(Some(waiting.key)).await.unwrap();
    assert_eq!(incidents[0].code, "KERNEL-0010");
    bed.stop().await;
}

#[tokio::test]
async fn what_a_task_shows_by_itself_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let model = choosing(choice("person", "", &[]));
    let bed = bed(&model, folder.path()).await;
    let computed = r#"<procos:task><procos:compute variable="x" expression="=1"/></procos:task>"#;
    bed.deploy(&one_task("computed", computed)).await;
    assert_eq!(bed.run("computed", variables(json!({})), 1).await.status, Status::Completed);
    assert!(model.requests().is_empty());
    bed.stop().await;
}

#[tokio::test]
async fn a_script_that_a_model_wrote_runs_in_namespaces_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let scripted = choosing(choice("tool", "shell", &[("script", "echo 1")]));
    let (model, scratch) = (Arc::clone(&scripted), folder.path().join("scratch"));
    // With a launcher that is not there no rung is: the error then says which one was wanted.
    let bed = Bed::with(|mut parts| {
        parts.model = Some(model);
        parts.tools = Some(Tools::load(Launcher::new("/nowhere".into()), scratch, None));
        parts
    })
    .await;
    bed.deploy(&one_task("open", OPEN)).await;
    let stuck = bed.run("open", variables(json!({"note": "x"})), 1).await;
    let incidents = bed.engine.incidents(Some(stuck.key)).await.unwrap();
    assert!(incidents[0].message.contains("needs isolation namespaces"), "{}", incidents[0].message);
    assert!(scripted.requests()[0].messages[1].content.contains("shell ("), "the catalogue was offered");
    bed.stop().await;
    let silent = choosing(choice("tool", "shell", &[]));
    let scratch = folder.path().join("scratch");
    let bed = Bed::with(|mut parts| {
        parts.model = Some(silent);
        parts.tools = Some(Tools::load(Launcher::new("/nowhere".into()), scratch, None));
        parts
    })
    .await;
    bed.deploy(&one_task("open", OPEN)).await;
    let done = bed.run("open", variables(json!({"note": "x"})), 1).await;
    let run = bed.task_run(done.key, "work").await;
    assert!(run.notes[0].contains("without a script") && run.executed_by == "model", "{:?}", run.notes);
    bed.stop().await;
}
