//! Recall and speed of memory, against an exact search over all entries: BM25 by its formula, the cosine of every
//! vector, both fused by reciprocal rank. `make bench-das` measures it large, a test small.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use memory::{EdgeMemory, Embed, Entry, Kind, Memory, Query};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Entries stored at once.
const BATCH: usize = 500;
/// Length of the vectors.
const DIMENSION: usize = 64;
/// Hits that are looked at.
const HITS: usize = 10;
/// What memory takes from each list before it fuses them, and how it damps the first ranks.
const DEPTH: usize = 50;
const DAMPING: f64 = 60.0;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Hits that an exact search has among its first ten too.
    pub found: usize,
    /// Hits that an exact search has.
    pub wanted: usize,
    /// Time to store everything.
    pub stored: Duration,
    /// Median time of a recall.
    pub p50: Duration,
    /// The time that 95 of 100 recalls do not pass.
    pub p95: Duration,
}

impl Measured {
    /// Recall at ten.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.found as f64 / self.wanted.max(1) as f64
    }
}

/// The times that half and 95 of 100 do not pass.
pub fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(95))
}

/// Vectors of words: each word has a direction of its own, drawn from its letters; a text is the sum of them.
struct Directions;

fn vector(text: &str) -> Vec<f32> {
    let mut sum = vec![0.0_f32; DIMENSION];
    for word in text.split_whitespace() {
        let seed =
            word.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(1_000_003).wrapping_add(byte.into()));
        let mut draws = ChaCha8Rng::seed_from_u64(seed);
        sum.iter_mut().for_each(|value| *value += draws.random_range(-1.0_f32..1.0));
    }
    sum
}

#[async_trait::async_trait]
impl Embed for Directions {
    fn name(&self) -> &'static str {
        "directions"
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

/// A word of a vocabulary of 3,000 in which low numbers are common.
fn word(draws: &mut ChaCha8Rng) -> String {
    let mut rank = || draws.random_range(0..3_000_u32);
    format!("w{}x", rank().min(rank()).min(rank()))
}

/// Stores `count` entries in a memory of its own and puts `questions` to it; `dense` adds vectors. Seeded.
///
/// # Errors
/// Where memory fails.
pub async fn measure(count: usize, questions: usize, dense: bool) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let embed = dense.then(|| Arc::new(Directions) as Arc<dyn Embed>);
    let memory = EdgeMemory::open(folder.path(), embed).await?;
    let mut draws = ChaCha8Rng::seed_from_u64(2);
    let documents: Vec<Vec<String>> = (0..count)
        .map(|_| {
            let length = draws.random_range(5..125);
            (0..length).map(|_| word(&mut draws)).collect()
        })
        .collect();
    let began = Instant::now();
    for (batch, part) in documents.chunks(BATCH).enumerate() {
        let entries = part.iter().enumerate().map(|(place, words)| {
            Entry::new(&format!("{:09}", batch * BATCH + place), Kind::TaskLog, "", &words.join(" "), 1)
        });
        memory.store(entries.collect()).await?;
    }
    let stored = began.elapsed();
    let postings = postings(&documents);
    let vectors: Vec<Vec<f32>> = if dense {
        documents.iter().map(|words| unit(vector(&words.join(" ")))).collect()
    } else {
        Vec::new()
    };
    let (mut found, mut wanted, mut times) = (0, 0, Vec::new());
    for _ in 0..questions {
        let question: Vec<String> = (0..4).map(|_| word(&mut draws)).collect();
        let began = Instant::now();
        let recalled = memory.recall(Query::new(&question.join(" ")).at_most(HITS)).await?;
        times.push(began.elapsed());
        let mut scores = exact(&documents, &postings, &question);
        if dense {
            scores = fused(&scores, &vectors, &question.join(" "));
        }
        let mut best: Vec<f64> = scores.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        // Entries as good as the tenth are as right as it.
        let edge = best.get(HITS - 1).copied().unwrap_or_default() - if dense { 1e-9 } else { 1e-3 };
        wanted += best.len().min(HITS);
        let mut seen = HashSet::new();
        for hit in &recalled.hits {
            let place: usize = hit.entry.id.parse().context("the id of an entry")?;
            let right = scores.get(&place).is_some_and(|score| *score >= edge);
            found += usize::from(right && seen.insert(place));
        }
    }
    let (p50, p95) = quantiles(&mut times);
    Ok(Measured { found, wanted, stored, p50, p95 })
}

/// The sum of reciprocal ranks in the order of words and in the order of vectors.
fn fused(words: &HashMap<usize, f64>, vectors: &[Vec<f32>], question: &str) -> HashMap<usize, f64> {
    let asked = unit(vector(question));
    let cosine = |other: &Vec<f32>| asked.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let by_words: Vec<(usize, f64)> = words.iter().map(|(place, score)| (*place, *score)).collect();
    let by_meaning: Vec<(usize, f64)> = vectors.iter().map(cosine).enumerate().collect();
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for mut list in [by_words, by_meaning] {
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for (rank, (place, _)) in list.into_iter().take(DEPTH).enumerate() {
            *scores.entry(place).or_default() += 1.0 / (DAMPING + rank as f64 + 1.0);
        }
    }
    scores
}

fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.into_iter().map(|value| value / length).collect()
}

/// Where each word stands, and how often.
fn postings(documents: &[Vec<String>]) -> HashMap<&str, BTreeMap<usize, f64>> {
    let mut found: HashMap<&str, BTreeMap<usize, f64>> = HashMap::new();
    for (place, words) in documents.iter().enumerate() {
        for word in words {
            *found.entry(word).or_default().entry(place).or_default() += 1.0;
        }
    }
    found
}

/// BM25 by its formula, with the constants that memory uses.
fn exact(
    documents: &[Vec<String>],
    postings: &HashMap<&str, BTreeMap<usize, f64>>,
    question: &[String],
) -> HashMap<usize, f64> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    let all = documents.len() as f64;
    for term in question {
        let Some(places) = postings.get(term.as_str()) else { continue };
        let frequency = places.len() as f64;
        let weight = (1.0 + (all - frequency + 0.5) / (frequency + 0.5)).ln();
        for (place, count) in places {
            let length = documents.get(*place).map_or(0, Vec::len) as f64;
            let norm = 1.2 * (0.25 + 0.75 * length / 64.0);
            *scores.entry(*place).or_default() += weight * count * 2.2 / (count + norm);
        }
    }
    scores
}
