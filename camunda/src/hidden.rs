//! What ProcOS keeps in an instance's own variables, because Camunda has no place for it; nobody else sees these.

use bpmn::program::Variables;
use serde::{Deserialize, Serialize};

/// Prefix of their names.
pub(crate) const HIDDEN: &str = "procosInstance";

/// What ProcOS keeps with an instance that it started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hidden {
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) actor: Option<String>,
    /// Where Camunda has no business keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) business_key: Option<String>,
}

/// What ProcOS kept with the instance of these variables.
pub(crate) fn hidden(variables: &Variables) -> Option<Hidden> {
    serde_json::from_str(variables.get(HIDDEN)?.as_str()?).ok()
}

/// The variables that everybody sees.
pub(crate) fn visible(variables: Variables) -> Variables {
    variables.into_iter().filter(|(name, _)| !name.starts_with(HIDDEN)).collect()
}

/// Name of the variable that holds the hash of an idempotency key.
pub(crate) fn key_variable() -> String {
    format!("{HIDDEN}Key")
}

/// Name of the variable that says which run an instance belongs to.
pub(crate) fn run_variable() -> String {
    format!("{HIDDEN}Run")
}
