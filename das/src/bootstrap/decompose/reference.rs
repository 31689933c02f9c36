//! Decomposition by a reference architecture: keywords decide which one matches, what each requirement belongs to,
//! and which of its parts this system has.

use std::collections::{BTreeMap, BTreeSet};

use ontology::architecture::{Architecture, ReferenceComponent};
use ontology::model::{Interface, Origin, Requirement};

use super::{Allocation, Work, subjects};
use crate::bootstrap::name::{phrase, words};

/// Share of requirements that must hold a keyword of an architecture.
const LEAST_SHARE: f64 = 0.3;
/// Weight of a strong keyword.
const STRONG: f64 = 3.0;
/// The root takes what no part takes: its keywords weigh less.
const ROOT_FACTOR: f64 = 0.3;
/// Keywords in the subject weigh more than those elsewhere.
const SUBJECT_FACTOR: f64 = 3.0;
/// Most components one requirement is allocated to.
const MAX_ALLOCATIONS: usize = 3;

/// Keywords of many targets, looked up by their first word.
struct Lexicon {
    entries: BTreeMap<String, Vec<(Vec<String>, usize, f64)>>,
}

/// A keyword found in a text.
struct Hit {
    target: usize,
    weight: f64,
    words: String,
    span: (usize, usize),
}

impl Lexicon {
    fn new<'a>(keywords: impl Iterator<Item = (usize, &'a (String, f64))>) -> Self {
        let mut entries: BTreeMap<String, Vec<(Vec<String>, usize, f64)>> = BTreeMap::new();
        for (target, (keyword, weight)) in keywords {
            let parts: Vec<String> = words(keyword).into_iter().map(|(word, _, _)| word).collect();
            if let Some(first) = parts.first() {
                entries.entry(first.clone()).or_default().push((parts.clone(), target, *weight));
            }
        }
        Self { entries }
    }

    /// Each keyword of each target counts once for a text.
    fn hits(&self, text: &[(String, usize, usize)]) -> Vec<Hit> {
        let mut seen: BTreeSet<(usize, &[String])> = BTreeSet::new();
        let mut found = Vec::new();
        for (i, (word, from, _)) in text.iter().enumerate() {
            for (parts, target, weight) in self.entries.get(word).into_iter().flatten() {
                let fits = parts
                    .iter()
                    .enumerate()
                    .all(|(n, part)| text.get(i + n).is_some_and(|(w, _, _)| w == part));
                if fits && seen.insert((*target, parts)) {
                    let to = text.get(i + parts.len() - 1).map_or(*from, |(_, _, to)| *to);
                    // Two words say more than one.
                    let weight = weight * (1.0 + 0.5 * (parts.len() - 1) as f64);
                    found.push(Hit { target: *target, weight, words: parts.join(" "), span: (*from, to) });
                }
            }
        }
        found
    }
}

/// The reference architecture that matches best, if one does.
pub(super) fn best<'a>(
    architectures: &'a [Architecture],
    requirements: &[Requirement],
) -> Option<&'a Architecture> {
    let texts: Vec<_> = requirements.iter().map(|requirement| words(&requirement.text)).collect();
    let mut scored: Vec<(f64, &Architecture)> = Vec::new();
    for architecture in architectures {
        let lexicon = Lexicon::new(architecture.keywords.iter().map(|keyword| (0, keyword)));
        let mut distinct: BTreeMap<String, f64> = BTreeMap::new();
        let mut touched = 0usize;
        for text in &texts {
            let hits = lexicon.hits(text);
            touched += usize::from(!hits.is_empty());
            distinct.extend(hits.into_iter().map(|hit| (hit.words, hit.weight)));
        }
        let weight: f64 = distinct.values().sum();
        let share = touched as f64 / texts.len().max(1) as f64;
        if weight >= architecture.threshold && share >= LEAST_SHARE {
            scored.push((weight / architecture.threshold * share, architecture));
        }
    }
    scored
        .into_iter()
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.name.cmp(&a.1.name)))
        .map(|(_, found)| found)
}

