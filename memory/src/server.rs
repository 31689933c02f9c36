//! Memory on a Qdrant server or cluster, over gRPC: the same points as in the data directory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::vectors_config::Config as VectorsKind;
use qdrant_client::qdrant::{
    Condition as ServerCondition, CountPointsBuilder, CreateCollectionBuilder,
    CreateFieldIndexCollectionBuilder, DeletePointsBuilder, Direction, Distance, FieldType,
    Filter as ServerFilter, GetPointsBuilder, Modifier, NamedVectors, OrderBy, PointId, PointStruct,
    Query as ServerQuery, QueryPointsBuilder, Range, ScrollPointsBuilder, SparseVectorParamsBuilder,
    SparseVectorsConfigBuilder, UpsertPointsBuilder, Value, Vector, VectorInput, VectorParamsBuilder,
    VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use qdrant_edge::external::uuid::Uuid;

use crate::bm25;
use crate::entry::HITS_LIMIT;
use crate::fuse;
use crate::meaning::{Meaning, cut};
use crate::point::{self, Condition, KEYWORDS, MEANING, Point, TIME, WORDS};
use crate::{Embed, Entry, Error, Filter, Hit, Kind, Memory, Query, Recall};

/// Points of one request.
const CHUNK: usize = 256;

/// Bytes of the payloads of one request; a larger single point goes alone.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// Where a Qdrant server is.
#[derive(Clone)]
pub struct ServerConfig {
    /// Address of its gRPC port, e.g. `http://127.0.0.1:6334`.
    pub url: String,
    /// Key, where it wants one; never shown.
    pub api_key: Option<String>,
    /// Name of the collection.
    pub collection: String,
    /// Milliseconds a request may take.
    pub timeout_ms: u64,
}

impl ServerConfig {
    /// The collection `procos` of the server at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), api_key: None, collection: "procos".to_owned(), timeout_ms: 10_000 }
    }
}

impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.api_key.as_ref().map(|_| "***");
        f.debug_struct("ServerConfig")
            .field("url", &self.url)
            .field("api_key", &key)
            .field("collection", &self.collection)
            .field("timeout_ms", &self.timeout_ms)
            .finish()
    }
}

/// Memory on a Qdrant server.
#[derive(Clone)]
pub struct ServerMemory {
    client: Arc<Qdrant>,
    url: String,
    collection: String,
    meaning: Meaning,
}

impl ServerMemory {
    /// Connects, and makes the collection where it is missing; `embed` adds search by meaning.
    ///
    /// # Errors
    /// Where the server does not answer, or its collection was made for other vectors.
    pub async fn open(config: &ServerConfig, embed: Option<Arc<dyn Embed>>) -> Result<Self, Error> {
        let timeout = Duration::from_millis(config.timeout_ms.max(1));
        // The check of versions would print to the terminal.
        let mut builder = Qdrant::from_url(&config.url)
            .timeout(timeout)
            .connect_timeout(timeout)
            .skip_compatibility_check();
        if let Some(key) = &config.api_key {
            builder = builder.api_key(key.as_str());
        }
        let fail = |e: QdrantError| Error::Store { place: config.url.clone(), detail: e.to_string() };
        let client = Arc::new(builder.build().map_err(fail)?);
        let (url, collection) = (config.url.clone(), config.collection.clone());
        let memory = Self { client, url, collection, meaning: Meaning(embed) };
        if memory.client.collection_exists(&memory.collection).await.map_err(fail)? {
            memory.compare().await?;
        } else {
            memory.create().await?;
        }
        Ok(memory)
    }

