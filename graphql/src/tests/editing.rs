//! Changes by people as a client makes them: versions, history, undo, branches, suspect links, assumptions.

use ontology::RunRecord;
use ontology::model::{ChangeSet, Component, Constraint, Function, Node, Process, Requirement, TraceLink};
use serde_json::{Value, json};

use super::bed::{Bed, NOW};
use super::running::APPROVAL;

fn link(kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("L-{source}-{target}"),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        ..TraceLink::default()
    })
}

/// A pump with a motor, two requirements, a budget and a process.
async fn pump() -> Bed {
    let bed = Bed::new().await;
    let requirement = |id: &str, text: &str| {
        Node::Requirement(Requirement { id: id.into(), text: text.into(), ..Requirement::default() })
    };
    let component = |id: &str, parent: Option<&str>| {
        let parent = parent.map(str::to_owned);
        Node::Component(Component { id: id.into(), name: id.into(), parent, ..Component::default() })
    };
    let put = vec![
        requirement("R-1", "The pump shall deliver 5 l/min."),
        requirement("R-2", "The pump shall weigh at most 10 kg."),
        component("pump", None),
        component("motor", Some("pump")),
        Node::Function(Function {
            id: "F".into(),
            name: "deliver".into(),
            component: "pump".into(),
            process: Some("P".into()),
            elements: vec!["turn".into()],
            ..Function::default()
        }),
        Node::Process(Process {
            id: "P".into(),
            name: "pumping".into(),
            process_id: "pumping".into(),
            ..Process::default()
        }),
        Node::Constraint(Constraint {
            id: "K".into(),
            name: "mass".into(),
            kind: "budget".into(),
            subject: "pump".into(),
            property: "mass".into(),
            comparator: "<=".into(),
            si_value: 10.0,
            si_unit: "kg".into(),
            parts: vec![("motor".into(), 8.0, true)],
            ..Constraint::default()
        }),
        link("allocated_to", "R-1", "pump"),
        link("satisfied_by", "R-1", "F"),
    ];
    let change = ChangeSet { system: "Pump".into(), author: "ann".into(), put, ..ChangeSet::default() };
    bed.state.ontology.commit(ChangeSet { at_ms: NOW, ..change }, 0).await.unwrap();
    bed
}

const UPDATE: &str = "mutation($input: UpdateRequirementInput!) { updateRequirement(input: $input) { text version quantities { value } } }";

