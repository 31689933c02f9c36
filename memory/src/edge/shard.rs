//! One folder of qdrant-edge: reading, writing, and the index that is built beside it.
//!
//! What is written goes into a small plain segment, whose search looks at everything and whose lists of words cost
//! the more to extend the longer they are. So one thread at a time turns what has come together into indexed
//! segments (mapped from disk; HNSW for vectors), merging the small ones. Meanwhile searches see everything, and
//! writes go on: they are durable in the journal, since the store's own files must not be brought to disk then. Only
//! where the journal gets long, writers wait for the index.

mod log;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
use qdrant_edge::external::uuid::Uuid;
use qdrant_edge::{
    AcornSearchParams, CountRequest, CreateIndex, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard,
    EdgeSparseVectorParams, EdgeVectorParams, FieldIndexOperations, Filter as EdgeFilter, HnswIndexConfig,
    Modifier, NamedQuery, OperationResult, PointId, PointInsertOperations, PointOperations, PointStruct,
    PointStructPersisted, QueryEnum, QueryRequest, Record as StoredRecord, ScoringQuery, ScrollRequest,
    SearchParams, UpdateOperation, Vector, VectorInternal, VectorStructInternal, Vectors, WalOptions,
    WithPayloadInterface, WithVector,
};
use serde_json::{Value, json};

use super::journal::{Journal, Kept, Record};
use super::{failed, need_room};
use crate::fuse;
use crate::point::{self, KEYWORDS, MEANING, Point, TIME, WORDS};
use crate::{Entry, Error, Hit};

/// Points written at once.
const CHUNK: usize = 256;

/// Free space in bytes that must be there before anything is written. The store maps files with holes into memory
/// (some 100 MB when new, 32 MB at a time later); filling a hole on a full disk is no error to catch but a SIGBUS,
/// which would end the whole server.
pub(super) const ROOM_BYTES: u64 = 256 * 1024 * 1024;

/// Points in a single segment, from which on an index is built when memory is opened.
const UNINDEXED_POINTS: usize = 10_000;

/// How many candidates a search by meaning follows in each segment; more find better and take longer. Of a million
/// vectors without any structure in 6 segments, 256 found 94.7 % of the best ten, 512 98.5 %, 896 99.2 %, 1,024 99.6 %.
const CANDIDATES: usize = 896;

const BUILDING: &str = "its index is being built: answers are complete, and may take longer";

/// How much may come together before something is done about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes of the journal that bring everything to disk and start the index.
    pub(crate) index_bytes: u64,
    /// Bytes of the journal at which writers wait for the index.
    pub(crate) wait_bytes: u64,
    /// Bytes of the store's write-ahead log at which its read parts are removed.
    pub(crate) log_bytes: u64,
    /// Kilobytes of vectors in a segment from which on it is indexed.
    pub(crate) segment_kilobytes: usize,
    /// Segments above which the smallest are merged: each is searched by itself, so that fewer answer faster, and are
    /// merged more often.
    pub(crate) segments: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            index_bytes: 32 * 1024 * 1024,
            wait_bytes: 128 * 1024 * 1024,
            log_bytes: 256 * 1024 * 1024,
            segment_kilobytes: 10_000,
            segments: 6,
        }
    }
}

/// An open folder.
pub(super) struct Shard {
    pub(super) place: PathBuf,
    dimension: usize,
    pace: Pace,
    /// None only where opening it again failed.
    store: RwLock<Option<EdgeShard>>,
    turns: Arc<Turns>,
}

/// Who may write, and how the index stands. Apart from the folder, so that the thread that indexes can let go of the
/// folder before it says that it has finished.
struct Turns {
    /// Who holds it may write.
    writer: Mutex<Writer>,
    /// Told when an index is finished.
    indexed: Condvar,
    /// What one should know about the index now, if anything.
    notice: Mutex<Option<String>>,
}

struct Writer {
    journal: Journal,
    indexing: bool,
    /// Why the last index could not be built.
    trouble: Option<Error>,
}

impl Turns {
    /// Waits until no index is built.
    fn indexed(&self) -> MutexGuard<'_, Writer> {
        let mut writer = self.writer.lock();
        while writer.indexing {
            self.indexed.wait(&mut writer);
        }
        writer
    }

    /// Says that an index is finished, or could not be built.
    fn finish(&self, outcome: Result<(), Error>) {
        let mut writer = self.writer.lock();
        writer.indexing = false;
        writer.trouble = outcome.err();
        *self.notice.lock() = writer.trouble.as_ref().map(|trouble| {
            tracing::warn!(%trouble, "memory's index could not be built");
            format!("its index could not be built, so answers take longer: {trouble}")
        });
        self.indexed.notify_all();
    }
}

