//! `docs/bpmn-coverage.md`, made from what compiling and the portability checks say about one small model for each
//! element. `UPDATE_EXPECT=1 cargo test -p bpmn coverage` writes it again.

use crate::check::{Target, portability};
use crate::compile::compile;
use crate::xml::{namespace, read};

const HEAD: &str = "# What of BPMN is executed\n\n\
This table is made by a test (`cargo test -p bpmn coverage`) from the code: for each element a small model is compiled \
for the embedded engine and checked for Camunda 7.24 and Camunda 8.8. What the embedded engine cannot execute is \
refused when it is deployed, with element, line and the way out; nothing is passed over in silence.\n\n\
`*` The model carries the attributes that the target needs (`zeebe:…`, `camunda:…`); `procos check --target` names \
those that are missing.\n";

/// A group of elements with their models: (name, elements beside the process, elements inside it).
type Group = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

const ROOT: &str = "<message id='m' name='paid'><extensionElements><zeebe:subscription correlationKey='=case'/>\
    </extensionElements></message><signal id='sig' name='storm'/><error id='err' errorCode='E'/>\
    <escalation id='esc' escalationCode='X'/>";

const TIMER: &str = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>";
const JOB: &str = "<extensionElements><zeebe:taskDefinition type='w'/></extensionElements>";

