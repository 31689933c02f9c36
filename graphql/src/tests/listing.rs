//! Lists with filters and orders, search, and how often the parts behind an answer are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ontology::model::{ChangeSet, Component, Constraint, Function, Node, Process, Requirement, TraceLink};
use ontology::{ChangeSets, Ontology, VolatileChangeSets};
use serde_json::{Value, json};

use super::bed::Bed;
use crate::{State, schema};

/// Change sets that count how often they are read.
#[derive(Default)]
struct Counting {
    kept: VolatileChangeSets,
    reads: AtomicUsize,
}

#[async_trait]
impl ChangeSets for Counting {
    async fn append(
        &self,
        change: ChangeSet,
        expected: i64,
        event: trail::NewEvent,
    ) -> Result<i64, ontology::Error> {
        self.kept.append(change, expected, event).await
    }

    async fn read(&self, after: i64, limit: usize) -> Result<Vec<ChangeSet>, ontology::Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.kept.read(after, limit).await
    }

    async fn of_system(
        &self,
        system: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, ontology::Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.kept.of_system(system, after, limit).await
    }
}

fn link(kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("{kind}:{source}:{target}"),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        ..TraceLink::default()
    })
}

/// Sixty requirements on six components, each with functions that processes realise.
fn plant() -> ChangeSet {
    let mut put =
        vec![Node::Component(Component { id: "plant".into(), name: "plant".into(), ..Component::default() })];
    for number in 0..6 {
        let component = format!("C-{number}");
        put.push(Node::Component(Component {
            id: component.clone(),
            name: format!("Pump {}", 6 - number),
            parent: Some("plant".into()),
            ..Component::default()
        }));
        put.push(Node::Process(Process {
            id: format!("P-{number}"),
            name: format!("pumping {number}"),
            component: Some(component.clone()),
            process_id: format!("pumping-{number}"),
            ..Process::default()
        }));
        put.push(Node::Function(Function {
            id: format!("F-{number}"),
            name: format!("move water {number}"),
            component: component.clone(),
            process: Some(format!("P-{number}")),
            ..Function::default()
        }));
        put.push(Node::Constraint(Constraint {
            id: format!("K-{number}"),
            name: "mass".into(),
            kind: "bound".into(),
            subject: component,
            property: "mass".into(),
            comparator: "<=".into(),
            si_value: f64::from(number) - 2.5,
            si_unit: "kg".into(),
            ..Constraint::default()
        }));
    }
    for number in 0..60 {
        let id = format!("R-{number}");
        put.push(Node::Requirement(Requirement {
            id: id.clone(),
            text: format!("The pump shall deliver {} l/min at {} bar.", 100 - number, number % 5),
            group: (number % 3 > 0).then(|| format!("Group {}", number % 3)),
            verification: (number % 2 == 0).then(|| "test".to_owned()),
            ..Requirement::default()
        }));
        if number < 54 {
            put.push(link("allocated_to", &id, &format!("C-{}", number % 6)));
            put.push(link("satisfied_by", &id, &format!("F-{}", number % 6)));
        }
    }
    ChangeSet { system: "Plant".into(), author: "ann".into(), put, ..ChangeSet::default() }
}

async fn bed() -> (Bed, Arc<Counting>) {
    let mut bed = Bed::new().await;
    let port = Arc::new(Counting::default());
    let ontology = Arc::new(Ontology::open(port.clone()).await.unwrap());
    ontology.commit(plant(), 0).await.unwrap();
    bed.state = State { ontology, ..bed.state.clone() };
    bed.schema = schema(bed.state.clone());
    (bed, port)
}

