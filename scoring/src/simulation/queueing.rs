//! Cases that meet at resources: an event list, queues with priorities, calendars.
//!
//! | what happens | then |
//! | --- | --- |
//! | a case arrives | its first token moves; the next arrival is drawn |
//! | a token reaches work | with a free resource (or none needed) it is served, otherwise it queues: by priority, then first come first served |
//! | a service ends | the resource takes the next of its queue, the token moves on |
//! | an interrupting timer is due | its work breaks off and frees its resource, or leaves its queue; the token goes on along the timer's flow |
//! | work is done in batches | tokens wait until so many are there, or the first has waited long enough; one execution serves all |
//! | a case halts | its services break off and free their resources, its places in queues lapse |
//!
//! A resource with a calendar takes work up at once or at its next opening and rests while closed.

use std::collections::VecDeque;

use super::event_list::{Event, EventList};
use super::model::{Model, Op, arrivals_key};
use super::random::Numbers;
use super::replication::Replication;
use super::witness::{Execution, Witness};

mod batch;
mod resume;

use batch::Batches;
pub(super) use resume::{Left, resume};

/// Steps of one event after which a token is held to go round for ever without taking time.
const STEPS_LIMIT: u32 = 1_000_000;
/// The token of an arrival.
const ARRIVAL: u32 = u32::MAX;
/// Number of a slot without a case.
const NOBODY: u32 = u32::MAX;
/// Marks of a token beside its place: a timer breaks its service off, or is due while it may still wait.
const BROKEN_OFF: u32 = 1 << 16;
const GIVES_UP: u32 = 1 << 17;
/// Durations that are made room for at once.
const MOST_KEPT: u32 = 1_000_000;
/// Halvings that find how much was worked between two times of a calendar.
const HALVINGS: u32 = 50;

/// Work that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: f64,
    /// When a timer takes it out of the queue; infinite without one.
    deadline: f64,
    /// Seconds of work that were done before the simulation began.
    done: f64,
    case: u32,
    slot: u32,
    place: u16,
}

/// A case under way.
#[derive(Clone, Copy, Debug)]
struct Case {
    number: u32,
    began: f64,
    waited: f64,
    cost: f64,
    /// Tokens that move or are served, and tokens held at joins.
    live: u16,
    held: u16,
    end: u16,
}

/// A resource at work.
#[derive(Debug, Default)]
struct Pool {
    free: u32,
    rate: f64,
    /// One queue for each level of priority.
    queues: Vec<VecDeque<Waiting>>,
}

struct Shop<'a, W> {
    model: &'a Model,
    witness: &'a mut W,
    numbers: Numbers,
    cases: u32,
    warm_up: u32,
    now: f64,
    order: u32,
    events: EventList,
    slots: Vec<Case>,
    vacant: Vec<u32>,
    /// For each slot: tokens on the incoming flows of joins, and visits of each operation.
    arrived: Vec<u16>,
    visits: Vec<u16>,
    pools: Vec<Pool>,
    ready: Vec<u16>,
    /// Whether cases can halt, so that services must be known to be broken off: (slot, resource) of each.
    halts: bool,
    services: Vec<(u32, Option<u16>)>,
    batches: Batches,
    /// The first case, whose end is all that is asked for, and how it ended: when, and where (nowhere where it is stuck).
    watched: Option<Option<(f64, Option<u16>)>>,
    measuring: bool,
    opened: f64,
    found: Replication,
}

/// Simulates `warm_up + cases` cases and counts the last `cases` of them; the witness hears of those.
pub(super) fn run<W: Witness>(
    model: &Model,
    seed: u64,
    replication: u64,
    (cases, warm_up): (u32, u32),
    witness: &mut W,
) -> Replication {
    let mut shop = Shop::over(model, Numbers::new(seed, replication), (cases, warm_up), witness);
    if shop.cases > 0 {
        shop.announce(0, 0.0);
    }
    loop {
        while let Some(event) = shop.events.pop() {
            shop.happen(event);
        }
        // No case comes any more: what waits for its batch to be full does not get it.
        if !shop.flush() {
            return shop.found;
        }
    }
}

impl<'a, W: Witness> Shop<'a, W> {
    fn over(model: &'a Model, numbers: Numbers, (cases, warm_up): (u32, u32), witness: &'a mut W) -> Self {
        let pools = model.resources.iter().map(|resource| Pool {
            free: resource.capacity,
            rate: resource.hourly_cost / 3600.0,
            queues: vec![VecDeque::new(); usize::from(model.levels)],
        });
        Self {
            model,
            witness,
            numbers,
            cases: cases.saturating_add(warm_up),
            warm_up,
            now: 0.0,
            order: 0,
            events: EventList::default(),
            slots: Vec::new(),
            vacant: Vec::new(),
            arrived: Vec::new(),
            visits: Vec::new(),
            pools: pools.collect(),
            ready: Vec::with_capacity(8),
            halts: model.ops.iter().any(|op| matches!(op, Op::Halt { .. })),
            services: Vec::new(),
            batches: Batches::over(model),
            watched: None,
            measuring: false,
            opened: 0.0,
            found: Replication::over(model, cases.min(MOST_KEPT) as usize),
        }
    }

