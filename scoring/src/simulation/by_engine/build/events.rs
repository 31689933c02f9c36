//! Events: which come by themselves, which from inside the process, and of which it must be declared when they come.
//!
//! | event | comes |
//! | --- | --- |
//! | with a declared `duration` | so long after it began to be waited for, with the declared `share` (otherwise always) |
//! | the same, where it does not interrupt | again and again, each time after another such time and with that share |
//! | timer | by the simulated clock |
//! | message, signal | when the process itself throws it |
//! | condition | when what is known of the case makes it true |
//! | error, escalation on a task | when its work ends, with the declared `share` |
//! | error, escalation on a sub-process or in an event sub-process | when an event inside throws it |
//! | compensation, cancellation, link | as the process says |

use std::collections::BTreeSet;

use bpmn::expression::Expression;
use bpmn::program::{Node, NodeIndex, NodeKind, Program, SubProcess, Throw, Timer, Trigger};
use serde_json::json;

use super::super::super::Law;
use super::super::super::declare::{Declaration, Parameters, Weight};
use super::super::super::model::parts::{self, name, refused, timer_law};
use super::super::{CHANCE, FATE, Fate, Role};
use super::{ADDED, Builder};
use crate::Error;

/// Kind (true: a signal) and name of what is thrown.
pub(super) type Name = (bool, String);

/// The code of an error or escalation that is caught whatever its code.
const ANY_CODE: &str = "simulated";

fn text(expression: &Expression) -> Option<String> {
    expression.as_literal()?.as_str().map(str::to_owned)
}

fn thrown(node: &Node) -> Option<Name> {
    let (NodeKind::Throw(throw) | NodeKind::End(throw)) = &node.kind else { return None };
    match throw {
        Throw::Message { name, .. } => Some((false, text(name)?)),
        Throw::Signal { name } => Some((true, text(name)?)),
        _ => None,
    }
}

fn caught(node: &Node) -> Option<Name> {
    let (NodeKind::Boundary { trigger, .. }
    | NodeKind::Catch(trigger)
    | NodeKind::Receive(trigger)
    | NodeKind::Start { trigger: Some(trigger), .. }) = &node.kind
    else {
        return None;
    };
    match trigger {
        Trigger::Message { name, .. } => Some((false, text(name)?)),
        Trigger::Signal { name } => Some((true, text(name)?)),
        _ => None,
    }
}

/// What the process both throws and catches, where nothing else is declared for it.
pub(super) fn within(program: &Program, declaration: &Declaration) -> BTreeSet<Name> {
    let declared = |node: &Node| declaration.elements.get(&node.id).is_some_and(|it| it.duration.is_some());
    let undeclared = || program.nodes.iter().filter(|node| !declared(node));
    let throws: BTreeSet<Name> = undeclared().filter_map(thrown).collect();
    undeclared().filter_map(caught).filter(|name| throws.contains(name)).collect()
}

fn is_timed(trigger: &Trigger) -> bool {
    matches!(
        trigger,
        Trigger::Timer(_) | Trigger::Message { .. } | Trigger::Signal { .. } | Trigger::Conditional { .. }
    )
}

