//! Vector memory: which home it has, and the model's embeddings behind memory's port.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use memory::{BestEffort, EdgeMemory, Embed, Memory, ServerConfig, ServerMemory};

use crate::configuration::Configuration;
use crate::failure::Failure;

/// Opens memory where the configuration says; a memory that fails later answers less, and says so.
pub(super) async fn open(
    configuration: &Configuration,
    data_directory: &Path,
    model: Option<&Arc<dyn llm::Model>>,
) -> Result<Arc<dyn Memory>, Failure> {
    let embed = embeddings(configuration, model).await;
    let failed = |error: memory::Error, hint: &str| Failure::work(error.code(), &error, hint);
    if configuration.memory.url.is_empty() {
        let edge = EdgeMemory::open(&data_directory.join("memory"), embed).await.map_err(|error| {
            failed(
                error,
                "move the folder memory away; `procos memory rebuild` fills a new one from the trail",
            )
        })?;
        return Ok(Arc::new(BestEffort::new(Arc::new(edge))));
    }
    let key = configuration.memory.api_key.reveal();
    let mut server = ServerConfig::new(&configuration.memory.url);
    server.api_key = (!key.is_empty()).then(|| key.to_owned());
    let server = ServerMemory::open(&server, embed).await.map_err(|error| {
        failed(error, "check memory.url, or leave it empty to keep memory in the data directory")
    })?;
    Ok(Arc::new(BestEffort::new(Arc::new(server))))
}

/// The model's embeddings, where an embedding model is configured and answers; otherwise words alone are searched.
async fn embeddings(
    configuration: &Configuration,
    model: Option<&Arc<dyn llm::Model>>,
) -> Option<Arc<dyn Embed>> {
    let name = configuration.model.embedding_model.clone()?;
    let model = Arc::clone(model?);
    match model.embed(&["dimension".to_owned()]).await {
        Ok(answer) => {
            let dimension = answer.vectors.first().map_or(0, Vec::len);
            (dimension > 0).then(|| Arc::new(ModelEmbeddings { model, name, dimension }) as Arc<dyn Embed>)
        }
        Err(error) => {
            tracing::warn!(%error, "the embedding model does not answer: memory searches words alone");
            None
        }
    }
}

struct ModelEmbeddings {
    model: Arc<dyn llm::Model>,
    name: String,
    dimension: usize,
}

#[async_trait]
impl Embed for ModelEmbeddings {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        self.model.embed(texts).await.map(|answer| answer.vectors).map_err(|error| error.to_string())
    }
}