const GROUPS: &[Group] = &[
    (
        "Start events",
        &[
            ("none", "", "<startEvent id='s'/>"),
            ("timer", "", "<startEvent id='s'>TIMER</startEvent>"),
            ("message", "", "<startEvent id='s'><messageEventDefinition messageRef='m'/></startEvent>"),
            ("signal", "", "<startEvent id='s'><signalEventDefinition signalRef='sig'/></startEvent>"),
            (
                "conditional",
                "",
                "<startEvent id='s'><conditionalEventDefinition><condition>=a</condition></conditionalEventDefinition></startEvent>",
            ),
            (
                "several start events",
                "",
                "<startEvent id='s'/><startEvent id='s2'><messageEventDefinition messageRef='m'/></startEvent>",
            ),
            (
                "parallel multiple",
                "",
                "<startEvent id='s' parallelMultiple='true'><messageEventDefinition messageRef='m'/><signalEventDefinition signalRef='sig'/></startEvent>",
            ),
        ],
    ),
    (
        "Intermediate catch events",
        &[
            ("timer", "", "START<intermediateCatchEvent id='t'>TIMER</intermediateCatchEvent>"),
            (
                "message",
                "",
                "START<intermediateCatchEvent id='t'><messageEventDefinition messageRef='m'/></intermediateCatchEvent>",
            ),
            (
                "signal",
                "",
                "START<intermediateCatchEvent id='t'><signalEventDefinition signalRef='sig'/></intermediateCatchEvent>",
            ),
            (
                "conditional",
                "",
                "START<intermediateCatchEvent id='t'><conditionalEventDefinition><condition>=a</condition></conditionalEventDefinition></intermediateCatchEvent>",
            ),
            (
                "link",
                "",
                "START<intermediateThrowEvent id='o'><linkEventDefinition name='l'/></intermediateThrowEvent><intermediateCatchEvent id='c'><linkEventDefinition name='l'/></intermediateCatchEvent><sequenceFlow id='fl' sourceRef='s' targetRef='o'/>",
            ),
            (
                "multiple",
                "",
                "START<intermediateCatchEvent id='t'><messageEventDefinition messageRef='m'/><signalEventDefinition signalRef='sig'/></intermediateCatchEvent>",
            ),
        ],
    ),
    (
        "Intermediate throw events",
        &[
            ("none", "", "START<intermediateThrowEvent id='t'/>"),
            (
                "message",
                "",
                "START<intermediateThrowEvent id='t'>JOB<messageEventDefinition messageRef='m'/></intermediateThrowEvent>",
            ),
            (
                "signal",
                "",
                "START<intermediateThrowEvent id='t'><signalEventDefinition signalRef='sig'/></intermediateThrowEvent>",
            ),
            (
                "escalation",
                "",
                "START<intermediateThrowEvent id='t'><escalationEventDefinition escalationRef='esc'/></intermediateThrowEvent>",
            ),
            (
                "compensation",
                "",
                "START<intermediateThrowEvent id='t'><compensateEventDefinition/></intermediateThrowEvent>",
            ),
        ],
    ),
    (
        "End events",
        &[
            ("none", "", "START<endEvent id='t'/>"),
            ("message", "", "START<endEvent id='t'>JOB<messageEventDefinition messageRef='m'/></endEvent>"),
            ("signal", "", "START<endEvent id='t'><signalEventDefinition signalRef='sig'/></endEvent>"),
            ("error", "", "START<endEvent id='t'><errorEventDefinition errorRef='err'/></endEvent>"),
            (
                "escalation",
                "",
                "START<endEvent id='t'><escalationEventDefinition escalationRef='esc'/></endEvent>",
            ),
            ("compensation", "", "START<endEvent id='t'><compensateEventDefinition/></endEvent>"),
            ("terminate", "", "START<endEvent id='t'><terminateEventDefinition/></endEvent>"),
            (
                "cancel",
                "",
                "START<transaction id='x'><startEvent id='xs'/><endEvent id='t'><cancelEventDefinition/></endEvent><sequenceFlow id='xf' sourceRef='xs' targetRef='t'/></transaction><sequenceFlow id='f' sourceRef='s' targetRef='x'/>",
            ),
        ],
    ),
    (
        "Boundary events",
        &[
            (
                "timer",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'>TIMER</boundaryEvent>",
            ),
            (
                "timer, not interrupting",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t' cancelActivity='false'>TIMER</boundaryEvent>",
            ),
            (
                "message",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><messageEventDefinition messageRef='m'/></boundaryEvent>",
            ),
            (
                "signal",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><signalEventDefinition signalRef='sig'/></boundaryEvent>",
            ),
            (
                "conditional",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><conditionalEventDefinition><condition>=a</condition></conditionalEventDefinition></boundaryEvent>",
            ),
            (
                "error",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><errorEventDefinition errorRef='err'/></boundaryEvent>",
            ),
            (
                "escalation",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><escalationEventDefinition escalationRef='esc'/></boundaryEvent>",
            ),
            (
                "compensation",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><compensateEventDefinition/></boundaryEvent><userTask id='u' isForCompensation='true'/><association id='as' sourceRef='b' targetRef='u' associationDirection='One'/>",
            ),
            (
                "cancel",
                "",
                "START<transaction id='t'><startEvent id='xs'/><endEvent id='xe'/><sequenceFlow id='xf' sourceRef='xs' targetRef='xe'/></transaction><boundaryEvent id='b' attachedToRef='t'><cancelEventDefinition/></boundaryEvent>",
            ),
            (
                "multiple",
                "",
                "START<userTask id='t'/><boundaryEvent id='b' attachedToRef='t'><messageEventDefinition messageRef='m'/><signalEventDefinition signalRef='sig'/></boundaryEvent>",
            ),
        ],
    ),
    (
        "Tasks",
        &[
            ("task", "", "START<task id='t'/>"),
            ("manual task", "", "START<manualTask id='t'/>"),
            ("service task*", "", "START<serviceTask id='t'>JOB</serviceTask>"),
            ("user task", "", "START<userTask id='t'/>"),
            (
                "script task in FEEL",
                "",
                "START<scriptTask id='t'><extensionElements><zeebe:script expression='=1' resultVariable='x'/></extensionElements></scriptTask>",
            ),
            (
                "script task in another language",
                "",
                "START<scriptTask id='t' scriptFormat='python'><script>print(1)</script></scriptTask>",
            ),
            ("business rule task as a job*", "", "START<businessRuleTask id='t'>JOB</businessRuleTask>"),
            (
                "business rule task with a decision table",
                "",
                "START<businessRuleTask id='t'><extensionElements><zeebe:calledDecision decisionId='d' resultVariable='r'/></extensionElements></businessRuleTask>",
            ),
            ("send task*", "", "START<sendTask id='t'>JOB</sendTask>"),
            (
                "receive task that starts an instance",
                "",
                "START<receiveTask id='t' messageRef='m' instantiate='true'/>",
            ),
            ("receive task", "", "START<receiveTask id='t' messageRef='m'/>"),
            (
                "call activity*",
                "",
                "START<callActivity id='t' calledElement='q'><extensionElements><zeebe:calledElement processId='q'/></extensionElements></callActivity>",
            ),
        ],
    ),
    (
        "Gateways",
        &[
            ("exclusive", "", "START<exclusiveGateway id='t'/>"),
            ("parallel", "", "START<parallelGateway id='t'/>"),
            ("inclusive", "", "START<inclusiveGateway id='t'/>"),
            (
                "event-based",
                "",
                "START<eventBasedGateway id='t'/><intermediateCatchEvent id='c'>TIMER</intermediateCatchEvent><sequenceFlow id='g' sourceRef='t' targetRef='c'/><intermediateCatchEvent id='c2'><messageEventDefinition messageRef='m'/></intermediateCatchEvent><sequenceFlow id='g2' sourceRef='t' targetRef='c2'/>",
            ),
            (
                "event-based, starting an instance",
                "",
                "<eventBasedGateway id='t' instantiate='true'/><intermediateCatchEvent id='c'><messageEventDefinition messageRef='m'/></intermediateCatchEvent><sequenceFlow id='g' sourceRef='t' targetRef='c'/><intermediateCatchEvent id='c2'><signalEventDefinition signalRef='sig'/></intermediateCatchEvent><sequenceFlow id='g2' sourceRef='t' targetRef='c2'/>",
            ),
            (
                "event-based, parallel, starting an instance",
                "",
                "<eventBasedGateway id='t' instantiate='true' eventGatewayType='Parallel'/><intermediateCatchEvent id='c'><messageEventDefinition messageRef='m'/></intermediateCatchEvent><sequenceFlow id='g' sourceRef='t' targetRef='c'/>",
            ),
            ("complex", "", "START<complexGateway id='t'/>"),
        ],
    ),
    (
        "Sub-processes",
        &[
            ("embedded", "", "START<subProcess id='t'><startEvent id='xs'/></subProcess>"),
            (
                "event sub-process",
                "",
                "START<subProcess id='v' triggeredByEvent='true'><startEvent id='vs'><errorEventDefinition errorRef='err'/></startEvent></subProcess>",
            ),
            (
                "event sub-process, not interrupting",
                "",
                "START<subProcess id='v' triggeredByEvent='true'><startEvent id='vs' isInterrupting='false'><signalEventDefinition signalRef='sig'/></startEvent></subProcess>",
            ),
            (
                "compensation start of an event sub-process",
                "",
                "START<subProcess id='x'><startEvent id='xs'/><subProcess id='v' triggeredByEvent='true'><startEvent id='vs'><compensateEventDefinition/></startEvent></subProcess></subProcess><sequenceFlow id='f' sourceRef='s' targetRef='x'/>",
            ),
            ("transaction", "", "START<transaction id='t'><startEvent id='xs'/></transaction>"),
            ("ad-hoc", "", "START<adHocSubProcess id='t'><userTask id='xa'/></adHocSubProcess>"),
        ],
    ),
    (
        "Repetition and flows",
        &[
            (
                "multi-instance by collection*",
                "",
                "START<userTask id='t'><multiInstanceLoopCharacteristics camunda:collection='${list}' camunda:elementVariable='one'><extensionElements><zeebe:loopCharacteristics inputCollection='=list' inputElement='one'/></extensionElements></multiInstanceLoopCharacteristics></userTask>",
            ),
            (
                "multi-instance by cardinality",
                "",
                "START<userTask id='t'><multiInstanceLoopCharacteristics isSequential='true'><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics></userTask>",
            ),
            (
                "standard loop",
                "",
                "START<userTask id='t'><standardLoopCharacteristics loopMaximum='3'><loopCondition>=again</loopCondition></standardLoopCharacteristics></userTask>",
            ),
            (
                "conditional flow out of a gateway, FEEL",
                "",
                "START<exclusiveGateway id='t'/><userTask id='u'/><sequenceFlow id='c' sourceRef='t' targetRef='u'><conditionExpression>=a</conditionExpression></sequenceFlow>",
            ),
            (
                "conditional flow out of a gateway, JUEL",
                "",
                "START<exclusiveGateway id='t'/><userTask id='u'/><sequenceFlow id='c' sourceRef='t' targetRef='u'><conditionExpression>${a}</conditionExpression></sequenceFlow>",
            ),
            (
                "conditional flow out of an activity",
                "",
                "START<userTask id='t'/><userTask id='u'/><sequenceFlow id='c' sourceRef='t' targetRef='u'><conditionExpression>${a}</conditionExpression></sequenceFlow>",
            ),
            (
                "data objects, annotations, groups",
                "",
                "START<task id='t'/><dataObject id='do'/><dataObjectReference id='dr' dataObjectRef='do'/><textAnnotation id='ta'><text>x</text></textAnnotation>",
            ),
        ],
    ),
];

