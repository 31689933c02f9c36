//! Changes by people: edits that say what they have seen, reviews, undo, baselines, branches and their merging.

use std::collections::BTreeMap;

use super::Ontology;
use crate::history::content_hash;
use crate::model::{Baseline, ChangeSet, Fork, Review};
use crate::validate::MAX_ID_BYTES;
use crate::{Error, SystemIndex};

/// How often an edit is repeated on the newest state when others write to the same system.
const MAX_EDIT_TRIES: usize = 16;
/// Conflicts that are named at once.
const MAX_CONFLICTS_NAMED: usize = 50;

/// Who changes which line of a system, and what they have seen of it.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The system, or the line of a branch ([`branch_line`]).
    pub system: String,
    /// Who makes it.
    pub author: String,
    /// Why, in words.
    pub message: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Id by which the caller knows it: the same id twice is one change.
    pub mutation: Option<String>,
    /// Nodes the author read, with the versions they saw ([`crate::index::Version::put`]).
    pub if_match: Vec<(String, i64)>,
    /// The version of the system as the author read it: where it has another by now, nothing is written.
    pub if_head: Option<i64>,
}

impl Edit {
    fn change(&self) -> ChangeSet {
        ChangeSet {
            system: self.system.clone(),
            author: self.author.clone(),
            message: self.message.clone(),
            at_ms: self.at_ms,
            mutation: self.mutation.clone(),
            ..ChangeSet::default()
        }
    }
}

/// Which side a merge takes where both changed a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeChoice {
    /// What the system says.
    Ours,
    /// What the branch says.
    Theirs,
}

/// The line on which a branch of a system is written: a graph of its own.
#[must_use]
pub fn branch_line(system: &str, branch: &str) -> String {
    format!("{system}@{branch}")
}

impl Ontology {
    /// Makes a change: `make` is given the newest state and fills the change set. Where somebody else writes to
    /// other nodes in between it is made again on the newer state.
    ///
    /// # Errors
    /// [`Error::Changed`] where a node in `if_match` has another version by now; what `make` refuses; as
    /// [`Ontology::commit`].
    pub async fn edit(
        &self,
        edit: &Edit,
        make: impl Fn(&SystemIndex, &mut ChangeSet) -> Result<(), Error> + Send + Sync,
    ) -> Result<i64, Error> {
        let mut tries = 0;
        loop {
            let state = self.snapshot(&edit.system)?;
            if let Some(made) = edit.mutation.as_deref().and_then(|id| state.made_by(id)) {
                return Ok(made);
            }
            check_head(&state, edit)?;
            for (node, expected) in &edit.if_match {
                check_version(&state, edit, node, *expected)?;
            }
            let mut change = edit.change();
            make(&state, &mut change)?;
            tries += 1;
            match self.commit(change, state.head).await {
                Err(Error::Conflict { .. }) if tries < MAX_EDIT_TRIES => {}
                done => return done,
            }
        }
    }

    /// Says that suspect links were looked into and still hold.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that is not there; as [`Ontology::edit`].
    pub async fn review(&self, edit: &Edit, reviews: &[Review]) -> Result<i64, Error> {
        self.edit(edit, |state, change| {
            for review in reviews {
                if state.node(&review.link).is_none_or(|node| node.kind() != "link") {
                    return Err(Error::NotFound { what: "link", id: review.link.clone() });
                }
            }
            change.review = reviews.to_vec();
            Ok(())
        })
        .await
    }

    /// Takes back a change set: what it put is as before, what it removed is there again. It stays in the
    /// history; taking back is a change set of its own, and can be taken back, too.
    ///
    /// # Errors
    /// [`Error::Conflicts`] naming what was changed again since; [`Error::NotFound`]; as [`Ontology::edit`].
    pub async fn undo(&self, edit: &Edit, number: i64) -> Result<i64, Error> {
        let (before, after) = self.around(&edit.system, number).await?;
        let differing = before.differing(&after);
        self.edit(edit, |now, change| {
            let mut conflicts = Vec::new();
            for (id, was, became) in &differing {
                let is = now.node(id);
                if is == *was {
                    continue;
                }
                if is != *became {
                    conflicts.push(since(now, id));
                    continue;
                }
                match was {
                    Some(node) => change.put.push(node.as_ref().clone()),
                    None => change.remove.push((*id).to_owned()),
                }
            }
            refuse(format!("change set {number} of {} cannot be undone", edit.system), conflicts)?;
            if change.put.is_empty() && change.remove.is_empty() {
                let already =
                    format!("change set {number} of {} changed nothing that is still so", edit.system);
                return Err(Error::Invalid(already));
            }
            Ok(())
        })
        .await
    }

    /// Names the state a system is in, signed by the hash of its content.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is taken or no name; as [`Ontology::edit`].
    pub async fn set_baseline(&self, edit: &Edit, name: &str) -> Result<Baseline, Error> {
        check_name("baseline", name)?;
        self.edit(edit, |now, change| {
            if now.baseline(name).is_some() {
                return Err(Error::Invalid(format!("{} has a baseline {name} already", edit.system)));
            }
            let (version, hash) = (now.head, content_hash(now)?);
            change.baseline = Some(Baseline { name: name.to_owned(), version, hash });
            Ok(())
        })
        .await?;
        let now = self.snapshot(&edit.system)?;
        now.baseline(name).cloned().ok_or_else(|| Error::NotFound { what: "baseline", id: name.to_owned() })
    }

