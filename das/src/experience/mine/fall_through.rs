//! What is done where no cut is found: ever coarser ways to describe the log, each of which still accepts all of it.

use std::collections::BTreeSet;

use super::cut::{counted, find};
use super::graph::Graph;
use super::{Mined, Ways, flower, level, repeated};

/// Most activities of which each is tried on its own beside the others.
const MAX_TRIED: usize = 40;

/// The finest of: an activity once in every case beside the rest, an activity beside a rest that can be cut, a
/// repetition from ends to starts, a repetition from starts, anything in any order.
pub(super) fn apply(ways: &Ways, graph: &Graph, noise: f64, depth: usize) -> Mined {
    let beside = |activity: usize| {
        let keep = |wanted: bool| {
            let part = |steps: &[usize]| {
                steps.iter().copied().filter(|&step| (step == activity) == wanted).collect::<Vec<_>>()
            };
            counted(ways.iter().map(|(steps, count)| (part(steps), *count)).collect())
        };
        (keep(true), keep(false))
    };
    let once = graph.nodes.iter().copied().find(|&activity| {
        ways.iter().all(|(steps, _)| steps.iter().filter(|&&step| step == activity).count() == 1)
    });
    let concurrent = || {
        let few = (graph.nodes.len() <= MAX_TRIED).then_some(&graph.nodes);
        few.into_iter().flatten().copied().find(|&activity| {
            let rest: Ways = beside(activity).1.into_iter().filter(|way| !way.0.is_empty()).collect();
            find(&Graph::of(&rest)).is_some()
        })
    };
    if let Some(activity) = once.or_else(concurrent) {
        let (own, rest) = beside(activity);
        return Mined::Parallel(vec![level(&own, noise, depth + 1), level(&rest, noise, depth + 1)]);
    }
    let is_start = |step: &usize| graph.starts.contains_key(step);
    let is_end = |step: &usize| graph.ends.contains_key(step);
    let strict = cut_cases(ways, |before, after| is_end(before) && is_start(after));
    let wide = || cut_cases(ways, |_, after| is_start(after));
    if let Some((parts, again)) = strict.or_else(wide) {
        return repeated(level(&parts, noise, depth + 1), again);
    }
    let alphabet: BTreeSet<usize> = graph.nodes.iter().copied().collect();
    flower(&alphabet, ways)
}

/// Cuts each case wherever `between` two steps holds; nothing where it never does. Also says how often it did.
fn cut_cases(ways: &Ways, between: impl Fn(&usize, &usize) -> bool) -> Option<(Ways, usize)> {
    let mut parts: Ways = Vec::new();
    let mut cuts = 0;
    for (steps, count) in ways {
        let mut rest = steps.as_slice();
        while let Some(at) = rest.windows(2).position(|pair| matches!(pair, [a, b] if between(a, b))) {
            let (part, after) = rest.split_at(at + 1);
            parts.push((part.to_vec(), *count));
            rest = after;
            cuts += count;
        }
        parts.push((rest.to_vec(), *count));
    }
    (cuts > 0).then(|| (counted(parts), cuts))
}