impl Shard {
    /// A new folder, for vectors of this length (0 for none).
    pub(super) fn create(place: &Path, dimension: usize, pace: Pace) -> Result<Self, Error> {
        if place.exists() {
            // Left by a move that a crash cut off; the manifest never named it.
            std::fs::remove_dir_all(place).map_err(|e| failed(place, &e))?;
        }
        std::fs::create_dir_all(place).map_err(|e| failed(place, &e))?;
        let mut config = EdgeConfig::builder()
            .sparse_vector(
                WORDS,
                EdgeSparseVectorParams::builder().modifier(Modifier::Idf).on_disk(true).build(),
            )
            .optimizers(optimizers(pace))
            .wal_options(WalOptions { segment_capacity: log::FILE_BYTES, ..WalOptions::default() });
        if dimension > 0 {
            let meaning = EdgeVectorParams::builder(dimension, Distance::Cosine);
            config = config.vector(MEANING, meaning.on_disk(true).hnsw_config(hnsw()).build());
        }
        let store = EdgeShard::new(place, config.build()).map_err(|e| failed(place, &e))?;
        for (field, schema) in KEYWORDS.iter().map(|field| (*field, "keyword")).chain([(TIME, "integer")]) {
            create_index(&store, field, schema).map_err(|e| failed(place, &e))?;
        }
        store.flush();
        Self::new(place, dimension, pace, store)
    }

    /// The folder at `place`, with what its journal holds.
    pub(super) fn load(place: &Path, dimension: usize, pace: Pace) -> Result<Arc<Self>, Error> {
        let shard = Arc::new(Self::new(place, dimension, pace, open(place, dimension, pace)?)?);
        let cut_off = shard.marker().exists();
        let info = shard.read(|store| Ok(store.info()))?;
        let bare = info.segments_count == 1 && info.points_count >= UNINDEXED_POINTS;
        let mut writer = shard.turns.writer.lock();
        if cut_off {
            shard.remove_doubles(&mut writer)?;
        }
        shard.bring_to_disk(&mut writer)?;
        if cut_off || bare {
            shard.start_index(&mut writer);
        }
        drop(writer);
        Ok(shard)
    }

    fn new(place: &Path, dimension: usize, pace: Pace, store: EdgeShard) -> Result<Self, Error> {
        let (journal, records) = Journal::open(&place.join("journal")).map_err(|e| failed(place, &e))?;
        let shard = Self {
            place: place.to_owned(),
            dimension,
            pace,
            store: RwLock::new(Some(store)),
            turns: Arc::new(Turns {
                writer: Mutex::new(Writer { journal, indexing: false, trouble: None }),
                indexed: Condvar::new(),
                notice: Mutex::new(None),
            }),
        };
        for record in &records {
            shard.apply(record)?;
        }
        Ok(shard)
    }

    /// There while an index is built: found when memory is opened, a crash cut that off.
    fn marker(&self) -> PathBuf {
        self.place.join("indexing")
    }

    pub(super) fn fail(&self, detail: &dyn std::fmt::Display) -> Error {
        failed(&self.place, detail)
    }

    fn read<T>(&self, work: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<T, Error> {
        let store = self.store.read();
        let store = store.as_ref().ok_or_else(|| self.fail(&"it could not be opened again"))?;
        work(store).map_err(|e| self.fail(&e))
    }

    /// Waits for the right to write.
    fn turn(&self) -> MutexGuard<'_, Writer> {
        let mut writer = self.turns.writer.lock();
        while writer.indexing && writer.journal.bytes() >= self.pace.wait_bytes {
            self.turns.indexed.wait(&mut writer);
        }
        writer
    }

    /// Stores entries; durable on return.
    pub(super) fn store(self: &Arc<Self>, mut entries: Vec<Kept>) -> Result<(), Error> {
        while !entries.is_empty() {
            let later = entries.split_off(entries.len().min(CHUNK));
            self.write(&Record::Stored(entries), |_| Ok(()))?;
            entries = later;
        }
        Ok(())
    }

