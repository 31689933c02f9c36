//! Memory in the data directory: qdrant-edge, embedded.
//!
//! `memory.json` names the folder in use and the embedding model it was made with. With another model all entries
//! move to a new folder; the old one is removed only once the new one is complete and named. qdrant-edge works on
//! the calling thread, so every call goes through `spawn_blocking`; its `flush` must not meet another writer, so
//! writes hold the lock alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;
use qdrant_edge::external::uuid::Uuid;
use qdrant_edge::{
    CountRequest, CreateIndex, Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams,
    FieldIndexOperations, Filter as EdgeFilter, Modifier, NamedQuery, PointId, PointInsertOperations,
    PointOperations, PointStruct, PointStructPersisted, QueryEnum, QueryRequest, ScoringQuery, ScrollRequest,
    UpdateOperation, Vector, VectorInternal, Vectors, WalOptions, WithPayloadInterface, WithVector,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::bm25;
use crate::entry::HITS_LIMIT;
use crate::fuse;
use crate::meaning::{Meaning, cut};
use crate::point::{self, Condition, KEYWORDS, MEANING, Point, TIME, WORDS};
use crate::{Embed, Entry, Error, Filter, Hit, Kind, Memory, Query, Recall};

/// Points written at once.
const CHUNK: usize = 256;

/// Size of a file of the write-ahead log.
const LOG_BYTES: usize = 4 * 1024 * 1024;

/// Free space in bytes that must be there before anything is written. The store maps files with holes into memory
/// (some 100 MB when new, 32 MB at a time later); filling a hole on a full disk is no error to catch but a SIGBUS,
/// which would end the whole server.
const ROOM_BYTES: u64 = 256 * 1024 * 1024;

/// Memory in a directory.
#[derive(Clone)]
pub struct EdgeMemory {
    shard: Arc<Shard>,
    meaning: Meaning,
}

struct Shard {
    place: PathBuf,
    edge: RwLock<EdgeShard>,
}

/// What `memory.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    folder: String,
    model: Option<String>,
    dimension: usize,
}

const MANIFEST: &str = "memory.json";
const FORMAT: u32 = 1;

impl EdgeMemory {
    /// Opens the memory in `directory`, or makes one there; `embed` adds search by meaning.
    ///
    /// # Errors
    /// Where the directory cannot be used or was made by a newer version.
    pub async fn open(directory: &Path, embed: Option<Arc<dyn Embed>>) -> Result<Self, Error> {
        let meaning = Meaning(embed);
        let (place, shape) = (directory.to_owned(), meaning.shape());
        let (shard, former) = blocking(directory, move || open_folder(&place, shape)).await?;
        let memory = Self { shard: Arc::new(shard), meaning };
        if let Some((former, manifest)) = former {
            memory.move_from(former, directory, &manifest).await?;
        }
        Ok(memory)
    }

    /// Takes over every entry of a memory made with another embedding model, then names the new folder.
    async fn move_from(&self, former: Shard, directory: &Path, manifest: &Manifest) -> Result<(), Error> {
        let former = Arc::new(former);
        let mut from = None;
        loop {
            let source = Arc::clone(&former);
            let (entries, next) =
                blocking(directory, move || source.page(Some(&json!({})), from, CHUNK)).await?;
            self.store(entries).await?;
            from = next;
            if from.is_none() {
                break;
            }
        }
        let (place, manifest) = (directory.to_owned(), manifest.clone());
        let write = move || {
            write_manifest(&place, &manifest)?;
            let old = former.place.clone();
            drop(former);
            std::fs::remove_dir_all(&old).map_err(|e| failed(&place, &e))
        };
        blocking(directory, write).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shard) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shard = Arc::clone(&self.shard);
        let place = self.shard.place.clone();
        blocking(&place, move || work(&shard)).await
    }
}

/// Runs blocking work; a panic inside the store becomes an error.
async fn blocking<T: Send + 'static>(
    place: &Path,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|e| failed(place, &e))?
}

fn failed(place: &Path, detail: &dyn std::fmt::Display) -> Error {
    Error::Store { place: place.display().to_string(), detail: detail.to_string() }
}

