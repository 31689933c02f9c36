//! Each kind of finding is found where it is, and not where it is not.

mod coverage;

use proptest::prelude::*;

use super::*;
use crate::model::{Builder, EventDefinitionKind, SubProcess, TimerExpression};
use crate::samples;

fn sound(builder: &Builder) -> Vec<Finding> {
    let definitions = builder.clone().finish();
    let programs = compile(&definitions, None).unwrap();
    programs.iter().flat_map(soundness).collect()
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn block_structured_processes_are_sound(block in samples::blocks()) {
        let definitions = samples::process_of(&block);
        let programs = compile(&definitions, None).unwrap();
        let findings = soundness(&programs[0]);
        prop_assert!(findings.is_empty(), "{findings:?}");
    }
}

#[test]
fn an_exclusive_split_with_a_parallel_join_is_a_deadlock_with_a_path() {
    let mut builder = Builder::process("p");
    builder.start("s").exclusive("x", "").task("a", "").task("b", "").parallel("j", "").end("e");
    builder.flow("s", "x").flow_if("x", "a", "", "y").flow_default("x", "b", "");
    builder.flow("a", "j").flow("b", "j").flow("j", "e");
    let findings = sound(&builder);
    let deadlock = findings.iter().find(|finding| finding.code == "BPMN-0101").unwrap();
    assert_eq!(deadlock.element.as_deref(), Some("j"));
    assert_eq!(deadlock.path, ["s", "x", "a"]);
    assert!(deadlock.message.contains("from b"), "{}", deadlock.message);
}

#[test]
fn a_parallel_split_with_an_exclusive_join_lacks_synchronisation() {
    let mut builder = Builder::process("p");
    builder
        .start("s")
        .parallel("x", "")
        .task("a", "")
        .task("b", "")
        .exclusive("j", "")
        .task("c", "")
        .end("e");
    builder
        .flow("s", "x")
        .flow("x", "a")
        .flow("x", "b")
        .flow("a", "j")
        .flow("b", "j")
        .flow("j", "c")
        .flow("c", "e");
    assert_eq!(codes(&sound(&builder)).first(), Some(&"BPMN-0102"));
}

#[test]
fn an_inclusive_join_fits_every_split() {
    for kind in 0..3 {
        let mut builder = Builder::process("p");
        builder.start("s").task("a", "").task("b", "").task("c", "").inclusive("j", "").end("e");
        match kind {
            0 => builder.exclusive("x", ""),
            1 => builder.parallel("x", ""),
            _ => builder.inclusive("x", ""),
        };
        builder.flow("s", "x").flow("x", "a").flow("x", "b").flow("b", "c");
        builder.flow("a", "j").flow("c", "j").flow("j", "e");
        assert_eq!(codes(&sound(&builder)), Vec::<&str>::new(), "kind {kind}");
    }
}

#[test]
fn what_no_token_reaches_is_dead() {
    let mut builder = Builder::process("p");
    builder.start("s").end("e").task("lost", "").end("e2").flow("s", "e").flow("lost", "e2");
    let findings = sound(&builder);
    assert_eq!(codes(&findings), ["BPMN-0103", "BPMN-0103"]);
    assert_eq!(findings[0].element.as_deref(), Some("lost"));
}

#[test]
fn a_loop_without_a_way_out_has_no_option_to_complete() {
    let mut builder = Builder::process("p");
    builder.start("s").exclusive("m", "").task("a", "").flow("s", "m").flow("m", "a").flow("a", "m");
    assert_eq!(codes(&sound(&builder)), ["BPMN-0104"]);
}

#[test]
fn an_inner_deadlock_is_found_and_outer_parts_are_judged_on_their_own() {
    let mut builder = Builder::process("p");
    builder
        .start("s")
        .enter("sub", "", SubProcess::Embedded)
        .start("i")
        .exclusive("x", "")
        .task("a", "")
        .task("b", "");
    builder.parallel("j", "").end("o").flow("i", "x").flow_if("x", "a", "", "y").flow_default("x", "b", "");
    builder.flow("a", "j").flow("b", "j").flow("j", "o").leave().end("e").flow("s", "sub").flow("sub", "e");
    let findings = sound(&builder);
    assert!(
        findings.iter().any(|it| it.code == "BPMN-0101" && it.element.as_deref() == Some("j")),
        "{findings:?}"
    );
}

