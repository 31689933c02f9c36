//! Cases by the engine's rules, in time.
//!
//! | what happens | then |
//! | --- | --- |
//! | a case arrives | the engine starts an instance; the next arrival is drawn |
//! | the engine creates a job | work begins, or queues for its resource; a job that takes no time is done at once |
//! | work ends, a timer is due, an event comes | the engine makes the next step |
//! | the engine no longer wants a job | its work breaks off and frees its resource, or leaves its queue |
//! | an incident holds a case, or nothing is left that it waits for | it is stuck |

use std::collections::VecDeque;

use bpmn::exec::{Event, Input, Local, State, StepContext, SubscriptionKind, advance, codes};
use bpmn::program::{NodeIndex, Variables};
use serde_json::{Value, json};

use super::super::chronicle::LOG_START_MS;
use super::super::event_list::{Event as Coming, EventList};
use super::super::model::{Model, arrivals_key};
use super::super::random::Numbers;
use super::super::replication::Replication;
use super::super::witness::Witness;
use super::work::{Floor, SERVED};
use super::{ByEngine, Role, Rounds, Work};

/// Steps of one case after which it is held to go on for ever.
const STEPS_LIMIT: u32 = 50_000;
/// The token of an arrival, and that of a batch that is due.
const ARRIVAL: u32 = u32::MAX;
pub(super) const BATCH_DUE: u32 = u32::MAX - 1;
/// Of what happens at the same time, timers and events come after work: what is done in time is done.
const AFTER_WORK: u32 = 1 << 31;
/// Number of a slot without a case.
pub(super) const NOBODY: u32 = u32::MAX;

/// A case under way.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) number: u32,
    began: f64,
    pub(super) waited: f64,
    pub(super) cost: f64,
    end: Option<u16>,
    steps: u32,
    /// An incident holds it.
    held: bool,
    state: State,
    pub(super) open: Vec<Open>,
    /// Of a case that really runs: what counts as work and is no job.
    pub(super) others: Vec<(Local, Other)>,
    /// Numbers used so far: by activity, behind them by choice.
    pub(super) visits: Vec<u32>,
}

/// What a case waits for.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) number: Local,
    pub(super) what: Wait,
}

/// What counts as work in the simulation, and is waited for in another way in a case that really runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    Subscription,
    Call,
}

#[derive(Debug)]
pub(super) enum Wait {
    /// A job: place of its work on the floor, of its node in the program.
    Job {
        work: Option<u32>,
        node: NodeIndex,
    },
    Timer,
    /// Something that comes by declaration.
    Comes(NodeIndex),
    /// Something that the case itself throws.
    Listens(SubscriptionKind, String),
    /// Something that does not come.
    Never,
}

pub(super) struct Shop<'a, W> {
    pub(super) model: &'a Model,
    pub(super) engine: &'a ByEngine,
    pub(super) witness: &'a mut W,
    numbers: Numbers,
    pub(super) cases: u32,
    pub(super) warm_up: u32,
    pub(super) now: f64,
    /// Second 0 in milliseconds since the Unix epoch, for the engine's clock.
    pub(super) epoch_ms: i64,
    order: u32,
    pub(super) events: EventList,
    pub(super) slots: Vec<Case>,
    vacant: Vec<u32>,
    pub(super) floor: Floor,
    /// What is said to which case next, in order: (slot, number, input).
    pub(super) inputs: VecDeque<(u32, u32, Input)>,
    /// How often something is repeated that begins right now.
    rounds: Option<(NodeIndex, f64)>,
    pub(super) measuring: bool,
    opened: f64,
    /// The first case, whose end is all that is asked for, and how it ended: when, and where (nowhere where it is stuck).
    pub(super) watched: Option<Option<(f64, Option<u16>)>>,
    pub(super) found: Replication,
}

/// Simulates `warm_up + cases` cases and counts the last `cases` of them. Without arrivals each case is alone and begins
/// at second 0.
pub(in super::super) fn run<W: Witness>(
    (model, engine): (&Model, &ByEngine),
    seed: u64,
    replication: u64,
    (cases, warm_up): (u32, u32),
    witness: &mut W,
) -> Replication {
    let mut shop = Shop::over((model, engine), Numbers::new(seed, replication), (cases, warm_up), witness);
    if shop.cases > 0 {
        shop.announce(0, 0.0);
    }
    loop {
        while let Some(event) = shop.events.pop() {
            shop.happen(event);
        }
        // No case comes any more: what waits for its batch to be full does not get it.
        if !shop.flush() {
            return shop.found;
        }
    }
}

