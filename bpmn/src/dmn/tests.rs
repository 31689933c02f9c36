//! Decisions: each hit policy, types and allowed values, requirements, what is refused, what a check finds.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Evaluation, EvaluationError, Model, check, evaluate, is_dmn, read};
use crate::expression::Limits;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:camunda="http://camunda.org/schema/1.0/dmn" id="file" name="File" namespace="n">"#;

fn file(body: &str) -> String {
    format!("{HEAD}{body}</definitions>")
}

fn text(text: &str) -> String {
    format!("<text>{}</text>", text.replace('&', "&amp;").replace('<', "&lt;"))
}

/// A decision table `d`: attributes of the table; columns as XML; rules, tests before `=>`, all separated by `|`.
fn table(attributes: &str, columns: &str, rules: &[&str]) -> String {
    let rules: String = rules
        .iter()
        .enumerate()
        .map(|(place, rule)| {
            let (tests, outputs) = rule.split_once("=>").unwrap();
            let cells = |cells: &str, name: &str| -> String {
                let cells = cells.split('|').map(str::trim);
                cells.map(|cell| format!("<{name}>{}</{name}>", text(cell))).collect()
            };
            let annotation = format!("<description>because {}</description>", place + 1);
            format!(
                r#"<rule id="r{}">{annotation}{}{}</rule>"#,
                place + 1,
                cells(tests, "inputEntry"),
                cells(outputs, "outputEntry")
            )
        })
        .collect();
    format!(
        r#"<decision id="d" name="D"><decisionTable {attributes}>{columns}{rules}</decisionTable></decision>"#
    )
}

fn input(expression: &str, kind: &str) -> String {
    let text = text(expression);
    format!(
        r#"<input label="{expression}"><inputExpression typeRef="{kind}">{text}</inputExpression></input>"#
    )
}

