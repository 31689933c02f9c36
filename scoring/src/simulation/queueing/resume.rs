//! From where running cases stand: how one of them goes on, among the others and those that come.

use super::super::forecast::Standing;
use super::super::model::{Model, Op};
use super::super::random::Numbers;
use super::super::witness::{Nobody, Witness};
use super::{GIVES_UP, Shop, Waiting};

/// Events after which a case is held not to end.
const EVENTS_LIMIT: u32 = 200_000;

/// How a case ended: seconds from now, and the place of its end; `None` where it never does.
pub(in super::super) type Left = (f64, Option<u16>);

/// Lets running cases go on from `now` (seconds since Monday, midnight) until the first of them has ended. `None` where
/// it has not after [`EVENTS_LIMIT`] events.
pub(in super::super) fn resume(
    model: &Model,
    (seed, replication): (u64, u64),
    now: f64,
    standings: &[Standing],
) -> Option<Left> {
    let mut nobody = Nobody;
    let mut shop = Shop::over(model, Numbers::new(seed, replication), (0, 0), &mut nobody);
    shop.cases = u32::MAX;
    shop.now = now;
    shop.watched = Some(None);
    let count = standings.len() as u32;
    for (number, _) in (0..count).zip(standings) {
        shop.open_case(number);
    }
    shop.place(standings);
    if model.is_contended() && count < u32::MAX {
        shop.announce(count, now);
    }
    for _ in 0..EVENTS_LIMIT {
        if let Some(Some((ended, end))) = shop.watched {
            return Some((ended - now, end));
        }
        match shop.events.pop() {
            Some(event) => shop.happen(event),
            None if shop.flush() => {}
            None => return shop.watched.flatten().map(|(ended, end)| (ended - now, end)),
        }
    }
    None
}

impl<W: Witness> Shop<'_, W> {
    /// Puts every token where it stands. At resources those are served that have been there longest.
    fn place(&mut self, standings: &[Standing]) {
        let mut at_work: Vec<(f64, u32, u16)> = Vec::new();
        for (slot, standing) in (0_u32..).zip(standings) {
            let at = slot as usize;
            self.slots[at].live = 0;
            let mut moving = Vec::new();
            for token in &standing.tokens {
                match self.model.ops.get(usize::from(token.place)) {
                    Some(Op::Work { .. }) => {
                        self.slots[at].live += 1;
                        at_work.push((token.elapsed, slot, token.place));
                    }
                    Some(_) => {
                        self.slots[at].live += 1;
                        moving.push(token.place);
                    }
                    None => {}
                }
            }
            self.ready.extend(moving);
            self.advance(slot);
        }
        at_work.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (elapsed, slot, place) in at_work {
            self.go_on(elapsed, slot, place);
        }
    }

    /// Work that has been going on, or has waited, for so long.
    fn go_on(&mut self, elapsed: f64, slot: u32, place: u16) {
        let Some(Op::Work { activity, .. }) = self.model.ops.get(usize::from(place)).copied() else { return };
        let work = &self.model.activities[usize::from(activity)];
        let case = self.slots[slot as usize].number;
        let deadline = work
            .deadline
            .map_or(f64::INFINITY, |deadline| (self.now - elapsed + deadline.after).max(self.now));
        let mut waiting = Waiting { since: self.now, deadline, done: elapsed, case, slot, place };
        if work.batch.is_some() {
            waiting.done = 0.0;
            self.gather(waiting, activity);
            return;
        }
        let Some(resource) = work.resource else { return self.serve(waiting) };
        let pool = &mut self.pools[usize::from(resource)];
        if pool.free > 0 {
            pool.free -= 1;
            return self.serve(waiting);
        }
        waiting.done = 0.0;
        pool.queues[usize::from(work.level)].push_back(waiting);
        if deadline.is_finite() {
            self.schedule(deadline, case, slot, u32::from(place) | GIVES_UP);
        }
    }
}
