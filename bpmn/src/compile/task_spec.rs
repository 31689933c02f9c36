//! How a task is executed: `procos:*` extension elements, and what those of Camunda 7 and 8 say of the same.

use crate::compile::extension::{attribute, camunda, read_properties, zeebe};
use crate::compile::{Compiler, place};
use crate::error::Error;
use crate::expression::Expression;
use crate::model::{Element, FlowNode, FlowNodeKind, RawElement, Task};
use crate::program::{DrawSpec, ExecutedBy, OutcomeSpec, StopSpec, TaskSpec};
use crate::xml::namespace::{PROCOS, ZEEBE};

const CLASSES: [&str; 3] = ["pure", "idempotent", "unsafe"];
const UNDECIDED: [&str; 4] = ["leader", "person", "all", "incident"];
const DISTRIBUTIONS: [&str; 9] = [
    "normal",
    "lognormal",
    "uniform",
    "triangular",
    "exponential",
    "beta",
    "bernoulli",
    "categorical",
    "constant",
];
const GROUPINGS: [&str; 2] = ["words", "embeddings"];
const STOP_RULES: [&str; 6] = ["winner", "beta", "window", "shares", "joint", "fixed"];

impl Compiler<'_> {
    /// Reads everything that says how a node is executed.
    pub(super) fn task_spec(&mut self, node: &FlowNode) -> TaskSpec {
        let element = &node.element;
        let mut spec = TaskSpec {
            documentation: element.documentation_text().map(str::to_owned),
            ..TaskSpec::default()
        };
        read_camunda_8(element, &mut spec);
        read_camunda_7(element, &mut spec);
        self.read_procos(element, &mut spec);
        if matches!(node.kind, FlowNodeKind::Task(Task::User)) {
            read_assignment(element, &mut spec);
        }
        spec
    }

    fn read_procos(&mut self, element: &Element, spec: &mut TaskSpec) {
        let direct = element.extensions.iter().filter(|each| &*each.namespace == PROCOS);
        let nested = element.extensions_named(PROCOS, "task").flat_map(RawElement::elements);
        for extension in direct.chain(nested) {
            match extension.local_name.as_str() {
                "task" => self.read_task(element, extension, spec),
                "outcome" => self.read_outcome(element, extension, spec),
                "draw" => self.read_draw(element, extension, spec),
                "stop" => spec.stop = Some(self.read_stop(element, extension)),
                "compute" => self.read_compute(element, extension, spec),
                "prompt" => spec.script = Some(extension.text()),
                _ => {}
            }
        }
        if spec.outcomes.iter().enumerate().any(|(index, outcome)| {
            spec.outcomes[..index].iter().any(|earlier| earlier.label == outcome.label)
        }) {
            self.value(element, "procos:outcome label", "twice the same", "labels that differ");
        }
    }

    fn value(&mut self, element: &Element, attribute: &str, value: &str, expected: &'static str) {
        self.problems.push(Error::Value {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            expected,
            place: place(element),
        });
    }

    fn read_task(&mut self, element: &Element, extension: &RawElement, spec: &mut TaskSpec) {
        for each in &extension.attributes {
            let value = each.value.trim();
            match each.local_name.as_str() {
                "by" => match executed_by(value) {
                    Some(by) => spec.by = by,
                    None => self.value(
                        element,
                        "procos:task by",
                        value,
                        "stochastic, model, tool, http, file, person, feel or process",
                    ),
                },
                "ref" => spec.reference = Some(value.to_owned()),
                "class" => {
                    if !CLASSES.contains(&value) {
                        self.value(element, "procos:task class", value, "pure, idempotent or unsafe");
                    }
                    spec.class = Some(value.to_owned());
                }
                "undecided" => {
                    if !UNDECIDED.contains(&value) {
                        self.value(
                            element,
                            "procos:task undecided",
                            value,
                            "leader, person, all or incident",
                        );
                    }
                    spec.undecided = Some(value.to_owned());
                }
                "isolation" => spec.isolation = Some(value.to_owned()),
                "executor" => spec.executor = Some(value.to_owned()),
                name => {
                    self.check_further(element, name, value);
                    spec.attributes.insert(name.to_owned(), each.value.clone());
                }
            }
        }
    }

    /// Checks those of the further attributes of a task that have a meaning here.
    fn check_further(&mut self, element: &Element, name: &str, value: &str) {
        let number = value.parse::<f64>().unwrap_or(f64::NAN);
        let expected = match name {
            "grouping" if !GROUPINGS.contains(&value) => "words or embeddings",
            "similarity" if !(number > 0.0 && number <= 1.0) => "a number above 0, at most 1",
            "weight" if !(number > 0.0 && number < 1.0) => "a number between 0 and 1",
            _ => return,
        };
        self.value(element, &format!("procos:task {name}"), value, expected);
    }

    fn read_outcome(&mut self, element: &Element, extension: &RawElement, spec: &mut TaskSpec) {
        let Some(label) = extension.get("label").filter(|label| !label.trim().is_empty()) else {
            self.value(element, "procos:outcome label", "", "a text");
            return;
        };
        let success = match extension.get("success") {
            None | Some("true") => true,
            Some("false") => false,
            Some(other) => {
                self.value(element, "procos:outcome success", other, "true or false");
                true
            }
        };
        let when = extension.get("when").filter(|when| !when.trim().is_empty()).map(str::to_owned);
        if let Some(when) = &when {
            self.check_feel(element, "procos:outcome when", when);
        }
        spec.outcomes.push(OutcomeSpec { label: label.trim().to_owned(), success, when });
    }

    fn read_draw(&mut self, element: &Element, extension: &RawElement, spec: &mut TaskSpec) {
        let variable = extension.get("variable").unwrap_or("").trim();
        if variable.is_empty() {
            self.value(element, "procos:draw variable", variable, "the name of a variable");
        }
        let distribution = extension.get("distribution").unwrap_or("").trim();
        if !DISTRIBUTIONS.contains(&distribution) {
            self.value(
                element,
                "procos:draw distribution",
                distribution,
                "normal, lognormal, uniform, triangular, exponential, beta, bernoulli, categorical or constant",
            );
        }
        let mut draw = DrawSpec {
            variable: variable.to_owned(),
            distribution: distribution.to_owned(),
            parameters: std::collections::BTreeMap::new(),
        };
        for each in &extension.attributes {
            if each.local_name != "variable" && each.local_name != "distribution" {
                if each.value.trim_start().starts_with('=') {
                    self.check_feel(element, &format!("procos:draw {}", each.local_name), &each.value);
                }
                draw.parameters.insert(each.local_name.clone(), each.value.clone());
            }
        }
        spec.draws.push(draw);
    }

    fn read_stop(&mut self, element: &Element, extension: &RawElement) -> StopSpec {
        let rule = extension.get("rule").map(|rule| rule.trim().to_owned());
        if let Some(rule) = rule.as_deref().filter(|rule| !STOP_RULES.contains(rule)) {
            self.value(element, "procos:stop rule", rule, "winner, beta, window, shares, joint or fixed");
        }
        let mut fraction = |name: &str, upper: f64, expected: &'static str| {
            let text = extension.get(name)?;
            match text.trim().parse::<f64>() {
                Ok(number) if number > 0.0 && number < upper => Some(number),
                _ => {
                    self.value(element, &format!("procos:stop {name}"), text, expected);
                    None
                }
            }
        };
        let delta = fraction("delta", 1.0, "a number between 0 and 1");
        let share = fraction("share", 0.5, "a number between 0 and 0.5");
        let cost = fraction("cost", f64::INFINITY, "a positive number");
        let mut count = |name: &str| {
            let text = extension.get(name)?;
            match text.trim().parse::<u64>() {
                Ok(number) if number > 0 => Some(number),
                _ => {
                    self.value(element, &format!("procos:stop {name}"), text, "a positive whole number");
                    None
                }
            }
        };
        let (samples, tokens) = (count("samples"), count("tokens"));
        let time = extension.get("time").map(|time| time.trim().to_owned());
        if let Some(text) = time.as_deref().filter(|text| text.parse::<jiff::Span>().is_err()) {
            self.value(element, "procos:stop time", text, "an ISO 8601 duration such as PT30S");
        }
        StopSpec { rule, delta, share, samples, tokens, cost, time }
    }

    fn read_compute(&mut self, element: &Element, extension: &RawElement, spec: &mut TaskSpec) {
        let variable = extension.get("variable").unwrap_or("").trim();
        let expression = extension.get("expression").unwrap_or("").trim();
        if variable.is_empty() {
            self.value(element, "procos:compute variable", variable, "the name of a variable");
        }
        self.check_feel(element, "procos:compute expression", expression);
        spec.computes.push((variable.to_owned(), expression.to_owned()));
    }

    fn check_feel(&mut self, element: &Element, attribute: &str, text: &str) {
        if let Err(error) = Expression::feel(text) {
            self.problems.push(Error::Expression {
                attribute: attribute.to_owned(),
                reason: format!("{error}; {}", error.hint()),
                place: place(element),
            });
        }
    }
}

