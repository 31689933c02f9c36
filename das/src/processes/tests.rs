//! The committed files are what the author writes, and they run.

use super::*;

#[test]
fn every_committed_file_is_as_its_author_writes_it() {
    for (path, text) in author::files() {
        expect_test::expect_file![format!("../../../{path}")].assert_eq(&text);
    }
}

#[test]
fn every_starting_process_reads_compiles_and_has_a_diagram() {
    for process in starting_processes() {
        let definitions = bpmn::xml::read(process.xml.as_bytes()).unwrap();
        assert_eq!(definitions.diagrams.len(), 1, "{}", process.name);
        let programs = bpmn::compile::compile(&definitions, Some(process.name)).unwrap();
        assert!(programs[0].nodes.len() > 5, "{}", process.name);
    }
}
