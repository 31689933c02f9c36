//! Keys: positive 64-bit integers made from Camunda's ids, with the way back for those that were seen.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Ids remembered; the oldest are forgotten and looked up again when they are asked for.
pub(crate) const KEY_LIMIT: usize = 200_000;

/// The key of an id: the id itself where it is a positive number, as in Camunda 8; else the first 63 bits of its
/// SHA-256, never 0.
pub(crate) fn key_of(id: &str) -> i64 {
    if id.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(number) = id.parse().ok().filter(|number| *number > 0)
    {
        return number;
    }
    let digest = Sha256::digest(id.as_bytes());
    let first = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    i64::try_from(first >> 1).unwrap_or(1).max(1)
}

/// Keys → ids.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    ids: HashMap<i64, String>,
    order: VecDeque<i64>,
}

impl Keys {
    /// Remembers an id; gives its key.
    pub(crate) fn see(&self, id: &str) -> i64 {
        let key = key_of(id);
        let mut seen = self.0.lock();
        if seen.ids.insert(key, id.to_owned()).is_none() {
            seen.order.push_back(key);
            if seen.order.len() > KEY_LIMIT
                && let Some(oldest) = seen.order.pop_front()
            {
                seen.ids.remove(&oldest);
            }
        }
        key
    }

    /// The id of a key that was seen.
    pub(crate) fn id(&self, key: i64) -> Option<String> {
        self.0.lock().ids.get(&key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_positive_and_leads_back_to_its_id() {
        let keys = Keys::default();
        for id in ["a", "", "04af9640-e772-11f1-bf36-02fc00000001", "a:1:b"] {
            let key = keys.see(id);
            assert!(key > 0);
            assert_eq!(keys.id(key).as_deref(), Some(id));
            assert_eq!(key, keys.see(id));
        }
    }

    #[test]
    fn a_number_is_its_own_key() {
        assert_eq!(key_of("2251799813685249"), 2_251_799_813_685_249);
        assert_ne!(key_of("0"), 0);
    }

    #[test]
    fn the_oldest_ids_are_forgotten_when_there_are_too_many() {
        let keys = Keys::default();
        for number in 0..=KEY_LIMIT {
            keys.see(&number.to_string());
        }
        assert_eq!(keys.id(key_of("0")), None);
        assert!(keys.id(key_of("1")).is_some());
    }
}
