//! Compiles a shapes graph. Whatever of SHACL is not checked here is refused: a shape that silently checks nothing is
//! worse than none.

use std::collections::{BTreeMap, BTreeSet};

use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::vocab::{rdf, rdfs};
use oxigraph::model::{
    BlankNode, Graph, Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef,
    Triple,
};
use regex::RegexBuilder;

use super::shape::{Constraint, NodeKind, Path, Severity, Shape, ShapeRef, Side, Target};
use crate::Error;
use crate::turtle::check_size;

pub(super) const SH: &str = "http://www.w3.org/ns/shacl#";
/// Most shapes in one graph.
const MAX_SHAPES: usize = 10_000;
/// Deepest nesting of shapes in shapes, and of paths.
const MAX_DEPTH: usize = 32;
/// Longest list.
const MAX_LIST: usize = 10_000;
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

/// What was compiled.
pub(super) struct Compiled {
    pub(super) shapes: Vec<Shape>,
    /// Subclasses of each class, itself among them, through any number of steps.
    pub(super) subclasses: BTreeMap<NamedNode, BTreeSet<NamedNode>>,
}

/// Reads and compiles shapes in Turtle.
pub(super) fn compile(text: &str, vocabulary: &str) -> Result<Compiled, Error> {
    let graph = parse(text)?;
    let mut classes = parse(vocabulary)?;
    classes.extend(graph.iter().filter(|triple| triple.predicate == rdfs::SUB_CLASS_OF));
    let mut reader = Reader { graph: &graph, shapes: Vec::new(), places: BTreeMap::new(), open: Vec::new() };
    for root in reader.roots() {
        reader.shape(&root)?;
    }
    let shapes = reader.shapes.into_iter().flatten().collect();
    Ok(Compiled { shapes, subclasses: subclasses(&classes) })
}

fn parse(text: &str) -> Result<Graph, Error> {
    check_size(text)?;
    let parser = RdfParser::from_format(RdfFormat::Turtle)
        .with_base_iri(crate::model::NAMESPACE)
        .map_err(|error| Error::Invalid(format!("base iri: {error}")))?;
    let mut graph = Graph::new();
    let mut names = BTreeMap::new();
    for quad in parser.for_slice(text.as_bytes()) {
        let quad =
            quad.map_err(|error| Error::Invalid(format!("the shapes are not valid turtle: {error}")))?;
        let subject = match quad.subject {
            NamedOrBlankNode::BlankNode(node) => numbered(&node, &mut names).into(),
            subject @ NamedOrBlankNode::NamedNode(_) => subject,
        };
        let object = match quad.object {
            Term::BlankNode(node) => numbered(&node, &mut names).into(),
            object => object,
        };
        graph.insert(&Triple::new(subject, quad.predicate, object));
    }
    Ok(graph)
}

/// Blank nodes are numbered as they come, so that the same text gives the same report.
fn numbered(node: &BlankNode, names: &mut BTreeMap<String, usize>) -> BlankNode {
    let next = names.len() + 1;
    let number = names.entry(node.as_str().to_owned()).or_insert(next);
    BlankNode::new_unchecked(format!("b{number}"))
}

fn subclasses(graph: &Graph) -> BTreeMap<NamedNode, BTreeSet<NamedNode>> {
    let mut found: BTreeMap<NamedNode, BTreeSet<NamedNode>> = BTreeMap::new();
    for triple in graph.triples_for_predicate(rdfs::SUB_CLASS_OF) {
        let (NamedOrBlankNodeRef::NamedNode(start), TermRef::NamedNode(_)) = (triple.subject, triple.object)
        else {
            continue;
        };
        let (mut agenda, mut seen) = (vec![start.into_owned()], BTreeSet::new());
        while let Some(class) = agenda.pop() {
            if seen.insert(class.clone()) {
                let above = graph.objects_for_subject_predicate(&class, rdfs::SUB_CLASS_OF);
                agenda.extend(above.filter_map(|term| match term {
                    TermRef::NamedNode(node) => Some(node.into_owned()),
                    _ => None,
                }));
                found.entry(class).or_default().insert(start.into_owned());
            }
        }
    }
    found
}

fn sh(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{SH}{name}"))
}

/// A shape, path or list in words.
fn shown(term: &NamedOrBlankNode) -> String {
    match term {
        NamedOrBlankNode::NamedNode(node) => node.to_string(),
        NamedOrBlankNode::BlankNode(_) => "a shape without a name".to_owned(),
    }
}

fn as_node(term: TermRef<'_>) -> Option<NamedOrBlankNode> {
    match term {
        TermRef::NamedNode(node) => Some(node.into_owned().into()),
        TermRef::BlankNode(node) => Some(node.into_owned().into()),
        TermRef::Literal(_) => None,
    }
}

