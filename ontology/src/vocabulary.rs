//! The terms of the ProcOS ontology as constants; their meaning and alignments stand in `vocabulary.ttl`.

use oxigraph::io::{RdfFormat, RdfParser};

use crate::{Error, GraphFormat};

/// The ontology itself, in Turtle.
pub const VOCABULARY: &str = include_str!("vocabulary.ttl");

/// Terms of SysML v2, IMCE, P-Plan and BBO that come near to ours (`skos:closeMatch`), in Turtle.
pub const ALIGNMENT: &str = include_str!("alignment.ttl");

/// A text of ours in Turtle, written in another form.
///
/// # Errors
/// [`Error::Invalid`] for a text that is no Turtle, [`Error::Store`] where it cannot be written.
pub fn written(turtle: &str, format: GraphFormat) -> Result<String, Error> {
    if format == GraphFormat::Turtle {
        return Ok(turtle.to_owned());
    }
    let failed = |error: std::io::Error| Error::Store(error.to_string());
    let mut writer = format.serializer()?.for_writer(Vec::new());
    for quad in RdfParser::from_format(RdfFormat::Turtle).for_slice(turtle.as_bytes()) {
        let quad = quad.map_err(|error| Error::Invalid(error.to_string()))?;
        writer.serialize_quad(&quad).map_err(failed)?;
    }
    String::from_utf8(writer.finish().map_err(failed)?).map_err(|error| Error::Store(error.to_string()))
}

macro_rules! terms {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(
            #[doc = concat!("`procos:", $name, "`")]
            pub const $constant: &str = concat!("https://w3id.org/procos/ontology#", $name);
        )+
        /// All terms, in the order of the file.
        pub const ALL: &[&str] = &[$($constant),+];
    };
}

terms! {
    SYSTEM = "System",
    REQUIREMENT = "Requirement",
    COMPONENT = "Component",
    FUNCTION = "Function",
    PROCESS = "Process",
    INTERFACE = "Interface",
    CONSTRAINT = "Constraint",
    TRACE_LINK = "TraceLink",
    FINDING = "Finding",
    PROCESS_RUN = "ProcessRun",
    REFERENCE_ARCHITECTURE = "ReferenceArchitecture",
    REFERENCE_COMPONENT = "ReferenceComponent",
    REFERENCE_FUNCTION = "ReferenceFunction",
    REFERENCE_INTERFACE = "ReferenceInterface",
    PART_OF = "partOf",
    OF_SYSTEM = "ofSystem",
    IMPACTED_BY = "impactedBy",
    ALLOCATED_TO = "allocatedTo",
    SATISFIED_BY = "satisfiedBy",
    REFINES = "refines",
    PERFORMS = "performs",
    REALISED_BY = "realisedBy",
    VERIFIED_BY = "verifiedBy",
    CONFLICTS_WITH = "conflictsWith",
    CONSTRAINED_BY = "constrainedBy",
    EXECUTES = "executes",
    LINK_SOURCE = "linkSource",
    LINK_TARGET = "linkTarget",
    LINK_KIND = "linkKind",
    RATIONALE = "rationale",
    GROUP = "group",
    KIND = "kind",
    PATTERN = "pattern",
    SUBJECT = "subject",
    CONDITION = "condition",
    RESPONSE = "response",
    VERIFICATION = "verification",
    CRITERION = "criterion",
    UNALLOCATED_REASON = "unallocatedReason",
    LINE = "line",
    PARENT = "parent",
    ATTRIBUTE = "attribute",
    SPAN_START = "spanStart",
    SPAN_END = "spanEnd",
    HAS_FINDING = "hasFinding",
    QUANTITY = "quantity",
    PROPERTY = "property",
    COMPARATOR = "comparator",
    UPPER_VALUE = "upperValue",
    SI_VALUE = "siValue",
    SI_UPPER_VALUE = "siUpperValue",
    SI_UNIT = "siUnit",
    UNIT_TEXT = "unitText",
    PROCESS_ID = "processId",
    DEFINITION = "definition",
    ELEMENT = "element",
    INTERFACE_SOURCE = "interfaceSource",
    INTERFACE_TARGET = "interfaceTarget",
    ITEM = "item",
    DIRECTION = "direction",
    UNIT = "unit",
    CONSTRAINS = "constrains",
    BUDGET_PART = "budgetPart",
    TAKEN_BY = "takenBy",
    FIRST_SOURCE = "firstSource",
    RULE = "rule",
    CONFIDENCE = "confidence",
    ASSUMED = "assumed",
    INSTANCE = "instance",
    STATE = "state",
    SCORE = "score",
    LOW = "low",
    HIGH = "high",
    ATTEMPTS = "attempts",
    SUCCESSES = "successes",
    KEYWORD = "keyword",
    WEAK_KEYWORD = "weakKeyword",
    THRESHOLD = "threshold",
    ESSENTIAL = "essential",
    BUDGET_SHARE = "budgetShare",
    HAS_COMPONENT = "hasComponent",
    HAS_INTERFACE = "hasInterface",
    STEP = "step",
}

