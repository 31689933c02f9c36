//! The rung `container` against a server that speaks the engine's API over a Unix socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::ProcessEngine;
use engine::port::Status;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::{Bed, one_task, variables};
use crate::{ContainerSettings, Error, Launcher, Level, Tools};

const IMAGE: &str = "registry.example/octave@sha256:0123";
const TOOL: &str = r#"
name = "sum"
command = ["octave", "--quiet", "{x}"]
isolation = "container"
image = "registry.example/octave@sha256:0123"
class = "pure"
[limits]
wall_ms = 10000
memory_mib = 128
processes = 16
output_kib = 1
"#;

/// How the engine behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Manner {
    #[default]
    Well,
    /// It leaves the limit on memory out, as one without control groups does.
    WithoutMemory,
    /// It puts the container on a network.
    Networked,
    /// The image is not there.
    NoImage,
    /// The tool never ends.
    Endless,
    /// The tool writes more than it may.
    Flooding,
    /// The tool is ended for its memory.
    OutOfMemory,
}

#[derive(Default)]
struct Seen {
    calls: Vec<String>,
    order: Value,
    killed: bool,
}

/// A scripted engine; it ends with its test.
struct Scripted {
    socket: PathBuf,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    fn start(folder: &Path, manner: Manner) -> Self {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&shared)));
            }
        });
        Self { socket, seen, task }
    }

    fn calls(&self, part: &str) -> usize {
        self.seen.lock().calls.iter().filter(|call| call.contains(part)).count()
    }
}

/// Answers one request and closes.
async fn serve(mut stream: UnixStream, manner: Manner, seen: Arc<Mutex<Seen>>) {
    let mut bytes = Vec::new();
    let (head, length, start) = loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let head = text[..end].to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok()).unwrap_or(0);
            break (text[..end].to_owned(), length, end + 4);
        }
    };
    while bytes.len() < start + length {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap_or(0);
        bytes.extend_from_slice(&part[..read]);
    }
    let call = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let body = serde_json::from_slice(&bytes[start..]).unwrap_or(Value::Null);
    let (status, answer) = answer(&call, body, manner, &seen).await;
    seen.lock().calls.push(call);
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    let _gone = stream.write_all(&[head.as_bytes(), &answer].concat()).await;
}

