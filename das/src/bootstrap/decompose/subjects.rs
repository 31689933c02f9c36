//! Decomposition without a reference: subjects and headings become components, verbs with their objects functions.

use std::collections::{BTreeMap, BTreeSet};

use ontology::model::{Interface, Origin};

use super::{Allocation, Work};
use crate::bootstrap::ears::canonical_property;
use crate::bootstrap::name::{phrase, words};

/// Subjects that mean the whole system or a person who uses it.
const GENERAL: &[&str] = &[
    "system",
    "product",
    "solution",
    "device",
    "it",
    "they",
    "user",
    "operator",
    "administrator",
    "admin",
    "customer",
    "equipment",
    "machine",
    "unit",
    "design",
    "project",
    "team",
    "supplier",
    "contractor",
    "manufacturer",
    "there",
    "we",
    "you",
    "software",
    "application",
    "app",
    "platform",
    "service",
    "tool",
    "requirement",
];
/// Headings that only order a document.
const HEADINGS: &[&str] = &[
    "requirement",
    "general",
    "introduction",
    "scope",
    "overview",
    "functional requirement",
    "non-functional requirement",
    "system requirement",
    "miscellaneous",
    "other",
    "background",
    "purpose",
    "specification",
    "performance requirement",
    "constraint",
    "functional",
    "non-functional",
    "performance",
    "quality",
    "quality attribute",
];
/// Most words of a function's name.
const MAX_FUNCTION_WORDS: usize = 7;
/// More parts than this under the root are put below their headings.
const MAX_CHILDREN: usize = 9;
/// Most interfaces read from texts.
const MAX_INTERFACES: usize = 5_000;

/// Whether a subject means the whole system.
pub(super) fn is_general(subject: &str) -> bool {
    GENERAL.contains(&subject)
        || subject.rsplit(' ').next().is_some_and(|last| {
            matches!(last, "user" | "operator" | "system" | "administrator")
                && subject.split(' ').count() == 1
        })
}

/// Derives components, functions, interfaces and allocations.
pub(super) fn derive(work: &mut Work<'_>, name: &str) {
    let subjects: Vec<String> =
        work.out.requirements.iter().map(|r| r.subject.as_deref().map(phrase).unwrap_or_default()).collect();
    let root_subject = root_subject(&subjects, name);
    let root = work.component(
        name,
        None,
        Some("The whole system."),
        Origin { rule: "rule:name-of-the-system".to_owned(), confidence: 1.0, ..Origin::default() },
    );
    let whole = |work: &Work<'_>, i: usize, subject: &str| {
        let own_property = work.parsed.get(i).is_some_and(|p| {
            p.property.is_some()
                && p.property.as_deref() == p.subject.as_deref().map(str::to_ascii_lowercase).as_deref()
        });
        is_general(subject) || Some(subject) == root_subject.as_deref() || own_property
    };
    let headings = headings(work, root, &subjects, &whole);
    // Shorter subjects first, so that `pump motor` finds `pump` as its parent.
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for (i, subject) in subjects.iter().enumerate() {
        if !subject.is_empty() && !whole(work, i, subject) {
            named.entry(subject.clone()).or_insert(i);
        }
    }
    let mut order: Vec<(String, usize)> = named.into_iter().collect();
    order.sort_by_key(|(subject, first)| (subject.split(' ').count(), *first));
    let many = order.len() > MAX_CHILDREN;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (subject, first) in order {
        let under = parent_subject(&subject, &places).or_else(|| {
            let group = work.out.requirements.get(first)?.group.as_deref().map(phrase)?;
            if many { headings.get(&group).copied() } else { None }
        });
        let at = component_for(work, &subject, under.unwrap_or(root), first);
        places.insert(subject, at);
    }
    for (i, subject) in subjects.iter().enumerate() {
        allocate(work, i, subject, root, &places, &headings, whole(work, i, subject));
    }
    complete_leaves(work);
    interfaces(work, &places);
}

