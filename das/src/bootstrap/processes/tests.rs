//! The written processes: sound, complete, computing, always the same.

use bpmn::program::{ExecutedBy, NodeKind};

use crate::bootstrap::{Draft, derive};

const AIRCRAFT: &str = include_str!("../../../../examples/light-aircraft/requirements.md");

fn draft() -> Draft {
    derive(None, "requirements.md", AIRCRAFT.as_bytes(), &[]).unwrap()
}

#[test]
fn every_process_compiles_has_a_diagram_and_computes() {
    let draft = draft();
    assert!(draft.written.files.len() >= 5);
    for file in &draft.written.files {
        let text = std::str::from_utf8(&file.content).unwrap();
        assert!(text.contains("BPMNShape"), "{}", file.name);
        let definitions = bpmn::xml::read(&file.content).unwrap();
        let programs = bpmn::compile::compile(&definitions, None).unwrap();
        let computing = programs[0].nodes.iter().any(|node| {
            matches!(node.kind, NodeKind::Job(_))
                && matches!(node.task.by, ExecutedBy::Feel | ExecutedBy::Stochastic)
        });
        assert!(computing, "{} computes nothing", file.name);
    }
}

#[test]
fn every_function_is_realised_by_an_element_that_exists() {
    let draft = draft();
    for function in &draft.model.functions {
        let process =
            draft.written.processes.iter().find(|p| Some(&p.id) == function.process.as_ref()).unwrap();
        let file =
            draft.written.files.iter().find(|f| f.name == format!("{}.bpmn", process.process_id)).unwrap();
        let text = std::str::from_utf8(&file.content).unwrap();
        assert!(text.contains(&format!("id=\"{}\"", function.elements[0])), "{}", function.id);
    }
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    assert_eq!(draft(), draft());
}

#[test]
fn another_requirement_changes_only_the_process_of_its_part() {
    let before = draft();
    let changed = AIRCRAFT.replace("at least 73 kW", "at least 80 kW");
    let after = derive(None, "requirements.md", changed.as_bytes(), &[]).unwrap();
    let differing: Vec<&str> = before
        .written
        .files
        .iter()
        .zip(&after.written.files)
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.name.as_str())
        .collect();
    assert_eq!(differing, ["p_light_aircraft_propulsion.bpmn"]);
}
