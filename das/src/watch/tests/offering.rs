//! No nagging: few at a time, once each, and what was refused comes back only with twice the evidence.

use std::collections::BTreeMap;

use super::super::offering::IGNORED_AFTER_MS;
use super::*;

async fn undecided(bed: &Bed, key: i64, times: usize) {
    for _ in 0..times {
        bed.instance(key, "work", &[("task.decided", verdict(true, 60, Some((240, 240))))]).await;
    }
}

fn finding(kind: FindingKind, subject: &str, importance: f64, weight: u64) -> Finding {
    Finding {
        kind,
        subject: subject.to_owned(),
        title: String::new(),
        evidence: Vec::new(),
        weight,
        importance,
        gain: None,
        definition: Some(1),
        remedy: None,
    }
}

#[tokio::test]
async fn the_same_finding_is_offered_once() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    undecided(&bed, key, 8).await;
    assert_eq!(bed.look().await.offered, ["undecided:coin/work"]);
    undecided(&bed, key, 3).await;
    assert!(bed.look().await.offered.is_empty());
    assert_eq!(bed.open().await[0].weight, 8);
    undecided(&bed, key, 8).await;
    assert!(bed.look().await.offered.is_empty());
    assert_eq!(bed.open().await[0].weight, 19, "its evidence is renewed when it has doubled");
}

#[tokio::test]
async fn a_rejected_finding_returns_only_when_its_evidence_has_doubled() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    undecided(&bed, key, 8).await;
    bed.look().await;
    let offer = bed.open().await.remove(0);
    bed.decide(offer.proposal.as_deref().unwrap(), ProposalState::Rejected, None).await;
    undecided(&bed, key, 7).await;
    assert!(bed.look().await.offered.is_empty());
    let kept = bed.offers.get(&offer.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.rejected), (OfferState::Rejected, 1));
    undecided(&bed, key, 1).await;
    assert_eq!(bed.look().await.offered, [offer.id]);
}

#[tokio::test]
async fn an_accepted_proposal_becomes_a_version_and_the_finding_is_over() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    undecided(&bed, key, 8).await;
    bed.look().await;
    let offer = bed.open().await.remove(0);
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    let next = bed.deploy(&proposal.xml).await;
    assert_eq!(bed.engine.definition(next).await.unwrap().version, 2);
    bed.decide(&proposal.id, ProposalState::Accepted, Some(next)).await;
    assert!(bed.look().await.offered.is_empty());
    let kept = bed.offers.get(&offer.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.accepted), (OfferState::Accepted, 1));
}

#[tokio::test]
async fn what_is_no_longer_true_is_withdrawn_with_its_proposal() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    undecided(&bed, key, 8).await;
    bed.look().await;
    let offer = bed.open().await.remove(0);
    bed.deploy(&coin("coin", "0.99", 60)).await;
    bed.look().await;
    let kept = bed.offers.get(&offer.id).await.unwrap().unwrap();
    assert_eq!(kept.state, OfferState::Settled);
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert_eq!(proposal.state, ProposalState::Rejected);
    assert!(proposal.reason.unwrap().starts_with("withdrawn by das"));
}

#[tokio::test]
async fn an_offer_left_lying_is_ignored_and_counts_against_its_kind() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    undecided(&bed, key, 8).await;
    bed.look().await;
    bed.clock.advance(IGNORED_AFTER_MS);
    bed.look().await;
    let kept = bed.offers.list().await.unwrap();
    assert_eq!((kept[0].state, kept[0].ignored), (OfferState::Ignored, 1));
    let mean = Acceptance::learn(&kept)[&FindingKind::Undecided].mean();
    assert!((mean - 1.0 / 2.5).abs() < 1e-12, "{mean}");
}

#[test]
fn at_most_a_few_are_open_and_the_kind_that_people_take_comes_first() {
    let mut offers = BTreeMap::new();
    for (kind, state, times) in
        [(FindingKind::Duplicate, OfferState::Rejected, 4), (FindingKind::Undecided, OfferState::Accepted, 4)]
    {
        for at in 0..times {
            let mut offer = Offer::of(&finding(kind, &format!("old{at}"), 0.5, 1), None, START_MS);
            offer.decide(state, None, START_MS);
            offers.insert(offer.id.clone(), offer);
        }
    }
    let mut findings = vec![finding(FindingKind::Duplicate, "a", 0.5, 10)];
    findings.extend((0..20).map(|at| finding(FindingKind::Undecided, &format!("b{at:02}"), 0.4, 10)));
    let chosen = choose(&findings, &offers);
    assert_eq!(chosen.len(), OPEN_LIMIT);
    assert!(chosen.iter().all(|finding| finding.kind == FindingKind::Undecided));
    for finding in chosen {
        let offer = Offer::of(finding, None, START_MS);
        offers.insert(offer.id.clone(), offer);
    }
    assert!(choose(&findings, &offers).is_empty());
}

#[test]
fn a_kind_that_is_always_refused_falls_silent() {
    let mut offers = BTreeMap::new();
    for at in 0..12 {
        let mut offer =
            Offer::of(&finding(FindingKind::Duplicate, &format!("old{at}"), 0.25, 1), None, START_MS);
        offer.decide(OfferState::Rejected, None, START_MS);
        offers.insert(offer.id.clone(), offer);
    }
    assert!(choose(&[finding(FindingKind::Duplicate, "a", 0.25, 10)], &offers).is_empty());
    assert_eq!(choose(&[finding(FindingKind::Duplicate, "a", 0.25, 10)], &BTreeMap::new()).len(), 1);
}

#[tokio::test]
async fn a_suggestion_without_a_proposal_is_decided_by_itself() {
    let bed = Bed::new().await;
    bed.deploy(&coin("coin", "0.5", 60)).await;
    bed.clock.advance(31 * DAY_MS);
    bed.look().await;
    let id = bed.open().await.remove(0).id;
    let decided =
        decide(bed.offers.as_ref(), &id, false, Some("needed in spring"), "ada", START_MS).await.unwrap();
    assert_eq!(decided.state, OfferState::Rejected);
    let again = decide(bed.offers.as_ref(), &id, true, None, "ada", START_MS).await.unwrap_err();
    assert_eq!(again.code(), "DAS-0022");
    bed.clock.advance(20 * DAY_MS);
    assert!(bed.look().await.offered.is_empty());
    bed.clock.advance(12 * DAY_MS);
    assert_eq!(bed.look().await.offered, [id]);
}
