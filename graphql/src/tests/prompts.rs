//! Prompts by API: saved, tested with a scripted model, approved, in production.

use std::sync::Arc;

use llm::scripted::ScriptedModel;
use serde_json::json;

use super::bed::Bed;

const SAVE: &str =
    "mutation($input: SavePromptInput!) { savePrompt(input: $input) { name versions { version } } }";

#[tokio::test]
async fn a_prompt_is_saved_tested_and_approved_before_it_is_in_production() {
    let bed = Bed::with(Some(Arc::new(ScriptedModel::saying(&["the answer is yes"])))).await;
    let input = json!({"name": "judge", "template": "Is {{claim}} true?"});
    let saved = bed.ask(SAVE, json!({"input": input})).await;
    let version = saved["savePrompt"]["versions"][0]["version"].as_str().unwrap().to_owned();

    let cases = json!([{"variables": {"claim": "water is wet"}, "contains": "yes"}]);
    let test = bed
        .ask(
            "mutation($input: TestPromptInput!) { testPrompt(input: $input) { decision runs passes low high } }",
            json!({"input": {"name": "judge", "version": version, "cases": cases}}),
        )
        .await;
    assert_eq!(test["testPrompt"]["runs"], test["testPrompt"]["passes"]);

    let unproved =
        json!({"input": {"name": "judge", "version": version, "actor": "ada", "evidence": "none"}});
    let approve =
        "mutation($input: ApprovePromptInput!) { approvePrompt(input: $input) { production { version } } }";
    let (code, ..) = bed.refusal(approve, unproved).await;
    assert!(code.starts_with("CTX-"), "{code}");
}
