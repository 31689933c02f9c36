//! Heights of items: as close to their neighbours as the least distances allow, each lane for itself; at last small
//! steps between neighbours are levelled.

use super::graph::{Graph, Item};
use super::size::{LINE_GAP, ROW_GAP, count};

/// Sweeps forth and back; the last one goes forth.
const SWEEPS: usize = 9;
/// Steps up to this height are levelled.
const SMALL_STEP: f64 = 40.0;

/// Sets the `y` of all items, relative to their lane.
pub(super) fn set_heights(graph: &mut Graph) {
    let (left, right) = graph.neighbours();
    for layer in 0..graph.layers.len() {
        let desired: Vec<f64> = graph.layers[layer].iter().map(|_| 0.0).collect();
        settle(graph, layer, &desired);
    }
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let neighbours = if forth { &left } else { &right };
        let number = graph.layers.len();
        for step in 0..number {
            let layer = if forth { step } else { number - 1 - step };
            let desired: Vec<f64> = graph.layers[layer]
                .iter()
                .map(|&item| {
                    let own = &graph.items[item];
                    let same_lane: Vec<f64> = neighbours[item]
                        .iter()
                        .map(|&other| &graph.items[other])
                        .filter(|other| other.lane == own.lane)
                        .map(|other| other.y)
                        .collect();
                    match same_lane.len() {
                        0 => own.y,
                        number => same_lane.iter().sum::<f64>() / count(number),
                    }
                })
                .collect();
            settle(graph, layer, &desired);
        }
    }
    for layer in 0..graph.layers.len() {
        let rounded: Vec<f64> = graph.layers[layer].iter().map(|&item| graph.items[item].y.round()).collect();
        let mut previous: Option<usize> = None;
        for (&item, y) in graph.layers[layer].clone().iter().zip(rounded) {
            let least = previous
                .filter(|&above| graph.items[above].lane == graph.items[item].lane)
                .map(|above| graph.items[above].y + distance(&graph.items[above], &graph.items[item]));
            graph.items[item].y = least.map_or(y, |least| y.max(least));
            previous = Some(item);
        }
    }
    level_small_steps(graph, &left, &right);
}

/// Moves items that stand a little higher or lower than their only neighbour on one side onto one line with it, where
/// there is room: from left to right, then passing lines once more from right to left.
fn level_small_steps(graph: &mut Graph, left: &[Vec<usize>], right: &[Vec<usize>]) {
    let layers = 0..graph.layers.len();
    for layer in layers.clone() {
        level(graph, layer, left, |_| true);
    }
    for layer in layers.rev() {
        level(graph, layer, right, |item| item.node.is_none());
    }
}

fn level(graph: &mut Graph, layer: usize, neighbours: &[Vec<usize>], may_move: impl Fn(&Item) -> bool) {
    for place in 0..graph.layers[layer].len() {
        let item = graph.layers[layer][place];
        let own = &graph.items[item];
        let &[beside] = neighbours[item].as_slice() else { continue };
        let wish = graph.items[beside].y;
        let is_small = graph.items[beside].lane == own.lane && (wish - own.y).abs() <= SMALL_STEP;
        if !is_small || !may_move(own) {
            continue;
        }
        let in_lane = |other: &usize| graph.items[*other].lane == own.lane;
        let above = place.checked_sub(1).and_then(|place| graph.layers[layer].get(place));
        let above = above.copied().filter(in_lane).map(|above| &graph.items[above]);
        let below = graph.layers[layer].get(place + 1).copied().filter(in_lane);
        let below = below.map(|below| &graph.items[below]);
        let has_room = above.is_none_or(|above| wish - above.y >= distance(above, own))
            && below.is_none_or(|below| below.y - wish >= distance(own, below));
        if has_room {
            graph.items[item].y = wish;
        }
    }
}

/// Least distance of the middles of two items above each other.
fn distance(above: &Item, below: &Item) -> f64 {
    let gap = if above.node.is_some() && below.node.is_some() { ROW_GAP } else { LINE_GAP };
    above.height / 2.0 + above.below + gap + below.height / 2.0
}

/// Places the items of one layer as close to their desired heights as the distances allow: least squares by pooling
/// adjacent violators, for each lane of its own.
fn settle(graph: &mut Graph, layer: usize, desired: &[f64]) {
    let items = graph.layers[layer].clone();
    let mut from = 0;
    while from < items.len() {
        let lane = graph.items[items[from]].lane;
        let to = (from..items.len()).find(|&at| graph.items[items[at]].lane != lane).unwrap_or(items.len());
        let mut offsets = Vec::with_capacity(to - from);
        let mut offset = 0.0;
        for at in from..to {
            if at > from {
                offset += distance(&graph.items[items[at - 1]], &graph.items[items[at]]);
            }
            offsets.push(offset);
        }
        // Blocks of items that touch: (sum of wishes, number).
        let mut blocks: Vec<(f64, usize)> = Vec::new();
        for at in from..to {
            let mut block = (desired[at] - offsets[at - from], 1_usize);
            while let Some(&(sum, number)) = blocks.last() {
                if sum / count(number) < block.0 / count(block.1) {
                    break;
                }
                block = (block.0 + sum, block.1 + number);
                blocks.pop();
            }
            blocks.push(block);
        }
        let mut at = from;
        for (sum, number) in blocks {
            for _ in 0..number {
                graph.items[items[at]].y = sum / count(number) + offsets[at - from];
                at += 1;
            }
        }
        from = to;
    }
}
