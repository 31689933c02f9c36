//! Compiles a shapes graph. Whatever of SHACL is not checked here is refused: a shape that silently checks nothing is
//! worse than none.

mod one;

use std::collections::{BTreeMap, BTreeSet};

use one::Builder;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::vocab::{rdf, rdfs};
use oxigraph::model::{
    BlankNode, Graph, NamedNode, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef, Triple,
};

use super::shape::{Path, Shape, ShapeRef};
use crate::Error;
use crate::turtle::check_size;

pub(super) const SH: &str = "http://www.w3.org/ns/shacl#";
/// Most shapes in one graph.
const MAX_SHAPES: usize = 10_000;
/// Deepest nesting of shapes in shapes, and of paths.
const MAX_DEPTH: usize = 32;
/// Longest list.
const MAX_LIST: usize = 10_000;

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
