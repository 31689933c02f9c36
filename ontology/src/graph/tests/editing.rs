//! Edits, undo, time travel, baselines, branches.

use super::*;
use crate::graph::{Edit, MergeChoice, branch_line};
use crate::history::{Alteration, Moment};
use crate::model::Review;

fn by(author: &str) -> Edit {
    Edit { system: "s".into(), author: author.into(), message: "m".into(), at_ms: 9, ..Edit::default() }
}

fn says(id: &str, text: &str) -> Node {
    Node::Requirement(Requirement { id: id.into(), text: text.into(), ..Requirement::default() })
}

async fn put(ontology: &Ontology, edit: &Edit, node: Node) -> Result<i64, Error> {
    ontology
        .edit(edit, |_, change| {
            change.put.push(node.clone());
            Ok(())
        })
        .await
}

fn text(system: &SystemIndex, id: &str) -> Option<String> {
    match system.node(id)?.as_ref() {
        Node::Requirement(requirement) => Some(requirement.text.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn the_second_of_two_writers_on_one_node_is_told_and_others_are_not_disturbed() {
    let (_, ontology) = open().await;
    let seen = ontology.snapshot("s").unwrap().version("R-1").unwrap().put;
    let first = Edit { if_match: vec![("R-1".into(), seen)], ..by("ann") };
    put(&ontology, &first, says("R-1", "ann's")).await.unwrap();
    let second = Edit { if_match: vec![("R-1".into(), seen)], ..by("bob") };
    let error = put(&ontology, &second, says("R-1", "bob's")).await.unwrap_err();
    assert_eq!(error.code(), "ONTO-0007");
    assert!(error.to_string().contains("changed by ann in change set 2; you saw version 1"), "{error}");
    // The same reader may still change another node.
    let other = Edit { if_match: vec![("R-2".into(), seen)], ..by("bob") };
    put(&ontology, &other, says("R-2", "bob's")).await.unwrap();
    assert_eq!(text(&ontology.snapshot("s").unwrap(), "R-1").unwrap(), "ann's");
}

#[tokio::test]
async fn edits_of_different_nodes_at_the_same_time_all_come_through() {
    let (port, ontology) = open().await;
    let ontology = Arc::new(ontology);
    let tasks: Vec<_> = (0..8)
        .map(|i| {
            let ontology = Arc::clone(&ontology);
            tokio::spawn(async move { put(&ontology, &by("x"), requirement(&format!("N-{i}"))).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(port.of_system("s", 1, 99).await.unwrap().len(), 8);
}

#[tokio::test]
async fn the_same_mutation_twice_is_one_change_also_after_a_restart() {
    let (port, ontology) = open().await;
    let edit = Edit { mutation: Some("m-1".into()), ..by("ann") };
    assert_eq!(put(&ontology, &edit, says("R-1", "once")).await.unwrap(), 2);
    assert_eq!(put(&ontology, &edit, says("R-1", "twice")).await.unwrap(), 2);
    let again = Ontology::open(port).await.unwrap();
    assert_eq!(put(&again, &edit, says("R-1", "thrice")).await.unwrap(), 2);
    assert_eq!(text(&again.snapshot("s").unwrap(), "R-1").unwrap(), "once");
}

#[tokio::test]
async fn a_system_is_shown_as_it_was_and_differences_name_fields_and_links() {
    let (_, ontology) = open().await;
    put(&ontology, &by("ann"), says("R-1", "after")).await.unwrap();
    ontology.commit(change(vec![], &["L-satisfied_by-R-1-lift"]), 2).await.unwrap();
    let was = ontology.as_of("s", &Moment::Version(1)).await.unwrap();
    assert_eq!((text(&was, "R-1").unwrap().as_str(), was.count("link")), ("R-1 shall be", 3));
    assert_eq!(ontology.as_of("s", &Moment::Time(5)).await.unwrap().head, 3);
    let diff = ontology.diff("s", &Moment::Version(1), &Moment::Version(3)).await.unwrap();
    assert_eq!((diff.nodes.len(), diff.links.len()), (1, 1));
    let field = &diff.nodes[0].fields[0];
    assert_eq!((field.field.as_str(), field.after.as_deref()), ("text", Some("after")));
    assert_eq!(diff.links[0].alteration, Alteration::Removed);
    assert_eq!(ontology.changes("s", 2).await.unwrap().len(), 1);
    let missing = ontology.as_of("s", &Moment::Version(9)).await.unwrap_err();
    assert_eq!(missing.code(), "ONTO-0003");
}

#[tokio::test]
async fn any_change_set_is_taken_back_and_what_changed_since_is_named() {
    let (_, ontology) = open().await;
    let original = text(&ontology.snapshot("s").unwrap(), "R-1");
    put(&ontology, &by("ann"), says("R-1", "first")).await.unwrap();
    put(&ontology, &by("bob"), says("R-2", "other")).await.unwrap();
    // An older change set than the newest, with another in between.
    assert_eq!(ontology.undo(&by("eve"), 2).await.unwrap(), 4);
    assert_eq!(text(&ontology.snapshot("s").unwrap(), "R-1"), original);
    // Taking back can be taken back.
    ontology.undo(&by("eve"), 4).await.unwrap();
    assert_eq!(text(&ontology.snapshot("s").unwrap(), "R-1").unwrap(), "first");
    put(&ontology, &by("ann"), says("R-2", "again")).await.unwrap();
    let error = ontology.undo(&by("eve"), 3).await.unwrap_err();
    assert_eq!(error.code(), "ONTO-0008");
    assert!(error.to_string().contains("R-2 was changed again in change set 6 by ann"), "{error}");
    // What others refer to by now cannot be taken back either.
    put(&ontology, &by("ann"), requirement("R-77")).await.unwrap();
    put(&ontology, &by("ann"), link("allocated_to", "R-77", "wing")).await.unwrap();
    let error = ontology.undo(&by("eve"), 7).await.unwrap_err().to_string();
    assert!(error.contains("R-77 cannot be removed: L-allocated_to-R-77-wing refers to it"), "{error}");
    // A removal is taken back with its links.
    let gone = ["R-77", "L-allocated_to-R-77-wing"];
    let removed = ontology.commit(change(vec![], &gone), 8).await.unwrap();
    ontology.undo(&by("eve"), removed).await.unwrap();
    assert!(gone.iter().all(|id| ontology.snapshot("s").unwrap().node(id).is_some()));
}

#[tokio::test]
async fn a_baseline_is_signed_by_what_it_holds() {
    let (port, ontology) = open().await;
    let first = ontology.set_baseline(&by("ann"), "PDR").await.unwrap();
    assert_eq!(first.version, 1);
    put(&ontology, &by("ann"), says("R-1", "later")).await.unwrap();
    let second = ontology.set_baseline(&by("ann"), "CDR").await.unwrap();
    assert_ne!(first.hash, second.hash);
    assert!(ontology.set_baseline(&by("ann"), "PDR").await.is_err());
    let again = Ontology::open(port).await.unwrap();
    assert!(again.is_intact("s", "PDR").await.unwrap());
    let at = |name: &str| Moment::Baseline(name.to_owned());
    assert_eq!(again.diff("s", &at("PDR"), &at("CDR")).await.unwrap().len(), 1);
    // The same content reached on another way has the same hash.
    put(&again, &by("ann"), says("R-1", "R-1 shall be")).await.unwrap();
    assert_eq!(crate::history::content_hash(&again.snapshot("s").unwrap()).unwrap(), first.hash);
}

#[tokio::test]
async fn a_branch_is_merged_and_conflicts_are_shown_and_decided() {
    let (port, ontology) = open().await;
    ontology.branch(&by("ann"), "study").await.unwrap();
    let line = branch_line("s", "study");
    let on_branch = Edit { system: line.clone(), ..by("ann") };
    put(&ontology, &on_branch, says("R-1", "theirs")).await.unwrap();
    put(&ontology, &on_branch, requirement("R-50")).await.unwrap();
    put(&ontology, &by("bob"), says("R-1", "ours")).await.unwrap();
    assert_eq!(text(&ontology.snapshot("s").unwrap(), "R-1").unwrap(), "ours");
    assert_eq!(ontology.systems().len(), 1);
    // A restart finds both lines.
    let ontology = Ontology::open(port).await.unwrap();
    assert_eq!(text(&ontology.snapshot(&line).unwrap(), "R-1").unwrap(), "theirs");
    let error = ontology.merge(&by("eve"), "study", &BTreeMap::new()).await.unwrap_err();
    assert!(error.to_string().contains("R-1 was changed again"), "{error}");
    assert!(ontology.snapshot("s").unwrap().node("R-50").is_none());
    let choices = BTreeMap::from([("R-1".to_owned(), MergeChoice::Theirs)]);
    ontology.merge(&by("eve"), "study", &choices).await.unwrap();
    let (ours, theirs) = (ontology.snapshot("s").unwrap(), ontology.snapshot(&line).unwrap());
    assert_eq!(text(&ours, "R-1").unwrap(), "theirs");
    assert!(ours.node("R-50").is_some() && ours.differing(&theirs).is_empty());
    assert_eq!(ontology.branches("s").len(), 1);
}

#[tokio::test]
async fn a_review_of_a_link_that_is_not_there_is_refused() {
    let (_, ontology) = open().await;
    let review = |link: &str| [Review { link: link.into(), note: None }];
    ontology.review(&by("ann"), &review("L-allocated_to-R-1-wing")).await.unwrap();
    let error = ontology.review(&by("ann"), &review("R-1")).await.unwrap_err();
    assert_eq!(error.code(), "ONTO-0003");
}

#[tokio::test]
async fn progress_is_the_coverage_after_change_sets_spread_over_the_history() {
    let (_, ontology) = open().await;
    for (id, target) in [("R-2", "tail"), ("R-10", "spare")] {
        put(&ontology, &by("ann"), link("allocated_to", id, target)).await.unwrap();
    }
    put(&ontology, &by("ann"), requirement("R-11")).await.unwrap();
    let line = ontology.branch(&by("ann"), "b").await.unwrap();
    put(&ontology, &Edit { system: line.clone(), ..by("bob") }, link("allocated_to", "R-11", "tail"))
        .await
        .unwrap();
    let told = |points: Vec<crate::CoveragePoint>| -> Vec<(i64, usize, usize)> {
        points.iter().map(|point| (point.version, point.requirements, point.allocated)).collect()
    };
    let all = told(ontology.progress("s", 100).await.unwrap());
    assert_eq!(all, [(1, 3, 2), (2, 3, 2), (3, 3, 3), (4, 4, 3)]);
    assert_eq!(told(ontology.progress("s", 2).await.unwrap()), [(2, 3, 2), (4, 4, 3)]);
    assert_eq!(told(ontology.progress(&line, 9).await.unwrap()), [(5, 4, 3), (6, 4, 4)]);
    assert_eq!(told(ontology.progress("s", 0).await.unwrap()), []);
    for point in ontology.progress("s", 100).await.unwrap() {
        let state = ontology.as_of("s", &Moment::Version(point.version)).await.unwrap();
        assert_eq!(point.allocated, crate::coverage::coverage(&state).allocated);
    }
}
