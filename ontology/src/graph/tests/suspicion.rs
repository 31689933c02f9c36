//! Suspect links, and constraints under assumptions.

use super::*;
use crate::constraints::{Assumption, standings, what_if};
use crate::graph::Edit;
use crate::model::Review;
use crate::suspicion::{Direction, suspects};

fn edit() -> Edit {
    Edit { system: "s".into(), author: "ann".into(), ..Edit::default() }
}

fn budget(id: &str, subject: &str, comparator: &str, value: f64, parts: &[(&str, f64)]) -> Node {
    Node::Constraint(Constraint {
        id: id.into(),
        kind: if parts.is_empty() { "bound" } else { "budget" }.into(),
        subject: subject.into(),
        property: "mass".into(),
        comparator: comparator.into(),
        si_value: value,
        si_unit: "kg".into(),
        parts: parts.iter().map(|(component, value)| ((*component).to_owned(), *value, true)).collect(),
        ..Constraint::default()
    })
}

fn links(system: &SystemIndex, transitive: bool) -> Vec<(String, Direction, usize)> {
    suspects(system, transitive).into_iter().map(|it| (it.link, it.direction, it.distance)).collect()
}

#[tokio::test]
async fn a_change_makes_links_suspect_until_they_are_reviewed() {
    let (_, ontology) = open().await;
    let now = || ontology.snapshot("s").unwrap();
    assert!(suspects(&now(), true).is_empty());
    let changed =
        Requirement { id: "R-1".into(), text: "R-1 shall be better".into(), ..Requirement::default() };
    ontology.commit(change(vec![Node::Requirement(changed.clone())], &[]), 1).await.unwrap();
    let down = |link: &str| (link.to_owned(), Direction::Down, 0);
    let both = [down("L-allocated_to-R-1-wing"), down("L-satisfied_by-R-1-lift")];
    assert_eq!(links(&now(), false), both);
    assert_eq!(suspects(&now(), false)[0].cause, "R-1");
    let review = Review { link: "L-satisfied_by-R-1-lift".into(), note: Some("still lifts".into()) };
    ontology.review(&edit(), &[review]).await.unwrap();
    assert_eq!(links(&now(), false), both[..1]);
    // What only says where it stands makes nothing suspect.
    let moved = Requirement { line: Some(7), ..changed.clone() };
    ontology.commit(change(vec![Node::Requirement(moved)], &[]), 3).await.unwrap();
    assert_eq!(links(&now(), false), both[..1]);
    // A later change counts again, in spite of the review.
    let again = Requirement { text: "R-1 shall be best".into(), ..changed };
    ontology.commit(change(vec![Node::Requirement(again)], &[]), 4).await.unwrap();
    assert_eq!(links(&now(), false), both);
    // A link that is written anew was looked at.
    ontology.commit(change(vec![], &["L-allocated_to-R-1-wing"]), 5).await.unwrap();
    ontology.commit(change(vec![link("allocated_to", "R-1", "wing")], &[]), 6).await.unwrap();
    assert_eq!(links(&now(), false), both[1..]);
}

