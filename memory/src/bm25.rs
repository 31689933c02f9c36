//! BM25 as sparse vectors: the document side is weighted here, the store multiplies by how rare a word is.
//!
//! score(q, d) = Σ idf(t) · tf·(k₁ + 1) / (tf + k₁·(1 − b + b·|d|/avg)), idf = ln(1 + (N − n + ½)/(n + ½))
//! (Robertson and Zaragoza 2009). |d| counts words; the average is a constant, so that a document's vector does
//! not depend on when it was stored.

use std::collections::BTreeMap;

use crate::words::words;

/// Saturation of term frequency.
const K1: f32 = 1.2;

/// How much length counts.
const B: f32 = 0.75;

/// Words of a typical entry.
const AVERAGE_WORDS: f32 = 64.0;

/// A sparse vector: dimensions rising, weights above 0.
pub(crate) type Sparse = (Vec<u32>, Vec<f32>);

/// The vector of an entry; words of the title count twice.
pub(crate) fn document(title: &str, text: &str) -> Sparse {
    let title = words(title);
    let body = words(text);
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    for word in title.iter().chain(&title).chain(&body) {
        *counts.entry(dimension(word)).or_default() += 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "texts are limited to far fewer words than 2^24")]
    let length = (2 * title.len() + body.len()) as f32;
    let norm = K1 * (1.0 - B + B * length / AVERAGE_WORDS);
    counts.into_iter().map(|(at, tf)| (at, tf * (K1 + 1.0) / (tf + norm))).unzip()
}

/// The vector of a query: how often each word is asked for.
pub(crate) fn query(text: &str) -> Sparse {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    for word in words(text) {
        *counts.entry(dimension(&word)).or_default() += 1.0;
    }
    counts.into_iter().unzip()
}

/// The dimension of a word: FNV-1a, then a mix that spreads its low bits. Among 100,000 words about one pair
/// shares a dimension.
pub(crate) fn dimension(word: &str) -> u32 {
    let mut hash = word.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    // The upper half is the better mixed one.
    (hash >> 32) as u32
}
