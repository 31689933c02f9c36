//! `kill -9` at each fail point of the writer: what was acknowledged is there, what is there is whole, nothing is there
//! twice, and the next process opens the file at once.
//!
//! The process that is killed is this test program itself, started again for [`a_victim_commits_until_it_is_killed`]
//! alone.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::port::{InstanceFilter, Status};
use engine::store::{Commit, Store};
use serde_json::json;
use trail::{Filter, NewEvent, OutboxItem, Trail};

use super::NOW_MS;
use super::suite::instance;
use crate::Database;
use crate::fail_point::FailPoint;

/// Tells the victim its fail point.
const POINT: &str = "PROCOS_TEST_FAIL_POINT";
/// Tells the victim its file.
const FILE: &str = "PROCOS_TEST_FILE";
/// How often the victim passes its fail point unharmed.
const PASSES: u32 = 5;
const CLIENTS: i64 = 8;
const COMMITS_OF_CLIENT: i64 = 50;
const POINTS: [FailPoint; 6] = [
    FailPoint::Taken,
    FailPoint::Begun,
    FailPoint::RowsWritten,
    FailPoint::TrailWritten,
    FailPoint::Committed,
    FailPoint::Answered,
];

static DEADLY: OnceLock<FailPoint> = OnceLock::new();
static PASSED: AtomicU32 = AtomicU32::new(0);

/// Ends the process without a word where that is asked for.
pub(crate) fn pass(point: FailPoint) {
    if DEADLY.get() != Some(&point) || PASSED.fetch_add(1, Ordering::SeqCst) < PASSES {
        return;
    }
    let _killed = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_kill_at_any_fail_point_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    for point in POINTS {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("procos.db");
        let acknowledged = killed_at(point, &file);
        let database = Database::open_sqlite(&file).await.unwrap();
        let all = InstanceFilter { limit: 10_000, ..InstanceFilter::default() };
        let kept: Vec<i64> = database.instances(&all).await.unwrap().iter().map(|one| one.key).collect();
        let lost: Vec<&i64> = acknowledged.iter().filter(|key| !kept.contains(key)).collect();
        assert!(lost.is_empty(), "{point:?}: {lost:?} were acknowledged");
        assert!(kept.len() < (CLIENTS * COMMITS_OF_CLIENT) as usize, "{point:?}: it was not killed");
        let not_told = kept.len() - acknowledged.len();
        assert!(not_told <= CLIENTS as usize, "{point:?}: {not_told} more than were acknowledged");
        // Each commit has one row, one entry of the trail, one item in the outbox, or none of them.
        assert!(database.verify().await.unwrap().broken.is_none());
        let entries = database.read(&Filter::default(), 0, 10_000).await.unwrap();
        let mut recorded: Vec<i64> = entries.iter().filter_map(|entry| entry.content.instance).collect();
        recorded.sort_unstable_by_key(|key| std::cmp::Reverse(*key));
        assert_eq!(recorded, kept, "{point:?}");
        let owed = trail::Outbox::pending(&database, "memory", 10_000).await.unwrap();
        let owed: BTreeSet<i64> = owed.iter().filter_map(|one| one.item.payload.as_i64()).collect();
        assert_eq!(owed, kept.iter().copied().collect(), "{point:?}");
        database.close().await;
    }
}

/// Lets a victim work until it is killed; gives what it was told is durable.
fn killed_at(point: FailPoint, file: &Path) -> BTreeSet<i64> {
    let victim = "tests::kills::a_victim_commits_until_it_is_killed";
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", victim, "--nocapture"])
        .env(POINT, format!("{point:?}"))
        .env(FILE, file)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(!ended.status.success(), "{point:?}: the victim survived");
    let said = String::from_utf8(ended.stdout).unwrap();
    // The last line may be cut off.
    said.lines().filter_map(|line| line.strip_prefix("kept ")?.strip_suffix('.')?.parse().ok()).collect()
}

/// Does nothing unless it was started to be killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the victim is told by its environment when it dies")]
async fn a_victim_commits_until_it_is_killed() {
    let (Ok(wanted), Ok(file)) = (std::env::var(POINT), std::env::var(FILE)) else { return };
    let point = POINTS.into_iter().find(|point| format!("{point:?}") == wanted).unwrap();
    let database = Database::open_sqlite(Path::new(&file)).await.unwrap();
    DEADLY.set(point).unwrap();
    let clients = (0..CLIENTS).map(|client| {
        let database = database.clone();
        tokio::spawn(async move {
            for number in 0..COMMITS_OF_CLIENT {
                let key = client * COMMITS_OF_CLIENT + number + 1;
                let event = NewEvent { instance: Some(key), ..NewEvent::new("x", NOW_MS) };
                let item =
                    OutboxItem { topic: "memory".to_owned(), key: key.to_string(), payload: json!(key) };
                let commit = Commit {
                    instances: vec![instance(key, Status::Active)],
                    events: vec![event],
                    outbox: vec![item],
                    ..Commit::default()
                };
                database.commit(commit).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "kept {key}.").and_then(|()| out.flush()).unwrap();
            }
        })
    });
    futures::future::join_all(clients).await;
}
