//! A real receiver on this machine that fails first.

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use engine::MemoryStore;
use engine::Store as _;
use engine::clock::ManualClock;
use engine::store::Commit;
use kernel::{OutsideLimits, Relay};
use parking_lot::Mutex;
use serde_json::Value;
use trail::{Filter, Outbox};

use super::*;

/// Of `1700000000.{"to":"below"}` under `s3cret`, computed by another program (Python's `hmac`).
const SIGNATURE: &str = "sha256=3345e3cfccc142e59d9c311443174fa4c25edfb58c5ff85c86b20fba28804824";

/// What a receiver got, and how it answers.
#[derive(Default)]
struct Heard {
    answers: Mutex<VecDeque<StatusCode>>,
    got: Mutex<Vec<(HeaderMap, String)>>,
}

async fn hear(State(heard): State<Arc<Heard>>, headers: HeaderMap, body: String) -> StatusCode {
    heard.got.lock().push((headers, body));
    heard.answers.lock().pop_front().unwrap_or(StatusCode::NO_CONTENT)
}

async fn receiver(answers: &[StatusCode]) -> (Arc<Heard>, String) {
    let heard = Arc::new(Heard::default());
    heard.answers.lock().extend(answers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/hook", post(hear)).with_state(Arc::clone(&heard));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (heard, format!("http://{address}"))
}

struct Bed {
    store: Arc<MemoryStore>,
    relay: Relay,
}

impl Bed {
    async fn new(address: &str, declared: &[String]) -> Self {
        let store = Arc::new(MemoryStore::new());
        let hook = Webhook {
            name: "ops".to_owned(),
            url: format!("{address}/hook"),
            secret: llm::Secret::new("s3cret"),
        };
        let outside = Outside::new(&[], declared, OutsideLimits::default()).unwrap();
        let clock = Arc::new(ManualClock::at(1_700_000_000_000));
        let post = Post::new(hook, outside, store.clone(), clock);
        let relay = Relay::new(store.clone(), vec![Arc::new(post)]);
        let item = OutboxItem { topic: topic("ops"), key: "one".to_owned(), payload: json!({"to": "below"}) };
        store.commit(Commit { outbox: vec![item], ..Commit::default() }).await.unwrap();
        Self { store, relay }
    }

    /// Delivers until nothing waits; gives how often it was tried.
    async fn until_done(&mut self) -> usize {
        for round in 1..10_000 {
            self.relay.deliver().await.unwrap();
            if self.store.pending(&topic("ops"), 1).await.unwrap().is_empty() {
                return round;
            }
        }
        panic!("it is never done");
    }
}

#[tokio::test]
async fn a_receiver_that_fails_first_gets_the_signed_message_later() {
    let down = [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE];
    let (heard, address) = receiver(&down).await;
    let mut bed = Bed::new(&address, std::slice::from_ref(&address)).await;
    // Pauses grow: more rounds than deliveries.
    assert!(bed.until_done().await > 3);
    let got = heard.got.lock();
    assert_eq!(got.len(), 3);
    let (headers, body) = &got[2];
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"to": "below"}));
    assert_eq!(
        (header("procos-webhook-signature"), header("procos-webhook-timestamp")),
        (SIGNATURE.to_owned(), "1700000000".to_owned())
    );
    // The same identity every time, so that a receiver can tell.
    assert!(got.iter().all(|(headers, _)| headers["procos-webhook-id"] == got[0].0["procos-webhook-id"]));
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_and_the_trail_says_so() {
    let (heard, address) = receiver(&[StatusCode::GONE; 100]).await;
    let mut bed = Bed::new(&address, std::slice::from_ref(&address)).await;
    bed.until_done().await;
    assert_eq!(heard.got.lock().len(), DELIVERIES_LIMIT as usize);
    let filter = Filter { kind_prefix: Some("webhook.given_up".to_owned()), ..Filter::default() };
    let events = bed.store.read(&filter, 0, 10).await.unwrap();
    assert_eq!((events.len(), events[0].content.subject.as_deref()), (1, Some("ops")));
}

#[tokio::test]
async fn a_host_that_is_not_declared_is_never_reached() {
    let (heard, address) = receiver(&[]).await;
    let mut bed = Bed::new(&address, &[]).await;
    bed.until_done().await;
    assert_eq!(heard.got.lock().len(), 0);
    let failed = bed.store.read(&Filter::default(), 0, 10).await.unwrap();
    assert!(
        failed.iter().any(|event| event.content.data["reason"]
            .as_str()
            .is_some_and(|why| why.contains("not declared")))
    );
}
