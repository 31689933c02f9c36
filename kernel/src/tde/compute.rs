//! `by="feel"`: evaluates the task's expressions in order; outcomes by their conditions.

use bpmn::program::Variables;

use super::Tde;
use super::scope::{Named, Scope};
use crate::Error;

impl Tde {
    pub(super) fn compute(&mut self) -> Result<Variables, Error> {
        let now_ms = self.started_ms;
        let (element, spec) = (&self.job.element, &self.job.spec);
        if spec.computes.is_empty() && spec.outcomes.is_empty() {
            return Err(self.declaration("it declares neither expressions nor outcomes".to_owned()));
        }
        let mut own = Variables::new();
        for (variable, text) in &spec.computes {
            let value = Named::parse(element, variable, text)?
                .value(&Scope { own: &own, inputs: &self.job.variables }, now_ms)?;
            own.insert(variable.clone(), value);
        }
        let mut outcome = None;
        for declared in spec.outcomes.iter().filter(|declared| declared.when.is_some()) {
            let condition =
                Named::parse(element, &declared.label, declared.when.as_deref().unwrap_or_default())?;
            if condition.holds(&Scope { own: &own, inputs: &self.job.variables }, now_ms)? {
                outcome = Some(declared.label.clone());
                break;
            }
        }
        let otherwise = || spec.outcomes.iter().find(|declared| declared.when.is_none());
        self.outcome = outcome.or_else(|| otherwise().map(|declared| declared.label.clone()));
        if self.outcome.is_none() && !spec.outcomes.is_empty() {
            return Err(Error::Output {
                element: element.clone(),
                problem: "none of the declared outcomes holds, and none stands without a condition"
                    .to_owned(),
            });
        }
        let nulls: Vec<&str> =
            own.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.as_str()).collect();
        if !nulls.is_empty() {
            self.notes
                .push(format!("no value for {}: an input is missing or of another type", nulls.join(", ")));
        }
        self.outputs = own;
        Ok(Variables::new())
    }
}
