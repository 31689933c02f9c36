//! The machine that makes the transitions of one step: agenda, activation, completion, termination.
//!
//! | transition | what it does |
//! | --- | --- |
//! | arrive | a token reaches a node: joins look whether they can go on, everything else is activated |
//! | run | input mappings, then what the node does: complete at once, wait, or open a scope |
//! | leave | output mappings |
//! | exit | outgoing flows are chosen, the element instance ends, tokens move on |
//! | next | a multi-instance, loop or ad-hoc sub-process goes on |
//!
//! A transition that fails changes nothing but what its own start repeats, and is held in an incident.

use std::collections::VecDeque;

use super::business_rule_task::Decisions;
use super::event::Event;
use super::incident::{Fault, codes};
use super::state::{Element, State, WaitKind};
use super::variables::outside;
use super::work::Work;
use super::{LOOP_WEIGHT, Local, MAX_LOCAL, MAX_REPEATS, MAX_TRANSITIONS, PROCESS, StepContext, apply};
use crate::program::{FlowIndex, Node, NodeIndex, NodeKind, Program, SubProcess, Throw};

/// A transition, made or not.
pub(super) type Outcome = Result<(), Fault>;

/// Numbers that one transition may use up at most: a multi-instance activates all its runs in one.
const NUMBERS_OF_ONE_TRANSITION: Local = 2 * MAX_REPEATS;

/// One step in the making.
pub(super) struct Machine<'m> {
    pub(super) program: &'m Program,
    pub(super) state: &'m mut State,
    pub(super) events: Vec<Event>,
    pub(super) agenda: VecDeque<Work>,
    pub(super) context: StepContext,
    pub(super) decisions: &'m dyn Decisions,
    /// Variables changed since conditions were last looked at.
    pub(super) changed_variables: bool,
    /// Transitions since the last input from outside that earlier steps made, as they count.
    pub(super) earlier: u32,
}

/// How to activate a node.
#[derive(Default)]
pub(super) struct Activation {
    pub(super) consumed: Vec<u32>,
    pub(super) iteration: u32,
    pub(super) caller: Local,
}

impl<'m> Machine<'m> {
    pub(super) fn emit(&mut self, event: Event) {
        apply(self.state, &event);
        self.events.push(event);
    }

    /// The next number.
    pub(super) fn number(&self) -> Local {
        self.state.last.saturating_add(1)
    }

