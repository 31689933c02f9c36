//! Earlier states of a system: folded from its change sets when somebody asks for them.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Ontology, READ_BATCH};
use crate::history::{Difference, Moment, content_hash, difference};
use crate::model::ChangeSet;
use crate::{CoveragePoint, Error, SystemIndex};

/// Earlier states kept at hand; the one that was not asked for the longest goes first.
const MAX_STATES: usize = 8;
/// How many branches may leave one another in a row.
const MAX_BRANCH_DEPTH: usize = 8;

/// Earlier states that were asked for lately: (line, change set, state), the newest request last.
#[derive(Default)]
pub(super) struct States(Mutex<VecDeque<(String, i64, Arc<SystemIndex>)>>);

impl States {
    fn get(&self, system: &str, number: i64) -> Option<Arc<SystemIndex>> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(name, version, _)| name == system && *version == number)?;
        let found = kept.remove(at)?;
        let state = Arc::clone(&found.2);
        kept.push_back(found);
        Some(state)
    }

    fn keep(&self, system: &str, number: i64, state: &Arc<SystemIndex>) {
        let mut kept = self.0.lock();
        kept.push_back((system.to_owned(), number, Arc::clone(state)));
        while kept.len() > MAX_STATES {
            kept.pop_front();
        }
    }
}

impl Ontology {
    /// The change set up to which a moment of a system reaches.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a system, version or baseline that is not there, and for a time before the first
    /// change set.
    pub fn version_at(&self, system: &str, moment: &Moment) -> Result<i64, Error> {
        let now = self.snapshot(system)?;
        match moment {
            Moment::Version(number) => now
                .point(*number)
                .map(|_| *number)
                .ok_or_else(|| Error::NotFound { what: "change set", id: format!("{number} of {system}") }),
            Moment::Time(at_ms) => {
                let before = now.points().rev().find(|(_, point)| point.at_ms <= *at_ms);
                before.map(|(number, _)| number).ok_or_else(|| Error::NotFound {
                    what: "state",
                    id: format!("of {system} at {at_ms} ms"),
                })
            }
            Moment::Baseline(name) => now
                .baseline(name)
                .map(|baseline| baseline.version)
                .ok_or_else(|| Error::NotFound { what: "baseline", id: name.clone() }),
        }
    }

    /// A system as it was at a moment.
    ///
    /// # Errors
    /// [`Error::NotFound`] as [`Ontology::version_at`], [`Error::Store`].
    pub async fn as_of(&self, system: &str, moment: &Moment) -> Result<Arc<SystemIndex>, Error> {
        let number = self.version_at(system, moment)?;
        self.state(system.to_owned(), number, 0).await
    }

    /// The state of a line after one of its change sets. Branches begin with a state of the line they leave.
    pub(super) fn state(
        &self,
        system: String,
        number: i64,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<SystemIndex>, Error>> + Send + '_>> {
        Box::pin(async move {
            if let Some(current) = self.systems.read().get(&system)
                && current.head == number
            {
                return Ok(Arc::clone(current));
            }
            if let Some(kept) = self.states.get(&system, number) {
                return Ok(kept);
            }
            if depth > MAX_BRANCH_DEPTH {
                let detail = format!("{system} leaves more lines than that in a row");
                return Err(Error::Limit { limit: "MAX_BRANCH_DEPTH", detail });
            }
            let mut state = SystemIndex::default();
            let mut after = 0;
            loop {
                let batch = self.port.of_system(&system, after, READ_BATCH).await?;
                for change in batch.iter().filter(|change| change.number <= number) {
                    if let (0, Some(fork)) = (state.head, &change.fork) {
                        let left = self.state(fork.system.clone(), fork.version, depth + 1).await?;
                        state = left.as_ref().clone().forked(fork);
                    }
                    state.apply(change);
                }
                match batch.last() {
                    Some(last) if last.number < number => after = last.number,
                    _ => break,
                }
            }
            let state = Arc::new(state);
            self.states.keep(&system, number, &state);
            Ok(state)
        })
    }

