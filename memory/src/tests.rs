//! Memory in a directory: stored, found, replaced, reopened, forgotten, and compared with exact BM25.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tempfile::TempDir;

use crate::words::words;
use crate::{BestEffort, EdgeMemory, Embed, Entry, Error, Filter, Kind, Memory, Query, Recall};

async fn open(folder: &TempDir) -> EdgeMemory {
    EdgeMemory::open(folder.path(), None).await.unwrap()
}

fn one_of_each() -> Vec<Entry> {
    Kind::ALL
        .into_iter()
        .enumerate()
        .map(|(i, kind)| {
            let text = format!("a turbine blade seen as {}", kind.as_str());
            let mut entry = Entry::new(&format!("e{i}"), kind, kind.as_str(), &text, 1_000 + i as i64);
            entry.payload = json!({"number": i, "nested": {"list": [1, null, "ä"]}});
            entry
        })
        .collect()
}

fn ids(recall: &Recall) -> Vec<&str> {
    recall.hits.iter().map(|hit| hit.entry.id.as_str()).collect()
}

#[tokio::test]
async fn all_seven_kinds_are_stored_recalled_and_counted() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    memory.store(one_of_each()).await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 7);
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        let recall = memory.recall(Query::new("turbine blades").of_kinds(&[kind])).await.unwrap();
        assert_eq!(ids(&recall), [format!("e{i}")]);
        assert_eq!(recall.hits[0].entry, one_of_each()[i], "it comes back as it went in");
        assert!(recall.hits[0].score > 0.0 && recall.degraded.is_none());
        assert_eq!(memory.count(Some(kind)).await.unwrap(), 1);
    }
    assert_eq!(memory.recall(Query::new("blade")).await.unwrap().hits.len(), 7);
    assert!(memory.recall(Query::new("submarine")).await.unwrap().hits.is_empty());
}

#[tokio::test]
async fn system_organisation_and_time_limit_what_is_found() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let mut entries = Vec::new();
    for (id, system, organisation, at) in [
        ("general", None, "local", 10),
        ("plane", Some("plane"), "local", 20),
        ("drone", Some("drone"), "local", 30),
        ("theirs", Some("plane"), "other", 40),
    ] {
        let mut entry = Entry::new(id, Kind::Bpmn, "wing", "size the wing", at);
        (entry.system, entry.organisation) = (system.map(str::to_owned), organisation.to_owned());
        entry.source = if id == "drone" { "alice" } else { "bob" }.to_owned();
        entries.push(entry);
    }
    memory.store(entries).await.unwrap();
    let found = async |query: Query| {
        let recall = memory.recall(Query { text: "wing".into(), ..query }).await.unwrap();
        recall.hits.into_iter().map(|hit| hit.entry.id).collect::<Vec<_>>()
    };
    let local = || Query { organisation: Some("local".into()), ..Query::default() };
    assert_eq!(found(local()).await, ["drone", "general", "plane"]);
    assert_eq!(found(Query { system: Some("plane".into()), ..local() }).await, ["general", "plane"]);
    assert_eq!(found(Query { system: Some("plane".into()), general: false, ..local() }).await, ["plane"]);
    assert_eq!(found(Query { since_ms: Some(20), ..local() }).await, ["drone", "plane"]);
    assert_eq!(found(Query { source: Some("alice".into()), ..local() }).await, ["drone"]);
    assert!(found(Query { source: Some("nobody".into()), ..local() }).await.is_empty());
    let newest = memory.recall(Query { text: " ".into(), limit: 2, ..Query::default() }).await.unwrap();
    assert_eq!(ids(&newest), ["theirs", "drone"]);
}

#[tokio::test]
async fn the_same_id_replaces_the_former_entry() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let entry = |text: &str| Entry::new("p", Kind::Prompt, "", text, 1);
    memory.store(vec![entry("old apples"), entry("pears")]).await.unwrap();
    memory.store(vec![entry("plums")]).await.unwrap();
    memory.store(vec![entry("plums")]).await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 1);
    assert_eq!(memory.get("local", "p").await.unwrap().unwrap().text, "plums");
    assert!(memory.recall(Query::new("apple")).await.unwrap().hits.is_empty());
    assert_eq!(ids(&memory.recall(Query::new("plum")).await.unwrap()), ["p"]);
    assert!(memory.get("other", "p").await.unwrap().is_none());
}

