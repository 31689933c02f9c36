//! What a person allowed once is done without asking, and nothing else.

use super::*;
use crate::policies::{ChangeKind, Rules};

fn rules(changes: &[ChangeKind]) -> Rules {
    Rules {
        kinds: vec![FindingKind::Undecided],
        changes: changes.to_vec(),
        worse_at_most: 0.1,
        per_day: 1,
        why: "budgets are cheap".to_owned(),
    }
}

async fn undecided(bed: &Bed, process: &str) -> i64 {
    let key = bed.deploy(&coin(process, "0.65", 60)).await;
    for _ in 0..12 {
        bed.instance(key, "work", &[("task.decided", verdict(true, 60, Some((130, 240))))]).await;
    }
    key
}

async fn proposal(bed: &Bed, offer: &str) -> Proposal {
    let offer = bed.offers.get(offer).await.unwrap().unwrap();
    bed.proposals.get(&offer.proposal.unwrap()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_policy_accepts_what_it_names_and_one_click_takes_it_back_for_good() {
    let bed = Bed::new().await;
    let policies = bed.deps.policies.clone().unwrap();
    policies.save("budgets", rules(&[ChangeKind::Budget]), "ann", START_MS).await.unwrap();
    let key = undecided(&bed, "coin").await;
    bed.look().await;
    let done = proposal(&bed, "undecided:coin/work").await;
    assert_eq!(done.state, ProposalState::Accepted, "{:?}", done.reason);
    assert_eq!(done.decided_by.as_deref(), Some("policy:budgets"));
    assert!(done.reason.as_deref().unwrap().contains("policy 'budgets', version 1"), "{:?}", done.reason);
    assert_eq!(bed.engine.definition(done.definition.unwrap()).await.unwrap().version, 2);
    assert_eq!(bed.offers.get("undecided:coin/work").await.unwrap().unwrap().state, OfferState::Accepted);

    let deciding = bed.deps.deciding.clone().unwrap();
    let back = deciding.take_back(&done.id, Some("too dear"), "ann").await.unwrap();
    let xml = bed.engine.definition_xml(back.back.unwrap()).await.unwrap();
    assert_eq!(xml, bed.engine.definition_xml(key).await.unwrap());
    assert_eq!(bed.engine.definition(back.back.unwrap()).await.unwrap().version, 3);
    assert_eq!(deciding.take_back(&done.id, None, "ann").await.unwrap_err().code(), "DAS-0024");
    // The finding returns with more evidence; now a person is asked.
    bed.clock.advance(2 * DAY_MS);
    for _ in 0..30 {
        let verdict = verdict(true, 60, Some((130, 240)));
        bed.instance(back.back.unwrap(), "work", &[("task.decided", verdict)]).await;
    }
    bed.look().await;
    let again = proposal(&bed, "undecided:coin/work").await;
    assert_ne!(again.id, done.id);
    assert_eq!(again.state, ProposalState::Open);
    let offer = bed.offers.get("undecided:coin/work").await.unwrap().unwrap();
    assert!(offer.evidence.iter().any(|line| line.contains("a person refused or took back")), "{offer:#?}");
}

#[tokio::test]
async fn what_it_does_not_name_or_what_is_too_much_for_a_day_waits_for_a_person() {
    let bed = Bed::new().await;
    let policies = bed.deps.policies.clone().unwrap();
    policies.save("budgets", rules(&[ChangeKind::Budget]), "ann", START_MS).await.unwrap();
    for process in ["a", "b"] {
        undecided(&bed, process).await;
    }
    bed.look().await;
    let states: Vec<ProposalState> =
        [proposal(&bed, "undecided:a/work").await, proposal(&bed, "undecided:b/work").await]
            .iter()
            .map(|one| one.state)
            .collect();
    assert_eq!(states.iter().filter(|state| **state == ProposalState::Accepted).count(), 1, "{states:?}");
    policies.switch("budgets", false, "ann", START_MS).await.unwrap();
    undecided(&bed, "c").await;
    bed.clock.advance(2 * DAY_MS);
    bed.look().await;
    assert_eq!(proposal(&bed, "undecided:c/work").await.state, ProposalState::Open, "it is switched off");
}

#[tokio::test]
async fn a_rule_for_other_changes_or_a_stricter_one_does_not_accept() {
    for (name, rules) in [
        ("other", rules(&[ChangeKind::Attempts, ChangeKind::WayBack])),
        ("strict", Rules { worse_at_most: 0.01, ..rules(&[ChangeKind::Budget]) }),
    ] {
        let bed = Bed::new().await;
        bed.deps.policies.clone().unwrap().save(name, rules, "ann", START_MS).await.unwrap();
        undecided(&bed, "coin").await;
        bed.look().await;
        assert_eq!(proposal(&bed, "undecided:coin/work").await.state, ProposalState::Open);
        let offer = bed.offers.get("undecided:coin/work").await.unwrap().unwrap();
        let told = offer.evidence.iter().any(|line| line.starts_with(&format!("policy '{name}' does not")));
        assert!(told, "{offer:#?}");
    }
}
