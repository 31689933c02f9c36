//! Deployed decisions in memory: found by id and binding, which is how a business rule task asks for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpmn::dmn::Model;
use bpmn::exec::{DecisionInForce, Decisions};
use bpmn::program::Binding;
use parking_lot::RwLock;

use crate::Error;
use crate::port::{DecisionDefinition, DecisionRequirements};

/// A DMN file ready to decide.
#[derive(Debug)]
pub(crate) struct DeployedModel {
    /// What everybody sees.
    pub(crate) requirements: DecisionRequirements,
    /// What is evaluated.
    pub(crate) model: Arc<Model>,
    /// Its DMN.
    pub(crate) xml: Arc<str>,
}

impl DeployedModel {
    /// A DMN file with what it says.
    pub(crate) fn new(requirements: DecisionRequirements, model: Model, xml: Arc<str>) -> Arc<Self> {
        Arc::new(Self { requirements, model: Arc::new(model), xml })
    }
}

/// All decisions; cheap to clone, for a deployment that is still being checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct DecisionCatalogue {
    models: BTreeMap<i64, Arc<DeployedModel>>,
    /// By decision id, then by key: ascending keys are ascending versions.
    by_decision: HashMap<String, BTreeMap<i64, Arc<DeployedModel>>>,
}

impl DecisionCatalogue {
    /// Adds a file.
    pub(crate) fn insert(&mut self, model: Arc<DeployedModel>) {
        for decision in &model.requirements.decisions {
            let versions = self.by_decision.entry(decision.decision_id.clone()).or_default();
            versions.insert(decision.key, Arc::clone(&model));
        }
        self.models.insert(model.requirements.key, model);
    }

    /// The newest file with this id.
    pub(crate) fn newest(&self, id: &str) -> Option<&Arc<DeployedModel>> {
        self.models.values().rev().find(|model| model.requirements.id == id)
    }

    /// The newest version of a decision.
    pub(crate) fn newest_decision(&self, id: &str) -> Option<DecisionDefinition> {
        let (key, model) = self.by_decision.get(id)?.last_key_value()?;
        model.requirements.decisions.iter().find(|decision| decision.key == *key).cloned()
    }

    /// All files, oldest first.
    pub(crate) fn list(&self) -> Vec<DecisionRequirements> {
        self.models.values().map(|model| model.requirements.clone()).collect()
    }

    /// The DMN of a file, by its key or that of one of its decisions.
    pub(crate) fn xml(&self, key: i64) -> Result<String, Error> {
        let found = self.models.values().find(|model| {
            let requirements = &model.requirements;
            requirements.key == key || requirements.decisions.iter().any(|decision| decision.key == key)
        });
        let missing = || Error::NotFound { what: "decision", id: key.to_string() };
        found.map(|model| model.xml.to_string()).ok_or_else(missing)
    }

    /// The decision that a process asks. Keys are given in ascending order, and in one deployment to decisions
    /// first: those in force at a deployment are those with smaller keys than the process definition's.
    pub(crate) fn find(&self, id: &str, binding: &Binding, definition: i64) -> Option<DecisionInForce> {
        let versions = self.by_decision.get(id)?;
        let mut newest_first = versions.iter().rev().filter_map(|(key, model)| {
            let decision = model.requirements.decisions.iter().find(|decision| decision.key == *key)?;
            Some((decision, model))
        });
        let (decision, model) = newest_first.find(|(decision, _)| match binding {
            Binding::Latest => true,
            Binding::Deployment => decision.key < definition,
            Binding::Version(version) => decision.version == *version,
            Binding::VersionTag(tag) => decision.version_tag.as_ref() == Some(tag),
        })?;
        Some(DecisionInForce {
            model: Arc::clone(&model.model),
            key: decision.key,
            version: decision.version,
        })
    }
}

/// The decisions as one process definition sees them.
pub(crate) struct InForce<'a> {
    /// All decisions.
    pub(crate) catalogue: &'a RwLock<DecisionCatalogue>,
    /// Key of the process definition.
    pub(crate) definition: i64,
}

impl Decisions for InForce<'_> {
    fn find(&self, id: &str, binding: &Binding) -> Option<DecisionInForce> {
        self.catalogue.read().find(id, binding, self.definition)
    }
}
