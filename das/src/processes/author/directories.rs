//! The directory group of the starting set.

use super::{Authored, confirm, found, look, operation, tree, validate};
use crate::tree::Node;

pub(super) fn directories() -> Vec<Authored> {
    vec![create(), list(), delete()]
}

fn there() -> Vec<Node> {
    found("Look up directory", "Directory not found")
}

fn create() -> Authored {
    let act = vec![
        operation("make_directory", "Create directory", "directory.create", "path", &[])
            .output("created", "exists")
            .into(),
        look("check_directory", "Look up directory", "path", "exists"),
        confirm("exists", "exists = true"),
    ];
    let text = "Creates a directory in the workspace. Input: path.";
    let nodes = [validate(&["path"]), act].concat();
    let tree = tree(nodes, "Directory wanted", "Directory created", text);
    ("directory-create", "directory_create", "Create directory", tree)
}

fn list() -> Authored {
    let act = vec![
        operation("list_entries", "List directory", "directory.list", "path", &[("entries", "entries")])
            .into(),
        confirm("entries", "entries != null"),
    ];
    let text = "Lists a directory. Input: path; output: entries.";
    let nodes = [validate(&["path"]), there(), act].concat();
    let tree = tree(nodes, "Listing wanted", "Entries listed", text);
    ("directory-list", "directory_list", "List directory", tree)
}

fn delete() -> Authored {
    let act = vec![
        operation("remove_directory", "Delete directory", "directory.delete", "path", &[])
            .output("deleted", "exists = false")
            .into(),
        look("check_directory", "Look up directory again", "path", "exists"),
        confirm("exists", "exists = false"),
    ];
    let text = "Deletes an empty directory. Input: path.";
    let nodes = [validate(&["path"]), there(), act].concat();
    let tree = tree(nodes, "Directory unwanted", "Directory deleted", text);
    ("directory-delete", "directory_delete", "Delete directory", tree)
}
