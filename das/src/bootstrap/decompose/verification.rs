//! How each requirement will be shown to hold, and what has to come out.

use std::collections::BTreeMap;

use ontology::model::Requirement;

use super::{Work, bounds};

/// Words in a response, and the method they speak for; the first that fits counts.
const METHODS: &[(&[&str], &str)] = &[
    (
        &[
            "comply",
            "conform",
            "certif",
            "accordance",
            "marked",
            "label",
            "placard",
            "document",
            "manual",
            "colour",
            "color",
            "made of",
            "handbook",
            "be fitted",
            "be equipped",
        ],
        "inspection",
    ),
    (
        &[
            "fatigue",
            "ultimate load",
            "limit load",
            "load factor",
            "probability",
            "reliability",
            "mean time between",
            "service life",
            "safety factor",
            "strength",
            "centre of gravity",
            "availability",
        ],
        "analysis",
    ),
    (
        &[
            "allow",
            "enable",
            "let ",
            "be able to",
            "provide access",
            "maintain",
            "replace",
            "train",
            "evacuat",
        ],
        "demonstration",
    ),
];

pub(super) fn derive(work: &mut Work<'_>) {
    let function_of: BTreeMap<&str, &str> = work
        .out
        .links
        .iter()
        .filter(|link| link.kind == "satisfied_by")
        .map(|link| (link.source.as_str(), link.target.as_str()))
        .collect();
    let mut methods: Vec<(String, String)> = Vec::new();
    for requirement in &work.out.requirements {
        let usual = function_of
            .get(requirement.id.as_str())
            .and_then(|function| work.out.verification.get(*function));
        methods.push((method(requirement, usual.map(String::as_str)), criterion(requirement)));
    }
    for (requirement, (method, criterion)) in work.out.requirements.iter_mut().zip(methods) {
        requirement.verification = Some(method);
        requirement.criterion = Some(criterion);
    }
}

fn method(requirement: &Requirement, usual: Option<&str>) -> String {
    let says = requirement.response.as_deref().unwrap_or(&requirement.text).to_lowercase();
    let by_words = METHODS
        .iter()
        .find(|(words, _)| words.iter().any(|word| says.contains(word)))
        .map(|(_, method)| *method);
    let fallback = if requirement.quantities.is_empty() { "demonstration" } else { "test" };
    by_words.or(usual).unwrap_or(fallback).to_owned()
}

fn criterion(requirement: &Requirement) -> String {
    let parts: Vec<String> = bounds(requirement)
        .map(|quantity| {
            let property = quantity.property.as_deref().unwrap_or("value");
            let unit = if quantity.unit.is_empty() { String::new() } else { format!(" {}", quantity.unit) };
            match quantity.upper {
                Some(upper) => format!("{property} between {} and {upper}{unit}", quantity.value),
                None => format!("{property} {} {}{unit}", quantity.comparator, quantity.value),
            }
        })
        .collect();
    let under = requirement.condition.as_deref().map(|c| format!(" ({c})")).unwrap_or_default();
    if !parts.is_empty() {
        return format!("{}{under}", parts.join("; "));
    }
    match (&requirement.subject, &requirement.response) {
        (Some(subject), Some(response)) => format!("it is seen that {subject} does: {response}{under}"),
        _ => format!(
            "it is agreed what this means and seen to hold: {}",
            requirement.text.chars().take(120).collect::<String>()
        ),
    }
}
