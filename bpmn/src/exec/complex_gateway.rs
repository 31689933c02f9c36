//! Complex gateway.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | the activation condition is looked at; `activationCount` is the number of tokens on all incoming flows, `activationCount_<flow id>` on one; without condition every incoming flow must have one |
//! | the condition holds | one token of each incoming flow that has some is consumed; it splits like an inclusive gateway; then it waits for its reset |
//! | a late token arrives before the reset | it is dropped |
//! | every incoming flow has had its token, or the missing ones can no longer come | it is reset |

use serde_json::Value;

use super::Local;
use super::event::Event;
use super::incident::Fault;
use super::machine::{Activation, Machine, Outcome, place};
use super::reach::Upstream;
use super::variables::{View, outside};
use super::work::Work;
use crate::expression::Expression;
use crate::program::{Node, Variables};

impl Machine<'_> {
    pub(super) fn join_complex(
        &mut self,
        index: u32,
        node: &Node,
        scope: Local,
        activation: Option<&Expression>,
        flow: u32,
    ) -> Outcome {
        if let Some(mut awaited) = self.state.awaited.get(&(scope, index)).cloned()
            && let Some(at) = awaited.iter().position(|other| *other == flow)
        {
            awaited.remove(at);
            let reset = awaited.is_empty();
            let id = self.program.flows.get(flow as usize).map(|flow| flow.id.clone()).unwrap_or_default();
            self.emit(Event::TokenDiscarded { flow: id, scope: outside(scope), index: flow });
            self.emit(Event::ResetAwaited { scope: outside(scope), index, flows: awaited });
            if reset {
                self.look_again(index, scope);
            }
            self.look_at_scope(scope, true);
            return Ok(());
        }
        let (consumed, missing): (Vec<u32>, Vec<u32>) = node
            .incoming
            .iter()
            .map(|flow| place(*flow))
            .partition(|flow| self.state.tokens_on(scope, *flow) > 0);
        let active = match activation {
            None => missing.is_empty(),
            Some(condition) => self.is_activated(condition, node, scope)?,
        };
        if !active || self.state.awaited.contains_key(&(scope, index)) {
            return Ok(());
        }
        let element = self.activate(index, scope, Activation { consumed, ..Activation::default() })?;
        if !missing.is_empty() {
            self.emit(Event::ResetAwaited { scope: outside(scope), index, flows: missing });
        }
        self.attempt(Work::Run { element });
        Ok(())
    }

    fn is_activated(&self, condition: &Expression, node: &Node, scope: Local) -> Result<bool, Fault> {
        let mut counts = Variables::new();
        let mut all = 0;
        for index in &node.incoming {
            let tokens = self.state.tokens_on(scope, place(*index));
            all += tokens;
            if let Some(flow) = self.program.flows.get(*index) {
                counts.insert(format!("activationCount_{}", flow.id), Value::from(tokens));
            }
        }
        counts.insert("activationCount".to_owned(), Value::from(all));
        let view = View { state: self.state, element: scope, overlay: Some(&counts) };
        let result = condition.evaluate_condition(&view, self.limits());
        result.map_err(|error| Fault::expression(condition, &error))
    }

    /// Nothing moves: late tokens that can no longer come are not awaited any more.
    pub(super) fn reset_complex_gateways(&mut self) {
        for ((scope, index), awaited) in self.state.awaited.clone() {
            let still: Vec<u32> =
                awaited.iter().copied().filter(|flow| self.can_come(scope, index, *flow)).collect();
            if still.len() < awaited.len() {
                let reset = still.is_empty();
                self.emit(Event::ResetAwaited { scope: outside(scope), index, flows: still });
                if reset {
                    self.look_again(index, scope);
                }
            }
        }
    }

    /// Tokens of the next round may have arrived before the reset.
    fn look_again(&mut self, gateway: u32, scope: Local) {
        let Ok(node) = self.node(gateway) else { return };
        let waiting = node.incoming.iter().map(|flow| place(*flow));
        let first = waiting.into_iter().find(|flow| self.state.tokens_on(scope, *flow) > 0);
        self.agenda.extend(first.map(|flow| Work::Arrive { flow, scope }));
    }

    fn can_come(&self, scope: Local, gateway: u32, flow: u32) -> bool {
        let upstream = Upstream::of(self.program, gateway as usize, &[flow as usize]);
        let mut tokens = self.state.tokens.range((scope, 0)..=(scope, u32::MAX));
        let mut inside = self.state.elements.range(scope.saturating_add(1)..);
        tokens.any(|((_, other), _)| upstream.has_flow(*other))
            || inside.any(|(_, element)| element.scope == scope && upstream.has_node(element.node))
    }
}
