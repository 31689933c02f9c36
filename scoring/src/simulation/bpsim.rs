//! BPSim (WfMC's Business Process Simulation Interchange Standard 1.0 and 2.0): parameters that other tools keep in a BPMN
//! file, read into the simulation's own declarations, and those declarations written for other tools.
//!
//! | BPSim | becomes |
//! | --- | --- |
//! | `InterTriggerTimer` of the start event, its `validFor` | arrivals and their calendar |
//! | `InterTriggerTimer` of another event | how long it waits |
//! | `ProcessingTime`, `WaitTime`, `SetUpTime`, `ValidationTime`, `ReworkTime`, `TransferTime`, `QueueTime` | the duration; of several only one may vary |
//! | `Probability` of a sequence flow | its share |
//! | `Selection` by `bpsim:getResource('id', 1)` | the resource of a task |
//! | `Quantity` and `Availability` of a resource, their `validFor` | its capacity and calendar |
//! | `UnitCost` of a resource, `FixedCost` of a task | its hourly cost, the cost of an execution |
//! | `Priority` | the priority |
//! | `Calendar` (iCalendar, weekly) | opening hours |
//! | vendor extension `procos` | observations behind durations and shares, batches, attributes |
//!
//! What the file says in `procos:simulation` goes before. Everything else that a scenario holds is kept in the file, and
//! named in [`Declared::left_out`] where it would have changed the result.

mod calendar;
mod read;
mod value;
mod write;

use bpmn::model::{Definitions, Process, RawElement};

pub use write::write;

use super::declare::Declaration;
use crate::Error;

/// What namespaces of all versions begin with.
const BPSIM_FAMILY: &str = "http://www.bpsim.org/schemas/";
/// Name of our vendor extension, and id of the scenario that is written.
const VENDOR: &str = "procos";
/// Scenarios that one may inherit from, in a row.
const INHERITED: usize = 10;

/// What a file declares for the simulation of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// The declaration.
    pub declaration: Declaration,
    /// Name of the BPSim scenario that it was completed from.
    pub scenario: Option<String>,
    /// What of the scenario is not simulated, in words.
    pub left_out: Vec<String>,
}

impl Declared {
    /// What this process declares by `procos:simulation`, completed from the first BPSim scenario of the file.
    ///
    /// # Errors
    /// `SCORING-0005` for a declaration that makes no sense, with the element and what is expected.
    pub fn read(definitions: &Definitions, process: &Process) -> Result<Self, Error> {
        let declaration = Declaration::read_unchecked(process)?;
        let scenarios = scenarios(definitions, process);
        let Some(first) = scenarios.first() else {
            declaration.check(&process.element.id)?;
            return Ok(Self { declaration, ..Self::default() });
        };
        // From the one inherited last to the scenario itself, so that the nearer value is seen first.
        let mut chain = vec![*first];
        while let Some(inherits) = chain.last().and_then(|scenario| scenario.get("inherits"))
            && chain.len() < INHERITED
            && let Some(next) = scenarios.iter().find(|scenario| scenario.get("id") == Some(inherits))
        {
            chain.push(next);
        }
        let mut found = Self { declaration, ..Self::default() };
        let readers: Vec<_> =
            chain.iter().map(|scenario| read::Reader::over(definitions, process, scenario)).collect();
        // Resources first: tasks name them.
        readers.iter().for_each(|reader| reader.resources(&mut found));
        for reader in &readers {
            reader.complete(&mut found)?;
        }
        found.scenario = Some(first.get("name").or_else(|| first.get("id")).unwrap_or("BPSim").to_owned());
        found.left_out.sort();
        found.left_out.dedup();
        found.declaration.check(&process.element.id)?;
        Ok(found)
    }

    /// In lines for a person; nothing where no scenario was read.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Some(scenario) = &self.scenario else { return Vec::new() };
        let mut lines = vec![format!(
            "parameters of the BPSim scenario {scenario:?} are taken where the file says nothing else"
        )];
        lines.extend(self.left_out.iter().map(|what| format!("  not simulated: {what}")));
        lines
    }
}

/// All scenarios of a file, in document order.
fn scenarios<'a>(definitions: &'a Definitions, process: &'a Process) -> Vec<&'a RawElement> {
    let tops = definitions
        .others
        .iter()
        .chain(&definitions.element.extensions)
        .chain(&definitions.element.children)
        .chain(&process.element.extensions);
    let mut open: Vec<&RawElement> = tops.collect();
    open.reverse();
    let mut found = Vec::new();
    while let Some(element) = open.pop() {
        if is_bpsim(element, "Scenario") {
            found.push(element);
        } else {
            let inner: Vec<&RawElement> = element.elements().collect();
            open.extend(inner.into_iter().rev());
        }
    }
    found
}

fn is_bpsim(element: &RawElement, name: &str) -> bool {
    element.local_name == name && element.namespace.starts_with(BPSIM_FAMILY)
}
