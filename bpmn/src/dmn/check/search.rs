//! Sets of rules, and the searches over them.

use std::collections::HashSet;

use super::columns::Column;

/// Choices that the search for a gap looks at.
const MAX_VISITS: usize = 200_000;

/// A set of rules by their places.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rules(Vec<u64>);

impl Rules {
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn all(count: usize) -> Self {
        let mut all = Self::none(count);
        (0..count).for_each(|rule| all.add(rule));
        all
    }

    pub(super) fn add(&mut self, rule: usize) {
        if let Some(word) = self.0.get_mut(rule / 64) {
            *word |= 1 << (rule % 64);
        }
    }

    pub(super) fn has(&self, rule: usize) -> bool {
        self.0.get(rule / 64).is_some_and(|word| word & (1 << (rule % 64)) != 0)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn both(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }
}

/// Pairs of rules that some input matches both, the earlier rule first.
pub(super) fn overlaps(columns: &[Column], count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |rule| {
        let mut with = Rules::all(count);
        for column in columns {
            let mut here = Rules::none(count);
            let passed = column.samples.iter().filter(|sample| sample.passing.has(rule));
            passed.for_each(|sample| here.join(&sample.passing));
            with = with.both(&here);
        }
        (rule + 1..count).filter(move |later| with.has(*later)).map(move |later| (rule, later))
    })
}

/// Whether everything that matches `later` matches `earlier`.
pub(super) fn covers(columns: &[Column], earlier: usize, later: usize) -> bool {
    let samples = columns.iter().flat_map(|column| &column.samples);
    samples.filter(|sample| sample.passing.has(later)).all(|sample| sample.passing.has(earlier))
}

/// A sample of each column that together no rule matches; `None` also where the search is given up.
pub(super) fn gap(columns: &[Column], count: usize) -> Option<Vec<usize>> {
    // For each column chosen so far: which sample, and the rules still possible before it.
    let mut chosen: Vec<(usize, Rules)> = vec![(0, Rules::all(count))];
    let mut seen: HashSet<(usize, Rules)> = HashSet::new();
    for _ in 0..MAX_VISITS {
        let depth = chosen.len();
        let (sample, before) = chosen.last_mut()?;
        if before.is_empty() {
            let mut choice: Vec<usize> = chosen[..depth - 1].iter().map(|(sample, _)| sample - 1).collect();
            choice.resize(columns.len(), 0);
            return Some(choice);
        }
        let next = columns.get(depth - 1).and_then(|column| column.samples.get(*sample));
        let Some(next) = next else {
            chosen.pop();
            continue;
        };
        let left = before.both(&next.passing);
        *sample += 1;
        if seen.insert((depth, left.clone())) {
            chosen.push((0, left));
        }
    }
    None
}
