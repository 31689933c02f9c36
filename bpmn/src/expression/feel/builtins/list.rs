//! Lists: counting, statistics, parts and order. Places count from 1, or from −1 at the end.

use std::cmp::Ordering;

use super::{Builtin, Evaluated, Signature, argument, builtin, or_null, spread, takes};
use crate::expression::ExpressionError;
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::value::{FeelValue, order};

const LIST: &[Signature] = &[takes(&["list"])];
const SPREAD: &[Signature] = &[takes(&["list"]), takes(&["values*"])];

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("list contains", &[takes(&["list", "element"])], list_contains),
    builtin("count", LIST, |_, arguments| {
        or_null(argument(arguments, 0).as_list().map(|items| FeelValue::Number(items.len() as f64)))
    }),
    builtin("is empty", LIST, |_, arguments| {
        or_null(argument(arguments, 0).as_list().map(|items| FeelValue::Boolean(items.is_empty())))
    }),
    builtin("min", SPREAD, |evaluator, arguments| extreme(evaluator, arguments, Ordering::Less)),
    builtin("max", SPREAD, |evaluator, arguments| extreme(evaluator, arguments, Ordering::Greater)),
    builtin("sum", SPREAD, sum),
    builtin("product", SPREAD, |evaluator, arguments| {
        statistic(evaluator, arguments, |numbers| Some(numbers.iter().product()))
    }),
    builtin("mean", SPREAD, |evaluator, arguments| {
        statistic(evaluator, arguments, |numbers| Some(mean(numbers)))
    }),
    builtin("median", SPREAD, |evaluator, arguments| statistic(evaluator, arguments, median)),
    builtin("stddev", SPREAD, |evaluator, arguments| statistic(evaluator, arguments, standard_deviation)),
    builtin("mode", SPREAD, mode),
    builtin("all", SPREAD, |evaluator, arguments| decided(evaluator, arguments, false)),
    builtin("any", SPREAD, |evaluator, arguments| decided(evaluator, arguments, true)),
    builtin("sublist", &[takes(&["list", "start position", "length?"])], sublist),
    builtin("append", &[takes(&["list", "item*"])], append),
    builtin("concatenate", &[takes(&["lists*"])], concatenate),
    builtin("insert before", &[takes(&["list", "position", "newItem"])], insert_before),
    builtin("remove", &[takes(&["list", "position"])], remove),
    builtin(
        "list replace",
        &[takes(&["list", "position", "newItem"]), takes(&["list", "match", "newItem"])],
        list_replace,
    ),
    builtin("reverse", LIST, |evaluator, arguments| {
        with_items(evaluator, arguments, |items| Some(items.iter().rev().cloned().collect()))
    }),
    builtin("index of", &[takes(&["list", "match"])], index_of),
    builtin("union", &[takes(&["lists*"])], |evaluator, arguments| {
        let all = concatenate(evaluator, arguments)?;
        distinct_values(evaluator, std::slice::from_ref(&all))
    }),
    builtin("distinct values", LIST, distinct_values),
    builtin("duplicate values", LIST, duplicate_values),
    builtin("flatten", LIST, flatten),
    builtin("sort", &[takes(&["list", "precedes?"])], sort),
    builtin("partition", &[takes(&["list", "size"])], partition),
];

/// Makes a list from the items of the first argument.
fn with_items(
    evaluator: &Evaluator<'_>,
    arguments: &[FeelValue],
    make: impl FnOnce(&[FeelValue]) -> Option<Vec<FeelValue>>,
) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    evaluator.charge(items.len() as u64)?;
    or_null(make(items).map(FeelValue::list))
}

