//! Writes a declaration as a scenario of BPSim 1.0 for other tools.

use bpmn::model::{Definitions, RawElement, RawNode};
use bpmn::xml::namespace::{BPMN, PROCOS};

use super::super::Calendar;
use super::super::declare::{Declaration, Parameters, ResourceDeclaration, Weight};
use super::super::model::Values;
use super::value::{element, floating, of_law, text};
use super::{VENDOR, calendar, is_bpsim};

/// Puts a declaration into a file as the scenario `procos`, in the place of an earlier one; other scenarios stay. What
/// BPSim has no word for stands in its vendor extension.
pub fn write(definitions: &mut Definitions, process_id: &str, declaration: &Declaration) {
    let scenario = scenario(definitions, process_id, declaration);
    definitions.others.retain_mut(|raw| {
        let is_data = raw.is(BPMN, "relationship") && raw.get("type") == Some("BPSimData");
        if is_data {
            remove_ours(raw);
        }
        !is_data || holds_scenario(raw)
    });
    for resource in &declaration.resources {
        let is = |raw: &&RawElement| raw.is(BPMN, "resource") && raw.get("id") == Some(resource.id.as_str());
        if definitions.others.iter().find(is).is_none() {
            let made =
                RawElement::named(BPMN, "resource").with("id", &resource.id).with("name", &resource.name);
            definitions.others.push(made);
        }
    }
    let named = |name: &str| RawElement::named(BPMN, name);
    definitions.others.push(
        named("relationship")
            .with("type", "BPSimData")
            .with_child(named("extensionElements").with_child(element("BPSimData").with_child(scenario)))
            .with_child(named("source").with_text(process_id))
            .with_child(named("target").with_text(process_id)),
    );
}

fn is_ours(element: &RawElement) -> bool {
    is_bpsim(element, "Scenario") && element.get("id") == Some(VENDOR)
}

fn remove_ours(raw: &mut RawElement) {
    raw.children.retain_mut(|child| match child {
        RawNode::Element(inner) if is_ours(inner) => false,
        RawNode::Element(inner) => {
            remove_ours(inner);
            true
        }
        RawNode::Text(_) => true,
    });
}

fn holds_scenario(raw: &RawElement) -> bool {
    is_bpsim(raw, "Scenario") || raw.elements().any(holds_scenario)
}

fn scenario(definitions: &Definitions, process_id: &str, declaration: &Declaration) -> RawElement {
    let mut parameters = element("ScenarioParameters").with("baseTimeUnit", "s");
    if let Some(currency) = &declaration.currency {
        parameters = parameters.with("baseCurrencyUnit", currency);
    }
    let mut made = element("Scenario")
        .with("id", VENDOR)
        .with("name", "ProcOS")
        .with("vendor", "ProcOS")
        .with_child(parameters);
    let mut calendars: Vec<(String, &Calendar)> = Vec::new();
    if let Some(law) = &declaration.arrivals {
        let mut value = of_law(law);
        if let Some(hours) = &declaration.arrival_calendar {
            value = value.with("validFor", "calendar_arrivals");
            calendars.push(("calendar_arrivals".to_owned(), hours));
        }
        let timer = element("ControlParameters").with_child(element("InterTriggerTimer").with_child(value));
        let process = definitions.process(process_id);
        let is_start =
            |node: &&bpmn::model::FlowNode| node.parent.is_none() && node.local_name() == "startEvent";
        if let Some(start) = process.and_then(|process| process.nodes.iter().find(is_start)) {
            made = made.with_child(of_element(&start.element.id).with_child(timer));
        }
    }
    for resource in &declaration.resources {
        made = made.with_child(of_resource(resource, &mut calendars));
    }
    for (id, parameters) in &declaration.elements {
        made = made.with_child(of_node(id, parameters));
    }
    for (id, weight) in &declaration.flows {
        made = made.with_child(of_flow(id, *weight, &beside(definitions, process_id, declaration, id)));
    }
    for (id, hours) in calendars {
        let text = calendar::write(hours);
        made = made.with_child(
            element("Calendar").with("id", id.as_str()).with("name", id.as_str()).with_text(text),
        );
    }
    if !declaration.attributes.is_empty() {
        let mut all = RawElement::named(PROCOS, "simulation");
        for attribute in &declaration.attributes {
            let named = RawElement::named(PROCOS, "attribute").with("name", &attribute.name);
            all = all.with_child(match &attribute.values {
                Values::Number(law) => named.with("distribution", law.to_string()),
                Values::OneOf(values) => {
                    let each = values.iter().map(|(value, weight)| format!("{value} {}", text(*weight)));
                    named.with("values", each.collect::<Vec<_>>().join(", "))
                }
            });
        }
        made = made.with_child(extension(all));
    }
    made
}