fn piece(stream: u8, text: &str) -> Vec<u8> {
    [&[stream, 0, 0, 0][..], &u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

async fn answer(call: &str, body: Value, manner: Manner, seen: &Mutex<Seen>) -> (u16, Vec<u8>) {
    let json = |status: u16, value: Value| (status, value.to_string().into_bytes());
    match call {
        "GET /_ping" => (200, b"OK".to_vec()),
        _ if call.starts_with("GET /images/") && manner == Manner::NoImage => {
            json(404, json!({"message": "No such image"}))
        }
        _ if call.starts_with("GET /images/") => json(200, json!({"Id": "sha256:1"})),
        _ if call.starts_with("GET /containers/json") => json(200, json!([{"Id": "stale"}])),
        "POST /containers/create" => {
            seen.lock().order = body;
            json(201, json!({"Id": "c1", "Warnings": []}))
        }
        "POST /containers/c1/start" => (204, Vec::new()),
        "GET /containers/c1/json" => {
            let mut host = seen.lock().order["HostConfig"].clone();
            match manner {
                Manner::WithoutMemory => host["Memory"] = json!(0),
                Manner::Networked => host["NetworkMode"] = json!("bridge"),
                _ => {}
            }
            json(200, json!({"HostConfig": host, "State": {"OOMKilled": manner == Manner::OutOfMemory}}))
        }
        "POST /containers/c1/wait" => {
            while matches!(manner, Manner::Endless | Manner::Flooding) && !seen.lock().killed {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let code = if manner == Manner::OutOfMemory { 137 } else { 0 };
            json(200, json!({"StatusCode": code}))
        }
        _ if call.starts_with("GET /containers/c1/logs") => {
            let text =
                if manner == Manner::Flooding { "x".repeat(3_000) } else { r#"{"sum": 42}"#.to_owned() };
            (200, [piece(2, "a warning"), piece(1, &text)].concat())
        }
        "POST /containers/c1/kill" => {
            seen.lock().killed = true;
            (204, Vec::new())
        }
        _ if call.starts_with("DELETE /containers/") => (204, Vec::new()),
        other => json(500, json!({"message": format!("unexpected {other}")})),
    }
}

fn tools(folder: &Path, socket: &Path) -> Tools {
    std::fs::write(folder.join("sum.toml"), TOOL).unwrap();
    let settings = ContainerSettings { socket: Some(socket.to_owned()), images: vec![IMAGE.to_owned()] };
    let tools = Tools::load(Launcher::new("/nowhere".into()), folder.join("scratch"), Some(folder));
    assert!(tools.problems().is_empty(), "{:?}", tools.problems());
    tools.with_containers(&settings)
}

/// A scripted engine, and tools that run in it; with the folder that both live in.
fn scripted(manner: Manner) -> (tempfile::TempDir, Scripted, Tools) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::start(folder.path(), manner);
    let tools = tools(folder.path(), &engine.socket);
    (folder, engine, tools)
}

/// A kernel with these tools.
async fn bed_with(tools: Tools) -> Bed {
    Bed::with(|mut parts| {
        parts.tools = Some(tools);
        parts
    })
    .await
}

/// An instance whose task runs the tool, which was started in its container.
async fn begun(bed: &Bed, engine: &Scripted, task: &str) -> i64 {
    bed.deploy(&one_task("p", task)).await;
    let key = bed.start("p", variables(json!({"x": 1})), 1).await;
    while engine.calls("/start") == 0 {
        tokio::task::yield_now().await;
    }
    key
}

async fn run(tools: &Tools, cancel: &CancellationToken) -> Result<crate::ToolResult, Error> {
    let tool = tools.get("sum").unwrap();
    tools.run("work", &tool, None, &variables(json!({"x": 42})), Level::Container, cancel).await
}

#[tokio::test]
async fn a_tool_runs_in_a_container_that_has_nothing_and_is_gone_afterwards() {
    let (_folder, engine, tools) = scripted(Manner::Well);
    let bed = bed_with(tools).await;
    bed.deploy(&one_task("p", r#"<procos:task by="tool" ref="sum"/>"#)).await;
    let done = bed.run("p", variables(json!({"x": 42})), 1).await;
    assert_eq!((done.status, &done.variables["sum"]), (Status::Completed, &json!(42)));
    let run = bed.task_run(done.key, "work").await;
    assert!(
        run.notes.iter().any(|note| note.contains("isolation container") && note.contains(IMAGE)),
        "{:?}",
        run.notes
    );
    let order = engine.seen.lock().order.clone();
    let host = &order["HostConfig"];
    assert_eq!((&order["Entrypoint"], &order["Cmd"]), (&json!(["octave"]), &json!(["--quiet", "42"])));
    assert_eq!((&order["Image"], &order["User"]), (&json!(IMAGE), &json!("65534:65534")));
    assert_eq!((&host["NetworkMode"], &host["ReadonlyRootfs"]), (&json!("none"), &json!(true)));
    assert_eq!((&host["CapDrop"], &host["SecurityOpt"]), (&json!(["ALL"]), &json!(["no-new-privileges"])));
    assert_eq!((&host["Memory"], &host["MemorySwap"]), (&json!(134_217_728), &json!(134_217_728)));
    assert_eq!((&host["PidsLimit"], &host["NanoCpus"]), (&json!(16), &json!(1_000_000_000)));
    assert!(host["Tmpfs"]["/tmp"].as_str().unwrap().contains("noexec"));
    let bind = host["Binds"][0].as_str().unwrap().to_owned();
    assert!(bind.starts_with('/') && bind.ends_with(":/work:rw"), "{bind}");
    let scratch = bind.split(':').next().unwrap().to_owned();
    assert!(!Path::new(&scratch).exists(), "its directory is gone");
    // The probe's and the run's own container are removed, and the one a former server left behind.
    assert_eq!((engine.calls("DELETE /containers/c1"), engine.calls("DELETE /containers/stale")), (2, 1));
    assert_eq!(engine.calls("pull"), 0);
    bed.stop().await;
}

#[tokio::test]
async fn an_engine_that_leaves_out_a_limit_is_refused_before_anything_runs() {
    for (manner, says) in [
        (Manner::WithoutMemory, "its memory is not limited"),
        (Manner::Networked, "it has a network"),
        (Manner::NoImage, "none is pulled by itself"),
    ] {
        let (_folder, engine, tools) = scripted(manner);
        let error = run(&tools, &CancellationToken::new()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("ISOLATION_UNAVAILABLE") && text.contains(says), "{manner:?}: {text}");
        assert_eq!(engine.calls("/start"), 0, "{manner:?}");
        assert_eq!(engine.calls("POST /containers/create"), engine.calls("DELETE /containers/c1"));
    }
}

#[tokio::test]
async fn without_an_engine_the_rung_is_not_there_and_the_way_out_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path(), &folder.path().join("nobody.sock"));
    let text = run(&tools, &CancellationToken::new()).await.unwrap_err().to_string();
    assert!(
        text.starts_with("ISOLATION_UNAVAILABLE") && text.contains("start one, or correct containers.socket"),
        "{text}"
    );
    let none = tools.with_containers(&ContainerSettings::default());
    let error = run(&none, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.code(), "KERNEL-0015");
    assert!(error.to_string().contains("set containers.socket and containers.images"), "{error}");
}

#[tokio::test]
async fn an_image_that_is_not_allowed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::start(folder.path(), Manner::Well);
    let other =
        ContainerSettings { socket: Some(engine.socket.clone()), images: vec!["debian:12".to_owned()] };
    let tools = tools(folder.path(), &engine.socket).with_containers(&other);
    let text = run(&tools, &CancellationToken::new()).await.unwrap_err().to_string();
    assert!(text.contains("is not allowed; name it in containers.images"), "{text}");
}

#[tokio::test]
async fn floods_and_memory_end_a_container_and_are_named() {
    for (manner, code, says) in
        [(Manner::Flooding, "tool.limit", "more output"), (Manner::OutOfMemory, "tool.limit", "more memory")]
    {
        let (_folder, engine, tools) = scripted(manner);
        let error = run(&tools, &CancellationToken::new()).await.unwrap_err();
        let Error::Tool { code: found, problem, .. } = &error else { panic!("{error}") };
        assert_eq!(*found, code, "{manner:?}");
        assert!(problem.contains(says), "{problem}");
        assert_eq!(engine.calls("DELETE /containers/c1"), 2);
    }
}

#[tokio::test]
async fn cancelling_an_instance_kills_and_removes_its_container() {
    let (_folder, engine, tools) = scripted(Manner::Endless);
    let bed = bed_with(tools).await;
    let key = begun(&bed, &engine, r#"<procos:task by="tool" ref="sum"/>"#).await;
    bed.engine.cancel(key, "no longer wanted").await.unwrap();
    bed.empty().await;
    assert!(engine.seen.lock().killed);
    assert_eq!(engine.calls("DELETE /containers/c1"), 2, "the probe's and the run's");
    bed.stop().await;
}

#[tokio::test]
async fn a_deadline_ends_a_container() {
    let (_folder, engine, tools) = scripted(Manner::Endless);
    let mut tool = (*tools.get("sum").unwrap()).clone();
    tool.limits.wall_ms = 30;
    let (inputs, cancel) = (variables(json!({"x": 1})), CancellationToken::new());
    let error = tools.run("work", &tool, None, &inputs, Level::Container, &cancel).await.unwrap_err();
    assert!(matches!(error, Error::Tool { code: "tool.timeout", .. }), "{error}");
    assert!(engine.seen.lock().killed);
}

#[tokio::test]
async fn a_tool_without_an_image_cannot_be_asked_into_a_container() {
    let (_folder, _engine, tools) = scripted(Manner::Well);
    let tool = tools.get("shell").unwrap();
    let (inputs, cancel) = (variables(json!({})), CancellationToken::new());
    let ran = tools.run("work", &tool, Some("echo"), &inputs, Level::Container, &cancel).await;
    let text = ran.unwrap_err().to_string();
    assert!(text.contains("names no image to run in"), "{text}");
}

/// Begins a task of this class whose tool never ends, crashes, and gives what the next kernel says of the task.
async fn cut_off(class: &str) -> String {
    let (_folder, engine, tools) = scripted(Manner::Endless);
    let bed = bed_with(tools).await;
    let task = format!(r#"<procos:task by="tool" ref="sum" class="{class}"/>"#);
    let key = begun(&bed, &engine, &task).await;
    let next = bed.crash().await;
    next.until(key, |found| found.status != Status::Active || found.incidents > 0).await;
    let run = next.task_run(key, "work").await;
    next.stop().await;
    format!("{} {}", run.state, run.notes.join(" "))
}

#[tokio::test]
async fn after_a_crash_in_the_middle_of_it_an_unsafe_tool_asks_a_person_and_others_run_again() {
    let asked = cut_off("unsafe").await;
    assert!(asked.contains("unsafe to repeat") && asked.contains("work_decision"), "{asked}");
    for class in ["pure", "idempotent"] {
        // The kernel after the crash has no tools, which it finds out by running the task again.
        let again = cut_off(class).await;
        assert!(again.contains("a catalogue of tools") && !again.contains("unsafe"), "{class}: {again}");
    }
}
