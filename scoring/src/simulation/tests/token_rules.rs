//! What is simulated is what runs: the compact form against `bpmn::exec` on random processes and the same draws.

use std::collections::HashMap;

use bpmn::exec::{Event, Input, Local, State, StepContext, advance};
use bpmn::program::{Program, Variables};
use proptest::prelude::*;
use serde_json::json;

use super::super::random::Numbers;
use super::super::{Declaration, Law, Model, Nobody, Replication, by_engine, queueing, replicate};
use super::read;

/// A block of a process.
#[derive(Clone, Debug)]
enum Block {
    Task(u8),
    Sequence(Vec<Block>),
    Choice(Vec<Block>),
    Parallel(Vec<Block>),
    Loop(Box<Block>),
    /// One of two ways ends right there.
    Leave(Box<Block>),
    /// In a sub-process.
    Inside(Box<Block>),
    /// A task of so many minutes with a timer of so many, behind which stands the block.
    Limited(u8, u8, Box<Block>),
    /// Some of these at once.
    Some(Vec<Block>),
    /// A task of so many minutes three times, one after the other or at once.
    Repeated(u8, bool),
}

impl Block {
    /// The same without ends in between: what stands between inclusive gateways has none.
    fn staying(self) -> Self {
        let each = |blocks: Vec<Self>| blocks.into_iter().map(Self::staying).collect();
        let inner = |block: Box<Self>| Box::new(block.staying());
        match self {
            Self::Leave(block) => block.staying(),
            Self::Sequence(blocks) => Self::Sequence(each(blocks)),
            Self::Choice(blocks) => Self::Choice(each(blocks)),
            Self::Parallel(blocks) => Self::Parallel(each(blocks)),
            Self::Some(blocks) => Self::Some(each(blocks)),
            Self::Loop(block) => Self::Loop(inner(block)),
            Self::Inside(block) => Self::Inside(inner(block)),
            Self::Limited(minutes, after, block) => Self::Limited(minutes, after, inner(block)),
            other @ (Self::Task(_) | Self::Repeated(..)) => other,
        }
    }

    /// The same without ends on parallel branches: in a sub-process they are refused.
    fn joining(self) -> Self {
        let each = |blocks: Vec<Self>| blocks.into_iter().map(Self::joining).collect();
        let inner = |block: Box<Self>| Box::new(block.joining());
        match self {
            Self::Parallel(_) => self.staying(),
            Self::Sequence(blocks) => Self::Sequence(each(blocks)),
            Self::Choice(blocks) => Self::Choice(each(blocks)),
            Self::Leave(block) => Self::Leave(inner(block)),
            Self::Loop(block) => Self::Loop(inner(block)),
            Self::Limited(minutes, after, block) => Self::Limited(minutes, after, inner(block)),
            other @ (Self::Task(_) | Self::Repeated(..) | Self::Some(_) | Self::Inside(_)) => other,
        }
    }
}

/// Any block; `joining`: without ends on parallel branches in sub-processes, which a table cannot say.
fn block(joining: bool) -> impl Strategy<Value = Block> {
    (1_u8..9).prop_map(Block::Task).prop_recursive(4, 20, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Sequence),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Choice),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Block::Parallel),
            inner.clone().prop_map(|block| Block::Loop(Box::new(block))),
            inner.clone().prop_map(|block| Block::Leave(Box::new(block))),
            inner.clone().prop_map(move |block| {
                Block::Inside(Box::new(if joining { block.joining() } else { block }))
            }),
            (1_u8..9, 1_u8..9, inner.clone()).prop_map(|(minutes, after, block)| Block::Limited(
                minutes,
                after,
                Box::new(block)
            )),
            prop::collection::vec(inner.prop_map(Block::staying), 2..4).prop_map(Block::Some),
            (1_u8..9, any::<bool>()).prop_map(|(minutes, sequential)| Block::Repeated(minutes, sequential)),
        ]
    })
}