/// What one requirement speaks for: component place in the architecture, score, function place, words, span.
struct Choice {
    component: usize,
    score: f64,
    function: Option<usize>,
    words: Vec<String>,
    span: (usize, usize),
}

/// Derives components, functions, interfaces and allocations.
pub(super) fn derive(work: &mut Work<'_>, architecture: &Architecture, name: &str) {
    work.out.architecture = Some(architecture.name.clone());
    let chosen: Vec<Vec<Choice>> = {
        let components = Lexicon::new(
            architecture
                .components
                .iter()
                .enumerate()
                .flat_map(|(i, c)| c.keywords.iter().map(move |k| (i, k))),
        );
        let functions: Vec<(usize, usize)> = architecture
            .components
            .iter()
            .enumerate()
            .flat_map(|(c, component)| (0..component.functions.len()).map(move |f| (c, f)))
            .collect();
        let of_function =
            |&(c, f): &(usize, usize)| architecture.components.get(c).and_then(|c| c.functions.get(f));
        let function_words = Lexicon::new(functions.iter().enumerate().flat_map(|(i, place)| {
            of_function(place)
                .into_iter()
                .flat_map(move |function| function.keywords.iter().map(move |k| (i, k)))
        }));
        work.out
            .requirements
            .iter()
            .map(|requirement| choose(requirement, architecture, &components, &function_words, &functions))
            .collect()
    };
    let kept = keep(architecture, &chosen);
    let places = build(work, architecture, &kept, &chosen, name);
    let root = 0;
    for (i, choices) in chosen.iter().enumerate() {
        if choices.is_empty() {
            by_subject(work, architecture, i, root);
            continue;
        }
        for choice in choices {
            let (Some(&(component, ref functions)), Some(of)) =
                (places.get(&choice.component), architecture.components.get(choice.component))
            else {
                continue;
            };
            let function = choice
                .function
                .or((!functions.is_empty()).then_some(0))
                .and_then(|f| functions.get(f).copied());
            work.allocations.push(Allocation {
                requirement: i,
                component,
                function,
                why: format!("it speaks of {}", choice.words.join(", ")),
                rule: format!("reference:{}/{}", architecture.name, of.id),
                confidence: (0.5 + choice.score / 20.0).min(0.95),
                span: Some(choice.span),
            });
        }
    }
}

fn choose(
    requirement: &Requirement,
    architecture: &Architecture,
    components: &Lexicon,
    function_words: &Lexicon,
    functions: &[(usize, usize)],
) -> Vec<Choice> {
    let text = words(&requirement.text);
    let subject = requirement.subject.as_deref().map(phrase).unwrap_or_default();
    let in_subject = |hit: &Hit| {
        subject.contains(&hit.words)
            && requirement.subject.as_deref().is_some_and(|s| {
                requirement.text.find(s).is_some_and(|at| hit.span.0 >= at && hit.span.1 <= at + s.len())
            })
    };
    let mut found: BTreeMap<usize, Choice> = BTreeMap::new();
    let mut add =
        |component: usize, hit: &Hit, function: Option<(usize, f64)>, best: &mut BTreeMap<usize, f64>| {
            let mut weight = hit.weight;
            if in_subject(hit) {
                weight *= SUBJECT_FACTOR;
            }
            if component == 0 {
                weight *= ROOT_FACTOR;
            }
            let choice = found.entry(component).or_insert_with(|| Choice {
                component,
                score: 0.0,
                function: None,
                words: Vec::new(),
                span: hit.span,
            });
            if !choice.words.contains(&hit.words) {
                choice.words.push(hit.words.clone());
                choice.score += weight;
            }
            if let Some((function, weight)) = function
                && best.get(&component).is_none_or(|kept| weight > *kept)
            {
                best.insert(component, weight);
                choice.function = Some(function);
            }
        };
    let mut best = BTreeMap::new();
    let mut of_functions: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for hit in components.hits(&text) {
        add(hit.target, &hit, None, &mut best);
    }
    for hit in function_words.hits(&text) {
        if let Some(&(component, function)) = functions.get(hit.target) {
            let sum = of_functions.entry((component, function)).or_default();
            *sum += hit.weight;
            add(component, &hit, Some((function, *sum)), &mut best);
        }
    }
    let mut list: Vec<Choice> = found.into_values().collect();
    // The higher score first; then the deeper component, then the earlier one.
    let depth = |c: usize| depth(architecture, c);
    list.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| depth(b.component).cmp(&depth(a.component)))
            .then(a.component.cmp(&b.component))
    });
    let top = list.first().map_or(0.0, |choice| choice.score);
    let mut kept: Vec<Choice> = Vec::new();
    for choice in list {
        let related = kept.iter().any(|k| {
            is_above(architecture, k.component, choice.component)
                || is_above(architecture, choice.component, k.component)
        });
        let disjoint = kept.iter().all(|k| k.span.1 <= choice.span.0 || choice.span.1 <= k.span.0);
        let first = kept.is_empty();
        if first
            || (kept.len() < MAX_ALLOCATIONS
                && choice.score >= STRONG
                && choice.score >= 0.6 * top
                && !related
                && disjoint)
        {
            kept.push(choice);
        }
    }
    kept
}

