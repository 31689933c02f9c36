//! Reads `procos:simulation` and the weights of `procos:outcome` from a file.
//!
//! ```xml
//! <procos:simulation arrivals="exponential(30min)" calendar="Mon-Fri 08:00-18:00" currency="EUR">  in the process
//!   <procos:resource id="clerk" name="Clerk" capacity="2" hourlyCost="40" calendar="Mon-Fri 09:00-17:00"/>
//!   <procos:attribute name="amount" distribution="lognormal(5000, 4000)"/> or values="gold 0.2, other 0.8"
//! </procos:simulation>
//! <procos:simulation duration="exponential(10min)" observed="25" resource="clerk" priority="1" cost="5"
//!   batch="10" batchWait="1h"/>                                                                      in a node
//! <procos:simulation share="0.8"/> or <procos:simulation count="16"/>                                in a sequence flow
//! <procos:outcome label="approved" share="0.8"/> or count="16"                                       in a task
//! ```

use bpmn::model::{Element, Process, RawElement};
use bpmn::xml::namespace::PROCOS;
use serde_json::Value;

use super::declare::{Declaration, Parameters, ResourceDeclaration, Weight};
use super::model::{Attribute, Batch, Values};
use super::{Calendar, Law};
use crate::Error;

/// Units of a resource at most.
const MAX_CAPACITY: u32 = 1_000_000;

impl Declaration {
    /// What this process declares.
    ///
    /// # Errors
    /// `SCORING-0005` for a declaration that makes no sense, with the element and what is expected.
    pub fn read(process: &Process) -> Result<Self, Error> {
        let found = Self::read_unchecked(process)?;
        found.check(&process.element.id)?;
        Ok(found)
    }

    /// As [`Declaration::read`], where what it names may be declared elsewhere.
    pub(super) fn read_unchecked(process: &Process) -> Result<Self, Error> {
        let mut found = Self::default();
        let at_process = Place { element: &process.element.id };
        for raw in process.element.extensions_named(PROCOS, "simulation") {
            at_process.known(raw, &["arrivals", "calendar", "currency"])?;
            found.arrivals = at_process.parse(raw, "arrivals", Law::parse)?;
            found.arrival_calendar = at_process.parse(raw, "calendar", str::parse::<Calendar>)?;
            found.currency = raw.get("currency").map(str::to_owned);
            for resource in raw.elements_named("resource") {
                found.resources.push(at_process.resource(resource)?);
            }
            for attribute in raw.elements_named("attribute") {
                found.attributes.push(at_process.attribute(attribute)?);
            }
        }
        for node in &process.nodes {
            let parameters = node_parameters(&node.element)?;
            if parameters != Parameters::default() {
                found.elements.insert(node.element.id.clone(), parameters);
            }
        }
        for flow in &process.flows {
            let place = Place { element: &flow.element.id };
            for raw in flow.element.extensions_named(PROCOS, "simulation") {
                place.known(raw, &["share", "count"])?;
                if let Some(weight) = place.weight(raw)? {
                    found.flows.insert(flow.element.id.clone(), weight);
                }
            }
        }
        Ok(found)
    }

    /// Every resource that is named must be there.
    pub(super) fn check(&self, process: &str) -> Result<(), Error> {
        if self.arrivals.as_ref().is_some_and(|law| law.mean() <= 0.0) {
            return Err(Place { element: process }
                .wrong("arrivals must lie apart: their mean must be above 0".to_owned()));
        }
        for (id, parameters) in &self.elements {
            let place = Place { element: id };
            if let Some(resource) = &parameters.resource
                && !self.resources.iter().any(|each| each.id == *resource)
            {
                return Err(place.wrong(format!(
                    "the resource {resource:?} is not declared; add <procos:resource id={resource:?} capacity=\"1\"/> to \
                     the procos:simulation of the process"
                )));
            }
        }
        Ok(())
    }
}

fn node_parameters(element: &Element) -> Result<Parameters, Error> {
    let place = Place { element: &element.id };
    let mut found = Parameters::default();
    for raw in element.extensions_named(PROCOS, "simulation") {
        place.known(
            raw,
            &[
                "duration",
                "observed",
                "resource",
                "priority",
                "cost",
                "batch",
                "batchWait",
                "instances",
                "share",
            ],
        )?;
        found.duration = place.parse(raw, "duration", Law::parse)?;
        found.observed = place.parse(raw, "observed", number::<u64>)?;
        found.resource = raw.get("resource").map(|resource| resource.trim().to_owned());
        found.priority = place.parse(raw, "priority", number::<i32>)?.unwrap_or_default();
        found.cost = place.parse(raw, "cost", amount)?.unwrap_or_default();
        found.batch = place.batch(raw)?;
        found.instances = place.parse(raw, "instances", number::<u32>)?;
        found.share = place.parse(raw, "share", part)?;
    }
    // Outcomes stand beside procos:task or inside it.
    let tasks = element.extensions_named(PROCOS, "task").flat_map(|task| task.elements_named("outcome"));
    for raw in element.extensions_named(PROCOS, "outcome").chain(tasks) {
        if let (Some(label), Some(weight)) = (raw.get("label"), place.weight(raw)?) {
            found.outcomes.push((label.trim().to_owned(), weight));
        }
    }
    Ok(found)
}