    async fn create(&self) -> Result<(), Error> {
        let mut words = SparseVectorsConfigBuilder::default();
        words.add_named_vector_params(WORDS, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
        let mut create = CreateCollectionBuilder::new(&self.collection).sparse_vectors_config(words);
        if let Some((_, dimension)) = self.meaning.shape() {
            let mut meaning = VectorsConfigBuilder::default();
            meaning.add_named_vector_params(
                MEANING,
                VectorParamsBuilder::new(dimension as u64, Distance::Cosine),
            );
            create = create.vectors_config(meaning);
        }
        self.client.create_collection(create).await.map_err(|e| self.fail(&e))?;
        let fields = KEYWORDS.iter().map(|field| (*field, FieldType::Keyword));
        for (field, kind) in fields.chain([(TIME, FieldType::Integer)]) {
            let index = CreateFieldIndexCollectionBuilder::new(&self.collection, field, kind).wait(true);
            self.client.create_field_index(index).await.map_err(|e| self.fail(&e))?;
        }
        Ok(())
    }

    /// Refuses a collection whose vectors have another length than the embedding model's.
    async fn compare(&self) -> Result<(), Error> {
        let answer = self.client.collection_info(&self.collection).await.map_err(|e| self.fail(&e))?;
        let params = answer.result.and_then(|found| found.config).and_then(|config| config.params);
        let vectors = params.and_then(|params| params.vectors_config).and_then(|vectors| vectors.config);
        let found = match vectors {
            Some(VectorsKind::ParamsMap(map)) => map.map.get(MEANING).map(|params| params.size),
            _ => None,
        };
        let wanted = self.meaning.shape().map(|(_, dimension)| dimension as u64);
        if wanted.is_none() || found == wanted {
            return Ok(());
        }
        let detail =
            format!("collection {} has vectors of {found:?}, wanted are {wanted:?}", self.collection);
        Err(Error::Mismatch { place: self.url.clone(), detail })
    }

    fn fail(&self, error: &QdrantError) -> Error {
        Error::Store { place: self.url.clone(), detail: error.to_string() }
    }

    async fn upsert(&self, points: Vec<PointStruct>) -> Result<(), Error> {
        let request = UpsertPointsBuilder::new(&self.collection, points).wait(true);
        self.client.upsert_points(request).await.map_err(|e| self.fail(&e))?;
        Ok(())
    }

    async fn nearest(
        &self,
        using: &str,
        vector: VectorInput,
        filter: ServerFilter,
        limit: usize,
    ) -> Result<Vec<Hit>, Error> {
        let request = QueryPointsBuilder::new(&self.collection)
            .query(ServerQuery::new_nearest(vector))
            .using(using)
            .filter(filter)
            .limit(limit as u64)
            .with_payload(true);
        let answer = self.client.query(request).await.map_err(|e| self.fail(&e))?;
        let hit = |point: qdrant_client::qdrant::ScoredPoint| {
            Some(Hit { entry: entry_of(point.payload)?, score: f64::from(point.score) })
        };
        let mut hits: Vec<Hit> = answer.result.into_iter().filter_map(hit).collect();
        fuse::sort(&mut hits);
        Ok(hits)
    }

    async fn newest(&self, filter: ServerFilter, limit: usize) -> Result<Vec<Hit>, Error> {
        let direction = Some(Direction::Desc.into());
        let order = OrderBy { key: TIME.to_owned(), direction, start_from: None };
        let request = ScrollPointsBuilder::new(&self.collection)
            .filter(filter)
            .limit(u32::try_from(limit).unwrap_or(u32::MAX))
            .order_by(order)
            .with_payload(true);
        let answer = self.client.scroll(request).await.map_err(|e| self.fail(&e))?;
        let entries = answer.result.into_iter().filter_map(|point| entry_of(point.payload));
        Ok(entries.map(|entry| Hit { entry, score: 0.0 }).collect())
    }

    /// What entries say has no index: they are looked through.
    async fn forget_about(&self, filter: &Filter, conditions: ServerFilter) -> Result<usize, Error> {
        let mut request = ScrollPointsBuilder::new(&self.collection)
            .filter(conditions)
            .limit(u32::try_from(CHUNK).unwrap_or(u32::MAX))
            .with_payload(true);
        let mut forgotten = 0;
        loop {
            let answer = self.client.scroll(request.clone()).await.map_err(|e| self.fail(&e))?;
            let entries = answer.result.into_iter().filter_map(|point| entry_of(point.payload));
            for named in filter.named(&entries.collect::<Vec<_>>()) {
                forgotten += self.forget(named).await?;
            }
            let Some(next) = answer.next_page_offset else { return Ok(forgotten) };
            request = request.offset(next);
        }
    }

    async fn count_where(&self, filter: ServerFilter) -> Result<usize, Error> {
        let request = CountPointsBuilder::new(&self.collection).filter(filter).exact(true);
        let answer = self.client.count(request).await.map_err(|e| self.fail(&e))?;
        Ok(answer.result.map_or(0, |found| usize::try_from(found.count).unwrap_or(usize::MAX)))
    }
}

fn number(id: [u8; 16]) -> PointId {
    PointId::from(Uuid::from_bytes(id).to_string())
}

fn server_point(point: Point) -> PointStruct {
    let (indices, values) = point.words;
    let mut vectors = NamedVectors::default().add_vector(WORDS, Vector::new_sparse(indices, values));
    if let Some(meaning) = point.meaning {
        vectors = vectors.add_vector(MEANING, Vector::new_dense(meaning));
    }
    PointStruct::new(number(point.id), vectors, Payload::from(point.payload))
}

fn entry_of(payload: HashMap<String, Value>) -> Option<Entry> {
    let fields = payload.into_iter().map(|(name, value)| (name, value.into_json())).collect();
    point::decode(&serde_json::Value::Object(fields))
}

/// Conditions in the server's own form.
#[expect(clippy::cast_precision_loss, reason = "milliseconds stay below 2^53 for 285,000 years")]
fn filter_of(conditions: &[Condition]) -> ServerFilter {
    let conditions = conditions.iter().map(|condition| match condition {
        Condition::OneOf(field, values) => ServerCondition::matches(*field, values.clone()),
        Condition::SystemOrNone(system) => ServerCondition::from(ServerFilter::any([
            ServerCondition::matches("system", system.clone()),
            ServerCondition::is_empty("system"),
        ])),
        Condition::Since(at) => {
            ServerCondition::range(TIME, Range { gte: Some(*at as f64), ..Range::default() })
        }
        Condition::Before(at) => {
            ServerCondition::range(TIME, Range { lt: Some(*at as f64), ..Range::default() })
        }
    });
    ServerFilter::all(conditions)
}

#[async_trait]
impl Memory for ServerMemory {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), Error> {
        point::check(&entries)?;
        let meanings = self.meaning.of_entries(&entries).await;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for (entry, meaning) in entries.iter().zip(meanings) {
            let point = point::encode(entry, meaning);
            let size: usize = point.payload.values().filter_map(|v| v.as_str()).map(str::len).sum();
            if !chunk.is_empty() && (chunk.len() >= CHUNK || bytes + size > CHUNK_BYTES) {
                self.upsert(std::mem::take(&mut chunk)).await?;
                bytes = 0;
            }
            bytes += size;
            chunk.push(server_point(point));
        }
        if chunk.is_empty() { Ok(()) } else { self.upsert(chunk).await }
    }

