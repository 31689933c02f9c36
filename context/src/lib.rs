//! The context manager: builds, tests, approves and stores prompts, and assembles them within a token budget.

mod approval;
mod assemble;
mod comparison;
mod compose;
mod error;
mod evidence;
mod experiment;
mod files;
mod gate;
mod junit;
mod lifecycle;
mod port;
mod prompt;
mod recording;
mod remember;
mod report;
mod template;
#[cfg(test)]
mod tests;
mod trial;
mod volatile;

pub use approval::DirectApproval;
pub use assemble::{
    Assembled, CONTEXT_VARIABLE, DropReason, Dropped, ITEMS_LIMIT, Item, assemble, disarm, estimate_tokens,
};
pub use comparison::{COMPARISON_ERROR, Comparison, ModelRow, model_rows};
pub use compose::FRAGMENT_DEPTH;
pub use error::Error;
pub use evidence::{NewExperiment, Posterior};
pub use experiment::{Assignment, Experiment, ExperimentArm, ExperimentEnd, version_subject};
pub use files::{FilesError, Folder, TESTS_FILE, folder_of, prompt_of};
pub use gate::pass_rate_interval;
pub use junit::junit;
pub use lifecycle::{ContextManager, Selector};
pub use port::{
    Approval, ApprovalRecord, ApprovalRequest, Decision, LATEST, LabelMove, PRODUCTION, PromptStore, Stamp,
};
pub use prompt::{
    NAME_LIMIT, Parameters, Prompt, PromptVersion, TEMPLATE_LIMIT_BYTES, TemplateMessage, VARIABLES_LIMIT,
    Variable, VariableType,
};
pub use recording::Recording;
pub use remember::{FORGOTTEN, Now, RecordedMemory, RememberedModel, STORED};
pub use report::{
    Assertion, Gate, TRIALS_LIMIT, TestCase, TestReport, TestSuite, Trial, Verdict, WeightedAssertion,
};
pub use trial::Progress;
pub use volatile::VolatilePrompts;