#[test]
fn the_coverage_page_says_what_the_code_does() {
    let mut page = HEAD.to_owned();
    for (group, elements) in GROUPS {
        page.push_str(&format!(
            "\n## {group}\n\n| element | embedded | Camunda 7 | Camunda 8 |\n| --- | --- | --- | --- |\n"
        ));
        for (name, root, inside) in *elements {
            let [embedded, seven, eight] = verdicts(name, root, inside);
            page.push_str(&format!("| {name} | {embedded} | {seven} | {eight} |\n"));
        }
    }
    expect_test::expect_file!["../../../../docs/bpmn-coverage.md"].assert_eq(&page);
}

/// What each engine does with a model.
fn verdicts(name: &str, root: &str, inside: &str) -> [String; 3] {
    let mut inside =
        inside.replace("START", "<startEvent id='s'/>").replace("TIMER", TIMER).replace("JOB", JOB);
    if inside.contains("id='t'") && inside.contains("id='s'") && !inside.contains("targetRef='t'") {
        inside.push_str("<sequenceFlow id='st' sourceRef='s' targetRef='t'/>");
    }
    let text = format!(
        "<definitions xmlns='{}' xmlns:zeebe='{}' xmlns:camunda='{}'>{ROOT}{root}\
         <process id='p' isExecutable='true'>{inside}</process></definitions>",
        namespace::BPMN,
        namespace::ZEEBE,
        namespace::CAMUNDA
    );
    let definitions = read(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let embedded = match compile(&definitions, None) {
        Ok(_) => portability(&definitions, Target::Embedded)
            .first()
            .map_or_else(|| "executed".to_owned(), |found| format!("refused: {} {}", found.code, found.hint)),
        Err(problems) => {
            let first = &problems.0[0];
            let place = first.place();
            assert!(place.element.is_some() && place.line > 0, "{name}: {first} names no place");
            format!("refused: {} {}", first.code(), first.hint())
        }
    };
    let on = |target| {
        let findings = portability(&definitions, target);
        findings.first().map_or_else(|| "runs".to_owned(), |finding| format!("no: {}", finding.hint))
    };
    [embedded, on(Target::Camunda7), on(Target::Camunda8)]
}