    #[inline]
    fn happen(&mut self, event: Event) {
        self.now = event.at;
        if event.token == ARRIVAL {
            self.arrive(event.case);
        } else if event.token == batch::DUE {
            self.batch_is_due(event);
        } else {
            self.served(event);
        }
    }

    fn schedule(&mut self, at: f64, case: u32, slot: u32, token: u32) {
        self.order = self.order.wrapping_add(1);
        self.events.push(Event { at, order: self.order, case, slot, token });
    }

    /// The arrival of case `number`, drawn from `now` on; cases that do not meet follow one another.
    fn announce(&mut self, number: u32, now: f64) {
        let at = match &self.model.arrivals {
            None => now,
            Some(law) => {
                let gap = law.quantile(self.numbers.uniform(u64::from(number), arrivals_key(), 0));
                self.model.arrival_calendar.as_ref().map_or(now + gap, |calendar| calendar.finish(now, gap).1)
            }
        };
        self.schedule(at, number, 0, ARRIVAL);
    }

    fn arrive(&mut self, number: u32) {
        if number == self.warm_up {
            self.measuring = true;
            self.opened = self.now;
        }
        if number + 1 == self.cases {
            self.measuring = false;
            self.found.window = if self.model.arrivals.is_some() { self.now - self.opened } else { 0.0 };
        }
        let slot = self.open_case(number);
        if number + 1 < self.cases && self.model.arrivals.is_some() {
            self.announce(number + 1, self.now);
        }
        self.ready.push(self.model.start);
        self.advance(slot);
    }

