//! Nothing overflows, hangs or grows without bound.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{refused, try_feel};
use crate::expression::{Expression, ExpressionError, Limits, ParseMode};

fn code(source: &str, variables: &Value) -> &'static str {
    try_feel(source, variables).map_or_else(|error| error.code, |value| panic!("{source} gave {value}"))
}

#[test]
fn deep_nesting_is_refused_when_parsed() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{a: ", "}"), ("not(", ")"), ("-", ""), ("if ", ""), ("[1..", "]")]
    {
        for depth in [100, 20_000] {
            let source = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let refused = Expression::feel(&source).map_or_else(|error| error.code, |_| "none");
            let expected =
                if source.len() > crate::expression::MAX_SOURCE_BYTES { "FEEL-0005" } else { "FEEL-0002" };
            assert_eq!(refused, expected, "{open} {depth}");
        }
    }
    let chain = format!("a{}", ".b".repeat(1000));
    assert_eq!(refused(&chain).0, "FEEL-0002");
    let calls = format!("f{}", "[1]".repeat(1000));
    assert_eq!(refused(&calls).0, "FEEL-0002");
    let wrapped = (0..60).fold("x".to_owned(), |inner, _| format!("({inner}.a.a)"));
    assert_eq!(refused(&wrapped).0, "FEEL-0002");
    let types = format!("1 instance of {}number{}", "list<".repeat(200), ">".repeat(200));
    assert_eq!(refused(&types).0, "FEEL-0002");
    assert_eq!(refused(&"(".repeat(100_000)).0, "FEEL-0005");
}

#[test]
fn what_is_just_allowed_also_evaluates() {
    let nested = format!("{}1{}", "(1 + ".repeat(62), ")".repeat(62));
    assert_eq!(try_feel(&nested, &json!({})), Ok(json!(63)));
    let mixed = format!("{}1{}", "abs(1 + 2 * -(".repeat(20), "))".repeat(20));
    assert!(try_feel(&mixed, &json!({})).is_ok());
    let long = vec!["1"; 5000].join(" + ");
    assert_eq!(try_feel(&long, &json!({})), Ok(json!(5000)));
    let long = vec!["true"; 5000].join(" and ");
    assert_eq!(try_feel(&long, &json!({})), Ok(json!(true)));
}

#[test]
fn steps_run_out_instead_of_time() {
    let variables = json!({"big": "x".repeat(100_000), "other": "x".repeat(100_000)});
    for source in [
        "for i in 1..1000000000000 return i",
        "for i in 1..10000, j in 1..10000 return 1",
        "count([1..3][for i in 1..1000000 return true])",
        "some i in 1..100000000 satisfies false",
        "every i in 1..100000000 satisfies true",
        "distinct values(for i in 1..5000 return i)",
        "for i in 1..100000 return \"\" + big",
        "every i in 1..100000 satisfies big = other",
        "every i in 1..100000 satisfies not(big < other)",
    ] {
        assert_eq!(code(source, &variables), "FEEL-0006", "{source}");
    }
    let error = Expression::feel("1 + 1").unwrap().evaluate(&(), Limits { now_ms: 0, steps: 2 }).unwrap_err();
    assert_eq!(error.code, "FEEL-0006");
}

#[test]
fn values_do_not_grow_without_bound() {
    let doubled = "for i in 1..60 return if i = 1 then [1] else [partial[-1], partial[-1]]";
    assert_eq!(code(doubled, &json!({})), "FEEL-0007");
    let deep = "for i in 1..1000 return if i = 1 then 1 else [partial[-1]]";
    assert_eq!(code(deep, &json!({})), "FEEL-0007");
    assert_eq!(code("for i in 1..1000000 return partial", &json!({})), "FEEL-0007");
    let text = "for i in 1..60 return if i = 1 then \"abcdefgh\" else partial[-1] + partial[-1]";
    assert!(["FEEL-0006", "FEEL-0007"].contains(&code(text, &json!({}))));
    let text = "{t: string join(for i in 1..9000 return \"x\"), r: replace(replace(t, \"x\", t), \"x\", t)}";
    assert!(["FEEL-0006", "FEEL-0007"].contains(&code(text, &json!({}))));
    let closures = "for i in 1..1000 return function() partial";
    assert!(["FEEL-0006", "FEEL-0007", "FEEL-0010"].contains(&code(closures, &json!({}))));
}

#[test]
fn endless_recursion_through_function_values_is_refused() {
    assert_eq!(code("{w: function(f) f(f), r: w(w)}.r", &json!({})), "FEEL-0002");
}

#[test]
fn a_variable_nested_too_deep_is_refused() {
    let deep = (0..500).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(code("count(x)", &json!({"x": deep})), "FEEL-0007");
}

#[test]
fn a_function_is_no_result() {
    assert_eq!(code("function(x) x", &json!({})), "FEEL-0010");
    assert_eq!(code("[{f: function(x) x}]", &json!({})), "FEEL-0010");
}

#[test]
fn conditions_are_true_false_or_an_error_that_names_the_value() {
    let holds = |source: &str| -> Result<bool, ExpressionError> {
        Expression::parse(source, ParseMode::Condition)?.evaluate_condition(&json!({"x": 3}), Limits::at(0))
    };
    assert_eq!(holds("x > 2"), Ok(true));
    assert_eq!(holds("=x > 3"), Ok(false));
    assert_eq!(holds("missing > 3"), Ok(false));
    assert_eq!(holds("${x == 3}"), Ok(true));
    let error = holds("x + 1").unwrap_err();
    assert_eq!(error.code(), "FEEL-0008");
    assert!(error.message.contains('4') && error.message.contains("x + 1"), "{error}");
    assert_eq!(holds("assert(x, x > 5, \"too small\")").unwrap_err().code(), "FEEL-0009");
}

