//! Random numbers by address for simulation: a pure function of (seed, replication, case, element, visit).
//!
//! No state is carried from one number to the next, so the result does not depend on the order of execution or the
//! number of threads, and two versions of a process meet the same luck at the same elements (common random numbers).
//! The function is a keyed hash of two 64 × 64 → 128-bit multiplications, each folded by exclusive or. It is made for
//! speed where millions of numbers are needed; [`crate::Stream`] (ChaCha) serves the tasks themselves.

/// Odd constants with about as many ones as zeros.
const CASE: u64 = 0xd6e8_feb8_6659_fd93;
const VISIT: u64 = 0x9e37_79b9_7f4a_7c15;
const FINAL: u64 = 0xa24b_aed4_963e_e407;

/// The random numbers of one replication.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    key: u64,
}

impl Numbers {
    /// The numbers of this replication under this seed.
    #[must_use]
    pub fn new(seed: u64, replication: u64) -> Self {
        Self { key: fold(seed ^ CASE, replication ^ FINAL) ^ fold(replication ^ VISIT, seed ^ FINAL) }
    }

    /// The number at an address, uniform in the open interval (0, 1). `element` is [`element_key`] of the element.
    #[inline]
    #[must_use]
    pub fn uniform(&self, case: u64, element: u64, visit: u32) -> f64 {
        let place = fold(self.key ^ case.wrapping_mul(CASE), element ^ u64::from(visit).wrapping_mul(VISIT));
        let mixed = fold(place ^ FINAL, place.rotate_left(32) ^ self.key ^ CASE);
        ((mixed >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }
}

/// The product of two numbers as 128 bits, its halves joined by exclusive or.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// The part of an address that stands for an element: 64-bit FNV-1a of its id, the same in every version of a file.
#[must_use]
pub(super) fn element_key(id: &str) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    // Spread over all bits: short ids differ in few.
    id.bytes().fold(0xcbf2_9ce4_8422_2325, hash).wrapping_mul(VISIT).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's statistic of 256 equal cells; mean 255, standard deviation 22.6.
    fn chi_square(numbers: impl Iterator<Item = f64>) -> f64 {
        let mut cells = [0.0_f64; 256];
        let mut n = 0.0;
        for u in numbers {
            cells[(u * 256.0) as usize] += 1.0;
            n += 1.0;
        }
        let expected = n / 256.0;
        cells.iter().map(|count| (count - expected).powi(2) / expected).sum()
    }

    #[test]
    fn numbers_are_uniform_along_every_part_of_the_address() {
        let key = element_key("assess");
        type Along = Box<dyn Fn(u64) -> f64>;
        let along: [(&str, Along); 4] = [
            ("case", Box::new(move |i| Numbers::new(7, 0).uniform(i, key, 0))),
            ("replication", Box::new(move |i| Numbers::new(7, i).uniform(3, key, 0))),
            ("visit", Box::new(move |i| Numbers::new(7, 0).uniform(3, key, i as u32))),
            ("element", Box::new(|i| Numbers::new(7, 0).uniform(3, element_key(&format!("t{i}")), 0))),
        ];
        for (name, number) in along {
            let found = chi_square((0..200_000).map(number));
            assert!((found - 255.0).abs() < 5.0 * 22.6, "{name}: {found}");
        }
    }

    #[test]
    fn neighbours_are_not_correlated() {
        let (a, b) = (element_key("a"), element_key("b"));
        let numbers = Numbers::new(1, 2);
        type Pair = Box<dyn Fn(u64) -> (f64, f64)>;
        let pairs: [Pair; 3] = [
            Box::new(move |i| (numbers.uniform(i, a, 0), numbers.uniform(i + 1, a, 0))),
            Box::new(move |i| (numbers.uniform(i, a, 0), numbers.uniform(i, b, 0))),
            Box::new(move |i| (numbers.uniform(i, a, 0), numbers.uniform(i, a, 1))),
        ];
        for pair in pairs {
            let n = 100_000_u64;
            let sum: f64 = (0..n).map(pair).map(|(x, y)| (x - 0.5) * (y - 0.5)).sum();
            // The standard deviation of a product of two centred uniforms is 1/12.
            assert!((sum / n as f64 * 12.0).abs() < 4.0 / (n as f64).sqrt());
        }
    }
}
