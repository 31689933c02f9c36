//! Random models in the subset that runs on every engine. They are made of blocks and end for any answers.

use std::collections::BTreeMap;

use bpmn::program::Variables;
use proptest::prelude::*;
use serde_json::json;

/// A block of a model.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Work,
    Person,
    Script,
    Pass,
    /// A task for each of so many items.
    Each {
        items: usize,
        sequential: bool,
    },
    Sequence(Vec<Block>),
    /// One branch, by a number that is drawn.
    Choice(Vec<Block>, usize),
    Parallel(Vec<Block>),
    /// Those branches that are drawn; the last one where none is.
    Some(Vec<(Block, bool)>),
    Loop(Box<Block>),
    Inside(Box<Block>),
}

pub(super) fn blocks() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![
        4 => Just(Block::Work),
        1 => Just(Block::Person),
        1 => Just(Block::Script),
        1 => Just(Block::Pass),
        1 => (0..4_usize, any::<bool>()).prop_map(|(items, sequential)| Block::Each { items, sequential }),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(Block::Sequence),
            2 => (prop::collection::vec(inner.clone(), 2..4), 0..3_usize)
                .prop_map(|(blocks, drawn)| Block::Choice(blocks, drawn)),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Parallel),
            1 => prop::collection::vec((inner.clone(), any::<bool>()), 2..4).prop_map(Block::Some),
            2 => inner.clone().prop_map(|block| Block::Loop(Box::new(block))),
            2 => inner.prop_map(|block| Block::Inside(Box::new(block))),
        ]
    })
}

/// A model with what belongs to it.
pub(super) struct Model {
    pub(super) xml: String,
    pub(super) variables: Variables,
    /// For each element and flow: the branches it stands in, as (gateway, branch).
    pub(super) branches: BTreeMap<String, Vec<(usize, usize)>>,
}

pub(super) fn model(process_id: &str, block: &Block) -> Model {
    let mut maker = Maker::default();
    let content = maker.scope(block);
    let xml = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d_{process_id}"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  targetNamespace="t"><bpmn:process id="{process_id}" isExecutable="true">{content}</bpmn:process></bpmn:definitions>"#
    );
    Model { xml, variables: maker.variables, branches: maker.branches }
}

/// XML with its first and last node.
struct Part {
    xml: String,
    first: String,
    last: String,
}

#[derive(Default)]
struct Maker {
    number: usize,
    variables: Variables,
    branches: BTreeMap<String, Vec<(usize, usize)>>,
    here: Vec<(usize, usize)>,
}

impl Maker {
    fn id(&mut self, kind: &str) -> String {
        self.number += 1;
        let id = format!("{kind}{}", self.number);
        self.branches.insert(id.clone(), self.here.clone());
        id
    }

