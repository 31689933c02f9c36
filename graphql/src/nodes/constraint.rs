//! A constraint.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Origin, Standing};
use crate::scalar::Iri;

/// A component's part of a budget.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ConstraintPart {
    /// Id of the component.
    component: String,
    /// Its part in SI units.
    si_value: f64,
    /// True where nobody said it and a template assumed it.
    assumed: bool,
}

#[derive(Clone)]
pub(crate) struct Constraint {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Constraint,
}

shown_node!(Constraint, "constraint");

/// A bound or a budget.
#[Object]
impl Constraint {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "constraint", &self.node.id)
    }

    /// Its id within the system.
    pub(crate) async fn local_id(&self) -> &str {
        &self.node.id
    }

    /// The change set that put it as it is: give it as `ifMatch` to change exactly this.
    async fn version(&self) -> i64 {
        version(&self.system, &self.node.id)
    }

    /// Its name.
    pub(crate) async fn label(&self) -> &str {
        &self.node.name
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.node.name
    }

    /// `bound`, or `budget`: one that sums along the component tree.
    async fn kind(&self) -> &str {
        &self.node.kind
    }

    /// Id of the component or function it bounds.
    async fn subject(&self) -> &str {
        &self.node.subject
    }

    /// What is bounded.
    async fn property(&self) -> &str {
        &self.node.property
    }

    /// `<=`, `>=`, `=`, `<` or `>`.
    async fn comparator(&self) -> &str {
        &self.node.comparator
    }

    /// The bound in SI units.
    async fn si_value(&self) -> f64 {
        self.node.si_value
    }

    /// The SI unit's symbol.
    async fn si_unit(&self) -> &str {
        &self.node.si_unit
    }

    /// What each component takes of a budget.
    async fn parts(&self) -> Vec<ConstraintPart> {
        let shown = |(component, si_value, assumed): &(String, f64, bool)| ConstraintPart {
            component: component.clone(),
            si_value: *si_value,
            assumed: *assumed,
        };
        self.node.parts.iter().map(shown).collect()
    }

    /// How it stands.
    async fn standing(&self) -> Option<Standing> {
        ontology::constraints::standings(&self.system).get(&self.node.id).cloned().map(Standing::from)
    }

    /// Why it exists.
    async fn origin(&self) -> Origin {
        Origin::from(&self.node.origin)
    }
}
