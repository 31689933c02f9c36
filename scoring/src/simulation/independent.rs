//! Cases that do not meet: each token runs on until it ends or waits at a join; no clock, no event list.

use super::model::{Model, Op};
use super::random::Numbers;
use super::replication::Replication;
use super::witness::{Execution, Witness};

/// Steps of one case after which it is held to go round for ever.
const STEPS_LIMIT: u32 = 1_000_000;

/// Simulates cases one by one. `None` where tokens of one case can overtake each other in a way that only an event list
/// gets right: a terminate end event beside parallel branches, or two tokens on one incoming flow of a join.
pub(super) fn run<W: Witness>(
    model: &Model,
    seed: u64,
    replication: u64,
    cases: u32,
    witness: &mut W,
) -> Option<Replication> {
    let parallel = model.ops.iter().any(|op| matches!(op, Op::Fork { count, .. } if *count > 1));
    if parallel && model.ops.iter().any(|op| matches!(op, Op::Halt { .. })) {
        return None;
    }
    let mut found = Replication::over(model, cases as usize);
    let mut tokens = Tokens::over(model, Numbers::new(seed, replication));
    for case in 0..cases {
        let ended = tokens.case(model, case, &mut found, witness)?;
        let (duration, end) = ended.map_or((0.0, None), |(duration, end)| (duration, Some(end)));
        witness.ended(case, 0.0, duration, end);
        match ended {
            Some((duration, end)) => {
                found.cases += 1;
                found.durations.push(duration);
                if let Some(count) = found.ends.get_mut(usize::from(end)) {
                    *count += 1;
                }
            }
            None => found.stuck += 1,
        }
    }
    Some(found)
}

/// The tokens of the case at hand; kept from case to case, so that nothing is allocated.
struct Tokens {
    numbers: Numbers,
    waiting: Vec<(u16, f64)>,
    /// Tokens on each incoming flow of a join, and the latest arrival at each join.
    arrived: Vec<bool>,
    counts: Vec<u16>,
    latest: Vec<f64>,
    visits: Vec<u32>,
    /// Cost of a second, by activity.
    rates: Vec<f64>,
}

impl Tokens {
    fn over(model: &Model, numbers: Numbers) -> Self {
        let rate = |resource: Option<u16>| {
            resource
                .and_then(|place| model.resources.get(usize::from(place)))
                .map_or(0.0, |it| it.hourly_cost / 3600.0)
        };
        Self {
            numbers,
            waiting: Vec::with_capacity(16),
            arrived: vec![false; usize::from(model.slots)],
            counts: vec![0; model.joins.len()],
            latest: vec![0.0; model.joins.len()],
            visits: vec![0; model.ops.len()],
            rates: model.activities.iter().map(|activity| rate(activity.resource)).collect(),
        }
    }

    /// One case: its duration and end; the inner `None` where it is stuck.
    fn case<W: Witness>(
        &mut self,
        model: &Model,
        case: u32,
        found: &mut Replication,
        witness: &mut W,
    ) -> Option<Option<(f64, u16)>> {
        self.visits.fill(0);
        let number = u64::from(case);
        let (mut place, mut now) = (model.start, 0.0_f64);
        let (mut latest_end, mut end) = (f64::NEG_INFINITY, 0);
        let mut held = 0_u32;
        for _ in 0..STEPS_LIMIT {
            let op = *model.ops.get(usize::from(place))?;
            let mut is_gone = false;
            match op {
                Op::Work { activity, next } => {
                    (place, now) = self.work(model, case, now, (activity, next), found, witness);
                }
                Op::Toss { choice, first, second } => {
                    let choice = &model.choices[usize::from(choice)];
                    let u = self.drawn(place, number, choice.key);
                    place = std::hint::select_unpredictable(u < choice.cumulative[0], first, second);
                }
                Op::Choose { choice } => {
                    let choice = &model.choices[usize::from(choice)];
                    let u = self.drawn(place, number, choice.key);
                    place = choice.targets[choice.pick(u)];
                }
                Op::Decide { choice } => {
                    let visit = &mut self.visits[usize::from(place)];
                    *visit += 1;
                    match model.decide(choice, &self.numbers, number, *visit) {
                        Some(next) => place = next,
                        None => break,
                    }
                }
                Op::Fork { first, count } => {
                    let from = first as usize;
                    let ways = &model.forks[from..from + usize::from(count)];
                    self.waiting.extend(ways[1..].iter().rev().map(|way| (*way, now)));
                    place = ways[0];
                }
                Op::Join { join, slot, next } => {
                    let arrived = &mut self.arrived[usize::from(slot)];
                    if *arrived {
                        return None;
                    }
                    *arrived = true;
                    let join = usize::from(join);
                    self.counts[join] += 1;
                    self.latest[join] = self.latest[join].max(now);
                    let slots = model.joins[join];
                    if self.counts[join] == slots.count {
                        now = self.latest[join];
                        self.reset(join, slots.first, slots.count);
                        held -= u32::from(slots.count - 1);
                        place = next;
                    } else {
                        held += 1;
                        is_gone = true;
                    }
                }
                Op::End { end: reached } | Op::Halt { end: reached } => {
                    if now >= latest_end {
                        (latest_end, end) = (now, reached);
                    }
                    is_gone = true;
                }
            }
            if is_gone {
                match self.waiting.pop() {
                    Some(other) => (place, now) = other,
                    None if held == 0 => return Some(Some((latest_end, end))),
                    None => break,
                }
            }
        }
        // Stuck, or going round for ever.
        self.waiting.clear();
        self.arrived.fill(false);
        self.counts.fill(0);
        self.latest.fill(0.0);
        Some(None)
    }

    /// The number that belongs to this visit of a place.
    #[inline]
    fn drawn(&mut self, place: u16, number: u64, key: u64) -> f64 {
        let visit = &mut self.visits[usize::from(place)];
        let drawn = self.numbers.uniform(number, key, *visit);
        *visit += 1;
        drawn
    }

    /// Does the activity at a place and time; gives the place where the case goes on, and when.
    #[inline]
    fn work<W: Witness>(
        &mut self,
        model: &Model,
        case: u32,
        now: f64,
        (activity, next): (u16, u16),
        found: &mut Replication,
        witness: &mut W,
    ) -> (u16, f64) {
        let at = usize::from(activity);
        let work = &model.activities[at];
        let mut duration = work.law.quantile(self.drawn(work.home, u64::from(case), work.key));
        let (mut place, mut broken_off) = (next, false);
        if let Some(deadline) = work.deadline
            && duration > deadline.after
        {
            (duration, place, broken_off) = (deadline.after, deadline.late, true);
        }
        let ended = now + duration;
        witness.executed(Execution { case, activity, reached: now, began: now, ended, broken_off });
        found.activities[at].visits += 1;
        found.cost += work.cost + duration * self.rates[at];
        (place, ended)
    }

    fn reset(&mut self, join: usize, first: u16, count: u16) {
        let first = usize::from(first);
        self.arrived[first..first + usize::from(count)].fill(false);
        self.counts[join] = 0;
        self.latest[join] = 0.0;
    }
}