    /// How the coverage of a system grew: after at most `limit` of its change sets, evenly spread, the newest among
    /// them. Its change sets are folded once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn progress(&self, system: &str, limit: usize) -> Result<Vec<CoveragePoint>, Error> {
        let now = self.snapshot(system)?;
        let numbers: Vec<i64> = now.points().map(|(number, _)| number).collect();
        let count = limit.min(numbers.len());
        let spread = (1..=count).filter_map(|at| numbers.get((numbers.len() * at / count).saturating_sub(1)));
        let wanted: BTreeSet<i64> = spread.copied().collect();
        let mut out = Vec::with_capacity(count);
        let mut state = SystemIndex::default();
        let mut after = 0;
        while after < now.head {
            let batch = self.port.of_system(system, after, READ_BATCH).await?;
            let Some(last) = batch.last() else { break };
            after = last.number;
            for change in batch.iter().filter(|change| change.number <= now.head) {
                if let (0, Some(fork)) = (state.head, &change.fork) {
                    let left = self.state(fork.system.clone(), fork.version, 0).await?;
                    state = left.as_ref().clone().forked(fork);
                }
                state.apply(change);
                if wanted.contains(&change.number) {
                    out.push(CoveragePoint::of(&state));
                }
            }
        }
        Ok(out)
    }

    /// What differs between two moments of a system.
    ///
    /// # Errors
    /// As [`Ontology::as_of`].
    pub async fn diff(&self, system: &str, from: &Moment, to: &Moment) -> Result<Difference, Error> {
        let before = self.as_of(system, from).await?;
        let after = self.as_of(system, to).await?;
        difference(&before, &after)
    }

    /// What one change set of a system did.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn changes(&self, system: &str, number: i64) -> Result<Difference, Error> {
        let (before, after) = self.around(system, number).await?;
        difference(&before, &after)
    }

    /// The states before and after a change set.
    pub(super) async fn around(
        &self,
        system: &str,
        number: i64,
    ) -> Result<(Arc<SystemIndex>, Arc<SystemIndex>), Error> {
        let number = self.version_at(system, &Moment::Version(number))?;
        let change = self.change(system, number).await?;
        let previous = self.snapshot(system)?.points().rev().find(|(n, _)| *n < number).map(|(n, _)| n);
        let before = match (previous, &change.fork) {
            (Some(previous), _) => self.state(system.to_owned(), previous, 0).await?,
            (None, Some(fork)) => self.state(fork.system.clone(), fork.version, 0).await?,
            (None, None) => Arc::new(SystemIndex::default()),
        };
        let mut after = before.as_ref().clone();
        after.apply(&change);
        Ok((before, Arc::new(after)))
    }

    /// One change set of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn change(&self, system: &str, number: i64) -> Result<ChangeSet, Error> {
        let found = self.port.of_system(system, number - 1, 1).await?;
        found
            .into_iter()
            .find(|change| change.number == number)
            .ok_or_else(|| Error::NotFound { what: "change set", id: format!("{number} of {system}") })
    }

    /// The change sets of a system with numbers above `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn history_page(
        &self,
        system: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, Error> {
        self.port.of_system(system, after, limit).await
    }

    /// All change sets of a system with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn history(&self, system: &str, after: i64) -> Result<Vec<ChangeSet>, Error> {
        let mut found: Vec<ChangeSet> = Vec::new();
        let mut after = after;
        loop {
            let batch = self.port.of_system(system, after, READ_BATCH).await?;
            let Some(last) = batch.last() else { return Ok(found) };
            after = last.number;
            found.extend(batch);
        }
    }

    /// Whether a baseline still is what its hash says: folds its change sets again and compares.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn is_intact(&self, system: &str, baseline: &str) -> Result<bool, Error> {
        let state = self.as_of(system, &Moment::Baseline(baseline.to_owned())).await?;
        let kept = self.snapshot(system)?.baseline(baseline).map(|kept| kept.hash.clone());
        Ok(kept == Some(content_hash(&state)?))
    }
}
