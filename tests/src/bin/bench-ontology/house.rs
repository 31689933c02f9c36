//! A data directory with everything that a server has, and the API over it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use graphql::{About, Import, Request, Schema, Variables, import_requirements, schema};
use kernel::{ScoreFilter, ScoreRow, Scores};
use ontology::exchange::Form;
use ontology::{ImportReport, QueryOptions, RunRecord, RunScore};
use serde_json::Value;
use server::configuration::Configuration;
use server::wiring::Assembly;

use crate::measure::{Times, once};
use crate::system::{self, Sizes};

/// How long one SPARQL query may take here.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often one is asked, and how much time all of that may take.
const SPARQL_TIMES: usize = 5;

/// Scores of all processes of the system.
struct Rows(Vec<ScoreRow>);

#[async_trait]
impl Scores for Rows {
    async fn scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, kernel::Error> {
        Ok(self.0.iter().take(filter.limit).cloned().collect())
    }
}

pub(crate) struct House {
    pub(crate) assembly: Assembly,
    schema: Schema,
    pub(crate) sizes: Sizes,
}

impl House {
    /// Opens a directory.
    pub(crate) async fn open(folder: &Path) -> Result<Self> {
        let assembly = Assembly::open_at_rest(&Configuration::default(), folder)
            .await
            .map_err(|failure| anyhow::anyhow!("{}", failure.message))?;
        let requirements =
            assembly.ontology.snapshot(system::NAME).map_or(0, |system| system.count("requirement"));
        let sizes = Sizes::of(requirements);
        let rows = (0..sizes.components).map(|number| scored(&assembly, number)).collect();
        let mut state = assembly.graphql_state(About::default());
        state.scores = Arc::new(Rows(rows));
        Ok(Self { schema: schema(state), assembly, sizes })
    }

    /// Makes a directory with a generated system in it.
    pub(crate) async fn build(folder: &Path, requirements: usize) -> Result<Self> {
        let house = Self::open(folder).await?;
        let ontology = &house.assembly.ontology;
        let mut head = 0;
        for change in system::changes(requirements) {
            head = ontology.commit(change, head).await?;
        }
        Ok(house)
    }

    /// Nodes and links of the system.
    pub(crate) fn size(&self) -> Result<usize> {
        Ok(self.assembly.ontology.snapshot(system::NAME)?.len())
    }

    /// The answer to a GraphQL request as the bytes that are sent.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Result<Vec<u8>> {
        let request = Request::new(query).variables(Variables::from_json(variables));
        let response = self.schema.execute(request).await;
        ensure!(response.errors.is_empty(), "{query}: {:?}", response.errors);
        Ok(serde_json::to_vec(&response)?)
    }

    /// How many triples the RDF index holds.
    pub(crate) async fn triples(&self) -> Result<usize> {
        let answer = self.sparql("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }").await?;
        let found = answer["results"]["bindings"][0]["n"]["value"].as_str().map(str::parse);
        Ok(found.context("a count")??)
    }

    async fn sparql(&self, query: &str) -> Result<Value> {
        let options = QueryOptions { deadline: DEADLINE, ..QueryOptions::default() }.streamed();
        let answer = self.assembly.ontology.sparql(query, options).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// How long the same question takes by SPARQL.
    pub(crate) async fn sparql_times(&self, query: &str, name: &str) -> Result<Times> {
        let query = format!(
            "PREFIX p: <https://w3id.org/procos/ontology#> PREFIX d: <http://purl.org/dc/terms/> \
             PREFIX l: <http://www.w3.org/2000/01/rdf-schema#> PREFIX dqv: <http://www.w3.org/ns/dqv#> \
             PREFIX i: <https://w3id.org/procos/id/Plant/> {query}"
        );
        self.sparql(&query).await.with_context(|| format!("SPARQL: {name}"))?;
        let mut times = Vec::new();
        for _ in 0..SPARQL_TIMES {
            times.push(once(self.sparql(&query)).await?.1);
        }
        Ok(Times::of(times))
    }

    /// The system as ReqIF.
    pub(crate) fn reqif(&self) -> Result<Vec<u8>> {
        Ok(self.assembly.ontology.write(system::NAME, Form::Reqif, "2026-01-01T00:00:00Z")?.bytes)
    }

    /// Takes in a ReqIF file.
    pub(crate) async fn import(&self, file: Vec<u8>) -> Result<ImportReport> {
        let import = Import {
            system: "Imported".to_owned(),
            file_name: "plant.reqif".to_owned(),
            content: file,
            author: "bench".to_owned(),
            at_ms: 1_700_000_000_000,
            ..Import::default()
        };
        Ok(import_requirements(&self.assembly.ontology, import).await?.0)
    }

    pub(crate) async fn close(self) {
        drop(self.schema);
        self.assembly.close().await;
    }
}

/// A run of a process with a score after it, recorded, and the score as the API is given it.
fn scored(assembly: &Assembly, number: usize) -> ScoreRow {
    let attempts = 10 + number as u64 % 90;
    let successes = attempts - number as u64 % 10;
    let subject = format!("process-{number}");
    let average = (successes as f64 + 1.0) / (attempts as f64 + 2.0);
    assembly.ontology.record_run(RunRecord {
        key: format!("run/{number}"),
        system: system::NAME.to_owned(),
        process_id: subject.clone(),
        instance: number as i64 + 1,
        state: "completed".to_owned(),
        started_ms: 1_700_000_000_000,
        ended_ms: Some(1_700_000_001_000),
        score: Some(RunScore { attempts, successes, average, low: average - 0.1, high: average + 0.05 }),
        ..RunRecord::default()
    });
    ScoreRow {
        kind: "process".to_owned(),
        subject,
        version: None,
        attempts,
        successes,
        last_used_ms: 1_700_000_001_000,
        mean_duration_ms: 1_000.0,
        cost: 0.0,
    }
}
