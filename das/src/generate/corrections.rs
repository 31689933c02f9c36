//! What a person corrected in something that was asked for in the same words is done at once the next time.

use memory::Entry;

use super::{Context, Generated, attach, finish};
use crate::error::Error;
use crate::text::similarity;
use crate::tree::Edit;
use crate::watch::Correction;

/// Requests at least so alike are the same.
const SAME_REQUEST: f64 = 0.9;

/// The corrections among what was recalled.
pub(super) fn of(examples: &[Entry]) -> impl Iterator<Item = (&Entry, Correction)> {
    examples.iter().filter_map(|entry| {
        let correction = entry.payload.get("correction")?;
        Some((entry, serde_json::from_value(correction.clone()).ok()?))
    })
}

/// Renames what was renamed, and leaves out what was assumed and then removed. What a person added is only told:
/// nobody said where it belongs.
pub(super) fn apply(
    mut generated: Generated,
    description: &str,
    context: &Context,
    examples: &[Entry],
) -> Result<Generated, Error> {
    let mut notes = Vec::new();
    let mut tree = generated.tree.clone();
    for (entry, correction) in of(examples) {
        let asked = entry.payload.get("request").and_then(serde_json::Value::as_str).unwrap_or_default();
        if similarity(asked, description) < SAME_REQUEST {
            continue;
        }
        for (from, to) in &correction.renamed {
            let mut found = false;
            tree.for_each_activity(|step| {
                if step.label == *from {
                    step.label.clone_from(to);
                    found = true;
                }
            });
            if found {
                notes.push(format!("as a person corrected it before: '{from}' became '{to}'"));
            }
        }
        for label in &correction.removed {
            let assumed = tree.activities().into_iter().find(|step| step.assumed && step.label == *label);
            let Some(id) = assumed.map(|step| step.id.clone()) else { continue };
            // A step that cannot go, because nothing else is left, stays.
            if let Ok(without) = tree.edit(Edit::Remove { id }) {
                tree = without;
                notes.push(format!("as a person corrected it before: '{label}' is left out"));
            }
        }
        if !correction.added.is_empty() {
            notes.push(format!("a person added before: '{}'", correction.added.join("', '")));
        }
    }
    if notes.is_empty() {
        return Ok(generated);
    }
    if tree != generated.tree {
        let (name, source) = (generated.name.clone(), generated.source);
        let context = Context { process_id: Some(generated.process_id.clone()), ..context.clone() };
        let overruns = std::mem::take(&mut generated.overruns);
        generated = finish(tree, name, &context, source, generated.notes)?;
        attach(&mut generated, overruns);
    }
    generated.notes.extend(notes);
    Ok(generated)
}