#[tokio::test]
async fn entries_are_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    memory.store(one_of_each()).await.unwrap();
    drop(memory);
    let memory = open(&folder).await;
    assert_eq!(memory.count(None).await.unwrap(), 7);
    memory.store(vec![Entry::new("x", Kind::Error, "", "a new crack in the blade", 9)]).await.unwrap();
    drop(memory);
    let memory = open(&folder).await;
    assert_eq!(memory.recall(Query::new("blade").at_most(100)).await.unwrap().hits.len(), 8);
    assert_eq!(ids(&memory.recall(Query::new("crack")).await.unwrap()), ["x"]);
}

#[tokio::test]
async fn what_was_stored_survives_a_copy_taken_without_closing() {
    // A copy of the files while the memory is open is what a killed process leaves behind.
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let memory = open(&folder).await;
    memory.store(one_of_each()).await.unwrap();
    copy_folder(folder.path(), copy.path());
    let left = open(&copy).await;
    assert_eq!(left.count(None).await.unwrap(), 7);
    assert_eq!(left.recall(Query::new("blade")).await.unwrap().hits.len(), 7);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy_folder(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn forgetting_takes_what_matches_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let mut entries = one_of_each();
    entries[3].source = "alice".into();
    entries[4].system = Some("plane".into());
    memory.store(entries).await.unwrap();
    let forget = async |filter: Filter| memory.forget(filter).await.unwrap();
    assert_eq!(forget(Filter { ids: vec!["e0".into(), "nobody".into()], ..Filter::default() }).await, 1);
    assert_eq!(forget(Filter { source: Some("alice".into()), ..Filter::default() }).await, 1);
    assert_eq!(forget(Filter { system: Some("plane".into()), ..Filter::default() }).await, 1);
    assert_eq!(
        forget(Filter { kinds: vec![Kind::Prompt], before_ms: Some(1_001), ..Filter::default() }).await,
        0
    );
    assert_eq!(forget(Filter { before_ms: Some(1_002), ..Filter::default() }).await, 1);
    assert!(matches!(memory.forget(Filter::default()).await, Err(Error::Invalid(_))));
    drop(memory);
    let memory = open(&folder).await;
    assert_eq!(memory.count(None).await.unwrap(), 3);
    assert_eq!(memory.recall(Query::new("turbine")).await.unwrap().hits.len(), 3);
}

/// More entries than are looked through at once, of which some speak of Acme.
pub(crate) fn about_acme(count: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..count)
        .map(|number| Entry::new(&format!("n{number}"), Kind::TaskLog, "a step", "a turbine blade", 1))
        .collect();
    entries[3].text = "An order of ACME Ltd came in.".into();
    entries[count - 1].title = "Offer to Acme Ltd".into();
    entries[count / 2].payload = json!({"to": ["x", {"customer": "acme ltd"}]});
    entries[count / 3].text = "Acme, and a Ltd".into();
    entries[5].text = "Acme Ltd again".into();
    entries[5].organisation = "other".into();
    entries[6].text = "Acme Ltd again".into();
    entries[6].source = "alice".into();
    entries
}

#[tokio::test]
async fn what_speaks_of_a_subject_is_forgotten_wherever_it_does() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    memory.store(about_acme(2_500)).await.unwrap();
    let about = Some("Acme Ltd".to_owned());
    let of_alice = Filter { about: about.clone(), source: Some("alice".into()), ..Filter::default() };
    assert_eq!(memory.forget(of_alice).await.unwrap(), 1);
    let of_all = Filter { about, ..Filter::default() };
    assert_eq!(memory.forget(of_all.clone()).await.unwrap(), 4);
    assert_eq!(memory.forget(of_all).await.unwrap(), 0);
    let nothing = Filter { about: Some(" ".to_owned()), ..Filter::default() };
    assert!(matches!(memory.forget(nothing).await, Err(Error::Invalid(_))));
    assert_eq!(memory.count(None).await.unwrap(), 2_495);
    assert_eq!(ids(&memory.recall(Query::new("Acme")).await.unwrap()), ["n833"]);
}