fn contains(
    evaluator: &Evaluator<'_>,
    items: &[FeelValue],
    wanted: &FeelValue,
) -> Result<bool, ExpressionError> {
    for item in items {
        evaluator.charge(1)?;
        if evaluator.equal(item, wanted)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn list_contains(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    contains(evaluator, items, argument(arguments, 1)).map(FeelValue::Boolean)
}

fn extreme(evaluator: &Evaluator<'_>, arguments: &[FeelValue], wanted: Ordering) -> Evaluated {
    let Some((first, rest)) = spread(arguments).split_first() else { return Ok(FeelValue::Null) };
    evaluator.charge(rest.len() as u64)?;
    let mut best = first;
    // A single value must be of an ordered kind as well.
    let mut comparable = order(first, first).is_some();
    for item in rest {
        match order(item, best) {
            Some(found) if found == wanted => best = item,
            Some(_) => {}
            None => comparable = false,
        }
    }
    or_null(comparable.then(|| best.clone()))
}

fn numbers(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Result<Option<Vec<f64>>, ExpressionError> {
    let items = spread(arguments);
    evaluator.charge(items.len() as u64)?;
    let numbers: Option<Vec<f64>> = items.iter().map(FeelValue::as_number).collect();
    Ok(numbers.filter(|numbers| !numbers.is_empty()))
}

fn statistic(evaluator: &Evaluator<'_>, arguments: &[FeelValue], of: fn(&[f64]) -> Option<f64>) -> Evaluated {
    or_null(numbers(evaluator, arguments)?.and_then(|numbers| of(&numbers)).map(FeelValue::number))
}

/// The sum of numbers, or of durations of one kind.
fn sum(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    if let Some(numbers) = numbers(evaluator, arguments)? {
        return Ok(FeelValue::number(numbers.iter().sum()));
    }
    let Some((first, rest)) = spread(arguments).split_first() else { return Ok(FeelValue::Null) };
    if !matches!(first, FeelValue::Months(_) | FeelValue::Micros(_)) {
        return Ok(FeelValue::Null);
    }
    or_null(rest.iter().try_fold(first.clone(), |total, item| match item {
        FeelValue::Months(_) | FeelValue::Micros(_) => crate::expression::feel::temporal::add(&total, item),
        _ => None,
    }))
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len().is_multiple_of(2) {
        Some(f64::midpoint(*sorted.get(middle - 1)?, upper))
    } else {
        Some(upper)
    }
}

/// Of a sample: divided by n − 1.
fn standard_deviation(numbers: &[f64]) -> Option<f64> {
    if numbers.len() < 2 {
        return None;
    }
    let mean = mean(numbers);
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some((squares / (numbers.len() - 1) as f64).sqrt())
}

/// The most frequent numbers, ascending.
fn mode(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    if spread(arguments).is_empty() {
        return Ok(FeelValue::list(Vec::new()));
    }
    let Some(mut numbers) = numbers(evaluator, arguments)? else { return Ok(FeelValue::Null) };
    numbers.sort_by(f64::total_cmp);
    let runs: Vec<&[f64]> = numbers.chunk_by(|left, right| left == right).collect();
    let longest = runs.iter().map(|run| run.len()).max().unwrap_or(0);
    let modes = runs.iter().filter(|run| run.len() == longest).filter_map(|run| run.first());
    Ok(FeelValue::list(modes.map(|number| FeelValue::Number(*number)).collect()))
}

/// `any` is decided by the first true, `all` by the first false; otherwise what is no boolean makes it null.
fn decided(evaluator: &Evaluator<'_>, arguments: &[FeelValue], by: bool) -> Evaluated {
    let items = spread(arguments);
    evaluator.charge(items.len() as u64)?;
    if items.iter().any(|item| item.as_bool() == Some(by)) {
        return Ok(FeelValue::Boolean(by));
    }
    Ok(FeelValue::boolean(items.iter().all(|item| item.as_bool().is_some()).then_some(!by)))
}

/// The index in a list of this length that a place stands for.
fn index(place: &FeelValue, length: usize) -> Option<usize> {
    let place = place.as_integer()?;
    let size = usize::try_from(place.unsigned_abs()).ok()?;
    let index = if place > 0 { size.checked_sub(1)? } else { length.checked_sub(size)? };
    (place != 0 && index < length).then_some(index)
}

fn sublist(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    with_items(evaluator, arguments, |items| {
        let start = index(argument(arguments, 1), items.len())?;
        let length = match argument(arguments, 2) {
            FeelValue::Null => items.len() - start,
            length => usize::try_from(length.as_integer()?).ok()?,
        };
        items.get(start..start.checked_add(length)?).map(<[FeelValue]>::to_vec)
    })
}

fn append(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    with_items(evaluator, arguments, |items| Some([items, &arguments[1..]].concat()))
}

fn concatenate(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let mut all = Vec::new();
    for list in arguments {
        let Some(items) = list.as_list() else { return Ok(FeelValue::Null) };
        evaluator.charge(items.len() as u64)?;
        all.extend_from_slice(items);
    }
    Ok(FeelValue::list(all))
}

fn insert_before(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    with_items(evaluator, arguments, |items| {
        let index = index(argument(arguments, 1), items.len())?;
        let mut changed = items.to_vec();
        changed.insert(index, argument(arguments, 2).clone());
        Some(changed)
    })
}

fn remove(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    with_items(evaluator, arguments, |items| {
        let index = index(argument(arguments, 1), items.len())?;
        let mut changed = items.to_vec();
        changed.remove(index);
        Some(changed)
    })
}

/// Replaces the item at a place, or each for which `match(item, newItem)` is true.
fn list_replace(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let replacement = argument(arguments, 2);
    let FeelValue::Function(function) = argument(arguments, 1) else {
        return with_items(evaluator, arguments, |items| {
            let index = index(argument(arguments, 1), items.len())?;
            let mut changed = items.to_vec();
            *changed.get_mut(index)? = replacement.clone();
            Some(changed)
        });
    };
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    let mut changed = Vec::with_capacity(items.len());
    for item in items {
        let replaced = evaluator.apply(function, vec![item.clone(), replacement.clone()])?;
        let Some(replaced) = replaced.as_bool() else { return Ok(FeelValue::Null) };
        changed.push(if replaced { replacement.clone() } else { item.clone() });
    }
    Ok(FeelValue::list(changed))
}

fn index_of(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    let mut found = Vec::new();
    for (place, item) in items.iter().enumerate() {
        evaluator.charge(1)?;
        if evaluator.equal(item, argument(arguments, 1))? == Some(true) {
            found.push(FeelValue::Number((place + 1) as f64));
        }
    }
    Ok(FeelValue::list(found))
}

fn distinct_values(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    let mut distinct: Vec<FeelValue> = Vec::new();
    for item in items {
        if !contains(evaluator, &distinct, item)? {
            distinct.push(item.clone());
        }
    }
    Ok(FeelValue::list(distinct))
}

fn duplicate_values(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    let mut duplicates: Vec<FeelValue> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if contains(evaluator, &items[..place], item)? && !contains(evaluator, &duplicates, item)? {
            duplicates.push(item.clone());
        }
    }
    Ok(FeelValue::list(duplicates))
}

fn flatten(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    fn collect(items: &[FeelValue], out: &mut Vec<FeelValue>) {
        // Lists are never deeper than `MAX_VALUE_DEPTH`.
        for item in items {
            match item {
                FeelValue::List(list) => collect(list.items(), out),
                item => out.push(item.clone()),
            }
        }
    }
    evaluator.charge_value(argument(arguments, 0))?;
    with_items(evaluator, arguments, |items| {
        let mut flat = Vec::new();
        collect(items, &mut flat);
        Some(flat)
    })
}

/// A stable merge sort: unlike the standard one it lets the comparison fail, and bears one that contradicts itself.
fn sort(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(items) = argument(arguments, 0).as_list() else { return Ok(FeelValue::Null) };
    let precedes = |left: &FeelValue, right: &FeelValue| -> Result<Option<bool>, ExpressionError> {
        evaluator.charge(1)?;
        match argument(arguments, 1) {
            FeelValue::Function(function) => {
                Ok(evaluator.apply(function, vec![left.clone(), right.clone()])?.as_bool())
            }
            FeelValue::Null => Ok(order(left, right).map(Ordering::is_lt)),
            _ => Ok(None),
        }
    };
    let mut runs: Vec<Vec<FeelValue>> = items.iter().map(|item| vec![item.clone()]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            let Some(right) = pairs.next() else {
                merged.push(left);
                break;
            };
            match merge(left, right, &precedes)? {
                Some(run) => merged.push(run),
                None => return Ok(FeelValue::Null),
            }
        }
        runs = merged;
    }
    Ok(FeelValue::list(runs.pop().unwrap_or_default()))
}

type Precedes<'p> = dyn Fn(&FeelValue, &FeelValue) -> Result<Option<bool>, ExpressionError> + 'p;

fn merge(
    left: Vec<FeelValue>,
    right: Vec<FeelValue>,
    precedes: &Precedes<'_>,
) -> Result<Option<Vec<FeelValue>>, ExpressionError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let Some(second_first) = precedes(second, first)? else { return Ok(None) };
        merged.extend(if second_first { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(Some(merged))
}

/// Lists of at most so many items each.
fn partition(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    with_items(evaluator, arguments, |items| {
        let size = usize::try_from(argument(arguments, 1).as_integer()?).ok().filter(|size| *size > 0)?;
        Some(items.chunks(size).map(|chunk| FeelValue::list(chunk.to_vec())).collect())
    })
}
