//! `by="stochastic"`: declared draws, then expressions, then the first outcome whose condition holds.

use std::collections::BTreeMap;

use bpmn::expression::{Expression, Limits};
use bpmn::program::{TaskSpec, Variables};
use scoring::{Address, Distribution, INVALID, Stream};
use serde_json::Value;

use super::scope::{Named, Scope};
use crate::Error;

/// Draws at most, and expressions at most.
const MAX_DRAWS: usize = 1_000;

/// A random variable: its distribution, made once where it does not depend on other draws.
struct Draw {
    variable: String,
    distribution: String,
    parameters: Vec<(String, Parameter)>,
    fixed: Option<Distribution>,
}

enum Parameter {
    Text(String),
    Feel(Named),
}

/// A task's declaration, ready to be sampled.
pub(super) struct Source {
    element: String,
    draws: Vec<Draw>,
    computes: Vec<Named>,
    outcomes: Vec<(String, Option<Named>)>,
    now_ms: i64,
}

impl Source {
    pub(super) fn new(
        element: &str,
        spec: &TaskSpec,
        inputs: &Variables,
        now_ms: i64,
    ) -> Result<Self, Error> {
        let refuse =
            |problem: &str| Error::Declaration { element: element.to_owned(), problem: problem.to_owned() };
        if spec.draws.len() > MAX_DRAWS || spec.computes.len() > MAX_DRAWS {
            return Err(refuse("it declares more than 1,000 draws or expressions"));
        }
        let names_outcome = spec.computes.iter().any(|(variable, _)| variable == "outcome");
        if spec.outcomes.is_empty() && !names_outcome {
            return Err(refuse("it declares no outcomes, and no expression for the variable outcome"));
        }
        let mut source = Self {
            element: element.to_owned(),
            draws: Vec::new(),
            computes: (spec.computes.iter())
                .map(|(variable, text)| Named::parse(element, variable, text))
                .collect::<Result<_, _>>()?,
            outcomes: (spec.outcomes.iter())
                .map(|outcome| {
                    let when =
                        outcome.when.as_deref().map(|when| Named::parse(element, &outcome.label, when));
                    Ok((outcome.label.clone(), when.transpose()?))
                })
                .collect::<Result<_, Error>>()?,
            now_ms,
        };
        for declared in &spec.draws {
            let parameters: Vec<(String, Parameter)> = declared
                .parameters
                .iter()
                .map(|(name, text)| (name.clone(), parameter(element, name, text)))
                .collect();
            let drawn: Vec<&String> = source.draws.iter().map(|draw| &draw.variable).collect();
            let depends = parameters.iter().any(|(_, parameter)| match parameter {
                Parameter::Feel(named) => named.variables().iter().any(|name| drawn.contains(&name)),
                Parameter::Text(_) => false,
            });
            let mut draw = Draw {
                variable: declared.variable.clone(),
                distribution: declared.distribution.clone(),
                parameters,
                fixed: None,
            };
            if !depends {
                let scope = Scope { own: &Variables::new(), inputs };
                draw.fixed = Some(draw.made(element, &scope, now_ms)?);
            }
            source.draws.push(draw);
        }
        Ok(source)
    }

    /// One sample at its address: its outcome and the values it saw.
    pub(super) fn sample(
        &self,
        address: Address<'_>,
        inputs: &Variables,
    ) -> Result<(String, Variables), Error> {
        let mut stream = Stream::at(address);
        let mut own = Variables::new();
        for draw in &self.draws {
            let value = match &draw.fixed {
                Some(distribution) => distribution.draw(&mut stream),
                None => {
                    draw.made(&self.element, &Scope { own: &own, inputs }, self.now_ms)?.draw(&mut stream)
                }
            };
            own.insert(draw.variable.clone(), value);
        }
        for compute in &self.computes {
            let value = compute.value(&Scope { own: &own, inputs }, self.now_ms)?;
            own.insert(compute.name.clone(), value);
        }
        let mut otherwise = None;
        for (label, when) in &self.outcomes {
            match when {
                Some(when) if when.holds(&Scope { own: &own, inputs }, self.now_ms)? => {
                    return Ok((label.clone(), own));
                }
                None if otherwise.is_none() => otherwise = Some(label.clone()),
                _ => {}
            }
        }
        let named = || match own.get("outcome") {
            Some(Value::String(label)) => Some(label.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let label = otherwise.or_else(|| if self.outcomes.is_empty() { named() } else { None });
        Ok((label.unwrap_or_else(|| INVALID.to_owned()), own))
    }
}

impl Draw {
    fn made(&self, element: &str, scope: &Scope<'_>, now_ms: i64) -> Result<Distribution, Error> {
        let mut values = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            let value = match parameter {
                Parameter::Text(text) => Value::String(text.clone()),
                Parameter::Feel(named) => named.value(scope, now_ms)?,
            };
            values.insert(name.clone(), value);
        }
        Distribution::new(&self.distribution, &values)
            .map_err(|source| Error::Scoring { element: element.to_owned(), source })
    }
}

/// A parameter is FEEL where it can be read as such; a plain list of words (`sun, rain`) is not.
fn parameter(element: &str, name: &str, text: &str) -> Parameter {
    let is_list = matches!(name, "values" | "weights") && text.contains(',') && !text.contains('[');
    let constant = name == "value" && Expression::feel(text).is_err();
    match Named::parse(element, name, text) {
        Ok(named) if !is_list && !constant => {
            // A fixed value needs no evaluation per sample.
            match Expression::feel(text).map(|feel| feel.evaluate(&(), Limits::at(0))) {
                Ok(Ok(Value::String(text))) if named.variables().is_empty() => Parameter::Text(text),
                _ => Parameter::Feel(named),
            }
        }
        _ => Parameter::Text(text.to_owned()),
    }
}