fn parent(architecture: &Architecture, component: usize) -> Option<usize> {
    let parent = architecture.components.get(component)?.parent.as_ref()?;
    architecture.components.iter().position(|c| c.id == *parent)
}

fn depth(architecture: &Architecture, component: usize) -> usize {
    std::iter::successors(parent(architecture, component), |&at| parent(architecture, at)).count()
}

fn is_above(architecture: &Architecture, upper: usize, lower: usize) -> bool {
    std::iter::successors(parent(architecture, lower), |&at| parent(architecture, at)).any(|at| at == upper)
}

/// Which components this system has: those that requirements speak of, what stands above them, and what such a
/// system cannot do without if an interface joins it to one of those.
fn keep(architecture: &Architecture, chosen: &[Vec<Choice>]) -> BTreeMap<usize, bool> {
    let mut asked: BTreeSet<usize> = BTreeSet::from([0]);
    asked.extend(chosen.iter().flatten().map(|choice| choice.component));
    let mut kept: BTreeMap<usize, bool> = asked.iter().map(|&component| (component, false)).collect();
    let place = |id: &str| architecture.components.iter().position(|c| c.id == id);
    for interface in &architecture.interfaces {
        let (Some(source), Some(target)) = (place(&interface.source), place(&interface.target)) else {
            continue;
        };
        for (one, other) in [(source, target), (target, source)] {
            let essential = architecture.components.get(other).is_some_and(|c| c.essential);
            if asked.contains(&one) && one != 0 && essential {
                kept.entry(other).or_insert(true);
            }
        }
    }
    for component in kept.keys().copied().collect::<Vec<_>>() {
        for above in std::iter::successors(parent(architecture, component), |&at| parent(architecture, at)) {
            kept.entry(above).or_insert(true);
        }
    }
    kept
}

type Places = BTreeMap<usize, (usize, Vec<usize>)>;

