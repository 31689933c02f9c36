//! Taking in requirements from files of other tools: shared by the API and the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use das::bootstrap::ears;
use das::bootstrap::read::SourceItem;
use ontology::exchange::{self, Imported};
use ontology::model::{ChangeSet, Requirement};
use ontology::{ImportReport, Ontology};

use crate::Error;
use crate::jobs::Jobs;

/// How often an import is repeated on the newest state when others write to the same system.
const MAX_TRIES: usize = 8;

/// Who takes in what.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Name of the system; it is made where there is none.
    pub system: String,
    /// Name of the file: its ending says the format ([`import_endings`]).
    pub file_name: String,
    /// The file.
    pub content: Vec<u8>,
    /// Who does it.
    pub author: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Id by which the caller knows it: the same id twice is one change.
    pub mutation: Option<String>,
    /// Version of the system as the caller read it (0: there was none).
    pub if_match: Option<i64>,
}

/// Is told how far an import is: the stage (`received`, `read`, `understood`, `written`), how much of it is done, of how
/// much.
pub type Tell = Arc<dyn Fn(&str, usize, usize) + Send + Sync>;

/// Takes in a file as one change set. Requirements keep the ids of the file, so that the same file again changes
/// nothing and a newer one keeps links and what people added. Returns the report and the version of the system.
///
/// # Errors
/// As [`exchange::read`] and [`Ontology::commit`]; nothing is stored then.
pub async fn import_requirements(
    ontology: &Arc<Ontology>,
    import: Import,
) -> Result<(ImportReport, i64), ontology::Error> {
    import_followed(ontology, import, Arc::new(|_, _, _| {})).await
}

/// Requirements that are understood between two steps that are told of.
const STEP: usize = 1_000;

/// As [`import_requirements`], and tells how far it is.
///
/// # Errors
/// As [`import_requirements`].
pub async fn import_followed(
    ontology: &Arc<Ontology>,
    import: Import,
    tell: Tell,
) -> Result<(ImportReport, i64), ontology::Error> {
    let Import { system, file_name, content, author, at_ms, mutation, if_match } = import;
    tell("received", content.len(), content.len());
    let message = format!("{file_name} imported");
    let found = aside(move || read(&file_name, &content)).await??;
    let total = found.requirements.len();
    tell("read", total, total);
    let mut tries = 0;
    loop {
        let known = ontology.snapshot(&system).ok();
        let head = known.as_ref().map_or(0, |system| system.head);
        let made = mutation.as_deref().and_then(|id| known.as_ref().and_then(|system| system.made_by(id)));
        if let Some(expected) = if_match.filter(|expected| made.is_none() && *expected != head) {
            return Err(ontology::Error::Conflict { system, expected, found: head });
        }
        let (taken, told) = (found.clone(), Arc::clone(&tell));
        let (change, report) = aside(move || {
            let done = AtomicUsize::new(0);
            let understand_one = |requirement: &mut Requirement| {
                understand(requirement);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(STEP) {
                    told("understood", done, total);
                }
            };
            taken.change(known.as_deref(), &understand_one)
        })
        .await?;
        tell("understood", total, total);
        if let Some(version) = made {
            return Ok((report, version));
        }
        let mutation = mutation.clone();
        let (system, author, message) = (system.clone(), author.clone(), message.clone());
        let change = ChangeSet { system, author, message, at_ms, mutation, ..change };
        tries += 1;
        match ontology.commit(change, head).await {
            Err(ontology::Error::Conflict { .. }) if tries < MAX_TRIES => {}
            Ok(version) => {
                tell("written", total, total);
                return Ok((report, version));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Endings of names that are read: those of [`exchange::ENDINGS`], and texts with one requirement to a list item or line.
#[must_use]
pub fn import_endings() -> Vec<&'static str> {
    exchange::ENDINGS.iter().chain(TEXTS).copied().collect()
}

/// Endings of texts that are read as `bootstrap` reads them.
const TEXTS: &[&str] = &["md", "txt"];

fn read(file_name: &str, content: &[u8]) -> Result<Imported, ontology::Error> {
    let ending = file_name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if !TEXTS.contains(&ending.as_str()) {
        return exchange::read(file_name, content);
    }
    let source = das::bootstrap::read::read(file_name, content)
        .map_err(|error| ontology::Error::Invalid(error.to_string()))?;
    let requirement = |item: SourceItem| Requirement {
        id: item.id,
        text: item.text,
        group: item.group,
        parent: item.parent,
        kind: item.kind,
        line: Some(item.line),
        ..Requirement::default()
    };
    Ok(Imported {
        title: source.title,
        requirements: source.items.into_iter().map(requirement).collect(),
        ..Imported::default()
    })
}

/// Does what takes long away from the threads that answer others.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ontology::Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ontology::Error::Store(format!("the import broke off: {error}")))
}

impl Jobs {
    /// Takes in a file as a job with this id, which is there at once; its result is the report.
    ///
    /// # Errors
    /// [`Error::Limit`] where too many jobs are running.
    pub fn start_import(&self, id: &str, ontology: Arc<Ontology>, import: Import) -> Result<(), Error> {
        self.start(id.to_owned(), move |entry| async move {
            let tell: Tell = Arc::new(move |stage, done, total| entry.step(stage, done, total));
            let (report, version) = import_followed(&ontology, import, tell).await?;
            let mut report = serde_json::to_value(report).map_err(|_| Error::Broken("the report"))?;
            report["version"] = version.into();
            Ok(report)
        })?;
        Ok(())
    }
}

/// Reads subject, condition, response and quantities from the text.
pub(crate) fn understand(requirement: &mut Requirement) {
    let parsed = ears::parse(&requirement.text);
    parsed.pattern.clone_into(&mut requirement.pattern);
    requirement.subject = parsed.subject;
    requirement.condition = parsed.condition;
    requirement.response = parsed.response;
    requirement.quantities = parsed.quantities;
    requirement.findings = parsed.findings;
}
