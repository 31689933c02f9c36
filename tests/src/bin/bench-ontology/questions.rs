//! The questions, as the API is asked and as SPARQL says them.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ontology::coverage::coverage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::house::House;
use crate::measure::Times;
use crate::system::{NAME, word};

/// The first ordered page that is asked for after a start.
pub(crate) const FIRST_PAGE: &str =
    "{ requirements(system: \"Plant\", orderBy: {by: TEXT}, first: 50) { nodes { localId } } }";

/// Nodes an impact closure should have.
const CLOSURE: usize = 10_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Entity,
    Hops,
    Page,
    Search,
    Impact,
    Coverage,
    Scores,
    Change,
}

/// A question.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) asked: Asked,
    /// What it should take, as it is printed.
    pub(crate) aim: &'static str,
    /// How often it is asked.
    times: u32,
    /// The same by SPARQL.
    pub(crate) sparql: Option<&'static str>,
}

pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        name: "a component with one hop",
        asked: Asked::Entity,
        aim: "2 ms",
        times: 300,
        sparql: Some(
            "SELECT ?p ?o ?f ?r WHERE { <https://w3id.org/procos/id/Plant/component/C-17> ?p ?o . \
             OPTIONAL { <https://w3id.org/procos/id/Plant/component/C-17> p:performs ?f } \
             OPTIONAL { ?r p:allocatedTo <https://w3id.org/procos/id/Plant/component/C-17> } }",
        ),
    },
    Question {
        name: "50 requirements, four hops, as JSON",
        asked: Asked::Hops,
        aim: "20 ms",
        times: 60,
        sparql: Some(
            "SELECT ?r ?c ?f ?s ?o WHERE { { SELECT ?r WHERE { ?r a p:Requirement } LIMIT 50 } \
             ?r p:allocatedTo ?c . ?c p:performs ?f . ?f p:realisedBy ?s . ?s ?p ?o }",
        ),
    },
    Question {
        name: "a sorted, filtered page of 50",
        asked: Asked::Page,
        aim: "10 ms",
        times: 200,
        sparql: Some(
            "SELECT ?r ?t WHERE { ?r a p:Requirement ; p:kind \"safety\" ; d:description ?t } ORDER BY ?t LIMIT 50",
        ),
    },
    Question {
        name: "full-text search",
        asked: Asked::Search,
        aim: "20 ms",
        times: 200,
        sparql: Some(
            "SELECT ?r ?t WHERE { ?r a p:Requirement ; d:description ?t . \
             FILTER(CONTAINS(?t, \"w17x\") && CONTAINS(?t, \"w12\")) } LIMIT 20",
        ),
    },
    Question {
        name: "impact closure of 10,000 nodes",
        asked: Asked::Impact,
        aim: "50 ms",
        times: 30,
        sparql: Some(
            "SELECT (COUNT(DISTINCT ?x) AS ?n) WHERE { <https://w3id.org/procos/id/Plant/component/C-1> \
             (^p:partOf|p:performs|p:executes|p:realisedBy|^p:constrains)* ?x }",
        ),
    },
    Question {
        name: "coverage and a page of the matrix",
        asked: Asked::Coverage,
        aim: "100 ms",
        times: 30,
        sparql: Some(
            "SELECT (COUNT(DISTINCT ?r) AS ?all) (COUNT(DISTINCT ?covered) AS ?allocated) WHERE { ?r a p:Requirement . \
             OPTIONAL { ?r p:allocatedTo ?c . BIND(?r AS ?covered) } }",
        ),
    },
    Question {
        name: "top 20 processes by score",
        asked: Asked::Scores,
        aim: "20 ms",
        times: 60,
        sparql: Some(
            "SELECT ?p ?low WHERE { ?m dqv:computedOn ?p ; p:low ?low } ORDER BY DESC(?low) LIMIT 20",
        ),
    },
    Question {
        name: "one change, checked and committed",
        asked: Asked::Change,
        aim: "10 ms",
        times: 60,
        sparql: None,
    },
];

