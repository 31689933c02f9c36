//! The system: what this machine has left, and what it is. Read from the kernel's own files; where one is missing,
//! its numbers are left out.

use bpmn::program::Variables;
use serde_json::{Value, json};

use super::Call;

const KIB: u64 = 1024;

pub(super) fn resources() -> Variables {
    let mut found = Variables::new();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    found.insert("processors".to_owned(), json!(processors));
    let load = read("/proc/loadavg").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    found.extend(load.map(|load| ("load".to_owned(), json!(load))));
    let memory = read("/proc/meminfo").unwrap_or_default();
    for (line, name) in [("MemTotal:", "memoryBytes"), ("MemAvailable:", "freeMemoryBytes")] {
        let kib = memory.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next());
        let bytes = kib.and_then(|kib| kib.parse::<u64>().ok()).map(|kib| kib * KIB);
        found.extend(bytes.map(|bytes| (name.to_owned(), json!(bytes))));
    }
    found
}

impl Call<'_> {
    pub(super) fn description(&self) -> Variables {
        let line = |path: &str| read(path).map_or(Value::Null, |text| json!(text.trim()));
        Variables::from_iter([
            ("version".to_owned(), json!(env!("CARGO_PKG_VERSION"))),
            ("system".to_owned(), json!(std::env::consts::OS)),
            ("architecture".to_owned(), json!(std::env::consts::ARCH)),
            ("release".to_owned(), line("/proc/sys/kernel/osrelease")),
            ("engine".to_owned(), json!(self.parts.engine.name())),
            ("hasModel".to_owned(), json!(self.parts.model.is_some())),
            ("orchestrators".to_owned(), json!(self.parts.census.pdos())),
            ("executors".to_owned(), json!(self.parts.census.tdes())),
        ])
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