impl Builder<'_> {
    /// An event that is waited for beside something else; `repeats`: it does not end the waiting.
    pub(super) fn event(
        &mut self,
        index: NodeIndex,
        node: &Node,
        trigger: &Trigger,
        repeats: bool,
    ) -> Result<(), Error> {
        let declared = self.parameters(node);
        let law = match (&declared.duration, trigger) {
            (None, Trigger::Timer(timer)) if declared.share.is_some() => Some(timer_law(node, timer)?),
            (law, _) => law.clone(),
        };
        if let Some(law) = law {
            // A timer that is no cycle comes once.
            let once = matches!(trigger, Trigger::Timer(Timer::Duration(_) | Timer::Date(_)));
            return self.comes(index, node, (&declared, law), repeats && !once);
        }
        match trigger {
            Trigger::Timer(Timer::Duration(read) | Timer::Cycle(read)) if self.is_known(read) => Ok(()),
            Trigger::Conditional { condition } if self.is_known(condition) => Ok(()),
            Trigger::Message { .. } | Trigger::Signal { .. } if self.is_from_inside(node) => Ok(()),
            Trigger::Error { .. } | Trigger::Escalation { .. } if self.is_thrown(node, trigger) => Ok(()),
            Trigger::Compensation | Trigger::Cancel | Trigger::Link { .. } => Ok(()),
            _ => Err(refused(
                node,
                "an event of which it is not known when it comes",
                "say after how long, and how often it comes at all: <procos:simulation duration=\"exponential(2h)\" \
                 share=\"0.1\"/>",
            )),
        }
    }

    fn is_from_inside(&self, node: &Node) -> bool {
        caught(node).is_some_and(|name| self.inside.contains(&name))
    }

    /// Something that comes from outside.
    fn comes(
        &mut self,
        index: NodeIndex,
        node: &Node,
        (declared, law): (&Parameters, Law),
        again: bool,
    ) -> Result<(), Error> {
        let declared = Parameters { duration: Some(law), resource: None, batch: None, ..declared.clone() };
        let activity = self.activity(node, &declared)?;
        let chance = match declared.share {
            None => None,
            Some(share) => {
                let weights = [share, 1.0 - share].map(|share| Weight { share, count: None });
                let labels = ["it comes", "it does not"].map(str::to_owned).to_vec();
                Some(self.add_choice(parts::choice(node, (&node.id, CHANCE), labels, &weights)?))
            }
        };
        let any = Trigger::Message { name: Expression::literal(json!(ADDED)), correlation_key: None };
        match &mut self.program.nodes[index].kind {
            NodeKind::Boundary { trigger, .. }
            | NodeKind::Catch(trigger)
            | NodeKind::Receive(trigger)
            | NodeKind::Start { trigger: Some(trigger), .. } => *trigger = any,
            _ => {}
        }
        self.roles[index] = Role::Comes { activity, chance, again };
        Ok(())
    }

    /// An intermediate event or a receive task: behind an event-based gateway one of several, otherwise work.
    pub(super) fn catch(&mut self, index: NodeIndex, node: &Node, trigger: &Trigger) -> Result<(), Error> {
        if matches!(trigger, Trigger::Link { .. }) {
            return Ok(());
        }
        let sources = node.incoming.iter().filter_map(|flow| self.source.flows.get(*flow));
        let mut before = sources.filter_map(|flow| self.source.nodes.get(flow.source));
        if before.any(|before| matches!(before.kind, NodeKind::EventBased { .. })) {
            return self.event(index, node, trigger, false);
        }
        let undeclared = self.parameters(node).duration.is_none();
        let by_itself = match trigger {
            Trigger::Timer(timer) => timer_law(node, timer).is_err(),
            _ => true,
        };
        if undeclared && by_itself {
            return self.event(index, node, trigger, false);
        }
        self.work(index, node)
    }

    pub(super) fn boundary(
        &mut self,
        index: NodeIndex,
        node: &Node,
        attached_to: NodeIndex,
        (trigger, interrupting): (&Trigger, bool),
    ) -> Result<(), Error> {
        let at_the_end = is_work(self.source, attached_to, |outer| self.is_one_piece(outer))
            && !is_timed(trigger)
            && self.parameters(node).duration.is_none();
        match trigger {
            // Looked at where its task is.
            Trigger::Error { .. } | Trigger::Escalation { .. } if at_the_end => Ok(()),
            _ => self.event(index, node, trigger, !interrupting),
        }
    }

    /// What the work of a node may end by: errors and escalations with their shares.
    pub(super) fn fate(&mut self, node: &Node) -> Result<Option<(u16, Vec<Fate>)>, Error> {
        let (mut fates, mut weights, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for event in node.boundary.iter().filter_map(|index| self.source.nodes.get(*index)) {
            let NodeKind::Boundary { trigger, interrupting, .. } = &event.kind else { continue };
            let code = |code: &Option<String>| code.clone().unwrap_or_else(|| ANY_CODE.to_owned());
            let fate = match trigger {
                Trigger::Error { code: caught, .. } => Fate::Error(code(caught)),
                Trigger::Escalation { code: caught } => Fate::Escalation(code(caught), !interrupting),
                _ => continue,
            };
            let declared = self.parameters(event);
            if declared.duration.is_some() {
                continue;
            }
            let Some(share) = declared.share else {
                return Err(refused(
                    event,
                    "an event of which it is not known how often the work ends by it",
                    "say how often: <procos:simulation share=\"0.05\"/>",
                ));
            };
            fates.push(fate);
            weights.push(Weight { share, count: None });
            labels.push(name(event));
        }
        if fates.is_empty() {
            return Ok(None);
        }
        let sum: f64 = weights.iter().map(|weight| weight.share).sum();
        if sum > 1.0 + 1e-9 {
            return Err(refused(
                node,
                "errors and escalations whose shares are more than 1 together",
                "lower the shares of its boundary events",
            ));
        }
        weights.push(Weight { share: (1.0 - sum).max(0.0), count: None });
        labels.push("done".to_owned());
        let choice = parts::choice(node, (&node.id, FATE), labels, &weights)?;
        Ok(Some((self.add_choice(choice), fates)))
    }

    pub(super) fn throw(&mut self, index: NodeIndex, node: &Node, throw: &Throw) -> Result<(), Error> {
        match throw {
            Throw::Link { .. } | Throw::Compensation { .. } => Ok(()),
            Throw::Escalation { code } => self.code(node, code.as_ref()),
            Throw::Message { .. } | Throw::Signal { .. }
                if thrown(node).is_some_and(|name| self.inside.contains(&name)) =>
            {
                Ok(())
            }
            _ => self.work(index, node),
        }
    }

    pub(super) fn end(&mut self, index: NodeIndex, node: &Node, throw: &Throw) -> Result<(), Error> {
        match throw {
            Throw::Error { code } => self.code(node, Some(code)),
            Throw::Escalation { code } => self.code(node, code.as_ref()),
            Throw::Message { .. } | Throw::Signal { .. } => {
                if !thrown(node).is_some_and(|name| self.inside.contains(&name)) {
                    self.program.nodes[index].kind = NodeKind::End(Throw::None);
                }
                Ok(())
            }
            Throw::Job => {
                self.program.nodes[index].kind = NodeKind::End(Throw::None);
                Ok(())
            }
            Throw::None
            | Throw::Terminate
            | Throw::Link { .. }
            | Throw::Compensation { .. }
            | Throw::Cancel => Ok(()),
        }
    }

    /// The code of an error or escalation must be known.
    fn code(&self, node: &Node, code: Option<&Expression>) -> Result<(), Error> {
        match code {
            Some(code) if !self.is_known(code) => Err(refused(
                node,
                "an error or escalation whose code reads data",
                "write its code into the diagram",
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn sub_process(&self, node: &Node, kind: &SubProcess) -> Result<(), Error> {
        let SubProcess::AdHoc { active_elements, completion, .. } = kind else { return Ok(()) };
        if [active_elements, completion].into_iter().flatten().all(|read| self.is_known(read)) {
            return Ok(());
        }
        Err(refused(
            node,
            "an ad-hoc sub-process that is led by data",
            "declare how long all of it takes, so that it counts as one piece of work",
        ))
    }

    /// Whether an event throws, inside of what this one stands at or in, what it catches.
    fn is_thrown(&self, catcher: &Node, trigger: &Trigger) -> bool {
        let scope = match catcher.kind {
            NodeKind::Boundary { attached_to, .. } => Some(attached_to),
            _ => self.around(catcher).and_then(|outer| outer.parent),
        };
        self.source.nodes.iter().any(|node| {
            let mut around =
                std::iter::successors(node.parent, |outer| self.source.nodes.get(*outer)?.parent);
            (scope.is_none() || around.any(|outer| Some(outer) == scope)) && fits(trigger, node)
        })
    }

    /// Whether something around an error end event catches its error.
    pub(super) fn is_caught(&self, thrower: &Node) -> bool {
        self.source.nodes.iter().any(|catcher| {
            let (NodeKind::Boundary { trigger, .. } | NodeKind::Start { trigger: Some(trigger), .. }) =
                &catcher.kind
            else {
                return false;
            };
            let scope = match catcher.kind {
                NodeKind::Boundary { attached_to, .. } => Some(attached_to),
                _ => self.around(catcher).and_then(|outer| outer.parent),
            };
            let mut around =
                std::iter::successors(thrower.parent, |outer| self.source.nodes.get(*outer)?.parent);
            (scope.is_none() || around.any(|outer| Some(outer) == scope)) && fits(trigger, thrower)
        })
    }
}

/// Whether a trigger catches what a node throws.
fn fits(trigger: &Trigger, node: &Node) -> bool {
    let (NodeKind::Throw(throw) | NodeKind::End(throw)) = &node.kind else { return false };
    let same = |caught: &Option<String>, thrown: Option<&Expression>| {
        caught.is_none() || thrown.is_some_and(|thrown| text(thrown) == *caught)
    };
    match (trigger, throw) {
        (Trigger::Error { code: caught, .. }, Throw::Error { code }) => same(caught, Some(code)),
        (Trigger::Escalation { code: caught }, Throw::Escalation { code }) => same(caught, code.as_ref()),
        _ => false,
    }
}

/// Whether a node is a piece of work rather than a scope.
fn is_work(program: &Program, index: NodeIndex, is_one_piece: impl Fn(&Node) -> bool) -> bool {
    let node = program.nodes.get(index);
    node.is_some_and(|node| !matches!(node.kind, NodeKind::SubProcess(_)) || is_one_piece(node))
}
