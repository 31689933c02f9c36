//! Properties over random models and random paths.

use proptest::prelude::*;
use serde_json::json;

use super::build::{Build, each, feel, process, times};
use super::drive::{Story, variables};
use crate::exec::{Input, Status, StepContext};
use crate::program::{NodeKind, Program, Repeat, SubProcess};

/// A block of a structured model.
#[derive(Clone, Debug)]
enum Block {
    Task,
    Pass,
    Sequence(Vec<Block>),
    Choice(Vec<Block>),
    Parallel(Vec<Block>),
    Inclusive(Vec<Block>),
    Loop(Box<Block>),
    Sub(Box<Block>),
    Multi(Box<Block>, u32, bool),
    StandardLoop(Box<Block>),
}

fn block() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![3 => Just(Block::Task), 1 => Just(Block::Pass)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several().prop_map(Block::Sequence),
            several().prop_map(Block::Choice),
            several().prop_map(Block::Parallel),
            several().prop_map(Block::Inclusive),
            inner.clone().prop_map(|block| Block::Loop(Box::new(block))),
            inner.clone().prop_map(|block| Block::Sub(Box::new(block))),
            (inner.clone(), 0..3u32, any::<bool>()).prop_map(|(block, count, sequential)| Block::Multi(
                Box::new(block),
                count,
                sequential
            )),
            inner.prop_map(|block| Block::StandardLoop(Box::new(block))),
        ]
    })
}

/// Writes blocks as nodes; ids are numbers.
struct Writer<'b> {
    build: &'b mut Build,
    next: u32,
}

impl Writer<'_> {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("n{}", self.next)
    }

    /// Gives the first and the last node of the block.
    fn write(&mut self, block: &Block) -> (String, String) {
        match block {
            Block::Task | Block::Pass => {
                let id = self.id();
                let kind = NodeKind::PassThrough;
                match block {
                    Block::Task => self.build.job(&id),
                    _ => self.build.node(&id, kind),
                };
                (id.clone(), id)
            }
            Block::Sequence(blocks) => {
                let parts: Vec<_> = blocks.iter().map(|block| self.write(block)).collect();
                for pair in parts.windows(2) {
                    self.build.flow(&pair[0].1, &pair[1].0);
                }
                (parts[0].0.clone(), parts[parts.len() - 1].1.clone())
            }
            Block::Choice(blocks) => self.branches(blocks, &NodeKind::Exclusive, true),
            Block::Inclusive(blocks) => self.branches(blocks, &NodeKind::Inclusive, true),
            Block::Parallel(blocks) => self.branches(blocks, &NodeKind::Parallel, false),
            Block::Loop(inner) => {
                let (entry, exit) = (self.id(), self.id());
                self.build.xor(&entry);
                self.build.xor(&exit);
                let (first, last) = self.write(inner);
                self.build.flow(&entry, &first);
                // Each round asks the outside once: a loop that nothing can end is an incident, and another test's subject.
                let asks = self.id();
                self.build.job(&asks);
                self.build.flow(&last, &asks);
                self.build.flow(&asks, &exit);
                self.build.flow_if(&exit, &entry, "c = 2");
                let after = self.id();
                self.build.pass(&after);
                self.build.otherwise(&exit, &after);
                (entry, after)
            }
            Block::Sub(inner) => self.sub(inner, None),
            Block::Multi(inner, count, sequential) => {
                let repeat = if *sequential {
                    times(&count.to_string(), true)
                } else {
                    each(&format!("[{}]", vec!["1"; *count as usize].join(",")), "item", false)
                };
                self.sub(inner, Some(repeat))
            }
            Block::StandardLoop(inner) => {
                let repeat =
                    Repeat::While { condition: Some(feel("c = 1")), test_before: true, maximum: Some(3) };
                self.sub(inner, Some(repeat))
            }
        }
    }

    fn sub(&mut self, inner: &Block, repeat: Option<Repeat>) -> (String, String) {
        let id = self.id();
        let mut next = self.next;
        self.build.sub(&id, SubProcess::Embedded, |build| {
            let mut writer = Writer { build, next };
            let (first, last) = writer.write(inner);
            let (start, end) = (writer.id(), writer.id());
            writer.build.start(&start);
            writer.build.end(&end);
            writer.build.flow(&start, &first);
            writer.build.flow(&last, &end);
            next = writer.next;
        });
        self.next = next;
        self.build.at(&id).repeat = repeat;
        (id.clone(), id)
    }

    fn branches(&mut self, blocks: &[Block], kind: &NodeKind, conditions: bool) -> (String, String) {
        let (split, join) = (self.id(), self.id());
        self.build.node(&split, kind.clone());
        self.build.node(&join, kind.clone());
        for (place, block) in blocks.iter().enumerate() {
            let (first, last) = self.write(block);
            if !conditions {
                self.build.flow(&split, &first);
            } else if place == 0 {
                self.build.otherwise(&split, &first);
            } else {
                self.build.flow_if(&split, &first, &format!("c >= {place}"));
            }
            self.build.flow(&last, &join);
        }
        (split, join)
    }
}

