//! Change sets kept in memory only: for dry runs, sandboxes and tests.

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::model::ChangeSet;
use crate::{ChangeSets, Error};

/// Keeps change sets until it is dropped.
#[derive(Debug, Default)]
pub struct VolatileChangeSets {
    kept: Mutex<Vec<ChangeSet>>,
}

#[async_trait]
impl ChangeSets for VolatileChangeSets {
    async fn append(
        &self,
        mut change: ChangeSet,
        expected: i64,
        _event: trail::NewEvent,
    ) -> Result<i64, Error> {
        let mut kept = self.kept.lock();
        let found = kept.iter().rev().find(|c| c.system == change.system).map_or(0, |c| c.number);
        if found != expected {
            return Err(Error::Conflict { system: change.system, expected, found });
        }
        change.number = kept.last().map_or(1, |c| c.number + 1);
        let number = change.number;
        kept.push(change);
        Ok(number)
    }

    async fn read(&self, after: i64, limit: usize) -> Result<Vec<ChangeSet>, Error> {
        Ok(self.kept.lock().iter().filter(|c| c.number > after).take(limit).cloned().collect())
    }

    async fn of_system(&self, system: &str, after: i64, limit: usize) -> Result<Vec<ChangeSet>, Error> {
        let kept = self.kept.lock();
        let later = kept.iter().filter(|c| c.system == system && c.number > after);
        Ok(later.take(limit).cloned().collect())
    }
}
