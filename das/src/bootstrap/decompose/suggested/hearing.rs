//! Parts, allocations, functions, interfaces and budgets that a model suggests.

use std::collections::{BTreeMap, BTreeSet};

use ontology::model::{Interface, Origin};

use super::{LEAST_CONFIDENCE, Wanted, property_of};
use crate::bootstrap::decompose::{Allocation, Work, bounds, constraints, subjects};
use crate::bootstrap::ears::{canonical_property, units};
use crate::bootstrap::name::phrase;
use crate::bootstrap::suggestion::{self, ALREADY, Item, Refusal, Suggestion, named, words};

/// Deepest component tree that suggestions may make.
const MAX_DEPTH: usize = 16;
/// Most parts that suggestions may add.
const MAX_PARTS: usize = 5_000;
/// Most parts that one requirement is allocated to by suggestions.
const MAX_ALLOCATIONS: usize = 3;
/// Most sources named in an origin.
const MAX_SOURCES: usize = 100;
/// Most names listed in a refusal.
const MAX_LISTED: usize = 40;

/// A part, there already or only suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Place among the components.
    There(usize),
    /// Place among the suggestions.
    New(usize),
}

/// An allocation that holds.
struct Accepted<'s> {
    at: usize,
    said: &'s suggestion::Allocation,
    requirement: usize,
    target: Place,
    /// The component that gives it up.
    from: usize,
    span: (usize, usize),
}

struct Hearing<'s> {
    suggestions: &'s [Suggestion],
    requirements: BTreeMap<String, usize>,
    ids: BTreeMap<String, usize>,
    /// Names of parts as they are compared.
    names: BTreeMap<String, Place>,
    /// Parents of suggested parts that hold.
    parents: BTreeMap<usize, Place>,
    refusals: Vec<Refusal>,
}

/// Takes what fits into the work; budgets wait there until bounds are known.
pub(in crate::bootstrap::decompose) fn apply(work: &mut Work<'_>, suggestions: &[Suggestion]) {
    if suggestions.is_empty() || work.out.components.is_empty() {
        return;
    }
    let mut hearing = Hearing::of(work, suggestions);
    hearing.parts(work);
    let accepted = hearing.allocations(work);
    let made = hearing.build(work, &accepted);
    let functions = hearing.functions(work, &accepted, &made);
    move_requirements(work, &accepted, &made, &functions, suggestions);
    hearing.interfaces(work, &made);
    hearing.budgets(work, &made);
    work.heard.refusals.append(&mut hearing.refusals);
}

impl<'s> Hearing<'s> {
    fn of(work: &Work<'_>, suggestions: &'s [Suggestion]) -> Self {
        let mut names = BTreeMap::new();
        for (place, component) in work.out.components.iter().enumerate() {
            names.entry(phrase(&component.name)).or_insert(Place::There(place));
        }
        let place = |(place, id): (usize, &String)| (id.clone(), place);
        Self {
            suggestions,
            requirements: work.out.requirements.iter().map(|r| &r.id).enumerate().map(place).collect(),
            ids: work.out.components.iter().map(|c| &c.id).enumerate().map(place).collect(),
            names,
            parents: BTreeMap::new(),
            refusals: Vec::new(),
        }
    }

    fn refuse(&mut self, at: usize, why: impl Into<String>) {
        self.refusals.push(Refusal { at, why: why.into() });
    }

    /// The part with this id or name.
    fn find(&self, said: &str) -> Option<Place> {
        let by_id = self.ids.get(said.trim()).map(|place| Place::There(*place));
        by_id.or_else(|| self.names.get(&phrase(said)).copied())
    }

    /// The same, where it may only be one that is part of the system by now.
    fn built(&self, said: &str, made: &BTreeMap<usize, usize>) -> Result<usize, String> {
        match self.find(said) {
            Some(Place::There(place)) => Ok(place),
            Some(Place::New(at)) => {
                made.get(&at).copied().ok_or_else(|| format!("the part '{said}' was left out"))
            }
            None => Err(self.unknown(said)),
        }
    }

