//! Fusing: one order out of two, by reciprocal rank.

use std::collections::BTreeMap;

use crate::{Entry, Hit};

/// Damps the first ranks (Cormack, Clarke and Büttcher 2009).
const K: f64 = 60.0;

/// The order of `lists` together: an entry's score is the sum of 1/(60 + rank) over the lists it is in.
pub(crate) fn reciprocal_rank(lists: Vec<Vec<Hit>>, limit: usize) -> Vec<Hit> {
    let mut fused: BTreeMap<(String, String), (Entry, f64)> = BTreeMap::new();
    for list in lists {
        let mut rank = 0.0;
        for hit in list {
            rank += 1.0;
            let key = (hit.entry.organisation.clone(), hit.entry.id.clone());
            fused.entry(key).or_insert_with(|| (hit.entry, 0.0)).1 += 1.0 / (K + rank);
        }
    }
    let mut hits: Vec<Hit> = fused.into_values().map(|(entry, score)| Hit { entry, score }).collect();
    sort(&mut hits);
    hits.truncate(limit);
    hits
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
