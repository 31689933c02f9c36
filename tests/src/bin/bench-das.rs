//! `make bench-das`: what DAS promises, measured: soundness of random trees, latency of reading, building a system of
//! 1,000 requirements, recall and speed of memory.
//!
//! The first argument is how many entries memory holds (20,000 where it is left out). Everything is seeded.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::time::{Duration, Instant};

use anyhow::Result;
use das::tree::{Activity, Branch, Event, EventKind, Node, Partner, Tree, compile};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random trees that are compiled and checked.
const TREES: usize = 10_000;
/// Deepest nesting of a random tree.
const DEPTH: usize = 4;
/// Questions put to memory.
const QUESTIONS: usize = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let entries = std::env::args().nth(1).map_or(Ok(20_000), |count| count.parse())?;
    println!("make bench-das ENTRIES={entries}");
    soundness()?;
    reading()?;
    building()?;
    remembering(entries).await
}

/// A step: a third waits or computes, of the others some make or handle a thing or exchange a message with somebody
/// outside, and most have one of two actors.
fn leaf(draws: &mut ChaCha8Rng, label: String) -> Node {
    let actor = draws.random_range(0..3_u8);
    let mut step = Activity::new(label);
    match draws.random_range(0..6) {
        0 => return Event::new("Wait", EventKind::Timer("PT1S".to_owned())).into(),
        1 => return step.script("1 + 1", "two").into(),
        2 => step.makes = vec!["report".to_owned()],
        3 => step.data = vec!["Reports".to_owned()],
        4 => {
            let name = format!("Partner {actor}");
            step.partner = Some(Partner { name, sends: actor > 1, message: String::new() });
        }
        _ => {}
    }
    if actor == 0 { step.into() } else { step.actor(format!("Actor {actor}")).into() }
}

/// A random node; every kind of block, ends and deferred choices included.
fn node(draws: &mut ChaCha8Rng, depth: usize, count: &mut usize) -> Node {
    *count += 1;
    let label = format!("Step {count}");
    if depth == 0 {
        return leaf(draws, label);
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
    let (mut sound, mut steps, mut things, mut messages) = (0_usize, 0_usize, 0_usize, 0_usize);
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
        things += definitions.processes.iter().map(|process| process.data.len()).sum::<usize>();
        messages += definitions.collaborations.iter().map(|all| all.message_flows.len()).sum::<usize>();
    }
    let each = began.elapsed() / u32::try_from(TREES)?;
    println!(
        "sound                {sound} of {TREES} random trees ({steps} steps, {things} data elements, {messages} messages), \
         {each:.2?} each"
    );
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
    let (p50, p95) = tests::remembering::quantiles(&mut times);
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
    let draft = das::bootstrap::derive(None, "big.txt", text.as_bytes(), &[])?;
    println!(
        "1,000 requirements   {} components, {} processes in {:.2?}",
        draft.model.components.len(),
        draft.written.processes.len(),
        began.elapsed()
    );
    Ok(())
}

async fn remembering(count: usize) -> Result<()> {
    for dense in [false, true] {
        let by = if dense { "words and vectors" } else { "words" };
        let began = Instant::now();
        let progress = |stored: usize| {
            if stored.is_multiple_of(100_000) && stored < count {
                let (seconds, megabytes) = (began.elapsed().as_secs(), resident().unwrap_or_default());
                println!("                     {stored} stored after {seconds} s, {megabytes} MB resident");
            }
        };
        let found = tests::remembering::measure(count, QUESTIONS, dense, progress).await?;
        println!(
            "memory, by {by:<17} {count} entries stored in {:.2?}, index finished {:.2?} later; {} MB on disk, opened in {:.2?}",
            found.stored,
            found.settled,
            found.disk / 1_000_000,
            found.opened
        );
        println!(
            "                     recall p50 {:.2?}, p95 {:.2?}; of one kind of two p95 {:.2?}; the newest p95 {:.2?}",
            found.p50, found.p95, found.filtered_p95, found.newest_p95
        );
        println!(
            "recall at 10         {} of {} ({:.4}) against an exact search over all entries",
            found.found,
            found.wanted,
            found.share()
        );
    }
    Ok(())
}

/// Megabytes that this process holds, files mapped from disk included.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}
