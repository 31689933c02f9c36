//! The file group of the starting set.

use super::{Authored, confirm, end, feel, found, look, operation, tree, validate};
use crate::tree::{Activity, Branch, Node};

pub(super) fn files() -> Vec<Authored> {
    vec![create(), read(), update(), delete(), move_or_copy(), exists()]
}

const CONTENT: &str = "if content = null then \"\" else content";

fn there() -> Vec<Node> {
    found("Look up file", "File not found")
}

fn create() -> Authored {
    let taken = vec![
        Branch::when("no", "taken = true", end("File exists already")),
        Branch::otherwise("yes", Node::empty()),
    ];
    let act = vec![
        look("look_up", "Look up file", "path", "taken"),
        Node::choice("Is the path free?", taken),
        operation("create_file", "Create file", "file.create", "path", &[("size", "size")])
            .input("content", CONTENT)
            .into(),
        look("check_file", "Look up file again", "path", "exists"),
        confirm("exists", "exists = true"),
    ];
    let text = "Creates a file in the workspace. Inputs: path, content.";
    let nodes = [validate(&["path"]), act].concat();
    ("file-create", "file_create", "Create file", tree(nodes, "File wanted", "File created", text))
}

fn read() -> Authored {
    let outputs = [("content", "content"), ("size", "size")];
    let act = vec![
        operation("read_file", "Read file", "file.read", "path", &outputs).into(),
        confirm("content", "content != null"),
    ];
    let text = "Reads a text file of the workspace. Input: path; output: content.";
    let nodes = [validate(&["path"]), there(), act].concat();
    ("file-read", "file_read", "Read file content", tree(nodes, "Content wanted", "Content read", text))
}

fn update() -> Authored {
    let rule = format!("written = ({CONTENT})");
    let outcomes = [("confirmed", Some("confirmed = true"), true), ("not confirmed", None, false)];
    let act = vec![
        operation("update_file", "Update file", "file.update", "path", &[("size", "size")])
            .input("content", CONTENT)
            .into(),
        operation("read_back", "Read back", "file.read", "path", &[("written", "content")]).into(),
        Activity::new("Confirm result")
            .id("confirm_result")
            .spec(feel(&[("confirmed", &rule)], &outcomes))
            .input("written", "written")
            .input("content", "content")
            .output("confirmed", "confirmed")
            .into(),
    ];
    let text = "Replaces the content of a file. Inputs: path, content.";
    let nodes = [validate(&["path"]), there(), act].concat();
    ("file-update", "file_update", "Update file content", tree(nodes, "Change wanted", "File updated", text))
}

fn delete() -> Authored {
    let act = vec![
        operation("delete_file", "Delete file", "file.delete", "path", &[])
            .output("deleted", "exists = false")
            .into(),
        look("check_file", "Look up file again", "path", "exists"),
        confirm("exists", "exists = false"),
    ];
    let text = "Deletes a file of the workspace. Input: path.";
    let nodes = [validate(&["path"]), there(), act].concat();
    ("file-delete", "file_delete", "Delete file", tree(nodes, "File unwanted", "File deleted", text))
}

fn move_or_copy() -> Authored {
    let to = |id: &str, label: &str, reference: &str| -> Node {
        operation(id, label, reference, "path", &[("exists", "exists")]).input("to", "to").into()
    };
    let ways = vec![
        Branch::when("copy", "copy = true", to("copy_file", "Copy file", "file.copy")),
        Branch::otherwise("move", to("move_file", "Move file", "file.move")),
    ];
    let act = vec![
        Node::choice("Copy or move?", ways),
        look("check_target", "Look up target", "to", "exists"),
        confirm("exists", "exists = true"),
    ];
    let text = "Moves a file, or copies it. Inputs: path, to, copy (true to copy).";
    let nodes = [validate(&["path", "to"]), there(), act].concat();
    (
        "file-move-copy",
        "file_move_copy",
        "Move or copy file",
        tree(nodes, "Move wanted", "File in place", text),
    )
}

fn exists() -> Authored {
    let outputs = [("exists", "exists"), ("size", "size")];
    let act = vec![
        operation("look_up", "Look up file", "file.stat", "path", &outputs).into(),
        confirm("exists", "exists != null"),
    ];
    let text = "Says whether a path exists. Input: path; outputs: exists, size.";
    let nodes = [validate(&["path"]), act].concat();
    ("file-exists", "file_exists", "Look up file", tree(nodes, "Question asked", "Question answered", text))
}
