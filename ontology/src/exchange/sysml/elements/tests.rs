//! What is written holds together as the abstract syntax wants it: every reference leads somewhere, every element but
//! one has an owner that knows of it, and relationships have the ends their kind needs.

use std::collections::BTreeSet;

use super::*;
use crate::model::{ChangeSet, Component, Function, Interface, Process};

fn link(kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("{kind}:{source}:{target}"),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        rationale: Some("because".into()),
        ..TraceLink::default()
    })
}

fn plant() -> SystemIndex {
    let component = |id: &str, parent: Option<&str>| {
        Node::Component(Component {
            id: id.into(),
            name: id.into(),
            parent: parent.map(str::to_owned),
            ..Component::default()
        })
    };
    let requirement = |id: &str, parent: Option<&str>| {
        Node::Requirement(Requirement {
            id: id.into(),
            text: format!("{id} shall \"hold\" */ – even so"),
            group: Some("Group".into()),
            verification: Some("test".into()),
            parent: parent.map(str::to_owned),
            ..Requirement::default()
        })
    };
    let constraint = |id: &str, subject: &str, parts: &[&str]| {
        Node::Constraint(Constraint {
            id: id.into(),
            name: "mass".into(),
            kind: if parts.is_empty() { "bound" } else { "budget" }.into(),
            subject: subject.into(),
            property: "mass".into(),
            comparator: "<=".into(),
            si_value: 12.5,
            si_unit: "kg".into(),
            parts: parts.iter().map(|part| ((*part).to_owned(), 2.0, false)).collect(),
            ..Constraint::default()
        })
    };
    let put = vec![
        requirement("R-1", None),
        requirement("R 2", Some("R-1")),
        component("plant", None),
        component("pump", Some("plant")),
        component("rotor", Some("pump")),
        Node::Function(Function {
            id: "F".into(),
            name: "move water".into(),
            component: "pump".into(),
            process: Some("P".into()),
            ..Function::default()
        }),
        Node::Process(Process {
            id: "P".into(),
            name: "pumping".into(),
            component: Some("pump".into()),
            process_id: "pumping".into(),
            ..Process::default()
        }),
        Node::Interface(Interface {
            id: "I".into(),
            name: "shaft".into(),
            source: "pump".into(),
            target: "rotor".into(),
            item: "torque".into(),
            direction: "out".into(),
            ..Interface::default()
        }),
        constraint("K-1", "rotor", &[]),
        constraint("K-2", "plant", &["pump", "rotor", "plant"]),
        constraint("K-3", "F", &[]),
        link("allocated_to", "R-1", "rotor"),
        link("satisfied_by", "R-1", "F"),
        link("verified_by", "R-1", "P"),
        link("conflicts_with", "R-1", "R 2"),
        link("realised_by", "F", "P"),
    ];
    let mut system = SystemIndex::default();
    system.apply(&ChangeSet { number: 1, system: "Plant".into(), put, ..ChangeSet::default() });
    system
}

/// Every `{"@id": …}` in a value.
fn references<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => match fields.get("@id").and_then(Value::as_str) {
            Some(id) => out.push(id),
            None => fields.values().for_each(|value| references(value, out)),
        },
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

fn id(value: &Value) -> &str {
    value["@id"].as_str().unwrap_or_default()
}

