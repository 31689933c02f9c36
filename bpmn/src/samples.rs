//! Models for tests: random block-structured processes, and a file with everything in it.

use proptest::prelude::*;

use crate::model::{
    Builder, Definitions, EventDefinitionKind, FormalExpression, SubProcess, TimerExpression,
};

/// A block of a structured process; such processes are sound by construction.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Task,
    User,
    Script,
    Sequence(Vec<Block>),
    Choice(Vec<Block>),
    Parallel(Vec<Block>),
    Loop(Box<Block>),
    Inside(Box<Block>),
    Timeout(Box<Block>),
}

/// Any block, up to four levels deep.
pub(crate) fn blocks() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![Just(Block::Task), Just(Block::User), Just(Block::Script)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(Block::Sequence),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Choice),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Parallel),
            1 => inner.clone().prop_map(|block| Block::Loop(Box::new(block))),
            1 => inner.clone().prop_map(|block| Block::Inside(Box::new(block))),
            1 => inner.prop_map(|block| Block::Timeout(Box::new(block))),
        ]
    })
}

/// The process of a block.
pub(crate) fn process_of(block: &Block) -> Definitions {
    let mut maker = Maker { builder: Builder::process("p"), number: 0 };
    maker.builder.name("A process & its <name>").start("start");
    let (first, last) = maker.make(block);
    maker.builder.end("end").flow("start", &first).flow(&last, "end");
    maker.builder.finish()
}

struct Maker {
    builder: Builder,
    number: usize,
}

impl Maker {
    fn id(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{kind}{}", self.number)
    }

    /// Adds a block; returns its first and last node.
    fn make(&mut self, block: &Block) -> (String, String) {
        match block {
            Block::Task => {
                let id = self.id("task");
                self.builder.service_task(&id, "Do \"it\"\nnow");
                (id.clone(), id)
            }
            Block::User => {
                let id = self.id("user");
                self.builder.user_task(&id, "Ask").annotate(&id, "why it is asked");
                (id.clone(), id)
            }
            Block::Script => {
                let id = self.id("script");
                self.builder.feel_task(&id, "Compute", "1 + 2", "x");
                (id.clone(), id)
            }
            Block::Sequence(blocks) => {
                let mut ends: Option<(String, String)> = None;
                for block in blocks {
                    let (first, last) = self.make(block);
                    ends = Some(match ends {
                        None => (first, last),
                        Some((begin, before)) => {
                            self.builder.flow(&before, &first);
                            (begin, last)
                        }
                    });
                }
                ends.unwrap()
            }
            Block::Choice(blocks) => self.split(blocks, false),
            Block::Parallel(blocks) => self.split(blocks, true),
            Block::Loop(inner) => {
                let (join, split) = (self.id("again"), self.id("until"));
                self.builder.exclusive(&join, "").exclusive(&split, "Done?");
                let (first, last) = self.make(inner);
                self.builder.flow(&join, &first).flow(&last, &split).flow_if(&split, &join, "no", "x < 3");
                let after = self.id("task");
                self.builder.task(&after, "Go on").flow_default(&split, &after, "yes");
                (join, after)
            }
            Block::Inside(inner) => {
                let id = self.id("sub");
                let (start, end) = (format!("{id}s"), format!("{id}e"));
                self.builder.enter(&id, "Inside", SubProcess::Embedded).start(&start);
                let (first, last) = self.make(inner);
                self.builder.end(&end).flow(&start, &first).flow(&last, &end).leave();
                (id.clone(), id)
            }
            Block::Timeout(inner) => {
                let (first, last) = self.make(inner);
                let (id, event, late, join) =
                    (self.id("task"), self.id("late"), self.id("task"), self.id("join"));
                let timer = TimerExpression::Duration(FormalExpression::of("PT1M"));
                self.builder
                    .user_task(&id, "Wait")
                    .boundary(&event, &id, true, EventDefinitionKind::Timer(Some(timer)))
                    .task(&late, "Late")
                    .exclusive(&join, "")
                    .flow(&last, &id)
                    .flow(&id, &join)
                    .flow(&event, &late)
                    .flow(&late, &join);
                (first, join)
            }
        }
    }

    fn split(&mut self, blocks: &[Block], parallel: bool) -> (String, String) {
        let (split, join) = (self.id("split"), self.id("join"));
        for id in [&split, &join] {
            match parallel {
                true => self.builder.parallel(id, ""),
                false => self.builder.exclusive(id, "Which?"),
            };
        }
        for (index, block) in blocks.iter().enumerate() {
            let (first, last) = self.make(block);
            match (parallel, index) {
                (true, _) => self.builder.flow(&split, &first),
                (false, 0) => self.builder.flow_default(&split, &first, "otherwise"),
                (false, _) => self.builder.flow_if(&split, &first, "if", &format!("x = {index}")),
            };
            self.builder.flow(&last, &join);
        }
        (split, join)
    }
}