/// Refuses to write where the disk has too little room.
fn need_room(place: &Path, needed: u64) -> Result<(), Error> {
    let free = fs4::available_space(place).map_err(|e| failed(place, &e))?;
    if free < needed {
        return Err(Error::Full { place: place.display().to_string(), free, needed });
    }
    Ok(())
}

/// Opens the folder in use; with another embedding model, a fresh one and the former.
type Opened = (Shard, Option<(Shard, Manifest)>);

fn open_folder(directory: &Path, shape: Option<(String, usize)>) -> Result<Opened, Error> {
    std::fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
    need_room(directory, ROOM_BYTES)?;
    let (model, dimension) = shape.map_or((None, 0), |(name, dimension)| (Some(name), dimension));
    let wanted = |folder: &str| Manifest {
        format: FORMAT,
        folder: folder.to_owned(),
        model: model.clone(),
        dimension,
    };
    let Some(present) = read_manifest(directory)? else {
        let manifest = wanted("shard-1");
        let shard = Shard::create(&directory.join(&manifest.folder), dimension)?;
        write_manifest(directory, &manifest)?;
        return Ok((shard, None));
    };
    let shard = Shard::load(&directory.join(&present.folder))?;
    if present == wanted(&present.folder) {
        return Ok((shard, None));
    }
    let number = present.folder.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    let manifest = wanted(&format!("shard-{}", number.saturating_add(1)));
    let fresh = Shard::create(&directory.join(&manifest.folder), dimension)?;
    Ok((fresh, Some((shard, manifest))))
}

fn read_manifest(directory: &Path) -> Result<Option<Manifest>, Error> {
    let mismatch = |detail: String| Error::Mismatch { place: directory.display().to_string(), detail };
    let text = match std::fs::read_to_string(directory.join(MANIFEST)) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(directory, &e)),
    };
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| mismatch(format!("{MANIFEST} cannot be read: {e}")))?;
    if manifest.format != FORMAT {
        return Err(mismatch(format!("it has format {}, this version reads {FORMAT}", manifest.format)));
    }
    let plain = manifest.folder.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !plain || manifest.folder.is_empty() {
        return Err(mismatch(format!("{MANIFEST} names the folder {:?}", manifest.folder)));
    }
    Ok(Some(manifest))
}

/// Writes the manifest so that it is either the old or the new one, whatever happens.
fn write_manifest(directory: &Path, manifest: &Manifest) -> Result<(), Error> {
    let fail = |e: std::io::Error| failed(directory, &e);
    let text = serde_json::to_string_pretty(manifest).map_err(|e| failed(directory, &e))?;
    let next = directory.join("memory.json.next");
    let mut file = std::fs::File::create(&next).map_err(fail)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&next, directory.join(MANIFEST)).map_err(fail)?;
    std::fs::File::open(directory).and_then(|folder| folder.sync_all()).map_err(fail)
}

impl Shard {
    fn create(place: &Path, dimension: usize) -> Result<Self, Error> {
        if place.exists() {
            // Left by a move that a crash cut off; the manifest never named it.
            std::fs::remove_dir_all(place).map_err(|e| failed(place, &e))?;
        }
        std::fs::create_dir_all(place).map_err(|e| failed(place, &e))?;
        let mut config = EdgeConfig::builder()
            .sparse_vector(WORDS, EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build())
            .wal_options(WalOptions { segment_capacity: LOG_BYTES, ..WalOptions::default() });
        if dimension > 0 {
            config = config.vector(MEANING, EdgeVectorParams::builder(dimension, Distance::Cosine).build());
        }
        let edge = EdgeShard::new(place, config.build()).map_err(|e| failed(place, &e))?;
        let shard = Self { place: place.to_owned(), edge: RwLock::new(edge) };
        for (field, schema) in KEYWORDS.iter().map(|field| (*field, "keyword")).chain([(TIME, "integer")]) {
            shard.index(field, schema)?;
        }
        shard.edge.write().flush();
        Ok(shard)
    }

    fn load(place: &Path) -> Result<Self, Error> {
        let edge = EdgeShard::load(place, None).map_err(|e| failed(place, &e))?;
        Ok(Self { place: place.to_owned(), edge: RwLock::new(edge) })
    }

