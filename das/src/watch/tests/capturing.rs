//! What people decide and correct is remembered, and recalled when something like it is asked for.

use crate::generate::{Context, generate};

use super::*;

const REQUEST: &str = "Build a process to ingest data and train a model";

/// A generated process that was accepted and deployed.
async fn accepted(bed: &Bed) -> (String, i64) {
    let generated = crate::generate::generate_offline(REQUEST, &Context::default()).unwrap();
    let proposal = Proposal {
        id: "p1".to_owned(),
        title: generated.name.clone(),
        xml: generated.xml.clone(),
        process_id: generated.process_id.clone(),
        request: REQUEST.to_owned(),
        created_ms: START_MS,
        ..Proposal::default()
    };
    bed.proposals.put(&proposal, NewEvent::new("proposal.made", START_MS)).await.unwrap();
    let key = bed.deploy(&generated.xml).await;
    bed.clock.advance(1_000);
    bed.decide("p1", ProposalState::Accepted, Some(key)).await;
    (generated.xml, key)
}

#[tokio::test]
async fn a_decision_is_remembered_once_with_what_was_asked() {
    let bed = Bed::new().await;
    accepted(&bed).await;
    bed.look().await;
    bed.look().await;
    let kept = bed.shelf.0.lock().clone();
    assert_eq!(kept.len(), 1, "{kept:#?}");
    assert_eq!((kept[0].id.as_str(), kept[0].kind), ("proposal/p1", memory::Kind::Outcome));
    assert!(kept[0].text.contains(REQUEST));
    assert_eq!(kept[0].payload["decision"], "accepted");
}

#[tokio::test]
async fn a_correction_is_remembered_and_used_the_next_time() {
    let bed = Bed::new().await;
    let (xml, _) = accepted(&bed).await;
    bed.look().await;
    assert!(xml.contains("\"Train model\""), "{xml}");
    bed.deploy(&xml.replace("\"Train model\"", "\"Fit model\"")).await;
    bed.look().await;
    let entry = bed.shelf.get("local", "correction:ingest_data_and_train_model:2").await.unwrap();
    let kept: Vec<String> = bed.shelf.0.lock().iter().map(|entry| entry.id.clone()).collect();
    let entry = entry.unwrap_or_else(|| panic!("{kept:?}"));
    assert_eq!(entry.kind, memory::Kind::Build);
    assert_eq!(entry.payload["correction"]["renamed"], json!([["Train model", "Fit model"]]));

    let again = generate(REQUEST, &Context::default(), None, Some(bed.shelf.as_ref())).await.unwrap();
    assert!(
        again.xml.contains("\"Fit model\"") && !again.xml.contains("\"Train model\""),
        "{:?}",
        again.notes
    );
    assert!(
        again.notes.iter().any(|note| note.contains("'Train model' became 'Fit model'")),
        "{:?}",
        again.notes
    );
    let other =
        generate("1. Train a model\n2. Sell it", &Context::default(), None, Some(bed.shelf.as_ref())).await;
    assert!(other.unwrap().xml.contains("\"Train model\""), "another request is left alone");
}

#[tokio::test]
async fn a_model_is_shown_what_a_person_corrected() {
    let bed = Bed::new().await;
    let (xml, _) = accepted(&bed).await;
    bed.look().await;
    bed.deploy(&xml.replace("\"Train model\"", "\"Fit model\"")).await;
    bed.look().await;
    let model = llm::scripted::ScriptedModel::saying(&["no table"]);
    generate(REQUEST, &Context::default(), Some(&model), Some(bed.shelf.as_ref())).await.unwrap();
    let asked = &model.requests()[0].messages[1].content;
    assert!(
        asked.contains("A person corrected what was written for this: 'Train model' became 'Fit model'"),
        "{asked}"
    );
}