#[tokio::test]
async fn the_better_fit_comes_first() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let entry = |id: &str, title: &str, text: &str| Entry::new(id, Kind::Bpmn, title, text, 1);
    memory
        .store(vec![
            entry("copy", "Copy file", "Copy a file to another place and confirm."),
            entry("train", "Train a model", "Ingest data, clean it, train a model and evaluate it."),
            entry(
                "mention",
                "Report",
                "A long report about many things, one of them how a model was trained once.",
            ),
            entry("mail", "Send mail", "Send an e-mail to a customer."),
        ])
        .await
        .unwrap();
    let recall = memory.recall(Query::new("a process that ingests data and trains models")).await.unwrap();
    assert_eq!(ids(&recall)[..2], ["train", "mention"]);
    assert_eq!(ids(&memory.recall(Query::new("copying files").at_most(1)).await.unwrap()), ["copy"]);
}

#[tokio::test]
async fn limits_are_kept_and_nothing_of_a_refused_batch_is_stored() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let mut deep = serde_json::Value::Null;
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let good = Entry::new("good", Kind::Build, "", "x", 1);
    for bad in [
        Entry::new("long", Kind::Build, "", &"x".repeat(1024 * 1024 + 1), 1),
        Entry { payload: json!("x".repeat(4 * 1024 * 1024)), ..good.clone() },
        Entry { payload: deep, ..good.clone() },
        Entry { id: String::new(), ..good.clone() },
    ] {
        assert!(memory.store(vec![good.clone(), bad]).await.is_err());
    }
    assert!(memory.store(vec![good; 10_001]).await.is_err());
    assert_eq!(memory.count(None).await.unwrap(), 0);
    let long = Query::new(&"wörd ".repeat(50_000));
    assert!(memory.recall(long).await.unwrap().hits.is_empty());
}

/// SplitMix64, so that the corpus is the same every time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    /// A word of a vocabulary of 3,000 in which low numbers are common.
    fn word(&mut self) -> String {
        let rank = self.below(3_000).min(self.below(3_000)).min(self.below(3_000));
        format!("w{rank}x")
    }
}

/// BM25 computed from its formula over all documents.
fn exact(documents: &[Vec<String>], query: &str) -> Vec<(usize, f64)> {
    let n = documents.len() as f64;
    let terms = words(query);
    let frequency: BTreeMap<&String, f64> = terms
        .iter()
        .map(|term| (term, documents.iter().filter(|document| document.contains(term)).count() as f64))
        .collect();
    let mut scores: Vec<(usize, f64)> = documents
        .iter()
        .enumerate()
        .map(|(i, document)| {
            let norm = 1.2 * (0.25 + 0.75 * document.len() as f64 / 64.0);
            let score = terms.iter().map(|term| {
                let tf = document.iter().filter(|word| *word == term).count() as f64;
                let df = frequency[term];
                (1.0 + (n - df + 0.5) / (df + 0.5)).ln() * tf * 2.2 / (tf + norm)
            });
            (i, score.sum())
        })
        .filter(|(_, score)| *score > 0.0)
        .collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    scores
}

