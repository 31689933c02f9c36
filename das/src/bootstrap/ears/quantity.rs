//! Quantities in a requirement: number, unit, comparator and what they bound.

use ontology::model::Quantity;

use super::numeral::{self, Number};
use super::property::Words;
use super::units::{self, Unit};
use super::{comparator, property};

/// Most quantities read in one requirement.
const MAX_QUANTITIES: usize = 32;
/// How far before a value its comparator may stand, in bytes.
const REACH: usize = 120;

/// A unit as found behind a number.
struct Found {
    known: Option<&'static Unit>,
    /// As written; empty for a plain count.
    written: String,
    /// What is counted, for a plain count.
    counted: Option<String>,
    /// A rate of countable things per this long, in seconds.
    per_seconds: Option<f64>,
    /// One past the last byte.
    end: usize,
    /// Looks like a unit, but is none we know.
    strange: bool,
}

/// All quantities of a requirement, and in words what is wrong with their units. `response_at` is the place behind
/// the modal verb; numbers before it belong to conditions and are read, too.
pub(super) fn all(
    text: &str,
    lower: &str,
    response_at: usize,
    subject_property: Option<&str>,
) -> (Vec<Quantity>, Vec<String>) {
    let numbers = numeral::all(text, lower);
    let mut out = Vec::new();
    let mut problems = Vec::new();
    let mut done_until = 0;
    for (i, number) in numbers.iter().enumerate() {
        if number.from < done_until || out.len() >= MAX_QUANTITIES {
            continue;
        }
        let from = boundary(lower, number.from, response_at, done_until);
        let before = lower.get(from..number.from).unwrap_or_default();
        let bound = comparator::before(before);
        if number.word && bound.is_none() {
            continue;
        }
        let in_response = number.from >= response_at;
        let pair = second_of_pair(lower, before, number, numbers.get(i + 1));
        let last = pair.unwrap_or(number);
        let unit = unit_behind(text, lower, number, last);
        let after = lower.get(unit.end..).unwrap_or_default();
        let prefix = currency_before(text, number.from);
        let known = unit.known.or(prefix);
        let known = load_factor(known, &unit.written, lower);
        let sign = bound.map(|(sign, _, _)| sign).or_else(|| comparator::after(after));
        let (words, between) = match bound {
            Some((_, at, to)) => (before.get(..at).unwrap_or_default(), before.get(to..).unwrap_or_default()),
            None => (before, ""),
        };
        let upper_bound = matches!(sign, Some("<=" | "<"));
        let si = known.map(|unit| unit.si).or(unit.per_seconds.map(|_| "1/s")).or(if unit.strange {
            None
        } else {
            Some("1")
        });
        let name = match &unit.counted {
            Some(counted) if known.is_none() => Some(counted.clone()),
            _ => {
                let verb_first = response_at > 0 && from == response_at;
                let subject = subject_property.filter(|_| in_response);
                property::of_words(Words { words, between, verb_first }, subject, si, upper_bound)
            }
        };
        // `40 A at 14 V`: the second value says under which circumstances the first one is meant.
        let tail = before.trim_end();
        let circumstance = in_response
            && sign.is_none()
            && out.iter().any(|earlier: &Quantity| earlier.span.0 >= response_at)
            && ["at", "over", "between", "from"]
                .iter()
                .any(|word| tail == *word || tail.ends_with(&format!(" {word}")));
        let name = name.filter(|_| !circumstance);
        let strange = unit.strange
            && known.is_none()
            && (bound.is_some() || name.as_deref().is_some_and(property::is_property));
        if known.is_none()
            && unit.per_seconds.is_none()
            && bound.is_none()
            && sign.is_none()
            && !strange
            && pair.is_none()
        {
            // A bare number without unit or comparator names something; it bounds nothing.
            continue;
        }
        if strange {
            problems.push(format!(
                "the unit `{}` in `{}` is not known: its value cannot be compared",
                unit.written,
                text.get(number.from..unit.end).unwrap_or_default()
            ));
        }
        let value = Value { number, pair, known, unit: &unit, strange };
        let quantity = value.quantity(name, sign, lower.get(unit.end..).unwrap_or_default(), &numbers);
        done_until = quantity.span.1.max(unit.end);
        out.push(quantity);
    }
    (out, problems)
}

