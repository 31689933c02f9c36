//! `for`, `some` and `every`.

use std::sync::Arc;

use super::{Binding, Evaluated, Evaluator, Frame, Scope};
use crate::expression::ExpressionError;
use crate::expression::feel::ast::{ForLoop, Iterator as IteratorNode, Quantified};
use crate::expression::feel::temporal;
use crate::expression::feel::value::{FeelValue, List, Range};

impl Evaluator<'_> {
    pub(super) fn for_loop(&self, node: &ForLoop, scope: Scope<'_>) -> Evaluated {
        let mut results = Arc::new(List::default());
        let complete = self.iterate(&node.iterators, scope, &mut |frame| {
            let result = if node.uses_partial {
                let partial = FeelValue::List(Arc::clone(&results));
                let frame = Frame { parent: Some(frame), binding: Binding::One("partial", &partial) };
                self.evaluate(&node.body, Some(&frame))?
            } else {
                self.evaluate(&node.body, Some(frame))?
            };
            if Arc::strong_count(&results) > 1 {
                // The body kept `partial`: what follows copies it.
                self.charge(results.items().len() as u64)?;
            }
            let list = Arc::make_mut(&mut results);
            list.push(result);
            list.check_size()?;
            Ok(true)
        })?;
        Ok(if complete.is_none() { FeelValue::Null } else { FeelValue::List(results) })
    }

    pub(super) fn quantified(&self, node: &Quantified, scope: Scope<'_>) -> Evaluated {
        let (mut unknown, mut decided) = (false, false);
        let complete = self.iterate(&node.iterators, scope, &mut |frame| {
            match self.evaluate(&node.condition, Some(frame))?.as_bool() {
                Some(holds) if holds != node.every => decided = true,
                Some(_) => {}
                None => unknown = true,
            }
            Ok(!decided)
        })?;
        if complete.is_none() {
            return Ok(FeelValue::Null);
        }
        Ok(if decided {
            FeelValue::Boolean(!node.every)
        } else {
            FeelValue::boolean((!unknown).then_some(node.every))
        })
    }

    /// Calls `body` for each combination until it gives false; `None` where there is nothing to iterate over.
    fn iterate(
        &self,
        iterators: &[IteratorNode],
        scope: Scope<'_>,
        body: &mut dyn FnMut(&Frame<'_>) -> Result<bool, ExpressionError>,
    ) -> Result<Option<bool>, ExpressionError> {
        let Some((iterator, rest)) = iterators.split_first() else {
            return Ok(Some(true));
        };
        let Some(domain) = self.domain(iterator, scope)? else { return Ok(None) };
        for place in 0..domain.len() {
            self.charge(1)?;
            let item = domain.item(place);
            let frame = Frame { parent: scope, binding: Binding::One(&iterator.name, &item) };
            let more =
                if rest.is_empty() { Some(body(&frame)?) } else { self.iterate(rest, Some(&frame), body)? };
            match more {
                Some(true) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(true))
    }

    fn domain(&self, iterator: &IteratorNode, scope: Scope<'_>) -> Result<Option<Domain>, ExpressionError> {
        let from = self.evaluate(&iterator.from, scope)?;
        let Some(to) = &iterator.to else {
            return Ok(match from {
                FeelValue::List(list) => Some(Domain::List(list)),
                FeelValue::Range(range) => Domain::of_range(&range),
                FeelValue::Null => None,
                single => {
                    let mut list = List::default();
                    list.push(single);
                    Some(Domain::List(Arc::new(list)))
                }
            });
        };
        let to = self.evaluate(to, scope)?;
        Ok(Domain::between(&from, &to))
    }
}

/// What an iterator runs over.
enum Domain {
    List(Arc<List>),
    /// First number, step and how many.
    Numbers(f64, f64, usize),
    /// First date, step in days and how many.
    Dates(FeelValue, i64, usize),
}

impl Domain {
    fn len(&self) -> usize {
        match self {
            Self::List(list) => list.items().len(),
            Self::Numbers(_, _, length) | Self::Dates(_, _, length) => *length,
        }
    }

    fn item(&self, place: usize) -> FeelValue {
        match self {
            Self::List(list) => list.items().get(place).cloned().unwrap_or(FeelValue::Null),
            Self::Numbers(first, step, _) => FeelValue::Number(first + step * place as f64),
            Self::Dates(first, step, _) => {
                let days = FeelValue::Micros(step * place as i64 * temporal::DAY);
                temporal::add(first, &days).unwrap_or(FeelValue::Null)
            }
        }
    }

    /// From one whole number or date to another, both included, upwards or downwards.
    fn between(from: &FeelValue, to: &FeelValue) -> Option<Self> {
        if let (Some(from), Some(to)) = (from.as_integer(), to.as_integer()) {
            let length = usize::try_from(from.abs_diff(to)).ok()?.checked_add(1)?;
            return Some(Self::Numbers(from as f64, if from <= to { 1.0 } else { -1.0 }, length));
        }
        let FeelValue::Micros(micros) = temporal::subtract(to, from)? else { return None };
        let days = micros / temporal::DAY;
        matches!(from, FeelValue::Date(_)).then(|| {
            Self::Dates(from.clone(), if days < 0 { -1 } else { 1 }, days.unsigned_abs() as usize + 1)
        })
    }

    fn of_range(range: &Range) -> Option<Self> {
        let (start, end) = (range.start.as_integer(), range.end.as_integer());
        if let (Some(start), Some(end)) = (start, end) {
            let first = start + i64::from(!range.start_included);
            let last = end - i64::from(!range.end_included);
            let length = usize::try_from((last - first + 1).max(0)).ok()?;
            return Some(Self::Numbers(first as f64, 1.0, length));
        }
        (range.start_included && range.end_included).then(|| Self::between(&range.start, &range.end))?
    }
}
