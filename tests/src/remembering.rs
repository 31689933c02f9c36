//! Recall and speed of memory, against an exact search over all entries: BM25 by its formula, the cosine of every
//! vector, both fused by reciprocal rank. `make bench-das` measures it large, a test small.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use memory::{EdgeMemory, Embed, Entry, Kind, Memory, Query};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Entries stored at once.
const BATCH: usize = 500;
/// Words of the vocabulary; low numbers are common.
const VOCABULARY: u16 = 3_000;
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
    /// Time from then on until the last index was built.
    pub settled: Duration,
    /// Median time of a recall.
    pub p50: Duration,
    /// The time that 95 of 100 recalls do not pass.
    pub p95: Duration,
    /// The same where only one of two kinds is asked for.
    pub filtered_p95: Duration,
    /// The same for the ten newest entries.
    pub newest_p95: Duration,
    /// Time to open the memory again.
    pub opened: Duration,
    /// Bytes on disk.
    pub disk: u64,
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

/// Vectors of words: each word has a direction of its own, drawn once; a text is the sum of them.
struct Directions(Vec<[f32; DIMENSION]>);

impl Directions {
    fn new() -> Self {
        let mut draws = ChaCha8Rng::seed_from_u64(7);
        Self((0..VOCABULARY).map(|_| std::array::from_fn(|_| draws.random_range(-1.0_f32..1.0))).collect())
    }

    fn of(&self, words: impl Iterator<Item = u16>) -> Vec<f32> {
        let mut sum = vec![0.0_f32; DIMENSION];
        for direction in words.filter_map(|word| self.0.get(usize::from(word))) {
            sum.iter_mut().zip(direction).for_each(|(value, part)| *value += part);
        }
        sum
    }
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
        let number = |word: &str| word.strip_prefix('w')?.strip_suffix('x')?.parse().ok();
        Ok(texts.iter().map(|text| self.of(text.split_whitespace().filter_map(number))).collect())
    }
}

fn word(draws: &mut ChaCha8Rng) -> u16 {
    let mut rank = || draws.random_range(0..VOCABULARY);
    rank().min(rank()).min(rank())
}

fn text(words: &[u16]) -> String {
    words.iter().map(|word| format!("w{word}x")).collect::<Vec<_>>().join(" ")
}

/// Half of the entries are of each kind.
fn kind(place: usize) -> Kind {
    if place.is_multiple_of(2) { Kind::TaskLog } else { Kind::Outcome }
}

/// Stores `count` entries in a memory of its own and puts `questions` to it; `dense` adds vectors. Seeded. `progress`
/// is told how many are stored.
///
/// # Errors
/// Where memory fails.
pub async fn measure(
    count: usize,
    questions: usize,
    dense: bool,
    progress: impl Fn(usize),
) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let directions = Arc::new(Directions::new());
    let embed = || dense.then(|| Arc::clone(&directions) as Arc<dyn Embed>);
    let memory = EdgeMemory::open(folder.path(), embed()).await?;
    let mut draws = ChaCha8Rng::seed_from_u64(2);
    let documents: Vec<Vec<u16>> = (0..count)
        .map(|_| {
            let length = draws.random_range(5..125);
            (0..length).map(|_| word(&mut draws)).collect()
        })
        .collect();
    let began = Instant::now();
    for (batch, part) in documents.chunks(BATCH).enumerate() {
        let entries = part.iter().enumerate().map(|(place, words)| {
            let place = batch * BATCH + place;
            Entry::new(&format!("{place:09}"), kind(place), "", &text(words), place as i64)
        });
        memory.store(entries.collect()).await?;
        progress(batch * BATCH + part.len());
    }
    let stored = began.elapsed();
    memory.settle().await?;
    let settled = began.elapsed() - stored;
    drop(memory);
    let disk = bytes(folder.path())?;
    let began = Instant::now();
    let memory = EdgeMemory::open(folder.path(), embed()).await?;
    let opened = began.elapsed();
    let truth = Truth::new(&documents, dense.then_some(&*directions));
    drop(documents);
    let (mut found, mut wanted) = (0, 0);
    let (mut times, mut filtered, mut newest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..questions {
        let question: Vec<u16> = (0..4).map(|_| word(&mut draws)).collect();
        let query = Query::new(&text(&question)).at_most(HITS);
        let began = Instant::now();
        let recalled = memory.recall(query.clone()).await?;
        times.push(began.elapsed());
        let began = Instant::now();
        memory.recall(query.of_kinds(&[Kind::Outcome])).await?;
        filtered.push(began.elapsed());
        let began = Instant::now();
        memory.recall(Query::default()).await?;
        newest.push(began.elapsed());
        let scores = truth.scores(&question);
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
    let (filtered_p95, newest_p95) = (quantiles(&mut filtered).1, quantiles(&mut newest).1);
    Ok(Measured { found, wanted, stored, settled, p50, p95, filtered_p95, newest_p95, opened, disk })
}

/// What is on disk in a folder; holes in files are not counted.
fn bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for item in std::fs::read_dir(folder)? {
        let item = item?;
        let data = item.metadata()?;
        sum += if data.is_dir() {
            bytes(&item.path())?
        } else {
            std::os::unix::fs::MetadataExt::blocks(&data) * 512
        };
    }
    Ok(sum)
}