async fn update(bed: &Bed, input: Value) -> Value {
    bed.ask(UPDATE, json!({ "input": input })).await["updateRequirement"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_writer_of_a_requirement_is_told_and_the_same_mutation_twice_is_one() {
    let bed = pump().await;
    let text = "The pump shall deliver 6 l/min.";
    let first = json!({"system": "Pump", "id": "R-1", "text": text, "ifMatch": 1, "clientMutationId": "m"});
    let made = update(&bed, first.clone()).await;
    assert_eq!((&made["text"], &made["version"]), (&json!(text), &json!(2)));
    assert_eq!(made["quantities"][0]["value"], 6.0);
    assert_eq!(update(&bed, first).await["version"], 2);
    let late = json!({"system": "Pump", "id": "R-1", "text": "late", "ifMatch": 1});
    let (code, message, hint) = bed.refusal(UPDATE, json!({ "input": late })).await;
    assert_eq!(code, "ONTO-0007");
    assert!(message.contains("change set 2; you saw version 1") && hint.contains("again"), "{message}");
    // Null empties a field, one that is not given stays.
    let set = json!({"system": "Pump", "id": "R-1", "verification": "test", "group": "Flow"});
    update(&bed, set).await;
    update(&bed, json!({"system": "Pump", "id": "R-1", "group": null})).await;
    let now =
        bed.ask("{ requirements(system: \"Pump\", first: 1) { nodes { group verification } } }", json!({}));
    assert_eq!(now.await["requirements"]["nodes"][0], json!({"group": null, "verification": "test"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_diff_time_travel_and_undo_tell_one_story() {
    let bed = pump().await;
    let baseline =
        "mutation { createBaseline(input: {system: \"Pump\", name: \"PDR\"}) { version hash intact } }";
    assert_eq!(bed.ask(baseline, json!({})).await["createBaseline"]["intact"], true);
    update(&bed, json!({"system": "Pump", "id": "R-2", "text": "The pump shall weigh at most 9 kg."})).await;
    let remove =
        "mutation { removeRequirement(input: {system: \"Pump\", id: \"R-1\"}) { number removedCount } }";
    let gone = bed.ask(remove, json!({})).await["removeRequirement"].clone();
    assert_eq!(gone["removedCount"], 3, "the links at it go with it");
    let story = "{ history(system: \"Pump\", first: 2) { totalCount pageInfo { hasNextPage endCursor }
          nodes { number author message changes { nodes { id alteration } links { id } } } }
        diff(system: \"Pump\", from: {baseline: \"PDR\"}) { count nodes { id alteration fields { field before after } } links { label } }
        system(name: \"Pump\", asOf: {version: 1}) { requirementCount }
        now: system(name: \"Pump\") { requirementCount baselines { name } } }";
    let found = bed.ask(story, json!({})).await;
    assert_eq!(found["history"]["totalCount"], 4);
    assert_eq!(found["history"]["nodes"][0]["changes"]["links"].as_array().unwrap().len(), 2);
    assert_eq!(found["diff"]["count"], 4);
    let changed = &found["diff"]["nodes"][1];
    assert_eq!((&changed["id"], &changed["alteration"]), (&json!("R-2"), &json!("CHANGED")));
    assert!(changed["fields"].to_string().contains("at most 9 kg"));
    assert_eq!(found["diff"]["links"][0]["label"], "R-1 satisfied by F");
    assert_eq!(
        (&found["system"]["requirementCount"], &found["now"]["requirementCount"]),
        (&json!(2), &json!(1))
    );
    let older =
        "query($after: String) { history(system: \"Pump\", first: 2, after: $after) { nodes { number } } }";
    let older = bed.ask(older, json!({"after": found["history"]["pageInfo"]["endCursor"]})).await;
    assert_eq!(older["history"]["nodes"], json!([{"number": 2}, {"number": 1}]));
    let undo = "mutation($n: Int!) { undoChange(input: {system: \"Pump\", number: $n}) { message } }";
    bed.ask(undo, json!({"n": gone["number"]})).await;
    let back =
        bed.ask("{ system(name: \"Pump\") { requirementCount traceLinks { totalCount } } }", json!({}));
    let back = back.await;
    assert_eq!(back["system"], json!({"requirementCount": 2, "traceLinks": {"totalCount": 2}}));
    let (code, _, _) =
        bed.refusal("{ system(name: \"Pump\", asOf: {version: 77}) { name } }", json!({})).await;
    assert_eq!(code, "ONTO-0003");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_written_apart_and_merged_with_its_conflicts_shown() {
    let bed = pump().await;
    bed.ask("mutation { createBranch(input: {system: \"Pump\", name: \"b\"}) { name from } }", json!({}))
        .await;
    update(&bed, json!({"system": "Pump", "branch": "b", "id": "R-2", "text": "theirs"})).await;
    update(&bed, json!({"system": "Pump", "id": "R-2", "text": "ours"})).await;
    let merge = "mutation($c: [MergeChoiceInput!]) { mergeBranch(input: {system: \"Pump\", name: \"b\", choices: $c}) { putCount } }";
    let (code, message, _) = bed.refusal(merge, json!({})).await;
    assert_eq!(code, "ONTO-0008");
    assert!(message.contains("R-2 was changed again"), "{message}");
    bed.ask(merge, json!({"c": [{"id": "R-2", "take": "THEIRS"}]})).await;
    let texts = "{ requirements(system: \"Pump\") { nodes { text } } systems { totalCount }
        system(name: \"Pump\", branch: \"b\") { branch } }";
    let texts = bed.ask(texts, json!({})).await;
    assert_eq!(texts["requirements"]["nodes"][1]["text"], "theirs");
    assert_eq!((&texts["systems"]["totalCount"], &texts["system"]["branch"]), (&json!(1), &json!("b")));
}

#[tokio::test(flavor = "multi_thread")]
async fn suspect_links_are_listed_until_reviewed_and_assumptions_reach_processes() {
    let bed = pump().await;
    update(&bed, json!({"system": "Pump", "id": "R-1", "text": "The pump shall deliver 7 l/min."})).await;
    let suspects = "{ system(name: \"Pump\") { suspectCount } suspectLinks(system: \"Pump\") {
        totalCount nodes { link { localId } suspicion { cause since direction distance } } } }";
    let found = bed.ask(suspects, json!({})).await;
    assert_eq!(found["suspectLinks"]["totalCount"], 2);
    assert_eq!(
        found["suspectLinks"]["nodes"][0]["suspicion"],
        json!({"cause": "R-1", "since": 2, "direction": "DOWN", "distance": 0})
    );
    let review = "mutation { reviewLinks(input: {system: \"Pump\", links: [\"L-R-1-F\"], note: \"fits\"}) { reviewed } }";
    bed.ask(review, json!({})).await;
    assert_eq!(bed.ask(suspects, json!({})).await["system"]["suspectCount"], 1);
    let asked = "{ whatIf(system: \"Pump\", assumptions: [{constraint: \"K\", component: \"motor\", siValue: 12}]) {
          breaks { constraint { localId standing { margin } } standing { margin } } reaches { localId } running { processId } }
        traceMatrix(system: \"Pump\", columns: PROCESSES) { nodes { requirement answers } } }";
    let found = bed.ask(asked, json!({})).await;
    let broken = &found["whatIf"]["breaks"][0];
    assert_eq!(broken["constraint"], json!({"localId": "K", "standing": {"margin": 2.0}}));
    assert_eq!(broken["standing"]["margin"], -2.0);
    assert!(found["whatIf"]["reaches"].to_string().contains("\"P\""), "{found}");
    assert_eq!(
        found["traceMatrix"]["nodes"],
        json!([{"requirement": "R-1", "answers": ["P"]}, {"requirement": "R-2", "answers": []}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requirement_knows_the_last_run_that_showed_it() {
    let bed = pump().await;
    bed.state.ontology.record_run(RunRecord {
        key: "run/1".into(),
        system: "Pump".into(),
        process_id: "pumping".into(),
        instance: 7,
        state: "completed".into(),
        ended_ms: Some(NOW + 5),
        ..RunRecord::default()
    });
    let query = "{ requirements(system: \"Pump\") { nodes { execution { state key process { name } instance { key } } } }
        system(name: \"Pump\") { executions { holds never } } }";
    let found = bed.ask(query, json!({})).await;
    let shown = json!({"state": "HOLDS", "key": "7", "process": {"name": "pumping"}, "instance": null});
    assert_eq!(found["requirements"]["nodes"], json!([{"execution": shown}, {"execution": null}]));
    assert_eq!(found["system"]["executions"], json!({"holds": 1, "never": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_held_to_shapes_refuses_what_breaks_them_and_names_what_does_not_fit_already() {
    let bed = pump().await;
    let shapes = "@prefix : <https://w3id.org/procos/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> . \
        [] sh:targetClass :Requirement ; sh:property [ sh:path :verification ; sh:minCount 1 ] .";
    update(&bed, json!({"system": "Pump", "id": "R-1", "verification": "test"})).await;
    let check = "query($shapes: String) { checkShapes(system: \"Pump\", shapes: $shapes) { \
        conforms results { severity node message } turtle } }";
    let found = bed.ask(check, json!({ "shapes": shapes })).await["checkShapes"].clone();
    assert_eq!(
        found["results"],
        json!([{"severity": "VIOLATION", "node": "R-2", "message": "R-2: verification method is missing"}])
    );
    assert!(found["turtle"].as_str().unwrap().contains("sh:ValidationReport"));
    let hold = "mutation($input: HoldToShapesInput!) { holdToShapes(input: $input) { version shapes } }";
    let held = bed.ask(hold, json!({"input": {"system": "Pump", "shapes": shapes}})).await;
    assert_eq!(held["holdToShapes"]["shapes"], json!(shapes));
    let input = json!({"system": "Pump", "id": "R-1", "verification": null});
    let (code, message, _) = bed.refusal(UPDATE, json!({ "input": input })).await;
    assert_eq!(code, "ONTO-0010");
    assert!(message.contains("R-1: verification method is missing"), "{message}");
    let (code, message, _) = bed
        .refusal(
            hold,
            json!({"input": {"system": "Pump", "shapes": "[] <http://www.w3.org/ns/shacl#rule> 1 ."}}),
        )
        .await;
    assert_eq!(code, "ONTO-0004");
    assert!(message.contains("targetClass"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_reaches_ends_at_constraints_and_running_instances() {
    let bed = pump().await;
    bed.deploy(APPROVAL).await;
    let process = Process {
        id: "P".into(),
        name: "approving".into(),
        process_id: "approval".into(),
        ..Process::default()
    };
    let change = ChangeSet { system: "Pump".into(), author: "ann".into(), ..ChangeSet::default() };
    bed.state.ontology.commit(ChangeSet { put: vec![Node::Process(process)], ..change }, 1).await.unwrap();
    let key = bed.start("approval", json!({})).await;
    bed.waits_for_a_person(&key).await;
    let query = "{ impactReport(system: \"Pump\", id: \"R-1\") { reachCount reaches { localId }
          constraints { constraint { localId } standing { margin holds } } running { key } }
        coverageProgress(system: \"Pump\", points: 5) { version requirements allocated }
        coverage(system: \"Pump\") { orphanProcesses { localId } idleComponents { localId } } }";
    let found = bed.ask(query, json!({})).await;
    let report = &found["impactReport"];
    let reached: Vec<&str> =
        report["reaches"].as_array().unwrap().iter().filter_map(|node| node["localId"].as_str()).collect();
    assert_eq!(report["reachCount"], reached.len());
    assert!(["F", "K", "P", "motor", "pump"].iter().all(|id| reached.contains(id)), "{reached:?}");
    let held = json!([{"constraint": {"localId": "K"}, "standing": {"margin": 2.0, "holds": true}}]);
    assert_eq!((&report["constraints"], &report["running"]), (&held, &json!([{"key": key}])));
    let points: Vec<Value> =
        [1, 2].map(|version| json!({"version": version, "requirements": 2, "allocated": 1})).to_vec();
    assert_eq!(found["coverageProgress"], json!(points));
    assert_eq!(found["coverage"]["idleComponents"], json!([{"localId": "motor"}]));
    assert_eq!(found["coverage"]["orphanProcesses"], json!([]));
    let (code, ..) =
        bed.refusal("{ impactReport(system: \"Pump\", id: \"none\") { reachCount } }", json!({})).await;
    assert_eq!(code, "API-0001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_the_same_client_id_is_one_change_and_an_old_version_is_told_everywhere() {
    let bed = pump().await;
    let head = async || {
        let found =
            bed.ask("{ system(name: \"Pump\") { version baselines { name } branches { name } } }", json!({}));
        found.await["system"].clone()
    };
    let mutations = [
        "createBaseline(input: {system: \"Pump\", name: \"PDR\", ifMatch: $v, clientMutationId: $id}) { version }",
        "createBranch(input: {system: \"Pump\", name: \"b\", ifMatch: $v, clientMutationId: $id}) { name }",
        "createComponent(input: {system: \"Pump\", id: \"seal\", name: \"seal\", ifMatch: $v, clientMutationId: $id}) { localId }",
        "link(input: {system: \"Pump\", kind: \"conflicts_with\", source: \"R-1\", target: \"R-2\", ifMatch: $v, clientMutationId: $id}) { localId }",
        "reviewLinks(input: {system: \"Pump\", links: [\"L-R-1-F\"], ifMatch: $v, clientMutationId: $id}) { number }",
        "importRequirements(input: {system: \"Pump\", fileName: \"a.csv\", content: \"id,text\\nR-3,It shall hum.\", ifMatch: $v, clientMutationId: $id}) { version }",
        "undoChange(input: {system: \"Pump\", number: $n, ifMatch: $v, clientMutationId: $id}) { number }",
    ];
    for (at, mutation) in mutations.into_iter().enumerate() {
        let query = format!(
            "mutation($v: Int, $id: String{}) {{ {mutation} }}",
            if mutation.contains("$n") { ", $n: Int!" } else { "" }
        );
        let seen = head().await["version"].clone();
        let with = |version: Value| json!({"v": version, "id": format!("client-{at}"), "n": seen});
        let (code, ..) = bed.refusal(&query, with(json!(0))).await;
        assert_eq!(code, "ONTO-0002", "{mutation}");
        let first = bed.ask(&query, with(seen.clone())).await;
        let after = head().await;
        let again = bed.ask(&query, with(seen.clone())).await;
        assert_eq!((again, head().await), (first, after), "{mutation}");
    }
    // Another mutation of the same name is another one.
    let (code, ..) = bed
        .refusal("mutation { createBranch(input: {system: \"Pump\", name: \"b\"}) { name } }", json!({}))
        .await;
    assert_eq!(code, "ONTO-0004");
    // A branch that went on since it was read is not merged.
    update(&bed, json!({"system": "Pump", "branch": "b", "id": "R-2", "text": "theirs"})).await;
    let merge = "mutation($v: Int) { mergeBranch(input: {system: \"Pump\", name: \"b\", ifMatch: $v, clientMutationId: \"m\"}) { number } }";
    assert_eq!(bed.refusal(merge, json!({"v": 1})).await.0, "ONTO-0002");
    let seen = bed.ask("{ system(name: \"Pump\", branch: \"b\") { version } }", json!({})).await["system"]["version"].clone();
    let merged = bed.ask(merge, json!({"v": seen})).await;
    assert_eq!(bed.ask(merge, json!({"v": seen})).await, merged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_a_system_is_bound_to_what_is_deployed() {
    let bed = pump().await;
    let create = "mutation { createProcess(input: {system: \"Pump\", id: \"Q\", name: \"approval\", processId: \"approval\",
        component: \"motor\"}) { processId component { localId } definition { key } version } }";
    let made = bed.ask(create, json!({})).await["createProcess"].clone();
    assert_eq!((&made["component"]["localId"], &made["definition"]), (&json!("motor"), &Value::Null));
    let key = bed.deploy(APPROVAL).await;
    let update = "mutation($v: Int) { updateProcess(input: {system: \"Pump\", id: \"Q\", component: null, ifMatch: $v}) {
        name component { localId } definition { key } } }";
    assert_eq!(bed.refusal(update, json!({"v": 1})).await.0, "ONTO-0007");
    let found = bed.ask(update, json!({"v": made["version"]})).await["updateProcess"].clone();
    assert_eq!(found, json!({"name": "approval", "component": null, "definition": {"key": key}}));
    let wrong = "mutation { createProcess(input: {system: \"Pump\", id: \"W\", name: \"x\", component: \"R-1\"}) { localId } }";
    assert_eq!(bed.refusal(wrong, json!({})).await.0, "ONTO-0004");
    let remove = "mutation { removeProcess(input: {system: \"Pump\", id: \"Q\"}) { number } }";
    bed.ask(remove, json!({})).await;
    assert_eq!(bed.refusal(remove, json!({})).await.0, "ONTO-0003");
    let left = bed.ask("{ processes(system: \"Pump\") { nodes { localId } } }", json!({})).await;
    assert_eq!(left["processes"]["nodes"], json!([{"localId": "P"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_interfaces_and_constraints_are_written_by_hand() {
    let bed = pump().await;
    let made = bed.ask(
        "mutation {
          f: createFunction(input: {system: \"Pump\", id: \"G\", name: \"cool\", component: \"motor\"}) { localId version }
          u: updateFunction(input: {system: \"Pump\", id: \"G\", name: \"cool itself\", process: \"P\"}) { name process { localId } version }
          i: createInterface(input: {system: \"Pump\", id: \"I\", name: \"shaft\", source: \"motor\", target: \"pump\", item: \"torque\", unit: \"N m\"}) { item unit }
          j: updateInterface(input: {system: \"Pump\", id: \"I\", direction: BOTH, unit: null}) { item direction unit }
          b: createConstraint(input: {system: \"Pump\", id: \"B\", name: \"motor mass\", subject: \"motor\", property: \"mass\", comparator: AT_MOST, siValue: 7, siUnit: \"kg\"}) { kind comparator standing { holds } }
        }",
        json!({}),
    );
    let made = made.await;
    assert_eq!((&made["u"]["name"], &made["u"]["process"]["localId"]), (&json!("cool itself"), &json!("P")));
    assert_eq!(made["i"], json!({"item": "torque", "unit": "N m"}));
    assert_eq!(made["j"], json!({"item": "torque", "direction": "both", "unit": null}));
    // The budget gives the motor 8 kg.
    assert_eq!(made["b"], json!({"kind": "bound", "comparator": "<=", "standing": {"holds": false}}));
    let stale = "mutation { updateFunction(input: {system: \"Pump\", id: \"G\", name: \"late\", ifMatch: 2}) { name } }";
    assert_eq!(bed.refusal(stale, json!({})).await.0, "ONTO-0007");
    for (refused, code) in [
        (
            "createFunction(input: {system: \"Pump\", id: \"H\", name: \"x\", component: \"R-1\"}) { localId }",
            "ONTO-0004",
        ),
        (
            "createInterface(input: {system: \"Pump\", id: \"J\", name: \"x\", source: \"motor\", target: \"nowhere\", item: \"y\"}) { localId }",
            "ONTO-0004",
        ),
        (
            "createConstraint(input: {system: \"Pump\", id: \"K\", name: \"x\", subject: \"motor\", property: \"mass\", comparator: EQUAL, siValue: 1, siUnit: \"kg\"}) { localId }",
            "API-0005",
        ),
        ("removeInterface(input: {system: \"Pump\", id: \"G\"}) { number }", "ONTO-0003"),
    ] {
        assert_eq!(bed.refusal(&format!("mutation {{ {refused} }}"), json!({})).await.0, code, "{refused}");
    }
    bed.ask("mutation { a: removeInterface(input: {system: \"Pump\", id: \"I\"}) { number } b: removeConstraint(input: {system: \"Pump\", id: \"B\"}) { number } c: removeFunction(input: {system: \"Pump\", id: \"G\"}) { number } }", json!({})).await;
    let left = bed.ask("{ functions(system: \"Pump\") { totalCount } interfaces(system: \"Pump\") { totalCount } constraints(system: \"Pump\") { totalCount } }", json!({})).await;
    assert_eq!(
        left,
        json!({"functions": {"totalCount": 1}, "interfaces": {"totalCount": 0}, "constraints": {"totalCount": 1}})
    );
}