fn model(block: &Block) -> Program {
    process(|build| {
        build.start("start");
        build.end("end");
        let (first, last) = Writer { build: &mut *build, next: 0 }.write(block);
        build.flow("start", &first);
        build.flow(&last, "end");
    })
}

/// A small deterministic generator, so that a failing path can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Completes random jobs with random results until the instance ends or only something else is waited for.
fn play(story: &mut Story, dice: &mut Dice) {
    for round in 0..2_000 {
        let open: Vec<_> = story.state.jobs().collect();
        if open.is_empty() {
            return;
        }
        let job = open[usize::try_from(dice.roll(open.len() as u64)).unwrap()];
        let c = if round < 60 { dice.roll(3) } else { 0 };
        story.tell(Input::CompleteJob { job, variables: variables(json!({"c": c})) });
    }
    panic!("no end is in sight");
}

/// A graph without cycles whose gateways are all inclusive: places 0 … n − 1, each leading to later ones.
fn acyclic(edges: &[(usize, usize)], size: usize, jobs: &[bool]) -> Program {
    process(|b| {
        b.start("start");
        b.end("end");
        for (at, has_job) in jobs.iter().enumerate().take(size) {
            b.or(&format!("g{at}"));
            if *has_job {
                b.job(&format!("t{at}"));
                b.flow(&format!("g{at}"), &format!("t{at}"));
            }
        }
        b.flow("start", "g0");
        let out = |at: usize| if jobs[at] { format!("t{at}") } else { format!("g{at}") };
        for at in 0..size {
            let mut targets: Vec<usize> = edges
                .iter()
                .filter(|(from, to)| from % size == at && at + 1 + to % size < size)
                .map(|(_, to)| at + 1 + to % size)
                .collect();
            targets.sort_unstable();
            targets.dedup();
            match targets.first() {
                None => b.flow(&out(at), "end"),
                Some(first) => b.otherwise(&out(at), &format!("g{first}")),
            }
            for target in targets.iter().skip(1) {
                b.flow_if(&out(at), &format!("g{target}"), &format!("c = {} or c = 2", target % 2));
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn block_structured_models_reach_their_end_on_every_path(block in block(), seed: u64, budget in 1..50u32) {
        let mut story = Story::fresh(model(&block));
        story.budget = budget;
        story.tell(Input::Start { start: None, variables: variables(json!({"c": 0})) });
        play(&mut story, &mut Dice(seed));
        prop_assert_eq!(story.status(), Status::Completed, "{:?}", story.state.incidents().collect::<Vec<_>>());
        prop_assert_eq!(story.visits("end"), 1);
    }

    #[test]
    fn inclusive_joins_reach_their_end_in_any_graph_without_cycles(
        edges in prop::collection::vec((0..8usize, 0..8usize), 4..20),
        jobs in prop::collection::vec(any::<bool>(), 8),
        seed: u64,
    ) {
        let mut story = Story::start(acyclic(&edges, 8, &jobs), json!({"c": seed % 3}));
        play(&mut story, &mut Dice(seed));
        prop_assert_eq!(story.status(), Status::Completed, "{:?}", story.state.incidents().collect::<Vec<_>>());
        // Every join waits for all that can come, so that each gateway is passed at most once.
        for at in 0..8 {
            prop_assert!(story.visits(&format!("g{at}")) <= 1, "g{} was passed twice", at);
        }
    }

    #[test]
    fn any_graph_whatever_ends_waits_or_says_why_it_cannot_go_on(
        kinds in prop::collection::vec(0..5u8, 6),
        edges in prop::collection::vec((0..6usize, 0..6usize), 6..16),
        seed: u64,
    ) {
        let program = process(|b| {
            b.start("start");
            b.end("end");
            for (at, kind) in kinds.iter().enumerate() {
                let kind = match kind {
                    0 => NodeKind::Exclusive,
                    1 => NodeKind::Parallel,
                    2 => NodeKind::Inclusive,
                    3 => NodeKind::Complex { activation: Some(feel("activationCount > 1")) },
                    _ => NodeKind::Job(crate::program::JobKind::Service),
                };
                b.node(&format!("g{at}"), kind);
            }
            b.flow("start", "g0");
            for (place, (from, to)) in edges.iter().enumerate() {
                b.flow_if(&format!("g{from}"), &format!("g{to}"), &format!("c >= {}", place % 3));
            }
            for at in 0..6 {
                b.otherwise(&format!("g{at}"), "end");
            }
        });
        let mut story = Story::fresh(program);
        let mut dice = Dice(seed);
        let start = Input::Start { start: None, variables: variables(json!({"c": 0})) };
        let context = StepContext { now_ms: 0, budget: 60 };
        story.checked_step(start, context).unwrap();
        for _ in 0..30 {
            let open: Vec<_> = story.state.jobs().collect();
            let c = variables(json!({"c": dice.roll(3)}));
            let input = if story.state.has_ready_work() {
                Input::Continue
            } else if let Some(job) = open.first() {
                Input::CompleteJob { job: *job, variables: c }
            } else {
                break;
            };
            // The checks of every step are the property.
            story.checked_step(input, context).unwrap();
        }
    }
}
