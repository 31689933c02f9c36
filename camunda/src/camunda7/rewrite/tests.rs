//! What Camunda is given for what ProcOS reads.

use super::*;

fn process(content: &str) -> String {
    format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
          xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
          xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
          <bpmn:message id="m"/>
          <bpmn:process id="p" isExecutable="true"><bpmn:startEvent id="s"/>{content}</bpmn:process></bpmn:definitions>"#
    )
}

fn rewritten(content: &str) -> Result<String, Vec<String>> {
    let definitions = bpmn::xml::read(process(content).as_bytes()).unwrap();
    let programs = bpmn::compile::compile(&definitions, None).unwrap();
    rewrite("file.bpmn", &definitions, &programs).map(|definitions| bpmn::xml::write(&definitions))
}

#[test]
fn tasks_of_the_kernel_become_external_tasks_with_their_priority() {
    let xml = rewritten(
        r#"<bpmn:serviceTask id="a"><bpmn:extensionElements><procos:task by="feel"/>
        <zeebe:priorityDefinition priority="7"/></bpmn:extensionElements></bpmn:serviceTask>
        <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/>"#,
    )
    .unwrap();
    assert!(xml.contains(r#"camunda:topic="procos""#) && xml.contains(r#"camunda:type="external""#), "{xml}");
    assert!(xml.contains("procos:task") && xml.contains("historyTimeToLive"), "{xml}");
}

#[test]
fn a_script_becomes_an_external_service_task_and_a_persons_task_a_user_task() {
    let xml = rewritten(
        r#"<bpmn:scriptTask id="a"><bpmn:extensionElements><zeebe:script expression="=1 + 1" resultVariable="x"/>
        </bpmn:extensionElements></bpmn:scriptTask>
        <bpmn:serviceTask id="b"><bpmn:extensionElements><procos:task by="person"/></bpmn:extensionElements></bpmn:serviceTask>
        <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/><bpmn:sequenceFlow id="g" sourceRef="a" targetRef="b"/>"#,
    )
    .unwrap();
    assert!(xml.contains(r#"camunda:topic="procos.script""#) && xml.contains("bpmn:userTask"), "{xml}");
    assert!(!xml.contains("scriptTask"), "{xml}");
}

#[test]
fn conditions_are_said_in_juel_else_in_feel_else_refused() {
    let with = |condition: &str| {
        rewritten(&format!(
            r#"<bpmn:exclusiveGateway id="g" default="e"/><bpmn:endEvent id="x"/><bpmn:endEvent id="y"/>
            <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="g"/>
            <bpmn:sequenceFlow id="e" sourceRef="g" targetRef="x"/>
            <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="y">
            <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression></bpmn:sequenceFlow>"#
        ))
    };
    assert!(with("=n &gt; 1").unwrap().contains("(execution.getVariable('n') &gt; 1) == true"));
    assert!(with("${n &gt; 1}").unwrap().contains("${n &gt; 1}"));
    assert!(with("=n in [1..5]").unwrap().contains(r#"language="feel""#));
    let problems = with("=order.total &gt; 1").unwrap_err();
    assert!(
        problems[0].contains("element c (line") && problems[0].contains("let a task before"),
        "{problems:?}"
    );
}

#[test]
fn what_camunda_does_not_run_is_refused_with_a_hint() {
    let problems = rewritten(
        r#"<bpmn:task id="a"><bpmn:standardLoopCharacteristics/></bpmn:task><bpmn:complexGateway id="g"/>
        <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/><bpmn:sequenceFlow id="h" sourceRef="a" targetRef="g"/>"#,
    )
    .unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}