fn executed_by(text: &str) -> Option<ExecutedBy> {
    Some(match text {
        "stochastic" => ExecutedBy::Stochastic,
        "model" => ExecutedBy::Model,
        "tool" => ExecutedBy::Tool,
        "http" => ExecutedBy::Http,
        "file" => ExecutedBy::File,
        "person" => ExecutedBy::Person,
        "feel" => ExecutedBy::Feel,
        "process" => ExecutedBy::Process,
        _ => return None,
    })
}

fn read_camunda_8(element: &Element, spec: &mut TaskSpec) {
    if let Some(definition) = element.extension(ZEEBE, "taskDefinition") {
        spec.job_type = definition.get("type").map(str::to_owned);
        spec.retries = definition.get("retries").and_then(|retries| retries.trim().parse().ok());
    }
    for header in
        element.extensions_named(ZEEBE, "taskHeaders").flat_map(|list| list.elements_named("header"))
    {
        if let (Some(key), Some(value)) = (header.get("key"), header.get("value")) {
            spec.headers.insert(key.to_owned(), value.to_owned());
        }
    }
    read_properties(element, &mut spec.headers);
    if let Some(priority) = zeebe(element, "priorityDefinition", "priority") {
        read_priority(priority, spec);
    }
}

fn read_priority(text: &str, spec: &mut TaskSpec) {
    match text.trim().trim_start_matches('=').trim().parse() {
        Ok(priority) => spec.priority = Some(priority),
        Err(_) => {
            spec.attributes.insert("priority".to_owned(), text.to_owned());
        }
    }
}

