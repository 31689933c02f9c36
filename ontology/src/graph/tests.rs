//! The graph: committing, reading, tracing, covering, exporting.

mod editing;
mod suspicion;

use super::*;
use crate::model::{Component, Constraint, Function, Interface, Origin, Process};
use crate::{GraphFormat, QueryOptions, RunScore, VolatileChangeSets};

fn requirement(id: &str) -> Node {
    Node::Requirement(Requirement { id: id.into(), text: format!("{id} shall be"), ..Requirement::default() })
}
fn component(id: &str, parent: Option<&str>) -> Node {
    let parent = parent.map(str::to_owned);
    Node::Component(Component { id: id.into(), name: id.into(), parent, ..Component::default() })
}
fn function(id: &str, component: &str, process: Option<&str>) -> Node {
    let process = process.map(str::to_owned);
    Node::Function(Function {
        id: id.into(),
        name: id.into(),
        component: component.into(),
        process,
        ..Function::default()
    })
}
fn process(id: &str, component: &str) -> Node {
    let component = Some(component.to_owned());
    Node::Process(Process {
        id: id.into(),
        name: id.into(),
        component,
        process_id: format!("p_{id}"),
        ..Process::default()
    })
}
fn link(kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("L-{kind}-{source}-{target}"),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        ..TraceLink::default()
    })
}
fn change(put: Vec<Node>, remove: &[&str]) -> ChangeSet {
    let remove = remove.iter().map(|id| (*id).to_owned()).collect();
    ChangeSet { system: "s".into(), author: "me".into(), at_ms: 5, put, remove, ..ChangeSet::default() }
}

fn nodes() -> Vec<Node> {
    vec![
        requirement("R-2"),
        requirement("R-10"),
        requirement("R-1"),
        component("root", None),
        component("wing", Some("root")),
        component("tail", Some("root")),
        component("spare", Some("root")),
        function("lift", "wing", Some("P")),
        function("steady", "tail", Some("P")),
        process("P", "wing"),
        link("allocated_to", "R-1", "wing"),
        link("satisfied_by", "R-1", "lift"),
        link("allocated_to", "R-2", "wing"),
        Node::Interface(Interface {
            id: "I".into(),
            name: "I".into(),
            source: "wing".into(),
            target: "tail".into(),
            item: "force".into(),
            direction: "out".into(),
            ..Interface::default()
        }),
    ]
}

async fn open() -> (Arc<VolatileChangeSets>, Ontology) {
    let port = Arc::new(VolatileChangeSets::default());
    let ontology = Ontology::open(port.clone()).await.unwrap();
    ontology.commit(change(nodes(), &[]), 0).await.unwrap();
    (port, ontology)
}

#[tokio::test]
async fn what_is_committed_is_read_in_natural_order() {
    let (_, ontology) = open().await;
    let ids: Vec<String> = ontology.requirements("s").unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(ids, ["R-1", "R-2", "R-10"]);
    let page = ontology.nodes("s", "requirement", Some("R-1"), 1).unwrap();
    assert_eq!(page[0].id(), "R-2");
    assert_eq!(ontology.system("s").unwrap().components, 4);
    assert_eq!(ontology.system("nowhere").unwrap_err().code(), "ONTO-0003");
}

#[tokio::test]
async fn the_index_is_the_fold_of_the_change_sets() {
    let (port, ontology) = open().await;
    ontology.commit(change(vec![requirement("R-3")], &["I"]), 1).await.unwrap();
    let again = Ontology::open(port).await.unwrap();
    for kind in ["requirement", "component", "function", "process", "interface", "link"] {
        assert_eq!(
            again.nodes("s", kind, None, 99).unwrap(),
            ontology.nodes("s", kind, None, 99).unwrap(),
            "{kind}"
        );
    }
    assert_eq!(again.system("s").unwrap(), ontology.system("s").unwrap());
    assert_eq!(
        again.export("s", GraphFormat::NTriples).unwrap(),
        ontology.export("s", GraphFormat::NTriples).unwrap()
    );
}

