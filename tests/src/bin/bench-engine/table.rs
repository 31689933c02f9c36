//! The table that is printed, and the ratios under it.

use std::fmt;
use std::time::Duration;

use crate::options::Options;
use crate::process::Load;

/// One row.
pub(crate) struct Row {
    name: String,
    model: &'static str,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Processor milliseconds for one instance.
    cpu_ms: f64,
    memory_mb: f64,
}

impl Row {
    /// From the times of the instances that ended in the measured time.
    pub(crate) fn new(
        name: &str,
        model: &'static str,
        mut times: Vec<Duration>,
        measured: Duration,
        load: Load,
    ) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let place = ((times.len() as f64 - 1.0) * share).max(0.0) as usize;
            times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
        };
        Self {
            name: name.to_owned(),
            model,
            per_second: times.len() as f64 / measured.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            cpu_ms: load.cpu_s * 1000.0 / times.len() as f64,
            memory_mb: load.memory_mb,
        }
    }
}

/// All rows.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a row, and shows that it is there.
    #[expect(clippy::print_stdout, reason = "a benchmark says how far it is")]
    pub(crate) fn add(&mut self, row: Row) {
        println!("{}, {}: {:.0}/s, p99 {:.1} ms", row.name, row.model, row.per_second, row.p99_ms);
        self.rows.push(row);
    }

    fn find(&self, name: &str, model: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name && row.model == model)
    }
}

/// The pairs that are compared: (what, with what).
const PAIRS: [(&str, &str); 9] = [
    ("embedded, SQLite", "raw writer, SQLite"),
    ("embedded, PostgreSQL", "raw writer, PostgreSQL"),
    ("HTTP, SQLite", "Camunda 7 REST, PostgreSQL"),
    ("HTTP, PostgreSQL", "Camunda 7 REST, PostgreSQL"),
    ("HTTP, SQLite", "Camunda 7 REST, H2 in memory"),
    ("HTTP, SQLite", "Operaton REST, PostgreSQL"),
    ("HTTP, PostgreSQL", "Operaton REST, PostgreSQL"),
    ("HTTP, SQLite", "Operaton REST, H2 in memory"),
    ("embedded, SQLite", "Camunda 7 REST, PostgreSQL"),
];

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| engine | process | instances/s | p50 ms | p99 ms | CPU ms each | memory MB |")?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: | ---: |")?;
        for row in &self.rows {
            let Row { name, model, per_second, p50_ms, p99_ms, cpu_ms, memory_mb } = row;
            writeln!(
                f,
                "| {name} | {model} | {per_second:.0} | {p50_ms:.1} | {p99_ms:.1} | {cpu_ms:.2} | {memory_mb:.0} |"
            )?;
        }
        writeln!(f, "\n| ratio | process | throughput | p99 |\n| --- | --- | ---: | ---: |")?;
        for (what, with) in PAIRS {
            for row in self.rows.iter().filter(|row| row.name == what) {
                let Some(other) = self.find(with, row.model) else { continue };
                writeln!(
                    f,
                    "| {what} : {with} | {} | {:.2} | {:.3} |",
                    row.model,
                    row.per_second / other.per_second,
                    row.p99_ms / other.p99_ms
                )?;
            }
        }
        Ok(())
    }
}

/// Where and how it is measured, in one line.
pub(crate) fn machine(options: &Options) -> String {
    let line = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(name));
        found.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} ({cores} cores for clients and engines together), {} memory, Linux {}; {} clients, {} s a row",
        line("/proc/cpuinfo", "model name"),
        line("/proc/meminfo", "MemTotal"),
        kernel.trim(),
        options.clients,
        options.measured.as_secs()
    )
}
