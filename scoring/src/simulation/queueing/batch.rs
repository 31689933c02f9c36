//! Work that is done in batches: one execution serves several cases.
//!
//! | what happens | then |
//! | --- | --- |
//! | a token reaches work done in batches | it waits with the others there |
//! | so many are there, or the first has waited for the longest time | the first of them stands for all: it queues, takes the resource and one duration |
//! | the work ends | the tokens of all go on |
//!
//! The cost of the resource's time is shared by the cases of a batch.

use std::collections::HashMap;

use super::super::event_list::Event;
use super::super::model::Model;
use super::super::witness::{Execution, Witness};
use super::{Op, Shop, Waiting};

/// The token of a batch that is due: `slot` is the activity, `case` the number of the batch there.
pub(super) const DUE: u32 = u32::MAX - 1;

/// Tokens that wait for their batch, and batches under way.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// Whether the model has work in batches.
    pub(super) any: bool,
    /// For each activity: who waits, and how many batches have begun there.
    gathering: Vec<(Vec<Waiting>, u32)>,
    /// Who follows the one that stands for a batch: (slot, place) of that one.
    following: HashMap<(u32, u16), Vec<Waiting>>,
}

impl Batches {
    pub(super) fn over(model: &Model) -> Self {
        let any = model.has_batches();
        let gathering = if any { vec![(Vec::new(), 0); model.activities.len()] } else { Vec::new() };
        Self { any, gathering, following: HashMap::new() }
    }
}

impl<W: Witness> Shop<'_, W> {
    /// Lets a token wait for its batch; false where the work is not done in batches.
    pub(super) fn gather(&mut self, waiting: Waiting, activity: u16) -> bool {
        let Some(batch) = self.model.activities[usize::from(activity)].batch else { return false };
        let (there, number) = &mut self.batches.gathering[usize::from(activity)];
        there.push(waiting);
        let (count, number) = (there.len(), *number);
        if count >= batch.size as usize {
            self.start_batch(activity);
        } else if count == 1 && batch.longest_wait.is_finite() {
            self.schedule(self.now + batch.longest_wait, number, u32::from(activity), DUE);
        }
        true
    }

    /// The first of a batch has waited for long enough.
    pub(super) fn batch_is_due(&mut self, event: Event) {
        let activity = event.slot as u16;
        let current = self.batches.gathering.get(usize::from(activity)).map(|(_, number)| *number);
        if current == Some(event.case) {
            self.start_batch(activity);
        }
    }

    /// Begins what waits for its batch although it is not full; false where nothing waits.
    pub(super) fn flush(&mut self) -> bool {
        let waits =
            |batches: &super::Batches| batches.gathering.iter().position(|(there, _)| !there.is_empty());
        let Some(activity) = waits(&self.batches) else { return false };
        self.start_batch(activity as u16);
        true
    }

    fn start_batch(&mut self, activity: u16) {
        let (there, number) = &mut self.batches.gathering[usize::from(activity)];
        *number = number.wrapping_add(1);
        let mut all = std::mem::take(there).into_iter();
        let Some(first) = all.next() else { return };
        self.batches.following.insert((first.slot, first.place), all.collect());
        self.enter(first, activity);
    }

    /// Counts those who follow the one whose work begins.
    pub(super) fn batch_begins(&mut self, slot: u32, place: u16, begin: f64, end: f64) {
        let Some(Op::Work { activity, .. }) = self.model.ops.get(usize::from(place)).copied() else { return };
        let Some(following) = self.batches.following.get(&(slot, place)) else { return };
        let work = &self.model.activities[usize::from(activity)];
        let rate = work.resource.map_or(0.0, |resource| self.pools[usize::from(resource)].rate);
        let all = following.len() as f64 + 1.0;
        let shared = rate * (self.busy_time(work.resource, begin, end)) / all;
        // The first paid for all.
        self.slots[slot as usize].cost -= shared * (all - 1.0);
        for each in following {
            let waited = begin - each.since;
            let case = &mut self.slots[each.slot as usize];
            case.waited += waited;
            case.cost += work.cost + shared;
            if each.case >= self.warm_up {
                let totals = &mut self.found.activities[usize::from(activity)];
                totals.visits += 1;
                totals.waited += waited;
                self.witness.executed(Execution {
                    case: each.case - self.warm_up,
                    activity,
                    reached: each.since,
                    began: begin,
                    ended: end,
                    broken_off: false,
                });
            }
        }
    }

    /// Seconds of work between two times of a resource's calendar.
    fn busy_time(&self, resource: Option<u16>, begin: f64, end: f64) -> f64 {
        let calendar = resource.and_then(|at| self.model.resources[usize::from(at)].calendar.as_ref());
        match calendar {
            None => end - begin,
            Some(calendar) => super::worked(end, end - begin, |work| calendar.finish(begin, work).1),
        }
    }

    /// The tokens of those who followed go on.
    pub(super) fn batch_is_done(&mut self, slot: u32, place: u16, next: u16) {
        for each in self.batches.following.remove(&(slot, place)).unwrap_or_default() {
            self.ready.push(next);
            self.advance(each.slot);
        }
    }
}
