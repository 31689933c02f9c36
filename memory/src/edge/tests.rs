//! The index that is built beside: with small thresholds, so that a few thousand entries pass them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;

use super::shard::{Pace, ROOM_BYTES};
use super::{EdgeMemory, need_room};
use crate::{Embed, Entry, Error, Filter, Kind, Memory, Query};

/// Thresholds that a few hundred entries pass.
const SMALL: Pace = Pace {
    index_bytes: 200_000,
    wait_bytes: 400_000,
    log_bytes: 6 * 1024 * 1024,
    segment_kilobytes: 20,
    segments: 3,
};

/// Nothing is ever indexed.
const NEVER: Pace = Pace { index_bytes: u64::MAX, wait_bytes: u64::MAX, ..SMALL };

const DIMENSION: usize = 16;

/// Each word has a direction of its own, a text the sum of them; `none` in a text takes the model down.
struct Directions;

#[async_trait]
impl Embed for Directions {
    fn name(&self) -> &'static str {
        "directions"
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        if texts.iter().any(|text| text.contains("none")) {
            return Err("down".to_owned());
        }
        let vector = |text: &String| {
            let mut sum = vec![0.01_f32; DIMENSION];
            for word in text.split_whitespace() {
                let mut seed = word.bytes().fold(7_u64, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte));
                for value in &mut sum {
                    seed = seed * 48_271 % 2_147_483_647;
                    *value += (seed % 2_001) as f32 / 1_000.0 - 1.0;
                }
            }
            sum
        };
        Ok(texts.iter().map(vector).collect())
    }
}

async fn open(folder: &Path, pace: Pace, dense: bool) -> EdgeMemory {
    let embed = dense.then(|| Arc::new(Directions) as Arc<dyn Embed>);
    EdgeMemory::open_with(folder, embed, pace).await.unwrap()
}

/// Texts long and different enough that no two fit a question equally well.
fn entry(number: usize) -> Entry {
    let mut seed = number as u64 * 7_919 + 1;
    let mut draw = |limit: u64| {
        seed = seed * 48_271 % 2_147_483_647;
        seed % limit
    };
    let length = 8 + draw(40);
    let words: Vec<String> = (0..length).map(|_| format!("w{}x", draw(600).min(draw(600)))).collect();
    let kind = Kind::ALL[number % Kind::ALL.len()];
    Entry::new(&format!("e{number}"), kind, "", &words.join(" "), number as i64)
}

async fn fill(memory: &EdgeMemory, numbers: std::ops::Range<usize>) {
    let entries: Vec<Entry> = numbers.map(entry).collect();
    for part in entries.chunks(100) {
        memory.store(part.to_vec()).await.unwrap();
    }
}

/// What a memory answers to some questions: ids with their scores, rounded.
async fn answers(memory: &EdgeMemory) -> Vec<BTreeSet<(String, i64)>> {
    let mut all = Vec::new();
    for number in (0..40).map(|i| i * 61) {
        for kinds in [Vec::new(), vec![Kind::ALL[number % 7]]] {
            let query = Query::new(&entry(number).text).of_kinds(&kinds);
            let hits = memory.recall(query).await.unwrap().hits;
            all.push(hits.into_iter().map(|hit| (hit.entry.id, (hit.score * 1e3).round() as i64)).collect());
        }
    }
    all
}

/// The share of `wanted` that `found` has.
fn share(found: &[BTreeSet<(String, i64)>], wanted: &[BTreeSet<(String, i64)>]) -> f64 {
    let ids = |set: &BTreeSet<(String, i64)>| set.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
    let both: usize = found.iter().zip(wanted).map(|(a, b)| ids(a).intersection(&ids(b)).count()).sum();
    both as f64 / wanted.iter().map(BTreeSet::len).sum::<usize>() as f64
}

#[tokio::test]
async fn an_index_is_built_beside_and_answers_as_a_look_at_everything_does() {
    for dense in [false, true] {
        let (folder, plain) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (memory, exact) =
            (open(folder.path(), SMALL, dense).await, open(plain.path(), NEVER, dense).await);
        fill(&memory, 0..3_000).await;
        fill(&exact, 0..3_000).await;
        memory.settle().await.unwrap();
        let (segments, _) = memory.shard.shape();
        assert!((2..=5).contains(&segments), "{segments} segments");
        assert_eq!(exact.shard.shape().0, 1);
        assert_eq!((memory.count(None).await.unwrap(), memory.notice()), (3_000, None));
        let wanted = answers(&exact).await;
        let found = share(&answers(&memory).await, &wanted);
        assert!(found >= 0.99, "{found}");
        // What is in the index is replaced and forgotten there, and stays so.
        let mut new = entry(5);
        new.text = "quite another text".to_owned();
        memory.store(vec![new.clone()]).await.unwrap();
        assert_eq!(
            memory.recall(Query::new("another")).await.unwrap().hits.len(),
            if dense { 10 } else { 1 }
        );
        let old = Filter { before_ms: Some(1_000), ..Filter::default() };
        assert_eq!(memory.forget(old.clone()).await.unwrap(), 1_000);
        exact.forget(old).await.unwrap();
        memory.settle().await.unwrap();
        drop(memory);
        let memory = open(folder.path(), SMALL, dense).await;
        assert_eq!(memory.count(None).await.unwrap(), 2_000);
        let found = share(&answers(&memory).await, &answers(&exact).await);
        // How rare a word is still counts what was forgotten, until its segment is built anew.
        assert!(found >= 0.95, "{found} after opening it again");
        let newest = memory.recall(Query::default().at_most(2)).await.unwrap().hits;
        assert_eq!([&newest[0].entry.id, &newest[1].entry.id], ["e2999", "e2998"]);
    }
}

