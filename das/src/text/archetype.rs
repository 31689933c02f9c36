//! Archetypes: processes that everybody in a trade knows, used to fill in what a short prompt leaves out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::lexicon::{lemmas, similarity};
use super::trade;
use crate::error::Error;
use crate::tree::{Activity, Edit, Node, Place, Tree, table::Table};

/// A keyword score from which an archetype is taken to be meant.
const THRESHOLD: u32 = 4;
/// Confidence of a step that nobody said.
const ASSUMED: f64 = 0.5;
/// Labels at least so alike name the same step.
const SAME: f64 = 0.5;

/// An archetype.
#[derive(Clone, Debug, Deserialize)]
pub struct Archetype {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Words that speak for it, with their weight.
    pub keywords: BTreeMap<String, u32>,
    /// Ids of the steps that are added although others were named.
    pub core: Vec<String>,
    /// Further verbs or phrases that mean a step, by its id.
    #[serde(default)]
    pub also: BTreeMap<String, Vec<String>>,
    /// The process.
    pub table: Table,
}

static ARCHETYPES: LazyLock<Vec<Archetype>> = LazyLock::new(|| {
    [
        include_str!("../../archetypes/machine-learning.json"),
        include_str!("../../archetypes/data-pipeline.json"),
        include_str!("../../archetypes/approval.json"),
        include_str!("../../archetypes/incident.json"),
        include_str!("../../archetypes/order-to-cash.json"),
        include_str!("../../archetypes/procurement.json"),
        include_str!("../../archetypes/trade.json"),
        include_str!("../../archetypes/maintenance.json"),
        include_str!("../../archetypes/hiring.json"),
        include_str!("../../archetypes/software-release.json"),
        include_str!("../../archetypes/complaint.json"),
        include_str!("../../archetypes/insurance-claim.json"),
        include_str!("../../archetypes/loan-application.json"),
        include_str!("../../archetypes/employee-onboarding.json"),
        include_str!("../../archetypes/customer-onboarding.json"),
        include_str!("../../archetypes/supplier-qualification.json"),
        include_str!("../../archetypes/replenishment.json"),
        include_str!("../../archetypes/engineering-change.json"),
        include_str!("../../archetypes/system-design.json"),
        include_str!("../../archetypes/test-campaign.json"),
        include_str!("../../archetypes/month-end-close.json"),
        include_str!("../../archetypes/publishing.json"),
        include_str!("../../archetypes/patient-visit.json"),
        include_str!("../../archetypes/experiment.json"),
        include_str!("../../archetypes/returns.json"),
    ]
    .into_iter()
    .filter_map(|text| serde_json::from_str(text).ok())
    .collect()
});

/// The archetypes that come with ProcOS; they are put into memory at the first start.
#[must_use]
pub fn archetypes() -> &'static [Archetype] {
    &ARCHETYPES
}

/// The archetype that a text speaks for, if any does.
pub(super) fn best(text: &str) -> Option<Archetype> {
    let lower = format!(" {} ", text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != '-', " "));
    let words = lemmas(&lower);
    let score = |archetype: &Archetype| -> u32 {
        archetype
            .keywords
            .iter()
            .filter(|(keyword, _)| {
                lower.contains(&format!(" {keyword} "))
                    || lower.contains(&format!(" {keyword}s "))
                    || words.contains(keyword)
            })
            .map(|(_, weight)| weight)
            .sum()
    };
    // Of those that fit equally, what a trade brings comes before what is shipped.
    let taught = trade::archetypes();
    let best = archetypes().iter().chain(&taught).max_by_key(|archetype| score(archetype))?;
    (score(best) >= THRESHOLD).then(|| best.clone())
}

/// Whether a step only says that there is such a process: "Manage returns", "Conceptualise an aircraft".
fn names_the_whole(step: &Activity) -> bool {
    const WHOLE: [&str; 16] = [
        "handle",
        "manage",
        "process",
        "organise",
        "organize",
        "run",
        "perform",
        "conduct",
        "do",
        "support",
        "automate",
        "execute",
        "administer",
        "conceptualise",
        "conceptualize",
        "deal",
    ];
    let verb = step.label.split(' ').next().unwrap_or_default().to_lowercase();
    WHOLE.contains(&verb.as_str())
}