/// The subject that means the whole: the one the system is named after, or that most requirements have.
fn root_subject(subjects: &[String], name: &str) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for subject in subjects.iter().filter(|subject| !subject.is_empty()) {
        *counts.entry(subject).or_default() += 1;
    }
    let name = phrase(name);
    let named =
        counts.keys().find(|subject| name == **subject || name.ends_with(&format!(" {subject}"))).copied();
    let most = || {
        counts
            .iter()
            .max_by_key(|(subject, count)| (**count, std::cmp::Reverse(**subject)))
            .map(|(s, c)| (*s, *c))
    };
    named
        .or_else(|| {
            most()
                .filter(|(_, count)| {
                    count * 10 >= subjects.len() * 3 && counts.len() > 1 || counts.len() == 1
                })
                .map(|(s, _)| s)
        })
        .map(str::to_owned)
}

/// Headings over requirements about the whole become components.
fn headings(
    work: &mut Work<'_>,
    root: usize,
    subjects: &[String],
    whole: &dyn Fn(&Work<'_>, usize, &str) -> bool,
) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, (usize, String, Vec<String>)> = BTreeMap::new();
    for (i, subject) in subjects.iter().enumerate() {
        let Some(requirement) = work.out.requirements.get(i) else { continue };
        let Some(group) = requirement.group.as_deref() else { continue };
        let key = phrase(group);
        if key.is_empty()
            || HEADINGS.contains(&key.as_str())
            || subject.is_empty()
            || !whole(work, i, subject)
        {
            continue;
        }
        let entry = found.entry(key).or_insert_with(|| (i, group.to_owned(), Vec::new()));
        entry.2.push(requirement.id.clone());
    }
    if found.len() < 2 {
        return BTreeMap::new();
    }
    let mut order: Vec<_> = found.into_iter().collect();
    order.sort_by_key(|(_, (first, _, _))| *first);
    order
        .into_iter()
        .map(|(key, (_, words, sources))| {
            let origin = Origin {
                rule: "rule:heading-over-requirements".to_owned(),
                sources,
                span: None,
                confidence: 0.4,
                assumed: true,
            };
            (key, work.component(&words, Some(root), None, origin))
        })
        .collect()
}

/// `pump motor` is part of `pump` where that is a component.
fn parent_subject(subject: &str, places: &BTreeMap<String, usize>) -> Option<usize> {
    let mut at = subject.len();
    while let Some(space) = subject.get(..at)?.rfind(' ') {
        if let Some(place) = places.get(subject.get(..space)?) {
            return Some(*place);
        }
        at = space;
    }
    None
}

/// The component made from a subject; made once.
pub(super) fn component_for(work: &mut Work<'_>, subject: &str, parent: usize, requirement: usize) -> usize {
    let rule = "rule:subject-of-requirement";
    let source = work.out.requirements.get(requirement).map(|r| r.id.clone()).unwrap_or_default();
    if let Some(&at) = work.by_subject.get(subject) {
        if let Some(component) = work.out.components.get_mut(at)
            && !component.origin.sources.contains(&source)
        {
            component.origin.sources.push(source);
        }
        return at;
    }
    let span = work.out.requirements.get(requirement).and_then(|r| {
        let subject = r.subject.as_deref()?;
        let at = r.text.find(subject)?;
        Some((at, at + subject.len()))
    });
    let origin =
        Origin { rule: rule.to_owned(), sources: vec![source], span, confidence: 0.7, assumed: false };
    let at = work.component(subject, Some(parent), None, origin);
    work.by_subject.insert(subject.to_owned(), at);
    at
}

