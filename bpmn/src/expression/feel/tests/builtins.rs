//! The built-in functions, one table per group.

use serde_json::json;

use super::check;
use crate::expression::feel::builtins;

#[test]
fn conversions_and_booleans_follow_the_table() {
    check(
        &json!({"x": 1, "n": null, "toolCall": {"city": "Ulm"}}),
        &[
            ("string(1)", "\"1\""),
            ("string(1.5)", "\"1.5\""),
            ("string(-0.0)", "\"0\""),
            ("string(true)", "\"true\""),
            ("string(null)", "null"),
            ("string(\"a\")", "\"a\""),
            ("string([1, \"a\"])", "\"[1, \\\"a\\\"]\""),
            ("string({a: 1})", "\"{a: 1}\""),
            ("\"n: \" + string(3)", "\"n: 3\""),
            ("number(\"1.5\")", "1.5"),
            ("number(\"abc\")", "null"),
            ("number(\"inf\")", "null"),
            ("number(\"1,000.5\", \",\", \".\")", "1000.5"),
            ("number(\"1.000,5\", \".\", \",\")", "1000.5"),
            ("number(\"1 000\", \" \")", "1000"),
            ("number(\"1\", \",\", \",\")", "null"),
            ("number(from: \"1,5\", grouping separator: null, decimal separator: \",\")", "1.5"),
            ("context([{key: \"a\", value: 1}])", "{\"a\": 1}"),
            ("context([{key: \"a\", value: 1}, {key: \"a\", value: 2}])", "null"),
            ("from json(\"{\\\"a\\\": [1]}\")", "{\"a\": [1]}"),
            ("from json(\"{\")", "null"),
            ("to json({a: [1, null]})", "\"{\\\"a\\\":[1,null]}\""),
            ("range(\"[1..3)\")", "\"[1..3)\""),
            ("range(\"nonsense\")", "null"),
            ("is defined(x)", "true"),
            ("is defined(n)", "false"),
            ("is defined(missing.more)", "false"),
            ("get or else(n, 2)", "2"),
            ("get or else(x, 2)", "1"),
            ("assert(x, x > 0)", "1"),
            ("is(1, 1)", "true"),
            ("is(1, \"1\")", "false"),
            ("fromAi(toolCall.city, \"the city\", \"string\")", "\"Ulm\""),
            ("fromAi(value: toolCall.city, description: \"the city\")", "\"Ulm\""),
        ],
    );
}

#[test]
fn text_functions_follow_the_table() {
    check(
        &json!({}),
        &[
            ("substring(\"foobar\", 3)", "\"obar\""),
            ("substring(\"foobar\", 3, 3)", "\"oba\""),
            ("substring(\"foobar\", -2, 1)", "\"a\""),
            ("substring(\"foobar\", 0)", "null"),
            ("substring(\"héé💩x\", 4, 1)", "\"💩\""),
            ("substring(string: \"foobar\", start position: 4)", "\"bar\""),
            ("string length(\"foo💩\")", "4"),
            ("string length(1)", "null"),
            ("upper case(\"aBc4\")", "\"ABC4\""),
            ("lower case(\"aBc4\")", "\"abc4\""),
            ("substring before(\"foobar\", \"bar\")", "\"foo\""),
            ("substring before(\"foobar\", \"xyz\")", "\"\""),
            ("substring after(\"foobar\", \"ob\")", "\"ar\""),
            ("substring after(\"\", \"a\")", "\"\""),
            ("contains(\"foobar\", \"of\")", "false"),
            ("contains(\"foobar\", \"ob\")", "true"),
            ("starts with(\"foobar\", \"fo\")", "true"),
            ("ends with(\"foobar\", \"r\")", "true"),
            ("trim(\"  a b \")", "\"a b\""),
            ("is blank(\" \")", "true"),
            ("is blank(\"a\")", "false"),
            ("to base64(\"FEEL\")", "\"RkVFTA==\""),
            ("to base64(\"abc\")", "\"YWJj\""),
            ("matches(\"foobar\", \"^fo*b\")", "true"),
            ("matches(\"FOO\", \"foo\", \"i\")", "true"),
            ("matches(\"12\", \"\\d+\")", "true"),
            ("matches(\"12\", \"[\")", "null"),
            ("matches(null, \"a\")", "null"),
            ("replace(\"abcd\", \"(ab)|(a)\", \"[1=$1][2=$2]\")", "\"[1=ab][2=]cd\""),
            ("replace(\"abracadabra\", \"bra\", \"*\")", "\"a*cada*\""),
            ("replace(\"ab\", \"(a)\", \"$1st\")", "\"astb\""),
            ("split(\"John Doe\", \"\\s\")", "[\"John\", \"Doe\"]"),
            ("split(\"a;b;c;;\", \";\")", "[\"a\", \"b\", \"c\", \"\", \"\"]"),
            ("extract(\"references are 1234, 1256\", \"12[0-9]*\")", "[\"1234\", \"1256\"]"),
            ("string join([\"a\", \"b\", \"c\"])", "\"abc\""),
            ("string join([\"a\", null, \"c\"], \", \")", "\"a, c\""),
            ("string join([\"a\", \"b\"], \", \", \"[\", \"]\")", "\"[a, b]\""),
            ("string join([1], \",\")", "null"),
        ],
    );
}

