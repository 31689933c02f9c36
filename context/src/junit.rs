//! JUnit's XML of a test report, as continuous integration reads it.

use std::fmt::Write as _;

use crate::{TestReport, Verdict};

/// The reports as JUnit XML: a suite for each, in it a test for each case (which fails where a trial of it failed and
/// the gate did not pass) and one for the gate.
#[must_use]
pub fn junit(reports: &[TestReport]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        suite(report, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(report: &TestReport, out: &mut String) {
    let mut cases: Vec<&str> = Vec::new();
    for trial in &report.details {
        if !cases.contains(&trial.case.as_str()) {
            cases.push(&trial.case);
        }
    }
    let passes = report.verdict == Verdict::Pass;
    let failed =
        |case: &str| !passes && report.details.iter().any(|trial| trial.case == case && !trial.passed);
    let failures = cases.iter().filter(|case| failed(case)).count() + usize::from(!passes);
    let class = format!("prompt.{}", report.name);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\">",
        quoted(&format!(
            "{} {} {}",
            report.name,
            report.hash.get(..12).unwrap_or(&report.hash),
            report.model
        )),
        cases.len() + 1,
        report.details.iter().map(|trial| trial.elapsed_ms).sum::<u64>() as f64 / 1_000.0
    );
    for case in &cases {
        let of: Vec<_> = report.details.iter().filter(|trial| trial.case == *case).collect();
        let passed = of.iter().filter(|trial| trial.passed).count();
        let time = of.iter().map(|trial| trial.elapsed_ms).sum::<u64>() as f64 / 1_000.0;
        let says = format!("{passed} of {} trials passed", of.len());
        let detail = of.iter().find(|trial| !trial.passed).map(|trial| {
            format!("seed {}: {}\nanswer: {}", trial.seed, trial.findings.join("; "), trial.answer)
        });
        test((&class, case, time), &says, detail.filter(|_| failed(case)), out);
    }
    let says = format!(
        "{} of {} trials passed: {:.1} % ({:.1} to {:.1} %)",
        report.passed,
        report.trials,
        report.rate * 100.0,
        report.low * 100.0,
        report.high * 100.0
    );
    let verdict = match report.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some("the pass rate is not good enough".to_owned()),
        Verdict::Undecided => Some("the trials ran out before it could be told".to_owned()),
    };
    test((&class, "gate", 0.0), &says, verdict, out);
    out.push_str("  </testsuite>\n");
}

fn test((class, name, time): (&str, &str, f64), says: &str, failure: Option<String>, out: &mut String) {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\">",
        quoted(class),
        quoted(name)
    );
    let failure = failure
        .map(|detail| format!("<failure message=\"{}\">{}</failure>", quoted(says), quoted(&detail)))
        .unwrap_or_default();
    let _ = writeln!(out, "{head}{failure}<system-out>{}</system-out></testcase>", quoted(says));
}

/// Text for XML 1.0: marks escaped, control characters, which it cannot hold, replaced.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
