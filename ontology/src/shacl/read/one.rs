//! Reads one shape: targets, path, constraints.

use std::collections::BTreeSet;

use oxigraph::model::vocab::{rdf, rdfs};
use oxigraph::model::{
    Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef,
};
use regex::RegexBuilder;

use super::super::shape::{Constraint, NodeKind, Severity, Shape, ShapeRef, Side, Target};
use super::{Reader, SH, as_node, refused, sh};
use crate::Error;

/// Largest compiled regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// Terms that say something about a shape and check nothing.
const REMARKS: &[&str] =
    &["name", "description", "order", "group", "defaultValue", "flags", "ignoredProperties"];
/// Terms that are read.
const KNOWN: &[&str] = &[
    "path",
    "targetNode",
    "targetClass",
    "targetSubjectsOf",
    "targetObjectsOf",
    "severity",
    "message",
    "deactivated",
    "class",
    "datatype",
    "nodeKind",
    "minCount",
    "maxCount",
    "minExclusive",
    "minInclusive",
    "maxExclusive",
    "maxInclusive",
    "minLength",
    "maxLength",
    "pattern",
    "languageIn",
    "uniqueLang",
    "equals",
    "disjoint",
    "lessThan",
    "lessThanOrEquals",
    "not",
    "and",
    "or",
    "xone",
    "node",
    "property",
    "qualifiedValueShape",
    "qualifiedMinCount",
    "qualifiedMaxCount",
    "qualifiedValueShapesDisjoint",
    "closed",
    "hasValue",
    "in",
];
/// Terms whose objects are shapes, or lists of them.
const REFERENCES: &[&str] = &["property", "node", "not", "qualifiedValueShape"];
const LISTS_OF_SHAPES: &[&str] = &["and", "or", "xone"];

/// Reads one shape.
pub(super) struct Builder<'r, 'a, 'n> {
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) at: &'n NamedOrBlankNode,
}