    /// A place for a case that begins now with one token.
    fn open_case(&mut self, number: u32) -> u32 {
        let case = Case { number, began: self.now, waited: 0.0, cost: 0.0, live: 1, held: 0, end: 0 };
        match self.vacant.pop() {
            Some(slot) => {
                self.slots[slot as usize] = case;
                slot
            }
            None => {
                self.slots.push(case);
                self.arrived.resize(self.arrived.len() + usize::from(self.model.slots), 0);
                self.visits.resize(self.visits.len() + self.model.ops.len(), 0);
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// Work is done or broken off: its resource goes to the next, its token on.
    fn served(&mut self, event: Event) {
        if self.slots[event.slot as usize].number != event.case {
            return;
        }
        let place = (event.token & u32::from(u16::MAX)) as u16;
        let Some(Op::Work { activity, next }) = self.model.ops.get(usize::from(place)).copied() else {
            return;
        };
        if event.token & GIVES_UP != 0 {
            return self.give_up(event, place, activity);
        }
        let work = &self.model.activities[usize::from(activity)];
        let (resource, late) = (work.resource, work.deadline.map_or(next, |deadline| deadline.late));
        if self.halts
            && let Some(at) = self.services.iter().position(|service| *service == (event.slot, resource))
        {
            self.services.swap_remove(at);
        }
        self.release(resource);
        self.ready.push(if event.token & BROKEN_OFF == 0 { next } else { late });
        self.advance(event.slot);
        if self.batches.any {
            self.batch_is_done(event.slot, place, next);
        }
    }

    /// A timer is due: what still waits leaves its queue.
    fn give_up(&mut self, event: Event, place: u16, activity: u16) {
        let work = &self.model.activities[usize::from(activity)];
        let Some(deadline) = work.deadline else { return };
        let Some(pool) = work.resource.and_then(|resource| self.pools.get_mut(usize::from(resource))) else {
            return;
        };
        let queue = &mut pool.queues[usize::from(work.level)];
        let waits = |each: &Waiting| {
            (each.slot, each.case, each.place) == (event.slot, event.case, place) && each.deadline <= event.at
        };
        let Some(waiting) = queue.iter().position(waits).and_then(|at| queue.remove(at)) else { return };
        let visit = &mut self.visits[event.slot as usize * self.model.ops.len() + usize::from(place)];
        *visit = visit.saturating_add(1);
        let waited = self.now - waiting.since;
        self.slots[event.slot as usize].waited += waited;
        if event.case >= self.warm_up {
            let totals = &mut self.found.activities[usize::from(activity)];
            totals.visits += 1;
            totals.waited += waited;
        }
        self.ready.push(deadline.late);
        self.advance(event.slot);
    }

    fn release(&mut self, resource: Option<u16>) {
        let Some(pool) = resource.and_then(|resource| self.pools.get_mut(usize::from(resource))) else {
            return;
        };
        for queue in &mut pool.queues {
            while let Some(next) = queue.pop_front() {
                if self.slots[next.slot as usize].number == next.case {
                    self.serve(next);
                    return;
                }
            }
        }
        pool.free += 1;
    }

    /// Begins work of a case that has waited; at its deadline it breaks off.
    fn serve(&mut self, waiting: Waiting) {
        let Waiting { since, deadline, done, slot, place, .. } = waiting;
        let Some(Op::Work { activity, .. }) = self.model.ops.get(usize::from(place)).copied() else { return };
        let work = &self.model.activities[usize::from(activity)];
        let at = slot as usize * self.model.ops.len() + usize::from(work.home);
        let visit = u32::from(self.visits[at]);
        self.visits[at] = self.visits[at].saturating_add(1);
        let case = &mut self.slots[slot as usize];
        let number = case.number;
        let u = self.numbers.uniform(u64::from(number), work.key, visit);
        let mut duration = if done > 0.0 { work.law.remaining(done, u) } else { work.law.quantile(u) };
        let calendar = work.resource.and_then(|at| self.model.resources[usize::from(at)].calendar.as_ref());
        let finish = |work: f64| match calendar {
            Some(calendar) => calendar.finish(self.now, work),
            None => (self.now, self.now + work),
        };
        let (mut begin, mut end) = finish(duration);
        let mut token = u32::from(place);
        if end > deadline {
            duration = worked(deadline, duration, |work| finish(work).1);
            (begin, end) = (begin.min(deadline), deadline);
            token |= BROKEN_OFF;
        }
        let mut cost = work.cost;
        if let Some(resource) = work.resource {
            let resource = usize::from(resource);
            cost += duration * self.pools[resource].rate;
            if self.measuring {
                self.found.busy[resource] += duration;
            }
        }
        let waited = begin - since;
        case.waited += waited;
        case.cost += cost;
        if number >= self.warm_up {
            let totals = &mut self.found.activities[usize::from(activity)];
            totals.visits += 1;
            totals.waited += waited;
            self.witness.executed(Execution {
                case: number - self.warm_up,
                activity,
                reached: since,
                began: begin,
                ended: end,
                broken_off: token & BROKEN_OFF != 0,
            });
        }
        if self.batches.any {
            self.batch_begins(slot, place, begin, end);
        }
        if work.resource.is_none()
            && !self.batches.any
            && end <= self.now
            && token & BROKEN_OFF == 0
            && let Some(Op::Work { next, .. }) = self.model.ops.get(usize::from(place)).copied()
        {
            // What takes no time needs no event.
            self.ready.push(next);
            return;
        }
        if self.halts {
            self.services.push((slot, work.resource));
        }
        self.schedule(end, number, slot, token);
    }

    /// Moves all tokens of a case that are ready, until each takes time, waits or is gone.
    fn advance(&mut self, slot: u32) {
        let at = slot as usize;
        let (joins_at, visits_at) = (at * usize::from(self.model.slots), at * self.model.ops.len());
        let mut steps = 0;
        while let Some(place) = self.ready.pop() {
            steps += 1;
            if steps > STEPS_LIMIT {
                self.ready.clear();
                self.slots[at].held = 1;
                self.slots[at].live = 0;
                break;
            }
            match self.model.ops[usize::from(place)] {
                Op::Work { activity, .. } => self.reach(slot, place, activity),
                Op::Toss { choice, first, second } => {
                    let u = self.toss(at, visits_at, place, choice);
                    let below = u < self.model.choices[usize::from(choice)].cumulative[0];
                    self.ready.push(if below { first } else { second });
                }
                Op::Choose { choice } => {
                    let u = self.toss(at, visits_at, place, choice);
                    let choice = &self.model.choices[usize::from(choice)];
                    self.ready.push(choice.targets[choice.pick(u)]);
                }
                Op::Decide { choice } => {
                    let visit = &mut self.visits[visits_at + usize::from(place)];
                    *visit = visit.saturating_add(1);
                    let case = u64::from(self.slots[at].number);
                    match self.model.decide(choice, &self.numbers, case, u32::from(*visit)) {
                        Some(next) => self.ready.push(next),
                        None => {
                            // It goes round for ever: the same data decide alike.
                            self.slots[at].held += 1;
                            self.slots[at].live -= 1;
                        }
                    }
                }
                Op::Fork { first, count } => {
                    let from = first as usize;
                    self.ready.extend(self.model.forks[from..from + usize::from(count)].iter().rev());
                    self.slots[at].live += count - 1;
                }
                Op::Join { join, slot: flow, next } => self.join(at, joins_at, usize::from(join), flow, next),
                Op::End { end } => {
                    self.slots[at].end = end;
                    self.slots[at].live -= 1;
                }
                Op::Halt { end } => {
                    self.slots[at].end = end;
                    self.ready.clear();
                    self.halt(slot);
                }
            }
        }
        if self.slots[at].live == 0 {
            self.close(slot);
        }
    }

    #[inline]
    fn toss(&mut self, at: usize, visits_at: usize, place: u16, choice: u16) -> f64 {
        let visit = &mut self.visits[visits_at + usize::from(place)];
        let number = u64::from(self.slots[at].number);
        let u = self.numbers.uniform(number, self.model.choices[usize::from(choice)].key, u32::from(*visit));
        *visit = visit.saturating_add(1);
        u
    }

    /// A token reaches work.
    fn reach(&mut self, slot: u32, place: u16, activity: u16) {
        let work = &self.model.activities[usize::from(activity)];
        let deadline = work.deadline.map_or(f64::INFINITY, |deadline| self.now + deadline.after);
        let case = self.slots[slot as usize].number;
        let waiting = Waiting { since: self.now, deadline, done: 0.0, case, slot, place };
        if self.batches.any && self.gather(waiting, activity) {
            return;
        }
        self.enter(waiting, activity);
    }

    /// Work begins where its resource is free, otherwise it queues.
    fn enter(&mut self, waiting: Waiting, activity: u16) {
        let work = &self.model.activities[usize::from(activity)];
        let Some(resource) = work.resource else { return self.serve(waiting) };
        let pool = &mut self.pools[usize::from(resource)];
        if pool.free > 0 {
            pool.free -= 1;
            return self.serve(waiting);
        }
        pool.queues[usize::from(work.level)].push_back(waiting);
        let Waiting { deadline, case, slot, place, .. } = waiting;
        if deadline.is_finite() {
            self.schedule(deadline, case, slot, u32::from(place) | GIVES_UP);
        }
    }

    /// A token reaches a join on one of its flows: it goes on when every flow has brought one.
    fn join(&mut self, at: usize, joins_at: usize, join: usize, flow: u16, next: u16) {
        self.arrived[joins_at + usize::from(flow)] += 1;
        let slots = self.model.joins[join];
        let from = joins_at + usize::from(slots.first);
        let arrived = &mut self.arrived[from..from + usize::from(slots.count)];
        let case = &mut self.slots[at];
        if arrived.iter().all(|count| *count > 0) {
            arrived.iter_mut().for_each(|count| *count -= 1);
            case.held -= slots.count - 1;
            self.ready.push(next);
        } else {
            case.held += 1;
            case.live -= 1;
        }
    }

    /// Ends a case at once.
    fn halt(&mut self, slot: u32) {
        let case = &mut self.slots[slot as usize];
        (case.live, case.held) = (0, 0);
        let number = std::mem::replace(&mut case.number, NOBODY);
        if number >= self.warm_up {
            self.witness.halted(number - self.warm_up, self.now);
        }
        let mut freed = Vec::new();
        self.services.retain(|(owner, resource)| {
            let stays = *owner != slot;
            if !stays {
                freed.push(*resource);
            }
            stays
        });
        freed.into_iter().for_each(|resource| self.release(resource));
        self.slots[slot as usize].number = number;
    }

    /// The last token of a case is gone.
    fn close(&mut self, slot: u32) {
        let at = slot as usize;
        let case = self.slots[at];
        if slot == 0 && self.watched == Some(None) {
            self.watched = Some(Some((self.now, (case.held == 0).then_some(case.end))));
        }
        if case.number >= self.warm_up {
            self.witness.ended(
                case.number - self.warm_up,
                case.began,
                self.now,
                (case.held == 0).then_some(case.end),
            );
            if case.held > 0 {
                self.found.stuck += 1;
            } else {
                self.found.cases += 1;
                self.found.durations.push(self.now - case.began);
                self.found.ends[usize::from(case.end)] += 1;
                self.found.waited += case.waited;
                self.found.cost += case.cost;
            }
        }
        self.slots[at].number = NOBODY;
        let (slots, ops) = (usize::from(self.model.slots), self.model.ops.len());
        self.arrived[at * slots..(at + 1) * slots].fill(0);
        self.visits[at * ops..(at + 1) * ops].fill(0);
        self.vacant.push(slot);
        if self.model.arrivals.is_none() && case.number + 1 < self.cases {
            self.announce(case.number + 1, self.now);
        }
    }
}

/// How much of `work` is done at `deadline`, by when it would `finish`.
pub(super) fn worked(deadline: f64, work: f64, finish: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, work);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if finish(middle) <= deadline { low = middle } else { high = middle }
    }
    low
}
