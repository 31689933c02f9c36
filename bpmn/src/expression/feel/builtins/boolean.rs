//! Booleans and what to do without a value.

use super::{Builtin, Evaluated, argument, builtin, takes};
use crate::expression::ExpressionError;
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::value::{FeelValue, display};

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("not", &[takes(&["negand"])], |_, arguments| {
        Ok(FeelValue::boolean(argument(arguments, 0).as_bool().map(|holds| !holds)))
    }),
    builtin("is defined", &[takes(&["value"])], |_, arguments| {
        Ok(FeelValue::Boolean(!argument(arguments, 0).is_null()))
    }),
    builtin("get or else", &[takes(&["value", "default"])], |_, arguments| {
        Ok(if argument(arguments, 0).is_null() { argument(arguments, 1) } else { argument(arguments, 0) }
            .clone())
    }),
    builtin("assert", &[takes(&["value", "condition", "cause?"])], assert),
    builtin("is", &[takes(&["value1", "value2"])], is),
    // What an AI agent fills in; to the engine it is the value.
    builtin(
        "fromAi",
        &[takes(&["value", "description?", "type?", "schema?", "options?"])],
        |_, arguments| Ok(argument(arguments, 0).clone()),
    ),
];

fn assert(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    if argument(arguments, 1).as_bool() == Some(true) {
        return Ok(argument(arguments, 0).clone());
    }
    Err(match argument(arguments, 2) {
        FeelValue::Null => ExpressionError::assertion("the condition is not fulfilled"),
        cause => ExpressionError::assertion(&display(cause)),
    })
}

fn is(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let (left, right) = (argument(arguments, 0), argument(arguments, 1));
    let same_kind = left.type_name() == right.type_name();
    Ok(FeelValue::Boolean(same_kind && evaluator.equal(left, right)? == Some(true)))
}
