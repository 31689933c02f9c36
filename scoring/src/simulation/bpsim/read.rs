//! Completes a declaration from one scenario.

use std::collections::BTreeMap;

use bpmn::model::{Definitions, FlowNode, Process, RawElement};
use bpmn::xml::namespace::PROCOS;

use super::super::declare::{Parameters, ResourceDeclaration, Weight};
use super::super::reading::Place;
use super::super::{Calendar, Law};
use super::value::{law, number, unit_seconds, values};
use super::{Declared, VENDOR, calendar, is_bpsim};
use crate::Error;

/// The parameters of BPSim that say how long work takes.
const TIMES: [&str; 7] =
    ["TransferTime", "QueueTime", "WaitTime", "SetUpTime", "ProcessingTime", "ValidationTime", "ReworkTime"];

/// One scenario of a file.
pub(super) struct Reader<'a> {
    definitions: &'a Definitions,
    process: &'a Process,
    scenario: &'a RawElement,
    /// Seconds of the scenario's time unit.
    unit: f64,
    calendars: BTreeMap<String, Result<Calendar, String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn over(definitions: &'a Definitions, process: &'a Process, scenario: &'a RawElement) -> Self {
        let unit = scenario
            .elements_named("ScenarioParameters")
            .find_map(|parameters| unit_seconds(parameters.get("baseTimeUnit")?))
            .unwrap_or(60.0);
        let calendars = scenario
            .elements_named("Calendar")
            .filter_map(|each| Some((each.get("id")?.to_owned(), calendar::read(&each.text()))))
            .collect();
        Self { definitions, process, scenario, unit, calendars }
    }

    /// Adds the resources that the declaration does not know yet.
    pub(super) fn resources(&self, found: &mut Declared) {
        for each in self.scenario.elements_named("ElementParameters") {
            if let Some(id) = each.get("elementRef").map(local)
                && let Some(resource) = self.resource(id)
            {
                self.of_resource(id, resource, each, found);
            }
        }
    }

    /// Adds what else the declaration does not say yet.
    pub(super) fn complete(&self, found: &mut Declared) -> Result<(), Error> {
        for parameters in self.scenario.elements_named("ScenarioParameters") {
            self.whole(parameters, found);
        }
        let vendor = self.scenario.elements().filter(|each| is_vendor(each));
        for raw in vendor.flat_map(RawElement::elements).filter(|raw| raw.is(PROCOS, "simulation")) {
            if found.declaration.attributes.is_empty() {
                for each in raw.elements_named("attribute") {
                    found.declaration.attributes.push(Place { element: VENDOR }.attribute(each)?);
                }
            }
        }
        for each in self.scenario.elements_named("ElementParameters") {
            let Some(id) = each.get("elementRef").map(local) else { continue };
            if let Some(node) = self.process.node(id) {
                self.of_node(node, each, found)?;
            } else if self.process.flows.iter().any(|flow| flow.element.id == id) {
                Self::of_flow(id, each, found);
            } else if self.resource(id).is_none()
                && self.definitions.node(id).is_none()
                && id != self.process.element.id
            {
                found.left_out.push(format!("parameters of {id}, which is not in the file"));
            }
        }
        Ok(())
    }

    /// What is said of the whole scenario.
    fn whole(&self, parameters: &RawElement, found: &mut Declared) {
        if found.declaration.currency.is_none() {
            found.declaration.currency = parameters.get("baseCurrencyUnit").map(str::to_owned);
        }
        for (name, way) in [("replication", "--cases or --precision"), ("seed", "--seed")] {
            if parameters.get(name).is_some() {
                found.left_out.push(format!("{name} of the scenario; say {way}"));
            }
        }
        for part in parameters.elements() {
            match part.local_name.as_str() {
                "Duration" => {
                    found
                        .left_out
                        .push("the duration of the scenario; say --cases or --precision".to_owned());
                }
                "Warmup" => {
                    found.left_out.push("the warm-up of the scenario: it is found from pilot runs".to_owned())
                }
                "PropertyParameters" => found.left_out.push("properties of the scenario".to_owned()),
                _ => {}
            }
        }
    }

    /// The name of a resource of the file.
    fn resource(&self, id: &str) -> Option<&'a str> {
        let is = |raw: &&RawElement| raw.local_name == "resource" && raw.get("id") == Some(id);
        let found = self.definitions.others.iter().find(is)?;
        Some(found.get("name").unwrap_or_else(|| found.get("id").unwrap_or_default()))
    }

    fn of_resource(&self, id: &str, name: &str, parameters: &RawElement, found: &mut Declared) {
        if found.declaration.resources.iter().any(|each| each.id == id) {
            return;
        }
        let mut made = ResourceDeclaration {
            id: id.to_owned(),
            name: if name.is_empty() { id.to_owned() } else { name.to_owned() },
            capacity: 1,
            hourly_cost: 0.0,
            calendar: None,
        };
        for (group, parameter) in parts(parameters) {
            let what = format!("{} of the resource {id}", parameter.local_name);
            match (group, parameter.local_name.as_str()) {
                ("ResourceParameters", "Quantity" | "Availability") => {
                    for value in values(parameter) {
                        self.take_calendar(value, &what, &mut made.calendar, found);
                        if parameter.local_name == "Quantity" {
                            match number(value) {
                                Some(amount) if (1.0..=1_000_000.0).contains(&amount) => {
                                    made.capacity = amount as u32;
                                }
                                // No unit outside of a calendar is what a calendar says anyway.
                                Some(0.0) => {}
                                _ => found.left_out.push(what.clone()),
                            }
                        }
                    }
                }
                ("CostParameters", "UnitCost") => {
                    let cost = values(parameter).find_map(|value| {
                        let unit = value.get("timeUnit").map_or(Some(self.unit), unit_seconds)?;
                        number(value).map(|cost| cost * 3_600.0 / unit)
                    });
                    match cost.filter(|cost| *cost >= 0.0) {
                        Some(cost) => made.hourly_cost = cost,
                        None => found.left_out.push(what),
                    }
                }
                _ => found.left_out.push(what),
            }
        }
        found.declaration.resources.push(made);
    }

    /// The calendar that a value is valid for.
    fn take_calendar(
        &self,
        value: &RawElement,
        what: &str,
        slot: &mut Option<Calendar>,
        found: &mut Declared,
    ) {
        let Some(id) = value.get("validFor") else { return };
        match self.calendars.get(id) {
            Some(Ok(calendar)) if slot.is_none() => *slot = Some(calendar.clone()),
            Some(Ok(calendar)) if slot.as_ref() == Some(calendar) => {}
            Some(Ok(_)) => {
                found.left_out.push(format!("{what} in the calendar {id}: one calendar is simulated"))
            }
            Some(Err(problem)) => found.left_out.push(format!("the calendar {id}: {problem}")),
            None => found.left_out.push(format!("the calendar {id}, which the scenario does not hold")),
        }
    }

    fn of_flow(id: &str, parameters: &RawElement, found: &mut Declared) {
        let counted = vendor(parameters).find_map(|raw| raw.get("count")?.parse::<f64>().ok());
        for (group, parameter) in parts(parameters) {
            match (group, parameter.local_name.as_str()) {
                ("ControlParameters", "Probability") => {
                    let Some(share) = values(parameter).find_map(number).filter(|share| *share >= 0.0) else {
                        found.left_out.push(format!("the probability of {id}, which is no number"));
                        continue;
                    };
                    let weight = Weight { share: counted.unwrap_or(share), count: counted };
                    found.declaration.flows.entry(id.to_owned()).or_insert(weight);
                }
                (_, name) => found.left_out.push(format!("{name} of {id}")),
            }
        }
    }

    fn of_node(&self, node: &FlowNode, parameters: &RawElement, found: &mut Declared) -> Result<(), Error> {
        let id = node.element.id.as_str();
        let place = Place { element: id };
        let is_start = node.parent.is_none() && node.local_name() == "startEvent";
        let mut made = found.declaration.elements.remove(id).unwrap_or_default();
        let mut times: Vec<Law> = Vec::new();
        for (group, parameter) in parts(parameters) {
            let name = parameter.local_name.as_str();
            let what = format!("{name} of {id}");
            let read = |value: &RawElement| {
                law(value, self.unit).map_err(|problem| place.wrong(format!("BPSim {name}: {problem}")))
            };
            match (group, name) {
                ("ControlParameters", "InterTriggerTimer") if is_start => {
                    for value in values(parameter) {
                        if found.declaration.arrivals.is_none() {
                            found.declaration.arrivals = Some(read(value)?);
                        }
                        let mut calendar = found.declaration.arrival_calendar.take();
                        self.take_calendar(value, &what, &mut calendar, found);
                        found.declaration.arrival_calendar = calendar;
                    }
                }
                ("ControlParameters", "InterTriggerTimer") => {
                    times.extend(values(parameter).next().map(read).transpose()?);
                }
                ("TimeParameters", name) if TIMES.contains(&name) => {
                    times.extend(values(parameter).next().map(read).transpose()?);
                    if values(parameter).count() > 1 {
                        found.left_out.push(format!("further values of {what}"));
                    }
                }
                ("ResourceParameters", "Selection") => match values(parameter).find_map(selected) {
                    Some((resource, 1)) => {
                        self.declare(&resource, found);
                        made.resource.get_or_insert(resource);
                    }
                    Some((resource, count)) => {
                        found
                            .left_out
                            .push(format!("{id} takes {count} of {resource} at once: one is simulated"));
                        self.declare(&resource, found);
                        made.resource.get_or_insert(resource);
                    }
                    None => found.left_out.push(format!("{what} other than by bpsim:getResource('id', 1)")),
                },
                ("CostParameters", "FixedCost") => match values(parameter).find_map(number) {
                    Some(cost) if cost >= 0.0 && made.cost == 0.0 => made.cost = cost,
                    Some(_) => {}
                    None => found.left_out.push(what),
                },
                ("PriorityParameters", "Priority") => match values(parameter).find_map(number) {
                    Some(priority) if made.priority == 0 => made.priority = priority as i32,
                    Some(_) => {}
                    None => found.left_out.push(what),
                },
                _ => found.left_out.push(what),
            }
        }
        if made.duration.is_none() {
            made.duration = together(times).map_err(|problem| place.wrong(problem))?;
        }
        for raw in vendor(parameters) {
            if made.observed.is_none() {
                made.observed = raw.get("observed").and_then(|text| text.parse().ok());
            }
            if made.batch.is_none() {
                made.batch = place.batch(raw)?;
            }
        }
        if made != Parameters::default() {
            found.declaration.elements.insert(id.to_owned(), made);
        }
        Ok(())
    }

    /// A resource that is named but has no parameters: one of it.
    fn declare(&self, id: &str, found: &mut Declared) {
        if !found.declaration.resources.iter().any(|each| each.id == id) {
            found.declaration.resources.push(ResourceDeclaration {
                id: id.to_owned(),
                name: self.resource(id).unwrap_or(id).to_owned(),
                capacity: 1,
                hourly_cost: 0.0,
                calendar: None,
            });
        }
    }
}

