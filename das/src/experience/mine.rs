//! Inductive mining: splits a log where its directly-follows graph can be cut, until single activities are left.
//!
//! Sources: Leemans, Fahland, van der Aalst 2013 (cuts, log splits, fall-throughs; the model found accepts every case
//! of the log) and 2014 (infrequent behaviour: what is rarer than `noise` times its strongest neighbour is left out
//! where no choice or sequence is found otherwise). Recursion is bounded by [`MAX_LEVELS`].

mod cut;
mod fall_through;
mod graph;

use std::collections::BTreeSet;

use cut::{Cut, find};
use graph::Graph;

/// Deepest nesting of what is found; below that, anything may happen in any order.
const MAX_LEVELS: usize = 28;

/// Cases as steps, with how often each way was taken.
pub(super) type Ways = Vec<(Vec<usize>, usize)>;

/// What was found: a block structure over activities, with the cases that went into each alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mined {
    /// Nothing is done.
    Silent,
    /// An activity.
    Step(usize),
    /// One of them.
    Choice(Vec<(Mined, usize)>),
    /// One after the other.
    Sequence(Vec<Mined>),
    /// All, in any order.
    Parallel(Vec<Mined>),
    /// The first; then, as often as wanted, one of the others and the first again.
    Loop(Box<Mined>, Vec<(Mined, usize)>),
}

/// Mines a log; `noise` is a share in 0..1, and 0 keeps everything.
pub(super) fn mine(ways: &Ways, noise: f64) -> Mined {
    level(ways, noise, 0)
}

fn level(ways: &Ways, noise: f64, depth: usize) -> Mined {
    let cases: usize = ways.iter().map(|way| way.1).sum();
    let empty: usize = ways.iter().filter(|way| way.0.is_empty()).map(|way| way.1).sum();
    if cases == empty {
        return Mined::Silent;
    }
    if empty > 0 {
        let rest: Ways = ways.iter().filter(|way| !way.0.is_empty()).cloned().collect();
        if super::share(empty, cases) <= noise && noise > 0.0 {
            return level(&rest, noise, depth);
        }
        return Mined::Choice(vec![(level(&rest, noise, depth + 1), cases - empty), (Mined::Silent, empty)]);
    }
    let alphabet: BTreeSet<usize> = ways.iter().flat_map(|way| way.0.iter().copied()).collect();
    if let (1, Some(&only)) = (alphabet.len(), alphabet.first()) {
        let again: usize = ways.iter().filter(|way| way.0.len() > 1).map(|way| way.1).sum();
        let rare = again == 0 || (noise > 0.0 && super::share(again, cases) <= noise);
        return if rare { Mined::Step(only) } else { repeated(Mined::Step(only), again) };
    }
    if depth >= MAX_LEVELS {
        return flower(&alphabet, ways);
    }
    let graph = Graph::of(ways);
    // Rare orders make things look parallel or repeated that are not: there the graph without them is asked first.
    let whole = find(&graph);
    let cut = match whole {
        Some(Cut::Choice(_) | Cut::Sequence(_)) => whole,
        _ if noise > 0.0 => find(&graph.without_rare(noise)).or(whole),
        _ => whole,
    };
    match cut {
        Some(cut) => divide(&cut, ways, noise, depth),
        None => fall_through::apply(ways, &graph, noise, depth),
    }
}

fn divide(cut: &Cut, ways: &Ways, noise: f64, depth: usize) -> Mined {
    let parts = cut.split(ways);
    let weight = |part: &Ways| part.iter().map(|way| way.1).sum::<usize>();
    let next = |part: &Ways| level(part, noise, depth + 1);
    match cut {
        Cut::Choice(_) => Mined::Choice(parts.iter().map(|part| (next(part), weight(part))).collect()),
        Cut::Sequence(_) => Mined::Sequence(parts.iter().map(next).collect()),
        Cut::Parallel(_) => Mined::Parallel(parts.iter().map(next).collect()),
        Cut::Loop(_) => {
            let body = parts.first().map_or(Mined::Silent, next);
            let redo = parts.iter().skip(1).map(|part| (level(part, noise, depth + 2), weight(part)));
            Mined::Loop(Box::new(body), redo.collect())
        }
    }
}

/// The body, at least once.
fn repeated(body: Mined, again: usize) -> Mined {
    Mined::Loop(Box::new(body), vec![(Mined::Silent, again)])
}

/// Any of the activities, as often as wanted, at least one.
fn flower(alphabet: &BTreeSet<usize>, ways: &Ways) -> Mined {
    let times = |activity: usize| {
        ways.iter().map(|way| way.0.iter().filter(|&&step| step == activity).count() * way.1).sum()
    };
    let petals = alphabet.iter().map(|&activity| (Mined::Step(activity), times(activity))).collect();
    let again = ways.iter().map(|way| way.0.len().saturating_sub(1) * way.1).sum();
    repeated(Mined::Choice(petals), again)
}
