//! Drives an instance through a story and checks every step.

use serde_json::{Value, json};

use super::super::state::{State, WaitKind};
use super::super::{
    Event, Input, Local, PROCESS, Status, StepContext, StepError, Work, advance, apply, step,
};
use crate::program::{NodeKind, Program, SubProcess, Variables};

/// 2030-01-31T12:00:00Z.
pub(super) const NOW: i64 = 1_896_091_200_000;

/// An instance and all that happened to it.
pub(super) struct Story {
    pub(super) program: Program,
    pub(super) state: State,
    pub(super) events: Vec<Event>,
    pub(super) now_ms: i64,
    pub(super) budget: u32,
}

pub(super) fn variables(value: Value) -> Variables {
    match value {
        Value::Object(members) => members,
        Value::Null => Variables::new(),
        other => panic!("{other} is no object"),
    }
}

impl Story {
    pub(super) fn fresh(program: Program) -> Self {
        Self {
            program,
            state: State::new(),
            events: Vec::new(),
            now_ms: NOW,
            budget: StepContext::DEFAULT_BUDGET,
        }
    }

    /// Starts an instance without naming a start event.
    pub(super) fn start(program: Program, values: Value) -> Self {
        let mut story = Self::fresh(program);
        story.tell(Input::Start { start: None, variables: variables(values) });
        story
    }

    /// One step, checked; yields are continued.
    pub(super) fn tell(&mut self, input: Input) -> &mut Self {
        let context = StepContext { now_ms: self.now_ms, budget: self.budget };
        let mut input = Some(input);
        while let Some(next) = input.take() {
            self.checked_step(next, context).unwrap_or_else(|error| panic!("{error}"));
            if self.state.has_ready_work() {
                input = Some(Input::Continue);
            }
        }
        self
    }

    pub(super) fn checked_step(&mut self, input: Input, context: StepContext) -> Result<usize, StepError> {
        let before = self.state.clone();
        let pure = step(&self.program, &before, input.clone(), context);
        let in_place = advance(&self.program, &mut self.state, input, context);
        assert_eq!(pure, in_place, "pure and in-place steps agree");
        let events = in_place.inspect_err(|_| assert_eq!(before, self.state, "a refusal changes nothing"))?;
        let mut folded: State = serde_json::from_value(serde_json::to_value(&before).unwrap()).unwrap();
        for event in &events {
            let text = serde_json::to_string(event).unwrap();
            let read: Event = serde_json::from_str(&text).unwrap();
            assert_eq!(read, *event, "events survive serialisation");
            apply(&mut folded, &read);
        }
        assert_eq!(folded, self.state, "the state is the fold of the events");
        check(&self.program, &self.state);
        let count = events.len();
        self.events.extend(events);
        Ok(count)
    }

    /// Tries an input that must be refused.
    pub(super) fn refuse(&mut self, input: Input) -> StepError {
        let context = StepContext { now_ms: self.now_ms, budget: self.budget };
        self.checked_step(input, context).expect_err("the input must be refused")
    }

