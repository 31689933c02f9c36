//! `procos search`: nodes of systems by what they say.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ontology::Ontology;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::{Found, Output, Session};
use crate::failure::Failure;

/// Find requirements, components, functions, processes, interfaces and constraints by their words.
#[derive(Debug, Args)]
#[command(after_help = "\
What says all the words, or words that begin so, is found, the best first; case does not matter. An id finds its node.

Examples:
  procos search \"take-off mass\"
  procos search brak --system \"Light aircraft\" --kind requirement --limit 5
  procos search R-12 --json")]
pub(crate) struct Search {
    /// The words.
    words: String,
    /// Only in this system, or SYSTEM@BRANCH.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Only these kinds.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// At most so many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// A kind of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Requirements.
    Requirement,
    /// Components.
    Component,
    /// Functions.
    Function,
    /// Processes.
    Process,
    /// Interfaces.
    Interface,
    /// Constraints.
    Constraint,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Requirement => "requirement",
            Self::Component => "component",
            Self::Function => "function",
            Self::Process => "process",
            Self::Interface => "interface",
            Self::Constraint => "constraint",
        }
    }
}

/// A node that was found.
#[derive(Debug, Deserialize, Serialize)]
struct Hit {
    system: String,
    kind: String,
    id: String,
    text: String,
    score: f64,
}

impl Search {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let (hits, count) = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = self.here(&assembly.ontology);
                assembly.close().await;
                found?
            }
            Found::There(client) => self.there(&client).await?,
        };
        if output.is_json() {
            output.value(&json!({"count": count, "hits": hits}));
            return Ok(ExitCode::SUCCESS);
        }
        for hit in &hits {
            output.line(&format!("{:<11} {:<14} {}", hit.kind, hit.id, hit.text));
        }
        let left = count.saturating_sub(hits.len());
        if left > 0 {
            output.remark(&format!("{left} more; --limit shows them"));
        }
        if hits.is_empty() {
            output.remark("nothing says that");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn here(&self, ontology: &Ontology) -> Result<(Vec<Hit>, usize), Failure> {
        let names = match &self.system {
            Some(name) => vec![name.clone()],
            None => ontology.systems().into_iter().map(|system| system.name).collect(),
        };
        let kinds: Vec<&str> = self.kind.iter().map(|kind| kind.word()).collect();
        let (mut hits, mut count) = (Vec::new(), 0);
        for name in names {
            let found = ontology.snapshot(&name)?.search(&self.words, &kinds, self.limit.into());
            count += found.count;
            hits.extend(found.best.into_iter().map(|hit| Hit {
                system: name.clone(),
                kind: hit.node.kind().to_owned(),
                id: hit.node.id().to_owned(),
                text: hit.node.label().to_owned(),
                score: f64::from(hit.score),
            }));
        }
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        hits.truncate(self.limit.into());
        Ok((hits, count))
    }

    async fn there(&self, client: &Client) -> Result<(Vec<Hit>, usize), Failure> {
        let query =
            "query($words: String!, $system: String, $branch: String, $kinds: [NodeKind!], $first: Int) {
            search(query: $words, system: $system, branch: $branch, kinds: $kinds, first: $first) {
              totalCount nodes { system kind score node { id: localId text: label } } } }";
        let line = self
            .system
            .as_deref()
            .map(|name| name.split_once('@').map_or((name, None), |(s, b)| (s, Some(b))));
        let kinds: Vec<String> = self.kind.iter().map(|kind| kind.word().to_uppercase()).collect();
        let variables = json!({
            "words": self.words, "system": line.map(|(system, _)| system), "branch": line.and_then(|(_, branch)| branch),
            "kinds": kinds, "first": self.limit,
        });
        let answer = client.ask(query, variables).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nodes = answer["search"]["nodes"].as_array().into_iter().flatten();
        let hits = nodes.map(|hit| Hit {
            system: text(&hit["system"]),
            kind: text(&hit["kind"]),
            id: text(&hit["node"]["id"]),
            text: text(&hit["node"]["text"]),
            score: hit["score"].as_f64().unwrap_or_default(),
        });
        let count = answer["search"]["totalCount"].as_u64().and_then(|count| usize::try_from(count).ok());
        Ok((hits.collect(), count.unwrap_or_default()))
    }
}
