//! Generation with and without a model, refinement, evaluation.

use llm::scripted::ScriptedModel;

use super::*;

const PROMPT: &str = "Build a process to ingest data and train a model";

fn offline(text: &str) -> Generated {
    generate_offline(text, &Context::default()).unwrap()
}

#[test]
fn what_is_generated_offline_compiles_and_has_a_diagram() {
    let generated = offline(PROMPT);
    assert_eq!(generated.source, Source::Deterministic);
    assert!(!generated.assumptions.is_empty());
    let again = bpmn::xml::read(generated.xml.as_bytes()).unwrap();
    assert_eq!(again.diagrams.len(), 1);
    let programs = bpmn::compile::compile(&again, None).unwrap();
    assert_eq!(programs.len(), 1);
}

#[test]
fn a_step_knows_the_words_it_came_from() {
    let text = "The clerk checks the invoice. Then the manager signs the contract.";
    let generated = offline(text);
    let origin = generated.origins.iter().find(|origin| origin.label == "Check invoice").unwrap();
    let span = origin.span.unwrap();
    assert!(text[span.start..span.end].contains("checks the invoice"));
}

#[test]
fn text_without_a_step_is_refused() {
    assert_eq!(generate_offline("", &Context::default()).unwrap_err().code(), "DAS-0003");
    assert_eq!(generate_offline("The sky is blue.", &Context::default()).unwrap_err().code(), "DAS-0003");
}

const GOOD: &str = r#"{"root":"r","start_label":null,"end_label":null,"documentation":null,"nodes":[
 {"id":"r","op":"sequence","label":null,"actor":null,"children":["a","b"],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null},
 {"id":"a","op":"activity","label":"Ingest data","actor":null,"children":[],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null},
 {"id":"b","op":"activity","label":"Train model","actor":null,"children":[],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null}]}"#;

#[tokio::test]
async fn a_model_is_told_what_is_wrong_and_corrects_it() {
    let bad = GOOD.replace(r#"["a","b"]"#, r#"["a","missing"]"#);
    let model = ScriptedModel::saying(&[&bad, GOOD]);
    let generated = generate(PROMPT, &Context::default(), Some(&model), None).await.unwrap();
    assert_eq!((generated.source, generated.rounds), (Source::Model, 2));
    assert_eq!(text::leaf_labels(&generated.tree), ["Ingest data", "Train model"]);
    let requests = model.requests();
    assert!(requests[1].messages.last().unwrap().content.contains("missing"));
}

#[tokio::test]
async fn a_model_that_never_gets_it_right_is_replaced_by_rules_and_that_is_said() {
    let model = ScriptedModel::saying(&["no table at all"]);
    let generated = generate(PROMPT, &Context::default(), Some(&model), None).await.unwrap();
    assert_eq!((generated.source, generated.rounds), (Source::Deterministic, MAX_ROUNDS));
    assert!(generated.notes.iter().any(|note| note.contains("written by rules instead")));
}

fn names(definitions: &Definitions) -> Vec<String> {
    definitions.processes[0].nodes.iter().filter_map(|node| node.element.name.clone()).collect()
}

#[test]
fn an_approval_is_added_before_shipping() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice");
    let refined = refine(&generated.definitions, "add an approval before shipping").unwrap();
    assert!(names(&refined.definitions).contains(&"Approve: Ship goods".to_owned()));
    let process = &refined.definitions.processes[0];
    let into = process.flows.iter().find(|flow| flow.target == "ship_goods").unwrap();
    assert_eq!(process.node(&into.source).unwrap().local_name(), "userTask");
}

#[test]
fn a_step_is_removed_retried_or_put_beside_another() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice");
    let removed = refine(&generated.definitions, "remove the packing step").unwrap();
    assert!(!names(&removed.definitions).contains(&"Pack goods".to_owned()));
    let retried = refine(&generated.definitions, "shipping may fail, retry twice").unwrap();
    assert!(retried.xml.contains("shipGoodsAttempts &lt; 3"), "{}", retried.xml);
    let parallel = refine(&generated.definitions, "do shipping and the invoice in parallel").unwrap();
    let gateways =
        parallel.definitions.processes[0].nodes.iter().filter(|n| n.local_name() == "parallelGateway");
    assert_eq!(gateways.count(), 2);
    for refined in [&removed, &retried, &parallel] {
        assert_eq!(bpmn::compile::compile(&refined.definitions, None).unwrap().len(), 1);
    }
}

#[test]
fn an_instruction_that_makes_no_sense_is_refused() {
    let generated = offline(PROMPT);
    assert_eq!(refine(&generated.definitions, "make it nicer").unwrap_err().code(), "DAS-0005");
    assert_eq!(refine(&generated.definitions, "remove the xylophone").unwrap_err().code(), "DAS-0005");
}

#[test]
fn a_process_is_perfectly_like_itself_and_unlike_another() {
    let one = offline(
        "The clerk checks the invoice. If it is correct, the clerk pays the supplier. Otherwise, the clerk calls the supplier.",
    );
    let same = score_pair("same", &one.definitions, &one.definitions);
    assert!((same.activities.f1 - 1.0).abs() < 1e-9 && (same.graph - 1.0).abs() < 1e-9);
    assert_eq!(same.footprint, Some(1.0));
    let other = offline("1. Mill the part\n2. Paint the frame");
    let different = score_pair("different", &one.definitions, &other.definitions);
    assert!(different.activities.f1 < 0.01 && different.graph < 0.1);
}

#[tokio::test]
async fn what_is_generated_runs_to_its_end_without_any_input() {
    let mut texts: Vec<String> = vec![
        PROMPT.to_owned(),
        "Build a hiring workflow".to_owned(),
        "The clerk checks the claim. If the claim is valid, the clerk pays the customer. Otherwise, the claim is \
         rejected. The manager approves the report."
            .to_owned(),
        "The engineer tests the code. If the tests fail, the engineer fixes the code and the tests are repeated. \
         Meanwhile, the writer updates the manual."
            .to_owned(),
    ];
    texts.extend(text::archetypes().iter().map(|archetype| format!("Build a {} process", archetype.title)));
    for description in texts {
        let generated = offline(&description);
        let file =
            engine::port::DeployFile { name: "g.bpmn".to_owned(), content: generated.xml.into_bytes() };
        let run = kernel::dry_run(vec![file], kernel::DryRunOptions::default()).await.unwrap();
        assert_eq!(run.state, kernel::DryRunState::Completed, "{description}: {:?}", run.incidents);
    }
}

#[test]
fn a_folder_of_pairs_is_scored_and_an_empty_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(evaluate_directory(folder.path()).unwrap_err().code(), "DAS-0007");
    let text = "1. Pack the goods\n2. Ship the goods";
    std::fs::write(folder.path().join("one.txt"), text).unwrap();
    std::fs::write(folder.path().join("one.bpmn"), offline(text).xml).unwrap();
    std::fs::write(folder.path().join("two.txt"), text).unwrap();
    std::fs::write(folder.path().join("two.bpmn"), "no BPMN").unwrap();
    let evaluation = evaluate_directory(folder.path()).unwrap();
    assert_eq!((evaluation.pairs.len(), evaluation.failed.len()), (1, 1));
    assert!((evaluation.activities_f1 - 0.5).abs() < 1e-9, "a pair that fails counts as nothing");
}
