//! `procos template`: the BPMN by which PDOs and TDEs work, to read, to edit and to deploy again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kernel::{PDO_BPMN, TDE_BPMN};
use serde::Deserialize;
use serde_json::json;

use super::output::table;
use super::{Found, Output, Session};
use crate::failure::Failure;

/// Show how process instances and tasks are executed: the BPMN of PDO and TDE in use.
#[derive(Debug, Args)]
#[command(after_help = "\
Deploying an edited one (procos import, or the editor in the browser) changes how tasks are executed from then on; a
broken one is refused and the last good one stays. A TDE under another process id is used by tasks that name it:
<procos:task executor=\"ID\"/>.

Examples:
  procos template
  procos template tde -o tde.bpmn
  procos import tde.bpmn")]
pub(crate) struct Template {
    /// Which one; all are listed without it.
    name: Option<String>,
    /// Write its BPMN into this file instead of showing it.
    #[arg(long, short, value_name = "FILE", requires = "name")]
    output: Option<PathBuf>,
}

/// A template in use.
#[derive(Deserialize)]
struct InUse {
    name: String,
    checksum: String,
    xml: String,
}

impl Template {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let templates = match session.at_rest().await? {
            Found::Here(assembly) => {
                assembly.parts.templates.take_deployed(&*assembly.engine).await;
                let all = assembly.parts.templates.all();
                assembly.close().await;
                let shown = |template: &std::sync::Arc<kernel::Template>| InUse {
                    name: template.name.clone(),
                    checksum: template.checksum.clone(),
                    xml: template.xml.clone(),
                };
                all.iter().map(shown).collect::<Vec<_>>()
            }
            Found::There(client) => {
                let query = "{ server { templates { name checksum xml } } }";
                let answer = client.ask(query, json!({})).await?;
                serde_json::from_value(answer["server"]["templates"].clone()).unwrap_or_default()
            }
        };
        let Some(name) = &self.name else {
            list(output, &templates);
            return Ok(ExitCode::SUCCESS);
        };
        let Some(found) = templates.iter().find(|template| template.name == *name) else {
            let known: Vec<&str> = templates.iter().map(|template| template.name.as_str()).collect();
            let message = format!("there is no template {name:?}; there are {}", known.join(", "));
            return Err(Failure::wrong_call("KERNEL-0001", message, "see procos template"));
        };
        match &self.output {
            Some(file) => {
                std::fs::write(file, &found.xml).map_err(|error| {
                    let message = format!("cannot write {}: {error}", file.display());
                    Failure::work("CLI-0003", message, "check the path")
                })?;
                output.remark(&format!("{} has the template {name}", file.display()));
            }
            None => output.line(&found.xml),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(output: Output, templates: &[InUse]) {
    let is_built_in = |template: &InUse| template.xml == PDO_BPMN || template.xml == TDE_BPMN;
    if output.is_json() {
        let all = templates.iter().map(|template| {
            json!({"name": template.name, "checksum": template.checksum, "isBuiltIn": is_built_in(template)})
        });
        output.value(&all.collect());
        return;
    }
    let rows = templates.iter().map(|template| {
        let origin = if is_built_in(template) { "built in" } else { "edited" };
        vec![template.name.clone(), origin.to_owned(), template.checksum.chars().take(12).collect()]
    });
    output.line(&table(&["TEMPLATE", "ORIGIN", "SHA-256"], rows.collect()));
}
