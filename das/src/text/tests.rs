//! The reader on texts written for this project.

use super::*;

fn labels(text: &str) -> Vec<String> {
    leaf_labels(&read(text).unwrap().tree)
}

#[test]
fn a_prompt_about_training_names_what_was_said_and_marks_what_was_not() {
    let reading = read("Build a process to ingest data and train a model").unwrap();
    println!("{:#?}", leaf_labels(&reading.tree));
    let said: Vec<&str> =
        reading.tree.activities().iter().filter(|a| !a.assumed).map(|a| a.label.as_str()).collect();
    assert_eq!(said, ["Ingest data", "Train model"]);
    assert!(reading.tree.activities().iter().any(|a| a.assumed && a.label == "Evaluate model"));
    reading.tree.type_check().unwrap();
}

#[test]
fn show() {
    for text in [
        "A clerk receives a claim and registers it. Then the claim is checked by an expert. If the claim is valid, the clerk pays the customer. Otherwise, the claim is rejected and the customer is informed. Finally, the clerk archives the file.",
        "When a customer submits an order, the sales department checks the order. If the order is rejected, the process ends. If the order is accepted, the warehouse ships the goods. Meanwhile, the accounting department sends an invoice.",
        "1. Preheat the oven\n2. Mix flour, eggs and sugar\n3. Bake the cake for 30 minutes\n4. Credit check",
        "The engineer writes the code and tests it. If the tests fail, the engineer fixes the code and the tests are repeated. The manager approves the release, who informs the customers.",
        "Ingest, clean and validate the data, then train a model and deploy it.",
        "After the amount has been checked, the manager must decide whether to approve the request. If the amount exceeds 1,000 USD, a second approval is needed by the director. Unless the request is urgent, the team waits 2 days.",
        "The machine mills the part until the surface is smooth. While the part cools down, the operator prepares the next job.",
        "Build a hiring workflow",
        "Create a pipeline that extracts records from a database, transforms them and loads them into a warehouse",
    ] {
        let reading = read(text).unwrap();
        println!("{text}\n  title: {}", reading.title);
        show_node(&reading.tree.root, 2);
        reading.tree.type_check().unwrap();
    }
}

fn show_node(node: &Node, depth: usize) {
    let pad = "  ".repeat(depth);
    match node {
        Node::Activity(a) => println!("{pad}{} [{:?} {:?}{}]", a.label, a.actor.as_deref().unwrap_or("-"), a.kind, if a.assumed {" assumed"} else {""}),
        Node::Event(e) => println!("{pad}({} {:?})", e.label, e.kind),
        Node::Sequence(s) => { println!("{pad}seq"); for c in &s.children { show_node(c, depth + 1); } }
        Node::Choice(c) => { println!("{pad}xor {:?}", c.label); for b in &c.branches { println!("{pad} - {:?} {:?}", b.label, b.condition); show_node(&b.body, depth + 2); } }
        Node::Loop(l) => { println!("{pad}loop {:?} while {}", l.label, l.condition); show_node(&l.body, depth + 1); println!("{pad} redo"); show_node(&l.redo, depth + 1); }
        Node::Partial(p) => { println!("{pad}and {:?}", p.order); for c in &p.children { show_node(c, depth + 1); } }
    }
}
