//! SPARQL over the graph: queries only, behind a guard, on a thread of their own, with limits on everything.

mod guard;
mod watch;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};
use oxigraph::sparql::{CancellationToken, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use spargebra::SparqlParser;

use crate::export::GraphFormat;
use crate::{Error, Ontology};

pub use guard::{
    MAX_ALTERNATIVES, MAX_NESTING, MAX_QUERY_BYTES, MAX_VALUES_CELLS, MAX_VALUES_PRODUCT, admit,
};
pub use watch::{MAX_GROUPED_ROWS, MAX_GROWING_BYTES, MAX_GROWN_BYTES, MAX_KEPT_ROWS, MAX_REPLACEMENT_BYTES};
use watch::{Watch, watched};

/// Most rows or triples in an answer.
pub const MAX_ROWS: usize = 10_000;
/// Most bytes in an answer.
pub const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;
/// Most queries at once.
pub const MAX_CONCURRENT_QUERIES: usize = 4;
/// How long a query may take.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Stack of the thread a query is parsed and evaluated on: parser and evaluator recurse.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// The formats solutions are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SolutionFormat {
    /// SPARQL JSON.
    Json,
    /// SPARQL XML.
    Xml,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
}

impl SolutionFormat {
    fn format(self) -> QueryResultsFormat {
        match self {
            Self::Json => QueryResultsFormat::Json,
            Self::Xml => QueryResultsFormat::Xml,
            Self::Csv => QueryResultsFormat::Csv,
            Self::Tsv => QueryResultsFormat::Tsv,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/sparql-results+json",
            Self::Xml => "application/sparql-results+xml",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
        }
    }
}

/// How to answer and how long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOptions {
    /// Format of SELECT and ASK.
    pub solutions: SolutionFormat,
    /// Format of CONSTRUCT and DESCRIBE.
    pub graph: GraphFormat,
    /// Deadline.
    pub deadline: Duration,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self { solutions: SolutionFormat::Json, graph: GraphFormat::Turtle, deadline: DEADLINE }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// True where rows were left out because of [`MAX_ROWS`].
    pub truncated: bool,
}

impl Ontology {
    /// Answers a SPARQL query over the union of all graphs (`GRAPH ?g` names the single ones).
    ///
    /// A query that is not done at the deadline is stopped, and so is one that keeps more rows or makes more text than
    /// is allowed. What cannot be interrupted is one sorting of at most [`MAX_KEPT_ROWS`] rows; a thread keeps its slot
    /// until it is really over, and so at most [`MAX_CONCURRENT_QUERIES`] threads ever work.
    ///
    /// # Errors
    /// [`Error::Query`] for what is refused, not SPARQL, or too slow; [`Error::Limit`].
    pub async fn sparql(&self, query: &str, options: QueryOptions) -> Result<Answer, Error> {
        admit(query)?;
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Error::Limit {
            limit: "MAX_CONCURRENT_QUERIES",
            detail: format!("{MAX_CONCURRENT_QUERIES} queries are running; try again shortly"),
        })?;
        let store = self.store()?;
        let token = CancellationToken::new();
        let given_up = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = Work {
            query: query.to_owned(),
            options,
            token: token.clone(),
            given_up: Arc::clone(&given_up),
            until: Instant::now() + options.deadline,
        };
        std::thread::Builder::new()
            .name("sparql".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let watch = Watch::new(work.until, Arc::clone(&work.given_up));
                let tried = catch_unwind(AssertUnwindSafe(|| work.answer(&store, &watch)));
                let answer = tried.unwrap_or_else(|_| {
                    Err(watch.reason().map_or_else(|| too_slow(work.options.deadline), Error::Query))
                });
                drop(store);
                drop(slot);
                let _ = sender.send(answer);
            })
            .map_err(|error| Error::Query(format!("no thread for it: {error}")))?;
        // A caller who goes away gives up, too.
        let _guard = GiveUp { token, given_up };
        match tokio::time::timeout(options.deadline, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Query("the evaluation broke off".to_owned())),
            Err(_) => Err(too_slow(options.deadline)),
        }
    }
}

fn too_slow(deadline: Duration) -> Error {
    Error::Query(format!(
        "it was not done after {} ms; bind more variables, or add LIMIT without ORDER BY",
        deadline.as_millis()
    ))
}

struct GiveUp {
    token: CancellationToken,
    given_up: Arc<AtomicBool>,
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.token.cancel();
    }
}

struct Work {
    query: String,
    options: QueryOptions,
    token: CancellationToken,
    given_up: Arc<AtomicBool>,
    until: Instant,
}

impl Work {
    fn answer(&self, store: &Store, watch: &Arc<Watch>) -> Result<Answer, Error> {
        let refused = |error: &dyn std::fmt::Display| Error::Query(error.to_string());
        let query = SparqlParser::new().parse_query(&self.query).map_err(|error| refused(&error))?;
        let evaluator = SparqlEvaluator::new().with_cancellation_token(self.token.clone());
        let mut prepared = watch.over(evaluator).for_query(watched(query));
        prepared.dataset_mut().set_default_graph_as_union();
        let results = prepared.on_store(store).execute().map_err(|error| refused(&error))?;
        let mut out = Bounded { bytes: Vec::new(), full: false };
        let failed = |error: std::io::Error| Error::Query(error.to_string());
        let mut truncated = false;
        let media_type = match results {
            QueryResults::Boolean(value) => {
                QueryResultsSerializer::from_format(self.options.solutions.format())
                    .serialize_boolean_to_writer(&mut out, value)
                    .map_err(failed)?;
                self.options.solutions.media_type()
            }
            QueryResults::Solutions(solutions) => {
                let mut writer = QueryResultsSerializer::from_format(self.options.solutions.format())
                    .serialize_solutions_to_writer(&mut out, solutions.variables().to_vec())
                    .map_err(failed)?;
                for (row, solution) in solutions.enumerate() {
                    self.alive()?;
                    if row >= MAX_ROWS {
                        truncated = true;
                        break;
                    }
                    let solution = solution.map_err(|error| refused(&error))?;
                    writer.serialize(&solution).map_err(failed)?;
                }
                writer.finish().map_err(failed)?;
                self.options.solutions.media_type()
            }
            QueryResults::Graph(triples) => {
                let mut writer = self.options.graph.serializer()?.for_writer(&mut out);
                for (row, triple) in triples.enumerate() {
                    self.alive()?;
                    if row >= MAX_ROWS {
                        truncated = true;
                        break;
                    }
                    let triple = triple.map_err(|error| refused(&error))?;
                    writer.serialize_triple(&triple).map_err(failed)?;
                }
                writer.finish().map_err(failed)?;
                self.options.graph.media_type()
            }
        };
        Ok(Answer { media_type, body: out.bytes, truncated })
    }

    fn alive(&self) -> Result<(), Error> {
        if self.given_up.load(Ordering::Relaxed) || Instant::now() >= self.until {
            return Err(too_slow(self.options.deadline));
        }
        Ok(())
    }
}

/// A buffer that refuses to grow beyond [`MAX_RESULT_BYTES`].
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        if self.full || self.bytes.len() + buffer.len() > MAX_RESULT_BYTES {
            self.full = true;
            return Err(std::io::Error::other(format!("the answer is larger than {MAX_RESULT_BYTES} bytes")));
        }
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
