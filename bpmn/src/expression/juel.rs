//! JUEL.

use serde_json::Value;

use super::{ExpressionError, Limits, Lookup, feel};

/// A text with one expression.
pub(super) struct Template(feel::Ast);

pub(super) fn parse(text: &str) -> Result<Template, ExpressionError> {
    let inner = text.trim().trim_start_matches(['$', '#']).trim_start_matches('{').trim_end_matches('}');
    feel::parse_expression(inner, &[]).map(Template)
}

impl Template {
    pub(super) fn variables(&self) -> Vec<String> {
        feel::free_variables(&self.0)
    }

    pub(super) fn evaluate(&self, variables: &dyn Lookup, limits: Limits) -> Result<Value, ExpressionError> {
        feel::evaluate(&self.0, variables, limits)
    }
}