struct Value<'a> {
    number: &'a Number,
    pair: Option<&'a Number>,
    known: Option<&'static Unit>,
    unit: &'a Found,
    strange: bool,
}

impl Value<'_> {
    fn si(&self, value: f64) -> Option<f64> {
        match (self.known, self.unit.per_seconds) {
            (Some(unit), _) => Some(unit.si_value(value)),
            (None, Some(seconds)) => Some(value / seconds),
            (None, None) => (!self.strange).then_some(value),
        }
    }

    fn quantity(
        &self,
        property: Option<String>,
        sign: Option<&'static str>,
        after: &str,
        numbers: &[Number],
    ) -> Quantity {
        let mut value = self.number.value;
        let mut upper = self.pair.map(|pair| pair.value);
        let mut end = self.unit.end;
        if self.number.tolerance {
            (value, upper) = (-value, Some(value));
        } else if let Some(spread) = tolerance_behind(after, end, numbers) {
            let share = after.get(spread.to - end..).is_some_and(|rest| rest.trim_start().starts_with('%'));
            let half = if share { value.abs() * spread.value / 100.0 } else { spread.value };
            (value, upper) = (value - half, Some(value + half));
            end = spread.to;
        }
        if let Some(high) = upper.filter(|high| *high < value) {
            upper = Some(value);
            value = high;
        }
        let qualifier = property.as_deref().and_then(|p| super::canonical_property(p).1);
        let sign = match (upper, sign, qualifier) {
            (Some(_), _, _) => "between",
            (None, Some(sign), _) => sign,
            (None, None, Some("maximum")) => "<=",
            (None, None, Some("minimum")) => ">=",
            (None, None, _) => "=",
        };
        let si_unit = match (self.known, self.unit.per_seconds) {
            (Some(unit), _) => Some(unit.si.to_owned()),
            (None, Some(_)) => Some("1/s".to_owned()),
            (None, None) => (!self.strange).then(|| "1".to_owned()),
        };
        let unit_iri = match self.known {
            Some(unit) => Some(unit.iri()),
            None if self.unit.per_seconds.is_some() => Some("http://qudt.org/vocab/unit/PER-SEC".to_owned()),
            None => (!self.strange).then(|| "http://qudt.org/vocab/unit/NUM".to_owned()),
        };
        let written = match (self.known, self.unit.written.is_empty()) {
            (Some(unit), true) => unit.symbol().to_owned(),
            _ => self.unit.written.clone(),
        };
        Quantity {
            property,
            comparator: sign.to_owned(),
            value,
            upper,
            unit: written,
            unit_iri,
            si_value: self.si(value),
            si_upper: upper.and_then(|upper| self.si(upper)),
            si_unit,
            span: (self.number.from, end),
        }
    }
}

/// Where the words that belong to a value begin.
fn boundary(lower: &str, at: usize, response_at: usize, done_until: usize) -> usize {
    let mut from = at.saturating_sub(REACH).max(done_until);
    if at >= response_at {
        from = from.max(response_at);
    }
    while from < at && !lower.is_char_boundary(from) {
        from += 1;
    }
    let window = lower.get(from..at).unwrap_or_default();
    // A comma or bracket ends the words of the value before it, except one inside a number.
    let cut =
        window.rfind([';', ':']).map(|i| i + 1).or_else(|| window.rfind(", ").map(|i| i + 2)).unwrap_or(0);
    from + cut
}

