//! The pictures of docs/statistics.md, drawn from the code: where a rule changes, its picture does, and this test says so.
//! `UPDATE_EXPECT=1` writes them into the page.

use std::fmt::Write as _;
use std::path::Path;

use super::{LABELS, closed, pick};
use crate::*;

/// Characters of a whole bar.
const WIDTH: usize = 40;
/// Simulated tasks behind a picture of stop rules.
const TASKS: u64 = 400;

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * WIDTH as f64).round() as usize;
    format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full))
}

/// How many of the tasks have stopped by so many samples, at 80/15/5 %.
fn stopped(rule: Rule) -> String {
    let looks = [4, 8, 15, 30, 60, 120, 250, 500];
    let mut counts = [0_u64; 8];
    let mut wrong = 0;
    for task in 0..TASKS {
        let mut stream = Stream::at(Address { seed: 17, element: "picture", visit: task, sample: 0 });
        let mut tally = closed(3);
        while tally.samples() < 500 && rule.decide(&tally) == Decision::Continue {
            tally.add(LABELS[pick(&[0.8, 0.15, 0.05], &mut stream)]).unwrap();
        }
        let needed = if rule.decide(&tally) == Decision::Continue { 501 } else { tally.samples() };
        for (count, look) in counts.iter_mut().zip(looks) {
            *count += u64::from(needed <= look);
        }
        wrong += u64::from(tally.leader().unwrap().0 != 0);
    }
    let mut text = String::new();
    for (count, look) in counts.iter().zip(looks) {
        let share = *count as f64 / TASKS as f64;
        let _ = writeln!(text, "n = {look:<4} {} {:>3.0} %", bar(share), 100.0 * share);
    }
    let _ = writeln!(text, "wrong leader: {:.1} %", 100.0 * wrong as f64 / TASKS as f64);
    text
}

/// Answers at their angles, grouped by a cosine of 0.95.
fn grouping() -> String {
    let answers = [
        ("send it back", 0.0),
        ("return the parcel", 10.0),
        ("ship it home", 24.0),
        ("hand it in", 34.0),
        ("keep it", 72.0),
    ];
    let mut grouping = Grouping::by_embeddings(0.95).unwrap();
    for (answer, angle) in answers {
        let (sine, cosine) = f64::to_radians(angle).sin_cos();
        grouping.add(answer);
        grouping.place(answer, &[cosine as f32, sine as f32]);
    }
    let labels = grouping.labels();
    let mut text = String::new();
    for (answer, angle) in answers {
        let mut line = vec![b'.'; WIDTH];
        line[(angle / 2.0) as usize] = b'o';
        let line = String::from_utf8(line).unwrap();
        let _ = writeln!(text, "{answer:<18} {line} {angle:>2.0}°  counted as: {}", labels[answer]);
    }
    text
}

/// The confidence sequence at 80 % of n.
fn sequence() -> String {
    let mut text = String::new();
    for n in [10.0, 40.0, 100.0, 250.0, 1_000.0] {
        let found = confidence_sequence(0.8 * n, n, 0.05);
        let place = |share: f64| (share * 60.0).round() as usize;
        let mut line = vec![b' '; 61];
        line[place(found.low)..=place(found.high)].fill(b'-');
        line[place(found.low)] = b'|';
        line[place(found.high)] = b'|';
        line[place(0.8)] = b'o';
        let _ = writeln!(text, "n = {n:<5} {} ± {:.2}", String::from_utf8(line).unwrap(), found.half_width());
    }
    text.push_str("          0 %                         50 %                       100 %\n");
    text
}

/// What part of the starts the better of two versions takes: it succeeds 9 times in 10, the other 6 times.
fn versions() -> String {
    const TRIALS: u64 = 100;
    let blocks = [25_u64, 50, 100, 200, 400];
    let mut text = String::new();
    let mut taken = [0_u64; 5];
    for trial in 0..TRIALS {
        let mut tried = [Tried::default(); 2];
        let mut luck = Stream::seeded(trial ^ 0x77);
        for start in 0..400 {
            let mut stream = Stream::at(Address { seed: trial, element: "start", visit: start, sample: 0 });
            let variant = crate::pick(&tried, DEFAULT_FLOOR, &mut stream).unwrap().variant;
            tried[variant].attempts += 1;
            tried[variant].successes += u64::from(luck.uniform() < [0.9, 0.6][variant]);
            let block = blocks.iter().position(|end| start < *end).unwrap();
            taken[block] += u64::from(variant == 0);
        }
    }
    let mut from = 0;
    for (count, to) in taken.iter().zip(blocks) {
        let share = *count as f64 / ((to - from) * TRIALS) as f64;
        let _ = writeln!(text, "starts {:>3} to {to:<3} {} {:>3.0} %", from + 1, bar(share), 100.0 * share);
        from = to;
    }
    text
}

/// The evidence of the alarm, as the power of ten: 60 attempts at 95 %, then at 60 %; the line is 90 %.
fn alarm() -> String {
    let mut alarm = DriftAlarm::below(0.9, FALSE_ALARM_EVERY);
    let mut stream = Stream::seeded(3);
    let mut text = String::new();
    for attempt in 1..=90_u32 {
        let rate = if attempt <= 60 { 0.95 } else { 0.6 };
        alarm.observe(stream.uniform() < rate);
        if attempt % 6 == 0 {
            let power = alarm.evidence().max(1e-9).log10();
            let note = match (attempt, alarm.raised_at()) {
                (60, _) => "  the rate falls here",
                (_, Some(at)) if u64::from(attempt) < at + 6 && u64::from(attempt) >= at => "  alarm",
                _ => "",
            };
            let _ = writeln!(text, "attempt {attempt:<3} {}{note}", bar((power / 6.0).max(0.0)));
        }
    }
    text
}

#[test]
fn the_page_on_statistics_shows_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/statistics.md");
    let before = std::fs::read_to_string(&path).unwrap();
    let shares = |joint| Rule::Shares(SharePrecision { half_width: 0.1, delta: 0.05, joint });
    let pictures = [
        ("winner", stopped(Rule::Winner(PprWinner { delta: 0.05 }))),
        ("beta", stopped(Rule::Beta(Beta { confidence: 0.95 }))),
        ("shares", stopped(shares(false))),
        ("joint", stopped(shares(true))),
        ("window", stopped(Rule::Window(EarlyWindow { window: 5 }))),
        ("fixed", stopped(Rule::Fixed(Fixed { samples: 40 }))),
        ("sequence", sequence()),
        ("grouping", grouping()),
        ("versions", versions()),
        ("alarm", alarm()),
    ];
    let mut page = before.clone();
    for (name, picture) in pictures {
        let (open, close) = (format!("<!-- picture: {name} -->\n"), "<!-- end -->");
        let from =
            page.find(&open).unwrap_or_else(|| panic!("the page has no place for {name}")) + open.len();
        let to = from + page[from..].find(close).unwrap();
        page.replace_range(from..to, &format!("```\n{picture}```\n"));
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &page).unwrap();
    } else {
        assert!(page == before, "the pictures have changed: UPDATE_EXPECT=1 cargo test -p scoring pictures");
    }
}
