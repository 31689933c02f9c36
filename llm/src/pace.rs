//! How fast an endpoint may be asked: requests and tokens a minute, as providers limit them.
//!
//! Each is a bucket that holds one minute's allowance and fills evenly. A call takes what it needs at once, if need be
//! on credit, and then waits until the bucket is out of debt: so calls go in the order in which they came. What a call
//! takes in tokens is an estimate; the difference to what it used is settled afterwards.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::stack::millis;
use crate::{Config, Error};

const MINUTE_S: f64 = 60.0;

/// The two buckets of an endpoint.
#[derive(Debug)]
pub(crate) struct Pace {
    url: String,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// A call that would have to wait longer is refused at once.
    patience: Duration,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    fn per_minute(amount: u64) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
        let capacity = amount as f64;
        (amount > 0).then(|| Self { capacity, state: Mutex::new((capacity, Instant::now())) })
    }

    /// Takes `amount`, at most a whole minute's, and says how long to wait for it.
    fn take(&self, amount: f64, now: Instant) -> Duration {
        let rate = self.capacity / MINUTE_S;
        let mut state = self.state.lock();
        let filled = state.0 + now.saturating_duration_since(state.1).as_secs_f64() * rate;
        *state = (filled.min(self.capacity) - amount.min(self.capacity), now);
        Duration::try_from_secs_f64(-state.0 / rate).unwrap_or(Duration::ZERO)
    }

    fn give_back(&self, amount: f64) {
        let mut state = self.state.lock();
        state.0 = (state.0 + amount).min(self.capacity);
    }
}

/// Gives back what a call took that never went out, also where its future is dropped while it waits.
struct Taken<'a> {
    bucket: &'a Bucket,
    amount: f64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.bucket.give_back(self.amount);
    }
}

impl Pace {
    pub(crate) fn new(config: &Config, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            requests: Bucket::per_minute(config.requests_per_minute),
            tokens: Bucket::per_minute(config.tokens_per_minute),
            patience: Duration::from_millis(config.total_timeout_ms.max(1)),
        }
    }

    /// Waits until another request may go out.
    ///
    /// # Errors
    /// [`Error::Paced`] where that is later than a call may take.
    pub(crate) async fn request(&self) -> Result<(), Error> {
        self.pass(self.requests.as_ref(), 1.0).await
    }

    /// Waits until a call of about so many tokens may go out.
    ///
    /// # Errors
    /// As [`Pace::request`].
    pub(crate) async fn tokens(&self, estimate: u64) -> Result<(), Error> {
        self.pass(self.tokens.as_ref(), number(estimate)).await
    }

    /// Corrects an estimate by what the call used; zero where nobody knows, then the estimate stays.
    pub(crate) fn settle(&self, estimate: u64, used: u64) {
        if let (Some(bucket), true) = (&self.tokens, used > 0) {
            bucket.give_back(number(estimate).min(bucket.capacity) - number(used));
        }
    }

    async fn pass(&self, bucket: Option<&Bucket>, amount: f64) -> Result<(), Error> {
        let Some(bucket) = bucket else { return Ok(()) };
        let wait = bucket.take(amount, Instant::now());
        let taken = Taken { bucket, amount: amount.min(bucket.capacity) };
        if wait > self.patience {
            return Err(Error::Paced { url: self.url.clone(), wait_ms: millis(wait) });
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        std::mem::forget(taken);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
fn number(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(requests: u64, tokens: u64) -> Pace {
        let config = Config { requests_per_minute: requests, tokens_per_minute: tokens, ..Config::default() };
        Pace::new(&config, "http://x/v1")
    }

    /// Waits in milliseconds of calls that come at these seconds and take so much each.
    fn waits(bucket: &Bucket, begin: Instant, calls: &[(u64, f64)]) -> Vec<u64> {
        let wait = |(at, amount): &(u64, f64)| millis(bucket.take(*amount, begin + Duration::from_secs(*at)));
        calls.iter().map(wait).collect()
    }

    #[test]
    fn a_minute_s_requests_go_at_once_and_the_next_ones_at_the_pace_of_the_endpoint() {
        let (bucket, begin) = (Bucket::per_minute(60).unwrap(), Instant::now());
        assert_eq!(waits(&bucket, begin, &[(1, 1.0); 60]), [0; 60]);
        assert_eq!(waits(&bucket, begin, &[(1, 1.0); 3]), [1_000, 2_000, 3_000], "each in its turn");
        // Three seconds pay the debt; then nothing is left over.
        assert_eq!(
            waits(&bucket, begin, &[(4, 1.0), (6, 1.0), (600, 60.0), (600, 6.0)]),
            [1_000, 0, 0, 6_000]
        );
        assert!(Bucket::per_minute(0).is_none(), "0 is no limit");
    }

    #[test]
    fn a_call_larger_than_a_minute_s_tokens_takes_a_whole_minute_and_no_more() {
        let (bucket, begin) = (Bucket::per_minute(600).unwrap(), Instant::now());
        assert_eq!(waits(&bucket, begin, &[(0, 5_000.0), (0, 5_000.0)]), [0, 60_000]);
    }

    #[tokio::test]
    async fn tokens_are_settled_by_what_was_used() {
        let pace = pace(0, 6_000);
        pace.tokens(6_000).await.unwrap();
        pace.settle(6_000, 3_000);
        let bucket = pace.tokens.as_ref().unwrap();
        let now = bucket.state.lock().1;
        assert_eq!(bucket.take(3_100.0, now), Duration::from_secs(1), "half of it was not used");
        pace.settle(100, 0);
        assert_eq!(bucket.take(100.0, now), Duration::from_secs(2), "an endpoint that does not count");
    }

    #[tokio::test]
    async fn what_would_wait_longer_than_a_call_may_take_is_refused_and_costs_nothing() {
        let pace = pace(0, 60);
        pace.tokens(60).await.unwrap();
        pace.settle(60, 1_000);
        let level = pace.tokens.as_ref().unwrap().state.lock().0;
        let error = pace.tokens(60).await.unwrap_err();
        assert!(matches!(error, Error::Paced { wait_ms, .. } if wait_ms > 900_000), "{error}");
        let after = pace.tokens.as_ref().unwrap().state.lock().0;
        assert!((after - level).abs() < 1.0, "the refused call was counted: {level} {after}");
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_while_it_waits_gives_back_its_turn() {
        let pace = pace(2, 0);
        for _ in 0..2 {
            pace.request().await.unwrap();
        }
        for _ in 0..3 {
            let waiting = pace.request();
            tokio::select! {
                biased;
                _ = waiting => panic!("it has to wait half a minute"),
                () = std::future::ready(()) => {}
            }
        }
        let level = pace.requests.as_ref().unwrap().state.lock().0;
        assert!((0.0..0.5).contains(&level), "{level}");
    }
}