/// `between X and Y`, `from X to Y`, `X to Y unit`, `X–Y unit`, `X - Y unit`.
fn second_of_pair<'a>(
    lower: &str,
    before: &str,
    first: &Number,
    second: Option<&'a Number>,
) -> Option<&'a Number> {
    let second = second.filter(|second| !second.word || first.word)?;
    let gap = lower.get(first.to..second.from)?;
    // The first value may carry its unit, too.
    let joint = gap.trim();
    let tail = before.trim_end();
    let between = tail.ends_with("between")
        || tail.ends_with("from")
        || tail.ends_with("in the range")
        || tail.ends_with("range of");
    let words: Vec<&str> = joint.split_whitespace().collect();
    let small = words.len() <= 2;
    let joined = match words.last().copied() {
        Some("and") => tail.ends_with("between"),
        Some("to") => {
            small
                && (between
                    || words.len() == 1
                    || units::find(words.first().copied().unwrap_or_default()).is_some())
        }
        Some("–" | "-" | "…" | "...") => words.len() == 1,
        _ => matches!(gap, "–" | "-" | "…" | "..."),
    };
    (joined && second.from - first.to < 40).then_some(second)
}

/// `± 0.5 V` behind a value.
fn tolerance_behind<'a>(after: &str, end: usize, numbers: &'a [Number]) -> Option<&'a Number> {
    let rest = after.trim_start();
    if !(rest.starts_with('±') || rest.starts_with("+/-")) {
        return None;
    }
    numbers.iter().find(|number| number.to > end && number.from < end + 8)
}

/// A currency sign before a value.
fn currency_before(text: &str, at: usize) -> Option<&'static Unit> {
    let head = text.get(..at)?.trim_end();
    let word = head.rsplit([' ', '(']).next().unwrap_or_default();
    units::find(word).filter(|unit| unit.qudt.starts_with("CCY_"))
}

/// `g` means the acceleration of gravity beside loads, and the gram elsewhere.
fn load_factor(known: Option<&'static Unit>, written: &str, lower: &str) -> Option<&'static Unit> {
    if written == "g"
        && ["load factor", "acceleration", "limit load", "shock", "crash"]
            .iter()
            .any(|word| lower.contains(word))
    {
        return units::find("standard gravity");
    }
    known
}

/// Words that may follow a number and are no unit.
const NOT_UNITS: &[&str] = &[
    "and", "or", "of", "to", "in", "at", "for", "with", "on", "by", "from", "is", "are", "when", "while",
    "if", "per", "the", "a", "an", "as", "than", "without", "after", "before", "during", "under", "above",
    "below", "shall", "be", "times", "x",
];

/// The unit behind a number (or behind the second one of a pair).
fn unit_behind(text: &str, lower: &str, first: &Number, last: &Number) -> Found {
    let nothing = |end: usize| Found {
        known: None,
        written: String::new(),
        counted: None,
        per_seconds: None,
        end,
        strange: false,
    };
    let rest = text.get(last.to..).unwrap_or_default();
    let space = rest.len() - rest.trim_start_matches([' ', '\u{a0}', '-', '\u{202f}']).len();
    let start = last.to + space;
    let rest = text.get(start..).unwrap_or_default();
    if rest.is_empty()
        || rest.starts_with(['±', '.', ',', ';', ')', '<', '>', '='])
        || rest.starts_with("+/-")
    {
        return unit_between(text, first, last).unwrap_or_else(|| nothing(last.to));
    }
    let ends = word_ends(rest);
    for &end in ends.iter().rev() {
        let words = rest.get(..end).unwrap_or_default();
        let trimmed = words.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '\'']);
        let trimmed =
            if units::find(trimmed).is_some() { trimmed } else { trimmed.trim_end_matches([')', '.', ',']) };
        if let Some(unit) =
            units::find(trimmed).filter(|_| !misread(trimmed, rest.get(trimmed.len()..).unwrap_or_default()))
        {
            return Found {
                known: Some(unit),
                written: trimmed.to_owned(),
                end: start + trimmed.len(),
                ..nothing(0)
            };
        }
    }
    if let Some(found) = rate(rest, start) {
        return found;
    }
    let word = first_word(rest);
    let plain = word.to_ascii_lowercase();
    if word.is_empty()
        || NOT_UNITS.contains(&plain.as_str())
        || word.starts_with(|c: char| c.is_ascii_digit())
    {
        return nothing(last.to);
    }
    let behind = lower.get(start + word.len()..).unwrap_or_default().trim_start();
    let ends_here = behind.is_empty()
        || behind.starts_with(['.', ',', ';', ')'])
        || NOT_UNITS.contains(&first_word(behind));
    let plural = plain.ends_with('s') && plain.len() > 3;
    let before = lower.get(..first.from).unwrap_or_default();
    let physical = is_physical(before);
    let symbol_like =
        word.chars().any(|c| !c.is_alphanumeric() && c != '-') || (word.len() <= 3 && ends_here);
    let strange = (ends_here && (physical || !plural)) || symbol_like;
    let counted = (!strange).then(|| counted_phrase(lower.get(start..).unwrap_or_default()));
    let written = if strange { word.to_owned() } else { String::new() };
    Found {
        known: None,
        end: if strange { start + word.len() } else { last.to },
        written,
        counted,
        per_seconds: None,
        strange,
    }
}