impl<'a, W: Witness> Shop<'a, W> {
    pub(super) fn over(
        (model, engine): (&'a Model, &'a ByEngine),
        numbers: Numbers,
        (cases, warm_up): (u32, u32),
        witness: &'a mut W,
    ) -> Self {
        Self {
            model,
            engine,
            witness,
            numbers,
            cases: cases.saturating_add(warm_up),
            warm_up,
            now: 0.0,
            epoch_ms: LOG_START_MS,
            order: 0,
            events: EventList::default(),
            slots: Vec::new(),
            vacant: Vec::new(),
            floor: Floor::over(model),
            inputs: VecDeque::new(),
            rounds: None,
            measuring: warm_up == 0,
            opened: 0.0,
            watched: None,
            found: Replication::over(model, cases as usize),
        }
    }

    pub(super) fn schedule(&mut self, at: f64, case: u32, slot: u32, token: u32) {
        self.order = (self.order + 1) % AFTER_WORK;
        let after_work = if token < BATCH_DUE && token != SERVED { AFTER_WORK } else { 0 };
        self.events.push(Coming { at, order: self.order | after_work, case, slot, token });
    }

    pub(super) fn happen(&mut self, event: Coming) {
        self.now = event.at;
        match event.token {
            ARRIVAL => self.arrive(event.case),
            BATCH_DUE => self.batch_is_due(event.slot, event.case),
            SERVED => self.served(event.slot, event.case),
            number => self.comes(event.slot, event.case, number),
        }
        self.drain();
    }

    pub(super) fn announce(&mut self, number: u32, now: f64) {
        let at = match &self.model.arrivals {
            None => 0.0,
            Some(law) => {
                let gap = law.quantile(self.numbers.uniform(u64::from(number), arrivals_key(), 0));
                self.model.arrival_calendar.as_ref().map_or(now + gap, |calendar| calendar.finish(now, gap).1)
            }
        };
        self.schedule(at, number, 0, ARRIVAL);
    }

