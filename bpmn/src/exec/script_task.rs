//! Script task with a FEEL expression, evaluated by the token rules themselves.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | the expression is evaluated, its value goes into the result variable, the token goes on |
//! | the expression fails | an incident; resolving it evaluates again |

use super::Local;
use super::machine::{Machine, Outcome};
use crate::expression::Expression;
use crate::program::{Node, Variables};

impl Machine<'_> {
    pub(super) fn run_script(
        &mut self,
        element: Local,
        node: &Node,
        expression: &Expression,
        result: Option<&str>,
    ) -> Outcome {
        let value = self.evaluate(expression, element)?;
        if let Some(name) = result {
            self.take_results(element, &node.outputs, Variables::from_iter([(name.to_owned(), value)]));
        }
        self.done(element);
        Ok(())
    }
}
