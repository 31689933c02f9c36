//! People are watched only with their consent, within bounds, and it helps.

use super::super::people::{ACTS_A_MINUTE, KEPT_MS, NAME_LIMIT_BYTES, SOURCE};
use super::*;

fn act(bed: &Bed, kind: ActKind, subject: &str, element: Option<&str>) -> Act {
    let at_ms = bed.deps.clock.now_ms();
    Act { kind, subject: subject.to_owned(), element: element.map(str::to_owned), at_ms }
}

async fn does(bed: &Bed, kind: ActKind, subject: &str, element: Option<&str>) -> Told {
    bed.people.tell(vec![act(bed, kind, subject, element)], "ann").await.unwrap()
}

#[tokio::test]
async fn nothing_is_kept_before_consent_and_nothing_after_it_is_withdrawn() {
    let bed = Bed::new().await;
    assert!(!bed.people.consent().await.unwrap().given);
    assert_eq!(does(&bed, ActKind::View, "coin", None).await, Told::default());
    assert!(bed.shelf.0.lock().is_empty());

    let given = bed.people.agree(true, "ann").await.unwrap();
    assert_eq!((given.given, given.by.as_str(), given.at_ms), (true, "ann", START_MS));
    assert_eq!(bed.people.agree(true, "bob").await.unwrap(), given, "the same again changes nothing");
    let told = does(&bed, ActKind::View, "coin", Some("work")).await;
    assert_eq!((told.kept, told.consent), (1, true));
    let entry = bed.shelf.0.lock()[0].clone();
    assert_eq!(
        (entry.source.as_str(), entry.text.as_str(), entry.at_ms),
        (SOURCE, "view coin at work", START_MS)
    );

    bed.people.agree(false, "ann").await.unwrap();
    assert_eq!(does(&bed, ActKind::View, "coin", None).await, Told::default());
    assert!(bed.people.acts().await.unwrap().is_empty(), "what is kept is not looked at any more");
    assert_eq!(bed.people.kept().await.unwrap().len(), 1, "it is still there, and can be forgotten");
    assert_eq!(bed.people.forget().await.unwrap(), 1);
    assert!(bed.shelf.0.lock().is_empty());
    let kinds: Vec<String> = bed.records.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["consent.given", "consent.withdrawn"]);
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_size_rate_and_time() {
    let bed = Bed::new().await;
    bed.people.agree(true, "ann").await.unwrap();
    let long = act(&bed, ActKind::View, &"x".repeat(NAME_LIMIT_BYTES + 1), None);
    assert_eq!(bed.people.tell(vec![long], "ann").await.unwrap_err().code(), "DAS-0025");
    let many = |n| vec![act(&bed, ActKind::View, "coin", None); n];
    assert_eq!(bed.people.tell(many(101), "ann").await.unwrap_err().code(), "DAS-0025");
    let mut kept = 0;
    for _ in 0..8 {
        kept += bed.people.tell(many(100), "ann").await.unwrap().kept;
    }
    assert_eq!((kept, bed.shelf.0.lock().len()), (ACTS_A_MINUTE, ACTS_A_MINUTE));
    bed.clock.advance(60_000);
    assert_eq!(does(&bed, ActKind::View, "coin", None).await.kept, 1);
    // Late acts are taken for what they say, within ten minutes; acts of the future are of now.
    let mut late = act(&bed, ActKind::Edit, "coin", None);
    late.at_ms -= 3_600_000;
    bed.people.tell(vec![late], "ann").await.unwrap();
    assert_eq!(bed.shelf.0.lock().last().unwrap().at_ms, bed.deps.clock.now_ms() - 600_000);
    bed.clock.advance(KEPT_MS + 600_000);
    bed.look().await;
    assert!(bed.shelf.0.lock().is_empty(), "after thirty days it is forgotten");
}

#[tokio::test]
async fn a_place_that_is_changed_again_and_again_is_told() {
    let bed = Bed::new().await;
    bed.deploy(&coin("coin", "0.9", 60)).await;
    bed.people.agree(true, "ann").await.unwrap();
    for round in 0..3 {
        // Many changes of one sitting are one occasion.
        for _ in 0..5 {
            does(&bed, ActKind::Edit, "coin", Some("work")).await;
        }
        bed.look().await;
        assert_eq!(bed.open().await.len(), 0, "{round}");
        bed.clock.advance(DAY_MS);
    }
    does(&bed, ActKind::Edit, "coin", Some("work")).await;
    bed.deploy(&one_task("other", "")).await;
    bed.look().await;
    let mut open = bed.open().await;
    open.retain(|offer| offer.subject.starts_with("coin"));
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0].id, "edited-again:coin/work");
    assert!(open[0].title.contains("'Work' in 'Process coin'"), "{}", open[0].title);
    bed.people.agree(false, "ann").await.unwrap();
    bed.clock.advance(super::super::FIND_AFTER_MS);
    bed.look().await;
    assert!(bed.open().await.is_empty(), "without consent the finding is gone, too");
}

#[tokio::test]
async fn what_is_begun_and_left_is_told_and_saving_ends_it() {
    let bed = Bed::new().await;
    bed.deploy(&coin("coin", "0.9", 60)).await;
    let waiting = Proposal { id: "p1".to_owned(), title: "Draft".to_owned(), ..Proposal::default() };
    bed.proposals.put(&waiting, NewEvent::new("proposal.made", START_MS)).await.unwrap();
    bed.people.agree(true, "ann").await.unwrap();
    for _ in 0..3 {
        does(&bed, ActKind::Leave, "coin", None).await;
        does(&bed, ActKind::View, "proposal:p1", None).await;
        bed.clock.advance(DAY_MS);
    }
    bed.look().await;
    let ids: Vec<String> = bed.open().await.into_iter().map(|offer| offer.id).collect();
    assert_eq!(ids, ["left-lying:coin", "left-lying:proposal:p1"]);
    does(&bed, ActKind::Save, "coin", None).await;
    bed.decide("p1", ProposalState::Rejected, None).await;
    bed.look().await;
    assert!(bed.open().await.is_empty());
}

/// Importance and evidence of a falling score, where people looked at its process on so many occasions.
async fn falling(looks: usize) -> (f64, Vec<String>) {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.9", 60)).await;
    bed.attempts("process", "coin", 1, &[vec![true; 30], vec![false; 30]].concat()).await;
    for _ in 0..60 {
        bed.instance(key, "work", &[]).await;
    }
    bed.people.agree(true, "ann").await.unwrap();
    for _ in 0..looks {
        does(&bed, ActKind::View, "coin", None).await;
        bed.clock.advance(3_600_000);
    }
    bed.look().await;
    let summary = bed.offers.summary().await.unwrap().unwrap();
    let sight = sight::Sight::read(&bed.deps, &summary, &mut sight::Kept::default()).await.unwrap();
    let found =
        super::super::finding::find(&sight).into_iter().find(|finding| finding.id() == "falling-score:coin");
    found.map(|finding| (finding.importance, finding.evidence)).unwrap()
}

#[tokio::test]
async fn what_people_look_at_ranks_higher() {
    let (unseen, _) = falling(0).await;
    let (seen, evidence) = falling(6).await;
    let expected = unseen + (1.0 - unseen) * 0.5 * 0.6;
    assert!((seen - expected).abs() < 1e-9, "{unseen} {seen}");
    assert!(evidence.iter().any(|line| line.contains("on 6 occasions")), "{evidence:#?}");
}