#[derive(Default)]
struct Writer {
    text: String,
    count: usize,
    /// Whether branches begin at different times, so that it does not matter which comes to a queue first.
    apart: bool,
}

impl Writer {
    fn id(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}{}", self.count)
    }

    fn node(&mut self, kind: &str) -> String {
        let id = self.id(kind);
        self.text += &format!(r#"<bpmn:{kind} id="{id}"/>"#);
        id
    }

    fn flow(&mut self, from: &str, to: &str, condition: &str) {
        let id = self.id("flow");
        let condition = if condition.is_empty() {
            String::new()
        } else {
            format!("<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>")
        };
        self.text += &format!(
            r#"<bpmn:sequenceFlow id="{id}" sourceRef="{from}" targetRef="{to}">{condition}</bpmn:sequenceFlow>"#
        );
    }

    fn task(&mut self, minutes: u8, ways: usize) -> String {
        let id = self.id("task");
        let outcomes: String = (0..ways)
            .map(|way| format!(r#"<procos:outcome label="way{way}" share="{}"/>"#, way + 1))
            .collect();
        self.text += &format!(
            r#"<bpmn:userTask id="{id}"><bpmn:extensionElements>
            <procos:simulation duration="exponential({minutes}min)" resource="r"/>{outcomes}
            </bpmn:extensionElements></bpmn:userTask>"#
        );
        id
    }

    /// Where a branch begins that goes on at a node.
    fn branch(&mut self, to: String) -> String {
        if !self.apart {
            return to;
        }
        let id = self.id("delay");
        self.text += &format!(
            r#"<bpmn:task id="{id}"><bpmn:extensionElements><procos:simulation duration="exponential(1min)"/>
            </bpmn:extensionElements></bpmn:task>"#
        );
        self.flow(&id, &to, "");
        id
    }

    /// A task and the gateway that its outcome decides.
    fn decision(&mut self, ways: usize) -> (String, String) {
        let (task, gateway) = (self.task(1, ways), self.node("exclusiveGateway"));
        self.flow(&task, &gateway, "");
        (task, gateway)
    }

    /// Writes a block; gives its first and last node.
    fn block(&mut self, block: &Block) -> (String, String) {
        let way = |way: usize| format!("=outcome = \"way{way}\"");
        match block {
            Block::Task(minutes) => {
                let task = self.task(*minutes, 0);
                (task.clone(), task)
            }
            Block::Sequence(blocks) => {
                let ends: Vec<_> = blocks.iter().map(|block| self.block(block)).collect();
                ends.windows(2).for_each(|pair| self.flow(&pair[0].1, &pair[1].0, ""));
                (ends[0].0.clone(), ends[ends.len() - 1].1.clone())
            }
            Block::Choice(blocks) => {
                let (first, gateway) = self.decision(blocks.len());
                let last = self.node("exclusiveGateway");
                for (place, block) in blocks.iter().enumerate() {
                    let (from, to) = self.block(block);
                    self.flow(&gateway, &from, &way(place));
                    self.flow(&to, &last, "");
                }
                (first, last)
            }
            Block::Parallel(blocks) => {
                let (first, last) = (self.node("parallelGateway"), self.node("parallelGateway"));
                for block in blocks {
                    let (from, to) = self.block(block);
                    let from = self.branch(from);
                    self.flow(&first, &from, "");
                    self.flow(&to, &last, "");
                }
                (first, last)
            }
            Block::Loop(inner) => {
                let first = self.node("exclusiveGateway");
                let (from, to) = self.block(inner);
                let (task, gateway) = self.decision(2);
                let last = self.node("exclusiveGateway");
                self.flow(&first, &from, "");
                self.flow(&to, &task, "");
                self.flow(&gateway, &first, &way(0));
                self.flow(&gateway, &last, &way(1));
                (first, last)
            }
            Block::Leave(inner) => {
                let (first, gateway) = self.decision(2);
                let end = self.node("endEvent");
                self.flow(&gateway, &end, &way(0));
                let (from, to) = self.block(inner);
                self.flow(&gateway, &from, &way(1));
                (first, to)
            }
            Block::Inside(inner) => {
                let id = self.id("subProcess");
                let outside = std::mem::take(&mut self.text);
                let (start, end) = (self.node("startEvent"), self.node("endEvent"));
                let (from, to) = self.block(inner);
                self.flow(&start, &from, "");
                self.flow(&to, &end, "");
                let inside = std::mem::replace(&mut self.text, outside);
                self.text += &format!(r#"<bpmn:subProcess id="{id}">{inside}</bpmn:subProcess>"#);
                (id.clone(), id)
            }
            Block::Limited(minutes, after, inner) => {
                let (task, timer) = (self.task(*minutes, 0), self.id("boundaryEvent"));
                self.text += &format!(
                    r#"<bpmn:boundaryEvent id="{timer}" attachedToRef="{task}"><bpmn:timerEventDefinition>
                    <bpmn:timeDuration>PT{after}M</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>"#
                );
                let last = self.node("exclusiveGateway");
                let (from, to) = self.block(inner);
                self.flow(&task, &last, "");
                self.flow(&timer, &from, "");
                self.flow(&to, &last, "");
                (task, last)
            }
            Block::Some(blocks) => self.some(blocks),
            Block::Repeated(minutes, sequential) => self.repeated(*minutes, *sequential),
        }
    }

    /// A task that says which ways are taken, and the inclusive gateway that takes them.
    fn some(&mut self, blocks: &[Block]) -> (String, String) {
        let gateway = self.id("inclusiveGateway");
        let task = format!("{FOR}{gateway}");
        self.text += &format!(
            r#"<bpmn:inclusiveGateway id="{gateway}"/><bpmn:userTask id="{task}"><bpmn:extensionElements>
            <procos:simulation duration="1min" resource="r"/></bpmn:extensionElements></bpmn:userTask>"#
        );
        self.flow(&task, &gateway, "");
        let last = self.node("inclusiveGateway");
        for (place, block) in blocks.iter().enumerate() {
            let (from, to) = self.block(block);
            let from = self.branch(from);
            let id = self.id("flow");
            self.text += &format!(
                r#"<bpmn:sequenceFlow id="{id}" sourceRef="{gateway}" targetRef="{from}"><bpmn:extensionElements>
                <procos:simulation share="0.{}"/></bpmn:extensionElements>
                <bpmn:conditionExpression>=contains({gateway}, " {id} ")</bpmn:conditionExpression></bpmn:sequenceFlow>"#,
                3 * place + 3
            );
            self.flow(&to, &last, "");
        }
        (task, last)
    }

    fn repeated(&mut self, minutes: u8, sequential: bool) -> (String, String) {
        let id = self.id("task");
        self.text += &format!(
            r#"<bpmn:userTask id="{id}"><bpmn:extensionElements>
            <procos:simulation duration="exponential({minutes}min)" resource="r"/></bpmn:extensionElements>
            <bpmn:multiInstanceLoopCharacteristics isSequential="{sequential}">
            <bpmn:loopCardinality>3</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>"#
        );
        (id.clone(), id)
    }
}

/// How the id of a task begins that says which ways the inclusive gateway behind it takes.
const FOR: &str = "for_";

/// What a case came to: duration in seconds and its end; `None` where it is stuck.
type Ending = Option<(f64, String)>;

/// What a case waits for.
enum Open {
    Job(Local, String),
    Timer(Local),
}

/// One case by the engine's rules, with the durations and outcomes of the compact form's numbers.
fn engine(program: &Program, model: &Model, numbers: Numbers, case: u64) -> Ending {
    let mut state = State::default();
    let mut open: Vec<(f64, Open)> = Vec::new();
    let mut visits: HashMap<(String, bool), u32> = HashMap::new();
    let (mut now, mut end, mut ended) = (0.0_f64, String::new(), false);
    let mut input = Input::Start { start: None, variables: Variables::new() };
    loop {
        let now_ms = (now * 1_000.0).round() as i64;
        let events = advance(program, &mut state, input, StepContext::at(now_ms)).unwrap();
        for event in events {
            match event {
                Event::JobCreated { job, node, .. } => {
                    let work = model.activities.iter().find(|activity| activity.id == node).unwrap();
                    let visit = visits.entry((node.clone(), false)).or_default();
                    let due = now + work.law.quantile(numbers.uniform(case, work.key, *visit));
                    open.push((due, Open::Job(job, node)));
                    *visit += 1;
                }
                Event::TimerScheduled { timer, due_ms, .. } => {
                    open.push((now + (due_ms - now_ms) as f64 / 1_000.0, Open::Timer(timer)));
                }
                Event::JobCancelled { job: gone } | Event::JobEnded { job: gone } => {
                    open.retain(|(_, each)| !matches!(each, Open::Job(job, _) if *job == gone));
                }
                Event::TimerClosed { timer: gone } => {
                    open.retain(|(_, each)| !matches!(each, Open::Timer(timer) if *timer == gone));
                }
                Event::ElementCompleted { node, kind, .. } if kind == "endEvent" => end = node,
                Event::InstanceCompleted { .. } => ended = true,
                _ => {}
            }
        }
        if ended {
            return Some((now, end));
        }
        let next = (0..open.len()).min_by(|a, b| open[*a].0.total_cmp(&open[*b].0))?;
        let (at, what) = open.swap_remove(next);
        now = at;
        input = match what {
            Open::Timer(timer) => Input::TimerDue { timer },
            Open::Job(job, node) => {
                let mut variables = Variables::new();
                if let Some(gateway) = node.strip_prefix(FOR) {
                    let choice = model.choices.iter().find(|choice| choice.id == gateway).unwrap();
                    let visit = visits.entry((gateway.to_owned(), true)).or_default();
                    let way = choice.pick(numbers.uniform(case, choice.key, *visit));
                    *visit += 1;
                    variables.insert(gateway.to_owned(), json!(format!(" {} ", choice.labels[way])));
                }
                if let Some(choice) = model.choices.iter().find(|choice| choice.id == node) {
                    let visit = visits.entry((node, true)).or_default();
                    let way = choice.pick(numbers.uniform(case, choice.key, *visit));
                    *visit += 1;
                    variables.insert("outcome".to_owned(), json!(choice.labels[way]));
                }
                Input::CompleteJob { job, variables }
            }
        };
    }
}

/// A process of this block with resources: 1,000 of them, or two that cases share.
fn process(block: &Block, shared: bool, keeps_hours: bool) -> (Program, Declaration) {
    let mut writer = Writer { apart: shared, ..Writer::default() };
    let (start, end) = (writer.node("startEvent"), writer.node("endEvent"));
    let (first, last) = writer.block(block);
    writer.flow(&start, &first, "");
    writer.flow(&last, &end, "");
    let arrivals = if shared { r#"arrivals="exponential(40min)""# } else { "" };
    let capacity = if shared { 2 } else { 1000 };
    let calendar = if keeps_hours { r#"calendar="Mon-Fri 09:00-12:00 13:00-17:00""# } else { "" };
    read(&format!(
        r#"<bpmn:extensionElements><procos:simulation {arrivals}><procos:resource id="r" capacity="{capacity}"
        hourlyCost="36" {calendar}/></procos:simulation></bpmn:extensionElements>{}"#,
        writer.text
    ))
}

const CASES: u32 = 8;

/// What the engine's rules give, with the numbers of a model.
fn expected(program: &Program, model: &Model, seed: u64) -> Vec<(f64, String)> {
    (0..u64::from(CASES)).filter_map(|case| engine(program, model, Numbers::new(seed, 0), case)).collect()
}

fn is_as_expected(
    model: &Model,
    found: &Replication,
    expected: &[(f64, String)],
) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.stuck, u64::from(CASES) - expected.len() as u64);
    prop_assert_eq!(found.durations.len(), expected.len());
    for (duration, (wanted, _)) in found.durations.iter().zip(expected) {
        prop_assert!((duration - wanted).abs() < 1e-3, "{duration} against {wanted}");
    }
    for (place, (id, _)) in model.ends.iter().enumerate() {
        let wanted = expected.iter().filter(|(_, end)| end == id).count() as u64;
        prop_assert_eq!(found.ends[place], wanted, "{}", id);
    }
    Ok(())
}

/// Two runs found the same, whatever the order in which their models name things.
fn are_same(one: (&Model, &Replication), other: (&Model, &Replication)) -> Result<(), TestCaseError> {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * (1.0 + a.abs());
    let ((one, a), (other, b)) = (one, other);
    prop_assert_eq!((a.cases, a.stuck), (b.cases, b.stuck));
    for (x, y) in a.durations.iter().zip(&b.durations) {
        prop_assert!(near(*x, *y), "durations {x} and {y}");
    }
    let sums = [(a.cost, b.cost), (a.waited, b.waited), (a.window, b.window), (a.busy[0], b.busy[0])];
    prop_assert!(sums.iter().all(|(x, y)| near(*x, *y)), "{:?}", sums);
    for ((id, _), count) in one.ends.iter().zip(&a.ends) {
        let there = other.ends.iter().position(|(known, _)| known == id).unwrap();
        prop_assert_eq!(*count, b.ends[there], "{}", id);
    }
    for (activity, totals) in one.activities.iter().zip(&a.activities) {
        let there = other.activities.iter().position(|known| known.id == activity.id).unwrap();
        prop_assert_eq!(totals.visits, b.activities[there].visits, "{}", &activity.id);
        prop_assert!(near(totals.waited, b.activities[there].waited), "{}", activity.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_compact_form_runs_as_the_engine_does(block in block(true), seed in 0_u64..1_000) {
        let (program, declaration) = process(&block, false, false);
        let mut model = Model::table(&program, &declaration).unwrap();
        let expected = expected(&program, &model, seed);
        let alone = replicate(&model, seed, 0, CASES, 0);
        let by_events = queueing::run(&model, seed, 0, (CASES, 0), &mut Nobody);
        // So far apart that no two cases are under way at once.
        model.arrivals = Some(Law::Constant(1e7));
        let arriving = queueing::run(&model, seed, 0, (CASES, 0), &mut Nobody);
        for found in [alone, by_events, arriving] {
            is_as_expected(&model, &found, &expected)?;
        }
    }

    #[test]
    fn what_runs_by_the_engines_rules_does_as_the_engine_does(block in block(false), seed in 0_u64..1_000) {
        let (program, declaration) = process(&block, false, false);
        let model = by_engine::build(&program, &declaration, String::new()).unwrap();
        let found = replicate(&model, seed, 0, CASES, 0);
        is_as_expected(&model, &found, &expected(&program, &model, seed))?;
    }

    #[test]
    fn a_table_and_the_engines_rules_give_the_same_where_cases_meet(
        block in block(true), seed in 0_u64..1_000, keeps_hours in any::<bool>()
    ) {
        let (program, declaration) = process(&block, true, keeps_hours);
        let table = Model::table(&program, &declaration).unwrap();
        let engine = by_engine::build(&program, &declaration, String::new()).unwrap();
        let of_table = replicate(&table, seed, 0, 2 * CASES, CASES);
        let of_engine = replicate(&engine, seed, 0, 2 * CASES, CASES);
        are_same((&table, &of_table), (&engine, &of_engine))?;
    }
}