impl Question {
    /// Asks again and again; the first time does not count.
    pub(crate) async fn measure(&self, house: &House) -> Result<Times> {
        let mut draws = ChaCha8Rng::seed_from_u64(7);
        let start = self.start(house)?;
        let mut times = Vec::new();
        for round in 0..=self.times {
            let began = Instant::now();
            self.ask(house, &start, round, &mut draws).await.with_context(|| self.name.to_owned())?;
            if round > 0 {
                times.push(began.elapsed());
            }
        }
        Ok(Times::of(times))
    }

    /// The node whose closure is nearest to the size that is aimed at.
    fn start(&self, house: &House) -> Result<String> {
        if self.asked != Asked::Impact {
            return Ok(String::new());
        }
        let mut best = (usize::MAX, String::new());
        for number in 0..house.sizes.components.min(80) {
            let id = format!("C-{number}");
            let size = house.assembly.ontology.impact(NAME, &id)?.len();
            best = best.min((size.abs_diff(CLOSURE), id));
        }
        Ok(best.1)
    }

    async fn ask(&self, house: &House, start: &str, round: u32, draws: &mut ChaCha8Rng) -> Result<()> {
        let sizes = house.sizes;
        match self.asked {
            Asked::Entity => {
                let id = format!(
                    "https://w3id.org/procos/id/Plant/component/C-{}",
                    draws.random_range(0..sizes.components)
                );
                let query = "query($id: IRI!) { node(id: $id) { id label ... on Component { description version \
                    parent { name } children { name } functions { name } requirements { text } processes { name } } } }";
                house.ask(query, json!({"id": id})).await?;
            }
            Asked::Hops => {
                let after = format!("R-{}", draws.random_range(0..sizes.requirements - 100));
                let query = "query($after: String) { requirements(system: \"Plant\", first: 50, after: $after) { nodes { localId \
                    text components { name functions { name process { name processId component { name } } } } } } }";
                house.ask(query, json!({"after": after})).await?;
            }
            Asked::Page => {
                let query = "query($filter: RequirementFilter, $order: RequirementOrder) { requirements(system: \"Plant\", \
                    filter: $filter, orderBy: $order, first: 50) { nodes { localId text group kind } pageInfo { endCursor } } }";
                let group = format!("Group {}", draws.random_range(0..sizes.groups));
                // By turns a condition that few meet and one that a third of all do.
                let filter = match round % 2 {
                    0 => json!({"group": {"equals": group}, "verifiable": true}),
                    _ => json!({"kind": {"equals": "safety"}, "allocated": true}),
                };
                let variables =
                    json!({"filter": filter, "order": {"by": "TEXT", "descending": round.is_multiple_of(3)}});
                house.ask(query, variables).await?;
            }
            Asked::Search => {
                let query = "query($words: String!) { search(query: $words, system: \"Plant\", first: 20) { totalCount \
                    nodes { score node { localId label } highlights { parts { text isMatch } } } } }";
                // A common word with the beginning of another; every other time one word alone.
                let (one, mut other) = (word(draws), word(draws));
                other.truncate(3);
                let words = if round.is_multiple_of(2) { one } else { format!("{one} {other}") };
                house.ask(query, json!({"words": words})).await?;
            }
            Asked::Impact => {
                let found = house.assembly.ontology.impact(NAME, start)?;
                ensure!(!found.is_empty(), "{start} reaches nothing");
            }
            Asked::Coverage => {
                let system = house.assembly.ontology.snapshot(NAME)?;
                let found = coverage(&system);
                ensure!(found.requirements == sizes.requirements, "{} requirements", found.requirements);
                let query = "{ traceMatrix(system: \"Plant\", first: 50) { nodes { requirement answers } } }";
                house.ask(query, json!({})).await?;
            }
            Asked::Scores => {
                let query = "{ scores(kind: PROCESS, first: 20) { nodes { subject average low high } } }";
                house.ask(query, json!({})).await?;
            }
            Asked::Change => {
                let query = "mutation($input: UpdateRequirementInput!) { updateRequirement(input: $input) { version } }";
                let id = format!("R-{}", draws.random_range(0..sizes.requirements));
                let text = format!("The {} shall {} within {round} ms.", word(draws), word(draws));
                house.ask(query, json!({"input": {"system": NAME, "id": id, "text": text}})).await?;
            }
        }
        Ok(())
    }
}
