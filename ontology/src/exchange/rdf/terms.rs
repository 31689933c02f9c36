//! The terms that are understood beside our own, and the links that properties stand for.

use crate::vocabulary::{self as term, foreign};

pub(super) const RM_REQUIREMENT: &str = "http://open-services.net/ns/rm#Requirement";
pub(super) const RM_COLLECTION: &str = "http://open-services.net/ns/rm#RequirementCollection";
pub(super) const RM_USES: &str = "http://open-services.net/ns/rm#uses";
pub(super) const AM_RESOURCE: &str = "http://open-services.net/ns/am#Resource";
pub(super) const SHORT_TITLE: &str = "http://open-services.net/ns/core#shortTitle";
pub(super) const TITLE: &str = "http://purl.org/dc/terms/title";
pub(super) const DC_TYPE: &str = "http://purl.org/dc/terms/type";

/// Types of what hangs on a node and is read with it.
pub(super) const PART_KINDS: &[&str] = &[foreign::QUANTITY_VALUE, term::FINDING, term::SYSTEM];

/// Properties that are computed, or said again elsewhere.
pub(super) const CREATED_BY_US: &[&str] = &[
    foreign::TYPE,
    foreign::IDENTIFIER,
    term::OF_SYSTEM,
    term::PERFORMS,
    term::EXECUTES,
    SHORT_TITLE,
    DC_TYPE,
];

/// A property that stands for a link between two nodes.
pub(super) struct Link {
    pub(super) predicate: &'static str,
    pub(super) kind: &'static str,
    /// Kinds of node at which it begins, and the kind at which it ends.
    pub(super) source: &'static [&'static str],
    pub(super) target: &'static str,
    /// Whether the property points from its end to its beginning.
    pub(super) inverse: bool,
    /// What the property is called, where our kind of link does not say it.
    pub(super) rationale: Option<&'static str>,
}

const REQUIREMENT: &[&str] = &["requirement"];

const fn link(
    predicate: &'static str,
    kind: &'static str,
    source: &'static [&'static str],
    target: &'static str,
) -> Link {
    Link { predicate, kind, source, target, inverse: false, rationale: None }
}

const fn related(predicate: &'static str, rationale: &'static str) -> Link {
    Link {
        predicate,
        kind: "relates_to",
        source: REQUIREMENT,
        target: "requirement",
        inverse: false,
        rationale: Some(rationale),
    }
}

const fn turned(predicate: &'static str, kind: &'static str) -> Link {
    Link { predicate, kind, source: REQUIREMENT, target: "requirement", inverse: true, rationale: None }
}

/// Our own properties and those of OSLC RM 2.1.
pub(super) const LINKS: &[Link] = &[
    link(term::ALLOCATED_TO, "allocated_to", REQUIREMENT, "component"),
    link(term::SATISFIED_BY, "satisfied_by", REQUIREMENT, "function"),
    link(term::REFINES, "refines", REQUIREMENT, "requirement"),
    link(term::PERFORMS, "performs", &["component"], "function"),
    link(term::REALISED_BY, "realised_by", &["function"], "process"),
    link(term::VERIFIED_BY, "verified_by", REQUIREMENT, "process"),
    link(term::CONFLICTS_WITH, "conflicts_with", REQUIREMENT, "requirement"),
    link(
        term::CONSTRAINED_BY,
        "constrained_by",
        &["requirement", "component", "function", "process", "interface"],
        "constraint",
    ),
    link("http://open-services.net/ns/rm#implementedBy", "allocated_to", REQUIREMENT, "component"),
    link("http://open-services.net/ns/rm#satisfiedBy", "satisfied_by", REQUIREMENT, "function"),
    link("http://open-services.net/ns/rm#validatedBy", "verified_by", REQUIREMENT, "process"),
    link("http://open-services.net/ns/rm#elaborates", "refines", REQUIREMENT, "requirement"),
    link("http://open-services.net/ns/rm#decomposes", "refines", REQUIREMENT, "requirement"),
    turned("http://open-services.net/ns/rm#elaboratedBy", "refines"),
    turned("http://open-services.net/ns/rm#decomposedBy", "refines"),
    related("http://open-services.net/ns/rm#specifies", "specifies"),
    related("http://open-services.net/ns/rm#specifiedBy", "specified by"),
    related("http://open-services.net/ns/rm#constrains", "constrains"),
    related("http://open-services.net/ns/rm#constrainedBy", "constrained by"),
    related("http://open-services.net/ns/rm#satisfies", "satisfies"),
    related("http://open-services.net/ns/rm#satisfiedBy", "satisfied by"),
];