impl Archetype {
    /// The archetype as a tree in which every step is assumed.
    ///
    /// # Errors
    /// `DAS-0001` where its table breaks a rule.
    pub fn tree(&self) -> Result<Tree, Error> {
        let mut tree = self.table.to_tree().map_err(Error::Tree)?;
        tree.for_each_activity(|activity| {
            activity.assumed = true;
            activity.confidence = ASSUMED;
        });
        tree.type_check().map_err(Error::Tree)?;
        Ok(tree)
    }

    /// Completes what was said with what usually belongs to it; what was said always stays.
    ///
    /// # Errors
    /// `DAS-0001` where the result would break a rule.
    pub(super) fn complete(&self, said: &Tree) -> Result<Tree, Error> {
        let mut tree = self.tree()?;
        let steps = said.activities();
        // "Handle customer complaints" names the whole, not a step of it.
        if steps.iter().all(|step| names_the_whole(step)) {
            return Ok(tree);
        }
        // Where the text has structure of its own, that structure stays and nothing is added.
        let flat = match &said.root {
            Node::Sequence(sequence) => {
                sequence.children.iter().all(|node| matches!(node, Node::Activity(_)))
            }
            Node::Activity(_) => true,
            _ => false,
        };
        if !flat {
            return Ok(said.clone());
        }
        let mut matched: Vec<String> = Vec::new();
        let mut unmatched: Vec<(&Activity, Option<String>)> = Vec::new();
        let mut last: Option<String> = None;
        let mut replaced: BTreeMap<String, Activity> = BTreeMap::new();
        for &step in &steps {
            match self.step_like(&tree, step).filter(|id| !matched.contains(id)) {
                Some(id) => {
                    replaced.insert(id.clone(), step.clone());
                    matched.push(id.clone());
                    last = Some(id);
                }
                None => unmatched.push((step, last.clone())),
            }
        }
        if matched.is_empty() {
            // "Replenish stock" is what it is all about.
            let titled =
                steps.len() == 1 && steps.iter().all(|step| similarity(&step.label, &self.title) >= SAME);
            return Ok(if titled { tree } else { said.clone() });
        }
        // What was said keeps its order; an archetype with another one is not what is meant.
        let place = |id: &String| tree.activities().iter().position(|activity| activity.id == *id);
        if !matched.iter().map(place).is_sorted() {
            return Ok(said.clone());
        }
        tree.for_each_activity(|activity| {
            if let Some(step) = replaced.get(&activity.id) {
                let documentation = activity.documentation.take();
                *activity = Activity { id: activity.id.clone(), documentation, ..step.clone() };
            }
        });
        for (step, after) in unmatched.into_iter().rev() {
            let place = after.map_or(Place::First, Place::After);
            let node = Activity { id: String::new(), ..step.clone() };
            tree = tree.edit(Edit::Insert { node: node.into(), place })?;
        }
        self.drop_unasked(&mut tree, &matched)?;
        Ok(tree)
    }

    /// Steps that were neither said nor belong to the core go.
    fn drop_unasked(&self, tree: &mut Tree, matched: &[String]) -> Result<(), Error> {
        let ids: Vec<String> = self
            .table
            .nodes
            .iter()
            .filter(|row| row.children.is_empty() && row.label.is_some())
            .map(|row| row.id.clone())
            .filter(|id| !matched.contains(id) && !self.core.contains(id))
            .collect();
        for id in ids {
            let there = tree.nodes().iter().any(|node| node.id() == id);
            if there && tree.activities().len() > 1 {
                *tree = tree.edit(Edit::Remove { id })?;
            }
        }
        Ok(())
    }

    fn step_like(&self, tree: &Tree, step: &Activity) -> Option<String> {
        let words = lemmas(&step.label);
        let verb = words.first()?;
        let mut best: Option<(f64, String)> = None;
        for activity in tree.activities() {
            let mut score = similarity(&activity.label, &step.label);
            for phrase in self.also.get(&activity.id).into_iter().flatten() {
                let wanted = lemmas(phrase);
                if wanted.first() == Some(verb) && wanted.iter().all(|word| words.contains(word)) {
                    score = score.max(SAME + similarity(&activity.label, &step.label) / 2.0);
                }
            }
            if score >= SAME && best.as_ref().is_none_or(|(other, _)| score > *other) {
                best = Some((score, activity.id.clone()));
            }
        }
        best.map(|(_, id)| id)
    }
}
