//! Memory over gRPC against a server in this process that speaks Qdrant's protocol and keeps points in a map.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ::qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use ::qdrant_client::qdrant::condition::ConditionOneOf;
use ::qdrant_client::qdrant::r#match::MatchValue;
use ::qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use ::qdrant_client::qdrant::points_server::{Points, PointsServer};
use ::qdrant_client::qdrant::vector_input::Variant as Input;
use ::qdrant_client::qdrant::{query::Variant as QueryVariant, vectors::VectorsOptions, *};
use parking_lot::Mutex;
use tonic::{Request, Response, Status};

use super::{ServerConfig, ServerMemory};
use crate::{BestEffort, Entry, Error, Filter as Forget, Kind, Memory, Query as Ask};

type Answer<T> = Result<Response<T>, Status>;

fn unused<T>() -> Answer<T> {
    Err(Status::unimplemented("not used by memory"))
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    created: Vec<CreateCollection>,
    indexed: Vec<String>,
    points: BTreeMap<String, PointStruct>,
    keys: Vec<Option<String>>,
    down: bool,
}

fn name_of(id: &Option<PointId>) -> String {
    format!("{:?}", id.as_ref().unwrap())
}

fn holds(filter: &Filter, payload: &HashMap<String, Value>) -> bool {
    filter.must.iter().all(|c| is_met(c, payload))
        && (filter.should.is_empty() || filter.should.iter().any(|c| is_met(c, payload)))
}

fn is_met(condition: &Condition, payload: &HashMap<String, Value>) -> bool {
    match condition.condition_one_of.as_ref().unwrap() {
        ConditionOneOf::Filter(inner) => holds(inner, payload),
        ConditionOneOf::IsEmpty(field) => !payload.contains_key(&field.key),
        ConditionOneOf::Field(field) => {
            let Some(value) = payload.get(&field.key) else { return false };
            if let Some(range) = &field.range {
                let number = value.as_integer().unwrap() as f64;
                return range.gte.is_none_or(|gte| number >= gte) && range.lt.is_none_or(|lt| number < lt);
            }
            match field.r#match.as_ref().unwrap().match_value.as_ref().unwrap() {
                MatchValue::Keyword(word) => value.as_str() == Some(word),
                MatchValue::Keywords(words) => words.strings.iter().any(|word| value.as_str() == Some(word)),
                other => panic!("memory never asks for {other:?}"),
            }
        }
        other => panic!("memory never asks for {other:?}"),
    }
}

#[expect(deprecated, reason = "older clients and the type itself still have these fields")]
fn words_of(point: &PointStruct) -> HashMap<u32, f32> {
    let Some(VectorsOptions::Vectors(named)) = &point.vectors.as_ref().unwrap().vectors_options else {
        panic!("memory names its vectors")
    };
    let vector = &named.vectors["words"];
    match &vector.vector {
        Some(vector::Vector::Sparse(sparse)) => {
            sparse.indices.iter().copied().zip(sparse.values.iter().copied()).collect()
        }
        _ => {
            let indices = vector.indices.as_ref().unwrap();
            indices.data.iter().copied().zip(vector.data.iter().copied()).collect()
        }
    }
}