/// A file with pools, lanes, data, extensions, foreign attributes and a partial diagram.
pub(crate) const EVERYTHING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"
    xmlns:omgdc="http://www.omg.org/spec/DD/20100524/DC" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:z="http://camunda.org/schema/zeebe/1.0" xmlns:acme="http://acme.example/x" xmlns:tns="http://t.example"
    id="d" targetNamespace="http://t.example" exporter="a &amp; b" acme:mark="1">
  <itemDefinition id="item" structureRef="tns:Thing" />
  <message id="order" name="order"><extensionElements><z:subscription correlationKey="=orderId" /></extensionElements></message>
  <signal id="stop" name="stop" />
  <error id="bad" name="bad" errorCode="BAD" />
  <escalation id="slow" escalationCode="SLOW" />
  <collaboration id="c">
    <participant id="shop" name="Shop" processRef="tns:sell" />
    <participant id="buyer" name="Buyer" />
    <messageFlow id="mf" name="order" sourceRef="buyer" targetRef="s" messageRef="order" />
    <messageFlow id="mf2" sourceRef="bill" targetRef="buyer" />
  </collaboration>
  <process id="sell" isExecutable="true">
    <documentation textFormat="text/plain">Sells
things.</documentation>
    <laneSet id="lanes"><lane id="front" name="Front"><flowNodeRef>s</flowNodeRef><flowNodeRef>pick</flowNodeRef></lane>
      <lane id="back" name="Back"><childLaneSet id="inner"><lane id="b1" name="B1"><flowNodeRef>sub</flowNodeRef></lane>
      <lane id="b2" name="B2"><flowNodeRef>bill</flowNodeRef><flowNodeRef>e</flowNodeRef></lane></childLaneSet></lane></laneSet>
    <startEvent id="s" name="Order came"><outgoing>f1</outgoing><messageEventDefinition id="sd" messageRef="order" /></startEvent>
    <userTask id="pick" name="Pick" acme:colour="red">
      <extensionElements><acme:thing xmlns:in="http://in.example" a="1" in:b="2">mixed <b xmlns="">bold</b> text</acme:thing></extensionElements>
      <ioSpecification id="io"><dataInput id="din" name="list" /><inputSet id="is"><dataInputRefs>din</dataInputRefs></inputSet><outputSet id="os" /></ioSpecification>
      <dataInputAssociation id="dia"><sourceRef>paper_ref</sourceRef><targetRef>din</targetRef></dataInputAssociation>
    </userTask>
    <boundaryEvent id="late" name="Too late" attachedToRef="pick" cancelActivity="false"><timerEventDefinition id="ld"><timeDuration xsi:type="tFormalExpression">PT1H</timeDuration></timerEventDefinition></boundaryEvent>
    <endEvent id="shout" name="Shout"><escalationEventDefinition id="shoutd" escalationRef="slow" /></endEvent>
    <subProcess id="sub" name="Pack">
      <startEvent id="ss" /><task id="st" name="Wrap" /><endEvent id="se"><errorEventDefinition id="sed" errorRef="bad" /></endEvent>
      <sequenceFlow id="sf1" sourceRef="ss" targetRef="st" /><sequenceFlow id="sf2" sourceRef="st" targetRef="se" />
    </subProcess>
    <boundaryEvent id="failed" attachedToRef="sub"><errorEventDefinition id="fd" errorRef="bad" /></boundaryEvent>
    <subProcess id="esp" triggeredByEvent="true"><startEvent id="es" isInterrupting="false"><signalEventDefinition id="esd" signalRef="stop" /></startEvent><endEvent id="ee" /><sequenceFlow id="ef" sourceRef="es" targetRef="ee" /></subProcess>
    <serviceTask id="bill" name="Bill"><extensionElements><z:taskDefinition type="bill" retries="5" /></extensionElements>
      <multiInstanceLoopCharacteristics id="mi" isSequential="true"><extensionElements><z:loopCharacteristics inputCollection="=items" inputElement="item" outputCollection="bills" outputElement="=bill" /></extensionElements><completionCondition xsi:type="tFormalExpression">=done</completionCondition></multiInstanceLoopCharacteristics></serviceTask>
    <endEvent id="e" />
    <sequenceFlow id="f1" sourceRef="s" targetRef="pick" /><sequenceFlow id="f2" sourceRef="pick" targetRef="sub" />
    <sequenceFlow id="f3" sourceRef="late" targetRef="shout" /><sequenceFlow id="f4" sourceRef="sub" targetRef="bill" />
    <sequenceFlow id="f5" sourceRef="failed" targetRef="e" /><sequenceFlow id="f6" sourceRef="bill" targetRef="e" />
    <dataObject id="paper" /><dataObjectReference id="paper_ref" name="Paper" dataObjectRef="paper" />
    <textAnnotation id="note"><text>Mind the gap</text></textAnnotation>
    <association id="as" sourceRef="pick" targetRef="note" associationDirection="None" />
  </process>
  <di:BPMNDiagram id="dia1"><di:BPMNPlane id="pl" bpmnElement="c">
    <di:BPMNShape id="x1" bpmnElement="s" acme:shade="2"><omgdc:Bounds x="1.5" y="-2" width="36" height="36" /><di:BPMNLabel><omgdc:Bounds x="0" y="0" width="9" height="9" /></di:BPMNLabel></di:BPMNShape>
  </di:BPMNPlane></di:BPMNDiagram>
</definitions>"#;
