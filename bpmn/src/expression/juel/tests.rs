//! JUEL by a table of expression and result, and its limits.

use serde_json::{Value, json};

use crate::expression::{Expression, ExpressionError, Limits};

fn try_juel(source: &str) -> Result<Value, ExpressionError> {
    let variables = json!({
        "a": 3, "b": 4.5, "s": "open", "n": null, "yes": true, "no": false, "digits": "12",
        "list": [10, 20, 30], "order": {"id": 7, "customer name": "Ada", "lines": [{"sku": "x"}]},
        "nothing": [], "key": "id",
    });
    Expression::juel(source)?.evaluate(&variables, Limits::at(0))
}

#[test]
fn expressions_follow_the_table() {
    let rows = [
        ("${a}", json!(3)),
        ("#{a}", json!(3)),
        (" ${a} ", json!(3)),
        ("${a + 1}", json!(4)),
        ("${a - 1}", json!(2)),
        ("${a * 2 + 1}", json!(7)),
        ("${1 + a * 2}", json!(7)),
        ("${a / 2}", json!(1.5)),
        ("${6 / 2}", json!(3)),
        ("${7 div 2}", json!(3.5)),
        ("${a % 2}", json!(1)),
        ("${a mod 2}", json!(1)),
        ("${-a}", json!(-3)),
        ("${b + 0.5}", json!(5)),
        ("${1e2}", json!(100)),
        ("${digits + 1}", json!(13)),
        ("${n + 1}", json!(1)),
        ("${a == 3}", json!(true)),
        ("${a eq 3}", json!(true)),
        ("${a != 3}", json!(false)),
        ("${a ne 4}", json!(true)),
        ("${a < 4}", json!(true)),
        ("${a lt 3}", json!(false)),
        ("${a <= 3}", json!(true)),
        ("${a le 2}", json!(false)),
        ("${a > 2}", json!(true)),
        ("${a gt 3}", json!(false)),
        ("${a >= 3}", json!(true)),
        ("${a ge 4}", json!(false)),
        ("${digits == 12}", json!(true)),
        ("${s == 'open'}", json!(true)),
        ("${s == \"closed\"}", json!(false)),
        ("${n == null}", json!(true)),
        ("${a == null}", json!(false)),
        ("${n > 1}", json!(false)),
        ("${yes && no}", json!(false)),
        ("${yes and yes}", json!(true)),
        ("${no || yes}", json!(true)),
        ("${no or no}", json!(false)),
        ("${no && missing}", json!(false)),
        ("${yes || missing}", json!(true)),
        ("${!yes}", json!(false)),
        ("${not no}", json!(true)),
        ("${!(a > 2) || s == 'open'}", json!(true)),
        ("${empty n}", json!(true)),
        ("${empty nothing}", json!(true)),
        ("${empty list}", json!(false)),
        ("${not empty s}", json!(true)),
        ("${a > 2 ? 'big' : 'small'}", json!("big")),
        ("${a > 5 ? 'big' : a > 2 ? 'mid' : 'small'}", json!("mid")),
        ("${order.id}", json!(7)),
        ("${order['customer name']}", json!("Ada")),
        ("${order[key]}", json!(7)),
        ("${order.missing}", json!(null)),
        ("${order.lines[0].sku}", json!("x")),
        ("${list[0]}", json!(10)),
        ("${list[a]}", json!(null)),
        ("${list[a - 1]}", json!(30)),
        ("${list.size()}", json!(3)),
        ("${list.size() > 2}", json!(true)),
        ("${list.contains(20)}", json!(true)),
        ("${nothing.isEmpty()}", json!(true)),
        ("${s.contains('pe')}", json!(true)),
        ("${s.toUpperCase()}", json!("OPEN")),
        ("${s.equals('open')}", json!(true)),
        ("${a.toString()}", json!("3")),
        ("${order.containsKey('id')}", json!(true)),
        ("${list.get(1)}", json!(20)),
        ("${execution.getVariable('a') + 1}", json!(4)),
        ("${execution.getVariable('missing')}", json!(null)),
        ("${execution.hasVariable('missing')}", json!(false)),
        ("order-${order.id}", json!("order-7")),
        ("${a}/${b}", json!("3/4.5")),
        ("x ${n} y", json!("x  y")),
        ("\\${a}", json!("${a}")),
        ("plain", json!("plain")),
        ("${'a\\'b'}", json!("a'b")),
        ("${true}", json!(true)),
        ("${null}", json!(null)),
        ("${9007199254740993}", json!(9_007_199_254_740_993_i64)),
        ("${9223372036854775807 + 1}", json!(9_223_372_036_854_775_807_i64 as f64)),
        ("${order}", json!({"id": 7, "customer name": "Ada", "lines": [{"sku": "x"}]})),
    ];
    for (source, expected) in rows {
        assert_eq!(try_juel(source), Ok(expected), "{source}");
    }
}

#[test]
fn errors_name_their_place() {
    for (source, code, position) in [
        ("${a", "FEEL-0001", 3),
        ("${}", "FEEL-0001", 2),
        ("x ${a +}", "FEEL-0001", 7),
        ("${a = 3}", "FEEL-0001", 4),
        ("${'open}", "FEEL-0001", 2),
        ("${missing}", "FEEL-0011", 2),
        ("${s * 2}", "FEEL-0011", 4),
        ("${1 / 0}", "FEEL-0011", 4),
        ("${a ? 1 : 2}", "FEEL-0011", 4),
        ("${bean.run()}", "FEEL-0004", 7),
        ("${s.getClass().forName('x')}", "FEEL-0004", 4),
        ("${fn:length(s)}", "FEEL-0004", 2),
        ("${execution.setVariable('a', 1)}", "FEEL-0004", 12),
        ("${n.size()}", "FEEL-0011", 4),
    ] {
        let error = try_juel(source).map_or_else(|error| error, |value| panic!("{source} gave {value}"));
        assert_eq!((error.code, error.position), (code, Some(position)), "{source}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused_and_long_chains_are_not() {
    for source in [
        format!("${{{}1{}}}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("${{{}true}}", "!".repeat(20_000)),
        format!("${{a{}}}", ".b".repeat(20_000)),
        format!("${{{}1}}", "a ? ".repeat(10_000)),
    ] {
        assert_eq!(Expression::juel(&source).map_or_else(|error| error.code, |_| "none"), "FEEL-0002");
    }
    let long = format!("${{{}}}", vec!["1"; 5000].join(" + "));
    assert_eq!(try_juel(&long), Ok(json!(5000)));
}

#[test]
fn the_variables_it_reads_are_known() {
    let parsed = Expression::juel("${a.b + list[i]} and ${execution.getVariable('c')}").unwrap();
    assert_eq!(parsed.variables(), ["a", "c", "i", "list"]);
}