impl Builder<'_, '_, '_> {
    pub(super) fn build(mut self) -> Result<Shape, Error> {
        self.refuse_unknown()?;
        let path_terms = self.objects("path");
        if path_terms.len() > 1 {
            return Err(self.refused("has more than one path"));
        }
        let path_term = path_terms.into_iter().next();
        let path = path_term.as_ref().map(|term| self.reader.path(self.at, term.as_ref(), 0)).transpose()?;
        let mut constraints = Vec::new();
        self.values(&mut constraints)?;
        self.texts(&mut constraints)?;
        self.counts(&mut constraints, path.is_some())?;
        self.pairs(&mut constraints, path.is_some())?;
        self.shapes(&mut constraints)?;
        self.closed(&mut constraints)?;
        Ok(Shape {
            name: Term::from(self.at.clone()),
            targets: self.targets()?,
            path,
            path_term,
            constraints,
            severity: self.severity()?,
            message: self.texts_of("message")?.into_iter().next(),
            deactivated: self.flag("deactivated")?,
        })
    }

    fn refused(&self, why: &str) -> Error {
        refused(self.at, why)
    }

    fn refuse_unknown(&self) -> Result<(), Error> {
        for triple in self.reader.graph.triples_for_subject(self.at) {
            if let Some(name) = triple.predicate.as_str().strip_prefix(SH)
                && !KNOWN.contains(&name)
                && !REMARKS.contains(&name)
            {
                return Err(self.refused(&format!(
                    "uses sh:{name}, which is not checked here: SHACL Core is; leave it out or say it in Core terms"
                )));
            }
        }
        Ok(())
    }

    fn objects(&self, name: &str) -> Vec<Term> {
        self.reader.objects(self.at, name)
    }

    fn iris(&self, name: &str) -> Result<Vec<NamedNode>, Error> {
        let iri = |term| match term {
            Term::NamedNode(node) => Ok(node),
            other => Err(self.refused(&format!("says sh:{name} {other}, where an IRI is wanted"))),
        };
        self.objects(name).into_iter().map(iri).collect()
    }

    fn literals(&self, name: &str) -> Result<Vec<Literal>, Error> {
        let literal = |term| match term {
            Term::Literal(literal) => Ok(literal),
            other => Err(self.refused(&format!("says sh:{name} {other}, where a literal is wanted"))),
        };
        self.objects(name).into_iter().map(literal).collect()
    }

    fn texts_of(&self, name: &str) -> Result<Vec<String>, Error> {
        Ok(self.literals(name)?.into_iter().map(|literal| literal.value().to_owned()).collect())
    }

    fn numbers(&self, name: &str) -> Result<Vec<u64>, Error> {
        let number = |text: String| {
            text.parse().map_err(|_| {
                self.refused(&format!("says sh:{name} {text:?}, where a whole number is wanted"))
            })
        };
        self.texts_of(name)?.into_iter().map(number).collect()
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        let found = self.texts_of(name)?;
        match found.first().map(String::as_str) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => {
                Err(self.refused(&format!("says sh:{name} {other:?}, where true or false is wanted")))
            }
        }
    }

    fn severity(&self) -> Result<Severity, Error> {
        match self.iris("severity")?.first().map(|iri| iri.as_str().to_owned()) {
            None => Ok(Severity::Violation),
            Some(iri) => [Severity::Info, Severity::Warning, Severity::Violation]
                .into_iter()
                .find(|severity| severity.term() == iri)
                .ok_or_else(|| {
                    self.refused(&format!("has the severity {iri}; sh:Info, sh:Warning, sh:Violation are"))
                }),
        }
    }

    fn targets(&self) -> Result<Vec<Target>, Error> {
        let mut targets: Vec<Target> = self.objects("targetNode").into_iter().map(Target::Node).collect();
        targets.extend(self.iris("targetClass")?.into_iter().map(Target::Class));
        targets.extend(self.iris("targetSubjectsOf")?.into_iter().map(Target::SubjectsOf));
        targets.extend(self.iris("targetObjectsOf")?.into_iter().map(Target::ObjectsOf));
        // A class that is a shape is its own target (§ 2.1.3.3).
        let is_class = [rdfs::CLASS, NamedNodeRef::new_unchecked("http://www.w3.org/2002/07/owl#Class")]
            .iter()
            .any(|class| {
                self.reader
                    .graph
                    .subjects_for_predicate_object(rdf::TYPE, *class)
                    .any(|s| s == self.at.as_ref())
            });
        if let (true, NamedOrBlankNode::NamedNode(class)) = (is_class, self.at) {
            targets.push(Target::Class(class.clone()));
        }
        Ok(targets)
    }

    fn values(&self, out: &mut Vec<Constraint>) -> Result<(), Error> {
        out.extend(self.iris("class")?.into_iter().map(Constraint::Class));
        out.extend(self.iris("datatype")?.into_iter().map(Constraint::Datatype));
        for kind in self.iris("nodeKind")? {
            let name = kind.as_str().strip_prefix(SH).unwrap_or_default();
            let is = |part: &str| name == part || name.split("Or").any(|word| word == part);
            let kind = NodeKind { iri: is("IRI"), blank: is("BlankNode"), literal: is("Literal") };
            if !(kind.iri || kind.blank || kind.literal) {
                return Err(self.refused(&format!("has the node kind {name:?}, which SHACL does not know")));
            }
            out.push(Constraint::NodeKind(kind));
        }
        let sides = [
            ("minExclusive", Side::Above),
            ("minInclusive", Side::AtLeast),
            ("maxExclusive", Side::Below),
            ("maxInclusive", Side::AtMost),
        ];
        for (name, side) in sides {
            out.extend(self.literals(name)?.into_iter().map(|bound| Constraint::Bound(side, bound)));
        }
        out.extend(self.objects("hasValue").into_iter().map(Constraint::HasValue));
        for list in self.objects("in") {
            out.push(Constraint::In(self.reader.list(self.at, list.as_ref())?));
        }
        Ok(())
    }

    fn texts(&self, out: &mut Vec<Constraint>) -> Result<(), Error> {
        out.extend(self.numbers("minLength")?.into_iter().map(Constraint::MinLength));
        out.extend(self.numbers("maxLength")?.into_iter().map(Constraint::MaxLength));
        let flags = self.texts_of("flags")?.concat();
        if let Some(flag) = flags.chars().find(|flag| !"ismx".contains(*flag)) {
            return Err(self.refused(&format!("has the flag {flag:?}; i, s, m and x are known")));
        }
        for pattern in self.texts_of("pattern")? {
            let regex = RegexBuilder::new(&pattern)
                .case_insensitive(flags.contains('i'))
                .dot_matches_new_line(flags.contains('s'))
                .multi_line(flags.contains('m'))
                .ignore_whitespace(flags.contains('x'))
                .size_limit(MAX_PATTERN_BYTES)
                .build()
                .map_err(|error| self.refused(&format!("has the pattern {pattern:?}: {error}")))?;
            out.push(Constraint::Pattern(regex));
        }
        for list in self.objects("languageIn") {
            let ranges = self.reader.list(self.at, list.as_ref())?;
            let ranges = ranges.iter().filter_map(|term| match term {
                Term::Literal(range) => Some(range.value().to_lowercase()),
                _ => None,
            });
            out.push(Constraint::LanguageIn(ranges.collect()));
        }
        if self.flag("uniqueLang")? {
            out.push(Constraint::UniqueLang);
        }
        Ok(())
    }

    fn counts(&self, out: &mut Vec<Constraint>, has_path: bool) -> Result<(), Error> {
        out.extend(self.numbers("minCount")?.into_iter().map(Constraint::MinCount));
        out.extend(self.numbers("maxCount")?.into_iter().map(Constraint::MaxCount));
        let counts = |it: &Constraint| {
            matches!(it, Constraint::MinCount(_) | Constraint::MaxCount(_) | Constraint::UniqueLang)
        };
        if !has_path && out.iter().any(counts) {
            return Err(self.refused("counts values without a path"));
        }
        Ok(())
    }

    fn pairs(&self, out: &mut Vec<Constraint>, has_path: bool) -> Result<(), Error> {
        out.extend(self.iris("equals")?.into_iter().map(Constraint::Equals));
        out.extend(self.iris("disjoint")?.into_iter().map(Constraint::Disjoint));
        for (name, or_equal) in [("lessThan", false), ("lessThanOrEquals", true)] {
            let others = self.iris(name)?;
            if !has_path && !others.is_empty() {
                return Err(self.refused(&format!("says sh:{name} without a path")));
            }
            out.extend(others.into_iter().map(|other| Constraint::LessThan(other, or_equal)));
        }
        Ok(())
    }

    fn shapes(&mut self, out: &mut Vec<Constraint>) -> Result<(), Error> {
        for name in REFERENCES {
            for term in self.objects(name) {
                let shape = self.shape_at(name, &term)?;
                match *name {
                    "property" => out.push(Constraint::Property(shape)),
                    "node" => out.push(Constraint::Node(shape)),
                    "not" => out.push(Constraint::Not(shape)),
                    _ => out.push(self.qualified(shape, &term)?),
                }
            }
        }
        for name in LISTS_OF_SHAPES {
            for list in self.objects(name) {
                let terms = self.reader.list(self.at, list.as_ref())?;
                let shapes = terms.iter().map(|term| self.shape_at(name, term)).collect::<Result<_, _>>()?;
                out.push(match *name {
                    "and" => Constraint::And(shapes),
                    "or" => Constraint::Or(shapes),
                    _ => Constraint::Xone(shapes),
                });
            }
        }
        Ok(())
    }

    fn shape_at(&mut self, name: &str, term: &Term) -> Result<ShapeRef, Error> {
        let Some(node) = as_node(term.as_ref()) else {
            return Err(self.refused(&format!("says sh:{name} {term}, where a shape is wanted")));
        };
        let shape = self.reader.shape(&node)?;
        let has_path = self.reader.graph.object_for_subject_predicate(&node, &sh("path")).is_some();
        if name == "property" && !has_path {
            return Err(self.refused("has a property shape without a path"));
        }
        Ok(shape)
    }

    fn qualified(&mut self, shape: ShapeRef, own: &Term) -> Result<Constraint, Error> {
        let least = self.numbers("qualifiedMinCount")?.first().copied().unwrap_or(0);
        let most = self.numbers("qualifiedMaxCount")?.first().copied();
        let mut apart_from = Vec::new();
        if self.flag("qualifiedValueShapesDisjoint")? {
            // Siblings: what other property shapes of the same parents count (§ 4.7.3).
            let property = sh("property");
            let parents = self.reader.graph.subjects_for_predicate_object(&property, self.at);
            let parents: Vec<NamedOrBlankNode> = parents.map(NamedOrBlankNodeRef::into_owned).collect();
            let beside = parents.iter().flat_map(|parent| self.reader.objects(parent, "property"));
            let beside = beside.filter_map(|shape| as_node(shape.as_ref()));
            let siblings = beside.flat_map(|shape| self.reader.objects(&shape, "qualifiedValueShape"));
            let siblings: Vec<Term> = siblings.filter(|sibling| sibling != own).collect();
            for sibling in siblings {
                apart_from.push(self.shape_at("qualifiedValueShape", &sibling)?);
            }
        }
        Ok(Constraint::Qualified { shape, least, most, apart_from })
    }

    fn closed(&self, out: &mut Vec<Constraint>) -> Result<(), Error> {
        if !self.flag("closed")? {
            return Ok(());
        }
        let graph = self.reader.graph;
        let properties = self.objects("property").into_iter().filter_map(|term| as_node(term.as_ref()));
        let mut allowed: BTreeSet<NamedNode> = properties
            .filter_map(|property| match graph.object_for_subject_predicate(&property, &sh("path")) {
                Some(TermRef::NamedNode(path)) => Some(path.into_owned()),
                _ => None,
            })
            .collect();
        for list in self.objects("ignoredProperties") {
            allowed.extend(self.reader.list(self.at, list.as_ref())?.into_iter().filter_map(
                |term| match term {
                    Term::NamedNode(node) => Some(node),
                    _ => None,
                },
            ));
        }
        out.push(Constraint::Closed(allowed));
        Ok(())
    }
}