    pub(super) fn node(&self, index: u32) -> Result<&'m Node, Fault> {
        self.program
            .nodes
            .get(index as usize)
            .ok_or_else(|| Fault::program("an element is not in the process"))
    }

    /// An element instance with its node; `None` where it is gone.
    pub(super) fn instance(&self, element: Local) -> Option<(&Element, &'m Node)> {
        let instance = self.state.element(element)?;
        let node = self.program.nodes.get(instance.node as usize)?;
        Some((instance, node))
    }

    /// The node of a scope; `None` for the process.
    pub(super) fn scope_node(&self, scope: Local) -> Option<NodeIndex> {
        if scope == PROCESS {
            return None;
        }
        self.state.element(scope).map(|element| element.node as usize)
    }

    /// Makes transitions until nothing is left to do, the instance ends, or the budget is used up.
    pub(super) fn run(&mut self) {
        let budget = self.context.budget.max(1);
        let (mut spent, mut counted) = (0, self.earlier);
        loop {
            while let Some(work) = self.agenda.pop_front() {
                if self.state.is_ended() {
                    return;
                }
                if spent >= budget || counted >= MAX_TRANSITIONS {
                    self.agenda.push_front(work);
                    self.stop(counted);
                    return;
                }
                spent += 1;
                counted = counted.saturating_add(self.weight(work));
                if self.state.last >= MAX_LOCAL - NUMBERS_OF_ONE_TRANSITION {
                    let message = format!("the instance used up its {MAX_LOCAL} element numbers");
                    self.fail(codes::NUMBERS, &message);
                    return;
                }
                self.attempt(work);
                self.look_at_conditions();
            }
            if self.state.is_ended() || !self.settle() {
                return;
            }
        }
    }

    /// How often a transition counts: once inside a multi-instance activity, which has a bounded number of runs.
    fn weight(&self, work: Work) -> u32 {
        let mut at = match work {
            Work::Arrive { scope, .. } => scope,
            _ => work.element().unwrap_or(PROCESS),
        };
        while let Some(element) = Some(at).filter(|at| *at != PROCESS).and_then(|at| self.state.element(at)) {
            if element.repeat.as_ref().is_some_and(|repeat| !repeat.standard) {
                return 1;
            }
            at = element.scope;
        }
        LOOP_WEIGHT
    }

    fn stop(&mut self, transitions: u32) {
        if transitions >= MAX_TRANSITIONS {
            self.hold_runaway();
        } else {
            let pending = self.agenda.drain(..).collect();
            self.emit(Event::Yielded { pending, transitions });
        }
    }

    /// Makes one transition, or holds it in an incident.
    pub(super) fn attempt(&mut self, work: Work) {
        let outcome = match work {
            Work::Arrive { flow, scope } => self.arrive(flow, scope),
            Work::Run { element } => self.begin(element),
            Work::Leave { element } => self.leave(element),
            Work::Exit { element } => self.exit(element),
            Work::Next { element } => self.next(element),
            Work::Compensate { element } => self.compensate_next(element),
            Work::Conditions => {
                self.changed_variables = true;
                Ok(())
            }
        };
        if let Err(fault) = outcome {
            if let Work::Run { element } = work {
                // What it began to wait for is opened again when it is tried again.
                self.close_waits(element);
            }
            self.raise(work, &fault);
        }
    }

    /// A token reaches the end of a flow.
    fn arrive(&mut self, flow: u32, scope: Local) -> Outcome {
        if self.state.tokens_on(scope, flow) == 0 {
            return Ok(()); // its scope was ended meanwhile
        }
        let target = self.program.flows.get(flow as usize).map(|flow| flow.target);
        let target = target.ok_or_else(|| Fault::program("a sequence flow is not in the process"))?;
        let index = place(target);
        let node = self.node(index)?;
        let joins = node.incoming.len() > 1;
        match &node.kind {
            NodeKind::Parallel if joins => self.join_parallel(index, node, scope),
            NodeKind::Complex { activation } if joins => {
                self.join_complex(index, node, scope, activation.as_ref(), flow)
            }
            // Looked at when nothing else can move: see `settle`.
            NodeKind::Inclusive if joins => Ok(()),
            _ => {
                let element = self.activate(
                    index,
                    scope,
                    Activation { consumed: vec![flow], ..Activation::default() },
                )?;
                self.attempt(Work::Run { element });
                Ok(())
            }
        }
    }

    /// Activates a node in a scope; the body where it is repeated.
    pub(super) fn activate(
        &mut self,
        index: u32,
        scope: Local,
        activation: Activation,
    ) -> Result<Local, Fault> {
        let node = self.node(index)?;
        let element = self.number();
        self.emit(Event::ElementActivated {
            element,
            node: node.id.clone(),
            kind: node.local_name.clone(),
            scope: outside(scope),
            body: node.repeat.is_some() && activation.iteration == 0,
            index,
            consumed: activation.consumed,
            iteration: activation.iteration,
            caller: outside(activation.caller),
            at_ms: self.context.now_ms,
        });
        Ok(element)
    }

    /// An activated element begins.
    fn begin(&mut self, element: Local) -> Outcome {
        let Some((instance, node)) = self.instance(element) else { return Ok(()) };
        if instance.body {
            self.open_boundary_events(element, node)?;
            return self.begin_repeat(element, node);
        }
        self.map_inputs(element, &node.inputs)?;
        match &node.kind {
            NodeKind::Start { .. }
            | NodeKind::PassThrough
            | NodeKind::Boundary { .. }
            | NodeKind::Exclusive
            | NodeKind::Parallel
            | NodeKind::Inclusive
            | NodeKind::Complex { .. } => self.done(element),
            NodeKind::Job(kind) => self.begin_job(element, node, *kind)?,
            NodeKind::Script { expression, result } => {
                self.run_script(element, node, expression, result.as_deref())?;
            }
            NodeKind::Decision(call) => self.run_decision(element, node, call)?,
            NodeKind::Catch(trigger) => self.begin_catch(element, trigger)?,
            NodeKind::Receive(trigger) => self.begin_receive(element, node, trigger)?,
            NodeKind::EventBased { .. } => self.begin_event_based(element, node)?,
            NodeKind::End(throw) => self.begin_end(element, node, throw)?,
            NodeKind::Throw(throw) => self.begin_throw(element, node, throw)?,
            NodeKind::SubProcess(kind) => self.begin_sub_process(element, node, kind)?,
            NodeKind::Call { process, propagate_all_in, .. } => {
                self.begin_call(element, node, process, *propagate_all_in)?;
            }
        }
        Ok(())
    }

    /// The work of an element is done: it leaves at once.
    pub(super) fn done(&mut self, element: Local) {
        self.attempt(Work::Leave { element });
    }

    fn leave(&mut self, element: Local) -> Outcome {
        let Some((instance, node)) = self.instance(element) else { return Ok(()) };
        let scope = instance.scope;
        if instance.body {
            self.hand_up_collected(element, scope);
        } else {
            if instance.live > 0 {
                return Ok(()); // a scope in which something began again meanwhile
            }
            self.map_outputs(element, scope, &node.outputs)?;
        }
        self.attempt(Work::Exit { element });
        Ok(())
    }

    fn exit(&mut self, element: Local) -> Outcome {
        let Some((instance, node)) = self.instance(element) else { return Ok(()) };
        let (scope, caller) = (instance.scope, instance.caller);
        if instance.live > 0 {
            return Ok(()); // something began in it again while an incident held it
        }
        if instance.iteration > 0 {
            return self.end_run(element, node, scope);
        }
        let flows = self.choose_flows(element, node)?;
        self.record_compensation(element, node, scope);
        self.complete(element, node);
        for flow in &flows {
            self.take(*flow, scope);
        }
        if caller != PROCESS && self.state.element(caller).is_some() {
            self.agenda.push_front(Work::Compensate { element: caller });
        } else {
            self.look_at_scope(scope, flows.is_empty());
        }
        Ok(())
    }

    /// The flows that an element takes when it ends.
    fn choose_flows(&mut self, element: Local, node: &'m Node) -> Result<Vec<FlowIndex>, Fault> {
        match &node.kind {
            NodeKind::Exclusive => self.choose_exclusive(element, node),
            NodeKind::Parallel => Ok(node.outgoing.clone()),
            NodeKind::EventBased { .. } | NodeKind::End(_) | NodeKind::Throw(Throw::Link { .. }) => {
                Ok(Vec::new())
            }
            _ => self.choose_inclusive(element, node),
        }
    }

    pub(super) fn complete(&mut self, element: Local, node: &Node) {
        self.close_waits(element);
        let body = self.state.element(element).is_some_and(|instance| instance.body);
        self.emit(Event::ElementCompleted {
            element,
            node: node.id.clone(),
            kind: node.local_name.clone(),
            body,
        });
    }

    /// Puts a token on a flow.
    pub(super) fn take(&mut self, flow: FlowIndex, scope: Local) {
        let Some(taken) = self.program.flows.get(flow) else { return };
        let index = place(flow);
        self.emit(Event::FlowTaken { flow: taken.id.clone(), scope: outside(scope), index });
        self.agenda.push_back(Work::Arrive { flow: index, scope });
    }

    /// After something ended in a scope: the scope ends when nothing is left in it.
    pub(super) fn look_at_scope(&mut self, scope: Local, ended_path: bool) {
        if self.state.is_ended() {
            return;
        }
        let ad_hoc = self
            .instance(scope)
            .is_some_and(|(_, node)| matches!(node.kind, NodeKind::SubProcess(SubProcess::AdHoc { .. })));
        if ad_hoc {
            self.agenda.push_front(Work::Next { element: scope });
        } else if ended_path && self.state.live(scope) == 0 {
            if scope == PROCESS {
                self.finish();
            } else {
                self.agenda.push_front(Work::Leave { element: scope });
            }
        }
    }

    /// The instance ends well.
    pub(super) fn finish(&mut self) {
        self.close_waits(PROCESS);
        let variables = self.state.variables(None).cloned().unwrap_or_default();
        self.emit(Event::InstanceCompleted { variables });
    }

    /// The instance ends by an error.
    pub(super) fn fail(&mut self, code: &str, message: &str) {
        self.clear_scope(PROCESS, None);
        self.close_waits(PROCESS);
        self.emit(Event::InstanceFailed { code: code.to_owned(), message: message.to_owned() });
    }

    /// Ends an element instance and all inside it.
    pub(super) fn terminate(&mut self, element: Local) {
        let Some(instance) = self.state.element(element) else { return };
        if instance.live > 0 {
            for inner in self.state.descendants(element, None).into_iter().rev() {
                self.terminate_one(inner);
            }
        }
        self.terminate_one(element);
    }

    fn terminate_one(&mut self, element: Local) {
        self.close_waits(element);
        let Some((instance, node)) = self.instance(element) else { return };
        let event = Event::ElementTerminated {
            element,
            node: node.id.clone(),
            kind: node.local_name.clone(),
            body: instance.body,
        };
        let caller = instance.caller;
        self.emit(event);
        if caller != PROCESS {
            // A compensation handler that did not end well lets the event that asked for it go on.
            self.agenda.push_back(Work::Compensate { element: caller });
        }
    }

    /// Ends everything in a scope but `spared`, and drops its tokens.
    pub(super) fn clear_scope(&mut self, scope: Local, spared: Option<Local>) {
        for inner in self.state.descendants(scope, spared).into_iter().rev() {
            self.terminate_one(inner);
        }
        let tokens: Vec<(u32, u32)> = self
            .state
            .tokens
            .range((scope, 0)..=(scope, u32::MAX))
            .map(|((_, flow), count)| (*flow, *count))
            .collect();
        for (index, count) in tokens {
            let id = self.program.flows.get(index as usize).map(|flow| flow.id.clone());
            for _ in 0..count {
                let flow = id.clone().unwrap_or_default();
                self.emit(Event::TokenDiscarded { flow, scope: outside(scope), index });
            }
        }
    }

    /// Closes everything an element instance waits for.
    pub(super) fn close_waits(&mut self, element: Local) {
        let Some(instance) = self.state.element(element) else { return };
        for number in instance.waits.clone() {
            self.close_wait(number);
        }
    }

    pub(super) fn close_wait(&mut self, number: Local) {
        let Some(wait) = self.state.waits.get(&number) else { return };
        let event = match wait.kind {
            WaitKind::Job => Event::JobCancelled { job: number },
            WaitKind::Timer { .. } => Event::TimerClosed { timer: number },
            WaitKind::Subscription { .. } => Event::SubscriptionClosed { subscription: number },
            WaitKind::Condition { .. } => Event::ConditionClosed { condition: number },
            WaitKind::Call => Event::CallCancelled { call: number },
            WaitKind::Incident { .. } => Event::IncidentResolved { incident: number },
        };
        self.emit(event);
    }
}

/// A place in the program as the state keeps it. Programs are far smaller than 2^32.
pub(super) fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
