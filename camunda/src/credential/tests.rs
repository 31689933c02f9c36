//! Client id and secret against a scripted token server and a Camunda that takes the newest token alone.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::json;

use super::*;
use crate::rest::Rest;

const SECRET: &str = "s3cret&more";

#[derive(Default)]
struct World {
    /// Tokens that were given; the newest one is good.
    given: usize,
    expires_in: u64,
    /// What the server was last asked.
    asked: String,
    /// Calls of Camunda that were let in.
    let_in: usize,
}

type Shared = Arc<parking_lot::Mutex<World>>;

async fn token(State(world): State<Shared>, asked: String) -> (StatusCode, String) {
    let mut world = world.lock();
    let is_right = asked.contains("client_secret=s3cret%26more&");
    world.asked = asked;
    if !is_right {
        let refusal = json!({"error": "invalid_client", "error_description": "no wrong&secret here"});
        return (StatusCode::UNAUTHORIZED, refusal.to_string());
    }
    world.given += 1;
    let token = format!("token-{}", world.given);
    (StatusCode::OK, json!({"access_token": token, "expires_in": world.expires_in}).to_string())
}

async fn topology(State(world): State<Shared>, headers: HeaderMap) -> (StatusCode, String) {
    let mut world = world.lock();
    let carried = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if carried != format!("Bearer token-{}", world.given) {
        return (StatusCode::UNAUTHORIZED, json!({"detail": "this token is not good"}).to_string());
    }
    world.let_in += 1;
    (StatusCode::OK, json!({"gatewayVersion": "8.8.0"}).to_string())
}

async fn bed(secret: &str, expires_in: u64) -> (Rest, Shared) {
    let world = Shared::new(parking_lot::Mutex::new(World { expires_in, ..World::default() }));
    let app = Router::new()
        .route("/oauth/token", post(token))
        .route("/v2/topology", get(topology))
        .with_state(Arc::clone(&world));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let credentials = ClientCredentials {
        token_url: format!("{url}/oauth/token"),
        client_id: "procos".to_owned(),
        client_secret: secret.to_owned(),
        audience: Some("zeebe.camunda.io".to_owned()),
        scope: None,
    };
    let server = TokenServer::new(credentials).unwrap();
    (Rest::new(&format!("{url}/v2"), Credential::Client(Arc::new(server))).unwrap(), world)
}

#[tokio::test]
async fn one_token_serves_many_calls_also_at_once() {
    let (rest, world) = bed(SECRET, 3_600).await;
    let (a, b) = tokio::join!(rest.get("/topology"), rest.get("/topology"));
    a.unwrap();
    b.unwrap();
    rest.get("/topology").await.unwrap();
    let world = world.lock();
    assert_eq!((world.given, world.let_in), (1, 3));
    assert_eq!(
        world.asked,
        "grant_type=client_credentials&client_id=procos&client_secret=s3cret%26more&audience=zeebe.camunda.io"
    );
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_renewed_before_the_call() {
    let (rest, world) = bed(SECRET, 0).await;
    for calls in 1..=3 {
        rest.get("/topology").await.unwrap();
        assert_eq!(world.lock().given, calls);
    }
}

#[tokio::test]
async fn a_token_that_camunda_refuses_is_renewed_and_the_call_is_made_again() {
    let (rest, world) = bed(SECRET, 3_600).await;
    rest.get("/topology").await.unwrap();
    // As after a rotation of keys: what was given before is good no longer.
    world.lock().given += 1;
    rest.get("/topology").await.unwrap();
    let world = world.lock();
    assert_eq!((world.given, world.let_in), (3, 2));
}

#[tokio::test]
async fn a_wrong_secret_is_named_and_never_shown() {
    let (rest, world) = bed("wrong&secret", 3_600).await;
    let error = rest.get("/topology").await.unwrap_err();
    assert_eq!(error.code(), "CAMUNDA-0007");
    assert!(error.may_pass(), "what is owed is kept until the secret is right");
    let text = format!("{error} {error:?} {rest:?}");
    assert!(text.contains("invalid_client") && !text.contains("wrong&secret"), "{text}");
    assert_eq!(world.lock().let_in, 0);
}

#[test]
fn a_secret_is_not_in_what_is_logged() {
    let credentials = ClientCredentials { client_secret: SECRET.to_owned(), ..ClientCredentials::default() };
    assert!(!format!("{credentials:?}").contains(SECRET));
}
