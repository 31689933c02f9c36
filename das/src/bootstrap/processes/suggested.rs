//! Processes that a model suggests: how a part works in use. The tree is checked and compiled, and the soundness
//! checker walks through what came of it; what fails anywhere is left out.

use std::collections::BTreeSet;

use engine::port::DeployFile;
use ontology::model::{Origin, Process, TraceLink};

use super::Written;
use crate::bootstrap::decompose::Decomposition;
use crate::bootstrap::name::{Ids, phrase};
use crate::bootstrap::suggestion::{self, Item, Refusal, Suggestion, named, words};
use crate::tree::table::Table;
use crate::tree::{Fault, Node, Tree, compile};

/// Most processes that suggestions may add.
const MAX_PROCESSES: usize = 60;
/// Most rows of one of them.
const MAX_ROWS: usize = 200;
/// Most faults of one process that are told.
const MAX_FAULTS: usize = 10;

/// Adds the suggested processes that hold.
pub(super) fn add(
    system: &str,
    model: &Decomposition,
    suggestions: &[Suggestion],
    (ids, taken): (&mut Ids, &mut Ids),
    written: &mut Written,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut names: BTreeSet<String> = written.processes.iter().map(|process| phrase(&process.name)).collect();
    let mut added = 0;
    for (at, suggestion) in suggestions.iter().enumerate() {
        let Item::Process(process) = &suggestion.item else { continue };
        let checked = drawn(process, model).and_then(|drawn| {
            if added == MAX_PROCESSES {
                return Err(format!("more than {MAX_PROCESSES} processes are suggested"));
            }
            let name = named(&process.name)?;
            if names.contains(&phrase(name)) {
                return Err("there is a process of this name already".to_owned());
            }
            let process_id = ids.give("p-", &format!("{system} {name}")).replace('-', "_");
            let xml = sound(&drawn.tree, &process_id, name)?;
            Ok((drawn, name, process_id, xml))
        });
        let (drawn, name, process_id, xml) = match checked {
            Ok(found) => found,
            Err(why) => {
                refusals.push(Refusal { at, why });
                continue;
            }
        };
        added += 1;
        names.insert(phrase(name));
        let id = taken.give("P-", name);
        let origin = Origin {
            rule: suggestion.by.clone(),
            sources: process.requirements.iter().map(|id| id.trim().to_owned()).collect(),
            span: None,
            confidence: suggestion.item.confidence(),
            assumed: true,
        };
        written.links.extend(drawn.functions.iter().map(|function| TraceLink {
            id: taken.give_exact(&format!("L-realised-{function}-{id}")),
            kind: "realised_by".to_owned(),
            source: function.clone(),
            target: id.clone(),
            rationale: Some("this process carries it out".to_owned()),
            origin: origin.clone(),
        }));
        written.files.push(DeployFile { name: format!("{process_id}.bpmn"), content: xml.into_bytes() });
        written.processes.push(Process {
            id,
            name: name.to_owned(),
            component: Some(drawn.component),
            process_id,
            definition: None,
            origin,
        });
    }
    refusals
}

/// A process with its place in the system.
struct Drawn {
    tree: Tree,
    component: String,
    /// Ids of the functions that it carries out.
    functions: Vec<String>,
}

fn drawn(process: &suggestion::Process, model: &Decomposition) -> Result<Drawn, String> {
    let said = process.part.trim();
    let part = model.components.iter().find(|component| component.id == said);
    let part = part.or_else(|| model.components.iter().find(|c| phrase(&c.name) == phrase(said)));
    let part = part.ok_or_else(|| format!("there is no part '{}'", words(said)))?;
    let wanted: BTreeSet<&str> = process.requirements.iter().map(|id| id.trim()).collect();
    if let Some(id) = wanted.iter().find(|id| model.requirements.iter().all(|r| r.id != **id)) {
        return Err(format!("there is no requirement '{}'", words(id)));
    }
    let below = below(&part.id, model);
    let satisfied: BTreeSet<&str> = model
        .links
        .iter()
        .filter(|link| link.kind == "satisfied_by" && wanted.contains(link.source.as_str()))
        .map(|link| link.target.as_str())
        .collect();
    let own = model.functions.iter().filter(|f| below.contains(f.component.as_str()));
    let functions: Vec<String> =
        own.filter(|f| satisfied.contains(f.id.as_str())).map(|f| f.id.clone()).collect();
    if functions.is_empty() {
        return Err(format!(
            "it carries out nothing: none of its requirements is satisfied by a function of {} or its parts",
            part.id
        ));
    }
    Ok(Drawn { tree: tree(process)?, component: part.id.clone(), functions })
}

/// A part and everything below it. Parents stand before their parts.
fn below<'a>(part: &'a str, model: &'a Decomposition) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([part]);
    for component in &model.components {
        if component.parent.as_deref().is_some_and(|parent| found.contains(parent)) {
            found.insert(&component.id);
        }
    }
    found
}

fn tree(process: &suggestion::Process) -> Result<Tree, String> {
    if process.nodes.len() > MAX_ROWS {
        return Err(format!("it has {} rows, at most {MAX_ROWS} are read", process.nodes.len()));
    }
    let mut nodes = process.nodes.clone();
    for row in &mut nodes {
        // How a step is executed is for people to say: what is remembered may have been written by anybody.
        (row.detail, row.event) = (None, None);
    }
    let table = Table { root: process.root.clone(), nodes, ..Table::default() };
    let mut tree = table.to_tree().map_err(|faults| list(&faults))?;
    tree.type_check().map_err(|faults| list(&faults))?;
    tree.normalise();
    tree.for_each_activity(|activity| {
        (activity.assumed, activity.confidence) =
            (true, activity.confidence.min(process.confidence.clamp(0.0, 1.0)));
    });
    if !tree.nodes().iter().any(|node| matches!(node, Node::Activity(_))) {
        return Err("nothing is done in it: it needs a step".to_owned());
    }
    Ok(tree.documentation(format!(
        "How it works in use, as a language model read the requirements {}. Assumed until a person takes it over.",
        process.requirements.iter().map(|id| id.trim()).collect::<Vec<_>>().join(", ")
    )))
}

/// The process as a file, where it compiles and is sound.
fn sound(tree: &Tree, process_id: &str, name: &str) -> Result<String, String> {
    let definitions = compile(tree, process_id, name).map_err(|error| error.to_string())?;
    let xml = bpmn::xml::write(&definitions);
    // What is read again is what will be deployed: a label may hold what no file can.
    let written = bpmn::xml::read(xml.as_bytes()).map_err(|error| error.to_string())?;
    let programs = bpmn::compile::compile(&written, None).map_err(|problems| problems.to_string())?;
    let unsound = programs.iter().flat_map(bpmn::check::soundness);
    if let Some(finding) = unsound.into_iter().find(|found| found.severity == bpmn::check::Severity::Error) {
        return Err(finding.message);
    }
    Ok(xml)
}

fn list(faults: &[Fault]) -> String {
    faults.iter().take(MAX_FAULTS).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