fn of_element(id: &str) -> RawElement {
    element("ElementParameters").with("elementRef", id)
}

fn extension(content: RawElement) -> RawElement {
    element("VendorExtension").with("name", VENDOR).with_child(content)
}

fn of_resource<'a>(
    resource: &'a ResourceDeclaration,
    calendars: &mut Vec<(String, &'a Calendar)>,
) -> RawElement {
    let mut value = element("NumericParameter").with("value", resource.capacity.to_string());
    if let Some(hours) = &resource.calendar {
        let id = format!("calendar_{}", resource.id);
        value = value.with("validFor", id.as_str());
        calendars.push((id, hours));
    }
    let mut made = of_element(&resource.id)
        .with_child(element("ResourceParameters").with_child(element("Quantity").with_child(value)));
    if resource.hourly_cost > 0.0 {
        let hour =
            element("FloatingParameter").with("value", text(resource.hourly_cost)).with("timeUnit", "hour");
        made = made.with_child(element("CostParameters").with_child(element("UnitCost").with_child(hour)));
    }
    made
}

fn of_node(id: &str, parameters: &Parameters) -> RawElement {
    let mut made = of_element(id);
    if let Some(law) = &parameters.duration {
        let time = element("ProcessingTime").with_child(of_law(law));
        made = made.with_child(element("TimeParameters").with_child(time));
    }
    if let Some(resource) = &parameters.resource {
        let value =
            element("ExpressionParameter").with("value", format!("bpsim:getResource('{resource}', 1)"));
        let selection = element("Selection").with_child(value);
        made = made.with_child(element("ResourceParameters").with_child(selection));
    }
    if parameters.priority != 0 {
        let priority = element("NumericParameter").with("value", parameters.priority.to_string());
        made = made
            .with_child(element("PriorityParameters").with_child(element("Priority").with_child(priority)));
    }
    if parameters.cost > 0.0 {
        let cost = element("FixedCost").with_child(floating(parameters.cost));
        made = made.with_child(element("CostParameters").with_child(cost));
    }
    let mut ours = RawElement::named(PROCOS, "simulation");
    if let Some(observed) = parameters.observed {
        ours = ours.with("observed", observed.to_string());
    }
    if let Some(batch) = parameters.batch {
        ours = ours.with("batch", batch.size.to_string());
        if batch.longest_wait.is_finite() {
            ours = ours.with("batchWait", text(batch.longest_wait));
        }
    }
    if ours.attributes.is_empty() { made } else { made.with_child(extension(ours)) }
}

/// BPSim knows probabilities alone: of counts the share that follows from them, beside the counts themselves.
fn of_flow(id: &str, weight: Weight, beside: &[f64]) -> RawElement {
    let share = weight.count.map_or(weight.share, |count| {
        let all: f64 = beside.iter().map(|count| count + 1.0).sum();
        (count + 1.0) / all.max(count + 1.0)
    });
    let probability = element("Probability").with_child(floating(share));
    let made = of_element(id).with_child(element("ControlParameters").with_child(probability));
    match weight.count {
        None => made,
        Some(count) => {
            made.with_child(extension(RawElement::named(PROCOS, "simulation").with("count", text(count))))
        }
    }
}

/// The counts of all flows out of the gateway that this flow leaves.
fn beside(definitions: &Definitions, process_id: &str, declaration: &Declaration, id: &str) -> Vec<f64> {
    let flows = definitions.process(process_id).map(|process| process.flows.as_slice()).unwrap_or_default();
    let Some(source) = flows.iter().find(|flow| flow.element.id == id).map(|flow| &flow.source) else {
        return Vec::new();
    };
    let beside = flows.iter().filter(|flow| flow.source == *source);
    beside.filter_map(|flow| declaration.flows.get(&flow.element.id)?.count).collect()
}
