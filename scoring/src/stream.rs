//! Random numbers by address: seed, element, visit and sample give the same numbers on every machine and every run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Where a number stands. The instance is identified by its own seed, so the same seed repeats a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Seed of the process instance.
    pub seed: u64,
    /// Element id of the task.
    pub element: &'a str,
    /// Which visit of the element it is (a loop comes by more than once). Not the attempt: a task that is tried
    /// again after a crash must draw the same numbers.
    pub visit: u64,
    /// Number of the sample, from 0.
    pub sample: u64,
}

/// The numbers at one address.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream at this address: seed, element and visit make the ChaCha key, the sample its stream number.
    #[must_use]
    pub fn at(address: Address<'_>) -> Self {
        let mut key = [0_u8; 32];
        let words = [address.seed, fnv1a(address.element), address.visit, DOMAIN];
        for (place, word) in key.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(address.sample);
        Self(rng)
    }

    /// The stream of a plain seed, for reports.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::at(Address { seed, element: "", visit: 0, sample: 0 })
    }

    /// The next number, uniform in the open interval (0, 1).
    pub fn uniform(&mut self) -> f64 {
        // 53 bits, moved by half a step: neither 0 nor 1 can come out, so every inverse is finite.
        ((self.0.next_u64() >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// The generator itself, for samplers that take one.
    pub fn generator(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

/// Keeps these streams apart from any other use of the same seed.
const DOMAIN: u64 = 0x5072_6f63_4f53_0001;

/// 64-bit FNV-1a, stable across platforms and versions (unlike the standard library's hasher).
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_gives_the_same_numbers_and_any_other_gives_others() {
        let base = Address { seed: 7, element: "margin", visit: 1, sample: 0 };
        let first = |address: Address<'_>| Stream::at(address).uniform();
        assert_eq!(first(base).to_bits(), first(base).to_bits());
        for other in [
            Address { seed: 8, ..base },
            Address { element: "margin2", ..base },
            Address { visit: 2, ..base },
            Address { sample: 1, ..base },
        ] {
            assert_ne!(first(base).to_bits(), first(other).to_bits());
        }
    }

    #[test]
    fn uniform_numbers_have_the_mean_and_variance_of_the_uniform_distribution() {
        let mut stream = Stream::seeded(1);
        let n = 100_000;
        let (sum, squares) = (0..n).fold((0.0, 0.0), |(s, q), _| {
            let u = stream.uniform();
            (s + u, q + u * u)
        });
        let mean = sum / f64::from(n);
        assert!((mean - 0.5).abs() < 0.004, "{mean}");
        assert!((squares / f64::from(n) - mean * mean - 1.0 / 12.0).abs() < 0.001);
    }
}
