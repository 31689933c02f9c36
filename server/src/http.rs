//! HTTP: the routes, and what every request passes on its way to them.

mod admin;
mod graphql;
mod health;
mod intake;
mod listener;
mod mcp;
mod metrics;
mod openapi;
mod orchestration;
mod origin;
mod refusal;
mod scores;
mod sparql;
mod systems;
#[cfg(test)]
mod tests;
mod vocabulary;
mod voice;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::routing::{any, get, post};
use das::watch::Vitals;
use engine::ProcessEngine;
use kernel::{Census, Scores};
use memory::Memory;
use ontology::Ontology;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use trail::Trail;

pub use listener::listen;
pub use refusal::Refusal;

/// The ports behind the plain routes; GraphQL brings its own.
#[derive(Clone)]
pub struct Ports {
    /// The process engine.
    pub engine: Arc<dyn ProcessEngine>,
    /// The trail.
    pub trail: Arc<dyn Trail>,
    /// Scores.
    pub scores: Arc<dyn Scores>,
    /// The knowledge graph.
    pub ontology: Arc<Ontology>,
    /// Vector memory.
    pub memory: Arc<dyn Memory>,
    /// Live PDOs and TDEs.
    pub census: Census,
    /// What was sampled of the machine.
    pub vitals: Vitals,
    /// The model that turns speech into text, where one is configured.
    pub speech: Option<Arc<dyn llm::Model>>,
    /// Long work, shared with GraphQL.
    pub jobs: ::graphql::Jobs,
}

/// What bounds the work that callers can cause.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request body, bytes.
    pub body_bytes: usize,
    /// How long a request's body may take to arrive.
    pub body_time: Duration,
    /// How long a file may take to arrive.
    pub upload_time: Duration,
    /// How long a request's headers may take to arrive.
    pub header_time: Duration,
    /// How long a plain request may take.
    pub request_time: Duration,
    /// How long a GraphQL operation may take; a language model may be behind it.
    pub operation_time: Duration,
    /// How long a SPARQL query may be worked on.
    pub query_time: Duration,
    /// How long open requests may go on once the server stops.
    pub drain_time: Duration,
    /// Open connections.
    pub connections: usize,
    /// Requests at work at once; streams count until they begin.
    pub requests: usize,
    /// Bodies above [`LARGE_BODY_BYTES`] at once.
    pub large_bodies: usize,
    /// Open streams of subscriptions, over server-sent events and WebSockets together.
    pub streams: usize,
}

/// From this size on a body counts as large.
const LARGE_BODY_BYTES: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 24 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            upload_time: Duration::from_secs(600),
            header_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            operation_time: Duration::from_secs(180),
            query_time: ontology::sparql::DEADLINE,
            drain_time: Duration::from_secs(10),
            connections: 1024,
            requests: 256,
            large_bodies: 4,
            streams: 2048,
        }
    }
}

/// How the server is reached.
#[derive(Clone, Debug)]
pub struct Site {
    /// Address it listens on.
    pub listen: SocketAddr,
    /// Host names besides loopback ones under which browsers may reach it.
    pub hosts: Vec<String>,
    /// Limits.
    pub limits: Limits,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// What the plain routes share.
#[derive(Clone)]
struct Shared {
    ports: Ports,
    meters: metrics::Meters,
    limits: Limits,
    stop: CancellationToken,
}

/// All routes, with the checks and limits every request passes. Must be called on a tokio runtime.
pub fn router<E: Executor>(ports: Ports, executor: E, site: Site) -> Router {
    let meters = metrics::Meters::default();
    meters.follow(ports.engine.notices(), site.stop.clone());
    let (engine, trail) = (ports.engine.clone(), ports.trail.clone());
    let cluster = orchestration::routes(engine, trail, site.limits, site.listen, site.stop.clone());
    let ear = voice::Ear::new(ports.speech.clone(), ports.trail.clone(), site.limits);
    let (graph, jobs) = (ports.ontology.clone(), ports.jobs.clone());
    let intake = intake::Intake::new(graph, jobs, site.limits, site.stop.clone());
    let shared = Shared { ports, meters: meters.clone(), limits: site.limits, stop: site.stop.clone() };
    let gate = watch::Gate {
        meters,
        door: Arc::new(origin::Door::new(&site)),
        slots: Arc::new(Semaphore::new(site.limits.requests)),
    };
    let plain = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/sparql", get(sparql::by_get).post(sparql::by_post))
        .route("/api/scores", get(scores::list))
        .route("/api/systems/{name}/export", get(systems::export))
        .route("/ontology", get(vocabulary::terms))
        .route("/ontology/alignment", get(vocabulary::alignment))
        .route("/ontology/shapes", get(vocabulary::shapes))
        .route("/openapi.json", get(openapi::show))
        .fallback(admin::page)
        .method_not_allowed_fallback(refusal::wrong_method)
        .with_state(shared)
        .layer(axum::middleware::from_fn_with_state(site.limits, watch::in_time));
    let tools = Router::new()
        .route("/mcp", post(mcp::talk))
        .with_state(mcp::Endpoint::new(executor.clone(), site.limits));
    let operations = Router::new()
        .route("/graphql", any(graphql::answer::<E>))
        .with_state(graphql::Endpoint::new(executor, site.limits, site.stop.clone()));
    let spoken = Router::new().route("/api/voice", post(voice::transcribe)).with_state(ear);
    let taken = Router::new()
        .route("/api/systems/{name}/import", post(intake::import))
        .route("/api/jobs/{id}", get(intake::job))
        .with_state(intake);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    // The last layer sees a request first.
    plain
        .merge(operations)
        .merge(cluster)
        .merge(tools.method_not_allowed_fallback(refusal::wrong_method))
        .merge(taken.method_not_allowed_fallback(refusal::wrong_method))
        .merge(spoken.method_not_allowed_fallback(refusal::wrong_method))
        .layer(compression)
        .layer(axum::middleware::from_fn_with_state(gate, watch::pass))
}
