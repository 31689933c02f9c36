//! Which rows commits touch: what decides whether they may be written together.

use std::collections::HashSet;

use engine::store::Commit;

/// Rows that some commits touch.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    rows: HashSet<(Table, i64)>,
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
        let rows: HashSet<(Table, i64)> = rows(commit).collect();
        let free = self.rows.is_disjoint(&rows);
        if free {
            self.rows.extend(rows);
        }
        free
    }
}

fn rows(commit: &Commit) -> impl Iterator<Item = (Table, i64)> {
    let definitions = commit.definitions.iter().map(|(row, _)| (Table::Definitions, row.key));
    let decisions = commit.decisions.iter().map(|(row, _)| (Table::Decisions, row.key));
    let instances = commit.instances.iter().map(|row| (Table::Instances, row.instance.key));
    let jobs = commit.jobs.iter().map(|row| row.key);
    let jobs = jobs.chain(commit.leases.iter().map(|row| row.key)).chain(commit.ended_jobs.iter().copied());
    let timers = commit.timers.iter().map(|row| row.instance);
    let timers = timers.chain(commit.ended_timers.iter().map(|(instance, _)| *instance));
    let subscriptions = commit.subscriptions.iter().map(|row| row.instance);
    let subscriptions = subscriptions.chain(commit.ended_subscriptions.iter().map(|(instance, _)| *instance));
    let messages = commit.messages.iter().map(|row| row.key).chain(commit.ended_messages.iter().copied());
    let follow_ups =
        commit.follow_ups.iter().map(|row| row.key).chain(commit.ended_follow_ups.iter().copied());
    definitions
        .chain(decisions)
        .chain(instances)
        .chain(jobs.map(|key| (Table::Jobs, key)))
        .chain(timers.map(|instance| (Table::Timers, instance)))
        .chain(subscriptions.map(|instance| (Table::Subscriptions, instance)))
        .chain(messages.map(|key| (Table::Messages, key)))
        .chain(follow_ups.map(|key| (Table::FollowUps, key)))
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
}