    fn unknown(&self, said: &str) -> String {
        let known: Vec<&str> = self.ids.keys().take(MAX_LISTED).map(String::as_str).collect();
        let more = if self.ids.len() > MAX_LISTED { ", …" } else { "" };
        format!("there is no part '{}': there are {}{more}", words(said), known.join(", "))
    }

    /// Places of requirements, all of them known, each once.
    fn requirements(&self, ids: &[String]) -> Result<BTreeSet<usize>, String> {
        if ids.is_empty() {
            return Err("it names no requirement that it serves".to_owned());
        }
        let find = |id: &String| {
            let unknown = || format!("there is no requirement '{}'", words(id));
            self.requirements.get(id.trim()).copied().ok_or_else(unknown)
        };
        ids.iter().map(find).collect()
    }

    /// Names of suggested parts, and which of them hang on the tree.
    fn parts(&mut self, work: &Work<'_>) {
        let suggestions = self.suggestions;
        let mut new = BTreeMap::new();
        for (at, suggestion) in suggestions.iter().enumerate() {
            let Item::Part(part) = &suggestion.item else { continue };
            let name = match named(&part.name) {
                Ok(name) => phrase(name),
                Err(why) => {
                    self.refuse(at, why);
                    continue;
                }
            };
            if self.names.contains_key(&name) || self.ids.contains_key(part.name.trim()) {
                self.refuse(at, "there is a part of this name already: use it");
            } else if new.len() >= MAX_PARTS {
                self.refuse(at, format!("more than {MAX_PARTS} parts are suggested"));
            } else {
                self.names.insert(name, Place::New(at));
                new.insert(at, part);
            }
        }
        for (&at, part) in &new {
            match self.find(&part.parent) {
                Some(parent) => {
                    self.parents.insert(at, parent);
                }
                None => self.refuse(at, self.unknown(&part.parent)),
            }
        }
        let broken: Vec<(usize, String)> =
            new.keys().filter_map(|&at| Some((at, self.line(work, Place::New(at)).err()?))).collect();
        for (at, why) in broken {
            if self.parents.remove(&at).is_some() {
                self.refuse(at, why);
            }
        }
    }

    /// A part and all that it belongs to, from below; what is wrong where it does not hang on the tree.
    fn line(&self, work: &Work<'_>, part: Place) -> Result<Vec<Place>, String> {
        let mut line = vec![part];
        let mut at = part;
        loop {
            at = match at {
                Place::New(new) => {
                    *self.parents.get(&new).ok_or_else(|| "its parent was left out".to_owned())?
                }
                Place::There(place) => {
                    let parent = work.out.components.get(place).and_then(|c| c.parent.as_ref());
                    match parent.and_then(|parent| self.ids.get(parent)) {
                        Some(parent) => Place::There(*parent),
                        None => return Ok(line),
                    }
                }
            };
            if line.contains(&at) {
                return Err("the parts go in a circle: a part cannot be part of itself".to_owned());
            }
            line.push(at);
            if line.len() > MAX_DEPTH && matches!(part, Place::New(_)) {
                return Err(format!("parts are nested deeper than {MAX_DEPTH}"));
            }
        }
    }