#[test]
fn a_terminate_end_event_frees_what_waits() {
    let mut builder = Builder::process("p");
    builder.start("s").parallel("x", "").task("a", "").task("b", "").terminate("t").task("c", "").end("e");
    builder.flow("s", "x").flow("x", "a").flow("x", "b").flow("a", "t").flow("b", "c").flow("c", "e");
    assert_eq!(codes(&sound(&builder)), Vec::<&str>::new());
}

#[test]
fn many_choices_side_by_side_are_decided() {
    let mut builder = Builder::process("p");
    builder.start("s").parallel("f", "").parallel("j", "").end("e").flow("s", "f").flow("j", "e");
    for branch in 0..40 {
        let (x, a, m) = (format!("x{branch}"), format!("a{branch}"), format!("m{branch}"));
        let (b, c) = (format!("b{branch}"), format!("c{branch}"));
        builder.exclusive(&x, "").task(&a, "").task(&b, "").task(&c, "").exclusive(&m, "");
        builder.flow("f", &x).flow_if(&x, &a, "", "y").flow_default(&x, &b, "").flow(&b, &c);
        builder.flow(&a, &m).flow(&c, &m).flow(&m, "j");
    }
    assert_eq!(codes(&sound(&builder)), Vec::<&str>::new());
}

#[test]
fn what_is_beyond_the_budget_is_not_decided() {
    let mut builder = Builder::process("p");
    builder.start("s").parallel("f", "").parallel("ja", "").parallel("jb", "").end("e").flow("s", "f");
    for branch in 0..24 {
        let x = format!("x{branch}");
        builder.exclusive(&x, "").flow("f", &x).flow_if(&x, "ja", "", "y").flow_default(&x, "jb", "");
    }
    builder.flow("ja", "e").flow("jb", "e");
    assert_eq!(codes(&sound(&builder)), ["BPMN-0105"]);
}

#[test]
fn portability_names_what_each_engine_does_not_run() {
    let mut builder = Builder::process("p");
    builder.start("s").enter("tx", "T", SubProcess::Transaction).start("i").end("o").flow("i", "o").leave();
    builder.exclusive("x", "?").service_task("a", "A").end("e").end("e2");
    builder
        .flow("s", "tx")
        .flow("tx", "x")
        .flow_if("x", "a", "yes", "y > 1")
        .flow_default("x", "e2", "no")
        .flow("a", "e");
    let definitions = builder.finish();
    let elements = |target| {
        let findings = portability(&definitions, target);
        findings.into_iter().filter_map(|finding| finding.element).collect::<Vec<_>>()
    };
    assert_eq!(elements(Target::Embedded), Vec::<String>::new());
    assert_eq!(elements(Target::Camunda7), Vec::<String>::new());
    assert_eq!(elements(Target::Camunda8), ["tx", "a"]);
}

#[test]
fn a_check_joins_refusals_soundness_and_style_the_worst_first() {
    let mut builder = Builder::process("p");
    let timer = Some(TimerExpression::Duration(crate::model::FormalExpression::of("PT1S")));
    builder.start("s").exclusive("x", "").task("a", "").task("b", "B").parallel("j", "").end("e");
    builder.boundary("late", "a", true, EventDefinitionKind::Timer(timer)).end("gone").flow("late", "gone");
    builder.flow("s", "x").flow("x", "a").flow("x", "b").flow("a", "j").flow("b", "j").flow("j", "e");
    let findings = check(&builder.clone().finish(), Target::Embedded);
    let found = codes(&findings);
    for code in ["BPMN-0101", "BPMN-0301", "BPMN-0302", "BPMN-0308"] {
        assert!(found.contains(&code), "{code} is missing in {found:?}");
    }
    assert!(findings.windows(2).all(|pair| pair[0].severity <= pair[1].severity));
    builder.flow("e", "a");
    assert_eq!(check(&builder.finish(), Target::Embedded)[0].code, "BPMN-0013");
}
