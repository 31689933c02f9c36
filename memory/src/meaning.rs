//! Meaning: asks the embedding model where there is one, and says why there are no vectors where it is down.

use std::sync::Arc;

use crate::entry::QUERY_LIMIT_BYTES;
use crate::{Embed, Entry};

/// The embedding model, if any.
#[derive(Clone)]
pub(crate) struct Meaning(pub(crate) Option<Arc<dyn Embed>>);

impl Meaning {
    /// Name and length of the vectors.
    pub(crate) fn shape(&self) -> Option<(String, usize)> {
        self.0.as_ref().map(|embed| (embed.name().to_owned(), embed.dimension()))
    }

    /// The vectors of entries; without any where the model is down: these are found by their words alone.
    pub(crate) async fn of_entries(&self, entries: &[Entry]) -> Vec<Option<Vec<f32>>> {
        let texts: Vec<String> =
            entries.iter().map(|entry| cut(&format!("{}\n{}", entry.title, entry.text)).to_owned()).collect();
        match self.of_texts(&texts).await {
            Some(Ok(vectors)) => vectors.into_iter().map(Some).collect(),
            Some(Err(reason)) => {
                tracing::warn!(%reason, entries = entries.len(), "stored without vectors of meaning");
                vec![None; entries.len()]
            }
            None => vec![None; entries.len()],
        }
    }

    /// The vector of a query, or why there is none.
    pub(crate) async fn of_query(&self, text: &str) -> (Option<Vec<f32>>, Option<String>) {
        match self.of_texts(&[cut(text).to_owned()]).await {
            None => (None, None),
            Some(Ok(mut vectors)) => (vectors.pop(), None),
            Some(Err(reason)) => (None, Some(format!("only words were compared, not meaning: {reason}"))),
        }
    }

    async fn of_texts(&self, texts: &[String]) -> Option<Result<Vec<Vec<f32>>, String>> {
        let embed = self.0.as_ref()?;
        if texts.is_empty() {
            return Some(Ok(Vec::new()));
        }
        let found = embed.embed(texts).await.and_then(|vectors| {
            let fits = |v: &Vec<f32>| v.len() == embed.dimension() && v.iter().all(|x| x.is_finite());
            if vectors.len() == texts.len() && vectors.iter().all(fits) {
                Ok(vectors)
            } else {
                Err(format!("{} did not give {} vectors of {}", embed.name(), texts.len(), embed.dimension()))
            }
        });
        Some(found)
    }
}

/// At most [`QUERY_LIMIT_BYTES`] of a text, not cutting a letter.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(QUERY_LIMIT_BYTES)]
}
