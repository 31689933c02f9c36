//! `procos bootstrap`: from a file of requirements to a system that runs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use das::bootstrap::preview::{Effect, Preview, preview};
use das::bootstrap::{ModelReport, ModelUse, Progress, Report, Request, bootstrap};

use super::asking::ask;
use super::{Found, Output, Session, read_file, remote_job};
use crate::failure::Failure;

/// How long a stage is silent at most.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

/// Build a system from requirements: ontology, coverage, processes as BPMN, first runs, scores.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is Markdown (list items are requirements, headings group them), a table (CSV or XLSX: id,text[,parent,kind]) or
plain lines.
The same file with the same name again changes nothing; a changed file is a new change set.

Examples:
  procos bootstrap examples/light-aircraft/requirements.md
  procos bootstrap needs.csv --name pump --no-run --json
  procos bootstrap needs.csv --name pump --preview      (what would change; without --preview it is accepted)
  procos bootstrap needs.csv --name pump --propose      (the same as a proposal that waits for a decision)
  procos bootstrap needs.csv --name pump --with-model   (a language model fills what the rules leave open: docs/bootstrap.md)")]
pub(crate) struct Bootstrap {
    /// The file of requirements.
    file: PathBuf,
    /// Name of the system; the document's title where it is not given.
    #[arg(long)]
    name: Option<String>,
    /// Do not run the processes.
    #[arg(long)]
    no_run: bool,
    /// Only show what would change, by node and by process; nothing is stored.
    #[arg(long)]
    preview: bool,
    /// Make a proposal of it: what would change waits until it is accepted (`procos proposals`).
    #[arg(long, conflicts_with_all = ["preview", "no_run"])]
    propose: bool,
    /// Ask the configured language model about what the rules leave open. Its answers are checked like everything else and
    /// remembered: the same text is not asked about again, and stays what it is without this flag.
    #[arg(long)]
    with_model: bool,
    /// Answers to each question to the model, of which the best is taken.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5), requires = "with_model")]
    candidates: u32,
    /// Rules alone, even where a model had a say in the system before.
    #[arg(long, conflicts_with = "with_model")]
    without_model: bool,
}

impl Bootstrap {
    /// As the API has it: true asks, false is rules alone.
    fn with_model(&self) -> Option<bool> {
        if self.without_model { Some(false) } else { self.with_model.then_some(true) }
    }

    fn model_use(&self) -> ModelUse {
        match self.with_model() {
            None => ModelUse::Remembered,
            Some(true) => ModelUse::Ask { candidates: self.candidates },
            Some(false) => ModelUse::Never,
        }
    }
}

