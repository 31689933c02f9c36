//! Interrupting timers and sub-processes where formulas or hand counts say what must come out.

use super::super::{Effort, Law, LiveCase, Nobody, forecast, queueing};
use super::{Exact, Model, cases, model, read};
use crate::Error;

const LIMITED: &str = r#"<bpmn:startEvent id="s"/><bpmn:userTask id="t"><bpmn:extensionElements>
    <procos:simulation duration="exponential(10min)"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:boundaryEvent id="timer" attachedToRef="t"><bpmn:timerEventDefinition><bpmn:timeDuration>PT10M</bpmn:timeDuration>
    </bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:endEvent id="done"/><bpmn:endEvent id="late"/>
    <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="t"/><bpmn:sequenceFlow id="b" sourceRef="t" targetRef="done"/>
    <bpmn:sequenceFlow id="c" sourceRef="timer" targetRef="late"/>"#;

#[test]
fn a_timer_breaks_off_the_share_of_work_that_takes_longer() {
    let model = model(LIMITED);
    let exact = Exact::of(&model).unwrap();
    let late = (-1.0_f64).exp();
    let place = model.ends.iter().position(|(id, _)| id == "late").unwrap();
    assert!((exact.ends[place] - late).abs() < 1e-9, "{:?}", exact.ends);
    assert!(
        (exact.load.as_ref().unwrap().work[0] - 600.0 * (1.0 - late)).abs() < 0.1,
        "{:?}",
        exact.load.as_ref().unwrap().work
    );
    let found = cases(&model, 100_000);
    let duration = found.estimate("duration", "").unwrap();
    assert!((duration.value - 600.0 * (1.0 - late)).abs() < 2.0 * duration.half_width(), "{duration:?}");
    let simulated = found.estimate("end", "late").unwrap();
    assert!((simulated.value - late).abs() < 2.0 * simulated.half_width(), "{simulated:?}");
}

#[test]
fn what_waits_for_a_resource_when_its_timer_is_due_leaves_the_queue() {
    let mut model = model(
        r#"<bpmn:extensionElements><procos:simulation arrivals="1d"><procos:resource id="r" hourlyCost="3600"/>
        </procos:simulation></bpmn:extensionElements><bpmn:startEvent id="s"/><bpmn:parallelGateway id="split"/>
        <bpmn:userTask id="long"><bpmn:extensionElements><procos:simulation duration="100" resource="r"/>
        </bpmn:extensionElements></bpmn:userTask><bpmn:userTask id="short"><bpmn:extensionElements>
        <procos:simulation duration="10" resource="r"/></bpmn:extensionElements></bpmn:userTask>
        <bpmn:boundaryEvent id="timer" attachedToRef="short"><bpmn:timerEventDefinition>
        <bpmn:timeDuration>PT30S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
        <bpmn:task id="late"><bpmn:extensionElements><procos:simulation duration="5"/></bpmn:extensionElements></bpmn:task>
        <bpmn:exclusiveGateway id="merge"/><bpmn:parallelGateway id="join"/><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="a" sourceRef="s" targetRef="split"/><bpmn:sequenceFlow id="b" sourceRef="split" targetRef="long"/>
        <bpmn:sequenceFlow id="c" sourceRef="split" targetRef="short"/><bpmn:sequenceFlow id="d" sourceRef="long" targetRef="join"/>
        <bpmn:sequenceFlow id="f" sourceRef="short" targetRef="merge"/><bpmn:sequenceFlow id="g" sourceRef="timer" targetRef="late"/>
        <bpmn:sequenceFlow id="h" sourceRef="late" targetRef="merge"/><bpmn:sequenceFlow id="i" sourceRef="merge" targetRef="join"/>
        <bpmn:sequenceFlow id="j" sourceRef="join" targetRef="e"/>"#,
    );
    let visits = |model: &Model, found: &super::super::Replication| {
        let of = |id: &str| model.activities.iter().position(|activity| activity.id == id).unwrap();
        (found.activities[of("late")].visits, found.activities[of("short")].waited)
    };
    let found = queueing::run(&model, 1, 0, (10, 0), &mut Nobody);
    assert_eq!((found.cases, visits(&model, &found)), (10, (10, 300.0)));
    // Only the long task was worked on: 100 s at a coin a second.
    assert!(
        (found.cost - 1_000.0).abs() < 1e-6 && found.durations.iter().all(|it| (it - 100.0).abs() < 1e-6)
    );
    // With a second resource nobody waits.
    model.resources[0].capacity = 2;
    let found = queueing::run(&model, 1, 0, (10, 0), &mut Nobody);
    assert_eq!(visits(&model, &found), (0, 0.0));
    // A slower short task is broken off at work: 30 s of it are paid.
    let short = model.activities.iter_mut().find(|activity| activity.id == "short").unwrap();
    short.law = Law::Constant(50.0);
    let found = queueing::run(&model, 1, 0, (10, 0), &mut Nobody);
    assert_eq!(visits(&model, &found), (10, 0.0));
    assert!((found.cost - 1_300.0).abs() < 1e-6, "{}", found.cost);
    let inexact = Exact::of(&model).unwrap_err().to_string();
    assert!(
        inexact.contains("how long it waits"),
        "the queue decides whether the timer comes first: {inexact}"
    );
}