#[tokio::test]
async fn recall_at_ten_of_two_thousand_entries_is_that_of_exact_bm25() {
    let folder = TempDir::new().unwrap();
    let memory = open(&folder).await;
    let mut draws = Draws(42);
    let texts: Vec<String> = (0..2_000)
        .map(|_| {
            let length = 5 + draws.below(120);
            (0..length).map(|_| draws.word()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let entries =
        texts.iter().enumerate().map(|(i, text)| Entry::new(&i.to_string(), Kind::TaskLog, "", text, 1));
    memory.store(entries.collect()).await.unwrap();
    let documents: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    let (mut found, mut wanted) = (0, 0);
    for _ in 0..40 {
        let query = (0..4).map(|_| draws.word()).collect::<Vec<_>>().join(" ");
        let truth = exact(&documents, &query);
        let recall = memory.recall(Query::new(&query)).await.unwrap();
        let scores: BTreeMap<usize, f64> = truth.iter().copied().collect();
        // Entries as good as the tenth are as right as it.
        let edge = truth.get(9).map_or(0.0, |(_, score)| *score);
        let best: HashSet<usize> =
            truth.iter().filter(|(_, score)| *score >= edge - 1e-3).map(|(i, _)| *i).collect();
        wanted += truth.len().min(10);
        for hit in &recall.hits {
            let i: usize = hit.entry.id.parse().unwrap();
            found += usize::from(best.contains(&i));
            assert!((hit.score - scores[&i]).abs() < 1e-2, "{} is not {}", hit.score, scores[&i]);
        }
    }
    assert!(found as f64 >= 0.99 * f64::from(u32::try_from(wanted).unwrap()), "{found} of {wanted}");
}

/// Knows three meanings, each an axis.
struct Axes {
    name: &'static str,
    down: Arc<AtomicBool>,
}

#[async_trait]
impl Embed for Axes {
    fn name(&self) -> &str {
        self.name
    }

    fn dimension(&self) -> usize {
        3
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        if self.down.load(Ordering::SeqCst) {
            return Err("the endpoint is down".to_owned());
        }
        let has =
            |text: &str, words: &[&str]| if words.iter().any(|w| text.contains(w)) { 1.0 } else { 0.05 };
        Ok(texts
            .iter()
            .map(|t| vec![has(t, &["plane", "aircraft"]), has(t, &["ship", "boat"]), has(t, &["house"])])
            .collect())
    }
}

#[tokio::test]
async fn meaning_finds_what_words_do_not_and_its_loss_is_named() {
    let folder = TempDir::new().unwrap();
    let down = Arc::new(AtomicBool::new(false));
    let axes = |name| -> Option<Arc<dyn Embed>> { Some(Arc::new(Axes { name, down: Arc::clone(&down) })) };
    // First without vectors: they are added when a model is configured.
    let memory = open(&folder).await;
    let entry = |id: &str, text: &str| Entry::new(id, Kind::Ontology, "", text, 1);
    memory.store(vec![entry("a", "an aircraft"), entry("b", "a boat"), entry("c", "a house")]).await.unwrap();
    assert!(memory.recall(Query::new("plane")).await.unwrap().hits.is_empty());
    drop(memory);
    let memory = EdgeMemory::open(folder.path(), axes("axes")).await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 3);
    let recall = memory.recall(Query::new("plane").at_most(1)).await.unwrap();
    assert_eq!((ids(&recall), recall.degraded.is_none()), (vec!["a"], true));
    let both = memory.recall(Query::new("boat")).await.unwrap();
    assert_eq!(ids(&both)[0], "b");
    down.store(true, Ordering::SeqCst);
    let words_only = memory.recall(Query::new("boat")).await.unwrap();
    assert_eq!(ids(&words_only), ["b"]);
    assert!(words_only.degraded.unwrap().contains("the endpoint is down"));
    memory.store(vec![entry("d", "another boat")]).await.unwrap();
    assert_eq!(memory.recall(Query::new("boat")).await.unwrap().hits.len(), 2);
    down.store(false, Ordering::SeqCst);
    drop(memory);
    // Another model: the vectors are made anew.
    let memory = EdgeMemory::open(folder.path(), axes("other axes")).await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 4);
    assert_eq!(ids(&memory.recall(Query::new("ship").at_most(2)).await.unwrap()), ["b", "d"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "one folder and the manifest are left");
}

#[tokio::test]
async fn a_broken_manifest_is_named() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder).await);
    for broken in [
        "{",
        r#"{"format":2,"folder":"shard-1","model":null,"dimension":0}"#,
        r#"{"format":1,"folder":"../elsewhere","model":null,"dimension":0}"#,
    ] {
        std::fs::write(folder.path().join("memory.json"), broken).unwrap();
        let error = EdgeMemory::open(folder.path(), None).await.err().unwrap();
        assert_eq!(error.code(), "MEM-0004", "{error}");
    }
}

struct Gone;

#[async_trait]
impl Memory for Gone {
    async fn store(&self, _: Vec<Entry>) -> Result<(), Error> {
        Err(gone())
    }
    async fn recall(&self, _: Query) -> Result<Recall, Error> {
        Err(gone())
    }
    async fn get(&self, _: &str, _: &str) -> Result<Option<Entry>, Error> {
        Err(gone())
    }
    async fn forget(&self, _: Filter) -> Result<usize, Error> {
        Err(gone())
    }
    async fn count(&self, _: Option<Kind>) -> Result<usize, Error> {
        Err(gone())
    }
}

fn gone() -> Error {
    Error::Store { place: "http://127.0.0.1:6334".into(), detail: "connection refused".into() }
}

#[tokio::test]
async fn memory_that_is_down_answers_with_a_marker_but_does_not_pretend_to_store() {
    let memory = BestEffort::new(Arc::new(Gone));
    let recall = memory.recall(Query::new("x")).await.unwrap();
    assert!(recall.hits.is_empty() && recall.degraded.unwrap().contains("connection refused"));
    assert!(memory.store(one_of_each()).await.is_err());
}
