//! In which order decisions are evaluated that need each other (DMN 1.5 § 6.2.1: the requirements must not form a
//! cycle).

use crate::error::{Error, Place};

/// What a decision names directly, by place.
pub(super) struct Needs<'a> {
    pub(super) id: &'a str,
    pub(super) line: u32,
    pub(super) direct: Vec<usize>,
}

/// For each decision all it needs, directly or not, each after what it needs itself.
///
/// # Errors
/// [`Error::Cycle`] with the ids along the cycle.
pub(super) fn order(needs: &[Needs<'_>]) -> Result<Vec<Vec<usize>>, Error> {
    let sorted = sort(needs)?;
    // In sorted order everything a decision needs stands before it, so that one pass closes the relation.
    let mut all: Vec<Vec<bool>> = vec![Vec::new(); needs.len()];
    for place in &sorted {
        let mut reached = vec![false; needs.len()];
        for direct in &needs[*place].direct {
            reached[*direct] = true;
            for (other, is_needed) in all[*direct].iter().enumerate() {
                reached[other] |= is_needed;
            }
        }
        all[*place] = reached;
    }
    Ok(all
        .into_iter()
        .map(|reached| {
            sorted.iter().copied().filter(|other| reached.get(*other).copied().unwrap_or(false)).collect()
        })
        .collect())
}

/// Depth first, without recursion: what is needed comes first.
fn sort(needs: &[Needs<'_>]) -> Result<Vec<usize>, Error> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Fresh,
        Open,
        Done,
    }
    let mut marks = vec![Mark::Fresh; needs.len()];
    let mut sorted = Vec::with_capacity(needs.len());
    for start in 0..needs.len() {
        // The path from `start`, each with the number of its needs that were looked at.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if marks[start] == Mark::Fresh {
            marks[start] = Mark::Open;
            path.push((start, 0));
        }
        while let Some((place, next)) = path.last_mut() {
            let Some(needed) = needs[*place].direct.get(*next).copied() else {
                marks[*place] = Mark::Done;
                sorted.push(*place);
                path.pop();
                continue;
            };
            *next += 1;
            match marks[needed] {
                Mark::Done => {}
                Mark::Fresh => {
                    marks[needed] = Mark::Open;
                    path.push((needed, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|(place, _)| *place == needed).unwrap_or(0);
                    let mut ids: Vec<&str> = path[from..].iter().map(|(place, _)| needs[*place].id).collect();
                    ids.push(needs[needed].id);
                    let place = Place::at(needs[needed].id, needs[needed].line);
                    return Err(Error::Cycle { path: ids.join(" → "), place });
                }
            }
        }
    }
    Ok(sorted)
}
