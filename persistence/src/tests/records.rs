//! What DAS keeps beside proposals, and how deep the outbox is.

use das::records::Records as _;
use engine::Store;
use engine::store::Commit;
use serde_json::json;
use trail::{NewEvent, Outbox, OutboxItem, Trail};

use super::{Bench, NOW_MS};
use crate::Records;

#[tokio::test]
async fn records_are_kept_apart_from_other_documents_with_their_events() {
    for mut bench in Bench::all().await {
        let records = Records::new(bench.database.documents());
        let event = NewEvent::new("policy.saved", NOW_MS);
        records.put("policy", "b", &json!({"n": 2}), NOW_MS, vec![event]).await.unwrap();
        records.put("policy", "a", &json!({"n": 1}), NOW_MS, Vec::new()).await.unwrap();
        records.put("policy", "a", &json!({"n": 3}), NOW_MS, Vec::new()).await.unwrap();
        bench.database.documents().put("policy", "c", &json!({}), NOW_MS, Vec::new()).await.unwrap();
        drop(records);
        bench.reopen().await;
        let records = Records::new(bench.database.documents());
        assert_eq!(records.list("policy").await.unwrap(), [json!({"n": 3}), json!({"n": 2})]);
        assert_eq!(records.get("policy", "a").await.unwrap(), Some(json!({"n": 3})));
        assert_eq!(records.get("policy", "c").await.unwrap(), None);
        let trail: &dyn Trail = &bench.database;
        assert_eq!(trail.head().await.unwrap(), 1, "a record and its event are one transaction");
        bench.remove().await;
    }
}

#[tokio::test]
async fn the_depth_of_the_outbox_counts_what_waits_in_all_topics() {
    for bench in Bench::all().await {
        assert_eq!(bench.database.outbox_depth().await.unwrap(), 0);
        let item = |topic: &str, key: &str| OutboxItem {
            topic: topic.to_owned(),
            key: key.to_owned(),
            payload: json!({}),
        };
        let outbox = vec![item("memory", "a"), item("memory", "b"), item("ontology", "c")];
        bench.database.commit(Commit { outbox, ..Commit::default() }).await.unwrap();
        assert_eq!(bench.database.outbox_depth().await.unwrap(), 3);
        let first = bench.database.pending("memory", 1).await.unwrap()[0].id;
        bench.database.delivered(&[first]).await.unwrap();
        assert_eq!(bench.database.outbox_depth().await.unwrap(), 2);
        bench.remove().await;
    }
}
