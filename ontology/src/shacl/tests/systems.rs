//! Systems and the shapes they are held to.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use crate::graph::Edit;
use crate::index::SystemIndex;
use crate::model::{ChangeSet, Component, Function, Node, Origin, Requirement, TraceLink};
use crate::shacl::system::added;
use crate::shacl::{Severity, ShapeResult, Shapes};
use crate::{Error, Ontology, VolatileChangeSets};

/// Every requirement is allocated to a part with a function, and says how it is verified.
const OWN: &str = "@prefix : <https://w3id.org/procos/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> . \
    [] sh:targetClass :Requirement ; sh:property [ sh:path :verification ; sh:minCount 1 ] ; \
    sh:property [ sh:path ( :allocatedTo :performs ) ; sh:minCount 1 ; sh:severity sh:Warning ] .";

fn origin() -> Origin {
    Origin { rule: "by hand".to_owned(), confidence: 1.0, ..Origin::default() }
}

fn requirement(id: &str, verification: Option<&str>) -> Node {
    Node::Requirement(Requirement {
        id: id.to_owned(),
        text: format!("{id} shall hold."),
        pattern: "ubiquitous".to_owned(),
        verification: verification.map(str::to_owned),
        ..Requirement::default()
    })
}

fn component(id: &str) -> Node {
    Node::Component(Component {
        id: id.to_owned(),
        name: id.to_owned(),
        origin: origin(),
        ..Component::default()
    })
}

fn function(id: &str, component: &str) -> Node {
    Node::Function(Function {
        id: id.to_owned(),
        name: id.to_owned(),
        component: component.to_owned(),
        origin: origin(),
        ..Function::default()
    })
}

fn allocation(requirement: &str, component: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("{requirement}-{component}"),
        kind: "allocated_to".to_owned(),
        source: requirement.to_owned(),
        target: component.to_owned(),
        rationale: None,
        origin: origin(),
    })
}

fn change(put: Vec<Node>, remove: &[&str]) -> ChangeSet {
    let remove = remove.iter().map(|id| (*id).to_owned()).collect();
    ChangeSet { system: "pump".to_owned(), author: "test".to_owned(), put, remove, ..ChangeSet::default() }
}

fn edit() -> Edit {
    Edit { system: "pump".to_owned(), author: "test".to_owned(), ..Edit::default() }
}

async fn pump() -> Ontology {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    let put = vec![
        requirement("R-1", Some("test")),
        requirement("R-2", None),
        component("motor"),
        function("turn", "motor"),
        allocation("R-1", "motor"),
    ];
    ontology.commit(change(put, &[]), 0).await.unwrap();
    ontology
}

#[tokio::test]
async fn a_system_is_checked_by_our_own_shapes_and_each_gap_has_its_sentence() {
    let ontology = pump().await;
    let report = ontology.check_shapes("pump", None).unwrap();
    let said: Vec<_> = report.results.iter().map(|it| (it.severity, it.message.as_str())).collect();
    assert_eq!(
        said,
        [
            (Severity::Warning, "turn: no process realises it"),
            (Severity::Warning, "R-2: it is allocated to no component, and no reason is given"),
            (Severity::Warning, "R-2: nothing says how it will be shown to hold"),
        ]
    );
}

#[tokio::test]
async fn a_change_that_adds_a_violation_is_refused_and_nothing_is_written() {
    let ontology = pump().await;
    ontology.hold_to(&edit(), OWN).await.unwrap();
    let head = ontology.system("pump").unwrap().head;
    let refused = ontology.commit(change(vec![requirement("R-1", None)], &[]), head).await.unwrap_err();
    let Error::Shapes { violations, .. } = &refused else { panic!("{refused}") };
    assert_eq!(violations, &["R-1: verification method is missing"]);
    assert_eq!(ontology.system("pump").unwrap().head, head);
    // R-2 was wrong before: that is no reason to refuse a change to it, and a warning never is.
    let mended = Node::Requirement(Requirement {
        text: "R-2 shall hold always.".to_owned(),
        ..match requirement("R-2", None) {
            Node::Requirement(requirement) => requirement,
            _ => unreachable!(),
        }
    });
    let head = ontology.commit(change(vec![mended], &[]), head).await.unwrap();
    let head = ontology.commit(change(Vec::new(), &["R-1-motor"]), head).await.unwrap();
    // Held to nothing, the same change passes.
    ontology.hold_to(&edit(), "").await.unwrap();
    assert!(ontology.snapshot("pump").unwrap().shapes.is_none());
    ontology.commit(change(vec![requirement("R-1", None)], &[]), head + 1).await.unwrap();
}

