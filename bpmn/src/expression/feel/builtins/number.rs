//! Numbers: rounding as decimals, roots, logarithms.

use super::{Builtin, Evaluated, Signature, argument, builtin, or_null, takes};
use crate::expression::feel::temporal;
use crate::expression::feel::value::FeelValue;

const SCALED: &[Signature] = &[takes(&["n", "scale?"])];
const ONE: &[Signature] = &[takes(&["number"]), takes(&["n"])];

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("decimal", &[takes(&["n", "scale"])], |_, arguments| rounded(arguments, Rounding::HalfEven)),
    builtin("floor", SCALED, |_, arguments| rounded(arguments, Rounding::Floor)),
    builtin("ceiling", SCALED, |_, arguments| rounded(arguments, Rounding::Ceiling)),
    builtin("round up", SCALED, |_, arguments| rounded(arguments, Rounding::Up)),
    builtin("round down", SCALED, |_, arguments| rounded(arguments, Rounding::Down)),
    builtin("round half up", SCALED, |_, arguments| rounded(arguments, Rounding::HalfUp)),
    builtin("round half down", SCALED, |_, arguments| rounded(arguments, Rounding::HalfDown)),
    builtin("abs", ONE, |_, arguments| {
        Ok(match argument(arguments, 0) {
            FeelValue::Number(number) => FeelValue::Number(number.abs()),
            duration @ (FeelValue::Months(amount) | FeelValue::Micros(amount)) if *amount < 0 => {
                temporal::negate(duration).unwrap_or(FeelValue::Null)
            }
            duration @ (FeelValue::Months(_) | FeelValue::Micros(_)) => duration.clone(),
            _ => FeelValue::Null,
        })
    }),
    builtin("modulo", &[takes(&["dividend", "divisor"])], |_, arguments| {
        let (dividend, divisor) = (argument(arguments, 0).as_number(), argument(arguments, 1).as_number());
        or_null(
            dividend.zip(divisor).filter(|(_, divisor)| *divisor != 0.0).map(|(dividend, divisor)| {
                FeelValue::number(dividend - divisor * (dividend / divisor).floor())
            }),
        )
    }),
    builtin("sqrt", ONE, |_, arguments| of(arguments, |number| Some(number.sqrt()))),
    builtin("log", ONE, |_, arguments| of(arguments, |number| Some(number.ln()))),
    builtin("exp", ONE, |_, arguments| of(arguments, |number| Some(number.exp()))),
    builtin("odd", ONE, |_, arguments| is_integer_with(arguments, 1)),
    builtin("even", ONE, |_, arguments| is_integer_with(arguments, 0)),
];

fn of(arguments: &[FeelValue], function: fn(f64) -> Option<f64>) -> Evaluated {
    or_null(argument(arguments, 0).as_number().and_then(function).map(FeelValue::number))
}

fn is_integer_with(arguments: &[FeelValue], remainder: i64) -> Evaluated {
    let integer = argument(arguments, 0).as_integer();
    Ok(FeelValue::boolean(integer.map(|integer| integer.rem_euclid(2) == remainder)))
}

/// What happens to the digits that are cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Floor,
    Ceiling,
    Up,
    Down,
    HalfUp,
    HalfDown,
    HalfEven,
}

fn rounded(arguments: &[FeelValue], rounding: Rounding) -> Evaluated {
    let scale = match argument(arguments, 1) {
        FeelValue::Null if rounding != Rounding::HalfEven => Some(0),
        scale => scale.as_integer().filter(|scale| scale.abs() <= 6176),
    };
    or_null(
        argument(arguments, 0)
            .as_number()
            .zip(scale)
            .and_then(|(number, scale)| round(number, scale as i32, rounding).map(FeelValue::number)),
    )
}

/// Rounds the shortest decimal that reads back as this double, so that 2.675 to two places is 2.68 as written.
fn round(number: f64, scale: i32, rounding: Rounding) -> Option<f64> {
    if number == 0.0 {
        return Some(0.0);
    }
    let written = format!("{:e}", number.abs());
    let (mantissa, exponent) = written.split_once('e')?;
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let kept = exponent.parse::<i32>().ok()? + 1 + scale;
    if kept >= i32::try_from(digits.len()).ok()? {
        return Some(number);
    }
    // With `kept` below zero the first cut digit is a zero in front of the number.
    let kept_digits = usize::try_from(kept).ok().map_or(&[][..], |kept| &digits[..kept]);
    let first_cut = usize::try_from(kept).ok().and_then(|kept| digits.get(kept)).copied().unwrap_or(0);
    let beyond = usize::try_from(kept + 1).map_or(1, |from| {
        digits.get(from..).map_or(0, |rest| rest.iter().filter(|digit| **digit != 0).count())
    });
    let half = (first_cut, beyond > 0).cmp(&(5, false));
    let odd = kept_digits.last().is_some_and(|digit| digit % 2 == 1);
    let away = match rounding {
        Rounding::Floor => number < 0.0,
        Rounding::Ceiling => number > 0.0,
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::HalfUp => half.is_ge(),
        Rounding::HalfDown => half.is_gt(),
        Rounding::HalfEven => half.is_gt() || (half.is_eq() && odd),
    };
    // At most 17 digits: they fit.
    let whole =
        kept_digits.iter().fold(0_u64, |whole, digit| whole * 10 + u64::from(*digit)) + u64::from(away);
    let size: f64 = format!("{whole}e{}", -scale).parse().ok()?;
    Some(if number < 0.0 { -size } else { size } + 0.0)
}
