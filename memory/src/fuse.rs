//! Fusing: one order out of two, by reciprocal rank.

use std::collections::{BTreeMap, HashMap};

use crate::{Entry, Hit};

/// Damps the first ranks (Cormack, Clarke and Büttcher 2009).
const DAMPING: f64 = 60.0;

/// The order of `lists` together: a key's score is the sum of 1/(60 + rank) over the lists it is in. Equal scores by
/// key.
pub(crate) fn reciprocal_rank<K: Ord>(
    lists: impl IntoIterator<Item = Vec<K>>,
    limit: usize,
) -> Vec<(K, f64)> {
    let mut fused: BTreeMap<K, f64> = BTreeMap::new();
    for list in lists {
        let mut rank = 0.0;
        for key in list {
            rank += 1.0;
            *fused.entry(key).or_default() += 1.0 / (DAMPING + rank);
        }
    }
    let mut ranked: Vec<(K, f64)> = fused.into_iter().collect();
    // Stable: of equal ones the lower key stays first.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(limit);
    ranked
}

/// The same of entries, each of which is told by its organisation and id.
pub(crate) fn hits(lists: Vec<Vec<Hit>>, limit: usize) -> Vec<Hit> {
    let key = |hit: &Hit| (hit.entry.organisation.clone(), hit.entry.id.clone());
    let keys: Vec<Vec<_>> = lists.iter().map(|list| list.iter().map(key).collect()).collect();
    let mut entries: HashMap<_, Entry> =
        lists.into_iter().flatten().map(|hit| (key(&hit), hit.entry)).collect();
    let hit = |(key, score)| Some(Hit { entry: entries.remove(&key)?, score });
    reciprocal_rank(keys, limit).into_iter().filter_map(hit).collect()
}

/// Best first; equal scores by id, so that the order is always the same.
pub(crate) fn sort(hits: &mut [Hit]) {
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.entry.organisation.cmp(&b.entry.organisation))
            .then_with(|| a.entry.id.cmp(&b.entry.id))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn what_stands_in_both_lists_comes_first_and_equal_scores_by_id() {
        let hit = |organisation: &str, id: &str| {
            let mut entry = Entry::new(id, Kind::Bpmn, "", "", 1);
            entry.organisation = organisation.to_owned();
            Hit { entry, score: 9.0 }
        };
        let words = vec![hit("a", "3"), hit("a", "2"), hit("b", "2")];
        let meaning = vec![hit("a", "1"), hit("b", "2")];
        let found = hits(vec![words, meaning], 3);
        let names: Vec<_> =
            found.iter().map(|hit| (hit.entry.organisation.as_str(), hit.entry.id.as_str())).collect();
        // 1/63 + 1/62; then 1/61 twice; the fourth, 1/62, is cut off.
        assert_eq!(names, [("b", "2"), ("a", "1"), ("a", "3")]);
        assert!((found[0].score - (1.0 / 63.0 + 1.0 / 62.0)).abs() < 1e-12, "{}", found[0].score);
    }
}