/// Where a declaration stands, for messages.
pub(super) struct Place<'a> {
    pub(super) element: &'a str,
}

impl Place<'_> {
    pub(super) fn wrong(&self, problem: String) -> Error {
        Error::Simulation { element: self.element.to_owned(), problem }
    }

    fn known(&self, raw: &RawElement, names: &[&str]) -> Result<(), Error> {
        match raw.attributes.iter().find(|each| !names.contains(&each.local_name.as_str())) {
            None => Ok(()),
            Some(other) => Err(self.wrong(format!(
                "procos:simulation has no attribute {} here; known are {}",
                other.local_name,
                names.join(", ")
            ))),
        }
    }

    fn parse<T>(
        &self,
        raw: &RawElement,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let text = raw.get(name);
        text.map(|text| read(text.trim()).map_err(|problem| self.wrong(format!("{name}: {problem}"))))
            .transpose()
    }

    fn weight(&self, raw: &RawElement) -> Result<Option<Weight>, Error> {
        let share = self.parse(raw, "share", amount)?;
        let count = self.parse(raw, "count", amount)?;
        Ok(match (share, count) {
            (None, None) => None,
            (share, count) => Some(Weight { share: share.or(count).unwrap_or_default(), count }),
        })
    }

    pub(super) fn batch(&self, raw: &RawElement) -> Result<Option<Batch>, Error> {
        let wait = self.parse(raw, "batchWait", Law::parse)?;
        let longest_wait = match wait {
            None => f64::INFINITY,
            Some(Law::Constant(seconds)) => seconds,
            Some(_) => return Err(self.wrong("batchWait is one duration, e.g. 1h".to_owned())),
        };
        match self.parse(raw, "batch", number::<u32>)? {
            None if longest_wait.is_finite() => {
                Err(self.wrong("batchWait needs the size of a batch: batch=\"10\"".to_owned()))
            }
            None => Ok(None),
            Some(size) if (2..=MAX_CAPACITY).contains(&size) => Ok(Some(Batch { size, longest_wait })),
            Some(size) => Err(self.wrong(format!("batch: 2 to {MAX_CAPACITY} cases, not {size}"))),
        }
    }

    pub(super) fn attribute(&self, raw: &RawElement) -> Result<Attribute, Error> {
        let Some(name) = raw.get("name").map(str::trim).filter(|name| !name.is_empty()) else {
            return Err(self.wrong("a procos:attribute needs a name".to_owned()));
        };
        let number = self.parse(raw, "distribution", Law::parse)?;
        let values = match (number, raw.get("values")) {
            (Some(law), None) => Values::Number(law),
            (None, Some(text)) => Values::OneOf(
                one_of(text).map_err(|problem| self.wrong(format!("values of {name}: {problem}")))?,
            ),
            _ => {
                return Err(self.wrong(format!(
                    "the attribute {name} needs a distribution, e.g. uniform(1, 100), or values, e.g. \"gold 0.2, other 0.8\""
                )));
            }
        };
        Ok(Attribute { name: name.to_owned(), values })
    }

    fn resource(&self, raw: &RawElement) -> Result<ResourceDeclaration, Error> {
        let Some(id) = raw.get("id").map(str::trim).filter(|id| !id.is_empty()) else {
            return Err(self.wrong("a procos:resource needs an id".to_owned()));
        };
        let capacity = self.parse(raw, "capacity", number::<u32>)?.unwrap_or(1);
        if capacity == 0 || capacity > MAX_CAPACITY {
            return Err(self.wrong(format!("capacity of {id}: 1 to {MAX_CAPACITY}, not {capacity}")));
        }
        Ok(ResourceDeclaration {
            id: id.to_owned(),
            name: raw.get("name").unwrap_or(id).to_owned(),
            capacity,
            hourly_cost: self.parse(raw, "hourlyCost", amount)?.unwrap_or_default(),
            calendar: self.parse(raw, "calendar", str::parse::<Calendar>)?,
        })
    }
}

/// `gold 0.2, other 0.8`: values with weights, 1 where none is given.
fn one_of(text: &str) -> Result<Vec<(Value, f64)>, String> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (value, weight) = match part.rsplit_once(char::is_whitespace) {
            Some((value, weight)) => (value.trim(), amount(weight)?),
            None => (part, 1.0),
        };
        let value = match serde_json::from_str::<Value>(value) {
            Ok(known @ (Value::Number(_) | Value::Bool(_) | Value::String(_))) => known,
            _ => Value::String(value.to_owned()),
        };
        found.push((value, weight));
    }
    if found.iter().map(|(_, weight)| weight).sum::<f64>() <= 0.0 {
        return Err("at least one value needs a weight above 0".to_owned());
    }
    Ok(found)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number, or too large"))
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is no number from 0 to 1")),
    }
}

fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(format!("{text:?} is no number of at least 0")),
    }
}