fn allocate(
    work: &mut Work<'_>,
    i: usize,
    subject: &str,
    root: usize,
    places: &BTreeMap<String, usize>,
    headings: &BTreeMap<String, usize>,
    whole: bool,
) {
    let group = work.out.requirements.get(i).and_then(|r| r.group.as_deref()).map(phrase);
    let heading = group.as_deref().and_then(|group| headings.get(group)).copied();
    let (component, why, confidence) = match places.get(subject) {
        Some(&place) => (place, format!("its subject is {subject}"), 0.8),
        None if subject.is_empty() => {
            let why = "it names no subject that could be a component";
            if let Some(requirement) = work.out.requirements.get_mut(i) {
                requirement.unallocated_reason = Some(why.to_owned());
            }
            return;
        }
        None if whole && heading.is_some() => {
            (heading.unwrap_or(root), "it stands under this heading".to_owned(), 0.5)
        }
        None => (root, "it speaks of the whole system".to_owned(), 0.7),
    };
    let function = function_for(work, component, i);
    work.allocations.push(Allocation {
        requirement: i,
        component,
        function: Some(function),
        why,
        rule: "rule:subject-of-requirement".to_owned(),
        confidence,
        span: None,
    });
}

/// The function made from a requirement's response; the same words in one component are one function.
pub(super) fn function_for(work: &mut Work<'_>, component: usize, requirement: usize) -> usize {
    let Some(found) = work.out.requirements.get(requirement) else { return 0 };
    let name = function_name(found.response.as_deref().unwrap_or(&found.text), &found.quantities);
    let source = found.id.clone();
    if let Some(&at) = work.by_response.get(&(component, name.clone())) {
        if let Some(function) = work.out.functions.get_mut(at) {
            function.origin.sources.push(source);
        }
        return at;
    }
    let origin = Origin {
        rule: "rule:verb-of-requirement".to_owned(),
        sources: vec![source],
        span: None,
        confidence: 0.6,
        assumed: false,
    };
    let at = work.function(component, &name, origin);
    work.by_response.insert((component, name), at);
    at
}

/// A verb phrase from a response: without negation, quantity and what follows it.
fn function_name(response: &str, quantities: &[ontology::model::Quantity]) -> String {
    let lower = response.to_lowercase();
    let lower = lower.strip_prefix("be able to ").unwrap_or(&lower);
    let lower = lower.strip_prefix("be capable of ").unwrap_or(lower);
    let mut kept: Vec<&str> = Vec::new();
    for word in lower.split_whitespace().take(MAX_FUNCTION_WORDS) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let ends = bare.is_empty()
            || bare.starts_with(|c: char| c.is_ascii_digit())
            || matches!(
                bare,
                "within"
                    | "at"
                    | "than"
                    | "of"
                    | "no"
                    | "up"
                    | "when"
                    | "if"
                    | "while"
                    | "so"
                    | "that"
                    | "which"
                    | "between"
                    | "under"
                    | "over"
                    | "above"
                    | "below"
                    | "more"
                    | "less"
                    | "least"
                    | "exactly"
            ) && !kept.is_empty();
        if ends {
            break;
        }
        kept.push(bare);
        if word.ends_with([',', ';', ':']) {
            break;
        }
    }
    while kept.last().is_some_and(|w| {
        matches!(
            *w,
            "a" | "an"
                | "the"
                | "to"
                | "and"
                | "or"
                | "for"
                | "with"
                | "in"
                | "on"
                | "by"
                | "not"
                | "from"
                | "is"
                | "are"
                | "its"
                | "all"
                | "be"
        )
    }) {
        kept.pop();
    }
    let property = quantities.iter().find_map(|q| q.property.as_deref()).map(|p| canonical_property(p).0);
    match kept.as_slice() {
        []
        | ["have" | "exceed" | "be" | "not" | "remain" | "weigh" | "cost"]
        | ["not", "exceed" | "be" | "weigh" | "cost"] => property
            .map_or_else(|| "meet its requirements".to_owned(), |p| format!("keep {p} within its bound")),
        ["have", rest @ ..] => format!("provide {}", rest.join(" ")),
        words => words.join(" "),
    }
}

