//! Tasks, sub-processes and call activities.

use crate::compile::extension::{attribute, camunda, zeebe};
use crate::compile::{Compiler, says_executor};
use crate::expression::ParseMode;
use crate::model::{self, FlowNode, Task};
use crate::program::{ExecutedBy, JobKind, NodeKind, SubProcess, TaskSpec};
use crate::xml::namespace::ZEEBE;

impl Compiler<'_> {
    /// What a task does.
    pub(super) fn task(&mut self, node: &FlowNode, task: &Task, spec: &mut TaskSpec) -> NodeKind {
        match task {
            Task::Undefined | Task::Manual if !says_executor(spec) => NodeKind::PassThrough,
            Task::User if matches!(spec.by, ExecutedBy::Undeclared | ExecutedBy::Person) => {
                NodeKind::Job(JobKind::User)
            }
            Task::Script { format, script } => self.script(node, format.as_deref(), script.as_deref(), spec),
            Task::Send { message } if message.is_some() && !says_executor(spec) => {
                self.message_throw(node, message.as_deref())
            }
            Task::Receive { message, instantiate } => {
                if *instantiate {
                    self.refuse(
                        &node.element,
                        "a receive task that starts instances",
                        "put a message start event in front of the task",
                    );
                }
                NodeKind::Receive(self.message_trigger(node, message.as_deref()))
            }
            _ => self.service(node, spec),
        }
    }

    fn service(&mut self, node: &FlowNode, spec: &mut TaskSpec) -> NodeKind {
        let element = &node.element;
        if let Some(kind) = attribute(element, "type").filter(|kind| *kind != "external") {
            self.refuse(
                element,
                format!("camunda:type={kind:?}"),
                "use camunda:type=\"external\" with a topic, or procos:task by=…",
            );
        }
        if let Some(text) = attribute(element, "expression") {
            let expression = self.expression(element, "camunda:expression", text, ParseMode::Value);
            let result = spec.attributes.remove("resultVariable");
            return NodeKind::Script { expression, result };
        }
        if let Some(call) = self.decision(node, spec) {
            return NodeKind::Decision(call);
        }
        if let Some(script) = element.extension(ZEEBE, "script") {
            return self.zeebe_script(node, script.get("expression"), script.get("resultVariable"));
        }
        if spec.by == ExecutedBy::Person {
            return NodeKind::Job(JobKind::User);
        }
        NodeKind::Job(JobKind::Service)
    }

    fn zeebe_script(&mut self, node: &FlowNode, expression: Option<&str>, result: Option<&str>) -> NodeKind {
        let text = expression.unwrap_or("");
        let expression = self.expression(&node.element, "zeebe:script", text, ParseMode::Condition);
        NodeKind::Script { expression, result: result.map(|name| name.trim().to_owned()) }
    }

    fn script(
        &mut self,
        node: &FlowNode,
        format: Option<&str>,
        script: Option<&str>,
        spec: &mut TaskSpec,
    ) -> NodeKind {
        let element = &node.element;
        if let Some(zeebe) = element.extension(ZEEBE, "script") {
            return self.zeebe_script(node, zeebe.get("expression"), zeebe.get("resultVariable"));
        }
        let format = format.map(str::trim).filter(|format| !format.is_empty());
        let plain = format.unwrap_or("").to_ascii_lowercase();
        if let Some(text) = script
            && !says_executor(spec)
            && (plain == "juel" || plain.ends_with("feel"))
        {
            let expression = self.expression(element, "script", text, ParseMode::Condition);
            return NodeKind::Script { expression, result: spec.attributes.remove("resultVariable") };
        }
        if attribute(element, "resource").is_some() {
            self.refuse(element, "a script in a file of its own", "put the script into the model");
        }
        if let Some(format) = format {
            spec.script_format = Some(format.to_owned());
            if !says_executor(spec) {
                spec.by = ExecutedBy::Tool;
            }
            if spec.by == ExecutedBy::Tool && spec.reference.is_none() {
                spec.reference = Some(format.to_owned());
            }
        } else if !says_executor(spec) {
            self.missing(node, "script format, zeebe:script or procos:task");
        }
        if let Some(text) = script {
            spec.script = Some(text.to_owned());
        }
        NodeKind::Job(JobKind::Service)
    }

    /// What a sub-process does.
    pub(super) fn sub_process(&mut self, node: &FlowNode, sub_process: &model::SubProcess) -> NodeKind {
        NodeKind::SubProcess(match sub_process {
            model::SubProcess::Embedded => SubProcess::Embedded,
            model::SubProcess::Event => SubProcess::Event,
            model::SubProcess::Transaction => SubProcess::Transaction,
            model::SubProcess::AdHoc { sequential, cancel_remaining, completion } => {
                if zeebe(&node.element, "taskDefinition", "type").is_some() {
                    self.refuse(
                        &node.element,
                        "an ad-hoc sub-process led by a job worker",
                        "list the elements to activate in zeebe:adHoc activeElementsCollection",
                    );
                }
                let active = zeebe(&node.element, "adHoc", "activeElementsCollection");
                SubProcess::AdHoc {
                    active_elements: active.map(|text| {
                        self.expression(&node.element, "activeElementsCollection", text, ParseMode::Condition)
                    }),
                    completion: completion
                        .as_ref()
                        .filter(|completion| !completion.text.is_empty())
                        .map(|completion| self.condition(&node.element, "completionCondition", completion)),
                    cancel_remaining: *cancel_remaining,
                    sequential: *sequential,
                }
            }
        })
    }

    /// What a call activity calls.
    pub(super) fn call(&mut self, node: &FlowNode, called_element: Option<&str>) -> NodeKind {
        let element = &node.element;
        if attribute(element, "caseRef").is_some() {
            self.refuse(element, "a call of a CMMN case", "call a BPMN process");
        }
        let target = zeebe(element, "calledElement", "processId").or(called_element).map(str::trim);
        let process = match target.filter(|target| !target.is_empty()) {
            Some(target) => self.expression(element, "calledElement", target, ParseMode::Name),
            None => {
                self.missing(node, "calledElement");
                crate::expression::Expression::literal(serde_json::Value::Null)
            }
        };
        let flag = |name: &str| zeebe(element, "calledElement", name).map(|text| text.trim() != "false");
        let maps_all = |direction: &'static str| {
            let mut entries =
                camunda(element, direction).filter(|entry| entry.get("businessKey").is_none()).peekable();
            entries.peek().is_some().then(|| entries.any(|entry| entry.get("variables") == Some("all")))
        };
        NodeKind::Call {
            process,
            propagate_all_in: flag("propagateAllParentVariables").or_else(|| maps_all("in")).unwrap_or(true),
            propagate_all_out: flag("propagateAllChildVariables").or_else(|| maps_all("out")).unwrap_or(true),
        }
    }
}
