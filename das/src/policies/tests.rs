//! What a policy may hold, and its versions.

use std::sync::Arc;

use super::*;
use crate::records::VolatileRecords;

fn rules() -> Rules {
    Rules {
        kinds: vec![FindingKind::Undecided],
        changes: vec![ChangeKind::Budget],
        worse_at_most: 0.1,
        per_day: 3,
        why: String::new(),
    }
}

#[tokio::test]
async fn every_version_is_kept_and_in_the_trail() {
    let records = Arc::<VolatileRecords>::default();
    let policies = Policies::new(records.clone());
    let first = policies.save("budgets", rules(), "ann", 1).await.unwrap();
    assert_eq!((first.version, first.enabled), (1, true));
    assert_eq!(policies.save("budgets", rules(), "bob", 2).await.unwrap(), first, "the same changes nothing");
    let wider = Rules { per_day: 5, ..rules() };
    assert_eq!(policies.save("budgets", wider, "bob", 3).await.unwrap().version, 2);
    let off = policies.switch("budgets", false, "ann", 4).await.unwrap();
    assert_eq!((off.version, off.enabled), (3, false));
    let versions = policies.versions("budgets").await.unwrap();
    assert_eq!(versions.iter().map(|one| one.author.as_str()).collect::<Vec<_>>(), ["ann", "bob", "ann"]);
    assert_eq!(policies.list().await.unwrap(), [off]);
    let events = records.events();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["policy.saved", "policy.saved", "policy.switched_off"]);
    assert_eq!(events[1].subject.as_deref(), Some("policy:budgets"));
}

#[tokio::test]
async fn what_a_policy_may_not_hold_is_named() {
    let policies = Policies::new(Arc::<VolatileRecords>::default());
    for (name, rules, word) in [
        ("no such name", rules(), "letters"),
        ("a", Rules { changes: Vec::new(), ..rules() }, "no sort of change"),
        ("a", Rules { worse_at_most: 1.5, ..rules() }, "0..=1"),
        ("a", Rules { per_day: 0, ..rules() }, "1 to 50"),
        ("a", Rules { per_day: 51, ..rules() }, "1 to 50"),
    ] {
        let error = policies.save(name, rules, "ann", 1).await.unwrap_err();
        assert_eq!(error.code(), "DAS-0026");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(policies.switch("none", true, "ann", 1).await.is_err());
}
