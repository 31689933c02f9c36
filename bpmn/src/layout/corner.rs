//! Which lines leave or enter a gateway by its upper or lower corner: those whose way straight up or down is free.

use std::collections::HashMap;

use super::graph::{Graph, Item};
use super::route::{Course, Piece};
use super::size::LINE_GAP;

/// Least length of a piece from a corner to where it turns.
const STUB: f64 = 12.0;

/// Whether a corner is for lines that leave or for lines that enter: never for both, as nobody could tell them apart.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Leave,
    Enter,
}

/// Moves the first or last vertical piece of a line from its channel to the corner of its gateway.
pub(super) fn take_corners(graph: &Graph, courses: &[Course], pieces: &mut [Piece]) {
    let mut uses: HashMap<(usize, bool), Use> = HashMap::new();
    for usage in [Use::Leave, Use::Enter] {
        for course in courses {
            let link = &graph.links[course.link];
            let (gateway, piece) = match usage {
                Use::Leave => (link.from, course.pieces.first()),
                Use::Enter => (link.to, course.pieces.last()),
            };
            let Some(&piece) = piece.filter(|_| link.boundary.is_none()) else { continue };
            let item = &graph.items[gateway];
            let beside = if usage == Use::Leave { item.layer + 1 } else { item.layer };
            let is_open = pieces[piece].corner.is_none() && pieces[piece].channel == beside;
            if !item.is_gateway || !is_open || !is_free(graph, gateway, &pieces[piece]) {
                continue;
            }
            let is_up = pieces[piece].top < item.y - 0.5;
            if *uses.entry((gateway, is_up)).or_insert(usage) == usage {
                pieces[piece].corner = Some(gateway);
            }
        }
    }
}

/// Where a line that turns at `height` meets the gateway: its upper or its lower corner.
pub(super) fn toward(gateway: &Item, height: f64) -> f64 {
    let half = gateway.height / 2.0;
    if height < gateway.y { gateway.y - half } else { gateway.y + half }
}

/// Whether nothing else of the gateway's layer stands between the gateway and where the piece turns.
fn is_free(graph: &Graph, gateway: usize, piece: &Piece) -> bool {
    let own = &graph.items[gateway];
    let is_long = piece.bottom - piece.top >= own.height / 2.0 + STUB;
    is_long
        && graph.layers[own.layer].iter().filter(|&&other| other != gateway).all(|&other| {
            let other = &graph.items[other];
            let gap = if other.node.is_some() { LINE_GAP / 2.0 } else { 0.5 };
            let upper = other.y - other.height / 2.0 - gap;
            let lower = other.y + other.height / 2.0 + other.below + gap;
            lower < piece.top || piece.bottom < upper
        })
}
