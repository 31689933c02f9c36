//! Multi-instance and standard loops, as the standard, Camunda 7 and Camunda 8 write them.

use crate::compile::extension::attribute;
use crate::compile::{Compiler, place};
use crate::error::Error;
use crate::expression::ParseMode;
use crate::model::{Element, FlowNode, Loop};
use crate::program::{Over, Repeat};
use crate::xml::namespace::{BPMN, ZEEBE};

impl Compiler<'_> {
    /// The repetition of an activity.
    pub(super) fn repeat(&mut self, node: &FlowNode, repeat: &Loop) -> Option<Repeat> {
        if !node.is_activity() {
            self.refuse(&node.element, "a loop on an event or gateway", "put the loop on an activity");
            return None;
        }
        match repeat {
            Loop::Standard { condition, test_before, maximum, .. } => Some(Repeat::While {
                condition: condition
                    .as_ref()
                    .filter(|condition| !condition.text.is_empty())
                    .map(|condition| self.condition(&node.element, "loopCondition", condition)),
                test_before: *test_before,
                maximum: *maximum,
            }),
            Loop::Multi { element, sequential, cardinality, completion } => {
                let completion = completion
                    .as_ref()
                    .filter(|completion| !completion.text.is_empty())
                    .map(|completion| self.condition(&node.element, "completionCondition", completion));
                let over = match cardinality.as_ref().filter(|cardinality| !cardinality.text.is_empty()) {
                    Some(cardinality) => {
                        Over::Cardinality(self.condition(&node.element, "loopCardinality", cardinality))
                    }
                    None => self.collection(node, element)?,
                };
                let output = self.output(node, element);
                Some(Repeat::Multi { sequential: *sequential, over, completion, output })
            }
        }
    }

    fn collection(&mut self, node: &FlowNode, element: &Element) -> Option<Over> {
        if let Some(zeebe) = element.extension(ZEEBE, "loopCharacteristics") {
            let text = zeebe.get("inputCollection").unwrap_or("");
            let collection = self.expression(&node.element, "inputCollection", text, ParseMode::Condition);
            return Some(Over::Collection {
                collection,
                element: zeebe.get("inputElement").map(str::to_owned),
            });
        }
        if let Some(text) = attribute(element, "collection") {
            let collection = self.expression(&node.element, "camunda:collection", text, ParseMode::Condition);
            let variable = attribute(element, "elementVariable").map(str::to_owned);
            return Some(Over::Collection { collection, element: variable });
        }
        // The standard's own way: a data input by id, named like the variable.
        let reference = element.children.iter().find(|child| child.is(BPMN, "loopDataInputRef"));
        if let Some(reference) = reference.map(crate::model::RawElement::text).filter(|text| !text.is_empty())
        {
            let name = self.data_name(node, &reference).unwrap_or(reference);
            let collection = self.expression(&node.element, "loopDataInputRef", &name, ParseMode::Condition);
            let item = element.children.iter().find(|child| child.is(BPMN, "inputDataItem"));
            let variable = item.and_then(|item| item.get("name")).map(str::to_owned);
            return Some(Over::Collection { collection, element: variable });
        }
        self.problems.push(Error::Missing {
            local_name: "multiInstanceLoopCharacteristics".to_owned(),
            what: "collection or loopCardinality",
            place: place(&node.element),
        });
        None
    }

    /// Name of the data object or data input with this id.
    fn data_name(&self, node: &FlowNode, id: &str) -> Option<String> {
        let data = self.process.data.iter().find(|data| data.element.id == id);
        if let Some(name) = data.and_then(|data| data.element.name.clone()) {
            return Some(name);
        }
        let specifications = node.element.children.iter().filter(|child| child.is(BPMN, "ioSpecification"));
        let mut inputs = specifications.flat_map(|specification| specification.elements_named("dataInput"));
        inputs
            .find(|input| input.get("id") == Some(id))
            .and_then(|input| input.get("name"))
            .map(str::to_owned)
    }

    fn output(
        &mut self,
        node: &FlowNode,
        element: &Element,
    ) -> Option<(String, crate::expression::Expression)> {
        let zeebe = element.extension(ZEEBE, "loopCharacteristics")?;
        let collection = zeebe.get("outputCollection").filter(|name| !name.trim().is_empty())?;
        let text = zeebe.get("outputElement").unwrap_or("null");
        let expression = self.expression(&node.element, "outputElement", text, ParseMode::Condition);
        Some((collection.trim().to_owned(), expression))
    }
}
