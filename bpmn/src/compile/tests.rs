//! What compiles to what, and what is refused.

use serde_json::json;

use super::*;
use crate::program::{ExecutedBy, JobKind, Over, Repeat, SubProcess, Throw, Timer, Trigger};
use crate::samples;
use crate::xml::{namespace, read};

fn file(root: &str, inside: &str) -> Definitions {
    let text = format!(
        "<definitions xmlns=\"{}\" xmlns:procos=\"{PROCOS}\" xmlns:zeebe=\"{ZEEBE}\" xmlns:camunda=\"{}\">{root}\n<process id=\"p\">\
         <startEvent id=\"start\"/>{inside}</process></definitions>",
        namespace::BPMN,
        namespace::CAMUNDA
    );
    read(text.as_bytes()).unwrap()
}

fn program(root: &str, inside: &str) -> Program {
    compile(&file(root, inside), None).unwrap().remove(0)
}

fn node(inside: &str) -> Node {
    let mut program = program("", inside);
    let index = program.find("t").unwrap();
    program.nodes.swap_remove(index)
}

fn refused(inside: &str) -> Error {
    let mut problems = compile(&file("", inside), None).unwrap_err();
    problems.0.remove(0)
}

fn source(expression: &Expression) -> &str {
    expression.source()
}

#[test]
fn each_task_compiles_to_what_does_it() {
    assert!(matches!(node("<task id=\"t\"/>").kind, NodeKind::PassThrough));
    assert!(matches!(node("<manualTask id=\"t\"/>").kind, NodeKind::PassThrough));
    for name in ["serviceTask", "sendTask", "businessRuleTask"] {
        let node = node(&format!("<{name} id=\"t\"/>"));
        assert!(matches!(node.kind, NodeKind::Job(JobKind::Service)), "{name}");
        assert_eq!((node.task.by, node.local_name.as_str()), (ExecutedBy::Undeclared, name));
    }
    assert!(matches!(node("<userTask id=\"t\"/>").kind, NodeKind::Job(JobKind::User)));
    let script = node("<scriptTask id=\"t\" scriptFormat=\"python\"><script>print(1)</script></scriptTask>");
    assert_eq!((script.task.by, script.task.reference.as_deref()), (ExecutedBy::Tool, Some("python")));
    assert_eq!(script.task.script.as_deref(), Some("print(1)"));
    let feel = node(
        "<scriptTask id=\"t\"><extensionElements><zeebe:script expression=\"=1 + 2\" resultVariable=\"x\"/></extensionElements></scriptTask>",
    );
    assert!(
        matches!(&feel.kind, NodeKind::Script { expression, result: Some(result) } if source(expression) == "=1 + 2" && result == "x")
    );
    let juel = node("<serviceTask id=\"t\" camunda:expression=\"${a + 1}\" camunda:resultVariable=\"x\"/>");
    assert!(matches!(&juel.kind, NodeKind::Script { result: Some(result), .. } if result == "x"));
    let by = node(
        "<task id=\"t\"><extensionElements><procos:task by=\"tool\" ref=\"solve\"/></extensionElements></task>",
    );
    assert!(matches!(by.kind, NodeKind::Job(JobKind::Service)));
}

