//! Variables: looked up from the inside out, handed up to the nearest scope that knows them.
//!
//! | what | where it goes |
//! | --- | --- |
//! | input mapping | the element's own scope |
//! | result without output mappings | upward from the element: the nearest scope where the variable exists, else the process |
//! | result with output mappings | the element's own scope; what the mappings give goes upward from the scope outside |
//! | `a.b` as a target | the member `b` of the context `a`, which is made where it is not there |
//!
//! Computed, never stored: `nrOfInstances`, `nrOfActiveInstances`, `nrOfCompletedInstances`,
//! `nrOfTerminatedInstances` (Camunda 7), the same with `numberOf…` (Camunda 8) and the collected results inside a
//! multi-instance body, `loopCounter` (runs done) in a standard loop's body.

use serde_json::{Map, Value};

use super::event::Event;
use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome};
use super::state::{RepeatState, State};
use super::{Local, PROCESS};
use crate::expression::{Expression, Limits, Lookup};
use crate::program::{Mapping, Variables};

/// The variables that an element instance sees.
pub(super) struct View<'v> {
    pub(super) state: &'v State,
    pub(super) element: Local,
    /// Variables that hide all others.
    pub(super) overlay: Option<&'v Variables>,
}

impl Lookup for View<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.lookup_ref(name) {
            return Some(value.clone());
        }
        let mut at = self.element;
        loop {
            let element = self.state.element(at)?;
            if let Some(value) = element.repeat.as_ref().and_then(|repeat| computed(repeat, name)) {
                return Some(value);
            }
            if at == PROCESS {
                return None;
            }
            at = element.scope;
        }
    }

    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.overlay.and_then(|overlay| overlay.get(name)) {
            return Some(value);
        }
        let mut at = self.element;
        loop {
            let element = self.state.element(at)?;
            if let Some(value) = element.variables.get(name) {
                return Some(value);
            }
            // A computed value hides what is further out.
            if at == PROCESS || element.repeat.as_ref().is_some_and(|repeat| is_computed(repeat, name)) {
                return None;
            }
            at = element.scope;
        }
    }
}

fn is_computed(repeat: &RepeatState, name: &str) -> bool {
    if repeat.standard {
        return name == "loopCounter";
    }
    repeat.output.as_deref() == Some(name) || counted(repeat, name).is_some()
}

fn computed(repeat: &RepeatState, name: &str) -> Option<Value> {
    if repeat.standard {
        return (name == "loopCounter").then(|| Value::from(repeat.completed));
    }
    if repeat.output.as_deref() == Some(name) {
        return Some(Value::Array(repeat.collected.clone()));
    }
    counted(repeat, name).map(Value::from)
}

fn counted(repeat: &RepeatState, name: &str) -> Option<u32> {
    match name.strip_prefix("nrOf").or_else(|| name.strip_prefix("numberOf"))? {
        "Instances" => Some(repeat.total),
        "ActiveInstances" => Some(repeat.active()),
        "CompletedInstances" => Some(repeat.completed),
        "TerminatedInstances" => Some(repeat.terminated),
        _ => None,
    }
}

impl State {
    /// The own variables of a scope; `None` is the process. Readable also after the instance ended.
    #[must_use]
    pub fn variables(&self, scope: Option<Local>) -> Option<&Variables> {
        self.element(scope.unwrap_or(PROCESS)).map(|element| &element.variables)
    }

    /// All variables that an element instance sees, the inner ones hiding the outer ones.
    #[must_use]
    pub fn visible_variables(&self, element: Local) -> Variables {
        let mut chain = Vec::new();
        let mut at = element;
        while let Some(scope) = self.element(at) {
            chain.push(&scope.variables);
            if at == PROCESS {
                break;
            }
            at = scope.scope;
        }
        let mut visible = Variables::new();
        for variables in chain.into_iter().rev() {
            for (name, value) in variables {
                visible.insert(name.clone(), value.clone());
            }
        }
        visible
    }
}

