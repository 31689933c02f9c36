//! Inclusive gateway, and what happens when nothing else can move.
//!
//! | when | tokens |
//! | --- | --- |
//! | splitting | one token on each flow whose condition holds or that has none; the default where that is no flow; otherwise an incident |
//! | a token arrives at a join | it waits on its flow |
//! | no transition is left, and every token that can still reach an empty incoming flow of the join without passing it can also reach a non-empty one | one token of each non-empty flow is consumed, one goes on (BPMN 2.0.2, 13.4.3) |
//! | joins wait for one another and nothing else is in their scope | the first of them goes on: no token can reach it any more |
//! | tokens wait at joins that cannot go on and nothing else is waited for | an incident: deadlock |
//!
//! Activities and events with conditional flows split in the same way.

use std::collections::BTreeSet;

use super::exclusive_gateway::no_flow;
use super::incident::{Fault, codes};
use super::machine::{Activation, Machine, place};
use super::reach::Upstream;
use super::work::Work;
use super::{Local, PROCESS};
use crate::program::{FlowIndex, Node, NodeKind, SubProcess};

impl Machine<'_> {
    pub(super) fn choose_inclusive(&self, element: Local, node: &Node) -> Result<Vec<FlowIndex>, Fault> {
        let mut chosen = Vec::with_capacity(node.outgoing.len());
        for index in &node.outgoing {
            let Some(flow) = self.program.flows.get(*index) else { continue };
            if node.default_flow == Some(*index) {
                continue;
            }
            let taken = match &flow.condition {
                None => true,
                Some(condition) => self.holds(condition, element)?,
            };
            if taken {
                chosen.push(*index);
            }
        }
        if chosen.is_empty() && !node.outgoing.is_empty() {
            chosen.push(node.default_flow.ok_or_else(|| no_flow(node))?);
        }
        Ok(chosen)
    }

    /// Nothing moves: lets joins go on that have all they can get. True where something moves again.
    pub(super) fn settle(&mut self) -> bool {
        if self.state.tokens.is_empty() {
            return false;
        }
        self.reset_complex_gateways();
        if !self.agenda.is_empty() {
            return true;
        }
        let joins = self.waiting_joins();
        let enabled = joins.iter().find(|(scope, gateway)| self.is_enabled(*scope, *gateway)).copied();
        let circular = || joins.iter().find(|(scope, _)| self.holds_only_tokens(*scope)).copied();
        if let Some((scope, gateway)) = enabled.or_else(circular) {
            return self.go_on(scope, gateway);
        }
        self.report_deadlock();
        false
    }

    /// Inclusive gateways at which tokens wait: (scope, place).
    fn waiting_joins(&self) -> BTreeSet<(Local, u32)> {
        let targets = self.state.tokens.keys().filter_map(|(scope, flow)| {
            let target = self.program.flows.get(*flow as usize)?.target;
            let node = self.program.nodes.get(target)?;
            matches!(node.kind, NodeKind::Inclusive).then_some((*scope, place(target)))
        });
        targets.collect()
    }

    fn is_enabled(&self, scope: Local, gateway: u32) -> bool {
        let Ok(node) = self.node(gateway) else { return false };
        let (full, empty): (Vec<usize>, Vec<usize>) =
            node.incoming.iter().copied().partition(|flow| self.state.tokens_on(scope, place(*flow)) > 0);
        if empty.is_empty() {
            return true;
        }
        let to_empty = Upstream::of(self.program, gateway as usize, &empty);
        let to_full = Upstream::of(self.program, gateway as usize, &full);
        let flow_waits = |flow: u32| to_empty.has_flow(flow) && !to_full.has_flow(flow);
        let tokens = self.state.tokens.range((scope, 0)..=(scope, u32::MAX));
        if tokens.into_iter().any(|((_, flow), _)| flow_waits(*flow)) {
            return false;
        }
        let inside = self.state.elements.range(scope.saturating_add(1)..);
        !inside.filter(|(_, element)| element.scope == scope).any(|(_, element)| {
            if element.node == gateway {
                return node.outgoing.iter().any(|flow| flow_waits(place(*flow)));
            }
            to_empty.has_node(element.node) && !to_full.has_node(element.node)
        })
    }

    fn holds_only_tokens(&self, scope: Local) -> bool {
        let inside = self.state.elements.range(scope.saturating_add(1)..);
        !inside.into_iter().any(|(_, element)| element.scope == scope)
    }

    fn go_on(&mut self, scope: Local, gateway: u32) -> bool {
        let Ok(node) = self.node(gateway) else { return false };
        let incoming = node.incoming.iter().map(|flow| place(*flow));
        let consumed: Vec<u32> = incoming.filter(|flow| self.state.tokens_on(scope, *flow) > 0).collect();
        let Ok(element) = self.activate(gateway, scope, Activation { consumed, ..Activation::default() })
        else {
            return false;
        };
        self.agenda.push_back(Work::Run { element });
        true
    }

    /// Tokens wait at joins, and nothing is waited for that could help them.
    fn report_deadlock(&mut self) {
        let waits_for_activation =
            |node: &Node| matches!(node.kind, NodeKind::SubProcess(SubProcess::AdHoc { .. }));
        let somebody_else_moves = !self.state.waits.is_empty()
            || self.state.elements.values().any(|element| {
                self.program.nodes.get(element.node as usize).is_some_and(waits_for_activation)
            });
        let first = self.state.tokens.keys().next().copied();
        let Some((scope, flow)) = first.filter(|_| !somebody_else_moves) else { return };
        let Some(target) = self.program.flows.get(flow as usize).map(|flow| flow.target) else { return };
        let Ok(node) = self.node(place(target)) else { return };
        let missing: Vec<&str> = node
            .incoming
            .iter()
            .filter(|flow| self.state.tokens_on(scope, place(**flow)) == 0)
            .filter_map(|flow| self.program.flows.get(*flow))
            .map(|flow| flow.id.as_str())
            .collect();
        let message = format!(
            "`{}` waits for a token on `{}` that cannot come: a deadlock; move the waiting tokens or cancel the \
             instance, and correct the model",
            node.id,
            missing.join("`, `")
        );
        let owner = if self.state.element(scope).is_some() { scope } else { PROCESS };
        self.raise_at(owner, Some(target), None, (codes::DEADLOCK, &message), Vec::new());
    }
}