fn ids(connection: &Value) -> Vec<String> {
    let nodes = connection["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["localId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_ordered_and_paged() {
    let (bed, _) = bed().await;
    let query = "query($filter: RequirementFilter, $order: RequirementOrder, $first: Int, $after: String) {
        requirements(system: \"Plant\", filter: $filter, orderBy: $order, first: $first, after: $after) {
          totalCount nodes { localId } pageInfo { hasNextPage endCursor } } }";
    let ask = async |variables: Value| bed.ask(query, variables).await["requirements"].clone();
    let found =
        ask(json!({"filter": {"group": {"equals": "Group 1"}, "verification": {"missing": true}}})).await;
    assert_eq!(found["totalCount"], 10);
    assert_eq!(ids(&found)[..3], ["R-1", "R-7", "R-13"]);
    let either = json!({"filter": {"any": [{"localId": {"in": ["R-3", "R-4"]}}, {"search": "41"}],
        "not": {"text": {"contains": "AT 3 BAR"}}}});
    assert_eq!(ids(&ask(either).await), ["R-4", "R-41", "R-59"]);
    assert_eq!(ask(json!({"filter": {"allocated": false}})).await["totalCount"], 6);
    assert_eq!(ask(json!({"filter": {"component": {"equals": "C-2"}}})).await["totalCount"], 9);
    // By text, backwards, page after page: all of them, each once.
    let mut seen: Vec<String> = Vec::new();
    let mut after = Value::Null;
    loop {
        let order = json!({"by": "TEXT", "descending": true});
        let page = ask(json!({"order": order, "first": 7, "after": after})).await;
        seen.extend(ids(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!((seen.len(), seen[0].as_str(), seen[59].as_str()), (60, "R-1", "R-0"), "{seen:?}");
    let (code, ..) = bed.refusal(query, json!({"order": {"by": "TEXT"}, "after": "R-1"})).await;
    assert_eq!(code, "API-0002");
    let others = "{ components(system: \"Plant\", orderBy: {by: NAME}, filter: {parent: {equals: \"plant\"}}, first: 2) { nodes { localId } }
        constraints(system: \"Plant\", orderBy: {by: SI_VALUE, descending: true}, filter: {siValue: {lessThan: 0}}) { totalCount nodes { localId } }
        interfaces(system: \"Plant\") { totalCount }
        functions(system: \"Plant\", filter: {realised: true, component: {in: [\"C-1\", \"C-3\"]}}) { nodes { localId } }
        processes(system: \"Plant\", filter: {realises: false}) { totalCount }
        system(name: \"Plant\") { traceLinks(filter: {kind: {equals: \"satisfied_by\"}, target: {equals: \"F-0\"}}) { totalCount }
          requirements(filter: {satisfied: false}) { totalCount } } }";
    let found = bed.ask(others, json!({})).await;
    assert_eq!(ids(&found["components"]), ["C-5", "C-4"]);
    assert_eq!(ids(&found["constraints"]), ["K-2", "K-1", "K-0"]);
    assert_eq!(ids(&found["functions"]), ["F-1", "F-3"]);
    let counts = ["interfaces", "processes"].map(|list| found[list]["totalCount"].clone());
    assert_eq!(counts, [json!(0), json!(0)]);
    assert_eq!(found["system"]["traceLinks"]["totalCount"], 9);
    assert_eq!(found["system"]["requirements"]["totalCount"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_words_and_shows_where_they_stand() {
    let (bed, _) = bed().await;
    let query = "query($words: String!, $kinds: [NodeKind!], $first: Int, $after: String) {
        search(query: $words, kinds: $kinds, first: $first, after: $after) { totalCount pageInfo { endCursor }
          nodes { system kind score node { localId } highlights { field parts { text isMatch } } } } }";
    let ask = async |variables: Value| bed.ask(query, variables).await["search"].clone();
    let found = ask(json!({"words": "deliv 73"})).await;
    assert_eq!((&found["totalCount"], &found["nodes"][0]["node"]["localId"]), (&json!(1), &json!("R-27")));
    let parts = found["nodes"][0]["highlights"][0]["parts"].as_array().unwrap();
    let marked: Vec<&str> = parts
        .iter()
        .filter(|part| part["isMatch"] == true)
        .filter_map(|part| part["text"].as_str())
        .collect();
    assert_eq!(marked, ["deliver", "73"]);
    let found = ask(json!({"words": "pump", "kinds": ["COMPONENT", "PROCESS"], "first": 7})).await;
    assert_eq!((&found["totalCount"], found["nodes"].as_array().unwrap().len()), (&json!(12), 7));
    let after = &found["pageInfo"]["endCursor"];
    let rest =
        ask(json!({"words": "pump", "kinds": ["COMPONENT", "PROCESS"], "first": 7, "after": after})).await;
    assert_eq!(rest["nodes"].as_array().unwrap().len(), 5);
    assert_eq!(ask(json!({"words": "R-5"})).await["nodes"][0]["node"]["localId"], "R-5");
    assert_eq!(ask(json!({"words": "≤"})).await["totalCount"], 0);
    let (code, ..) = bed.refusal(query, json!({"words": "x".repeat(2_000)})).await;
    assert_eq!(code, "API-0002");
}

const FOUR_HOPS: &str =
    "query($first: Int) { requirements(system: \"Plant\", first: $first) { nodes { localId
    components { localId functions { localId process { localId
      requirements { localId } } } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_roots_and_four_hops_ask_no_part_more_often_than_one_root_does() {
    let (bed, port) = bed().await;
    for first in [1, 50] {
        port.reads.store(0, Ordering::SeqCst);
        let found = bed.ask(FOUR_HOPS, json!({"first": first})).await;
        let roots = found["requirements"]["nodes"].as_array().unwrap();
        assert_eq!(roots.len(), first);
        let process = &roots[0]["components"][0]["functions"][0]["process"];
        assert_eq!(process["requirements"].as_array().unwrap().len(), 9);
        // All hops are answered from one snapshot in memory.
        assert_eq!(port.reads.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_what_is_no_node_are_filtered_and_ordered_too() {
    let (bed, port) = bed().await;
    let ontology = &bed.state.ontology;
    for (number, author) in ["ann", "bea", "bea", "ann", "bea"].into_iter().enumerate() {
        let change = ChangeSet {
            system: "Plant".into(),
            author: author.into(),
            at_ms: 1_000 * (i64::try_from(number).unwrap() + 1),
            put: vec![Node::Requirement(Requirement {
                id: format!("R-{number}"),
                text: "anew".into(),
                ..Requirement::default()
            })],
            ..ChangeSet::default()
        };
        ontology.commit(change, i64::try_from(number).unwrap() + 1).await.unwrap();
    }
    let other = ChangeSet { system: "Another".into(), at_ms: 9, put: plant().put, ..ChangeSet::default() };
    ontology.commit(other, 0).await.unwrap();
    let numbers = |found: &Value| -> Vec<i64> {
        let nodes = found["history"]["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["number"].as_i64().unwrap()).collect()
    };
    let query = "query($f: HistoryFilter, $o: TimeOrder, $first: Int, $after: String) {
        history(system: \"Plant\", filter: $f, orderBy: $o, first: $first, after: $after) {
          totalCount nodes { number author } pageInfo { endCursor hasNextPage } } }";
    let bea = json!({"author": {"equals": "bea"}});
    let found = bed.ask(query, json!({"f": bea, "first": 2})).await;
    assert_eq!((numbers(&found), &found["history"]["totalCount"]), (vec![6, 4], &json!(3)));
    let rest = json!({"f": bea, "first": 2, "after": found["history"]["pageInfo"]["endCursor"]});
    assert_eq!(numbers(&bed.ask(query, rest).await), [3]);
    port.reads.store(0, Ordering::SeqCst);
    assert_eq!(numbers(&bed.ask(query, json!({"f": bea, "o": "OLDEST_FIRST"})).await), [3, 4, 6]);
    assert_eq!(port.reads.load(Ordering::SeqCst), 2, "change sets that follow one another are read at once");
    let late = json!({"f": {"at": {"since": 2_000, "before": 4_000}}});
    assert_eq!(numbers(&bed.ask(query, late).await), [4, 3]);
    let found = bed.ask(
        "{ systems(orderBy: {by: CHANGED_AT}) { nodes { name } } few: systems(filter: {name: {startsWith: \"pl\"}}) { totalCount nodes { name } }
           suspectLinks(system: \"Plant\", filter: {kind: {equals: \"allocated_to\"}, since: {atLeast: 4}}, orderBy: {by: SINCE, descending: true}, first: 2) {
             totalCount nodes { suspicion { since cause } } pageInfo { endCursor } }
           system(name: \"Plant\") { suspectCount traceLinks(orderBy: {by: LOCAL_ID, descending: true}, first: 1) { nodes { localId } } }
           traceMatrix(system: \"Plant\", filter: {allocated: false}, orderBy: {by: LOCAL_ID, descending: true}, first: 2) {
             totalCount nodes { requirement answers } } }",
        json!({}),
    );
    let found = found.await;
    let names = |list: &Value| {
        list["nodes"].as_array().unwrap().iter().map(|node| node["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&found["systems"]), ["Another", "Plant"]);
    assert_eq!((names(&found["few"]), &found["few"]["totalCount"]), (vec![json!("Plant")], &json!(1)));
    assert_eq!(found["suspectLinks"]["totalCount"], 3);
    assert_eq!(found["suspectLinks"]["nodes"][0]["suspicion"], json!({"since": 6, "cause": "R-4"}));
    assert_eq!(found["suspectLinks"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(found["system"]["suspectCount"], 10, "two links at each of five requirements");
    assert_eq!(found["system"]["traceLinks"]["nodes"][0]["localId"], "satisfied_by:R-53:F-5");
    assert_eq!(
        found["traceMatrix"],
        json!({"totalCount": 6, "nodes": [
        {"requirement": "R-59", "answers": []}, {"requirement": "R-58", "answers": []}]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_from_either_end() {
    let bed = Bed::new().await;
    let event = |kind: &str, at_ms: i64| trail::NewEvent::new(kind, at_ms);
    bed.state
        .trail
        .append(vec![event("a.one", 1), event("b.two", 2), event("a.three", 3), event("a.four", 4)])
        .await
        .unwrap();
    let query = "query($o: TimeOrder, $k: String, $after: String) { trail(kindPrefix: $k, orderBy: $o, first: 2, after: $after) {
        totalCount nodes { kind } pageInfo { endCursor hasNextPage } } }";
    let newest = bed.ask(query, json!({"o": "NEWEST_FIRST", "k": "a."})).await["trail"].clone();
    assert_eq!(newest["nodes"], json!([{"kind": "a.four"}, {"kind": "a.three"}]));
    assert_eq!((&newest["totalCount"], &newest["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    let rest = bed
        .ask(query, json!({"o": "NEWEST_FIRST", "k": "a.", "after": newest["pageInfo"]["endCursor"]}))
        .await;
    assert_eq!(rest["trail"]["nodes"], json!([{"kind": "a.one"}]));
    let oldest = bed.ask(query, json!({"k": "a."})).await;
    assert_eq!(oldest["trail"]["nodes"], json!([{"kind": "a.one"}, {"kind": "a.three"}]));
}