struct Reader<'a> {
    graph: &'a Graph,
    /// `None` while a shape is being read.
    shapes: Vec<Option<Shape>>,
    places: BTreeMap<String, ShapeRef>,
    open: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Everything that is a shape by its type or by a target.
    fn roots(&self) -> Vec<NamedOrBlankNode> {
        let types = ["NodeShape", "PropertyShape"].map(sh);
        let typed = types.iter().flat_map(|class| self.graph.subjects_for_predicate_object(rdf::TYPE, class));
        let targets = ["targetNode", "targetClass", "targetSubjectsOf", "targetObjectsOf"].map(sh);
        let aimed =
            targets.iter().flat_map(|at| self.graph.triples_for_predicate(at).map(|triple| triple.subject));
        let mut roots: Vec<NamedOrBlankNode> =
            typed.chain(aimed).map(NamedOrBlankNodeRef::into_owned).collect();
        roots.sort_by_key(ToString::to_string);
        roots.dedup();
        roots
    }

    fn objects(&self, at: &NamedOrBlankNode, name: &str) -> Vec<Term> {
        let predicate = sh(name);
        let found = self.graph.objects_for_subject_predicate(at, &predicate);
        let mut found: Vec<Term> = found.map(TermRef::into_owned).collect();
        found.sort_by_key(ToString::to_string);
        found
    }

    fn shape(&mut self, at: &NamedOrBlankNode) -> Result<ShapeRef, Error> {
        let key = at.to_string();
        if self.open.contains(&key) {
            return Err(refused(
                at,
                "refers to itself: SHACL leaves open what that means, and it is not checked",
            ));
        }
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        if self.open.len() >= MAX_DEPTH || self.shapes.len() >= MAX_SHAPES {
            let detail = format!("{} shapes, {} deep", self.shapes.len(), self.open.len());
            return Err(Error::Limit { limit: "MAX_SHAPES", detail });
        }
        let place = self.shapes.len();
        self.shapes.push(None);
        self.places.insert(key.clone(), place);
        self.open.push(key);
        let shape = Builder { reader: self, at }.build()?;
        self.open.pop();
        if let Some(slot) = self.shapes.get_mut(place) {
            *slot = Some(shape);
        }
        Ok(place)
    }

    fn list(&self, of: &NamedOrBlankNode, head: TermRef<'_>) -> Result<Vec<Term>, Error> {
        let broken = || refused(of, "has a list that does not end in rdf:nil");
        let (mut at, mut found) = (as_node(head).ok_or_else(broken)?, Vec::new());
        while at != NamedOrBlankNode::from(rdf::NIL.into_owned()) {
            if found.len() >= MAX_LIST {
                return Err(broken());
            }
            let first = self.graph.object_for_subject_predicate(&at, rdf::FIRST).ok_or_else(broken)?;
            found.push(first.into_owned());
            let rest = self.graph.object_for_subject_predicate(&at, rdf::REST).ok_or_else(broken)?;
            at = as_node(rest).ok_or_else(broken)?;
        }
        Ok(found)
    }

    fn path(&self, of: &NamedOrBlankNode, term: TermRef<'_>, depth: usize) -> Result<Path, Error> {
        if depth > MAX_DEPTH {
            return Err(refused(of, "has a path that is nested too deep"));
        }
        let at = match term {
            TermRef::NamedNode(node) => return Ok(Path::Predicate(node.into_owned())),
            TermRef::BlankNode(node) => NamedOrBlankNode::from(node.into_owned()),
            TermRef::Literal(_) => return Err(refused(of, "has a literal for a path")),
        };
        if self.graph.object_for_subject_predicate(&at, rdf::FIRST).is_some() {
            let parts = self.list(of, term)?;
            let parts =
                parts.iter().map(|part| self.path(of, part.as_ref(), depth + 1)).collect::<Result<_, _>>()?;
            return Ok(Path::Sequence(parts));
        }
        let one = |name: &str| self.graph.object_for_subject_predicate(&at, &sh(name));
        if let Some(inner) = one("inversePath") {
            return Ok(Path::Inverse(Box::new(self.path(of, inner, depth + 1)?)));
        }
        if let Some(ways) = one("alternativePath") {
            let ways = self.list(of, ways)?;
            let ways =
                ways.iter().map(|way| self.path(of, way.as_ref(), depth + 1)).collect::<Result<_, _>>()?;
            return Ok(Path::Alternative(ways));
        }
        for (name, least, many) in
            [("zeroOrMorePath", 0, true), ("oneOrMorePath", 1, true), ("zeroOrOnePath", 0, false)]
        {
            if let Some(inner) = one(name) {
                let path = Box::new(self.path(of, inner, depth + 1)?);
                return Ok(Path::Repeated { path, least, many });
            }
        }
        Err(refused(of, "has a path that is none of SHACL's"))
    }
}

fn refused(at: &NamedOrBlankNode, why: &str) -> Error {
    Error::Invalid(format!("{} {why}", shown(at)))
}

/// Reads one shape.
struct Builder<'r, 'a, 'n> {
    reader: &'r mut Reader<'a>,
    at: &'n NamedOrBlankNode,
}

impl Builder<'_, '_, '_> {
    fn build(mut self) -> Result<Shape, Error> {
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