/// Terms of other vocabularies that triples are written with.
pub mod foreign {
    /// `rdf:type`
    pub const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
    /// `rdfs:label`
    pub const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";
    /// `rdfs:comment`
    pub const COMMENT: &str = "http://www.w3.org/2000/01/rdf-schema#comment";
    /// `rdf:value`
    pub const RDF_VALUE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#value";
    /// `dcterms:identifier`
    pub const IDENTIFIER: &str = "http://purl.org/dc/terms/identifier";
    /// `dcterms:description`
    pub const DESCRIPTION: &str = "http://purl.org/dc/terms/description";
    /// `prov:wasDerivedFrom`
    pub const WAS_DERIVED_FROM: &str = "http://www.w3.org/ns/prov#wasDerivedFrom";
    /// `prov:hadPlan`
    pub const HAD_PLAN: &str = "http://www.w3.org/ns/prov#hadPlan";
    /// `prov:Activity`
    pub const ACTIVITY: &str = "http://www.w3.org/ns/prov#Activity";
    /// `prov:startedAtTime`
    pub const STARTED_AT: &str = "http://www.w3.org/ns/prov#startedAtTime";
    /// `prov:endedAtTime`
    pub const ENDED_AT: &str = "http://www.w3.org/ns/prov#endedAtTime";
    /// `prov:wasGeneratedBy`
    pub const WAS_GENERATED_BY: &str = "http://www.w3.org/ns/prov#wasGeneratedBy";
    /// `dqv:QualityMeasurement`
    pub const QUALITY_MEASUREMENT: &str = "http://www.w3.org/ns/dqv#QualityMeasurement";
    /// `dqv:isMeasurementOf`
    pub const IS_MEASUREMENT_OF: &str = "http://www.w3.org/ns/dqv#isMeasurementOf";
    /// `dqv:computedOn`
    pub const COMPUTED_ON: &str = "http://www.w3.org/ns/dqv#computedOn";
    /// `dqv:value`
    pub const VALUE: &str = "http://www.w3.org/ns/dqv#value";
    /// `qudt:QuantityValue`
    pub const QUANTITY_VALUE: &str = "http://qudt.org/schema/qudt/QuantityValue";
    /// `qudt:numericValue`
    pub const NUMERIC_VALUE: &str = "http://qudt.org/schema/qudt/numericValue";
    /// `qudt:hasUnit`
    pub const HAS_UNIT: &str = "http://qudt.org/schema/qudt/hasUnit";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::NAMESPACE;

    #[test]
    fn constants_and_file_name_the_same_terms() {
        let defined: BTreeSet<String> = crate::turtle::read(VOCABULARY)
            .unwrap()
            .iter()
            .map(|triple| triple.subject.to_string())
            .filter(|subject| subject.starts_with(NAMESPACE))
            .collect();
        let constants: BTreeSet<String> = ALL.iter().map(|&term| term.to_owned()).collect();
        assert_eq!(defined, constants);
    }

    #[test]
    fn alignments_are_of_our_terms_and_infer_nothing() {
        let triples = crate::turtle::read(ALIGNMENT).unwrap();
        assert!(triples.len() > 20);
        for triple in triples {
            assert!(ALL.contains(&triple.subject.as_str()), "{}", triple.subject);
            assert_eq!(triple.predicate, "http://www.w3.org/2004/02/skos/core#closeMatch");
        }
    }

    #[test]
    fn the_vocabulary_says_the_same_in_every_form() {
        let count = crate::turtle::read(VOCABULARY).unwrap().len();
        let lines = written(VOCABULARY, GraphFormat::NTriples).unwrap();
        assert_eq!(lines.lines().count(), count);
        let json: serde_json::Value =
            serde_json::from_str(&written(VOCABULARY, GraphFormat::JsonLd).unwrap()).unwrap();
        assert!(json.to_string().contains("is asked of a system"));
    }

    #[test]
    fn every_term_has_a_label() {
        let triples = crate::turtle::read(VOCABULARY).unwrap();
        for term in ALL {
            assert!(triples.iter().any(|t| t.subject == *term && t.predicate == foreign::LABEL), "{term}");
        }
    }
}
