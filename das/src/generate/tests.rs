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
 {"id":"r","op":"sequence","label":null,"actor":null,"children":["a","b"],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null,"reads":[],"makes":[],"sends_to":null,"receives_from":null},
 {"id":"a","op":"activity","label":"Ingest data","actor":null,"children":[],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null,"reads":[],"makes":[],"sends_to":null,"receives_from":null},
 {"id":"b","op":"activity","label":"Train model","actor":null,"children":[],"conditions":[],"labels":[],"condition":null,"order":[],"assumed":false,"documentation":null,"reads":[],"makes":[],"sends_to":null,"receives_from":null}]}"#;

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
    assert!((same.activities.f1 - 1.0).abs() < 1e-9 && (same.graph.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(same.footprint, Some(1.0));
    let quality = same.quality.unwrap();
    assert!((quality.fitness - 1.0).abs() < 1e-9 && quality.precision > 0.99, "{quality:?}");
    let other = offline("1. Mill the part\n2. Paint the frame");
    let different = score_pair("different", &one.definitions, &other.definitions);
    assert!(different.activities.f1 < 0.01 && different.graph.unwrap() < 0.1);
    assert!(different.quality.unwrap().f1 < 0.1);
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
    assert!((evaluation.activities_f1.mean - 0.5).abs() < 1e-9, "a pair that fails counts as nothing");
    assert!((evaluation.quality.mean - 0.5).abs() < 1e-9);
    assert_eq!(evaluation.quality.pairs, 2);
}

#[test]
fn a_log_beside_the_text_is_what_the_process_is_measured_by() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one.txt"), "1. Pack the goods\n2. Ship the goods").unwrap();
    let log = "case,activity,time\n1,Pack goods,1\n1,Ship goods,2\n2,Pack goods,3\n2,Ship goods,4\n3,Ship goods,5\n";
    std::fs::write(folder.path().join("one.csv"), log).unwrap();
    let evaluation = evaluate_directory(folder.path()).unwrap();
    let quality = evaluation.pairs[0].quality.clone().unwrap();
    assert_eq!((quality.fitting, quality.cases, quality.log), (2, 3, LogSource::File));
    assert!(quality.fitness > 0.5 && quality.fitness < 1.0, "{quality:?}");
    assert_eq!(evaluation.pairs[0].graph, None);
    assert_eq!(evaluation.graph.pairs, 0);
}

fn drawn(definitions: &Definitions) -> Vec<(String, bpmn::model::Bounds)> {
    definitions.diagrams[0].shapes.iter().map(|shape| (shape.element.clone(), shape.bounds)).collect()
}

#[test]
fn a_change_keeps_the_drawing_of_what_it_does_not_touch() {
    let mut generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice").definitions;
    for (number, shape) in generated.diagrams[0].shapes.iter_mut().enumerate() {
        // As people draw: not on the grid of the layout.
        shape.bounds.y += f64::from(u8::try_from(number).unwrap()) * 7.0;
    }
    let before = drawn(&generated);
    for instruction in [
        "add an approval before shipping",
        "remove the packing step",
        "shipping may fail, retry twice",
        "do shipping and the invoice in parallel",
        "rename shipping to Deliver the goods",
    ] {
        let refined = refine(&generated, instruction).unwrap();
        let after = drawn(&refined.definitions);
        let gone = if instruction.starts_with("remove") { 1 } else { 0 };
        let kept = before.iter().filter(|shape| after.contains(shape)).count();
        assert_eq!(kept, before.len() - gone, "{instruction}");
        let nodes = &refined.definitions.processes[0].nodes;
        assert!(nodes.iter().all(|node| after.iter().any(|(id, _)| *id == node.element.id)), "{instruction}");
        let flows = &refined.definitions.processes[0].flows;
        let edges = &refined.definitions.diagrams[0].edges;
        assert_eq!(edges.len(), flows.len(), "{instruction}");
    }
}

/// Labels of the steps in the order in which a run passes them.
fn order(definitions: &Definitions) -> Vec<String> {
    let process = &definitions.processes[0];
    let mut at = process.nodes.iter().find(|node| node.element.id == "start").unwrap();
    let mut found = Vec::new();
    while let Some(flow) = process.flows.iter().find(|flow| flow.source == at.element.id) {
        at = process.node(&flow.target).unwrap();
        found.extend(at.element.name.clone());
    }
    found
}