impl Bootstrap {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let (file, content) = self.source()?;
        if self.preview {
            return self.show_preview(file, content, output, session).await;
        }
        if self.propose {
            return self.make_proposal(file, content, output, session).await;
        }
        let report = match session.assembly().await? {
            Found::Here(assembly) => {
                let mut request = Request::new(file, content);
                request.model = self.model_use();
                request.name = self.name;
                request.run = !self.no_run;
                let built = build(request, &assembly, output).await;
                assembly.close().await;
                built?
            }
            Found::There(client) => {
                let (with_model, candidates) = (self.with_model(), self.candidates);
                let name = self.name.unwrap_or_default();
                let run = !self.no_run;
                let wanted = remote_job::Wanted { name, file, content, run, with_model, candidates };
                let report = remote_job::build(wanted, &client, output).await?;
                serde_json::from_value(report).map_err(|error| {
                    let message = format!("the server's report cannot be read: {error}");
                    Failure::work("CLI-0011", message, "is the server of the same version?")
                })?
            }
        };
        if output.is_json() {
            output.value(&serde_json::json!(report));
        } else {
            output.line(&summary(&report));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Bootstrap {
    /// The name and the text of the file; a workbook as the table that is in it.
    fn source(&self) -> Result<(String, Vec<u8>), Failure> {
        let content = read_file(&self.file)?;
        let name = self.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
            let table = ontology::exchange::workbook::as_csv(&content)?;
            let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
            return Ok((format!("{stem}.csv"), table.into_bytes()));
        }
        Ok((name, content))
    }

    /// Stores a proposal with its diff; nothing is built.
    async fn make_proposal(
        self,
        file: String,
        content: Vec<u8>,
        output: Output,
        session: Session,
    ) -> Result<ExitCode, Failure> {
        let content = String::from_utf8(content).map_err(|_| {
            Failure::wrong_call("CLI-0003", format!("{file} is not text in UTF-8"), "save it as UTF-8")
        })?;
        if self.with_model {
            self.consult(&file, &content, output, &session).await?;
        }
        let query =
            "mutation($input: ProposeSystemInput!) { proposeSystem(input: $input) { id title notes } }";
        let with_model = self.with_model();
        let input = serde_json::json!({
            "name": self.name.unwrap_or_default(), "fileName": file, "content": content, "withModel": with_model,
        });
        let mut found = ask(&session, query, serde_json::json!({"input": input})).await?;
        let proposal = found["proposeSystem"].take();
        if output.is_json() {
            output.value(&proposal);
            return Ok(ExitCode::SUCCESS);
        }
        let text = |name: &str| proposal[name].as_str().unwrap_or_default();
        output.line(&format!("{}: {}", text("id"), text("title")));
        output.line(proposal["notes"][0].as_str().unwrap_or_default());
        output.line(&format!(
            "see it: procos proposals show {0}; accept it: procos proposals accept {0}",
            text("id")
        ));
        Ok(ExitCode::SUCCESS)
    }

    /// Asks the model, which remembers: the proposal then needs no more of it.
    async fn consult(
        &self,
        file: &str,
        content: &str,
        output: Output,
        session: &Session,
    ) -> Result<(), Failure> {
        match session.at_rest().await? {
            Found::Here(assembly) => {
                let request = Request {
                    name: self.name.clone(),
                    model: self.model_use(),
                    ..Request::new(file, content)
                };
                let seen = preview(request, &assembly.bootstrap_deps()).await;
                assembly.close().await;
                seen?;
            }
            Found::There(client) => {
                let query = "mutation($input: ProposeSystemInput!) { consultModel(input: $input) { id } }";
                let input = serde_json::json!({
                    "name": self.name.clone().unwrap_or_default(), "fileName": file, "content": content,
                });
                let mut found = client.ask(query, serde_json::json!({"input": input})).await?;
                remote_job::follow(&found["consultModel"]["id"].take(), &client, output).await?;
            }
        }
        Ok(())
    }

    async fn show_preview(
        self,
        file: String,
        content: Vec<u8>,
        output: Output,
        session: Session,
    ) -> Result<ExitCode, Failure> {
        let Found::Here(assembly) = session.assembly().await? else {
            return Err(session.needs_directory("a preview (the query `bootstrapPreview` does)"));
        };
        let model = self.model_use();
        let request = Request { name: self.name, model, ..Request::new(file, content) };
        let found = preview(request, &assembly.bootstrap_deps()).await;
        assembly.close().await;
        let found = found?;
        if output.is_json() {
            output.value(&serde_json::json!(found));
        } else {
            output.line(&difference(&found));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What would change, in lines for people.
fn difference(preview: &Preview) -> String {
    const MAX_LINES: usize = 200;
    let sign = |effect: Effect| match effect {
        Effect::Added => "+",
        Effect::Changed => "~",
        Effect::Removed => "-",
        Effect::Kept => "=",
    };
    let mut lines = vec![if preview.first {
        format!("{} does not exist yet", preview.system)
    } else {
        format!("{}: {} nodes stay as they are", preview.system, preview.untouched)
    }];
    for node in preview.nodes.iter().take(MAX_LINES) {
        lines.push(format!("  {} {:<12} {}: {}", sign(node.effect), node.kind, node.id, node.label));
    }
    if preview.nodes.len() > MAX_LINES {
        lines.push(format!("  and {} more (--json shows all)", preview.nodes.len() - MAX_LINES));
    }
    if preview.links > 0 {
        lines.push(format!("  {} links come or go", preview.links));
    }
    for process in &preview.processes {
        lines.push(format!("  {} process      {}", sign(process.effect), process.process));
        lines.extend(process.added.iter().map(|step| format!("      + {step}")));
        lines.extend(process.removed.iter().map(|step| format!("      - {step}")));
    }
    if preview.nodes.is_empty() && preview.processes.is_empty() {
        lines.push("  nothing changes".to_owned());
    }
    lines.join("\n")
}

/// Builds a system and shows progress on stderr.
pub(crate) async fn build(
    request: Request,
    assembly: &crate::wiring::Assembly,
    output: Output,
) -> Result<Report, Failure> {
    let told = Mutex::new(Instant::now());
    let progress = move |step: Progress| {
        if output.is_json() {
            return;
        }
        let mut last = told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = progress_line(&step, last.elapsed()) {
            output.remark(&line);
            *last = Instant::now();
        }
    };
    Ok(bootstrap(request, &assembly.bootstrap_deps(), Arc::new(progress)).await?)
}

/// A stage is told when it is done, and once a second on its way.
fn progress_line(step: &Progress, since_last: Duration) -> Option<String> {
    let Progress { stage, done, total } = step;
    if done < total {
        return (since_last >= PROGRESS_PAUSE).then(|| format!("  {stage}: {done} of {total} …"));
    }
    Some(if *total > 1 { format!("  {stage}: {total}") } else { format!("  {stage}") })
}

/// What was built, in lines for people.
pub(crate) fn summary(report: &Report) -> String {
    let mut lines = vec![format!("{}", report.system)];
    lines.push(format!(
        "  {} requirements, {} allocated ({})",
        report.requirements,
        report.allocated,
        percent(report.allocated, report.requirements)
    ));
    lines.push(format!(
        "  {} components, {} functions, {} processes, {} interfaces, {} constraints",
        report.components, report.functions, report.processes, report.interfaces, report.constraints
    ));
    for gap in &report.unallocated {
        lines.push(format!("  not allocated: {}: {}", gap.id, gap.reason));
    }
    for conflict in &report.conflicts {
        lines.push(format!("  contradiction: {}: {}", conflict.requirements.join(" and "), conflict.why));
    }
    for finding in &report.findings {
        lines.push(format!("  {}: {}: {}", finding.kind, finding.id, finding.text));
    }
    if let Some(model) = &report.model {
        lines.extend(model_lines(model));
    }
    if !report.runs.is_empty() {
        let completed = report.runs.iter().filter(|run| run.state == "completed").count();
        lines.push(format!("  {completed} of {} runs completed", report.runs.len()));
    }
    if !report.scores.is_empty() {
        lines.push("  scores (successes of attempts, average, 95 % interval)".to_owned());
        // A task's subject holds its process: a person first wants to see how the processes do.
        for score in report.scores.iter().filter(|score| !score.subject.contains('/')) {
            lines.push(format!(
                "    {:<56} {:>3} of {:<3} {:>5.1} %  ({:.0} to {:.0} %)",
                score.subject,
                score.successes,
                score.attempts,
                score.average * 100.0,
                score.low * 100.0,
                score.high * 100.0
            ));
        }
    }
    lines.push(format!("  built in {:.2} s", report.seconds));
    lines.join("\n")
}

/// What a model had to do with it.
fn model_lines(model: &ModelReport) -> Vec<String> {
    let sorts: Vec<String> = model.sorts.iter().map(|(sort, count)| format!("{count} {sort}")).collect();
    let taken = if sorts.is_empty() { "nothing".to_owned() } else { sorts.join(", ") };
    let mut lines = Vec::new();
    if let Some(name) = &model.name {
        lines.push(format!("  of the model {name}: {taken}; every count above is computed, not claimed"));
    }
    if model.asked > 0 {
        lines.push(format!(
            "  asked about {} requirements ({} remembered) in {} rounds: {} tokens, cost {:.4}",
            model.asked, model.remembered, model.rounds, model.tokens, model.cost
        ));
    }
    lines.extend(model.left_out.iter().map(|one| format!("  left out: {}: {}", one.what, one.why)));
    lines.extend(model.notes.iter().map(|note| format!("  note: {note}")));
    lines
}

fn percent(part: usize, whole: usize) -> String {
    // Nothing to allocate is fully allocated.
    let share = if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 };
    format!("{share:.0} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_told_at_its_end_and_once_a_second_on_its_way() {
        let step = |done, total| Progress { stage: "store", done, total };
        assert_eq!(progress_line(&step(3, 10), Duration::from_millis(999)), None);
        assert_eq!(progress_line(&step(3, 10), Duration::from_secs(1)).unwrap(), "  store: 3 of 10 …");
        assert_eq!(progress_line(&step(10, 10), Duration::ZERO).unwrap(), "  store: 10");
        assert_eq!(progress_line(&step(1, 1), Duration::ZERO).unwrap(), "  store");
    }
}
