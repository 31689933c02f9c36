//! Multi-instance activities against what is known of them.

use super::super::{Effort, Exact, LiveCase, forecast};
use super::{cases, model, read};
use crate::Error;

/// An activity repeated by `how`, with what its `procos:simulation` says, in a process that declares `around`.
fn shop(how: &str, says: &str, around: &str) -> String {
    format!(
        r#"<bpmn:extensionElements><procos:simulation {around}<procos:resource id="r" capacity="1" hourlyCost="36"/>
        </procos:simulation></bpmn:extensionElements><bpmn:startEvent id="s"/>
        <bpmn:task id="t"><bpmn:extensionElements><procos:simulation {says}/></bpmn:extensionElements>{how}</bpmn:task>
        <bpmn:endEvent id="e"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="t"/>
        <bpmn:sequenceFlow id="b" sourceRef="t" targetRef="e"/>"#
    )
}

fn times(sequential: bool) -> String {
    format!(
        r#"<bpmn:multiInstanceLoopCharacteristics isSequential="{sequential}"><bpmn:loopCardinality>3</bpmn:loopCardinality>
        </bpmn:multiInstanceLoopCharacteristics>"#
    )
}

#[test]
fn executions_in_parallel_take_as_long_as_the_slowest_and_in_a_row_as_long_as_all() {
    for (sequential, expected) in [(false, 100.0 * (1.0 + 0.5 + 1.0 / 3.0)), (true, 300.0)] {
        let model = model(&shop(&times(sequential), r#"duration="exponential(100)" cost="2""#, ">"));
        let found = cases(&model, 40_000);
        let mean = found.estimate("duration", "").unwrap();
        assert!(mean.monte_carlo.0 < expected && expected < mean.monte_carlo.1, "{sequential}: {mean:?}");
        let exact = Exact::of(&model).unwrap();
        let load = exact.load.unwrap();
        assert!((exact.visits[0] - 3.0).abs() < 1e-12 && (load.work[0] - 300.0).abs() < 1e-9);
        assert!((load.cost - 6.0).abs() < 1e-9);
        assert!((found.estimate("visits", "t").unwrap().value - 3.0).abs() < 1e-12);
    }
}

#[test]
fn executions_in_parallel_wait_for_the_same_resource() {
    let model = model(&shop(&times(false), r#"duration="10" resource="r""#, r#"arrivals="1000">"#));
    let found = cases(&model, 2_000);
    let value = |what: &str, of: &str| found.estimate(what, of).unwrap().value;
    assert!((value("duration", "") - 30.0).abs() < 1e-9);
    // The second waits 10 s, the third 20 s.
    assert!((value("wait", "t") - 10.0).abs() < 1e-9);
    assert!((value("cost", "") - 0.3).abs() < 1e-9, "30 s at 36 an hour: {}", value("cost", ""));
}

#[test]
fn a_running_case_waits_for_the_executions_that_are_under_way() {
    let left = |sequential: bool, elapsed: &[f64]| {
        let model = model(&shop(&times(sequential), r#"duration="10""#, ">"));
        let elements = elapsed.iter().map(|elapsed| ("t".to_owned(), *elapsed)).collect();
        let case = LiveCase { elements, ..LiveCase::default() };
        forecast(&model, &[case], 0.0, 1, Effort::default()).map(|found| found.remaining.value)
    };
    assert!((left(false, &[4.0, 1.0, 7.0]).unwrap() - 9.0).abs() < 1e-9);
    assert!((left(false, &[4.0]).unwrap() - 6.0).abs() < 1e-9, "two of three are done");
    assert_eq!(left(true, &[4.0]), None, "how many are done is not known");
}

#[test]
fn how_often_must_be_known() {
    let list = r#"<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>
        <zeebe:loopCharacteristics inputCollection="=items"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>"#;
    let built = |how: &str, says: &str| {
        let (program, declaration) = read(&shop(how, says, ">"));
        super::Model::build(&program, &declaration)
    };
    let refused = built(list, r#"duration="10""#).unwrap_err();
    assert!(matches!(&refused, Error::NotSimulated { what, .. } if what.contains("not known")), "{refused}");
    let many = built(list, r#"duration="10" instances="65""#).unwrap();
    assert!(many.by_engine().is_some_and(|why| why.contains("more than 64")), "{:?}", many.by_engine());
    assert!((cases(&many, 20).estimate("visits", "t").unwrap().value - 65.0).abs() < 1e-9);
    assert_eq!(Exact::of(&built(list, r#"duration="10" instances="5""#).unwrap()).unwrap().visits, [5.0]);
}
