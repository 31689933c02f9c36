//! Repetitions: how many executions there are, and when they end early.
//!
//! | declared | then |
//! | --- | --- |
//! | nothing, and the diagram says it (a number, `loopCounter < 3`, what cases bring along) | as it stands there |
//! | `instances` | so many executions |
//! | `share` on a loop | the probability of another round after each (and before the first, where it is tested before) |
//! | `share` on a repetition that ends early | the probability that it ends after each execution |
//!
//! With a share, the number of rounds is drawn when the repetition begins and set in its own scope, where concurrent
//! ones do not see it.

use bpmn::expression::Expression;
use bpmn::program::{Node, NodeIndex, NodeKind, Over, Repeat};
use serde_json::json;

use super::super::super::declare::Weight;
use super::super::super::model::parts::{self, refused};
use super::super::{ROUNDS, Role, Rounds};
use super::{ADDED, Builder};
use crate::Error;

/// Executions at most, as in the engine.
const MOST: u32 = 10_000;

impl Builder<'_> {
    pub(super) fn repeated(&mut self, index: NodeIndex, node: &Node) -> Result<(), Error> {
        let Some(repeat) = &node.repeat else { return Ok(()) };
        let declared = self.parameters(node);
        if declared.instances.is_some_and(|count| count > MOST) {
            return Err(refused(node, "more than 10,000 executions", "declare fewer instances"));
        }
        let repeat = match repeat {
            Repeat::Multi { sequential, over, completion, .. } => {
                let over = match declared.instances {
                    Some(count) => Over::Cardinality(Expression::literal(json!(count))),
                    None => self.counted(node, over)?,
                };
                let completion = match completion {
                    Some(condition) if !self.is_known(condition) => {
                        Some(self.drawn_rounds(index, node, false)?)
                    }
                    other => other.clone(),
                };
                Repeat::Multi { sequential: *sequential, over, completion, output: None }
            }
            Repeat::While { condition, test_before, maximum } => {
                let known =
                    condition.as_ref().map_or(maximum.is_some(), |condition| self.is_known(condition));
                let (condition, maximum) = match declared.instances {
                    Some(count) => (Some(self.condition(&format!("loopCounter < {count}"))?), None),
                    None if known && declared.share.is_none() => (condition.clone(), *maximum),
                    None => (Some(self.drawn_rounds(index, node, *test_before)?), *maximum),
                };
                Repeat::While { condition, test_before: *test_before, maximum }
            }
        };
        self.program.nodes[index].repeat = Some(repeat);
        Ok(())
    }

    /// How many executions the diagram says, where that can be known.
    fn counted(&self, node: &Node, over: &Over) -> Result<Over, Error> {
        let (Over::Cardinality(expression) | Over::Collection { collection: expression, .. }) = over;
        if self.is_known(expression) {
            return Ok(over.clone());
        }
        Err(refused(
            node,
            "an element that is repeated a number of times that is not known",
            "say how often: <procos:simulation instances=\"3\"/>",
        ))
    }

    /// The condition of a repetition whose rounds are drawn.
    fn drawn_rounds(&mut self, index: NodeIndex, node: &Node, maybe_none: bool) -> Result<Expression, Error> {
        let is_loop = matches!(node.repeat, Some(Repeat::While { .. }));
        let Some(share) = self.parameters(node).share else {
            return Err(if is_loop {
                refused(
                    node,
                    "a loop whose rounds are not known",
                    "say how probable another round is: <procos:simulation share=\"0.3\"/>, or how many rounds there \
                     are: instances=\"3\"",
                )
            } else {
                refused(
                    node,
                    "a repetition that ends early by data",
                    "say how probable it is that it ends after each execution: <procos:simulation share=\"0.3\"/>",
                )
            });
        };
        let further = if is_loop { share } else { 1.0 - share };
        let weights = [further, 1.0 - further].map(|share| Weight { share, count: None });
        let labels = ["another round", "the last round"].map(str::to_owned).to_vec();
        let choice = self.add_choice(parts::choice(node, (&node.id, ROUNDS), labels, &weights)?);
        let variable = format!("{ADDED}rounds_{index}");
        let counter = if is_loop { "loopCounter <" } else { "nrOfCompletedInstances >=" };
        let condition = self.condition(&format!("{counter} {variable}"))?;
        self.rounds.insert(index, Rounds { choice, variable, maybe_none });
        self.pause_inside(index, node)?;
        if maybe_none {
            if node.is_compensation_handler {
                return Err(refused(
                    node,
                    "a compensation that may not be done at all",
                    "test it after the first round",
                ));
            }
            let first = self.add_job(index, Role::First(index));
            self.put_before(index, first);
        }
        Ok(condition)
    }

    /// What was drawn must be set before a round can end: a round of a sub-process begins with a pause.
    fn pause_inside(&mut self, index: NodeIndex, node: &Node) -> Result<(), Error> {
        if !matches!(node.kind, NodeKind::SubProcess(_)) || self.is_one_piece(node) {
            return Ok(());
        }
        let is_start = |node: &Node| matches!(node.kind, NodeKind::Start { trigger: None, .. });
        let start = self.source.children(Some(index)).find(|(_, inner)| is_start(inner));
        let Some((start, _)) = start else {
            return Err(refused(node, "a repeated sub-process without a plain start event", "give it one"));
        };
        let pause = self.add_job(start, Role::Pause);
        self.hand_over_flows(start, pause);
        self.connect(start, pause);
        Ok(())
    }
}