/// Builds the kept components with their functions and interfaces: place in the architecture → (component, functions).
fn build(
    work: &mut Work<'_>,
    architecture: &Architecture,
    kept: &BTreeMap<usize, bool>,
    chosen: &[Vec<Choice>],
    name: &str,
) -> Places {
    let mut sources: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut function_sources: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for (i, choices) in chosen.iter().enumerate() {
        let Some(id) = work.out.requirements.get(i).map(|r| r.id.clone()) else { continue };
        for choice in choices {
            sources.entry(choice.component).or_default().push(id.clone());
            function_sources
                .entry((choice.component, choice.function.unwrap_or(0)))
                .or_default()
                .push(id.clone());
        }
    }
    let mut places: Places = BTreeMap::new();
    for (i, component) in architecture.components.iter().enumerate() {
        let Some(&assumed) = kept.get(&i) else { continue };
        let words = if component.parent.is_none() { name } else { component.name.as_str() };
        let above = parent(architecture, i).and_then(|parent| places.get(&parent)).map(|(at, _)| *at);
        let origin = origin(architecture, component, sources.remove(&i).unwrap_or_default(), assumed);
        let at = work.component(words, above, component.description.as_deref(), origin.clone());
        let id = work.out.components.get(at).map(|c| c.id.clone()).unwrap_or_default();
        if !component.shares.is_empty() {
            work.out.shares.insert(id, component.shares.clone());
        }
        let mut functions = Vec::new();
        for (f, function) in component.functions.iter().enumerate() {
            let from = function_sources.remove(&(i, f)).unwrap_or_default();
            let mut own = origin.clone();
            own.rule = format!("reference:{}/{}", architecture.name, function.id);
            own.assumed = from.is_empty();
            own.sources = from;
            let function_at = work.function(at, &function.name, own);
            if let Some(id) = work.out.functions.get(function_at).map(|f| f.id.clone()) {
                work.out.steps.insert(id.clone(), function.steps.clone());
                if let Some(method) = &function.verification {
                    work.out.verification.insert(id, method.clone());
                }
            }
            functions.push(function_at);
        }
        places.insert(i, (at, functions));
    }
    for interface in &architecture.interfaces {
        let place = |id: &str| {
            let at = architecture.components.iter().position(|c| c.id == id)?;
            let (component, _) = places.get(&at)?;
            work.out.components.get(*component).map(|c| (c.id.clone(), c.name.clone(), c.origin.assumed))
        };
        let (Some(source), Some(target)) = (place(&interface.source), place(&interface.target)) else {
            continue;
        };
        let id =
            work.ids.give("I-", &format!("{} {} {}", interface.source, interface.target, interface.item));
        work.out.interfaces.push(Interface {
            id,
            name: format!("{} to {}: {}", source.1, target.1, interface.item),
            source: source.0,
            target: target.0,
            item: interface.item.clone(),
            direction: interface.direction.clone(),
            unit: interface.unit.clone(),
            origin: Origin {
                rule: format!("reference:{}/interface", architecture.name),
                confidence: 0.7,
                assumed: true,
                ..Origin::default()
            },
        });
    }
    places
}

fn origin(
    architecture: &Architecture,
    component: &ReferenceComponent,
    sources: Vec<String>,
    assumed: bool,
) -> Origin {
    Origin {
        rule: format!("reference:{}/{}", architecture.name, component.id),
        confidence: if sources.is_empty() { 0.6 } else { 0.9 },
        assumed: assumed || sources.is_empty(),
        sources,
        span: None,
    }
}

/// A requirement without any keyword goes to the root, or to a component made from its own subject.
fn by_subject(work: &mut Work<'_>, architecture: &Architecture, i: usize, root: usize) {
    let Some(requirement) = work.out.requirements.get(i) else { return };
    let subject = requirement.subject.as_deref().map(phrase).unwrap_or_default();
    if subject.is_empty() {
        let why = "it names no subject, and no word of it belongs to a component";
        if let Some(requirement) = work.out.requirements.get_mut(i) {
            requirement.unallocated_reason = Some(why.to_owned());
        }
        return;
    }
    let general = subjects::is_general(&subject)
        || architecture
            .components
            .first()
            .is_some_and(|c| c.keywords.iter().any(|(k, _)| phrase(k) == subject));
    let component = if general { root } else { subjects::component_for(work, &subject, root, i) };
    let function = subjects::function_for(work, component, i);
    work.allocations.push(Allocation {
        requirement: i,
        component,
        function: Some(function),
        why: format!("its subject is {subject}"),
        rule: "rule:subject-of-requirement".to_owned(),
        confidence: 0.6,
        span: None,
    });
}
