//! Work: it begins where its resource is free, otherwise it queues; it ends, or is broken off.
//!
//! Where cases do not arrive in time, nothing is waited for, as in a table: resources only cost.

use std::collections::VecDeque;

use bpmn::exec::Local;
use bpmn::program::NodeIndex;

use super::super::model::Model;
use super::super::queueing::worked;
use super::super::witness::{Execution, Witness};
use super::run::{BATCH_DUE, Shop, Wait};

/// The token of work that ends: `slot` is its place on the floor, `case` its number there.
pub(super) const SERVED: u32 = u32::MAX - 2;

/// A job at work.
#[derive(Clone, Copy, Debug)]
struct Member {
    slot: u32,
    job: Local,
    node: NodeIndex,
    since: f64,
}

/// One execution, of one job or of a batch.
#[derive(Debug, Default)]
struct Piece {
    /// Tells it from others that had its place.
    number: u32,
    activity: u16,
    members: Vec<Member>,
    /// Seconds of work that were done before the simulation began.
    done: f64,
    /// What is done of it, once it has begun.
    service: Option<Service>,
}

#[derive(Clone, Copy, Debug)]
struct Service {
    /// When its resource was taken, when work began, when it ends.
    taken: f64,
    began: f64,
    ends: f64,
    /// Seconds of work.
    work: f64,
    /// Whether its work was counted as the resource's.
    measured: bool,
}

/// A resource at work.
#[derive(Debug, Default)]
struct Pool {
    free: u32,
    rate: f64,
    /// One queue for each level of priority: places of pieces and their numbers.
    queues: Vec<VecDeque<(u32, u32)>>,
}

/// Where work is done.
#[derive(Debug, Default)]
pub(super) struct Floor {
    pieces: Vec<Piece>,
    vacant: Vec<u32>,
    pools: Vec<Pool>,
    /// For each activity: who waits for a batch, and how many batches have begun there.
    gathering: Vec<(Vec<Member>, u32)>,
    /// Whether resources are shared.
    shared: bool,
}

impl Floor {
    pub(super) fn over(model: &Model) -> Self {
        let pools = model.resources.iter().map(|resource| Pool {
            free: resource.capacity,
            rate: resource.hourly_cost / 3600.0,
            queues: vec![VecDeque::new(); usize::from(model.levels)],
        });
        Self {
            pieces: Vec::new(),
            vacant: Vec::new(),
            pools: pools.collect(),
            gathering: vec![(Vec::new(), 0); model.activities.len()],
            shared: model.arrivals.is_some(),
        }
    }

    fn piece(&mut self, (activity, done): (u16, f64), members: Vec<Member>) -> u32 {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.pieces.push(Piece::default());
            (self.pieces.len() - 1) as u32
        });
        let piece = &mut self.pieces[place as usize];
        (piece.activity, piece.members, piece.service, piece.done) = (activity, members, None, done);
        place
    }

    /// Nothing is left of a piece: its place is free.
    fn clear(&mut self, place: u32) {
        let piece = &mut self.pieces[place as usize];
        piece.number = piece.number.wrapping_add(1);
        piece.members.clear();
        piece.service = None;
        self.vacant.push(place);
    }
}

