//! What belongs together, what never does, and that the order of answers changes nothing.

use proptest::prelude::*;

use super::*;

fn grouped(answers: &[&str]) -> Vec<Vec<String>> {
    let mut grouping = Grouping::by_words();
    answers.iter().for_each(|answer| grouping.add(answer));
    grouping.groups().into_iter().map(|group| group.answers).collect()
}

/// Texts with vectors in the plane, each at an angle in degrees.
fn at_angles(similarity: f64, texts: &[(&str, f64)]) -> Grouping {
    let mut grouping = Grouping::by_embeddings(similarity).unwrap();
    texts.iter().for_each(|(text, _)| grouping.add(text));
    for (text, angle) in texts {
        let (sine, cosine) = angle.to_radians().sin_cos();
        // The length of a vector says nothing.
        grouping.place(text, &[3.0 * cosine as f32, 3.0 * sine as f32]);
    }
    grouping
}

fn members(grouping: &Grouping) -> Vec<Vec<String>> {
    grouping.groups().into_iter().map(|group| group.answers).collect()
}

#[test]
fn answers_that_mean_the_same_are_one_group() {
    for same in [
        vec!["{\"a\": 1.0, \"b\": [\"X\"]}", "{ \"b\": [\"x \"], \"a\": 1 }"],
        vec!["3.14", "3.1400000001", " 3.14 "],
        vec!["Reject the orders.", "rejects order", "Rejected: order"],
        vec!["approve", "APPROVE", "\"approve\"", "Approved."],
        vec!["it is", "It is!"],
    ] {
        assert_eq!(grouped(&same).len(), 1, "{same:?}: {:?}", grouped(&same));
    }
}

#[test]
fn answers_that_differ_stay_apart() {
    for apart in [
        ["approve", "do not approve"],
        ["ship the order", "cancel the order"],
        ["3.14", "3.15"],
        ["0", "1e-9"],
        ["{\"a\": 1}", "{\"a\": 1, \"b\": null}"],
        ["[1, 2]", "[2, 1]"],
        ["1", "true"],
        ["isn't late", "late"],
    ] {
        assert_eq!(grouped(&apart).len(), 2, "{apart:?}");
    }
}

#[test]
fn a_group_is_called_by_its_most_frequent_answer() {
    let mut grouping = Grouping::by_words();
    ["rejects order", "Reject the orders.", "rejects order", "other"]
        .iter()
        .for_each(|one| grouping.add(one));
    let labels = grouping.labels();
    assert_eq!((&*labels["Reject the orders."], &*labels["other"]), ("rejects order", "other"));
}

#[test]
fn vectors_join_what_words_do_not_and_only_as_far_as_they_are_alike() {
    let texts = [("send it back", 0.0), ("return the parcel", 10.0), ("keep it", 60.0)];
    let back = vec!["return the parcel".to_owned(), "send it back".to_owned()];
    let mut grouping = at_angles(0.95, &texts);
    assert_eq!(members(&grouping), [vec!["keep it".to_owned()], back]);
    assert_eq!(members(&at_angles(0.99, &texts)).len(), 3, "cos 10° = 0.985");
    assert_eq!(members(&at_angles(0.4, &texts)).len(), 1);
    grouping.leave_vectors();
    assert_eq!((grouping.by(), members(&grouping).len()), (GroupedBy::Words, 3));
}

#[test]
fn a_chain_of_small_steps_joins_nothing_that_is_far_apart() {
    // Neighbours are 14°, 16° and 14° apart (0.970, 0.961), the ends 44° (0.719).
    let chain = [("north", 0.0), ("hill", 14.0), ("lake", 30.0), ("south", 44.0)];
    assert_eq!(members(&at_angles(0.96, &chain)), [["hill", "north"], ["lake", "south"]]);
}

#[test]
fn vectors_never_join_a_text_with_its_negation_or_with_another_number_or_what_are_no_texts() {
    for apart in [
        ["approve it now", "never approve this"],
        ["ship 3 boxes", "send 4 crates"],
        ["3.14", "3.15"],
        ["{\"a\": 1}", "{\"a\": 2}"],
        ["true", "yes"],
    ] {
        let grouping = at_angles(0.5, &apart.map(|text| (text, 20.0)));
        assert_eq!(members(&grouping).len(), 2, "{apart:?}");
    }
    assert_eq!(members(&at_angles(0.5, &[("ship 3 boxes", 0.0), ("send 3 crates", 5.0)])).len(), 1);
}

#[test]
fn only_texts_are_given_vectors_and_what_is_no_vector_says_nothing() {
    let mut grouping = Grouping::by_embeddings(0.9).unwrap();
    ["yes", "of course", "7", "[1]"].iter().for_each(|one| grouping.add(one));
    assert_eq!(grouping.without_vector(), ["of course", "yes"]);
    grouping.place("yes", &[0.0, 0.0]);
    grouping.place("yes", &[f32::NAN, 1.0]);
    grouping.place("of course", &[1.0, 0.0]);
    grouping.place("unknown", &[1.0, 0.0]);
    assert_eq!(grouping.without_vector(), ["yes"]);
    grouping.place("yes", &[1.0, 0.0, 0.0]);
    assert_eq!(members(&grouping).len(), 4, "vectors of different lengths are not compared");
    grouping.place("yes", &[1.0, 0.0]);
    assert_eq!(members(&grouping).len(), 3);
    assert!(Grouping::by_words().without_vector().is_empty());
    assert!(Grouping::by_embeddings(0.0).is_err() && Grouping::by_embeddings(1.1).is_err());
}

#[test]
fn many_different_answers_are_grouped_within_bounds() {
    let mut grouping = Grouping::by_words();
    for number in 0..2_000 {
        grouping.add(&format!("answer{number}x"));
    }
    grouping.add("rare thing");
    grouping.add("rare thing");
    grouping.add("Rare things!");
    let groups = grouping.groups();
    assert_eq!(groups.iter().map(|group| group.answers.len()).sum::<usize>(), 2_002);
}

proptest! {
    #[test]
    fn the_order_of_answers_changes_no_group_and_no_name(
        order in Just((0..14_usize).collect::<Vec<_>>()).prop_shuffle(),
        repeats in prop::collection::vec(1..4_usize, 14),
        angles in prop::collection::vec(0.0..120.0_f64, 14),
    ) {
        let words = ["ship it", "ships it", "cancel", "cancelled!", "hold", "wait", "pause", "stop", "go", "move",
                     "run", "walk", "3", "3.0000000001"];
        let build = |order: &[usize]| {
            let mut grouping = Grouping::by_embeddings(0.9).unwrap();
            for place in order {
                (0..repeats[*place]).for_each(|_| grouping.add(words[*place]));
                let (sine, cosine) = angles[*place].to_radians().sin_cos();
                grouping.place(words[*place], &[cosine as f32, sine as f32]);
            }
            grouping
        };
        let straight: Vec<usize> = (0..14).collect();
        let (one, other) = (build(&straight), build(&order));
        prop_assert_eq!(one.groups(), other.groups());
        // Any two texts of a group are alike enough.
        for group in one.groups() {
            for a in &group.answers {
                for b in &group.answers {
                    let alike = one.alikeness(&one.answers[a], &one.answers[b]);
                    prop_assert!(alike >= 0.9, "{} and {} in {:?}", a, b, group);
                }
            }
        }
    }
}
