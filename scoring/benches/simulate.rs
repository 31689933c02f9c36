//! `make bench-simulate`: CPU time per case on one core, beside loops written by hand for the same process with the same
//! random numbers. Ratios count, not times: both run in the same minute on the same machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::convert::Infallible;
use std::hint::black_box;

use bpmn::event_log::Format;
use scoring::simulation::{
    Declaration, LOG_START_MS, Model, Numbers, Plan, Settings, event_log, replicate, simulate,
};

/// Start, two checks side by side, an assessment, then an offer or a refusal of which one in five comes back.
const CREDIT: &str = include_str!("credit.bpmn");
/// Runs of each row; the median counts.
const RUNS: usize = 5;
const CASES: u32 = 200_000;
/// Cases where nothing is waited for: so many that the clock of processor time, which goes in steps of some milliseconds,
/// is fine enough.
const ALONE: u32 = 5_000_000;

/// CPU seconds of this thread, from the kernel's scheduler statistics; wall time where there are none.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    spent.map_or_else(
        || {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0.0, |it| it.as_secs_f64())
        },
        |nanoseconds| nanoseconds * 1e-9,
    )
}

fn median<R>(mut run: impl FnMut() -> R) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let began = cpu_seconds();
            black_box(run());
            cpu_seconds() - began
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// The address of an element among the random numbers, here any that differ.
const HISTORY: u64 = 0x11;
const INCOME: u64 = 0x22;
const ASSESS: u64 = 0x33;
const DECIDE: u64 = 0x44;
const OFFER: u64 = 0x55;
const NOTIFY: u64 = 0x66;
const FEEDBACK: u64 = 0x77;
const BACK: u64 = 0x88;
const ARRIVAL: u64 = 0x99;

fn exponential(numbers: Numbers, mean: f64, case: u32, element: u64, visit: u32) -> f64 {
    -mean * (1.0 - numbers.uniform(u64::from(case), element, visit)).ln()
}

/// The process as straight code: no model, no contention. Gives the durations and the number of offers.
fn alone(numbers: Numbers, cases: u32) -> (Vec<f64>, u64) {
    let (mut durations, mut offers) = (Vec::with_capacity(cases as usize), 0);
    for case in 0..cases {
        let history = exponential(numbers, 600.0, case, HISTORY, 0);
        let mut now = history.max(exponential(numbers, 1200.0, case, INCOME, 0));
        for visit in 0.. {
            now += exponential(numbers, 1200.0, case, ASSESS, visit);
            if numbers.uniform(u64::from(case), DECIDE, visit) < 0.8 {
                now += exponential(numbers, 600.0, case, OFFER, visit);
                offers += 1;
                break;
            }
            now += exponential(numbers, 600.0, case, NOTIFY, visit);
            now += exponential(numbers, 60.0, case, FEEDBACK, visit);
            if numbers.uniform(u64::from(case), BACK, visit) >= 0.2 {
                break;
            }
        }
        durations.push(now);
    }
    (durations, offers)
}

/// What a token of the hand-written queueing loop does next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Arrive,
    History,
    Income,
    Assess,
    Offer,
    Notify,
    Feedback,
}

const STATIONS: usize = 4;

/// Which station serves a stage, with its mean and its address.
fn service(stage: Stage) -> (Option<usize>, f64, u64) {
    match stage {
        Stage::Arrive => (None, 1800.0, ARRIVAL),
        Stage::History => (Some(0), 600.0, HISTORY),
        Stage::Income => (Some(1), 1200.0, INCOME),
        Stage::Assess => (Some(2), 1200.0, ASSESS),
        Stage::Offer => (Some(3), 600.0, OFFER),
        Stage::Notify => (Some(3), 600.0, NOTIFY),
        Stage::Feedback => (None, 60.0, FEEDBACK),
    }
}

struct ByHand {
    numbers: Numbers,
    now: f64,
    order: u32,
    events: BinaryHeap<Reverse<(u64, u32, u32, Stage)>>,
    idle: [bool; STATIONS],
    queues: [VecDeque<(u32, Stage, f64)>; STATIONS],
    /// Beginning, checks done, rounds of each case.
    cases: Vec<(f64, u8, u32)>,
    waited: f64,
}

impl ByHand {
    fn begin(&mut self, case: u32, stage: Stage) {
        let (_, mean, element) = service(stage);
        let visit = self.cases.get(case as usize).map_or(0, |case| case.2);
        let at = self.now + exponential(self.numbers, mean, case, element, visit);
        self.order += 1;
        // Positive floating-point numbers sort as their bits do.
        self.events.push(Reverse((at.to_bits(), self.order, case, stage)));
    }

    fn reach(&mut self, case: u32, stage: Stage) {
        match service(stage).0 {
            Some(station) if !self.idle[station] => self.queues[station].push_back((case, stage, self.now)),
            station => {
                if let Some(station) = station {
                    self.idle[station] = false;
                }
                self.begin(case, stage);
            }
        }
    }

