//! Puts boxes into a row above or below the nodes: annotations, data, event sub-processes.

use super::size::LINE_GAP;
use crate::model::Bounds;

/// A box that would like to stand at some x.
pub(super) struct Wish {
    pub(super) id: String,
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places boxes side by side, each at its wished x or as soon after its left neighbour as possible; the row begins
/// at y = 0. The result is the boxes and the height of the row.
pub(super) fn row(mut wishes: Vec<Wish>) -> (Vec<(String, Bounds)>, f64) {
    wishes.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut free = f64::NEG_INFINITY;
    let mut height: f64 = 0.0;
    let mut placed = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let x = wish.x.max(free).max(0.0);
        free = x + wish.width + LINE_GAP;
        height = height.max(wish.height);
        placed.push((wish.id, Bounds { x, y: 0.0, width: wish.width, height: wish.height }));
    }
    (placed, height)
}
