//! `make bench-das`: what DAS promises, measured: soundness of random trees, latency of reading, building a system of
//! 1,000 requirements, recall and speed of memory.
//!
//! The first argument is how many entries memory holds (20,000 where it is left out). Everything is seeded.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use das::tree::{Activity, Branch, Event, EventKind, Node, Tree, compile};
use memory::{EdgeMemory, Entry, Kind, Memory, Query};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random trees that are compiled and checked.
const TREES: usize = 10_000;
/// Deepest nesting of a random tree.
const DEPTH: usize = 4;
/// Questions put to memory.
const QUESTIONS: usize = 200;
/// Entries stored at once.
const BATCH: usize = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let entries = std::env::args().nth(1).map_or(Ok(20_000), |count| count.parse())?;
    soundness()?;
    reading()?;
    building()?;
    remembering(entries).await
}

/// A random node; every kind of block, ends and deferred choices included.
fn node(draws: &mut ChaCha8Rng, depth: usize, count: &mut usize) -> Node {
    *count += 1;
    let label = format!("Step {count}");
    if depth == 0 {
        return Activity::new(label).into();
    }
    let children = |draws: &mut ChaCha8Rng, count: &mut usize| -> Vec<Node> {
        let size = draws.random_range(2..4);
        (0..size).map(|_| node(draws, depth - 1, count)).collect()
    };
    match draws.random_range(0..7) {
        0 | 1 => Node::sequence(children(draws, count)),
        2 => {
            let mut branches: Vec<Branch> = children(draws, count)
                .into_iter()
                .enumerate()
                .map(|(way, body)| Branch::when(format!("way {way}"), format!("way = {way}"), body))
                .collect();
            branches.push(Branch::otherwise("otherwise", Node::empty()));
            Node::choice("Which way?", branches)
        }
        3 => Node::repeat("Again?", "again = true", node(draws, depth - 1, count), Node::empty()),
        4 => Node::parallel(children(draws, count)),
        5 => {
            let all = children(draws, count);
            let order = if all.len() > 2 { vec![(0, 1), (0, 2)] } else { vec![(0, 1)] };
            Node::partial(all, order)
        }
        _ => {
            let way = |event: EventKind, body: Node| Branch {
                label: None,
                condition: None,
                body: Node::sequence(vec![Event::new(format!("{label} happened"), event).into(), body]),
            };
            let answer = way(EventKind::Message(label.clone()), node(draws, depth - 1, count));
            let late = way(EventKind::Timer("PT1H".to_owned()), node(draws, depth - 1, count));
            let branches = vec![answer, late];
            Node::Choice(das::tree::Choice { branches, deferred: true, ..Default::default() })
        }
    }
}

fn soundness() -> Result<()> {
    let mut draws = ChaCha8Rng::seed_from_u64(1);
    let (mut sound, mut steps) = (0_usize, 0_usize);
    let began = Instant::now();
    for _ in 0..TREES {
        let mut count = 0;
        let mut tree = Tree::new(node(&mut draws, DEPTH, &mut count));
        tree.normalise();
        let definitions = compile(&tree, "random_process", "Random")?;
        let programs = bpmn::compile::compile(&definitions, None)
            .map_err(|problems| anyhow::anyhow!("a random tree does not compile: {problems}"))?;
        let findings = programs.iter().flat_map(bpmn::check::soundness);
        let faults = findings.filter(|finding| finding.severity == bpmn::check::Severity::Error).count();
        sound += usize::from(faults == 0);
        steps += tree.activities().len();
    }
    let each = began.elapsed() / u32::try_from(TREES)?;
    println!("sound                {sound} of {TREES} random trees ({steps} steps), {each:.2?} each");
    Ok(())
}

fn reading() -> Result<()> {
    let page = "The clerk checks the order. If the order is complete, the clerk sends it to the warehouse, which packs \
                the goods. Otherwise, the customer is asked for the missing data. If the customer does not reply within \
                5 days, the clerk closes the order. Meanwhile, accounting writes the invoice. "
        .repeat(10);
    das::generate::generate_offline("Check the order", &das::generate::Context::default())?;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        das::generate::generate_offline(&page, &das::generate::Context::default())?;
        times.push(began.elapsed());
    }
    let (p50, p95) = quantiles(&mut times);
    println!(
        "a page of text       {} characters to BPMN with diagram: p50 {p50:.2?}, p95 {p95:.2?}",
        page.len()
    );
    Ok(())
}

fn building() -> Result<()> {
    let line = |i: usize| {
        format!("R-{i}: The module {} shall handle signal {i} within {} ms.\n", i % 40, i % 90 + 1)
    };
    let text: String = (0..1_000).map(line).collect();
    let began = Instant::now();
    let draft = das::bootstrap::derive(None, "big.txt", text.as_bytes(), &[], &|_| {})?;
    println!(
        "1,000 requirements   {} components, {} processes in {:.2?}",
        draft.model.components.len(),
        draft.written.processes.len(),
        began.elapsed()
    );
    Ok(())
}

fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(95))
}

/// A word of a vocabulary of 3,000 in which low numbers are common.
fn word(draws: &mut ChaCha8Rng) -> String {
    let mut rank = || draws.random_range(0..3_000_u32);
    format!("w{}x", rank().min(rank()).min(rank()))
}

async fn remembering(count: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let memory = EdgeMemory::open(folder.path(), None).await?;
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
            Entry::new(&(batch * BATCH + place).to_string(), Kind::TaskLog, "", &words.join(" "), 1)
        });
        memory.store(entries.collect()).await?;
    }
    let stored = began.elapsed();
    let postings = postings(&documents);
    let (mut found, mut wanted, mut times) = (0_usize, 0_usize, Vec::new());
    for _ in 0..QUESTIONS {
        let question: Vec<String> = (0..4).map(|_| word(&mut draws)).collect();
        let began = Instant::now();
        let recalled = memory.recall(Query::new(&question.join(" "))).await?;
        times.push(began.elapsed());
        let scores = exact(&documents, &postings, &question);
        let mut best: Vec<f64> = scores.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        // Entries as good as the tenth are as right as it.
        let edge = best.get(9).copied().unwrap_or_default() - 1e-3;
        wanted += best.len().min(10);
        for hit in recalled.hits.iter().take(10) {
            let place: usize = hit.entry.id.parse().context("the id of an entry")?;
            found += usize::from(scores.get(&place).is_some_and(|score| *score >= edge));
        }
    }
    let (p50, p95) = quantiles(&mut times);
    println!(
        "memory               {count} entries stored in {stored:.2?}; recall p50 {p50:.2?}, p95 {p95:.2?}"
    );
    println!("recall at 10         {found} of {wanted} against BM25 computed over all entries");
    Ok(())
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
#[expect(clippy::cast_precision_loss, reason = "counts of entries are far below 2^52")]
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
