//! Where the name of a flow stands: beside its line, where nothing else is.
//!
//! Candidates lie on both sides of every piece of the line, from where the line parts from the others that leave with
//! it. The first that meets no shape, no other name and no line is taken, otherwise the one that meets least.

use std::collections::{HashMap, HashSet};

use super::size::{self, TASK_HEIGHT, TEXT};
use crate::model::{Bounds, Edge, Label, Point, Shape};

/// Distance of a name from its line.
const APART: f64 = 3.0;
/// Distance of a name from the end of a piece.
pub(super) const FROM_END: f64 = 6.0;
/// In how many steps a name is moved along a piece.
const STEPS: usize = 8;
/// How many places above and below are tried.
const OUTWARD: usize = 12;
/// Width of the squares by which neighbours are found.
const SQUARE: f64 = 200.0;
/// Most squares that one thing is entered in: beyond, it is a frame around others.
const SQUARES_LIMIT: usize = 4_096;

/// Sets the names of edges, given by their places.
pub(super) fn name_flows(shapes: &[Shape], edges: &mut [Edge], names: &[(usize, String)]) {
    if names.is_empty() {
        return;
    }
    let mut taken = Taken::default();
    for shape in shapes {
        if !is_frame(shape) {
            taken.add(shape.bounds, Thing::Solid);
        }
        if let Some(bounds) = shape.label.as_ref().and_then(|label| label.bounds) {
            taken.add(bounds, Thing::Solid);
        }
    }
    for edge in edges.iter() {
        for piece in edge.waypoints.windows(2) {
            if let [from, to] = piece {
                taken.add(around(*from, *to), Thing::Line);
            }
        }
    }
    let mut begun: HashMap<Beginning, usize> = HashMap::new();
    for (from, to) in edges.iter().flat_map(|edge| pieces(&edge.waypoints)) {
        *begun.entry(beginning(from, to)).or_default() += 1;
    }
    for (place, name) in names {
        let Some(edge) = edges.get_mut(*place) else { continue };
        let (width, height) = size::of_flow_name(name);
        let mut best: Option<(Met, Bounds)> = None;
        let mut pieces: Vec<(Point, Point)> = pieces(&edge.waypoints).collect();
        // What several lines have in common comes last.
        pieces.sort_by_key(|(from, to)| begun.get(&beginning(*from, *to)).is_some_and(|lines| *lines > 1));
        for area in candidates(&pieces, width, height) {
            let met = taken.met(&area);
            if best.is_none_or(|(least, _)| met < least) {
                best = Some((met, area));
            }
            if met == Met::default() {
                break;
            }
        }
        if let Some((_, area)) = best {
            taken.add(area, Thing::Solid);
            edge.label = Some(Label { bounds: Some(area), ..Label::default() });
        }
    }
}

/// Moves the names of gateways to where no line runs: below, above, or beside their upper half.
pub(super) fn name_gateways(shapes: &mut [Shape], edges: &[Edge], gateways: &HashSet<String>) {
    let mut taken = Taken::default();
    for shape in shapes.iter().filter(|shape| !is_frame(shape)) {
        taken.add(shape.bounds, Thing::Solid);
        let name = shape.label.as_ref().and_then(|label| label.bounds);
        if let Some(name) = name.filter(|_| !gateways.contains(&shape.element)) {
            taken.add(name, Thing::Solid);
        }
    }
    for piece in edges.iter().flat_map(|edge| edge.waypoints.windows(2)) {
        if let [from, to] = piece {
            taken.add(around(*from, *to), Thing::Line);
        }
    }
    for shape in shapes.iter_mut().filter(|shape| gateways.contains(&shape.element)) {
        let own = shape.bounds;
        let Some(area) = shape.label.as_mut().and_then(|label| label.bounds.as_mut()) else { continue };
        let middle = own.center().x - area.width / 2.0;
        let (right, left) = (own.center().x + FROM_END, own.center().x - FROM_END - area.width);
        let places = [
            (middle, area.y),
            (middle, own.y - APART - area.height),
            (own.right() + APART, own.center().y - area.height / 2.0),
            (right, own.y - area.height),
            (left, own.y - area.height),
            (right, own.bottom()),
            (left, own.bottom()),
        ];
        let mut best: Option<(Met, Bounds)> = None;
        for (x, y) in places {
            let there = Bounds { x, y, ..*area };
            let met = taken.met(&there);
            if best.is_none_or(|(least, _)| met < least) {
                best = Some((met, there));
            }
        }
        if let Some((_, there)) = best {
            *area = there;
            taken.add(there, Thing::Solid);
        }
    }
}

/// Pools, lanes and open sub-processes have others inside.
fn is_frame(shape: &Shape) -> bool {
    shape.is_horizontal.is_some() || shape.is_expanded == Some(true)
}

