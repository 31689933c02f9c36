//! Names of what a quantity bounds: from the subject, from the words before it, or from the verb.

/// Nouns that are properties rather than things, as the last word of a phrase.
const PROPERTIES: &[&str] = &[
    "mass",
    "weight",
    "speed",
    "velocity",
    "range",
    "endurance",
    "length",
    "width",
    "height",
    "span",
    "area",
    "volume",
    "capacity",
    "power",
    "consumption",
    "voltage",
    "current",
    "temperature",
    "pressure",
    "force",
    "forces",
    "load",
    "rate",
    "time",
    "distance",
    "altitude",
    "ceiling",
    "cost",
    "price",
    "level",
    "latency",
    "throughput",
    "frequency",
    "efficiency",
    "life",
    "lifetime",
    "duration",
    "noise",
    "accuracy",
    "resolution",
    "availability",
    "reliability",
    "probability",
    "flow",
    "torque",
    "thrust",
    "factor",
    "margin",
    "ratio",
    "angle",
    "size",
    "depth",
    "diameter",
    "thickness",
    "humidity",
    "delay",
    "interval",
    "number",
    "energy",
    "acceleration",
    "uptime",
    "bandwidth",
    "density",
    "gradient",
    "reserve",
    "error",
    "limit",
    "budget",
    "period",
];

/// Words by which what stands behind a noun begins.
const MODIFIERS: &[&str] = &[
    " in ",
    " at ",
    " over ",
    " during ",
    " with ",
    " under ",
    " from ",
    " for ",
    " between ",
    " on ",
    " drawn by ",
    " used by ",
    " measured ",
    " per ",
];

/// A phrase without what stands behind its noun, and that rest.
fn without_modifier(phrase: &str) -> (&str, &str) {
    let lower = phrase.to_ascii_lowercase();
    let at = MODIFIERS.iter().filter_map(|word| lower.find(word)).filter(|at| *at > 0).min();
    at.map_or((phrase, ""), |at| (phrase.get(..at).unwrap_or(phrase), phrase.get(at..).unwrap_or_default()))
}

/// Splits a subject into property and owner: “stall speed of the aircraft” is (`stall speed`, `aircraft`). What
/// stands behind the noun (“in the landing configuration”) belongs to the property: it says which one is meant.
pub(super) fn of_subject(subject: &str) -> (Option<String>, String) {
    let lower = subject.to_ascii_lowercase();
    for joint in [" of the ", " of an ", " of a ", " of each ", " of every ", " of all ", " of "] {
        if let Some(at) = lower.find(joint) {
            let head = subject.get(..at).unwrap_or_default().trim();
            let owner = subject.get(at + joint.len()..).unwrap_or_default().trim();
            if is_property(head) || matches!(joint, " of the " | " of each " | " of every ") {
                let (owner, modifier) = without_modifier(owner);
                return (Some(format!("{head}{modifier}").to_ascii_lowercase()), owner.to_owned());
            }
        }
    }
    let (head, _) = without_modifier(subject);
    if is_property(head) {
        return (Some(lower), head.to_owned());
    }
    (None, subject.to_owned())
}

/// Whether a phrase names a property.
pub(super) fn is_property(phrase: &str) -> bool {
    let last = phrase.rsplit([' ', '-']).next().unwrap_or_default().to_ascii_lowercase();
    PROPERTIES.contains(&last.as_str())
}

/// What an SI unit measures.
#[must_use]
pub fn dimension(si: &str) -> &'static str {
    match si {
        "kg" => "mass",
        "m" => "length",
        "s" => "time",
        "m/s" => "speed",
        "m/s²" => "acceleration",
        "m²" => "area",
        "m³" => "volume",
        "N" => "force",
        "N·m" => "torque",
        "Pa" => "pressure",
        "J" => "energy",
        "W" => "power",
        "V" => "voltage",
        "A" => "current",
        "C" => "charge",
        "K" => "temperature",
        "Hz" => "frequency",
        "rad" => "angle",
        "rad/s" => "rotational speed",
        "B" => "size",
        "bit/s" => "data rate",
        "1/s" => "rate",
        "m³/s" => "flow",
        "kg/s" => "mass flow",
        "dB" | "dB(A)" | "dBm" => "level",
        "USD" | "EUR" | "GBP" | "JPY" | "CHF" => "cost",
        _ => "value",
    }
}

/// Words that end a noun phrase when one walks back from a value.
const STOPS: &[&str] = &[
    "with", "at", "in", "on", "for", "from", "to", "and", "or", "have", "has", "having", "under", "after",
    "during", "when", "while", "that", "which", "between", "than", "by", "be", "is", "are", "shall", "not",
    "into", "per", "carrying", "using",
];
const LEADING: &[&str] = &[
    "a", "an", "the", "its", "of", "their", "be", "is", "are", "to", "at", "in", "by", "for", "with",
    "within", "and", "or", "it", "this", "that", "from", "than", "as", "not", "on", "shall", "each", "every",
    "remain", "stay", "reach", "equal",
];

/// Verbs that say what they bound.
const VERBS: &[(&str, &str)] = &[
    ("weigh", "mass"),
    ("cost", "cost"),
    ("last", "duration"),
    ("measure", "length"),
    ("respond", "response time"),
    ("answer", "response time"),
    ("reply", "response time"),
    ("start", "start time"),
    ("boot", "start time"),
    ("consume", "consumption"),
    ("draw", "consumption"),
    ("fly", "range"),
    ("cruise", "cruise speed"),
    ("climb", "climb rate"),
    ("stop", "stopping distance"),
];

/// The words around a comparator.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    /// Those before it.
    pub(super) words: &'a str,
    /// Those between it and the value.
    pub(super) between: &'a str,
    /// The words begin with the verb of the response.
    pub(super) verb_first: bool,
}