#[test]
fn a_sub_process_whose_branches_end_apart_is_no_table_unless_it_counts_as_one_piece() {
    let with = |extension: &str| {
        format!(
            r#"<bpmn:startEvent id="s"/><bpmn:subProcess id="sub">{extension}<bpmn:startEvent id="i"/>
            <bpmn:parallelGateway id="split"/><bpmn:endEvent id="x"/><bpmn:endEvent id="y"/>
            <bpmn:sequenceFlow id="a" sourceRef="i" targetRef="split"/><bpmn:sequenceFlow id="b" sourceRef="split" targetRef="x"/>
            <bpmn:sequenceFlow id="c" sourceRef="split" targetRef="y"/></bpmn:subProcess><bpmn:endEvent id="e"/>
            <bpmn:sequenceFlow id="d" sourceRef="s" targetRef="sub"/><bpmn:sequenceFlow id="f" sourceRef="sub" targetRef="e"/>"#
        )
    };
    let (program, declaration) = read(&with(""));
    let error = Model::table(&program, &declaration).unwrap_err();
    assert_eq!(error.code(), "SCORING-0006");
    assert!(error.to_string().contains("sub") && error.hint().contains("join"), "{error}");
    let piece =
        model(&with(r#"<bpmn:extensionElements><procos:simulation duration="7"/></bpmn:extensionElements>"#));
    let found = cases(&piece, 100);
    assert!((found.estimate("duration", "").unwrap().value - 7.0).abs() < 1e-9);
}

/// An event-based gateway: an answer is waited for, at most 100 s; behind the timer stands a step of 10 s.
fn gateway(answer: &str, more: &str) -> String {
    format!(
        r#"<bpmn:startEvent id="s"/><bpmn:eventBasedGateway id="g"/>
        <bpmn:intermediateCatchEvent id="answer"><bpmn:extensionElements><procos:simulation duration="{answer}"/>
        </bpmn:extensionElements><bpmn:conditionalEventDefinition><bpmn:condition>=ready</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:intermediateCatchEvent>
        <bpmn:intermediateCatchEvent id="late"><bpmn:timerEventDefinition><bpmn:timeDuration>PT100S</bpmn:timeDuration>
        </bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
        <bpmn:task id="remind"><bpmn:extensionElements><procos:simulation duration="10"/></bpmn:extensionElements></bpmn:task>
        <bpmn:endEvent id="answered"/><bpmn:endEvent id="reminded"/>{more}
        <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="g"/><bpmn:sequenceFlow id="f2" sourceRef="g" targetRef="answer"/>
        <bpmn:sequenceFlow id="f3" sourceRef="g" targetRef="late"/>
        <bpmn:sequenceFlow id="f4" sourceRef="answer" targetRef="answered"/>
        <bpmn:sequenceFlow id="f5" sourceRef="late" targetRef="remind"/>
        <bpmn:sequenceFlow id="f6" sourceRef="remind" targetRef="reminded"/>"#
    )
}

#[test]
fn an_event_based_gateway_goes_on_with_what_comes_first() {
    let model = model(&gateway("exponential(100)", ""));
    let exact = Exact::of(&model).unwrap();
    let late = (-1.0_f64).exp();
    let place = model.ends.iter().position(|(id, _)| id == "reminded").unwrap();
    assert!((exact.ends[place] - late).abs() < 1e-9, "{:?}", exact.ends);
    let found = cases(&model, 40_000);
    // The answer or 100 s, then 10 s where it was late.
    let expected = 100.0 * (1.0 - late) + 10.0 * late;
    let mean = found.estimate("duration", "").unwrap();
    assert!(mean.monte_carlo.0 < expected && expected < mean.monte_carlo.1, "{mean:?} {expected}");
}

#[test]
fn a_case_that_waits_at_an_event_based_gateway_waits_no_longer_than_its_timer() {
    let model = model(&gateway("1000", ""));
    let case = LiveCase { elements: vec![("g".to_owned(), 40.0)], ..LiveCase::default() };
    let left = forecast(&model, &[case], 0.0, 1, Effort::default()).unwrap().remaining.value;
    assert!((left - 70.0).abs() < 1e-9, "60 s until the timer, then 10 s: {left}");
}

#[test]
fn an_event_based_gateway_with_more_events_is_no_table_and_each_must_say_when_it_comes() {
    let more = r#"<bpmn:intermediateCatchEvent id="other"><bpmn:conditionalEventDefinition><bpmn:condition>=ready</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:intermediateCatchEvent>
        <bpmn:sequenceFlow id="g1" sourceRef="g" targetRef="other"/><bpmn:sequenceFlow id="g2" sourceRef="other" targetRef="answered"/>"#;
    let (program, declaration) = read(&gateway("1000", more));
    let refused = Model::table(&program, &declaration).unwrap_err();
    assert!(matches!(&refused, Error::NotSimulated { element, .. } if element == "g"), "{refused}");
    let refused = Model::build(&program, &declaration).unwrap_err();
    assert!(matches!(&refused, Error::NotSimulated { element, .. } if element == "other"), "{refused}");
}