#[test]
fn number_functions_follow_the_table() {
    check(
        &json!({}),
        &[
            ("decimal(1/3, 2)", "0.33"),
            ("decimal(1.5, 0)", "2"),
            ("decimal(2.5, 0)", "2"),
            ("decimal(2.675, 2)", "2.68"),
            ("decimal(1234, -2)", "1200"),
            ("decimal(-2.5, 0)", "-2"),
            ("floor(1.5)", "1"),
            ("floor(-1.5)", "-2"),
            ("floor(-1.56, 1)", "-1.6"),
            ("ceiling(1.5)", "2"),
            ("ceiling(-1.5)", "-1"),
            ("ceiling(0.001, 2)", "0.01"),
            ("round up(5.5, 0)", "6"),
            ("round up(-5.5, 0)", "-6"),
            ("round up(1.121, 2)", "1.13"),
            ("round up(-1.126, 2)", "-1.13"),
            ("round down(5.5, 0)", "5"),
            ("round down(-5.5, 0)", "-5"),
            ("round half up(5.5, 0)", "6"),
            ("round half up(-5.5, 0)", "-6"),
            ("round half up(0.005, 2)", "0.01"),
            ("round half up(0.0005, 2)", "0"),
            ("round half down(5.5, 0)", "5"),
            ("round half down(-5.51, 0)", "-6"),
            ("round half up(0.4)", "0"),
            ("round half up(1.5, 5)", "1.5"),
            ("abs(-10)", "10"),
            ("modulo(12, 5)", "2"),
            ("modulo(-12, 5)", "3"),
            ("modulo(12, -5)", "-3"),
            ("modulo(1, 0)", "null"),
            ("sqrt(16)", "4"),
            ("sqrt(-1)", "null"),
            ("decimal(log(10), 5)", "2.30259"),
            ("log(0)", "null"),
            ("exp(0)", "1"),
            ("exp(1000)", "null"),
            ("odd(5)", "true"),
            ("odd(2)", "false"),
            ("even(0)", "true"),
            ("even(1.5)", "null"),
        ],
    );
}

