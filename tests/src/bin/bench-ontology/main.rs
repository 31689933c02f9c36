//! `make bench-ontology`: how quickly questions about a big system are answered, through the API as it is served, beside
//! the same question asked of the plain RDF store by SPARQL in the same run; how that grows with the system; start,
//! import and memory.
//!
//! The first argument is how many requirements the system has (100,000 where it is left out); everything is also
//! measured on a tenth of it. A question is asked once unmeasured, then again and again on other nodes. Everything is
//! seeded, and everything is kept on a disk as in real use (SQLite, `synchronous=FULL`).

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod house;
mod measure;
mod questions;
mod system;

use anyhow::{Result, ensure};
use house::House;
use measure::{Memory, Times, milliseconds};
use questions::QUESTIONS;

/// Smallest system that is measured.
const SMALLEST: usize = 2_000;

#[tokio::main]
async fn main() -> Result<()> {
    let requirements = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    ensure!(requirements >= SMALLEST, "the system needs at least {SMALLEST} requirements");
    let small = measured(requirements / 10).await?;
    let big = measured(requirements).await?;
    println!(
        "\n| question, warm | p50 ms | p95 ms | aim | p50 of a tenth | growth | SPARQL ms | SPARQL / ours |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (question, (big, small)) in QUESTIONS.iter().zip(big.iter().zip(&small)) {
        let (p50, p95, before) = (big.ours.p50(), big.ours.p95(), small.ours.p50());
        let (sparql, ratio) = big.sparql.as_ref().map_or(("–".to_owned(), "–".to_owned()), |times| {
            (milliseconds(times.p50()), format!("{:.1}", times.p50().as_secs_f64() / p50.as_secs_f64()))
        });
        let growth = p50.as_secs_f64() / before.as_secs_f64();
        println!(
            "| {} | {} | {} | {} | {} | {growth:.1} | {sparql} | {ratio} |",
            question.name,
            milliseconds(p50),
            milliseconds(p95),
            question.aim,
            milliseconds(before)
        );
    }
    Ok(())
}

/// What a question took, and the same by SPARQL.
struct Answer {
    ours: Times,
    sparql: Option<Times>,
}

/// Everything on a system of this size.
async fn measured(requirements: usize) -> Result<Vec<Answer>> {
    println!("\n## {requirements} requirements\n");
    let folder = tempfile::tempdir()?;
    let empty = Memory::now()?;
    let (house, took) = measure::once(House::build(folder.path(), requirements)).await?;
    println!("written               {} nodes and links in {took:.2?}", house.size()?);
    house.close().await;
    let before = Memory::now()?;
    let (house, start) = measure::once(House::open(folder.path())).await?;
    let typed = Memory::now()?;
    let (_, first) = measure::once(house.ask(questions::FIRST_PAGE, serde_json::json!({}))).await?;
    let reading = Memory::now()?;
    let (triples, indexed) = measure::once(house.triples()).await?;
    let all = Memory::now()?;
    let millions = triples as f64 / 1e6;
    println!(
        "start                 {start:.2?}, {:.2} s for a million triples",
        start.as_secs_f64() / millions
    );
    println!("first ordered page    {first:.2?} (makes the read model)");
    println!("first SPARQL query    {indexed:.2?} (makes the RDF index of {triples} triples)");
    println!(
        "memory                {:.0} MB for a million triples with everything ({:.0} MB here: nodes {:.0}, read model {:.0}, \
         RDF index {:.0}; {:.0} MB of the process before)",
        all.since(before) / millions,
        all.since(before),
        typed.since(before),
        reading.since(typed),
        all.since(reading),
        before.since(empty).max(0.0)
    );
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let ours = question.measure(&house).await?;
        let sparql = match question.sparql {
            Some(text) => Some(house.sparql_times(text, question.name).await?),
            None => None,
        };
        println!("measured              {}", question.name);
        answers.push(Answer { ours, sparql });
    }
    imported(&house, requirements).await?;
    house.close().await;
    Ok(answers)
}

/// Takes in the system's own requirements as ReqIF into an empty directory.
async fn imported(house: &House, requirements: usize) -> Result<()> {
    let file = house.reqif()?;
    let folder = tempfile::tempdir()?;
    let other = House::open(folder.path()).await?;
    Memory::forget_peak();
    let before = Memory::now()?;
    let size = file.len() as f64 / 1e6;
    let (report, took) = measure::once(other.import(file)).await?;
    let after = Memory::now()?;
    println!(
        "ReqIF import          {} objects ({:.0} MB) in {took:.2?}; peak {:.0} MB above the graph itself ({:.0} MB)",
        report.requirements,
        size,
        after.peak_above(after),
        after.since(before)
    );
    ensure!(report.requirements == requirements, "{} of {requirements} came in", report.requirements);
    other.close().await;
    Ok(())
}
