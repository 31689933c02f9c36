//! How long to wait before a retry: full jitter, or what the server asks for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Draws waits from a seed, so that a run can be repeated.
#[derive(Debug)]
pub(crate) struct Backoff {
    base_ms: u64,
    cap_ms: u64,
    state: AtomicU64,
}

impl Backoff {
    pub(crate) fn new(base_ms: u64, cap_ms: u64, seed: u64) -> Self {
        Self { base_ms, cap_ms, state: AtomicU64::new(seed) }
    }

    /// The wait before retry number `retry` (0 for the first): uniform between zero and `base · 2^retry`, at most
    /// the cap ("full jitter").
    pub(crate) fn draw(&self, retry: u32) -> Duration {
        let top = self.base_ms.saturating_mul(1_u64 << retry.min(20)).min(self.cap_ms);
        let drawn = self.next() % top.saturating_add(1).max(1);
        Duration::from_millis(drawn)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): one addition and a mix, good enough to spread waits.
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// What the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
///
/// A date is compared with the answer's own `Date`, so that neither clock must be right.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
    if let Some(ms) = headers.get("retry-after-ms").and_then(|v| v.to_str().ok()?.trim().parse::<u64>().ok())
    {
        return Some(Duration::from_millis(ms));
    }
    let asked = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = asked.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let parse = |date: &str| DateTimeParser::new().parse_timestamp(date).ok();
    let (until, now) = (parse(asked)?, parse(text(DATE)?)?);
    let ms = until.as_millisecond().saturating_sub(now.as_millisecond());
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| ((*k).parse().unwrap(), (*v).parse().unwrap())).collect()
    }

    #[test]
    fn waits_grow_within_their_bounds_and_repeat_with_the_seed() {
        let (a, b) = (Backoff::new(500, 20_000, 7), Backoff::new(500, 20_000, 7));
        for retry in 0..40 {
            let wait = a.draw(retry);
            assert_eq!(wait, b.draw(retry));
            assert!(wait.as_millis() <= (500_u128 << retry.min(20)).min(20_000));
        }
        let spread: std::collections::HashSet<_> = (0..50).map(|_| a.draw(5)).collect();
        assert!(spread.len() > 40, "the draws must spread");
    }

    #[test]
    fn a_server_may_ask_in_seconds_milliseconds_or_by_date() {
        assert_eq!(asked(&headers(&[("retry-after", "2")])), Some(Duration::from_secs(2)));
        assert_eq!(asked(&headers(&[("retry-after-ms", "30")])), Some(Duration::from_millis(30)));
        let dates =
            [("date", "Sun, 06 Nov 1994 08:49:30 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(asked(&headers(&dates)), Some(Duration::from_secs(7)));
        assert_eq!(asked(&headers(&[("retry-after", "soon")])), None);
        assert_eq!(asked(&headers(&[("retry-after", "-3")])), None);
    }
}
