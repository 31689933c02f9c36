//! Reads diagram interchange.

use crate::error::{Error, Place};
use crate::model::{Bounds, Diagram, Edge, Label, Point, RawElement, RawNode, Shape};
use crate::xml::namespace::{BPMN_DI, DC, DI};
use crate::xml::read::{parse_bool, take_from};

/// Whether it is a BPMN diagram.
pub(super) fn is_diagram(raw: &RawElement) -> bool {
    raw.is(BPMN_DI, "BPMNDiagram")
}

fn elements(children: Vec<RawNode>) -> impl Iterator<Item = RawElement> {
    children.into_iter().filter_map(|node| match node {
        RawNode::Element(element) => Some(element),
        RawNode::Text(_) => None,
    })
}

/// Reads a diagram.
pub(super) fn diagram(raw: RawElement) -> Result<Diagram, Error> {
    let mut diagram = Diagram { attributes: raw.attributes, ..Diagram::default() };
    diagram.id = take_from(&mut diagram.attributes, "id").unwrap_or_default();
    for child in elements(raw.children) {
        if !child.is(BPMN_DI, "BPMNPlane") {
            diagram.children.push(child);
            continue;
        }
        diagram.plane_attributes = child.attributes;
        diagram.plane_id = take_from(&mut diagram.plane_attributes, "id").unwrap_or_default();
        diagram.plane_element = take_from(&mut diagram.plane_attributes, "bpmnElement");
        for part in elements(child.children) {
            if part.is(BPMN_DI, "BPMNShape") {
                diagram.shapes.push(shape(part)?);
            } else if part.is(BPMN_DI, "BPMNEdge") {
                diagram.edges.push(edge(part)?);
            } else {
                diagram.plane_children.push(part);
            }
        }
    }
    Ok(diagram)
}

fn shape(raw: RawElement) -> Result<Shape, Error> {
    let place = Place::at(raw.get("id").unwrap_or(""), raw.line.0);
    let mut shape = Shape { attributes: raw.attributes, line: raw.line, ..Shape::default() };
    shape.id = take_from(&mut shape.attributes, "id").unwrap_or_default();
    shape.element = take_from(&mut shape.attributes, "bpmnElement").unwrap_or_default();
    if let Some(value) = take_from(&mut shape.attributes, "isHorizontal") {
        shape.is_horizontal = Some(parse_bool(&value, "isHorizontal", || place.clone())?);
    }
    if let Some(value) = take_from(&mut shape.attributes, "isExpanded") {
        shape.is_expanded = Some(parse_bool(&value, "isExpanded", || place.clone())?);
    }
    let mut has_bounds = false;
    for child in elements(raw.children) {
        if child.is(DC, "Bounds") {
            shape.bounds = bounds(&child, &place)?;
            has_bounds = true;
        } else if child.is(BPMN_DI, "BPMNLabel") {
            shape.label = Some(label(child, &place)?);
        } else {
            shape.children.push(child);
        }
    }
    if has_bounds {
        Ok(shape)
    } else {
        Err(Error::Missing { local_name: "BPMNShape".to_owned(), what: "Bounds", place })
    }
}

fn edge(raw: RawElement) -> Result<Edge, Error> {
    let place = Place::at(raw.get("id").unwrap_or(""), raw.line.0);
    let mut edge = Edge { attributes: raw.attributes, line: raw.line, ..Edge::default() };
    edge.id = take_from(&mut edge.attributes, "id").unwrap_or_default();
    edge.element = take_from(&mut edge.attributes, "bpmnElement").unwrap_or_default();
    for child in elements(raw.children) {
        if child.is(DI, "waypoint") {
            let x = number(&child, "x", &place)?;
            let y = number(&child, "y", &place)?;
            edge.waypoints.push(Point { x, y });
        } else if child.is(BPMN_DI, "BPMNLabel") {
            edge.label = Some(label(child, &place)?);
        } else {
            edge.children.push(child);
        }
    }
    Ok(edge)
}

fn label(raw: RawElement, place: &Place) -> Result<Label, Error> {
    let mut label = Label { attributes: raw.attributes, ..Label::default() };
    for child in elements(raw.children) {
        if child.is(DC, "Bounds") {
            label.bounds = Some(bounds(&child, place)?);
        } else {
            label.children.push(child);
        }
    }
    Ok(label)
}

fn bounds(raw: &RawElement, place: &Place) -> Result<Bounds, Error> {
    Ok(Bounds {
        x: number(raw, "x", place)?,
        y: number(raw, "y", place)?,
        width: number(raw, "width", place)?,
        height: number(raw, "height", place)?,
    })
}

fn number(raw: &RawElement, attribute: &str, place: &Place) -> Result<f64, Error> {
    let text = raw.get(attribute).unwrap_or("");
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Error::Value {
            attribute: attribute.to_owned(),
            value: text.to_owned(),
            expected: "a number",
            place: place.clone(),
        }),
    }
}