#[tonic::async_trait]
impl Points for Server {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Answer<PointsOperationResponse> {
        let mut kept = self.0.lock();
        let key = request.metadata().get("api-key").map(|key| key.to_str().unwrap().to_owned());
        kept.keys.push(key);
        for point in request.into_inner().points {
            kept.points.insert(name_of(&point.id), point);
        }
        Ok(Response::new(PointsOperationResponse::default()))
    }
    async fn delete(&self, request: Request<DeletePoints>) -> Answer<PointsOperationResponse> {
        let Some(PointsSelectorOneOf::Filter(filter)) =
            request.into_inner().points.unwrap().points_selector_one_of
        else {
            panic!("memory forgets by filter")
        };
        self.0.lock().points.retain(|_, point| !holds(&filter, &point.payload));
        Ok(Response::new(PointsOperationResponse::default()))
    }
    async fn get(&self, request: Request<GetPoints>) -> Answer<GetResponse> {
        let kept = self.0.lock();
        let ids = request.into_inner().ids;
        let found = ids.into_iter().filter_map(|id| kept.points.get(&name_of(&Some(id))));
        let result = found
            .map(|p| RetrievedPoint { id: p.id.clone(), payload: p.payload.clone(), ..Default::default() })
            .collect();
        Ok(Response::new(GetResponse { result, ..Default::default() }))
    }
    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        self.0.lock().indexed.push(request.into_inner().field_name);
        Ok(Response::new(PointsOperationResponse::default()))
    }
    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        let request = request.into_inner();
        let filter = request.filter.unwrap();
        let limit = request.limit.unwrap() as usize;
        let Some(order) = request.order_by else {
            let kept = self.0.lock();
            let from = request.offset.map(|id| name_of(&Some(id))).unwrap_or_default();
            let mut found = kept.points.range(from..).filter(|(_, p)| holds(&filter, &p.payload));
            let page = found.by_ref().take(limit).map(|(_, p)| p.clone());
            let result: Vec<_> =
                page.map(|p| RetrievedPoint { id: p.id, payload: p.payload, ..Default::default() }).collect();
            let next_page_offset = found.next().and_then(|(_, p)| p.id.clone());
            return Ok(Response::new(ScrollResponse { result, next_page_offset, ..Default::default() }));
        };
        assert_eq!((order.key.as_str(), order.direction), ("at_ms", Some(Direction::Desc.into())));
        let mut found: Vec<PointStruct> =
            self.0.lock().points.values().filter(|p| holds(&filter, &p.payload)).cloned().collect();
        found.sort_by_key(|point| std::cmp::Reverse(point.payload["at_ms"].as_integer()));
        found.truncate(limit);
        let result =
            found.into_iter().map(|p| RetrievedPoint { id: p.id, payload: p.payload, ..Default::default() });
        Ok(Response::new(ScrollResponse { result: result.collect(), ..Default::default() }))
    }
    async fn count(&self, request: Request<CountPoints>) -> Answer<CountResponse> {
        let filter = request.into_inner().filter.unwrap();
        let count = self.0.lock().points.values().filter(|p| holds(&filter, &p.payload)).count() as u64;
        Ok(Response::new(CountResponse { result: Some(CountResult { count }), ..Default::default() }))
    }
    async fn query(&self, request: Request<QueryPoints>) -> Answer<QueryResponse> {
        let request = request.into_inner();
        assert_eq!(request.using.as_deref(), Some("words"));
        let Some(QueryVariant::Nearest(VectorInput { variant: Some(Input::Sparse(asked)) })) =
            request.query.unwrap().variant
        else {
            panic!("memory asks for the nearest")
        };
        let kept = self.0.lock();
        if kept.down {
            return Err(Status::unavailable("restarting"));
        }
        let filter = request.filter.unwrap();
        let n = kept.points.len() as f32;
        let idf = |word: u32| {
            let df = kept.points.values().filter(|p| words_of(p).contains_key(&word)).count() as f32;
            (1.0 + (n - df + 0.5) / (df + 0.5)).ln()
        };
        let mut result: Vec<ScoredPoint> = Vec::new();
        for point in kept.points.values().filter(|p| holds(&filter, &p.payload)) {
            let words = words_of(point);
            let weigh = |(at, weight): (&u32, &f32)| words.get(at).map_or(0.0, |w| w * weight * idf(*at));
            let score: f32 = asked.indices.iter().zip(&asked.values).map(weigh).sum();
            if score > 0.0 {
                let payload = point.payload.clone();
                result.push(ScoredPoint { id: point.id.clone(), payload, score, ..Default::default() });
            }
        }
        result.sort_by(|a, b| b.score.total_cmp(&a.score));
        result.truncate(request.limit.unwrap() as usize);
        Ok(Response::new(QueryResponse { result, ..Default::default() }))
    }
    async fn update_vectors(&self, _: Request<UpdatePointVectors>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn delete_vectors(&self, _: Request<DeletePointVectors>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn set_payload(&self, _: Request<SetPayloadPoints>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn overwrite_payload(&self, _: Request<SetPayloadPoints>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn delete_payload(&self, _: Request<DeletePayloadPoints>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn clear_payload(&self, _: Request<ClearPayloadPoints>) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn delete_field_index(
        &self,
        _: Request<DeleteFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn create_vector_name(
        &self,
        _: Request<CreateVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn delete_vector_name(
        &self,
        _: Request<DeleteVectorNameRequest>,
    ) -> Answer<PointsOperationResponse> {
        unused()
    }
    async fn search(&self, _: Request<SearchPoints>) -> Answer<SearchResponse> {
        unused()
    }
    async fn search_batch(&self, _: Request<SearchBatchPoints>) -> Answer<SearchBatchResponse> {
        unused()
    }
    async fn search_groups(&self, _: Request<SearchPointGroups>) -> Answer<SearchGroupsResponse> {
        unused()
    }
    async fn recommend(&self, _: Request<RecommendPoints>) -> Answer<RecommendResponse> {
        unused()
    }
    async fn recommend_batch(&self, _: Request<RecommendBatchPoints>) -> Answer<RecommendBatchResponse> {
        unused()
    }
    async fn recommend_groups(&self, _: Request<RecommendPointGroups>) -> Answer<RecommendGroupsResponse> {
        unused()
    }
    async fn discover(&self, _: Request<DiscoverPoints>) -> Answer<DiscoverResponse> {
        unused()
    }
    async fn discover_batch(&self, _: Request<DiscoverBatchPoints>) -> Answer<DiscoverBatchResponse> {
        unused()
    }
    async fn update_batch(&self, _: Request<UpdateBatchPoints>) -> Answer<UpdateBatchResponse> {
        unused()
    }
    async fn query_batch(&self, _: Request<QueryBatchPoints>) -> Answer<QueryBatchResponse> {
        unused()
    }
    async fn query_groups(&self, _: Request<QueryPointGroups>) -> Answer<QueryGroupsResponse> {
        unused()
    }
    async fn facet(&self, _: Request<FacetCounts>) -> Answer<FacetResponse> {
        unused()
    }
    async fn search_matrix_pairs(&self, _: Request<SearchMatrixPoints>) -> Answer<SearchMatrixPairsResponse> {
        unused()
    }
    async fn search_matrix_offsets(
        &self,
        _: Request<SearchMatrixPoints>,
    ) -> Answer<SearchMatrixOffsetsResponse> {
        unused()
    }
}

#[tonic::async_trait]
impl Collections for Server {
    async fn get(&self, _: Request<GetCollectionInfoRequest>) -> Answer<GetCollectionInfoResponse> {
        let created = self.0.lock().created[0].clone();
        let params = CollectionParams { vectors_config: created.vectors_config, ..Default::default() };
        let config = CollectionConfig { params: Some(params), ..Default::default() };
        let result = Some(CollectionInfo { config: Some(config), ..Default::default() });
        Ok(Response::new(GetCollectionInfoResponse { result, ..Default::default() }))
    }
    async fn create(&self, request: Request<CreateCollection>) -> Answer<CollectionOperationResponse> {
        self.0.lock().created.push(request.into_inner());
        Ok(Response::new(CollectionOperationResponse { result: true, ..Default::default() }))
    }
    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Answer<CollectionExistsResponse> {
        let name = request.into_inner().collection_name;
        let exists = self.0.lock().created.iter().any(|created| created.collection_name == name);
        let result = Some(CollectionExists { exists });
        Ok(Response::new(CollectionExistsResponse { result, ..Default::default() }))
    }
    async fn list(&self, _: Request<ListCollectionsRequest>) -> Answer<ListCollectionsResponse> {
        unused()
    }
    async fn update(&self, _: Request<UpdateCollection>) -> Answer<CollectionOperationResponse> {
        unused()
    }
    async fn delete(&self, _: Request<DeleteCollection>) -> Answer<CollectionOperationResponse> {
        unused()
    }
    async fn update_aliases(&self, _: Request<ChangeAliases>) -> Answer<CollectionOperationResponse> {
        unused()
    }
    async fn list_collection_aliases(
        &self,
        _: Request<ListCollectionAliasesRequest>,
    ) -> Answer<ListAliasesResponse> {
        unused()
    }
    async fn list_aliases(&self, _: Request<ListAliasesRequest>) -> Answer<ListAliasesResponse> {
        unused()
    }
    async fn collection_cluster_info(
        &self,
        _: Request<CollectionClusterInfoRequest>,
    ) -> Answer<CollectionClusterInfoResponse> {
        unused()
    }
    async fn update_collection_cluster_setup(
        &self,
        _: Request<UpdateCollectionClusterSetupRequest>,
    ) -> Answer<UpdateCollectionClusterSetupResponse> {
        unused()
    }
    async fn create_shard_key(&self, _: Request<CreateShardKeyRequest>) -> Answer<CreateShardKeyResponse> {
        unused()
    }
    async fn delete_shard_key(&self, _: Request<DeleteShardKeyRequest>) -> Answer<DeleteShardKeyResponse> {
        unused()
    }
    async fn list_shard_keys(&self, _: Request<ListShardKeysRequest>) -> Answer<ListShardKeysResponse> {
        unused()
    }
}

/// Starts the server; it ends with its task.
async fn start() -> (Server, ServerConfig, tokio::task::JoinHandle<()>) {
    let server = Server::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tonic::transport::Server::builder()
        .add_service(PointsServer::new(server.clone()))
        .add_service(CollectionsServer::new(server.clone()))
        .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
    let task = tokio::spawn(async move { serving.await.unwrap() });
    (server, ServerConfig::new(&format!("http://{address}")), task)
}

async fn open(config: &ServerConfig) -> ServerMemory {
    ServerMemory::open(config, None).await.unwrap()
}

fn entries() -> Vec<Entry> {
    let entry = |(i, kind): (usize, Kind)| {
        let mut entry =
            Entry::new(&format!("e{i}"), kind, kind.as_str(), "a turbine blade", 1_000 + i as i64);
        entry.payload = serde_json::json!({"number": i, "list": [null, 1.5]});
        entry.system = (i % 2 == 0).then(|| "engine".to_owned());
        entry
    };
    Kind::ALL.into_iter().enumerate().map(entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_works_over_the_protocol_of_a_server() {
    let (server, mut config, task) = start().await;
    config.api_key = Some("q-secret".to_owned());
    let memory = open(&config).await;
    {
        let kept = server.0.lock();
        let sparse = kept.created[0].sparse_vectors_config.as_ref().unwrap();
        assert_eq!(sparse.map["words"].modifier, Some(Modifier::Idf.into()));
        assert_eq!(kept.indexed, ["id", "kind", "organisation", "system", "source", "at_ms"]);
    }
    memory.store(entries()).await.unwrap();
    memory.store(entries()).await.unwrap();
    assert_eq!(memory.count(None).await.unwrap(), 7);
    assert_eq!(server.0.lock().keys, vec![Some("q-secret".to_owned()); 2]);
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        let recall = memory.recall(Ask::new("turbines").of_kinds(&[kind])).await.unwrap();
        assert_eq!(recall.hits.len(), 1);
        assert_eq!(recall.hits[0].entry, entries()[i], "it comes back as it went in");
    }
    let of = |general| Ask { system: Some("engine".into()), general, ..Ask::new("blade") };
    assert_eq!(memory.recall(of(true)).await.unwrap().hits.len(), 7);
    assert_eq!(memory.recall(of(false)).await.unwrap().hits.len(), 4);
    let since = Ask { since_ms: Some(1_005), ..Ask::default() };
    let newest: Vec<String> =
        memory.recall(since).await.unwrap().hits.into_iter().map(|hit| hit.entry.id).collect();
    assert_eq!(newest, ["e6", "e5"]);
    assert_eq!(memory.get("local", "e3").await.unwrap().unwrap(), entries()[3]);
    let old = Forget { before_ms: Some(1_002), ..Forget::default() };
    assert_eq!(memory.forget(old).await.unwrap(), 2);
    assert_eq!(memory.count(Some(Kind::Bpmn)).await.unwrap(), 0);
    assert!(!format!("{config:?}").contains("q-secret"));
    let again = open(&config).await;
    assert_eq!((again.count(None).await.unwrap(), server.0.lock().created.len()), (5, 1));
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_speaks_of_a_subject_is_forgotten_page_by_page() {
    let (_server, config, task) = start().await;
    let memory = open(&config).await;
    memory.store(crate::tests::about_acme(600)).await.unwrap();
    let about = Forget { about: Some("acme LTD".to_owned()), ..Forget::default() };
    assert_eq!(memory.forget(about).await.unwrap(), 5);
    assert_eq!(memory.count(None).await.unwrap(), 595);
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_named_and_recalls_are_marked() {
    let (server, config, task) = start().await;
    let memory = open(&config).await;
    server.0.lock().down = true;
    let recall = BestEffort::new(Arc::new(memory)).recall(Ask::new("x")).await.unwrap();
    let marked = recall.degraded.unwrap();
    assert!(marked.contains(&config.url) && marked.contains("restarting"), "{marked}");
    let nobody = ServerConfig::new("http://127.0.0.1:9");
    assert!(matches!(ServerMemory::open(&nobody, None).await, Err(Error::Store { .. })));
    task.abort();
}