    fn fail(&self, detail: &dyn std::fmt::Display) -> Error {
        failed(&self.place, detail)
    }

    fn index(&self, field: &str, schema: &str) -> Result<(), Error> {
        let field_name = field.parse().map_err(|()| self.fail(&format!("no field {field}")))?;
        let field_schema = serde_json::from_value(json!(schema)).map_err(|e| self.fail(&e))?;
        let create = CreateIndex { field_name, field_schema: Some(field_schema) };
        let operation = UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(create));
        self.edge.write().update(operation).map_err(|e| self.fail(&e))
    }

    fn upsert(&self, points: Vec<Point>) -> Result<(), Error> {
        let edge = self.edge.write();
        let mut points = points.into_iter().peekable();
        while points.peek().is_some() {
            need_room(&self.place, ROOM_BYTES)?;
            let chunk: Vec<PointStructPersisted> =
                points.by_ref().take(CHUNK).map(|point| self.persisted(point)).collect::<Result<_, _>>()?;
            let insert = PointOperations::UpsertPoints(PointInsertOperations::PointsList(chunk));
            edge.update(UpdateOperation::PointOperation(insert)).map_err(|e| self.fail(&e))?;
        }
        edge.flush();
        Ok(())
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

    fn filter(&self, filter: Value) -> Result<EdgeFilter, Error> {
        serde_json::from_value(filter).map_err(|e| self.fail(&e))
    }

    /// Entries in the order of their numbers, and where the next page starts.
    fn page(
        &self,
        filter: Option<&Value>,
        offset: Option<PointId>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<PointId>), Error> {
        let filter = filter.map(|filter| self.filter(filter.clone())).transpose()?;
        let request = ScrollRequest { offset, limit: Some(limit), filter, ..ScrollRequest::default() };
        let (records, next) = self.edge.read().scroll(request).map_err(|e| self.fail(&e))?;
        let entries = records.into_iter().filter_map(|record| entry_of(record.payload)).collect();
        Ok((entries, next))
    }

    fn newest(&self, filter: Value, limit: usize) -> Result<Vec<Hit>, Error> {
        let order = json!({ "key": TIME, "direction": "desc" });
        let order_by = serde_json::from_value(order).map_err(|e| self.fail(&e))?;
        let filter = Some(self.filter(filter)?);
        let request = ScrollRequest {
            limit: Some(limit),
            filter,
            order_by: Some(order_by),
            ..ScrollRequest::default()
        };
        let (records, _) = self.edge.read().scroll(request).map_err(|e| self.fail(&e))?;
        let hit = |entry| Hit { entry, score: 0.0 };
        Ok(records.into_iter().filter_map(|record| entry_of(record.payload)).map(hit).collect())
    }

    fn nearest(
        &self,
        using: &str,
        vector: VectorInternal,
        filter: Value,
        limit: usize,
    ) -> Result<Vec<Hit>, Error> {
        let query = ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, using)));
        let request = QueryRequest {
            prefetches: Vec::new(),
            query: Some(query),
            filter: Some(self.filter(filter)?),
            score_threshold: None,
            limit,
            offset: 0,
            params: None,
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(true),
        };
        let points = self.edge.read().query(request).map_err(|e| self.fail(&e))?;
        let mut hits: Vec<Hit> = points
            .into_iter()
            .filter_map(|point| Some(Hit { entry: entry_of(point.payload)?, score: f64::from(point.score) }))
            .collect();
        fuse::sort(&mut hits);
        Ok(hits)
    }

    fn count(&self, filter: Value) -> Result<usize, Error> {
        let request = CountRequest { filter: Some(self.filter(filter)?), exact: true };
        self.edge.read().count(request).map_err(|e| self.fail(&e))
    }

    fn forget(&self, filter: Value) -> Result<usize, Error> {
        need_room(&self.place, ROOM_BYTES)?;
        let filter = self.filter(filter)?;
        let edge = self.edge.write();
        let request = CountRequest { filter: Some(filter.clone()), exact: true };
        let count = edge.count(request).map_err(|e| self.fail(&e))?;
        let delete = PointOperations::DeletePointsByFilter(filter);
        edge.update(UpdateOperation::PointOperation(delete)).map_err(|e| self.fail(&e))?;
        edge.flush();
        Ok(count)
    }
}

