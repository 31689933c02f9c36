//! Processes that ask decisions: deployed together, by version, across a restart, explained in the trail.

use serde_json::json;
use trail::{Filter, Trail};

use super::*;

/// A table with one rule for each pair of test and output.
fn limit(rules: &[(&str, &str)]) -> DeployFile {
    let rule = |(test, output): &(&str, &str)| {
        format!(
            "<rule><description><![CDATA[from {test}]]></description><inputEntry><text><![CDATA[{test}]]></text></inputEntry>\
             <outputEntry><text>{output}</text></outputEntry></rule>"
        )
    };
    let rules: String = rules.iter().map(rule).collect();
    let text = format!(
        "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='credit'><decision id='limit'>\
         <decisionTable><input><inputExpression typeRef='number'><text>income</text></inputExpression></input>\
         <output/>{rules}</decisionTable></decision></definitions>"
    );
    DeployFile { name: "credit.dmn".to_owned(), content: text.into_bytes() }
}

fn asks(process: &str, binding: &str) -> DeployFile {
    let task = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:businessRuleTask id="rule"><bpmn:extensionElements>
        <zeebe:calledDecision decisionId="limit" resultVariable="r" bindingType="{binding}"/>
        </bpmn:extensionElements></bpmn:businessRuleTask><bpmn:userTask id="u"/>"#
    );
    let body = format!("{task}{}{}", flow("s", "rule"), flow("rule", "u"));
    DeployFile { name: format!("{process}.bpmn"), content: bpmn(process, "", &body).into_bytes() }
}

#[tokio::test]
async fn a_task_asks_the_newest_version_or_the_one_deployed_with_it_also_after_a_restart() {
    let bench = Bench::new().await;
    let files = vec![asks("bound", "deployment"), asks("latest", "latest"), limit(&[("-", "1")])];
    let deployed = bench.engine.deploy_all(files).await.unwrap();
    assert_eq!((deployed.definitions.len(), deployed.decisions[0].decisions[0].version), (2, 1));
    let again = bench.engine.deploy_all(vec![limit(&[("-", "1")])]).await.unwrap();
    assert_eq!(again.decisions, deployed.decisions, "the same bytes give the version that is there");
    bench.engine.deploy(vec![limit(&[("-", "2")])]).await.unwrap();
    let bench = bench.restart().await;
    let (bound, latest) = (bench.start("bound", json!({})).await, bench.start("latest", json!({})).await);
    assert_eq!(bench.variable(bound, "r").await, json!(1));
    assert_eq!(bench.variable(latest, "r").await, json!(2));
}

#[tokio::test]
async fn the_trail_says_which_version_and_which_rules_decided() {
    let bench = Bench::new().await;
    bench.engine.deploy(vec![limit(&[("< 10", "1"), (">= 10", "2")]), asks("p", "latest")]).await.unwrap();
    let key = bench.start("p", json!({"income": 12})).await;
    let filter =
        Filter { instance: Some(key), kind_prefix: Some("decision.".to_owned()), ..Filter::default() };
    let events = bench.store.read(&filter, 0, 10).await.unwrap();
    let data = &events[0].content.data;
    assert_eq!((&data["decision"], &data["version"]), (&json!("limit"), &json!(1)));
    let rule = &data["decisions"][0]["rules"][0];
    assert_eq!((&rule["rule"], &rule["annotation"]), (&json!(2), &json!("from >= 10")));
}

#[tokio::test]
async fn a_decision_that_fails_is_an_incident_and_is_made_again_by_the_corrected_table() {
    let bench = Bench::new().await;
    bench.engine.deploy(vec![limit(&[("< 10", "1"), ("> 5", "2")]), asks("p", "latest")]).await.unwrap();
    let key = bench.start("p", json!({"income": 7})).await;
    let incident = bench.engine.incidents(Some(key)).await.unwrap().remove(0);
    assert_eq!((incident.code.as_str(), incident.element.as_str()), ("DMN-0101", "rule"));
    assert!(incident.message.contains("rules 1 and 2"), "{}", incident.message);
    bench.engine.deploy(vec![limit(&[("< 10", "1"), (">= 10", "2")])]).await.unwrap();
    bench.engine.resolve_incident(incident.key).await.unwrap();
    assert_eq!(bench.variable(key, "r").await, json!(1));
    assert_eq!(bench.current(key).await, ["u"]);
}

#[tokio::test]
async fn a_process_that_names_a_decision_nobody_deployed_is_refused_with_element_and_line() {
    let bench = Bench::new().await;
    let refused = bench.engine.deploy(vec![asks("p", "latest")]).await.unwrap_err().to_string();
    assert!(refused.contains("DMN-0003") && refused.contains("element rule, line "), "{refused}");
    assert!(bench.engine.definitions().await.unwrap().is_empty());
}
