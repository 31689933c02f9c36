//! Consent, acts, policies, the machine, and what is taken back, through the API.

use das::watch::{Health, Sample};
use memory::Filter;
use serde_json::{Value, json};

use super::bed::{Bed, NOW};

const TELL: &str = "mutation($acts: [ActInput!]!) { tellActs(acts: $acts) { kept dropped consent } }";
const CONSENT: &str = "mutation($input: SetConsentInput!) { setConsent(input: $input) { given by at kept } }";

fn acts() -> Value {
    json!({"acts": [{"kind": "VIEW", "subject": "order", "agoMs": 1_000}, {"kind": "EDIT", "subject": "order", "element": "pay"}]})
}

#[tokio::test]
async fn people_are_watched_only_while_they_agree() {
    let bed = Bed::new().await;
    let off = bed.ask("{ consent { given by at kept } }", json!({})).await;
    assert_eq!(off["consent"], json!({"given": false, "by": null, "at": null, "kept": 0}));
    let told = bed.ask(TELL, acts()).await;
    assert_eq!(told["tellActs"], json!({"kept": 0, "dropped": 0, "consent": false}));
    let on = bed.ask(CONSENT, json!({"input": {"given": true}})).await;
    assert_eq!(on["setConsent"], json!({"given": true, "by": "local", "at": NOW, "kept": 0}));
    bed.ask(TELL, acts()).await;
    let first = bed.memory.0.lock()[0].clone();
    assert_eq!((first.source.as_str(), first.at_ms), ("web admin", NOW - 1_000));
    let off = bed.ask(CONSENT, json!({"input": {"given": false}})).await;
    assert_eq!(off["setConsent"]["kept"], 2, "what is kept is offered to be forgotten");
    assert_eq!(bed.ask(TELL, acts()).await["tellActs"]["consent"], false);
    assert_eq!(bed.ask("mutation { forgetActs }", json!({})).await["forgetActs"], 2);
    let source = Some("web admin".to_owned());
    assert_eq!(bed.state.memory.forget(Filter { source, ..Filter::default() }).await.unwrap(), 0);
    let (code, ..) = bed.refusal(TELL, json!({"acts": [{"kind": "VIEW", "subject": ""}]})).await;
    assert_eq!(code, "DAS-0025");
}

#[tokio::test]
async fn policies_are_written_switched_and_read_back() {
    let bed = Bed::new().await;
    let save = "mutation($input: SavePolicyInput!) { savePolicy(input: $input) { version enabled perDay worseAtMost } }";
    let input = json!({"name": "budgets", "kinds": ["UNDECIDED"], "changes": ["BUDGET"]});
    let saved = bed.ask(save, json!({"input": input})).await;
    assert_eq!(saved["savePolicy"], json!({"version": 1, "enabled": true, "perDay": 3, "worseAtMost": 0.1}));
    let switch = "mutation { switchPolicy(input: {name: \"budgets\", enabled: false}) { version enabled } }";
    assert_eq!(bed.ask(switch, json!({})).await["switchPolicy"], json!({"version": 2, "enabled": false}));
    let query =
        "{ policies { name enabled kinds changes author } policyVersions(name: \"budgets\") { version } }";
    let found = bed.ask(query, json!({})).await;
    assert_eq!(
        found["policies"],
        json!([{"name": "budgets", "enabled": false, "kinds": ["UNDECIDED"], "changes": ["BUDGET"], "author": "local"}])
    );
    assert_eq!(found["policyVersions"], json!([{"version": 1}, {"version": 2}]));
    let wrong = json!({"input": {"name": "b", "changes": []}});
    assert_eq!(bed.refusal(save, wrong).await.0, "DAS-0026");
}

#[tokio::test]
async fn the_machine_is_shown_as_it_was_sampled() {
    let bed = Bed::new().await;
    let query = "{ server { vitals { diskFreeBytes outbox engine { ok detail } } recentVitals { at } } }";
    let none = bed.ask(query, json!({})).await;
    assert_eq!(none["server"], json!({"vitals": null, "recentVitals": []}));
    let engine = Health { ok: false, detail: Some("refused".to_owned()), answered_ms: 0 };
    let sample = Sample { at_ms: NOW, disk_free: Some(5), outbox: Some(7), engine, ..Sample::default() };
    bed.state.vitals.take(sample);
    let found = bed.ask(query, json!({})).await;
    assert_eq!(
        found["server"],
        json!({
            "vitals": {"diskFreeBytes": 5.0, "outbox": 7, "engine": {"ok": false, "detail": "refused"}},
            "recentVitals": [{"at": NOW}]
        })
    );
}

const DECIDE: &str = "mutation($id: ID!) { decideProposal(input: {id: $id, accept: true}) { state canBeTakenBack \
    definition { version } } }";