fn output(name: &str, kind: &str, inside: &str) -> String {
    format!(r#"<output name="{name}" typeRef="{kind}">{inside}</output>"#)
}

fn model(body: &str) -> Model {
    read(file(body).as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn ask(model: &Model, variables: &Value) -> Result<Evaluation, EvaluationError> {
    evaluate(model, "d", variables, Limits::at(0))
}

fn value(body: &str, variables: Value) -> Value {
    ask(&model(body), &variables).unwrap_or_else(|error| panic!("{error}")).value
}

/// One numeric input `x`, one numeric output `y`, rules that overlap: below 10, below 20, any.
fn overlapping(attributes: &str, ranking: &str) -> String {
    let columns = input("x", "number") + &output("y", "number", ranking);
    table(attributes, &columns, &["< 10 => 3", "< 20 => 1", "- => 2"])
}

fn rules_of(evaluation: &Evaluation) -> Vec<u32> {
    evaluation.decisions.iter().flat_map(|it| it.rules.iter().map(|rule| rule.rule)).collect()
}

#[test]
fn each_hit_policy_gives_what_the_standard_says() {
    let ranking = format!("<outputValues>{}</outputValues>", text("1,2,3"));
    for (attributes, at_5, at_50) in [
        (r#"hitPolicy="FIRST""#, json!(3), json!(2)),
        (r#"hitPolicy="PRIORITY""#, json!(1), json!(2)),
        (r#"hitPolicy="COLLECT""#, json!([3, 1, 2]), json!([2])),
        (r#"hitPolicy="COLLECT" aggregation="SUM""#, json!(6), json!(2)),
        (r#"hitPolicy="COLLECT" aggregation="MIN""#, json!(1), json!(2)),
        (r#"hitPolicy="COLLECT" aggregation="MAX""#, json!(3), json!(2)),
        (r#"hitPolicy="COLLECT" aggregation="COUNT""#, json!(3), json!(1)),
        (r#"hitPolicy="RULE ORDER""#, json!([3, 1, 2]), json!([2])),
        (r#"hitPolicy="OUTPUT ORDER""#, json!([1, 2, 3]), json!([2])),
    ] {
        let body = overlapping(attributes, &ranking);
        assert_eq!(value(&body, json!({"x": 5})), at_5, "{attributes}");
        assert_eq!(value(&body, json!({"x": 50})), at_50, "{attributes}");
    }
}

#[test]
fn unique_and_any_name_the_rules_that_contradict_each_other() {
    let unique = model(&overlapping("", ""));
    assert_eq!(ask(&unique, &json!({"x": 50})).unwrap().value, json!(2));
    let error = ask(&unique, &json!({"x": 15})).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("rules 2 and 3")), ("DMN-0101", true), "{error}");
    let any = model(&overlapping(r#"hitPolicy="ANY""#, ""));
    let error = ask(&any, &json!({"x": 15})).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("rules 2 and 3")), ("DMN-0102", true), "{error}");
    let columns = input("x", "number") + &output("y", "number", "");
    let agreeing = table(r#"hitPolicy="ANY""#, &columns, &["< 10 => 1", "< 20 => 1.0"]);
    assert_eq!(value(&agreeing, json!({"x": 5})), json!(1));
}

#[test]
fn where_no_rule_matches_the_defaults_count_and_otherwise_nothing() {
    let columns = |default: &str| input("x", "number") + &output("y", "number", default);
    let default = format!("<defaultOutputEntry>{}</defaultOutputEntry>", text("7 + 1"));
    for (attributes, without) in [
        ("", Value::Null),
        (r#"hitPolicy="COLLECT""#, json!([])),
        (r#"hitPolicy="COLLECT" aggregation="SUM""#, Value::Null),
        (r#"hitPolicy="COLLECT" aggregation="COUNT""#, json!(0)),
        (r#"hitPolicy="RULE ORDER""#, json!([])),
    ] {
        let body = table(attributes, &columns(""), &["< 0 => 1"]);
        assert_eq!(value(&body, json!({"x": 5})), without, "{attributes}");
    }
    assert_eq!(value(&table("", &columns(&default), &["< 0 => 1"]), json!({"x": 5})), json!(8));
}

#[test]
fn several_outputs_are_a_context_and_the_explanation_says_which_rules_and_why() {
    let columns = input("amount", "number")
        + &input("rating", "string")
        + &output("limit", "number", "")
        + &output("by", "string", "");
    let body = table(
        "",
        &columns,
        &[r#"< 1000 | - => amount * 2 | "clerk""#, r#">= 1000 | "A","B" => 5000 | "board""#],
    );
    let found = ask(&model(&body), &json!({"amount": 2000, "rating": "B"})).unwrap();
    assert_eq!(found.value, json!({"limit": 5000, "by": "board"}));
    let explained = &found.decisions[0];
    assert_eq!(explained.inputs, [("amount".to_owned(), json!(2000)), ("rating".to_owned(), json!("B"))]);
    assert_eq!((explained.matched, rules_of(&found)), (1, vec![2]));
    assert_eq!(explained.rules[0].annotation.as_deref(), Some("because 2"));
    assert_eq!(explained.hit_policy.as_deref(), Some("UNIQUE"));
    assert_eq!(ask(&model(&body), &json!({"amount": 5, "rating": "C"})).unwrap().value["limit"], json!(10));
}

#[test]
fn types_and_allowed_values_are_held_to() {
    let allowed = format!("<inputValues>{}</inputValues>", text(r#""A","B""#));
    let input_a = input("x", "string").replace("</input>", &format!("{allowed}</input>"));
    let body = table("", &(input_a + &output("y", "number", "")), &[r#""A" => 1"#, r#""B" => "two""#]);
    let model = model(&body);
    let fault = |x: Value| ask(&model, &json!({ "x": x })).unwrap_err();
    assert_eq!(ask(&model, &json!({"x": "A"})).unwrap().value, json!(1));
    assert_eq!(fault(json!("C")).code(), "DMN-0104");
    assert_eq!(fault(json!(5)).code(), "DMN-0103");
    let wrong = fault(json!("B"));
    assert!(wrong.code() == "DMN-0103" && wrong.to_string().contains("output y of rule 2"), "{wrong}");
    assert_eq!(
        ask(&model, &json!({})).unwrap().value,
        Value::Null,
        "null is always allowed, and no rule tests it"
    );
}

#[test]
fn what_a_decision_needs_is_decided_first_and_once() {
    let body = r##"
        <inputData id="i" name="order date"><variable name="order date" typeRef="date"/></inputData>
        <decision id="d" name="D"><informationRequirement><requiredDecision href="#age"/></informationRequirement>
          <informationRequirement><requiredDecision href="#rate"/></informationRequirement>
          <knowledgeRequirement><requiredKnowledge href="#k"/></knowledgeRequirement>
          <literalExpression><text>twice(rate) + age</text></literalExpression></decision>
        <decision id="age" name="age"><informationRequirement><requiredInput href="#i"/></informationRequirement>
          <literalExpression><text>order date.year - 2000</text></literalExpression></decision>
        <decision id="rate" name="rate"><informationRequirement><requiredDecision href="#age"/></informationRequirement>
          <literalExpression><text>age * 10</text></literalExpression></decision>
        <businessKnowledgeModel id="k" name="twice"><encapsulatedLogic><formalParameter name="n"/>
          <literalExpression><text>n * 2</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>"##;
    let found = ask(&model(body), &json!({"order date": "2026-11-24"})).unwrap();
    assert_eq!(found.value, json!(546));
    let order: Vec<&str> = found.decisions.iter().map(|it| it.decision.as_str()).collect();
    assert_eq!(order, ["age", "rate", "d"]);
}

#[test]
fn what_would_not_be_decided_is_refused_with_element_line_and_way_out() {
    let literal = |text: &str| {
        format!(r#"<decision id="d"><literalExpression><text>{text}</text></literalExpression></decision>"#)
    };
    let needs = |id: &str, other: &str| {
        format!(
            r##"<decision id="{id}"><informationRequirement><requiredDecision href="#{other}"/></informationRequirement>
            <literalExpression><text>1</text></literalExpression></decision>"##
        )
    };
    let columns = input("x", "number") + &output("y", "number", "");
    for (body, says) in [
        ("".to_owned(), "holds no decision"),
        (literal("1 +"), "literal expression"),
        (needs("a", "b") + &needs("b", "a"), "a → b → a"),
        (needs("a", "c"), "c"),
        (literal("1") + &literal("2"), "d"),
        (r#"<decision id="d"><context/></decision>"#.to_owned(), "boxed expression context"),
        (r#"<decision id="d"/>"#.to_owned(), "decision table or literal expression"),
        (table(r#"hitPolicy="MAYBE""#, &columns, &[]), "MAYBE"),
        (table(r#"hitPolicy="PRIORITY""#, &columns, &["- => 1"]), "output values"),
        (table(r#"hitPolicy="FIRST" aggregation="SUM""#, &columns, &["- => 1"]), "aggregation"),
        (table("", &columns, &["< => 1"]), "input entry"),
        (table("", &columns, &["- | - => 1"]), "one entry for each"),
        (r#"<decisionService id="s"/>"#.to_owned() + &literal("1"), "decision service"),
        (r#"<decision id="d"><literalExpression expressionLanguage="groovy"><text>1</text></literalExpression></decision>"#.to_owned(), "groovy"),
    ] {
        let problems = read(file(&body).as_bytes()).unwrap_err();
        assert!(problems.to_string().contains(says), "{says}: {problems}");
        assert!(problems.0.iter().all(|error| !error.hint().is_empty()));
    }
    for bytes in [&b"<?xml version=\"1.0\"?><!DOCTYPE a []><a/>"[..], b"<a/>", b"", b"\xff\xfe", b"no xml"] {
        assert!(read(bytes).is_err());
    }
    let whole = file(&overlapping("", ""));
    for part in 1..20 {
        assert!(read(&whole.as_bytes()[..whole.len() * part / 20]).is_err());
    }
    assert!(
        is_dmn(whole.as_bytes())
            && !is_dmn(b"<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'/>")
    );
}

#[test]
fn a_check_finds_overlaps_gaps_and_dead_rules_with_an_example_each() {
    let columns = input("x", "number") + &output("y", "number", "");
    let found = |attributes: &str, rules: &[&str]| -> Vec<(&str, String)> {
        check(&model(&table(attributes, &columns, rules)))
            .into_iter()
            .map(|it| (it.code, it.message))
            .collect()
    };
    assert_eq!(found("", &["< 10 => 1", ">= 10 => 2"]), [], "nothing to complain about");
    let overlap = found("", &["<= 10 => 1", ">= 10 => 2"]);
    assert!(
        overlap.len() == 1 && overlap[0].0 == "DMN-0301" && overlap[0].1.contains("x = 10"),
        "{overlap:?}"
    );
    let gap = found("", &["< 10 => 1", "> 10 => 2"]);
    assert!(gap.len() == 1 && gap[0].0 == "DMN-0302" && gap[0].1.contains("x = 10"), "{gap:?}");
    let dead = found(r#"hitPolicy="FIRST""#, &["< 10 => 1", "- => 2", "> 20 => 3"]);
    assert!(dead.len() == 1 && dead[0].0 == "DMN-0303" && dead[0].1.contains("rule 3"), "{dead:?}");
}

/// A random test of a number, as a cell and as a function.
fn test() -> impl Strategy<Value = (String, (i32, i32))> {
    (-20..20i32, 0..15i32).prop_map(|(low, width)| (format!("[{low}..{}]", low + width), (low, low + width)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// All policies see the same matches, and what a check says of a table is so.
    #[test]
    fn policies_agree_on_what_matches(tests in prop::collection::vec(test(), 1..6), x in -30..30i32) {
        let rules: Vec<String> = tests.iter().enumerate().map(|(at, (cell, _))| format!("{cell} => {at}")).collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let columns = input("x", "number") + &output("y", "number", "");
        let with = |attributes: &str| model(&table(attributes, &columns, &rules));
        let matching: Vec<usize> =
            tests.iter().enumerate().filter(|(_, (_, (low, high)))| *low <= x && x <= *high).map(|(at, _)| at).collect();
        let asked = json!({ "x": x });
        let got = |attributes: &str| ask(&with(attributes), &asked).map(|it| it.value);
        prop_assert_eq!(got(r#"hitPolicy="RULE ORDER""#).unwrap(), json!(matching));
        prop_assert_eq!(got(r#"hitPolicy="FIRST""#).unwrap(), json!(matching.first()));
        prop_assert_eq!(got(r#"hitPolicy="COLLECT" aggregation="COUNT""#).unwrap(), json!(matching.len()));
        prop_assert_eq!(got("").is_err(), matching.len() > 1);
        let findings = check(&with(""));
        let says = |code: &str| findings.iter().any(|finding| finding.code == code);
        prop_assert!(matching.len() < 2 || says("DMN-0301"), "two match and no overlap is found");
        prop_assert!(!matching.is_empty() || says("DMN-0302"), "none matches and no gap is found");
    }
}
