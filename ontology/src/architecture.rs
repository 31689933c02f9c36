//! Reads a reference architecture from Turtle: what systems of one kind usually consist of.

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;
use crate::turtle::{self, TextTriple};
use crate::vocabulary::{self as term, foreign};

/// A reference architecture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Architecture {
    /// Its name, e.g. `fixed-wing-aircraft`.
    pub name: String,
    /// In words.
    pub title: String,
    /// Weight of distinct keywords found that makes it match.
    pub threshold: f64,
    /// Words that speak for it: (words, weight).
    pub keywords: Vec<(String, f64)>,
    /// Its components, parents before their parts, in the order of the file; the first is the root.
    pub components: Vec<ReferenceComponent>,
    /// Its interfaces.
    pub interfaces: Vec<ReferenceInterface>,
}

/// A part that such systems usually have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceComponent {
    /// Its local name.
    pub id: String,
    /// Its name in words.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The component it is part of; `None` for the root.
    pub parent: Option<String>,
    /// Words that speak for it: (words, weight).
    pub keywords: Vec<(String, f64)>,
    /// Such a system cannot do without it.
    pub essential: bool,
    /// Usual share of its parent's budget by property, 0..=1.
    pub shares: BTreeMap<String, f64>,
    /// What it does.
    pub functions: Vec<ReferenceFunction>,
}

/// Something such a part usually does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceFunction {
    /// Its local name.
    pub id: String,
    /// Verb phrase.
    pub name: String,
    /// Words that speak for it: (words, weight).
    pub keywords: Vec<(String, f64)>,
    /// How it is usually shown: `test`, `analysis`, `inspection`, `demonstration`.
    pub verification: Option<String>,
    /// Steps by which it is usually shown, in order.
    pub steps: Vec<String>,
}

/// What usually flows between two such parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceInterface {
    /// Local name of the component at one end.
    pub source: String,
    /// Local name of the component at the other end.
    pub target: String,
    /// What flows.
    pub item: String,
    /// `out` or `both`.
    pub direction: String,
    /// Unit of what flows.
    pub unit: Option<String>,
}

const STRONG: f64 = 3.0;
const WEAK: f64 = 1.0;
/// Most components in a reference architecture.
const MAX_COMPONENTS: usize = 1_000;

struct Facts<'a> {
    by_subject: BTreeMap<&'a str, Vec<&'a TextTriple>>,
}

impl<'a> Facts<'a> {
    fn all(&self, subject: &str, predicate: &str) -> Vec<&'a str> {
        self.by_subject
            .get(subject)
            .into_iter()
            .flatten()
            .filter(|triple| triple.predicate == predicate)
            .map(|triple| triple.object.as_str())
            .collect()
    }

    fn one(&self, subject: &str, predicate: &str) -> Option<&'a str> {
        self.all(subject, predicate).first().copied()
    }

    fn keywords(&self, subject: &str) -> Vec<(String, f64)> {
        let strong = self.all(subject, term::KEYWORD).into_iter().map(|word| (word.to_owned(), STRONG));
        let weak = self.all(subject, term::WEAK_KEYWORD).into_iter().map(|word| (word.to_owned(), WEAK));
        strong.chain(weak).collect()
    }
}

fn local(iri: &str) -> String {
    iri.rsplit(['/', '#']).next().unwrap_or(iri).to_owned()
}

/// Reads a reference architecture.
///
/// # Errors
/// [`Error::Invalid`] naming what is missing or does not fit.
pub fn read(text: &str) -> Result<Architecture, Error> {
    let triples = turtle::read(text)?;
    let mut facts = Facts { by_subject: BTreeMap::new() };
    let mut root = None;
    for triple in &triples {
        facts.by_subject.entry(&triple.subject).or_default().push(triple);
        if triple.predicate == foreign::TYPE && triple.object == term::REFERENCE_ARCHITECTURE {
            root = Some(triple.subject.as_str());
        }
    }
    let missing = |what: &str| Error::Invalid(format!("the reference architecture has no {what}"));
    let root = root.ok_or_else(|| missing("procos:ReferenceArchitecture"))?;
    let mut components = Vec::new();
    for iri in facts.all(root, term::HAS_COMPONENT) {
        components.push(component(&facts, iri)?);
    }
    let interfaces = facts
        .all(root, term::HAS_INTERFACE)
        .into_iter()
        .map(|iri| interface(&facts, iri))
        .collect::<Result<Vec<_>, _>>()?;
    let architecture = Architecture {
        name: facts.one(root, foreign::IDENTIFIER).ok_or_else(|| missing("dcterms:identifier"))?.to_owned(),
        title: facts.one(root, foreign::LABEL).ok_or_else(|| missing("rdfs:label"))?.to_owned(),
        threshold: number(facts.one(root, term::THRESHOLD).unwrap_or("6"))?,
        keywords: facts.keywords(root),
        components: in_order(components)?,
        interfaces,
    };
    check(&architecture)?;
    Ok(architecture)
}