/// An exact search over all entries.
struct Truth<'a> {
    /// Words of each entry.
    lengths: Vec<u16>,
    /// Where each word stands, and how often.
    postings: Vec<Vec<(u32, u16)>>,
    vectors: Vec<Vec<f32>>,
    directions: Option<&'a Directions>,
}

impl<'a> Truth<'a> {
    fn new(documents: &[Vec<u16>], directions: Option<&'a Directions>) -> Self {
        let mut postings: Vec<Vec<(u32, u16)>> = vec![Vec::new(); usize::from(VOCABULARY)];
        for (place, words) in (0_u32..).zip(documents) {
            for word in words {
                let Some(list) = postings.get_mut(usize::from(*word)) else { continue };
                match list.last_mut().filter(|(last, _)| *last == place) {
                    Some((_, count)) => *count += 1,
                    None => list.push((place, 1)),
                }
            }
        }
        let of = |directions: &Directions| {
            documents.iter().map(|words| unit(directions.of(words.iter().copied()))).collect()
        };
        let lengths = documents.iter().map(|words| u16::try_from(words.len()).unwrap_or(u16::MAX)).collect();
        Self { lengths, postings, vectors: directions.map(of).unwrap_or_default(), directions }
    }

    fn scores(&self, question: &[u16]) -> HashMap<usize, f64> {
        let words = self.by_words(question);
        let Some(directions) = self.directions else { return words };
        let asked = unit(directions.of(question.iter().copied()));
        let cosine = |other: &Vec<f32>| asked.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let by_meaning: Vec<(usize, f64)> = self.vectors.iter().map(cosine).enumerate().collect();
        let mut scores: HashMap<usize, f64> = HashMap::new();
        for mut list in [words.into_iter().collect(), by_meaning] {
            list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            for (rank, (place, _)) in list.into_iter().take(DEPTH).enumerate() {
                *scores.entry(place).or_default() += 1.0 / (DAMPING + rank as f64 + 1.0);
            }
        }
        scores
    }

    /// BM25 by its formula, with the constants that memory uses.
    fn by_words(&self, question: &[u16]) -> HashMap<usize, f64> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        let all = self.lengths.len() as f64;
        for places in question.iter().filter_map(|term| self.postings.get(usize::from(*term))) {
            let frequency = places.len() as f64;
            let weight = (1.0 + (all - frequency + 0.5) / (frequency + 0.5)).ln();
            for (place, count) in places {
                let place = *place as usize;
                let length = self.lengths.get(place).copied().map_or(0.0, f64::from);
                let count = f64::from(*count);
                let norm = 1.2 * (0.25 + 0.75 * length / 64.0);
                *scores.entry(place).or_default() += weight * count * 2.2 / (count + norm);
            }
        }
        scores
    }
}

fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.into_iter().map(|value| value / length).collect()
}
