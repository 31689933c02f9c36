//! What the watching assistant offers is shown with its proposal, and decided.

use das::watch::{Finding, FindingKind, Offer};
use serde_json::json;

use super::bed::Bed;

fn offer(kind: FindingKind, subject: &str) -> Offer {
    let finding = Finding {
        kind,
        subject: subject.to_owned(),
        title: format!("Look at {subject}"),
        evidence: vec!["12 of 12".to_owned()],
        weight: 12,
        importance: 0.5,
        gain: None,
        definition: None,
        remedy: None,
    };
    Offer::of(&finding, None, 7)
}

#[tokio::test]
async fn offers_are_suggestions_with_their_proposals_and_are_decided_once() {
    let bed = Bed::new().await;
    let proposal =
        das::Proposal { id: "p1".to_owned(), title: "more samples".to_owned(), ..das::Proposal::default() };
    let event = trail::NewEvent::new("proposal.made", 7);
    bed.state.proposals.put(&proposal, event.clone()).await.unwrap();
    let mut with = offer(FindingKind::Undecided, "coin/work");
    with.proposal = Some("p1".to_owned());
    let without = offer(FindingKind::Duplicate, "one");
    for one in [&with, &without] {
        bed.state.offers.put(one, event.clone()).await.unwrap();
    }
    let query = "{ suggestions { id title evidence subject proposal { id title } } }";
    let found = bed.ask(query, json!({})).await;
    let all = found["suggestions"].as_array().unwrap();
    assert_eq!(all.len(), 2, "{found}");
    let with = all.iter().find(|one| one["id"] == "undecided:coin/work").unwrap();
    assert_eq!(with["proposal"], json!({"id": "p1", "title": "more samples"}));

    let decide = "mutation($input: DecideSuggestionInput!) { decideSuggestion(input: $input) { id } }";
    let input = |id: &str| json!({"input": {"id": id, "accept": false, "reason": "both are needed"}});
    bed.ask(decide, input("duplicate:one")).await;
    let left = bed.ask(query, json!({})).await;
    assert_eq!(left["suggestions"].as_array().unwrap().len(), 1);
    for id in ["duplicate:one", "undecided:coin/work", "none"] {
        let refused = bed.send(decide, input(id)).await;
        assert_eq!(refused.errors.len(), 1, "{id}: one is decided, one has a proposal, one is not there");
    }
}
