//! Labels that are given for activities: a model must use them, the reader's own are replaced where they mean the same.

use crate::text::similarity;
use crate::tree::Tree;

/// Labels at least so alike mean the same activity.
const SAME: f64 = 0.5;

/// Checks that a model used the labels given and no others; at `last`, missing ones are let pass.
pub(super) fn enforce(mut tree: Tree, labels: &[String], last: bool) -> Result<Tree, String> {
    if labels.is_empty() {
        return Ok(tree);
    }
    let mut faults = Vec::new();
    tree.for_each_activity(|activity| {
        match labels.iter().find(|label| label.trim().eq_ignore_ascii_case(activity.label.trim())) {
            Some(label) => activity.label = label.trim().to_owned(),
            None => faults.push(format!("'{}' is not among the activity labels to use", activity.label)),
        }
    });
    let missing = missing(&tree, labels);
    if !missing.is_empty() && !last {
        faults.push(format!("no activity is called {}", missing.join(", ")));
    }
    if faults.is_empty() { Ok(tree) } else { Err(faults.join("; ")) }
}

/// Gives the activities the labels that mean the same; says which labels found none.
pub(super) fn adopt(tree: &mut Tree, labels: &[String]) -> Vec<String> {
    if labels.is_empty() {
        return Vec::new();
    }
    let own: Vec<String> = tree.activities().iter().map(|activity| activity.label.clone()).collect();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (at, label) in own.iter().enumerate() {
        for (given, wanted) in labels.iter().enumerate() {
            let alike = similarity(label, wanted);
            if alike >= SAME {
                pairs.push((alike, at, given));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut chosen: Vec<Option<usize>> = vec![None; own.len()];
    for (_, at, given) in pairs {
        if chosen.get(at).is_some_and(Option::is_none) && !chosen.contains(&Some(given)) {
            chosen[at] = Some(given);
        }
    }
    let mut number = 0;
    tree.for_each_activity(|activity| {
        let given = chosen.get(number).copied().flatten().and_then(|given| labels.get(given));
        if let Some(label) = given {
            activity.label = label.trim().to_owned();
        }
        number += 1;
    });
    let missing = missing(tree, labels);
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!("labels that no step was found for: {}", missing.join(", "))]
}

fn missing(tree: &Tree, labels: &[String]) -> Vec<String> {
    let used: Vec<String> = tree.activities().iter().map(|activity| activity.label.to_lowercase()).collect();
    labels
        .iter()
        .filter(|label| !label.trim().is_empty() && !used.contains(&label.trim().to_lowercase()))
        .map(|label| format!("'{}'", label.trim()))
        .collect()
}
