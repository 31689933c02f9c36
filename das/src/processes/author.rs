//! Writes the BPMN files of the starting set and of the examples; the files are committed, and a test compares.

mod directories;
mod disk;
mod examples;
mod files;
mod memory;
mod network;
mod processes;

use bpmn::program::{ExecutedBy, OutcomeSpec, TaskSpec};

use crate::tree::{Activity, Branch, Event, EventKind, Node, Tree, compile};

/// A file by its path from the repository's root, with its content.
pub(super) fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = starting()
        .into_iter()
        .map(|(file, id, name, tree)| (format!("das/processes/{file}.bpmn"), text(&tree, id, name)))
        .collect();
    files.extend(
        examples::examples()
            .into_iter()
            .map(|(file, id, name, tree)| (format!("examples/{file}.bpmn"), text(&tree, id, name))),
    );
    files
}

type Authored = (&'static str, &'static str, &'static str, Tree);

fn text(tree: &Tree, id: &str, name: &str) -> String {
    bpmn::xml::write(&compile(tree, id, name).unwrap())
}

fn feel(computes: &[(&str, &str)], outcomes: &[(&str, Option<&str>, bool)]) -> TaskSpec {
    TaskSpec {
        by: ExecutedBy::Feel,
        computes: computes.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        outcomes: outcomes
            .iter()
            .map(|(label, when, success)| OutcomeSpec {
                label: (*label).to_owned(),
                success: *success,
                when: when.map(str::to_owned),
            })
            .collect(),
        ..TaskSpec::default()
    }
}

fn end(label: &str) -> Node {
    Event::new(label, EventKind::End).into()
}

/// `reference` on `path`; each output is (process variable, result of the operation).
fn operation(id: &str, label: &str, reference: &str, path: &str, outputs: &[(&str, &str)]) -> Activity {
    let spec = TaskSpec {
        by: ExecutedBy::File,
        reference: Some(reference.to_owned()),
        class: Some("idempotent".to_owned()),
        ..TaskSpec::default()
    };
    let mut activity = Activity::new(label).id(id).spec(spec).input("path", path);
    for (target, source) in outputs {
        activity = activity.output(*target, *source);
    }
    activity
}

/// An operation of the kernel: the inputs are process variables of the same names; each output is (process variable,
/// result of the operation).
fn kernel(id: &str, label: &str, reference: &str, inputs: &[&str], outputs: &[(&str, &str)]) -> Node {
    let spec = TaskSpec {
        by: ExecutedBy::Tool,
        reference: Some(reference.to_owned()),
        class: Some("idempotent".to_owned()),
        ..TaskSpec::default()
    };
    let mut activity = Activity::new(label).id(id).spec(spec);
    for input in inputs {
        activity = activity.input(*input, *input);
    }
    for (target, source) in outputs {
        activity = activity.output(*target, *source);
    }
    activity.into()
}

/// Checks the inputs by a rule before anything is done; `wanted` says in words what they must be.
fn validated(inputs: &[&str], rule: &str, wanted: &str, then: Vec<Node>) -> Vec<Node> {
    let mut check = Activity::new("Validate input")
        .id("validate_input")
        .spec(feel(&[("valid", rule)], &[("valid", Some("valid = true"), true), ("refused", None, false)]))
        .output("valid", "if valid = true then true else false")
        .documentation(wanted);
    for input in inputs {
        check = check.input(*input, *input);
    }
    let gate = stop_unless("Is the input valid?", "valid = false", "Input refused");
    [vec![check.into(), gate], then].concat()
}

/// Checks that a path is one of the workspace; the operation itself refuses what leaves it once more.
fn validate(paths: &[&str]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for path in paths {
        let variable = format!("{path}Valid");
        let rule = format!(
            "{path} != null and string length({path}) > 0 and not(starts with({path}, \"/\")) \
             and not(contains({path}, \"..\"))"
        );
        nodes.push(
            Activity::new(format!("Validate {path}"))
                .id(format!("validate_{path}"))
                .spec(feel(
                    &[(&variable, &rule)],
                    &[("valid", Some(&format!("{variable} = true")), true), ("refused", None, false)],
                ))
                .input(*path, *path)
                .output(&variable, &variable)
                .documentation("The path must be relative and stay inside the workspace.")
                .into(),
        );
        nodes.push(Node::choice(
            format!("Is {path} valid?"),
            vec![
                Branch::when("no", format!("{variable} = false"), end("Path refused")),
                Branch::otherwise("yes", Node::empty()),
            ],
        ));
    }
    nodes
}

fn stop_unless(label: &str, condition: &str, ending: &str) -> Node {
    Node::choice(
        label,
        vec![Branch::when("no", condition, end(ending)), Branch::otherwise("yes", Node::empty())],
    )
}

/// Looks at the result: `rule` over `variable` decides whether the process did what it should.
fn confirm(variable: &str, rule: &str) -> Node {
    Activity::new("Confirm result")
        .id("confirm_result")
        .spec(feel(
            &[("confirmed", rule)],
            &[("confirmed", Some("confirmed = true"), true), ("not confirmed", None, false)],
        ))
        .input(variable, variable)
        .output("confirmed", "confirmed")
        .into()
}

/// Confirms that what was read back is what was to be written.
fn confirm_written(wanted: &str) -> Node {
    Activity::new("Confirm result")
        .id("confirm_result")
        .spec(feel(
            &[("confirmed", "written = wanted")],
            &[("confirmed", Some("confirmed = true"), true), ("not confirmed", None, false)],
        ))
        .input("written", "written")
        .input("wanted", wanted)
        .output("confirmed", "confirmed")
        .into()
}

fn tree(nodes: Vec<Node>, start: &str, done: &str, documentation: &str) -> Tree {
    let mut tree = Tree::new(Node::sequence(nodes)).documentation(documentation);
    tree.normalise();
    tree.start_label = Some(start.to_owned());
    tree.end_label = Some(done.to_owned());
    tree
}

fn look(id: &str, label: &str, path: &str, target: &str) -> Node {
    operation(id, label, "file.stat", path, &[(target, "exists")]).into()
}

fn starting() -> Vec<Authored> {
    let groups = [
        files::files(),
        directories::directories(),
        memory::memory(),
        disk::disk(),
        network::network(),
        processes::processes(),
        processes::system(),
    ];
    groups.concat()
}

/// Ends unless the path is there.
fn found(label: &str, ending: &str) -> Vec<Node> {
    vec![look("look_up", label, "path", "found"), stop_unless("Is it there?", "found = false", ending)]
}
