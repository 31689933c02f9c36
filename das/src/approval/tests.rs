//! A prompt is approved by a process on the embedded engine, also where two must agree.

use std::sync::Arc;

use context::{
    ContextManager, Decision, Gate, PRODUCTION, Prompt, Selector, Stamp, TestSuite, VolatilePrompts,
};
use engine::clock::ManualClock;
use engine::port::{DeployFile, InstanceFilter, Status};
use engine::{Embedded, MemoryStore, ProcessEngine};
use llm::scripted::ScriptedModel;
use serde_json::json;
use trail::{Filter, Trail};

use super::{PROCESS_BPMN, PROCESS_ID, ProcessApproval};
use crate::tree::{Activity, Node, TaskKind, Tree, compile};

/// What is committed, written by its author.
fn authored() -> String {
    let judge = Activity::new("Judge the version")
        .id("judge")
        .kind(TaskKind::User)
        .documentation(
            "A person looks at the evidence (pass rate with its interval, comparison with the version in use) and \
             approves. The author counts only where author_may is true, and nobody counts twice.",
        )
        .output(
            "approved_by",
            "if approver = null or list contains(approved_by, approver) or (approver = author and not(author_may)) \
             then approved_by else append(approved_by, approver)",
        );
    let again = Node::repeat("Enough people?", "count(approved_by) < required", judge.into(), Node::empty());
    let mut tree = Tree::new(Node::sequence(vec![again]))
        .documentation("Approves a version of a prompt: people judge its evidence until there are enough.");
    tree.normalise();
    (tree.start_label, tree.end_label) =
        (Some("Evidence there".to_owned()), Some("Version approved".to_owned()));
    bpmn::xml::write(&compile(&tree, PROCESS_ID, "Approve a prompt").unwrap())
}

#[test]
fn the_committed_process_is_as_written_sound_and_has_a_diagram() {
    expect_test::expect_file!["../../processes/approve-prompt.bpmn"].assert_eq(&authored());
    let definitions = bpmn::xml::read(PROCESS_BPMN.as_bytes()).unwrap();
    assert_eq!(definitions.diagrams.len(), 1);
    let programs = bpmn::compile::compile(&definitions, None).unwrap();
    assert_eq!(bpmn::check::soundness(&programs[0]), []);
}

struct Bed {
    engine: Arc<Embedded>,
    store: Arc<MemoryStore>,
    contexts: ContextManager,
}

async fn bed(approval: impl Fn(Arc<dyn ProcessEngine>) -> ProcessApproval) -> Bed {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let engine = Arc::new(Embedded::open(store.clone(), clock).await.unwrap());
    let approval = approval(engine.clone());
    let contexts =
        ContextManager::new(Arc::new(VolatilePrompts::default()), Arc::new(approval), store.clone());
    Bed { engine, store, contexts }
}

fn at(actor: &str) -> Stamp {
    Stamp::new(actor, 5)
}

/// A saved and tested version; its selector and report.
async fn tested(bed: &Bed, text: &str) -> (Selector, String) {
    let prompt: Prompt = serde_json::from_value(json!({
        "name": "route", "purpose": "", "messages": [{"role": "user", "text": text}], "variables": [],
        "output_schema": null, "parameters": {},
    }))
    .unwrap();
    let suite: TestSuite = serde_json::from_value(json!({
        "cases": [{"name": "one", "assertions": [{"assert": "contains", "text": "tool"}]}], "gate": Gate::default(),
    }))
    .unwrap();
    let version = bed.contexts.save(prompt, "", &at("ada")).await.unwrap();
    let selector = Selector::Hash(version.hash);
    let model = ScriptedModel::saying(&["tool"]);
    let report = bed.contexts.test("route", &selector, &suite, &model, &at("ada")).await.unwrap();
    (selector, report.id)
}

#[tokio::test]
async fn two_people_judge_the_evidence_before_a_version_may_be_used() {
    let bed = bed(|engine| ProcessApproval::by_others(engine, 2)).await;
    let (version, report) = tested(&bed, "Which tool?").await;
    let by = async |who: &str| bed.contexts.approve("route", &version, &report, "reads well", &at(who)).await;
    let refused = by("ada").await.unwrap_err();
    assert!(refused.to_string().contains("somebody else must approve it"), "{refused}");
    assert_eq!(by("bob").await.unwrap(), Decision::Waiting { missing: 1 });
    let twice = by("bob").await.unwrap_err();
    assert!(twice.to_string().contains("bob has approved this version already"), "{twice}");
    assert!(bed.contexts.move_label("route", PRODUCTION, &version, &at("bob")).await.is_err());
    let open = bed.engine.instances(&InstanceFilter::default()).await.unwrap();
    assert_eq!(open.len(), 1, "one process for the version, however often it is judged");
    assert_eq!((open[0].process_id.as_str(), open[0].status), (PROCESS_ID, Status::Active));
    assert_eq!(open[0].variables["evidence"]["report"], json!(report), "the evidence is attached");
    assert!(open[0].variables["evidence"]["low"].as_f64().unwrap() > 0.6);
    assert_eq!(by("eve").await.unwrap(), Decision::Approved);
    bed.contexts.move_label("route", PRODUCTION, &version, &at("eve")).await.unwrap();
    let ended = bed.engine.instance(open[0].key).await.unwrap();
    assert_eq!((ended.status, &ended.variables["approved_by"]), (Status::Completed, &json!(["bob", "eve"])));
    let trail = bed.store.read(&Filter::default(), 0, 1_000).await.unwrap();
    let judged = trail.iter().filter(|event| event.content.kind == "user_task.completed").count();
    assert_eq!(judged, 4, "every judgement stands in the trail, those that did not count too");
}

#[tokio::test]
async fn who_works_alone_approves_alone_and_each_version_has_a_process_of_its_own() {
    let bed = bed(ProcessApproval::alone).await;
    for text in ["Which tool?", "Which tool, please?"] {
        let (version, report) = tested(&bed, text).await;
        let decided = bed.contexts.approve("route", &version, &report, "", &at("ada")).await.unwrap();
        assert_eq!(decided, Decision::Approved);
    }
    assert_eq!(bed.engine.instances(&InstanceFilter::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn whoever_deploys_another_process_changes_how_prompts_are_approved() {
    let bed = bed(ProcessApproval::alone).await;
    let judge = Activity::new("Judge").id("judge").kind(TaskKind::User).output("approved_by", "approved_by");
    let security = Activity::new("Look for leaks").id("leaks").kind(TaskKind::User);
    let mut tree = Tree::new(Node::sequence(vec![judge.into(), security.into()]));
    tree.normalise();
    let content = bpmn::xml::write(&compile(&tree, PROCESS_ID, "Ours").unwrap()).into_bytes();
    bed.engine.deploy(vec![DeployFile { name: "ours.bpmn".to_owned(), content }]).await.unwrap();
    let (version, report) = tested(&bed, "Which tool?").await;
    let by = async |who: &str| bed.contexts.approve("route", &version, &report, "", &at(who)).await;
    assert!(by("ada").await.is_err(), "its first step is not the end");
    assert_eq!(by("bob").await.unwrap(), Decision::Approved);
}
