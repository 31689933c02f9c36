//! How points and ranges lie to each other (DMN 1.5 table 78, after Allen's interval algebra).

use std::cmp::Ordering;

use super::{Builtin, Evaluated, Signature, argument, builtin, takes};
use crate::expression::feel::value::{FeelValue, Range, equal, order};

const PAIRS: &[Signature] = &[
    takes(&["point1", "point2"]),
    takes(&["point", "range"]),
    takes(&["range", "point"]),
    takes(&["range1", "range2"]),
];

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("before", PAIRS, |_, arguments| related(arguments, before)),
    builtin("after", PAIRS, |_, arguments| related(arguments, |a, b| before(b, a))),
    builtin("meets", PAIRS, |_, arguments| related(arguments, meets)),
    builtin("met by", PAIRS, |_, arguments| related(arguments, |a, b| meets(b, a))),
    builtin("overlaps", PAIRS, |_, arguments| related(arguments, overlaps)),
    builtin("overlaps before", PAIRS, |_, arguments| related(arguments, overlaps_before)),
    builtin("overlaps after", PAIRS, |_, arguments| related(arguments, |a, b| overlaps_before(b, a))),
    builtin("finishes", PAIRS, |_, arguments| related(arguments, finishes)),
    builtin("finished by", PAIRS, |_, arguments| related(arguments, |a, b| finishes(b, a))),
    builtin("includes", PAIRS, |_, arguments| related(arguments, includes)),
    builtin("during", PAIRS, |_, arguments| related(arguments, |a, b| includes(b, a))),
    builtin("starts", PAIRS, |_, arguments| related(arguments, starts)),
    builtin("started by", PAIRS, |_, arguments| related(arguments, |a, b| starts(b, a))),
    builtin("coincides", PAIRS, |_, arguments| related(arguments, coincides)),
];

/// One end of a span.
struct End<'v> {
    value: &'v FeelValue,
    included: bool,
}

/// A range, or a point as the range of itself alone.
struct Span<'v> {
    start: End<'v>,
    end: End<'v>,
    is_point: bool,
}

impl<'v> Span<'v> {
    fn of(value: &'v FeelValue) -> Self {
        if let FeelValue::Range(range) = value {
            let Range { start, start_included, end, end_included } = &**range;
            return Self {
                start: End { value: start, included: *start_included },
                end: End { value: end, included: *end_included },
                is_point: false,
            };
        }
        let end = || End { value, included: true };
        Self { start: end(), end: end(), is_point: true }
    }
}

fn related(arguments: &[FeelValue], relation: fn(&Span<'_>, &Span<'_>) -> Option<bool>) -> Evaluated {
    let (left, right) = (Span::of(argument(arguments, 0)), Span::of(argument(arguments, 1)));
    Ok(FeelValue::boolean(relation(&left, &right)))
}

fn compare(left: &End<'_>, right: &End<'_>) -> Option<Ordering> {
    order(left.value, right.value)
}

fn before(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    Some(match compare(&a.end, &b.start)? {
        Ordering::Less => true,
        Ordering::Equal => !(a.end.included && b.start.included),
        Ordering::Greater => false,
    })
}

fn meets(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if a.is_point || b.is_point {
        return None;
    }
    Some(compare(&a.end, &b.start)?.is_eq() && a.end.included && b.start.included)
}

/// Whether `a` reaches at least to where `b` begins.
fn reaches(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    before(a, b).map(|before| !before)
}

fn overlaps(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if a.is_point || b.is_point {
        return None;
    }
    Some(reaches(a, b)? && reaches(b, a)?)
}

fn overlaps_before(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if a.is_point || b.is_point {
        return None;
    }
    let starts_first = match compare(&a.start, &b.start)? {
        Ordering::Less => true,
        Ordering::Equal => a.start.included && !b.start.included,
        Ordering::Greater => false,
    };
    let ends_first = match compare(&a.end, &b.end)? {
        Ordering::Less => true,
        Ordering::Equal => !a.end.included || b.end.included,
        Ordering::Greater => false,
    };
    Some(starts_first && ends_first && reaches(a, b)?)
}

fn finishes(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if b.is_point {
        return None;
    }
    let same_end = compare(&a.end, &b.end)?.is_eq() && a.end.included == b.end.included;
    if a.is_point {
        return Some(same_end);
    }
    let inside = match compare(&a.start, &b.start)? {
        Ordering::Greater => true,
        Ordering::Equal => !a.start.included || b.start.included,
        Ordering::Less => false,
    };
    Some(same_end && inside)
}

fn starts(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if b.is_point {
        return None;
    }
    let same_start = compare(&a.start, &b.start)?.is_eq() && a.start.included == b.start.included;
    if a.is_point {
        return Some(same_start);
    }
    let inside = match compare(&a.end, &b.end)? {
        Ordering::Less => true,
        Ordering::Equal => !a.end.included || b.end.included,
        Ordering::Greater => false,
    };
    Some(same_start && inside)
}

fn includes(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if a.is_point {
        return None;
    }
    let from = match compare(&a.start, &b.start)? {
        Ordering::Less => true,
        Ordering::Equal => a.start.included || !b.start.included,
        Ordering::Greater => false,
    };
    let to = match compare(&a.end, &b.end)? {
        Ordering::Greater => true,
        Ordering::Equal => a.end.included || !b.end.included,
        Ordering::Less => false,
    };
    Some(from && to)
}

fn coincides(a: &Span<'_>, b: &Span<'_>) -> Option<bool> {
    if a.is_point != b.is_point {
        return None;
    }
    let same = equal(a.start.value, b.start.value)? && equal(a.end.value, b.end.value)?;
    Some(same && a.start.included == b.start.included && a.end.included == b.end.included)
}