#[test]
fn steps_go_to_the_ends_change_places_and_move() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice").definitions;
    for (instruction, wanted) in [
        ("add a credit check at the start", vec!["Credit check", "Pack goods", "Ship goods", "Send invoice"]),
        (
            "Please add archive the file at the end.",
            vec!["Pack goods", "Ship goods", "Send invoice", "Archive the file"],
        ),
        ("swap packing and the invoice", vec!["Send invoice", "Ship goods", "Pack goods"]),
        ("move the invoice before packing", vec!["Send invoice", "Pack goods", "Ship goods"]),
        ("replace shipping by Fly the goods out", vec!["Pack goods", "Fly the goods out", "Send invoice"]),
        ("remove packing and add a check before the invoice", vec!["Ship goods", "Check", "Send invoice"]),
        (
            "add labelling between packing and shipping",
            vec!["Pack goods", "Labelling", "Ship goods", "Send invoice"],
        ),
    ] {
        let refined = refine(&generated, instruction).unwrap();
        assert_eq!(order(&refined.definitions), wanted, "{instruction}");
        assert!(!refined.changes.is_empty(), "{instruction}");
    }
}

#[test]
fn a_step_becomes_conditional_repeated_limited_in_time_or_parallel_to_one_far_away() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice").definitions;
    for (instruction, gateway, answers) in [
        ("only do shipping if the order is paid", "Order paid?", ["yes", "no"]),
        ("skip packing if the goods are not fragile", "Goods fragile?", ["no", "yes"]),
        ("repeat packing until the box is full", "Box full?", ["no", "yes"]),
    ] {
        let refined = refine(&generated, instruction).unwrap().definitions;
        let process = &refined.processes[0];
        let question =
            process.nodes.iter().find(|node| node.element.name.as_deref() == Some(gateway)).unwrap();
        let ways = process.flows.iter().filter(|flow| flow.source == question.element.id);
        let (asked, other): (Vec<_>, Vec<_>) = ways.partition(|flow| flow.condition.is_some());
        let name = |flow: &bpmn::model::SequenceFlow| flow.element.name.clone().unwrap();
        assert_eq!([name(asked[0]), name(other[0])], answers, "{instruction}");
    }
    let late = refine(&generated, "if shipping takes longer than 2 days, inform the customer").unwrap();
    assert!(late.xml.contains("P2D") && late.xml.contains("Inform the customer"), "{}", late.xml);
    let beside = refine(&generated, "do the invoice in parallel with packing").unwrap();
    assert!(beside.xml.contains("parallelGateway"), "{}", beside.xml);
    let added = refine(&generated, "add an insurance check in parallel with shipping").unwrap();
    assert!(names(&added.definitions).contains(&"Insurance check".to_owned()), "{}", added.xml);
}

#[test]
fn this_step_is_the_one_that_is_selected() {
    let generated = offline("1. Pack the goods\n2. Ship the goods").definitions;
    let selected = ["ship_goods".to_owned()];
    let refined = refine_selected(&generated, "this step may fail, retry 3 times", &selected).unwrap();
    assert!(names(&refined.definitions).contains(&"Ship goods failed?".to_owned()));
    let alone = refine(&generated, "remove this step").unwrap_err();
    assert_eq!(alone.code(), "DAS-0005");
}

