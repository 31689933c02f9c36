//! Multi-instance activities.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | a body is activated; boundary events belong to it; the collection or cardinality is evaluated once |
//! | parallel | all runs begin at once, each with its own `loopCounter` (from 1) and item |
//! | sequential | the next run begins when the one before ended |
//! | a run ends | its result is collected in place; the completion condition is looked at as that run sees it |
//! | the condition holds | runs still active are terminated, the body leaves |
//! | all runs ended (or there is none) | the body leaves; the collected results are handed up |
//!
//! At most [`super::MAX_REPEATS`] runs.

use serde_json::Value;

use super::event::Event;
use super::incident::{Fault, codes};
use super::machine::{Activation, Machine, Outcome};
use super::variables::{View, short};
use super::work::Work;
use super::{Local, MAX_REPEATS};
use crate::expression::Expression;
use crate::program::{Node, NodeKind, Over, Repeat, Variables};

impl Machine<'_> {
    pub(super) fn begin_repeat(&mut self, body: Local, node: &Node) -> Outcome {
        match &node.repeat {
            Some(Repeat::Multi { sequential, over, output, .. }) => {
                let output = output.as_ref().map(|(name, _)| name.clone());
                self.begin_multi(body, *sequential, over, output)
            }
            Some(Repeat::While { .. }) => {
                self.emit(Event::RepeatStarted {
                    element: body,
                    total: 0,
                    items: Vec::new(),
                    output: None,
                    standard: true,
                });
                self.agenda.push_front(Work::Next { element: body });
                Ok(())
            }
            None => Err(Fault::program("a repeated activity is no longer repeated")),
        }
    }

    fn begin_multi(&mut self, body: Local, sequential: bool, over: &Over, output: Option<String>) -> Outcome {
        let items = match over {
            Over::Cardinality(expression) => {
                let count = self.evaluate(expression, body)?;
                let count = whole(&count).ok_or_else(|| wrong(expression, &count, "a whole number ≥ 0"))?;
                vec![Value::Null; limited(expression, count)?]
            }
            Over::Collection { collection, .. } => match self.evaluate(collection, body)? {
                Value::Array(items) => {
                    limited(collection, items.len() as u64)?;
                    items
                }
                other => return Err(wrong(collection, &other, "a list")),
            },
        };
        let total = u32::try_from(items.len()).unwrap_or(MAX_REPEATS);
        let keeps_items = sequential && matches!(over, Over::Collection { .. });
        self.emit(Event::RepeatStarted {
            element: body,
            total,
            items: if keeps_items { items.clone() } else { Vec::new() },
            output,
            standard: false,
        });
        if sequential || total == 0 {
            self.agenda.push_front(Work::Next { element: body });
            return Ok(());
        }
        for (iteration, item) in (1..).zip(items) {
            self.begin_run(body, iteration, Some(item))?;
        }
        Ok(())
    }

    /// Activates one run.
    pub(super) fn begin_run(&mut self, body: Local, iteration: u32, item: Option<Value>) -> Outcome {
        let Some((instance, node)) = self.instance(body) else { return Ok(()) };
        let index = instance.node;
        let element = self.activate(index, body, Activation { iteration, ..Activation::default() })?;
        let mut variables = Variables::new();
        variables.insert("loopCounter".to_owned(), Value::from(iteration));
        if let Some(Repeat::Multi { over: Over::Collection { element: Some(name), .. }, .. }) = &node.repeat {
            variables.insert(name.clone(), item.unwrap_or_default());
        }
        // As on Camunda 8: the variable that a run's result is read from belongs to the run, so that parallel runs do
        // not overwrite each other and nothing of it is handed up but the collection.
        if let Some(Repeat::Multi { output: Some((_, result)), .. }) = &node.repeat
            && let Some(name) = plain_name(result.source())
        {
            variables.entry(name.to_owned()).or_insert(Value::Null);
        }
        self.set_variables(element, variables);
        self.agenda.push_back(Work::Run { element });
        Ok(())
    }

    /// A run is about to end.
    pub(super) fn end_run(&mut self, element: Local, node: &Node, body: Local) -> Outcome {
        let Some((instance, outer)) = self.state.element(element).zip(self.state.element(body)) else {
            return Ok(());
        };
        let (iteration, around) = (instance.iteration, outer.scope);
        let mut ends = false;
        if let Some(Repeat::Multi { completion, output, .. }) = &node.repeat {
            if let Some((_, result)) = output {
                let value = self.evaluate(result, element)?;
                self.emit(Event::OutputCollected { element: body, iteration, value });
            }
            if let Some(condition) = completion {
                ends = self.is_complete(condition, element, body)?;
            }
        }
        self.record_compensation(element, node, around);
        self.complete(element, node);
        if ends {
            self.emit(Event::ScopeClosing { element: body });
            self.clear_scope(body, None);
            self.agenda.push_front(Work::Leave { element: body });
        } else {
            self.agenda.push_front(Work::Next { element: body });
        }
        Ok(())
    }

    /// The completion condition, with the run counted as completed.
    fn is_complete(&self, condition: &Expression, element: Local, body: Local) -> Result<bool, Fault> {
        let mut counts = Variables::new();
        if let Some(repeat) = self.state.element(body).and_then(|body| body.repeat.as_ref()) {
            for prefix in ["nrOf", "numberOf"] {
                counts.insert(format!("{prefix}CompletedInstances"), Value::from(repeat.completed + 1));
                counts.insert(
                    format!("{prefix}ActiveInstances"),
                    Value::from(repeat.active().saturating_sub(1)),
                );
            }
        }
        let view = View { state: self.state, element, overlay: Some(&counts) };
        let result = condition.evaluate_condition(&view, self.limits());
        result.map_err(|error| Fault::expression(condition, &error))
    }

    /// A body, or an ad-hoc sub-process, goes on after something ended in it.
    pub(super) fn next(&mut self, element: Local) -> Outcome {
        let Some((instance, node)) = self.instance(element) else { return Ok(()) };
        if !instance.body {
            return match &node.kind {
                NodeKind::SubProcess(kind) => self.next_ad_hoc(element, kind),
                _ => Ok(()),
            };
        }
        let Some(repeat) = instance.repeat.as_deref() else { return Ok(()) };
        match &node.repeat {
            Some(Repeat::While { condition, test_before, maximum }) => {
                self.next_loop(element, condition.as_ref(), *test_before, *maximum)
            }
            Some(Repeat::Multi { sequential, .. }) => {
                if repeat.started >= repeat.total && repeat.active() == 0 {
                    self.agenda.push_front(Work::Leave { element });
                } else if *sequential && repeat.active() == 0 {
                    let item = repeat.items.get(repeat.started as usize).cloned();
                    let iteration = repeat.started + 1;
                    self.begin_run(element, iteration, item)?;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The collected results of a body that ends.
    pub(super) fn hand_up_collected(&mut self, body: Local, scope: Local) {
        let repeat = self.state.element(body).and_then(|body| body.repeat.as_ref());
        if let Some(repeat) = repeat
            && let Some(name) = repeat.output.clone()
        {
            let mut collected = repeat.collected.clone();
            collected.resize(collected.len().max(repeat.total as usize), Value::Null);
            self.merge_upward(scope, Variables::from_iter([(name, Value::Array(collected))]));
        }
    }
}

/// The variable of an expression that is a variable or a path into one.
fn plain_name(source: &str) -> Option<&str> {
    let path = source.trim().trim_start_matches('=').trim();
    let is_name = |part: &str| {
        part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && part.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
    };
    path.split('.').all(is_name).then(|| path.split('.').next()).flatten()
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number))?;
        format!("{number:.0}").parse().ok()
    })
}

fn wrong(expression: &Expression, value: &Value, needed: &str) -> Fault {
    let message = format!(
        "`{}` gives {}, but {needed} is needed; set the variables it reads, then resolve the incident",
        expression.source(),
        short(value)
    );
    Fault::new(codes::REPEAT, message)
}

fn limited(expression: &Expression, count: u64) -> Result<usize, Fault> {
    let allowed = usize::try_from(count).ok().filter(|count| *count <= MAX_REPEATS as usize);
    allowed.ok_or_else(|| {
        let message = format!(
            "`{}` asks for {count} runs; at most {MAX_REPEATS} are possible: split the work, then resolve the incident",
            expression.source()
        );
        Fault::new(codes::REPEAT, message)
    })
}
