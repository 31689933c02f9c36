//! Deciding and taking back: processes and systems. Prompts are in `watch/tests/prompts.rs`.

use std::sync::Arc;

use engine::clock::ManualClock;
use engine::{Embedded, MemoryStore};
use ontology::{Ontology, VolatileChangeSets};

use super::*;
use crate::bootstrap::preview::Effect;
use crate::bootstrap::{Deps, Request};
use crate::watch::VolatileOffers;

const FIRST: &str =
    "# Pump\n\n- R-1: The pump shall have a mass of at most 4 kg.\n- R-2: The pump shall move water.\n";
const SECOND: &str = "# Pump\n\n- R-1: The pump shall have a mass of at most 3 kg.\n- R-2: The pump shall move water.\n- R-3: The motor shall turn the pump.\n";

async fn bed() -> (Deciding, Deps) {
    let clock = Arc::new(ManualClock::at(1_000));
    let engine = Arc::new(Embedded::open(Arc::new(MemoryStore::new()), clock.clone()).await.unwrap());
    let ontology = Arc::new(Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap());
    let deps = Deps {
        ontology,
        engine: engine.clone(),
        clock: clock.clone(),
        scores: None,
        architectures: Vec::new(),
        history: None,
        minds: None,
    };
    let deciding = Deciding {
        engine,
        proposals: Arc::new(VolatileProposals::default()),
        offers: Arc::new(VolatileOffers::default()),
        contexts: None,
        building: Some(deps.clone()),
        clock,
    };
    (deciding, deps)
}

fn request(content: &str) -> Request {
    Request { name: Some("Pump".to_owned()), actor: "ann".to_owned(), ..Request::new("pump.md", content) }
}

#[tokio::test]
async fn a_changed_source_arrives_as_a_proposal_with_a_diff_and_can_be_taken_back() {
    let (deciding, deps) = bed().await;
    let proposals = deciding.proposals.clone();
    let first = propose_build("one".to_owned(), request(FIRST), &deps, proposals.as_ref()).await.unwrap();
    assert!(first.build.as_ref().unwrap().preview.first);
    assert!(deps.ontology.snapshot("Pump").is_err(), "nothing is built before it is accepted");
    deciding.decide("one", true, None, "ann").await.unwrap();
    let built = deps.ontology.snapshot("Pump").unwrap();
    assert_eq!(built.count("requirement"), 2);
    let versions = deps.engine.definitions().await.unwrap().len();

    let same = propose_build("same".to_owned(), request(FIRST), &deps, proposals.as_ref()).await.unwrap_err();
    assert!(same.to_string().contains("changes nothing"), "{same}");

    let second = propose_build("two".to_owned(), request(SECOND), &deps, proposals.as_ref()).await.unwrap();
    let preview = &second.build.as_ref().unwrap().preview;
    let added = preview.nodes.iter().any(|node| node.id == "R-3" && node.effect == Effect::Added);
    let changed = preview.nodes.iter().any(|node| node.id == "R-1" && node.effect == Effect::Changed);
    assert!(added && changed && !preview.first, "{preview:#?}");
    assert!(second.notes[0].contains("added") && second.notes[0].contains("untouched"), "{:?}", second.notes);
    assert_eq!(deps.ontology.snapshot("Pump").unwrap().head, built.head);

    deciding.decide("two", true, None, "ann").await.unwrap();
    assert_eq!(deps.ontology.snapshot("Pump").unwrap().count("requirement"), 3);
    deciding.take_back("two", Some("too light"), "ann").await.unwrap();
    let back = deps.ontology.snapshot("Pump").unwrap();
    let ids = |system: &ontology::SystemIndex| -> Vec<String> {
        system.nodes().map(|node| node.id().to_owned()).collect()
    };
    assert_eq!(ids(&back), ids(&built));
    assert_eq!(back.source_hash, built.source_hash, "a later build does not take it for a person's work");
    assert!(
        deps.engine.definitions().await.unwrap().len() > versions,
        "former processes are the newest again"
    );
    let again = propose_build("three".to_owned(), request(SECOND), &deps, proposals.as_ref()).await.unwrap();
    let kept = again.build.unwrap().preview.nodes.into_iter().filter(|node| node.effect == Effect::Kept);
    assert_eq!(kept.count(), 0);
    let first = deciding.take_back("one", None, "ann").await.unwrap_err();
    assert!(first.to_string().contains("was not there before"), "{first}");
}

fn process(label: &str) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
        <process id="p" name="P" isExecutable="true"><startEvent id="s"/><task id="t" name="{label}"/><endEvent id="e"/>
        <sequenceFlow id="f" sourceRef="s" targetRef="t"/><sequenceFlow id="g" sourceRef="t" targetRef="e"/></process>
        </definitions>"#
    )
}

async fn put(deciding: &Deciding, id: &str, label: &str) {
    let proposal = Proposal {
        id: id.to_owned(),
        xml: process(label),
        process_id: "p".to_owned(),
        ..Proposal::default()
    };
    deciding.proposals.put(&proposal, NewEvent::new("proposal.made", 1)).await.unwrap();
}

#[tokio::test]
async fn an_accepted_process_is_taken_back_unless_that_would_lose_something() {
    let (deciding, _) = bed().await;
    put(&deciding, "new", "One").await;
    let first = deciding.decide("new", true, None, "ann").await.unwrap();
    assert_eq!((first.before, first.decided_by.as_deref()), (None, Some("ann")));
    let nothing = deciding.take_back("new", None, "ann").await.unwrap_err();
    assert!(nothing.to_string().contains("was not there before"), "{nothing}");

    put(&deciding, "change", "Two").await;
    let second = deciding.decide("change", true, None, "ann").await.unwrap();
    assert_eq!(second.before, first.definition);
    put(&deciding, "later", "Three").await;
    deciding.decide("later", true, None, "ann").await.unwrap();
    let lost = deciding.take_back("change", None, "ann").await.unwrap_err();
    assert!(lost.to_string().contains("newer version"), "{lost}");

    let back = deciding.take_back("later", Some("no"), "bob").await.unwrap();
    assert_eq!((back.state, back.decided_by.as_deref()), (ProposalState::TakenBack, Some("bob")));
    assert_eq!(deciding.engine.definition_xml(back.back.unwrap()).await.unwrap(), process("Two"));
    for error in [
        deciding.decide("later", true, None, "ann").await.unwrap_err(),
        deciding.take_back("none", None, "ann").await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "DAS-0024");
    }
}