#[test]
fn list_functions_follow_the_table() {
    check(
        &json!({}),
        &[
            ("list contains([1, 2, 3], 2)", "true"),
            ("list contains([1, null], null)", "true"),
            ("list contains([1], \"1\")", "false"),
            ("count([1, 2, 3])", "3"),
            ("count([])", "0"),
            ("count(1)", "null"),
            ("is empty([])", "true"),
            ("min([1, 2, 3])", "1"),
            ("min(3, 2)", "2"),
            ("min([])", "null"),
            ("min([1, \"a\"])", "null"),
            ("max(1, 2, 3)", "3"),
            ("max([\"a\", \"c\", \"b\"])", "\"c\""),
            ("max([@\"2024-01-01\", @\"2025-01-01\"])", "\"2025-01-01\""),
            ("sum([1, 2, 3])", "6"),
            ("sum(1, 2)", "3"),
            ("sum([])", "null"),
            ("sum([1, null])", "null"),
            ("product([2, 3, 4])", "24"),
            ("mean([1, 2, 3])", "2"),
            ("median(8, 2, 5, 3, 4)", "4"),
            ("median([6, 1, 2, 3])", "2.5"),
            ("stddev(2, 4, 7, 5)", "2.0816659994661326"),
            ("stddev([1])", "null"),
            ("mode(6, 3, 9, 6, 6)", "[6]"),
            ("mode([6, 1, 9, 6, 1])", "[1, 6]"),
            ("mode([])", "[]"),
            ("all([true, true])", "true"),
            ("all([true, false, null])", "false"),
            ("all([true, null])", "null"),
            ("all([])", "true"),
            ("any([false, true])", "true"),
            ("any([])", "false"),
            ("any(false, null)", "null"),
            ("sublist([4, 5, 6], 2)", "[5, 6]"),
            ("sublist([4, 5, 6], 1, 2)", "[4, 5]"),
            ("sublist([4, 5, 6], -1)", "[6]"),
            ("sublist([4], 3)", "null"),
            ("append([1], 2, 3)", "[1, 2, 3]"),
            ("concatenate([1, 2], [3])", "[1, 2, 3]"),
            ("insert before([1, 3], 1, 2)", "[2, 1, 3]"),
            ("insert before([1, 3], -1, 2)", "[1, 2, 3]"),
            ("remove([1, 2, 3], 2)", "[1, 3]"),
            ("remove([1], 5)", "null"),
            ("list replace([2, 4, 7, 8], 3, 6)", "[2, 4, 6, 8]"),
            ("list replace([2, 4, 7, 8], function(item, newItem) item < newItem, 5)", "[5, 5, 7, 8]"),
            ("reverse([1, 2, 3])", "[3, 2, 1]"),
            ("index of([1, 2, 3, 2], 2)", "[2, 4]"),
            ("union([1, 2], [2, 3])", "[1, 2, 3]"),
            ("distinct values([1, 2, 3, 2, 1])", "[1, 2, 3]"),
            ("duplicate values([1, 2, 3, 2, 1])", "[2, 1]"),
            ("flatten([[1, 2], [[3]], 4])", "[1, 2, 3, 4]"),
            ("sort([3, 1, 2])", "[1, 2, 3]"),
            ("sort([3, \"a\"])", "null"),
            ("sort(list: [3, 1, 4, 5, 2], precedes: function(x, y) x < y)", "[1, 2, 3, 4, 5]"),
            ("sort([1, 2, 3, 4, 5, 6, 7], function(x, y) true)", "[7, 6, 5, 4, 3, 2, 1]"),
            ("partition([1, 2, 3, 4, 5], 2)", "[[1, 2], [3, 4], [5]]"),
            ("partition([1], 0)", "null"),
        ],
    );
}

