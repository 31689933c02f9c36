//! Every tool against the real schema, and the protocol's errors.

use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::cli::about;
use crate::configuration::Configuration;
use crate::wiring::Assembly;

async fn exchange(ask: &dyn Ask, method: &str, params: Value) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let answer = answer(ask, message.to_string().as_bytes()).await.unwrap();
    assert_eq!(answer["id"], 7);
    answer
}

/// The structured result of a tool that must work.
async fn use_tool(ask: &dyn Ask, name: &str, arguments: Value) -> Value {
    let answer = exchange(ask, "tools/call", json!({"name": name, "arguments": arguments})).await;
    assert_eq!(answer["result"]["isError"], false, "{name}: {answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), answer["result"]["structuredContent"]);
    answer["result"]["structuredContent"].clone()
}

async fn ended(ask: &dyn Ask, name: &str, arguments: Value, state: &[&str], among: &[&str]) -> Value {
    let wait = async {
        loop {
            let shown = use_tool(ask, name, arguments.clone()).await;
            let now = state.iter().fold(&shown, |value, step| &value[*step]);
            if among.contains(&now.as_str().unwrap_or_default()) {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
}

#[tokio::test]
async fn every_tool_works_on_the_real_api() {
    let folder = TempDir::new().unwrap();
    let configuration = Configuration::default();
    let assembly = Assembly::open(&configuration, folder.path()).await.unwrap();
    let schema = Schema(graphql::schema(assembly.graphql_state(about(&assembly, &configuration))));
    let ask: &dyn Ask = &schema;

    let text =
        json!({"text": "Receive the order, then check the stock, then ship the goods.", "name": "Orders"});
    let draft = use_tool(ask, "draft_process", text).await["generateProcess"].clone();
    let change = json!({"xml": draft["xml"], "instruction": "add an approval before shipping"});
    let changed = use_tool(ask, "change_process", change).await["refineProcess"].clone();
    assert_ne!(changed["xml"], draft["xml"]);
    assert_eq!(use_tool(ask, "list_processes", json!({})).await["processDefinitions"]["totalCount"], 0);
    use_tool(ask, "check_process", json!({"xml": changed["xml"]})).await;
    use_tool(ask, "decide_proposal", json!({"id": changed["id"], "accept": false, "reason": "not yet"}))
        .await;
    let accepted = use_tool(ask, "decide_proposal", json!({"id": draft["id"], "accept": true})).await;
    let definition = &accepted["decideProposal"]["definition"];
    let listed = use_tool(ask, "list_processes", json!({})).await;
    assert_eq!(listed["processDefinitions"]["nodes"][0]["processId"], definition["processId"]);
    let shown = use_tool(ask, "show_process", json!({"key": definition["key"]})).await;
    assert!(shown["processDefinition"]["xml"].as_str().unwrap().contains("Check stock"));

    let start = json!({"processId": definition["processId"], "variables": {"urgent": true}, "seed": "7"});
    let run = use_tool(ask, "run_process", start).await["startProcess"].clone();
    let path = ["processInstance", "status"];
    let shown = ended(ask, "show_run", json!({"key": run["key"]}), &path, &["COMPLETED"]).await;
    assert_eq!(shown["processInstance"]["variables"]["urgent"], true);
    assert_eq!(use_tool(ask, "list_runs", json!({})).await["processInstances"]["totalCount"], 1);
    use_tool(ask, "scores", json!({})).await;

    let requirements = "- R-1: The pump shall weigh at most 5 kg.\n- R-2: The pump shall deliver 3 l/min.\n";
    let build = json!({"name": "Pump", "requirements": requirements, "run": false});
    let job = use_tool(ask, "build_system", build).await["bootstrapSystem"].clone();
    let ends = ["DONE", "COMPLETED", "SUCCEEDED", "FAILED"];
    let shown = ended(ask, "show_job", json!({"id": job["id"]}), &["job", "state"], &ends).await;
    assert_ne!(shown["job"]["state"], "FAILED", "{shown}");
    assert_eq!(use_tool(ask, "list_systems", json!({})).await["systems"]["nodes"][0]["requirementCount"], 2);
    let shown = use_tool(ask, "show_system", json!({"name": "Pump"})).await;
    assert_eq!(shown["system"]["coverage"]["ratio"], 1.0);
    let traced = use_tool(ask, "trace", json!({"system": "Pump", "id": "R-1"})).await;
    assert_eq!(traced["trace"]["requirements"][0]["localId"], "R-1");
    use_tool(ask, "recall", json!({"text": "order", "limit": 3})).await;
    let own = json!({"query": "query($n: String!) { system(name: $n) { requirementCount } }", "variables": {"n": "Pump"}});
    assert_eq!(use_tool(ask, "query", own).await["system"]["requirementCount"], 2);
    assembly.close().await;
}

/// Nobody: whatever reaches it is a complaint.
struct Nobody;

#[async_trait]
impl Ask for Nobody {
    async fn ask(&self, _document: &str, _variables: Value) -> Result<Value, Complaint> {
        Err(Complaint { code: "X-1".to_owned(), message: "no".to_owned(), hint: "go away".to_owned() })
    }
}

#[tokio::test]
async fn a_client_is_told_what_there_is() {
    let hello = exchange(&Nobody, "initialize", json!({"protocolVersion": "2025-03-26"})).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(hello["result"]["serverInfo"]["name"], "procos");
    let newer = exchange(&Nobody, "initialize", json!({"protocolVersion": "2099-01-01"})).await;
    assert_eq!(newer["result"]["protocolVersion"], REVISIONS[0]);
    let listed = exchange(&Nobody, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), TOOLS.len());
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert!(tool["description"].as_str().unwrap().len() > 20, "{tool}");
    }
    let draft = tools.iter().find(|tool| tool["name"] == "draft_process").unwrap();
    assert_eq!(draft["inputSchema"]["required"], json!(["text"]));
    assert_eq!(draft["annotations"]["readOnlyHint"], false);
}

#[tokio::test]
async fn what_a_tool_says_went_wrong_is_a_result_and_a_wrong_call_is_an_error() {
    let refused = exchange(&Nobody, "tools/call", json!({"name": "list_systems"})).await;
    assert_eq!(refused["result"]["isError"], true);
    assert_eq!(refused["result"]["content"][0]["text"], "[X-1] no; go away");
    for (params, told) in [
        (json!({"name": "fly"}), "there is no tool \"fly\""),
        (json!({"name": "trace", "arguments": {"system": "S"}}), "needs \"id\""),
        (json!({"name": "trace", "arguments": {"system": 1, "id": "R"}}), "must be of type string"),
        (json!({"name": "trace", "arguments": {"system": "S", "id": "R", "x": 1}}), "no argument \"x\""),
        (json!({"name": "trace", "arguments": []}), "must be an object"),
        (json!({}), "says which tool"),
    ] {
        let answer = exchange(&Nobody, "tools/call", params).await;
        assert_eq!(answer["error"]["code"], INVALID_PARAMS);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(told), "{message}");
    }
    let mutation =
        json!({"name": "query", "arguments": {"query": "mutation { cancelInstance(key: \"1\") }"}});
    let answer = exchange(&Nobody, "tools/call", mutation).await;
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().starts_with("only queries"));
}

#[tokio::test]
async fn messages_that_are_none_are_refused_and_notifications_are_not_answered() {
    for (message, code) in [
        ("{", PARSE_ERROR),
        ("[]", INVALID_REQUEST),
        ("{\"id\": 1}", INVALID_REQUEST),
        ("{\"jsonrpc\": \"2.0\", \"id\": [], \"method\": \"ping\"}", INVALID_REQUEST),
        ("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"resources/list\"}", METHOD_NOT_FOUND),
    ] {
        let answer = answer(&Nobody, message.as_bytes()).await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{message}");
    }
    let note = "{\"jsonrpc\": \"2.0\", \"method\": \"notifications/initialized\"}";
    assert_eq!(answer(&Nobody, note.as_bytes()).await, None);
}