impl Machine<'_> {
    pub(super) fn view(&self, element: Local) -> View<'_> {
        View { state: self.state, element, overlay: None }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits::at(self.context.now_ms)
    }

    /// The value of an expression as the element instance sees the variables.
    pub(super) fn evaluate(&self, expression: &Expression, element: Local) -> Result<Value, Fault> {
        let result = expression.evaluate(&self.view(element), self.limits());
        result.map_err(|error| Fault::expression(expression, &error))
    }

    /// A value that must be text (a name, a code, a key); numbers and booleans are written out.
    pub(super) fn evaluate_text(&self, expression: &Expression, element: Local) -> Result<String, Fault> {
        match self.evaluate(expression, element)? {
            Value::String(text) => Ok(text),
            number @ (Value::Number(_) | Value::Bool(_)) => Ok(number.to_string()),
            other => Err(Fault::new(
                codes::WRONG_TYPE,
                format!(
                    "`{}` gives {}, but a text is needed; set the variables it reads, then resolve the incident",
                    expression.source(),
                    short(&other)
                ),
            )),
        }
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Expression, element: Local) -> Result<bool, Fault> {
        let result = condition.evaluate_condition(&self.view(element), self.limits());
        result.map_err(|error| Fault::expression(condition, &error))
    }

    /// Sets variables in one scope.
    pub(super) fn set_variables(&mut self, scope: Local, variables: Variables) {
        if !variables.is_empty() {
            self.changed_variables = true;
            self.emit(Event::VariablesSet { scope: outside(scope), variables });
        }
    }

    /// Hands variables up from `from`: each goes to the nearest scope where it exists, else to the process.
    pub(super) fn merge_upward(&mut self, from: Local, variables: Variables) {
        if from == PROCESS {
            self.set_variables(PROCESS, variables);
            return;
        }
        let mut by_scope: Vec<(Local, Variables)> = Vec::new();
        for (name, value) in variables {
            let scope = self.home_of(from, &name);
            match by_scope.iter_mut().find(|(other, _)| *other == scope) {
                Some((_, group)) => {
                    group.insert(name, value);
                }
                None => by_scope.push((scope, Map::from_iter([(name, value)]))),
            }
        }
        for (scope, group) in by_scope {
            self.set_variables(scope, group);
        }
    }

    fn home_of(&self, from: Local, name: &str) -> Local {
        let mut at = from;
        while at != PROCESS {
            let Some(element) = self.state.element(at) else { return PROCESS };
            if element.variables.contains_key(name) {
                return at;
            }
            at = element.scope;
        }
        PROCESS
    }

    /// Input mappings, evaluated as the element sees variables (later ones see earlier ones).
    pub(super) fn map_inputs(&mut self, element: Local, mappings: &[Mapping]) -> Outcome {
        if !mappings.is_empty() {
            let variables = self.map(element, mappings, false)?;
            self.set_variables(element, variables);
        }
        Ok(())
    }

    /// Output mappings: from the element's scope upward from the scope outside.
    pub(super) fn map_outputs(&mut self, element: Local, outer: Local, mappings: &[Mapping]) -> Outcome {
        if !mappings.is_empty() {
            let variables = self.map(element, mappings, true)?;
            self.merge_upward(outer, variables);
        }
        Ok(())
    }

    fn map(&self, element: Local, mappings: &[Mapping], keep_members: bool) -> Result<Variables, Fault> {
        let mut mapped = Variables::new();
        for mapping in mappings {
            let view = View { state: self.state, element, overlay: Some(&mapped) };
            let value = mapping
                .source
                .evaluate(&view, self.limits())
                .map_err(|error| Fault::expression(&mapping.source, &error))?;
            let Some((name, path)) = mapping.target.split_once('.') else {
                mapped.insert(mapping.target.clone(), value);
                continue;
            };
            let known = mapped.remove(name).or_else(|| {
                let outer = self.state.element(element).map_or(PROCESS, |element| element.scope);
                keep_members.then(|| self.view(outer).lookup(name)).flatten()
            });
            mapped.insert(name.to_owned(), with_member(known, path, value));
        }
        Ok(mapped)
    }

    /// Results of the work of an element: its own if it has output mappings, otherwise handed up at once.
    pub(super) fn take_results(&mut self, element: Local, outputs: &[Mapping], results: Variables) {
        if outputs.is_empty() {
            self.merge_upward(element, results);
        } else {
            self.set_variables(element, results);
        }
    }
}

/// `context` with the member at the dotted `path` set; what is no context is replaced by one.
fn with_member(context: Option<Value>, path: &str, value: Value) -> Value {
    let mut root = match context {
        Some(Value::Object(members)) => Value::Object(members),
        _ => Value::Object(Map::new()),
    };
    let mut at = &mut root;
    for name in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[name];
    }
    *at = value;
    root
}

/// A value for a message, cut where it is long.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
}

/// A scope as events name it.
pub(super) fn outside(scope: Local) -> Option<Local> {
    (scope != PROCESS).then_some(scope)
}
