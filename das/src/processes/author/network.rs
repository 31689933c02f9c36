//! The network group of the starting set: requests and connections to declared hosts, made by the kernel.

use bpmn::program::{ExecutedBy, TaskSpec};

use super::{Authored, confirm, kernel, tree, validated};
use crate::tree::{Activity, Event, EventKind, Node};

pub(super) fn network() -> Vec<Authored> {
    vec![send(), receive(), open(), close()]
}

fn send() -> Authored {
    let spec = TaskSpec { by: ExecutedBy::Http, ..TaskSpec::default() };
    let mut request = Activity::new("Send request").id("send_request").spec(spec);
    for input in ["url", "method", "headers", "body"] {
        request = request.input(input, input);
    }
    for output in ["status", "body"] {
        request = request.output(output, output);
    }
    let nodes = vec![request.into(), confirm("status", "status < 400")];
    let text =
        "Sends an API request to a declared host. Inputs: url, method, headers, body; outputs: status, body.";
    let rule = "url != null and (starts with(url, \"https://\") or starts with(url, \"http://\"))";
    let nodes = validated(&["url"], rule, "An absolute address.", nodes);
    (
        "network-send",
        "network_send",
        "Send API request",
        tree(nodes, "Request wanted", "Request answered", text),
    )
}

fn receive() -> Authored {
    let wait: Node = Event::new("Wait for request", EventKind::Message("api request".to_owned())).into();
    let nodes = vec![wait, confirm("body", "body != null")];
    let text = "Waits for an API request: the message `api request` with the variable body, published through the API.";
    (
        "network-receive",
        "network_receive",
        "Receive API request",
        tree(nodes, "Ready", "Request received", text),
    )
}

fn open() -> Authored {
    let inputs = ["connection", "host", "port"];
    let outputs = [("open", "open"), ("peer", "peer")];
    let nodes = vec![
        kernel("open_connection", "Open connection", "connection.open", &inputs, &outputs),
        confirm("open", "open = true"),
    ];
    let text = "Opens a connection to a declared host. Inputs: connection (its name), host, port.";
    let rule = "connection != null and host != null and port != null and port > 0 and port < 65536";
    let nodes = validated(&inputs, rule, "A name, a host, and a port.", nodes);
    (
        "network-open",
        "network_open_connection",
        "Open connection",
        tree(nodes, "Connection wanted", "Connection open", text),
    )
}

fn close() -> Authored {
    let nodes = vec![
        kernel(
            "close_connection",
            "Close connection",
            "connection.close",
            &["connection"],
            &[("open", "open")],
        ),
        confirm("open", "open = false"),
    ];
    let text = "Closes a connection. Input: connection (its name).";
    let nodes = validated(&["connection"], "connection != null", "The name of a connection.", nodes);
    (
        "network-close",
        "network_close_connection",
        "Close connection",
        tree(nodes, "Connection unwanted", "Connection closed", text),
    )
}
