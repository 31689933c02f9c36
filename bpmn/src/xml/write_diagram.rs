//! Writes diagram interchange.

use crate::model::{Bounds, Diagram, Label};
use crate::xml::namespace::{BPMN_DI, DC, DI};
use crate::xml::write::Writer;

/// Writes a diagram.
pub(super) fn diagram(out: &mut Writer<'_>, diagram: &Diagram) {
    out.foreign(BPMN_DI, "BPMNDiagram", &[id(&diagram.id)], &diagram.attributes, |out| {
        let typed = [id(&diagram.plane_id), ("bpmnElement", diagram.plane_element.as_deref())];
        out.foreign(BPMN_DI, "BPMNPlane", &typed, &diagram.plane_attributes, |out| {
            for child in &diagram.plane_children {
                out.raw(child);
            }
            for shape in &diagram.shapes {
                let typed = [
                    id(&shape.id),
                    ("bpmnElement", Some(shape.element.as_str()).filter(|it| !it.is_empty())),
                    ("isHorizontal", shape.is_horizontal.map(bool_text)),
                    ("isExpanded", shape.is_expanded.map(bool_text)),
                ];
                out.foreign(BPMN_DI, "BPMNShape", &typed, &shape.attributes, |out| {
                    bounds(out, &shape.bounds);
                    label(out, shape.label.as_ref());
                    for child in &shape.children {
                        out.raw(child);
                    }
                });
            }
            for edge in &diagram.edges {
                let typed =
                    [id(&edge.id), ("bpmnElement", Some(edge.element.as_str()).filter(|it| !it.is_empty()))];
                out.foreign(BPMN_DI, "BPMNEdge", &typed, &edge.attributes, |out| {
                    for point in &edge.waypoints {
                        let (x, y) = (point.x.to_string(), point.y.to_string());
                        out.foreign(DI, "waypoint", &[("x", Some(&x)), ("y", Some(&y))], &[], |_| {});
                    }
                    label(out, edge.label.as_ref());
                    for child in &edge.children {
                        out.raw(child);
                    }
                });
            }
        });
        for child in &diagram.children {
            out.raw(child);
        }
    });
}

fn id(id: &str) -> (&'static str, Option<&str>) {
    ("id", Some(id).filter(|id| !id.is_empty()))
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn bounds(out: &mut Writer<'_>, bounds: &Bounds) {
    let texts = [bounds.x, bounds.y, bounds.width, bounds.height].map(|number| number.to_string());
    let [x, y, width, height] = &texts;
    let typed = [("x", Some(x.as_str())), ("y", Some(y)), ("width", Some(width)), ("height", Some(height))];
    out.foreign(DC, "Bounds", &typed, &[], |_| {});
}

fn label(out: &mut Writer<'_>, label: Option<&Label>) {
    let Some(label) = label else { return };
    out.foreign(BPMN_DI, "BPMNLabel", &[], &label.attributes, |out| {
        if let Some(area) = &label.bounds {
            bounds(out, area);
        }
        for child in &label.children {
            out.raw(child);
        }
    });
}
