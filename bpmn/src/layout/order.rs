//! Orders the items of each layer so that few links cross: sweeps by barycentre, the best order seen is kept.

use super::graph::{Graph, positions};
use super::size::count;

/// Sweeps forth and back.
const SWEEPS: usize = 8;

/// Orders the layers; items of an upper lane stay above those of a lower one.
pub(super) fn reduce_crossings(graph: &mut Graph) {
    let (left, right) = graph.neighbours();
    for layer in &mut graph.layers {
        layer.sort_by_key(|&item| graph.items[item].lane);
    }
    let mut best = graph.layers.clone();
    let mut fewest = crossings(graph);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let forth = sweep % 2 == 0;
        let neighbours = if forth { &left } else { &right };
        let layers: Vec<usize> = match forth {
            true => (1..graph.layers.len()).collect(),
            false => (0..graph.layers.len().saturating_sub(1)).rev().collect(),
        };
        for layer in layers {
            let beside = if forth { layer - 1 } else { layer + 1 };
            let place = positions(&graph.layers[beside..=beside]);
            let mut keyed: Vec<(usize, f64, usize)> = graph.layers[layer]
                .iter()
                .enumerate()
                .map(|(own, &item)| {
                    let places: Vec<f64> =
                        neighbours[item].iter().filter_map(|it| place.get(it)).map(|&it| count(it)).collect();
                    let barycentre = match places.len() {
                        0 => count(own),
                        number => places.iter().sum::<f64>() / count(number),
                    };
                    (graph.items[item].lane, barycentre, item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            graph.layers[layer] = keyed.into_iter().map(|(_, _, item)| item).collect();
        }
        let now = crossings(graph);
        if now < fewest {
            fewest = now;
            best.clone_from(&graph.layers);
        }
    }
    graph.layers = best;
}

/// How often links between adjacent layers cross: inversions, counted with a Fenwick tree.
pub(super) fn crossings(graph: &Graph) -> usize {
    let place = positions(&graph.layers);
    let mut by_layer: Vec<Vec<(usize, usize)>> = vec![Vec::new(); graph.layers.len()];
    for (from, to) in graph.segments() {
        if let (Some(&a), Some(&b)) = (place.get(&from), place.get(&to)) {
            by_layer[graph.items[from].layer].push((a, b));
        }
    }
    let mut total = 0;
    for (layer, mut segments) in by_layer.into_iter().enumerate() {
        segments.sort_unstable();
        let size = graph.layers.get(layer + 1).map_or(0, Vec::len);
        let mut tree = vec![0_usize; size + 1];
        for (seen, (_, to)) in segments.into_iter().enumerate() {
            // Number of earlier segments that end at or above `to`.
            let mut at = to + 1;
            let mut not_below = 0;
            while at > 0 {
                not_below += tree[at];
                at -= at & at.wrapping_neg();
            }
            total += seen - not_below;
            let mut at = to + 1;
            while at <= size {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    total
}