    /// Begins a branch at the newest state of a system. Returns the name of its line.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is taken or no name; as [`Ontology::commit`].
    pub async fn branch(&self, edit: &Edit, name: &str) -> Result<String, Error> {
        check_name("branch", name)?;
        let line = branch_line(&edit.system, name);
        if let Ok(begun) = self.snapshot(&line) {
            let first = begun.points().next().map(|(number, _)| number);
            let made = edit.mutation.as_deref().and_then(|id| begun.made_by(id));
            return match made {
                Some(made) if first == Some(made) => Ok(line),
                _ => Err(Error::Invalid(format!("{} has a branch {name} already", edit.system))),
            };
        }
        let left = self.snapshot(&edit.system)?;
        check_head(&left, edit)?;
        let version = left.head;
        let fork = Some(Fork { system: edit.system.clone(), branch: name.to_owned(), version });
        self.commit(ChangeSet { system: line.clone(), fork, ..edit.change() }, 0).await?;
        Ok(line)
    }

    /// The branches of a system.
    #[must_use]
    pub fn branches(&self, system: &str) -> Vec<Fork> {
        let lines = self.systems.read();
        lines.values().filter_map(|line| line.fork.clone()).filter(|fork| fork.system == system).collect()
    }

    /// Brings what a branch changed into its system, and then what the system has into the branch. [`Edit::if_head`] is
    /// the version of the branch here.
    ///
    /// # Errors
    /// [`Error::Conflicts`] naming the nodes that both changed and for which `choices` says nothing;
    /// [`Error::NotFound`]; as [`Ontology::edit`].
    pub async fn merge(
        &self,
        edit: &Edit,
        branch: &str,
        choices: &BTreeMap<String, MergeChoice>,
    ) -> Result<i64, Error> {
        let line = branch_line(&edit.system, branch);
        let theirs = self.snapshot(&line)?;
        let now = self.snapshot(&edit.system)?;
        if let Some(made) = edit.mutation.as_deref().and_then(|id| now.made_by(id)) {
            return Ok(made);
        }
        check_head(&theirs, edit)?;
        let edit = &Edit { if_head: None, ..edit.clone() };
        let fork = theirs.fork.clone().ok_or_else(|| Error::NotFound { what: "branch", id: line.clone() })?;
        let common = self.state(fork.system.clone(), fork.version, 0).await?;
        let changed = common.differing(&theirs);
        let merged = self
            .edit(edit, |ours, change| {
                let mut conflicts = Vec::new();
                for (id, was, theirs) in &changed {
                    let is = ours.node(id);
                    if is == *theirs {
                        continue;
                    }
                    match (is == *was, choices.get(*id)) {
                        (true, _) | (false, Some(MergeChoice::Theirs)) => {}
                        (false, Some(MergeChoice::Ours)) => continue,
                        (false, None) => {
                            conflicts.push(since(ours, id));
                            continue;
                        }
                    }
                    match theirs {
                        Some(node) => change.put.push(node.as_ref().clone()),
                        None => change.remove.push((*id).to_owned()),
                    }
                }
                refuse(format!("branch {branch} cannot be merged into {}", edit.system), conflicts)
            })
            .await?;
        self.follow_system(edit, &line, merged).await?;
        Ok(merged)
    }

    /// Makes a branch what its system is after a merge.
    async fn follow_system(&self, edit: &Edit, line: &str, version: i64) -> Result<(), Error> {
        let state = self.state(edit.system.clone(), version, 0).await?;
        let branch = self.snapshot(line)?;
        let Some(fork) = branch.fork.clone() else { return Ok(()) };
        let mut change = ChangeSet { system: line.to_owned(), ..edit.change() };
        for (id, _, there) in branch.differing(&state) {
            match there {
                Some(node) => change.put.push(node.as_ref().clone()),
                None => change.remove.push(id.to_owned()),
            }
        }
        change.fork = Some(Fork { version, ..fork });
        // Who writes to the branch meanwhile finds it as it was: the next merge sees to the rest.
        self.commit(change, branch.head).await.map(|_| ())
    }
}

fn check_head(state: &SystemIndex, edit: &Edit) -> Result<(), Error> {
    match edit.if_head.filter(|expected| *expected != state.head) {
        None => Ok(()),
        Some(expected) => Err(Error::Conflict { system: edit.system.clone(), expected, found: state.head }),
    }
}

fn check_version(state: &SystemIndex, edit: &Edit, node: &str, expected: i64) -> Result<(), Error> {
    let Some(version) = state.version(node) else {
        return Err(Error::NotFound { what: "node", id: node.to_owned() });
    };
    if version.put == expected {
        return Ok(());
    }
    let author = state.point(version.put).map_or_else(String::new, |point| point.author.to_string());
    Err(Error::Changed {
        system: edit.system.clone(),
        node: node.to_owned(),
        expected,
        found: version.put,
        author,
    })
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = !name.trim().is_empty() && name.len() <= MAX_ID_BYTES / 2;
    if fits && !name.contains(|c: char| c.is_control() || c == '@') {
        return Ok(());
    }
    Err(Error::Invalid(format!("a {what} needs a name of 1 to {} bytes without @", MAX_ID_BYTES / 2)))
}

/// In words, that a node is not what it was.
fn since(now: &SystemIndex, id: &str) -> String {
    let Some(version) = now.version(id) else { return format!("{id} was removed since") };
    let author =
        now.point(version.put).map_or_else(|| "somebody".to_owned(), |point| point.author.to_string());
    format!("{id} was changed again in change set {} by {author}", version.put)
}

fn refuse(what: String, mut conflicts: Vec<String>) -> Result<(), Error> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let more = conflicts.len().saturating_sub(MAX_CONFLICTS_NAMED);
    conflicts.truncate(MAX_CONFLICTS_NAMED);
    if more > 0 {
        conflicts.push(format!("and {more} more"));
    }
    Err(Error::Conflicts { what, conflicts })
}