    fn flow(&mut self, from: &str, to: &str, condition: Option<&str>) -> (String, String) {
        let id = self.id("flow");
        let condition = condition.map(|it| {
            format!(r#"<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{it}</bpmn:conditionExpression>"#)
        });
        let condition = condition.unwrap_or_default();
        let xml = format!(
            r#"<bpmn:sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}">{condition}</bpmn:sequenceFlow>"#
        );
        (id, xml)
    }

    /// A block between a start and an end.
    fn scope(&mut self, block: &Block) -> String {
        let (start, part, end) = (self.id("start"), self.block(block), self.id("end"));
        let (begin, finish) = (self.flow(&start, &part.first, None).1, self.flow(&part.last, &end, None).1);
        format!(r#"<bpmn:startEvent id="{start}"/>{}<bpmn:endEvent id="{end}"/>{begin}{finish}"#, part.xml)
    }

    fn node(&mut self, kind: &str, element: &str, content: &str) -> Part {
        let id = self.id(kind);
        let xml = format!(r#"<bpmn:{element} id="{id}">{content}</bpmn:{element}>"#);
        Part { xml, first: id.clone(), last: id }
    }

    fn block(&mut self, block: &Block) -> Part {
        match block {
            Block::Work => self.node("work", "serviceTask", ""),
            Block::Person => self.node("person", "userTask", ""),
            Block::Pass => self.node("pass", "task", ""),
            Block::Script => {
                let result = format!("computed{}", self.number);
                let script = format!(
                    r#"<bpmn:extensionElements><zeebe:script expression="={} + 1" resultVariable="{result}"/></bpmn:extensionElements>"#,
                    self.number
                );
                self.node("script", "scriptTask", &script)
            }
            Block::Each { items, sequential } => {
                let list = format!("items{}", self.number);
                self.variables.insert(list.clone(), json!((0..*items).collect::<Vec<_>>()));
                let each = format!(
                    r#"<bpmn:multiInstanceLoopCharacteristics isSequential="{sequential}"><bpmn:extensionElements>
                    <zeebe:loopCharacteristics inputCollection="={list}" inputElement="item"/></bpmn:extensionElements>
                    </bpmn:multiInstanceLoopCharacteristics>"#
                );
                self.node("each", "serviceTask", &each)
            }
            Block::Sequence(blocks) => {
                let parts: Vec<Part> = blocks.iter().map(|block| self.block(block)).collect();
                self.line(parts)
            }
            Block::Choice(blocks, drawn) => {
                let name = format!("drawn{}", self.number);
                self.variables.insert(name.clone(), json!(drawn));
                let conditions = (0..blocks.len()).map(|branch| format!("={name} = {branch}")).collect();
                let blocks: Vec<&Block> = blocks.iter().collect();
                self.split("exclusiveGateway", &blocks, conditions)
            }
            Block::Parallel(blocks) => {
                self.split("parallelGateway", &blocks.iter().collect::<Vec<_>>(), Vec::new())
            }
            Block::Some(blocks) => {
                let name = format!("wanted{}", self.number);
                let conditions = (0..blocks.len()).map(|branch| format!("={name}_{branch} = true")).collect();
                for (branch, (_, wanted)) in blocks.iter().enumerate() {
                    self.variables.insert(format!("{name}_{branch}"), json!(wanted));
                }
                let blocks: Vec<&Block> = blocks.iter().map(|(block, _)| block).collect();
                self.split("inclusiveGateway", &blocks, conditions)
            }
            Block::Loop(block) => self.twice(block),
            Block::Inside(block) => {
                let content = self.scope(block);
                self.node("sub", "subProcess", &content)
            }
        }
    }

    fn line(&mut self, parts: Vec<Part>) -> Part {
        let flows: String =
            parts.windows(2).map(|pair| self.flow(&pair[0].last, &pair[1].first, None).1).collect();
        let (first, last) = (parts[0].first.clone(), parts[parts.len() - 1].last.clone());
        let xml = parts.iter().map(|part| part.xml.as_str()).collect::<String>() + &flows;
        Part { xml, first, last }
    }

    /// Branches between two gateways; with conditions, the last one is the default.
    fn split(&mut self, gateway: &str, blocks: &[&Block], conditions: Vec<String>) -> Part {
        let (fork, join) = (self.id("fork"), self.id("join"));
        let mark = self.number;
        let (mut xml, mut default) = (String::new(), String::new());
        for (branch, block) in blocks.iter().enumerate() {
            let condition = conditions.get(branch).filter(|_| branch + 1 < blocks.len());
            if gateway != "exclusiveGateway" {
                self.here.push((mark, branch));
            }
            let part = self.block(block);
            let out = self.flow(&part.last, &join, None).1;
            self.here.retain(|(other, _)| *other != mark);
            let (id, into) = self.flow(&fork, &part.first, condition.map(String::as_str));
            if !conditions.is_empty() && condition.is_none() {
                default = format!(r#" default="{id}""#);
            }
            xml.extend([part.xml, into, out]);
        }
        xml.push_str(&format!(r#"<bpmn:{gateway} id="{fork}"{default}/><bpmn:{gateway} id="{join}"/>"#));
        Part { xml, first: fork, last: join }
    }

    /// A loop that asks somebody in every round, and is left after the second.
    fn twice(&mut self, block: &Block) -> Part {
        let (again, split, after) = (self.id("again"), self.id("split"), self.id("after"));
        let (round, body) = (self.block(&Block::Work), self.block(block));
        let enough = format!("={} &gt;= 2", round.first);
        let back = self.flow(&split, &again, None);
        let rest = [
            self.flow(&again, &round.first, None).1,
            self.flow(&round.last, &body.first, None).1,
            self.flow(&body.last, &split, None).1,
            self.flow(&split, &after, Some(&enough)).1,
            back.1,
        ];
        let xml = format!(
            r#"<bpmn:exclusiveGateway id="{again}"/><bpmn:exclusiveGateway id="{split}" default="{}"/>
            <bpmn:task id="{after}"/>{}{}{}"#,
            back.0,
            round.xml,
            body.xml,
            rest.concat()
        );
        Part { xml, first: again, last: after }
    }
}
