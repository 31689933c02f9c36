//! Checks of a graph by shapes: SHACL Core (W3C Recommendation of 20 July 2017), all of it, and nothing beyond it.
//!
//! | room | what it does |
//! | --- | --- |
//! | `read` | compiles a shapes graph; refuses what is not checked |
//! | `shape` | what was compiled |
//! | `check` | the constraints, by the definitions of the standard |
//! | `literal` | literals as values |
//! | `report` | results as a SHACL report, and in words |
//! | `system` | systems: the shapes they are held to, and only what a change could have broken |
//!
//! Shapes hold for the graph of one system and for the classes of our own vocabulary with their superclasses, so that a
//! shape about `oslc_rm:Requirement` finds our requirements. Regular expressions are those of the `regex` crate, which
//! take linear time: back references and look-around are refused.

mod check;
mod data;
mod literal;
mod read;
mod report;
mod shape;
mod system;

use std::collections::BTreeSet;

use oxigraph::model::NamedNode;
use oxigraph::store::Store;

pub use check::MAX_RESULTS;
pub use report::{Report, ShapeResult};
pub use shape::Severity;
pub use system::KeptShapes;
pub(crate) use system::check_change;

use crate::Error;
use crate::vocabulary::VOCABULARY;

/// The shapes of our own ontology: what every system must hold, and what is worth a look.
pub const SHAPES: &str = include_str!("shapes.ttl");

/// Shapes, compiled.
pub struct Shapes {
    compiled: read::Compiled,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shapes").field("shapes", &self.compiled.shapes.len()).finish()
    }
}

impl Shapes {
    /// Reads and compiles shapes in Turtle.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is no Turtle, a shape that is not well-formed, and for whatever of SHACL is not
    /// checked here (SPARQL constraints, rules, JavaScript, shapes that refer to themselves), naming shape and term;
    /// [`Error::Limit`].
    pub fn read(turtle: &str) -> Result<Self, Error> {
        let compiled = read::compile(turtle, VOCABULARY)?;
        let aims = compiled.shapes.iter().any(|shape| !shape.targets.is_empty());
        if !aims {
            return Err(Error::Invalid(
                "no shape says what it is about: give one sh:targetClass, sh:targetNode, sh:targetSubjectsOf or \
                 sh:targetObjectsOf"
                    .to_owned(),
            ));
        }
        Ok(Self { compiled })
    }

    /// How many shapes there are, those without a name among them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.compiled.shapes.len()
    }

    /// The predicates its paths go along.
    fn predicates(&self) -> BTreeSet<&str> {
        let paths = self.compiled.shapes.iter().filter_map(|shape| shape.path.as_ref());
        paths.flat_map(shape::Path::predicates).map(NamedNode::as_str).collect()
    }

    /// How many edges away from a node lies what decides whether it fits; `None`: any number.
    pub(crate) fn reach(&self) -> Option<usize> {
        let aimed = self.compiled.shapes.iter().enumerate().filter(|(_, shape)| !shape.targets.is_empty());
        aimed.map(|(place, _)| self.reach_of(place)).try_fold(0, |most, reach| Some(most.max(reach?)))
    }

    fn reach_of(&self, place: usize) -> Option<usize> {
        let shape = self.compiled.shapes.get(place)?;
        let own = shape.path.as_ref().map_or(Some(0), shape::Path::reach)?;
        let inner = shape.constraints.iter().flat_map(shape::Constraint::shapes);
        let deepest =
            inner.map(|inner| self.reach_of(inner)).try_fold(0, |most, reach| Some(most.max(reach?)))?;
        Some(own + deepest)
    }

    /// Checks one graph of a store: all targets, or only those whose IRI is among `only`.
    pub(crate) fn check(
        &self,
        store: &Store,
        graph: &str,
        only: Option<&BTreeSet<String>>,
    ) -> Result<Report, Error> {
        let data = data::Data::new(store.clone(), NamedNode::new_unchecked(graph).into());
        let (breaches, is_cut) = check::Check::new(&self.compiled, &data).run(only)?;
        report::Report::of(&self.compiled, &data, breaches, is_cut)
    }
}

#[cfg(test)]
mod tests;
