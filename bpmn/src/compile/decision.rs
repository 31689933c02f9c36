//! Business rule tasks that name a DMN decision: `zeebe:calledDecision` and `camunda:decisionRef`.

use crate::compile::extension::{attribute, zeebe};
use crate::compile::{Compiler, place};
use crate::error::Error;
use crate::expression::ParseMode;
use crate::model::{Element, FlowNode};
use crate::program::{Binding, DecisionCall, ExecutedBy, ResultShape, TaskSpec};

impl Compiler<'_> {
    /// The decision that a task asks; `None` where it names none, or says who else decides.
    pub(super) fn decision(&mut self, node: &FlowNode, spec: &mut TaskSpec) -> Option<DecisionCall> {
        if spec.job_type.is_some() || spec.by != ExecutedBy::Undeclared {
            return None;
        }
        let element = &node.element;
        if element.extension(crate::xml::namespace::ZEEBE, "calledDecision").is_some() {
            return self.called_decision(node);
        }
        let reference = attribute(element, "decisionRef")?;
        let binding = self.binding(
            element,
            attribute(element, "decisionRefBinding"),
            attribute(element, "decisionRefVersion"),
            attribute(element, "decisionRefVersionTag"),
        );
        let shape = match attribute(element, "mapDecisionResult") {
            None | Some("resultList") => ResultShape::ResultList,
            Some("singleEntry") => ResultShape::SingleEntry,
            Some("singleResult") => ResultShape::SingleResult,
            Some("collectEntries") => ResultShape::CollectEntries,
            Some(other) => {
                let expected = "singleEntry, singleResult, collectEntries or resultList";
                self.wrong(element, "camunda:mapDecisionResult", other, expected);
                ResultShape::ResultList
            }
        };
        Some(DecisionCall {
            decision: self.expression(element, "camunda:decisionRef", reference, ParseMode::Name),
            binding,
            result: spec.attributes.remove("resultVariable"),
            shape,
        })
    }

    fn called_decision(&mut self, node: &FlowNode) -> Option<DecisionCall> {
        let element = &node.element;
        let said =
            |name: &str| zeebe(element, "calledDecision", name).map(str::trim).filter(|it| !it.is_empty());
        let Some(id) = said("decisionId") else {
            self.missing(node, "zeebe:calledDecision decisionId");
            return None;
        };
        let Some(result) = said("resultVariable") else {
            self.missing(node, "zeebe:calledDecision resultVariable");
            return None;
        };
        Some(DecisionCall {
            decision: self.expression(element, "zeebe:calledDecision decisionId", id, ParseMode::Name),
            binding: self.binding(element, said("bindingType"), None, said("versionTag")),
            result: Some(result.to_owned()),
            shape: ResultShape::Value,
        })
    }

    fn binding(
        &mut self,
        element: &Element,
        binding: Option<&str>,
        version: Option<&str>,
        tag: Option<&str>,
    ) -> Binding {
        match (binding, version.map(str::trim), tag) {
            (None | Some("latest"), ..) => Binding::Latest,
            (Some("deployment"), ..) => Binding::Deployment,
            (Some("version"), Some(version), _) => match version.parse() {
                Ok(number) => Binding::Version(number),
                Err(_) => {
                    self.wrong(element, "camunda:decisionRefVersion", version, "a whole number");
                    Binding::Latest
                }
            },
            (Some("versionTag"), _, Some(tag)) => Binding::VersionTag(tag.to_owned()),
            (Some(other), ..) => {
                let expected = "latest, deployment, version with a version, or versionTag with a tag";
                self.wrong(element, "the binding of the decision", other, expected);
                Binding::Latest
            }
        }
    }

    fn wrong(&mut self, element: &Element, attribute: &str, value: &str, expected: &'static str) {
        self.problems.push(Error::Value {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            expected,
            place: place(element),
        });
    }
}