    /// Forgets what matches; says how many that were.
    pub(super) fn forget(self: &Arc<Self>, filter: Value) -> Result<usize, Error> {
        let (mut count, counted) = (0, filter.clone());
        self.write(&Record::Forgotten(filter), |shard| {
            count = shard.count(counted)?;
            Ok(())
        })?;
        Ok(count)
    }

    fn write(
        self: &Arc<Self>,
        record: &Record,
        before: impl FnOnce(&Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut writer = self.turn();
        need_room(&self.place, ROOM_BYTES)?;
        before(self)?;
        writer.journal.append(record).map_err(|e| self.fail(&e))?;
        self.apply(record)?;
        if writer.journal.bytes() >= self.pace.index_bytes {
            self.start_index(&mut writer);
        }
        Ok(())
    }

    fn apply(&self, record: &Record) -> Result<(), Error> {
        match record {
            Record::Forgotten(filter) => {
                let filter = self.filter(filter)?;
                self.update(PointOperations::DeletePointsByFilter(filter))
            }
            Record::Stored(entries) => {
                let points: Vec<Point> = entries.iter().filter_map(point_of).collect();
                if self.dimension > 0 {
                    // The vector of a former text must not stay with a text that has none.
                    let bare = points.iter().filter(|point| point.meaning.is_none());
                    let ids: Vec<PointId> = bare.map(|point| uuid(point.id)).collect();
                    if !ids.is_empty() {
                        self.update(PointOperations::DeletePoints { ids })?;
                    }
                }
                let points: Result<Vec<_>, _> =
                    points.into_iter().map(|point| self.persisted(point)).collect();
                self.update(PointOperations::UpsertPoints(PointInsertOperations::PointsList(points?)))
            }
        }
    }

    fn update(&self, operation: PointOperations) -> Result<(), Error> {
        self.read(|store| store.update(UpdateOperation::PointOperation(operation)))
    }

    fn persisted(&self, point: Point) -> Result<PointStructPersisted, Error> {
        let (indices, values) = point.words;
        let words = Vector::new_sparse(indices, values).map_err(|e| self.fail(&e))?;
        let mut vectors = vec![(WORDS, words)];
        if let Some(meaning) = point.meaning {
            vectors.push((MEANING, Vector::new_dense(meaning)));
        }
        Ok(PointStruct::new(uuid(point.id), Vectors::new_named(vectors), Value::Object(point.payload)).into())
    }

    /// Brings the store's files to disk, so that the journal can start anew. Not while an index is built.
    fn bring_to_disk(&self, writer: &mut Writer) -> Result<(), Error> {
        self.read(|store| {
            store.flush();
            Ok(())
        })?;
        writer.journal.clear().map_err(|e| self.fail(&e))
    }

    /// Starts the thread that indexes, where none is at work.
    fn start_index(self: &Arc<Self>, writer: &mut Writer) {
        if writer.indexing {
            return;
        }
        let (shard, turns) = (Arc::clone(self), Arc::clone(&self.turns));
        let work = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| shard.index()));
            let outcome = outcome.unwrap_or_else(|_| Err(shard.fail(&"the store panicked")));
            drop(shard);
            turns.finish(outcome);
        };
        match std::thread::Builder::new().name("memory-index".to_owned()).spawn(work) {
            Ok(_) => {
                writer.indexing = true;
                *self.turns.notice.lock() = Some(BUILDING.to_owned());
            }
            Err(error) => writer.trouble = Some(self.fail(&error)),
        }
    }

    /// Indexes what has come together. Before and after it the files are brought to disk, so that the journal holds
    /// all that a crash could lose.
    fn index(&self) -> Result<(), Error> {
        {
            let mut writer = self.turns.writer.lock();
            self.bring_to_disk(&mut writer)?;
            std::fs::File::create(self.marker()).map_err(|e| self.fail(&e))?;
        }
        let built = self.read(EdgeShard::optimize);
        let mut writer = self.turns.writer.lock();
        self.bring_to_disk(&mut writer)?;
        std::fs::remove_file(self.marker()).map_err(|e| self.fail(&e))?;
        built?;
        if log::bytes(&self.place) >= self.pace.log_bytes {
            let mut store = self.store.write();
            // The old one must be closed first: it holds the lock of the folder.
            *store = None;
            *store = Some(open(&self.place, self.dimension, self.pace)?);
        }
        Ok(())
    }

    /// Builds the index of what there is, and waits for it.
    pub(super) fn settle(self: &Arc<Self>) -> Result<(), Error> {
        let mut writer = self.turns.indexed();
        self.start_index(&mut writer);
        drop(writer);
        self.turns.indexed().trouble.clone().map_or(Ok(()), Err)
    }

    /// What one should know about the index now, if anything.
    pub(super) fn notice(&self) -> Option<String> {
        self.turns.notice.lock().clone()
    }

    /// Segments, and bytes of the store's log.
    #[cfg(test)]
    pub(super) fn shape(&self) -> (usize, u64) {
        let info = self.read(|store| Ok(store.info())).unwrap();
        (info.segments_count, log::bytes(&self.place))
    }

    /// A crash while a new segment took the place of others may leave both: points that are there twice are written
    /// again, which leaves one.
    fn remove_doubles(&self, writer: &mut Writer) -> Result<(), Error> {
        let mut from = None;
        loop {
            let request = ScrollRequest {
                offset: from,
                limit: Some(CHUNK),
                with_payload: Some(WithPayloadInterface::Bool(false)),
                ..ScrollRequest::default()
            };
            let (records, next) = self.read(|store| store.scroll(request))?;
            let ids: Vec<PointId> = records.iter().map(|record| record.id).collect();
            let there = self.count(json!({ "must": [{ "has_id": ids }] }))?;
            if there > ids.len() {
                let with = (Some(WithPayloadInterface::Bool(true)), Some(WithVector::Bool(true)));
                let records = self.read(|store| store.retrieve(&ids, with.0, with.1))?;
                let record = Record::Stored(records.into_iter().filter_map(kept_of).collect());
                writer.journal.append(&record).map_err(|e| self.fail(&e))?;
                self.update(PointOperations::DeletePoints { ids })?;
                self.apply(&record)?;
            }
            from = next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    fn filter(&self, filter: &Value) -> Result<EdgeFilter, Error> {
        serde_json::from_value(filter.clone()).map_err(|e| self.fail(&e))
    }

    /// Entries that match, in the order of their numbers, and where the next page starts.
    pub(super) fn page(
        &self,
        filter: &Value,
        offset: Option<PointId>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<PointId>), Error> {
        let filter = Some(self.filter(filter)?);
        let request = ScrollRequest { offset, limit: Some(limit), filter, ..ScrollRequest::default() };
        let (records, next) = self.read(|store| store.scroll(request))?;
        Ok((records.into_iter().filter_map(|record| entry_of(record.payload)).collect(), next))
    }

    /// The newest entries.
    pub(super) fn newest(&self, filter: &Value, limit: usize) -> Result<Vec<Hit>, Error> {
        let order = json!({ "key": TIME, "direction": "desc" });
        let order_by = serde_json::from_value(order).map_err(|e| self.fail(&e))?;
        let filter = Some(self.filter(filter)?);
        let request = ScrollRequest {
            limit: Some(limit),
            filter,
            order_by: Some(order_by),
            ..ScrollRequest::default()
        };
        let (records, _) = self.read(|store| store.scroll(request))?;
        let hit = |entry| Hit { entry, score: 0.0 };
        Ok(records.into_iter().filter_map(|record| entry_of(record.payload)).map(hit).collect())
    }

    /// The points whose vector `using` is nearest, best first, with their scores. Without what they hold: each segment
    /// would read that of as many points, of which few stay.
    pub(super) fn nearest(
        &self,
        using: &str,
        vector: VectorInternal,
        filter: &Value,
        limit: usize,
    ) -> Result<Vec<(PointId, f64)>, Error> {
        let query = ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, using)));
        // Without conditions no filter either: it would be asked for every candidate.
        let filter =
            Some(self.filter(filter)?).filter(|filter| filter.must.iter().any(|all| !all.is_empty()));
        let params = SearchParams {
            hnsw_ef: Some(CANDIDATES.max(limit)),
            // Where a filter leaves few points, their neighbours' neighbours are followed too.
            acorn: Some(AcornSearchParams { enable: true, max_selectivity: None }),
            ..SearchParams::default()
        };
        let request = QueryRequest {
            prefetches: Vec::new(),
            query: Some(query),
            filter,
            score_threshold: None,
            limit,
            offset: 0,
            params: Some(params),
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(false),
        };
        let points = self.read(|store| store.query(request))?;
        let mut ranked: Vec<(PointId, f64)> =
            points.into_iter().map(|point| (point.id, f64::from(point.score))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(ranked)
    }

    /// What points with these scores hold; without those that were forgotten meanwhile.
    pub(super) fn hits(&self, ranked: &[(PointId, f64)]) -> Result<Vec<Hit>, Error> {
        let scores: HashMap<PointId, f64> = ranked.iter().copied().collect();
        let ids: Vec<PointId> = ranked.iter().map(|(id, _)| *id).collect();
        let records = self.read(|store| store.retrieve(&ids, None, None))?;
        let hit = |record: StoredRecord| {
            let score = *scores.get(&record.id)?;
            Some(Hit { entry: entry_of(record.payload)?, score })
        };
        let mut hits: Vec<Hit> = records.into_iter().filter_map(hit).collect();
        fuse::sort(&mut hits);
        Ok(hits)
    }

    /// How many entries match.
    pub(super) fn count(&self, filter: Value) -> Result<usize, Error> {
        let request = CountRequest { filter: Some(self.filter(&filter)?), exact: true };
        self.read(|store| store.count(request))
    }

    /// The entry with that number.
    pub(super) fn get(&self, id: [u8; 16]) -> Result<Option<Entry>, Error> {
        let found = self.read(|store| store.retrieve(&[uuid(id)], None, None))?;
        Ok(found.into_iter().find_map(|record| entry_of(record.payload)))
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let closed = self.store.get_mut().take().map(drop);
        // Closing brought everything to disk.
        if closed.is_some()
            && let Err(error) = self.turns.writer.lock().journal.clear()
        {
            tracing::warn!(%error, "memory's journal could not be emptied; it is done again on the next start");
        }
    }
}

