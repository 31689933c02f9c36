//! Heights of items: as close to their neighbours as the least distances allow, each lane for itself.

use super::graph::{Graph, Item};
use super::size::{LINE_GAP, ROW_GAP, count};

/// Sweeps forth and back; the last one goes forth.
const SWEEPS: usize = 9;

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
