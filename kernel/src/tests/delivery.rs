//! The outbox relay: what a run leaves behind reaches its receivers, in order, also when they fail at first.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use trail::OutboxItem;

use super::{Bed, one_task, variables};
use crate::{Receiver, Relay};

#[derive(Default)]
struct Collector {
    failures: AtomicUsize,
    items: Mutex<Vec<OutboxItem>>,
}

#[async_trait]
impl Receiver for Collector {
    fn topic(&self) -> &'static str {
        "memory"
    }
    async fn deliver(&self, item: &OutboxItem) -> Result<(), String> {
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err("not now".to_owned());
        }
        self.items.lock().push(item.clone());
        Ok(())
    }
}

#[tokio::test]
async fn effects_of_a_run_are_delivered_once_and_in_order_after_failures() {
    let bed = Bed::new().await;
    let task = r#"<procos:task by="feel"><procos:compute variable="x" expression="=1"/></procos:task>"#;
    bed.deploy(&one_task("p", task)).await;
    for seed in 0..3 {
        bed.run("p", variables(json!({})), seed).await;
    }
    bed.empty().await;
    let collector = Arc::new(Collector { failures: AtomicUsize::new(2), ..Collector::default() });
    let mut relay = Relay::new(bed.store.clone(), vec![collector.clone()]);
    for _ in 0..10 {
        relay.deliver().await.unwrap();
    }
    let items = collector.items.lock().clone();
    let tasks: Vec<&OutboxItem> = items.iter().filter(|item| item.key.starts_with("task/")).collect();
    assert_eq!(tasks.len(), 3, "{items:?}");
    let keys: HashSet<&String> = items.iter().map(|item| &item.key).collect();
    assert_eq!(keys.len(), items.len());
    assert!(
        tasks.windows(2).all(|pair| pair[0].payload["at_ms"].as_i64() <= pair[1].payload["at_ms"].as_i64())
    );
    assert_eq!(relay.deliver().await.unwrap(), 0);
    bed.stop().await;
}