#[tokio::test]
async fn of_several_candidates_the_one_that_most_others_agree_with_is_taken() {
    let odd = GOOD.replace("Ingest data", "Mill part").replace("Train model", "Paint frame");
    let model = ScriptedModel::saying(&[&odd, GOOD, GOOD]);
    let context = Context { candidates: 3, ..Context::default() };
    let generated = generate(PROMPT, &context, Some(&model), None).await.unwrap();
    assert_eq!(text::leaf_labels(&generated.tree), ["Ingest data", "Train model"]);
    assert_eq!(generated.candidates, 3);
    assert!((generated.agreement.unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(model.requests().len(), 3);
    assert!(generated.usage.input_tokens > 0);
    let many = Context { candidates: 50, ..Context::default() };
    let model = ScriptedModel::saying(&[GOOD]);
    let generated = generate(PROMPT, &many, Some(&model), None).await.unwrap();
    assert_eq!(generated.candidates, MAX_CANDIDATES);
}

#[tokio::test]
async fn labels_that_are_given_are_used() {
    let context =
        Context { labels: vec!["Load the data".to_owned(), "Train model".to_owned()], ..Context::default() };
    let right = GOOD.replace("Ingest data", "Load the data");
    let model = ScriptedModel::saying(&[GOOD, &right]);
    let generated = generate(PROMPT, &context, Some(&model), None).await.unwrap();
    assert_eq!((generated.source, generated.rounds), (Source::Model, 2));
    assert_eq!(text::leaf_labels(&generated.tree), ["Load the data", "Train model"]);
    assert!(model.requests()[1].messages.last().unwrap().content.contains("'Ingest data' is not among"));
    let context =
        Context { labels: vec!["Pack all goods".to_owned(), "Fly".to_owned()], ..Context::default() };
    let offline = generate_offline("1. Pack the goods\n2. Ship the goods", &context).unwrap();
    assert_eq!(text::leaf_labels(&offline.tree), ["Pack all goods", "Ship goods"]);
    assert!(offline.notes.iter().any(|note| note.contains("'Fly'")));
}

fn edit(json: &serde_json::Value) -> String {
    let mut row = serde_json::json!({"op": null, "id": null, "place": null, "anchor": null, "kind": null, "label": null,
        "actor": null, "detail": null, "around": null, "condition": null, "times": null});
    for (name, value) in json.as_object().unwrap() {
        row[name] = value.clone();
    }
    serde_json::json!({ "edits": [row] }).to_string()
}

#[tokio::test]
async fn a_model_edits_the_tree_that_a_process_came_from() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice");
    let wrong = edit(&serde_json::json!({"op": "remove", "id": "nothing"}));
    let right =
        edit(&serde_json::json!({"op": "insert", "place": "before", "anchor": "ship_goods", "kind": "user",
        "label": "Release shipment"}));
    let model = ScriptedModel::saying(&[&wrong, &right]);
    let instruction = "somebody has to release each shipment";
    let context = Context::default();
    let refined =
        refine_with_model(&generated.definitions, Some(&generated.tree), instruction, &context, Some(&model))
            .await
            .unwrap();
    assert_eq!((refined.source, refined.rounds), (Source::Model, 2));
    assert_eq!(
        text::leaf_labels(refined.tree.as_ref().unwrap()),
        ["Pack goods", "Release shipment", "Ship goods", "Send invoice"]
    );
    assert!(model.requests()[1].messages.last().unwrap().content.contains("nothing"));
    assert!(refined.usage.output_tokens > 0);
    let kept = drawn(&generated.definitions);
    let after = drawn(&refined.definitions);
    assert!(kept.iter().all(|shape| after.contains(shape)), "what was there has not moved");
}

#[tokio::test]
async fn a_process_that_came_from_no_tree_is_edited_by_element_and_guarded() {
    let generated = offline("1. Pack the goods\n2. Ship the goods\n3. Send an invoice");
    let mut changed = generated.definitions.clone();
    changed.node_mut("pack_goods").unwrap().element.name = Some("Wrap it".to_owned());
    let right = edit(
        &serde_json::json!({"op": "insert", "place": "after", "anchor": "ship_goods", "kind": "activity",
        "label": "Track parcel"}),
    );
    let model = ScriptedModel::saying(&[&right]);
    let context = Context::default();
    let refined =
        refine_with_model(&changed, Some(&generated.tree), "track the parcel", &context, Some(&model))
            .await
            .unwrap();
    assert!(refined.tree.is_none(), "the tree is not what the process is any more");
    assert!(names(&refined.definitions).contains(&"Wrap it".to_owned()));
    assert!(names(&refined.definitions).contains(&"Track parcel".to_owned()));
    let silent = ScriptedModel::saying(&["no list"]);
    let refined =
        refine_with_model(&changed, None, "add an approval before shipping", &context, Some(&silent))
            .await
            .unwrap();
    assert_eq!((refined.source, refined.rounds), (Source::Deterministic, MAX_ROUNDS));
    assert!(refined.notes.iter().any(|note| note.contains("read by rules instead")));
}

#[tokio::test]
async fn a_model_behind_the_real_protocol_is_asked_and_its_tokens_are_counted() {
    use llm::scripted::{Reply, ScriptedServer};
    let server = ScriptedServer::start(|_| Reply::Text(GOOD.to_owned())).await.unwrap();
    let config = llm::Config {
        base_url: server.base_url().to_owned(),
        model: "scripted-1".to_owned(),
        ..llm::Config::default()
    };
    let model = llm::ModelClient::new(config).unwrap();
    let context = Context { candidates: 2, ..Context::default() };
    let generated = generate(PROMPT, &context, Some(&model), None).await.unwrap();
    assert_eq!((generated.source, generated.candidates), (Source::Model, 2));
    assert_eq!(generated.usage.input_tokens, 200);
    assert_eq!(generated.agreement, Some(1.0));
}

#[test]
fn a_deadline_that_a_text_names_becomes_a_boundary_timer() {
    let text = "The clerk reviews the claim. If it takes longer than 2 days, the clerk informs the manager. \
                Then the clerk pays the claim.";
    let made = generate_offline(text, &Context::default()).unwrap();
    assert!(made.xml.contains("boundaryEvent") && made.xml.contains("P2D"), "{}", made.xml);
    assert!(
        made.notes.iter().any(|note| note.contains("'Inform manager' is done if 'Review claim'")),
        "{:?}",
        made.notes
    );
    bpmn::compile::compile(&made.definitions, None).unwrap();
    let labels = text::leaf_labels(&made.tree);
    assert_eq!(labels, ["Review claim", "Pay claim"], "the deadline is no step of its own");
    // What is named is found, and what is more than a deadline stays a choice.
    let text = "The clerk files the claim. The expert reviews the claim. The clerk pays. \
                If the review takes more than one week, the clerk reminds the expert.";
    let made = generate_offline(text, &Context::default()).unwrap();
    assert!(
        made.notes.iter().any(|note| note.contains("if 'Review claim' takes longer than one week")),
        "{:?}",
        made.notes
    );
    let text = "The clerk reviews the claim. If it takes longer than 2 days, the clerk informs the manager and the manager \
                decides.";
    assert!(!generate_offline(text, &Context::default()).unwrap().xml.contains("boundaryEvent"));
}

#[test]
fn what_is_taken_out_takes_its_message_its_pool_and_its_data_along() {
    let text = "The clerk writes the report. The manager checks the report. The clerk sends the report to the customer.";
    let before = bpmn::xml::read(offline(text).xml.as_bytes()).unwrap();
    let pools = |definitions: &Definitions| definitions.collaborations[0].participants.len();
    assert_eq!((pools(&before), before.collaborations[0].message_flows.len()), (2, 1));
    let sent = refine(&before, "remove sending the report").unwrap().definitions;
    assert_eq!((pools(&sent), sent.collaborations[0].message_flows.len()), (1, 0));
    let unchecked = refine(&sent, "remove checking the report").unwrap().definitions;
    let shapes: Vec<&str> = unchecked.diagrams[0].shapes.iter().map(|shape| shape.element.as_str()).collect();
    assert!(!shapes.iter().any(|shape| shape.starts_with("check")), "{shapes:?}");
    assert!(unchecked.processes[0].data.iter().all(|data| !data.element.id.starts_with("check")));
}

#[test]
fn data_follows_its_step_to_another_place() {
    let text = "The clerk writes the report. The clerk files the order. The clerk checks the report.";
    let before = bpmn::xml::read(offline(text).xml.as_bytes()).unwrap();
    let after = refine(&before, "swap filing the order and checking the report").unwrap().definitions;
    let place = |id: &str| {
        let shape = after.diagrams[0].shapes.iter().find(|shape| shape.element == id).unwrap();
        shape.bounds.center().x
    };
    assert!((place("check_report") - place("check_report-data")).abs() < 1.0);
    assert!(place("check_report") < place("file_order"));
}
