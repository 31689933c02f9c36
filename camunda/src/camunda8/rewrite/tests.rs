//! What Camunda 8 is given for what ProcOS reads.

use super::*;

fn process(content: &str) -> DeployFile {
    let xml = format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
          xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
          xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
          <bpmn:message id="m" name="paid"/>
          <bpmn:message id="k" name="known"><bpmn:extensionElements><zeebe:subscription correlationKey="=order"/></bpmn:extensionElements></bpmn:message>
          <bpmn:process id="p" isExecutable="true"><bpmn:startEvent id="s"/>{content}</bpmn:process></bpmn:definitions>"#
    );
    DeployFile { name: "file.bpmn".to_owned(), content: xml.into_bytes() }
}

fn rewritten(content: &str) -> Result<String, Vec<String>> {
    let file = process(content);
    let definitions = bpmn::xml::read(&file.content).unwrap();
    let programs = bpmn::compile::compile(&definitions, None).unwrap();
    let rewritten = rewrite(&file, &definitions, &programs)?;
    assert_eq!(original(&rewritten).as_deref(), Some(&file.content[..]), "the original can be had back");
    let xml = bpmn::xml::write(&rewritten);
    let again = bpmn::xml::read(xml.as_bytes()).unwrap();
    assert_eq!(original(&again).as_deref(), Some(&file.content[..]), "also from the file");
    Ok(xml.split("<kept:original").next().unwrap().to_owned() + xml.split("</kept:original>").nth(1).unwrap())
}

const FLOW: &str = r#"<bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/>"#;

#[test]
fn tasks_of_the_kernel_get_its_job_type_and_leave_the_rest_in_the_original() {
    let xml = rewritten(&format!(
        r#"<bpmn:serviceTask id="a"><bpmn:extensionElements><procos:task by="feel"/>
        <zeebe:priorityDefinition priority="7"/></bpmn:extensionElements></bpmn:serviceTask>{FLOW}"#
    ))
    .unwrap();
    assert!(xml.contains(r#"<zeebe:taskDefinition type="procos" retries="3""#), "{xml}");
    assert!(!xml.contains("procos:task") && xml.contains(r#"priority="7""#), "{xml}");
}

#[test]
fn what_camunda_7_says_is_said_in_camunda_8s_words() {
    let xml = rewritten(&format!(
        r#"<bpmn:serviceTask id="a" camunda:type="external" camunda:topic="mail"><bpmn:extensionElements>
        <camunda:inputOutput><camunda:inputParameter name="to">you</camunda:inputParameter></camunda:inputOutput>
        </bpmn:extensionElements><bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>3</bpmn:loopCardinality>
        </bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>
        <bpmn:callActivity id="b" calledElement="q"/><bpmn:userTask id="c" camunda:assignee="kim"/>
        {FLOW}<bpmn:sequenceFlow id="g" sourceRef="a" targetRef="b"/><bpmn:sequenceFlow id="h" sourceRef="b" targetRef="c"/>"#
    ))
    .unwrap();
    for wanted in [
        r#"<zeebe:taskDefinition type="mail""#,
        r#"<zeebe:input source="=&quot;you&quot;" target="to""#,
        r#"inputCollection="=for run in 1..(3) return run""#,
        r#"<zeebe:calledElement processId="q""#,
        "<zeebe:userTask",
        r#"<zeebe:assignmentDefinition assignee="kim""#,
    ] {
        assert!(xml.contains(wanted), "{wanted}: {xml}");
    }
    assert!(!xml.contains("camunda:"), "{xml}");
}

#[test]
fn a_condition_gets_its_sign_and_a_thrown_message_its_job_type() {
    let xml = rewritten(
        r#"<bpmn:exclusiveGateway id="g" default="e"/><bpmn:endEvent id="x"/>
        <bpmn:endEvent id="y"><bpmn:messageEventDefinition messageRef="m"/></bpmn:endEvent>
        <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="g"/><bpmn:sequenceFlow id="e" sourceRef="g" targetRef="x"/>
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="y">
        <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">n &gt; 1</bpmn:conditionExpression></bpmn:sequenceFlow>"#,
    )
    .unwrap();
    assert!(xml.contains("=n &gt; 1") && xml.contains(r#"type="procos.message""#), "{xml}");
}

#[test]
fn what_cannot_be_said_is_refused_with_element_line_and_hint() {
    let refused = |content: &str, element: &str, hint: &str| {
        let problems = rewritten(content).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = &problems[0];
        let place = format!("element {element} (line ");
        assert!(problem.contains("BPMN-0201") && problem.contains(&place), "{problem}");
        assert!(problem.contains(hint), "{problem}");
    };
    refused(
        r#"<bpmn:task id="a"><bpmn:standardLoopCharacteristics/></bpmn:task><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/>"#,
        "a",
        "exclusive gateway",
    );
    refused(
        r#"<bpmn:receiveTask id="a" messageRef="m"/><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/>"#,
        "a",
        "correlationKey",
    );
    refused(
        r#"<bpmn:exclusiveGateway id="g" default="e"/><bpmn:endEvent id="x"/><bpmn:endEvent id="y"/>
        <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="g"/><bpmn:sequenceFlow id="e" sourceRef="g" targetRef="x"/>
        <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="y">
        <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${n &gt; 1}</bpmn:conditionExpression></bpmn:sequenceFlow>"#,
        "c",
        "FEEL",
    );
    assert!(rewritten(r#"<bpmn:receiveTask id="a" messageRef="k"/><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="a"/>"#).is_ok());
}