    fn allocations(&mut self, work: &Work<'_>) -> Vec<Accepted<'s>> {
        let mut owners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for allocation in &work.allocations {
            owners.entry(allocation.requirement).or_default().insert(allocation.component);
        }
        let mut accepted: Vec<Accepted<'s>> = Vec::new();
        let mut taken: BTreeMap<usize, BTreeSet<Place>> = BTreeMap::new();
        let suggestions = self.suggestions;
        for (at, suggestion) in suggestions.iter().enumerate() {
            let Item::Allocation(said) = &suggestion.item else { continue };
            match self.allocation(work, &owners, (at, said)) {
                Err(why) => self.refuse(at, why),
                Ok(found) => {
                    let others = taken.entry(found.requirement).or_default();
                    if others.len() >= MAX_ALLOCATIONS {
                        self.refuse(
                            at,
                            format!("a requirement is allocated to at most {MAX_ALLOCATIONS} parts"),
                        );
                    } else if others.insert(found.target) {
                        accepted.push(found);
                    } else {
                        self.refuse(at, ALREADY);
                    }
                }
            }
        }
        accepted
    }

    fn allocation(
        &self,
        work: &Work<'_>,
        owners: &BTreeMap<usize, BTreeSet<usize>>,
        (at, said): (usize, &'s suggestion::Allocation),
    ) -> Result<Accepted<'s>, String> {
        let id = words(&said.requirement);
        let requirement = self.requirements.get(said.requirement.trim()).copied();
        let found = requirement.and_then(|place| Some((place, work.out.requirements.get(place)?)));
        let (requirement, text) = found.ok_or_else(|| format!("there is no requirement '{id}'"))?;
        if !(LEAST_CONFIDENCE..=1.0).contains(&said.confidence) {
            return Err(format!("its confidence is below {LEAST_CONFIDENCE}: it does not count"));
        }
        if words(&said.why).is_empty() {
            return Err("it gives no reason".to_owned());
        }
        let quote = said.quote.trim();
        let span = text.text.find(quote).filter(|_| !phrase(quote).is_empty());
        let span = span.ok_or_else(|| format!("'{}' does not stand in the text of {id}", words(quote)))?;
        let target = self.find(&said.part).ok_or_else(|| self.unknown(&said.part))?;
        let line = self.line(work, target)?;
        let name = |place: usize| work.out.components.get(place).map_or("", |c| c.id.as_str());
        let own = owners.get(&requirement).ok_or_else(|| {
            format!("nobody can read {id} yet: give a reading of it, and allocate it by that")
        })?;
        if own.iter().any(|place| Place::There(*place) == target) {
            return Err(ALREADY.to_owned());
        }
        let from = own.iter().copied().find(|place| line.contains(&Place::There(*place)));
        let from = from.ok_or_else(|| {
            let all: Vec<&str> = own.iter().map(|place| name(*place)).collect();
            format!("the rules found {id} to belong to {}: only a part of that can take it", all.join(", "))
        })?;
        let shared = bounds(text).find(|quantity| {
            let property = quantity.property.as_deref().map(|property| canonical_property(property).0);
            property.is_some_and(|property| constraints::is_additive(&property))
        });
        if let Some(quantity) = shared {
            let property = quantity.property.as_deref().unwrap_or_default();
            return Err(format!(
                "it bounds the {property} of the whole {}: share it out as a budget",
                name(from)
            ));
        }
        Ok(Accepted { at, said, requirement, target, from, span: (span, span + quote.len()) })
    }

    /// Builds the parts that an accepted allocation reaches, parents first: suggestion → component.
    fn build(&mut self, work: &mut Work<'_>, accepted: &[Accepted<'_>]) -> BTreeMap<usize, usize> {
        let mut sources: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        let mut lines: BTreeMap<usize, usize> = BTreeMap::new();
        for found in accepted {
            let line = self.line(work, found.target).unwrap_or_default();
            for (height, place) in line.iter().enumerate() {
                if let Place::New(at) = place {
                    sources.entry(*at).or_default().insert(found.said.requirement.trim().to_owned());
                    lines.insert(*at, line.len() - height);
                }
            }
        }
        let mut order: Vec<(usize, usize)> = lines.into_iter().map(|(at, depth)| (depth, at)).collect();
        order.sort_unstable();
        let mut made: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, at) in order {
            let Some(Suggestion { by, item: item @ Item::Part(part) }) = self.suggestions.get(at) else {
                continue;
            };
            let parent = match self.parents.get(&at) {
                Some(Place::There(place)) => Some(*place),
                Some(Place::New(parent)) => made.get(parent).copied(),
                None => None,
            };
            let origin = Origin {
                rule: by.clone(),
                sources: sources.remove(&at).unwrap_or_default().into_iter().take(MAX_SOURCES).collect(),
                span: None,
                confidence: item.confidence(),
                assumed: true,
            };
            let description = part.description.as_deref().map(words).filter(|text| !text.is_empty());
            let component = work.component(part.name.trim(), parent, description.as_deref(), origin);
            made.insert(at, component);
        }
        let idle: Vec<usize> = self.parents.keys().copied().filter(|at| !made.contains_key(at)).collect();
        for at in idle {
            self.refuse(at, "no requirement that counts is allocated to it or to its parts");
        }
        made
    }

    /// Functions of parts that answer for their requirements: (component, requirement) → function.
    fn functions(
        &mut self,
        work: &mut Work<'_>,
        accepted: &[Accepted<'_>],
        made: &BTreeMap<usize, usize>,
    ) -> BTreeMap<(usize, usize), usize> {
        let mut owned: BTreeSet<(usize, usize)> =
            work.allocations.iter().map(|a| (a.component, a.requirement)).collect();
        for found in accepted {
            owned.remove(&(found.from, found.requirement));
        }
        let kept = owned.clone();
        owned.extend(
            accepted.iter().filter_map(|found| Some((component(found.target, made)?, found.requirement))),
        );
        let mut names: BTreeSet<(String, String)> =
            work.out.functions.iter().map(|f| (f.component.clone(), phrase(&f.name))).collect();
        let mut found = BTreeMap::new();
        let suggestions = self.suggestions;
        for (at, suggestion) in suggestions.iter().enumerate() {
            let Item::Function(function) = &suggestion.item else { continue };
            let place = self.built(&function.part, made).and_then(|place| {
                let all = self.requirements(&function.requirements)?;
                let own: Vec<usize> = all.into_iter().filter(|r| owned.contains(&(place, *r))).collect();
                let orphan =
                    || "none of its requirements is allocated to its part: nobody asks for it".to_owned();
                let name = named(&function.name)?;
                let id = work.out.components.get(place).map(|c| c.id.clone()).unwrap_or_default();
                if own.is_empty() {
                    return Err(orphan());
                }
                if !names.insert((id, phrase(name))) {
                    return Err("its part has a function of this name already".to_owned());
                }
                Ok((place, own, name))
            });
            let (place, own, name) = match place {
                Ok(found) => found,
                Err(why) => {
                    self.refuse(at, why);
                    continue;
                }
            };
            let id = |r: &usize| work.out.requirements.get(*r).map(|r| r.id.clone());
            let origin = Origin {
                rule: suggestion.by.clone(),
                sources: own.iter().filter_map(id).take(MAX_SOURCES).collect(),
                span: None,
                confidence: suggestion.item.confidence(),
                assumed: true,
            };
            let function = work.function(place, name, origin.clone());
            for requirement in own {
                found.entry((place, requirement)).or_insert(function);
                if kept.contains(&(place, requirement)) {
                    work.heard.satisfied.push((requirement, function, origin.clone()));
                }
            }
        }
        found
    }

    fn interfaces(&mut self, work: &mut Work<'_>, made: &BTreeMap<usize, usize>) {
        let mut known: BTreeSet<(String, String, String)> = work
            .out
            .interfaces
            .iter()
            .map(|flow| (flow.source.clone(), flow.target.clone(), phrase(&flow.item)))
            .collect();
        let suggestions = self.suggestions;
        for (at, suggestion) in suggestions.iter().enumerate() {
            let Item::Interface(flow) = &suggestion.item else { continue };
            let checked = self.interface(flow, made).and_then(|(source, target)| {
                let end = |place: usize| work.out.components.get(place).cloned().unwrap_or_default();
                let (source, target) = (end(source), end(target));
                let item = named(&flow.item)?.to_owned();
                if !known.insert((source.id.clone(), target.id.clone(), phrase(&item))) {
                    return Err(ALREADY.to_owned());
                }
                Ok((source, target, item))
            });
            let (source, target, item) = match checked {
                Ok(ends) => ends,
                Err(why) => {
                    self.refuse(at, why);
                    continue;
                }
            };
            let id = work.ids.give("I-", &format!("{} {} {item}", source.name, target.name));
            work.out.interfaces.push(Interface {
                id,
                name: format!("{} to {}: {item}", source.name, target.name),
                source: source.id,
                target: target.id,
                item,
                direction: if flow.both { "both" } else { "out" }.to_owned(),
                unit: flow.unit.as_deref().and_then(units::find).map(|unit| unit.symbol().to_owned()),
                origin: Origin {
                    rule: suggestion.by.clone(),
                    sources: flow
                        .requirements
                        .iter()
                        .map(|id| id.trim().to_owned())
                        .take(MAX_SOURCES)
                        .collect(),
                    span: None,
                    confidence: suggestion.item.confidence(),
                    assumed: true,
                },
            });
        }
    }

    fn interface(
        &self,
        flow: &suggestion::Interface,
        made: &BTreeMap<usize, usize>,
    ) -> Result<(usize, usize), String> {
        self.requirements(&flow.requirements)?;
        let (source, target) = (self.built(&flow.source, made)?, self.built(&flow.target, made)?);
        if source == target {
            return Err("both ends are the same part".to_owned());
        }
        match flow.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty()) {
            Some(unit) if units::find(unit).is_none() => Err(format!(
                "the unit '{}' is not known: use a symbol such as W, kg or m/s, or null",
                words(unit)
            )),
            _ => Ok((source, target)),
        }
    }

    fn budgets(&mut self, work: &mut Work<'_>, made: &BTreeMap<usize, usize>) {
        let suggestions = self.suggestions;
        for (at, suggestion) in suggestions.iter().enumerate() {
            let Item::Budget(budget) = &suggestion.item else { continue };
            let checked = self.budget(work, budget, made).and_then(|(part, shares, si_unit)| {
                let key = (part, property_of(budget));
                if work.heard.wanted.contains_key(&key) {
                    return Err("this budget is shared out twice".to_owned());
                }
                work.heard
                    .wanted
                    .insert(key, Wanted { at, by: suggestion.by.clone(), si_unit, shares, held: false });
                Ok(())
            });
            if let Err(why) = checked {
                self.refuse(at, why);
            }
        }
    }

    fn budget(
        &self,
        work: &Work<'_>,
        budget: &suggestion::Budget,
        made: &BTreeMap<usize, usize>,
    ) -> Result<(String, BTreeMap<String, f64>, String), String> {
        self.requirements(&budget.requirements)?;
        let id = |place: usize| work.out.components.get(place).map(|c| c.id.clone()).unwrap_or_default();
        let part = id(self.built(&budget.part, made)?);
        let unit = units::find(budget.unit.trim());
        let unit = unit.ok_or_else(|| format!("the unit '{}' is not known", words(&budget.unit)))?;
        if !constraints::is_additive(&property_of(budget)) {
            return Err(format!("{} does not add up over parts: it has no budget", words(&budget.property)));
        }
        let mut shares = BTreeMap::new();
        for share in &budget.shares {
            let value = unit.si_value(share.value);
            if !(value.is_finite() && value > 0.0) {
                return Err(format!("the share of '{}' is no number above 0", words(&share.part)));
            }
            if shares.insert(id(self.built(&share.part, made)?), value).is_some() {
                return Err(format!("'{}' has two shares", words(&share.part)));
            }
        }
        if shares.is_empty() {
            return Err("it has no shares".to_owned());
        }
        Ok((part, shares, unit.si.to_owned()))
    }
}

