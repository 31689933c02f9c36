//! SPARQL over the graph: queries only, behind a guard, on a thread of their own, with limits on everything.

mod guard;
mod stream;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};
use oxigraph::sparql::{CancellationToken, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use spargebra::SparqlParser;

use crate::export::GraphFormat;
use crate::{Error, Ontology};

pub use guard::{
    MAX_ALTERNATIVES, MAX_NESTING, MAX_QUERY_BYTES, MAX_VALUES_CELLS, MAX_VALUES_PRODUCT, admit,
};
pub use stream::{Answering, PATIENCE};
use stream::{Course, Sink};
pub use watch::{MAX_GROUPED_ROWS, MAX_GROWING_BYTES, MAX_GROWN_BYTES, MAX_KEPT_ROWS, MAX_REPLACEMENT_BYTES};
use watch::{Watch, watched};

/// Most rows or triples in an answer that is put together in memory.
pub const MAX_ROWS: usize = 10_000;
/// Most bytes in an answer that is put together in memory.
pub const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;
/// Most bytes in an answer that is sent as it is found.
pub const MAX_STREAMED_BYTES: usize = 256 * 1024 * 1024;
/// Most queries at once.
pub const MAX_CONCURRENT_QUERIES: usize = 4;
/// How long a query may be worked on.
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
    /// How long it may be worked on; waiting for who reads the answer does not count.
    pub deadline: Duration,
    /// Most rows or triples; the rest is left out, and the answer says so.
    pub rows: usize,
    /// Most bytes; a larger answer is an error.
    pub bytes: usize,
}

impl QueryOptions {
    /// For an answer that is sent as it is found: as many rows as there are, up to [`MAX_STREAMED_BYTES`].
    #[must_use]
    pub fn streamed(self) -> Self {
        Self { rows: usize::MAX, bytes: MAX_STREAMED_BYTES, ..self }
    }
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            solutions: SolutionFormat::Json,
            graph: GraphFormat::Turtle,
            deadline: DEADLINE,
            rows: MAX_ROWS,
            bytes: MAX_RESULT_BYTES,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// True where rows were left out because of [`QueryOptions::rows`].
    pub truncated: bool,
}

impl Ontology {
    /// Answers a SPARQL query over the union of all graphs (`GRAPH ?g` names the single ones), put together in memory.
    ///
    /// # Errors
    /// As [`Ontology::sparql_stream`].
    pub async fn sparql(&self, query: &str, options: QueryOptions) -> Result<Answer, Error> {
        let mut answering = self.sparql_stream(query, options).await?;
        let mut body = Vec::new();
        while let Some(part) = answering.next().await {
            body.append(&mut part?);
        }
        Ok(Answer { media_type: answering.media_type(), body, truncated: answering.is_truncated() })
    }

    /// As [`Ontology::sparql`], and gives the answer while it is being found. What goes wrong before the first part is
    /// an error here, what goes wrong later is one among the parts.
    ///
    /// A query that is not done at the deadline is stopped, and so is one that keeps more rows or makes more text than
    /// is allowed, whose answer nobody takes for [`PATIENCE`], or whose [`Answering`] is dropped. What cannot be
    /// interrupted is one sorting of at most [`MAX_KEPT_ROWS`] rows; a thread keeps its slot until it is really over,
    /// and so at most [`MAX_CONCURRENT_QUERIES`] threads ever work.
    ///
    /// # Errors
    /// [`Error::Query`] for what is refused, not SPARQL, or too slow; [`Error::Limit`].
    pub async fn sparql_stream(&self, query: &str, options: QueryOptions) -> Result<Answering, Error> {
        admit(query)?;
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Error::Limit {
            limit: "MAX_CONCURRENT_QUERIES",
            detail: format!("{MAX_CONCURRENT_QUERIES} queries are running; try again shortly"),
        })?;
        let store = self.store()?;
        let course = Course::new(options.deadline);
        let token = CancellationToken::new();
        let (sink, answering) = stream::queue(&course, token.clone(), options.bytes);
        let work = Work { query: query.to_owned(), options, token, course };
        std::thread::Builder::new()
            .name("sparql".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let watch = Watch::new(Arc::clone(&work.course));
                let tried = catch_unwind(AssertUnwindSafe(|| work.answer(&store, &watch, &sink)));
                let done = tried.unwrap_or_else(|_| {
                    Err(watch.reason().map_or_else(|| work.course.too_slow(), Error::Query))
                });
                drop(store);
                sink.end(done);
                drop(slot);
            })
            .map_err(|error| Error::Query(format!("no thread for it: {error}")))?;
        answering.begun().await
    }
}

struct Work {
    query: String,
    options: QueryOptions,
    token: CancellationToken,
    course: Arc<Course>,
}

impl Work {
    /// Evaluates the query into the sink, and says whether rows were left out.
    fn answer(&self, store: &Store, watch: &Arc<Watch>, sink: &Sink) -> Result<bool, Error> {
        let refused = |error: &dyn std::fmt::Display| Error::Query(error.to_string());
        let query = SparqlParser::new().parse_query(&self.query).map_err(|error| refused(&error))?;
        let evaluator = SparqlEvaluator::new().with_cancellation_token(self.token.clone());
        let mut prepared = watch.over(evaluator).for_query(watched(query));
        prepared.dataset_mut().set_default_graph_as_union();
        let results = prepared.on_store(store).execute().map_err(|error| refused(&error))?;
        let failed = |error: std::io::Error| Error::Query(error.to_string());
        let solutions = QueryResultsSerializer::from_format(self.options.solutions.format());
        if !matches!(results, QueryResults::Graph(_)) {
            sink.speaks(self.options.solutions.media_type());
        }
        match results {
            QueryResults::Boolean(value) => {
                solutions.serialize_boolean_to_writer(sink.clone(), value).map_err(failed)?;
            }
            QueryResults::Solutions(rows) => {
                let variables = rows.variables().to_vec();
                let mut writer =
                    solutions.serialize_solutions_to_writer(sink.clone(), variables).map_err(failed)?;
                for (row, solution) in rows.enumerate() {
                    if self.is_full(row)? {
                        writer.finish().map_err(failed)?;
                        return Ok(true);
                    }
                    writer.serialize(&solution.map_err(|error| refused(&error))?).map_err(failed)?;
                    sink.breathe().map_err(failed)?;
                }
                writer.finish().map_err(failed)?;
            }
            QueryResults::Graph(triples) => {
                sink.speaks(self.options.graph.media_type());
                let mut writer = self.options.graph.serializer()?.for_writer(sink.clone());
                for (row, triple) in triples.enumerate() {
                    if self.is_full(row)? {
                        writer.finish().map_err(failed)?;
                        return Ok(true);
                    }
                    writer.serialize_triple(&triple.map_err(|error| refused(&error))?).map_err(failed)?;
                    sink.breathe().map_err(failed)?;
                }
                writer.finish().map_err(failed)?;
            }
        }
        Ok(false)
    }

    /// Whether the row of this number is one too many.
    fn is_full(&self, row: usize) -> Result<bool, Error> {
        if self.course.is_over() {
            return Err(self.course.too_slow());
        }
        Ok(row >= self.options.rows)
    }
}

#[cfg(test)]
mod tests;
