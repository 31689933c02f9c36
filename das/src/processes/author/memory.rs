//! The memory group of the starting set: regions of the instance that calls these processes.

use super::{Authored, confirm, confirm_written, kernel, tree, validated};
use crate::tree::Node;

const REGION: &str = "region != null and string length(region) > 0";

pub(super) fn memory() -> Vec<Authored> {
    vec![allocate(), read(), write(), free()]
}

fn looked_at() -> Node {
    kernel("look_up", "Look up region", "memory.read", &["region"], &[("found", "allocated")])
}

fn allocate() -> Authored {
    let outputs = [("allocated", "allocated"), ("size", "size")];
    let nodes = vec![
        kernel("allocate_region", "Allocate region", "memory.allocate", &["region", "size"], &outputs),
        looked_at(),
        confirm("found", "found = true"),
    ];
    let text = "Sets aside a named region of memory. Inputs: region (its name), size (bytes).";
    let rule = format!("{REGION} and size != null and size > 0");
    let nodes = validated(&["region", "size"], &rule, "A name, and a size of at least one byte.", nodes);
    (
        "memory-allocate",
        "memory_allocate",
        "Allocate memory",
        tree(nodes, "Memory wanted", "Memory allocated", text),
    )
}

fn read() -> Authored {
    let outputs = [("content", "content"), ("used", "used")];
    let nodes = vec![
        kernel("read_region", "Read region", "memory.read", &["region"], &outputs),
        confirm("content", "content != null"),
    ];
    let text = "Reads a region of memory. Input: region; outputs: content, used (bytes).";
    let nodes = validated(&["region"], REGION, "The name of a region.", nodes);
    ("memory-read", "memory_read", "Read memory", tree(nodes, "Content wanted", "Content read", text))
}

fn write() -> Authored {
    let nodes = vec![
        kernel("write_region", "Write region", "memory.write", &["region", "content"], &[("used", "used")]),
        kernel("read_back", "Read back", "memory.read", &["region"], &[("written", "content")]),
        confirm_written("content"),
    ];
    let text = "Writes a region of memory. Inputs: region, content.";
    let rule = format!("{REGION} and content != null");
    let nodes = validated(&["region", "content"], &rule, "The name of a region, and a text.", nodes);
    ("memory-write", "memory_write", "Write memory", tree(nodes, "Content given", "Content written", text))
}

fn free() -> Authored {
    let nodes = vec![
        kernel("free_region", "Free region", "memory.free", &["region"], &[("allocated", "allocated")]),
        confirm("allocated", "allocated = false"),
    ];
    let text = "Frees a region of memory. Input: region.";
    let nodes = validated(&["region"], REGION, "The name of a region.", nodes);
    ("memory-free", "memory_free", "Free memory", tree(nodes, "Memory unwanted", "Memory freed", text))
}