#[test]
fn procos_extensions_become_the_spec_and_come_back() {
    let inside = "<serviceTask id=\"t\"><documentation>Fly far.</documentation><extensionElements>\
        <procos:task by=\"stochastic\" class=\"pure\" undecided=\"all\" executor=\"tde\" margin=\"3\"/>\
        <procos:draw variable=\"ld\" distribution=\"normal\" mean=\"=lift\" sd=\"0.5\"/>\
        <procos:compute variable=\"range\" expression=\"=ld * 2\"/>\
        <procos:outcome label=\"meets\" when=\"=range &gt; 5\"/><procos:outcome label=\"misses\" success=\"false\"/>\
        <procos:stop rule=\"winner\" delta=\"0.05\" samples=\"2000\" tokens=\"9000\" time=\"PT30S\"/><procos:prompt>How far?</procos:prompt>\
        </extensionElements></serviceTask>";
    let spec = node(inside).task;
    assert_eq!(
        (spec.by, spec.class.as_deref(), spec.executor.as_deref()),
        (ExecutedBy::Stochastic, Some("pure"), Some("tde"))
    );
    assert_eq!(spec.draws[0].parameters["mean"], "=lift");
    assert_eq!(spec.computes, [("range".to_owned(), "=ld * 2".to_owned())]);
    assert_eq!(spec.outcomes.len(), 2);
    assert!(spec.outcomes[0].success && !spec.outcomes[1].success);
    let stop = spec.stop.as_ref().unwrap();
    assert_eq!((stop.samples, stop.tokens), (Some(2000), Some(9000)));
    assert_eq!((spec.script.as_deref(), spec.documentation.as_deref()), (Some("How far?"), Some("Fly far.")));
    assert_eq!(spec.attributes["margin"], "3");

    let mut builder = crate::model::Builder::process("p");
    builder.start("s").service_task("t", "").specify("t", &spec).document("t", "Fly far.");
    let again = compile(&builder.finish(), None).unwrap().remove(0);
    assert_eq!(again.nodes[1].task, spec);
}

#[test]
fn wrong_procos_values_are_refused_with_what_is_expected() {
    for extension in [
        "<procos:task by=\"magic\"/>",
        "<procos:task by=\"tool\" class=\"safe\"/>",
        "<procos:task by=\"tool\" undecided=\"maybe\"/>",
        "<procos:task by=\"model\" grouping=\"meaning\"/>",
        "<procos:task by=\"model\" grouping=\"embeddings\" similarity=\"1.5\"/>",
        "<procos:task by=\"model\" undecided=\"all\" weight=\"25\"/>",
        "<procos:outcome label=\"\"/>",
        "<procos:outcome label=\"a\" success=\"yes\"/>",
        "<procos:outcome label=\"a\"/><procos:outcome label=\"a\"/>",
        "<procos:draw variable=\"x\" distribution=\"cauchy\"/>",
        "<procos:stop delta=\"2\"/>",
        "<procos:stop samples=\"0\"/>",
        "<procos:stop time=\"soon\"/>",
    ] {
        let error = refused(&format!(
            "<serviceTask id=\"t\"><extensionElements>{extension}</extensionElements></serviceTask>"
        ));
        assert_eq!((error.code(), error.place().element.as_deref()), ("BPMN-0009", Some("t")), "{extension}");
    }
    let unknown =
        "<serviceTask id=\"t\"><extensionElements><procos:speed/></extensionElements></serviceTask>";
    assert_eq!(refused(unknown).code(), "BPMN-0011");
}

#[test]
fn camunda_7_attributes_are_read() {
    let task = node(
        "<serviceTask id=\"t\" camunda:type=\"external\" camunda:topic=\"bill\" camunda:taskPriority=\"7\"><extensionElements>\
         <camunda:failedJobRetryTimeCycle>R5/PT1M</camunda:failedJobRetryTimeCycle><camunda:properties><camunda:property name=\"k\" value=\"v\"/></camunda:properties>\
         <camunda:inputOutput><camunda:inputParameter name=\"a\">${b}</camunda:inputParameter><camunda:inputParameter name=\"l\"><camunda:list><camunda:value>1</camunda:value></camunda:list></camunda:inputParameter>\
         <camunda:outputParameter name=\"c\">fixed</camunda:outputParameter></camunda:inputOutput></extensionElements>\
         <multiInstanceLoopCharacteristics camunda:collection=\"items\" camunda:elementVariable=\"item\"/></serviceTask>",
    );
    assert_eq!(
        (task.task.job_type.as_deref(), task.task.priority, task.task.retries),
        (Some("bill"), Some(7), Some(5))
    );
    assert_eq!(task.task.headers["k"], "v");
    assert_eq!(task.inputs[0].target, "a");
    assert_eq!(task.inputs[1].source.as_literal(), Some(&json!(["1"])));
    assert_eq!(task.outputs[0].source.as_literal(), Some(&json!("fixed")));
    let Some(Repeat::Multi { over: Over::Collection { collection, element }, .. }) = task.repeat else {
        panic!()
    };
    assert_eq!((source(&collection), element.as_deref()), ("items", Some("item")));
    let user = node(
        "<userTask id=\"t\" camunda:assignee=\"ann\" camunda:candidateGroups=\"a,b\" camunda:formKey=\"f\"/>",
    );
    assert_eq!(
        (user.task.assignment["assignee"].as_str(), user.task.assignment["formKey"].as_str()),
        ("ann", "f")
    );
}