fn component(place: Place, made: &BTreeMap<usize, usize>) -> Option<usize> {
    match place {
        Place::There(place) => Some(place),
        Place::New(at) => made.get(&at).copied(),
    }
}

/// Gives requirements to the parts below that answer for them now; what they did above goes with them.
fn move_requirements(
    work: &mut Work<'_>,
    accepted: &[Accepted<'_>],
    made: &BTreeMap<usize, usize>,
    functions: &BTreeMap<(usize, usize), usize>,
    suggestions: &[Suggestion],
) {
    for found in accepted {
        let Some(target) = component(found.target, made) else { continue };
        let held = work
            .allocations
            .iter()
            .position(|held| held.requirement == found.requirement && held.component == found.from);
        let former = held.map(|place| work.allocations.remove(place)).and_then(|held| held.function);
        let own = former.filter(|function| is_own(work, *function, found.requirement));
        let function = match (functions.get(&(target, found.requirement)), own) {
            (Some(function), own) => {
                if let Some(own) = own {
                    drop_function(work, own);
                }
                *function
            }
            (None, Some(own)) => rehome(work, own, target),
            (None, None) => subjects::function_for(work, target, found.requirement),
        };
        let by = suggestions.get(found.at).map(|suggestion| suggestion.by.clone()).unwrap_or_default();
        work.allocations.push(Allocation {
            requirement: found.requirement,
            component: target,
            function: Some(function),
            why: reason(work, found),
            rule: by,
            confidence: found.said.confidence,
            span: Some(found.span),
        });
    }
}

/// Whether a function is there for this requirement alone; otherwise it forgets it.
fn is_own(work: &mut Work<'_>, function: usize, requirement: usize) -> bool {
    let id = work.out.requirements.get(requirement).map(|r| r.id.clone()).unwrap_or_default();
    let Some(function) = work.out.functions.get_mut(function) else { return false };
    let by_verb = function.origin.rule == "rule:verb-of-requirement";
    if by_verb && function.origin.sources == [id.clone()] {
        return true;
    }
    function.origin.sources.retain(|source| *source != id);
    function.origin.assumed |= function.origin.sources.is_empty();
    false
}

/// A function that nothing asks for any more goes when all links are made; until then places stay what they are.
fn drop_function(work: &mut Work<'_>, function: usize) {
    work.by_response.retain(|_, place| *place != function);
    let id = work.out.functions.get(function).map(|f| f.id.clone());
    work.heard.gone.extend(id);
}

/// Brings a function to another part.
fn rehome(work: &mut Work<'_>, function: usize, target: usize) -> usize {
    let name = work.out.functions.get(function).map(|f| f.name.clone()).unwrap_or_default();
    if let Some(&other) = work.by_response.get(&(target, name.clone())) {
        // The part does that already; one function serves both.
        let sources = work.out.functions.get(function).map(|f| f.origin.sources.clone()).unwrap_or_default();
        if let Some(other) = work.out.functions.get_mut(other) {
            other.origin.sources.extend(sources);
        }
        drop_function(work, function);
        return other;
    }
    work.by_response.retain(|_, place| *place != function);
    work.by_response.insert((target, name), function);
    let id = work.out.components.get(target).map(|c| c.id.clone()).unwrap_or_default();
    if let Some(function) = work.out.functions.get_mut(function) {
        function.component = id;
    }
    function
}

/// Why, and which other parts were thought of.
fn reason(work: &Work<'_>, found: &Accepted<'_>) -> String {
    let mut why = words(&found.said.why);
    let known = |said: &str| {
        let of = |c: &&ontology::model::Component| c.id == said.trim() || phrase(&c.name) == phrase(said);
        work.out.components.iter().find(of).map(|c| c.name.clone())
    };
    let others: Vec<String> = found
        .said
        .alternatives
        .iter()
        .take(MAX_ALLOCATIONS)
        .filter_map(|other| Some(format!("{} ({})", known(&other.part)?, words(&other.why_not))))
        .collect();
    if !others.is_empty() {
        why.push_str(&format!("; instead of {}", others.join(", ")));
    }
    why
}