#[tokio::test]
async fn a_put_that_changes_nothing_is_not_written() {
    let (port, ontology) = open().await;
    assert_eq!(ontology.commit(change(nodes(), &[]), 1).await.unwrap(), 1);
    assert_eq!(port.read(0, 9).await.unwrap().len(), 1);
    let mut more = nodes();
    more.push(requirement("R-4"));
    assert_eq!(ontology.commit(change(more, &[]), 1).await.unwrap(), 2);
    assert_eq!(port.read(1, 9).await.unwrap()[0].put.len(), 1);
}

#[tokio::test]
async fn one_of_two_writers_from_the_same_state_is_refused() {
    let (_, ontology) = open().await;
    let ontology = Arc::new(ontology);
    let mut results = Vec::new();
    let tasks: Vec<_> = (0..8)
        .map(|i| {
            let ontology = Arc::clone(&ontology);
            tokio::spawn(async move {
                ontology.commit(change(vec![requirement(&format!("N-{i}"))], &[]), 1).await
            })
        })
        .collect();
    for task in tasks {
        results.push(task.await.unwrap().is_ok());
    }
    assert_eq!(results.iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test]
async fn change_sets_that_do_not_fit_are_refused_and_leave_nothing() {
    let (port, ontology) = open().await;
    let bad: Vec<(ChangeSet, &str)> = vec![
        (change(vec![link("allocated_to", "R-1", "nowhere")], &[]), "nowhere"),
        (change(vec![link("allocated_to", "wing", "R-1")], &[]), "not a requirement"),
        (change(vec![link("loves", "R-1", "wing")], &[]), "loves"),
        (change(vec![requirement("X"), requirement("X")], &[]), "twice"),
        (change(vec![requirement("wing")], &[]), "cannot become"),
        (change(vec![function("f", "R-1", None)], &[]), "needs a component"),
        (change(vec![component("root", Some("wing"))], &[]), "cycle"),
        (change(vec![], &["wing"]), "cannot be removed"),
        (change(vec![], &["ghost"]), "does not exist"),
        (change(vec![requirement("")], &[]), "id"),
    ];
    for (change, says) in bad {
        let error = ontology.commit(change, 1).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error} should say {says}");
    }
    assert_eq!(port.read(0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_trace_lights_up_the_line_of_a_node_and_no_other() {
    let (_, ontology) = open().await;
    let trace = ontology.trace("s", "R-1").unwrap();
    assert_eq!((trace.requirements, trace.components), (vec!["R-1".to_owned()], vec!["wing".to_owned()]));
    assert_eq!((trace.functions, trace.processes), (vec!["lift".to_owned()], vec!["P".to_owned()]));
    assert!(trace.links.contains(&"L-allocated_to-R-1-wing".to_owned()));
    let back = ontology.trace("s", "lift").unwrap();
    assert_eq!(back.requirements, ["R-1"]);
    assert_eq!(ontology.trace("s", "P").unwrap().components, ["tail", "wing"]);
    assert_eq!(ontology.trace("s", "wing").unwrap().requirements, ["R-1", "R-2"]);
    // Nothing says what satisfies R-2: everything its component does may.
    assert_eq!(ontology.trace("s", "R-2").unwrap().functions, ["lift"]);
    assert!(ontology.trace("s", "ghost").is_err());
}

#[tokio::test]
async fn impact_reaches_parts_and_the_other_end_of_interfaces() {
    let (_, ontology) = open().await;
    let impact = ontology.impact("s", "R-1").unwrap();
    for id in ["wing", "lift", "P", "I", "tail"] {
        assert!(impact.contains(&id.to_owned()), "{id} in {impact:?}");
    }
    assert!(!impact.contains(&"spare".to_owned()));
}

#[tokio::test]
async fn coverage_names_what_hangs_in_the_air() {
    let (_, ontology) = open().await;
    let coverage = ontology.coverage("s").unwrap();
    assert_eq!((coverage.requirements, coverage.allocated), (3, 2));
    assert_eq!(coverage.unallocated[0].id, "R-10");
    assert!((coverage.ratio - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(coverage.orphan_components, ["spare"]);
    assert_eq!(coverage.idle_leaves, ["spare"]);
    assert!(coverage.orphan_functions.is_empty());
}

#[tokio::test]
async fn runs_become_activities_and_measurements_once_for_each_key() {
    let (_, ontology) = open().await;
    let score = RunScore { attempts: 4, successes: 3, average: 0.66, low: 0.3, high: 0.9 };
    let run = RunRecord {
        key: "run/1".into(),
        system: "s".into(),
        process_id: "p_P".into(),
        instance: 7,
        state: "completed".into(),
        score: Some(score),
        ..RunRecord::default()
    };
    ontology.record_run(run.clone());
    ontology.export("s", GraphFormat::Turtle).unwrap();
    ontology.record_run(RunRecord { state: "failed".into(), ..run });
    let query = "PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX dqv: <http://www.w3.org/ns/dqv#> PREFIX p: <https://w3id.org/procos/ontology#>
        SELECT ?state ?value WHERE { ?run a prov:Activity ; p:state ?state ; prov:hadPlan ?plan . ?plan p:processId 'p_P' ; a p:Process . ?m dqv:computedOn ?plan ; dqv:value ?value }";
    let answer = ontology.sparql(query, QueryOptions::default()).await.unwrap();
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("failed") && !text.contains("completed") && text.contains("0.66"), "{text}");
}

#[tokio::test]
async fn the_triple_index_follows_removals_and_keeps_shared_triples() {
    let (_, ontology) = open().await;
    // The field of a function and a link say the same triple.
    ontology.commit(change(vec![link("performs", "wing", "lift")], &[]), 1).await.unwrap();
    let before = ontology.export("s", GraphFormat::NTriples).unwrap();
    assert_eq!(before.matches("#performs>").count(), 2);
    ontology.commit(change(vec![], &["L-performs-wing-lift", "R-10"]), 2).await.unwrap();
    let after = ontology.export("s", GraphFormat::NTriples).unwrap();
    assert_eq!(after.matches("#performs>").count(), 2);
    assert!(!after.contains("R-10"));
    assert!(ontology.export("s", GraphFormat::JsonLd).unwrap().contains("@id"));
}

#[tokio::test]
async fn an_export_is_turtle_that_reads_back() {
    let (_, ontology) = open().await;
    ontology
        .commit(
            change(
                vec![Node::Constraint(Constraint {
                    id: "K \"1\"<>".into(),
                    name: "mass\n\\".into(),
                    subject: "wing".into(),
                    si_value: 600.5,
                    origin: Origin { rule: "r".into(), confidence: 0.5, ..Origin::default() },
                    ..Constraint::default()
                })],
                &[],
            ),
            1,
        )
        .await
        .unwrap();
    let text = ontology.export("s", GraphFormat::Turtle).unwrap();
    let triples = crate::turtle::read(&text).unwrap();
    assert!(triples.iter().any(|t| t.object == "mass\n\\"));
    assert!(triples.iter().any(|t| t.subject.ends_with("/constraint/K%20%221%22%3C%3E")));
}

#[tokio::test]
async fn a_big_system_is_committed_and_queried_quickly() {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    let mut put = vec![component("c", None)];
    for i in 0..10_000 {
        put.push(requirement(&format!("R-{i}")));
        put.push(link("allocated_to", &format!("R-{i}"), "c"));
    }
    let began = std::time::Instant::now();
    ontology.commit(change(put, &[]), 0).await.unwrap();
    assert_eq!(ontology.coverage("s").unwrap().allocated, 10_000);
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}