    async fn recall(&self, query: Query) -> Result<Recall, Error> {
        let limit = query.limit.min(HITS_LIMIT);
        let filter = filter_of(&point::conditions_of_query(&query));
        if limit == 0 {
            return Ok(Recall::default());
        }
        if query.text.trim().is_empty() {
            return Ok(Recall { hits: self.newest(filter, limit).await?, degraded: None });
        }
        let (meaning, degraded) = self.meaning.of_query(&query.text).await;
        let (indices, values) = bm25::query(cut(&query.text));
        let depth = if meaning.is_some() { (limit * 3).max(50) } else { limit };
        let mut lists = Vec::new();
        if !indices.is_empty() {
            let words = VectorInput::new_sparse(indices, values);
            lists.push(self.nearest(WORDS, words, filter.clone(), depth).await?);
        }
        let Some(meaning) = meaning else {
            return Ok(Recall { hits: lists.pop().unwrap_or_default(), degraded });
        };
        lists.push(self.nearest(MEANING, VectorInput::new_dense(meaning), filter, depth).await?);
        Ok(Recall { hits: fuse::hits(lists, limit), degraded })
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, Error> {
        let ids = vec![number(point::point_id(organisation, id))];
        let request = GetPointsBuilder::new(&self.collection, ids).with_payload(true);
        let answer = self.client.get_points(request).await.map_err(|e| self.fail(&e))?;
        Ok(answer.result.into_iter().find_map(|point| entry_of(point.payload)))
    }

    async fn forget(&self, filter: Filter) -> Result<usize, Error> {
        let conditions = filter_of(&point::conditions_of_filter(&filter)?);
        if filter.about.is_some() {
            return self.forget_about(&filter, conditions).await;
        }
        let filter = conditions;
        let count = self.count_where(filter.clone()).await?;
        let request = DeletePointsBuilder::new(&self.collection).points(filter).wait(true);
        self.client.delete_points(request).await.map_err(|e| self.fail(&e))?;
        Ok(count)
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, Error> {
        let kinds = kind.into_iter().map(|kind| Condition::OneOf("kind", vec![kind.as_str().to_owned()]));
        self.count_where(filter_of(&kinds.collect::<Vec<_>>())).await
    }
}

#[cfg(test)]
mod tests;
