//! Taking in requirements from files of other tools: shared by the API and the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use das::bootstrap::ears;
use ontology::exchange;
use ontology::model::{ChangeSet, Requirement};
use ontology::{ImportReport, Ontology};

/// How often an import is repeated on the newest state when others write to the same system.
const MAX_TRIES: usize = 8;

/// Who takes in what.
#[derive(Clone, Debug, Default)]
pub struct Import<'a> {
    /// Name of the system; it is made where there is none.
    pub system: &'a str,
    /// Name of the file: its ending says the format ([`exchange::ENDINGS`]).
    pub file_name: &'a str,
    /// The file.
    pub content: &'a [u8],
    /// Who does it.
    pub author: &'a str,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Takes in a file as one change set. Requirements keep the ids of the file, so that the same file again changes
/// nothing and a newer one keeps links and what people added. Returns the report and the version of the system.
///
/// # Errors
/// As [`exchange::read`] and [`Ontology::commit`]; nothing is stored then.
pub async fn import_requirements(
    ontology: &Arc<Ontology>,
    import: &Import<'_>,
) -> Result<(ImportReport, i64), ontology::Error> {
    import_followed(ontology, import, &|_, _, _| {}).await
}

/// Requirements that are understood between two steps that are told of.
const STEP: usize = 1_000;

/// As [`import_requirements`], and tells how far it is: stage (`read`, `understood`, `written`), how much of it is
/// done, of how much.
///
/// # Errors
/// As [`import_requirements`].
pub async fn import_followed(
    ontology: &Arc<Ontology>,
    import: &Import<'_>,
    tell: &(dyn Fn(&str, usize, usize) + Sync),
) -> Result<(ImportReport, i64), ontology::Error> {
    let found = exchange::read(import.file_name, import.content)?;
    let total = found.requirements.len();
    tell("read", total, total);
    let mut tries = 0;
    loop {
        let known = ontology.snapshot(import.system).ok();
        let done = AtomicUsize::new(0);
        let understand_one = |requirement: &mut Requirement| {
            understand(requirement);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(STEP) {
                tell("understood", done, total);
            }
        };
        let (change, report) = found.clone().change(known.as_deref(), &understand_one);
        tell("understood", total, total);
        let change = ChangeSet {
            system: import.system.to_owned(),
            author: import.author.to_owned(),
            message: format!("{} imported", import.file_name),
            at_ms: import.at_ms,
            ..change
        };
        tries += 1;
        match ontology.commit(change, known.map_or(0, |system| system.head)).await {
            Err(ontology::Error::Conflict { .. }) if tries < MAX_TRIES => {}
            Ok(version) => {
                tell("written", total, total);
                return Ok((report, version));
            }
            Err(error) => return Err(error),
        }
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
