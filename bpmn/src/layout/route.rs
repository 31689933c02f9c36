//! Lines: horizontal inside layers, vertical only in the channels between them, so that no line crosses a node.

use std::collections::HashMap;

use super::graph::Graph;
use super::point;
use super::size::{CHANNEL, EVENT, LINE_GAP, TRACK, count};
use crate::model::{Bounds, Point};

/// A vertical piece of a line in a channel.
struct Piece {
    channel: usize,
    top: f64,
    bottom: f64,
    from: usize,
    to: usize,
    track: usize,
}

/// A line before its vertical pieces have a place: it runs along `heights[0]`, changes at `pieces[0]`, and so on.
struct Course {
    link: usize,
    heights: Vec<f64>,
    pieces: Vec<usize>,
}

/// Where the lines and layers are.
pub(super) struct Routes {
    /// Points of each line, by the id of its flow.
    pub(super) lines: Vec<(String, Vec<Point>)>,
    /// Width of all layers and channels.
    pub(super) width: f64,
}

/// Room that lines running back need above the nodes.
pub(super) fn room_above(graph: &Graph) -> f64 {
    let tracks = back_tracks(graph).values().copied().max();
    tracks.map_or(0.0, |highest| LINE_GAP + TRACK * count(highest + 1))
}

/// A track above the nodes for each line that runs back, by link; lines with layers in common have different ones.
fn back_tracks(graph: &Graph) -> HashMap<usize, usize> {
    let mut tracks: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut chosen = HashMap::new();
    let is_free =
        |track: &[(usize, usize)], low: usize, high: usize| track.iter().all(|&(a, b)| high < a || b < low);
    for (index, link) in graph.links.iter().enumerate().filter(|(_, link)| link.is_back) {
        let (a, b) = (graph.items[link.from].layer, graph.items[link.to].layer);
        let (low, high) = (a.min(b), a.max(b) + 1);
        let track = tracks.iter().position(|track| is_free(track, low, high)).unwrap_or_else(|| {
            tracks.push(Vec::new());
            tracks.len() - 1
        });
        tracks[track].push((low, high));
        chosen.insert(index, track);
    }
    chosen
}

/// Sets the `x` of all items and routes all links. `top` is the upper border of the nodes.
pub(super) fn route(graph: &mut Graph, top: f64) -> Routes {
    let (courses, mut pieces) = courses(graph, top);
    let channels = graph.layers.len() + 1;
    let widths = assign_tracks(&mut pieces, channels);
    let mut tracks = vec![0_usize; channels];
    for piece in &pieces {
        tracks[piece.channel] = tracks[piece.channel].max(piece.track + 1);
    }
    let mut channel_x = Vec::with_capacity(channels);
    let mut x = 0.0;
    for (layer, width) in widths.iter().enumerate() {
        channel_x.push(x);
        // Nothing stands left of the first or right of the last layer unless lines do.
        let is_outside = layer == 0 || layer + 1 == channels;
        x += if is_outside && tracks[layer] == 0 { 0.0 } else { *width };
        let Some(items) = graph.layers.get(layer) else { continue };
        let widest = items.iter().map(|&item| graph.items[item].width).fold(0.0, f64::max);
        for &item in items {
            graph.items[item].x = x + ((widest - graph.items[item].width) / 2.0).round();
        }
        x += widest;
    }
    let piece_x = |piece: &Piece| {
        let share = count(piece.track + 1) / count(tracks[piece.channel] + 1);
        (channel_x[piece.channel] + widths[piece.channel] * share).round()
    };
    let lines = courses.iter().map(|course| line(graph, course, &pieces, piece_x)).collect();
    Routes { lines, width: x }
}

fn line(
    graph: &Graph,
    course: &Course,
    pieces: &[Piece],
    piece_x: impl Fn(&Piece) -> f64,
) -> (String, Vec<Point>) {
    let link = &graph.links[course.link];
    let source = &graph.items[link.from];
    let target = &graph.items[link.to];
    let first = course.heights.first().copied().unwrap_or(source.y);
    let mut points = Vec::with_capacity(course.pieces.len() * 2 + 3);
    match link.boundary {
        Some((place, number)) => {
            let x = source.x + boundary_x(source.width, place, number);
            points.push(point(x, source.y + source.height / 2.0 + EVENT / 2.0));
            points.push(point(x, first));
        }
        None => points.push(point(source.x + source.width, first)),
    }
    for (&piece, &height) in course.pieces.iter().zip(course.heights.iter().skip(1)) {
        let x = piece_x(&pieces[piece]);
        let before = points.last().map_or(first, |point| point.y);
        points.push(point(x, before));
        points.push(point(x, height));
    }
    let last = points.last().map_or(first, |point| point.y);
    points.push(point(target.x, last));
    (link.id.clone(), points)
}

