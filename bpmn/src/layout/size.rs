//! Sizes and distances, in pixels; those of shapes are what editors commonly use.

use crate::model::{Artifact, ArtifactKind, DataElementKind, FlowNode, FlowNodeKind};

/// Diameter of an event.
pub(super) const EVENT: f64 = 36.0;
/// Width and height of a gateway.
pub(super) const GATEWAY: f64 = 50.0;
/// Width of a task.
pub(super) const TASK_WIDTH: f64 = 100.0;
/// Height of a task.
pub(super) const TASK_HEIGHT: f64 = 80.0;
/// Least distance of two nodes above each other.
pub(super) const ROW_GAP: f64 = 40.0;
/// Least distance of a line from the node or line above it.
pub(super) const LINE_GAP: f64 = 20.0;
/// Least width of the channel between two layers.
pub(super) const CHANNEL: f64 = 50.0;
/// Distance of two parallel lines in a channel.
pub(super) const TRACK: f64 = 14.0;
/// Padding inside sub-processes, pools and lanes.
pub(super) const PADDING: f64 = 30.0;
/// Height of the title of an expanded sub-process.
pub(super) const TITLE: f64 = 20.0;
/// Width of the name strip of a pool or lane.
pub(super) const STRIP: f64 = 30.0;
/// Least height of a lane.
pub(super) const LANE_HEIGHT: f64 = 120.0;
/// Distance of two pools.
pub(super) const POOL_GAP: f64 = 60.0;
/// Height of a line of text.
pub(super) const TEXT: f64 = 14.0;
/// Width of a label.
pub(super) const LABEL_WIDTH: f64 = 90.0;

/// Size of a node that is no expanded sub-process, wide enough for its boundary events.
pub(super) fn of_node(node: &FlowNode, boundary_events: usize) -> (f64, f64) {
    match &node.kind {
        FlowNodeKind::Event(_) => (EVENT, EVENT),
        FlowNodeKind::Gateway(_) => (GATEWAY, GATEWAY),
        _ => (TASK_WIDTH.max(count(boundary_events) * 44.0 + 12.0), TASK_HEIGHT),
    }
}

/// Size of a data element.
pub(super) fn of_data(kind: &DataElementKind) -> (f64, f64) {
    match kind {
        DataElementKind::StoreReference(_) => (50.0, 50.0),
        _ => (36.0, 50.0),
    }
}

/// Size of an annotation or group.
pub(super) fn of_artifact(artifact: &Artifact) -> (f64, f64) {
    match &artifact.kind {
        ArtifactKind::TextAnnotation { text } => (130.0, (lines(text, 20) * TEXT + 12.0).clamp(30.0, 300.0)),
        _ => (140.0, 80.0),
    }
}

/// Size of the name of a flow.
pub(super) fn of_flow_name(name: &str) -> (f64, f64) {
    ((count(name.chars().count()) * 6.5).clamp(20.0, LABEL_WIDTH), lines(name, 14) * TEXT)
}

/// Lines of a text in a column so many characters wide, at least one.
pub(super) fn lines(text: &str, characters: usize) -> f64 {
    let lines = text.lines().map(|line| line.chars().count().div_ceil(characters).max(1)).sum::<usize>();
    count(lines.max(1))
}

/// A number of things as a factor.
#[expect(clippy::cast_precision_loss, reason = "counts of drawn things are far below 2^52")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