impl<W: Witness> Shop<'_, W> {
    /// A job reaches its work, of which so much was done before the simulation began.
    pub(super) fn reach(&mut self, slot: u32, job: Local, node: NodeIndex, (activity, done): (u16, f64)) {
        let member = Member { slot, job, node, since: self.now };
        let case = &mut self.slots[slot as usize];
        case.open.push(super::run::Open { number: job, what: Wait::Job { work: None, node } });
        let Some(batch) = self.model.activities[usize::from(activity)].batch.filter(|_| self.floor.shared)
        else {
            return self.enter((activity, done), vec![member]);
        };
        let (there, number) = &mut self.floor.gathering[usize::from(activity)];
        there.push(member);
        let (count, number) = (there.len(), *number);
        if count >= batch.size as usize {
            self.start_batch(activity);
        } else if count == 1 && batch.longest_wait.is_finite() {
            self.schedule(self.now + batch.longest_wait, number, u32::from(activity), BATCH_DUE);
        }
    }

    pub(super) fn batch_is_due(&mut self, activity: u32, number: u32) {
        let current = self.floor.gathering.get(activity as usize).map(|(_, number)| *number);
        if current == Some(number) {
            self.start_batch(activity as u16);
        }
    }

    /// Begins what waits for its batch although it is not full; false where nothing waits.
    pub(super) fn flush(&mut self) -> bool {
        let waits = self.floor.gathering.iter().position(|(there, _)| !there.is_empty());
        let Some(activity) = waits else { return false };
        self.start_batch(activity as u16);
        true
    }

    fn start_batch(&mut self, activity: u16) {
        let (there, number) = &mut self.floor.gathering[usize::from(activity)];
        *number = number.wrapping_add(1);
        let members = std::mem::take(there);
        if !members.is_empty() {
            self.enter((activity, 0.0), members);
        }
    }

    /// Work begins where its resource is free, otherwise it queues.
    fn enter(&mut self, (activity, done): (u16, f64), members: Vec<Member>) {
        let place = self.floor.piece((activity, done), members);
        for at in 0..self.floor.pieces[place as usize].members.len() {
            let Member { slot, job, .. } = self.floor.pieces[place as usize].members[at];
            let open = self.slots[slot as usize].open.iter_mut().find(|open| open.number == job);
            if let Some(Wait::Job { work, .. }) = open.map(|open| &mut open.what) {
                *work = Some(place);
            }
        }
        let work = &self.model.activities[usize::from(activity)];
        let Some(resource) = work.resource.filter(|_| self.floor.shared) else { return self.serve(place) };
        let pool = &mut self.floor.pools[usize::from(resource)];
        if pool.free > 0 {
            pool.free -= 1;
            return self.serve(place);
        }
        let piece = &mut self.floor.pieces[place as usize];
        piece.done = 0.0;
        let number = piece.number;
        pool.queues[usize::from(work.level)].push_back((place, number));
    }

    fn release(&mut self, activity: u16) {
        let resource = self.model.activities[usize::from(activity)].resource.filter(|_| self.floor.shared);
        let Some(resource) = resource.map(usize::from) else { return };
        for level in 0..self.floor.pools[resource].queues.len() {
            while let Some((place, number)) = self.floor.pools[resource].queues[level].pop_front() {
                if self.floor.pieces[place as usize].number == number {
                    return self.serve(place);
                }
            }
        }
        self.floor.pools[resource].free += 1;
    }

    fn finish(&self, activity: u16, from: f64, work: f64) -> (f64, f64) {
        let resource = self.model.activities[usize::from(activity)].resource.filter(|_| self.floor.shared);
        match resource.and_then(|at| self.model.resources[usize::from(at)].calendar.as_ref()) {
            Some(calendar) => calendar.finish(from, work),
            None => (from, from + work),
        }
    }

    /// Begins work that has its resource.
    fn serve(&mut self, place: u32) {
        let members = self.floor.pieces[place as usize].members.clone();
        let Piece { activity, done, .. } = self.floor.pieces[place as usize];
        let Some(first) = members.first() else { return };
        let work = &self.model.activities[usize::from(activity)];
        let duration = work.law.remaining(done, self.drawn(first.slot, usize::from(activity), work.key));
        let (began, ends) = self.finish(activity, self.now, duration);
        let mut cost = work.cost;
        let mut measured = false;
        if let Some(resource) = work.resource.map(usize::from) {
            cost += duration * self.floor.pools[resource].rate / members.len() as f64;
            measured = self.measuring && self.floor.shared;
            if measured {
                self.found.busy[resource] += duration;
            }
        }
        for member in &members {
            let waited = began - member.since;
            let case = &mut self.slots[member.slot as usize];
            case.waited += waited;
            case.cost += cost;
            if case.number >= self.warm_up {
                let totals = &mut self.found.activities[usize::from(activity)];
                totals.visits += 1;
                totals.waited += waited;
            }
        }
        let piece = &mut self.floor.pieces[place as usize];
        piece.service = Some(Service { taken: self.now, began, ends, work: duration, measured });
        let number = piece.number;
        if work.resource.is_none() && work.batch.is_none() && ends <= self.now {
            // What takes no time needs no event.
            return self.served(place, number);
        }
        self.schedule(ends, number, place, SERVED);
    }

    /// Work is done: its resource goes to the next, its cases go on.
    pub(super) fn served(&mut self, place: u32, number: u32) {
        let piece = &mut self.floor.pieces[place as usize];
        let Some(service) = piece.service.filter(|_| piece.number == number) else { return };
        let (activity, members) = (piece.activity, std::mem::take(&mut piece.members));
        self.floor.clear(place);
        for member in &members {
            self.tell(activity, member, &service, self.now, false);
        }
        self.release(activity);
        for member in members {
            self.work_ended(member.slot, member.job, member.node);
        }
    }

    fn tell(&mut self, activity: u16, member: &Member, service: &Service, ended: f64, broken_off: bool) {
        let case = self.slots[member.slot as usize].number;
        if case >= self.warm_up {
            let (case, reached, began) = (case - self.warm_up, member.since, service.began);
            self.witness.executed(Execution { case, activity, reached, began, ended, broken_off });
        }
    }

    /// The engine no longer waits for something: its work breaks off, or leaves its queue.
    pub(super) fn cancel(&mut self, slot: u32, job: Local) {
        let open = &mut self.slots[slot as usize].open;
        let Some(at) = open.iter().position(|open| open.number == job) else { return };
        // What is not work merely is not waited for any more.
        let Wait::Job { work, node } = open.swap_remove(at).what else { return };
        let is_it = |member: &Member| (member.slot, member.job) == (slot, job);
        let Some(place) = work else {
            if let super::Role::Work(work) = &self.engine.roles[node] {
                self.floor.gathering[usize::from(work.activity)].0.retain(|member| !is_it(member));
            }
            return;
        };
        let piece = &mut self.floor.pieces[place as usize];
        let Some(at) = piece.members.iter().position(is_it) else { return };
        let member = piece.members.remove(at);
        let (activity, service, left) = (piece.activity, piece.service, piece.members.len());
        match service {
            None => self.give_up(activity, &member),
            Some(service) => self.break_off(activity, &member, &service, left),
        }
        if left == 0 {
            self.floor.clear(place);
            if service.is_some() {
                self.release(activity);
            }
        }
    }

    /// It has waited in vain.
    fn give_up(&mut self, activity: u16, member: &Member) {
        let waited = self.now - member.since;
        let case = &mut self.slots[member.slot as usize];
        let visit = &mut case.visits[usize::from(activity)];
        *visit = visit.saturating_add(1);
        case.waited += waited;
        if case.number >= self.warm_up {
            let totals = &mut self.found.activities[usize::from(activity)];
            totals.visits += 1;
            totals.waited += waited;
        }
    }

    /// What was counted in advance and is not done any more is taken back; where others of a batch are left, their work
    /// goes on.
    fn break_off(&mut self, activity: u16, member: &Member, service: &Service, left: usize) {
        let too_early = (service.began - self.now).max(0.0);
        let case = &mut self.slots[member.slot as usize];
        case.waited -= too_early;
        if case.number >= self.warm_up {
            self.found.activities[usize::from(activity)].waited -= too_early;
        }
        let done = if self.now >= service.ends {
            service.work
        } else {
            worked(self.now, service.work, |work| self.finish(activity, service.taken, work).1)
        };
        let resource = self.model.activities[usize::from(activity)].resource.map(usize::from);
        if let Some(resource) = resource.filter(|_| left == 0) {
            let undone = service.work - done;
            self.slots[member.slot as usize].cost -= undone * self.floor.pools[resource].rate;
            if service.measured {
                self.found.busy[resource] -= undone;
            }
        }
        let service = Service { began: service.began.min(self.now), ..*service };
        self.tell(activity, member, &service, self.now, true);
    }
}
