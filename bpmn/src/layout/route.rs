//! Lines: horizontal inside layers, vertical only in the channels between them, so that no line crosses a node. At a
//! gateway a line goes straight up or down from its corner where nothing stands in the way, as people draw it.

use std::collections::HashMap;

use super::corner;
use super::graph::{Graph, Link};
use super::point;
use super::size::{CHANNEL, EVENT, LINE_GAP, TASK_HEIGHT, TRACK, count};
use crate::model::{Bounds, Point};

/// Distance of a line from the corners of the task that it meets.
const CORNER: f64 = 14.0;

/// A vertical piece of a line in a channel.
pub(super) struct Piece {
    pub(super) channel: usize,
    pub(super) top: f64,
    pub(super) bottom: f64,
    from: usize,
    to: usize,
    track: usize,
    /// The gateway whose corner it starts or ends at, in place of the channel.
    pub(super) corner: Option<usize>,
}

/// A line before its vertical pieces have a place: it runs along `heights[0]`, changes at `pieces[0]`, and so on.
pub(super) struct Course {
    pub(super) link: usize,
    pub(super) heights: Vec<f64>,
    pub(super) pieces: Vec<usize>,
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
    corner::take_corners(graph, &courses, &mut pieces);
    let channels = graph.layers.len() + 1;
    let mut widths = assign_tracks(&mut pieces, channels);
    for link in graph.links.iter().filter(|link| !link.is_back && link.boundary.is_none()) {
        let channel = &mut widths[graph.items[link.from].layer + 1];
        *channel = channel.max(link.name);
    }
    let mut tracks = vec![0_usize; channels];
    for piece in pieces.iter().filter(|piece| piece.corner.is_none()) {
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
    let middles: Vec<f64> = graph.items.iter().map(|item| item.x + item.width / 2.0).collect();
    let piece_x = |piece: &Piece| {
        if let Some(gateway) = piece.corner {
            return middles[gateway];
        }
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
    let corner = |place: Option<&usize>| place.and_then(|&piece| pieces[piece].corner);
    let leaves_by_corner = corner(course.pieces.first()) == Some(link.from);
    let enters_by_corner = corner(course.pieces.last()) == Some(link.to);
    let mut points = Vec::with_capacity(course.pieces.len() * 2 + 3);
    match link.boundary {
        Some((place, number)) => {
            let x = source.x + boundary_x(source.width, place, number);
            points.push(point(x, source.y + source.height / 2.0 + EVENT / 2.0));
            points.push(point(x, first));
        }
        None if leaves_by_corner => {}
        None => points.push(point(source.x + source.width, first)),
    }
    let mut before = first;
    for (&piece, &height) in course.pieces.iter().zip(course.heights.iter().skip(1)) {
        let x = piece_x(&pieces[piece]);
        points.push(point(x, before));
        points.push(point(x, height));
        before = height;
    }
    if leaves_by_corner && let Some(begin) = points.first_mut() {
        begin.y = corner::toward(source, course.heights[1]);
    }
    match points.last_mut().filter(|_| enters_by_corner) {
        Some(end) => end.y = corner::toward(target, course.heights[course.heights.len() - 2]),
        None => points.push(point(target.x, before)),
    }
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
        let (start, end) = ends(graph, link);
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
                corner: None,
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

/// Heights at which a link leaves and arrives: the middles of its ends, except that a task is left or entered a little
/// above or below its middle where that makes the line straight.
fn ends(graph: &Graph, link: &Link) -> (f64, f64) {
    let (start, end) = (graph.start_y(link), graph.items[link.to].y);
    if link.is_back {
        return (start, end);
    }
    let first = link.passes.first().map_or(end, |&pass| graph.items[pass].y);
    let last = link.passes.last().map_or(start, |&pass| graph.items[pass].y);
    let reaches = |item: usize, height: f64| {
        let item = &graph.items[item];
        item.height >= TASK_HEIGHT && (height - item.y).abs() <= TASK_HEIGHT / 2.0 - CORNER
    };
    match (link.boundary.is_none() && reaches(link.from, first), reaches(link.to, last)) {
        (true, _) if !link.passes.is_empty() && reaches(link.to, last) => (first, last),
        (_, true) => (start, last),
        (true, false) => (first, end),
        (false, false) => (start, end),
    }
}

/// Gives each vertical piece a track in its channel; pieces of the same source or target may share one. The result
/// is the width of each channel.
fn assign_tracks(pieces: &mut [Piece], channels: usize) -> Vec<f64> {
    let mut by_channel: Vec<Vec<usize>> = vec![Vec::new(); channels];
    for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.corner.is_none()) {
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
