//! Which rows commits touch: what decides whether they may be written together.

use std::collections::HashSet;

use engine::store::Commit;

/// Rows that some commits touch.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    rows: HashSet<(Table, i64)>,
    idempotency_keys: HashSet<String>,
}

/// Tables whose rows change after they were inserted. Timers and subscriptions are told apart by their instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Definitions,
    Decisions,
    Instances,
    Jobs,
    Timers,
    Subscriptions,
    Messages,
    FollowUps,
}

impl Touched {
    /// Takes in a commit that touches nothing that is touched already; otherwise it is left out.
    pub(crate) fn takes(&mut self, commit: &Commit) -> bool {
        let rows: HashSet<(Table, i64)> = rows(commit).map(|(table, key, _)| (table, key)).collect();
        let key = commit.idempotent.as_ref().map(|(key, _)| key);
        let free = self.rows.is_disjoint(&rows) && key.is_none_or(|key| !self.idempotency_keys.contains(key));
        if free {
            self.rows.extend(rows);
            self.idempotency_keys.extend(key.cloned());
        }
        free
    }
}

/// Whether a commit touches none of its rows twice: then its statements can be run in any order.
pub(crate) fn touches_once(commit: &Commit) -> bool {
    let mut touched = HashSet::new();
    rows(commit).all(|row| touched.insert(row))
}

/// Table, key and number of what a commit touches.
fn rows(commit: &Commit) -> impl Iterator<Item = (Table, i64, u32)> {
    let definitions = commit.definitions.iter().map(|(row, _)| (Table::Definitions, row.key));
    let decisions = commit.decisions.iter().map(|(row, _)| (Table::Decisions, row.key));
    let instances = commit.instances.iter().map(|row| (Table::Instances, row.instance.key));
    let jobs = commit.jobs.iter().map(|row| row.key);
    let jobs = jobs.chain(commit.leases.iter().map(|row| row.key)).chain(commit.ended_jobs.iter().copied());
    let messages = commit.messages.iter().map(|row| row.key).chain(commit.ended_messages.iter().copied());
    let follow_ups =
        commit.follow_ups.iter().map(|row| row.key).chain(commit.ended_follow_ups.iter().copied());
    let whole = definitions
        .chain(decisions)
        .chain(instances)
        .chain(jobs.map(|key| (Table::Jobs, key)))
        .chain(messages.map(|key| (Table::Messages, key)))
        .chain(follow_ups.map(|key| (Table::FollowUps, key)));
    let timers = commit.timers.iter().map(|row| (row.instance, row.number));
    let timers = timers.chain(commit.ended_timers.iter().copied());
    let subscriptions = commit.subscriptions.iter().map(|row| (row.instance, row.number));
    let subscriptions = subscriptions.chain(commit.ended_subscriptions.iter().copied());
    whole
        .map(|(table, key)| (table, key, 0))
        .chain(timers.map(|(instance, number)| (Table::Timers, instance, number)))
        .chain(subscriptions.map(|(instance, number)| (Table::Subscriptions, instance, number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_touches_a_job_of_another_one_is_left_out() {
        let mut touched = Touched::default();
        assert!(touched.takes(&Commit { ended_jobs: vec![1], ..Commit::default() }));
        assert!(!touched.takes(&Commit { ended_jobs: vec![2, 1], ..Commit::default() }));
        assert!(touched.takes(&Commit { ended_jobs: vec![2], ended_messages: vec![1], ..Commit::default() }));
    }

    #[test]
    fn a_commit_with_the_idempotency_key_of_another_one_is_left_out() {
        let with = |key: &str| Commit { idempotent: Some((key.to_owned(), 1)), ..Commit::default() };
        let mut touched = Touched::default();
        assert!(touched.takes(&with("a")) && touched.takes(&with("b")));
        assert!(!touched.takes(&with("a")));
    }

    #[test]
    fn a_commit_that_ends_a_timer_and_sets_it_again_touches_it_twice() {
        let timer = engine::store::StoredTimer { instance: 1, number: 2, due_ms: 0, repetitions_left: 0 };
        let again = Commit { timers: vec![timer], ended_timers: vec![(1, 2)], ..Commit::default() };
        assert!(!touches_once(&again));
        assert!(touches_once(&Commit { ended_timers: vec![(1, 3), (1, 4)], ..again.clone() }));
        assert!(!touches_once(&Commit { ended_jobs: vec![5, 5], ..Commit::default() }));
    }
}