/// The parameters of an element with the name of their group, in document order; nothing of vendors.
fn parts(parameters: &RawElement) -> impl Iterator<Item = (&str, &RawElement)> {
    parameters
        .elements()
        .filter(|group| !is_vendor(group))
        .flat_map(|group| group.elements().map(move |parameter| (group.local_name.as_str(), parameter)))
}

fn is_vendor(element: &RawElement) -> bool {
    is_bpsim(element, "VendorExtension") && element.get("name") == Some(VENDOR)
}

/// What we wrote beside the parameters of an element.
fn vendor(parameters: &RawElement) -> impl Iterator<Item = &RawElement> {
    parameters
        .elements()
        .filter(|each| is_vendor(each))
        .flat_map(RawElement::elements)
        .filter(|raw| raw.is(PROCOS, "simulation"))
}

/// An id without the prefix of its namespace.
fn local(reference: &str) -> &str {
    reference.rsplit_once(':').map_or(reference, |(_, id)| id).trim()
}

/// The resource and how many of it that `bpsim:getResource('clerk', 2)` selects.
fn selected(value: &RawElement) -> Option<(String, u32)> {
    let text = value.get("value")?.trim();
    let inner = text.strip_prefix("bpsim:getResource(").or_else(|| text.strip_prefix("getResource("))?;
    let inner = inner.strip_suffix(')')?;
    let (id, count) = inner.rsplit_once(',').unwrap_or((inner, "1"));
    let id = id.trim().trim_matches(['\'', '"']);
    (!id.is_empty()).then_some((id.to_owned(), count.trim().parse().ok()?))
}

/// The time of all parts together, of which one at most may vary.
fn together(times: Vec<Law>) -> Result<Option<Law>, String> {
    let mut fixed = 0.0;
    let mut varies = None;
    for law in times {
        match law {
            Law::Constant(seconds) => fixed += seconds,
            other if varies.is_none() => varies = Some(other),
            _ => {
                return Err("of several times of one element only one may vary: put them together".to_owned());
            }
        }
    }
    Ok(match varies {
        None if fixed > 0.0 => Some(Law::Constant(fixed)),
        None => None,
        Some(law) if fixed == 0.0 => Some(law),
        Some(law) => {
            let count = 2_000;
            let at = |place: u32| law.quantile((f64::from(place) + 0.5) / f64::from(count)) + fixed;
            Some(Law::empirical(&(0..count).map(at).collect::<Vec<_>>())?)
        }
    })
}
