//! The templates: they compile, a broken one is refused and the last good one stays.

use crate::{Error, PDO_BPMN, TDE_BPMN, Template, Templates};

#[test]
fn the_built_in_templates_are_bpmn_with_a_diagram() {
    for xml in [PDO_BPMN, TDE_BPMN] {
        let template = Template::load(xml).unwrap();
        assert!(xml.contains("BPMNDiagram"), "{} has no diagram", template.name);
    }
}

#[test]
fn a_broken_template_is_refused_and_the_last_good_one_stays() {
    let templates = Templates::built_in().unwrap();
    let before: Vec<String> = templates.all().iter().map(|template| template.checksum.clone()).collect();
    for broken in [
        "not xml".to_owned(),
        TDE_BPMN.replace("procos:update posterior", "procos:guess"),
        TDE_BPMN.replace("procos:record", "procos:pass through"),
        TDE_BPMN.replace("procos:compute", "procos:wait"),
        TDE_BPMN.replace("targetRef=\"record\"", "targetRef=\"nowhere\""),
        TDE_BPMN[..TDE_BPMN.len() / 2].to_owned(),
        PDO_BPMN.replace("id=\"pdo\"", "id=\"other\""),
    ] {
        let refused = templates.replace(&broken);
        assert!(matches!(refused, Err(Error::Template { .. })), "{refused:?}");
    }
    let after: Vec<String> = templates.all().iter().map(|template| template.checksum.clone()).collect();
    assert_eq!(before, after);
}

#[test]
fn an_edited_template_is_taken_into_use() {
    let templates = Templates::built_in().unwrap();
    let edited = TDE_BPMN.replace("name=\"Compute\"", "name=\"Evaluate\"");
    let taken = templates.replace(&edited).unwrap();
    assert!(templates.all().iter().any(|template| template.checksum == taken.checksum));
}

#[test]
fn the_microkernel_has_at_most_a_hundred_lines() {
    assert!(include_str!("../microkernel.rs").lines().count() <= 100);
}