/// The unit of the first value of a pair, where only that one has it.
fn unit_between(text: &str, first: &Number, last: &Number) -> Option<Found> {
    let gap = text.get(first.to..last.from).filter(|_| last.from > first.to)?;
    let unit = gap.split_whitespace().find_map(units::find)?;
    Some(Found {
        known: Some(unit),
        written: unit.symbol().to_owned(),
        counted: None,
        per_seconds: None,
        end: last.to,
        strange: false,
    })
}

/// `requests per second`, `orders/min`: countable things per time.
fn rate(rest: &str, start: usize) -> Option<Found> {
    let joint = ["/", " per ", " an ", " a ", " each "]
        .into_iter()
        .filter_map(|joint| rest.find(joint).map(|at| (at, joint)))
        .min()?;
    let things = rest.get(..joint.0)?;
    let words = things.split_whitespace().count();
    if words > 3 || things.is_empty() || !things.chars().all(|c| c.is_alphabetic() || c == ' ' || c == '-') {
        return None;
    }
    let at = joint.0 + joint.1.len();
    let time = first_word(rest.get(at..)?);
    let unit = units::find(time).filter(|unit| unit.si == "s")?;
    let end = at + time.len();
    Some(Found {
        known: None,
        written: rest.get(..end)?.to_owned(),
        counted: Some(format!("{} rate", things.trim().to_ascii_lowercase())),
        per_seconds: Some(unit.factor),
        end: start + end,
        strange: false,
    })
}

/// A symbol that is also a word: `in`, `a`, `at`, `h`, `d` only where nothing follows that makes it a word.
fn misread(written: &str, behind: &str) -> bool {
    if written != "in" {
        return false;
    }
    let next = first_word(behind.trim_start());
    !(next.is_empty() || matches!(next, "wide" | "long" | "high" | "deep" | "or" | "and" | "by"))
}

fn is_physical(before: &str) -> bool {
    const VERBS: &[&str] = &["weigh", "within", "last", "cost", "consume", "draw"];
    before.split([' ', ',']).any(|word| property::is_property(word) || VERBS.contains(&word))
}

fn counted_phrase(rest: &str) -> String {
    let mut words = Vec::new();
    for word in rest.split_whitespace().take(3) {
        let bare = word.trim_end_matches(['.', ',', ';', ')']);
        if NOT_UNITS.contains(&bare) {
            break;
        }
        words.push(bare);
        if bare.len() < word.len() || bare.ends_with('s') {
            break;
        }
    }
    words.join(" ")
}

fn first_word(text: &str) -> &str {
    let end =
        text.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | '(')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches(['.', ':', '?', '!'])
}

/// Ends of the first one to four words.
fn word_ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = text.match_indices(char::is_whitespace).map(|(i, _)| i).take(4).collect();
    if ends.len() < 4 {
        ends.push(text.len());
    }
    if let Some(hyphen) = text.find('-') {
        ends.insert(0, hyphen);
    }
    ends
}