/// Every component without parts gets a function.
fn complete_leaves(work: &mut Work<'_>) {
    let allocated: BTreeSet<usize> = work.allocations.iter().map(|a| a.component).collect();
    let parents: BTreeSet<String> = work.out.components.iter().filter_map(|c| c.parent.clone()).collect();
    for at in 0..work.out.components.len() {
        let Some(component) = work.out.components.get(at) else { continue };
        let leaf = !parents.contains(&component.id);
        if leaf && !allocated.contains(&at) {
            let words = format!("provide {}", component.name.to_lowercase());
            let origin = Origin {
                rule: "rule:every-leaf-does-something".to_owned(),
                confidence: 0.3,
                assumed: true,
                ..Origin::default()
            };
            work.function(at, &words, origin);
        }
    }
}

/// A requirement of one component that names another one says that something flows between them.
fn interfaces(work: &mut Work<'_>, places: &BTreeMap<String, usize>) {
    let mut seen = BTreeSet::new();
    let mut made: Vec<Interface> = Vec::new();
    let by_first: BTreeMap<&str, Vec<(&str, usize)>> =
        places.iter().fold(BTreeMap::new(), |mut map, (subject, &at)| {
            let first = subject.split(' ').next().unwrap_or(subject);
            map.entry(first).or_insert_with(Vec::new).push((subject.as_str(), at));
            map
        });
    for allocation in &work.allocations {
        let (Some(requirement), Some(source)) = (
            work.out.requirements.get(allocation.requirement),
            work.out.components.get(allocation.component),
        ) else {
            continue;
        };
        let Some(response) = requirement.response.as_deref() else { continue };
        let text = words(response);
        for (i, (word, _, _)) in text.iter().enumerate() {
            for (subject, at) in by_first.get(word.as_str()).into_iter().flatten() {
                let fits = subject
                    .split(' ')
                    .enumerate()
                    .all(|(n, part)| text.get(i + n).is_some_and(|(w, _, _)| w == part));
                let Some(target) =
                    work.out.components.get(*at).filter(|_| fits && *at != allocation.component)
                else {
                    continue;
                };
                let item = item_of(response, &text, i);
                if made.len() >= MAX_INTERFACES
                    || !seen.insert((source.id.clone(), target.id.clone(), item.clone()))
                {
                    continue;
                }
                let id = work.ids.give("I-", &format!("{} {} {item}", source.name, target.name));
                made.push(Interface {
                    id,
                    name: format!("{} to {}: {item}", source.name, target.name),
                    source: source.id.clone(),
                    target: target.id.clone(),
                    item,
                    direction: "out".to_owned(),
                    unit: None,
                    origin: Origin {
                        rule: "rule:requirement-names-another-component".to_owned(),
                        sources: vec![requirement.id.clone()],
                        span: None,
                        confidence: 0.5,
                        assumed: true,
                    },
                });
            }
        }
    }
    work.out.interfaces.extend(made);
}

/// What flows: the words between the verb and the other component.
fn item_of(response: &str, text: &[(String, usize, usize)], other: usize) -> String {
    let from = text.get(1).map_or(0, |(_, from, _)| *from);
    let to = text.get(other).map_or(0, |(_, from, _)| *from);
    let between = response.get(from..to.max(from)).unwrap_or_default().trim().to_lowercase();
    let mut kept: Vec<&str> = between.split_whitespace().collect();
    while kept.last().is_some_and(|w| {
        matches!(
            *w,
            "the"
                | "a"
                | "an"
                | "to"
                | "from"
                | "of"
                | "with"
                | "by"
                | "via"
                | "into"
                | "in"
                | "on"
                | "for"
                | "and"
        )
    }) {
        kept.pop();
    }
    while kept.first().is_some_and(|w| matches!(*w, "the" | "a" | "an" | "to" | "its")) {
        kept.remove(0);
    }
    if kept.is_empty() || kept.len() > 6 {
        let verb = text.first().map_or("signal", |(verb, _, _)| verb.as_str());
        return format!("signal: {verb}");
    }
    kept.join(" ")
}