fn number(text: &str) -> Result<f64, Error> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| Error::Invalid(format!("{text} is not a number")))
}

fn component(facts: &Facts<'_>, iri: &str) -> Result<ReferenceComponent, Error> {
    let name = facts
        .one(iri, foreign::LABEL)
        .ok_or_else(|| Error::Invalid(format!("component {} has no rdfs:label", local(iri))))?;
    let mut shares = BTreeMap::new();
    for share in facts.all(iri, term::BUDGET_SHARE) {
        let (property, value) = share
            .split_once('=')
            .ok_or_else(|| Error::Invalid(format!("budget share {share} is not property=share")))?;
        shares.insert(property.trim().to_owned(), number(value.trim())?);
    }
    let mut functions = Vec::new();
    for function in facts.all(iri, term::PERFORMS) {
        let name = facts
            .one(function, foreign::LABEL)
            .ok_or_else(|| Error::Invalid(format!("function {} has no rdfs:label", local(function))))?;
        let mut steps = facts.all(function, term::STEP);
        steps.sort_by_key(|step| crate::index::natural_key(step));
        functions.push(ReferenceFunction {
            id: local(function),
            name: name.to_owned(),
            keywords: facts.keywords(function),
            verification: facts.one(function, term::VERIFICATION).map(str::to_owned),
            steps: steps
                .iter()
                .map(|step| step.split_once(' ').map_or(*step, |(_, words)| words).to_owned())
                .collect(),
        });
    }
    Ok(ReferenceComponent {
        id: local(iri),
        name: name.to_owned(),
        description: facts.one(iri, foreign::DESCRIPTION).map(str::to_owned),
        parent: facts.one(iri, term::PART_OF).map(local),
        keywords: facts.keywords(iri),
        essential: facts.one(iri, term::ESSENTIAL) == Some("true"),
        shares,
        functions,
    })
}

fn interface(facts: &Facts<'_>, iri: &str) -> Result<ReferenceInterface, Error> {
    let need = |predicate: &str| {
        facts.one(iri, predicate).ok_or_else(|| {
            Error::Invalid(format!("interface {} has no procos:{}", local(iri), local(predicate)))
        })
    };
    Ok(ReferenceInterface {
        source: local(need(term::INTERFACE_SOURCE)?),
        target: local(need(term::INTERFACE_TARGET)?),
        item: need(term::ITEM)?.to_owned(),
        direction: facts.one(iri, term::DIRECTION).unwrap_or("out").to_owned(),
        unit: facts.one(iri, term::UNIT).map(str::to_owned),
    })
}

/// Parents before their parts; otherwise the order of the file.
fn in_order(mut rest: Vec<ReferenceComponent>) -> Result<Vec<ReferenceComponent>, Error> {
    if rest.len() > MAX_COMPONENTS {
        return Err(Error::Limit { limit: "MAX_COMPONENTS", detail: format!("{} components", rest.len()) });
    }
    let mut done: Vec<ReferenceComponent> = Vec::new();
    let mut placed: BTreeSet<String> = BTreeSet::new();
    while !rest.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|c| c.parent.as_ref().is_none_or(|parent| placed.contains(parent)));
        if ready.is_empty() {
            let names: Vec<&str> = waiting.iter().map(|c| c.id.as_str()).collect();
            return Err(Error::Invalid(format!(
                "these components have no way to the root: {}",
                names.join(", ")
            )));
        }
        placed.extend(ready.iter().map(|c| c.id.clone()));
        done.extend(ready);
        rest = waiting;
    }
    Ok(done)
}

fn check(architecture: &Architecture) -> Result<(), Error> {
    if architecture.components.iter().filter(|c| c.parent.is_none()).count() != 1 {
        return Err(Error::Invalid("a reference architecture needs exactly one root component".to_owned()));
    }
    let ids: BTreeSet<&str> = architecture.components.iter().map(|c| c.id.as_str()).collect();
    for interface in &architecture.interfaces {
        for end in [&interface.source, &interface.target] {
            if !ids.contains(end.as_str()) {
                return Err(Error::Invalid(format!("an interface ends at {end}, which is no component")));
            }
        }
    }
    for component in &architecture.components {
        let leaf = architecture.components.iter().all(|c| c.parent.as_ref() != Some(&component.id));
        if leaf && component.functions.is_empty() {
            return Err(Error::Invalid(format!("component {} performs no function", component.id)));
        }
    }
    Ok(())
}
