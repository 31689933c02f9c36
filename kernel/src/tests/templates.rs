//! The templates: they compile, a broken one is refused and the last good one stays.

use engine::ProcessEngine;
use engine::port::{DeployFile, Status};
use serde_json::json;

use super::{Bed, one_task, variables};
use crate::{Error, PDO_BPMN, TDE_BPMN, Template, Templates};

#[test]
fn the_built_in_templates_are_bpmn_with_a_diagram() {
    for xml in [PDO_BPMN, TDE_BPMN] {
        let template = Template::load(xml).unwrap();
        assert!(xml.contains("BPMNDiagram"), "{} has no diagram", template.name);
    }
}

#[test]
fn a_broken_template_is_refused_and_the_last_good_one_stays() {
    let templates = Templates::built_in().unwrap();
    let before: Vec<String> = templates.all().iter().map(|template| template.checksum.clone()).collect();
    for broken in [
        "not xml".to_owned(),
        TDE_BPMN.replace("procos:update posterior", "procos:guess"),
        TDE_BPMN.replace("procos:record", "procos:pass through"),
        TDE_BPMN.replace("procos:compute", "procos:wait"),
        TDE_BPMN.replace("targetRef=\"record\"", "targetRef=\"nowhere\""),
        TDE_BPMN[..TDE_BPMN.len() / 2].to_owned(),
        PDO_BPMN.replace("id=\"pdo\"", "id=\"other\""),
    ] {
        let refused = templates.replace(&broken);
        assert!(matches!(refused, Err(Error::Template { .. })), "{refused:?}");
    }
    let after: Vec<String> = templates.all().iter().map(|template| template.checksum.clone()).collect();
    assert_eq!(before, after);
}

#[test]
fn an_edited_template_is_taken_into_use() {
    let templates = Templates::built_in().unwrap();
    let edited = TDE_BPMN.replace("name=\"Compute\"", "name=\"Evaluate\"");
    let taken = templates.replace(&edited).unwrap();
    assert!(templates.all().iter().any(|template| template.checksum == taken.checksum));
}

#[test]
fn the_microkernel_has_at_most_a_hundred_lines() {
    assert!(include_str!("../microkernel.rs").lines().count() <= 100);
}

/// A process of one task that computes.
fn computing() -> String {
    let task = r#"<procos:task by="feel"><procos:compute variable="x" expression="=1"/></procos:task>"#;
    one_task("computing", task)
}

#[tokio::test]
async fn deploying_an_edited_template_changes_how_tasks_are_executed() {
    let bed = Bed::new().await;
    bed.deploy(&computing()).await;
    let done = bed.run("computing", variables(json!({})), 1).await;
    assert_eq!(
        (bed.task_run(done.key, "work").await.executed_by.as_str(), done.variables.get("x")),
        ("feel", Some(&json!(1)))
    );
    // Somebody wants every task that computes to be passed through instead.
    let edited = TDE_BPMN.replace(r#"=executor = "feel""#, r#"=executor = "never""#);
    bed.deploy(&edited).await;
    let done = bed.run("computing", variables(json!({})), 1).await;
    assert_eq!((done.status, done.variables.get("x")), (Status::Completed, None));
    // It is versioned as every process, stays in use after a crash, and can be taken back.
    let versions = bed.engine.definitions().await.unwrap();
    assert!(versions.iter().any(|definition| definition.process_id == "tde"));
    let bed = bed.crash().await;
    let done = bed.run("computing", variables(json!({})), 1).await;
    assert_eq!(done.variables.get("x"), None);
    bed.deploy(TDE_BPMN).await;
    let done = bed.run("computing", variables(json!({})), 1).await;
    assert_eq!(done.variables.get("x"), Some(&json!(1)));
    bed.stop().await;
}

#[tokio::test]
async fn deploying_a_broken_template_is_refused_with_code_and_reason_and_the_last_good_one_stays() {
    let bed = Bed::new().await;
    bed.deploy(&computing()).await;
    let good = TDE_BPMN.replace("name=\"Compute\"", "name=\"Evaluate\"");
    bed.deploy(&good).await;
    let broken = good.replace("procos:record", "procos:pass through");
    let file = DeployFile { name: "tde.bpmn".to_owned(), content: broken.into_bytes() };
    let refused = bed.engine.deploy(vec![file]).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("KERNEL-0001") && said.contains("procos:record"), "{said}");
    let in_use = bed.parts.templates.all();
    assert!(in_use.iter().any(|template| template.xml == good), "the last good one stays");
    let versions = bed.engine.definitions().await.unwrap();
    assert_eq!(versions.iter().filter(|definition| definition.process_id == "tde").count(), 1);
    assert_eq!(bed.run("computing", variables(json!({})), 1).await.status, Status::Completed);
    bed.stop().await;
}

#[tokio::test]
async fn a_task_may_name_an_executor_of_its_own_that_was_deployed() {
    let bed = Bed::new().await;
    let idle = TDE_BPMN
        .replace("id=\"tde\"", "id=\"idle\"")
        .replace("bpmnElement=\"tde\"", "bpmnElement=\"idle\"")
        .replace(r#"=executor = "feel""#, r#"=executor = "never""#);
    bed.deploy(&idle).await;
    let task = r#"<procos:task by="feel" executor="idle"><procos:compute variable="x" expression="=1"/></procos:task>"#;
    bed.deploy(&one_task("p", task)).await;
    let done = bed.run("p", variables(json!({})), 1).await;
    assert_eq!((done.status, done.variables.get("x")), (Status::Completed, None));
    bed.stop().await;
}