/// The property that a value bounds, from the words before its comparator and between comparator and value.
pub(super) fn of_words(
    around: Words<'_>,
    subject_property: Option<&str>,
    si: Option<&str>,
    upper_bound: bool,
) -> Option<String> {
    let Words { words, between, verb_first } = around;
    let near = phrase(between);
    if !near.is_empty() {
        return Some(near);
    }
    let words = ["be able to ", "be capable of "].iter().fold(words.trim_start(), |words, start| {
        if verb_first { words.strip_prefix(start).unwrap_or(words) } else { words }
    });
    let tokens: Vec<&str> =
        words.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
    let verb =
        tokens.iter().copied().find(|word| !matches!(*word, "not" | "be" | "always" | "never" | "also"));
    let about_subject = tokens.iter().all(|word| {
        LEADING.contains(word) || matches!(*word, "exceed" | "never" | "always" | "kept" | "limited")
    });
    if about_subject && let Some(property) = subject_property {
        return Some(property.to_owned());
    }
    let found = phrase(&tokens.get(usize::from(verb_first)..).unwrap_or_default().join(" "));
    let last = tokens.last().copied().unwrap_or_default();
    let what = si.map(dimension).filter(|what| *what != "value");
    match (last, what) {
        // A change is not the value itself: `lower the stall speed by at least 6 kt`.
        ("by", _) if !found.is_empty() => return Some(format!("{found} change")),
        ("for", Some("time")) if verb_first && tokens.first() != Some(&"be") => {
            return verb.map(|verb| format!("{verb} time"));
        }
        ("at", Some(what)) if !found.is_empty() && !is_property(&found) && si != Some("1") => {
            return Some(format!("{found} {what}"));
        }
        _ => {}
    }
    let passive = verb_first
        && tokens.first() == Some(&"be")
        && tokens.get(1) == Some(&found.as_str())
        && !found.contains(' ')
        && !is_property(&found);
    if passive
        && !found.is_empty()
        && let Some(what) = si.map(dimension).filter(|what| *what != "value")
    {
        return Some(format!("{found} {what}"));
    }
    let by_verb =
        verb.and_then(|verb| VERBS.iter().find(|(word, _)| verb == *word || verb == format!("{word}s")));
    let time_bound = si == Some("s") && upper_bound;
    if !found.is_empty() && (is_property(&found) || !time_bound) {
        let fits = by_verb.is_none() || is_property(&found);
        if fits {
            return Some(found);
        }
    }
    if let Some((_, property)) = by_verb.filter(|(_, property)| si.is_none_or(|si| fits_unit(property, si))) {
        return Some((*property).to_owned());
    }
    if let Some(property) = subject_property {
        return Some(property.to_owned());
    }
    if time_bound && !tokens.is_empty() {
        let task: Vec<&str> = tokens.iter().copied().take(5).collect();
        return Some(format!("time to {}", trim_end(&task).join(" ")));
    }
    let what = dimension(si?);
    match verb {
        Some(verb) if what != "value" => Some(format!("{verb} {what}")),
        _ if !found.is_empty() => Some(found),
        _ => Some(what.to_owned()),
    }
}

fn fits_unit(property: &str, si: &str) -> bool {
    match property {
        "mass" => si == "kg",
        "cost" => matches!(si, "USD" | "EUR" | "GBP" | "JPY" | "CHF"),
        "duration" | "response time" | "start time" => si == "s",
        "length" | "range" | "stopping distance" => si == "m",
        "cruise speed" | "climb rate" => si == "m/s",
        _ => true,
    }
}

fn trim_end<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut tokens = tokens.to_vec();
    while tokens.last().is_some_and(|word| LEADING.contains(word) || STOPS.contains(word)) {
        tokens.pop();
    }
    tokens
}

/// The noun phrase a text ends with.
fn phrase(text: &str) -> String {
    let tokens: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ':' | '"'))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let tokens = trim_end(&tokens);
    let mut start = tokens.len();
    for (i, word) in tokens.iter().enumerate().rev() {
        if STOPS.contains(word) || tokens.len() - i > 5 {
            break;
        }
        start = i;
    }
    let mut found: Vec<&str> = tokens.get(start..).unwrap_or_default().to_vec();
    while found.first().is_some_and(|word| LEADING.contains(word)) {
        found.remove(0);
    }
    // Behind an article, only the noun phrase counts: `carry the maximum payload`.
    if let Some(article) = found.iter().rposition(|word| matches!(*word, "a" | "an" | "the")) {
        found.drain(..=article);
    }
    found.join(" ").trim_matches(['.', ';', '`', '\'']).to_owned()
}

/// A property by which two requirements are compared: (name, qualifier `maximum`, `minimum` or none).
#[must_use]
pub fn canonical_property(property: &str) -> (String, Option<&'static str>) {
    let mut qualifier = None;
    let mut words: Vec<String> = Vec::new();
    for word in property.to_ascii_lowercase().split([' ', '-']).filter(|word| !word.is_empty()) {
        match word {
            "maximum" | "max" | "maximal" | "highest" => qualifier = Some("maximum"),
            "minimum" | "min" | "minimal" | "lowest" => qualifier = Some("minimum"),
            "total" | "overall" | "the" | "a" | "an" | "its" | "of" => {}
            "weight" => words.push("mass".to_owned()),
            "price" => words.push("cost".to_owned()),
            "takeoff" => words.extend(["take".to_owned(), "off".to_owned()]),
            word => words.push(word.to_owned()),
        }
    }
    let joined = words.join(" ");
    let joined = match joined.as_str() {
        "take off mass" | "gross mass" | "all up mass" => "mass".to_owned(),
        _ => joined,
    };
    (joined, qualifier)
}
