//! Who waits for jobs: by instance, or by the types of jobs they can take.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::port::ActivateJobs;

/// From this number on, places that nobody waits at any more are dropped.
const PLACES: usize = 256;

/// Places to wait at.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    instances: HashMap<i64, Arc<Notify>>,
    /// `None`: jobs that the kernel executes.
    types: HashMap<Option<String>, Arc<Notify>>,
}

/// The types of jobs that a request takes, where it is for no instance; `None`: those that the kernel executes.
pub(crate) fn types_of(request: &ActivateJobs) -> impl Iterator<Item = Option<&str>> {
    let own = request.job_types.is_none().then_some(None);
    own.into_iter().chain(request.job_types.iter().flatten().map(|job_type| Some(job_type.as_str())))
}

impl Waiters {
    /// Takes a place for a request in each queue that it waits in. From here on no new job is missed; who is woken and
    /// goes away before it looks, wakes the next one.
    pub(crate) fn enter(&mut self, request: &ActivateJobs) -> Vec<Pin<Box<OwnedNotified>>> {
        let places: Vec<Arc<Notify>> = match request.instance {
            Some(instance) => vec![place(&mut self.instances, instance)],
            None => types_of(request)
                .map(|job_type| place(&mut self.types, job_type.map(str::to_owned)))
                .collect(),
        };
        let enter = |place: Arc<Notify>| {
            let mut notified = Box::pin(place.notified_owned());
            notified.as_mut().enable();
            notified
        };
        places.into_iter().map(enter).collect()
    }

    /// How many places are taken.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.types.values().map(|place| Arc::strong_count(place) - 1).sum()
    }

    /// Wakes all who wait for this instance.
    pub(crate) fn wake_instance(&self, instance: i64) {
        if let Some(place) = self.instances.get(&instance) {
            place.notify_waiters();
        }
    }

    /// Wakes one who can take a job of this type.
    pub(crate) fn wake_type(&self, job_type: Option<&str>) {
        if self.types.is_empty() {
            return;
        }
        if let Some(place) = self.types.get(&job_type.map(str::to_owned)) {
            place.notify_one();
        }
    }
}

fn place<K: std::hash::Hash + Eq>(places: &mut HashMap<K, Arc<Notify>>, key: K) -> Arc<Notify> {
    if places.len() >= PLACES {
        places.retain(|_, place| Arc::strong_count(place) > 1);
    }
    Arc::clone(places.entry(key).or_default())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn asks(types: &[&str]) -> ActivateJobs {
        let job_types = Some(types.iter().map(|one| (*one).to_owned()).collect());
        ActivateJobs { job_types, ..ActivateJobs::default() }
    }

    fn woken(places: &mut [Pin<Box<OwnedNotified>>]) -> bool {
        places.iter_mut().any(|place| place.as_mut().now_or_never().is_some())
    }

    #[test]
    fn a_job_wakes_one_of_those_who_can_take_it() {
        let mut waiters = Waiters::default();
        let mut first = waiters.enter(&asks(&["a"]));
        let mut second = waiters.enter(&asks(&["b", "a"]));
        let mut other = waiters.enter(&asks(&["b"]));
        waiters.wake_type(Some("a"));
        assert!(woken(&mut first) && !woken(&mut second) && !woken(&mut other));
        waiters.wake_type(Some("a"));
        assert!(woken(&mut second) && !woken(&mut other));
    }

    #[test]
    fn who_goes_away_hands_its_call_on() {
        let mut waiters = Waiters::default();
        let gone = waiters.enter(&asks(&["a"]));
        let mut next = waiters.enter(&asks(&["a"]));
        waiters.wake_type(Some("a"));
        assert!(!woken(&mut next));
        drop(gone);
        assert!(woken(&mut next));
    }

    #[test]
    fn places_that_nobody_waits_at_are_dropped() {
        let mut waiters = Waiters::default();
        let _held = waiters.enter(&asks(&["kept"]));
        for number in 0..2 * PLACES {
            waiters.enter(&asks(&[&number.to_string()]));
        }
        assert!(waiters.types.len() <= PLACES && waiters.types.contains_key(&Some("kept".to_owned())));
    }
}
