//! Tests of the HTTP side: a small schema, an engine in memory, loopback only.

mod connection;
mod door;
mod intake;
mod mcp;
mod operations;
mod routes;
mod subscriptions;
mod voice;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{EmptyMutation, Object, Schema, Subscription};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use engine::clock::SystemClock;
use engine::{Embedded, MemoryStore};
use futures::Stream;
use kernel::{Census, ScoreFilter, ScoreRow, Scores};
use llm::scripted::ScriptedServer;
use memory::{Entry, Filter, Kind, Memory, Query as MemoryQuery, Recall};
use ontology::{Ontology, VolatileChangeSets};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Limits, Ports, Site, listen, router};

struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.unwrap_or_default())
    }

    async fn fails(&self) -> async_graphql::Result<Option<i32>> {
        std::future::ready(Err("it failed".into())).await
    }

    async fn slow(&self) -> bool {
        std::future::pending().await
    }

    async fn inner(&self) -> Query {
        Query
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self) -> bool {
        true
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        futures::stream::iter(1..=to)
    }

    async fn endless(&self) -> impl Stream<Item = i32> {
        futures::stream::pending()
    }
}

fn schema() -> Schema<Query, Mutation, Events> {
    Schema::build(Query, Mutation, Events)
        .limit_depth(20)
        .limit_complexity(500)
        .limit_directives(10)
        .disable_suggestions()
        .finish()
}

struct FixedScores;

#[async_trait]
impl Scores for FixedScores {
    async fn scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, kernel::Error> {
        let row = ScoreRow {
            kind: "process".to_owned(),
            subject: "order".to_owned(),
            version: None,
            attempts: 4,
            successes: 3,
            last_used_ms: 1,
            mean_duration_ms: 2.0,
            cost: 0.0,
        };
        let kind = filter.kind.as_deref().unwrap_or("process");
        Ok(Some(row).filter(|row| row.kind == kind).into_iter().collect())
    }
}

/// Memory that remembers nothing, or is down.
struct NoMemory {
    down: bool,
}

#[async_trait]
impl Memory for NoMemory {
    async fn store(&self, _entries: Vec<Entry>) -> Result<(), memory::Error> {
        Ok(())
    }

    async fn recall(&self, _query: MemoryQuery) -> Result<Recall, memory::Error> {
        Ok(Recall::default())
    }

    async fn get(&self, _organisation: &str, _id: &str) -> Result<Option<Entry>, memory::Error> {
        Ok(None)
    }

    async fn forget(&self, _filter: Filter) -> Result<usize, memory::Error> {
        Ok(0)
    }

    async fn count(&self, _kind: Option<Kind>) -> Result<usize, memory::Error> {
        if self.down {
            Err(memory::Error::Store { place: "here".to_owned(), detail: "it is down".to_owned() })
        } else {
            Ok(0)
        }
    }
}

struct House {
    router: Router,
    trail: Arc<MemoryStore>,
    engine: Embedded,
    ontology: Arc<Ontology>,
    vitals: das::watch::Vitals,
    site: Site,
}

async fn house_with(limits: Limits, memory_down: bool) -> House {
    house_of(limits, memory_down, None).await
}

/// A house whose speech goes to this endpoint.
async fn house_that_hears(server: &ScriptedServer) -> House {
    let configuration = llm::Config {
        base_url: server.base_url().to_owned(),
        model: "scripted".to_owned(),
        transcription_model: Some("scripted-ear".to_owned()),
        retries: 0,
        ..llm::Config::default()
    };
    let model = llm::ModelClient::new(configuration).unwrap();
    house_of(Limits::default(), false, Some(Arc::new(model))).await
}

async fn house_of(limits: Limits, memory_down: bool, speech: Option<Arc<dyn llm::Model>>) -> House {
    let store = Arc::new(MemoryStore::new());
    let engine = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
    let ontology = Arc::new(Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap());
    let vitals = das::watch::Vitals::default();
    let ports = Ports {
        engine: Arc::new(engine.clone()),
        trail: store.clone(),
        scores: Arc::new(FixedScores),
        ontology: ontology.clone(),
        memory: Arc::new(NoMemory { down: memory_down }),
        census: Census::default(),
        vitals: vitals.clone(),
        speech,
        jobs: graphql::Jobs::default(),
    };
    let site = Site {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        hosts: vec!["procos.example".to_owned()],
        limits,
        stop: CancellationToken::new(),
    };
    House { router: router(ports, schema(), site.clone()), trail: store, engine, ontology, vitals, site }
}

async fn house() -> House {
    house_with(Limits::default(), false).await
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl House {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, &[], "")).await
    }

    /// A GraphQL request with the newer media type.
    async fn ask(&self, body: &Value) -> Answer {
        let accept = ("accept", "application/graphql-response+json");
        self.send(request("POST", "/graphql", &[JSON, accept], &body.to_string())).await
    }

    /// Serves on a free port of loopback.
    async fn open(self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen(listener, self.router, self.site.limits, self.site.stop));
        address
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A router whose schema takes no mutations can be built, too: it is generic over the executor.
#[tokio::test]
async fn any_executor_can_be_served() {
    let House { site, engine, .. } = house().await;
    let store = Arc::new(MemoryStore::new());
    let ports = Ports {
        engine: Arc::new(engine),
        trail: store,
        scores: Arc::new(FixedScores),
        ontology: Arc::new(Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap()),
        memory: Arc::new(NoMemory { down: false }),
        census: Census::default(),
        vitals: das::watch::Vitals::default(),
        speech: None,
        jobs: graphql::Jobs::default(),
    };
    let other = Schema::new(Query, EmptyMutation, Events);
    let answer = router(ports, other, site).oneshot(request("GET", "/livez", &[], "")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

fn soon() -> Duration {
    Duration::from_secs(5)
}