#[tokio::test]
async fn suspicion_travels_down_and_up_through_nodes_that_did_not_change() {
    let (_, ontology) = open().await;
    let more = vec![
        link("refines", "R-2", "R-10"),
        link("realised_by", "lift", "P"),
        link("verified_by", "R-2", "P"),
    ];
    ontology.commit(change(more, &[]), 1).await.unwrap();
    let says = |id: &str| {
        Node::Requirement(Requirement { id: id.into(), text: "other".into(), ..Requirement::default() })
    };
    // R-10 is refined by R-2: its change goes down through R-2 to the wing and to P.
    ontology.commit(change(vec![says("R-10")], &[]), 2).await.unwrap();
    let now = ontology.snapshot("s").unwrap();
    assert_eq!(links(&now, false), [("L-refines-R-2-R-10".to_owned(), Direction::Down, 0)]);
    let all = links(&now, true);
    assert!(all.contains(&("L-allocated_to-R-2-wing".to_owned(), Direction::Down, 1)), "{all:?}");
    assert!(all.contains(&("L-realised_by-lift-P".to_owned(), Direction::Down, 3)), "{all:?}");
    assert!(!all.iter().any(|(link, _, _)| link.contains("R-1-")), "{all:?}");
    // A process that is another one puts in question what it realises, and what that satisfies.
    let renamed = Node::Process(Process {
        id: "P".into(),
        name: "another".into(),
        component: Some("wing".into()),
        process_id: "p_P".into(),
        ..Process::default()
    });
    ontology.commit(change(vec![renamed], &[]), 3).await.unwrap();
    let all = links(&ontology.snapshot("s").unwrap(), true);
    assert!(all.contains(&("L-realised_by-lift-P".to_owned(), Direction::Up, 0)), "{all:?}");
    assert!(all.contains(&("L-satisfied_by-R-1-lift".to_owned(), Direction::Up, 1)), "{all:?}");
}

#[tokio::test]
async fn assumptions_show_what_breaks_and_whom_it_reaches() {
    let (_, ontology) = open().await;
    let constraints = vec![
        budget("K-1", "root", "<=", 100.0, &[("wing", 60.0), ("tail", 30.0)]),
        budget("K-2", "wing", "<=", 65.0, &[]),
        budget("K-3", "spare", ">=", 5.0, &[]),
    ];
    ontology.commit(change(constraints, &[]), 1).await.unwrap();
    let system = ontology.snapshot("s").unwrap();
    let now = standings(&system);
    assert_eq!((now["K-1"].value, now["K-1"].margin, now["K-1"].holds), (Some(90.0), Some(10.0), Some(true)));
    assert_eq!((now["K-2"].value, now["K-2"].holds), (Some(60.0), Some(true)));
    assert_eq!(now["K-3"].holds, None);
    let part =
        |value: f64| Assumption { constraint: "K-1".into(), component: Some("wing".into()), si_value: value };
    assert!(what_if(&system, &[part(65.0)]).unwrap().breaks.is_empty());
    let heavy = what_if(&system, &[part(75.0)]).unwrap();
    let broken: Vec<&str> = heavy.breaks.iter().map(|it| it.constraint.as_str()).collect();
    assert_eq!(broken, ["K-1", "K-2"]);
    assert_eq!(heavy.breaks[0].margin, Some(-5.0));
    for id in ["R-1", "wing", "lift", "P"] {
        assert!(heavy.reaches.contains(&id.to_owned()), "{id} in {:?}", heavy.reaches);
    }
    // Two bounds that nothing can satisfy together.
    let lower = Assumption { constraint: "K-2".into(), component: None, si_value: 50.0 };
    assert_eq!(what_if(&system, &[lower]).unwrap().breaks.len(), 1);
    ontology.commit(change(vec![budget("K-4", "spare", "<=", 4.0, &[])], &[]), 2).await.unwrap();
    let system = ontology.snapshot("s").unwrap();
    let clash = standings(&system);
    assert_eq!(clash["K-3"].contradicts, ["K-4"]);
    let ghost = Assumption { constraint: "ghost".into(), component: None, si_value: 1.0 };
    assert_eq!(what_if(&system, &[ghost]).unwrap_err().code(), "ONTO-0003");
}

