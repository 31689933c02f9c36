//! `procos validate`: a system held against SHACL shapes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ontology::shacl::{Severity, ShapeResult};
use ontology::{Edit, Ontology};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::{Found, Output, Session, now_ms, read_file};
use crate::failure::Failure;

/// Check a system by SHACL shapes: ProcOS's own and those the system is held to, or a file's.
#[derive(Debug, Args)]
#[command(after_help = "\
SHACL Core is checked; whatever else a shape uses is refused by its name. With --keep the system is held to the shapes of
the file from then on: a change that adds a violation is refused.

It ends with 1 where there is a violation; warnings and remarks are only shown.

Examples:
  procos validate \"Light aircraft\"
  procos validate \"Light aircraft\" --shapes house-rules.ttl
  procos validate \"Light aircraft\" --shapes house-rules.ttl --keep
  procos validate pump --turtle > report.ttl")]
pub(crate) struct Validate {
    /// Name of the system, or SYSTEM@BRANCH.
    system: String,
    /// Shapes in Turtle, in place of ProcOS's own and those the system is held to.
    #[arg(long, value_name = "FILE")]
    shapes: Option<PathBuf>,
    /// Hold the system to these shapes from now on.
    #[arg(long, requires = "shapes")]
    keep: bool,
    /// Print SHACL's own report, in Turtle.
    #[arg(long)]
    turtle: bool,
}

/// What a check found.
#[derive(Debug, Deserialize, Serialize)]
struct Checked {
    conforms: bool,
    is_cut: bool,
    results: Vec<ShapeResult>,
    #[serde(skip_serializing)]
    turtle: String,
}

impl Validate {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let shapes = self.shapes.as_deref().map(text_of).transpose()?;
        let found = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = self.here(&assembly.ontology, shapes.as_deref()).await;
                assembly.close().await;
                found?
            }
            Found::There(client) => self.there(&client, shapes.as_deref()).await?,
        };
        let is_violated = found.results.iter().any(|result| result.severity == Severity::Violation);
        if self.turtle {
            output.line(&found.turtle);
        } else if output.is_json() {
            output.value(&json!(found));
        } else {
            show(output, &found);
        }
        Ok(if is_violated { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn here(&self, ontology: &Ontology, shapes: Option<&str>) -> Result<Checked, Failure> {
        if let (true, Some(shapes)) = (self.keep, shapes) {
            let edit = Edit {
                system: self.system.clone(),
                author: "local".to_owned(),
                message: "the shapes it is held to".to_owned(),
                at_ms: now_ms(),
                ..Edit::default()
            };
            ontology.hold_to(&edit, shapes).await?;
        }
        let report = ontology.check_shapes(&self.system, shapes)?;
        let turtle = report.turtle()?;
        Ok(Checked { conforms: report.conforms, is_cut: report.is_cut, results: report.results, turtle })
    }

    async fn there(&self, client: &Client, shapes: Option<&str>) -> Result<Checked, Failure> {
        if let (true, Some(shapes)) = (self.keep, shapes) {
            let mutation = "mutation($input: HoldToShapesInput!) { holdToShapes(input: $input) { version } }";
            client.ask(mutation, json!({"input": {"system": self.system, "shapes": shapes}})).await?;
        }
        let query = "query($system: String!, $shapes: String) { checkShapes(system: $system, shapes: $shapes) { \
            conforms is_cut: isCut results { severity focus node path value component shape message } turtle } }";
        let mut answer = client.ask(query, json!({"system": self.system, "shapes": shapes})).await?;
        let mut found = answer["checkShapes"].take();
        for result in found["results"].as_array_mut().into_iter().flatten() {
            result["severity"] = json!(result["severity"].as_str().unwrap_or_default().to_lowercase());
        }
        serde_json::from_value(found).map_err(|error| {
            let message = format!("the server's report cannot be read: {error}");
            Failure::work("CLI-0011", message, "is the server of the same version?")
        })
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read_file(path)?).map_err(|_| {
        let message = format!("{} is no UTF-8 text", path.display());
        Failure::wrong_call("CLI-0003", message, "shapes are written in Turtle")
    })
}

fn show(output: Output, found: &Checked) {
    for result in &found.results {
        let severity = match result.severity {
            Severity::Violation => "violation",
            Severity::Warning => "warning",
            Severity::Info => "remark",
        };
        output.line(&format!("{severity:<10} {}", result.message));
    }
    let count = |severity| found.results.iter().filter(|result| result.severity == severity).count();
    let counts = [
        (count(Severity::Violation), "violations"),
        (count(Severity::Warning), "warnings"),
        (count(Severity::Info), "remarks"),
    ];
    let counts: Vec<String> = counts.iter().map(|(count, what)| format!("{count} {what}")).collect();
    output.line(&counts.join(", "));
    if found.is_cut {
        output.line("there is more: mend some of these first");
    }
}