const BACK: &str =
    "mutation($id: ID!) { takeBackProposal(input: {id: $id, reason: \"no\"}) { state decidedBy reason } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_proposed_with_its_diff_accepted_and_taken_back() {
    let bed = Bed::new().await;
    let propose = "mutation($content: String!) { proposeSystem(input: {name: \"Pump\", content: $content}) { id title \
        xml build { system first untouched nodes { localId effect } processes { process effect } } } }";
    let one = "- R-1: The pump shall move water.\n";
    let first = bed.ask(propose, json!({"content": one})).await["proposeSystem"].clone();
    assert_eq!((first["xml"].as_str(), &first["build"]["first"]), (Some(""), &json!(true)));
    assert_eq!(bed.ask("{ systems { totalCount } }", json!({})).await["systems"]["totalCount"], 0);
    let decided = bed.ask(DECIDE, json!({"id": first["id"]})).await;
    assert_eq!(decided["decideProposal"]["canBeTakenBack"], false, "nothing was there before");

    let two = "- R-1: The pump shall move water.\n- R-2: The motor shall turn the pump.\n";
    let second = bed.ask(propose, json!({"content": two})).await["proposeSystem"].clone();
    let added = second["build"]["nodes"].as_array().unwrap();
    assert!(added.contains(&json!({"localId": "R-2", "effect": "added"})), "{second}");
    assert_eq!(bed.ask(DECIDE, json!({"id": second["id"]})).await["decideProposal"]["canBeTakenBack"], true);
    let count = "{ systems { nodes { requirementCount } } }";
    assert_eq!(bed.ask(count, json!({})).await["systems"]["nodes"][0]["requirementCount"], 2);
    let back = bed.ask(BACK, json!({"id": second["id"]})).await;
    assert_eq!(
        back["takeBackProposal"],
        json!({"state": "TAKEN_BACK", "decidedBy": "local", "reason": "no"})
    );
    assert_eq!(bed.ask(count, json!({})).await["systems"]["nodes"][0]["requirementCount"], 1);
    let (code, _, hint) = bed.refusal(propose, json!({"content": one})).await;
    assert_eq!(code, "DAS-0024", "the source changes nothing");
    assert!(!hint.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_change_of_a_process_is_taken_back_with_one_call() {
    let bed = Bed::new().await;
    let draft =
        "mutation { generateProcess(input: {text: \"Check the order, then ship the goods\"}) { id xml } }";
    let draft = bed.ask(draft, json!({})).await["generateProcess"].clone();
    bed.ask(DECIDE, json!({"id": draft["id"]})).await;
    let refine = "mutation($xml: String!) { refineProcess(input: {xml: $xml, instruction: \"remove checking\"}) { id } }";
    let change = bed.ask(refine, json!({"xml": draft["xml"]})).await["refineProcess"]["id"].clone();
    let decided = bed.ask(DECIDE, json!({"id": change})).await;
    assert_eq!(decided["decideProposal"]["definition"]["version"], 2);
    bed.ask(BACK, json!({"id": change})).await;
    let newest = bed.ask("{ processDefinitions { nodes { version xml } } }", json!({})).await;
    let all = newest["processDefinitions"]["nodes"].as_array().unwrap();
    let last = all.iter().max_by_key(|one| one["version"].as_i64()).unwrap();
    assert_eq!((&last["version"], &last["xml"]), (&json!(3), &draft["xml"]));
    assert_eq!(bed.refusal(BACK, json!({"id": change})).await.0, "DAS-0024");
}

#[tokio::test]
async fn a_prompt_is_proposed_as_a_diff() {
    let bed = Bed::new().await;
    let prompt = |text: &str| -> context::Prompt {
        serde_json::from_value(json!({
            "name": "judge", "purpose": "", "messages": [{"role": "system", "text": text}], "variables": [],
            "output_schema": null, "parameters": {},
        }))
        .unwrap()
    };
    let change = das::proposals::PromptChange::between("abc", &prompt("Judge."), prompt("Judge.\nBe brief."));
    let proposal = das::Proposal { id: "p".to_owned(), prompt: Some(change), ..das::Proposal::default() };
    bed.state.proposals.put(&proposal, trail::NewEvent::new("proposal.made", 1)).await.unwrap();
    let found = bed.ask("{ proposals { prompt { name base lines { effect text } } } }", json!({})).await;
    assert_eq!(
        found["proposals"][0]["prompt"],
        json!({"name": "judge", "base": "abc", "lines": [
            {"effect": "KEPT", "text": "[system]"}, {"effect": "KEPT", "text": "Judge."},
            {"effect": "ADDED", "text": "Be brief."}
        ]})
    );
}