/// Opens the store's own files.
fn open(place: &Path, dimension: usize, pace: Pace) -> Result<EdgeShard, Error> {
    log::trim(place).map_err(|e| failed(place, &e))?;
    // Half-built segments of an index that a crash cut off.
    match std::fs::remove_dir_all(place.join("temp_segments")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(place, &error)),
        _ => {}
    }
    let store = EdgeShard::load(place, None).map_err(|e| failed(place, &e))?;
    store.set_optimizers_config(optimizers(pace)).map_err(|e| failed(place, &e))?;
    if dimension > 0 {
        store.set_vector_hnsw_config(MEANING, hnsw()).map_err(|e| failed(place, &e))?;
    }
    Ok(store)
}

fn optimizers(pace: Pace) -> EdgeOptimizersConfig {
    EdgeOptimizersConfig {
        default_segment_number: Some(pace.segments),
        indexing_threshold: Some(pace.segment_kilobytes),
        max_segment_size: Some(256_000),
        ..EdgeOptimizersConfig::default()
    }
}

/// The graph over vectors of meaning, built by one thread. Without links of its own for each payload field, which
/// would take several times as long to build: filtered searches are helped otherwise.
fn hnsw() -> HnswIndexConfig {
    HnswIndexConfig {
        m: 16,
        ef_construct: 100,
        full_scan_threshold: 10_000,
        max_indexing_threads: 1,
        on_disk: Some(true),
        payload_m: Some(0),
        inline_storage: None,
    }
}

