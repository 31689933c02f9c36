//! A requirement.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use ontology::{SystemIndex, model};

use super::node::{iri, shown_node, version};
use super::{Component, Execution, Function, Process, at_end, of_ids};
use crate::State;
use crate::error::Result;
use crate::scalar::Iri;

/// A number with its unit.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Quantity {
    /// What is bounded.
    property: Option<String>,
    /// `<`, `<=`, `=`, `>=`, `>` or `between`.
    comparator: String,
    /// The value as written.
    value: f64,
    /// The upper value of a range, as written.
    upper: Option<f64>,
    /// The unit as written.
    unit: String,
    /// The unit's QUDT IRI, where it is known.
    unit_iri: Option<Iri>,
    /// The value in SI units.
    si_value: Option<f64>,
    /// The upper value in SI units.
    si_upper: Option<f64>,
    /// The SI unit's symbol.
    si_unit: Option<String>,
}

impl From<&model::Quantity> for Quantity {
    fn from(quantity: &model::Quantity) -> Self {
        Self {
            property: quantity.property.clone(),
            comparator: quantity.comparator.clone(),
            value: quantity.value,
            upper: quantity.upper,
            unit: quantity.unit.clone(),
            unit_iri: quantity.unit_iri.clone().map(Iri),
            si_value: quantity.si_value,
            si_upper: quantity.si_upper,
            si_unit: quantity.si_unit.clone(),
        }
    }
}

/// What a tool says of a requirement.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Attribute {
    /// Its name.
    name: String,
    /// Its value; markup as it was.
    value: String,
}

/// What is wrong with a requirement.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RequirementFinding {
    /// `vague`, `double`, `unparsed`, `unit` or `duplicate`.
    kind: String,
    /// In words.
    text: String,
}

#[derive(Clone)]
pub(crate) struct Requirement {
    pub(super) system: Arc<SystemIndex>,
    pub(super) node: model::Requirement,
}

shown_node!(Requirement, "requirement");

/// What is asked for.
#[Object]
impl Requirement {
    /// Its IRI.
    pub(crate) async fn id(&self) -> Iri {
        iri(&self.system, "requirement", &self.node.id)
    }

    /// Its id within the system.
    pub(crate) async fn local_id(&self) -> &str {
        &self.node.id
    }

    /// The change set that put it as it is: give it as `ifMatch` to change exactly this.
    async fn version(&self) -> i64 {
        version(&self.system, &self.node.id)
    }

    /// Its text.
    pub(crate) async fn label(&self) -> &str {
        &self.node.text
    }

    /// The text as written.
    async fn text(&self) -> &str {
        &self.node.text
    }

    /// The heading it stands under.
    async fn group(&self) -> Option<&str> {
        self.node.group.as_deref()
    }

    /// Id of the requirement it refines.
    async fn parent(&self) -> Option<&str> {
        self.node.parent.as_deref()
    }

    /// `functional`, `performance`, `constraint`, `interface`, `safety`, … .
    async fn kind(&self) -> Option<&str> {
        self.node.kind.as_deref()
    }

    /// EARS pattern: ubiquitous, state, event, option, unwanted, complex, unparsed.
    async fn pattern(&self) -> &str {
        &self.node.pattern
    }

    /// Who shall do it.
    async fn subject(&self) -> Option<&str> {
        self.node.subject.as_deref()
    }

    /// When it holds, in words.
    async fn condition(&self) -> Option<&str> {
        self.node.condition.as_deref()
    }

    /// What shall be done.
    async fn response(&self) -> Option<&str> {
        self.node.response.as_deref()
    }

    /// Quantities in it.
    async fn quantities(&self) -> Vec<Quantity> {
        self.node.quantities.iter().map(Quantity::from).collect()
    }

    /// What is wrong with it.
    async fn findings(&self) -> Vec<RequirementFinding> {
        let shown = |found: &model::Finding| RequirementFinding {
            kind: found.kind.clone(),
            text: found.text.clone(),
        };
        self.node.findings.iter().map(shown).collect()
    }

    /// How it will be shown to hold: `test`, `analysis`, `inspection` or `demonstration`.
    async fn verification(&self) -> Option<&str> {
        self.node.verification.as_deref()
    }

    /// When it counts as shown, in words.
    async fn criterion(&self) -> Option<&str> {
        self.node.criterion.as_deref()
    }

    /// Why it is not allocated, where it is not.
    async fn unallocated_reason(&self) -> Option<&str> {
        self.node.unallocated_reason.as_deref()
    }

    /// What the tool it came from says of it beyond that, by name.
    async fn attributes(&self) -> Vec<Attribute> {
        let shown =
            |(name, value): (&String, &String)| Attribute { name: name.clone(), value: value.clone() };
        self.node.attributes.iter().map(shown).collect()
    }

    /// The last run that says whether it holds; null where none has ended.
    async fn execution(&self, ctx: &Context<'_>) -> Result<Option<Execution>> {
        Ok(Execution::of(&ctx.data::<State>()?.ontology, &self.system, &self.node.id))
    }

    /// Components it is allocated to.
    async fn components(&self) -> Vec<Component> {
        of_ids(&self.system, at_end(&self.system, &self.node.id, &["allocated_to"]))
    }

    /// Functions that satisfy it.
    async fn functions(&self) -> Vec<Function> {
        of_ids(&self.system, at_end(&self.system, &self.node.id, &["satisfied_by"]))
    }

    /// Processes that realise those functions or verify it.
    async fn processes(&self) -> Vec<Process> {
        let mut ids: Vec<&str> = at_end(&self.system, &self.node.id, &["verified_by"]).collect();
        for function in at_end(&self.system, &self.node.id, &["satisfied_by"]) {
            ids.extend(at_end(&self.system, function, &["realised_by"]));
        }
        of_ids(&self.system, ids)
    }
}