fn read_camunda_7(element: &Element, spec: &mut TaskSpec) {
    if let Some(topic) = attribute(element, "topic") {
        spec.job_type = Some(topic.to_owned());
    }
    for name in ["jobPriority", "taskPriority", "priority"] {
        if let Some(priority) = attribute(element, name) {
            read_priority(priority, spec);
        }
    }
    if let Some(value) = attribute(element, "resultVariable") {
        spec.attributes.insert("resultVariable".to_owned(), value.to_owned());
    }
    if let Some(cycle) = camunda(element, "failedJobRetryTimeCycle").next() {
        // `R3/PT10M`: three attempts. The pause between them is the engine's.
        let text = cycle.text();
        let repetitions = text.strip_prefix('R').and_then(|rest| rest.split('/').next());
        spec.retries = repetitions.and_then(|number| number.parse().ok()).or(spec.retries);
    }
}

fn read_assignment(element: &Element, spec: &mut TaskSpec) {
    let names =
        ["assignee", "candidateGroups", "candidateUsers", "formKey", "formRef", "dueDate", "followUpDate"];
    for name in names {
        if let Some(value) = attribute(element, name) {
            spec.assignment.insert(name.to_owned(), value.to_owned());
        }
    }
    for list in ["assignmentDefinition", "formDefinition", "taskSchedule"] {
        if let Some(definition) = element.extension(ZEEBE, list) {
            for each in &definition.attributes {
                spec.assignment.insert(each.local_name.clone(), each.value.clone());
            }
        }
    }
}
