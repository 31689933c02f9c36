//! Contexts: reading, changing and joining them.

use std::sync::Arc;

use super::{Builtin, Evaluated, argument, builtin, or_null, spread, takes};
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::value::{Context, FeelValue};

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin(
        "get value",
        &[takes(&["context", "key"]), takes(&["context", "keys"]), takes(&["m", "key"])],
        get_value,
    ),
    builtin("get entries", &[takes(&["context"]), takes(&["m"])], get_entries),
    builtin(
        "context put",
        &[takes(&["context", "key", "value"]), takes(&["context", "keys", "value"])],
        context_put,
    ),
    builtin("put", &[takes(&["context", "key", "value"])], context_put),
    builtin("context merge", &[takes(&["contexts"]), takes(&["contexts*"])], context_merge),
    builtin("put all", &[takes(&["contexts"]), takes(&["contexts*"])], context_merge),
    builtin("context", &[takes(&["entries"])], context),
];

fn get_value(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let context = argument(arguments, 0);
    let step = |context: &FeelValue, key: &FeelValue| -> Option<FeelValue> {
        context.as_context()?.get(key.as_text()?).cloned()
    };
    match argument(arguments, 1) {
        FeelValue::List(keys) => {
            or_null(keys.items().iter().try_fold(context.clone(), |context, key| step(&context, key)))
        }
        key => or_null(step(context, key)),
    }
}

fn get_entries(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(context) = argument(arguments, 0).as_context() else { return Ok(FeelValue::Null) };
    evaluator.charge(context.entries().len() as u64)?;
    let entries = context.entries().iter().map(|(name, value)| {
        let mut entry = Context::default();
        entry.insert(Arc::from("key"), FeelValue::Text(Arc::clone(name)));
        entry.insert(Arc::from("value"), value.clone());
        FeelValue::context(entry)
    });
    Ok(FeelValue::list(entries.collect()))
}

fn context_put(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let (context, value) = (argument(arguments, 0), argument(arguments, 2));
    evaluator.charge_value(context)?;
    match argument(arguments, 1) {
        FeelValue::List(keys) => or_null(put_at(context, keys.items(), value)),
        key => or_null(put_at(context, std::slice::from_ref(key), value)),
    }
}

/// Sets a value at a path of keys; contexts that are missing on the way are made.
fn put_at(context: &FeelValue, keys: &[FeelValue], value: &FeelValue) -> Option<FeelValue> {
    // A path longer than a value may be deep cannot succeed.
    if keys.len() > usize::from(crate::expression::feel::value::MAX_VALUE_DEPTH) {
        return None;
    }
    let (key, rest) = keys.split_first()?;
    let mut changed = Context::clone(context.as_context()?);
    let value = if rest.is_empty() {
        value.clone()
    } else {
        let inner = changed.get(key.as_text()?).cloned();
        put_at(&inner.unwrap_or_else(|| FeelValue::context(Context::default())), rest, value)?
    };
    changed.insert(Arc::from(key.as_text()?), value);
    Some(FeelValue::context(changed))
}

fn context_merge(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let mut merged = Context::default();
    for context in spread(arguments) {
        evaluator.charge_value(context)?;
        let Some(context) = context.as_context() else { return Ok(FeelValue::Null) };
        for (name, value) in context.entries() {
            merged.insert(Arc::clone(name), value.clone());
        }
    }
    Ok(FeelValue::context(merged))
}

/// A context from entries with `key` and `value`.
fn context(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let mut made = Context::default();
    for entry in spread(arguments) {
        evaluator.charge(1)?;
        let Some(entry) = entry.as_context() else { return Ok(FeelValue::Null) };
        let (Some(key), Some(value)) = (entry.get("key").and_then(FeelValue::as_text), entry.get("value"))
        else {
            return Ok(FeelValue::Null);
        };
        if made.get(key).is_some() {
            return Ok(FeelValue::Null);
        }
        made.insert(Arc::from(key), value.clone());
    }
    Ok(FeelValue::context(made))
}