fn create_index(store: &EdgeShard, field: &str, schema: &str) -> Result<(), String> {
    let schema = json!({ "type": schema, "on_disk": true, "enable_hnsw": false });
    let create = CreateIndex {
        field_name: field.parse().map_err(|()| format!("no field {field}"))?,
        field_schema: Some(serde_json::from_value(schema).map_err(|e| e.to_string())?),
    };
    let operation = UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(create));
    store.update(operation).map_err(|e| e.to_string())
}

fn uuid(id: [u8; 16]) -> PointId {
    PointId::Uuid(Uuid::from_bytes(id))
}

fn entry_of(payload: Option<qdrant_edge::Payload>) -> Option<Entry> {
    point::decode(&Value::Object(payload?.0.into_iter().collect()))
}

fn point_of(kept: &Kept) -> Option<Point> {
    let entry = point::decode(&Value::Object(kept.payload.clone()))?;
    Some(point::encode(&entry, kept.meaning.clone()))
}

fn kept_of(record: StoredRecord) -> Option<Kept> {
    let payload = record.payload?.0.into_iter().collect();
    let VectorStructInternal::Named(mut vectors) = record.vector? else { return None };
    let meaning = match vectors.remove(MEANING) {
        Some(VectorInternal::Dense(meaning)) => Some(meaning),
        _ => None,
    };
    Some(Kept { payload, meaning })
}