fn uuid(id: [u8; 16]) -> PointId {
    PointId::Uuid(Uuid::from_bytes(id))
}

fn entry_of(payload: Option<qdrant_edge::Payload>) -> Option<Entry> {
    point::decode(&Value::Object(payload?.0.into_iter().collect()))
}

/// Conditions in the store's own form.
fn filter_of(conditions: &[Condition]) -> Value {
    let must: Vec<Value> = conditions
        .iter()
        .map(|condition| match condition {
            Condition::OneOf(field, values) => json!({ "key": field, "match": { "any": values } }),
            Condition::SystemOrNone(system) => json!({ "should": [
                { "key": "system", "match": { "value": system } },
                { "is_empty": { "key": "system" } },
            ] }),
            Condition::Since(at) => json!({ "key": TIME, "range": { "gte": at } }),
            Condition::Before(at) => json!({ "key": TIME, "range": { "lt": at } }),
        })
        .collect();
    json!({ "must": must })
}

#[async_trait]
impl Memory for EdgeMemory {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), Error> {
        point::check(&entries)?;
        if entries.is_empty() {
            return Ok(());
        }
        let meanings = self.meaning.of_entries(&entries).await;
        let points = entries.iter().zip(meanings).map(|(entry, m)| point::encode(entry, m)).collect();
        self.run(move |shard| shard.upsert(points)).await
    }

    async fn recall(&self, query: Query) -> Result<Recall, Error> {
        let limit = query.limit.min(HITS_LIMIT);
        let filter = filter_of(&point::conditions_of_query(&query));
        if limit == 0 {
            return Ok(Recall::default());
        }
        if query.text.trim().is_empty() {
            let hits = self.run(move |shard| shard.newest(filter, limit)).await?;
            return Ok(Recall { hits, degraded: None });
        }
        let (meaning, degraded) = self.meaning.of_query(&query.text).await;
        let (indices, values) = bm25::query(cut(&query.text));
        let hits = self
            .run(move |shard| {
                // Fusing needs more of each order than it gives in the end.
                let depth = if meaning.is_some() { (limit * 3).max(50) } else { limit };
                let mut lists = Vec::new();
                if !indices.is_empty() {
                    let words = Vector::new_sparse(indices, values).map_err(|e| shard.fail(&e))?;
                    lists.push(shard.nearest(WORDS, words.into(), filter.clone(), depth)?);
                }
                let Some(meaning) = meaning else { return Ok(lists.pop().unwrap_or_default()) };
                lists.push(shard.nearest(MEANING, VectorInternal::Dense(meaning), filter, depth)?);
                Ok(fuse::reciprocal_rank(lists, limit))
            })
            .await?;
        Ok(Recall { hits, degraded })
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, Error> {
        let number = uuid(point::point_id(organisation, id));
        self.run(move |shard| {
            let found = shard.edge.read().retrieve(&[number], None, None).map_err(|e| shard.fail(&e))?;
            Ok(found.into_iter().find_map(|record| entry_of(record.payload)))
        })
        .await
    }

    async fn forget(&self, filter: Filter) -> Result<usize, Error> {
        let filter = filter_of(&point::conditions_of_filter(&filter)?);
        self.run(move |shard| shard.forget(filter)).await
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, Error> {
        let kinds = kind.into_iter().map(|kind| Condition::OneOf("kind", vec![kind.as_str().to_owned()]));
        let filter = filter_of(&kinds.collect::<Vec<_>>());
        self.run(move |shard| shard.count(filter)).await
    }
}

#[cfg(test)]
mod tests {
    use super::{ROOM_BYTES, need_room};
    use crate::Error;

    #[test]
    fn a_disk_with_too_little_room_is_refused_before_anything_is_written() {
        let folder = tempfile::TempDir::new().unwrap();
        need_room(folder.path(), ROOM_BYTES).unwrap();
        let error = need_room(folder.path(), u64::MAX).unwrap_err();
        assert!(
            matches!(&error, Error::Full { needed: u64::MAX, free, .. } if *free > ROOM_BYTES),
            "{error}"
        );
        assert_eq!(error.code(), "MEM-0005");
    }
}
