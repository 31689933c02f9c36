//! The disk group of the starting set: the workspace as a disk with so much room.

use super::{Authored, confirm, confirm_written, kernel, operation, stop_unless, tree, validate};

pub(super) fn disk() -> Vec<Authored> {
    vec![write(), read(), space()]
}

const CONTENT: &str = "if content = null then \"\" else content";

fn write() -> Authored {
    let nodes = vec![
        kernel("check_space", "Check space", "disk.space", &[], &[("freeBytes", "freeBytes")]),
        stop_unless("Is there room?", &format!("string length({CONTENT}) > freeBytes"), "Disk full"),
        operation("delete_block", "Remove what was there", "file.delete", "\"disk/\" + path", &[]).into(),
        operation("write_block", "Write", "file.create", "\"disk/\" + path", &[("size", "size")])
            .input("content", CONTENT)
            .into(),
        operation("read_back", "Read back", "file.read", "\"disk/\" + path", &[("written", "content")])
            .into(),
        confirm_written(CONTENT),
    ];
    let text = "Writes to disk, whatever was there before, if there is room. Inputs: path, content.";
    let nodes = [validate(&["path"]), nodes].concat();
    ("disk-write", "disk_write", "Write to disk", tree(nodes, "Content given", "Content on disk", text))
}

fn read() -> Authored {
    let outputs = [("content", "content"), ("size", "size")];
    let nodes = vec![
        operation("look_up", "Look up", "file.stat", "\"disk/\" + path", &[("found", "exists")]).into(),
        stop_unless("Is it there?", "found = false", "Nothing there"),
        operation("read_block", "Read", "file.read", "\"disk/\" + path", &outputs).into(),
        confirm("content", "content != null"),
    ];
    let text = "Reads what was written to disk. Input: path; outputs: content, size.";
    let nodes = [validate(&["path"]), nodes].concat();
    ("disk-read", "disk_read", "Read from disk", tree(nodes, "Content wanted", "Content read", text))
}

fn space() -> Authored {
    let outputs = [("freeBytes", "freeBytes"), ("totalBytes", "totalBytes")];
    let nodes = vec![
        kernel("check_space", "Check space", "disk.space", &[], &outputs),
        confirm("freeBytes", "freeBytes >= 0"),
    ];
    let text = "Says how much room the disk has. Outputs: freeBytes, totalBytes.";
    (
        "disk-check-space",
        "disk_check_space",
        "Check disk space",
        tree(nodes, "Question asked", "Space known", text),
    )
}
