//! Operators, paths, filters, iteration, functions, tests.

use serde_json::json;

use super::{check, refused};
use crate::expression::{Expression, Limits};

#[test]
fn literals_and_arithmetic_follow_the_table() {
    check(
        &json!({"a": 3, "b": 4.5, "big": 9_007_199_254_740_993_i64, "order": {"key": 9_007_199_254_740_993_i64}}),
        &[
            ("1", "1"),
            ("=1", "1"),
            ("1.5", "1.5"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("1.5E-1", "0.15"),
            ("-1", "-1"),
            ("--1", "1"),
            ("1 + 2", "3"),
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("7 - 2 - 1", "4"),
            ("8 / 4 / 2", "1"),
            ("7 / 2", "3.5"),
            ("6 / 2", "3"),
            ("2 ** 3", "8"),
            ("2 ** 3 ** 2", "64"),
            ("-2 ** 2", "4"),
            ("2 * -3", "-6"),
            ("a-1", "2"),
            ("a - 1", "2"),
            ("a+b", "7.5"),
            ("1 / 0", "null"),
            ("1 + null", "null"),
            ("1 + \"a\"", "null"),
            ("\"a\" + \"b\"", "\"ab\""),
            ("\"a\" - \"b\"", "null"),
            ("\"a\" * 2", "null"),
            ("null", "null"),
            ("true", "true"),
            ("false", "false"),
            ("\"\"", "\"\""),
            (r#""a\"b""#, r#""a\"b""#),
            (r#""a\nb\tc""#, r#""a\nb\tc""#),
            (r#""\\d""#, r#""\\d""#),
            (r#""\d""#, r#""\\d""#),
            (r#""\u00e9""#, "\"é\""),
            (r#""\ud83d\udca9""#, "\"💩\""),
            (r#""\U01F4A9""#, "\"💩\""),
            ("\"größe\"", "\"größe\""),
            ("1 // one", "1"),
            ("1 /* one */ + 1", "2"),
            ("10 / 4 * 2", "5"),
            ("9007199254740991 + 1", "9007199254740992"),
            ("big", "9007199254740993"),
            ("order.key", "9007199254740993"),
            ("missing", "null"),
            ("missing.more", "null"),
            ("- a", "-3"),
            ("-(a + b)", "-7.5"),
            ("-\"a\"", "null"),
        ],
    );
}

#[test]
fn comparisons_follow_the_table() {
    check(
        &json!({"x": 5, "s": "open", "n": null, "list": [1, 2, 3], "c": {"a": 1}}),
        &[
            ("x = 5", "true"),
            ("x != 5", "false"),
            ("x > 4", "true"),
            ("x >= 5", "true"),
            ("x < 5", "false"),
            ("x <= 5", "true"),
            ("s = \"open\"", "true"),
            ("s != \"open\"", "false"),
            ("s > \"a\"", "true"),
            ("x = \"5\"", "null"),
            ("x > \"5\"", "null"),
            ("n = null", "true"),
            ("missing = null", "true"),
            ("x = null", "false"),
            ("x != null", "true"),
            ("null != null", "false"),
            ("n > 1", "null"),
            ("true = true", "true"),
            ("true > false", "null"),
            ("list = [1, 2, 3]", "true"),
            ("list = [1, 2]", "false"),
            ("list != [1, 2]", "true"),
            ("c = {a: 1}", "true"),
            ("c = {a: 2}", "false"),
            ("{a: 1, b: 2} = {b: 2, a: 1}", "true"),
            ("[1..3] = [1..3]", "true"),
            ("[1..3] = [1..3)", "false"),
            ("x between 1 and 5", "true"),
            ("x between 6 and 7", "false"),
            ("x between 1 and 3 or x = 5", "true"),
            ("x between 1 and 9 and s = \"open\"", "true"),
            ("n between 1 and 2", "null"),
            ("x in [1..5]", "true"),
            ("x in [1..5)", "false"),
            ("x in [1..5[", "false"),
            ("x in ]5..9]", "false"),
            ("x in (5..9]", "false"),
            ("x in (4..9)", "true"),
            ("x in > 4", "true"),
            ("x in (> 7, < 6)", "true"),
            ("x in (1, 2, 5)", "true"),
            ("x in (1, 2)", "false"),
            ("x in [1, 5]", "true"),
            ("x in list", "false"),
            ("2 in list", "true"),
            ("x in ([1..2], [4..6])", "true"),
            ("s in (\"open\", \"closed\")", "true"),
            ("x in (? > 3)", "true"),
            ("x in 5", "true"),
            ("1 in [[1..3], [7..9]]", "true"),
        ],
    );
}

#[test]
fn logic_has_three_values() {
    check(
        &json!({}),
        &[
            ("true and true", "true"),
            ("true and false", "false"),
            ("true and null", "null"),
            ("false and null", "false"),
            ("null and false", "false"),
            ("null and null", "null"),
            ("true or null", "true"),
            ("null or true", "true"),
            ("false or null", "null"),
            ("false or false", "false"),
            ("true and 1", "null"),
            ("false and 1", "false"),
            ("false or true and false", "false"),
            ("true or false and false", "true"),
            ("not(true)", "false"),
            ("not(null)", "null"),
            ("not(1)", "null"),
            ("if true then 1 else 2", "1"),
            ("if null then 1 else 2", "2"),
            ("if 1 then 1 else 2", "2"),
            ("if 1 < 2 then if false then 1 else 3 else 2", "3"),
            ("(if true then 1 else 2) + 1", "2"),
        ],
    );
}

#[test]
fn lists_contexts_and_paths_follow_the_table() {
    check(
        &json!({
            "order": {"items": [{"price": 10, "name": "a"}, {"price": 30, "name": "b"}], "open": true},
            "list": [5, 6, 7, 8], "i": 2, "first name": "Ada", "one": 1, "limit": 20,
        }),
        &[
            ("[]", "[]"),
            ("[1, \"a\", [true]]", "[1, \"a\", [true]]"),
            ("{}", "{}"),
            ("{a: 1, \"b c\": 2}", "{\"a\": 1, \"b c\": 2}"),
            ("{a: 1, b: a + 1, c: b * 2}", "{\"a\": 1, \"b\": 2, \"c\": 4}"),
            ("{a: 1}.a", "1"),
            ("{a: {b: 2}}.a.b", "2"),
            ("{a: 1}.b", "null"),
            ("{my key: 1, twice: my key * 2}.twice", "2"),
            ("{my key: 1}.my key", "1"),
            ("{a: 1, a2: {b: a}}.a2.b", "1"),
            ("order.items.price", "[10, 30]"),
            ("order.items[1].name", "\"a\""),
            ("order.items[price > 20].name", "[\"b\"]"),
            ("order.items[item.price > 20][1].name", "\"b\""),
            ("order.items[price > limit].name", "[\"b\"]"),
            ("order.items[name = \"a\"][1].price", "10"),
            ("order.open", "true"),
            ("order.open.deeper", "null"),
            ("list[1]", "5"),
            ("list[-1]", "8"),
            ("list[-4]", "5"),
            ("list[-5]", "null"),
            ("list[0]", "null"),
            ("list[9]", "null"),
            ("list[i]", "6"),
            ("list[i + 1]", "7"),
            ("list[item > 6]", "[7, 8]"),
            ("list[item > 60]", "[]"),
            ("list[odd(item)]", "[5, 7]"),
            ("one[1]", "1"),
            ("one[item = 1]", "[1]"),
            ("one[2]", "null"),
            ("null[1]", "null"),
            ("[1, 2, 3][true]", "[1, 2, 3]"),
            ("`first name`", "\"Ada\""),
            ("[[1, 2], [3]][1][2]", "2"),
            ("[1..3].start", "1"),
            ("[1..3).end included", "false"),
            ("[1..3]", "\"[1..3]\""),
            ("[{a: 1}, {b: 2}].a", "[1, null]"),
            ("list[1] in [list[1]..list[2]]", "true"),
        ],
    );
}

#[test]
fn iteration_and_functions_follow_the_table() {
    check(
        &json!({"xs": [1, 2, 3], "ys": [10, 20], "people": [{"name": "a", "age": 17}, {"name": "b", "age": 30}]}),
        &[
            ("for x in xs return x * 2", "[2, 4, 6]"),
            ("for x in xs, y in ys return x + y", "[11, 21, 12, 22, 13, 23]"),
            ("for x in [[1, 2], [3]], y in x return y", "[1, 2, 3]"),
            ("for i in 1..4 return i", "[1, 2, 3, 4]"),
            ("for i in 3..1 return i", "[3, 2, 1]"),
            ("for i in -1..1 return i", "[-1, 0, 1]"),
            ("for i in [1..3] return i", "[1, 2, 3]"),
            ("for i in 1..6 return if i <= 2 then 1 else partial[-1] + partial[-2]", "[1, 1, 2, 3, 5, 8]"),
            ("for x in [] return x", "[]"),
            ("for x in null return x", "null"),
            ("for p in people return p.name", "[\"a\", \"b\"]"),
            ("for x in 5 return x", "[5]"),
            ("some x in xs satisfies x > 2", "true"),
            ("some x in xs satisfies x > 3", "false"),
            ("every x in xs satisfies x > 0", "true"),
            ("every x in xs satisfies x > 1", "false"),
            ("some x in [] satisfies x", "false"),
            ("every x in [] satisfies x", "true"),
            ("every x in [true, null] satisfies x", "null"),
            ("some x in [null, true] satisfies x", "true"),
            ("some x in xs, y in ys satisfies x * 10 = y", "true"),
            ("{f: function(a, b) a + b, r: f(1, 2)}.r", "3"),
            ("{f: function(a, b) a - b, r: f(b: 1, a: 5)}.r", "4"),
            ("{f: function(x) x + 1}.f(1)", "2"),
            ("(function(x) x * x)(4)", "16"),
            ("{n: 10, f: function(x) x + n}.f(1)", "11"),
            ("{f: function(x) x}.f()", "null"),
            ("{f: function(x: number) x}.f(2)", "2"),
            ("{f: 1}.f(2)", "null"),
            ("sort(xs, function(x, y) x > y)", "[3, 2, 1]"),
            ("sort(people, function(a, b) a.age > b.age)[1].name", "\"b\""),
            ("1 instance of number", "true"),
            ("\"a\" instance of string", "true"),
            ("true instance of boolean", "true"),
            ("1 instance of string", "false"),
            ("null instance of number", "false"),
            ("null instance of Null", "true"),
            ("xs instance of list", "true"),
            ("xs instance of list<number>", "true"),
            ("xs instance of list<string>", "false"),
            ("{a: 1} instance of context<a: number>", "true"),
            ("{a: 1} instance of context", "true"),
            ("(function(x) x) instance of function", "true"),
            ("[1..2] instance of range<number>", "true"),
            ("@\"2024-01-01\" instance of date", "true"),
            ("@\"2024-01-01T00:00:00\" instance of date and time", "true"),
            ("@\"P1D\" instance of days and time duration", "true"),
            ("@\"P1Y\" instance of years and months duration", "true"),
            ("1 instance of Any", "true"),
        ],
    );
}

#[test]
fn unary_tests_follow_the_table() {
    let rows = [
        ("-", json!(1), true),
        ("5", json!(5), true),
        ("5, 6", json!(6), true),
        ("5, 6", json!(7), false),
        ("< 5", json!(4), true),
        (">= 5", json!(4), false),
        ("[1..3]", json!(3), true),
        ("[1..3)", json!(3), false),
        ("(1..3], > 7", json!(8), true),
        ("not(1, 2)", json!(3), true),
        ("not(1, 2)", json!(2), false),
        ("\"a\", \"b\"", json!("b"), true),
        ("? > 3 and ? < 6", json!(4), true),
        ("? > 3 and ? < 6", json!(7), false),
        ("true", json!(true), true),
        ("true", json!(false), false),
        ("null", json!(null), true),
        ("limit", json!(9), true),
        ("< limit", json!(8), true),
        ("starts with(?, \"a\")", json!("abc"), true),
        ("[1, 2, 3]", json!(2), true),
        ("-1", json!(-1), true),
    ];
    for (tests, input, expected) in rows {
        let tests = Expression::unary_tests(tests).unwrap_or_else(|error| panic!("{tests}: {error}"));
        let found = tests.evaluate_unary_tests(&input, &json!({"limit": 9}), Limits::at(0));
        assert_eq!(found, Ok(expected), "{} on {input}", tests.source());
    }
}

#[test]
fn errors_name_their_place() {
    for (source, code, position) in [
        ("", "FEEL-0001", 0),
        ("1 +", "FEEL-0001", 3),
        ("=1 +", "FEEL-0001", 4),
        ("1 2", "FEEL-0001", 2),
        ("a == b", "FEEL-0001", 2),
        ("a = b = c", "FEEL-0001", 6),
        ("\"open", "FEEL-0001", 0),
        ("'a'", "FEEL-0001", 0),
        ("(1", "FEEL-0001", 2),
        ("[1, 2", "FEEL-0001", 5),
        ("{a 1}", "FEEL-0001", 4),
        ("if true then 1", "FEEL-0001", 14),
        ("for x in xs", "FEEL-0001", 11),
        ("a & b", "FEEL-0001", 2),
        ("x > #", "FEEL-0001", 4),
        ("/* open", "FEEL-0001", 0),
        ("@\"nonsense\"", "FEEL-0001", 0),
        ("nosuch(1)", "FEEL-0003", 0),
        ("1 + foo bar(1)", "FEEL-0001", 8),
        ("abs()", "FEEL-0003", 0),
        ("abs(1, 2)", "FEEL-0003", 0),
        ("substring(text: \"a\")", "FEEL-0003", 0),
        ("random number()", "FEEL-0004", 0),
        ("1 + uuid()", "FEEL-0004", 4),
    ] {
        assert_eq!(refused(source), (code, Some(position)), "{source}");
    }
    let java =
        "function(x) external {java: {class: \"java.lang.Math\", `method signature`: \"cos(double)\"}}";
    assert_eq!(refused(java), ("FEEL-0004", Some(12)));
}

#[test]
fn free_names_are_known_without_evaluating() {
    for (source, certain, possible) in [
        ("a + b.c", &["a", "b"][..], &[][..]),
        ("for x in xs return x + y", &["xs", "y"], &[]),
        ("items[price > limit]", &["items"], &["limit", "price"]),
        ("{a: 1, b: a + z}", &["z"], &[]),
        ("{f: function(x) x + n, r: f(1)}", &["n"], &[]),
        ("some x in xs satisfies x = k", &["k", "xs"], &[]),
        ("string length(name) > 2", &["name"], &[]),
        ("x in (? > y)", &["x", "y"], &[]),
        ("1", &[], &[]),
    ] {
        let parsed = Expression::feel(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(parsed.variables(), certain, "{source}");
        assert_eq!(parsed.possible_variables(), possible, "{source}");
    }
}

#[test]
fn a_variable_with_spaces_is_found_when_its_name_is_given() {
    let parsed = Expression::feel_with_names("total price * 2", &["total price"]).unwrap();
    assert_eq!(parsed.evaluate(&json!({"total price": 4}), Limits::at(0)), Ok(json!(8)));
}