    /// Open jobs with their nodes, oldest first.
    pub(super) fn jobs(&self) -> Vec<(Local, String)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::JobCreated { job, node, .. } => Some((*job, node.clone())),
                _ => None,
            })
            .filter(|(job, _)| self.state.jobs().any(|open| open == *job))
            .collect()
    }

    /// Nodes of the open jobs, sorted.
    pub(super) fn open(&self) -> Vec<String> {
        let mut nodes: Vec<String> = self.jobs().into_iter().map(|(_, node)| node).collect();
        nodes.sort();
        nodes
    }

    pub(super) fn job(&self, node: &str) -> Local {
        let found = self.jobs().into_iter().find(|(_, other)| other == node);
        found.unwrap_or_else(|| panic!("no open job of {node}; open are {:?}", self.open())).0
    }

    pub(super) fn done(&mut self, node: &str, result: Value) -> &mut Self {
        let job = self.job(node);
        self.tell(Input::CompleteJob { job, variables: variables(result) })
    }

    pub(super) fn throws(&mut self, node: &str, code: &str) -> &mut Self {
        let job = self.job(node);
        let message = "it broke".to_owned();
        self.tell(Input::ThrowError { job, code: code.to_owned(), message, variables: Variables::new() })
    }

    pub(super) fn set(&mut self, values: Value) -> &mut Self {
        self.tell(Input::SetVariables { scope: None, variables: variables(values) })
    }

    /// Lets the next timer be due.
    pub(super) fn next_timer(&mut self) -> &mut Self {
        let (timer, due_ms) =
            self.state.timers().min_by_key(|(number, due)| (*due, *number)).expect("a timer");
        self.now_ms = due_ms;
        self.tell(Input::TimerDue { timer })
    }

    /// Correlates a message or signal with every subscription that waits for it.
    pub(super) fn receive(&mut self, name: &str, values: Value) -> &mut Self {
        let waiting: Vec<Local> = self.subscriptions(name);
        assert!(!waiting.is_empty(), "nothing waits for {name}");
        for subscription in waiting {
            self.tell(Input::Correlate { subscription, variables: variables(values.clone()) });
        }
        self
    }

    pub(super) fn subscriptions(&self, wanted: &str) -> Vec<Local> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::SubscriptionOpened { subscription, name, .. } if name == wanted => Some(*subscription),
                _ => None,
            })
            .filter(|number| self.state.waits.contains_key(number))
            .collect()
    }

    /// Resolves the only open incident.
    pub(super) fn resolve(&mut self) -> &mut Self {
        let open: Vec<_> = self.state.incidents().collect();
        assert_eq!(open.len(), 1, "{open:?}");
        self.tell(Input::ResolveIncident { incident: open[0].incident })
    }

    /// Codes of the open incidents.
    pub(super) fn incidents(&self) -> Vec<String> {
        self.state.incidents().map(|incident| incident.code).collect()
    }

    /// Node ids in order of completion, bodies left out.
    pub(super) fn completed(&self) -> Vec<&str> {
        self.traced("completed")
    }

    pub(super) fn traced(&self, wanted: &str) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match (wanted, event) {
                ("completed", Event::ElementCompleted { node, body: false, .. })
                | ("terminated", Event::ElementTerminated { node, body: false, .. })
                | ("activated", Event::ElementActivated { node, body: false, .. }) => Some(node.as_str()),
                ("taken", Event::FlowTaken { flow, .. }) => Some(flow.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn visits(&self, node: &str) -> usize {
        self.completed().into_iter().filter(|other| *other == node).count()
    }

    pub(super) fn status(&self) -> Status {
        self.state.status()
    }

    #[track_caller]
    pub(super) fn ends(&self) {
        assert_eq!(
            self.status(),
            Status::Completed,
            "open: {:?}, incidents: {:?}, completed: {:?}",
            self.open(),
            self.state.incidents().collect::<Vec<_>>(),
            self.completed()
        );
    }

    /// A variable of the process.
    pub(super) fn value(&self, name: &str) -> Value {
        self.state.variables(None).and_then(|variables| variables.get(name)).cloned().unwrap_or(json!(null))
    }
}

/// Checks that counts agree, that nothing hangs in the air and that no token is lost.
pub(super) fn check(program: &Program, state: &State) {
    if state.is_ended() {
        assert!(state.elements.keys().all(|number| *number == PROCESS), "an ended instance holds nothing");
        assert!(state.waits.is_empty() && state.tokens.is_empty() && state.agenda.is_empty());
        return;
    }
    for (number, element) in &state.elements {
        let children = state
            .elements
            .iter()
            .filter(|(other, inner)| **other != PROCESS && inner.scope == *number)
            .count();
        let tokens: u32 =
            state.tokens.iter().filter(|((scope, _), _)| scope == number).map(|(_, count)| *count).sum();
        assert_eq!(element.live as usize, children + tokens as usize, "live of element instance {number}");
        assert!(state.elements.contains_key(&element.scope), "the scope of {number} exists");
        for wait in &element.waits {
            assert_eq!(state.waits.get(wait).map(|wait| wait.element), Some(*number));
        }
    }
    for (number, wait) in &state.waits {
        assert!(state.elements.get(&wait.element).is_some_and(|element| element.waits.contains(number)));
        assert_eq!(matches!(wait.kind, WaitKind::Condition { .. }), state.conditions.contains(number));
    }
    if state.has_ready_work() {
        return;
    }
    let held: Vec<Work> = state
        .waits
        .values()
        .filter_map(|wait| match &wait.kind {
            WaitKind::Incident { retry, .. } => Some(retry.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    for (number, element) in state.elements.iter().filter(|(number, _)| **number != PROCESS) {
        let node = &program.nodes[element.node as usize];
        let asked = state.elements.values().any(|other| other.caller == *number);
        let ad_hoc = !element.body && matches!(node.kind, NodeKind::SubProcess(SubProcess::AdHoc { .. }));
        assert!(
            !element.waits.is_empty()
                || element.live > 0
                || asked
                || ad_hoc
                || held.iter().any(|work| work.element() == Some(*number)),
            "the token in {} is lost",
            node.id
        );
    }
    for (scope, flow) in state.tokens.keys() {
        let target = &program.nodes[program.flows[*flow as usize].target];
        let waits_at_join = target.incoming.len() > 1
            && matches!(target.kind, NodeKind::Parallel | NodeKind::Inclusive | NodeKind::Complex { .. });
        let is_held = held.contains(&Work::Arrive { flow: *flow, scope: *scope });
        assert!(waits_at_join || is_held, "the token on {} is lost", program.flows[*flow as usize].id);
    }
    let live = state.elements.get(&PROCESS).map_or(0, |process| process.live);
    assert!(live > 0, "an instance without token has ended");
    assert!(
        !state.waits.is_empty()
            || state.elements.values().any(|element| {
                let node = program.nodes.get(element.node as usize);
                node.is_some_and(|node| matches!(node.kind, NodeKind::SubProcess(SubProcess::AdHoc { .. })))
            }),
        "an open instance waits for something"
    );
}
