//! Fusing: one order out of two, by reciprocal rank.

use std::collections::BTreeMap;

use crate::Hit;

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

/// Best first; equal scores by id, so that the order is always the same.
pub(crate) fn sort(hits: &mut [Hit]) {
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.entry.organisation.cmp(&b.entry.organisation))
            .then_with(|| a.entry.id.cmp(&b.entry.id))
    });
}
