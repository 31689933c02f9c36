//! The circuit breaker: an endpoint that keeps failing is left alone for a while.
//!
//! | state | a call | its success | its failure |
//! | --- | --- | --- | --- |
//! | closed | goes through | count to zero | count + 1; at the limit: open |
//! | open, pause not over | refused | – | – |
//! | open, pause over | one goes through on trial, others are refused | closed | open again |

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Counts failures one after another.
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

/// Why a call may not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) failures: u32,
    pub(crate) left: Duration,
}

impl Breaker {
    pub(crate) fn new(limit: u32, pause: Duration) -> Self {
        Self { limit, pause, state: Mutex::default() }
    }

    /// Asks whether a call may go through at `now`.
    pub(crate) fn enter(&self, now: Instant) -> Result<(), Resting> {
        let mut state = self.state.lock();
        match state.open_until {
            Some(until) if until > now => Err(Resting { failures: state.failures, left: until - now }),
            Some(_) => {
                // This one is the trial; the others wait for another pause unless it succeeds.
                state.open_until = Some(now + self.pause);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Reports how a call went.
    pub(crate) fn report(&self, failed: bool, now: Instant) {
        let mut state = self.state.lock();
        if failed {
            state.failures = state.failures.saturating_add(1);
            if self.limit > 0 && state.failures >= self.limit {
                state.open_until = Some(now + self.pause);
            }
        } else {
            *state = State::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_the_limit_lets_one_try_and_closes_on_success() {
        let breaker = Breaker::new(2, Duration::from_secs(10));
        let start = Instant::now();
        breaker.report(true, start);
        assert!(breaker.enter(start).is_ok());
        breaker.report(true, start);
        assert_eq!(breaker.enter(start).unwrap_err().failures, 2);
        let later = start + Duration::from_secs(11);
        assert!(breaker.enter(later).is_ok(), "one call on trial");
        assert!(breaker.enter(later).is_err(), "the others are refused");
        breaker.report(false, later);
        assert!(breaker.enter(later).is_ok());
    }
}
