//! A crash in the middle: another kernel on the same store goes on and ends with the same result.

use engine::ProcessEngine;
use engine::port::Status;
use serde_json::json;

use super::{Bed, variables};

const AIRCRAFT: &str = include_str!("../../../examples/light-aircraft/size-aircraft.bpmn");

#[tokio::test]
async fn a_run_that_was_cut_off_anywhere_ends_with_the_same_result() {
    let whole = Bed::new().await;
    whole.deploy(AIRCRAFT).await;
    let expected = whole.run("size-aircraft", variables(json!({})), 99).await.variables;
    whole.stop().await;
    for iterations in [1, 4, 7] {
        let cut = Bed::new().await;
        cut.deploy(AIRCRAFT).await;
        let key = cut.start("size-aircraft", variables(json!({})), 99).await;
        cut.until(key, |found| {
            found.status != Status::Active
                || found.variables.get("iterations").and_then(serde_json::Value::as_i64) >= Some(iterations)
        })
        .await;
        let next = cut.crash().await;
        let done = next.until(key, |found| found.status != Status::Active || found.incidents > 0).await;
        assert_eq!(done.status, Status::Completed, "{:?}", next.engine.incidents(Some(key)).await);
        assert_eq!(done.variables, expected);
        next.empty().await;
        next.stop().await;
    }
}
