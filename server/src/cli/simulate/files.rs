//! Files that a simulation leaves: event logs, and parameters for other tools.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use scoring::simulation::{LOG_START_MS, Logged, Model, bpsim, event_log};

use super::timed::Prepared;
use crate::failure::Failure;

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    Failure::work("CLI-0003", message, "choose another path")
}

/// Simulates so many cases after the warm-up and writes their event log; what the name ends in says how.
pub(super) fn write_log(model: &Model, seed: u64, size: (u32, u32), path: &Path) -> Result<Logged, Failure> {
    let format = super::super::trail::log_format(path)?;
    let cannot = |error: std::io::Error| cannot_write(path, &error);
    let mut file = BufWriter::new(File::create(path).map_err(cannot)?);
    let mut sink = |part: &str| file.write_all(part.as_bytes());
    let logged = event_log(model, seed, size, (format, LOG_START_MS), &mut sink).map_err(cannot)?;
    file.flush().map_err(cannot)?;
    Ok(logged)
}

/// Writes the file with what is declared, and what was learnt in its place, as a BPSim scenario.
pub(super) fn write_bpsim(
    from: &Path,
    content: &[u8],
    prepared: &Prepared,
    path: &Path,
) -> Result<(), Failure> {
    let mut definitions = bpmn::xml::read(content).map_err(|error| {
        Failure::wrong_call(error.code(), format!("{}: {error}", from.display()), error.hint())
    })?;
    bpsim::write(&mut definitions, &prepared.process_id, &prepared.declaration);
    std::fs::write(path, bpmn::xml::write(&definitions)).map_err(|error| cannot_write(path, &error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::timed::{Reading, read};
    use super::*;

    const EXAMPLE: &[u8] = include_bytes!("../../../../examples/credit-application.bpmn");

    fn prepared(content: &[u8]) -> Box<Prepared> {
        match read(Path::new("credit.bpmn"), content, None, &BTreeMap::new()).unwrap() {
            Reading::Timed(prepared) => prepared,
            _ => panic!("it declares how long its tasks take"),
        }
    }

    #[test]
    fn a_log_is_written_in_the_format_that_its_name_says() {
        let (folder, prepared) = (tempfile::tempdir().unwrap(), prepared(EXAMPLE));
        let xes = folder.path().join("log.xes");
        let logged = write_log(&prepared.model, 7, (50, 0), &xes).unwrap();
        let traces = bpmn::xes::read(&std::fs::read(&xes).unwrap()).unwrap();
        assert_eq!((traces.len(), logged.cases), (50, 50));
        let csv = folder.path().join("log.csv");
        let logged = write_log(&prepared.model, 7, (50, 0), &csv).unwrap();
        assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), logged.executions + 1);
        assert_eq!(
            write_log(&prepared.model, 7, (50, 0), &folder.path().join("log")).unwrap_err().code,
            "CLI-0001"
        );
    }

    #[test]
    fn what_is_written_for_other_tools_simulates_the_same_without_our_own_declarations() {
        let (folder, before) = (tempfile::tempdir().unwrap(), prepared(EXAMPLE));
        let path = folder.path().join("out.bpmn");
        write_bpsim(Path::new("credit.bpmn"), EXAMPLE, &before, &path).unwrap();
        let mut definitions = bpmn::xml::read(&std::fs::read(&path).unwrap()).unwrap();
        for process in &mut definitions.processes {
            process.element.extensions.retain(|raw| raw.local_name != "simulation");
            process.flows.iter_mut().for_each(|flow| flow.element.extensions.clear());
            for node in &mut process.nodes {
                node.element.extensions.retain(|raw| raw.local_name != "simulation");
            }
        }
        let after = prepared(bpmn::xml::write(&definitions).as_bytes());
        assert!(after.notes[0].contains("ProcOS"), "{:?}", after.notes);
        let of =
            |prepared: &Prepared| scoring::simulation::Exact::of(&prepared.model).map(|exact| exact.visits);
        let (before, after) = (of(&before).unwrap(), of(&after).unwrap());
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-9), "{before:?} {after:?}");
    }
}
