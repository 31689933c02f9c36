//! Forecasts as cases go: one when a case starts and one after each of its steps, written into the trail.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use engine::port::Notice;
use scoring::simulation::Effort;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Forecasts;
use super::record::event;
use crate::error::Error;

/// Cases that wait for their forecast; of more, the newest steps are not forecast.
const WAITING_LIMIT: usize = 1_000;
/// Forecasts of one case.
const FORECASTS_LIMIT: u32 = 20;
/// Cases whose last place is remembered.
const CASES_LIMIT: usize = 20_000;
/// A forecast that is only recorded takes less than one that is asked for.
const EFFORT: Effort = Effort { draws: 50, runs: 10 };
/// What only follows the work takes at most one part in so many of the time.
const SHARE_OF_TIME: u32 = 10;

/// What was forecast of a case: the elements it stood at, and how often.
#[derive(Default)]
struct Last {
    at: Vec<u32>,
    count: u32,
}

/// Cases that wait for their forecast, each once.
#[derive(Default)]
struct Waiting {
    order: VecDeque<i64>,
    cases: HashSet<i64>,
}

impl Waiting {
    fn push(&mut self, case: i64) {
        if self.order.len() < WAITING_LIMIT && self.cases.insert(case) {
            self.order.push_back(case);
        }
    }

    /// The next one that was not taken out meanwhile.
    fn pop(&mut self) -> Option<i64> {
        loop {
            let case = self.order.pop_front()?;
            if self.cases.remove(&case) {
                return Some(case);
            }
        }
    }

    fn remove(&mut self, case: i64) {
        self.cases.remove(&case);
    }
}

impl Forecasts {
    /// Follows the engine until it is stopped. Forecasts lag behind rather than hold anything up: they take at most a
    /// tenth of the time, and steps that come faster are left out.
    pub async fn follow(self, stop: CancellationToken) {
        let mut notices = self.engine.notices();
        let mut waiting = Waiting::default();
        let mut last: HashMap<i64, Last> = HashMap::new();
        loop {
            // Everything that has been said meanwhile first.
            loop {
                match notices.try_recv() {
                    Ok(notice) => note(&mut waiting, &mut last, &notice),
                    Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) => {}
                    Err(_) => break,
                }
            }
            let Some(instance) = waiting.pop() else {
                let notice = tokio::select! {
                    () = stop.cancelled() => return,
                    notice = notices.recv() => notice,
                };
                match notice {
                    Ok(notice) => note(&mut waiting, &mut last, &notice),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
                continue;
            };
            if last.len() >= CASES_LIMIT {
                last.clear();
            }
            let began = Instant::now();
            let known = last.entry(instance).or_default();
            if known.count >= FORECASTS_LIMIT {
                continue;
            }
            match self.step(instance, &mut known.at).await {
                Ok(true) => known.count += 1,
                Ok(false) | Err(Error::NoForecast { .. }) => {}
                Err(error) => tracing::debug!(instance, %error, "no forecast was recorded"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(rest_after(began.elapsed())) => {}
            }
        }
    }

    /// Records a forecast of a case where it stands elsewhere than at the last one; false where there is none.
    ///
    /// # Errors
    /// As [`Forecasts::of`], and where the trail does not take it.
    async fn step(&self, instance: i64, at: &mut Vec<u32>) -> Result<bool, Error> {
        let case = self.engine.instance(instance).await?;
        if !case.status.is_open() || case.dry_run {
            return Ok(false);
        }
        // Where its process has no forecast, nothing more is asked for.
        self.known(&case).await?.model.as_ref().map_err(|why| Error::NoForecast { why: why.clone() })?;
        let state = self.engine.state(instance).await?;
        let now_at: Vec<u32> = state.current.iter().map(|element| element.element).collect();
        if now_at.is_empty() || now_at == *at {
            return Ok(false);
        }
        let made = self.in_state(&case, &state, EFFORT).await?;
        *at = now_at;
        self.trail
            .append(vec![event(&case, &made)])
            .await
            .map_err(|error| Error::Stopped(error.to_string()))?;
        Ok(true)
    }

    /// Records a forecast of a case as it stands now; false where it has ended.
    ///
    /// # Errors
    /// As [`Forecasts::of`], and where the trail does not take it.
    pub async fn record(&self, instance: i64) -> Result<bool, Error> {
        self.step(instance, &mut Vec::new()).await
    }
}

/// How long nothing is asked for after a look that took so long, whatever it found.
pub(crate) fn rest_after(took: Duration) -> Duration {
    took * (SHARE_OF_TIME - 1)
}

fn note(waiting: &mut Waiting, last: &mut HashMap<i64, Last>, notice: &Notice) {
    match notice {
        Notice::Started { instance } | Notice::Changed { instance } => waiting.push(*instance),
        Notice::Ended { instance, .. } => {
            last.remove(instance);
            waiting.remove(*instance);
        }
        Notice::Deployed { .. } | Notice::TrailAppended { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_takes_a_tenth_of_the_time() {
        assert_eq!(rest_after(Duration::from_millis(10)), Duration::from_millis(90));
    }

    #[test]
    fn a_case_waits_once_and_not_at_all_when_it_has_ended() {
        let (mut waiting, mut last) = (Waiting::default(), HashMap::new());
        for instance in [1, 2, 1] {
            note(&mut waiting, &mut last, &Notice::Changed { instance });
        }
        note(
            &mut waiting,
            &mut last,
            &Notice::Ended { instance: 1, status: engine::port::Status::Completed },
        );
        assert_eq!((waiting.pop(), waiting.pop()), (Some(2), None));
    }
}
