//! Decisions: DMN files read, checked and evaluated (OMG, Decision Model and Notation 1.5).
//!
//! | part | executed |
//! | --- | --- |
//! | decision table | all hit policies, several outputs, allowed values, default outputs (§ 8) |
//! | literal expression | FEEL; JUEL in `${…}` |
//! | requirements | decisions that need decisions, evaluated first; cycles are refused (§ 6) |
//! | business knowledge model | with a literal expression in FEEL, called like a function |
//! | everything else | refused with element, line and way out |
//!
//! Pure: the variables, the time and the step budget are parameters, so the same question has the same answer.

mod check;
mod error;
mod evaluate;
mod hit_policy;
mod model;
mod read;
mod requirements;
mod table;

#[cfg(test)]
mod tests;

pub use check::check;
pub use error::EvaluationError;
pub use evaluate::{Evaluation, ExplainedDecision, ExplainedRule, evaluate};
pub use model::{
    Aggregation, Decision, HitPolicy, InputClause, InputData, KnowledgeModel, Logic, Model, OutputClause,
    Rule, Table,
};
pub use read::{is_dmn, read};

/// Most decisions in one file.
pub const MAX_DECISIONS: usize = 500;
/// Most rules of one decision table.
pub const MAX_RULES: usize = 10_000;
/// Most inputs and outputs of one decision table.
pub const MAX_COLUMNS: usize = 200;
/// Most cells (tests and outputs) of one decision table.
pub const MAX_CELLS: usize = 40_000;