#[test]
fn a_call_activity_hands_over_what_it_says() {
    let all = node("<callActivity id=\"t\" calledElement=\"q\"/>");
    assert!(matches!(all.kind, NodeKind::Call { propagate_all_in: true, propagate_all_out: true, .. }));
    let mapped = node(
        "<callActivity id=\"t\" calledElement=\"q\"><extensionElements><camunda:in source=\"a\" target=\"b\"/>\
         <camunda:out variables=\"all\"/></extensionElements></callActivity>",
    );
    assert!(matches!(mapped.kind, NodeKind::Call { propagate_all_in: false, propagate_all_out: true, .. }));
    assert_eq!(mapped.inputs[0].target, "b");
    let zeebe = node(
        "<callActivity id=\"t\"><extensionElements><zeebe:calledElement processId=\"=which\" propagateAllChildVariables=\"false\"/></extensionElements></callActivity>",
    );
    assert!(
        matches!(&zeebe.kind, NodeKind::Call { process, propagate_all_out: false, .. } if source(process) == "=which")
    );
    assert_eq!(refused("<callActivity id=\"t\"/>").code(), "BPMN-0008");
}

#[test]
fn a_whole_file_compiles_with_everything_resolved() {
    let definitions = read(samples::EVERYTHING.as_bytes()).unwrap();
    let programs = compile(&definitions, None).unwrap();
    assert_eq!(programs.len(), 1);
    let program = &programs[0];
    let find = |id: &str| &program.nodes[program.find(id).unwrap()];
    let NodeKind::Start { trigger: Some(Trigger::Message { name, correlation_key: Some(key) }), .. } =
        &find("s").kind
    else {
        panic!("{:?}", find("s").kind)
    };
    assert_eq!((name.as_literal(), source(key)), (Some(&json!("order")), "=orderId"));
    let NodeKind::Boundary { attached_to, trigger: Trigger::Timer(Timer::Duration(_)), interrupting: false } =
        find("late").kind
    else {
        panic!()
    };
    assert_eq!(program.nodes[attached_to].id, "pick");
    assert_eq!(find("pick").boundary, [program.find("late").unwrap()]);
    assert!(
        matches!(&find("failed").kind, NodeKind::Boundary { trigger: Trigger::Error { code: Some(code), .. }, .. } if code == "BAD")
    );
    assert!(matches!(find("se").kind, NodeKind::End(Throw::Error { .. })));
    assert!(matches!(find("esp").kind, NodeKind::SubProcess(SubProcess::Event)));
    assert!(matches!(find("es").kind, NodeKind::Start { interrupting: false, .. }));
    assert_eq!(find("st").parent, program.find("sub"));
    assert_eq!((find("bill").task.job_type.as_deref(), find("bill").task.retries), (Some("bill"), Some(5)));
    assert!(
        matches!(&find("bill").repeat, Some(Repeat::Multi { sequential: true, completion: Some(_), output: Some((name, _)), .. }) if name == "bills")
    );
    assert_eq!(program.properties["documentation"], "Sells\nthings.");
}