/// Middle of a boundary event, from the left border of its activity.
pub(super) fn boundary_x(width: f64, place: usize, number: usize) -> f64 {
    (width * count(place + 1) / count(number + 1)).round()
}

fn courses(graph: &Graph, top: f64) -> (Vec<Course>, Vec<Piece>) {
    let back = back_tracks(graph);
    let mut pieces = Vec::new();
    let mut courses = Vec::with_capacity(graph.links.len());
    for (index, link) in graph.links.iter().enumerate() {
        let start = graph.start_y(link);
        let end = graph.items[link.to].y;
        let mut course = Course { link: index, heights: vec![start], pieces: Vec::new() };
        let mut turn = |course: &mut Course, channel: usize, height: f64| {
            let before = course.heights.last().copied().unwrap_or(height);
            if (before - height).abs() < 0.5 {
                return;
            }
            course.pieces.push(pieces.len());
            course.heights.push(height);
            pieces.push(Piece {
                channel,
                top: before.min(height),
                bottom: before.max(height),
                from: link.from,
                to: link.to,
                track: 0,
            });
        };
        let from_layer = graph.items[link.from].layer;
        if let Some(&track) = back.get(&index) {
            let above = top - LINE_GAP - TRACK * count(track);
            turn(&mut course, from_layer + 1, above);
            turn(&mut course, graph.items[link.to].layer, end);
        } else {
            let mut layer = from_layer;
            for &pass in &link.passes {
                turn(&mut course, layer + 1, graph.items[pass].y);
                layer = graph.items[pass].layer;
            }
            turn(&mut course, layer + 1, end);
        }
        courses.push(course);
    }
    (courses, pieces)
}

/// Gives each vertical piece a track in its channel; pieces of the same source or target may share one. The result
/// is the width of each channel.
fn assign_tracks(pieces: &mut [Piece], channels: usize) -> Vec<f64> {
    let mut by_channel: Vec<Vec<usize>> = vec![Vec::new(); channels];
    for (index, piece) in pieces.iter().enumerate() {
        by_channel[piece.channel].push(index);
    }
    let mut widths = Vec::with_capacity(channels);
    for mut indices in by_channel {
        indices.sort_by(|&a, &b| pieces[a].top.total_cmp(&pieces[b].top).then(a.cmp(&b)));
        let mut tracks: Vec<Vec<usize>> = Vec::new();
        for index in indices {
            let fits = |track: &Vec<usize>| {
                // Long channels: only the last few on a track can reach down to here in sorted order, but a long
                // piece may lie further back, so all are looked at.
                track.iter().all(|&other| {
                    let (a, b) = (&pieces[other], &pieces[index]);
                    a.from == b.from || a.to == b.to || a.bottom + 4.0 < b.top || b.bottom + 4.0 < a.top
                })
            };
            let track = tracks.iter().position(fits).unwrap_or_else(|| {
                tracks.push(Vec::new());
                tracks.len() - 1
            });
            tracks[track].push(index);
            pieces[index].track = track;
        }
        widths.push(CHANNEL.max(TRACK * count(tracks.len() + 1)));
    }
    widths
}

/// An orthogonal line between two shapes that are where they are.
pub(super) fn direct(from: &Bounds, to: &Bounds) -> Vec<Point> {
    let (start, end) = (from.center(), to.center());
    if from.right() + 10.0 <= to.x {
        let middle = ((from.right() + to.x) / 2.0).round();
        let mut points = vec![point(from.right(), start.y)];
        if (start.y - end.y).abs() >= 0.5 {
            points.push(point(middle, start.y));
            points.push(point(middle, end.y));
        }
        points.push(point(to.x, end.y));
        return points;
    }
    if from.bottom() + 10.0 <= to.y || to.bottom() + 10.0 <= from.y {
        let is_down = from.bottom() <= to.y;
        let (y1, y2) = if is_down { (from.bottom(), to.y) } else { (from.y, to.bottom()) };
        let middle = ((y1 + y2) / 2.0).round();
        let mut points = vec![point(start.x, y1)];
        if (start.x - end.x).abs() >= 0.5 {
            points.push(point(start.x, middle));
            points.push(point(end.x, middle));
        }
        points.push(point(end.x, y2));
        return points;
    }
    let above = from.y.min(to.y) - LINE_GAP;
    vec![point(start.x, from.y), point(start.x, above), point(end.x, above), point(end.x, to.y)]
}
