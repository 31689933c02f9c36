//! The process group of the starting set, and the system group.

use super::{Authored, confirm, kernel, tree, validated};

const INSTANCE: &str = "instanceKey != null and instanceKey > 0";

pub(super) fn processes() -> Vec<Authored> {
    vec![start(), terminate(), monitor()]
}

pub(super) fn system() -> Vec<Authored> {
    vec![resources(), description()]
}

fn start() -> Authored {
    let nodes = vec![
        kernel(
            "start_process",
            "Start process",
            "process.start",
            &["process", "variables"],
            &[("instanceKey", "instanceKey")],
        ),
        kernel("look_up", "Look up instance", "process.monitor", &["instanceKey"], &[("status", "status")]),
        confirm("status", "status != null"),
    ];
    let text =
        "Starts a deployed process. Inputs: process (its id), variables; output: instanceKey (its key).";
    let rule = "process != null and string length(process) > 0";
    let nodes = validated(&["process"], rule, "The id of a process.", nodes);
    (
        "process-start",
        "process_start",
        "Start process",
        tree(nodes, "Process wanted", "Process started", text),
    )
}

fn terminate() -> Authored {
    let nodes = vec![
        kernel(
            "terminate_process",
            "Terminate process",
            "process.terminate",
            &["instanceKey"],
            &[("status", "status")],
        ),
        confirm("status", "status != \"active\""),
    ];
    let text = "Ends a running instance. Input: instanceKey (its key).";
    let nodes = validated(&["instanceKey"], INSTANCE, "The key of an instance.", nodes);
    (
        "process-terminate",
        "process_terminate",
        "Terminate process",
        tree(nodes, "Process unwanted", "Process ended", text),
    )
}

fn monitor() -> Authored {
    let outputs = [("status", "status"), ("incidents", "incidents"), ("state", "variables")];
    let nodes = vec![
        kernel("look_up", "Look up instance", "process.monitor", &["instanceKey"], &outputs),
        confirm("status", "status != null"),
    ];
    let text = "Says how an instance is doing. Input: instanceKey; outputs: status, incidents, state (its variables).";
    let nodes = validated(&["instanceKey"], INSTANCE, "The key of an instance.", nodes);
    (
        "process-monitor",
        "process_monitor",
        "Monitor process",
        tree(nodes, "Question asked", "State known", text),
    )
}

fn resources() -> Authored {
    let outputs = [
        ("processors", "processors"),
        ("load", "load"),
        ("memoryBytes", "memoryBytes"),
        ("freeMemoryBytes", "freeMemoryBytes"),
    ];
    let nodes = vec![
        kernel("check_resources", "Check resources", "system.resources", &[], &outputs),
        kernel("check_space", "Check disk space", "disk.space", &[], &[("freeDiskBytes", "freeBytes")]),
        confirm("processors", "processors > 0"),
    ];
    let text = "Says what this machine has left. Outputs: processors, load, memoryBytes, freeMemoryBytes, freeDiskBytes.";
    (
        "system-check-resources",
        "system_check_resources",
        "Check resources",
        tree(nodes, "Question asked", "Resources known", text),
    )
}

fn description() -> Authored {
    let outputs = [
        ("version", "version"),
        ("system", "system"),
        ("architecture", "architecture"),
        ("engine", "engine"),
        ("hasModel", "hasModel"),
        ("executors", "executors"),
    ];
    let nodes = vec![
        kernel("describe_system", "Describe system", "system.description", &[], &outputs),
        confirm("version", "version != null"),
    ];
    let text =
        "Says what this system is. Outputs: version, system, architecture, engine, hasModel, executors.";
    (
        "system-describe",
        "system_describe",
        "Describe system",
        tree(nodes, "Question asked", "System known", text),
    )
}
