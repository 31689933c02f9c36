//! A sorted map whose copies share what they have in common: a snapshot costs a few pointers, and a change to one
//! copies a run of entries instead of everything.
//!
//! Entries lie in runs of at most [`RUN_LIMIT`]; a copy shares the runs, and whoever changes one copies that run
//! first. With a million entries the list of runs still fits a few pages of memory.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// Most entries of a run; a full one is split in two.
const RUN_LIMIT: usize = 256;
/// Entries of a run where all are there at once: some room is left for those that come later.
const RUN_FILLED: usize = RUN_LIMIT * 3 / 4;

type Run<K, V> = Arc<Vec<(K, V)>>;

/// A sorted map with cheap copies.
#[derive(Clone, Debug)]
pub(crate) struct SortedMap<K, V> {
    runs: Vec<Run<K, V>>,
    len: usize,
}

/// A key whose value differs between two maps: the value on either side.
pub(crate) type Differing<'a, K, V> = (&'a K, Option<&'a V>, Option<&'a V>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { runs: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> SortedMap<K, V> {
    /// A map of entries that are sorted by strictly growing keys.
    pub(crate) fn of_sorted(entries: Vec<(K, V)>) -> Self {
        let len = entries.len();
        let mut runs = Vec::with_capacity(len / RUN_FILLED + 1);
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            runs.push(Arc::new(entries.by_ref().take(RUN_FILLED).collect()));
        }
        Self { runs, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The run that holds `key` or would take it.
    fn locate<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let starts_before = |run: &Run<K, V>| {
            run.first().is_some_and(|(first, _)| first.borrow().cmp(key) != Ordering::Greater)
        };
        self.runs.partition_point(starts_before).saturating_sub(1)
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let run = self.runs.get(self.locate(key))?;
        let at = run.binary_search_by(|(found, _)| found.borrow().cmp(key)).ok()?;
        run.get(at).map(|(_, value)| value)
    }

    /// The value of a key, to be changed in place.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at_run = self.locate(key);
        let run = self.runs.get_mut(at_run)?;
        let at = run.binary_search_by(|(found, _)| found.borrow().cmp(key)).ok()?;
        Arc::make_mut(run).get_mut(at).map(|(_, value)| value)
    }

    /// Puts a value and gives the one it replaced.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at_run = self.locate(&key);
        let Some(run) = self.runs.get_mut(at_run) else {
            self.runs.push(Arc::new(vec![(key, value)]));
            self.len += 1;
            return None;
        };
        let entries = Arc::make_mut(run);
        match entries.binary_search_by(|(found, _)| found.cmp(&key)) {
            Ok(at) => entries.get_mut(at).map(|(_, kept)| std::mem::replace(kept, value)),
            Err(at) => {
                entries.insert(at, (key, value));
                self.len += 1;
                if entries.len() > RUN_LIMIT {
                    // Keys mostly arrive in order: the first half stays nearly full.
                    let later = entries.split_off(RUN_FILLED);
                    self.runs.insert(at_run + 1, Arc::new(later));
                }
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at_run = self.locate(key);
        let run = self.runs.get_mut(at_run)?;
        let at = run.binary_search_by(|(found, _)| found.borrow().cmp(key)).ok()?;
        let entries = Arc::make_mut(run);
        let (_, value) = entries.remove(at);
        self.len -= 1;
        if entries.is_empty() {
            self.runs.remove(at_run);
        }
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.runs.iter().flat_map(|run| run.iter().map(|(key, value)| (key, value)))
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Entries from a key on.
    pub(crate) fn from<'a, Q: Ord + ?Sized>(
        &'a self,
        start: Bound<&Q>,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let (run, at) = match start {
            Bound::Unbounded => (0, 0),
            Bound::Included(key) | Bound::Excluded(key) => {
                let at_run = self.locate(key);
                let excluded = matches!(start, Bound::Excluded(_));
                let before = |(found, _): &(K, V)| match found.borrow().cmp(key) {
                    Ordering::Less => true,
                    Ordering::Equal => excluded,
                    Ordering::Greater => false,
                };
                (at_run, self.runs.get(at_run).map_or(0, |run| run.partition_point(before)))
            }
        };
        let first = self.runs.get(run).into_iter().flat_map(move |run| run.iter().skip(at));
        let rest = self.runs.iter().skip(run + 1).flat_map(|run| run.iter());
        first.chain(rest).map(|(key, value)| (key, value))
    }

    /// Entries before a key, the last one first.
    pub(crate) fn before<'a, Q: Ord + ?Sized>(
        &'a self,
        end: Bound<&Q>,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let (run, at) = match end {
            Bound::Unbounded => (self.runs.len(), 0),
            Bound::Included(key) | Bound::Excluded(key) => {
                let at_run = self.locate(key);
                let included = matches!(end, Bound::Included(_));
                let before = |(found, _): &(K, V)| match found.borrow().cmp(key) {
                    Ordering::Less => true,
                    Ordering::Equal => included,
                    Ordering::Greater => false,
                };
                (at_run, self.runs.get(at_run).map_or(0, |run| run.partition_point(before)))
            }
        };
        let last = self.runs.get(run).into_iter().flat_map(move |run| run.iter().take(at).rev());
        let rest = self.runs.iter().take(run).rev().flat_map(|run| run.iter().rev());
        last.chain(rest).map(|(key, value)| (key, value))
    }

    /// Keys whose entries are not shared by both maps, in order. Runs in common are skipped unseen, so two
    /// neighbouring snapshots are compared in the time of what changed.
    pub(crate) fn unshared<'a>(&'a self, other: &'a Self) -> Vec<Differing<'a, K, V>> {
        let mine: HashSet<*const Vec<(K, V)>> = self.runs.iter().map(Arc::as_ptr).collect();
        let theirs: HashSet<*const Vec<(K, V)>> = other.runs.iter().map(Arc::as_ptr).collect();
        let own = |runs: &'a [Run<K, V>], shared: &HashSet<*const Vec<(K, V)>>| -> Vec<&'a (K, V)> {
            runs.iter().filter(|run| !shared.contains(&Arc::as_ptr(run))).flat_map(|run| run.iter()).collect()
        };
        let left = own(&self.runs, &theirs);
        let right = own(&other.runs, &mine);
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        let mut out = Vec::new();
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return out,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((one, _)), Some((two, _))) => one.cmp(two),
            };
            let one = if order == Ordering::Greater { None } else { left.next() };
            let two = if order == Ordering::Less { None } else { right.next() };
            if let Some((key, _)) = one.or(two) {
                out.push((key, one.map(|(_, value)| value), two.map(|(_, value)| value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::default())]
        #[test]
        fn it_behaves_like_the_tree_map_of_the_standard_library(
            steps in proptest::collection::vec((0u32..900, any::<bool>()), 0..1_500)
        ) {
            let mut ours = SortedMap::default();
            let mut theirs = BTreeMap::new();
            for (key, put) in steps {
                if put {
                    prop_assert_eq!(ours.insert(key, key * 2), theirs.insert(key, key * 2));
                } else {
                    prop_assert_eq!(ours.remove(&key), theirs.remove(&key));
                }
                prop_assert_eq!(ours.len(), theirs.len());
            }
            prop_assert!(ours.iter().eq(theirs.iter()));
            for start in [0, 17, 450, 899] {
                prop_assert!(ours.from(Bound::Excluded(&start)).eq(theirs.range((Bound::Excluded(start), Bound::Unbounded))));
                prop_assert!(ours.from(Bound::Included(&start)).eq(theirs.range(start..)));
                prop_assert!(ours.before(Bound::Excluded(&start)).eq(theirs.range(..start).rev()));
                prop_assert!(ours.before(Bound::Included(&start)).eq(theirs.range(..=start).rev()));
                prop_assert_eq!(ours.get(&start), theirs.get(&start));
            }
            prop_assert!(ours.before(Bound::<&u32>::Unbounded).eq(theirs.iter().rev()));
            let again = SortedMap::of_sorted(theirs.iter().map(|(key, value)| (*key, *value)).collect());
            prop_assert!(again.len() == theirs.len() && again.iter().eq(theirs.iter()));
        }
    }

    #[test]
    fn a_copy_keeps_its_entries_and_shares_the_rest() {
        let mut map = SortedMap::default();
        for key in 0..10_000 {
            map.insert(key, key);
        }
        let copy = map.clone();
        map.insert(5_000, 7);
        map.remove(&9_999);
        map.insert(10_001, 1);
        assert_eq!((copy.get(&5_000), copy.get(&9_999), copy.len()), (Some(&5_000), Some(&9_999), 10_000));
        let differing = copy.unshared(&map);
        assert!(differing.len() < 3 * RUN_LIMIT, "{}", differing.len());
        let changed: Vec<_> = differing.into_iter().filter(|(_, one, two)| one != two).collect();
        assert_eq!(
            changed,
            [(&5_000, Some(&5_000), Some(&7)), (&9_999, Some(&9_999), None), (&10_001, None, Some(&1)),]
        );
    }
}
