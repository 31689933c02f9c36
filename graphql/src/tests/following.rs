//! Subscriptions: nothing is missed, whatever the position they begin at.

use std::time::Duration;

use futures::{Stream, StreamExt};
use serde_json::{Value, json};

use super::bed::Bed;
use super::running::APPROVAL;

fn subscribe(bed: &Bed, query: &str) -> impl Stream<Item = Value> + Unpin + use<> {
    Box::pin(bed.schema.execute_stream(query).map(|response| {
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        response.data.into_json().unwrap()
    }))
}

async fn next(stream: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_followed_from_any_position_without_gaps() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let mut all = subscribe(&bed, "subscription { trailAppended(after: 0) { position kind } }");
    assert_eq!(next(&mut all).await["trailAppended"]["position"], 1);
    for _ in 0..3 {
        bed.start("approval", json!({})).await;
    }
    let head = bed.state.trail.head().await.unwrap();
    for position in 2..=head {
        assert_eq!(next(&mut all).await["trailAppended"]["position"], position);
    }
    let mut later =
        subscribe(&bed, &format!("subscription {{ trailAppended(after: {}) {{ position }} }}", head - 2));
    assert_eq!(next(&mut later).await["trailAppended"]["position"], head - 1);
    assert_eq!(next(&mut later).await["trailAppended"]["position"], head);
    // What comes now reaches both.
    bed.start("approval", json!({})).await;
    assert_eq!(next(&mut all).await["trailAppended"]["position"], head + 1);
    assert_eq!(next(&mut later).await["trailAppended"]["position"], head + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_happens_to_the_instance_is_told() {
    let bed = Bed::new().await;
    bed.deploy(APPROVAL).await;
    let one = bed.start("approval", json!({})).await;
    bed.start("approval", json!({})).await;
    let query =
        format!("subscription {{ instanceEvents(instance: \"{one}\") {{ position instance kind }} }}");
    let mut events = subscribe(&bed, &query);
    let first = next(&mut events).await;
    assert_eq!(first["instanceEvents"]["instance"], one);
    bed.ask("mutation($key: Key!) { cancelInstance(key: $key) }", json!({ "key": one })).await;
    bed.reaches(&one, "TERMINATED").await;
    let last = bed.state.trail.head().await.unwrap();
    loop {
        let event = next(&mut events).await["instanceEvents"].clone();
        assert_eq!(event["instance"], one);
        if event["position"].as_i64().is_some_and(|position| position >= last) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_what_is_not_there_is_an_error() {
    let bed = Bed::new().await;
    for query in [
        "subscription { instanceEvents(instance: \"5\") { position } }",
        "subscription { bootstrapProgress(job: \"none\") { position } }",
    ] {
        let response = bed.schema.execute_stream(query).next().await.unwrap();
        let shown = serde_json::to_value(&response.errors).unwrap();
        assert!(shown[0]["extensions"]["code"].is_string(), "{shown}");
    }
}
