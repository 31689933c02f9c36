//! The context manager: builds, tests, approves and stores prompts, and assembles them within a token budget.

mod approval;
mod assemble;
mod error;
mod gate;
mod lifecycle;
mod port;
mod prompt;
mod report;
mod template;
#[cfg(test)]
mod tests;
mod trial;
mod volatile;

pub use approval::DirectApproval;
pub use assemble::{
    Assembled, CONTEXT_VARIABLE, DropReason, Dropped, ITEMS_LIMIT, Item, assemble, estimate_tokens,
};
pub use error::Error;
pub use gate::pass_rate_interval;
pub use lifecycle::{ContextManager, Selector};
pub use port::{
    Approval, ApprovalRecord, ApprovalRequest, Decision, LATEST, LabelMove, PRODUCTION, PromptStore, Stamp,
};
pub use prompt::{
    NAME_LIMIT, Parameters, Prompt, PromptVersion, TEMPLATE_LIMIT_BYTES, TemplateMessage, VARIABLES_LIMIT,
    Variable, VariableType,
};
pub use report::{
    Assertion, Gate, TRIALS_LIMIT, TestCase, TestReport, TestSuite, Trial, Verdict, WeightedAssertion,
};
pub use volatile::VolatilePrompts;