#[tokio::test]
async fn shapes_are_part_of_the_history_and_survive_a_new_start() {
    let port = Arc::new(VolatileChangeSets::default());
    let ontology = Ontology::open(port.clone()).await.unwrap();
    ontology.commit(change(vec![requirement("R-1", None)], &[]), 0).await.unwrap();
    let first = ontology.hold_to(&edit(), OWN).await.unwrap();
    assert_eq!(ontology.hold_to(&edit(), OWN).await.unwrap(), first, "the same shapes again are no change");
    let again = Ontology::open(port).await.unwrap();
    assert_eq!(
        again.snapshot("pump").unwrap().shapes.as_deref().map(|it| it.turtle().to_owned()),
        Some(OWN.to_owned())
    );
    assert_eq!(again.check_shapes("pump", None).unwrap().at_least(Severity::Violation).count(), 1);
    assert!(ontology.hold_to(&edit(), "no turtle").await.is_err());
}

/// Small random systems and changes to them: a few requirements, components and functions, linked at random.
fn nodes(bits: &[bool]) -> Vec<Node> {
    let mut out = Vec::new();
    for (place, chunk) in bits.chunks(4).enumerate() {
        let [is_verified, is_linked, has_function, is_moved] = chunk else { continue };
        let (req, part) = (format!("R-{place}"), format!("c{place}"));
        out.push(component(&part));
        out.push(requirement(&req, is_verified.then_some("test")));
        if *is_linked {
            out.push(allocation(&req, if *is_moved && place > 0 { "c0" } else { &part }));
        }
        if *has_function {
            out.push(function(&format!("f{place}"), if *is_moved { "c0" } else { &part }));
        }
    }
    out
}

const CLOSURE: &str = "@prefix : <https://w3id.org/procos/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> . \
    [] sh:targetClass :Function ; sh:property [ sh:path ( [ sh:inversePath :performs ] [ sh:inversePath :allocatedTo ] ) ; \
        sh:minCount 1 ; sh:node [ sh:property [ sh:path :verification ; sh:minCount 1 ] ] ] . \
    [] sh:targetClass :Requirement ; sh:closed true ; sh:severity sh:Info .";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Looking near the change finds what looking at everything before and after finds.
    #[test]
    fn only_what_a_change_could_have_broken_is_looked_at_and_nothing_is_missed(
        before in prop::collection::vec(any::<bool>(), 24),
        after in prop::collection::vec(any::<bool>(), 24),
        shapes in prop::sample::select(vec![OWN, CLOSURE]),
    ) {
        let (was, is) = (nodes(&before), nodes(&after));
        let mut state = SystemIndex::default();
        state.apply(&ChangeSet { number: 1, ..change(was.clone(), &[]) });
        let kept: BTreeSet<&str> = is.iter().map(Node::id).collect();
        let gone: Vec<&str> = was.iter().map(Node::id).filter(|id| !kept.contains(id)).collect();
        let put = is.iter().filter(|node| !was.contains(node)).cloned().collect();
        let step = ChangeSet { number: 2, ..change(put, &gone) };
        let mut next = state.clone();
        next.apply(&step);
        let shapes = Shapes::read(shapes).unwrap();
        let near = added(&shapes, &state, &next, &step).unwrap();
        // Everything counts as changed: everything is looked at.
        let all = ChangeSet { put: is.clone(), remove: was.iter().map(|node| node.id().to_owned()).collect(), ..step };
        let whole = added(&shapes, &state, &next, &all).unwrap();
        let set = |results: &[ShapeResult]| results.iter().map(|it| it.message.clone()).collect::<BTreeSet<_>>();
        prop_assert_eq!(set(&near), set(&whole));
    }
}