    fn leave(&mut self, station: usize) {
        match self.queues[station].pop_front() {
            Some((case, stage, since)) => {
                self.waited += self.now - since;
                self.begin(case, stage);
            }
            None => self.idle[station] = true,
        }
    }

    fn run(numbers: Numbers, count: u32) -> (Vec<f64>, f64) {
        let mut shop = Self {
            numbers,
            now: 0.0,
            order: 0,
            events: BinaryHeap::new(),
            idle: [true; STATIONS],
            queues: Default::default(),
            cases: Vec::with_capacity(count as usize),
            waited: 0.0,
        };
        let mut durations = Vec::with_capacity(count as usize);
        shop.begin(0, Stage::Arrive);
        while let Some(Reverse((at, _, case, stage))) = shop.events.pop() {
            shop.now = f64::from_bits(at);
            if let Some(station) = service(stage).0 {
                shop.leave(station);
            }
            let number = u64::from(case);
            match stage {
                Stage::Arrive => {
                    shop.cases.push((shop.now, 0, 0));
                    if case + 1 < count {
                        shop.begin(case + 1, Stage::Arrive);
                    }
                    shop.reach(case, Stage::History);
                    shop.reach(case, Stage::Income);
                }
                Stage::History | Stage::Income => {
                    shop.cases[case as usize].1 += 1;
                    if shop.cases[case as usize].1 == 2 {
                        shop.reach(case, Stage::Assess);
                    }
                }
                Stage::Assess => {
                    let offered = shop.numbers.uniform(number, DECIDE, shop.cases[case as usize].2) < 0.8;
                    shop.reach(case, if offered { Stage::Offer } else { Stage::Notify });
                }
                Stage::Offer => durations.push(shop.now - shop.cases[case as usize].0),
                Stage::Notify => shop.reach(case, Stage::Feedback),
                Stage::Feedback => {
                    let again = shop.numbers.uniform(number, BACK, shop.cases[case as usize].2) < 0.2;
                    if again {
                        shop.cases[case as usize].2 += 1;
                        shop.reach(case, Stage::Assess);
                    } else {
                        durations.push(shop.now - shop.cases[case as usize].0);
                    }
                }
            }
        }
        (durations, shop.waited)
    }
}

fn row(name: &str, seconds: f64, cases: f64, reference: Option<f64>) {
    let ratio = reference.map_or_else(String::new, |reference| {
        format!("{:.0} % of the hand-written", 100.0 * reference / seconds)
    });
    println!("{name:<44} {:>8.1} ns/case {:>12.0} cases/s  {ratio}", seconds / cases * 1e9, cases / seconds);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definitions = bpmn::xml::read(CREDIT.as_bytes())?;
    let process = definitions.processes.first().ok_or("no process")?;
    let programs = bpmn::compile::compile(&definitions, None).map_err(|problems| format!("{problems:?}"))?;
    let shop = Model::build(programs.first().ok_or("no program")?, &Declaration::read(process)?)?;
    let mut free = shop.clone();
    free.arrivals = None;
    let numbers = Numbers::new(1, 0);
    let cases = f64::from(CASES);
    println!("CPU time on one core, median of {RUNS} runs of {CASES} cases, without contention of {ALONE}");
    let hand = median(|| alone(numbers, ALONE));
    row("no contention, written by hand", hand, f64::from(ALONE), None);
    row(
        "no contention, from the BPMN",
        median(|| replicate(&free, 1, 0, ALONE, 0)),
        f64::from(ALONE),
        Some(hand),
    );
    let hand = median(|| ByHand::run(numbers, CASES));
    row("resources, written by hand", hand, cases, None);
    let simulated = median(|| replicate(&shop, 1, 0, CASES, 0));
    row("resources, from the BPMN", simulated, cases, Some(hand));
    for (name, format) in [("CSV", Format::Csv), ("XES", Format::Xes)] {
        let logged = median(|| {
            let mut bytes = 0;
            let mut sink = |part: &str| {
                bytes += part.len();
                Ok::<(), Infallible>(())
            };
            let Ok(_) = event_log(&shop, 1, (CASES, 0), (format, LOG_START_MS), &mut sink);
            bytes
        });
        println!(
            "with its event log in {name:<24} {:>8.1} ns/case, {:.2} times the simulation alone",
            logged / cases * 1e9,
            logged / simulated
        );
    }
    let settings = Settings { plan: Plan::Precision(0.01), seed: 1, threads: 1, limit: None };
    let mut needed = 0;
    let seconds = median(|| needed = simulate(&shop, &settings, &|_, _| {}).cases);
    println!(
        "resources, until ± 1 % at 95 %: {seconds:.3} s for {needed} cases, {:.2} times as many by hand",
        seconds / (hand / cases * needed as f64)
    );
    Ok(())
}