    fn arrive(&mut self, number: u32) {
        if number == self.warm_up {
            self.measuring = true;
            self.opened = self.now;
        }
        if number + 1 == self.cases {
            self.measuring = false;
            self.found.window = if self.model.arrivals.is_some() { self.now - self.opened } else { 0.0 };
        }
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Case::default());
            (self.slots.len() - 1) as u32
        });
        let visits = vec![0; self.model.activities.len() + self.model.choices.len()];
        self.slots[slot as usize] = Case { number, began: self.now, visits, ..Case::default() };
        if number + 1 < self.cases && self.model.arrivals.is_some() {
            self.announce(number + 1, self.now);
        }
        let variables = self.model.attributes_of(&self.numbers, u64::from(number));
        self.say(slot, Input::Start { start: self.engine.start.clone(), variables });
    }

    /// A case that really runs goes on here.
    pub(super) fn take_up(&mut self, number: u32, state: &State) {
        let visits = vec![0; self.model.activities.len() + self.model.choices.len()];
        let began = self.now;
        self.slots.push(Case { number, began, visits, state: state.clone(), ..Case::default() });
        let known = state.variables(None);
        let mut variables = self.model.attributes_of(&self.numbers, u64::from(number));
        variables.retain(|name, _| !known.is_some_and(|known| known.contains_key(name)));
        if !variables.is_empty() {
            self.say(number, Input::SetVariables { scope: None, variables });
        }
        self.say(number, Input::Continue);
    }

    pub(super) fn say(&mut self, slot: u32, input: Input) {
        self.inputs.push_back((slot, self.slots[slot as usize].number, input));
    }

    /// Says all that is to be said, until nothing more happens now.
    pub(super) fn drain(&mut self) {
        while let Some((slot, number, input)) = self.inputs.pop_front() {
            if self.slots[slot as usize].number == number {
                self.step(slot, input);
            }
        }
    }

    /// One step of the engine, and what follows from it.
    fn step(&mut self, slot: u32, input: Input) {
        let engine = self.engine;
        let now_ms = self.epoch_ms.saturating_add((self.now * 1_000.0).round() as i64);
        let case = &mut self.slots[slot as usize];
        case.steps += 1;
        if case.steps > STEPS_LIMIT {
            return self.close(slot, None);
        }
        let context = StepContext { now_ms, budget: u32::MAX };
        // What the engine does not know any more was ended by a step before.
        let events = advance(&engine.program, &mut case.state, input, context).unwrap_or_default();
        let mut bodies: Vec<(Local, NodeIndex)> = Vec::new();
        for event in events {
            match event {
                Event::ElementActivated { element, body: true, index, .. } => {
                    bodies.push((element, index as usize));
                }
                Event::InstanceCompleted { .. } => {
                    let end = self.slots[slot as usize].end;
                    return self.close(slot, end);
                }
                Event::InstanceFailed { code, .. } => {
                    let end = self.slots[slot as usize].end.filter(|_| code != codes::NUMBERS);
                    return self.close(slot, end);
                }
                Event::RepeatStarted { element, .. } => self.repeat(slot, element, &bodies),
                other => self.follow(slot, now_ms, other),
            }
        }
        self.look_whether_stuck(slot);
    }

    fn follow(&mut self, slot: u32, now_ms: i64, event: Event) {
        match event {
            Event::JobCreated { job, node, .. } => self.begin_job(slot, job, &node),
            Event::JobCancelled { job: gone } | Event::CallCancelled { call: gone } => {
                self.cancel(slot, gone)
            }
            Event::TimerScheduled { timer, due_ms, .. } => {
                self.open(slot, timer, Wait::Timer);
                let at = self.now + (due_ms - now_ms).max(0) as f64 / 1_000.0;
                self.schedule(at, self.slots[slot as usize].number, slot, timer);
            }
            Event::SubscriptionOpened { subscription, kind, name, index, .. } => {
                self.subscribe(slot, subscription, index as usize, (kind, name));
            }
            Event::TimerClosed { timer: gone } | Event::SubscriptionClosed { subscription: gone } => {
                self.cancel(slot, gone);
            }
            Event::MessageThrown { name, .. } => self.thrown(slot, SubscriptionKind::Message, &name),
            Event::SignalThrown { name, .. } => self.thrown(slot, SubscriptionKind::Signal, &name),
            Event::ElementCompleted { node, .. } => {
                let place = self.engine.places.get(&node);
                let end = place.and_then(|place| self.engine.ends.get(place)).copied();
                let case = &mut self.slots[slot as usize];
                case.end = end.or(case.end);
            }
            Event::IncidentRaised { .. } => self.slots[slot as usize].held = true,
            _ => {}
        }
    }

    pub(super) fn open(&mut self, slot: u32, number: Local, what: Wait) {
        self.slots[slot as usize].open.push(Open { number, what });
    }

    fn begin_job(&mut self, slot: u32, job: Local, node: &str) {
        let engine = self.engine;
        let Some(place) = engine.places.get(node).copied() else { return };
        let mut variables = Variables::new();
        match &engine.roles[place] {
            Role::Work(work) => return self.reach(slot, job, place, (work.activity, 0.0)),
            Role::Draw { choice, variable, values } => {
                let way = self.choose(slot, *choice);
                variables.insert(variable.clone(), values.get(way).cloned().unwrap_or(Value::Null));
            }
            Role::First(repeated) => {
                if let Some(rounds) = engine.rounds.get(repeated) {
                    let count = self.count(slot, rounds);
                    self.rounds = Some((*repeated, count));
                    variables.insert(rounds.variable.clone(), json!(count));
                }
            }
            Role::Pause | Role::Itself | Role::Comes { .. } => {}
        }
        self.open(slot, job, Wait::Job { work: None, node: place });
        self.complete(slot, job, variables);
    }

    pub(super) fn complete(&mut self, slot: u32, job: Local, variables: Variables) {
        let case = &mut self.slots[slot as usize];
        case.open.retain(|open| open.number != job);
        let input = match case.others.iter().find(|(other, _)| *other == job) {
            None => Input::CompleteJob { job, variables },
            Some((_, Other::Subscription)) => Input::Correlate { subscription: job, variables },
            Some((_, Other::Call)) => Input::CallCompleted { call: job, variables },
        };
        self.say(slot, input);
    }

    /// The work of a job has ended: by what it comes to.
    pub(super) fn work_ended(&mut self, slot: u32, job: Local, node: NodeIndex) {
        let engine = self.engine;
        let Role::Work(Work { outcome, fate, .. }) = &engine.roles[node] else { return };
        let mut variables = Variables::new();
        let is_job = !self.slots[slot as usize].others.iter().any(|(other, _)| *other == job);
        if let Some((choice, fates)) = fate.as_ref().filter(|_| is_job) {
            let way = self.choose(slot, *choice);
            match fates.get(way) {
                None => {}
                Some(super::Fate::Error(code)) => {
                    self.slots[slot as usize].open.retain(|open| open.number != job);
                    let message = "simulated".to_owned();
                    return self.say(slot, Input::ThrowError { job, code: code.clone(), message, variables });
                }
                Some(super::Fate::Escalation(code, goes_on)) => {
                    let escalation =
                        Input::ThrowEscalation { job, code: code.clone(), variables: variables.clone() };
                    self.say(slot, escalation);
                    if !goes_on {
                        self.slots[slot as usize].open.retain(|open| open.number != job);
                        return;
                    }
                }
            }
        }
        if let Some(choice) = outcome {
            let way = self.choose(slot, *choice);
            let label = self.model.choices[usize::from(*choice)].labels.get(way).cloned();
            variables.insert("outcome".to_owned(), json!(label));
            variables.insert("undecided".to_owned(), json!(false));
        }
        self.complete(slot, job, variables);
    }

    fn subscribe(
        &mut self,
        slot: u32,
        subscription: Local,
        node: NodeIndex,
        (kind, name): (SubscriptionKind, String),
    ) {
        if matches!(self.engine.roles[node], Role::Comes { .. }) {
            self.expect(slot, subscription, node, 0.0);
        } else {
            self.open(slot, subscription, Wait::Listens(kind, name));
        }
    }

    /// Draws when something comes from outside that has been waited for so long already, and whether it does.
    pub(super) fn expect(&mut self, slot: u32, subscription: Local, node: NodeIndex, elapsed: f64) {
        let Role::Comes { activity, chance, .. } = self.engine.roles[node] else { return };
        let work = &self.model.activities[usize::from(activity)];
        if let Some(choice) = chance.map(usize::from) {
            let choice_key = self.model.choices[choice].key;
            let share = self.model.choices[choice].shares.first().copied().unwrap_or_default();
            let u = self.drawn(slot, self.model.activities.len() + choice, choice_key);
            // It has not come so far: Bayes.
            let later = share * if elapsed > 0.0 { 1.0 - work.law.share_within(elapsed) } else { 1.0 };
            if u * (later + 1.0 - share) >= later {
                return self.open(slot, subscription, Wait::Never);
            }
        }
        let after = work.law.remaining(elapsed, self.drawn(slot, usize::from(activity), work.key));
        self.open(slot, subscription, Wait::Comes(node));
        self.schedule(self.now + after, self.slots[slot as usize].number, slot, subscription);
    }

    /// A timer is due, or something comes.
    fn comes(&mut self, slot: u32, number: u32, waited_for: Local) {
        let case = &mut self.slots[slot as usize];
        if case.number != number {
            return;
        }
        let Some(at) = case.open.iter().position(|open| open.number == waited_for) else { return };
        let input = match case.open[at].what {
            Wait::Timer => Input::TimerDue { timer: waited_for },
            Wait::Comes(node) => {
                case.open.swap_remove(at);
                let Role::Comes { activity, again, .. } = self.engine.roles[node] else { return };
                if number >= self.warm_up {
                    self.found.activities[usize::from(activity)].visits += 1;
                }
                if again {
                    self.expect(slot, waited_for, node, 0.0);
                } else {
                    self.open(slot, waited_for, Wait::Never);
                }
                Input::Correlate { subscription: waited_for, variables: Variables::new() }
            }
            _ => return,
        };
        self.say(slot, input);
    }

    /// The case itself throws something: a message for one, a signal for all that listen.
    fn thrown(&mut self, slot: u32, kind: SubscriptionKind, name: &str) {
        let hears = |open: &&Open| matches!(&open.what, Wait::Listens(of, to) if *of == kind && to == name);
        let listening = self.slots[slot as usize].open.iter().filter(hears).map(|open| open.number);
        let most = if kind == SubscriptionKind::Message { 1 } else { usize::MAX };
        for subscription in listening.take(most).collect::<Vec<_>>() {
            self.say(slot, Input::Correlate { subscription, variables: Variables::new() });
        }
    }

    /// A repetition begins: how many rounds it has is set in its own scope.
    fn repeat(&mut self, slot: u32, body: Local, bodies: &[(Local, NodeIndex)]) {
        let engine = self.engine;
        let Some((_, node)) = bodies.iter().find(|(element, _)| *element == body) else { return };
        let Some(rounds) = engine.rounds.get(node) else { return };
        let count = match self.rounds.take() {
            Some((drawn_for, count)) if drawn_for == *node => count,
            _ => self.count(slot, rounds),
        };
        let variables = Variables::from_iter([(rounds.variable.clone(), json!(count))]);
        self.say(slot, Input::SetVariables { scope: Some(body), variables });
    }

    pub(super) fn count(&mut self, slot: u32, rounds: &Rounds) -> f64 {
        let at = usize::from(rounds.choice);
        let choice = &self.model.choices[at];
        let u = self.drawn(slot, self.model.activities.len() + at, choice.key);
        rounds.count(choice.shares.first().copied().unwrap_or_default(), u)
    }

    /// The way that this visit of a choice takes.
    fn choose(&mut self, slot: u32, choice: u16) -> usize {
        let at = usize::from(choice);
        let choice = &self.model.choices[at];
        let u = self.drawn(slot, self.model.activities.len() + at, choice.key);
        choice.pick(u)
    }

    /// The next number at an element of a case.
    pub(super) fn drawn(&mut self, slot: u32, counter: usize, key: u64) -> f64 {
        let case = &mut self.slots[slot as usize];
        let visit = case.visits[counter];
        case.visits[counter] = visit.saturating_add(1);
        self.numbers.uniform(u64::from(case.number), key, visit)
    }

    /// A case that nothing can move any more, or that an incident holds while no work is under way, never ends.
    fn look_whether_stuck(&mut self, slot: u32) {
        let case = &self.slots[slot as usize];
        let works = case.open.iter().any(|open| matches!(open.what, Wait::Job { .. }));
        let comes = |open: &Open| matches!(open.what, Wait::Timer | Wait::Comes(_));
        let is_over = !works && (case.held || !case.open.iter().any(comes));
        if is_over && !self.inputs.iter().any(|(other, ..)| *other == slot) {
            self.close(slot, None);
        }
    }

    /// A case has ended, or never will.
    fn close(&mut self, slot: u32, end: Option<u16>) {
        let jobs: Vec<Local> = {
            let open = self.slots[slot as usize].open.iter();
            open.filter(|open| matches!(open.what, Wait::Job { .. })).map(|open| open.number).collect()
        };
        jobs.into_iter().for_each(|job| self.cancel(slot, job));
        if slot == 0 && self.watched == Some(None) {
            self.watched = Some(Some((self.now, end)));
        }
        let case =
            std::mem::replace(&mut self.slots[slot as usize], Case { number: NOBODY, ..Case::default() });
        if case.number >= self.warm_up {
            self.witness.ended(case.number - self.warm_up, case.began, self.now, end);
            match end {
                None => self.found.stuck += 1,
                Some(end) => {
                    self.found.cases += 1;
                    self.found.durations.push(self.now - case.began);
                    self.found.ends[usize::from(end)] += 1;
                    self.found.waited += case.waited;
                    self.found.cost += case.cost;
                }
            }
        }
        self.vacant.push(slot);
        if self.model.arrivals.is_none() && case.number + 1 < self.cases {
            // Alone: nothing of this case is left for the next, which begins at second 0.
            self.events.clear();
            self.announce(case.number + 1, 0.0);
        }
    }
}