fn around(from: Point, to: Point) -> Bounds {
    let (x, y) = (from.x.min(to.x), from.y.min(to.y));
    Bounds { x, y, width: (from.x - to.x).abs().max(1.0), height: (from.y - to.y).abs().max(1.0) }
}

/// Where a piece begins, in whole pixels, and which way it goes.
type Beginning = (i64, i64, bool, bool);

fn beginning(from: Point, to: Point) -> Beginning {
    let is_flat = (to.x - from.x).abs() >= (to.y - from.y).abs();
    let is_forth = if is_flat { from.x <= to.x } else { from.y <= to.y };
    (from.x.round() as i64, from.y.round() as i64, is_flat, is_forth)
}

/// Pieces of a line, from the first to the last.
fn pieces(line: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    line.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
}

/// Places beside a line, the best first; where the shapes at its ends leave no room for the name, above or below them.
fn candidates(pieces: &[(Point, Point)], width: f64, height: f64) -> Vec<Bounds> {
    let mut found = beside(pieces, width, height);
    for (from, to) in pieces {
        let middle = (from.x + to.x - width) / 2.0;
        let (top, bottom) = (from.y.min(to.y), from.y.max(to.y));
        for step in 0..OUTWARD {
            let far = TASK_HEIGHT / 2.0 + APART + size::count(step) * (TEXT + APART);
            for x in [middle, middle - width / 2.0, middle + width / 2.0] {
                found.push(Bounds { x, y: top - far - height, width, height });
                found.push(Bounds { x, y: bottom + far, width, height });
            }
        }
    }
    found
}

fn beside(pieces: &[(Point, Point)], width: f64, height: f64) -> Vec<Bounds> {
    let mut found = Vec::new();
    let mut add = |x: f64, y: f64| found.push(Bounds { x, y, width, height });
    for (from, to) in pieces {
        let (left, right) = (from.x.min(to.x), from.x.max(to.x));
        let (top, bottom) = (from.y.min(to.y), from.y.max(to.y));
        if right - left >= bottom - top {
            let (begin, end) = match from.x <= to.x {
                true => (left + FROM_END, right - FROM_END - width),
                false => (right - FROM_END - width, left + FROM_END),
            };
            for x in between(begin, end) {
                add(x, top - APART - height);
                add(x, bottom + APART);
            }
        } else {
            let (begin, end) = match from.y <= to.y {
                true => (top + FROM_END, bottom - FROM_END - height),
                false => (bottom - FROM_END - height, top + FROM_END),
            };
            for y in between(begin, end) {
                add(right + FROM_END, y);
                add(left - FROM_END - width, y);
            }
        }
    }
    found
}

/// Both ends and places between them.
fn between(begin: f64, end: f64) -> impl Iterator<Item = f64> {
    (0..=STEPS).map(move |step| begin + (end - begin) * size::count(step) / size::count(STEPS))
}

/// What a name can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    /// A shape or a name.
    Solid,
    Line,
}

/// How much of what is there an area meets, in square pixels: any of a shape is worse than all of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Met {
    solid: f64,
    lines: f64,
}

/// What stands somewhere already, found by squares.
#[derive(Default)]
struct Taken {
    squares: HashMap<(i64, i64), Vec<(Bounds, Thing)>>,
}

impl Taken {
    fn add(&mut self, bounds: Bounds, thing: Thing) {
        for square in squares(&bounds) {
            self.squares.entry(square).or_default().push((bounds, thing));
        }
    }

    /// How much of what is there an area meets; what lies in several squares counts in each.
    fn met(&self, area: &Bounds) -> Met {
        let mut met = Met::default();
        for (other, thing) in squares(area).filter_map(|square| self.squares.get(&square)).flatten() {
            match thing {
                Thing::Solid => met.solid += shared(area, other),
                Thing::Line => met.lines += shared(area, other),
            }
        }
        met
    }
}

fn squares(bounds: &Bounds) -> impl Iterator<Item = (i64, i64)> + use<> {
    let square = |at: f64| (at / SQUARE).floor() as i64;
    let (left, right) = (square(bounds.x), square(bounds.right()));
    let (top, bottom) = (square(bounds.y), square(bounds.bottom()));
    (top..=bottom).flat_map(move |y| (left..=right).map(move |x| (x, y))).take(SQUARES_LIMIT)
}

/// The area that two boxes share.
fn shared(one: &Bounds, two: &Bounds) -> f64 {
    let width = one.right().min(two.right()) - one.x.max(two.x);
    let height = one.bottom().min(two.bottom()) - one.y.max(two.y);
    width.max(0.0) * height.max(0.0)
}