#[tokio::test]
async fn a_run_shows_a_requirement_until_it_fails_or_the_requirement_changes() {
    use crate::verification::Shown;
    let (_, ontology) = open().await;
    let shown = |id: &str| {
        let found = ontology.execution(&ontology.snapshot("s").unwrap(), id);
        found.map_or(Shown::Never, |execution| execution.shown)
    };
    assert_eq!(shown("R-1"), Shown::Never);
    let run = |instance: i64, state: &str, ended_ms: i64| RunRecord {
        key: format!("run/{instance}"),
        system: "s".into(),
        process_id: "p_P".into(),
        instance,
        state: state.into(),
        ended_ms: Some(ended_ms),
        ..RunRecord::default()
    };
    // R-1 is satisfied by `lift`, which P realises.
    ontology.record_run(run(1, "completed", 10));
    assert_eq!((shown("R-1"), shown("R-2")), (Shown::Holds, Shown::Never));
    ontology.record_run(run(2, "failed", 20));
    assert_eq!(shown("R-1"), Shown::Failed);
    // What is delivered late does not hide what ended later.
    ontology.record_run(run(1, "completed", 10));
    assert_eq!(shown("R-1"), Shown::Failed);
    ontology.record_run(run(3, "completed", 30));
    let other = Requirement { id: "R-1".into(), text: "other".into(), ..Requirement::default() };
    let later = ChangeSet { at_ms: 40, ..change(vec![Node::Requirement(other)], &[]) };
    ontology.commit(later, 1).await.unwrap();
    assert_eq!(shown("R-1"), Shown::Outdated);
    let tally = ontology.executions(&ontology.snapshot("s").unwrap());
    assert_eq!((tally.holds, tally.outdated, tally.never), (0, 1, 2));
    assert_eq!(ontology.served_by("p_P", None).unwrap(), [("s".to_owned(), "R-1".to_owned())]);
    assert!(ontology.served_by("p_P", Some("elsewhere")).unwrap().is_empty());
}

/// A system of four requirements, each linked to two components.
fn grid() -> (SystemIndex, Vec<Node>) {
    let says = |id: String| {
        Node::Requirement(Requirement { id, text: "as it was".into(), ..Requirement::default() })
    };
    let component = |id: &str| {
        Node::Component(crate::model::Component { id: id.into(), name: id.into(), ..Default::default() })
    };
    let links: Vec<Node> = (0..4)
        .flat_map(|at| ["C-0", "C-1"].map(|end| link("allocated_to", &format!("R-{at}"), end)))
        .collect();
    let mut put: Vec<Node> = (0..4).map(|at| says(format!("R-{at}"))).collect();
    put.extend([component("C-0"), component("C-1")]);
    put.extend(links.clone());
    let mut system = SystemIndex::default();
    system.apply(&ChangeSet { number: 1, ..change(put, &[]) });
    (system, links)
}

proptest::proptest! {
    #[test]
    fn the_kept_suspects_are_those_that_a_look_at_every_link_finds(
        acts in proptest::collection::vec((0..8_u8, 0..4_usize, 0..8_usize), 1..40)
    ) {
        let (mut system, links) = grid();
        for (number, (act, at, of)) in (2_i64..).zip(acts) {
            let link = &links[of];
            let id = format!("R-{at}");
            let Some(Node::Requirement(known)) = system.node(&id).map(|node| node.as_ref().clone()) else {
                unreachable!("requirements are never only removed");
            };
            let reworded =
                Node::Requirement(Requirement { text: format!("as of {number}"), ..known.clone() });
            let made = match act {
                0 | 1 => change(vec![reworded], &[]),
                2 => change(vec![Node::Requirement(Requirement { line: Some(7), ..known })], &[]),
                3 => change(vec![link.clone()], &[]),
                4 => change(vec![], &[link.id()]),
                5 => change(vec![reworded], &[id.as_str()]),
                6 => change(vec![reworded, link.clone()], &[]),
                _ => ChangeSet {
                    review: vec![Review { link: link.id().into(), note: None }],
                    ..change(vec![], &[])
                },
            };
            system.apply(&ChangeSet { number, ..made });
            let looked: Vec<_> = system
                .of_kind("link")
                .filter_map(|node| match node.as_ref() {
                    Node::Link(link) => crate::suspicion::direct(&system, link),
                    _ => None,
                })
                .collect();
            proptest::prop_assert_eq!(system.suspects().cloned().collect::<Vec<_>>(), looked);
            proptest::prop_assert_eq!(system.suspect_count(), suspects(&system, false).len());
        }
    }
}
