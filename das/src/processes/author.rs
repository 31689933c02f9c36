//! Writes the BPMN files of the starting set and of the examples; the files are committed, and a test compares.

mod examples;

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
                .spec(feel(&[(&variable, &rule)], &[("valid", Some(&format!("{variable} = true")), true), ("refused", None, false)]))
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
        .spec(feel(&[("confirmed", rule)], &[("confirmed", Some("confirmed = true"), true), ("not confirmed", None, false)]))
        .input(variable, variable)
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
    let mut all = files_group();
    all.extend(directories_group());
    all
}

fn files_group() -> Vec<Authored> {
    let found = || {
        vec![
            look("look_up_file", "Look up file", "path", "found"),
            stop_unless("Is it there?", "found = false", "File not found"),
        ]
    };
    let create = [
        validate(&["path"]),
        vec![
            look("look_up_file", "Look up file", "path", "taken"),
            Node::choice(
                "Is the path free?",
                vec![
                    Branch::when("no", "taken = true", end("File exists already")),
                    Branch::otherwise("yes", Node::empty()),
                ],
            ),
            operation("create_file", "Create file", "file.create", "path", &[("size", "size")])
                .input("content", "if content = null then \"\" else content")
                .into(),
            look("check_file", "Look up file again", "path", "exists"),
            confirm("exists", "exists = true"),
        ],
    ]
    .concat();
    let read = [
        validate(&["path"]),
        found(),
        vec![
            operation("read_file", "Read file", "file.read", "path", &[("content", "content"), ("size", "size")]).into(),
            confirm("content", "content != null"),
        ],
    ]
    .concat();
    let update = [
        validate(&["path"]),
        found(),
        vec![
            operation("update_file", "Update file", "file.update", "path", &[("size", "size")])
                .input("content", "if content = null then \"\" else content")
                .into(),
            operation("read_back", "Read back", "file.read", "path", &[("written", "content")]).into(),
            Activity::new("Confirm result")
                .id("confirm_result")
                .spec(feel(
                    &[("confirmed", "written = (if content = null then \"\" else content)")],
                    &[("confirmed", Some("confirmed = true"), true), ("not confirmed", None, false)],
                ))
                .input("written", "written")
                .input("content", "content")
                .output("confirmed", "confirmed")
                .into(),
        ],
    ]
    .concat();
    let delete = [
        validate(&["path"]),
        found(),
        vec![
            operation("delete_file", "Delete file", "file.delete", "path", &[]).output("deleted", "exists = false").into(),
            look("check_file", "Look up file again", "path", "exists"),
            confirm("exists", "exists = false"),
        ],
    ]
    .concat();
    let to = |id: &str, label: &str, reference: &str| -> Node {
        operation(id, label, reference, "path", &[("exists", "exists")]).input("to", "to").into()
    };
    let move_copy = [
        validate(&["path", "to"]),
        found(),
        vec![
            Node::choice(
                "Copy or move?",
                vec![
                    Branch::when("copy", "copy = true", to("copy_file", "Copy file", "file.copy")),
                    Branch::otherwise("move", to("move_file", "Move file", "file.move")),
                ],
            ),
            look("check_target", "Look up target", "to", "exists"),
            confirm("exists", "exists = true"),
        ],
    ]
    .concat();
    let exists = [
        validate(&["path"]),
        vec![
            operation("look_up_file", "Look up file", "file.stat", "path", &[("exists", "exists"), ("size", "size")])
                .into(),
            confirm("exists", "exists != null"),
        ],
    ]
    .concat();
    vec![
        ("file-create", "file_create", "Create file",
         tree(create, "File wanted", "File created", "Creates a file in the workspace. Inputs: path, content.")),
        ("file-read", "file_read", "Read file",
         tree(read, "Content wanted", "Content read", "Reads a text file of the workspace. Input: path; output: content.")),
        ("file-update", "file_update", "Update file",
         tree(update, "Change wanted", "File updated", "Replaces the content of a file. Inputs: path, content.")),
        ("file-delete", "file_delete", "Delete file",
         tree(delete, "File unwanted", "File deleted", "Deletes a file of the workspace. Input: path.")),
        ("file-move-copy", "file_move_copy", "Move or copy file",
         tree(move_copy, "Move wanted", "File in place", "Moves a file, or copies it. Inputs: path, to, copy (true to copy).")),
        ("file-exists", "file_exists", "Look up file",
         tree(exists, "Question asked", "Question answered", "Says whether a path exists. Input: path; outputs: exists, size.")),
    ]
}

fn directories_group() -> Vec<Authored> {
    let create = [
        validate(&["path"]),
        vec![
            operation("create_directory", "Create directory", "directory.create", "path", &[]).output("created", "exists").into(),
            look("check_directory", "Look up directory", "path", "exists"),
            confirm("exists", "exists = true"),
        ],
    ]
    .concat();
    let there = || {
        vec![
            look("look_up_directory", "Look up directory", "path", "found"),
            stop_unless("Is it there?", "found = false", "Directory not found"),
        ]
    };
    let list = [
        validate(&["path"]),
        there(),
        vec![
            operation("list_directory", "List directory", "directory.list", "path", &[("entries", "entries")]).into(),
            confirm("entries", "entries != null"),
        ],
    ]
    .concat();
    let delete = [
        validate(&["path"]),
        there(),
        vec![
            operation("delete_directory", "Delete directory", "directory.delete", "path", &[])
                .output("deleted", "exists = false")
                .into(),
            look("check_directory", "Look up directory again", "path", "exists"),
            confirm("exists", "exists = false"),
        ],
    ]
    .concat();
    vec![
        ("directory-create", "directory_create", "Create directory",
         tree(create, "Directory wanted", "Directory created", "Creates a directory in the workspace. Input: path.")),
        ("directory-list", "directory_list", "List directory",
         tree(list, "Listing wanted", "Entries listed", "Lists a directory. Input: path; output: entries.")),
        ("directory-delete", "directory_delete", "Delete directory",
         tree(delete, "Directory unwanted", "Directory deleted", "Deletes an empty directory. Input: path.")),
    ]
}
