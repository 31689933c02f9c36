//! The list of coming events: a heap with four children to a node, which is flatter than a binary one.

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Event {
    /// When, in seconds.
    pub(super) at: f64,
    /// Of two at the same time the lower one comes first.
    pub(super) order: u32,
    /// Number of the case.
    pub(super) case: u32,
    /// Where the case is kept.
    pub(super) slot: u32,
    /// Which of its tokens.
    pub(super) token: u32,
}

impl Event {
    #[inline]
    fn before(&self, other: &Self) -> bool {
        self.at < other.at || (self.at == other.at && self.order < other.order)
    }
}

/// Events in order of time.
#[derive(Debug, Default)]
pub(super) struct EventList {
    heap: Vec<Event>,
}

impl EventList {
    /// Forgets all that would have happened.
    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, event: Event) {
        let mut place = self.heap.len();
        self.heap.push(event);
        while place > 0 {
            let parent = (place - 1) / 4;
            match self.heap.get(parent) {
                Some(above) if event.before(above) => self.heap[place] = *above,
                _ => break,
            }
            place = parent;
        }
        self.heap[place] = event;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Event> {
        let first = *self.heap.first()?;
        let last = self.heap.pop()?;
        if self.heap.is_empty() {
            return Some(first);
        }
        let heap = self.heap.as_mut_slice();
        let mut place = 0;
        loop {
            let child = 4 * place + 1;
            if child >= heap.len() {
                break;
            }
            let mut least = child;
            for other in child + 1..heap.len().min(child + 4) {
                if heap[other].before(&heap[least]) {
                    least = other;
                }
            }
            if !heap[least].before(&last) {
                break;
            }
            heap[place] = heap[least];
            place = least;
        }
        heap[place] = last;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_in_order_of_time_and_then_of_insertion() {
        let mut list = EventList::default();
        let mut number = 12_345_u32;
        for order in 0..1_000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            list.push(Event { at: f64::from(number >> 26), order, case: 0, slot: 0, token: 0 });
        }
        let out: Vec<(f64, u32)> =
            std::iter::from_fn(|| list.pop()).map(|event| (event.at, event.order)).collect();
        assert_eq!(out.len(), 1_000);
        assert!(out.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