#[test]
fn flows_need_no_incoming_and_outgoing_elements() {
    let program = program(
        "",
        "<exclusiveGateway id=\"g\" default=\"b\"/><endEvent id=\"e\"/><sequenceFlow id=\"a\" sourceRef=\"start\" targetRef=\"g\"/>\
        <sequenceFlow id=\"b\" sourceRef=\"g\" targetRef=\"e\"/><sequenceFlow id=\"c\" sourceRef=\"g\" targetRef=\"e\"><conditionExpression>x &gt; 1</conditionExpression></sequenceFlow>",
    );
    let gateway = &program.nodes[program.find("g").unwrap()];
    assert_eq!(
        (gateway.incoming.as_slice(), gateway.outgoing.as_slice(), gateway.default_flow),
        (&[0][..], &[1, 2][..], Some(1))
    );
    assert!(program.flows[2].condition.is_some());
}

#[test]
fn what_would_not_be_executed_is_refused_with_element_and_hint() {
    for (inside, code) in [
        ("<serviceTask id=\"t\" camunda:class=\"a.B\"/>", "BPMN-0011"),
        ("<serviceTask id=\"t\" camunda:type=\"mail\"/>", "BPMN-0011"),
        (
            "<userTask id=\"t\"><extensionElements><camunda:taskListener event=\"create\" class=\"x\"/></extensionElements></userTask>",
            "BPMN-0011",
        ),
        (
            "<intermediateCatchEvent id=\"t\"><timerEventDefinition><timeDate>x</timeDate></timerEventDefinition><signalEventDefinition/></intermediateCatchEvent>",
            "BPMN-0011",
        ),
        (
            "<choreographyTask id=\"t\"/><sequenceFlow id=\"f\" sourceRef=\"start\" targetRef=\"t\"/>",
            "BPMN-0011",
        ),
        ("<intermediateCatchEvent id=\"t\"/>", "BPMN-0008"),
        ("<intermediateCatchEvent id=\"t\"><timerEventDefinition/></intermediateCatchEvent>", "BPMN-0008"),
        ("<intermediateCatchEvent id=\"t\"><messageEventDefinition/></intermediateCatchEvent>", "BPMN-0008"),
        (
            "<intermediateThrowEvent id=\"t\"><terminateEventDefinition/></intermediateThrowEvent>",
            "BPMN-0011",
        ),
        ("<endEvent id=\"t\"><cancelEventDefinition/></endEvent>", "BPMN-0011"),
        ("<endEvent id=\"t\"><errorEventDefinition/></endEvent>", "BPMN-0008"),
        ("<scriptTask id=\"t\"/>", "BPMN-0008"),
        ("<serviceTask id=\"t\"><multiInstanceLoopCharacteristics/></serviceTask>", "BPMN-0008"),
        ("<eventBasedGateway id=\"t\"/>", "BPMN-0011"),
        ("<subProcess id=\"t\"><task id=\"u\"/></subProcess>", "BPMN-0014"),
        ("<subProcess id=\"t\" triggeredByEvent=\"true\"><startEvent id=\"u\"/></subProcess>", "BPMN-0011"),
        (
            "<intermediateThrowEvent id=\"t\"><linkEventDefinition name=\"far\"/></intermediateThrowEvent>",
            "BPMN-0007",
        ),
        (
            "<endEvent id=\"u\"/><task id=\"v\"/><sequenceFlow id=\"t\" sourceRef=\"u\" targetRef=\"v\"/>",
            "BPMN-0013",
        ),
        (
            "<subProcess id=\"u\"><startEvent id=\"v\"/></subProcess><sequenceFlow id=\"t\" sourceRef=\"start\" targetRef=\"v\"/>",
            "BPMN-0013",
        ),
        (
            "<endEvent id=\"u\"/><sequenceFlow id=\"t\" sourceRef=\"start\" targetRef=\"u\"><conditionExpression>1 +</conditionExpression></sequenceFlow>",
            "BPMN-0012",
        ),
        (
            "<endEvent id=\"u\"/><sequenceFlow id=\"t\" sourceRef=\"start\" targetRef=\"u\"><conditionExpression language=\"groovy\">a</conditionExpression></sequenceFlow>",
            "BPMN-0011",
        ),
    ] {
        let error = refused(inside);
        assert_eq!(error.code(), code, "{inside}: {error}");
        let element = error.place().element;
        assert!(matches!(element.as_deref(), Some("t" | "u")), "{inside}: {error}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn compensation_is_joined_by_its_association() {
    let inside = "<serviceTask id=\"book\"/><boundaryEvent id=\"c\" attachedToRef=\"book\"><compensateEventDefinition/></boundaryEvent>\
        <serviceTask id=\"undo\" isForCompensation=\"true\"/>";
    let program = program("", &format!("{inside}<association id=\"a\" sourceRef=\"c\" targetRef=\"undo\"/>"));
    let undo = program.find("undo");
    assert_eq!(program.nodes[program.find("book").unwrap()].compensation, undo);
    assert!(program.nodes[undo.unwrap()].is_compensation_handler);
    assert_eq!(refused(inside).code(), "BPMN-0008");
}

#[test]
fn pools_give_several_programs_and_share_messages_by_their_flows() {
    let text = format!(
        "<definitions xmlns=\"{}\"><collaboration id=\"c\"><participant id=\"pa\" processRef=\"a\"/><participant id=\"pb\" processRef=\"b\"/><participant id=\"pc\" processRef=\"empty\"/>\
         <messageFlow id=\"m\" sourceRef=\"e\" targetRef=\"t\"/></collaboration><process id=\"a\"><startEvent id=\"s\"/><endEvent id=\"e\"><messageEventDefinition/></endEvent></process>\
         <process id=\"b\"><startEvent id=\"t\"><messageEventDefinition/></startEvent></process><process id=\"empty\"/><process id=\"off\" isExecutable=\"false\"><task id=\"x\"/></process></definitions>",
        namespace::BPMN
    );
    let definitions = read(text.as_bytes()).unwrap();
    let programs = compile(&definitions, None).unwrap();
    assert_eq!(programs.iter().map(|it| it.process_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let NodeKind::End(Throw::Message { name, .. }) = &programs[0].nodes[1].kind else { panic!() };
    let NodeKind::Start { trigger: Some(Trigger::Message { name: awaited, .. }), .. } =
        &programs[1].nodes[0].kind
    else {
        panic!()
    };
    assert_eq!((name.as_literal(), awaited.as_literal()), (Some(&json!("m")), Some(&json!("m"))));
    assert_eq!(compile(&definitions, Some("none")).unwrap_err().code(), "BPMN-0010");
}

#[test]
fn a_file_without_executable_process_says_so() {
    let text = format!(
        "<definitions xmlns=\"{}\"><process id=\"p\" isExecutable=\"false\"><startEvent id=\"s\"/></process></definitions>",
        namespace::BPMN
    );
    let definitions = read(text.as_bytes()).unwrap();
    assert_eq!(compile(&definitions, None).unwrap_err().code(), "BPMN-0010");
    assert_eq!(compile(&definitions, Some("p")).unwrap().len(), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_compiles_from_a_written_file_runs_to_its_end(block in samples::blocks()) {
        use crate::exec::{Event, Input, State, StepContext, advance};
        let text = crate::xml::write(&samples::process_of(&block));
        let program = compile(&read(text.as_bytes()).unwrap(), None).unwrap().remove(0);
        let mut variables = crate::program::Variables::new();
        variables.insert("x".to_owned(), json!(5));
        let mut state = State::new();
        let mut inputs = vec![Input::Start { start: None, variables }];
        while let Some(input) = inputs.pop() {
            for event in advance(&program, &mut state, input, StepContext::at(0)).unwrap() {
                match event {
                    Event::JobCreated { job, .. } => {
                        inputs.push(Input::CompleteJob { job, variables: crate::program::Variables::new() });
                    }
                    Event::Yielded { .. } => inputs.push(Input::Continue),
                    _ => {}
                }
            }
        }
        proptest::prop_assert!(state.is_ended(), "{:?}", state.status());
    }
}
