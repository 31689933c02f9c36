//! Everything that can be asked.

mod design;
mod knowledge;
mod quality;
mod runs;

use async_graphql::MergedObject;

pub(crate) use knowledge::snapshot;

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(knowledge::Knowledge, runs::Runs, quality::Quality, design::Design);