#[tokio::test]
async fn the_log_of_the_store_is_shortened_while_memory_is_open_and_when_it_opens() {
    let folder = TempDir::new().unwrap();
    let memory = open(folder.path(), SMALL, false).await;
    let long = |number: usize| {
        let mut entry = entry(number);
        entry.payload = serde_json::Value::String("x".repeat(100_000));
        entry
    };
    for round in 0..15 {
        memory.store((0..20).map(|i| long(round * 20 + i)).collect()).await.unwrap();
    }
    memory.settle().await.unwrap();
    let left = memory.shard.shape().1;
    assert!(left < 20 * 1024 * 1024, "{left}");
    assert_eq!(memory.count(None).await.unwrap(), 300);
    // Its numbering goes on: what is written after it replaces what was.
    let mut new = entry(7);
    new.text = "seventh heaven".to_owned();
    memory.store(vec![new.clone()]).await.unwrap();
    assert_eq!(memory.get("local", "e7").await.unwrap(), Some(new.clone()));
    drop(memory);
    let memory = open(folder.path(), SMALL, false).await;
    assert_eq!(
        (memory.get("local", "e7").await.unwrap(), memory.count(None).await.unwrap()),
        (Some(new), 300)
    );
}

/// A copy of what a crash would leave: the files of a memory that is still open.
fn crash(from: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for item in std::fs::read_dir(from).unwrap() {
            let item = item.unwrap();
            let target = to.join(item.file_name());
            if item.path().is_dir() {
                copy(&item.path(), &target);
            } else {
                std::fs::copy(item.path(), target).unwrap();
            }
        }
    }
    let folder = TempDir::new().unwrap();
    copy(from, folder.path());
    folder
}

#[tokio::test]
async fn what_was_stored_and_forgotten_is_there_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let memory = open(folder.path(), SMALL, true).await;
    fill(&memory, 0..1_000).await;
    memory.settle().await.unwrap();
    // No more than the journal holds this.
    fill(&memory, 900..1_200).await;
    let forgotten = Filter { kinds: vec![Kind::Prompt], ..Filter::default() };
    let count = memory.forget(forgotten).await.unwrap();
    let left = crash(folder.path());
    let journal = std::fs::metadata(left.path().join("shard-1/journal")).unwrap().len();
    assert!(journal > 10_000, "{journal}");
    let again = open(left.path(), SMALL, true).await;
    assert_eq!(again.count(None).await.unwrap(), 1_200 - count);
    assert_eq!(again.count(Some(Kind::Prompt)).await.unwrap(), 0);
    let found = share(&answers(&again).await, &answers(&memory).await);
    assert!(found >= 0.99, "{found}");
}

#[tokio::test]
async fn a_crash_while_segments_take_each_others_place_leaves_no_entry_twice() {
    let folder = TempDir::new().unwrap();
    let memory = open(folder.path(), SMALL, true).await;
    fill(&memory, 0..1_500).await;
    memory.settle().await.unwrap();
    drop(memory);
    let segments = folder.path().join("shard-1/segments");
    let largest = std::fs::read_dir(&segments)
        .unwrap()
        .map(|segment| segment.unwrap().path())
        .max_by_key(|segment| {
            std::fs::metadata(segment.join("id_tracker.mappings")).map_or(0, |file| file.len())
        })
        .unwrap();
    let twin = crash(&largest);
    std::fs::rename(twin.path(), segments.join("00000000-0000-4000-8000-000000000000")).unwrap();
    std::fs::File::create(folder.path().join("shard-1/indexing")).unwrap();
    let memory = open(folder.path(), SMALL, true).await;
    memory.settle().await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 1_500);
    let whole = memory.recall(Query::new(&entry(1_499).text)).await.unwrap();
    assert_eq!(whole.hits.len(), 10);
}

#[tokio::test]
async fn an_entry_stored_while_the_model_is_down_loses_the_vector_of_its_former_text() {
    let folder = TempDir::new().unwrap();
    let memory = open(folder.path(), SMALL, true).await;
    fill(&memory, 0..1_000).await;
    memory.settle().await.unwrap();
    let former = entry(500);
    let mut bare = former.clone();
    bare.text = "none".to_owned();
    memory.store(vec![bare]).await.unwrap();
    let hits = memory.recall(Query::new(&former.text).at_most(50)).await.unwrap().hits;
    assert!(hits.iter().all(|hit| hit.entry.id != "e500"));
    assert_eq!(memory.recall(Query::new("none")).await.unwrap().hits[0].entry.id, "e500");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_and_readers_go_on_while_an_index_is_built() {
    let folder = TempDir::new().unwrap();
    let memory = open(folder.path(), SMALL, true).await;
    let writers: Vec<_> = (0..4)
        .map(|part| {
            let memory = memory.clone();
            tokio::spawn(async move { fill(&memory, part * 500..(part + 1) * 500).await })
        })
        .collect();
    let mut built = false;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        built |= memory.notice().is_some_and(|notice| notice.contains("being built"));
        memory.recall(Query::new("w1x w2x")).await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(built, "no index was built meanwhile");
    memory.settle().await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 2_000);
    for number in (0..2_000).step_by(97) {
        assert_eq!(memory.get("local", &format!("e{number}")).await.unwrap(), Some(entry(number)));
    }
}

#[test]
fn a_disk_with_too_little_room_is_refused_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    need_room(folder.path(), ROOM_BYTES).unwrap();
    let error = need_room(folder.path(), u64::MAX).unwrap_err();
    assert!(matches!(&error, Error::Full { needed: u64::MAX, free, .. } if *free > ROOM_BYTES), "{error}");
    assert_eq!(error.code(), "MEM-0005");
}
