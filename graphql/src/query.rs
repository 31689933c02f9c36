//! Everything that can be asked.

mod consequence;
mod design;
mod history;
mod knowledge;
mod quality;
mod runs;
mod watching;

use async_graphql::MergedObject;

pub(crate) use consequence::MatrixRow;
pub(crate) use design::BootstrapPreview;
pub(crate) use knowledge::line;

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    knowledge::Knowledge,
    history::History,
    consequence::Consequences,
    runs::Runs,
    quality::Quality,
    design::Design,
    watching::Watching,
);