#[test]
fn context_and_range_functions_follow_the_table() {
    check(
        &json!({}),
        &[
            ("get value({foo: 123}, \"foo\")", "123"),
            ("get value({foo: 123}, \"bar\")", "null"),
            ("get value({x: {y: {z: 0}}}, [\"x\", \"y\", \"z\"])", "0"),
            ("get entries({foo: 123})", "[{\"key\": \"foo\", \"value\": 123}]"),
            ("context put({x: 1}, \"y\", 2)", "{\"x\": 1, \"y\": 2}"),
            ("context put({x: 1}, \"x\", 2)", "{\"x\": 2}"),
            ("context put({x: 1, y: {z: 0}}, [\"y\", \"z\"], 2)", "{\"x\": 1, \"y\": {\"z\": 2}}"),
            ("context put({}, [\"y\", \"z\"], 2)", "{\"y\": {\"z\": 2}}"),
            ("context merge([{x: 1}, {y: 2}])", "{\"x\": 1, \"y\": 2}"),
            ("context merge([{x: 1}, {x: 0, y: 2}])", "{\"x\": 0, \"y\": 2}"),
            ("put({x: 1}, \"y\", 2)", "{\"x\": 1, \"y\": 2}"),
            ("put all({x: 1}, {y: 2})", "{\"x\": 1, \"y\": 2}"),
            ("before(1, 10)", "true"),
            ("before(10, 1)", "false"),
            ("before(1, (1..5])", "true"),
            ("before([1..5], (5..9])", "true"),
            ("before([1..5], [5..9])", "false"),
            ("after(12, [2..5])", "true"),
            ("after((5..9], [1..5])", "true"),
            ("meets([1..5], [5..10])", "true"),
            ("meets([1..3], [4..6])", "false"),
            ("meets([1..5), [5..8])", "false"),
            ("met by([5..10], [1..5])", "true"),
            ("overlaps([5..10], [1..6])", "true"),
            ("overlaps((3..7], [1..4])", "true"),
            ("overlaps([1..3], (3..6])", "false"),
            ("overlaps before([1..5], [4..10])", "true"),
            ("overlaps before([3..4], [1..2])", "false"),
            ("overlaps before([1..3), (3..5])", "false"),
            ("overlaps after([4..10], [1..5])", "true"),
            ("finishes(5, [1..5])", "true"),
            ("finishes(10, [1..10))", "false"),
            ("finishes([5..10], [1..10])", "true"),
            ("finished by([1..10], [5..10])", "true"),
            ("finished by([5..10], 10)", "true"),
            ("includes([5..10], 6)", "true"),
            ("includes([1..10], [4..6])", "true"),
            ("includes((1..5], [1..4])", "false"),
            ("during(5, [1..10])", "true"),
            ("during([4..6], [1..10])", "true"),
            ("starts(1, [1..5])", "true"),
            ("starts((1..5], [1..10])", "false"),
            ("starts([1..5], [1..10])", "true"),
            ("started by([1..10], 1)", "true"),
            ("coincides([1..5], [1..5])", "true"),
            ("coincides((1..5), [1..5])", "false"),
            ("coincides(3, 4)", "false"),
            ("before(1, \"a\")", "null"),
        ],
    );
}

#[test]
fn every_documented_function_exists_once() {
    const DOCUMENTED: &str = "string number context date time date_and_time duration years_and_months_duration \
        range from_json to_json not is_defined get_or_else assert is fromAi substring string_length upper_case \
        lower_case substring_before substring_after contains starts_with ends_with trim is_blank to_base64 matches \
        replace split extract string_join decimal floor ceiling round_up round_down round_half_up round_half_down \
        abs modulo sqrt log exp odd even list_contains count is_empty min max sum product mean median stddev mode \
        all any sublist append concatenate insert_before remove list_replace reverse index_of union distinct_values \
        duplicate_values flatten sort partition get_value get_entries context_put put context_merge put_all now \
        today day_of_week day_of_year week_of_year month_of_year last_day_of_month before after meets met_by \
        overlaps overlaps_before overlaps_after finishes finished_by includes during starts started_by coincides";
    let documented: Vec<String> = DOCUMENTED.split_whitespace().map(|name| name.replace('_', " ")).collect();
    for name in &documented {
        assert!(builtins::find(name).is_some(), "{name} is missing");
    }
    let mut names: Vec<&str> = builtins::all().map(|builtin| builtin.name).collect();
    assert_eq!(names.len(), documented.len(), "a built-in is not documented");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), documented.len(), "a name is used twice");
}