#[test]
fn texts_are_read_as_their_place_wants() {
    let read = |source: &str, mode| {
        let parsed = Expression::parse(source, mode).unwrap();
        (parsed.is_literal(), parsed.evaluate(&json!({"x": 3}), Limits::at(0)).unwrap())
    };
    assert_eq!(read("PT1H", ParseMode::Timer), (true, json!("PT1H")));
    assert_eq!(read(" R3/PT10S ", ParseMode::Timer), (true, json!("R3/PT10S")));
    assert_eq!(read("=duration(\"PT\" + string(x) + \"H\")", ParseMode::Timer), (false, json!("PT3H")));
    assert_eq!(read("paid", ParseMode::Name), (true, json!("paid")));
    assert_eq!(read("=\"paid-\" + string(x)", ParseMode::Name), (false, json!("paid-3")));
    assert_eq!(read("order-${x}", ParseMode::Name), (false, json!("order-3")));
    assert_eq!(read("  = x + 1", ParseMode::Value), (false, json!(4)));
    assert_eq!(read("x + 1", ParseMode::Value), (true, json!("x + 1")));
    assert_eq!(read("x + 1", ParseMode::Condition), (false, json!(4)));
}

#[test]
fn parsing_and_evaluating_stay_within_a_small_stack() {
    let sources = [
        format!("{}1{}", "(".repeat(63), ")".repeat(63)),
        format!("{}1{}", "[{a: -(1 + 2 * (".repeat(15), "))}]".repeat(15)),
        format!("{}1{}", "if true and (1 < 2) then [".repeat(30), "] else 0".repeat(30)),
    ];
    let run = move || {
        for source in sources {
            if let Ok(parsed) = Expression::feel(&source) {
                let _ = parsed.evaluate(&(), Limits::at(0));
            }
        }
        let _ = try_feel("{w: function(f) f(f), r: w(w)}.r", &json!({}));
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap().join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(source in "\\PC{0,60}") {
        let _ = try_feel(&source, &json!({"a": 1}));
        let _ = Expression::unary_tests(&source);
        let _ = Expression::juel(&format!("${{{source}}}")).map(|parsed| parsed.evaluate(&(), Limits::at(0)));
    }

    #[test]
    fn no_mixture_of_tokens_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "1", "2.5", "\"a\"", "a", "item", "(", ")", "[", "]", "{", "}", ",", ":", ".", "..", "+", "-", "*", "/", "**",
        "=", "<", ">=", "and", "or", "if", "then", "else", "for", "in", "return", "some", "satisfies", "between",
        "instance", "of", "number", "function", "not(", "date and time(", "@\"P1D\"", "@\"2024-01-01\"", "null",
        "true", "sort(", "string length(", "?", "partial", "\"\\u12\"",
    ]), 0..14)) {
        let source = tokens.join(" ");
        let _ = try_feel(&source, &json!({"a": [1, {"b": 2}]}));
        let _ = Expression::unary_tests(&source);
    }

    #[test]
    fn arithmetic_keeps_its_laws(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, c in 1_i64..1000) {
        let variables = json!({"a": a, "b": b, "c": c});
        let same = |left: &str, right: &str| try_feel(&format!("({left}) = ({right})"), &variables) == Ok(json!(true));
        prop_assert!(same("a + b", "b + a"));
        prop_assert!(same("a - b", "-(b - a)"));
        prop_assert!(same("(a + b) * c", "a * c + b * c"));
        prop_assert!(same("modulo(a, c)", "a - c * floor(a / c)"));
        prop_assert!(same("a * c / c", "a"));
        prop_assert_eq!(try_feel("a + b", &variables), Ok(json!(a + b)));
        prop_assert_eq!(try_feel("a < b or a > b or a = b", &variables), Ok(json!(true)));
    }

    #[test]
    fn rounding_lands_between_the_neighbours(number in -1e9_f64..1e9, scale in -3_i32..8) {
        let variables = json!({"n": number, "s": scale});
        let size = |function: &str| {
            try_feel(&format!("{function}(n, s)"), &variables).unwrap().as_f64().unwrap()
        };
        let unit = 10_f64.powi(-scale);
        prop_assert!(size("floor") <= number && number <= size("ceiling"));
        for function in ["decimal", "round half up", "round half down"] {
            prop_assert!((size(function) - number).abs() <= unit * 0.500_001 + number.abs() * f64::EPSILON, "{function}");
        }
        prop_assert!(size("round down").abs() <= number.abs() && number.abs() <= size("round up").abs());
    }

    #[test]
    fn dates_and_durations_add_up(days in -700_000_i64..2_900_000, more in -1000_i64..1000) {
        let source = format!(
            "{{d: @\"1970-01-01\" + duration(\"PT1H\") * 24 * {days}, e: d + duration(\"PT1H\") * 24 * {more}, \
             ok: (e - d) / duration(\"P1D\") = {more} and date(string(d)) = d}}.ok"
        );
        prop_assert_eq!(try_feel(&source, &json!({})), Ok(json!(true)), "{}", source);
    }

    #[test]
    fn sorting_gives_an_ordered_permutation(numbers in prop::collection::vec(-50_i64..50, 0..40)) {
        let mut expected = numbers.clone();
        expected.sort_unstable();
        prop_assert_eq!(try_feel("sort(x)", &json!({"x": numbers})), Ok(json!(expected)));
    }
}

#[test]
fn expressions_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Expression>();
}