#[test]
fn elements_hold_together() {
    let written = elements(&plant()).unwrap();
    let all: Vec<Value> = serde_json::from_slice(&written.json).unwrap();
    let by_id: BTreeMap<&str, &Value> = all.iter().map(|element| (id(element), element)).collect();
    assert_eq!(by_id.len(), all.len(), "an identifier twice");
    let has = |list: &Value, wanted: &str| list.as_array().unwrap().iter().any(|one| id(one) == wanted);
    for element in &all {
        let (own, kind) = (id(element), element["@type"].as_str().unwrap());
        let form: Vec<usize> = own.split('-').map(str::len).collect();
        assert_eq!((form.as_slice(), own.chars().nth(14)), ([8, 4, 4, 4, 12].as_slice(), Some('8')), "{own}");
        assert_eq!(element["elementId"], own);
        let mut named = Vec::new();
        element.as_object().unwrap().values().for_each(|value| references(value, &mut named));
        for target in named {
            assert!(by_id.contains_key(target), "{kind} names {target}, which is not there");
        }
        // What is owned says so, at both ends.
        if let Some(relation) = element["owningRelationship"]["@id"].as_str() {
            assert!(has(&by_id[relation]["ownedRelatedElement"], own), "{kind}");
        }
        if let Some(owner) = element["owningRelatedElement"]["@id"].as_str() {
            assert!(has(&by_id[owner]["ownedRelationship"], own), "{kind}");
        }
        for relation in element["ownedRelationship"].as_array().unwrap() {
            assert_eq!(id(&by_id[id(relation)]["owningRelatedElement"]), own, "{kind}");
        }
    }
    let rootless = |element: &&Value| {
        element["owningRelationship"].is_null() && element["owningRelatedElement"].is_null()
    };
    let roots: Vec<&str> = all.iter().filter(rootless).map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(roots, ["Plant"]);
}

#[test]
fn each_kind_of_node_and_link_is_said_by_its_metaclass() {
    let written = elements(&plant()).unwrap();
    let all: Vec<Value> = serde_json::from_slice(&written.json).unwrap();
    let count = |kind: &str| all.iter().filter(|element| element["@type"] == kind).count();
    for (kind, expected) in [
        ("Package", 8),
        // Two, one as objective and one verified in it.
        ("RequirementUsage", 4),
        ("PartUsage", 3),
        ("ActionUsage", 2),
        ("ConnectionUsage", 1),
        ("ConstraintUsage", 3),
        // From the function's field and from two links.
        ("AllocationUsage", 3),
        ("SatisfyRequirementUsage", 1),
        ("VerificationCaseUsage", 1),
        ("RequirementVerificationMembership", 1),
        ("PerformActionUsage", 3),
        // The parent and the conflict.
        ("Dependency", 2),
        ("Annotation", 2),
        // One bound, and a sum of three against its bound.
        ("OperatorExpression", 4),
        ("LiteralRational", 2),
        ("LiteralString", 4),
    ] {
        assert_eq!(count(kind), expected, "{kind}");
    }
    let find = |kind: &str, name: &str| {
        all.iter().find(|element| element["@type"] == kind && element["declaredName"] == name).unwrap()
    };
    assert_eq!(find("RequirementUsage", "R 2")["qualifiedName"], "Plant::Requirements::'R 2'");
    assert_eq!(find("PartUsage", "rotor")["qualifiedName"], "Plant::Structure::plant::pump::rotor");
    assert_eq!(find("PartUsage", "rotor")["isComposite"], true);
    // The end of an allocation in the rotor is the chain plant.pump.rotor.
    let chains = all.iter().filter(|element| element["@type"] == "FeatureChaining");
    let rotor = id(find("PartUsage", "rotor"));
    assert!(chains.filter(|chaining| chaining["chainingFeature"]["@id"] == rotor).count() >= 3);
    let doc = all.iter().find(|element| {
        element["@type"] == "Documentation" && element["body"] == "R-1 shall \"hold\" */ – even so"
    });
    assert!(doc.is_some(), "texts are what they were");
    let satisfied = all.iter().find(|element| element["@type"] == "SatisfyRequirementUsage").unwrap();
    assert_eq!(satisfied["isNegated"], false);
    assert_eq!(written.remarks.len(), 4, "{:?}", written.remarks);
}

#[test]
fn the_same_system_gives_the_same_identifiers_and_another_others() {
    let (one, again) = (elements(&plant()).unwrap(), elements(&plant()).unwrap());
    assert_eq!(one, again);
    let mut other = plant();
    other.name = "Other".into();
    let ids = |json: &[u8]| -> BTreeSet<String> {
        let all: Vec<Value> = serde_json::from_slice(json).unwrap();
        all.iter().map(|element| id(element).to_owned()).collect()
    };
    assert!(ids(&one.json).is_disjoint(&ids(&elements(&other).unwrap().json)));
}
