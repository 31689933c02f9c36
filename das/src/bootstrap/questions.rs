//! What a system leaves open, asked back: contradictions, gaps, vague words, budgets that nobody has given.

use ontology::SystemIndex;
use ontology::coverage::coverage;
use ontology::model::{Constraint, Node, Requirement};
use serde::{Deserialize, Serialize};

/// Most questions that are asked at once.
pub const MAX_QUESTIONS: usize = 200;

/// A question to the people who want the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `contradiction`, `gap`, `vague`, `double`, `unit`, `unparsed`, `assumed_budget`, `unshown`.
    pub kind: String,
    /// Ids of the nodes it is about.
    pub about: Vec<String>,
    /// The question.
    pub text: String,
    /// What answer would settle it.
    pub settled_by: String,
}

/// The questions that a system leaves open, those that stop work first.
#[must_use]
pub fn questions(system: &SystemIndex) -> Vec<Question> {
    let mut found = contradictions(system);
    for gap in coverage(system).unallocated {
        found.push(Question {
            kind: "gap".to_owned(),
            text: format!("Which part of the system answers for {}? {}", gap.id, sentence(&gap.reason)),
            settled_by: "the name of a component, or a subject in the requirement (\"The … shall …\")"
                .to_owned(),
            about: vec![gap.id],
        });
    }
    for node in system.of_kind("requirement") {
        let Node::Requirement(requirement) = node.as_ref() else { continue };
        found.extend(findings(requirement));
    }
    for node in system.of_kind("constraint") {
        let Node::Constraint(constraint) = node.as_ref() else { continue };
        found.extend(assumed_budget(constraint));
    }
    found.truncate(MAX_QUESTIONS);
    found
}

fn contradictions(system: &SystemIndex) -> Vec<Question> {
    let text = |id: &str| match system.node(id).map(AsRef::as_ref) {
        Some(Node::Requirement(requirement)) => requirement.text.clone(),
        _ => id.to_owned(),
    };
    let links = system.of_kind("link").filter_map(|node| match node.as_ref() {
        Node::Link(link) if link.kind == "conflicts_with" => Some(link),
        _ => None,
    });
    let ask = |link: &ontology::model::TraceLink| Question {
        kind: "contradiction".to_owned(),
        about: vec![link.source.clone(), link.target.clone()],
        text: format!(
            "{} (\"{}\") and {} (\"{}\") cannot both hold: {}. Which one counts?",
            link.source,
            text(&link.source),
            link.target,
            text(&link.target),
            link.rationale.as_deref().unwrap_or("their bounds exclude each other")
        ),
        settled_by: "one of the two taken back, or a condition that says when each one holds".to_owned(),
    };
    links.map(ask).collect()
}

fn findings(requirement: &Requirement) -> Vec<Question> {
    let id = &requirement.id;
    let ask = |finding: &ontology::model::Finding| {
        let (text, settled_by) = match finding.kind.as_str() {
            "vague" => (
                format!("How would one measure {id}? {}", sentence(&finding.text)),
                "a quantity with its unit and its bound in place of the vague word",
            ),
            "double" => (
                format!("Are these two requirements? {id}: {}", sentence(&finding.text)),
                "one requirement for each thing that shall be done",
            ),
            "unit" => (
                format!("Which unit is meant in {id}? {}", sentence(&finding.text)),
                "the quantity in a known unit",
            ),
            "duplicate" => (
                format!("Is {id} said twice? {}", sentence(&finding.text)),
                "one of them removed, or what makes them differ",
            ),
            "unparsed" => (
                format!("What shall be done in {id}? {}", sentence(&finding.text)),
                "a sentence of the form \"[When …,] the … shall …\"",
            ),
            _ => return None,
        };
        Some(Question {
            kind: finding.kind.clone(),
            about: vec![id.clone()],
            text,
            settled_by: settled_by.to_owned(),
        })
    };
    requirement.findings.iter().filter_map(ask).collect()
}

/// A budget whose parts are only usual shares.
fn assumed_budget(constraint: &Constraint) -> Option<Question> {
    if constraint.kind != "budget" || constraint.parts.is_empty() {
        return None;
    }
    let assumed = constraint.parts.iter().filter(|(_, _, assumed)| *assumed);
    let parts: Vec<String> = assumed
        .map(|(component, value, _)| format!("{component} {value:.3} {}", constraint.si_unit))
        .collect();
    if parts.is_empty() {
        return None;
    }
    Some(Question {
        kind: "assumed_budget".to_owned(),
        about: vec![constraint.id.clone()],
        text: format!(
            "The budget of {} ({} {} {}) is shared out by usual shares: {}. Are these right?",
            constraint.property,
            constraint.comparator,
            constraint.si_value,
            constraint.si_unit,
            parts.join(", ")
        ),
        settled_by: "a bound on the same property for each of these components".to_owned(),
    })
}

/// A text as a sentence of its own.
fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    if text.is_empty() { String::new() } else { format!("{}.", crate::text::sentence_case(text)) }
}
