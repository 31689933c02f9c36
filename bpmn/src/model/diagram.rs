//! Diagram interchange: where each element is drawn. Units are pixels at 100 % zoom, y grows downward.

use super::{Line, RawAttribute, RawElement};

/// A diagram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagram {
    /// Its id.
    pub id: String,
    /// Its other attributes.
    pub attributes: Vec<RawAttribute>,
    /// Id of its plane.
    pub plane_id: String,
    /// The process, collaboration or sub-process that the plane shows.
    pub plane_element: Option<String>,
    /// Other attributes of the plane.
    pub plane_attributes: Vec<RawAttribute>,
    /// Other children of the plane.
    pub plane_children: Vec<RawElement>,
    /// Shapes.
    pub shapes: Vec<Shape>,
    /// Edges.
    pub edges: Vec<Edge>,
    /// Label styles and whatever else stands in the diagram.
    pub children: Vec<RawElement>,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width, not negative.
    pub width: f64,
    /// Height, not negative.
    pub height: f64,
}

impl Bounds {
    /// The right border.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower border.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Whether the two share an area.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether `other` lies inside.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }
}

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downward.
    pub y: f64,
}

/// The shape of a node, pool, lane, data element or artifact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Its id.
    pub id: String,
    /// The element it shows.
    pub element: String,
    /// Where.
    pub bounds: Bounds,
    /// For pools and lanes.
    pub is_horizontal: Option<bool>,
    /// For sub-processes.
    pub is_expanded: Option<bool>,
    /// Its label.
    pub label: Option<Label>,
    /// Other attributes (`isMarkerVisible`, colours, …).
    pub attributes: Vec<RawAttribute>,
    /// Other children.
    pub children: Vec<RawElement>,
    /// Where it stood in the file.
    pub line: Line,
}

/// The line of a flow or association.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edge {
    /// Its id.
    pub id: String,
    /// The element it shows.
    pub element: String,
    /// Its points, at least two in a valid file.
    pub waypoints: Vec<Point>,
    /// Its label.
    pub label: Option<Label>,
    /// Other attributes.
    pub attributes: Vec<RawAttribute>,
    /// Other children.
    pub children: Vec<RawElement>,
    /// Where it stood in the file.
    pub line: Line,
}

/// A label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// Where; `None` leaves it to the tool.
    pub bounds: Option<Bounds>,
    /// Attributes.
    pub attributes: Vec<RawAttribute>,
    /// Other children.
    pub children: Vec<RawElement>,
}
