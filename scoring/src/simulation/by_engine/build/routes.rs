//! Ways out of nodes: by declared shares, by data that is known, or refused.
//!
//! Where shares decide, the node keeps one way, to a job that takes no time and draws; behind it stands a gateway with the
//! node's ways, whose conditions read what was drawn. So each visit, in each scope, draws anew.

use bpmn::expression::Expression;
use bpmn::program::{Flow, Node, NodeIndex, NodeKind, Throw};
use serde_json::{Value, json};

use super::super::super::declare::Weight;
use super::super::super::model::Choice;
use super::super::super::model::parts::{self, WAYS, complete, independent_shares, label, refused, sets};
use super::super::Role;
use super::{ADDED, Builder};
use crate::Error;

impl Builder<'_> {
    pub(super) fn routes(&mut self, index: NodeIndex, node: &Node) -> Result<(), Error> {
        let takes_none = |kind: &NodeKind| {
            matches!(
                kind,
                NodeKind::Parallel
                    | NodeKind::EventBased { .. }
                    | NodeKind::End(_)
                    | NodeKind::Throw(Throw::Link { .. })
            )
        };
        if takes_none(&node.kind) {
            return Ok(());
        }
        let flows: Vec<&Flow> =
            node.outgoing.iter().filter_map(|flow| self.source.flows.get(*flow)).collect();
        let declared: Vec<Option<Weight>> =
            flows.iter().map(|flow| self.declaration.flows.get(&flow.id).copied()).collect();
        let some = declared.iter().any(Option::is_some) && flows.len() > 1;
        if some && matches!(node.kind, NodeKind::Exclusive) {
            let labels = flows.iter().map(|flow| label(flow)).collect();
            let choice = parts::choice(node, (&node.id, 0), labels, &complete(node, &declared)?)?;
            let values = (0..flows.len()).map(|way| json!(way)).collect();
            return self.draw(index, NodeKind::Exclusive, choice, values);
        }
        if some {
            return self.draw_several(index, node, &flows);
        }
        match flows.iter().find(|flow| flow.condition.as_ref().is_some_and(|read| !self.is_known(read))) {
            None => Ok(()),
            Some(flow) => Err(refused(
                node,
                &format!("the condition on the flow {}, which reads data,", flow.id),
                "give its flows shares: <procos:simulation share=\"0.8\"/>, or the outcomes of the task before it, or \
                 say what cases bring along: <procos:attribute name=\"amount\" distribution=\"uniform(1, 100)\"/>",
            )),
        }
    }

    /// Some of the ways, each by itself.
    fn draw_several(&mut self, index: NodeIndex, node: &Node, flows: &[&Flow]) -> Result<(), Error> {
        if flows.len() > WAYS {
            return Err(refused(node, "a choice of some of more than 6 ways", "split it in two"));
        }
        let shares = independent_shares(node, self.source, self.declaration)?;
        let (mut labels, mut weights, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (taken, share) in sets(&shares) {
            let names: Vec<String> = taken.iter().map(|way| label(flows[*way])).collect();
            labels.push(names.join(" + "));
            weights.push(Weight { share, count: None });
            values.push(json!(taken));
        }
        let choice = parts::choice(node, (&node.id, 0), labels, &weights)?;
        self.draw(index, NodeKind::Inclusive, choice, values)
    }

    /// Puts a job that draws, and a gateway with the ways of a node, behind it.
    fn draw(
        &mut self,
        index: NodeIndex,
        kind: NodeKind,
        choice: Choice,
        values: Vec<Value>,
    ) -> Result<(), Error> {
        let variable = format!("{ADDED}way_{index}");
        let choice = self.add_choice(choice);
        let several = matches!(kind, NodeKind::Inclusive);
        let job = self.add_job(index, Role::Draw { choice, variable: variable.clone(), values });
        let gateway = self.add(index, kind, Role::Itself);
        self.hand_over_flows(index, gateway);
        self.connect(index, job);
        self.connect(job, gateway);
        self.program.nodes[gateway].default_flow = None;
        for (way, flow) in self.program.nodes[gateway].outgoing.clone().into_iter().enumerate() {
            let text = if several {
                format!("list contains({variable}, {way})")
            } else {
                format!("{variable} = {way}")
            };
            self.program.flows[flow].condition = Some(self.condition(&text)?);
        }
        Ok(())
    }

    pub(super) fn condition(&self, text: &str) -> Result<Expression, Error> {
        Expression::feel(text).map_err(|error| Error::Simulation {
            element: self.source.process_id.clone(),
            problem: error.to_string(),
        })
    }
}
